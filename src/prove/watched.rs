//! A deployment whose questions about its faults are noted, tried by one case at a time.

use std::collections::BTreeSet;

use fixtures::{Faults, Watch};

use super::consulted::{Asked, Met, Wanted};
use super::sight::{self, Sight};
use super::{Reds, options};
use crate::event::Event;
use crate::reference::{Deployment, Reference};
use crate::rule::{McpVersion, Rules};
use crate::run::{self, Helpers, Material, NotStarted, Options, Preflight};
use crate::suite::{Case, Suites};

/// The deployment, and what the preflight saw of it.
pub(super) struct Watched {
    pub(super) seen: Preflight,
    reference: Reference,
    /// The faults that it asked for when it started.
    pub(super) at_start: BTreeSet<&'static str>,
    watch: Watch,
    options: Options,
}

/// What came of one case.
pub(super) struct Tried {
    /// What it met.
    pub(super) met: Met,
    /// What it found.
    pub(super) reds: Reds,
}

impl Watched {
    /// Starts it, with these faults if any, and looks at it for the wanted abilities; the inner error says why it cannot be judged.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) async fn start(
        helpers: &Helpers,
        deployment: Deployment,
        faults: &[&'static str],
        version: McpVersion,
        wanted: Wanted,
    ) -> std::io::Result<Result<Watched, NotStarted>> {
        let (watch, options) = (Watch::default(), options(version, &[], 1));
        let faults = Faults::parse(faults.iter().copied()).unwrap_or_default().watched(&watch);
        let reference = Reference::start_with(helpers, deployment, faults).await?;
        let at_start = watch.asked().into_keys().collect();
        match run::look(&reference.profile, &reference.helpers, &options, wanted).await {
            Ok(seen) => Ok(Ok(Watched { seen, reference, at_start, watch, options })),
            Err(not_started) => {
                reference.stop().await;
                Ok(Err(not_started))
            }
        }
    }

    /// The faults that it asked for since it was started, or since the last case began.
    pub(super) fn asked(&self) -> Asked {
        self.watch.asked()
    }

    /// What the preflight hands to these cases.
    pub(super) fn sight(&self, material: Material<'_>) -> Sight {
        Sight::of(&self.seen, &self.reference, material)
    }

    /// Runs one case while these faults are on, too. No client of before is lent to it, so that it registers its own.
    pub(super) async fn one(&self, case: &Case, rules: &Rules, on: &[&'static str]) -> Tried {
        self.seen.world.pool.empty();
        self.watch.clear();
        self.watch.switch_on(on);
        let suites = Suites { cases: vec![case.clone()] };
        let material = Material { suites: &suites, rules };
        let (mut reds, mut verdicts) = (Reds::default(), Vec::new());
        let mut sink = |event: Event| {
            match event {
                // What a plan reads is compared as a plan.
                Event::Started(_) => self.seen.world.reads.begin(),
                Event::Finished(finished) => {
                    verdicts.extend(finished.results.iter().map(|result| result.verdict));
                    reds.take(&finished, &mut Vec::new());
                }
                _ => {}
            }
        };
        let profile = &self.reference.profile;
        run::judge(&self.seen, profile, material, &self.options, std::future::pending(), &mut sink).await;
        self.watch.switch_on(&[]);
        let mut read = self.seen.world.reads.noted();
        read.extend(sight::EVERYBODYS.map(str::to_owned));
        Tried { met: Met { asked: self.asked(), read, verdicts }, reds }
    }

    /// Stops it.
    pub(super) async fn stop(self) {
        self.reference.stop().await;
    }
}

impl Tried {
    /// Whether something was judged, if only that nothing could be, and nothing was found.
    pub(super) fn is_judged_without_finding(&self) -> bool {
        !self.reds.judged.is_empty() && self.reds.red.is_empty() && self.reds.errors.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::crew::Crew;

    /// A case is not seen to meet what is asked for once and for all, unless it is asked for with its requests as well.
    #[test]
    fn nearly_all_faults_are_asked_for_with_each_request() {
        let crew = Crew::default();
        let mut at_start = BTreeSet::new();
        for deployment in Deployment::ALL {
            let ids = crew.one(async |helpers| {
                let none = Some(BTreeSet::new());
                let watched = Watched::start(helpers, deployment, &[], McpVersion::NEWEST, none).await?;
                let watched = watched.map_err(|not_started| std::io::Error::other(not_started.message))?;
                let ids = watched.at_start.clone();
                watched.stop().await;
                Ok(ids)
            });
            at_start.extend(ids.expect("the deployment starts"));
        }
        let known = [
            // Documents and endpoints are elsewhere: the preflight sees it.
            "discovery.defaults-missing",
            "discovery.metadata-appended-only",
            "discovery.prm-appended-only",
            // The provider is another from the start; their requests ask as well.
            "provisioning.pkce-stripped",
            "transparent.iss-of-upstream",
            "transparent.pkce-stripped",
        ];
        assert_eq!(at_start.into_iter().collect::<Vec<_>>(), known);
    }
}
