//! Where a lawful server answers a preparing step otherwise, and the case says so, the case does not apply.

use authspec::event::Verdict;
use fixtures::server::Options;

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

async fn judged(options: Options, only: &[&str]) -> Judged {
    unusual_server::judged(options, only, async |server| {
        format!("[target]\nmcp-url = \"{}\"\n{LOGIN}", server.mcp_url())
    })
    .await
}

fn only_result(judged: &Judged) -> (Verdict, &str) {
    let [result] = &*judged.results else { panic!("{:?}", judged.results) };
    (result.verdict, &result.message)
}

#[tokio::test]
async fn a_server_may_register_more_grants_than_were_asked_for() {
    let options = Options { refresh_for_all: true, ..Options::default() };
    let judged = judged(options, &["refresh/only-if-registered"]).await;
    let (verdict, message) = only_result(&judged);
    assert_eq!(verdict, Verdict::NotApplicable);
    assert!(message.contains("RFC 7591 section 3.2.1"), "{message}");
}
