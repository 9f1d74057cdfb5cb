//! What happened in a run, as versioned data: the contract between `run`, which sends, and `report`, which reads.
//!
//! Events arrive in plan order. The first is [`Event::Started`], the last [`Event::Ended`]; a stream without the last one
//! was cut off. Everything in an event is already redacted.

mod shard;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rule::{Level, McpVersion, Role};
use crate::transcript::RedactedExchange;

pub use shard::Shard;

/// The version of events and of `report.json`; it rises when a reader of the old form would misread the new one.
pub const SCHEMA: u32 = 1;

/// One thing that happened.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The plan is made, nothing was judged yet.
    Started(RunStarted),
    /// A protocol document was seen.
    Document(Document),
    /// A case is over, with all its variants.
    Finished(CaseFinished),
    /// The run is over.
    Ended(RunEnded),
    /// How far the run is; only for people who wait.
    Progress(Progress),
}

/// An event on its way to another program: `{"schema":1,"event":{"started":{...}}}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`] of the sender.
    pub schema: u32,
    /// What happened.
    pub event: Event,
}

impl From<Event> for Record {
    fn from(event: Event) -> Self {
        Record { schema: SCHEMA, event }
    }
}

/// What is about to be judged, and how.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// The system under test.
    pub target: TargetInfo,
    /// The version of authspec.
    pub tool_version: String,
    /// When the run began, RFC 3339 in UTC (`jiff::Timestamp::now().to_string()`).
    pub started_at: String,
    /// How users log in, as the head of a report says it: `login by form as alice, bob`.
    pub login: String,
    /// How clients come to be: `clients registered dynamically`.
    pub registration: String,
    /// Cases that apply to this target.
    pub applicable: usize,
    /// Cases that do not; each is a [`Verdict::NotApplicable`] result with its reason.
    pub not_applicable: usize,
    /// The command that repeats this run: `authspec run http://localhost:3000/mcp`.
    pub again: String,
    /// Remarks about the plan that a reader of the verdicts should know.
    pub notes: Vec<String>,
    /// The part of the selected cases that the run is about; `None` for all of them.
    pub shard: Option<Shard>,
}

/// The system under test, as a report names it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TargetInfo {
    /// The name its profile gives it.
    pub name: String,
    /// Where its MCP endpoint listens; a lone authorization server and a client have none.
    pub mcp_url: Option<String>,
    /// The roles it plays.
    pub roles: Vec<Role>,
    /// The version of MCP it is judged by.
    pub mcp_version: McpVersion,
    /// The systems that were judged together as this target, each case at one of them; empty for an ordinary target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentInfo>,
}

/// One of several systems that were judged together.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentInfo {
    /// The name by which [`CaseResult::deployment`] refers to it.
    pub name: String,
    /// Where its MCP endpoint listens, if it has one.
    pub mcp_url: Option<String>,
    /// The roles it plays.
    pub roles: Vec<Role>,
    /// The command that judges it alone: `authspec run consent-proxy`.
    pub again: String,
}

/// A protocol document of the target (challenge, metadata, registration response, ...), redacted, for the snapshot.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it is: `protected resource metadata`.
    pub name: String,
    /// What it says.
    pub content: Value,
}

