//! A server that takes a used refresh token again for a while, so that clients that lost an answer can go on: a policy, no defect.

use std::time::Duration;

use authspec::event::Verdict;
use fixtures::Faults;
use fixtures::server::Options;

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

async fn judged(only: &[&str], stated: &str, faults: Faults) -> Judged {
    let options = Options { refresh_grace: Duration::from_secs(1), faults, ..Options::default() };
    unusual_server::judged(options, only, async |server| {
        format!("[target]\nmcp-url = \"{}\"\n{stated}\n{LOGIN}", server.mcp_url())
    })
    .await
}

#[tokio::test]
async fn replay_is_judged_when_the_grace_is_over() {
    let cases = ["refresh", "machine/refresh-answer-lost"];
    let healthy = judged(&cases, "refresh-grace = \"1s\"", Faults::none()).await;
    let odd = healthy.odd();
    assert!(odd.is_empty(), "{odd}");
    let of = |case: &str| healthy.results.iter().find(|result| result.case == case).map(|result| result.verdict);
    assert_eq!(of("refresh/replay-refused"), Some(Verdict::Pass));
    assert_eq!(of("refresh/race"), Some(Verdict::NotApplicable));
    let faults = Faults::one("refresh.replay-accepted").expect("a fault of the catalogue");
    let faulty = judged(&["refresh/replay-refused"], "refresh-grace = \"1s\"", faults).await;
    assert!(faulty.has(Verdict::Fail), "{}", faulty.odd());
}

#[tokio::test]
async fn a_grace_is_found_out() {
    let judged = judged(&["refresh/rotation"], "", Faults::none()).await;
    assert!(judged.notes("cases about replay wait 90 seconds"), "{:?}", judged.notes);
}
