//! Checks that every refusal has its control: the honest request beside it that succeeds.
//!
//! A step with `expect.refused = true` needs another step in the same case that succeeds with the same verb. A `repeat`
//! of the verb counts; in a case with `each` a step of any verb counts, because every variant is itself compared with
//! the others. A step succeeds in this sense if it is not `refused = true`, none of its clauses asks for a refusal (a
//! `status` of 400 and above, an `error`, `granted` or `served` that is false), it does not deny consent, and one of
//! these holds: it says `refused = false`; it expects or captures something; it only prepares, and its verb by itself
//! demands success (every verb but `fetch`, `mutate` and `wait`).

use serde_json::Value;

use super::draft::StepDraft;
use super::slip::{NO_CONTROL, Slips};
use super::{Clause, Matcher, Step, Verb};

/// Complains about each refusal of a case without control; `has_each` tells whether the case has variants.
pub(super) fn check(steps: &[StepDraft], has_each: bool, slips: &mut Slips<'_>) {
    // A step that could not be read might be the control.
    if steps.iter().any(|draft| draft.broken) {
        return;
    }
    for (at, draft) in steps.iter().enumerate() {
        let Some(span) = draft.refused.as_ref().filter(|_| draft.step.refused == Some(true)) else {
            continue;
        };
        let verb = draft.step.verb;
        let others = steps.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, draft)| &draft.step);
        if !others.into_iter().any(|step| (has_each || does(step, verb)) && succeeds(step)) {
            let slip = slips.add(NO_CONTROL, span.clone(), "a refusal without a control");
            slip.label = format!("no other `{verb}` of this case is expected to succeed");
            slip.help = Some("add the honest request, with the same ingredients, and expect its success".to_owned());
        }
    }
}

/// Whether a step does `verb`, perhaps by repeating it.
fn does(step: &Step, verb: Verb) -> bool {
    step.verb == verb || (step.verb == Verb::Repeat && step.args.contains_key(verb.name()))
}

fn succeeds(step: &Step) -> bool {
    let denies = step.args.get("answer").is_some_and(|answer| answer == "deny")
        || step.args.get("approve").is_some_and(|approve| approve == false);
    if denies || step.refused == Some(true) || step.expect.iter().any(asks_for_refusal) {
        return false;
    }
    let prepares = step.rule.is_none() && !matches!(step.verb, Verb::Fetch | Verb::Mutate | Verb::Wait);
    prepares || !step.expect.is_empty() || step.refused == Some(false) || !step.captures.is_empty()
}

/// Whether a clause can be met by a refusal only.
fn asks_for_refusal(clause: &Clause) -> bool {
    let any: fn(&Value) -> bool = match clause.path.as_str() {
        "status" => |value| value.as_u64().is_some_and(|status| status >= 400),
        "granted" | "served" => |value| value == &Value::Bool(false),
        "error" | "body.error" | "rpc-error" => return clause.matcher != Matcher::Absent,
        _ => return false,
    };
    match &clause.matcher {
        Matcher::AnyOf(values) => values.iter().all(any),
        Matcher::Equals(value) => any(value),
        Matcher::Min { of: None, n } => clause.path == "status" && *n >= 400.0,
        _ => false,
    }
}
