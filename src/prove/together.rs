//! Faults that many cases meet and few see, tried together: what leaves a case green with all of them on does not turn it
//! red alone.
//!
//! Of some, each case says which it asks for: that they were all on when the case came by is watched. Others change what the
//! preflight hands to all cases, at different places: that it hands on the changes of all of them, and no other, is looked
//! at. What is trusted is that none of them hides what another does although both are there; faults of like names are kept
//! apart for that reason, and `prove --every-case` trusts nothing.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{Fault, Faults};

use super::consulted::Consulted;
use super::sight::{Difference, Mark};
use super::watched::Watched;
use super::{crew, is_named_by, sight};
use crate::reference::Deployment;
use crate::rule::McpVersion;
use crate::run::{Helpers, Material};
use crate::suite::{Case, Suites};

/// What is known of the faults of a deployment before each is tried by itself, in the newest version.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    /// Faults that the preflight already sees.
    marks: BTreeMap<&'static str, Mark>,
    /// The cases that each fault leaves green although they ask for it.
    green: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Cleared {
    /// Finds out which faults the preflight sees, and tries the others together where many cases ask for them.
    ///
    /// # Errors
    /// If a deployment cannot be started.
    pub(super) fn find(
        helpers: &Helpers,
        deployment: Deployment,
        faults: &[&'static Fault],
        material: Material<'_>,
        consulted: &Consulted,
        parallel: usize,
    ) -> std::io::Result<Cleared> {
        let before: Vec<&'static Fault> =
            faults.iter().copied().filter(|fault| consulted.before(VERSION, fault.id)).collect();
        let look = async |fault: &'static Fault| {
            Ok((fault.id, sight::mark(helpers, fault, VERSION, material, consulted).await?))
        };
        let mut cleared = Cleared::default();
        crew::all(before, parallel, look, |(fault, mark)| cleared.marks.extend(mark.map(|mark| (fault, mark))))?;
        let open: Vec<&'static Fault> = faults.iter().copied().filter(|fault| cleared.mark(fault).is_none()).collect();
        let unseen = groups(&open, material.suites, consulted).into_iter();
        let unseen = unseen.flat_map(|group| portions_of(group, material.suites, consulted));
        let seen = cleared.groups_seen(faults, material.suites).into_iter();
        let seen = seen.flat_map(|(group, all)| portions_seen(&group, &all, material.suites, consulted));
        let portions = seen.chain(unseen).collect();
        let run = async |portion: Portion| portion.run(helpers, deployment, consulted, material).await;
        crew::all(portions, parallel, run, |green| {
            for (fault, case) in green {
                cleared.green.entry(fault).or_default().insert(case);
            }
        })?;
        Ok(cleared)
    }

    /// How the preflight sees the fault in the newest version, if it does.
    pub(super) fn mark(&self, fault: &Fault) -> Option<&Mark> {
        self.marks.get(fault.id)
    }

    /// Groups of faults that change what the preflight hands to all cases, each at places of its own, and what it hands on
    /// with all of a group.
    fn groups_seen(&self, faults: &[&'static Fault], suites: &Suites) -> Vec<(Vec<&'static Fault>, Difference)> {
        let mut groups: Vec<(Vec<&'static Fault>, Difference)> = Vec::new();
        for fault in faults.iter().copied().filter(|fault| is_seen_by_few(fault, suites)) {
            let Some(Mark::World(other)) = self.mark(fault) else { continue };
            if other.lines.len() > LINES || other.plan.len() > OTHERWISE {
                continue;
            }
            let places = other.places();
            let is_apart = |(group, all): &&mut (Vec<_>, Difference)| {
                group.len() < SEEN_TOGETHER && all.places().is_disjoint(&places)
            };
            match groups.iter_mut().find(is_apart) {
                Some((group, all)) => {
                    group.push(fault);
                    all.lines.extend(other.lines.iter().cloned());
                }
                None => groups.push((vec![fault], Difference::clone(other))),
            }
        }
        groups.retain(|(group, _)| group.len() > 1);
        groups
    }

    /// The cases that a fault is known to leave green.
    pub(super) fn green(&self, fault: &Fault) -> impl Iterator<Item = String> {
        self.green.get(fault.id).into_iter().flatten().cloned()
    }

    /// Whether it is known that a fault leaves a case green.
    pub(super) fn has(&self, version: McpVersion, fault: &Fault, case: &str) -> bool {
        version == VERSION && self.green.get(fault.id).is_some_and(|cases| cases.contains(case))
    }
}

/// Whether few cases say that the fault turns them red.
fn is_seen_by_few(fault: &Fault, suites: &Suites) -> bool {
    suites.cases.iter().filter(|case| is_named_by(fault, case)).count() <= SEEN
}

/// Faults that are tried together. Neighbours in the catalogue, which often change the same thing, are in different ones.
fn groups(faults: &[&'static Fault], suites: &Suites, consulted: &Consulted) -> Vec<Vec<&'static Fault>> {
    let is_wide =
        |fault: &&Fault| consulted.in_version(VERSION, fault.id).len() >= WIDE && is_seen_by_few(fault, suites);
    let wide: Vec<&'static Fault> = faults.iter().copied().filter(is_wide).collect();
    let number = wide.len().div_ceil(TOGETHER);
    let mut groups = vec![Vec::new(); number];
    for (at, fault) in wide.into_iter().enumerate() {
        groups[at % number].push(fault);
    }
    groups
}

/// Faults, and cases that are tried with all of them, one after the other.
struct Portion {
    faults: Vec<&'static Fault>,
    /// What the preflight hands on with all of them, if it sees them.
    seen: Option<Difference>,
    cases: Vec<Case>,
}

/// The cases of a group in portions: those that ask for more than one of its faults.
fn portions_of(faults: Vec<&'static Fault>, suites: &Suites, consulted: &Consulted) -> Vec<Portion> {
    let asks = |case: &Case| {
        let asked = consulted.asked(VERSION, &case.id);
        asked.is_some_and(|asked| faults.iter().filter(|fault| asked.contains(fault.id)).count() > 1)
    };
    portions(&faults, None, suites.cases.iter().filter(|case| asks(case)))
}

/// The same of a group that the preflight sees: all cases meet it.
fn portions_seen(faults: &[&'static Fault], all: &Difference, suites: &Suites, consulted: &Consulted) -> Vec<Portion> {
    portions(faults, Some(all), suites.cases.iter().filter(|case| consulted.has(VERSION, &case.id)))
}

/// None that one of the faults should turn red; of those that wait only a few in a portion, so that not all wait for one another.
fn portions<'a>(
    faults: &[&'static Fault],
    seen: Option<&Difference>,
    cases: impl Iterator<Item = &'a Case>,
) -> Vec<Portion> {
    let green = cases.filter(|case| !faults.iter().any(|fault| is_named_by(fault, case)));
    let (slow, quick): (Vec<Case>, Vec<Case>) = green.cloned().partition(Case::is_slow);
    let portions = slow.chunks(SLOW_PORTION).chain(quick.chunks(PORTION));
    portions.map(|cases| Portion { faults: faults.to_vec(), seen: seen.cloned(), cases: cases.to_vec() }).collect()
}

impl Portion {
    /// The pairs of fault and case that are green although the case met the fault.
    async fn run(
        self,
        helpers: &Helpers,
        deployment: Deployment,
        consulted: &Consulted,
        material: Material<'_>,
    ) -> std::io::Result<Vec<(&'static str, String)>> {
        let all = Faults::parse(self.faults.iter().map(|fault| fault.id)).unwrap_or_default();
        let Ok(watched) = Watched::start(helpers, deployment, all, VERSION).await? else { return Ok(Vec::new()) };
        let mut green = Vec::new();
        // What the preflight sees of all of them together may be what it sees of none alone: then nothing is learnt.
        let mark = consulted.sight(VERSION).map(|healthy| watched.sight(material).mark(healthy));
        let is_as_expected = match (mark, &self.seen) {
            (Some(None), None) => true,
            (Some(Some(Mark::World(all))), Some(expected)) => all.lines == expected.lines,
            _ => false,
        };
        for case in self.cases.iter().filter(|_| is_as_expected) {
            let tried = watched.one(case, material.rules).await;
            let met = |fault: &&&Fault| self.seen.is_some() || tried.asked.contains(fault.id);
            let on = self.faults.iter().filter(met).filter(|_| tried.is_green());
            green.extend(on.map(|fault| (fault.id, case.id.clone())));
        }
        watched.stop().await;
        Ok(green)
    }
}

/// Only in this version are faults tried together; in older ones little is left.
const VERSION: McpVersion = McpVersion::NEWEST;
/// Cases that ask for a fault, from which on it is worth trying it with others.
const WIDE: usize = 24;
/// Cases that a fault turns red, up to which it can be tried with others.
const SEEN: usize = 8;
/// Faults in a group.
const TOGETHER: usize = 16;
/// Faults in a group that the preflight sees: each changes more than one that it does not see.
const SEEN_TOGETHER: usize = 6;
/// Lines that a fault changes in what the preflight hands on, up to which it is tried with others.
const LINES: usize = 24;
/// Cases that apply otherwise with a fault, up to which it is tried with others.
const OTHERWISE: usize = 40;
/// Cases of a group that run one after the other.
const PORTION: usize = 200;
const SLOW_PORTION: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rules;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_many_cases_meet_and_none_sees_is_cleared_and_what_one_sees_is_not() {
        let mut suites = Suites::embedded().clone();
        suites.cases.retain(|case| case.area == "token");
        let material = Material { suites: &suites, rules: Rules::embedded() };
        let helpers = Helpers::start().await.expect("helpers start");
        let server = Deployment::Server;
        let consulted = Consulted::watch(&helpers, server, material, 2).await.expect("the deployment starts");
        let ids =
            ["discovery.iss-not-advertised", "authorize.cookie-domain", "authorize.csp-missing", "token.status-201"];
        let find = |id| fixtures::catalogue().iter().find(|fault| fault.id == id);
        let faults = ids.map(|id| find(id).expect("a fault of the catalogue"));
        let cleared = Cleared::find(&helpers, server, &faults, material, &consulted, 2).expect("the deployment starts");
        let [silent, cookie, policy, status] = faults;
        assert!(cleared.mark(silent).is_some(), "all cases see the metadata");
        assert!(
            cleared.has(VERSION, cookie, "token/code-one-time") && cleared.has(VERSION, policy, "token/code-one-time")
        );
        assert!(!cleared.has(VERSION, silent, "token/code-one-time"), "it is not tried with others");
        for case in suites.cases.iter().filter(|case| is_named_by(status, case)) {
            assert!(!cleared.has(VERSION, status, &case.id), "{} names it", case.id);
        }
        assert!(!cleared.has(McpVersion::V2025_06_18, cookie, "token/code-one-time"));
    }
}
