//! A run: look at the target, plan, execute the cases side by side, send events in plan order.

mod ability;
mod client;
mod confirm;
mod exchange;
mod execute;
pub mod helpers;
mod id_jag;
mod known;
mod leg;
mod machine;
mod patterns;
mod plan;
mod preflight;
mod probes;
mod proofs;
mod recipe;
mod schedule;
mod several;
mod stated;
mod stuck;
mod tokens;
mod unmet;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use self::schedule::News;
use crate::event::{CaseFinished, Document, Event, RunEnded, RunStarted, TargetInfo};
use crate::rule::{McpVersion, Role, Rules};
use crate::step;
use crate::suite::Suites;
use crate::target::Profile;
use crate::transcript::without_secrets;
use crate::wire::host::DocumentHost;

pub use ability::{Abilities, Ability};
pub use known::Ledger;
pub use patterns::{Selection, with_variant};
pub(crate) use plan::is_fit;
pub use plan::{Planned, Stop, needed, plan};
pub use preflight::{Preflight, look};
pub use several::{Party, several};
pub use unmet::unmet;

/// What a run is to do beside its profile.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which cases.
    pub selection: Selection,
    /// The MCP version to judge by; default: the newest the target speaks.
    pub version: Option<McpVersion>,
    /// Roles to judge; empty: all that were found.
    pub roles: Vec<Role>,
    /// Cases at once; default: the profile's, else 4.
    pub jobs: Option<usize>,
    /// Warnings become failures.
    pub strict: bool,
    /// Which exchanges are redacted and kept.
    pub keep: Keep,
    /// What failed is tried once more, by itself after all others, before it is told.
    pub confirm: bool,
    /// A case ends with the first of its variants that finds something: the rest is of no use to whoever asks whether it does.
    pub until_found: bool,
    /// The command line that repeats this run, without `--only`.
    pub again: String,
}

/// Which exchanges of a run go into its events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// None, and no text of a finding: for whoever asks for verdicts alone.
    Nothing,
    /// Those that prove a finding, and whatever else is not passed.
    #[default]
    Findings,
    /// Those of passed checks too, for `report.json`.
    All,
}

/// The harness's own servers that a run may use.
#[derive(Clone, Default)]
pub struct Helpers {
    /// Serves client metadata documents and key sets to the target.
    pub host: Option<Arc<DocumentHost>>,
    /// Our identity provider, and the issuer of it that the target trusts.
    pub idp: Option<(mock_idp::MockIdp, mock_idp::Issuer)>,
    /// The MCP client under test, where the target is one.
    pub client: Option<step::Driven>,
    /// What waiting takes.
    pub clock: step::Clock,
}

/// Where the suites and the rules of a run come from.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    /// The cases.
    pub suites: &'a Suites,
    /// The requirement table.
    pub rules: &'a Rules,
}

/// Why nothing was judged at all: the target or the profile, not a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotStarted {
    /// What was wrong, where, and what to do next.
    pub message: String,
}

/// Judges a target. `stop` ends the run early (Ctrl-C); what was judged until then has been sent.
///
/// # Errors
/// If the target cannot be judged at all: it does not answer, or has no MCP endpoint at this URL.
pub async fn run(
    profile: &Profile,
    helpers: Helpers,
    material: Material<'_>,
    options: &Options,
    stop: impl Future<Output = ()>,
    sink: &mut dyn FnMut(Event),
) -> Result<RunEnded, NotStarted> {
    let began = std::time::Instant::now();
    let mut stop = std::pin::pin!(stop);
    let wanted = Some(needed(material, options));
    let seen = unless_stopped(looking(profile, &helpers, options, wanted), stop.as_mut()).await?;
    let ended = judge(&seen, profile, material, options, stop, sink).await;
    let ended = RunEnded { duration_ms: millis(began), ..ended };
    sink(Event::Ended(ended.clone()));
    Ok(ended)
}

/// Looks in a task of its own, as cases run: what an answer wakes goes on where the answer was read. Whoever waits for a runtime
/// from without is on another thread, and has to be woken for each exchange.
async fn looking(
    profile: &Profile,
    helpers: &Helpers,
    options: &Options,
    wanted: Option<BTreeSet<String>>,
) -> Result<Preflight, NotStarted> {
    let (profile, helpers, options) = (profile.clone(), helpers.clone(), options.clone());
    let mut task = JoinSet::new();
    task.spawn(async move { look(&profile, &helpers, &options, wanted).await });
    match task.join_next().await {
        Some(Ok(seen)) => seen,
        Some(Err(failure)) => std::panic::resume_unwind(failure.into_panic()),
        None => unreachable!("one task was spawned"),
    }
}

