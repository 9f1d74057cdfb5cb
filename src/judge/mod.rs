//! Pure judgement: what a step was expected to leave, held against the facts that it left. Sends nothing, knows no target.

mod matching;
mod race;
mod refusal;

use serde_json::Value;

pub use matching::holds;
pub use refusal::{Refusal, refusal};

use crate::fact;
use crate::suite::{Case, Clause, Matcher, Step, Verb};

/// What the judge says about one rule at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Under which rule.
    pub under: Under,
    /// What was found.
    pub outcome: Outcome,
}

/// The rule that a judgement belongs to: *that* something is refused and *how* are two rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// The step's `rule`.
    Rule,
    /// The endpoint's error rule.
    ErrorRule,
}

/// Held, not held, or not to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The expectation holds.
    Held,
    /// It does not.
    Broken(Finding),
    /// The facts do not allow a verdict; a sentence says why.
    Unproven(String),
}

/// What a judged step saw that should not be.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// In which way.
    pub kind: Kind,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub actual: String,
}

/// The ways in which a rule can be seen broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What must be refused was accepted.
    Accepted,
    /// Answered or refused, but not as the rule says.
    WrongAnswer,
    /// 5xx or a dropped connection.
    Crash,
    /// Something that must be there is not.
    Missing,
}

/// Judges one step. `lookup` gives the value of a variable in an expectation.
#[must_use]
pub fn judge(step: &Step, facts: &Value, lookup: &dyn Fn(&Value) -> Result<Value, String>) -> Vec<Judged> {
    if let Some(reason) = facts["no-answer"].as_str() {
        return vec![Judged { under: Under::Rule, outcome: Outcome::Unproven(format!("no answer: {reason}")) }];
    }
    if let Some(reason) = facts["command-failed"].as_str() {
        // Whether the target refused or the command stumbled, nobody can tell.
        let reason = format!("the login command came to no end (profile section [login], command): {reason}");
        return vec![Judged { under: Under::Rule, outcome: Outcome::Unproven(reason) }];
    }
    if let Some(reason) = rate_limited(facts, step) {
        return vec![Judged { under: Under::Rule, outcome: Outcome::Unproven(reason) }];
    }
    if let Some(judged) = race::race(step, facts) {
        return vec![judged];
    }
    match step.refused {
        Some(true) => judge_refusal(step, facts, lookup),
        _ => vec![Judged { under: Under::Rule, outcome: clauses(step.expect.iter(), facts, lookup) }],
    }
}

/// The default error rule of a verb: where wrong status codes and error codes of a refusal are filed.
#[must_use]
pub fn error_rule(verb: Verb) -> &'static str {
    match verb {
        Verb::Register | Verb::Manage => "dcr.error-format",
        Verb::Call => "rs.401-invalid-token",
        Verb::Authorize | Verb::Login | Verb::Consent | Verb::Callback => "authz.error-response",
        _ => "token.error-format",
    }
}

/// The error rules under which a case files status and error code of its refusals without naming them.
pub fn default_error_rules(case: &Case) -> impl Iterator<Item = &'static str> {
    let tells = |step: &&Step| step.expect.iter().any(|clause| tells_how(&clause.path));
    let judged = case.steps.iter().filter(|step| step.rule.is_some() && step.refused == Some(true));
    judged.filter(|step| step.error_rule.is_none()).filter(tells).map(|step| error_rule(step.verb))
}

fn judge_refusal(step: &Step, facts: &Value, lookup: &dyn Fn(&Value) -> Result<Value, String>) -> Vec<Judged> {
    let one = |under, outcome| Judged { under, outcome };
    let (how, others): (Vec<&Clause>, Vec<&Clause>) = step.expect.iter().partition(|c| tells_how(&c.path));
    match refusal(step.verb, facts) {
        Refusal::Accepted(actual) => {
            let finding = Finding { kind: Kind::Accepted, expected: describe_refusal(&how), actual };
            vec![one(Under::Rule, Outcome::Broken(finding))]
        }
        Refusal::Crashed(actual) => {
            let finding = Finding { kind: Kind::Crash, expected: describe_refusal(&how), actual };
            // Whether it would have been refused, nobody knows: that rule gets no verdict of its own beside the crash.
            vec![one(Under::ErrorRule, Outcome::Broken(finding))]
        }
        Refusal::Refused => {
            let mut all = vec![one(Under::Rule, clauses(others.into_iter(), facts, lookup))];
            if !how.is_empty() {
                all.push(one(Under::ErrorRule, clauses(how.into_iter(), facts, lookup)));
            }
            all
        }
    }
}

/// Whether a fact says in which form something was refused.
#[must_use]
pub fn tells_how(path: &str) -> bool {
    matches!(path, "status" | "error" | "media-type") || path.starts_with("challenge.") || path.starts_with("headers.")
}

fn describe_refusal(how: &[&Clause]) -> String {
    let detail: Vec<String> = how.iter().map(|c| format!("{} {}", c.path, c.matcher)).collect();
    if detail.is_empty() { "refused".into() } else { format!("refused: {}", detail.join(", ")) }
}

