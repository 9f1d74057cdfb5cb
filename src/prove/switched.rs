//! Faults that are switched on for one case at a time, at deployments that run on: all but those for which a deployment
//! asks once and for all when it starts.
//!
//! What all cases work with comes from the preflight of the healthy deployment: only cases that read nothing of what the
//! preflight sees of a fault are tried here. Each fault that a case names is switched on alone.
//! All others that the case comes by are switched on together: if everything is judged as without them, none turns it red;
//! if not, they are halved. That they were all asked for meanwhile is watched. What is trusted is that none of them hides
//! what another does although both are there, and that what a fault leaves behind in a deployment does nothing to the
//! clients of later cases; `prove --every-case` trusts nothing. What is not as the case says is tried again at a deployment
//! that has this fault and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use fixtures::Fault;

use super::consulted::{Consulted, Met, PORTION};
use super::is_named_by;
use super::learnt::{Bench, Outcome, Visits};
use super::sight::{Difference, Mark};
use super::watched::{Tried, Watched};
use crate::rule::McpVersion;
use crate::run::{Helpers, Material};
use crate::suite::Case;

/// What faults make of the cases that come by them and read nothing of what the preflight sees of them; the `visits` tell
/// what that is in the newest version.
///
/// # Errors
/// If a deployment cannot be started.
pub(super) fn outcomes(bench: Bench<'_>, visits: &Visits) -> std::io::Result<Vec<Outcome>> {
    let mut all = Vec::new();
    let habits = Habits::default();
    for version in McpVersion::ALL.iter().copied().rev() {
        let work = work(version, bench, &concerned(version, bench, visits));
        let parallel = bench.parallel * SLEEPERS;
        let hands = parallel.min(work.len().div_ceil(PORTION));
        let queue = Mutex::new(work);
        let hand_in = async |helpers: &Helpers, ()| hand(helpers, version, bench, &queue, &habits).await;
        bench.crew.all(vec![(); hands], parallel, hand_in, |found| all.extend(found))?;
    }
    Ok(all)
}

/// Faults of which something can be learnt, each with what the preflight sees of it.
type Concerned<'a> = Vec<(&'static Fault, Option<&'a Difference>)>;

fn concerned<'a>(version: McpVersion, bench: Bench<'_>, visits: &'a Visits) -> Concerned<'a> {
    let consulted = bench.consulted;
    let later = bench.faults.iter().copied().filter(|fault| !consulted.at_start(version, fault.id));
    let faults = later.filter_map(|fault| {
        let before = |version| consulted.before(version, fault.id);
        match visits.get(fault.id).and_then(|visit| visit.mark.as_ref()) {
            // In an older version the preflight may see it nevertheless, if it never came by in the newest.
            None => (before(McpVersion::NEWEST) || !before(version)).then_some((fault, None)),
            Some(Mark::Other(other)) => (version == McpVersion::NEWEST).then_some((fault, Some(&**other))),
            Some(Mark::Nothing) => None,
        }
    });
    faults.collect()
}

/// What there is to try, last what takes longest: it is taken from the end, and nobody waits for it when all else is done.
/// What changes the identity provider comes after all else, as in a run.
fn work<'a>(version: McpVersion, bench: Bench<'a>, faults: &Concerned<'_>) -> Vec<Work<'a>> {
    let cases = bench.material.suites.cases.iter();
    let mut work: Vec<Work<'_>> = cases.filter_map(|case| Work::of(case, version, bench.consulted, faults)).collect();
    work.sort_by_key(|work| (!work.case.is_alone(), work.named.len()));
    work
}

/// Takes from the queue what it can do at a deployment of its own.
async fn hand(
    helpers: &Helpers,
    version: McpVersion,
    bench: Bench<'_>,
    queue: &Mutex<Vec<Work<'_>>>,
    habits: &Habits,
) -> std::io::Result<Vec<Outcome>> {
    let wanted = bench.consulted.wanted(version);
    let watched = Watched::start(helpers, bench.deployment, &[], version, wanted).await?;
    let Ok(watched) = watched else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    // What the preflight sees is what it saw before.
    let healthy = bench.consulted.sight(version);
    if healthy.is_some_and(|healthy| watched.sight(bench.material).mark(healthy).is_none()) {
        // The lock is not held while the case runs.
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(work) = next() {
            found.extend(work.run(&watched, bench.material, habits).await);
        }
    }
    watched.stop().await;
    Ok(found)
}

/// What is tried of one case.
struct Work<'a> {
    case: &'a Case,
    version: McpVersion,
    /// What came of it at a healthy deployment.
    healthy: &'a Met,
    /// Faults that turn it red, as it says.
    named: Vec<&'static str>,
    /// Others that it comes by.
    others: Vec<&'static str>,
}

