//! Reads what a fact is held against: a value, a list, or a table of matchers.

use std::ops::Range;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::slip::{BAD_PATTERN, EMPTY, Slips, UNKNOWN_CHOICE, UNKNOWN_MATCHER, WRONG_TYPE};
use super::tree::{Item, Key, entries, json, kind, number, whole};
use super::variable::{Use, uses_of_text};
use super::{Matcher, Measure};
use crate::diag::nearest;

/// The matchers of an expectation table, each with one line of documentation.
pub const MATCHERS: &[(&str, &str)] = &[
    ("any-of", "one of these values or matchers: `{ any-of = [\"absent\", { max = 3600 }] }`"),
    ("differs-from", "another value than the variable holds: `{ differs-from = \"$first\" }`"),
    ("equals", "exactly this value, also a list or the text `present`"),
    ("excludes", "a list without this member, a text without this part, an object without this key"),
    ("has-words", "a text with all of these words, or a list with all of them as members: scopes, audiences"),
    ("includes", "a list with this member, a text with this part, an object with this key; of a list, all of them"),
    ("lacks-words", "a text without any of these words, or a list without any of them"),
    ("matches", "a text in which this regular expression is found; anchor it with `^` and `$`"),
    ("max", "a number of at most this; with `of`, a measure of at most this"),
    ("min", "a number of at least this; with `of`, a measure of at least this"),
    ("not", "anything but this value or matcher"),
    ("of", "what `min` and `max` measure"),
    ("same-as", "the same value as the variable holds: `{ same-as = \"$state\" }`"),
];

/// Whether the keys of a table are matchers, or meant to be, and not parts of the fact.
pub(super) fn is_matcher_table(table: &DeTable<'_>, item: &Item<'_>, source: &str) -> bool {
    let inline = source.get(item.span().start..).is_some_and(|text| text.starts_with('{'));
    table.iter().any(|(key, value)| {
        let name: &str = key.get_ref();
        // A short name, or one above a table, is more likely a part of the fact than a slip.
        let misspelt = || inline && name.len() > 3 && !value.get_ref().is_table() && nearest(name, names()).is_some();
        names().any(|known| known == name) || misspelt()
    })
}

/// The matchers of a table for the fact `path`, each with its place.
pub(super) fn of_table(path: &str, table: &DeTable<'_>, slips: &mut Slips<'_>) -> Vec<(Matcher, Range<usize>)> {
    Reader { path, slips }.table(table)
}

/// The matcher that a value or a list for the fact `path` stands for: everything that is not a table.
pub(super) fn of_value(path: &str, item: &Item<'_>, slips: &mut Slips<'_>) -> Option<Matcher> {
    Reader { path, slips }.plain(item)
}

fn names() -> impl Iterator<Item = &'static str> {
    MATCHERS.iter().map(|(name, _)| *name)
}

struct Reader<'r, 's> {
    path: &'r str,
    slips: &'r mut Slips<'s>,
}

impl Reader<'_, '_> {
    fn plain(&mut self, item: &Item<'_>) -> Option<Matcher> {
        let path = self.path;
        let DeValue::Array(items) = item.get_ref() else {
            return self.scalar(item);
        };
        if items.is_empty() {
            let message = format!("`{path}` can be none of no values");
            self.slips.add(EMPTY, item.span(), message).help =
                Some("`{ equals = [] }` expects an empty list".to_owned());
            return None;
        }
        if let Some(odd) = items.iter().find(|item| !is_plain(item.get_ref())) {
            let message = format!("a list for `{path}` holds plain values only");
            self.slips.add(WRONG_TYPE, odd.span(), message).help = Some(LIST_HELP.to_owned());
            return None;
        }
        let values = items.iter().filter_map(|item| self.value(item)).collect();
        Some(Matcher::AnyOf(values))
    }

    fn scalar(&mut self, item: &Item<'_>) -> Option<Matcher> {
        Some(match item.get_ref().as_str() {
            Some("absent") => Matcher::Absent,
            Some("present") => Matcher::Present,
            _ => Matcher::Equals(self.value(item)?),
        })
    }

    fn value(&mut self, item: &Item<'_>) -> Option<Value> {
        let path = self.path;
        let unfit = |span| {
            let message = format!("`{path}` is held against a number that JSON cannot hold");
            self.slips.add(WRONG_TYPE, span, message);
        };
        json(item).map_err(unfit).ok()
    }

    fn table(&mut self, table: &DeTable<'_>) -> Vec<(Matcher, Range<usize>)> {
        let measure = self.measure(table);
        let mut found = Vec::new();
        for (key, item) in entries(table) {
            if let Some(matcher) = self.matcher(key, item, measure) {
                found.push((matcher, whole(key, item)));
            }
        }
        found
    }

