//! A look at a deployment that has one fault from its start, and what cases find there.

use std::collections::BTreeSet;

use fixtures::{Fault, Faults};

use super::consulted::{self, Consulted};
use super::sight::{Mark, Sight};
use super::{JOBS, Reds, options};
use crate::reference::{Deployment, Reference};
use crate::rule::McpVersion;
use crate::run::{Helpers, Material};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Visit {
    /// How the preflight sees the fault, if it does.
    pub(super) mark: Option<Mark>,
    /// The cases that were tried.
    pub(super) tried: BTreeSet<String>,
    /// What they found.
    pub(super) reds: Reds,
    /// Those of them that had nothing to say.
    pub(super) silent: Vec<String>,
}

/// Starts the deployment, looks at it, and tries the cases that are chosen by what the preflight sees. Those that a newer
/// version `silenced` are looked for as well.
///
/// # Errors
/// If it cannot be started.
pub(super) async fn visit(
    helpers: &Helpers,
    fault: &'static Fault,
    version: McpVersion,
    material: Material<'_>,
    consulted: &Consulted,
    silenced: &BTreeSet<String>,
    choose: impl FnOnce(Option<&Mark>) -> BTreeSet<String>,
) -> std::io::Result<Visit> {
    let reference = start(helpers, fault).await?;
    let mut visit = Visit::default();
    let wanted = consulted.wanted(version).map(|mut wanted| {
        wanted.extend(consulted::needed(material, silenced.iter().cloned().collect()));
        wanted
    });
    let seen = visit.reds.look(&reference, &options(version, &[], JOBS), wanted).await;
    visit.mark = match (&seen, consulted.sight(version)) {
        (Some(seen), Some(healthy)) => Sight::of(seen, &reference, material).mark(healthy),
        _ => Some(Mark::Nothing),
    };
    if let Some(seen) = seen {
        visit.tried = choose(visit.mark.as_ref());
        let cases: Vec<String> = visit.tried.iter().cloned().collect();
        if !cases.is_empty() {
            visit.silent = visit.reds.judge(&seen, &reference, material, &options(version, &cases, JOBS)).await;
        }
    }
    reference.stop().await;
    Ok(visit)
}

/// A deployment with one fault.
pub(super) async fn start(helpers: &Helpers, fault: &Fault) -> std::io::Result<Reference> {
    Reference::start_with(helpers, Deployment::of(fault), Faults::one(fault.id).unwrap_or_default()).await
}