/// One case with everything it found and every exchange that proves it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFinished {
    /// The id: `token/code-one-time`.
    pub case: String,
    /// The sentence at the head of the case.
    pub title: String,
    /// The folder: `token`.
    pub area: String,
    /// One a judged step and variant; exactly one when the case was blocked, in error or does not apply.
    pub results: Vec<CaseResult>,
    /// What went over the wire; ids are unique and ascending over the run.
    pub exchanges: Vec<RedactedExchange>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What one judged step said about one rule.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CaseResult {
    /// The id of the case.
    pub case: String,
    /// The name of the variant, if the case has variants.
    pub variant: Option<String>,
    /// The rule that was judged: `token.code-one-time`; empty when the case ended before it judged any.
    pub rule: String,
    /// How strongly the rule binds.
    pub level: Level,
    /// Whom the rule binds.
    pub role: Role,
    /// The verdict.
    pub verdict: Verdict,
    /// What is wrong, for `fail` and `warn`.
    pub kind: Option<Kind>,
    /// One sentence: the finding, the step that stopped the case, or why it does not apply.
    pub message: String,
    /// What the rule wants.
    pub expected: String,
    /// What the target did.
    pub actual: String,
    /// Who has to change something.
    pub party: String,
    /// What to change.
    pub remedy: String,
    /// Where the rule stands: `OAuth 2.1 4.1.3`.
    pub source: String,
    /// The exchanges that prove it, by id.
    pub exchanges: Vec<u32>,
    /// How long the step took.
    pub duration_ms: u64,
    /// Set on a failure that the profile accepts for now; such a failure counts as known, not as failed.
    pub known: Option<Known>,
    /// Where the step is written: `suites/token/code-one-time.toml:14`.
    pub place: String,
    /// Why the step is there, where its case says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// At which of several systems it was judged ([`TargetInfo::deployments`]); none where there is only one, or where the
    /// case applies to none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// How often it came, where the case was tried twice; none where it was tried once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

impl CaseResult {
    /// A pass that says nothing yet.
    #[must_use]
    pub fn blank() -> CaseResult {
        CaseResult {
            case: String::new(),
            variant: None,
            rule: String::new(),
            level: Level::Must,
            role: Role::AuthorizationServer,
            verdict: Verdict::Pass,
            kind: None,
            message: String::new(),
            expected: String::new(),
            actual: String::new(),
            party: String::new(),
            remedy: String::new(),
            source: String::new(),
            exchanges: Vec::new(),
            duration_ms: 0,
            known: None,
            place: String::new(),
            why: None,
            deployment: None,
            seen: None,
        }
    }
}

/// How often a finding came in two attempts at its case.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Each time.
    Twice,
    /// The second attempt did not show it; the exchanges of the first prove it.
    OnceOfTwo,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Seen::Twice => "twice",
            Seen::OnceOfTwo => "once-of-two",
        })
    }
}

/// Why a failure is accepted for now.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The reason its profile gives.
    pub reason: String,
    /// The last day it is accepted, `2027-01-31`.
    pub until: String,
}

/// What a judged step, or a case that never came to judge, amounts to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The rule holds.
    Pass,
    /// A MUST is broken.
    Fail,
    /// A SHOULD is broken.
    Warn,
    /// It could not be tried.
    Blocked,
    /// The harness itself failed.
    Error,
    /// The case has nothing to say about this target.
    NotApplicable,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Warn => "warn",
            Verdict::Blocked => "blocked",
            Verdict::Error => "error",
            Verdict::NotApplicable => "not-applicable",
        })
    }
}

/// How a rule is broken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The attack worked.
    Accepted,
    /// The target crashed: a 5xx or a dropped connection.
    Crash,
    /// Something that must be there is not.
    Missing,
    /// It was answered, but not as the rule says.
    WrongAnswer,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Accepted => "accepted",
            Kind::Crash => "crash",
            Kind::Missing => "missing",
            Kind::WrongAnswer => "wrong-answer",
        })
    }
}

/// How the run ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnded {
    /// How long it took.
    pub duration_ms: u64,
    /// Someone stopped it before the plan was through.
    pub interrupted: bool,
    /// The target stopped answering, with the reason.
    pub dead: Option<String>,
    /// What turns the run red beside its results: known failures that pass or are past their date, ...
    pub problems: Vec<String>,
    /// What was noticed on the way and is no finding, in sentences for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// How far the run is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Cases that are over.
    pub done: usize,
    /// Cases in the plan that apply.
    pub planned: usize,
    /// Ids of the cases that run at this moment.
    pub running: Vec<String>,
}
