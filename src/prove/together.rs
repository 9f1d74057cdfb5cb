//! Faults that many cases meet and few see, tried together: what leaves a case green with all of them on does not turn it
//! red alone. And faults of which the preflight sees the very same: what a case makes of that, one of them tells for all.
//!
//! Of the first, each case says which it asks for: that they were all on when the case came by is watched. Of the others,
//! only cases count that ask for none of them. What is trusted is that none of them hides what another does although both
//! are there; faults of like names are kept apart for that reason, and `prove --every-case` trusts nothing.

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
        let alike = cleared.alike(faults).into_iter();
        let alike = alike.flat_map(|(group, seen)| portions_alike(&group, seen, material.suites, consulted));
        let portions = alike.chain(unseen).collect();
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

    /// Groups of faults of which the preflight sees the very same, and what that is.
    fn alike(&self, faults: &[&'static Fault]) -> Vec<(Vec<&'static Fault>, &Difference)> {
        let mut groups: Vec<(Vec<&'static Fault>, &Difference)> = Vec::new();
        for fault in faults.iter().copied() {
            let Some(Mark::Other(other)) = self.mark(fault) else { continue };
            match groups.iter_mut().find(|(_, seen)| *seen == &**other) {
                Some((group, _)) => group.push(fault),
                None => groups.push((vec![fault], other)),
            }
        }
        groups.retain(|(group, _)| group.len() > 1);
        groups
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

/// Cases that are tried one after the other, to learn something of several faults.
struct Portion {
    /// What something is learnt of.
    faults: Vec<&'static Fault>,
    /// What the preflight sees with the first of them, if it stands for all; else all of them are on.
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

/// The same of faults of which the preflight sees the same: the cases that see it and ask for none of the faults.
fn portions_alike(
    faults: &[&'static Fault],
    seen: &Difference,
    suites: &Suites,
    consulted: &Consulted,
) -> Vec<Portion> {
    let reading: BTreeSet<String> = consulted.reading(VERSION, seen).into_iter().collect();
    let asks_none = |case: &Case| {
        let asked = consulted.asked(VERSION, &case.id);
        asked.is_none_or(|asked| !faults.iter().any(|fault| asked.contains(fault.id)))
    };
    let sees = |case: &Case| reading.contains(&case.id) || seen.plan.contains(&case.id);
    portions(faults, Some(seen), suites.cases.iter().filter(|case| sees(case) && asks_none(case)))
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
    /// The pairs of fault and case that are green.
    async fn run(
        self,
        helpers: &Helpers,
        deployment: Deployment,
        consulted: &Consulted,
        material: Material<'_>,
    ) -> std::io::Result<Vec<(&'static str, String)>> {
        let on = if self.seen.is_some() { &self.faults[..1] } else { &self.faults[..] };
        let on = Faults::parse(on.iter().map(|fault| fault.id)).unwrap_or_default();
        let Ok(watched) = Watched::start(helpers, deployment, on, VERSION).await? else { return Ok(Vec::new()) };
        let mut green = Vec::new();
        // What the preflight sees of all of them together may be what it sees of none alone: then nothing is learnt.
        let mark = consulted.sight(VERSION).map(|healthy| watched.sight(material).mark(healthy));
        let is_as_expected = match (mark, &self.seen) {
            (Some(None), None) => true,
            (Some(Some(Mark::Other(other))), Some(expected)) => *other == *expected,
            _ => false,
        };
        for case in self.cases.iter().filter(|_| is_as_expected) {
            let tried = watched.one(case, material.rules).await;
            let asked = |fault: &&Fault| tried.met.asked.contains(fault.id);
            let met: Vec<&Fault> = match self.seen {
                // One stands for all where the case came by none of them.
                Some(_) if self.faults.iter().any(asked) => Vec::new(),
                Some(_) => self.faults.clone(),
                None => self.faults.iter().copied().filter(asked).collect(),
            };
            green.extend(met.into_iter().filter(|_| tried.is_green()).map(|fault| (fault.id, case.id.clone())));
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
