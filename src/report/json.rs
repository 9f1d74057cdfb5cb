//! The report for programs: `report.json`, of the form that `reports/schema/report.schema.json` fixes.

use super::model::Report;

/// The whole report, indented.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has only text as keys and no odd numbers");
    text.push('\n');
    text
}
