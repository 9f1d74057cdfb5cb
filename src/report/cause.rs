//! One reason behind many results: said once, before the results themselves.

use std::collections::BTreeMap;

use super::evidence;
use super::model::Report;
use super::phrase::{in_words, obstacle_in_words};
use super::text::{plural, tidy};
use crate::event::{CaseResult, Kind, Verdict};

/// The sentences, most important first; none where the results have reasons of their own.
pub(super) fn causes(report: &Report) -> Vec<String> {
    let of = |verdict: Verdict| -> Vec<&CaseResult> {
        report.results.iter().filter(|result| result.verdict == verdict && result.known.is_none()).collect()
    };
    let (failed, blocked) = (of(Verdict::Fail), of(Verdict::Blocked));
    [crashes(report, &failed), same_answer(&failed), same_obstacle(&blocked)].into_iter().flatten().collect()
}

/// Many failures that are crashes: the server has one defect, and the rules are not about it.
fn crashes(report: &Report, failed: &[&CaseResult]) -> Option<String> {
    let crashed: Vec<&CaseResult> = failed.iter().copied().filter(|result| result.kind == Some(Kind::Crash)).collect();
    if !is_many(crashed.len(), failed.len()) {
        return None;
    }
    let places = crashed.iter().filter_map(|result| {
        let exchange = report.exchange(*result.exchanges.last()?)?;
        let place = evidence::place(&exchange.request.url, report.home_of(result));
        Some(format!("{} {place}", exchange.request.method))
    });
    let most = commonest(places).map_or_else(String::new, |(place, number)| format!(", {number} of them at {place}"));
    Some(format!(
        "{} of {} are crashes (5xx or a dropped connection){most}: mend that first, and look into the server's log",
        crashed.len(),
        plural(failed.len(), "failure", "failures"),
    ))
}

/// Many failures of several rules that got the same answer: nothing that was asked mattered.
fn same_answer(failed: &[&CaseResult]) -> Option<String> {
    let sound: Vec<&CaseResult> = failed.iter().copied().filter(|result| !of_their_own(result)).collect();
    let (answer, number) = commonest(sound.iter().map(|result| result.actual.clone()))?;
    let mut rules: Vec<&str> =
        sound.iter().filter(|result| result.actual == answer).map(|result| result.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    (is_many(number, failed.len()) && rules.len() >= SEVERAL).then(|| {
        let answer = in_words(&tidy(&answer, TEXT));
        format!(
            "{number} of {} have the same answer, whatever was asked: {answer}",
            plural(failed.len(), "failure", "failures")
        )
    })
}

/// Many cases that were stopped by one thing.
fn same_obstacle(blocked: &[&CaseResult]) -> Option<String> {
    let (obstacle, number) = commonest(blocked.iter().map(|result| reason(&result.message).to_owned()))?;
    is_many(number, blocked.len()).then(|| {
        let obstacle = tidy(&obstacle_in_words(&obstacle), TEXT);
        format!("{number} of {} by one thing: {obstacle}", plural(blocked.len(), "blocked case", "blocked cases"))
    })
}

/// Why a case was stopped, without the ability that it would have needed: `needs call: no login` and `needs refresh: no
/// login` have one reason.
fn reason(message: &str) -> &str {
    match message.strip_prefix("needs ").and_then(|rest| rest.split_once(": ")) {
        Some((ability, reason)) if !ability.contains(' ') => reason,
        _ => message,
    }
}

/// An attack that worked says nothing about the others; a crash is counted elsewhere.
fn of_their_own(result: &CaseResult) -> bool {
    matches!(result.kind, Some(Kind::Accepted | Kind::Crash)) || result.actual.is_empty()
}

fn commonest(texts: impl Iterator<Item = String>) -> Option<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    // The first of several equal ones, so that two runs say the same.
    counts.into_iter().rev().max_by_key(|(_, number)| *number)
}

/// Enough to be a reason, and at least half of all.
fn is_many(number: usize, of: usize) -> bool {
    number >= MANY && number * 2 >= of
}

const MANY: usize = 5;
const SEVERAL: usize = 3;
/// Characters of one text.
const TEXT: usize = 160;
