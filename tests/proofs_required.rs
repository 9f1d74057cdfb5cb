//! A bare authorization server that gives nothing without a DPoP proof, and takes no proof without a nonce (RFC 9449 section 8).

use std::time::Duration;

use authspec::event::Verdict;
use fixtures::Faults;
use fixtures::server::Options;

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

async fn judged(only: &[&str], faults: &[&str]) -> Judged {
    let faults = Faults::parse(faults.iter().copied()).expect("known faults");
    let short = Duration::from_secs(3);
    let options =
        Options { proof_required: true, code_lifetime: short, push_lifetime: short, faults, ..Options::default() };
    unusual_server::judged(options, only, async |server| {
        format!("[target]\nissuer = \"{}\"\nresource = \"{}\"\n{LOGIN}", server.issuer(), server.mcp_url())
    })
    .await
}

#[tokio::test]
async fn each_honest_request_proves_its_key() {
    let odd = judged(&[], &[]).await.odd();
    assert!(odd.is_empty(), "{odd}");
}

#[tokio::test]
async fn a_race_begins_when_all_have_a_nonce() {
    let race = ["token/code-race"];
    assert!(judged(&race, &[]).await.results.iter().all(|result| result.verdict == Verdict::Pass));
    let failed = judged(&race, &["token.code-race"]).await;
    assert!(failed.has(Verdict::Fail), "{}", failed.odd());
}
