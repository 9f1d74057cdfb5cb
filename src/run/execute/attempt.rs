//! A run of a case, and another with other clients where the first may say something about these alone.

use std::sync::Arc;

use super::{LONGEST, Run, Shared, Task};
use crate::event::{CaseResult, Kind, Verdict};
use crate::run::Keep;
use crate::step::{self, Borrowed, Held, TakenBack};
use crate::suite::Variant;
use crate::wire::Wire;

/// Runs a variant; again if the target closed a connection that was in use (the second time each request has a new one),
/// or forgot a client that it had registered (`tries` times in all), or if what went wrong may come from what earlier cases
/// did with its clients.
pub(super) async fn attempt(shared: &Arc<Shared>, task: &Task, variant: Option<&Variant>, tries: u32) -> Tried {
    let (mut run, wire, clients) = once(shared, task, variant, Source::Pool, None).await;
    if wire.met_a_closing() && tries > 1 {
        drop((run, wire, clients));
        return Box::pin(attempt(shared, task, variant, tries - 1)).await;
    }
    let suspicious = |r: &CaseResult| matches!(r.verdict, Verdict::Fail | Verdict::Warn | Verdict::Blocked);
    let pool = &shared.world.pool;
    let Some(mut clients) = clients.filter(|_| run.results.iter().any(suspicious)) else {
        return Tried::of(run, wire);
    };
    match pool.look_over(&shared.world, &mut clients).await {
        TakenBack::Whole if may_be_the_client(task, &run) && pool.may_differ() && !clients.clients.is_empty() => {
            let (again, other_wire, _) = once(shared, task, variant, Source::New, None).await;
            let differs = !again.results.is_empty() && again.results.iter().all(|r| r.verdict == Verdict::Pass);
            // A target that was too slow the first time refused nobody: that a second try passed says nothing about its clients.
            if !(differs && wire.met_silence()) {
                pool.note_opinion(&task.id, differs);
            }
            if differs {
                clients.strike();
                return Tried::of(again, other_wire);
            }
        }
        TakenBack::Whole => {}
        TakenBack::Forgotten if tries > 1 => {
            drop(clients);
            return Box::pin(attempt(shared, task, variant, tries - 1)).await;
        }
        TakenBack::Forgotten => run.doubt("the target forgets clients faster than this case can use them"),
        TakenBack::Doubtful => run.doubt(
            "the target answers that it does not know a client that it registered, and no registration is left to \
             try another (profile: limits.registrations)",
        ),
    }
    Tried::of(run, wire)
}

/// Runs a variant from where another of its case got a token. `None` if anything came of it but passes: then it is to run by
/// itself, so that a finding shows all that led to it, and owes nothing to what the others did with the token.
pub(super) async fn resumed(
    shared: &Arc<Shared>,
    task: &Task,
    variant: Option<&Variant>,
    held: &Held,
) -> Option<Tried> {
    let (run, wire, _) = once(shared, task, variant, Source::Pool, Some(held)).await;
    let well = !run.results.is_empty() && run.results.iter().all(|r| r.verdict == Verdict::Pass);
    (well && !wire.met_a_closing()).then(|| Tried::of(run, wire))
}

/// What became of a run of a variant in the end.
pub(super) struct Tried {
    pub(super) results: Vec<CaseResult>,
    /// Places in `results` at which an honest request was refused.
    pub(super) denials: Vec<usize>,
    pub(super) wire: Wire,
    /// What other variants may begin with.
    pub(super) held: Option<Held>,
}

impl Tried {
    fn of(run: Run<'_>, wire: Wire) -> Tried {
        let results = redact_results(run.results, &wire, run.shared.keep);
        Tried { results, denials: run.denials, wire, held: run.held }
    }
}

/// Texts of a result may quote what the target sent, so they pass through the vault as well.
fn redact_results(mut results: Vec<CaseResult>, wire: &Wire, keep: Keep) -> Vec<CaseResult> {
    let says = |r: &CaseResult| !r.actual.is_empty() || r.verdict != Verdict::Pass;
    for result in results.iter_mut().filter(|r| says(r)) {
        let is_finding = matches!(result.verdict, Verdict::Pass | Verdict::Fail | Verdict::Warn);
        for text in [&mut result.message, &mut result.expected, &mut result.actual] {
            // Whoever asks for verdicts alone reads none of what a finding says: it is left away, which takes no search.
            *text = if is_finding && keep == Keep::Nothing { String::new() } else { wire.vault().redact(text) };
        }
    }
    results
}

/// Whether an honest request was not served (one for a token or a code, or a step that only prepares), and nothing else went
/// wrong but that the case could not go on. Any other finding stands: a second run does not find the target as the first did.
/// A crash is the client's where the honest request crashed, or did not come so far: a server that breaks over what it remembers
/// of a client breaks over whatever that client sends.
fn may_be_the_client(task: &Task, run: &Run<'_>) -> bool {
    let stuck = run.results.iter().any(|result| result.verdict == Verdict::Blocked);
    let at_fault = |(place, result): (usize, &CaseResult)| match result.verdict {
        Verdict::Fail | Verdict::Warn => run.denials.contains(&place) || stuck && result.kind == Some(Kind::Crash),
        Verdict::Blocked | Verdict::Pass | Verdict::NotApplicable => true,
        Verdict::Error => false,
    };
    // A flood may lock a client for good reason.
    let calm = !task.case.is_alone() && !task.case.is_slow() && !task.case.tags.iter().any(|tag| tag == "floods");
    calm && (stuck || !run.denials.is_empty()) && run.results.iter().enumerate().all(at_fault)
}

/// Where a run gets its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Pool,
    New,
}

/// One run of a variant: what it found, and the clients that it had.
async fn once<'a>(
    shared: &'a Arc<Shared>,
    task: &'a Task,
    variant: Option<&'a Variant>,
    source: Source,
    held: Option<&'a Held>,
) -> (Run<'a>, Wire, Option<Borrowed>) {
    let wire = Wire::new(Arc::clone(&shared.world.http));
    if task.case.is_alone() {
        step::restore_upstream(&shared.world).await;
    }
    let (results, refusals, denials) = Default::default();
    let mut run = Run { shared, task, variant, results, refusals, denials, resumes: held, held: None };
    let clients = match tokio::time::timeout(LONGEST, Box::pin(run.steps(&wire, source))).await {
        Ok(clients) => clients,
        Err(_) => {
            let reason = format!("the case took longer than {} seconds", LONGEST.as_secs());
            run.block(0, &reason, &[]);
            None
        }
    };
    if task.case.is_alone() {
        step::restore_upstream(&shared.world).await;
    }
    (run, wire, clients)
}
