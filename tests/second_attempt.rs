//! What fails is tried once more before it is told: what load may have done passes, what was proved stays.

use authspec::diag::Source;
use authspec::event::{CaseResult, Event, RunEnded, Seen, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;
use fixtures::server::{self, Stumble};

const LOGIN: &str = r#"
[login]
how = "form"
users.alice = { username = "alice", password = "alice-password" }
users.mallory = { username = "mallory", password = "mallory-password" }
"#;

const CASE: &str = "token/code-one-time";

/// The results of one case that are no pass, how the run ended, and the order in which the cases came.
async fn judged(options: server::Options, confirm: bool) -> (Vec<CaseResult>, RunEnded, Vec<String>) {
    let server = server::start(options).await.expect("the server starts");
    let text = format!("[target]\nmcp-url = \"{}\"\n{LOGIN}", server.mcp_url());
    let profile = Profile::parse(Source::new("stumbles.toml", text), &|_| None).expect("the profile is right");
    // One after the other, so that the first code that comes twice is that of the case.
    let only = vec![CASE.to_owned(), "token/code-bound-to-client".into(), "token/unknown-parameters".into()];
    let selection = Selection { only, ..Default::default() };
    let again = "cargo test".into();
    let options = Options { selection, confirm, jobs: Some(1), again, ..Options::default() };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let (mut odd, mut order) = (Vec::new(), Vec::new());
    let mut sink = |event: Event| {
        if let Event::Finished(case) = event {
            let last = case.exchanges.last().map(|exchange| exchange.id);
            assert!(case.results.iter().flat_map(|r| &r.exchanges).all(|id| Some(*id) <= last), "the proof is there");
            order.push(case.case);
            odd.extend(case.results.into_iter().filter(|r| !matches!(r.verdict, Verdict::Pass)));
        }
    };
    let helpers = Helpers::start().await.expect("the helpers start");
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    server.stop().await;
    (odd, ended.expect("the target can be judged"), order)
}

fn short(results: &[CaseResult]) -> Vec<(&str, Verdict, Option<Seen>)> {
    results.iter().map(|r| (r.case.as_str(), r.verdict, r.seen)).collect()
}

fn stumbling(how: Stumble) -> server::Options {
    server::Options { stumbles: Some(how), ..Default::default() }
}

#[tokio::test]
async fn a_crash_that_does_not_come_again_is_a_remark() {
    let (odd, ended, order) = judged(stumbling(Stumble::Crash), true).await;
    assert_eq!(short(&odd), []);
    let [remark] = &ended.remarks[..] else { panic!("one remark: {:?}", ended.remarks) };
    assert!(remark.contains(CASE) && remark.contains("500"), "{remark}");
    assert!(order.is_sorted() && order.len() == 3, "in plan order: {order:?}");
}

#[tokio::test]
async fn without_a_second_attempt_it_is_a_finding() {
    let (odd, ended, _) = judged(stumbling(Stumble::Crash), false).await;
    assert_eq!(short(&odd), [(CASE, Verdict::Fail, None)]);
    assert_eq!(ended.remarks, Vec::<String>::new());
}

#[tokio::test]
async fn an_attack_that_worked_once_stays_a_failure() {
    let (odd, _, _) = judged(stumbling(Stumble::Accept), true).await;
    assert_eq!(short(&odd), [(CASE, Verdict::Fail, Some(Seen::OnceOfTwo))]);
}

#[tokio::test]
async fn what_comes_each_time_is_said_to() {
    let faults = fixtures::Faults::one("token.code-replay-accepted").expect("a fault of the catalogue");
    let (odd, ended, _) = judged(server::Options { faults, ..Default::default() }, true).await;
    assert_eq!(short(&odd), [(CASE, Verdict::Fail, Some(Seen::Twice))]);
    assert_eq!(ended.remarks, Vec::<String>::new());
}
