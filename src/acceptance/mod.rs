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
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::signal::unix::{SignalKind, signal};

use crate::diag::Source;
use crate::event::{CaseFinished, Event, Verdict};
use crate::report::{Fold, Look, human};
use crate::rule::Rules;
use crate::run::{self, Helpers, Material, Options, Selection};
use crate::suite::Suites;
use crate::suite::ability::ABILITIES;
use crate::target::{Profile, Upstream, launch};

/// Judges the target of a profile, one test a case, with the arguments of `cargo test`. The profile may launch the target.
///
/// The path is looked for where the test runs: in the folder of its package. What breaks a MUST or could not be tried is a
/// failed test, what does not apply an ignored one with its reason. Warnings and known failures pass: `authspec run` shows
/// them, and which known failures are out of date.
#[must_use]
pub fn main(profile: &str) -> ExitCode {
    let mut arguments = Arguments::from_args();
    match trials(profile, &arguments) {
        Ok((trials, _runtime)) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(reason) => {
            // Whatever was asked for, it was not judged.
            (arguments.filter, arguments.ignored) = (None, false);
            arguments.skip.clear();
            let failed = Trial::test("authspec", move || Err(Failed::from(reason)));
            libtest_mimic::run(&arguments, vec![failed]).exit_code()
        }
    }
}

type Results = Arc<Mutex<Option<Result<BTreeMap<String, CaseFinished>, String>>>>;

/// One trial a case. The first one that runs judges all cases that were asked for at once: one login, one pool of clients.
fn trials(profile: &str, arguments: &Arguments) -> Result<(Vec<Trial>, Arc<tokio::runtime::Runtime>), String> {
    let text = std::fs::read_to_string(profile).map_err(|e| format!("the profile {profile} cannot be read: {e}"))?;
    let profile = Profile::parse(Source::new(profile, text), &|name| std::env::var(name).ok())
        .map_err(|slips| crate::diag::render(&slips, false))?;
    let complaints = profile.lint(Rules::embedded(), &ABILITIES.iter().map(|ability| ability.name).collect::<Vec<_>>());
    if !complaints.is_empty() {
        return Err(crate::diag::render(&complaints, false));
    }
    let only: Arc<OnceLock<Vec<String>>> = Arc::default();
    let runtime =
        Arc::new(tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?);
    let results: Results = Arc::default();
    let trials = Suites::embedded().cases.iter().map(|case| {
        let (id, profile, asked, runtime, results) =
            (case.id.clone(), profile.clone(), Arc::clone(&only), Arc::clone(&runtime), Arc::clone(&results));
        let level = case
            .rules()
            .first()
            .and_then(|r| Rules::embedded().get(r))
            .map(|r| r.level.to_string())
            .unwrap_or_default();
        Trial::ignorable_test(case.id.clone(), move || {
            one(&id, &profile, asked.get().map(Vec::as_slice).unwrap_or_default(), &runtime, &results)
        })
        .with_kind(level)
    });
    let trials: Vec<Trial> = trials.collect();
    // What is filtered out need not be judged.
    let asked = trials.iter().filter(|trial| !arguments.is_filtered_out(trial));
    only.get_or_init(|| asked.map(|trial| trial.name().to_owned()).collect());
    Ok((trials, runtime))
}

fn one(
    id: &str,
    profile: &Profile,
    only: &[String],
    runtime: &tokio::runtime::Runtime,
    results: &Results,
) -> Result<Completion, Failed> {
    let mut slot = results.lock().unwrap_or_else(PoisonError::into_inner);
    let all = slot.get_or_insert_with(|| {
        let selection = Selection { only: only.to_vec(), ..Selection::default() };
        runtime.block_on(async {
            tokio::select! {
                judged = judge(profile.clone(), selection) => judged,
                // What was launched is killed with the future that held it.
                () = stopped() => Err("stopped before its end".to_owned()),
            }
        })
    });
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
        let mut report = fold.finish();
        // It is one case of a run that came to its end.
        (report.run.applicable, report.run.interrupted) = (1, false);
        return Err(human::render(&report, &Look::plain(), None).into());
    }
    match finished.results.iter().find(|r| r.verdict == Verdict::NotApplicable) {
        Some(result) if finished.results.iter().all(|r| r.verdict == Verdict::NotApplicable) => {
            Ok(Completion::ignored_with(result.message.clone()))
        }
        _ => Ok(Completion::Completed),
    }
}

/// Ctrl-C or SIGTERM. Nobody else ends what was launched: it is in a process group of its own.
async fn stopped() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

async fn judge(mut profile: Profile, selection: Selection) -> Result<BTreeMap<String, CaseFinished>, String> {
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
    if let (Some((_, issuer)), Some(url)) = (&helpers.idp, &profile.target.mcp_url) {
        run::helpers::registrar(issuer, &profile, profile.target.resource.as_ref().unwrap_or(url));
    }
    // Somebody else's build must not break over what load did once.
    let result = judged(&profile, helpers, selection, true).await;
    if let Some(launched) = launched {
        launched.stop().await;
    }
    result
}

/// Judges the selected cases, each once, and returns what each came to, by id.
///
/// # Errors
/// Why nothing could be judged.
pub async fn cases(
    profile: &Profile,
    helpers: Helpers,
    selection: Selection,
) -> Result<BTreeMap<String, CaseFinished>, String> {
    judged(profile, helpers, selection, false).await
}

async fn judged(
    profile: &Profile,
    helpers: Helpers,
    selection: Selection,
    confirm: bool,
) -> Result<BTreeMap<String, CaseFinished>, String> {
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let options = Options { selection, confirm, again: "cargo test".into(), ..Options::default() };
    let mut all = BTreeMap::new();
    let mut sink = |event: Event| {
        if let Event::Finished(finished) = event {
            all.insert(finished.case.clone(), finished);
        }
    };
    run::run(profile, helpers, material, &options, std::future::pending(), &mut sink).await.map_err(|n| n.message)?;
    Ok(all)
}
