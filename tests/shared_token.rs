//! Variants that only present tokens share the one that the first of them got; a finding never rests on it.

use std::collections::BTreeSet;

use authspec::event::{CaseFinished, Event, Verdict};
use authspec::reference::{Deployment, Reference};
use authspec::rule::Rules;
use authspec::run::{self, Keep, Material, Options};
use authspec::suite::Suites;
use fixtures::Faults;

const CASE: &str = "resource/kid-is-no-input";

/// What comes of the case at a deployment, every exchange kept.
async fn judged(faults: Faults) -> CaseFinished {
    let mut suites = Suites::embedded().clone();
    suites.cases.retain(|case| case.id == CASE);
    let reference = Reference::start(Deployment::Server, faults).await.expect("the reference starts");
    let material = Material { suites: &suites, rules: Rules::embedded() };
    let options = Options { keep: Keep::All, ..Options::default() };
    let mut finished = None;
    let mut sink = |event: Event| {
        if let Event::Finished(case) = event {
            finished = Some(case);
        }
    };
    run::run(&reference.profile, reference.helpers.clone(), material, &options, std::future::pending(), &mut sink)
        .await
        .expect("the reference can be judged");
    reference.stop().await;
    finished.expect("the case applies")
}

fn logins(case: &CaseFinished) -> usize {
    case.exchanges.iter().filter(|exchange| exchange.request.url.ends_with("/token")).count()
}

#[tokio::test]
async fn one_login_is_enough_where_all_is_well() {
    let case = judged(Faults::none()).await;
    assert!(case.results.iter().all(|result| result.verdict == Verdict::Pass), "{:?}", case.results);
    assert_eq!(logins(&case), 1);
    let variants: BTreeSet<_> = case.results.iter().map(|result| &result.variant).collect();
    let calls = case.exchanges.iter().filter(|exchange| exchange.request.url.ends_with("/mcp")).count();
    assert!(variants.len() > 10);
    assert_eq!(calls, 2 * variants.len(), "each presents the honest token as well as its own");
}

#[tokio::test]
async fn a_finding_shows_all_that_led_to_it() {
    let case = judged(Faults::one("rs.signature-unchecked").expect("a fault of the catalogue")).await;
    let failed = case.results.iter().filter(|result| result.verdict == Verdict::Fail).count();
    assert!(failed > 0);
    assert_eq!(logins(&case), 1 + failed, "one for all that pass, and one for each that does not");
}
