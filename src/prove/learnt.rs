//! What is found out about the faults of a deployment before any of them gets a deployment of its own.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::Fault;

use super::consulted::Consulted;
use super::crew::Crew;
use super::sight::Mark;
use super::visit::{self, Visit};
use super::{alike, company, is_named_by, switched};
use crate::reference::Deployment;
use crate::rule::McpVersion;
use crate::run::{Helpers, Material};

/// Which faults the preflight sees, and of which cases it is known what a fault makes of them.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    visits: Visits,
    /// The cases that are known by version and fault, red or not.
    known: BTreeMap<(McpVersion, &'static str), BTreeSet<String>>,
    /// The variants that showed it, of the cases that each fault turns red.
    red: BTreeMap<&'static str, BTreeMap<String, BTreeSet<String>>>,
}

/// What came of a look at a deployment with each fault that a preflight meets, in the newest version.
pub(super) type Visits = BTreeMap<&'static str, Visit>;

/// What a fault makes of a case.
pub(super) struct Outcome {
    pub(super) version: McpVersion,
    pub(super) fault: &'static str,
    pub(super) case: String,
    /// The variants that showed it, if the case turns red.
    pub(super) red: Option<BTreeSet<String>>,
}

/// What several faults of a deployment are tried with.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub(super) crew: &'a Crew,
    pub(super) deployment: Deployment,
    pub(super) faults: &'a [&'static Fault],
    pub(super) material: Material<'a>,
    pub(super) consulted: &'a Consulted,
    /// Deployments at once.
    pub(super) parallel: usize,
}

impl Learnt {
    /// Finds out what can be found out of several faults at one deployment.
    ///
    /// # Errors
    /// If a deployment cannot be started.
    pub(super) fn find(bench: Bench<'_>) -> std::io::Result<Learnt> {
        let Bench { material, consulted, .. } = bench;
        let before = bench.faults.iter().copied().filter(|fault| consulted.before(McpVersion::NEWEST, fault.id));
        let look = async |helpers: &Helpers, fault: &'static Fault| {
            let choose = |mark: Option<&Mark>| there(fault, mark, bench);
            let none = BTreeSet::new();
            Ok((fault.id, visit::visit(helpers, fault, McpVersion::NEWEST, material, consulted, &none, choose).await?))
        };
        let mut learnt = Learnt::default();
        bench.crew.all(before.collect(), bench.parallel, look, |(fault, visit)| {
            learnt.visits.insert(fault, visit);
        })?;
        let together = company::outcomes(bench, &learnt.visits)?;
        learnt.add(together);
        let switched = switched::outcomes(bench, &learnt.visits)?;
        learnt.add(switched);
        let alike = alike::outcomes(bench, &learnt)?;
        learnt.add(alike);
        Ok(learnt)
    }

    fn add(&mut self, outcomes: Vec<Outcome>) {
        for Outcome { version, fault, case, red } in outcomes {
            self.known.entry((version, fault)).or_default().insert(case.clone());
            if let Some(variants) = red {
                self.red.entry(fault).or_default().entry(case).or_default().extend(variants);
            }
        }
    }

    /// The cases that may see a fault in the newest version and of which it is not known yet whether they do.
    pub(super) fn open(&self, fault: &Fault, bench: Bench<'_>) -> BTreeSet<String> {
        let (version, visit) = (McpVersion::NEWEST, self.visit(fault));
        let mut cases = bench.consulted.meeting(version, fault, bench.material);
        cases.extend(bench.consulted.touched(version, visit.and_then(|visit| visit.mark.as_ref())));
        cases.retain(|case| !self.has(version, fault, case) && visit.is_none_or(|visit| !visit.tried.contains(case)));
        cases
    }

    /// What came of the look at a deployment with a fault in the newest version, if its preflight meets it.
    pub(super) fn visit(&self, fault: &Fault) -> Option<&Visit> {
        self.visits.get(fault.id)
    }

    /// Whether it is known what a fault makes of a case.
    pub(super) fn has(&self, version: McpVersion, fault: &Fault, case: &str) -> bool {
        self.known.get(&(version, fault.id)).is_some_and(|cases| cases.contains(case))
    }

    /// The cases that a fault is known to turn red.
    pub(super) fn red(&self, fault: &Fault) -> BTreeMap<String, BTreeSet<String>> {
        self.red.get(fault.id).cloned().unwrap_or_default()
    }
}

/// What can only be tried at a deployment that has this fault from the start, and no other: what applies otherwise, and
/// the cases that name it, if the preflight sees it or the deployment asks for it once and for all.
fn there(fault: &'static Fault, mark: Option<&Mark>, bench: Bench<'_>) -> BTreeSet<String> {
    let mut cases = bench.consulted.standing(McpVersion::NEWEST, fault, mark, bench.material);
    let names = |case: &String| bench.material.suites.get(case).is_some_and(|case| is_named_by(fault, case));
    let other = mark.and_then(Mark::other);
    if other.is_none_or(company::is_companion) {
        cases.retain(|case| names(case) || other.is_some_and(|other| other.plan.contains(case)));
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::is_named_by;
    use crate::rule::Rules;
    use crate::suite::Suites;

    #[test]
    fn what_a_fault_makes_of_a_case_is_learnt_and_doubted_where_it_is_not_what_the_case_says() {
        let mut suites = Suites::embedded().clone();
        suites.cases.retain(|case| case.area == "token");
        for case in &mut suites.cases {
            // A case that keeps quiet about a fault that it sees, and one that boasts of one that it does not.
            match case.id.as_str() {
                "token/code-one-time" => case.faults.retain(|fault| fault != "token.code-replay-accepted"),
                "token/error-format" => case.faults.push("authorize.csp-missing".to_owned()),
                _ => {}
            }
        }
        let material = Material { suites: &suites, rules: Rules::embedded() };
        let crew = Crew::default();
        let server = Deployment::Server;
        let consulted = Consulted::watch(&crew, server, material, 2).expect("the deployment starts");
        let ids = [
            "discovery.iss-not-advertised",
            "authorize.cookie-domain",
            "authorize.csp-missing",
            "token.status-201",
            "token.code-replay-accepted",
        ];
        let faults = ids.map(|id| fixtures::fault::find(id).expect("a fault of the catalogue"));
        let bench =
            Bench { crew: &crew, deployment: server, faults: &faults, material, consulted: &consulted, parallel: 2 };
        let learnt = Learnt::find(bench).expect("the deployment starts");
        let [silent, cookie, policy, status, replay] = faults;
        let has = |fault, case| learnt.has(McpVersion::NEWEST, fault, case);
        assert!(learnt.visit(silent).is_some_and(|visit| visit.mark.is_some()), "all cases see the metadata");
        assert!(has(cookie, "token/code-one-time") && has(policy, "token/code-one-time"));
        assert!(learnt.red(cookie).is_empty() && learnt.red(policy).is_empty());
        let named = suites.cases.iter().filter(|case| is_named_by(status, case)).map(|case| &case.id);
        assert!(named.clone().count() > 0 && learnt.red(status).keys().eq(named));
        assert!(!has(replay, "token/code-one-time") && !has(policy, "token/error-format"), "others have to look");
        assert!(!learnt.has(McpVersion::V2025_06_18, cookie, "token/code-one-time"));
    }
}
