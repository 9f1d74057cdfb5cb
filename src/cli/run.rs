//! `authspec run`: judge a target, show it, write the reports.

use std::io::{IsTerminal, Write as _, stdout};
use std::path::Path;

use authspec::diag::{Source, nearest, shell_word};
use authspec::event::Event;
use authspec::reference::{Deployment, Reference};
use authspec::report::{self, Fold, Live, Outcome, Report, human, json, quiet, snapshot};
use authspec::run::{self, Helpers, Keep, Material, Options, Party, Selection};
use authspec::target::launch::{self, Browser};
use authspec::target::{Profile, Upstream};
use authspec::transcript::without_secrets;

use super::signals::Signals;
use super::{BLOCKED, FINDINGS, Format, OK, RunArgs, USAGE, globs, material, runtime, text};

/// Runs and gives the exit code.
pub fn main(args: RunArgs) -> u8 {
    if let Err(code) = check(&args) {
        return code;
    }
    let (suites, rules) = match material(&args.suite) {
        Ok(material) => material,
        Err(code) => return code,
    };
    let material = Material { suites: &suites, rules: &rules };
    let unmet = run::unmet(material.suites, &args.only, &args.skip);
    if !unmet.is_empty() {
        unmet.iter().for_each(|reason| text::error(reason));
        return USAGE;
    }
    runtime().block_on(async {
        let mut signals = Signals::listen();
        let prepared = tokio::select! {
            prepared = prepare(&args) => prepared,
            // What was launched is killed with the future that held it.
            () = signals.next() => return stopped(),
        };
        match prepared {
            Err(code) => code,
            Ok(mut prepared) => {
                prepared.parties.iter_mut().for_each(|party| party.again.push_str(&also(&args)));
                let work = async {
                    let code = judge(&args, &mut prepared, material).await;
                    prepared.stop().await;
                    code
                };
                tokio::select! {
                    code = work => code,
                    // The first signal ends the run in order (see `judge`); whoever sends a second one is in a hurry.
                    () = twice(&mut signals) => stopped(),
                }
            }
        }
    })
}

/// The second signal.
async fn twice(signals: &mut Signals) {
    signals.next().await;
    signals.next().await;
}

fn stopped() -> u8 {
    text::remark("stopped: what was launched for the run is ended as well");
    BLOCKED
}

/// What is wrong with the arguments before anything is started.
fn check(args: &RunArgs) -> Result<(), u8> {
    globs(args.only.iter().chain(&args.skip)).map_err(|reason| wrong(&reason))?;
    if let Some(dir) = &args.report {
        writable(dir).map_err(|reason| {
            text::error(&format!(
                "the report folder {} cannot be written: {reason}. Nothing was judged; choose another folder",
                dir.display()
            ));
            USAGE
        })?;
    }
    Ok(())
}

