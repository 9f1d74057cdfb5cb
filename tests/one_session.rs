//! Servers at which a user has one session: a new login ends the tokens of those before, which no case is to be blamed for.

use authspec::diag::Source;
use authspec::event::{CaseResult, Event, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;
use fixtures::server::LoginEnds;
use serde_json::{Value, json};

const LOGIN: &str = r#"
[login]
how = "form"
users.alice = { username = "alice", password = "alice-password" }
users.mallory = { username = "mallory", password = "mallory-password" }

[limits]
registrations = 100000

[abilities]
without = ["trusted-issuer"]
"#;

/// A profile section with two clients that an operator made.
async fn registered(issuer: &str) -> String {
    let mut ids = Vec::new();
    for name in ["one", "other"] {
        let metadata = json!({
            "client_name": name, "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let request = reqwest::Client::new().post(format!("{issuer}/register")).body(metadata.to_string());
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        let answer: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        ids.push(answer["client_id"].as_str().expect("a client_id").to_owned());
    }
    format!("[registration]\nhow = \"preset\"\nclient-id = \"{}\"\nother = {{ client-id = \"{}\" }}\n", ids[0], ids[1])
}

/// The results, and what the preflight remarked.
async fn judged(login_ends: LoginEnds, preset: bool) -> (Vec<CaseResult>, Vec<String>) {
    let options = fixtures::server::Options { login_ends: Some(login_ends), ..Default::default() };
    let server = fixtures::server::start(options).await.expect("the server starts");
    let clients = if preset { registered(server.issuer()).await } else { String::new() };
    let text = format!("[target]\nmcp-url = \"{}\"\n{clients}{LOGIN}", server.mcp_url());
    let profile = Profile::parse(Source::new("one-session.toml", text), &|_| None).expect("the profile is right");
    let only = ["resource", "token"].map(str::to_owned).to_vec();
    let skip = vec!["*/code-expires".to_owned()];
    let selection = Selection { only, skip, ..Default::default() };
    let options = Options { selection, jobs: Some(8), ..Options::default() };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let (mut results, mut notes) = (Vec::new(), Vec::new());
    let mut sink = |event: Event| match event {
        Event::Finished(case) => results.extend(case.results),
        Event::Started(started) => notes = started.notes,
        _ => {}
    };
    let helpers = Helpers::start().await.expect("the helpers start");
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    server.stop().await;
    ended.expect("the target can be judged");
    (results, notes)
}

fn odd(results: &[CaseResult]) -> String {
    let odd = results.iter().filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::NotApplicable));
    odd.map(|r| format!("{} {:?} {:?}: {} {}\n", r.case, r.variant, r.verdict, r.message, r.actual)).collect()
}

#[tokio::test]
async fn cases_that_log_in_wait_for_each_other() {
    let (results, notes) = judged(LoginEnds::All, false).await;
    assert!(notes.iter().any(|note| note.contains("run one by one")), "{notes:?}");
    let odd = odd(&results);
    assert!(odd.is_empty(), "{odd}");
}

#[tokio::test]
async fn cases_that_share_a_preset_client_wait_for_each_other() {
    for ends in [LoginEnds::All, LoginEnds::OfClient] {
        let (results, notes) = judged(ends, true).await;
        assert!(notes.iter().any(|note| note.contains("have the preset client run one by one")), "{notes:?}");
        let odd = odd(&results);
        assert!(odd.is_empty(), "{odd}");
    }
}

#[tokio::test]
async fn where_the_same_client_alone_is_touched_nobody_waits() {
    let (results, notes) = judged(LoginEnds::OfClient, false).await;
    assert!(!notes.iter().any(|note| note.contains("run one by one")), "{notes:?}");
    let odd = odd(&results);
    assert!(odd.is_empty(), "{odd}");
}
