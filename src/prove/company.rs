//! Faults that a deployment has from its start, several at once: those that the preflight sees, and those for which the
//! deployment asks once and for all.
//!
//! A company is put together of faults whose marks are in different places, so that the preflight sees all of them, which
//! is looked after. A case that comes to the same there as at a healthy deployment is turned red by none of them. As with
//! those that are switched on and off, it is trusted that none hides what another does. Cases that name one of a company
//! are left out; for them, and where something comes out otherwise, the company is halved, until each is tried alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use fixtures::Fault;

use super::is_named_by;
use super::learnt::{Bench, Outcome, Visits};
use super::sight::{Difference, Mark};
use super::watched::Watched;
use crate::rule::McpVersion;
use crate::run::Helpers;
use crate::suite::Case;

/// What faults of companies make of the cases that meet them or read their marks, in the newest version, but for the cases
/// that were tried with them alone.
///
/// # Errors
/// If a deployment cannot be started.
pub(super) fn outcomes(bench: Bench<'_>, visits: &Visits) -> std::io::Result<Vec<Outcome>> {
    let mut members: Vec<_> = bench.faults.iter().filter_map(|fault| Known::of(fault, bench, visits)).collect();
    members.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    let mut companies = Company::all(members.iter().map(|(known, _)| *known));
    let mut open: Open = members.into_iter().map(|(known, cases)| (known.fault.id, cases)).collect();
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let mut strangers = Vec::new();
        companies.retain(|company| company.spares(bench, &open) >= WORTH);
        for company in &mut companies {
            strangers.extend(company.settle(bench)?);
            for outcome in company.outcomes(bench, &open)? {
                open.entry(outcome.fault).or_default().remove(&outcome.case);
                found.push(outcome);
            }
        }
        companies = companies.iter().flat_map(|company| company.halves(&open)).collect();
        companies.extend(Company::all(strangers.into_iter()));
    }
    Ok(found)
}

/// The cases of which it is not known what a fault makes of them.
type Open = BTreeMap<&'static str, BTreeSet<String>>;

/// Whether what the preflight sees leaves nearly all cases as they apply: what does not changes what it sees of others.
pub(super) fn is_companion(other: &Difference) -> bool {
    other.plan.len() <= FEW_CASES
}

/// A fault that can be in a company.
#[derive(Clone, Copy)]
struct Known<'a> {
    fault: &'static Fault,
    other: Option<&'a Difference>,
}

impl<'a> Known<'a> {
    /// With the cases that are still to be tried with it, if there are some.
    fn of(fault: &'static Fault, bench: Bench<'_>, visits: &'a Visits) -> Option<(Known<'a>, BTreeSet<String>)> {
        let (version, consulted) = (McpVersion::NEWEST, bench.consulted);
        let visit = visits.get(fault.id)?;
        let other = match &visit.mark {
            Some(mark) => Some(mark.other().filter(|other| is_companion(other))?),
            None => None,
        };
        let mut cases = consulted.standing(version, fault, visit.mark.as_ref(), bench.material);
        cases.retain(|case| !visit.tried.contains(case) && consulted.met(version, case).is_some());
        (!cases.is_empty()).then_some((Known { fault, other }, cases))
    }
}

/// Faults that do not hide each other.
struct Company<'a> {
    faults: Vec<Known<'a>>,
}

