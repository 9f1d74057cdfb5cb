//! Puts results that tell the same defect together, so that a battery of variants takes one screen and not twenty.

use crate::event::{CaseResult, Kind, Seen, Verdict};

/// A result shown in full and those that say the same of other variants or cases.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// The first of them.
    pub(super) lead: &'a CaseResult,
    /// The others, in plan order.
    pub(super) others: Vec<&'a CaseResult>,
}

/// The results of one verdict, grouped, in the order of their first members. Known failures are left out.
pub(super) fn of_verdict(results: &[CaseResult], verdict: Verdict) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results.iter().filter(|result| result.verdict == verdict && result.known.is_none()) {
        match groups.iter_mut().find(|group| defect(group.lead) == defect(result)) {
            Some(group) => group.others.push(result),
            None => groups.push(Group { lead: result, others: Vec::new() }),
        }
    }
    groups
}

/// What makes two results the same: the broken rule, how it broke and where, and whether it came once only; for what could not
/// be judged, the reason.
fn defect(result: &CaseResult) -> (&str, Option<Kind>, &str, Option<&str>, bool) {
    let place = result.deployment.as_deref();
    let once = result.seen == Some(Seen::OnceOfTwo);
    match result.verdict {
        Verdict::Blocked | Verdict::Error => ("", None, &result.message, place, once),
        Verdict::NotApplicable => ("", None, &result.message, None, once),
        Verdict::Pass | Verdict::Fail | Verdict::Warn => (&result.rule, result.kind, "", place, once),
    }
}
