//! A second attempt for what failed: each such run of a case is tried once more, by itself after all others, before it is told.
//! What load, a restart or another case may have done passes; what the target does by itself comes again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Finished;
use super::execute::{self, Ran, Second};
use crate::event::{CaseResult, Kind, Seen, Verdict};
use crate::target::KnownFailure;
use crate::transcript::{Exchange, Failure, Outcome, RedactedExchange};

/// What one run of a case, or of a variant, found.
pub struct Attempt {
    pub results: Vec<CaseResult>,
    pub exchanges: Vec<RedactedExchange>,
    /// Places in `results` of what may be of the moment: a crash, silence, an honest request that was refused.
    pub passing: BTreeSet<usize>,
}

/// A run that is worth another attempt.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// Its place among the runs of the case.
    pub run: usize,
    /// Its variant.
    pub variant: Option<String>,
    /// As in [`Attempt`].
    pub passing: BTreeSet<usize>,
}

/// Places of results that may be of the moment. `denials` are those at which an honest request was refused.
pub fn passing(results: &[CaseResult], denials: &[usize], exchanges: &[Exchange]) -> BTreeSet<usize> {
    let troubled = !denials.is_empty() || exchanges.iter().any(|exchange| is_trouble(&exchange.outcome));
    let is_passing = |(at, result): &(usize, &CaseResult)| match result.verdict {
        Verdict::Fail | Verdict::Warn => result.kind == Some(Kind::Crash) || denials.contains(at),
        Verdict::Blocked => troubled,
        Verdict::Pass | Verdict::Error | Verdict::NotApplicable => false,
    };
    results.iter().enumerate().filter(is_passing).map(|(at, _)| at).collect()
}

/// A server error or silence. What the harness would not send is none, and comes again.
fn is_trouble(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered(response) => response.status >= 500,
        Outcome::Failed(failure) => !matches!(failure, Failure::NotSent(_) | Failure::TooLarge(_)),
    }
}

/// Whether a run is worth another attempt: it failed, or what stopped it may be of the moment. What the profile knows of is not.
pub fn doubt(run: usize, variant: Option<&str>, attempt: &Attempt, known: &[KnownFailure]) -> Option<Doubt> {
    let is_known = |result: &CaseResult| known.iter().any(|k| k.covers(&result.rule, &result.case, variant));
    let doubted = |(at, result): (usize, &CaseResult)| is_doubted(result, &attempt.passing, at) && !is_known(result);
    let is_worth_it = attempt.results.iter().enumerate().any(doubted);
    is_worth_it.then(|| Doubt { run, variant: variant.map(str::to_owned), passing: attempt.passing.clone() })
}

fn is_doubted(result: &CaseResult, passing: &BTreeSet<usize>, at: usize) -> bool {
    result.verdict == Verdict::Fail || passing.contains(&at)
}

/// What the second attempt says of a result of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Same,
    Other,
    /// It did not come so far, or could not be made.
    Nothing,
}

fn says(second: &[CaseResult], first: &CaseResult) -> Says {
    let judged = |r: &&CaseResult| matches!(r.verdict, Verdict::Pass | Verdict::Fail | Verdict::Warn);
    let (same, other) = if first.verdict == Verdict::Blocked {
        (second.iter().any(|r| r.verdict == Verdict::Blocked), second.iter().any(|r| judged(&r)))
    } else {
        let mut here = second.iter().filter(judged).filter(|r| r.place == first.place).peekable();
        let judged = here.peek().is_some();
        (here.any(|r| r.rule == first.rule && r.verdict == first.verdict), judged)
    };
    match (same, other) {
        (true, _) => Says::Same,
        (false, true) => Says::Other,
        (false, false) => Says::Nothing,
    }
}

