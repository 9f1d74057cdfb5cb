//! Reads one `[[step]]`: its verb, its rule, what it expects and captures.

use std::ops::Range;

use serde_json::Map;
use toml::de::{DeTable, DeValue};

use super::draft::{Notes, StepDraft};
use super::path::Path;
use super::slip::{
    EMPTY, ERROR_RULE_ALONE, JUDGE_WITHOUT_EXPECT, NO_VERB, OTHERWISE_ALONE, SEVERAL_VERBS, Slips, UNKNOWN_KEY,
    UNKNOWN_RULE, UNKNOWN_VERB,
};
use super::tree::{Item, Key, entries, kind};
use super::variable::{Use, uses};
use super::{Capture, Clause, Matcher, Step, Verb, argument, expect};
use crate::diag::nearest;
use crate::rule::Rules;

/// The keys of a step beside its verb, each with one line of documentation.
pub const STEP_KEYS: &[(&str, &str)] = &[
    ("capture", "names facts for later steps: `capture.code = \"redirect.query.code\"`, used as `$code`"),
    ("each", "named variants: the whole case runs once for each, with `$each.KEY` filled in; one step may have it"),
    ("error-rule", "the rule for status and error of a refusal, where it is not the verb's own"),
    ("expect", "what must hold afterwards"),
    (
        "otherwise",
        "why the case does not apply where the expectations of a step without `rule` are not met, a sentence's end; without it the case is \
         blocked then",
    ),
    ("rule", "the requirement that the step judges; without it the step only prepares"),
    ("why", "why the step is there, where that is not plain"),
];

/// Reads one step. `each` is left to the caller.
pub(super) fn read(table: &DeTable<'_>, place: Range<usize>, rules: &Rules, slips: &mut Slips<'_>) -> StepDraft {
    let entries = entries(table);
    let place = entries.first().map_or(place, |(key, _)| key.span());
    let verb = verb(&entries, &place, slips);
    let mut draft = StepDraft {
        step: Step {
            verb: verb.as_ref().map_or(Verb::Wait, |(verb, _)| *verb),
            args: Map::new(),
            rule: None,
            error_rule: None,
            expect: Vec::new(),
            refused: None,
            otherwise: None,
            captures: Vec::new(),
            why: None,
            line: slips.source().line(place.start),
            span: verb.as_ref().map_or(place, |(_, key)| key.span()),
        },
        uses: Vec::new(),
        captures: Vec::new(),
        rule: None,
        error_rule: None,
        refused: None,
        otherwise: None,
        notes: Notes::default(),
        expects: false,
        broken: verb.is_none(),
    };
    let verb = verb.map(|(verb, _)| verb);
    for (key, item) in entries {
        read_key(&mut draft, verb, key, item, rules, slips);
    }
    check(&draft, slips);
    draft
}

/// A text under `key`, or a complaint.
pub(super) fn text(key: &Key<'_>, item: &Item<'_>, slips: &mut Slips<'_>) -> Option<String> {
    match item.get_ref() {
        DeValue::String(text) if text.trim().is_empty() => {
            slips.add(EMPTY, item.span(), format!("`{}` is empty", key.get_ref()));
            None
        }
        DeValue::String(text) => Some(text.to_string()),
        other => {
            slips.mistyped(item.span(), key.get_ref(), "a text", kind(other));
            None
        }
    }
}

/// Complains if `id` is no rule; a variable is left to the variants.
pub(super) fn check_rule(id: &str, span: Range<usize>, rules: &Rules, slips: &mut Slips<'_>) {
    if rules.get(id).is_none() && Use::of_whole(id).is_none() {
        slips.unknown(UNKNOWN_RULE, span, "rule", id, rules.iter().map(|rule| rule.id.as_str()));
    }
}

/// The one verb of a step, with its key.
fn verb<'t, 'i>(
    entries: &[(&'t Key<'i>, &'t Item<'i>)],
    place: &Range<usize>,
    slips: &mut Slips<'_>,
) -> Option<(Verb, &'t Key<'i>)> {
    let mut found = entries.iter().filter_map(|(key, _)| Some((key.get_ref().parse().ok()?, *key)));
    let first = found.next();
    let mut several = false;
    for (second, key) in found {
        several = true;
        let slip = slips.add(SEVERAL_VERBS, key.span(), format!("`{second}` in a step that has a verb already"));
        slip.label = "a second verb".to_owned();
        slip.help = Some("give each verb a `[[step]]` of its own".to_owned());
    }
    if first.is_none() && !entries.iter().any(|(key, item)| is_unknown_verb(key, item)) {
        let slip = slips.add(NO_VERB, place.clone(), "a step without a verb");
        slip.help = Some(format!("verbs: {}", Verb::ALL.map(Verb::name).join(", ")));
    }
    first.filter(|_| !several)
}

