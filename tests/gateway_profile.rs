//! A gateway judged by the profile that its operator copies: what it does wrong must not be stopped by the care of our API.

use std::collections::BTreeSet;

use authspec::diag::Source;
use authspec::event::Verdict;
use authspec::run::Helpers;
use authspec::target::Profile;
use fixtures::Faults;
use fixtures::gateway::{Options, start};

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, judged_by};

/// The profile of `fixtures/profiles`, at a free port, for a gateway that stands there.
fn profile(mcp_url: &str) -> String {
    let shipped = include_str!("../fixtures/profiles/generic-gateway.toml");
    shipped.replace("http://127.0.0.1:8000/mcp", mcp_url).replace("\"127.0.0.1:9000\"", "\"127.0.0.1:0\"")
}

fn set<'a>(rules: &[&'a str]) -> BTreeSet<&'a str> {
    rules.iter().copied().collect()
}

async fn judged(faults: Faults, more: &str) -> Judged {
    let only = ["gateway/token-of-the-caller-stays", "gateway/target-is-the-api", "gateway/scope-of-the-call"];
    judged_with(faults, &only, |profile| profile + more).await
}

async fn judged_with(faults: Faults, only: &[&str], change: impl Fn(String) -> String) -> Judged {
    // The provider comes first: where the gateway will stand does not matter to it.
    let alone = Source::new("alone.toml", change(profile("http://127.0.0.1:1/mcp")));
    let alone = Profile::parse(alone, &|_| None).expect("the profile is right");
    let helpers = Helpers::for_profile(&alone).await.expect("the helpers start");
    let (_, issuer) = helpers.idp.clone().expect("our identity provider runs");
    let gateway = start(Options { issuer: issuer.url(), faults, ..Options::default() }).await;
    let gateway = gateway.expect("the gateway starts");
    let judged = judged_by(helpers, change(profile(gateway.mcp_url())), only).await;
    gateway.stop().await;
    judged
}

#[tokio::test]
async fn a_healthy_gateway_is_green() {
    let judged = judged(Faults::none(), "").await;
    assert_eq!(judged.odd(), "");
    assert!(judged.has(Verdict::Pass));
}

#[tokio::test]
async fn a_gateway_that_asks_for_no_token_of_its_own_is_found() {
    let exchanged = ["tx.client-target-named"];
    let passed_on = ["tx.client-scope-least", "tx.client-target-named", "tx.proxy-no-forward"];
    for (fault, failed, warned) in [
        ("gateway.token-passthrough", &["rs.no-token-passthrough"][..], &passed_on[..]),
        ("gateway.target-missing", &[], &exchanged),
        ("gateway.target-self", &[], &exchanged),
    ] {
        for more in ["", "\n[abilities]\nwith = [\"downstream-api\"]\n"] {
            let judged = judged(Faults::one(fault).expect("a fault of the catalogue"), more).await;
            // What a gateway should do is a warning, and what a server must do a failure.
            let found = |verdict: Verdict| {
                let found = judged.results.iter().filter(move |result| result.verdict == verdict);
                found.map(|result| result.rule.as_str()).collect::<BTreeSet<&str>>()
            };
            assert_eq!((found(Verdict::Fail), found(Verdict::Warn)), (set(failed), set(warned)), "{fault}{more}");
            assert!(!judged.has(Verdict::Blocked), "{fault}{more}: {}", judged.odd());
        }
    }
}

#[tokio::test]
async fn a_gateway_that_is_known_there_is_found_without_its_credentials_as_well() {
    let known = "issuer-path = \"/idp\"\nclient-id = \"exchange-gateway\"\nclient-secret = \"exchange-gateway-secret-0123456789abcdef\"";
    for (fault, rule) in [
        ("gateway.client-unauthenticated", "tx.client-authenticates"),
        ("gateway.secret-in-query", "tx.client-request-form"),
    ] {
        let faults = Faults::one(fault).expect("a fault of the catalogue");
        let judged =
            judged_with(faults, &["gateway/request-*"], |profile| profile.replace("issuer-path = \"/idp\"", known))
                .await;
        let is_found = |result: &authspec::event::CaseResult| {
            result.rule == rule && matches!(result.verdict, Verdict::Fail | Verdict::Warn)
        };
        assert!(judged.results.iter().any(is_found) && !judged.has(Verdict::Blocked), "{fault}: {}", judged.odd());
    }
}
