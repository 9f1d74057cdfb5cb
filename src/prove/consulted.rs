//! Which faults a healthy deployment asks for while a case runs: no other fault can change what the case sees.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{Faults, Watch};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::reds;
use crate::reference::Deployment;
use crate::run::{Helpers, Material};

/// The faults that each case makes a deployment ask for.
#[derive(Debug, Default)]
pub struct Consulted {
    /// Asked for in every case: at the start, or by what is done honestly before any case.
    always: BTreeSet<&'static str>,
    by_case: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Consulted {
    /// Runs each case that applies against a healthy deployment of its own, `parallel` at a time, and notes what that asks
    /// for. Whether a case applies is found out before any case, so a fault that is not asked for there changes nothing.
    ///
    /// # Errors
    /// If a deployment cannot be started.
    pub async fn watch(
        helpers: &Helpers,
        deployment: Deployment,
        material: Material<'_>,
        parallel: usize,
    ) -> std::io::Result<Consulted> {
        let judged = reds(helpers, deployment, Faults::none(), material, &[], parallel).await?.judged;
        let applying = material.suites.cases.iter().filter(|case| judged.contains(&case.id));
        let watched = stream::iter(applying).map(|case| async move {
            let watch = Watch::default();
            let faults = Faults::none().watched(&watch);
            reds(helpers, deployment, faults, material, std::slice::from_ref(&case.id), 1).await?;
            Ok::<_, std::io::Error>((case.id.clone(), watch.ids()))
        });
        let by_case: BTreeMap<_, _> = watched.buffer_unordered(parallel.max(1)).try_collect().await?;
        let always = by_case.values().cloned().reduce(|all, one| &all & &one).unwrap_or_default();
        Ok(Consulted { always, by_case })
    }

    /// The cases that may see a fault; `None`: any.
    ///
    /// What is asked for before every case may have left its mark on the clients and documents that all of them use.
    pub fn cases(&self, fault: &str) -> Option<Vec<String>> {
        if self.always.contains(fault) {
            return None;
        }
        Some(self.by_case.iter().filter(|(_, asked)| asked.contains(fault)).map(|(case, _)| case.clone()).collect())
    }
}
