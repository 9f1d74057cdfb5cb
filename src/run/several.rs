//! Several targets judged as one: each case at one of them, side by side, in one stream of events.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::schedule::News;
use super::{
    DEFAULT_JOBS, Helpers, Ledger, Material, NotStarted, Options, Planned, Preflight, Selection, lane, looking, millis,
    plan, remarks, schedule, unless_stopped,
};
use crate::event::{CaseFinished, DeploymentInfo, Document, Event, RunEnded, RunStarted, TargetInfo, Verdict};
use crate::rule::McpVersion;
use crate::target::Profile;
use crate::transcript::without_secrets;

/// One of several targets.
pub struct Party {
    /// Its profile; the name in it tells it from the others.
    pub profile: Profile,
    /// The harness's own servers that it is wired to.
    pub helpers: Helpers,
    /// The command line that judges it alone, without `--only`.
    pub again: String,
}

/// Judges several targets as one of this `name`: each case at the first target to which it applies, so that every case is
/// judged once, and those that apply to none say so once. `stop` ends the run early, as in [`super::run`].
///
/// # Errors
/// If one of the targets cannot be judged at all.
pub async fn several(
    name: &str,
    parties: &[Party],
    material: Material<'_>,
    options: &Options,
    stop: impl Future<Output = ()>,
    sink: &mut dyn FnMut(Event),
) -> Result<RunEnded, NotStarted> {
    let began = std::time::Instant::now();
    let mut stop = std::pin::pin!(stop);
    let looking = try_join_all(parties.iter().map(|party| look_at(party, options)));
    let seen = unless_stopped(looking, stop.as_mut()).await?;
    let places = places(material, &seen, options);
    let plans: Vec<Vec<Planned<'_>>> = seen.iter().map(|seen| plan(material, seen, options)).collect();
    let selected = plans.first().map_or(0, Vec::len);
    let shares = shares(plans, &places);
    let applicable = |share: &Vec<(usize, Planned<'_>)>| share.iter().filter(|(_, planned)| planned.applies()).count();
    let counts: Vec<usize> = shares.iter().map(applicable).collect();
    let judged: Vec<(&Party, &Preflight)> =
        parties.iter().zip(&seen).zip(&counts).filter(|(_, count)| **count > 0).map(|(pair, _)| pair).collect();
    sink(Event::Started(started(name, &judged, (counts.iter().sum(), selected), options)));
    for (_, seen) in &judged {
        for Document { name, content } in seen.documents.clone() {
            sink(Event::Document(Document { name: format!("{}: {name}", seen.name), content }));
        }
    }
    let today = jiff::Zoned::now().date();
    let mut ledgers: Vec<Ledger> = parties.iter().map(|party| Ledger::new(&party.profile, today)).collect();
    let lane = |((seen, party), share): ((_, &Party), _)| lane(seen, &party.profile, share, material, options);
    let lanes = seen.iter().zip(parties).zip(shares).map(lane).collect();
    let jobs = options.jobs.unwrap_or(DEFAULT_JOBS);
    let schedule = schedule::all(lanes, jobs, stop, &mut |news| match news {
        News::Progress(progress) => sink(Event::Progress(progress)),
        News::Case(at, finished) => {
            sink(Event::Finished(placed(ledgers[at].mark(*finished), &seen[at].name)));
        }
    })
    .await;
    let ended = RunEnded {
        duration_ms: millis(began),
        interrupted: schedule.interrupted,
        dead: seen.iter().find_map(|seen| Some(of(seen, &seen.world.http.is_dead()?))),
        problems: if schedule.interrupted {
            Vec::new()
        } else {
            named(&seen, |at, _| ledgers[at].problems(options.selection.is_whole()))
        },
        remarks: [named(&seen, |_, seen| remarks(&seen.world.pool)), schedule.remarks].concat(),
    };
    sink(Event::Ended(ended.clone()));
    Ok(ended)
}

async fn look_at(party: &Party, options: &Options) -> Result<Preflight, NotStarted> {
    let seen = looking(&party.profile, &party.helpers, options, None).await;
    seen.map_err(|stopped| NotStarted { message: format!("{}: {}", party.profile.target.name, stopped.message) })
}

/// The target of each case: the first to which all of it applies, else the first to which some of it does, else the first
/// that plays a role it is about, which can say best why it does not apply.
///
/// A case that has to run alone goes to the one with the fewest others, because there it waits for the fewest. Whatever is
/// selected, all cases have their places, so that a case is judged at the same target in every shard and when it is repeated.
fn places<'a>(material: Material<'a>, seen: &[Preflight], options: &Options) -> BTreeMap<&'a str, usize> {
    let selection = Selection { safe: options.selection.safe, ..Selection::default() };
    let options = Options { selection, ..options.clone() };
    let plans: Vec<Vec<Planned<'_>>> = seen.iter().map(|seen| plan(material, seen, &options)).collect();
    let cases = plans.first().map_or(0, Vec::len);
    let mut order: Vec<usize> = (0..plans.len()).collect();
    let mut places = vec![0; cases];
    let mut others = vec![0; plans.len()];
    let place = |order: &[usize], at: usize| {
        let whole = |of: &&usize| plans[**of][at].applies() && plans[**of][at].left_out.is_empty();
        let about = |of: &&usize| {
            let judged = plans[**of][at].case.rules();
            judged.iter().filter_map(|id| material.rules.get(id)).any(|rule| seen[**of].roles.contains(&rule.role))
        };
        let some = |of: &&usize| plans[**of][at].applies();
        let found = order.iter().find(whole).or_else(|| order.iter().find(some)).or_else(|| order.iter().find(about));
        found.copied().unwrap_or(0)
    };
    let is_alone = |at: &usize| plans[0][*at].case.is_alone();
    for at in (0..cases).filter(|at| !is_alone(at)) {
        places[at] = place(&order, at);
        others[places[at]] += usize::from(plans[places[at]][at].applies());
    }
    order.sort_by_key(|of| others[*of]);
    for at in (0..cases).filter(is_alone) {
        places[at] = place(&order, at);
    }
    material.suites.cases.iter().map(|case| case.id.as_str()).zip(places).collect()
}

