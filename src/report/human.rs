//! The report for a person at a terminal: head, one line an area, each finding in full, totals.

use std::collections::BTreeSet;

use super::cause::causes;
use super::finding;
use super::group::{self, Group};
use super::look::{BAD, BROKEN, DOUBTFUL, FAINT, GOOD, Look, STRONG};
use super::model::{Counts, Outcome, Report};
use super::text::{columns, cut, duration, plural, tidy, wrap};
use crate::event::{CaseResult, RunStarted, TargetInfo, Verdict};

/// The whole report. `reports` names the folder the files went to.
pub fn render(report: &Report, look: &Look, reports: Option<&str>) -> String {
    let mut lines = head(&Head::of(report), look);
    lines.push(String::new());
    for (area, results) in report.areas() {
        let mut counts = Counts::default();
        results.iter().for_each(|result| counts.add(result));
        lines.extend(area_lines(area, &counts, look));
    }
    lines.extend(rest(report, look, reports));
    lines.join("\n") + "\n"
}

/// What the head of a report names.
pub(super) struct Head<'a> {
    version: &'a str,
    target: &'a TargetInfo,
    login: &'a str,
    registration: &'a str,
    applicable: usize,
    not_applicable: usize,
    notes: &'a [String],
}

impl<'a> Head<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        Head {
            version: &report.tool.version,
            target: &report.target,
            login: &report.run.login,
            registration: &report.run.registration,
            applicable: report.run.applicable,
            not_applicable: report.run.not_applicable,
            notes: &report.run.notes,
        }
    }

    pub(super) fn of_start(started: &'a RunStarted) -> Self {
        Head {
            version: &started.tool_version,
            target: &started.target,
            login: &started.login,
            registration: &started.registration,
            applicable: started.applicable,
            not_applicable: started.not_applicable,
            notes: &started.notes,
        }
    }
}

/// Who judges whom, by which version, and how the run gets its users and clients.
pub(super) fn head(head: &Head<'_>, look: &Look) -> Vec<String> {
    let roles: Vec<String> = head.target.roles.iter().map(ToString::to_string).collect();
    let place = head.target.mcp_url.as_deref().unwrap_or(&head.target.name);
    let mut place = tidy(place, TEXT);
    if !head.target.deployments.is_empty() {
        let names: Vec<String> = head.target.deployments.iter().map(|part| tidy(&part.name, TEXT)).collect();
        place = format!("{place}: {}", names.join(", "));
    }
    if !roles.is_empty() {
        place = format!("{place} ({})", roles.join(", "));
    }
    let who = [format!("authspec {}", head.version), format!("MCP {}", head.target.mcp_version), place];
    let apply = format!(
        "{}, {} {}",
        plural(head.applicable, "case applies", "cases apply"),
        head.not_applicable,
        if head.not_applicable == 1 { "does not" } else { "do not" }
    );
    let how = [tidy(head.login, TEXT), tidy(head.registration, TEXT), apply];
    let mut lines: Vec<String> = joined(&who, look).into_iter().map(|line| look.paint(STRONG, line)).collect();
    lines.extend(joined(&how, look));
    for note in head.notes {
        lines.extend(marked("note", DOUBTFUL, note, look));
    }
    lines
}

/// One area: `token          34 passed   1 failed`.
pub(super) fn area_lines(area: &str, counts: &Counts, look: &Look) -> Vec<String> {
    let parts = [
        (counts.pass, format!("{} passed", counts.pass), GOOD),
        (counts.warn, plural(counts.warn, "warning", "warnings"), DOUBTFUL),
        (counts.fail, format!("{} failed", counts.fail), BAD),
        (counts.blocked, format!("{} blocked", counts.blocked), BROKEN),
        (counts.error, format!("{} in error", counts.error), BROKEN),
        (counts.known, format!("{} known", counts.known), FAINT),
        (usize::from(counts.judged() + counts.blocked + counts.error == 0), "does not apply".to_owned(), FAINT),
    ];
    let mut lines = Vec::new();
    let mut line = format!("{:AREA$}", cut(&tidy(area, TEXT), AREA - 1));
    let mut taken = AREA;
    for (_, text, style) in parts.iter().filter(|(number, ..)| *number > 0) {
        // A number is right-aligned in its column: ` 18 passed   2 warnings`.
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let column = if taken == AREA { 3 } else { 4 };
        let gap = column_gap(column, digits);
        if taken + gap + columns(text) > look.width() {
            lines.push(std::mem::replace(&mut line, " ".repeat(AREA)));
            taken = AREA;
        }
        line.push_str(&" ".repeat(gap));
        line.push_str(&look.paint(*style, text));
        taken += gap + columns(text);
    }
    lines.push(line);
    lines
}

