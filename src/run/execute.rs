//! One case, run once or once for each variant: steps, judgements, results.

mod attempt;
mod pushed;
mod results;
mod wanted;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::attempt::{Source, Tried};
use self::pushed::Pushed;
use self::results::{bare, kind, sentence};
use self::wanted::wanted_clients;
use super::confirm::{self, Attempt, Doubt};
use super::plan::{Planned, Stop};
use super::{Finished, Keep};
use crate::event::{CaseFinished, CaseResult, Kind, Verdict};
use crate::fact;
use crate::judge::{self, Judged, Outcome, Under};
use crate::rule::{Level, Role, Rule, Rules};
use crate::step::part;
use crate::step::{self, Borrowed, Context, Held, Performed, World};
use crate::suite::{Case, Step, Variant, Verb};
use crate::target::KnownFailure;
use crate::transcript::RedactedExchange;
use crate::wire::Wire;

/// What all cases of a run need.
pub struct Shared {
    pub world: Arc<World>,
    pub rules: Rules,
    pub roles: Vec<Role>,
    pub strict: bool,
    /// Which exchanges go into the events.
    pub keep: Keep,
    /// What failed is tried once more before it is told.
    pub confirm: bool,
    /// A case ends with the first of its variants that finds something.
    pub until_found: bool,
    /// What the profile knows to fail.
    pub known: Vec<KnownFailure>,
}

/// A planned case, owned, so that it can run as a task.
#[derive(Clone)]
pub struct Task {
    pub id: String,
    pub title: String,
    pub area: String,
    case: Case,
    runs: Vec<Option<Variant>>,
    stop: Option<Stop>,
    left_out: Vec<(String, String)>,
}

impl Task {
    /// The owned form of a planned case.
    pub fn of(planned: &Planned<'_>) -> Task {
        Task {
            id: planned.case.id.clone(),
            title: planned.case.title.clone(),
            area: planned.case.area.clone(),
            case: planned.case.clone(),
            runs: planned.runs.iter().map(|v| v.cloned()).collect(),
            stop: planned.stop.clone(),
            left_out: planned.left_out.clone(),
        }
    }

    /// Whether it spends its time waiting.
    pub fn is_slow(&self) -> bool {
        self.stop.is_none() && self.case.is_slow()
    }

    /// Whether no other case may run meanwhile.
    pub fn is_alone(&self) -> bool {
        self.stop.is_none() && self.case.is_alone()
    }

    /// How many runs it has.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }
}

/// A case that is over.
pub struct Ran {
    pub finished: Finished,
    /// What is worth another attempt.
    pub second: Option<Second>,
}

/// What another attempt at some runs of a case needs.
pub struct Second {
    pub shared: Arc<Shared>,
    pub task: Task,
    pub doubts: Vec<Doubt>,
}

/// Runs a case with all its variants.
pub async fn case(shared: Arc<Shared>, task: Task) -> Ran {
    let began = Instant::now();
    let mut results = Vec::new();
    let mut doubts = Vec::new();
    let mut exchanges: Vec<RedactedExchange> = Vec::new();
    let rule = task.case.rules().into_iter().find_map(|id| shared.rules.get(id)).cloned();
    match &task.stop {
        Some(Stop::NotApplicable(reason)) => {
            results.push(bare(&task, None, rule.as_ref(), Verdict::NotApplicable, reason))
        }
        Some(Stop::Blocked(reason)) => results.push(bare(&task, None, rule.as_ref(), Verdict::Blocked, reason)),
        None => {
            // A flood may have locked somebody out, and is not repeated.
            let confirms = shared.confirm && !task.case.tags.iter().any(|tag| tag == "floods");
            let mut held: Option<Held> = None;
            let _turn = wanted::turn(&shared, &task).await;
            for (run, variant) in task.runs.iter().enumerate() {
                let attempt = one_run(&shared, &task, variant.as_ref(), &mut held).await;
                if confirms {
                    let variant = variant.as_ref().map(|variant| variant.name.as_str());
                    doubts.extend(confirm::doubt(run, variant, &attempt, &shared.known));
                }
                let Attempt { results: mut some, exchanges: mut sent, .. } = attempt;
                let offset = u32::try_from(exchanges.len()).unwrap_or(u32::MAX);
                sent.iter_mut().for_each(|e| e.id += offset);
                some.iter_mut().flat_map(|r| r.exchanges.iter_mut()).for_each(|id| *id += offset);
                let found = some.iter().any(|result| matches!(result.verdict, Verdict::Fail | Verdict::Warn));
                results.append(&mut some);
                exchanges.append(&mut sent);
                if found && shared.until_found {
                    break;
                }
            }
            for (name, reason) in &task.left_out {
                let values = task
                    .case
                    .each
                    .iter()
                    .find(|v| v.name == *name)
                    .and_then(|v| v.values.get("rule"))
                    .and_then(Value::as_str);
                let rule = values.and_then(|id| shared.rules.get(id)).or(rule.as_ref());
                results.push(bare(&task, Some(name), rule, Verdict::NotApplicable, reason));
            }
        }
    }
    let duration_ms = millis(began.elapsed());
    let (id, title, area) = (task.id.clone(), task.title.clone(), task.area.clone());
    let finished = CaseFinished { case: id, title, area, results, exchanges, duration_ms };
    Ran { finished, second: (!doubts.is_empty()).then_some(Second { shared, task, doubts }) }
}

