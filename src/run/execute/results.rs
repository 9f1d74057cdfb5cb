//! Results, before they say anything, and the words that they say.

use super::Task;
use crate::event::{CaseResult, Kind, Verdict};
use crate::judge;
use crate::rule::{Level, Role, Rule};

pub(super) fn sentence(title: &str, role: Role, kind: judge::Kind) -> String {
    let ending = match kind {
        // It answers nothing: what it asked for is judged.
        _ if role == Role::Client => "does not hold: the client did otherwise",
        judge::Kind::Accepted => "does not hold: what must be refused was accepted",
        judge::Kind::WrongAnswer => "does not hold: the answer is not as the rule says",
        judge::Kind::Crash => "could not be answered: a server error or a dropped connection",
        judge::Kind::Missing => "does not hold: something that must be there is missing",
    };
    format!("\"{title}\" {ending}")
}

pub(super) fn kind(kind: judge::Kind) -> Kind {
    match kind {
        judge::Kind::Accepted => Kind::Accepted,
        judge::Kind::WrongAnswer => Kind::WrongAnswer,
        judge::Kind::Crash => Kind::Crash,
        judge::Kind::Missing => Kind::Missing,
    }
}

pub(super) fn bare(
    task: &Task,
    variant: Option<&str>,
    rule: Option<&Rule>,
    verdict: Verdict,
    message: &str,
) -> CaseResult {
    CaseResult {
        case: task.id.clone(),
        variant: variant.map(str::to_owned),
        rule: rule.map(|r| r.id.clone()).unwrap_or_default(),
        level: rule.map_or(Level::Must, |r| r.level),
        role: rule.map_or(Role::AuthorizationServer, |r| r.role),
        party: rule.map(|r| r.party.to_string()).unwrap_or_default(),
        remedy: rule.map(|r| r.remedy.clone()).unwrap_or_default(),
        source: rule.map(|r| r.source.clone()).unwrap_or_default(),
        verdict,
        message: message.to_owned(),
        place: task.case.source.name.clone(),
        ..CaseResult::blank()
    }
}