    fn matcher(&mut self, key: &Key<'_>, item: &Item<'_>, of: Option<Measure>) -> Option<Matcher> {
        match key.get_ref().as_ref() {
            "any-of" => self.either(item),
            "differs-from" => self.variable(key, item).map(Matcher::DiffersFrom),
            "equals" => self.value(item).map(Matcher::Equals),
            "excludes" => self.value(item).map(Matcher::Excludes),
            "has-words" => self.value(item).map(Matcher::HasWords),
            "includes" => self.value(item).map(Matcher::Includes),
            "lacks-words" => self.value(item).map(Matcher::LacksWords),
            "matches" => self.pattern(item).map(Matcher::Matches),
            "max" => self.bound(key, item).map(|n| Matcher::Max { of, n }),
            "min" => self.bound(key, item).map(|n| Matcher::Min { of, n }),
            "not" => self.inner(item).map(|inner| Matcher::Not(Box::new(inner))),
            "of" => None,
            "same-as" => self.variable(key, item).map(Matcher::SameAs),
            unknown => {
                self.slips.unknown(UNKNOWN_MATCHER, key.span(), "matcher", unknown, names());
                None
            }
        }
    }

    /// What `min` and `max` of this table measure.
    fn measure(&mut self, table: &DeTable<'_>) -> Option<Measure> {
        let (key, item) = table.get_key_value("of")?;
        if !table.contains_key("min") && !table.contains_key("max") {
            let message = "`of` without `min` or `max`";
            self.slips.add(UNKNOWN_MATCHER, key.span(), message);
        }
        let Some(name) = item.get_ref().as_str() else {
            self.slips.mistyped(item.span(), "of", "a text", kind(item.get_ref()));
            return None;
        };
        let measure = name.parse().ok();
        if measure.is_none() {
            let known = Measure::ALL.map(Measure::name);
            self.slips.unknown(UNKNOWN_CHOICE, item.span(), "measure", name, known);
        }
        measure
    }

    /// One matcher where only one can stand: a value, a list, or a table with one key.
    fn inner(&mut self, item: &Item<'_>) -> Option<Matcher> {
        let DeValue::Table(table) = item.get_ref() else {
            return self.plain(item);
        };
        let mut matchers = self.table(table);
        if matchers.len() > 1 {
            let message = "only one matcher can stand here";
            self.slips.add(UNKNOWN_MATCHER, item.span(), message);
        }
        matchers.pop().map(|(matcher, _)| matcher)
    }

    fn either(&mut self, item: &Item<'_>) -> Option<Matcher> {
        let DeValue::Array(items) = item.get_ref() else {
            self.slips.mistyped(item.span(), "any-of", "a list", kind(item.get_ref()));
            return None;
        };
        if items.is_empty() {
            self.slips.add(EMPTY, item.span(), "`any-of` holds nothing");
        }
        let matchers = items.iter().filter_map(|item| self.inner(item)).collect();
        Some(Matcher::Either(matchers))
    }

    fn variable(&mut self, key: &Key<'_>, item: &Item<'_>) -> Option<String> {
        let text = item.get_ref().as_str();
        if text.and_then(Use::of_whole).is_none() {
            let got = text.map_or(kind(item.get_ref()), |_| "a fixed text");
            let wanted = "a variable such as `$first`";
            self.slips.mistyped(item.span(), key.get_ref(), wanted, got);
            return None;
        }
        text.map(str::to_owned)
    }

    fn bound(&mut self, key: &Key<'_>, item: &Item<'_>) -> Option<f64> {
        let bound = number(item.get_ref());
        if bound.is_none() {
            let got = kind(item.get_ref());
            self.slips.mistyped(item.span(), key.get_ref(), "a number", got);
        }
        bound
    }

    fn pattern(&mut self, item: &Item<'_>) -> Option<String> {
        let Some(pattern) = item.get_ref().as_str() else {
            let got = kind(item.get_ref());
            self.slips.mistyped(item.span(), "matches", "a regular expression", got);
            return None;
        };
        let mut variables = Vec::new();
        uses_of_text(pattern, item.span(), &self.slips.source().text, &mut variables);
        // What a variable will bring is not known yet.
        let filled = variables.iter().any(|variable| !variable.bare);
        if let Some(error) = (!filled).then(|| regex_syntax::parse(pattern).err()).flatten() {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            let message = "failed to read the regular expression";
            self.slips.add(BAD_PATTERN, item.span(), message).label = reason.trim_start_matches("error: ").to_owned();
        }
        Some(pattern.to_owned())
    }
}

/// Whether a value can stand in a list of alternatives.
fn is_plain(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Array(_) | DeValue::Table(_) => false,
        DeValue::String(text) => !matches!(text.as_ref(), "absent" | "present"),
        _ => true,
    }
}

const LIST_HELP: &str = "`{ any-of = [...] }` takes matchers; `{ equals = [...] }` expects the list itself";
