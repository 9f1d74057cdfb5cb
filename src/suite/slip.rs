//! The ways a case file can be wrong, each with its code.

use std::ops::Range;

use crate::diag::{Diagnostic, Source, nearest};

/// The complaints about one file, as they are found.
pub(super) struct Slips<'s> {
    source: &'s Source,
    found: Vec<Diagnostic>,
}

impl<'s> Slips<'s> {
    /// No complaint about `source` yet.
    pub(super) fn new(source: &'s Source) -> Self {
        Self { source, found: Vec::new() }
    }

    /// The file that is complained about.
    pub(super) fn source(&self) -> &'s Source {
        self.source
    }

    /// Notes a slip; label and help may be set on what is returned.
    pub(super) fn add(&mut self, code: Code, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.found.push(Diagnostic::new(code.name, self.source, span, message));
        self.last()
    }

    /// Notes a word that is no `what`, and offers the nearest that is one, or the whole list if it is short.
    pub(super) fn unknown<'k>(
        &mut self,
        code: Code,
        span: Range<usize>,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let bare = |word: &'k str| word.trim_start_matches('$');
        let near = nearest(word.trim_start_matches('$'), known.iter().map(|known| bare(known)));
        let near = near.and_then(|near| known.iter().copied().find(|known| bare(known) == near));
        let slip = self.add(code, span, format!("`{word}` is no {what}"));
        match near {
            Some(near) => slip.label = format!("did you mean `{near}`?"),
            None if known.len() <= SHORT_LIST => slip.help = Some(format!("known: {}", known.join(", "))),
            None if code.name == UNKNOWN_RULE.name => {
                slip.help = Some("`authspec list --rules` names them all".to_owned());
            }
            None if code.name == UNKNOWN_FAULT.name => {
                slip.help = Some("`authspec list --faults` names them all".to_owned());
            }
            None => slip.help = Some("`suites/README.md` lists what is known".to_owned()),
        }
    }

    /// Notes that a value has another type than it should.
    pub(super) fn mistyped(&mut self, span: Range<usize>, what: &str, wanted: &str, got: &str) {
        let slip = self.add(WRONG_TYPE, span, format!("`{what}` must be {wanted}, not {got}"));
        slip.label = format!("expected {wanted}");
    }

    /// The slip that was noted last.
    pub(super) fn last(&mut self) -> &mut Diagnostic {
        self.found.last_mut().expect("a slip was noted")
    }

    /// All complaints in the order of the file.
    pub(super) fn into_found(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|slip| slip.span.start);
        self.found
    }
}

/// A way to be wrong: its stable name, and what it means and how to mend it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code {
    /// The word in brackets behind `error`.
    pub name: &'static str,
    /// One sentence for the documentation.
    pub doc: &'static str,
}

/// Declares the codes and the list of all of them.
macro_rules! codes {
    ($($constant:ident = $name:literal : $doc:literal,)+) => {
        $(pub(super) const $constant: Code = Code { name: $name, doc: $doc };)+

        /// Every way a case file can be wrong, in order of name.
        pub const CODES: &[Code] = &[$($constant),+];
    };
}

codes! {
    BAD_PATTERN = "bad-pattern": "`matches` holds something that is no regular expression.",
    BARE_VARIABLE = "bare-variable": "`$name` inside a longer text is not filled in: write `${name}`.",
    CAPTURE_NAME = "capture-name": "A captured name is not kebab-case, is taken twice, or is one of the built-in names.",
    DUPLICATE_TITLE = "duplicate-title": "Two cases have the same title, so a report could not tell them apart.",
    DUPLICATE_VARIANT = "duplicate-variant": "Two variants of `each` say the same.",
    DUPLICATE_WORD = "duplicate-word": "A list names the same thing twice.",
    EACH = "each": "`each` is used wrongly: twice in a case, empty, or in a case that never reads it.",
    EMPTY = "empty": "A text, list or table is empty where it has to say something.",
    ERROR_RULE_ALONE = "error-rule-alone": "`error-rule` stands in a step that judges no refusal, so nothing is judged under it.",
    FILE_NAME = "file-name": "The path of a case is its id, so its parts are kebab-case.",
    HEADER_NAME = "header-name": "Header names in facts are lower case; another spelling would never be found.",
    JUDGE_WITHOUT_EXPECT = "judge-without-expect": "A step has a `rule` but expects nothing, so it would always pass.",
    MISSING_KEY = "missing-key": "A key that every case needs is not there.",
    NO_CONTROL = "no-control": "A refusal has no control: the honest request beside it that succeeds.",
    NO_FAULTS = "no-faults": "A built-in case names no fault that turns it red, so nothing proves that it can fail.",
    NO_RULE = "no-rule": "No step of the case has a `rule`, so the case judges nothing.",
    NO_VERB = "no-verb": "A step does nothing.",
    OTHERWISE_ALONE = "otherwise-alone": "`otherwise` stands in a step that judges, or that expects nothing.",
    REFUSED = "refused": "`expect.refused` stands beside a verb that nobody can refuse.",
    REPEAT = "repeat": "`repeat` needs exactly one verb, and `parallel` or `times`.",
    SEVERAL_VERBS = "several-verbs": "A step does more than one thing; each verb needs a step of its own.",
    SYNTAX = "syntax": "The file is not TOML.",
    UNKNOWN_ABILITY = "unknown-ability": "`needs` names an ability that is not on the list.",
    UNKNOWN_ACTOR = "unknown-actor": "A step names a client that is not there, or takes up a page that nobody was led to.",
    UNKNOWN_ARGUMENT = "unknown-argument": "The verb has no such argument.",
    UNKNOWN_CHOICE = "unknown-choice": "The argument takes only certain words.",
    UNKNOWN_FACT = "unknown-fact": "The verb leaves no such fact behind, so the expectation could never be met, or never fail.",
    UNKNOWN_FAULT = "unknown-fault": "No reference deployment has this fault, so nothing turns the case red by it.",
    UNKNOWN_KEY = "unknown-key": "The file, or a step, has no such key.",
    UNKNOWN_MATCHER = "unknown-matcher": "An expectation table holds something that is no matcher.",
    UNKNOWN_RULE = "unknown-rule": "No requirement of `suites/rules/` has this id.",
    UNKNOWN_TAG = "unknown-tag": "`tags` names a tag that is not on the list.",
    UNKNOWN_VARIABLE = "unknown-variable": "No step captures this name, and it is not built in.",
    UNKNOWN_VERB = "unknown-verb": "A step has a key that looks like a verb and is none.",
    UNREADABLE = "unreadable": "The file cannot be read, is no UTF-8, or is too large.",
    UNUSED = "unused": "A capture, or a value of a variant, is never used: probably another name was meant.",
    USED_BEFORE_SET = "used-before-set": "A capture is used in an earlier step than the one that takes it, or in the same one.",
    WRONG_TYPE = "wrong-type": "A value has another type than its key takes.",
}

/// The longest list of known words that is printed whole.
const SHORT_LIST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(CODES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
