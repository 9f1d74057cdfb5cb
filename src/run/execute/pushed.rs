//! Requests that the case wants a browser to bring, pushed because the target takes no others, and refused there
//! (RFC 9126 section 2.3): what a refused push proves, and what it leaves open.

use serde_json::Value;

use crate::judge::{self, Judged, Kind, Outcome};
use crate::step::Performed;
use crate::suite::{Step, Verb};

/// What is to be said of such a step.
pub(super) enum Pushed {
    /// The push proves as much as a page or a redirect would have.
    Judged(Vec<Judged>),
    /// The case asks for something that only a browser could have seen; the text says why.
    LeftOut(&'static str),
}

/// `None` if the step is none of these: then it is judged like any other.
pub(super) fn judged(
    step: &Step,
    performed: &Performed,
    lookup: &dyn Fn(&Value) -> Result<Value, String>,
) -> Option<Pushed> {
    let facts = &performed.facts;
    if step.verb != Verb::Authorize
        || facts["stopped-at"] != "refused"
        || step.args.contains_key("par")
        || step.rule.is_none()
    {
        return None;
    }
    if step.refused != Some(true) {
        // What the target did besides shows without a browser as well.
        let beside =
            !step.expect.is_empty() && step.expect.iter().all(|clause| ["crash", "fetched"].contains(&&*clause.path));
        return (!beside).then_some(Pushed::LeftOut(NO_BROWSER));
    }
    let status = facts["status"].as_u64().unwrap_or_default();
    if status < 400 && facts["no-answer"].is_null() && facts["crash"] != true {
        return Some(Pushed::LeftOut(NO_ANSWER));
    }
    // In which form the endpoint for pushes refuses is a question of its own (`par.endpoint-behaviour`).
    let mut that = step.clone();
    that.expect.retain(|clause| !judge::tells_how(&clause.path));
    let judged = judge::judge(&that, facts, lookup);
    let asks_for_more =
        |j: &Judged| matches!(&j.outcome, Outcome::Broken(f) if matches!(f.kind, Kind::Missing | Kind::WrongAnswer));
    Some(if judged.iter().any(asks_for_more) { Pushed::LeftOut(NO_BROWSER) } else { Pushed::Judged(judged) })
}

const NO_BROWSER: &str = "the target takes pushed requests only and refused this one there, where no browser is";
const NO_ANSWER: &str =
    "the target takes pushed requests only and answered this one with neither a request_uri nor an error";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::suite::{Clause, Matcher};

    /// Whether all that is judged holds; `None` if nothing is.
    fn holds(expect: &[(&str, Matcher)], facts: Value) -> Option<bool> {
        let clause = |(path, matcher): &(&str, Matcher)| Clause {
            path: (*path).to_owned(),
            matcher: matcher.clone(),
            span: 0..0,
        };
        let step = Step {
            verb: Verb::Authorize,
            args: serde_json::Map::new(),
            rule: Some("authz.redirect-exact-match".into()),
            error_rule: None,
            otherwise: None,
            expect: expect.iter().map(clause).collect(),
            refused: Some(true),
            captures: Vec::new(),
            why: None,
            line: 1,
            span: 0..0,
        };
        let performed = Performed { facts, exchanges: Vec::new(), unready: None };
        match judged(&step, &performed, &|value| Ok(value.clone()))? {
            Pushed::Judged(all) => Some(all.iter().all(|j| j.outcome == Outcome::Held)),
            Pushed::LeftOut(_) => None,
        }
    }

    fn push(status: u64) -> Value {
        let crash = status >= 500;
        json!({ "stopped-at": "refused", "codes": [], "status": status, "crash": crash, "error": "invalid_request" })
    }

    #[test]
    fn a_refused_push_refuses_and_redirects_nowhere() {
        assert_eq!(holds(&[], push(400)), Some(true));
        assert_eq!(holds(&[("redirect.url", Matcher::Absent)], push(400)), Some(true));
        assert_eq!(holds(&[("redirect.url", Matcher::Excludes(json!("https://evil.example")))], push(400)), Some(true));
    }

    #[test]
    fn how_it_refuses_is_judged_elsewhere() {
        assert_eq!(holds(&[("error", Matcher::Equals(json!("invalid_target")))], push(400)), Some(true));
    }

    #[test]
    fn what_a_browser_would_have_seen_is_left_out() {
        assert_eq!(holds(&[("page.html", Matcher::Present)], push(400)), None);
        assert_eq!(holds(&[], push(200)), None);
    }

    #[test]
    fn a_crash_refuses_nothing() {
        assert_eq!(holds(&[], push(500)), Some(false));
    }
}