/// Another attempt at one run of a case.
pub async fn again(shared: Arc<Shared>, task: Task, run: usize) -> Attempt {
    let _turn = wanted::turn(&shared, &task).await;
    one_run(&shared, &task, task.runs.get(run).and_then(Option::as_ref), &mut None).await
}

/// The result of a case that ended by a fault of ours.
pub fn failed(case: String, title: String, area: String, reason: &str) -> Ran {
    let result = CaseResult {
        case: case.clone(),
        message: format!("the harness failed: {reason}"),
        verdict: Verdict::Error,
        ..CaseResult::blank()
    };
    let finished = CaseFinished { case, title, area, results: vec![result], exchanges: Vec::new(), duration_ms: 0 };
    Ran { finished, second: None }
}

async fn one_run(shared: &Arc<Shared>, task: &Task, variant: Option<&Variant>, held: &mut Option<Held>) -> Attempt {
    let resumed = match held {
        Some(held) => attempt::resumed(shared, task, variant, held).await,
        None => None,
    };
    let tried = match resumed {
        Some(tried) => tried,
        None => attempt::attempt(shared, task, variant, TRIES).await,
    };
    let Tried { mut results, denials, wire, held: left } = tried;
    *held = left.or_else(|| held.take());
    let found_nothing = || results.iter().all(|r| matches!(r.verdict, Verdict::Pass | Verdict::NotApplicable));
    if shared.keep == Keep::Nothing || shared.keep == Keep::Findings && found_nothing() {
        results.iter_mut().for_each(|r| r.exchanges.clear());
        return Attempt { results, exchanges: Vec::new(), passing: BTreeSet::new() };
    }
    let sent = wire.exchanges();
    let passing = confirm::passing(&results, &denials, &sent);
    Attempt { results, exchanges: sent.iter().map(|e| e.redacted(wire.vault())).collect(), passing }
}

/// One run of one variant, while it goes.
struct Run<'a> {
    shared: &'a Arc<Shared>,
    task: &'a Task,
    variant: Option<&'a Variant>,
    results: Vec<CaseResult>,
    /// Places in `results` of refusals that passed: worth nothing if a later control fails.
    refusals: Vec<usize>,
    /// Places in `results` of what was said when an honest request for a token was refused, or one for a code crashed.
    denials: Vec<usize>,
    /// What another variant left: the token need not be got again.
    resumes: Option<&'a Held>,
    /// What this one leaves to others.
    held: Option<Held>,
}

