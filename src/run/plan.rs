//! Which cases apply to this target, in which variants, and why not the others.

use std::collections::BTreeSet;

use super::ability::{Abilities, Ability};
use super::patterns::Chosen;
use super::{Material, Options, Preflight};
use crate::rule::{McpVersion, Role, Rule, Rules};
use crate::suite::{Case, Variant, Verb};

/// A case with what the plan says about it.
#[derive(Debug, Clone)]
pub struct Planned<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its runs: one without variant, or one for each variant that applies.
    pub runs: Vec<Option<&'a Variant>>,
    /// Why it does not apply, or what stops it before it starts.
    pub stop: Option<Stop>,
    /// Variants that do not apply, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Why a case is not executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It has nothing to say about this target.
    NotApplicable(String),
    /// The preflight found what would stop it.
    Blocked(String),
}

impl Planned<'_> {
    /// Whether it will be executed (or is blocked, which counts as applying).
    #[must_use]
    pub fn applies(&self) -> bool {
        !matches!(self.stop, Some(Stop::NotApplicable(_)))
    }
}

/// Makes the plan: every selected case, in order of id.
#[must_use]
pub fn plan<'a>(material: Material<'a>, seen: &Preflight, options: &Options) -> Vec<Planned<'a>> {
    let chosen = Chosen::by(&options.selection);
    let cases = selected(material, &chosen, options).into_iter();
    cases.map(|case| one(case, &chosen, material.rules, seen, options)).collect()
}

/// The abilities that at least one of the selected cases needs: of others nothing has to be found out.
#[must_use]
pub fn needed(material: Material<'_>, options: &Options) -> BTreeSet<String> {
    let chosen = Chosen::by(&options.selection);
    let cases = selected(material, &chosen, options).into_iter();
    let of = |case: &Case| {
        let variants = case.each.iter().filter(|variant| chosen.variant(case, variant));
        variants.flat_map(|variant| &variant.needs).chain(&case.needs).cloned().collect::<Vec<_>>()
    };
    cases.flat_map(of).collect()
}

/// The selected cases, in order of id.
fn selected<'a>(material: Material<'a>, chosen: &Chosen, options: &Options) -> Vec<&'a Case> {
    let mine = |at: usize| options.selection.shard.is_none_or(|shard| shard.holds(at));
    let cases = material.suites.cases.iter().filter(|case| chosen.case(case)).enumerate();
    cases.filter(|(at, _)| mine(*at)).map(|(_, case)| case).collect()
}

fn one<'a>(case: &'a Case, chosen: &Chosen, rules: &Rules, seen: &Preflight, options: &Options) -> Planned<'a> {
    let mut planned = Planned { case, runs: Vec::new(), stop: None, left_out: Vec::new() };
    let bare = seen.world.is_bare() && asks_mcp(case, seen.world.recipe.resource.is_empty());
    let beside = bare.then(|| Stop::NotApplicable("it asks the MCP server, and the target has none".into()));
    planned.stop = unfit(case, rules, &seen.roles, seen.world.version, options.selection.safe)
        .or(beside)
        .or_else(|| missing(&seen.abilities, &case.needs));
    if planned.stop.is_some() {
        return planned;
    }
    if case.each.is_empty() {
        planned.runs.push(None);
        return planned;
    }
    let mut blocked = None;
    for variant in case.each.iter().filter(|variant| chosen.variant(case, variant)) {
        match missing(&seen.abilities, &variant.needs) {
            None => planned.runs.push(Some(variant)),
            Some(Stop::NotApplicable(reason)) => planned.left_out.push((variant.name.clone(), reason)),
            Some(stop) => blocked = blocked.or(Some(stop)),
        }
    }
    if planned.runs.is_empty() {
        planned.stop =
            blocked.or_else(|| planned.left_out.first().map(|(_, reason)| Stop::NotApplicable(reason.clone())));
    }
    planned
}

/// Whether a case may say something about a target of these roles at this version, if the target can do what it needs.
#[must_use]
pub(crate) fn is_fit(case: &Case, rules: &Rules, roles: &[Role], version: McpVersion) -> bool {
    unfit(case, rules, roles, version, false).is_none()
}

/// Why a case says nothing about a target of these roles at this version.
fn unfit(case: &Case, rules: &Rules, roles: &[Role], version: McpVersion, safe: bool) -> Option<Stop> {
    if safe && case.tags.iter().any(|t| t == "floods") {
        return Some(Stop::NotApplicable("left out by --safe: it could burden a shared target".into()));
    }
    let judged: Vec<&Rule> = case.rules().into_iter().filter_map(|id| rules.get(id)).collect();
    let first = judged.first()?;
    if !judged.iter().any(|r| roles.contains(&r.role)) {
        return Some(Stop::NotApplicable(format!("role {} is not judged here", first.role)));
    }
    if !judged.iter().any(|r| r.versions.binds(version)) {
        return Some(Stop::NotApplicable(format!("its rules do not bind in MCP {version}")));
    }
    None
}

/// Whether a case sends something to the MCP server, or needs to know where that is.
fn asks_mcp(case: &Case, without_resource: bool) -> bool {
    let names = |text: &str| {
        let mut text = text.replace("{target.", "target.").replace("{prm.", "prm.");
        if !without_resource {
            text = text.replace("$target.resource", "");
        }
        text.contains("$target.") || text.contains("$prm.")
    };
    let given = case.each.iter().any(|variant| variant.values.values().any(|value| names(&value.to_string())));
    given
        || case.steps.iter().any(|step| {
            let at_mcp = step.args.contains_key("path") && step.args.get("from").is_none_or(|from| from != "as");
            step.verb == Verb::Call
                || step.args.contains_key("call")
                || step.verb == Verb::Fetch && at_mcp
                || names(&serde_json::Value::Object(step.args.clone()).to_string())
        })
}

fn missing(abilities: &Abilities, needs: &[String]) -> Option<Stop> {
    match abilities.missing(needs)? {
        (word, Ability::Lacks(reason)) => Some(Stop::NotApplicable(format!("needs {word}: {reason}"))),
        (word, Ability::Broken(reason)) => Some(Stop::Blocked(format!("needs {word}: {reason}"))),
        (_, Ability::Has) => None,
    }
}
