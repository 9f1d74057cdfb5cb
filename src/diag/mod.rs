//! A complaint with a place: what is wrong, in which line of whose file, and what was probably meant.

mod escape;
mod nearest;
mod render;
mod shell;

use std::ops::Range;
use std::sync::Arc;

pub use self::escape::{escape, is_hostile};
pub use self::nearest::nearest;
pub use self::render::render;
pub use self::shell::{shell_word, shell_words};

/// A text that a person wrote, under the name that person knows it by.
///
/// Cloning is cheap: the text is shared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// The name as shown: a path relative to where the user stands.
    pub name: String,
    /// The whole text; spans are byte offsets into it.
    pub text: Arc<str>,
}

impl Source {
    /// A source called `name` that holds `text`.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The number of the line, counted from 1, that holds the byte at `offset`.
    ///
    /// An offset past the end belongs to the last line.
    pub fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

/// One thing that is wrong with a source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// A stable word for this kind of complaint, for example `unknown-key`.
    pub code: &'static str,
    /// What is wrong, in one line that stands without the excerpt.
    pub message: String,
    /// The text it is wrong in.
    pub source: Source,
    /// The bytes to underline; clipped to the text and to its first line when shown.
    pub span: Range<usize>,
    /// What to write under the carets; may be empty.
    pub label: String,
    /// What to do about it, if that can be said.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A complaint about `span` of `source`, without label and help.
    pub fn new(code: &'static str, source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), source: source.clone(), span, label: String::new(), help: None }
    }

    /// The same complaint with a text under its carets.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same complaint with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The line, counted from 1, in which the complaint begins.
    pub fn line(&self) -> usize {
        self.source.line(self.span.start)
    }
}
