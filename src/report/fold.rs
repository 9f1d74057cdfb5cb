//! Folds the events of a run into a [`Report`], and several reports into one.

use super::model::{CaseInfo, Counts, Report, RunInfo, Tool};
use crate::event::{CaseFinished, Event, RunEnded, RunStarted, SCHEMA, TargetInfo};
use crate::rule::McpVersion;

/// Reads events and remembers all of them as a report.
#[derive(Clone, Debug)]
pub struct Fold {
    report: Report,
    ended: bool,
}

impl Default for Fold {
    fn default() -> Self {
        Fold { report: empty(), ended: false }
    }
}

impl Fold {
    /// Reads one event.
    pub fn read(&mut self, event: Event) {
        match event {
            Event::Started(started) => self.start(started),
            Event::Document(document) => self.report.documents.push(document),
            Event::Finished(case) => self.case(case),
            Event::Ended(ended) => self.end(ended),
            Event::Progress(_) => {}
        }
    }

    /// The report of all events so far. Without an [`Event::Ended`] the run counts as interrupted.
    pub fn finish(mut self) -> Report {
        self.report.run.interrupted |= !self.ended;
        self.report.counts = self.report.counts();
        self.report.exchanges.sort_by_key(|exchange| exchange.id);
        self.report
    }

    fn start(&mut self, started: RunStarted) {
        self.report.tool.version = started.tool_version;
        self.report.target = started.target;
        self.report.started_at = started.started_at;
        self.report.run = RunInfo {
            login: started.login,
            registration: started.registration,
            applicable: started.applicable,
            not_applicable: started.not_applicable,
            again: started.again,
            notes: started.notes,
            shards: started.shard.into_iter().collect(),
            ..RunInfo::default()
        };
    }

    fn case(&mut self, case: CaseFinished) {
        self.report.cases.push(CaseInfo {
            case: case.case,
            title: case.title,
            area: case.area,
            duration_ms: case.duration_ms,
        });
        self.report.results.extend(case.results);
        self.report.exchanges.extend(case.exchanges);
    }

    fn end(&mut self, ended: RunEnded) {
        self.ended = true;
        self.report.duration_ms = ended.duration_ms;
        self.report.run.interrupted |= ended.interrupted;
        self.report.run.dead = ended.dead;
        self.report.run.problems.extend(ended.problems);
        self.report.run.remarks.extend(ended.remarks);
    }
}

/// One report of several (shards, or several targets of one run): results in the order given, exchanges numbered anew.
///
/// The first report gives target, tool and command; times are summed, so the result tells the work, not the wait. A report
/// that names another target adds its name to the notes. `None` if there is nothing to merge.
pub fn merge(reports: impl IntoIterator<Item = Report>) -> Option<Report> {
    let mut reports = reports.into_iter();
    let mut whole = reports.next()?;
    for part in reports {
        absorb(&mut whole, part);
    }
    whole.counts = whole.counts();
    Some(whole)
}

fn absorb(whole: &mut Report, mut part: Report) {
    let shift = whole.exchanges.last().map_or(0, |exchange| exchange.id);
    for exchange in &mut part.exchanges {
        exchange.id = exchange.id.saturating_add(shift);
    }
    for id in part.results.iter_mut().flat_map(|result| &mut result.exchanges) {
        *id = id.saturating_add(shift);
    }
    for role in part.target.roles {
        if !whole.target.roles.contains(&role) {
            whole.target.roles.push(role);
        }
    }
    for deployment in part.target.deployments {
        // Shards listen on ports of their own: the first one's stand for all.
        if !whole.target.deployments.iter().any(|known| known.name == deployment.name) {
            whole.target.deployments.push(deployment);
        }
    }
    if part.target.name != whole.target.name {
        whole.run.notes.push(format!("also {}", part.target.name));
    }
    for document in part.documents {
        if !whole.documents.contains(&document) {
            whole.documents.push(document);
        }
    }
    absorb_run(&mut whole.run, part.run);
    whole.duration_ms += part.duration_ms;
    whole.cases.extend(part.cases);
    whole.results.extend(part.results);
    whole.exchanges.extend(part.exchanges);
}

fn absorb_run(whole: &mut RunInfo, part: RunInfo) {
    whole.applicable += part.applicable;
    whole.not_applicable += part.not_applicable;
    whole.interrupted |= part.interrupted;
    whole.dead = whole.dead.take().or(part.dead);
    whole.shards.extend(part.shards);
    let texts =
        [(&mut whole.notes, part.notes), (&mut whole.problems, part.problems), (&mut whole.remarks, part.remarks)];
    for (into, from) in texts {
        for text in from {
            if !into.contains(&text) {
                into.push(text);
            }
        }
    }
}

fn empty() -> Report {
    Report {
        schema: SCHEMA,
        tool: Tool { name: "authspec".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        target: TargetInfo {
            name: String::new(),
            mcp_url: None,
            roles: Vec::new(),
            mcp_version: McpVersion::V2026_07_28,
            deployments: Vec::new(),
        },
        started_at: String::new(),
        duration_ms: 0,
        counts: Counts::default(),
        run: RunInfo::default(),
        cases: Vec::new(),
        results: Vec::new(),
        exchanges: Vec::new(),
        documents: Vec::new(),
    }
}