/// Everything after the areas.
pub(super) fn rest(report: &Report, look: &Look, reports: Option<&str>) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(not_applicable(report, look));
    let causes = causes(report);
    for cause in &causes {
        lines.extend(marked("CAUSE", BAD, cause, look));
    }
    if !causes.is_empty() {
        lines.push(String::new());
    }
    for verdict in [Verdict::Fail, Verdict::Warn, Verdict::Blocked, Verdict::Error] {
        for group in group::of_verdict(&report.results, verdict) {
            lines.extend(finding::block(report, &group, look));
            lines.push(String::new());
        }
    }
    lines.extend(known(report, look));
    lines.extend(end(report, look));
    lines.extend(totals(report, look, reports));
    lines
}

/// The last line: `2 failed, 2 warnings, 136 passed, 0 blocked, 41 do not apply · 1.3 s · reports in DIR`.
pub(super) fn totals(report: &Report, look: &Look, reports: Option<&str>) -> Vec<String> {
    let counts = report.counts();
    let mut numbers = vec![
        format!("{} failed", counts.fail),
        plural(counts.warn, "warning", "warnings"),
        format!("{} passed", counts.pass),
        format!("{} blocked", counts.blocked),
    ];
    if counts.error > 0 {
        numbers.push(format!("{} in error", counts.error));
    }
    if counts.known > 0 {
        numbers.push(format!("{} known", counts.known));
    }
    numbers.push(plural(counts.not_applicable, "does not apply", "do not apply"));
    let mut parts = vec![numbers.join(", "), duration(report.duration_ms)];
    if let Some(folder) = reports {
        parts.push(format!("reports in {}", tidy(folder, TEXT)));
    }
    let style = match report.outcome() {
        Outcome::Clean => GOOD,
        Outcome::Findings => BAD,
        Outcome::BlockedOrError => BROKEN,
    };
    joined(&parts, look).into_iter().map(|line| look.paint(style.bold(), line)).collect()
}

/// What a reader of the totals must know first: nothing found, cut short, out of date.
pub(super) fn end(report: &Report, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    let counts = report.counts();
    for problem in &report.run.problems {
        lines.extend(marked("PROBLEM", BAD, problem, look));
    }
    for remark in &report.run.remarks {
        lines.extend(marked("note", DOUBTFUL, remark, look));
    }
    if let Some(why) = &report.run.dead {
        lines.extend(marked("DEAD", BROKEN, &format!("the target stopped answering: {why}"), look));
    }
    if report.run.interrupted {
        let (done, planned) = (finished(report), report.run.applicable);
        let text = format!("the run was stopped after {done} of {planned} cases: this report is not complete");
        lines.extend(marked("INTERRUPTED", BROKEN, &text, look));
    }
    if report.outcome() == Outcome::Clean && counts.warn == 0 {
        let text = match counts.judged() {
            1 => "the one check that applies passed".to_owned(),
            checks if counts.known == 0 => format!("no findings: all {checks} checks passed"),
            checks => format!("no findings: {} of {checks} checks passed, the rest is known to fail", counts.pass),
        };
        lines.extend(wrap(&text, look.width()).into_iter().map(|line| look.paint(GOOD, line)));
    } else if counts.judged() == 0 {
        lines.extend(marked("EMPTY", BROKEN, "nothing was judged, so nothing is proved", look));
    }
    lines
}

