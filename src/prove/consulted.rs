//! Which faults a healthy deployment asks for while a case runs: no other fault can change what the case sees.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::Fault;

use super::crew::Crew;
use super::sight::{Mark, Sight};
use super::watched::{Tried, Watched};
use super::{Reds, is_named_by, options};
use crate::event::Verdict;
use crate::reference::Deployment;
use crate::rule::McpVersion;
use crate::run::{self, Helpers, Material};
use crate::suite::Case;

/// What the healthy deployment asks for, in each MCP version.
#[derive(Debug, Default)]
pub struct Consulted {
    versions: BTreeMap<McpVersion, Version>,
    /// What the cases found.
    pub(super) healthy: Reds,
}

#[derive(Debug, Default)]
struct Version {
    /// Asked for when the deployment starts.
    at_start: BTreeSet<&'static str>,
    /// Asked for at the start, or by what the preflight does.
    before: BTreeSet<&'static str>,
    /// The abilities that the preflight looks for; all, if not said.
    wanted: Wanted,
    /// What the preflight saw.
    sight: Sight,
    /// What each case met, with clients of its own.
    by_case: BTreeMap<String, Met>,
}

/// What a case met of a deployment.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// The faults that the deployment asked for meanwhile.
    pub(super) asked: Asked,
    /// What was read of what the preflight handed on, by place.
    pub(super) read: BTreeSet<String>,
    /// What was judged, in order.
    pub(super) verdicts: Vec<Verdict>,
}

impl Met {
    /// How often the deployment asked for a fault.
    pub(super) fn times(&self, fault: &str) -> usize {
        self.asked.get(fault).copied().unwrap_or_default()
    }
}

impl Consulted {
    /// Runs each case that applies against a healthy deployment, in the newest version in which it has something to say,
    /// and notes what the deployment asks for and what the case reads of the preflight's findings. `parallel` deployments share the cases; each of them runs one at a time.
    ///
    /// # Errors
    /// If a deployment cannot be started or judged.
    ///
    /// # Panics
    /// Within a runtime: this thread waits until all is watched.
    pub fn watch(
        crew: &Crew,
        deployment: Deployment,
        material: Material<'_>,
        parallel: usize,
    ) -> std::io::Result<Consulted> {
        let mut consulted = Consulted::default();
        let mut covered: BTreeSet<String> = BTreeSet::new();
        // What an older version is looked at for: for what only it can still tell.
        let mut wanted: Wanted = None;
        for version in McpVersion::ALL.iter().copied().rev() {
            let (mut found, new, roles) = crew.one(async |helpers| {
                let watched = healthy(helpers, deployment, version, &wanted).await?;
                let found = Version {
                    at_start: watched.at_start.clone(),
                    before: watched.asked().into_keys().collect(),
                    wanted: wanted.clone(),
                    sight: watched.sight(material),
                    by_case: BTreeMap::new(),
                };
                let planned = run::plan(material, &watched.seen, &options(version, &[], 1));
                let new = planned.iter().filter(|p| p.applies() && covered.insert(p.case.id.clone()));
                let mut new: Vec<Case> = new.map(|p| p.case.clone()).collect();
                // As in a run: what they do to our identity provider a target may remember for a while.
                new.sort_by_key(|case| (case.is_alone(), case.is_alone() && case.is_slow()));
                let roles = watched.seen.roles.clone();
                watched.stop().await;
                Ok((found, new, roles))
            })?;
            let watch = async |helpers: &Helpers, cases: Vec<Case>| {
                let watched = healthy(helpers, deployment, version, &wanted).await?;
                let mut met = Vec::new();
                for case in cases {
                    let tried = watched.one(&case, material.rules, &[]).await;
                    met.push((case.id, tried));
                }
                watched.stop().await;
                Ok(met)
            };
            crew.all(shares(new, parallel), parallel, watch, |met| {
                for (case, Tried { met, reds }) in met {
                    consulted.healthy.add(reds);
                    found.by_case.insert(case, met);
                }
            })?;
            let open = material.suites.cases.iter().filter(|case| !covered.contains(&case.id));
            let fit = open.filter(|case| {
                let mut older = McpVersion::ALL.iter().copied().filter(|other| *other < version);
                older.any(|other| run::is_fit(case, material.rules, &roles, other))
            });
            wanted = Some(needed(material, fit.map(|case| case.id.clone()).collect()));
            consulted.versions.insert(version, found);
        }
        Ok(consulted)
    }

    /// The abilities that the preflight looks for in a version; all, if not said.
    pub(super) fn wanted(&self, version: McpVersion) -> Wanted {
        self.versions.get(&version)?.wanted.clone()
    }

    /// What a healthy preflight sees.
    pub(super) fn sight(&self, version: McpVersion) -> Option<&Sight> {
        self.versions.get(&version).map(|seen| &seen.sight)
    }