/// All clauses must hold; the first one that does not gives the kind, all of them the text.
fn clauses<'a>(
    all: impl Iterator<Item = &'a Clause>,
    facts: &Value,
    lookup: &dyn Fn(&Value) -> Result<Value, String>,
) -> Outcome {
    let mut broken: Vec<(Kind, String, String)> = Vec::new();
    for clause in all {
        let found = fact::dig(facts, &clause.path).filter(|v| !v.is_null());
        match holds(&clause.matcher, found, lookup) {
            Ok(true) => {}
            Ok(false) => {
                broken.push((kind(clause, found, facts), expected(clause, lookup), actual(clause, found, lookup)));
            }
            Err(reason) => return Outcome::Unproven(reason),
        }
    }
    let Some((kind, _, _)) = broken.first() else { return Outcome::Held };
    let (kind, crashed) = (*kind, facts["crash"] == true);
    let mut actual: Vec<String> = broken.iter().map(|(_, _, a)| a.clone()).collect();
    if crashed || facts["stopped-at"].is_string() {
        actual.push(fact::summary(facts));
    }
    let expected: Vec<String> = broken.into_iter().map(|(_, e, _)| e).collect();
    Outcome::Broken(Finding {
        kind: if crashed { Kind::Crash } else { kind },
        expected: expected.join("; "),
        actual: actual.join("; "),
    })
}

fn kind(clause: &Clause, found: Option<&Value>, _facts: &Value) -> Kind {
    match (&clause.matcher, found) {
        (Matcher::Present, None) => Kind::Missing,
        (_, None) => Kind::Missing,
        _ => Kind::WrongAnswer,
    }
}

fn expected(clause: &Clause, lookup: &dyn Fn(&Value) -> Result<Value, String>) -> String {
    let text = match &clause.matcher {
        Matcher::Equals(value) => {
            lookup(value).map(|v| matching::text(&v)).unwrap_or_else(|_| clause.matcher.to_string())
        }
        Matcher::SameAs(name) => match lookup(&Value::String(format!("${}", name.trim_start_matches('$')))) {
            Ok(value) => format!("{} ({name})", matching::text(&value)),
            Err(_) => clause.matcher.to_string(),
        },
        other => filled(&other.to_string(), lookup),
    };
    format!("{} {}", clause.path, fact::clip(&text, 200))
}

/// A matcher's text with the values of the variables in it, as far as they are known.
fn filled(text: &str, lookup: &dyn Fn(&Value) -> Result<Value, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let braced = from.strip_prefix("${").and_then(|r| r.split_once('}')).map(|(name, _)| (name, name.len() + 3));
        let bare = || from[1..].split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).next().unwrap_or("");
        let (name, length) = braced.unwrap_or_else(|| (bare(), bare().len() + 1));
        match lookup(&Value::String(format!("${name}"))) {
            Ok(value) if name.starts_with(|c: char| c.is_ascii_lowercase()) => out.push_str(&matching::text(&value)),
            _ => out.push_str(&from[..length]),
        }
        rest = &from[length..];
    }
    out + rest
}

fn actual(clause: &Clause, found: Option<&Value>, lookup: &dyn Fn(&Value) -> Result<Value, String>) -> String {
    let Some(value) = found else { return format!("{} is absent", clause.path) };
    let text = matching::text(value);
    let from = matching::offence(&clause.matcher, value, lookup).map_or(0, |at| shown_from(&text, at));
    let cut = if from == 0 { "" } else { "…" };
    format!("{} {cut}{}", clause.path, fact::clip(&text[from..], 200))
}

/// Where to begin to show a text so that the part at `at` is seen. Never within a word: a secret that lost its beginning would
/// not be known for one.
fn shown_from(text: &str, at: usize) -> usize {
    let mut before = text[..at].char_indices().rev();
    if before.clone().count() < 120 {
        return 0;
    }
    let apart = |c: char| c.is_whitespace() || "\"<>{,".contains(c);
    let _ = before.nth(39);
    before.find(|(_, c)| apart(*c)).map_or(0, |(at, c)| at + c.len_utf8())
}

/// A 429 tells about the limits of the target, not about the rule.
fn rate_limited(facts: &Value, step: &Step) -> Option<String> {
    let wanted = step.expect.iter().any(|c| c.path == "status" && c.matcher.to_string().contains("429"));
    (facts["status"] == 429 && !wanted).then(|| {
        "the target answered 429: too many requests for its limits (profile: limits.requests-per-second)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_login_command_that_fails_refuses_nothing() {
        let step = Step {
            verb: Verb::Authorize,
            args: serde_json::Map::new(),
            rule: Some("authz.redirect-exact-match".into()),
            error_rule: None,
            otherwise: None,
            expect: Vec::new(),
            refused: Some(true),
            captures: Vec::new(),
            why: None,
            line: 1,
            span: 0..0,
        };
        let said = |facts| judge(&step, &facts, &|value| Ok(value.clone())).remove(0).outcome;
        assert_eq!(said(json!({ "stopped-at": "page", "status": 200 })), Outcome::Held);
        let failed = json!({ "stopped-at": "page", "status": 200, "command-failed": "`node` did not end in 60 s" });
        assert!(matches!(said(failed), Outcome::Unproven(reason) if reason.contains("did not end")));
    }

    #[test]
    fn a_case_files_the_form_of_its_refusals_under_rules_that_it_does_not_name() {
        let rules = |case: &str| {
            let case = crate::suite::Suites::embedded().get(case).expect("a case of ours");
            default_error_rules(case).collect::<Vec<_>>()
        };
        assert_eq!(rules("token/code-one-time"), ["token.error-format"]);
        assert_eq!(rules("token/code-made-up"), Vec::<&str>::new(), "it names another");
        assert_eq!(rules("token/pkce-downgrade"), Vec::<&str>::new(), "it asks for no form");
    }

    #[test]
    fn a_text_is_shown_from_the_word_before_its_offence() {
        let text = format!("{} secret-of-many-letters at node_modules", "word ".repeat(40));
        let at = text.find("node_modules").expect("it is there");
        let from = shown_from(&text, at);
        assert!(from > 0 && text[..from].ends_with(' ') && text[from..].contains("node_modules"), "{}", &text[from..]);
        assert_eq!(shown_from(&text, 100), 0, "it is seen anyway");
        assert_eq!(shown_from(&"x".repeat(500), 400), 0, "no word is cut");
    }
}
