//! Dotted paths of facts, with the place of each part.

use std::ops::Range;

use super::Verb;
use super::fact::{Fact, Problem, Unresolved, resolve};
use super::slip::{HEADER_NAME, Slips, UNKNOWN_FACT};
use super::tree::Key;

/// A dotted path with the places of its parts.
#[derive(Clone, Default)]
pub(super) struct Path {
    /// The whole path.
    pub(super) text: String,
    parts: Vec<(usize, Range<usize>)>,
}

impl Path {
    /// A path that stands as one text at `span`, quotes included.
    pub(super) fn of_text(text: &str, span: &Range<usize>) -> Self {
        let mut at = 0;
        let mut parts = Vec::new();
        for segment in text.split('.') {
            let start = span.start + 1 + at;
            parts.push((at, start..(start + segment.len()).min(span.end)));
            at += segment.len() + 1;
        }
        Self { text: text.to_owned(), parts }
    }

    /// The path one key further down.
    pub(super) fn below(&self, key: &Key<'_>) -> Self {
        let mut path = self.clone();
        if !path.text.is_empty() {
            path.text.push('.');
        }
        path.parts.push((path.text.len(), key.span()));
        path.text.push_str(key.get_ref());
        path
    }

    /// Complains if the path is no fact of `verb`; the fact it ends in, if that is a named one.
    ///
    /// Without a verb nothing is known, and nothing is said.
    pub(super) fn check(&self, verb: Option<Verb>, slips: &mut Slips<'_>) -> Option<&'static Fact> {
        let verb = verb?;
        let wrong = match resolve(verb, &self.text) {
            Ok(fact) => return fact,
            Err(wrong) => wrong,
        };
        self.complain(verb, wrong, slips);
        None
    }

    fn complain(&self, verb: Verb, wrong: Unresolved<'_>, slips: &mut Slips<'_>) {
        let Unresolved { at, segment, problem } = wrong;
        let place = self.place(at);
        match problem {
            Problem::NoFact { known } => {
                let what = match self.text[..at].trim_end_matches('.') {
                    "" => format!("fact of `{verb}`"),
                    parent => format!("part of `{parent}`"),
                };
                slips.unknown(UNKNOWN_FACT, place, &what, segment, known);
            }
            Problem::NoMembers { fact } => {
                let message = format!("`{fact}` has no parts, so no `{segment}`");
                slips.add(UNKNOWN_FACT, place, message);
            }
            Problem::UpperCase => {
                let message = format!("header name `{segment}` is not lower case");
                slips.add(HEADER_NAME, place, message).label = format!("write `{}`", segment.to_lowercase());
            }
        }
    }

    /// The place of the part that holds the byte at `at`.
    fn place(&self, at: usize) -> Range<usize> {
        let part = self.parts.iter().rev().find(|(start, _)| *start <= at);
        part.map_or(0..0, |(_, span)| span.clone())
    }
}
