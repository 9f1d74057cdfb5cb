//! Proving a fault runs only the cases that can see it.

use authspec::prove::{Consulted, Crew, Proof, Reds, prove};
use authspec::reference::Deployment;
use authspec::rule::Rules;
use authspec::run::Material;
use authspec::suite::Suites;

/// Two cases: one refreshes, one redeems a code twice.
const CASES: [&str; 2] = ["refresh/rotation", "token/code-one-time"];

fn suites() -> Suites {
    let mut suites = Suites::embedded().clone();
    suites.cases.retain(|case| CASES.contains(&case.id.as_str()));
    assert_eq!(suites.cases.len(), CASES.len());
    suites
}

#[test]
fn a_fault_that_no_request_of_a_case_asks_for_does_not_concern_it() {
    let suites = suites();
    let material = Material { suites: &suites, rules: Rules::embedded() };
    let consulted = Consulted::watch(&Crew::default(), Deployment::Server, material, 2).expect("the deployment starts");
    let cases = |fault| consulted.cases(fault).into_iter().collect::<Vec<_>>();
    assert_eq!(cases("refresh.not-rotated"), [CASES[0]]);
    assert_eq!(cases("token.code-replay-accepted"), [CASES[1]]);
    assert_eq!(cases("register.auth-method-unknown-echoed"), Vec::<String>::new(), "both cases use public clients");
    assert_eq!(cases("authorize.code-short"), CASES, "both log in");
    assert_eq!(cases("authorize.state-truncated"), Vec::<String>::new(), "neither has a long state");
}

#[test]
fn what_many_faults_turn_red_is_the_same_when_each_runs_only_its_cases() {
    let suites = suites();
    let material = Material { suites: &suites, rules: Rules::embedded() };
    let faults: Vec<_> = fixtures::catalogue().iter().filter(|fault| fault.id.starts_with("token.code-")).collect();
    // Which variant shows it first may differ.
    let red = |(_, proofs): (Reds, Vec<Proof>)| {
        let of = |proof: Proof| (proof.fault.id, proof.reds.red.into_keys().collect::<Vec<_>>());
        proofs.into_iter().map(of).collect::<Vec<_>>()
    };
    let few = red(prove(faults.clone(), material, 2, true, &mut |_| {}).expect("proves"));
    let many: Vec<_> = fixtures::catalogue().iter().filter(|fault| fault.id.starts_with("token.")).collect();
    let many = red(prove(many, material, 2, false, &mut |_| {}).expect("proves"));
    for proof in few {
        assert!(many.contains(&proof), "{proof:?}");
    }
}
