//! Proof: every fault of the reference deployments against every case of its role.
//!
//! A case that no fault turns red, a fault that no case sees, and a case that goes red beside its own fault's list are
//! all failures: a check that cannot fail is none.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{Fault, Faults};
use futures_util::{StreamExt, stream};

use crate::event::{Event, Verdict};
use crate::reference::{Deployment, Reference};
use crate::rule::McpVersion;
use crate::run::{self, Helpers, Material, Options, Preflight, Selection};
use crate::suite::Suites;

mod consulted;
mod sight;

pub use self::consulted::Consulted;

/// What a run of some cases against one deployment came to.
#[derive(Debug, Clone, Default)]
pub struct Reds {
    /// Cases with a failure or a warning, and in which variants.
    pub red: BTreeMap<String, BTreeSet<String>>,
    /// Cases that were blocked, with the first reason.
    pub blocked: BTreeMap<String, String>,
    /// Cases in error, with the reason.
    pub errors: BTreeMap<String, String>,
    /// Cases that were judged in at least one MCP version.
    pub judged: BTreeSet<String>,
    /// Why nothing could be judged, if so.
    pub not_started: Option<String>,
}

/// One line of the matrix: a fault, and how what it turned red compares with what the cases say.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The fault.
    pub fault: &'static Fault,
    /// What it turned red.
    pub reds: Reds,
    /// Cases that name it and stayed green.
    pub missed: Vec<String>,
    /// Cases that it turned red without being named by them.
    pub beside: Vec<String>,
}

impl Proof {
    /// Whether some case saw the fault.
    #[must_use]
    pub fn caught(&self) -> bool {
        !self.reds.red.is_empty()
    }

    /// Whether matrix and case files agree.
    #[must_use]
    pub fn exact(&self) -> bool {
        self.caught() && self.missed.is_empty() && self.beside.is_empty() && self.reds.errors.is_empty()
    }
}

/// Runs the selected cases (all, if `only` is empty) against a deployment with these faults, in every MCP version: the newest
/// first, then in each older one only the cases that had nothing to say so far.
///
/// # Errors
/// If the deployment cannot be started.
pub async fn reds(
    helpers: &Helpers,
    deployment: Deployment,
    faults: Faults,
    material: Material<'_>,
    only: &[String],
    jobs: usize,
) -> std::io::Result<Reds> {
    let reference = Reference::start_with(helpers, deployment, faults).await?;
    let mut reds = Reds::default();
    let mut open: Vec<String> = only.to_vec();
    for version in McpVersion::ALL.iter().copied().rev() {
        let options = options(version, &open, jobs);
        let wanted = Some(run::needed(material, &options));
        let Some(seen) = reds.look(&reference, &options, wanted).await else { break };
        open = reds.judge(&seen, &reference, material, &options).await;
        if open.is_empty() {
            break;
        }
    }
    reference.stop().await;
    Ok(reds)
}

/// The same with one fault and the cases that may see it: those that ask for it; all, if the preflight already sees it.
async fn reds_of(
    helpers: &Helpers,
    fault: &'static Fault,
    material: Material<'_>,
    consulted: &Consulted,
) -> std::io::Result<Reds> {
    let faults = Faults::one(fault.id).unwrap_or_default();
    let reference = Reference::start_with(helpers, Deployment::of(fault), faults).await?;
    let mut reds = Reds::default();
    // Cases that a fault silences in a newer version may have something to say in an older one.
    let mut marked = false;
    for version in McpVersion::ALL.iter().copied().rev() {
        let mut only = consulted.in_version(version, fault.id);
        only.retain(|case| !reds.judged.contains(case));
        let is_seen_before = consulted.before(version, fault.id);
        if only.is_empty() && !is_seen_before && !marked {
            continue;
        }
        let narrow = options(version, &only, JOBS);
        // What the preflight sees is held against a whole one.
        let wanted = (!is_seen_before && !marked).then(|| run::needed(material, &narrow));
        let Some(seen) = reds.look(&reference, &narrow, wanted).await else { break };
        marked |= is_seen_before && !consulted.looks_healthy(version, &sight::of(&seen, &reference));
        if marked {
            only = material.suites.cases.iter().map(|case| case.id.clone()).collect();
            only.retain(|case| !reds.judged.contains(case));
        }
        if !only.is_empty() {
            reds.judge(&seen, &reference, material, &options(version, &only, JOBS)).await;
        }
    }
    reference.stop().await;
    Ok(reds)
}

fn options(version: McpVersion, only: &[String], jobs: usize) -> Options {
    Options {
        selection: Selection { only: only.to_vec(), ..Selection::default() },
        version: Some(version),
        jobs: Some(jobs),
        again: "authspec prove".into(),
        ..Options::default()
    }
}

