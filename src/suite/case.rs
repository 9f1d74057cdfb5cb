//! Reads one case file.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::ability::{ABILITIES, TAGS, Word};
use super::draft::{StepDraft, VariantDraft};
use super::slip::{
    Code, DUPLICATE_WORD, EACH, EMPTY, FILE_NAME, MISSING_KEY, NO_FAULTS, NO_RULE, SYNTAX, Slips, UNKNOWN_ABILITY,
    UNKNOWN_FAULT, UNKNOWN_KEY, UNKNOWN_TAG,
};
use super::tree::{Item, Key, entries, kind};
use super::{Case, actor, control, each, step, use_check};
use crate::diag::{Diagnostic, Source};
use crate::rule::Rules;

/// The keys of a case, each with one line of documentation.
pub const CASE_KEYS: &[(&str, &str)] = &[
    ("title", "one sentence that says what holds when the case passes; no two cases share one"),
    ("why", "why the case exists, where the title does not tell"),
    ("needs", "the abilities that a target must have for the case to apply"),
    ("faults", "the faults of the reference deployments that turn the case red"),
    ("tags", "how the case burdens the target"),
    ("step", "`[[step]]`: what happens, in order"),
];

/// A case with the place of its title, and everything that is wrong with it.
pub(super) struct Read {
    /// The case; usable only if nothing was wrong.
    pub(super) case: Case,
    /// Where the title stands.
    pub(super) title: Range<usize>,
    /// What is wrong, in the order of the file.
    pub(super) slips: Vec<Diagnostic>,
}

/// Reads the case `id` of `area` out of its file; a built-in case has to name its faults (`require_faults`).
pub(super) fn read(id: &str, area: &str, source: &Source, rules: &Rules, require_faults: bool) -> Read {
    let mut slips = Slips::new(source);
    if !id.split('/').all(is_kebab) {
        let slip = slips.add(FILE_NAME, 0..0, format!("the path `{id}` is not kebab-case"));
        slip.help = Some("lower-case words joined by hyphens, as in `token/code-one-time.toml`".to_owned());
    }
    let mut reader = Reader {
        case: Case {
            id: id.to_owned(),
            title: String::new(),
            area: area.to_owned(),
            why: None,
            needs: Vec::new(),
            faults: Vec::new(),
            tags: Vec::new(),
            steps: Vec::new(),
            each: Vec::new(),
            source: source.clone(),
        },
        title: 0..0,
        rules,
        slips,
    };
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        reader.slips.add(SYNTAX, error.span().unwrap_or(0..0), error.message());
    }
    // What follows from a misread file would be noise.
    if errors.is_empty() {
        reader.document(document.get_ref(), require_faults);
    }
    Read { case: reader.case, title: reader.title, slips: reader.slips.into_found() }
}

/// Whether `name` consists of lower-case words and digits joined by hyphens.
pub(super) fn is_kebab(name: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.split('-').all(word)
}

/// A list of words of `known`, or complaints.
pub(super) fn words(key: &Key<'_>, item: &Item<'_>, known: &[Word], slips: &mut Slips<'_>) -> Vec<String> {
    let (code, what): (Code, &str) =
        if *key.get_ref() == "tags" { (UNKNOWN_TAG, "tag") } else { (UNKNOWN_ABILITY, "ability") };
    let words = texts(key, item, slips);
    for (word, span) in &words {
        if !known.iter().any(|entry| entry.name == word) {
            slips.unknown(code, span.clone(), what, word, known.iter().map(|entry| entry.name));
        }
    }
    words.into_iter().map(|(word, _)| word).collect()
}

/// A list of texts, each once, with their places.
fn texts(key: &Key<'_>, item: &Item<'_>, slips: &mut Slips<'_>) -> Vec<(String, Range<usize>)> {
    let DeValue::Array(items) = item.get_ref() else {
        slips.mistyped(item.span(), key.get_ref(), "a list of words", kind(item.get_ref()));
        return Vec::new();
    };
    let mut words: Vec<(String, Range<usize>)> = Vec::new();
    for item in items {
        if !item.get_ref().is_str() {
            slips.mistyped(item.span(), &format!("{}[]", key.get_ref()), "a text", kind(item.get_ref()));
            continue;
        }
        let Some(word) = step::text(key, item, slips) else {
            continue;
        };
        if words.iter().any(|(known, _)| *known == word) {
            slips.add(DUPLICATE_WORD, item.span(), format!("`{word}` is listed twice"));
        }
        words.push((word, item.span()));
    }
    words
}

