//! `authspec diff OLD NEW`: which verdicts changed between two reports.

use std::collections::BTreeMap;

use authspec::event::Verdict;
use authspec::report::Report;

use super::{BLOCKED, DiffArgs, FINDINGS, OK, USAGE, merge, text};

/// Compares and gives the exit code: 1 if something became worse, 2 if that cannot be said of a run that was stopped.
pub fn main(args: &DiffArgs) -> u8 {
    let (old, new, cut_short) = match (merge::read(&args.old), merge::read(&args.new)) {
        (Ok(old), Ok(new)) => (verdicts(&old), verdicts(&new), new.run.interrupted),
        (Err(reason), _) | (_, Err(reason)) => {
            text::error(&reason);
            return USAGE;
        }
    };
    let (mut worse, mut changed) = (0, 0);
    for (key, verdict) in &new {
        let before = old.get(key);
        if before == Some(verdict) {
            continue;
        }
        changed += 1;
        let worsened = rank(*verdict) > before.map_or(0, |v| rank(*v));
        worse += usize::from(worsened);
        let before = before.map_or_else(|| "(new)".to_owned(), ToString::to_string);
        text::line(&format!("{} {before:>14} -> {verdict:14} {key}", if worsened { "WORSE " } else { "      " }));
    }
    for (key, verdict) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        changed += 1;
        text::line(&format!("       {verdict:>14} -> (gone)         {key}"));
    }
    text::line(&format!("{changed} verdicts changed, {worse} of them for the worse"));
    if cut_short {
        text::remark("the later run was stopped before its end: what is gone was not judged");
    }
    match (worse, cut_short) {
        (0, true) => BLOCKED,
        (0, false) => OK,
        _ => FINDINGS,
    }
}

/// The worst verdict of each case, variant and rule.
fn verdicts(report: &Report) -> BTreeMap<String, Verdict> {
    let mut all = BTreeMap::new();
    for result in &report.results {
        let variant = result.variant.as_ref().map(|v| format!("[{v}]")).unwrap_or_default();
        let verdict = all.entry(format!("{}{variant} {}", result.case, result.rule)).or_insert(result.verdict);
        if rank(result.verdict) > rank(*verdict) {
            *verdict = result.verdict;
        }
    }
    all
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass | Verdict::NotApplicable => 0,
        Verdict::Warn => 1,
        Verdict::Blocked => 2,
        Verdict::Error => 3,
        Verdict::Fail => 4,
    }
}
