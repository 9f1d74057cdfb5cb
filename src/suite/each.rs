//! Reads `each`: the named variants of a case, and what is wrong with them as a set.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::DeValue;

use super::ability::ABILITIES;
use super::draft::{StepDraft, VariantDraft};
use super::slip::{DUPLICATE_VARIANT, EACH, FILE_NAME, Slips, UNKNOWN_VARIABLE, UNUSED, WRONG_TYPE};
use super::tree::{Item, Key, entries, json, kind};
use super::variable::{Use, namespace, uses};
use super::{Variant, argument, case, step, use_check};
use crate::rule::Rules;

/// Reads the variants under `each`.
pub(super) fn read<'t, 'i>(
    key: &'t Key<'i>,
    item: &'t Item<'i>,
    rules: &Rules,
    slips: &mut Slips<'_>,
) -> Vec<VariantDraft<'t, 'i>> {
    let DeValue::Table(table) = item.get_ref() else {
        slips.mistyped(item.span(), "each", "a table of variants", kind(item.get_ref()));
        return Vec::new();
    };
    if table.is_empty() {
        slips.add(EACH, key.span(), "`each` without variants");
    }
    entries(table).into_iter().filter_map(|(name, item)| variant(name, item, rules, slips)).collect()
}

/// Checks the variants against the steps that use them.
pub(super) fn check(
    variants: &[VariantDraft<'_, '_>],
    each: Option<Range<usize>>,
    steps: &[StepDraft],
    slips: &mut Slips<'_>,
) {
    check_duplicates(variants, slips);
    check_uses(variants, each.is_some(), steps, slips);
    check_awaited(variants, steps, slips);
    let used: Vec<&str> = used_keys(steps).map(|(key, _)| key).collect();
    if let Some(each) = each.filter(|_| used.is_empty() && !variants.is_empty()) {
        let slip = slips.add(EACH, each, "no step reads the variants");
        slip.help = Some("use a variant's value as `$each.KEY`".to_owned());
        return;
    }
    let mut told: Vec<&str> = Vec::new();
    for (key, _) in variants.iter().flat_map(|variant| &variant.items) {
        let name: &str = key.get_ref();
        if !used.contains(&name) && !matches!(name, "needs" | "why") && !told.contains(&name) {
            told.push(name);
            let slip = slips.add(UNUSED, key.span(), format!("no step reads `$each.{name}`"));
            slip.help = (name == "rule").then(|| "write `rule = \"$each.rule\"` in the step that judges".to_owned());
        }
    }
}

fn variant<'t, 'i>(
    name: &'t Key<'i>,
    item: &'t Item<'i>,
    rules: &Rules,
    slips: &mut Slips<'_>,
) -> Option<VariantDraft<'t, 'i>> {
    let DeValue::Table(table) = item.get_ref() else {
        slips.mistyped(item.span(), &format!("each.{}", name.get_ref()), "a table", kind(item.get_ref()));
        return None;
    };
    if !case::is_kebab(name.get_ref()) {
        slips.add(FILE_NAME, name.span(), format!("the variant's name `{}` is not kebab-case", name.get_ref()));
    }
    let items = entries(table);
    let mut variant = Variant { name: name.get_ref().to_string(), values: Map::new(), needs: Vec::new() };
    for (key, item) in &items {
        match key.get_ref().as_ref() {
            "needs" => variant.needs = case::words(key, item, ABILITIES, slips),
            "rule" | "why" => {
                let Some(text) = step::text(key, item, slips) else {
                    continue;
                };
                if *key.get_ref() == "rule" {
                    step::check_rule(&text, item.span(), rules, slips);
                }
                variant.values.insert(key.get_ref().to_string(), Value::String(text));
            }
            free => {
                check_variables(item, slips);
                let value = json(item).unwrap_or_else(|span| {
                    slips.add(WRONG_TYPE, span, format!("`{free}` holds a number that JSON cannot hold"));
                    Value::Null
                });
                variant.values.insert(free.to_owned(), value);
            }
        }
    }
    Some(VariantDraft { variant, span: name.span(), items })
}

/// A variant may name what is built in, `$each` apart; a capture would not be set in every place that reads the variant.
fn check_variables(item: &Item<'_>, slips: &mut Slips<'_>) {
    let mut found = Vec::new();
    uses(item, &slips.source().text, &mut found);
    for variable in found.into_iter().filter(|variable| !variable.bare) {
        if variable.name() != "each" && namespace(variable.name()).is_some() {
            use_check::check_built_in(&variable, slips);
            continue;
        }
        let message = format!("`${}` in a variant is not filled in", variable.path);
        let slip = slips.add(EACH, variable.span, message);
        slip.help = Some("give the variant the part that differs, and put it together in the step".to_owned());
    }
}

fn check_duplicates(variants: &[VariantDraft<'_, '_>], slips: &mut Slips<'_>) {
    let said: Vec<Map<String, Value>> = variants
        .iter()
        .map(|draft| {
            let mut values = draft.variant.values.clone();
            values.retain(|key, _| key != "why");
            values
        })
        .collect();
    for (at, draft) in variants.iter().enumerate() {
        if let Some(first) = said[..at].iter().position(|first| *first == said[at]) {
            let (name, first) = (&draft.variant.name, &variants[first].variant.name);
            let message = format!("variant `{name}` says the same as `{first}`");
            slips.add(DUPLICATE_VARIANT, draft.span.clone(), message);
        }
    }
}

/// Every `$each.KEY` must have a value in every variant.
fn check_uses(variants: &[VariantDraft<'_, '_>], has_each: bool, steps: &[StepDraft], slips: &mut Slips<'_>) {
    for (key, variable) in used_keys(steps).filter(|(_, variable)| !variable.bare) {
        if !has_each {
            let slip = slips.add(EACH, variable.span.clone(), format!("`${}` in a case without `each`", variable.path));
            slip.help = Some(format!("give one step variants: `each.NAME = {{ {key} = ... }}`"));
            continue;
        }
        let without: Vec<&str> = variants
            .iter()
            .filter(|variant| !variant.gives(key))
            .map(|variant| variant.variant.name.as_str())
            .collect();
        if without.is_empty() {
            continue;
        }
        if without.len() == variants.len() {
            let known = variants.iter().flat_map(|variant| &variant.items).map(|(key, _)| key.get_ref().as_ref());
            slips.unknown(UNKNOWN_VARIABLE, variable.span.clone(), "value of the variants", key, known);
        } else {
            let message = format!("`${}` has no value in variant `{}`", variable.path, without.join("`, `"));
            slips.add(EACH, variable.span.clone(), message);
        }
    }
}

/// What stands for an argument must have the argument's type.
fn check_awaited(variants: &[VariantDraft<'_, '_>], steps: &[StepDraft], slips: &mut Slips<'_>) {
    for awaited in steps.iter().flat_map(|step| &step.notes.awaited) {
        let given = variants.iter().flat_map(|variant| &variant.items).filter(|(key, _)| *key.get_ref() == awaited.key);
        for (_, item) in given {
            argument::check(&awaited.argument, awaited.kind, item, slips);
        }
    }
}

/// The variant keys that the steps use, each with its place.
fn used_keys(steps: &[StepDraft]) -> impl Iterator<Item = (&str, &Use)> {
    let all = steps.iter().flat_map(|step| &step.uses);
    all.filter_map(|variable| Some((variable.path.strip_prefix("each.")?, variable)))
}