impl<'a> Company<'a> {
    /// As few as possible, those that come first together.
    fn all(members: impl Iterator<Item = Known<'a>>) -> Vec<Company<'a>> {
        let mut companies: Vec<Company<'a>> = Vec::new();
        for member in members {
            match companies.iter_mut().find(|company| company.has_room_for(member.other)) {
                Some(company) => company.faults.push(member),
                None => companies.push(Company { faults: vec![member] }),
            }
        }
        companies.retain(|company| company.faults.len() > 1);
        companies
    }

    /// Parts with those of which the preflight sees something else than when they are alone, and hands them back.
    fn settle(&mut self, bench: Bench<'_>) -> std::io::Result<Vec<Known<'a>>> {
        let mut strangers = Vec::new();
        while self.faults.len() > 1 {
            let looked = bench.crew.one(async |helpers| {
                let Some(watched) = self.start(helpers, bench).await? else { return Ok(None) };
                let seen = seen(&watched, bench);
                watched.stop().await;
                Ok(seen)
            })?;
            let expected = self.places();
            let seen = looked.map_or_else(BTreeMap::new, |seen| seen.places);
            if seen == expected {
                break;
            }
            let places = seen.keys().chain(expected.keys());
            let odd: BTreeSet<String> =
                places.filter(|place| seen.get(*place) != expected.get(*place)).cloned().collect();
            let is_odd = |known: &Known<'a>| known.other.is_some_and(|other| other.shows_in(&odd));
            let (parted, stay): (Vec<Known<'a>>, Vec<Known<'a>>) = self.faults.iter().partition(|known| is_odd(known));
            if parted.is_empty() || stay.is_empty() {
                // Nobody's, or everybody's: then nothing can be known of any of them here.
                self.faults.clear();
                break;
            }
            self.faults = stay;
            strangers.extend(parted);
        }
        Ok(strangers)
    }

    fn has_room_for(&self, new: Option<&Difference>) -> bool {
        let Some(new) = new else { return true };
        let places: BTreeSet<String> = new.places.keys().cloned().collect();
        !self.faults.iter().filter_map(|known| known.other).any(|other| other.shows_in(&places))
    }

    /// What is still to be found out of the two halves, if they are companies.
    fn halves(&self, open: &Open) -> Vec<Company<'a>> {
        let is_open = |known: &&Known<'a>| open.get(known.fault.id).is_some_and(|cases| !cases.is_empty());
        let rest: Vec<Known<'a>> = self.faults.iter().filter(is_open).copied().collect();
        let (first, second) = rest.split_at(rest.len() / 2);
        let halves = [first, second].into_iter().filter(|half| half.len() > 1);
        halves.map(|half| Company { faults: half.to_vec() }).collect()
    }

    /// What the preflight has to see: each of them, as if it were alone.
    fn places(&self) -> BTreeMap<String, Option<String>> {
        let seen = self.faults.iter().filter_map(|known| known.other);
        seen.flat_map(|other| other.places.clone()).collect()
    }

    fn outcomes(&self, bench: Bench<'_>, open: &Open) -> std::io::Result<Vec<Outcome>> {
        let work = self.work(bench, open);
        let hands = bench.parallel.min(work.len().div_ceil(COMPANY_PORTION));
        let queue = Mutex::new(work);
        let mut found = Vec::new();
        let hand = async |helpers: &Helpers, ()| self.hand(helpers, bench, &queue).await;
        bench.crew.all(vec![(); hands], bench.parallel, hand, |outcomes| found.extend(outcomes))?;
        Ok(found)
    }

    /// The cases by which something is learnt of several at once.
    fn work<'b>(&self, bench: Bench<'b>, open: &Open) -> Vec<Work<'b>> {
        let names_one = |case: &Case| self.faults.iter().any(|known| is_named_by(known.fault, case));
        let concerns = |case: &Case| {
            let of = |known: &&Known<'a>| open.get(known.fault.id).is_some_and(|cases| cases.contains(&case.id));
            self.faults.iter().filter(of).map(|known| known.fault.id).collect::<Vec<_>>()
        };
        let cases = bench.material.suites.cases.iter().filter(|case| !names_one(case));
        let all = cases.map(|case| Work { case, faults: concerns(case) });
        let mut work: Vec<Work<'_>> = all.filter(|work| work.faults.len() > 1).collect();
        // It is taken from the end.
        work.sort_by_key(|work| !work.case.is_alone());
        work
    }

    /// How many runs of a case it spares.
    fn spares(&self, bench: Bench<'_>, open: &Open) -> usize {
        self.work(bench, open).iter().map(|work| work.faults.len() - 1).sum()
    }

    /// Takes from the queue what it can do at a deployment of its own.
    async fn hand(
        &self,
        helpers: &Helpers,
        bench: Bench<'_>,
        queue: &Mutex<Vec<Work<'_>>>,
    ) -> std::io::Result<Vec<Outcome>> {
        let Some(watched) = self.start(helpers, bench).await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        if let Some(seen) = seen(&watched, bench).filter(|seen| seen.places == self.places()) {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(Work { case, faults }) = next() {
                let met = bench.consulted.met(McpVersion::NEWEST, &case.id);
                let Some(met) = met.filter(|_| !seen.plan.contains(&case.id)) else { continue };
                if watched.one(case, bench.material.rules, &[]).await.met.verdicts == met.verdicts {
                    let green =
                        |fault| Outcome { version: McpVersion::NEWEST, fault, case: case.id.clone(), red: None };
                    found.extend(faults.into_iter().map(green));
                }
            }
        }
        watched.stop().await;
        Ok(found)
    }

    /// A deployment with all of them, if it can be judged.
    async fn start(&self, helpers: &Helpers, bench: Bench<'_>) -> std::io::Result<Option<Watched>> {
        let ids: Vec<&'static str> = self.faults.iter().map(|known| known.fault.id).collect();
        let wanted = bench.consulted.wanted(McpVersion::NEWEST);
        Ok(Watched::start(helpers, bench.deployment, &ids, McpVersion::NEWEST, wanted).await?.ok())
    }
}

/// What the preflight sees that a healthy deployment does not show.
fn seen(watched: &Watched, bench: Bench<'_>) -> Option<Difference> {
    match watched.sight(bench.material).mark(bench.consulted.sight(McpVersion::NEWEST)?) {
        None => Some(Difference::default()),
        Some(Mark::Other(other)) => Some(*other),
        Some(Mark::Nothing) => None,
    }
}

/// A case, and the faults of which something is learnt by it.
struct Work<'a> {
    case: &'a Case,
    faults: Vec<&'static str>,
}

/// So many cases that apply otherwise are the fault's own business.
const FEW_CASES: usize = 30;
/// So many times companies are halved, and new ones made of those who were parted with.
const ROUNDS: usize = 8;
/// To start a company and to look at it takes as long as so many runs of a case.
const WORTH: usize = 20;
/// So many cases are worth a deployment of their own.
const COMPANY_PORTION: usize = 60;