impl Reds {
    /// What the preflight sees; `None` if nothing can be judged, which is remembered.
    async fn look(
        &mut self,
        reference: &Reference,
        options: &Options,
        wanted: Option<BTreeSet<String>>,
    ) -> Option<Preflight> {
        match run::look(&reference.profile, &reference.helpers, options, wanted).await {
            Ok(seen) => Some(seen),
            Err(not_started) => {
                self.not_started = Some(not_started.message);
                None
            }
        }
    }

    /// Judges and remembers; hands back the cases that had nothing to say.
    async fn judge(
        &mut self,
        seen: &Preflight,
        reference: &Reference,
        material: Material<'_>,
        options: &Options,
    ) -> Vec<String> {
        let mut silent = Vec::new();
        let mut sink = |event: Event| {
            if let Event::Finished(finished) = event {
                self.take(&finished, &mut silent);
            }
        };
        run::judge(seen, &reference.profile, material, options, std::future::pending(), &mut sink).await;
        silent
    }

    fn take(&mut self, finished: &crate::event::CaseFinished, silent: &mut Vec<String>) {
        let mut judged = false;
        for result in &finished.results {
            let case = finished.case.clone();
            match result.verdict {
                Verdict::Fail | Verdict::Warn => {
                    judged = true;
                    self.red.entry(case).or_default().insert(result.variant.clone().unwrap_or_default());
                }
                Verdict::Blocked => {
                    judged = true;
                    self.blocked.entry(case).or_insert_with(|| result.message.clone());
                }
                Verdict::Error => {
                    judged = true;
                    self.errors.entry(case).or_insert_with(|| result.message.clone());
                }
                Verdict::Pass => judged = true,
                Verdict::NotApplicable => {}
            }
        }
        if judged {
            self.judged.insert(finished.case.clone());
        } else {
            silent.push(finished.case.clone());
        }
    }
}

/// Proves faults, `parallel` at a time, in the order given, each against the cases that may see it; with `every_case`
/// against all of them, which takes much longer and takes nothing on trust.
///
/// # Errors
/// If a deployment cannot be started.
pub async fn prove(
    faults: Vec<&'static Fault>,
    material: Material<'_>,
    parallel: usize,
    every_case: bool,
    done: &mut dyn FnMut(&Proof),
) -> std::io::Result<Vec<Proof>> {
    let helpers = Helpers::start().await?;
    let consulted = if every_case { BTreeMap::new() } else { consulted(&helpers, &faults, material, parallel).await? };
    let mut proofs = Vec::new();
    // The cases themselves are tasks of the runtime; here only their ends are gathered.
    let mut runs = stream::iter(faults.into_iter().map(|fault| {
        let (helpers, deployment) = (helpers.clone(), Deployment::of(fault));
        let consulted = consulted.get(&deployment);
        async move {
            let reds = match consulted {
                Some(consulted) => reds_of(&helpers, fault, material, consulted).await?,
                None => {
                    let faults = Faults::one(fault.id).unwrap_or_default();
                    reds(&helpers, deployment, faults, material, &[], JOBS).await?
                }
            };
            Ok::<_, std::io::Error>(compare(fault, reds, material.suites))
        }
    }))
    .buffered(parallel.max(1));
    while let Some(proof) = runs.next().await {
        let proof = proof?;
        done(&proof);
        proofs.push(proof);
    }
    Ok(proofs)
}

/// Watches the deployments of which many faults are to be proved; for a few the watching would cost more than it spares.
async fn consulted(
    helpers: &Helpers,
    faults: &[&'static Fault],
    material: Material<'_>,
    parallel: usize,
) -> std::io::Result<BTreeMap<Deployment, Consulted>> {
    let mut consulted = BTreeMap::new();
    for deployment in Deployment::ALL {
        if faults.iter().filter(|fault| Deployment::of(fault) == deployment).count() > FEW {
            consulted.insert(deployment, Consulted::watch(helpers, deployment, material, parallel).await?);
        }
    }
    Ok(consulted)
}

/// Watching every case by itself takes about as long as so many runs of all cases.
const FEW: usize = 12;

/// Cases at once of one fault.
const JOBS: usize = 2;

/// Holds what a fault turned red against what the cases say of it.
#[must_use]
pub fn compare(fault: &'static Fault, reds: Reds, suites: &Suites) -> Proof {
    let names = |id: &str| suites.get(id).is_some_and(|c| c.faults.iter().any(|f| f == fault.id));
    let missed =
        suites.cases.iter().filter(|c| names(&c.id) && !reds.red.contains_key(&c.id)).map(|c| c.id.clone()).collect();
    let beside = reds.red.keys().filter(|id| !names(id)).cloned().collect();
    Proof { fault, reds, missed, beside }
}