impl Run<'_> {
    /// All steps, up to the one that ends the case. Hands back the clients that were borrowed, if it came so far.
    async fn steps(&mut self, wire: &Wire, source: Source) -> Option<Borrowed> {
        let values = self.variant.map(|v| v.values.clone()).unwrap_or_default();
        let mut wanted = wanted_clients(&self.task.case, &values);
        super::exchange::wanted_clients(&self.shared.world, &self.task.case, &mut wanted);
        let recipe = &self.shared.world.recipe;
        if (part!(recipe, minted) || part!(recipe, given)) && !self.shared.roles.contains(&Role::AuthorizationServer) {
            // There is no client to be had, and none is needed.
            wanted.clear();
        }
        let world = &self.shared.world;
        let spoils = self.needs("consent-page") && part!(world.recipe, consent_kept);
        let borrowed = match source {
            Source::Pool if !spoils => world.pool.borrow(world, wire, &wanted).await,
            _ => world.pool.fresh(world, wire, &wanted, !spoils).await,
        };
        let borrowed = match borrowed {
            Ok(borrowed) => borrowed,
            Err(reason) if reason.starts_with(step::NOT_REGISTERED) || reason.starts_with(step::USED_UP) => {
                self.leave_out(0, &reason);
                return None;
            }
            Err(reason) => {
                self.block(0, &format!("failed to {reason}"), &[]);
                return None;
            }
        };
        if part!(world.registration, how) == step::How::Dynamic && !borrowed.are_different() {
            self.leave_out(0, SAME_CLIENT);
            return Some(borrowed);
        }
        let mut context = Context::new(Arc::clone(&self.shared.world), wire.clone(), borrowed, values);
        context.alone = self.task.case.is_alone();
        // What can be read anywhere (`leaks`) is looked for in all facts.
        context.pages = ["page", "leaks"].iter().any(|word| self.task.case.mentions(word));
        if let Some(held) = self.resumes {
            context.resume(held);
        }
        let done = usize::from(self.resumes.is_some());
        for (at, step) in self.task.case.steps.iter().enumerate().skip(done) {
            if self.step(&mut context, at, step).await.is_err() {
                break;
            }
            if at == 0 && self.task.runs.len() > 1 && self.task.case.shares_its_token() {
                self.held = Some(context.held());
            }
        }
        context.leave().await;
        Some(context.end())
    }

    /// One step; `Err` ends the case.
    async fn step(&mut self, context: &mut Context, at: usize, step: &Step) -> Result<(), ()> {
        let began = Instant::now();
        let performed = match Box::pin(perform(context, step)).await {
            Ok(performed) => performed,
            Err(reason) if LET_OFF.iter().any(|why| reason.starts_with(why)) => {
                self.leave_out(at, &reason);
                return Err(());
            }
            Err(reason) => {
                self.block(at, &format!("failed to {reason}"), &[]);
                return Err(());
            }
        };
        let lookup = |value: &Value| step::substitute(value, context);
        let judged = match pushed::judged(step, &performed, &lookup) {
            Some(Pushed::Judged(judged)) => judged,
            Some(Pushed::LeftOut(reason)) => {
                self.leave_out(at, reason);
                return Err(());
            }
            None if step.rule.is_some() || !step.expect.is_empty() || step.refused.is_some() => {
                judge::judge(step, &performed.facts, &lookup)
            }
            None => Vec::new(),
        };
        let failed = judged.iter().any(|judged| matches!(judged.outcome, Outcome::Broken(_)));
        match self.rule_of(step, context) {
            Ok(Some(rule)) => self.record(at, step, &rule, judged, &performed, began.elapsed()),
            Ok(None) => self.prepared(at, step, judged, &performed)?,
            Err(reason) => {
                self.block(at, &reason, &performed.exchanges);
                return Err(());
            }
        }
        for capture in &step.captures {
            match fact::dig(&performed.facts, &capture.path).filter(|v| !v.is_null()) {
                Some(value) => context.capture(&capture.name, value.clone()),
                None => {
                    let reason =
                        format!("`{}` is not in the answer ({})", capture.path, fact::summary(&performed.facts));
                    // What is missing is the failure that was just told: the rest is not blocked by anything else.
                    if failed {
                        return Err(());
                    }
                    if self.has_later_judgement(at) {
                        self.block(at, &reason, &performed.exchanges);
                        return Err(());
                    }
                }
            }
        }
        Ok(())
    }

    fn needs(&self, word: &str) -> bool {
        let case = &self.task.case.needs;
        case.iter().chain(self.variant.into_iter().flat_map(|variant| &variant.needs)).any(|needed| needed == word)
    }

    fn has_later_judgement(&self, at: usize) -> bool {
        self.task.case.steps.iter().skip(at + 1).any(|s| s.rule.is_some()) || !self.refusals.is_empty()
    }

    fn rule_of(&self, step: &Step, context: &Context) -> Result<Option<Rule>, String> {
        let Some(name) = &step.rule else { return Ok(None) };
        let name = step::substitute(&Value::String(name.clone()), context)?;
        let id = name.as_str().unwrap_or_default();
        self.shared
            .rules
            .get(id)
            .cloned()
            .map(Some)
            .ok_or_else(|| format!("rule `{id}` is not in the requirement table"))
    }

    /// A step that only prepares: what it was to reach must have been reached.
    fn prepared(&mut self, at: usize, step: &Step, judged: Vec<Judged>, performed: &Performed) -> Result<(), ()> {
        let stated = !step.expect.is_empty() || step.refused.is_some();
        let let_off = self.does_not_apply(step, &judged, performed);
        let reason = if stated {
            judged.into_iter().find_map(|j| match j.outcome {
                Outcome::Held => None,
                Outcome::Broken(finding) => Some(format!("expected {}, got {}", finding.expected, finding.actual)),
                Outcome::Unproven(reason) => Some(reason),
            })
        } else {
            performed.unready.clone()
        };
        if reason.is_some() && performed.facts["granted"] == false {
            self.denials.push(self.results.len());
        }
        match (reason, let_off) {
            (None, _) => Ok(()),
            (Some(_), Some(why)) => {
                self.leave_out(at, &why);
                Err(())
            }
            (Some(reason), None) if self.results.is_empty() && is_registration_policy(step, performed) => {
                self.leave_out(at, &format!("the target does not register the client of this case: {reason}"));
                Err(())
            }
            (Some(reason), None) => {
                self.block(at, &reason, &performed.exchanges);
                Err(())
            }
        }
    }

    /// Why the case does not apply, where the step says so: a crash is no policy, and a refusal that passed needs its control.
    fn does_not_apply(&self, step: &Step, judged: &[Judged], performed: &Performed) -> Option<String> {
        let unmet = judged.iter().any(|judged| matches!(judged.outcome, Outcome::Broken(_)));
        let is_policy = unmet && performed.facts["crash"] != true && self.refusals.is_empty();
        step.otherwise.clone().filter(|_| is_policy)
    }

    fn record(
        &mut self,
        at: usize,
        step: &Step,
        rule: &Rule,
        judged: Vec<Judged>,
        performed: &Performed,
        took: Duration,
    ) {
        for Judged { under, outcome } in judged {
            let rule = match under {
                Under::Rule => rule.clone(),
                Under::ErrorRule => {
                    let id = step.error_rule.as_deref().unwrap_or_else(|| judge::error_rule(step.verb));
                    self.shared.rules.get(id).cloned().unwrap_or_else(|| rule.clone())
                }
            };
            let refused = under == Under::Rule && step.refused == Some(true) && outcome == Outcome::Held;
            let mut result = self.result(at, &rule, &performed.exchanges);
            result.duration_ms = millis(took);
            self.decide(&mut result, &rule, outcome);
            if under == Under::ErrorRule && matches!(result.kind, Some(Kind::WrongAnswer | Kind::Missing)) {
                // What the title says holds.
                result.message =
                    format!("\"{}\": it was refused, but not in the form that the rule asks for", self.task.title);
            }
            if is_denial(step, &performed.facts) {
                self.denials.push(self.results.len());
            }
            if refused && result.verdict == Verdict::Pass {
                self.refusals.push(self.results.len());
            }
            self.results.push(result);
        }
    }

    /// From what the judge says and how strongly the rule binds here to a verdict.
    fn decide(&self, result: &mut CaseResult, rule: &Rule, outcome: Outcome) {
        let version = self.shared.world.version;
        if !self.shared.roles.contains(&rule.role) {
            result.verdict = Verdict::NotApplicable;
            result.message = format!("role {} is not judged here", rule.role);
            return;
        }
        if !rule.versions.binds(version) {
            result.verdict = Verdict::NotApplicable;
            result.message = format!("the rule does not bind in MCP {version}");
            return;
        }
        match outcome {
            Outcome::Held => {
                result.verdict = Verdict::Pass;
                result.message.clone_from(&rule.requirement);
            }
            Outcome::Unproven(reason) => {
                result.verdict = Verdict::Blocked;
                result.message = reason;
            }
            Outcome::Broken(finding) => {
                result.message = sentence(&self.task.title, rule.role, finding.kind);
                (result.expected, result.actual) = (finding.expected, finding.actual);
                if rule.level == Level::May {
                    result.verdict = Verdict::Pass;
                    result.message = format!("observed: {}", result.actual);
                } else {
                    result.verdict =
                        if rule.level.is_binding() || self.shared.strict { Verdict::Fail } else { Verdict::Warn };
                    result.kind = Some(kind(finding.kind));
                }
            }
        }
    }

    /// The case is not tried, to spare the target.
    fn leave_out(&mut self, at: usize, reason: &str) {
        let rules = self.task.case.rules();
        let rule =
            self.variant_rule().or_else(|| rules.first().copied()).and_then(|id| self.shared.rules.get(id)).cloned();
        let Some(rule) = rule else { return };
        let mut result = self.result(at, &rule, &[]);
        result.verdict = Verdict::NotApplicable;
        result.message = format!("left out: {reason}");
        self.results.push(result);
    }

    /// The case cannot go on: one blocked result, and refusals that passed lose their proof.
    fn block(&mut self, at: usize, reason: &str, exchanges: &[u32]) {
        let shaken: Vec<usize> = std::mem::take(&mut self.refusals);
        for place in shaken {
            let result = &mut self.results[place];
            result.verdict = Verdict::Blocked;
            result.message =
                format!("refused, but the control did not succeed, so the refusal proves nothing: {reason}");
        }
        let next = self.task.case.steps.iter().skip(at).find_map(|s| s.rule.as_deref());
        let next = next.map(|name| if name.starts_with('$') { self.variant_rule().unwrap_or(name) } else { name });
        let judged_all = next.is_none()
            && self.results.iter().any(|r| matches!(r.verdict, Verdict::Blocked | Verdict::Fail | Verdict::Warn));
        if judged_all {
            return;
        }
        let rule =
            next.or_else(|| self.task.case.rules().first().copied()).and_then(|id| self.shared.rules.get(id)).cloned();
        let Some(rule) = rule else { return };
        let mut result = self.result(at, &rule, exchanges);
        result.verdict = Verdict::Blocked;
        result.message = match self.task.case.steps.get(at) {
            Some(step) => format!("step {} ({}): {reason}", at + 1, step.verb),
            None => reason.to_owned(),
        };
        self.results.push(result);
    }

    /// Takes back what was found, and says why the case could not go on: it may be about the client, and not about the rule.
    fn doubt(&mut self, reason: &str) {
        let doubtful = |r: &CaseResult| matches!(r.verdict, Verdict::Fail | Verdict::Warn | Verdict::Blocked);
        for result in self.results.iter_mut().filter(|r| doubtful(r)) {
            (result.verdict, result.kind) = (Verdict::Blocked, None);
            result.message = format!("{reason}: {}", result.message);
        }
    }

    fn variant_rule(&self) -> Option<&str> {
        self.variant?.values.get("rule")?.as_str()
    }

    fn result(&self, at: usize, rule: &Rule, exchanges: &[u32]) -> CaseResult {
        let step = self.task.case.steps.get(at);
        let line = step.map_or(1, |s| s.line);
        CaseResult {
            why: step.and_then(|s| s.why.clone()),
            exchanges: exchanges.to_vec(),
            place: format!("{}:{line}", self.task.case.source.name),
            ..bare(self.task, self.variant.map(|v| v.name.as_str()), Some(rule), Verdict::Pass, "")
        }
    }
}

