//! The report for CI: `junit.xml`, a suite an area, a test case a verdict.

use std::collections::HashMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::finding;
use super::group::Group;
use super::look::Look;
use super::model::Report;
use super::text::tidy;
use crate::event::{CaseResult, Verdict};

/// The whole report.
pub fn render(report: &Report) -> String {
    let name = if report.target.name.is_empty() { "authspec" } else { &report.target.name };
    let mut whole = quick_junit::Report::new(clean(name));
    whole.set_time(Duration::from_millis(report.duration_ms));
    whole.timestamp = report.started_at.parse().ok();
    for (area, results) in report.areas() {
        whole.add_test_suite(suite(report, area, &results));
    }
    whole.add_test_suites(run(report));
    whole.to_string().expect("writing to memory does not fail")
}

fn suite(report: &Report, area: &str, results: &[&CaseResult]) -> TestSuite {
    let mut suite = TestSuite::new(clean(area));
    suite.timestamp = report.started_at.parse().ok();
    let time = report.cases.iter().filter(|case| case.area == area).map(|case| case.duration_ms).sum();
    suite.set_time(Duration::from_millis(time));
    let mut seen: HashMap<String, usize> = HashMap::new();
    for result in results {
        let mut name = format!("{} {}", finding::name(result), result.rule).trim_end().to_owned();
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            name = format!("{name} ({times})");
        }
        suite.add_test_case(test_case(report, area, &name, result));
    }
    suite
}

/// A verdict. Two judged steps may judge the same rule, so the name is given from outside.
fn test_case(report: &Report, area: &str, name: &str, result: &CaseResult) -> TestCase {
    let mut case = TestCase::new(clean(name), status(report, result));
    case.set_classname(clean(&format!("{area}/{}", result.role)));
    case.set_time(Duration::from_millis(result.duration_ms));
    if result.verdict == Verdict::Warn && result.known.is_none() {
        case.set_system_out(clean(&body(report, result)));
    }
    let level = if result.rule.is_empty() { String::new() } else { result.level.to_string() };
    let properties = [
        ("rule", result.rule.clone()),
        ("level", level),
        ("source", result.source.clone()),
        ("party", result.party.clone()),
        ("place", result.place.clone()),
        ("deployment", result.deployment.clone().unwrap_or_default()),
        ("seen", result.seen.map(|seen| seen.to_string()).unwrap_or_default()),
    ];
    for (name, value) in properties.into_iter().filter(|(_, value)| !value.is_empty()) {
        case.add_property(Property::new(name, clean(&value)));
    }
    case
}

fn status(report: &Report, result: &CaseResult) -> TestCaseStatus {
    if let (Some(known), Verdict::Fail | Verdict::Warn) = (&result.known, result.verdict) {
        return skipped(&format!("known failure: {} (until {})", known.reason, known.until));
    }
    let kind = match result.verdict {
        Verdict::Pass | Verdict::Warn => return TestCaseStatus::success(),
        Verdict::NotApplicable => return skipped(&result.message),
        Verdict::Fail => NonSuccessKind::Failure,
        Verdict::Blocked | Verdict::Error => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(result.kind.map_or_else(|| result.verdict.to_string(), |kind| kind.to_string()));
    status.set_message(clean(&result.message));
    status.set_description(clean(&body(report, result)));
    status
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(clean(reason));
    status
}

/// The same text that a person reads, without colours.
fn body(report: &Report, result: &CaseResult) -> String {
    let alone = Group { lead: result, others: Vec::new() };
    finding::block(report, &alone, &Look::plain()).join("\n")
}

/// What turns the run red beside its results, as a suite of its own: a reader of JUnit sees nothing else.
fn run(report: &Report) -> Option<TestSuite> {
    let mut suite = TestSuite::new("run");
    let mut add = |name: &str, kind, message: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(name).set_message(clean(message));
        let mut case = TestCase::new(name, status);
        case.set_classname("run");
        suite.add_test_case(case);
    };
    for problem in &report.run.problems {
        add("problem", NonSuccessKind::Failure, problem);
    }
    if let Some(why) = &report.run.dead {
        add("dead", NonSuccessKind::Error, &format!("the target stopped answering: {why}"));
    }
    if report.run.interrupted {
        add("interrupted", NonSuccessKind::Error, "the run was stopped: this report is not complete");
    }
    if report.counts().judged() == 0 {
        add("empty", NonSuccessKind::Error, "nothing was judged, so nothing is proved");
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}

/// Harmless text, line by line, without the two characters that XML 1.0 forbids and a terminal does not mind.
fn clean(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| tidy(line, LINE)).collect();
    lines.join("\n").replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// Characters of one line.
const LINE: usize = 2_000;
