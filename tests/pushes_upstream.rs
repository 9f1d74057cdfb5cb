//! A proxy that pushes its authorization requests to its identity provider (RFC 9126): what it asks for there is judged as if the
//! browser had brought it.

use authspec::diag::Source;
use authspec::event::Verdict;
use authspec::run::Helpers;
use authspec::target::Profile;
use fixtures::proxy::{Options, Upstream};

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN, judged_by};

fn profile(mcp_url: &str) -> String {
    let client = Upstream::default();
    let secret = client.client_secret.unwrap_or_default();
    format!(
        "[target]\nmcp-url = \"{mcp_url}\"\n{LOGIN}\n[upstream]\nlisten = \"127.0.0.1:0\"\n\
         client-id = \"{}\"\nclient-secret = \"{secret}\"\n",
        client.client_id
    )
}

async fn judged(faults: fixtures::Faults) -> Judged {
    // The provider comes first: where the proxy will stand does not matter to it.
    let alone = Source::new("alone.toml", profile("http://127.0.0.1:1/mcp"));
    let alone = Profile::parse(alone, &|_| None).expect("the profile is right");
    let helpers = Helpers::for_profile(&alone).await.expect("the helpers start");
    let (_, issuer) = helpers.idp.clone().expect("our identity provider runs");
    let upstream = Upstream { issuer: issuer.url(), pushes: true, ..Upstream::default() };
    let proxy = fixtures::proxy::start(Options { upstream, faults, ..Options::default() }).await;
    let proxy = proxy.expect("the proxy starts");
    let judged = judged_by(
        helpers,
        profile(proxy.mcp_url()),
        &["proxy/state-*", "proxy/upstream-*", "proxy/callback-*", "proxy/consent-*"],
    )
    .await;
    proxy.stop().await;
    judged
}

fn passed(judged: &Judged) -> usize {
    judged.results.iter().filter(|result| result.verdict == Verdict::Pass).count()
}

#[tokio::test]
async fn a_pushed_request_is_a_request() {
    let judged = judged(fixtures::Faults::none()).await;
    assert_eq!(judged.odd(), "");
    assert!(passed(&judged) > 90, "{} passed", passed(&judged));
    for case in ["proxy/upstream-pkce-s256", "proxy/state-unguessable", "proxy/state-used-once"] {
        let all = judged.results.iter().filter(|result| result.case == case);
        assert!(all.clone().any(|result| result.verdict == Verdict::Pass), "{case}: {:?}", all.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_is_wrong_with_it_is_seen() {
    let faults = fixtures::Faults::one("proxy.upstream-state-is-clients").expect("a fault of the catalogue");
    let judged = judged(faults).await;
    let failed = |result: &&authspec::event::CaseResult| result.verdict == Verdict::Fail;
    let failed: Vec<&str> = judged.results.iter().filter(failed).map(|result| result.case.as_str()).collect();
    assert!(failed.contains(&"proxy/state-not-the-clients"), "{failed:?}");
}