/// Whether a step that asks for no refusal was denied a token, or broke the target on the way to a code: what is left of an
/// earlier case with the client may be the reason, unless the step is about crashes.
fn is_denial(step: &Step, facts: &Value) -> bool {
    let broke = step.verb == Verb::Authorize
        && facts["crash"] == true
        && !step.expect.iter().any(|clause| clause.path == "crash");
    step.refused != Some(true) && (facts["granted"] == false || broke)
}

/// Whether a preparing registration was refused by what the target allows of metadata (RFC 7591 section 3.2.2). Some frameworks
/// refuse what their types do not allow before anybody thinks of OAuth, by 422 and words of their own, and others answer as protected
/// resources do, whose policy lets nobody in (RFC 6750 section 3.1): how a refusal has to look
/// is a question of its own (`dcr.error-format`).
fn is_registration_policy(step: &Step, performed: &Performed) -> bool {
    let (error, status) = (performed.facts["error"].as_str(), performed.facts["status"].as_u64());
    let refused = matches!(error, Some("invalid_redirect_uri" | "invalid_client_metadata"))
        || matches!(status, Some(401 | 403 | 422));
    step.verb == Verb::Register && refused
}

async fn perform(context: &mut Context, step: &Step) -> Result<Performed, String> {
    let args = step::substitute(&Value::Object(step.args.clone()), context)
        .map_err(|reason| format!("fill in the step: {reason}"))?;
    let Value::Object(args) = args else { return Err("fill in the step: its arguments are no table".into()) };
    step::perform(context, step.verb, &args).await
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a step may come to that nobody is to blame for.
const LET_OFF: [&str; 4] = [step::NO_DENIAL, step::NOTHING_TO_SWAP, step::TOO_LONG, step::USED_UP];
/// Why a case of two clients does not apply.
const SAME_CLIENT: &str = "every registration is answered with the same client_id, as RFC 7591 section 3.2.1 allows, so there is one client only";
/// How often a case is tried where the target forgets its clients.
const TRIES: u32 = 3;
/// The longest that one run of one variant may take, waits included.
const LONGEST: Duration = Duration::from_secs(300);
