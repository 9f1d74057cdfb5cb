//! Every fault against the cases that name it and a slice of the others, a trial a fault: exactly those cases turn red.
//!
//! The slice follows from the fault's name, so that all faults together try all cases; `authspec prove` runs everything.

use std::process::ExitCode;
use std::sync::Arc;

use authspec::prove;
use authspec::reference::Deployment;
use authspec::rule::Rules;
use authspec::run::{Helpers, Material};
use authspec::suite::Suites;
use fixtures::{Fault, Faults};
use libtest_mimic::{Arguments, Failed, Trial};

/// One case in so many joins the slice of a fault.
const SLICE: usize = 250;

/// Faults at once.
const THREADS: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Cases about expiry and keys wait: more faults at once than cores.
    arguments.test_threads.get_or_insert(THREADS);
    let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"));
    let helpers =
        if arguments.list { Helpers::default() } else { runtime.block_on(Helpers::start()).expect("helpers start") };
    let trials = fixtures::catalogue().iter().map(|fault| {
        let (runtime, helpers) = (Arc::clone(&runtime), helpers.clone());
        Trial::test(fault.id, move || runtime.block_on(one(fault, &helpers)))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

async fn one(fault: &'static Fault, helpers: &Helpers) -> Result<(), Failed> {
    let suites = Suites::embedded();
    let material = Material { suites, rules: Rules::embedded() };
    let number: usize = fault.id.bytes().map(usize::from).sum();
    let (mut named, mut slice) = (Vec::new(), Vec::new());
    for (at, case) in suites.cases.iter().enumerate() {
        if case.faults.iter().any(|name| name == fault.id) {
            named.push(case.id.clone());
        } else if (at + number).is_multiple_of(SLICE) {
            slice.push(case.id.clone());
        }
    }
    let faults = Faults::one(fault.id).expect("a fault of the catalogue");
    let reds = prove::reds(helpers, Deployment::of(fault), faults, material, (&named, &slice), 2)
        .await
        .expect("the deployment starts");
    let proof = prove::compare(fault, reds, suites);
    if proof.exact() {
        return Ok(());
    }
    Err(format!(
        "red: {:?}\nnamed by these cases, which stayed green: {:?}\nred without naming it: {:?}\nin error: {:?}\nblocked: {:?}\nnot judged: {:?}",
        proof.reds.red, proof.missed, proof.beside, proof.reds.errors, proof.reds.blocked, proof.reds.not_started
    )
    .into())
}
