//! Servers at which a user has one session: a new login ends the tokens of those before, which no case is to be blamed for.

use fixtures::server::{LoginEnds, Options};
use serde_json::json;

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

/// A profile section with two clients that an operator made.
async fn registered(issuer: &str) -> String {
    let mut ids = Vec::new();
    for name in ["one", "other"] {
        let metadata = json!({
            "client_name": name, "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        ids.push(unusual_server::registered(issuer, &metadata).await);
    }
    format!("[registration]\nhow = \"preset\"\nclient-id = \"{}\"\nother = {{ client-id = \"{}\" }}\n", ids[0], ids[1])
}

async fn judged(login_ends: LoginEnds, preset: bool) -> Judged {
    let options = Options { login_ends: Some(login_ends), ..Options::default() };
    unusual_server::judged(options, &["resource", "token"], async |server| {
        let clients = if preset { registered(server.issuer()).await } else { String::new() };
        let own = "[abilities]\nwithout = [\"trusted-issuer\"]\n";
        format!("[target]\nmcp-url = \"{}\"\n{clients}{own}{LOGIN}", server.mcp_url())
    })
    .await
}

fn assert_well(judged: &Judged) {
    let odd = judged.odd();
    assert!(odd.is_empty(), "{odd}");
}

#[tokio::test]
async fn cases_that_log_in_wait_for_each_other() {
    let judged = judged(LoginEnds::All, false).await;
    assert!(judged.notes("cases that log in run one by one"), "{:?}", judged.notes);
    assert_well(&judged);
}

#[tokio::test]
async fn cases_that_share_a_preset_client_wait_for_each_other() {
    for ends in [LoginEnds::All, LoginEnds::OfClient] {
        let judged = judged(ends, true).await;
        assert!(judged.notes("have the preset client run one by one"), "{:?}", judged.notes);
        assert_well(&judged);
    }
}

#[tokio::test]
async fn where_the_same_client_alone_is_touched_nobody_waits() {
    let judged = judged(LoginEnds::OfClient, false).await;
    assert!(!judged.notes("run one by one"), "{:?}", judged.notes);
    assert_well(&judged);
}
