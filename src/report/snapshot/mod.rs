//! The report for review: `snapshot.txt`, verdicts and protocol documents without anything that changes from run to run, in
//! the format of insta, so that `cargo insta review` shows what drifted.

mod file;
mod normalise;

pub use file::{Drift, SnapshotError, bless, compare};

use serde_json::Value;

use super::model::Report;
use super::text::tidy;
use crate::event::CaseResult;
use normalise::{Known, volatile_text, volatile_value};

/// The whole snapshot: head, verdicts, documents.
pub fn render(report: &Report) -> String {
    let description = "verdicts and protocol documents; ports, ids, tokens and times are masked";
    format!(
        "---\nsource: authspec\ndescription: {}\nexpression: {}\n---\n{}",
        quoted(description),
        quoted(&tidy(&volatile_text(&report.run.again), LINE)),
        body(report)
    )
}

fn body(report: &Report) -> String {
    let mut roles: Vec<String> = report.target.roles.iter().map(ToString::to_string).collect();
    roles.sort();
    let mut lines = vec![
        format!("target  {}", tidy(&volatile_text(&report.target.name), LINE)),
        format!("roles   {}", roles.join(", ")),
        format!("mcp     {}", report.target.mcp_version),
    ];
    if report.run.interrupted {
        lines.push("the run was stopped: verdicts are missing".to_owned());
    }
    lines.extend([String::new(), format!("{SECTION}verdicts")]);
    let mut verdicts: Vec<String> = report.results.iter().map(verdict).collect();
    verdicts.sort();
    lines.extend(verdicts);
    for (name, content) in documents(report) {
        lines.extend([String::new(), format!("{SECTION}{name}"), content]);
    }
    lines.join("\n") + "\n"
}

/// One verdict: `token/code-one-time[variant]  token.code-one-time  fail (accepted)`.
fn verdict(result: &CaseResult) -> String {
    let variant = result.variant.as_ref().map(|variant| format!("[{}]", tidy(variant, LINE))).unwrap_or_default();
    let rule = if result.rule.is_empty() { "-" } else { &result.rule };
    let kind = result.kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
    let place = result.deployment.as_ref().map(|name| format!("  at {}", tidy(name, LINE))).unwrap_or_default();
    format!("{}{variant}  {rule}  {}{kind}{place}", result.case, result.verdict)
}

/// Name and text of each document, by name, once each.
fn documents(report: &Report) -> Vec<(String, String)> {
    let known = Known::of(report.documents.iter().map(|document| &document.content));
    let text = |content: &Value| {
        serde_json::to_string_pretty(&volatile_value(content, &known)).expect("JSON values have only text as keys")
    };
    let mut documents: Vec<(String, String)> = report
        .documents
        .iter()
        .map(|document| (tidy(&volatile_text(&document.name), LINE), text(&document.content)))
        .collect();
    documents.sort();
    documents.dedup();
    documents
}

/// A string as YAML reads it; JSON strings are YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// What a heading begins with.
const SECTION: &str = "## ";
/// Characters of one line that comes from outside.
const LINE: usize = 400;