struct Reader<'r, 's> {
    case: Case,
    title: Range<usize>,
    rules: &'r Rules,
    slips: Slips<'s>,
}

impl Reader<'_, '_> {
    fn document(&mut self, document: &DeTable<'_>, require_faults: bool) {
        for (key, item) in entries(document) {
            self.key(key, item);
        }
        for required in ["title", "step"] {
            if !document.contains_key(required) {
                let slip = self.slips.add(MISSING_KEY, 0..0, format!("the case has no `{required}`"));
                slip.help = CASE_KEYS.iter().find(|(name, _)| *name == required).map(|(_, doc)| (*doc).to_owned());
            }
        }
        if require_faults && self.case.faults.is_empty() {
            let slip = self.slips.add(NO_FAULTS, self.title.clone(), "no fault is named that turns this case red");
            slip.help = Some("name it in `faults`; `authspec prove` holds it to that".to_owned());
        }
        if let Some(DeValue::Array(steps)) = document.get("step").map(|item| item.get_ref()) {
            self.steps(steps.iter());
        }
    }

    fn key(&mut self, key: &Key<'_>, item: &Item<'_>) {
        match key.get_ref().as_ref() {
            "title" => {
                self.title = item.span();
                self.case.title = step::text(key, item, &mut self.slips).unwrap_or_default();
            }
            "why" => self.case.why = step::text(key, item, &mut self.slips),
            "needs" => self.case.needs = words(key, item, ABILITIES, &mut self.slips),
            "tags" => self.case.tags = words(key, item, TAGS, &mut self.slips),
            "faults" => {
                let named = texts(key, item, &mut self.slips);
                for (fault, span) in named.iter().filter(|(fault, _)| fixtures::fault::find(fault).is_none()) {
                    let known = fixtures::catalogue().iter().map(|fault| fault.id);
                    self.slips.unknown(UNKNOWN_FAULT, span.clone(), "fault", fault, known);
                }
                self.case.faults = named.into_iter().map(|(fault, _)| fault).collect();
            }
            "step" if item.get_ref().is_array() => {}
            "step" => {
                self.slips.mistyped(key.span(), "step", "a list", kind(item.get_ref()));
                self.slips.last().help = Some("write `[[step]]` before each".to_owned());
            }
            unknown => {
                let known = CASE_KEYS.iter().map(|(name, _)| *name);
                self.slips.unknown(UNKNOWN_KEY, key.span(), "key of a case", unknown, known);
            }
        }
    }

    fn steps<'t, 'i: 't>(&mut self, items: impl Iterator<Item = &'t Item<'i>>) {
        let mut drafts: Vec<StepDraft> = Vec::new();
        let mut variants: Vec<VariantDraft<'t, 'i>> = Vec::new();
        let mut first_each: Option<Range<usize>> = None;
        for item in items {
            let DeValue::Table(table) = item.get_ref() else {
                self.slips.mistyped(item.span(), "step", "a table", kind(item.get_ref()));
                continue;
            };
            if table.is_empty() {
                self.slips.add(EMPTY, item.span(), "an empty step");
                continue;
            }
            drafts.push(step::read(table, item.span(), self.rules, &mut self.slips));
            let Some((key, item)) = table.get_key_value("each") else {
                continue;
            };
            if first_each.is_some() {
                self.slips.add(EACH, key.span(), "a second `each`: one step of a case may have variants");
            } else {
                first_each = Some(key.span());
                variants = each::read(key, item, self.rules, &mut self.slips);
            }
        }
        each::check(&variants, first_each, &drafts, &mut self.slips);
        use_check::check(&drafts, &mut self.slips);
        actor::check(&drafts, &mut self.slips);
        control::check(&drafts, !variants.is_empty(), &mut self.slips);
        let judges = drafts.iter().any(|draft| draft.rule.is_some());
        if let Some(draft) = drafts.first().filter(|_| !judges) {
            let slip = self.slips.add(NO_RULE, draft.step.span.clone(), "no step of this case has a `rule`");
            slip.help = Some("a case without a rule judges nothing".to_owned());
        }
        self.case.each = variants.into_iter().map(|draft| draft.variant).collect();
        self.case.steps = drafts.into_iter().map(|draft| draft.step).collect();
    }
}
