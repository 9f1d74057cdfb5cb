//! What the preflight saw of a deployment, in a form that two healthy deployments share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use fixtures::Fault;
use regex::Regex;
use similar::{ChangeTag, TextDiff};

use super::{Consulted, options, start};
use crate::reference::Reference;
use crate::rule::McpVersion;
use crate::run::{self, Helpers, Material, Preflight, Stop};

/// Everything that a preflight hands to the cases, with the places of this deployment masked: if a fault leaves it as it is
/// with a healthy deployment, the fault can only show in what a case itself asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// What all cases work with.
    world: String,
    /// What is tried of each case; why something is not is for the reader.
    plan: BTreeMap<String, Vec<String>>,
}

/// How what the preflight saw with a fault differs from what it sees of a healthy deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// In nothing that cases work with; these cases apply otherwise.
    Plan(BTreeSet<String>),
    /// In what all cases work with.
    World(Box<Difference>),
    /// Nothing could be judged.
    Nothing,
}

/// What is other in what all cases work with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Lines that are gone, and lines that are new, each with the line of the healthy deployment before it.
    pub(super) lines: BTreeSet<(usize, bool, String)>,
    /// Cases that apply otherwise.
    pub(super) plan: BTreeSet<String>,
}

impl Difference {
    /// The places of the healthy deployment that are other, with their neighbours.
    pub(super) fn places(&self) -> BTreeSet<usize> {
        self.lines.iter().flat_map(|(at, ..)| at.saturating_sub(1)..=at + 1).collect()
    }
}

impl Sight {
    /// What a preflight saw.
    pub fn of(seen: &Preflight, reference: &Reference, material: Material<'_>) -> Sight {
        let tried = run::plan(material, seen, &options(seen.world.version, &[], 1)).into_iter().map(|planned| {
            let stop = match &planned.stop {
                None => "runs",
                Some(Stop::NotApplicable(_)) => "does not apply",
                Some(Stop::Blocked(_)) => "blocked",
            };
            let runs = planned.runs.iter().flatten().map(|variant| variant.name.clone());
            (planned.case.id.clone(), std::iter::once(stop.to_owned()).chain(runs).collect())
        });
        Sight { world: world(seen, reference), plan: tried.collect() }
    }

    /// How this differs from what is seen of a healthy deployment.
    pub fn mark(&self, healthy: &Sight) -> Option<Mark> {
        let other = self.plan.iter().filter(|(case, tried)| healthy.plan.get(*case) != Some(tried));
        let plan: BTreeSet<String> = other.map(|(case, _)| case.clone()).collect();
        if self.world != healthy.world {
            return Some(Mark::World(Box::new(Difference { lines: lines(&healthy.world, &self.world), plan })));
        }
        (!plan.is_empty()).then_some(Mark::Plan(plan))
    }
}

/// The lines that two texts do not share.
fn lines(healthy: &str, other: &str) -> BTreeSet<(usize, bool, String)> {
    let mut at = 0;
    let mut lines = BTreeSet::new();
    for change in TextDiff::from_lines(healthy, other).iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => at += 1,
            ChangeTag::Delete => {
                lines.insert((at, false, change.value().to_owned()));
                at += 1;
            }
            ChangeTag::Insert => {
                lines.insert((at, true, change.value().to_owned()));
            }
        }
    }
    lines
}

fn world(seen: &Preflight, reference: &Reference) -> String {
    let world = &seen.world;
    let mut text = format!(
        "{:#?}",
        (
            (&seen.roles, &world.found, &world.recipe, &world.registration),
            (&world.exchange, &world.tools, &world.version)
        )
    );
    let mut mask = |place: &str, name: &str| {
        if !place.is_empty() {
            text = text.replace(place, name);
        }
    };
    let authority = |url: &str| url.split("://").nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned);
    if let Some((_, issuer)) = &reference.helpers.idp {
        mask(&issuer.url(), "ISSUER");
        mask(&authority(&issuer.url()).unwrap_or_default(), "IDP");
    }
    mask(&authority(reference.mcp_url()).unwrap_or_default(), "TARGET");
    if let Some(host) = &reference.helpers.host {
        mask(&host.authority(), "HOST");
    }
    for (pattern, name) in VOLATILE.iter() {
        text = pattern.replace_all(&text, *name).into_owned();
    }
    text
}

/// How the preflight sees a fault in a version, if it does.
pub(super) async fn mark(
    helpers: &Helpers,
    fault: &'static Fault,
    version: McpVersion,
    material: Material<'_>,
    consulted: &Consulted,
) -> std::io::Result<Option<Mark>> {
    let reference = start(helpers, fault).await?;
    let seen = run::look(&reference.profile, &reference.helpers, &options(version, &[], 1), None).await;
    let mark = match (seen, consulted.sight(version)) {
        (Ok(seen), Some(healthy)) => Sight::of(&seen, &reference, material).mark(healthy),
        _ => Some(Mark::Nothing),
    };
    reference.stop().await;
    Ok(mark)
}

/// What differs from one healthy deployment to the next. Cases register clients of their own, so nothing is lost by it.
static VOLATILE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"harness-\d+", "HARNESS"),
        (r"mock_idp_[A-Za-z0-9_-]{8}", "COOKIE"),
        (r#"("(client_id|client_id_issued_at|registration_client_uri)": )\w+\(.*"#, "${1}OWN"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern of ours"), name))
    .into()
});

#[cfg(test)]
mod tests {
    use fixtures::Faults;

    use super::*;
    use crate::reference::Deployment;
    use crate::rule::Rules;
    use crate::suite::Suites;

    async fn sight(helpers: &Helpers, deployment: Deployment, faults: Faults, version: McpVersion) -> Sight {
        let reference = Reference::start_with(helpers, deployment, faults).await.expect("the deployment starts");
        let seen = run::look(&reference.profile, &reference.helpers, &options(version, &[], 1), None).await;
        let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
        let sight = Sight::of(&seen.expect("the deployment can be judged"), &reference, material);
        reference.stop().await;
        sight
    }

    #[tokio::test]
    async fn healthy_deployments_look_alike_and_a_fault_of_the_metadata_shows() {
        let helpers = Helpers::start().await.expect("helpers start");
        for deployment in Deployment::ALL {
            let version = McpVersion::NEWEST;
            let one = sight(&helpers, deployment, Faults::none(), version).await;
            assert_eq!(one, sight(&helpers, deployment, Faults::none(), version).await, "{}", deployment.name());
        }
        let healthy = sight(&helpers, Deployment::Server, Faults::none(), McpVersion::NEWEST).await;
        let mark = async |id| {
            let faults = Faults::one(id).expect("a fault of the catalogue");
            sight(&helpers, Deployment::Server, faults, McpVersion::NEWEST).await.mark(&healthy)
        };
        let Some(Mark::World(difference)) = mark("discovery.iss-not-advertised").await else {
            panic!("all cases see it")
        };
        assert!(difference.lines.iter().all(|(.., line)| line.contains("iss_parameter")), "{difference:?}");
        assert!(matches!(mark("authorize.iss-missing").await, Some(Mark::Plan(cases)) if !cases.is_empty()));
        assert_eq!(mark("authorize.csp-missing").await, None);
    }
}
