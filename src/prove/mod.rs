//! Proof: every fault of the reference deployments against every case of its role.
//!
//! A case that no fault turns red, a fault that no case sees, and a case that goes red beside its own fault's list are
//! all failures: a check that cannot fail is none.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{Fault, Faults};

use crate::event::{Event, Verdict};
use crate::reference::{Deployment, Reference};
use crate::rule::McpVersion;
use crate::run::{self, Helpers, Keep, Material, Options, Preflight, Selection};
use crate::suite::{Case, Suites};

mod alike;
mod company;
mod consulted;
mod crew;
mod learnt;
mod sight;
mod switched;
mod visit;
mod watched;

pub use self::consulted::Consulted;
pub use self::crew::Crew;
use self::learnt::{Bench, Learnt};
use self::sight::Mark;

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
/// first, then in each older one only the cases that had nothing to say so far. Those `beside` them are tried in the newest
/// version alone: most of them have nothing to say to a deployment in any.
///
/// # Errors
/// If the deployment cannot be started.
pub async fn reds(
    helpers: &Helpers,
    deployment: Deployment,
    faults: Faults,
    material: Material<'_>,
    (only, beside): (&[String], &[String]),
    jobs: usize,
) -> std::io::Result<Reds> {
    let reference = Reference::start_with(helpers, deployment, faults).await?;
    let mut reds = Reds::default();
    let mut open: Vec<String> = [only, beside].concat();
    for version in McpVersion::ALL.iter().copied().rev() {
        let options = options(version, &open, jobs);
        let wanted = Some(run::needed(material, &options));
        let Some(seen) = reds.look(&reference, &options, wanted).await else { break };
        open = reds.judge(&seen, &reference, material, &options).await;
        open.retain(|case| !beside.contains(case));
        if open.is_empty() {
            break;
        }
    }
    reference.stop().await;
    Ok(reds)
}

/// The same with one fault and the cases that may see it: those that ask for it, and those that read what the preflight
/// already sees of it, but for what is `learnt` already.
async fn reds_of(
    helpers: &Helpers,
    fault: &'static Fault,
    material: Material<'_>,
    consulted: &Consulted,
    learnt: &Learnt,
) -> std::io::Result<Reds> {
    let mut reds = Reds { red: learnt.red(fault), ..Reds::default() };
    // Cases that were judged, or that go as with a healthy deployment: an older version says no more about them.
    let mut settled: BTreeSet<String> = BTreeSet::new();
    // What has nothing to say in a newer version where it would have without the fault.
    let mut silenced: BTreeSet<String> = BTreeSet::new();
    // Whether the preflight may see it: in older versions only what it saw in a newer one, or meets there first.
    let mut may_show = true;
    for version in McpVersion::ALL.iter().copied().rev() {
        let mut only = consulted.meeting(version, fault, material);
        only.extend(silenced.iter().cloned());
        let choose = |mut only: BTreeSet<String>, mark: Option<&Mark>| {
            only.extend(consulted.touched(version, mark));
            only.retain(|case| !settled.contains(case) && !learnt.has(version, fault, case));
            only
        };
        let mut silent = Vec::new();
        if version == McpVersion::NEWEST {
            let visit = learnt.visit(fault);
            may_show = visit.is_none_or(|visit| visit.mark.is_some());
            only = choose(only, visit.and_then(|visit| visit.mark.as_ref()));
            if let Some(visit) = visit {
                only.retain(|case| !visit.tried.contains(case));
                silent.clone_from(&visit.silent);
                reds.add(visit.reds.clone());
            }
        } else if may_show && consulted.before(version, fault.id) {
            let chosen = |mark: Option<&Mark>| choose(std::mem::take(&mut only), mark);
            let looked = visit::visit(helpers, fault, version, material, consulted, &silenced, chosen).await?;
            may_show = looked.mark.is_some();
            silent = looked.silent;
            reds.add(looked.reds);
        } else {
            only = choose(only, None);
        }
        if !only.is_empty() && reds.not_started.is_none() {
            // A fresh one, as it was watched.
            let reference = visit::start(helpers, fault).await?;
            let cases: Vec<String> = only.into_iter().collect();
            let options = options(version, &cases, JOBS);
            if let Some(seen) = reds.look(&reference, &options, Some(run::needed(material, &options))).await {
                silent.extend(reds.judge(&seen, &reference, material, &options).await);
            }
            reference.stop().await;
        }
        if reds.not_started.is_some() {
            break;
        }
        settled.extend(consulted.of_version(version));
        settled.retain(|case| !silent.contains(case));
        settled.extend(reds.judged.iter().cloned());
        silenced.extend(silent);
    }
    Ok(reds)
}

