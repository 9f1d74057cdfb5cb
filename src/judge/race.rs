//! Requests that race: so many of them may win at most. What the losers met counts as well.

use serde_json::Value;

use super::{Finding, Judged, Kind, Outcome, Under};
use crate::suite::{Matcher, Step, Verb};

/// What is to be said of a step that bounds how many of its requests succeed; `None` if it is none of these, or if as many won as
/// ought to and the others were refused.
pub(super) fn race(step: &Step, facts: &Value) -> Option<Judged> {
    let bound = step.expect.iter().find_map(|clause| match &clause.matcher {
        Matcher::Max { of: None, n } if clause.path == "succeeded" => Some(*n),
        _ => None,
    });
    let most = bound.filter(|_| step.verb == Verb::Repeat)?;
    let number = |name: &str| facts[name].as_u64().unwrap_or(0);
    let (succeeded, crashes, all) = (number("succeeded"), number("crashes"), facts["statuses"].as_array()?.len());
    let broken = |kind, expected: String, actual: String| Outcome::Broken(Finding { kind, expected, actual });
    if facts["succeeded"].as_f64()? > most {
        let (expected, actual) = (format!("at most {most} of {all} succeed"), format!("{succeeded} succeeded"));
        return Some(Judged { under: Under::Rule, outcome: broken(Kind::Accepted, expected, actual) });
    }
    if crashes > 0 {
        // Whether those would have been refused, nobody knows: the rule gets no verdict of its own beside the crash.
        let actual = format!("{crashes} of {all} met a server error or a dropped connection");
        return Some(Judged { under: Under::ErrorRule, outcome: broken(Kind::Crash, "refused".to_owned(), actual) });
    }
    (succeeded == 0).then(|| {
        let reason = "none of the requests succeeded, so that the others were refused proves nothing".to_owned();
        Judged { under: Under::Rule, outcome: Outcome::Unproven(reason) }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::suite::Clause;

    fn said(statuses: &[u16]) -> Option<Judged> {
        let most = Matcher::Max { of: None, n: 1.0 };
        let step = Step {
            verb: Verb::Repeat,
            args: serde_json::Map::new(),
            rule: Some("token.code-one-time".into()),
            error_rule: None,
            otherwise: None,
            expect: vec![Clause { path: "succeeded".into(), matcher: most, span: 0..0 }],
            refused: None,
            captures: Vec::new(),
            why: None,
            line: 1,
            span: 0..0,
        };
        let count = |of: &dyn Fn(u16) -> bool| statuses.iter().filter(|status| of(**status)).count();
        let (succeeded, crashes) = (count(&|status| status == 200), count(&|status| status >= 500));
        race(&step, &json!({ "succeeded": succeeded, "crashes": crashes, "statuses": statuses }))
    }

    fn broken(statuses: &[u16]) -> Option<(Under, Kind)> {
        match said(statuses)?.outcome {
            Outcome::Broken(finding) => Some((said(statuses)?.under, finding.kind)),
            _ => None,
        }
    }

    #[test]
    fn one_wins_and_the_others_are_refused() {
        assert_eq!(said(&[400, 200, 400]), None);
    }

    #[test]
    fn two_that_win_are_an_attack_that_worked_whatever_the_others_met() {
        assert_eq!(broken(&[200, 200, 400]), Some((Under::Rule, Kind::Accepted)));
        assert_eq!(broken(&[200, 200, 500]), Some((Under::Rule, Kind::Accepted)));
    }

    #[test]
    fn a_crash_is_no_refusal_and_who_refuses_all_proves_nothing() {
        assert_eq!(broken(&[200, 500, 500]), Some((Under::ErrorRule, Kind::Crash)));
        assert_eq!(broken(&[500, 500]), Some((Under::ErrorRule, Kind::Crash)));
        assert!(matches!(said(&[400, 400]), Some(Judged { outcome: Outcome::Unproven(_), .. })));
    }
}
