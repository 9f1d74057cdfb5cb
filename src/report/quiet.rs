//! The report for a log: one line a failure, then the totals.

use super::finding;
use super::human::{end, totals};
use super::look::Look;
use super::model::Report;
use crate::event::{CaseResult, Verdict};

/// The whole report. What is blocked or in error is a failure too: it turns the run red.
pub fn render(report: &Report, look: &Look) -> String {
    let mut lines: Vec<String> =
        report.results.iter().filter(|result| red(result)).map(|result| finding::line(result, look)).collect();
    lines.extend(end(report, look));
    lines.extend(totals(report, look, None));
    lines.join("\n") + "\n"
}

fn red(result: &CaseResult) -> bool {
    result.known.is_none() && matches!(result.verdict, Verdict::Fail | Verdict::Blocked | Verdict::Error)
}
