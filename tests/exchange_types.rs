//! Token types that an exchange names by the profile (RFC 8693 section 3): some servers know one of their own alone, or demand one.

use authspec::event::Verdict;
use fixtures::server::Options;

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

async fn judged(types: &str) -> Judged {
    unusual_server::judged(Options::default(), &["exchange"], async |server| {
        let target = format!("[target]\nmcp-url = \"{}\"\n{LOGIN}", server.mcp_url());
        format!("{target}\n[exchange]\naudience = \"downstream-api\"\n{types}\n")
    })
    .await
}

#[tokio::test]
async fn the_types_of_the_profile_are_sent() {
    let types = "subject-token-type = \"urn:ietf:params:oauth:token-type:jwt\"\n\
                 requested-token-type = \"urn:ietf:params:oauth:token-type:access_token\"";
    let judged = judged(types).await;
    assert_eq!(judged.odd(), "");
    assert!(judged.has(Verdict::Pass));
}

#[tokio::test]
async fn a_type_that_the_server_does_not_know_is_told_in_its_words() {
    let judged = judged("subject-token-type = \"urn:example:unknown\"").await;
    assert!(judged.has(Verdict::Blocked) && !judged.has(Verdict::Fail), "{}", judged.odd());
    assert!(judged.notes("an honest token exchange failed"), "{:?}", judged.notes);
}