/// Tries the folder before the run, so that an hour of judging is not lost at its end. The files of an earlier run go: if nothing
/// comes of this one, they must not be taken for its own.
fn writable(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for report::Format { file: name, .. } in report::FORMATS {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let probe = dir.join(format!(".authspec-{}", std::process::id()));
    std::fs::write(&probe, "")?;
    std::fs::remove_file(probe)
}

/// Targets ready to be judged, with what must be stopped afterwards.
struct Prepared {
    /// One target, or all embedded deployments.
    parties: Vec<Party>,
    references: Vec<Reference>,
    launched: Option<launch::Launched>,
}

impl Prepared {
    /// How the target that was launched here ended by itself, if it did.
    async fn ended(&mut self) -> Option<String> {
        let ended = self.launched.as_mut()?.ended().await?;
        Some(format!("the target ended during the run: {ended}"))
    }

    async fn stop(self) {
        if let Some(launched) = self.launched {
            launched.stop().await;
        }
        for reference in self.references {
            reference.stop().await;
        }
    }
}

async fn prepare(args: &RunArgs) -> Result<Prepared, u8> {
    let Some(target) = args.target.as_deref() else {
        return embedded(Reference::start_all().await);
    };
    if let Some(deployment) = Deployment::parse(target) {
        let reference = Reference::start(deployment, fixtures::Faults::none()).await;
        return embedded(reference.map(|reference| vec![reference]));
    }
    let mut profile = profile(target)?;
    let complaints = profile.lint(
        authspec::rule::Rules::embedded(),
        &authspec::suite::ability::ABILITIES.iter().map(|a| a.name).collect::<Vec<_>>(),
    );
    if !complaints.is_empty() {
        text::slips(&complaints);
        return Err(USAGE);
    }
    let mut helpers = Helpers::for_profile(&profile).await.map_err(|reason| wrong(&reason))?;
    if profile.target.is_client() {
        let browser = browser().map_err(|e| wrong(&format!("the browser of the client cannot be set up: {e}")))?;
        helpers = helpers.for_client(&profile, browser).await.map_err(|reason| wrong(&reason))?;
    }
    let mut launched = None;
    if let Some(launch) = profile.launch.as_ref().filter(|_| !profile.target.is_client()) {
        let idp = helpers.idp.as_ref().map(|(_, issuer)| issuer.url()).unwrap_or_default();
        let ca_file = profile.upstream.as_ref().map(Upstream::ca_file_anywhere).unwrap_or_default();
        let names = [("idp", idp.as_str()), ("ca-file", ca_file.as_str())];
        let started = launch::start(launch, &names).await.map_err(|reason| wrong(&reason))?;
        if let Some(url) = &started.url {
            profile.launched_at(url).map_err(|reason| wrong(&reason))?;
        }
        launched = Some(started);
    }
    if let (Some((_, issuer)), Some(url)) = (&helpers.idp, &profile.target.mcp_url) {
        run::helpers::registrar(issuer, &profile, profile.target.resource.as_ref().unwrap_or(url));
    }
    let party = Party { profile, helpers, again: format!("authspec run {}", shell_word(&without_secrets(target))) };
    Ok(Prepared { parties: vec![party], references: Vec::new(), launched })
}

/// What a client under test can open URLs with: this program.
fn browser() -> std::io::Result<Browser> {
    let program = std::env::current_exe()?;
    let follow = format!("{} browse", shell_word(&program.to_string_lossy()));
    Browser::new(&follow, std::env::var_os("PATH").unwrap_or_default())
}

/// Embedded deployments, if they could be started.
fn embedded(started: std::io::Result<Vec<Reference>>) -> Result<Prepared, u8> {
    let references = started.map_err(|e| wrong(&format!("the embedded reference cannot be started: {e}")))?;
    Ok(Prepared { parties: references.iter().map(Reference::party).collect(), references, launched: None })
}

fn wrong(reason: &str) -> u8 {
    text::error(reason);
    USAGE
}

/// Whether a target is a URL, so that nobody could say who logs in, and how.
fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

/// A profile from a file or from a bare URL.
fn profile(target: &str) -> Result<Profile, u8> {
    if is_url(target) {
        return Profile::for_url(target).map_err(|reason| wrong(&format!("{target} is no usable URL: {reason}")));
    }
    let content = std::fs::read_to_string(target).map_err(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            return wrong(&format!("the profile {target} cannot be read: {error}"));
        }
        if target.ends_with(".toml") {
            return wrong(&format!("the profile {target} cannot be read: {error}. Check the path"));
        }
        let names = Deployment::ALL.map(Deployment::name);
        let hint = match nearest(target, names) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!(
                "A target is a profile (.toml), a URL that begins with http:// or https://, or one of {}",
                names.join(", ")
            ),
        };
        wrong(&format!("there is no target `{target}`. {hint}"))
    })?;
    Profile::parse(Source::new(target, content), &|name| std::env::var(name).ok()).map_err(|slips| {
        text::slips(&slips);
        USAGE
    })
}

/// What a command that repeats a part of the run needs beside the target: the cases, and the version to judge by.
fn also(args: &RunArgs) -> String {
    let suites = args.suite.suites.as_ref().map(|dir| dir.display().to_string());
    let suites = suites.map(|dir| format!(" --suites {}", shell_word(&dir)));
    let version = args.mcp_version.map(|version| format!(" --mcp-version {version}"));
    suites.into_iter().chain(version).collect()
}

fn options(args: &RunArgs, parties: &[Party]) -> Options {
    let again = match parties {
        [party] => party.again.clone(),
        _ => format!("authspec run{}", also(args)),
    };
    Options {
        selection: Selection { only: args.only.clone(), skip: args.skip.clone(), shard: args.shard, safe: args.safe },
        version: args.mcp_version,
        roles: args.role.clone(),
        jobs: args.jobs.map(usize::from),
        strict: args.strict,
        keep: if args.report.is_some() || args.format == Format::Json { Keep::All } else { Keep::Findings },
        confirm: false,
        until_found: false,
        again,
    }
}

