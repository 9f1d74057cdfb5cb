//! A case as data: what a file in `suites/` says once it has been read and found well-formed.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};

use super::{Measure, Verb};
use crate::diag::Source;

/// One dialogue with the target, written down in one file.
#[derive(Clone, Debug)]
pub struct Case {
    /// The path below the suite folder without `.toml`: `token/code-one-time`.
    pub id: String,
    /// One sentence that says what holds when the case passes.
    pub title: String,
    /// The folder the file lies in: `token`.
    pub area: String,
    /// Why the case exists, where the title does not tell.
    pub why: Option<String>,
    /// The abilities a target must have for the case to apply, words of [`super::ability::ABILITIES`].
    pub needs: Vec<String>,
    /// The faults of the reference deployments that turn the case red.
    pub faults: Vec<String>,
    /// How the case burdens the target, words of [`super::ability::TAGS`].
    pub tags: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The variants of the step that has `each`; empty if no step has.
    pub each: Vec<Variant>,
    /// The file.
    pub source: Source,
}

impl Case {
    /// The ids of the rules that the case judges under, in order of first use, those of variants included.
    pub fn rules(&self) -> Vec<&str> {
        let mut rules = Vec::new();
        let named = self.steps.iter().flat_map(|step| step.rule.iter().chain(&step.error_rule));
        let of_variants = self.each.iter().filter_map(|variant| variant.values.get("rule")?.as_str());
        for rule in named.map(String::as_str).filter(|rule| !rule.starts_with('$')).chain(of_variants) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        rules
    }

    /// Whether every variant begins by getting a token in the same way, and after that only presents tokens: then one token
    /// will do for all of them, as each presents the honest one too.
    #[must_use]
    pub fn shares_its_token(&self) -> bool {
        let Some((first, rest)) = self.steps.split_first() else { return false };
        let prepares = first.verb == Verb::Token && first.rule.is_none() && first.expect.is_empty();
        let presents = |step: &Step| matches!(step.verb, Verb::Call | Verb::Mutate);
        let controls = |step: &Step| step.verb == Verb::Call && step.rule.is_none() && !step.expect.is_empty();
        let differs = Value::Object(first.args.clone()).to_string().contains("$each");
        prepares && !differs && self.tags.is_empty() && rest.iter().all(presents) && rest.iter().any(controls)
    }

    /// Whether it waits for seconds (tag `slow`).
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.tags.iter().any(|tag| tag == "slow")
    }

    /// Whether no other case may run meanwhile (tag `alone`).
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.tags.iter().any(|tag| tag == "alone")
    }

    /// Whether a word stands anywhere in the file, be it as a part of another.
    #[must_use]
    pub fn mentions(&self, word: &str) -> bool {
        self.source.text.contains(word)
    }
}

/// One run of a case that has `each`: the whole case happens afresh, with `$each.KEY` filled in,
/// but see [`Case::shares_its_token`].
#[derive(Clone, Debug)]
pub struct Variant {
    /// The name it has in the file and in the report.
    pub name: String,
    /// What `$each.KEY` stands for; holds `rule` and `why` too, where the variant has them.
    pub values: Map<String, Value>,
    /// Abilities that this variant needs beyond those of its case.
    pub needs: Vec<String>,
}

/// One act of a case and what is to come of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub verb: Verb,
    /// Where it departs from the honest request; checked against [`Verb::arguments`], variables not filled in yet.
    ///
    /// For [`Verb::Repeat`] one of the keys is the verb that is repeated and holds that verb's arguments.
    pub args: Map<String, Value>,
    /// The rule under which the step judges (perhaps `$each.rule`); `None` if it only prepares.
    pub rule: Option<String>,
    /// The rule under which status and error of a refusal are judged, where it is not the verb's own.
    pub error_rule: Option<String>,
    /// What must hold afterwards, in the order of the file.
    pub expect: Vec<Clause>,
    /// `expect.refused`.
    pub refused: Option<bool>,
    /// Why the case does not apply where a preparing step does not come to what it expects; without it the case is blocked.
    pub otherwise: Option<String>,
    /// What later steps use of the outcome.
    pub captures: Vec<Capture>,
    /// Why the step is there.
    pub why: Option<String>,
    /// The line, counted from 1, in which the step's first key stands.
    pub line: usize,
    /// Where the verb stands, as bytes of the file.
    pub span: Range<usize>,
}

/// A name for a fact of a step, used as `$NAME` later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capture {
    /// The name without `$`.
    pub name: String,
    /// The fact.
    pub path: String,
}

/// One expectation: a fact and what it is held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The fact, a dotted path such as `redirect.query.code`.
    pub path: String,
    /// What it is held against.
    pub matcher: Matcher,
    /// Where the expectation stands, as bytes of the file.
    pub span: Range<usize>,
}

/// What a fact is held against. Texts may hold variables.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Not there.
    Absent,
    /// One of these values (a list in the file).
    AnyOf(Vec<Value>),
    /// Something other than what this variable holds.
    DiffersFrom(String),
    /// At least one of these matchers (`any-of` in the file).
    Either(Vec<Matcher>),
    /// Exactly this value.
    Equals(Value),
    /// A list without this member, a text without this part, an object without this key.
    Excludes(Value),
    /// A text with all of these words, or a list with all of them as members: scopes are words (RFC 6749 section 3.3).
    HasWords(Value),
    /// A list with this member, a text with this part, an object with this key.
    Includes(Value),
    /// A text without any of these words, or a list without any of them.
    LacksWords(Value),
    /// A text in which this regular expression is found (not anchored).
    Matches(String),
    /// A number, or a measure of the fact, of at most `n`.
    Max {
        /// What is measured; `None` for the fact's own number.
        of: Option<Measure>,
        /// The bound, which is still good.
        n: f64,
    },
    /// A number, or a measure of the fact, of at least `n`.
    Min {
        /// What is measured; `None` for the fact's own number.
        of: Option<Measure>,
        /// The bound, which is still good.
        n: f64,
    },
    /// Anything but this.
    Not(Box<Matcher>),
    /// There, whatever it is.
    Present,
    /// What this variable holds.
    SameAs(String),
}

impl fmt::Display for Matcher {
    /// The expectation as a person would read it aloud: `one of 400, 401`, `at least 128 entropy-bits`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => write!(f, "nothing"),
            Self::AnyOf(values) => write!(f, "one of {}", values.iter().map(plain).collect::<Vec<_>>().join(", ")),
            Self::DiffersFrom(variable) => write!(f, "something other than {variable}"),
            Self::Either(matchers) => {
                write!(f, "{}", matchers.iter().map(Self::to_string).collect::<Vec<_>>().join(", or "))
            }
            Self::Equals(value) => write!(f, "{}", plain(value)),
            Self::Excludes(value) => write!(f, "without {}", plain(value)),
            Self::HasWords(value) => write!(f, "with {}", plain(value)),
            Self::LacksWords(value) => write!(f, "without {}", plain(value)),
            Self::Includes(value) => write!(f, "with {}", plain(value)),
            Self::Matches(pattern) => write!(f, "text like {pattern}"),
            Self::Max { of, n } => bound(f, "at most", *of, *n),
            Self::Min { of, n } => bound(f, "at least", *of, *n),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Present => write!(f, "something"),
            Self::SameAs(variable) => write!(f, "the same as {variable}"),
        }
    }
}

/// A value without the quotes of JSON where it is a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn bound(f: &mut fmt::Formatter<'_>, words: &str, of: Option<Measure>, n: f64) -> fmt::Result {
    write!(f, "{words} {n}")?;
    of.map_or(Ok(()), |measure| write!(f, " {measure}"))
}
