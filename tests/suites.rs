//! Every case against each healthy reference, a trial a case: none may be red.

use std::collections::BTreeMap;
use std::process::ExitCode;

use authspec::acceptance;
use authspec::event::CaseFinished;
use authspec::reference::{Deployment, Reference};
use authspec::rule::Rules;
use authspec::run::Selection;
use authspec::suite::Suites;
use fixtures::Faults;
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut trials = Vec::new();
    for deployment in Deployment::ALL {
        let results = if arguments.list { BTreeMap::new() } else { runtime.block_on(judge(deployment)) };
        trials.extend(Suites::embedded().cases.iter().map(|case| {
            let finished = results.get(&case.id).cloned();
            let level = case.rules().first().and_then(|r| Rules::embedded().get(r)).map(|r| r.level.to_string());
            Trial::ignorable_test(format!("{} {}", deployment.name(), case.id), move || {
                acceptance::completion(finished.as_ref()).and_then(strict(finished))
            })
            .with_kind(level.unwrap_or_default())
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

async fn judge(deployment: Deployment) -> BTreeMap<String, CaseFinished> {
    let reference = Reference::start(deployment, Faults::none()).await.expect("the reference starts");
    let all = acceptance::cases(&reference.profile, reference.helpers.clone(), Selection::default())
        .await
        .expect("the reference can be judged");
    reference.stop().await;
    all
}

/// The healthy reference has no warning either.
fn strict(
    finished: Option<CaseFinished>,
) -> impl FnOnce(libtest_mimic::Completion) -> Result<libtest_mimic::Completion, libtest_mimic::Failed> {
    move |completion| {
        let warned = finished.iter().flat_map(|f| &f.results).find(|r| r.verdict == authspec::event::Verdict::Warn);
        match warned {
            Some(result) => Err(format!("warned: {}: {} (got {})", result.rule, result.message, result.actual).into()),
            None => Ok(completion),
        }
    }
}
