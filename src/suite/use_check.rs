//! Checks that every variable is set before it is used, and that what is set is used.

use std::collections::BTreeMap;

use super::case::is_kebab;
use super::draft::StepDraft;
use super::slip::{BARE_VARIABLE, CAPTURE_NAME, Slips, UNKNOWN_VARIABLE, UNUSED, USED_BEFORE_SET};
use super::variable::{Members, NAMESPACES, Namespace, Use, namespace};

/// Checks captures and variables of a case, step by step.
pub(super) fn check(steps: &[StepDraft], slips: &mut Slips<'_>) {
    let names = names(steps);
    check_names(steps, &names, slips);
    for (at, step) in steps.iter().enumerate() {
        for variable in &step.uses {
            check_use(variable, at, &names, slips);
        }
    }
    check_unused(steps, slips);
}

/// The captured names, each with the first step that takes it.
type Names<'d> = BTreeMap<&'d str, usize>;

fn names(steps: &[StepDraft]) -> Names<'_> {
    let mut names = Names::new();
    for (at, draft) in steps.iter().enumerate() {
        for capture in &draft.step.captures {
            names.entry(&capture.name).or_insert(at);
        }
    }
    names
}

/// A name must be writable as a variable, free, and taken once.
fn check_names(steps: &[StepDraft], names: &Names<'_>, slips: &mut Slips<'_>) {
    let places = steps.iter().enumerate().flat_map(|(at, draft)| {
        draft.step.captures.iter().zip(&draft.captures).map(move |(capture, span)| (at, &capture.name, span))
    });
    for (at, name, span) in places {
        if namespace(name).is_some() {
            slips.add(CAPTURE_NAME, span.clone(), format!("`${name}` is built in"));
        } else if !is_kebab(name) {
            slips.add(CAPTURE_NAME, span.clone(), format!("the name `{name}` is not kebab-case"));
        } else if names.get(name.as_str()) != Some(&at) {
            slips.add(CAPTURE_NAME, span.clone(), format!("`{name}` is captured already by an earlier step"));
        }
    }
}

fn check_use(variable: &Use, at: usize, names: &Names<'_>, slips: &mut Slips<'_>) {
    let name = variable.name();
    if let Some(namespace) = namespace(name) {
        match variable.bare {
            true => bare(variable, slips),
            false => check_member(namespace, variable, slips),
        }
        return;
    }
    match names.get(name).copied() {
        Some(_) if variable.bare => bare(variable, slips),
        Some(set) if set < at => {}
        Some(set) => {
            let slip = slips.add(USED_BEFORE_SET, variable.span.clone(), format!("`${name}` is used before it is set"));
            slip.label = match set == at {
                true => "set by this very step, once it is done".to_owned(),
                false => format!("set by step {} only", set + 1),
            };
        }
        // A dollar in a longer text need not be a variable at all.
        None if variable.bare => {}
        None => {
            let known = names.keys().copied().chain(NAMESPACES.iter().map(|namespace| namespace.name));
            let known: Vec<String> = known.map(|name| format!("${name}")).collect();
            let known = known.iter().map(String::as_str);
            slips.unknown(UNKNOWN_VARIABLE, variable.span.clone(), "variable", &format!("${name}"), known);
        }
    }
}

/// Checks a use of a built-in name where no captures are at hand: in a variant.
pub(super) fn check_built_in(variable: &Use, slips: &mut Slips<'_>) {
    if let Some(namespace) = namespace(variable.name()) {
        check_member(namespace, variable, slips);
    }
}

/// What stands below a built-in name must be something that it has.
fn check_member(namespace: &Namespace, variable: &Use, slips: &mut Slips<'_>) {
    let member = variable.path.split_once('.').map_or("", |(_, member)| member);
    let fits = match namespace.holds {
        Members::Free => !member.is_empty(),
        Members::Named(names) => names.contains(&member),
        Members::Number => member.is_empty() || member.parse::<i64>().is_ok(),
        Members::OfUser => member.split_once('.').is_some_and(|(_, part)| matches!(part, "username" | "password")),
    };
    if fits {
        return;
    }
    if let Members::Named(names) = namespace.holds {
        let what = format!("member of `${}`", namespace.name);
        slips.unknown(UNKNOWN_VARIABLE, variable.span.clone(), &what, member, names.iter().copied());
    } else {
        let slip = slips.add(UNKNOWN_VARIABLE, variable.span.clone(), format!("`${}` is nothing", variable.path));
        slip.help = Some(namespace.doc.to_owned());
    }
}

fn bare(variable: &Use, slips: &mut Slips<'_>) {
    let message = format!("`${}` inside a longer text is not filled in", variable.path);
    let slip = slips.add(BARE_VARIABLE, variable.span.clone(), message);
    slip.label = format!("write `${{{}}}`", variable.path);
}

/// A capture that nobody reads is a slip: often another one was meant.
fn check_unused(steps: &[StepDraft], slips: &mut Slips<'_>) {
    for draft in steps {
        for (capture, span) in draft.step.captures.iter().zip(&draft.captures) {
            let used = steps.iter().flat_map(|step| &step.uses).any(|variable| variable.name() == capture.name);
            if !used {
                let slip = slips.add(UNUSED, span.clone(), format!("`${}` is never used", capture.name));
                let path = &capture.path;
                slip.help = Some(format!("to demand that the fact is there, write `expect.{path} = \"present\"`"));
            }
        }
    }
}
