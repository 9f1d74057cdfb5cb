//! A bare authorization server that gives nothing without a DPoP proof, and takes no proof without a nonce (RFC 9449 section 8).

use std::time::Duration;

use authspec::diag::Source;
use authspec::event::{CaseResult, Event, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;

const LOGIN: &str = r#"
[login]
how = "form"
users.alice = { username = "alice", password = "alice-password" }
users.mallory = { username = "mallory", password = "mallory-password" }

[limits]
registrations = 100000
"#;

async fn judged(only: &[&str], faults: &[&str]) -> Vec<CaseResult> {
    let faults = fixtures::Faults::parse(faults.iter().copied()).expect("known faults");
    let (code_lifetime, push_lifetime) = (Duration::from_secs(3), Duration::from_secs(3));
    let options =
        fixtures::server::Options { proof_required: true, code_lifetime, push_lifetime, faults, ..Default::default() };
    let server = fixtures::server::start(options).await.expect("the server starts");
    let text = format!("[target]\nissuer = \"{}\"\nresource = \"{}\"\n{LOGIN}", server.issuer(), server.mcp_url());
    let profile = Profile::parse(Source::new("proofs.toml", text), &|_| None).expect("the profile is right");
    let only = only.iter().map(|&glob| glob.to_owned()).collect();
    let options = Options { selection: Selection { only, ..Default::default() }, jobs: Some(4), ..Options::default() };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let mut results = Vec::new();
    let mut sink = |event: Event| {
        if let Event::Finished(case) = event {
            results.extend(case.results);
        }
    };
    let helpers = Helpers::start().await.expect("the helpers start");
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    server.stop().await;
    ended.expect("the target can be judged");
    results
}

fn odd(results: &[CaseResult]) -> Vec<String> {
    let odd = results.iter().filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::NotApplicable));
    odd.map(|r| format!("{} {:?} {:?}: {} {}", r.case, r.variant, r.verdict, r.message, r.actual)).collect()
}

#[tokio::test]
async fn each_honest_request_proves_its_key() {
    let results = judged(&[], &[]).await;
    let odd = odd(&results);
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

#[tokio::test]
async fn a_race_begins_when_all_have_a_nonce() {
    let race = ["token/code-race"];
    assert!(judged(&race, &[]).await.iter().all(|result| result.verdict == Verdict::Pass));
    let failed = judged(&race, &["token.code-race"]).await;
    assert!(failed.iter().any(|result| result.verdict == Verdict::Fail), "{:?}", odd(&failed));
}
