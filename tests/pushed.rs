//! A server that takes pushed requests only (RFC 9126 section 5): a request that it refuses at the push is refused.

use std::collections::BTreeMap;
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

/// All that was said about requests of browsers and about pushed ones.
async fn judged(faults: fixtures::Faults) -> Vec<CaseResult> {
    let push_lifetime = Duration::from_secs(3);
    let options = fixtures::server::Options { push_required: true, push_lifetime, faults, ..Default::default() };
    let server = fixtures::server::start(options).await.expect("the server starts");
    let text = format!("[target]\nmcp-url = \"{}\"\n{LOGIN}", server.mcp_url());
    let profile = Profile::parse(Source::new("pushed.toml", text), &|_| None).expect("the profile is right");
    let only = ["authorize", "par", "token"].map(str::to_owned).to_vec();
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
    let results = judged(fixtures::Faults::none()).await;
    assert_eq!(odd(&results), Vec::<String>::new());
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
    let results = judged(faults).await;
    let failed = |case: &str| results.iter().any(|r| r.case == case && r.verdict == Verdict::Fail);
    for case in ["redirect-uri-exact", "redirect-uri-confusions", "redirect-uri-error-stays", "redirect-uri-lookalikes"]
    {
        assert!(failed(&format!("authorize/{case}")), "{case}: {:?}", odd(&results));
    }
}
