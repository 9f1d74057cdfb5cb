//! A whole run as one value: what `report.json` holds and every writer reads.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{CaseResult, DeploymentInfo, Document, SCHEMA, Shard, TargetInfo, Verdict};
use crate::transcript::RedactedExchange;

/// Everything that is known about a run after its last event; the content of `report.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this form ([`SCHEMA`]).
    pub schema: u32,
    /// What judged.
    pub tool: Tool,
    /// What was judged.
    pub target: TargetInfo,
    /// When the run began, RFC 3339 in UTC; empty if no run began.
    pub started_at: String,
    /// How long it took.
    pub duration_ms: u64,
    /// How many results there are of each verdict.
    pub counts: Counts,
    /// How the run was made and how it ended.
    pub run: RunInfo,
    /// The cases that were finished, in plan order.
    pub cases: Vec<CaseInfo>,
    /// Every verdict, in plan order.
    pub results: Vec<CaseResult>,
    /// Every recorded exchange, redacted, by ascending id.
    pub exchanges: Vec<RedactedExchange>,
    /// The protocol documents of the target, redacted.
    pub documents: Vec<Document>,
}

/// The program that judged.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// `authspec`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How a run was made and how it ended.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    /// How users log in.
    pub login: String,
    /// How clients come to be.
    pub registration: String,
    /// Cases that apply to the target.
    pub applicable: usize,
    /// Cases that do not.
    pub not_applicable: usize,
    /// The command that repeats the run.
    pub again: String,
    /// Remarks about the plan.
    pub notes: Vec<String>,
    /// The run was stopped, or cut off, before the plan was through.
    pub interrupted: bool,
    /// Why the target stopped answering.
    pub dead: Option<String>,
    /// What turns the run red beside its results.
    pub problems: Vec<String>,
    /// What was noticed on the way and is no finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The parts of the selected cases that this report is about; left out where it is about all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<Shard>,
}

/// One finished case.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CaseInfo {
    /// The id: `token/code-one-time`.
    pub case: String,
    /// The sentence at its head.
    pub title: String,
    /// The folder it stands in.
    pub area: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// How many results there are of each verdict. The sum is the number of results: a known failure counts as known only.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Counts {
    /// Rules that hold.
    pub pass: usize,
    /// MUSTs that are broken.
    pub fail: usize,
    /// SHOULDs that are broken.
    pub warn: usize,
    /// What could not be tried.
    pub blocked: usize,
    /// What the harness failed at.
    pub error: usize,
    /// What does not apply.
    pub not_applicable: usize,
    /// Failures and warnings that the profile accepts for now.
    pub known: usize,
}

/// What a run amounts to; the command line turns it into its exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All as expected: exit code 0. A warning alone is as expected unless `--strict` has made it a failure.
    Clean,
    /// A rule is broken, or the list of known failures is out of date: exit code 1.
    Findings,
    /// No finding, but something was blocked or in error, the run was cut short, or nothing was judged: exit code 2.
    BlockedOrError,
}

impl Report {
    /// Counts the results afresh.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.results.iter().for_each(|result| counts.add(result));
        counts
    }

    /// What the run amounts to.
    pub fn outcome(&self) -> Outcome {
        let counts = self.counts();
        if counts.fail > 0 || !self.run.problems.is_empty() {
            Outcome::Findings
        } else if counts.blocked + counts.error > 0
            || self.run.interrupted
            || self.run.dead.is_some()
            || counts.judged() == 0
        {
            Outcome::BlockedOrError
        } else {
            Outcome::Clean
        }
    }

    /// The area of a case: the folder its id begins with.
    pub fn area_of<'a>(&'a self, case: &'a str) -> &'a str {
        match self.cases.iter().find(|info| info.case == case) {
            Some(info) => &info.area,
            None => case.split('/').next().unwrap_or(case),
        }
    }

    /// The areas in plan order, each with its results.
    pub fn areas(&self) -> Vec<(&str, Vec<&CaseResult>)> {
        let mut areas: Vec<(&str, Vec<&CaseResult>)> = Vec::new();
        for result in &self.results {
            let area = self.area_of(&result.case);
            match areas.iter_mut().find(|(name, _)| *name == area) {
                Some((_, results)) => results.push(result),
                None => areas.push((area, vec![result])),
            }
        }
        areas
    }

    /// The deployment at which a result was judged, where several were judged together.
    pub fn deployment_of(&self, result: &CaseResult) -> Option<&DeploymentInfo> {
        let name = result.deployment.as_deref()?;
        self.target.deployments.iter().find(|deployment| deployment.name == name)
    }

    /// The MCP URL that a result is about.
    pub fn home_of(&self, result: &CaseResult) -> Option<&str> {
        self.deployment_of(result).map_or(&self.target.mcp_url, |deployment| &deployment.mcp_url).as_deref()
    }

    /// The command that repeats the run, or that part of it to which a result belongs.
    pub fn again_of(&self, result: &CaseResult) -> &str {
        self.deployment_of(result).map_or(&self.run.again, |deployment| &deployment.again)
    }

    /// The exchange with this id.
    pub fn exchange(&self, id: u32) -> Option<&RedactedExchange> {
        match self.exchanges.binary_search_by_key(&id, |exchange| exchange.id) {
            Ok(at) => self.exchanges.get(at),
            Err(_) => None,
        }
    }

    /// Reads `report.json` back.
    ///
    /// # Errors
    /// The text is not JSON, is of another [`SCHEMA`], or does not have the form of a report.
    pub fn from_json(text: &str) -> Result<Report, ReadError> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| ReadError::Json(error.to_string()))?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(schema) if schema == u64::from(SCHEMA) => {}
            Some(schema) => return Err(ReadError::Schema(schema)),
            None => return Err(ReadError::NotAReport),
        }
        let mut report: Report = serde_json::from_value(value).map_err(|error| ReadError::Json(error.to_string()))?;
        report.exchanges.sort_by_key(|exchange| exchange.id);
        Ok(report)
    }
}

impl Counts {
    /// Counts one more result.
    pub fn add(&mut self, result: &CaseResult) {
        let number = match result.verdict {
            Verdict::Fail | Verdict::Warn if result.known.is_some() => &mut self.known,
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Warn => &mut self.warn,
            Verdict::Blocked => &mut self.blocked,
            Verdict::Error => &mut self.error,
            Verdict::NotApplicable => &mut self.not_applicable,
        };
        *number += 1;
    }

    /// Results that say something about the target.
    pub fn judged(&self) -> usize {
        self.pass + self.fail + self.warn + self.known
    }
}

/// Why a file is not a report of ours. The text continues "failed to read FILE: ".
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReadError {
    /// It is no JSON, or JSON of another form.
    Json(String),
    /// It is JSON without a schema number.
    NotAReport,
    /// It is a report of another version.
    Schema(u64),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Json(why) => write!(f, "not the form of a report: {why}"),
            ReadError::NotAReport => f.write_str("no report of authspec: it has no `schema`"),
            ReadError::Schema(found) => {
                write!(f, "a report of schema {found}, and this authspec reads schema {SCHEMA}")
            }
        }
    }
}

impl std::error::Error for ReadError {}