/// Brings both attempts at a run together; tells what came once and is not held against the target.
///
/// What came again is said to have come twice. What an exchange proved stays, though it came once. What may be of the moment and
/// did not come again is gone: then the second attempt counts, unless the first proved something that the second did not.
pub fn settle(finished: &mut Finished, doubt: &Doubt, mut second: Attempt) -> Option<String> {
    let offset = finished.exchanges.last().map_or(0, |exchange| exchange.id);
    second.exchanges.iter_mut().for_each(|exchange| exchange.id += offset);
    second.results.iter_mut().flat_map(|r| r.exchanges.iter_mut()).for_each(|id| *id += offset);
    finished.exchanges.append(&mut second.exchanges);
    let begin = finished.results.iter().position(|result| result.variant == doubt.variant)?;
    let same_run = |result: &&CaseResult| result.variant == doubt.variant;
    let end = begin + finished.results[begin..].iter().take_while(same_run).count();
    let mut first: Vec<CaseResult> = finished.results.splice(begin..end, []).collect();
    let said: Vec<Option<Says>> = first
        .iter()
        .enumerate()
        .map(|(at, result)| is_doubted(result, &doubt.passing, at).then(|| says(&second.results, result)))
        .collect();
    let gone = |at: usize| doubt.passing.contains(&at) && said[at] == Some(Says::Other);
    let proved_alone = |at: usize| !doubt.passing.contains(&at) && said[at].is_some_and(|said| said != Says::Same);
    let told = (0..first.len()).find(|at| gone(*at)).map(|at| once(&first[at]));
    let settled = if told.is_some() && !(0..first.len()).any(proved_alone) {
        for result in second.results.iter_mut().filter(|r| matches!(r.verdict, Verdict::Fail | Verdict::Warn)) {
            let came_before =
                first.iter().any(|r| (&r.rule, &r.place, r.verdict) == (&result.rule, &result.place, result.verdict));
            result.seen = came_before.then_some(Seen::Twice);
        }
        second.results
    } else {
        for (at, result) in first.iter_mut().enumerate() {
            result.seen = match said[at] {
                Some(Says::Same) => Some(Seen::Twice),
                Some(Says::Other) => Some(Seen::OnceOfTwo),
                Some(Says::Nothing) | None => None,
            };
        }
        first.into_iter().enumerate().filter(|(at, _)| !gone(*at)).map(|(_, result)| result).collect()
    };
    finished.results.splice(begin..begin, settled);
    told
}

/// A result that did not come again, in a few words.
fn once(result: &CaseResult) -> String {
    let name = match &result.variant {
        Some(variant) => format!("{}[{variant}]", result.case),
        None => result.case.clone(),
    };
    let what = if result.actual.is_empty() { &result.message } else { &result.actual };
    format!("{name} ({})", crate::fact::clip(what, 120))
}

/// Cases of which a run waits for another attempt.
#[derive(Default)]
pub struct Waiting {
    cases: Vec<Held>,
    /// What came once, and is no finding.
    once: Vec<String>,
    tried: usize,
    left_out: usize,
    since: Option<Instant>,
}

/// A case that is held back, with its place in the plan and the number of its lane.
struct Held {
    at: usize,
    lane: usize,
    finished: Finished,
    second: Second,
}

impl Waiting {
    /// Holds a case back if something about it is in doubt; hands it on if not.
    pub fn hold(&mut self, at: usize, lane: usize, ran: Ran) -> Option<Finished> {
        let Ran { finished, second } = ran;
        let Some(second) = second else { return Some(finished) };
        self.cases.push(Held { at, lane, finished, second });
        None
    }

    /// Puts last what is tried first: what may be of the moment, and of that what takes the least time.
    pub fn begin(&mut self) {
        self.since = Some(Instant::now());
        self.cases.sort_by_key(|held| {
            let proved = held.second.doubts.iter().all(|doubt| doubt.passing.is_empty());
            std::cmp::Reverse((proved, held.finished.duration_ms))
        });
    }

    /// The case that is tried next.
    pub fn upcoming(&self) -> Option<&str> {
        self.cases.last().map(|held| held.finished.case.as_str())
    }

