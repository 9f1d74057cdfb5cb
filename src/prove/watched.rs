//! A deployment whose questions about its faults are noted, tried by one case at a time.

use fixtures::{Faults, Watch};

use super::consulted::{Asked, Met};
use super::options;
use super::sight::{self, Sight};
use crate::event::{Event, Verdict};
use crate::reference::{Deployment, Reference};
use crate::rule::{McpVersion, Rules};
use crate::run::{self, Helpers, Material, NotStarted, Options, Preflight};
use crate::suite::{Case, Suites};

/// The deployment, and what the preflight saw of it.
pub(super) struct Watched {
    pub(super) seen: Preflight,
    reference: Reference,
    watch: Watch,
    options: Options,
}

/// What came of one case.
pub(super) struct Tried {
    /// What it met.
    pub(super) met: Met,
    /// What was judged.
    pub(super) verdicts: Vec<Verdict>,
}

impl Watched {
    /// Starts it and looks at it; the inner error says why it cannot be judged.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) async fn start(
        helpers: &Helpers,
        deployment: Deployment,
        faults: Faults,
        version: McpVersion,
    ) -> std::io::Result<Result<Watched, NotStarted>> {
        let (watch, options) = (Watch::default(), options(version, &[], 1));
        let reference = Reference::start_with(helpers, deployment, faults.watched(&watch)).await?;
        match run::look(&reference.profile, &reference.helpers, &options, None).await {
            Ok(seen) => Ok(Ok(Watched { seen, reference, watch, options })),
            Err(not_started) => {
                reference.stop().await;
                Ok(Err(not_started))
            }
        }
    }

    /// The faults that it asked for since it was started, or since the last case began.
    pub(super) fn asked(&self) -> Asked {
        self.watch.ids()
    }

    /// What the preflight hands to these cases.
    pub(super) fn sight(&self, material: Material<'_>) -> Sight {
        Sight::of(&self.seen, &self.reference, material)
    }

    /// Runs one case. No client of before is lent to it, so that it registers its own.
    pub(super) async fn one(&self, case: &Case, rules: &Rules) -> Tried {
        self.seen.world.pool.empty();
        self.watch.clear();
        let suites = Suites { cases: vec![case.clone()] };
        let material = Material { suites: &suites, rules };
        let mut verdicts = Vec::new();
        let mut sink = |event: Event| {
            match event {
                // What a plan reads is compared as a plan.
                Event::Started(_) => self.seen.world.reads.begin(),
                Event::Finished(finished) => verdicts.extend(finished.results.iter().map(|result| result.verdict)),
                _ => {}
            }
        };
        let profile = &self.reference.profile;
        run::judge(&self.seen, profile, material, &self.options, std::future::pending(), &mut sink).await;
        let mut read = self.seen.world.reads.noted();
        read.extend(sight::EVERYBODYS.map(str::to_owned));
        Tried { met: Met { asked: self.asked(), read }, verdicts }
    }

    /// Stops it.
    pub(super) async fn stop(self) {
        self.reference.stop().await;
    }
}

impl Tried {
    /// Whether something was judged, and all of it is good.
    pub(super) fn is_green(&self) -> bool {
        let is_good = |verdict: &Verdict| matches!(verdict, Verdict::Pass | Verdict::NotApplicable);
        self.verdicts.contains(&Verdict::Pass) && self.verdicts.iter().all(is_good)
    }
}