/// Whether a key that is neither verb nor step key was probably meant as a verb.
fn is_unknown_verb(key: &Key<'_>, item: &Item<'_>) -> bool {
    let name: &str = key.get_ref();
    let step_keys = || STEP_KEYS.iter().map(|(name, _)| *name);
    item.get_ref().is_table()
        && name.parse::<Verb>().is_err()
        && !step_keys().any(|known| known == name)
        && nearest(name, step_keys()).is_none()
}

fn read_key(
    draft: &mut StepDraft,
    verb: Option<Verb>,
    key: &Key<'_>,
    item: &Item<'_>,
    rules: &Rules,
    slips: &mut Slips<'_>,
) {
    let name: &str = key.get_ref();
    match name {
        "rule" | "error-rule" => {
            let Some(id) = text(key, item, slips) else {
                return;
            };
            check_rule(&id, item.span(), rules, slips);
            uses(item, &slips.source().text, &mut draft.uses);
            if name == "rule" {
                draft.rule = Some(item.span());
                draft.step.rule = Some(id);
            } else {
                draft.error_rule = Some(key.span());
                draft.step.error_rule = Some(id);
            }
        }
        "expect" => {
            draft.expects = true;
            uses(item, &slips.source().text, &mut draft.uses);
            let expectation = expect::read(verb, item, slips);
            draft.step.expect.extend(expectation.clauses);
            draft.step.refused = expectation.refused.as_ref().map(|(refused, _)| *refused);
            draft.refused = expectation.refused.map(|(_, span)| span);
        }
        "capture" => captures(draft, verb, item, slips),
        "otherwise" => {
            draft.otherwise = Some(key.span());
            draft.step.otherwise = text(key, item, slips);
        }
        "why" => draft.step.why = text(key, item, slips),
        "each" => {}
        _ if Some(name) == verb.map(Verb::name) => {
            uses(item, &slips.source().text, &mut draft.uses);
            draft.step.args = argument::read(draft.step.verb, key, item, &mut draft.notes, slips);
            if draft.step.verb == Verb::Repeat {
                expect_success(&mut draft.step);
            }
        }
        _ if name.parse::<Verb>().is_ok() => {}
        _ if verb.is_none() && is_unknown_verb(key, item) => {
            slips.unknown(UNKNOWN_VERB, key.span(), "verb", name, Verb::ALL.map(Verb::name));
        }
        _ => {
            let known = STEP_KEYS.iter().map(|(name, _)| *name);
            slips.unknown(UNKNOWN_KEY, key.span(), "key of a step", name, known);
        }
    }
}

/// Turns `succeed = N` of a `repeat` into the expectation that it is.
fn expect_success(step: &mut Step) {
    if let Some(count) = step.args.remove("succeed") {
        let matcher = Matcher::Equals(count);
        step.expect.push(Clause { path: "succeeded".to_owned(), matcher, span: step.span.clone() });
    }
}

fn captures(draft: &mut StepDraft, verb: Option<Verb>, item: &Item<'_>, slips: &mut Slips<'_>) {
    let DeValue::Table(table) = item.get_ref() else {
        slips.mistyped(item.span(), "capture", "a table", kind(item.get_ref()));
        slips.last().help = Some("write `capture.NAME = \"fact\"`".to_owned());
        return;
    };
    for (key, item) in entries(table) {
        let Some(path) = text(key, item, slips) else {
            continue;
        };
        Path::of_text(&path, &item.span()).check(verb, slips);
        draft.captures.push(key.span());
        draft.step.captures.push(Capture { name: key.get_ref().to_string(), path });
    }
}

/// What can be said of a step by itself.
fn check(draft: &StepDraft, slips: &mut Slips<'_>) {
    let step = &draft.step;
    let expects = draft.expects || !step.expect.is_empty();
    if let Some(span) = draft.rule.as_ref().filter(|_| !expects && !draft.broken) {
        let slip = slips.add(JUDGE_WITHOUT_EXPECT, span.clone(), "a step with a rule that expects nothing");
        slip.label = "always met".to_owned();
        slip.help = Some("say in `expect` what the rule demands".to_owned());
    }
    if let Some(span) = draft.otherwise.as_ref().filter(|_| draft.rule.is_some() || !expects) {
        let slip = slips.add(OTHERWISE_ALONE, span.clone(), "`otherwise` in a step that does not prepare by expecting");
        slip.help = Some("it stands beside `expect`, in a step without `rule`".to_owned());
    }
    let judges_refusal = step.rule.is_some() && step.refused == Some(true);
    if let Some(span) = draft.error_rule.as_ref().filter(|_| !judges_refusal) {
        let slip = slips.add(ERROR_RULE_ALONE, span.clone(), "`error-rule` in a step that judges no refusal");
        slip.help = Some("status and error are judged under it only beside `rule` and `refused = true`".to_owned());
    }
}
