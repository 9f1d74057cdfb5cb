//! What the preflight saw of a deployment, in a form that two healthy deployments share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::options;
use crate::reference::Reference;
use crate::run::{self, Material, Preflight, Stop};
use crate::step::Found;

/// Everything that a preflight hands to the cases, with the places of this deployment masked: if a fault leaves it as it is
/// with a healthy deployment, the fault can only show in what a case itself asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// What all cases work with, by place.
    world: BTreeMap<String, String>,
    /// What is tried of each case; why something is not is for the reader.
    plan: BTreeMap<String, Vec<String>>,
}

/// How what the preflight saw with a fault differs from what it sees of a healthy deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// In this.
    Other(Box<Difference>),
    /// Nothing could be judged.
    Nothing,
}

/// What is other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Places that are other in what all cases work with, and what stands there; nothing, if the place is gone.
    pub(super) places: BTreeMap<String, Option<String>>,
    /// Cases that apply otherwise.
    pub(super) plan: BTreeSet<String>,
}

impl Mark {
    /// What is other, if anything can be judged.
    pub(super) fn other(&self) -> Option<&Difference> {
        match self {
            Mark::Other(other) => Some(other),
            Mark::Nothing => None,
        }
    }
}

impl Difference {
    /// Whether it shows in one of these places: the very place, one within it, or one around it.
    pub(super) fn shows_in(&self, read: &BTreeSet<String>) -> bool {
        let is_within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        let shows = |place: &String, read: &String| place == read || is_within(place, read) || is_within(read, place);
        self.places.keys().any(|place| read.iter().any(|read| shows(place, read)))
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
        let new = self.world.iter().filter(|(place, there)| healthy.world.get(*place) != Some(there));
        let gone = healthy.world.keys().filter(|place| !self.world.contains_key(*place));
        let places = new.map(|(place, there)| (place.clone(), Some(there.clone())));
        let places: BTreeMap<_, _> = places.chain(gone.map(|place| (place.clone(), None))).collect();
        (!places.is_empty() || !plan.is_empty()).then(|| Mark::Other(Box::new(Difference { places, plan })))
    }
}

/// What all cases work with, by the places under which [`crate::step::Noted`] notes that they are read.
fn world(seen: &Preflight, reference: &Reference) -> BTreeMap<String, String> {
    let world = &seen.world;
    let found = world.found.unnoted();
    let [roles, version, peers] = EVERYBODYS;
    let mut places = BTreeMap::from([
        (roles.to_owned(), format!("{:?}", seen.roles)),
        (version.to_owned(), world.version.to_string()),
        (peers.to_owned(), world.http.allowed().join("\n")),
        (OWN_AUTHORITIES.to_owned(), world.own_authorities.unnoted().join("\n")),
        ("tools".to_owned(), format!("{:#?}", world.tools.unnoted())),
    ]);
    for (name, document) in [("metadata", Some(&found.metadata)), ("prm", found.prm.as_ref())] {
        let members = document.and_then(Value::as_object).into_iter().flatten();
        places.extend(members.map(|(member, value)| (format!("found.{name}.{member}"), format!("{value:#}"))));
    }
    let told = Found { metadata: Value::Null, prm: None, ..found.clone() };
    places.extend(fields("found", &told));
    // Whether there is a document at all is read at the place of the whole of it.
    places.insert("found.metadata".to_owned(), found.metadata.is_object().to_string());
    places.insert("found.prm".to_owned(), found.prm.is_some().to_string());
    places.extend(fields("recipe", world.recipe.unnoted()));
    places.extend(fields("registration", world.registration.unnoted()));
    places.extend(fields("exchange", world.exchange.unnoted()));
    if let Some(idp) = &world.idp {
        let told = (idp.audience.unnoted(), idp.scope.unnoted(), idp.workload.unnoted());
        places.insert("idp.audience".to_owned(), told.0.clone());
        places.insert("idp.scope".to_owned(), format!("{:?}", told.1));
        places.insert("idp.workload".to_owned(), format!("{:?}", told.2));
    }
    let mask = masks(seen, reference);
    for text in places.values_mut() {
        for (place, name) in &mask {
            *text = text.replace(place, name);
        }
        for (pattern, name) in VOLATILE.iter() {
            *text = pattern.replace_all(text, *name).into_owned();
        }
    }
    // Until now in the order of their ports.
    for place in [peers, OWN_AUTHORITIES] {
        if let Some(names) = places.get_mut(place) {
            let sorted: BTreeSet<&str> = names.lines().collect();
            *names = sorted.into_iter().collect::<Vec<_>>().join("\n");
        }
    }
    places
}

/// The fields of something, each under its own place.
fn fields(name: &str, what: &impl fmt::Debug) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in format!("{what:#?}").lines() {
        let begins = line.strip_prefix("    ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
        match begins.and_then(|rest| rest.split_once(": ")) {
            Some((field, value)) => fields.push((format!("{name}.{field}"), value.to_owned())),
            None => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push_str(line);
                    value.push('\n');
                }
            }
        }
    }
    fields
}

/// The places of this deployment, and what stands for them.
fn masks(seen: &Preflight, reference: &Reference) -> Vec<(String, &'static str)> {
    let authority =
        |url: &str| url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned();
    let mut masks = Vec::new();
    if let Some((_, issuer)) = &reference.helpers.idp {
        masks.extend([(issuer.url(), "ISSUER"), (authority(&issuer.url()), "IDP")]);
    }
    masks.push((authority(&seen.world.mcp_url), "TARGET"));
    masks.extend(reference.helpers.host.as_ref().map(|host| (host.authority(), "HOST")));
    masks.retain(|(place, _)| !place.is_empty());
    masks
}

/// Which authorities belong to the target.
const OWN_AUTHORITIES: &str = "own-authorities";
/// Places that every case reads: which roles are judged, by which version, and who may be asked at all.
pub(super) const EVERYBODYS: [&str; 3] = ["roles", "version", "peers"];

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
    use crate::rule::{McpVersion, Rules};
    use crate::run::Helpers;
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
            let other = sight(&helpers, deployment, Faults::none(), version).await;
            assert_eq!(other.mark(&one), None, "{}", deployment.name());
        }
        let healthy = sight(&helpers, Deployment::Server, Faults::none(), McpVersion::NEWEST).await;
        let mark = async |id| {
            let faults = Faults::one(id).expect("a fault of the catalogue");
            sight(&helpers, Deployment::Server, faults, McpVersion::NEWEST).await.mark(&healthy)
        };
        let Some(Mark::Other(silent)) = mark("discovery.iss-not-advertised").await else {
            panic!("the metadata tells")
        };
        let place = "found.metadata.authorization_response_iss_parameter_supported";
        assert_eq!(silent.places, BTreeMap::from([(place.to_owned(), None)]));
        let read = |places: &[&str]| silent.shows_in(&places.iter().map(|&place| place.to_owned()).collect());
        assert!(read(&[place]) && read(&["found.metadata"]) && read(&["found"]));
        assert!(!read(&["found.metadata.issuer", "found.prm", "recipe.scope", "found.meta"]));
        let Some(Mark::Other(missing)) = mark("authorize.iss-missing").await else { panic!("the plan tells") };
        assert!(missing.places.is_empty() && !missing.plan.is_empty(), "{missing:?}");
        assert_eq!(mark("authorize.csp-missing").await, None);
    }
}