    /// Tries the next case again, as far as the bounds allow, and hands it over with its place and its lane. Who gives up
    /// waiting for this finds the case still among [`Waiting::rest`].
    pub async fn one(&mut self) -> Option<(usize, usize, Finished)> {
        let held = self.cases.last_mut()?;
        let shared = &held.second.shared;
        let a_run = held.finished.duration_ms / u64::try_from(held.second.task.runs()).unwrap_or(1).max(1);
        for doubt in std::mem::take(&mut held.second.doubts) {
            if shared.world.http.is_dead().is_some() {
                continue;
            }
            let spent = self.since.map_or(Duration::ZERO, |since| since.elapsed());
            if self.tried >= MOST || spent + Duration::from_millis(a_run) > LONGEST {
                self.left_out += 1;
                continue;
            }
            self.tried += 1;
            let again = execute::again(shared.clone(), held.second.task.clone(), doubt.run);
            // A panic of ours in a second attempt leaves the first as it was.
            if let Ok(second) = tokio::spawn(again).await {
                self.once.extend(settle(&mut held.finished, &doubt, second));
            }
        }
        self.cases.pop().map(|held| (held.at, held.lane, held.finished))
    }

    /// What was not tried again, because the run was stopped.
    pub fn rest(&mut self) -> impl Iterator<Item = (usize, usize, Finished)> {
        std::mem::take(&mut self.cases).into_iter().map(|held| (held.at, held.lane, held.finished))
    }

    /// What a reader of the verdicts should know.
    pub fn remarks(&self) -> Vec<String> {
        let once = format!(
            "{} of a first attempt did not come again when the case was tried once more, by itself after all others, and {} \
             no finding: {}. A server error, silence or an honest request refused once may be load; the target's log will tell",
            match self.once.len() {
                1 => "one result".to_owned(),
                number => format!("{number} results"),
            },
            if self.once.len() == 1 { "is" } else { "are" },
            named(&self.once)
        );
        let left_out = format!(
            "{} that failed {} not tried again: {MOST} are at most, and for {} seconds",
            match self.left_out {
                1 => "one run".to_owned(),
                number => format!("{number} runs"),
            },
            if self.left_out == 1 { "was" } else { "were" },
            LONGEST.as_secs()
        );
        let all = [(!self.once.is_empty(), once), (self.left_out > 0, left_out)];
        all.into_iter().filter_map(|(is_so, text)| is_so.then_some(text)).collect()
    }
}

/// The first few of them.
fn named(all: &[String]) -> String {
    let shown = all[..all.len().min(NAMED)].join(", ");
    if all.len() > NAMED { format!("{shown} and {} more", all.len() - NAMED) } else { shown }
}