/// Cases that apply and are over.
fn finished(report: &Report) -> usize {
    // What turned out not to apply while it ran has exchanges, or other results.
    let ran = |result: &&CaseResult| result.verdict != Verdict::NotApplicable || !result.exchanges.is_empty();
    let ran: BTreeSet<&str> = report.results.iter().filter(ran).map(|result| result.case.as_str()).collect();
    report.cases.iter().filter(|info| ran.contains(info.case.as_str())).count()
}

/// Why cases do not apply, one line a reason, the commonest first.
fn not_applicable(report: &Report, look: &Look) -> Vec<String> {
    let mut groups = group::of_verdict(&report.results, Verdict::NotApplicable);
    if groups.is_empty() {
        return Vec::new();
    }
    groups.sort_by_key(|group| std::cmp::Reverse(size(group)));
    let total: usize = groups.iter().map(size).sum();
    let mut lines = vec![plural(total, "does not apply", "do not apply")];
    for group in groups.iter().take(REASONS) {
        for (at, line) in wrap(&tidy(&group.lead.message, TEXT), look.width() - NUMBER).into_iter().enumerate() {
            lines.push(if at == 0 { format!("{:>5}  {line}", size(group)) } else { format!("{:NUMBER$}{line}", "") });
        }
    }
    if groups.len() > REASONS {
        let left_out: usize = groups[REASONS..].iter().map(size).sum();
        lines.push(format!("{left_out:>5}  for {} other reasons", groups.len() - REASONS));
    }
    let mut lines: Vec<String> = lines.into_iter().map(|line| look.paint(FAINT, line)).collect();
    lines.push(String::new());
    lines
}

fn size(group: &Group<'_>) -> usize {
    1 + group.others.len()
}

/// Failures that the profile accepts for now, one line for those of one case under one rule.
fn known(report: &Report, look: &Look) -> Vec<String> {
    let counted = |result: &&CaseResult| matches!(result.verdict, Verdict::Fail | Verdict::Warn);
    let mut groups: Vec<(&CaseResult, usize)> = Vec::new();
    for result in report.results.iter().filter(counted).filter(|result| result.known.is_some()) {
        match groups.iter_mut().find(|(lead, _)| told_together(lead, result)) {
            Some((_, count)) => *count += 1,
            None => groups.push((result, 1)),
        }
    }
    let mut lines = Vec::new();
    for (lead, count) in groups {
        let name = match count {
            1 => finding::name(lead),
            _ => format!("{} ({count} results)", tidy(&lead.case, TEXT)),
        };
        let text = format!("{}  {name}  {}", tidy(&lead.rule, TEXT), reason(lead).unwrap_or_default());
        lines.extend(marked("known", FAINT, &text, look));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Why a failure is accepted, and how long.
fn reason(result: &CaseResult) -> Option<String> {
    let known = result.known.as_ref()?;
    Some(format!("{} (until {})", tidy(&known.reason, TEXT), tidy(&known.until, TEXT)))
}

/// Whether two accepted failures are told in one line.
fn told_together(one: &CaseResult, other: &CaseResult) -> bool {
    one.rule == other.rule
        && one.case == other.case
        && one.deployment == other.deployment
        && reason(one) == reason(other)
}

/// Parts joined by a dot, broken between parts where a line is full.
fn joined(parts: &[String], look: &Look) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if columns(line) + 3 + columns(part) <= look.width() => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.extend(wrap(part, look.width())),
        }
    }
    lines
}

/// A word and a text, wrapped beside it.
fn marked(word: &str, style: anstyle::Style, text: &str, look: &Look) -> Vec<String> {
    let indent = columns(word) + 2;
    let wrapped = wrap(&tidy(text, TEXT), look.width() - indent);
    let line = |(at, line): (usize, String)| {
        let lead = if at == 0 { look.paint(style, word) + "  " } else { " ".repeat(indent) };
        lead + &line
    };
    wrapped.into_iter().enumerate().map(line).collect()
}

fn column_gap(column: usize, digits: usize) -> usize {
    if digits == 0 { 1 } else { column.saturating_sub(digits).max(1) }
}

/// Columns of an area's name and of a number of cases, characters of one text, reasons for not applying.
const AREA: usize = 14;
const NUMBER: usize = 7;
const TEXT: usize = 400;
const REASONS: usize = 10;
