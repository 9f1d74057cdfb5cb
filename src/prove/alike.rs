//! Faults of which the preflight sees the same: a case that asks for none of them comes to the same with each, so it is tried
//! with one of them.
//!
//! Nothing is taken on trust here but that all reads of what the preflight sees are noted: step by step the case reads the
//! same, and the deployment is asked nothing that it would answer otherwise.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use fixtures::Fault;

use super::learnt::{Bench, Learnt, Outcome};
use super::sight::{Difference, Mark};
use super::watched::{Tried, Watched};
use crate::rule::McpVersion;
use crate::run::Helpers;
use crate::suite::Case;

/// What such faults make of the cases for which it is not `learnt` yet, in the newest version.
///
/// # Errors
/// If a deployment cannot be started.
pub(super) fn outcomes(bench: Bench<'_>, learnt: &Learnt) -> std::io::Result<Vec<Outcome>> {
    let mut found = Vec::new();
    for alike in Alike::all(bench, learnt) {
        found.extend(alike.outcomes(bench)?);
    }
    Ok(found)
}

/// Faults of which the preflight sees the same.
struct Alike<'a> {
    seen: &'a Difference,
    /// With the cases of which it is not known what the fault makes of them.
    faults: Vec<(&'static Fault, BTreeSet<String>)>,
}

impl<'a> Alike<'a> {
    fn all(bench: Bench<'_>, learnt: &'a Learnt) -> Vec<Alike<'a>> {
        let mut all: Vec<Alike<'a>> = Vec::new();
        // What the deployment asks for once and for all, no case is seen to ask for.
        let later = |fault: &&'static Fault| !bench.consulted.at_start(McpVersion::NEWEST, fault.id);
        for fault in bench.faults.iter().copied().filter(later) {
            let mark = learnt.visit(fault).and_then(|visit| visit.mark.as_ref());
            let Some(seen) = mark.and_then(Mark::other) else { continue };
            let member = (fault, learnt.open(fault, bench));
            match all.iter_mut().find(|alike| alike.seen == seen) {
                Some(alike) => alike.faults.push(member),
                None => all.push(Alike { seen, faults: vec![member] }),
            }
        }
        for alike in &mut all {
            alike.faults.sort_by_key(|(_, open)| std::cmp::Reverse(open.len()));
        }
        all
    }

    fn outcomes(&self, bench: Bench<'_>) -> std::io::Result<Vec<Outcome>> {
        let [(first, open), others @ ..] = &*self.faults else { return Ok(Vec::new()) };
        let shared = |case: &&Case| open.contains(&case.id) && others.iter().any(|(_, open)| open.contains(&case.id));
        let mut work: Vec<&Case> = bench.material.suites.cases.iter().filter(shared).collect();
        if work.len() < WORTH {
            return Ok(Vec::new());
        }
        // It is taken from the end.
        work.sort_by_key(|case| !case.is_alone());
        let hands = bench.parallel.min(work.len().div_ceil(PORTION));
        let queue = Mutex::new(work);
        let mut found = Vec::new();
        let hand = async |helpers: &Helpers, ()| self.hand(helpers, bench, first, &queue).await;
        bench.crew.all(vec![(); hands], bench.parallel, hand, |outcomes| found.extend(outcomes))?;
        Ok(found)
    }

    /// Takes from the queue what it can do at a deployment of its own, which has the `first` of them.
    async fn hand(
        &self,
        helpers: &Helpers,
        bench: Bench<'_>,
        first: &'static Fault,
        queue: &Mutex<Vec<&Case>>,
    ) -> std::io::Result<Vec<Outcome>> {
        let version = McpVersion::NEWEST;
        let wanted = bench.consulted.wanted(version);
        let watched = Watched::start(helpers, bench.deployment, &[first.id], version, wanted).await?;
        let Ok(watched) = watched else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mark = bench.consulted.sight(version).and_then(|healthy| watched.sight(bench.material).mark(healthy));
        if mark.as_ref().and_then(Mark::other) == Some(self.seen) {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(case) = next() {
                let tried = watched.one(case, bench.material.rules, &[]).await;
                found.extend(self.learn(first, case, &tried));
            }
        }
        watched.stop().await;
        Ok(found)
    }

    /// What one try says about all of them: nothing about what is not judged, or is in error.
    fn learn(&self, first: &'static Fault, case: &Case, tried: &Tried) -> Vec<Outcome> {
        let red = tried.reds.red.get(&case.id).filter(|_| tried.reds.errors.is_empty()).cloned();
        if red.is_none() && !tried.is_judged_without_finding() {
            return Vec::new();
        }
        let asked = self.faults.iter().any(|(fault, _)| tried.met.asked.contains_key(fault.id));
        let told =
            self.faults.iter().filter(|(fault, open)| open.contains(&case.id) && (!asked || fault.id == first.id));
        let outcome = |(fault, _): &(&'static Fault, _)| Outcome {
            version: McpVersion::NEWEST,
            fault: fault.id,
            case: case.id.clone(),
            red: red.clone(),
        };
        told.map(outcome).collect()
    }
}

/// To start a deployment and to look at it takes as long as so many runs of a case.
const WORTH: usize = 20;
/// So many cases are worth a deployment of their own.
const PORTION: usize = 60;

#[cfg(test)]
mod tests {
    use super::super::Reds;
    use super::super::consulted::Met;
    use super::*;
    use crate::suite::Suites;

    #[test]
    fn what_asks_for_none_of_them_says_the_same_about_all() {
        let [first, second, third] = ["rs.list-open", "rs.challenge-missing", "rs.elicit-login"]
            .map(|id| fixtures::fault::find(id).expect("a fault of the catalogue"));
        let case = Suites::embedded().get("token/code-one-time").expect("a case of ours");
        let open = BTreeSet::from([case.id.clone()]);
        let seen = Difference::default();
        let alike =
            Alike { seen: &seen, faults: vec![(first, open.clone()), (second, open), (third, BTreeSet::new())] };
        let told = |asked: &[&'static str], judged: bool, red: bool| {
            let mut reds = Reds::default();
            reds.judged.extend(judged.then(|| case.id.clone()));
            reds.red.extend(red.then(|| (case.id.clone(), BTreeSet::new())));
            let met = Met { asked: asked.iter().map(|id| (*id, 1)).collect(), ..Met::default() };
            let told = alike.learn(first, case, &Tried { met, reds });
            told.into_iter().map(|outcome| (outcome.fault, outcome.red.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(told(&["token.status-201"], true, false), [(first.id, false), (second.id, false)]);
        assert_eq!(told(&[], true, true), [(first.id, true), (second.id, true)]);
        assert_eq!(told(&[second.id], true, true), [(first.id, true)], "the others may have answered otherwise");
        assert_eq!(told(&[third.id], true, false), [(first.id, false)]);
        assert_eq!(told(&[], false, false), [], "it had nothing to say");
    }
}
