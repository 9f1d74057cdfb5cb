//! Case files: parsed with spans, checked as a whole, kept as data; the built-in ones are part of the binary.

pub mod ability;
mod actor;
mod argument;
mod case;
mod control;
mod draft;
mod each;
mod expect;
mod fact;
mod load;
mod markdown;
mod matcher;
mod model;
mod path;
mod slip;
mod step;
mod tree;
mod use_check;
mod variable;
mod verb;
mod verbs;

pub use self::actor::CLIENTS;
pub use self::case::CASE_KEYS;
pub use self::fact::{Fact, Holds, facts};
pub use self::load::{File, Options, embedded_files, find};
pub use self::markdown::markdown;
pub use self::matcher::MATCHERS;
pub use self::model::{Capture, Case, Clause, Matcher, Step, Variant};
pub use self::slip::{CODES, Code};
pub use self::step::STEP_KEYS;
pub use self::variable::{Members, NAMESPACES, Namespace};
pub use self::verb::{Argument, Kind, Measure, Verb};

/// A set of cases that were read and found well-formed.
#[derive(Clone, Debug)]
pub struct Suites {
    /// The cases in order of id.
    pub cases: Vec<Case>,
}

impl Suites {
    /// The cases that are part of the binary.
    ///
    /// # Panics
    /// With the rendered complaints if they are not well-formed, which a build of edited suites can cause; use
    /// [`Suites::built_in`] where a person is to read them.
    pub fn embedded() -> &'static Self {
        Self::built_in().unwrap_or_else(|slips| panic!("{}", crate::diag::render(slips, false)))
    }

    /// The case called `id`.
    pub fn get(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }
}
