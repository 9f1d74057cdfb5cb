//! Reads `expect`: dotted paths down to a value, a list, or a table of matchers.

use std::ops::Range;

use serde_json::Value;
use toml::de::DeValue;

use super::fact::{Fact, Holds};
use super::matcher::{is_matcher_table, of_table, of_value};
use super::path::Path;
use super::slip::{EMPTY, REFUSED, Slips, UNKNOWN_CHOICE};
use super::tree::{Item, Key, entries, kind, whole};
use super::{Clause, Matcher, Verb};

/// What `expect` of one step says.
#[derive(Default)]
pub(super) struct Expectation {
    /// The clauses in the order of the file.
    pub(super) clauses: Vec<Clause>,
    /// `refused` with its place.
    pub(super) refused: Option<(bool, Range<usize>)>,
}

/// Reads `expect` of a step that does `verb` (`None` if that is not known, and paths cannot be checked).
pub(super) fn read(verb: Option<Verb>, item: &Item<'_>, slips: &mut Slips<'_>) -> Expectation {
    let DeValue::Table(table) = item.get_ref() else {
        slips.mistyped(item.span(), "expect", "a table", kind(item.get_ref()));
        return Expectation::default();
    };
    if table.is_empty() {
        slips.add(EMPTY, item.span(), "`expect` says nothing");
    }
    let mut reader = Reader { verb, slips, found: Expectation::default() };
    for (key, item) in entries(table) {
        match key.get_ref().as_ref() {
            "absent" => reader.absent(item),
            "refused" => reader.refused(key, item),
            _ => reader.flatten(&Path::default().below(key), key, item),
        }
    }
    reader.found
}

struct Reader<'r, 's> {
    verb: Option<Verb>,
    slips: &'r mut Slips<'s>,
    found: Expectation,
}

impl Reader<'_, '_> {
    fn refused(&mut self, key: &Key<'_>, item: &Item<'_>) {
        let DeValue::Boolean(refused) = item.get_ref() else {
            let (wanted, got) = ("true or false", kind(item.get_ref()));
            return self.slips.mistyped(item.span(), "expect.refused", wanted, got);
        };
        if let Some(verb) = self.verb.filter(|verb| !verb.can_be_refused()) {
            let message = format!("nobody can refuse `{verb}`");
            self.slips.add(REFUSED, key.span(), message);
            return;
        }
        self.found.refused = Some((*refused, whole(key, item)));
    }

    fn absent(&mut self, item: &Item<'_>) {
        let wanted = "a list of facts";
        let DeValue::Array(paths) = item.get_ref() else {
            let got = kind(item.get_ref());
            return self.slips.mistyped(item.span(), "expect.absent", wanted, got);
        };
        if paths.is_empty() {
            self.slips.add(EMPTY, item.span(), "`absent` names nothing");
        }
        for path in paths {
            let span = path.span();
            match path.get_ref() {
                DeValue::String(text) => {
                    self.clause(&Path::of_text(text, &span), Matcher::Absent, span);
                }
                other => self.slips.mistyped(span, "expect.absent", wanted, kind(other)),
            }
        }
    }

    /// Descends until there is something to compare with.
    fn flatten(&mut self, path: &Path, key: &Key<'_>, item: &Item<'_>) {
        let DeValue::Table(table) = item.get_ref() else {
            if let Some(matcher) = of_value(&path.text, item, self.slips) {
                self.clause(path, matcher, whole(key, item));
            }
            return;
        };
        if table.is_empty() {
            let message = format!("`{}` is held against nothing", path.text);
            self.slips.add(EMPTY, item.span(), message);
        } else if is_matcher_table(table, item, &self.slips.source().text) {
            for (matcher, place) in of_table(&path.text, table, self.slips) {
                self.clause(path, matcher, place);
            }
        } else {
            for (key, item) in entries(table) {
                self.flatten(&path.below(key), key, item);
            }
        }
    }

    /// Notes a clause once its path is found to lead somewhere.
    fn clause(&mut self, path: &Path, matcher: Matcher, span: Range<usize>) {
        let fact = path.check(self.verb, self.slips);
        if let Some(Fact { holds: Holds::Words(words), name, .. }) = fact {
            check_words(name, words, &matcher, &span, self.slips);
        }
        self.found.clauses.push(Clause { path: path.text.clone(), matcher, span });
    }
}

/// Complains about a fixed text that a fact can never be.
fn check_words(fact: &str, words: &[&str], matcher: &Matcher, span: &Range<usize>, slips: &mut Slips<'_>) {
    let values: &[Value] = match matcher {
        Matcher::AnyOf(values) => values,
        Matcher::Equals(value) => std::slice::from_ref(value),
        Matcher::Not(inner) => return check_words(fact, words, inner, span, slips),
        _ => return,
    };
    for word in values.iter().filter_map(Value::as_str) {
        if !words.contains(&word) && !word.contains('$') {
            let what = format!("value of `{fact}`");
            slips.unknown(UNKNOWN_CHOICE, span.clone(), &what, word, words.iter().copied());
        }
    }
}