    /// Whether a fault is asked for before any case: it may have left its mark on what all cases use.
    pub(super) fn before(&self, version: McpVersion, fault: &str) -> bool {
        self.versions.get(&version).is_none_or(|seen| seen.before.contains(fault))
    }

    /// The cases that ask for a fault in a version.
    pub(super) fn in_version(&self, version: McpVersion, fault: &str) -> Vec<String> {
        let cases = self.versions.get(&version).into_iter().flat_map(|seen| &seen.by_case);
        cases.filter(|(_, met)| met.asked.contains_key(fault)).map(|(case, _)| case.clone()).collect()
    }

    /// The cases of a version that ask for a fault, and those that name it: a watch may have missed a question that is asked
    /// but once.
    pub(super) fn meeting(&self, version: McpVersion, fault: &Fault, material: Material<'_>) -> BTreeSet<String> {
        let named = material.suites.cases.iter().filter(|case| is_named_by(fault, case) && self.has(version, &case.id));
        self.in_version(version, fault.id).into_iter().chain(named.map(|case| case.id.clone())).collect()
    }

    /// The cases of a version that read something of what the preflight sees of a fault, and all that apply otherwise by it.
    pub(super) fn touched(&self, version: McpVersion, mark: Option<&Mark>) -> BTreeSet<String> {
        let Some(other) = mark.and_then(Mark::other) else { return BTreeSet::new() };
        let cases = self.versions.get(&version).into_iter().flat_map(|seen| &seen.by_case);
        let reading = cases.filter(|(_, met)| other.shows_in(&met.read)).map(|(case, _)| case);
        reading.chain(&other.plan).cloned().collect()
    }

    /// The cases of a version for which it matters that the deployment has the fault from its start.
    pub(super) fn standing(
        &self,
        version: McpVersion,
        fault: &Fault,
        mark: Option<&Mark>,
        material: Material<'_>,
    ) -> BTreeSet<String> {
        let mut cases = self.touched(version, mark);
        if self.at_start(version, fault.id) {
            cases.extend(self.meeting(version, fault, material));
        }
        cases
    }

    /// Whether a healthy deployment is judged by the case in a version, and not in a newer one.
    fn has(&self, version: McpVersion, case: &str) -> bool {
        self.versions.get(&version).is_some_and(|seen| seen.by_case.contains_key(case))
    }

    /// The cases by which a healthy deployment is judged in a version, and not in a newer one.
    pub(super) fn of_version(&self, version: McpVersion) -> impl Iterator<Item = String> {
        self.versions.get(&version).into_iter().flat_map(|seen| seen.by_case.keys().cloned())
    }

    /// What a case met in a version; nothing if it is not judged by it.
    pub(super) fn met(&self, version: McpVersion, case: &str) -> Option<&Met> {
        self.versions.get(&version)?.by_case.get(case)
    }

    /// Whether a fault is asked for when the deployment starts: then it cannot be switched on later.
    pub(super) fn at_start(&self, version: McpVersion, fault: &str) -> bool {
        self.versions.get(&version).is_none_or(|seen| seen.at_start.contains(fault))
    }

    /// The cases that ask for a fault in any version.
    #[must_use]
    pub fn cases(&self, fault: &str) -> BTreeSet<String> {
        McpVersion::ALL.iter().flat_map(|version| self.in_version(*version, fault)).collect()
    }
}

/// A healthy deployment whose questions are noted.
async fn healthy(
    helpers: &Helpers,
    deployment: Deployment,
    version: McpVersion,
    wanted: &Wanted,
) -> std::io::Result<Watched> {
    let watched = Watched::start(helpers, deployment, &[], version, wanted.clone()).await?;
    watched.map_err(|not_started| std::io::Error::other(not_started.message))
}

/// The cases in so many shares that none is smaller than a deployment is worth, dealt out one by one: those that wait stand
/// side by side in the list.
fn shares(cases: Vec<Case>, parallel: usize) -> Vec<Vec<Case>> {
    let number = parallel.min(cases.len().div_ceil(PORTION));
    let mut shares = vec![Vec::new(); number];
    for (at, case) in cases.into_iter().enumerate() {
        shares[at % number].push(case);
    }
    shares
}

/// The abilities that these cases need.
pub(super) fn needed(material: Material<'_>, cases: Vec<String>) -> BTreeSet<String> {
    // Options without cases select all.
    if cases.is_empty() { BTreeSet::new() } else { run::needed(material, &options(McpVersion::NEWEST, &cases, 1)) }
}

/// Abilities that a preflight looks for; all, if not said.
pub(super) type Wanted = Option<BTreeSet<String>>;

/// Faults that were asked for, and how often.
pub(super) type Asked = BTreeMap<&'static str, usize>;

/// So many cases are worth a deployment of their own.
pub(super) const PORTION: usize = 20;