async fn judge(args: &RunArgs, prepared: &mut Prepared, material: Material<'_>) -> u8 {
    // The embedded deployments are ours: what fails there once is a mistake of ours, and none to look away from.
    let confirm = prepared.references.is_empty() && !args.once;
    let options = Options { confirm, ..options(args, &prepared.parties) };
    let mut fold = Fold::default();
    let bar = stdout().is_terminal() && std::io::stderr().is_terminal();
    let mut live = (args.format == Format::Human).then(|| Live::new(anstream::stdout(), text::look(), bar));
    let mut sink = |event: Event| {
        if let Some(live) = &mut live {
            // A closed pipe ends the show, not the run: the reports are still written.
            let _ = live.read(&event);
        }
        fold.read(event);
    };
    let mut signals = Signals::listen();
    let stop = async move { signals.next().await };
    let run = match prepared.parties.as_slice() {
        [party] => run::run(&party.profile, party.helpers.clone(), material, &options, stop, &mut sink).await,
        parties => run::several(EMBEDDED, parties, material, &options, stop, &mut sink).await,
    };
    if let Err(not_started) = run {
        text::error(&not_started.message);
        if let Some(ended) = prepared.ended().await {
            text::error(&ended);
        }
        return BLOCKED;
    }
    let mut report = fold.finish();
    if report.run.dead.is_some()
        && let Some(ended) = prepared.ended().await
    {
        report.run.remarks.push(last_words(&ended));
    }
    let mut code = match report.outcome() {
        Outcome::Clean => OK,
        Outcome::Findings => FINDINGS,
        Outcome::BlockedOrError => BLOCKED,
    };
    match (report.cases.is_empty(), args.shard) {
        (true, Some(_)) => {
            text::remark("this shard has no case: others have what was selected");
            code = OK;
        }
        (true, None) => {
            text::error("no case was selected: see `authspec list` for ids and areas");
            code = USAGE;
        }
        _ => {}
    }
    let folder = written(args, &report, &mut code);
    match (args.format, live) {
        (Format::Human, Some(live)) => drop(live.finish(&report, folder.as_deref())),
        (Format::Json, _) => {
            // A program reads it: half a report must not look like a success. Whoever closes the pipe has read enough.
            if let Err(error) = writeln!(stdout().lock(), "{}", json::render(&report))
                && error.kind() != std::io::ErrorKind::BrokenPipe
            {
                text::error(&format!("standard output cannot be written: {error}"));
                code = code.max(BLOCKED);
            }
        }
        (Format::Quiet, _) => text::line(quiet::render(&report, &text::look()).trim_end()),
        (Format::Human, None) => text::line(&human::render(&report, &text::look(), folder.as_deref())),
    }
    if args.format == Format::Human
        && let Some(url) = args.target.as_deref().filter(|target| is_url(target))
    {
        text::remark(&format!(
            "users, clients and limits are given by a profile: authspec init {} -o mine.toml writes one",
            shell_word(&without_secrets(url))
        ));
    }
    if report.run.interrupted {
        text::remark("interrupted: what had been judged until then was reported");
    }
    snapshot_code(args, &report, code)
}

/// What happened, and the last of the lines below it: a report has no room for all.
fn last_words(told: &str) -> String {
    let mut lines = told.lines();
    let what = lines.next().unwrap_or_default();
    let said: Vec<&str> = lines.map(str::trim).collect();
    let kept = &said[said.len().saturating_sub(LAST_WORDS)..];
    if kept.is_empty() { what.to_owned() } else { format!("{what} {}", kept.join(" / ")) }
}

/// Writes the report folder; its name for the last line.
fn written(args: &RunArgs, report: &Report, code: &mut u8) -> Option<String> {
    let dir = args.report.as_ref()?;
    match report::write_dir(dir, report) {
        Ok(_) => Some(dir.display().to_string()),
        Err(error) => {
            text::error(&error.to_string());
            if *code == OK {
                *code = BLOCKED;
            }
            None
        }
    }
}

/// Why a report has not the verdicts that a snapshot is to hold: blessed, it would take their place.
fn cut_short(report: &Report) -> Option<&'static str> {
    let run = &report.run;
    let reasons = [
        (report.cases.is_empty(), "nothing was judged"),
        (run.interrupted, "the run was stopped before its end"),
        (run.dead.is_some(), "the target stopped answering"),
    ];
    reasons.into_iter().find_map(|(is_so, why)| is_so.then_some(why))
}

/// Compares with, or blesses, the snapshot.
fn snapshot_code(args: &RunArgs, report: &Report, code: u8) -> u8 {
    let Some(file) = &args.snapshot else { return code };
    if let Some(why) = cut_short(report) {
        text::remark(&format!("the snapshot {} is left as it is: {why}", file.display()));
        return code;
    }
    let new = snapshot::render(report);
    if args.bless {
        return match snapshot::bless(file, &new) {
            Ok(()) => {
                text::remark(&format!("snapshot {} is written", file.display()));
                code
            }
            Err(error) => wrong(&error.to_string()),
        };
    }
    match snapshot::compare(file, &new, &text::look()) {
        Ok(snapshot::Drift::Same) => code,
        Ok(snapshot::Drift::Drift { diff, pending }) => {
            text::line(&format!("DRIFT  against {}\n{diff}", file.display()));
            text::remark(&format!("review {} (cargo insta review), or accept with --bless", pending.display()));
            FINDINGS
        }
        Ok(snapshot::Drift::New { pending }) => {
            text::remark(&format!(
                "there is no snapshot {} yet: {} waits for review, or accept with --bless",
                file.display(),
                pending.display()
            ));
            FINDINGS
        }
        Err(error) => wrong(&error.to_string()),
    }
}

/// Lines of a target's output that say how it ended.
const LAST_WORDS: usize = 3;
/// What a report calls all embedded deployments together.
const EMBEDDED: &str = "the embedded reference deployments";
