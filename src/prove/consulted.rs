//! Which faults a healthy deployment asks for while a case runs: no other fault can change what the case sees.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{Faults, Watch};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{options, sight};
use crate::reference::{Deployment, Reference};
use crate::rule::McpVersion;
use crate::run::{self, Helpers, Material, Preflight};

/// What the healthy deployment asks for, in each MCP version.
#[derive(Debug, Default)]
pub struct Consulted {
    versions: BTreeMap<McpVersion, Version>,
}

#[derive(Debug, Default)]
struct Version {
    /// Asked for at the start, or by what the preflight does.
    before: BTreeSet<&'static str>,
    /// What the preflight saw.
    sight: String,
    /// Asked for by a case, with clients of its own.
    by_case: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Consulted {
    /// Runs each case that applies against a healthy deployment of its own, `parallel` at a time, in the newest version in
    /// which it has something to say, and notes what the deployment asks for.
    ///
    /// # Errors
    /// If a deployment cannot be started or judged.
    pub async fn watch(
        helpers: &Helpers,
        deployment: Deployment,
        material: Material<'_>,
        parallel: usize,
    ) -> std::io::Result<Consulted> {
        let mut consulted = Consulted::default();
        let mut covered: BTreeSet<String> = BTreeSet::new();
        for version in McpVersion::ALL.iter().copied().rev() {
            let watch = Watch::default();
            let (reference, seen) = look(helpers, deployment, version, &watch, None).await?;
            let planned = run::plan(material, &seen, &options(version, &[], 1));
            let new: Vec<String> = planned.iter().filter(|p| p.applies()).map(|p| p.case.id.clone()).collect();
            let mut found = Version { before: watch.ids(), sight: sight::of(&seen, &reference), ..Version::default() };
            drop(planned);
            reference.stop().await;
            let watched = stream::iter(new.into_iter().filter(|case| covered.insert(case.clone()))).map(|case| async {
                let asked = one(helpers, deployment, version, material, &case).await?;
                Ok::<_, std::io::Error>((case, asked))
            });
            found.by_case = watched.buffer_unordered(parallel.max(1)).try_collect().await?;
            consulted.versions.insert(version, found);
        }
        Ok(consulted)
    }

    /// Whether what the preflight saw with a fault is what it sees of a healthy deployment.
    pub(super) fn looks_healthy(&self, version: McpVersion, sight: &str) -> bool {
        self.versions.get(&version).is_some_and(|seen| seen.sight == sight)
    }

    /// Whether a fault is asked for before any case: it may have left its mark on what all cases use.
    pub(super) fn before(&self, version: McpVersion, fault: &str) -> bool {
        self.versions.get(&version).is_none_or(|seen| seen.before.contains(fault))
    }

    /// The cases that ask for a fault in a version.
    pub(super) fn in_version(&self, version: McpVersion, fault: &str) -> Vec<String> {
        let cases = self.versions.get(&version).into_iter().flat_map(|seen| &seen.by_case);
        cases.filter(|(_, asked)| asked.contains(fault)).map(|(case, _)| case.clone()).collect()
    }

    /// The cases that ask for a fault in any version.
    #[must_use]
    pub fn cases(&self, fault: &str) -> BTreeSet<String> {
        McpVersion::ALL.iter().flat_map(|version| self.in_version(*version, fault)).collect()
    }
}

async fn look(
    helpers: &Helpers,
    deployment: Deployment,
    version: McpVersion,
    watch: &Watch,
    wanted: Option<BTreeSet<String>>,
) -> std::io::Result<(Reference, Preflight)> {
    let reference = Reference::start_with(helpers, deployment, Faults::none().watched(watch)).await?;
    let seen = run::look(&reference.profile, &reference.helpers, &options(version, &[], 1), wanted).await;
    let seen = seen.map_err(|not_started| std::io::Error::other(not_started.message))?;
    Ok((reference, seen))
}

/// What one case makes a deployment ask for. The clients of the preflight are not lent to it, so that it registers its own.
async fn one(
    helpers: &Helpers,
    deployment: Deployment,
    version: McpVersion,
    material: Material<'_>,
    case: &str,
) -> std::io::Result<BTreeSet<&'static str>> {
    let watch = Watch::default();
    let options = options(version, &[case.to_owned()], 1);
    let wanted = Some(run::needed(material, &options));
    let (reference, seen) = look(helpers, deployment, version, &watch, wanted).await?;
    seen.world.pool.empty();
    watch.clear();
    run::judge(&seen, &reference.profile, material, &options, std::future::pending(), &mut |_| {}).await;
    reference.stop().await;
    Ok(watch.ids())
}
