//! Faults that many cases ask for and few see, tried together: what leaves a case green with all of them on does not turn
//! it red alone.
//!
//! That they were all on when the case came by is watched. What is trusted is that none of them hides what another does
//! although both are asked for; faults of like names are kept apart for that reason, and `prove --every-case` trusts
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{Fault, Faults, Watch};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::consulted::Consulted;
use super::{options, sight};
use crate::event::{Event, Verdict};
use crate::reference::{Deployment, Reference};
use crate::rule::{McpVersion, Rules};
use crate::run::{self, Helpers, Material};
use crate::suite::{Case, Suites};

/// What is known of the faults of a deployment before each is tried by itself, in the newest version.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    /// Faults that the preflight already sees.
    marked: BTreeSet<&'static str>,
    /// The cases that each fault leaves green although they ask for it.
    green: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Cleared {
    /// Finds out which faults the preflight sees, and tries the others together where many cases ask for them.
    ///
    /// # Errors
    /// If a deployment cannot be started.
    pub(super) async fn find(
        helpers: &Helpers,
        deployment: Deployment,
        faults: &[&'static Fault],
        material: Material<'_>,
        consulted: &Consulted,
        parallel: usize,
    ) -> std::io::Result<Cleared> {
        let before = faults.iter().filter(|fault| consulted.before(VERSION, fault.id));
        let looks = stream::iter(before).map(|fault| async move {
            let differs = sight::differs(helpers, fault, VERSION, consulted).await?;
            Ok::<_, std::io::Error>(differs.then_some(fault.id))
        });
        let marked: Vec<Option<&'static str>> = looks.buffer_unordered(parallel.max(1)).try_collect().await?;
        let mut cleared = Cleared { marked: marked.into_iter().flatten().collect(), green: BTreeMap::new() };
        let open: Vec<&'static Fault> = faults.iter().copied().filter(|fault| !cleared.is_marked(fault)).collect();
        let portions = groups(&open, material.suites, consulted).into_iter();
        let portions = portions.flat_map(|group| portions_of(group, material.suites, consulted));
        let tried = stream::iter(portions).map(|portion| portion.run(helpers, deployment, consulted, material.rules));
        let mut tried = tried.buffer_unordered(parallel.max(1));
        while let Some(green) = tried.try_next().await? {
            for (fault, case) in green {
                cleared.green.entry(fault).or_default().insert(case);
            }
        }
        Ok(cleared)
    }

    /// Whether the preflight sees the fault in the newest version.
    pub(super) fn is_marked(&self, fault: &Fault) -> bool {
        self.marked.contains(fault.id)
    }

    /// Whether it is known that a fault leaves a case green.
    pub(super) fn has(&self, version: McpVersion, fault: &Fault, case: &str) -> bool {
        version == VERSION && self.green.get(fault.id).is_some_and(|cases| cases.contains(case))
    }
}

/// Faults that are tried together. Neighbours in the catalogue, which often change the same thing, are in different ones.
fn groups(faults: &[&'static Fault], suites: &Suites, consulted: &Consulted) -> Vec<Vec<&'static Fault>> {
    let names = |fault: &Fault| suites.cases.iter().filter(|case| is_named_by(fault, case)).count();
    let is_wide = |fault: &&Fault| consulted.in_version(VERSION, fault.id).len() >= WIDE && names(fault) <= SEEN;
    let wide: Vec<&'static Fault> = faults.iter().copied().filter(is_wide).collect();
    let number = wide.len().div_ceil(TOGETHER);
    let mut groups = vec![Vec::new(); number];
    for (at, fault) in wide.into_iter().enumerate() {
        groups[at % number].push(fault);
    }
    groups
}

fn is_named_by(fault: &Fault, case: &Case) -> bool {
    case.faults.iter().any(|named| named == fault.id)
}

/// Faults, and cases that are tried with all of them, one after the other.
struct Portion {
    faults: Vec<&'static Fault>,
    cases: Vec<Case>,
}

/// The cases of a group in portions: none that one of the faults should turn red; those that wait each for itself, so that
/// none waits for another.
fn portions_of(faults: Vec<&'static Fault>, suites: &Suites, consulted: &Consulted) -> Vec<Portion> {
    let asks = |case: &Case| {
        let asked = consulted.asked(VERSION, &case.id);
        asked.is_some_and(|asked| faults.iter().filter(|fault| asked.contains(fault.id)).count() > 1)
    };
    let fits = |case: &&Case| asks(case) && !faults.iter().any(|fault| is_named_by(fault, case));
    let (slow, quick): (Vec<Case>, Vec<Case>) = suites.cases.iter().filter(fits).cloned().partition(Case::is_slow);
    let portions = slow.chunks(1).chain(quick.chunks(PORTION));
    portions.map(|cases| Portion { faults: faults.clone(), cases: cases.to_vec() }).collect()
}

impl Portion {
    /// The pairs of fault and case that are green although the case asked for the fault.
    async fn run(
        self,
        helpers: &Helpers,
        deployment: Deployment,
        consulted: &Consulted,
        rules: &Rules,
    ) -> std::io::Result<Vec<(&'static str, String)>> {
        let watch = Watch::default();
        let all = Faults::parse(self.faults.iter().map(|fault| fault.id)).unwrap_or_default();
        let reference = Reference::start_with(helpers, deployment, all.watched(&watch)).await?;
        let options = options(VERSION, &[], 1);
        let seen = run::look(&reference.profile, &reference.helpers, &options, None).await;
        // What the preflight sees of all of them together may be what it sees of none alone: then nothing is learnt.
        let seen = seen.ok().filter(|seen| consulted.looks_healthy(VERSION, &sight::of(seen, &reference)));
        let mut green = Vec::new();
        for case in self.cases.iter().filter(|_| seen.is_some()) {
            let Some(seen) = &seen else { break };
            seen.world.pool.empty();
            watch.clear();
            let mut is_green = true;
            let mut sink = |event: Event| {
                if let Event::Finished(finished) = event {
                    let is_good = |verdict| matches!(verdict, Verdict::Pass | Verdict::NotApplicable);
                    is_green &= finished.results.iter().all(|result| is_good(result.verdict))
                        && finished.results.iter().any(|result| result.verdict == Verdict::Pass);
                }
            };
            let suites = Suites { cases: vec![case.clone()] };
            let material = Material { suites: &suites, rules };
            run::judge(seen, &reference.profile, material, &options, std::future::pending(), &mut sink).await;
            let asked = watch.ids();
            let on = self.faults.iter().filter(|fault| is_green && asked.contains(fault.id));
            green.extend(on.map(|fault| (fault.id, case.id.clone())));
        }
        reference.stop().await;
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
const TOGETHER: usize = 10;
/// Cases of a group that run one after the other.
const PORTION: usize = 60;