/// What falls to each target, with the place in the whole plan.
fn shares<'a>(plans: Vec<Vec<Planned<'a>>>, places: &BTreeMap<&str, usize>) -> Vec<Vec<(usize, Planned<'a>)>> {
    let mine = |(number, plan): (usize, Vec<Planned<'a>>)| {
        plan.into_iter()
            .enumerate()
            .filter(|(_, planned)| places.get(planned.case.id.as_str()) == Some(&number))
            .collect()
    };
    plans.into_iter().enumerate().map(mine).collect()
}

fn started(
    name: &str,
    judged: &[(&Party, &Preflight)],
    (applicable, all): (usize, usize),
    options: &Options,
) -> RunStarted {
    let mut roles: Vec<_> = judged.iter().flat_map(|(_, seen)| seen.roles.clone()).collect();
    roles.sort_unstable();
    roles.dedup();
    let deployments = judged.iter().map(|(party, seen)| DeploymentInfo {
        name: seen.name.clone(),
        mcp_url: Some(without_secrets(seen.world.place())),
        roles: seen.roles.clone(),
        again: party.again.clone(),
    });
    RunStarted {
        target: TargetInfo {
            name: name.to_owned(),
            mcp_url: None,
            roles,
            mcp_version: judged
                .first()
                .map_or(options.version.unwrap_or(McpVersion::NEWEST), |(_, seen)| seen.world.version),
            deployments: deployments.collect(),
        },
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: jiff::Timestamp::now().to_string(),
        login: common(judged.iter().map(|(_, seen)| seen.login.as_str())),
        registration: common(judged.iter().map(|(_, seen)| seen.registration.as_str())),
        applicable,
        not_applicable: all - applicable,
        again: options.again.clone(),
        notes: judged.iter().flat_map(|(_, seen)| seen.notes.iter().map(|note| of(seen, note))).collect(),
        shard: options.selection.shard,
    }
}

/// The text that all of them say; empty if they differ.
fn common<'a>(mut texts: impl Iterator<Item = &'a str>) -> String {
    let first = texts.next().unwrap_or_default();
    if texts.all(|text| text == first) { first.to_owned() } else { String::new() }
}

/// Says at which target a case was judged, unless it was judged at none.
fn placed(mut finished: CaseFinished, name: &str) -> CaseFinished {
    if finished.results.iter().any(|result| result.verdict != Verdict::NotApplicable) {
        finished.results.iter_mut().for_each(|result| result.deployment = Some(name.to_owned()));
    }
    finished
}

/// The sentences of each target, with its name before them.
fn named(seen: &[Preflight], says: impl Fn(usize, &Preflight) -> Vec<String>) -> Vec<String> {
    let one = |(at, seen): (usize, &Preflight)| says(at, seen).iter().map(|text| of(seen, text)).collect::<Vec<_>>();
    seen.iter().enumerate().flat_map(one).collect()
}

fn of(seen: &Preflight, text: &str) -> String {
    format!("{}: {text}", seen.name)
}
