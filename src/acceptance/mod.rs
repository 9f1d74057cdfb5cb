//! The line that a reference implementation adds to its own tests: each case becomes a test in its own test run.
//!
//! ```no_run
//! // tests/oauth.rs of the implementation, with `harness = false`
//! fn main() -> std::process::ExitCode {
//!     authspec::acceptance::main("tests/authspec.toml")
//! }
//! ```

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::diag::Source;
use crate::event::{CaseFinished, Event, Verdict};
use crate::report::{Fold, Look, human};
use crate::rule::Rules;
use crate::run::{self, Helpers, Material, Options, Selection};
use crate::suite::Suites;
use crate::target::{Profile, Upstream, launch};

/// Judges the target of a profile, one test a case, with the arguments of `cargo test`. The profile may launch the target.
#[must_use]
pub fn main(profile: &str) -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(profile) {
        Ok((trials, _runtime)) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(reason) => {
            let failed = Trial::test("authspec", move || Err(Failed::from(reason)));
            libtest_mimic::run(&arguments, vec![failed]).exit_code()
        }
    }
}

type Results = Arc<Mutex<Option<Result<BTreeMap<String, CaseFinished>, String>>>>;

/// One trial a case. The first one that runs judges all selected cases at once: one login, one pool of clients.
fn trials(profile: &str) -> Result<(Vec<Trial>, Arc<tokio::runtime::Runtime>), String> {
    let text = std::fs::read_to_string(profile).map_err(|e| format!("the profile {profile} cannot be read: {e}"))?;
    let profile = Profile::parse(Source::new(profile, text), &|name| std::env::var(name).ok())
        .map_err(|slips| crate::diag::render(&slips, false))?;
    let runtime =
        Arc::new(tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?);
    let results: Results = Arc::default();
    let trials = Suites::embedded().cases.iter().map(|case| {
        let (id, profile, runtime, results) =
            (case.id.clone(), profile.clone(), Arc::clone(&runtime), Arc::clone(&results));
        let level = case
            .rules()
            .first()
            .and_then(|r| Rules::embedded().get(r))
            .map(|r| r.level.to_string())
            .unwrap_or_default();
        Trial::ignorable_test(case.id.clone(), move || one(&id, &profile, &runtime, &results)).with_kind(level)
    });
    Ok((trials.collect(), runtime))
}

fn one(
    id: &str,
    profile: &Profile,
    runtime: &tokio::runtime::Runtime,
    results: &Results,
) -> Result<Completion, Failed> {
    let mut slot = results.lock().unwrap_or_else(PoisonError::into_inner);
    let all = slot.get_or_insert_with(|| runtime.block_on(judge(profile.clone())));
    match all {
        Err(reason) => Err(reason.clone().into()),
        Ok(all) => completion(all.get(id)),
    }
}

/// Passed, failed with the same text as the human report, or not applicable with the reason.
///
/// # Errors
/// The findings of the case, or what blocked it.
pub fn completion(finished: Option<&CaseFinished>) -> Result<Completion, Failed> {
    let Some(finished) = finished else { return Err("the case was not run".into()) };
    let bad = |v: Verdict| matches!(v, Verdict::Fail | Verdict::Blocked | Verdict::Error);
    if finished.results.iter().any(|r| bad(r.verdict) && r.known.is_none()) {
        let mut fold = Fold::default();
        fold.read(Event::Finished(finished.clone()));
        return Err(human::render(&fold.finish(), &Look::plain(), None).into());
    }
    match finished.results.iter().find(|r| r.verdict == Verdict::NotApplicable) {
        Some(result) if finished.results.iter().all(|r| r.verdict == Verdict::NotApplicable) => {
            Ok(Completion::ignored_with(result.message.clone()))
        }
        _ => Ok(Completion::Completed),
    }
}

async fn judge(mut profile: Profile) -> Result<BTreeMap<String, CaseFinished>, String> {
    let helpers = Helpers::for_profile(&profile).await?;
    let mut launched = None;
    if let Some(command) = &profile.launch {
        let idp = helpers.idp.as_ref().map(|(_, issuer)| issuer.url()).unwrap_or_default();
        let ca_file = profile.upstream.as_ref().map(Upstream::ca_file_anywhere).unwrap_or_default();
        let started = launch::start(command, &[("idp", &idp), ("ca-file", &ca_file)]).await?;
        if let Some(url) = &started.url {
            profile.launched_at(url)?;
        }
        launched = Some(started);
    }
    let result = cases(&profile, helpers, Selection::default()).await;
    if let Some(launched) = launched {
        launched.stop().await;
    }
    result
}

/// Judges the selected cases and returns what each came to, by id.
///
/// # Errors
/// Why nothing could be judged.
pub async fn cases(
    profile: &Profile,
    helpers: Helpers,
    selection: Selection,
) -> Result<BTreeMap<String, CaseFinished>, String> {
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let options = Options { selection, again: "cargo test".into(), ..Options::default() };
    let mut all = BTreeMap::new();
    let mut sink = |event: Event| {
        if let Event::Finished(finished) = event {
            all.insert(finished.case.clone(), finished);
        }
    };
    run::run(profile, helpers, material, &options, std::future::pending(), &mut sink).await.map_err(|n| n.message)?;
    Ok(all)
}