/// Runs that are tried again at most: where more fail, it is no accident.
const MOST: usize = 60;
/// How long trying again may take.
const LONGEST: Duration = Duration::from_secs(120);
/// Results that are named in a remark.
const NAMED: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::CaseFinished;

    fn result(rule: &str, line: u32, verdict: Verdict, kind: Option<Kind>) -> CaseResult {
        CaseResult {
            case: "token/code-one-time".into(),
            rule: rule.into(),
            verdict,
            kind,
            message: "said".into(),
            place: format!("suites/token/code-one-time.toml:{line}"),
            ..CaseResult::blank()
        }
    }

    const REPLAYED: (&str, u32, Verdict, Option<Kind>) = ("code-one-time", 9, Verdict::Fail, Some(Kind::Accepted));
    const CRASHED: (&str, u32, Verdict, Option<Kind>) = ("error-format", 9, Verdict::Fail, Some(Kind::Crash));
    const LATER: (&str, u32, Verdict, Option<Kind>) = ("error-format", 14, Verdict::Fail, Some(Kind::Crash));
    const STOPPED: (&str, u32, Verdict, Option<Kind>) = ("code-one-time", 5, Verdict::Blocked, None);
    const HELD: (&str, u32, Verdict, Option<Kind>) = ("code-one-time", 9, Verdict::Pass, None);
    const HELD_LATER: (&str, u32, Verdict, Option<Kind>) = ("error-format", 14, Verdict::Pass, None);
    const LEFT_OUT: (&str, u32, Verdict, Option<Kind>) = ("code-one-time", 5, Verdict::NotApplicable, None);

    type Short = (&'static str, u32, Verdict, Option<Kind>);

    /// What is left of the first attempt after the second: rule, verdict and how often; and whether something is told.
    fn settled(first: &[Short], second: &[Short]) -> (Vec<(String, Verdict, Option<Seen>)>, bool) {
        let results = |all: &[Short]| all.iter().map(|(r, l, v, k)| result(r, *l, *v, *k)).collect::<Vec<_>>();
        let first = results(first);
        let trouble = |r: &CaseResult| r.verdict == Verdict::Blocked || r.kind == Some(Kind::Crash);
        let passing = first.iter().enumerate().filter(|(_, r)| trouble(r)).map(|(at, _)| at).collect();
        let attempt = Attempt { results: first, exchanges: Vec::new(), passing };
        let doubt = doubt(0, None, &attempt, &[]).expect("something is in doubt");
        let mut finished = CaseFinished {
            case: String::new(),
            title: String::new(),
            area: String::new(),
            results: attempt.results,
            exchanges: Vec::new(),
            duration_ms: 0,
        };
        let second = Attempt { results: results(second), exchanges: Vec::new(), passing: BTreeSet::new() };
        let told = settle(&mut finished, &doubt, second);
        (finished.results.into_iter().map(|r| (r.rule, r.verdict, r.seen)).collect(), told.is_some())
    }

    fn one(short: Short, seen: Option<Seen>) -> (String, Verdict, Option<Seen>) {
        (short.0.to_owned(), short.2, seen)
    }

    #[test]
    fn what_comes_again_stands() {
        for finding in [REPLAYED, CRASHED] {
            assert_eq!(settled(&[finding], &[finding]), (vec![one(finding, Some(Seen::Twice))], false));
        }
        assert_eq!(settled(&[STOPPED], &[STOPPED]), (vec![one(STOPPED, Some(Seen::Twice))], false));
    }

    #[test]
    fn a_crash_or_silence_that_does_not_come_again_is_told_and_no_finding() {
        assert_eq!(settled(&[CRASHED], &[HELD]), (vec![one(HELD, None)], true));
        assert_eq!(settled(&[STOPPED], &[HELD]), (vec![one(HELD, None)], true));
    }

    #[test]
    fn what_was_proved_stays_though_it_came_once() {
        assert_eq!(settled(&[REPLAYED], &[HELD]), (vec![one(REPLAYED, Some(Seen::OnceOfTwo))], false));
        let kept = vec![one(REPLAYED, Some(Seen::OnceOfTwo))];
        assert_eq!(settled(&[REPLAYED, LATER], &[HELD, HELD_LATER]), (kept, true));
        let second = vec![one(REPLAYED, Some(Seen::Twice)), one(HELD_LATER, None)];
        assert_eq!(settled(&[REPLAYED, LATER], &[REPLAYED, HELD_LATER]), (second, true));
    }

    #[test]
    fn what_the_second_attempt_proves_for_the_first_time_is_a_finding() {
        assert_eq!(settled(&[STOPPED], &[REPLAYED]), (vec![one(REPLAYED, None)], true));
        assert_eq!(settled(&[CRASHED], &[REPLAYED]), (vec![one(REPLAYED, None)], true));
    }

    #[test]
    fn a_second_attempt_that_says_nothing_changes_nothing() {
        for second in [&[LEFT_OUT][..], &[STOPPED], &[]] {
            assert_eq!(settled(&[REPLAYED], second), (vec![one(REPLAYED, None)], false));
            assert_eq!(settled(&[CRASHED], second), (vec![one(CRASHED, None)], false));
        }
    }

    #[test]
    fn a_profile_that_knows_of_it_needs_no_second_attempt() {
        let until = "2027-01-31".parse().expect("a date");
        let reason = "vendor ticket".to_owned();
        let known =
            KnownFailure { rule: Some("code-one-time".into()), case: None, variant: None, reason, until, span: 0..0 };
        let (rule, line, verdict, kind) = REPLAYED;
        let results = vec![result(rule, line, verdict, kind)];
        let attempt = Attempt { results, exchanges: Vec::new(), passing: BTreeSet::new() };
        assert!(doubt(0, None, &attempt, &[]).is_some());
        assert!(doubt(0, None, &attempt, &[known]).is_none());
    }
}