impl<'a> Work<'a> {
    fn of(case: &'a Case, version: McpVersion, consulted: &'a Consulted, faults: &Concerned<'_>) -> Option<Work<'a>> {
        let met = consulted.met(version, &case.id)?;
        let mut work = Work { case, version, healthy: met, named: Vec::new(), others: Vec::new() };
        for (fault, other) in faults {
            let is_seen = other.is_some_and(|other| other.shows_in(&met.read) || other.plan.contains(&case.id));
            if met.asked.contains_key(fault.id) && !is_seen {
                let list = if is_named_by(fault, case) { &mut work.named } else { &mut work.others };
                list.push(fault.id);
            }
        }
        (!work.named.is_empty() || !work.others.is_empty()).then_some(work)
    }

    async fn run(self, watched: &Watched, material: Material<'_>, habits: &Habits) -> Vec<Outcome> {
        let mut found = Vec::new();
        let one = async |on: &[&'static str]| watched.one(self.case, material.rules, on).await;
        for &fault in &self.named {
            let Tried { mut reds, .. } = one(&[fault]).await;
            if let Some(variants) = reds.red.remove(&self.case.id).filter(|_| reds.errors.is_empty()) {
                found.push(self.outcome(fault, Some(variants)));
            }
        }
        let mut base = None;
        // Those that spoilt other cases wait until something went well: what they spoil, they mostly spoil with all the others on.
        let (mut waiting, rest): (Vec<_>, Vec<_>) = self.others.iter().partition(|fault| habits.troublesome.has(fault));
        let mut groups = vec![rest];
        while let Some(group) = groups.pop().or_else(|| Some(std::mem::take(&mut waiting)).filter(|w| !w.is_empty())) {
            if group.is_empty() {
                continue;
            }
            let tried = one(&group).await;
            let (met, rest): (Vec<_>, Vec<_>) =
                group.iter().partition(|fault| self.is_met(fault, &tried, &group, habits));
            let is_well = tried.met.verdicts == self.healthy.verdicts;
            if is_well && !met.is_empty() {
                if let [fault] = *group
                    && tried.met.times(fault) < self.healthy.times(fault)
                {
                    habits.shy.add(fault);
                }
                found.extend(met.into_iter().map(|fault| self.outcome(fault, None)));
                groups.push([rest, std::mem::take(&mut waiting)].concat());
                continue;
            }
            if let [fault] = *group {
                habits.troublesome.add(fault);
                if tried.is_judged_without_finding() && !met.is_empty() {
                    found.push(self.outcome(fault, None));
                }
                continue;
            }
            let (suspects, rest): (Vec<_>, Vec<_>) = group.iter().partition(|fault| habits.troublesome.has(fault));
            if !suspects.is_empty() && !rest.is_empty() {
                groups.extend([suspects, rest]);
                continue;
            }
            // It may be something else: what earlier cases left behind, or what the preflight saw.
            if !is_well && base.is_none() {
                base = Some(one(&[]).await);
            }
            if base.as_ref().is_some_and(|base| base.met.verdicts != self.healthy.verdicts) {
                break;
            }
            let (first, second) = group.split_at(group.len() / 2);
            groups.extend([first.to_vec(), second.to_vec()]);
        }
        found
    }

    /// Whether a fault had its say as often as at a healthy deployment, if others were on beside it: one of them may have led
    /// the case past a page on which it shows.
    fn is_met(&self, fault: &str, tried: &Tried, group: &[&str], habits: &Habits) -> bool {
        let alone = group.len() == 1 || habits.shy.has(fault);
        tried.met.times(fault) >= if alone { 1 } else { self.healthy.times(fault).max(1) }
    }

    fn outcome(&self, fault: &'static str, red: Option<BTreeSet<String>>) -> Outcome {
        Outcome { version: self.version, fault, case: self.case.id.clone(), red }
    }
}

/// What was seen of faults before.
#[derive(Default)]
struct Habits {
    /// They changed what cases come to, if only to blocked: the first to suspect.
    troublesome: Times,
    /// They are asked for less often once they are on, by their own doing.
    shy: Times,
}

/// How often something was seen of each fault.
#[derive(Default)]
struct Times(Mutex<BTreeMap<&'static str, usize>>);

impl Times {
    fn add(&self, fault: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
    }

    fn has(&self, fault: &str) -> bool {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(fault).copied();
        times.is_some_and(|times| times >= OFTEN)
    }
}

/// So many deployments for each that would do: with all others a case meets the faults about races, and each of its token requests
/// sleeps for them.
const SLEEPERS: usize = 2;
/// So many times are no accident.
const OFTEN: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::Reds;
    use super::*;
    use crate::suite::Suites;

    #[test]
    fn who_has_less_to_say_beside_others_is_tried_again() {
        const FAULT: &str = "authorize.cookie-domain";
        let met = |times: usize| Met { asked: [(FAULT, times)].into(), ..Met::default() };
        let tried = |times: usize| Tried { met: met(times), reds: Reds::default() };
        let case = Suites::embedded().get("token/code-one-time").expect("a case of ours");
        let (version, healthy) = (McpVersion::NEWEST, met(2));
        let work = Work { case, version, healthy: &healthy, named: Vec::new(), others: Vec::new() };
        let (group, habits) = ([FAULT, "authorize.csp-missing"], Habits::default());
        assert!(work.is_met(FAULT, &tried(2), &group, &habits) && !work.is_met(FAULT, &tried(1), &group, &habits));
        assert!(
            work.is_met(FAULT, &tried(1), &group[..1], &habits) && !work.is_met(FAULT, &tried(0), &group[..1], &habits)
        );
        (0..OFTEN).for_each(|_| habits.shy.add(FAULT));
        assert!(work.is_met(FAULT, &tried(1), &group, &habits) && !work.is_met(FAULT, &tried(0), &group, &habits));
    }
}
