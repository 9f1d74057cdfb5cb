//! What the preflight saw of a deployment, in a form that two healthy deployments share.

use std::sync::LazyLock;

use fixtures::Fault;
use regex::Regex;

use super::{Consulted, options, start};
use crate::reference::Reference;
use crate::rule::McpVersion;
use crate::run::{self, Helpers, Preflight};

/// Everything that a preflight hands to the cases, with the places of this deployment masked: if a fault leaves it as it is
/// with a healthy deployment, the fault can only show in what a case itself asks for.
pub fn of(seen: &Preflight, reference: &Reference) -> String {
    let world = &seen.world;
    let abilities: Vec<_> = seen.abilities.iter().collect();
    let mut text = format!(
        "{:#?}",
        (
            (&seen.roles, &seen.login, &seen.registration, &seen.notes, abilities),
            (&world.found, &world.recipe, &world.registration, &world.exchange, &world.tools, &world.version),
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

/// Whether the preflight sees a fault in a version: what it hands to the cases is not what it is with a healthy deployment.
pub(super) async fn differs(
    helpers: &Helpers,
    fault: &'static Fault,
    version: McpVersion,
    consulted: &Consulted,
) -> std::io::Result<bool> {
    let reference = start(helpers, fault).await?;
    let seen = run::look(&reference.profile, &reference.helpers, &options(version, &[], 1), None).await;
    let differs = !seen.is_ok_and(|seen| consulted.looks_healthy(version, &of(&seen, &reference)));
    reference.stop().await;
    Ok(differs)
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

    async fn sight(helpers: &Helpers, deployment: Deployment, faults: Faults, version: McpVersion) -> String {
        let reference = Reference::start_with(helpers, deployment, faults).await.expect("the deployment starts");
        let seen = run::look(&reference.profile, &reference.helpers, &options(version, &[], 1), None).await;
        let text = of(&seen.expect("the deployment can be judged"), &reference);
        reference.stop().await;
        text
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
        let silent = Faults::one("discovery.iss-not-advertised").expect("a fault of the catalogue");
        assert_ne!(healthy, sight(&helpers, Deployment::Server, silent, McpVersion::NEWEST).await);
    }
}