/// What a look at the target came to, unless the run was stopped meanwhile.
async fn unless_stopped<T>(
    looking: impl Future<Output = Result<T, NotStarted>>,
    stop: impl Future<Output = ()>,
) -> Result<T, NotStarted> {
    tokio::select! {
        seen = looking => seen,
        () = stop => Err(NotStarted { message: "stopped before anything was judged".to_owned() }),
    }
}

/// Judges a target at which the preflight has looked; the last event is left to the caller.
pub(crate) async fn judge(
    seen: &Preflight,
    profile: &Profile,
    material: Material<'_>,
    options: &Options,
    stop: impl Future<Output = ()>,
    sink: &mut dyn FnMut(Event),
) -> RunEnded {
    let planned = plan(material, seen, options);
    sink(Event::Started(started(seen, &planned, options)));
    for Document { name, content } in seen.documents.clone() {
        sink(Event::Document(Document { name, content }));
    }
    let mut ledger = Ledger::new(profile, jiff::Zoned::now().date());
    // Clients that listen for the answer of a browser often do so at one port.
    let usual = if seen.world.client.is_some() { 1 } else { DEFAULT_JOBS };
    let jobs = options.jobs.or(profile.limits.jobs).unwrap_or(usual);
    let lane = lane(seen, profile, planned.into_iter().enumerate().collect(), material, options);
    let ended = schedule::all(vec![lane], jobs, stop, &mut |news| match news {
        News::Progress(progress) => sink(Event::Progress(progress)),
        News::Case(_, finished) => sink(Event::Finished(ledger.mark(*finished))),
    })
    .await;
    RunEnded {
        duration_ms: 0,
        interrupted: ended.interrupted,
        dead: seen.world.http.is_dead(),
        problems: if ended.interrupted { Vec::new() } else { ledger.problems(options.selection.is_whole()) },
        remarks: [remarks(&seen.world.pool), ended.remarks, unmet::unmet_known(material.suites, profile)].concat(),
    }
}

/// What a target needs to be judged by these cases.
fn lane<'a>(
    seen: &Preflight,
    profile: &Profile,
    cases: Vec<(usize, Planned<'a>)>,
    material: Material<'_>,
    options: &Options,
) -> schedule::Lane<'a> {
    let shared = execute::Shared {
        world: Arc::new(seen.world.clone()),
        rules: material.rules.clone(),
        roles: seen.roles.clone(),
        strict: options.strict,
        keep: options.keep,
        confirm: options.confirm,
        until_found: options.until_found,
        known: profile.known_failures.clone(),
    };
    schedule::Lane { shared: Arc::new(shared), cases, own_login: !seen.abilities.has("proxy") }
}

fn millis(since: std::time::Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What was noticed on the way about the clients of the run.
fn remarks(pool: &step::Pool) -> Vec<String> {
    let (lost, differing) = (pool.lost(), pool.differing());
    let forgets = format!(
        "the target forgot {lost} of the clients that it had registered for this run, which answered invalid_client \
         afterwards; their cases were tried again with others. If that is no store of a development server, users of \
         this target will have to register again as well"
    );
    let spoilt = format!(
        "{} could be judged with new clients only: to those that other cases had used before, the target refused what it \
         grants to new ones. It may remember with a client what one of its requests did wrong. First: {}",
        match differing.len() {
            1 => "one result".to_owned(),
            number => format!("{number} results"),
        },
        differing.first().map_or("", String::as_str)
    );
    let remarks = [(lost > 0, forgets), (!differing.is_empty(), spoilt)];
    remarks.into_iter().filter_map(|(is_so, text)| is_so.then_some(text)).collect()
}

fn started(seen: &Preflight, planned: &[Planned<'_>], options: &Options) -> RunStarted {
    let applicable = planned.iter().filter(|p| p.applies()).count();
    RunStarted {
        target: TargetInfo {
            name: seen.name.clone(),
            mcp_url: Some(without_secrets(seen.world.place())).filter(|place| !place.is_empty()),
            roles: seen.roles.clone(),
            mcp_version: seen.world.version,
            deployments: Vec::new(),
        },
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: jiff::Timestamp::now().to_string(),
        login: seen.login.clone(),
        registration: seen.registration.clone(),
        applicable,
        not_applicable: planned.len() - applicable,
        again: options.again.clone(),
        notes: seen.notes.clone(),
        shard: options.selection.shard,
    }
}

/// A case with its results, before exchange ids are made unique over the run.
pub(crate) type Finished = CaseFinished;

/// Cases at once where neither the command line nor the profile says.
const DEFAULT_JOBS: usize = 4;
