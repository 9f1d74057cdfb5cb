//! Targets that forget the clients they registered, hold something against them, or remember the consent of their users:
//! nothing of that may be told as a finding of another rule.

use authspec::diag::Source;
use authspec::event::{Event, RunEnded, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;

const LOGIN: &str = r#"
[login]
how = "form"
users.alice = { username = "alice", password = "alice-password" }
users.mallory = { username = "mallory", password = "mallory-password" }
"#;

const AREAS: [&str; 3] = ["revocation", "registration", "token"];

/// What is not as it should be, and how the run ended, at a server that remembers so many clients.
async fn judged(clients: usize, registrations: u32, only: &[&str]) -> (Vec<String>, RunEnded) {
    let options = fixtures::server::Options { client_capacity: clients, ..Default::default() };
    judged_with(options, registrations, only).await
}

async fn judged_with(options: fixtures::server::Options, registrations: u32, only: &[&str]) -> (Vec<String>, RunEnded) {
    let server = fixtures::server::start(options).await.expect("the server starts");
    let text =
        format!("[target]\nmcp-url = \"{}\"\n{LOGIN}[limits]\nregistrations = {registrations}\n", server.mcp_url());
    let profile = Profile::parse(Source::new("forgetful.toml", text), &|_| None).expect("the profile is right");
    let only = only.iter().map(|area| (*area).to_owned()).collect();
    let selection = Selection { only, ..Default::default() };
    let options = Options {
        selection,
        jobs: Some(if registrations < 100 { 1 } else { 4 }),
        again: "cargo test".into(),
        ..Options::default()
    };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let mut odd = Vec::new();
    let mut sink = |event: Event| {
        if let Event::Finished(case) = event {
            let results = case.results.into_iter();
            odd.extend(
                results
                    .filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::NotApplicable))
                    .map(|r| format!("{} {:?} {:?}: {} {}", r.case, r.variant, r.verdict, r.message, r.actual)),
            );
        }
    };
    let helpers = Helpers::start().await.expect("the helpers start");
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    server.stop().await;
    (odd, ended.expect("the target can be judged"))
}

#[tokio::test]
async fn cases_whose_client_was_forgotten_are_tried_with_another() {
    let (odd, ended) = judged(12, 100_000, &AREAS).await;
    assert_eq!(odd, Vec::<String>::new());
    let [remark] = &ended.remarks[..] else { panic!("one remark: {:?}", ended.remarks) };
    assert!(remark.contains("forgot"), "{remark}");
}

#[tokio::test]
async fn who_forgets_nothing_hears_nothing_of_it() {
    let (odd, ended) = judged(20_000, 100_000, &AREAS).await;
    assert_eq!((odd, ended.remarks), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn without_registrations_to_spare_nothing_is_held_against_it() {
    let (odd, _) = judged(1, 6, &["revocation"]).await;
    let findings: Vec<_> = odd.iter().filter(|text| !text.contains(" Blocked: ")).collect();
    assert_eq!(findings, Vec::<&String>::new());
    assert!(odd.iter().any(|text| text.contains("no registration is left")), "{odd:#?}");
}

#[tokio::test]
async fn a_client_that_an_earlier_case_spoilt_is_replaced() {
    let options = fixtures::server::Options { holds_grudges: true, ..Default::default() };
    let (odd, ended) = judged_with(options, 100_000, &["authorize", "token"]).await;
    assert_eq!(odd, Vec::<String>::new());
    let [remark] = &ended.remarks[..] else { panic!("one remark: {:?}", ended.remarks) };
    assert!(remark.contains("with new clients only"), "{remark}");
}

#[tokio::test]
async fn a_client_over_which_the_target_breaks_is_replaced() {
    let options = fixtures::server::Options { breaks_over_grudges: true, ..Default::default() };
    let only = ["authorize/pkce-unknown-method", "authorize/state-returned-exactly", "authorize/unknown-parameters"];
    // So few registrations that the cases run one after the other, and share a client.
    let (odd, ended) = judged_with(options, 90, &only).await;
    assert_eq!(odd, Vec::<String>::new());
    let [remark] = &ended.remarks[..] else { panic!("one remark: {:?}", ended.remarks) };
    assert!(remark.contains("with new clients only"), "{remark}");
}

/// What is odd about a server with this fault; nothing of it is blocked.
async fn odd_with(fault: &str) -> Vec<String> {
    let faults = fixtures::Faults::one(fault).expect("a fault of the catalogue");
    let options = fixtures::server::Options { faults, ..Default::default() };
    let (odd, _) = judged_with(options, 100_000, &["authorize"]).await;
    let blocked: Vec<_> = odd.iter().filter(|text| text.contains(" Blocked: ")).collect();
    assert_eq!(blocked, Vec::<&String>::new());
    odd
}

#[tokio::test]
async fn where_consent_is_remembered_cases_about_the_page_get_new_clients() {
    let odd = odd_with("authorize.consent-remembered").await;
    assert!(
        odd.iter().any(|text| text.contains("no-silent-repeat")),
        "and what is wrong with it is still told: {odd:?}"
    );
}

#[tokio::test]
async fn where_consent_is_remembered_for_all_clients_the_page_is_no_matter() {
    let odd = odd_with("authorize.consent-for-any-client").await;
    for case in ["consent-per-client", "no-silent-repeat"] {
        assert!(odd.iter().any(|text| text.contains(case)), "{case} still tells: {odd:?}");
    }
}