fn options(version: McpVersion, only: &[String], jobs: usize) -> Options {
    Options {
        selection: Selection { only: only.to_vec(), ..Selection::default() },
        version: Some(version),
        jobs: Some(jobs),
        until_found: true,
        keep: Keep::Nothing,
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

    /// Together with what was found elsewhere.
    fn add(&mut self, other: Reds) {
        self.not_started = self.not_started.take().or(other.not_started);
        for (case, variants) in other.red {
            self.red.entry(case).or_default().extend(variants);
        }
        self.blocked.extend(other.blocked);
        self.errors.extend(other.errors);
        self.judged.extend(other.judged);
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

/// What a proof tells on its way.
pub enum News<'a> {
    /// What it does before single faults are tried, which may take a minute.
    Stage(&'a str),
    /// A fault was tried.
    Proof(&'a Proof),
}

/// Proves faults, `parallel` at a time, in the order given, each against the cases that may see it; with `every_case`
/// against all of them, which takes much longer and takes nothing on trust. Hands back what the cases find at the healthy
/// deployments of these faults as well.
///
/// # Errors
/// If a deployment cannot be started.
///
/// # Panics
/// Within a runtime: proofs run on all processors, and this thread waits for them.
pub fn prove(
    faults: Vec<&'static Fault>,
    material: Material<'_>,
    parallel: usize,
    every_case: bool,
    tell: &mut dyn FnMut(News<'_>),
) -> std::io::Result<(Reds, Vec<Proof>)> {
    let crew = Crew::default();
    let of = |deployment| faults.iter().copied().enumerate().filter(move |(_, f)| Deployment::of(f) == deployment);
    let concerned = Deployment::ALL.into_iter().filter(|deployment| of(*deployment).next().is_some());
    let parallel = parallel.div_ceil(AT_ONCE);
    let work = |deployment: Deployment, say: &mut dyn FnMut(Said)| {
        let name = deployment.name();
        let own: Vec<&'static Fault> = of(deployment).map(|(_, fault)| fault).collect();
        let mut prepared = None;
        if every_case || own.len() <= FEW {
            say(Said::Stage(format!("{name}, healthy: all cases")));
            let healthy = async |helpers: &Helpers| {
                reds(helpers, deployment, Faults::none(), material, (&[], &[]), HEALTHY_JOBS).await
            };
            say(Said::Healthy(crew.one(healthy)?));
        } else {
            say(Said::Stage(format!("{name}: which cases meet which faults, and what comes of it")));
            let mut consulted = Consulted::watch(&crew, deployment, material, parallel)?;
            say(Said::Healthy(std::mem::take(&mut consulted.healthy)));
            let bench = Bench { crew: &crew, deployment, faults: &own, material, consulted: &consulted, parallel };
            let learnt = Learnt::find(bench)?;
            prepared = Some((consulted, learnt));
        }
        say(Said::Stage(format!("{name}: fault by fault, what is still open")));
        let one = async |helpers: &Helpers, (at, fault): (usize, &'static Fault)| {
            let reds = match &prepared {
                Some((consulted, learnt)) => reds_of(helpers, fault, material, consulted, learnt).await?,
                None => {
                    let faults = Faults::one(fault.id).unwrap_or_default();
                    reds(helpers, deployment, faults, material, (&[], &[]), JOBS).await?
                }
            };
            Ok(Said::Proof(at, compare(fault, reds, material.suites)))
        };
        crew.all(of(deployment).collect(), parallel, one, say)
    };
    let mut healthy = Reds::default();
    let mut early = BTreeMap::new();
    let mut proofs = Vec::new();
    Crew::waiting(concerned.collect(), AT_ONCE, work, |said| match said {
        Said::Stage(stage) => tell(News::Stage(&stage)),
        Said::Healthy(reds) => healthy.add(reds),
        Said::Proof(at, proof) => {
            early.insert(at, proof);
            while let Some(proof) = early.remove(&proofs.len()) {
                tell(News::Proof(&proof));
                proofs.push(proof);
            }
        }
    })?;
    Ok((healthy, proofs))
}

/// What is said by the work on one deployment.
enum Said {
    Stage(String),
    /// What was found at the healthy one.
    Healthy(Reds),
    /// What came of a fault, with its place in the order of all.
    Proof(usize, Proof),
}

/// So many faults are tried against all cases: to watch every case by itself first would take as long.
const FEW: usize = 1;

/// So many deployments are worked on at once: no processor idles while a few cases wait, or while one thing has to be known
/// before the next is tried.
const AT_ONCE: usize = 2;

/// Cases at once of one fault.
const JOBS: usize = 2;
/// Cases at once of a healthy deployment: most of the time goes by in those that wait.
const HEALTHY_JOBS: usize = 8;

/// Whether a case says that a fault turns it red.
fn is_named_by(fault: &Fault, case: &Case) -> bool {
    case.faults.iter().any(|named| named == fault.id)
}

/// Holds what a fault turned red against what the cases say of it.
#[must_use]
pub fn compare(fault: &'static Fault, reds: Reds, suites: &Suites) -> Proof {
    let names = |id: &str| suites.get(id).is_some_and(|case| is_named_by(fault, case));
    let missed =
        suites.cases.iter().filter(|c| names(&c.id) && !reds.red.contains_key(&c.id)).map(|c| c.id.clone()).collect();
    let beside = reds.red.keys().filter(|id| !names(id)).cloned().collect();
    Proof { fault, reds, missed, beside }
}
