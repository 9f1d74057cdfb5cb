//! A server that takes pushed requests only (RFC 9126 section 5): a request that it refuses at the push is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use authspec::event::{CaseResult, Verdict};
use fixtures::server::Options;

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

/// All that was said about requests of browsers and about pushed ones.
async fn judged(faults: fixtures::Faults) -> Judged {
    let push_lifetime = Duration::from_secs(3);
    let options = Options { push_required: true, push_lifetime, faults, ..Options::default() };
    unusual_server::judged(options, &["authorize", "par", "token"], async |server| {
        format!("[target]\nmcp-url = \"{}\"\n{LOGIN}", server.mcp_url())
    })
    .await
}

/// How often a case was left out because its request was refused at the push.
fn left_out(results: &[CaseResult]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for result in results.iter().filter(|r| r.message.contains("where no browser is")) {
        *counts.entry(result.case.as_str()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_refused_push_is_a_refusal() {
    let judged = judged(fixtures::Faults::none()).await;
    let (odd, results) = (judged.odd(), judged.results);
    assert!(odd.is_empty(), "{odd}");
    let left_out = left_out(&results);
    assert!(
        !left_out.keys().any(|case| case.contains("redirect-uri") && !case.ends_with("error-told")),
        "{left_out:?}"
    );
    let exact = results.iter().filter(|r| r.case == "authorize/redirect-uri-exact");
    assert!(exact.clone().count() > 10 && exact.clone().all(|r| r.verdict == Verdict::Pass));
    let told = "what only a browser could have seen is not judged";
    assert!(left_out.contains_key("authorize/state-in-errors"), "{told}: {left_out:?}");
}

#[tokio::test]
async fn a_push_that_is_taken_though_it_must_not_be_is_found() {
    let faults = fixtures::Faults::one("par.redirect-unchecked").expect("a fault of the catalogue");
    let judged = judged(faults).await;
    let failed = |case: &str| judged.results.iter().any(|r| r.case == case && r.verdict == Verdict::Fail);
    for case in ["redirect-uri-exact", "redirect-uri-confusions", "redirect-uri-error-stays", "redirect-uri-lookalikes"]
    {
        assert!(failed(&format!("authorize/{case}")), "{case}: {}", judged.odd());
    }
}
