//! Judges a healthy server that is lawful in an unusual way: nothing of that may be told as a finding.
#![allow(dead_code, reason = "each test file uses its part")]

use authspec::diag::Source;
use authspec::event::{CaseResult, Event, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;
use fixtures::server::{Running, start};
use serde_json::Value;

/// What a profile says that logs in and has registrations to spare.
pub(crate) const LOGIN: &str = r#"
[login]
how = "form"
users.alice = { username = "alice", password = "alice-password" }
users.mallory = { username = "mallory", password = "mallory-password" }

[limits]
registrations = 100000
"#;

/// What a run came to.
pub(crate) struct Judged {
    pub(crate) results: Vec<CaseResult>,
    /// What the preflight remarked.
    pub(crate) notes: Vec<String>,
}

/// Judges a server by these cases; `profile` writes the profile.
pub(crate) async fn judged(
    options: fixtures::server::Options,
    only: &[&str],
    profile: impl AsyncFnOnce(&Running) -> String,
) -> Judged {
    let server = start(options).await.expect("the server starts");
    let text = profile(&server).await;
    let judged = judged_by(Helpers::start().await.expect("the helpers start"), text, only).await;
    server.stop().await;
    judged
}

/// Judges whatever a profile is about, with these helpers.
pub(crate) async fn judged_by(helpers: Helpers, profile: String, only: &[&str]) -> Judged {
    let profile = Profile::parse(Source::new("unusual.toml", profile), &|_| None).expect("the profile is right");
    let only = only.iter().map(|&glob| glob.to_owned()).collect();
    let options =
        Options { selection: Selection { only, ..Selection::default() }, jobs: Some(8), ..Options::default() };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let (mut results, mut notes) = (Vec::new(), Vec::new());
    let mut sink = |event: Event| match event {
        Event::Finished(case) => results.extend(case.results),
        Event::Started(started) => notes = started.notes,
        _ => {}
    };
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    ended.expect("the target can be judged");
    Judged { results, notes }
}

/// The `client_id` that comes of a registration, as an operator would make it.
pub(crate) async fn registered(issuer: &str, metadata: &Value) -> String {
    let request = reqwest::Client::new().post(format!("{issuer}/register")).body(metadata.to_string());
    let answer = request.header("content-type", "application/json").send().await.expect("an answer");
    let answer: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
    answer["client_id"].as_str().unwrap_or_else(|| panic!("no client: {answer}")).to_owned()
}

impl Judged {
    /// What is neither passed nor beside the point, a line each.
    pub(crate) fn odd(&self) -> String {
        let odd = self.results.iter().filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::NotApplicable));
        odd.map(|r| format!("{} {:?} {:?}: {} {}\n", r.case, r.variant, r.verdict, r.message, r.actual)).collect()
    }

    pub(crate) fn has(&self, verdict: Verdict) -> bool {
        self.results.iter().any(|result| result.verdict == verdict)
    }

    pub(crate) fn notes(&self, words: &str) -> bool {
        self.notes.iter().any(|note| note.contains(words))
    }
}
