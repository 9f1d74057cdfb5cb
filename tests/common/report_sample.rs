//! Events as a run would send them, for the tests of the reports.
#![allow(dead_code, reason = "each test file uses its part")]

use authspec::event::{
    CaseFinished, CaseResult, DeploymentInfo, Document, Event, Kind, Known, RunEnded, RunStarted, TargetInfo, Verdict,
};
use authspec::report::{Fold, Report};
use authspec::rule::{Level, McpVersion, Role};
use authspec::transcript::RedactedExchange;
use serde_json::json;

/// A run with every verdict, a battery of variants, a known failure and documents.
pub(crate) fn everything() -> Report {
    fold([
        started(),
        Event::Document(Document {
            name: "authorization server metadata".to_owned(),
            content: json!({"issuer": "http://127.0.0.1:3000", "scopes_supported": ["write", "read"],
                "token_endpoint": "http://127.0.0.1:3000/token", "code_challenge_methods_supported": ["S256"]}),
        }),
        Event::Document(Document {
            name: "registration response".to_owned(),
            content: json!({"client_id": "c-81", "client_id_issued_at": 1_795_000_000, "client_secret_expires_at": 0}),
        }),
        case(vec![pass("discovery/challenge", "prm.www-authenticate-required")], vec![]),
        case(vec![pass("discovery/metadata", "as.metadata-issuer")], vec![]),
        case(vec![insecure_register()], vec![]),
        case(vec![pass("registration/dynamic", "dcr.registers")], vec![]),
        case(battery(), vec![get(21, "https://evil.example/cb?code=<code 3>")]),
        case(vec![pass("token/code", "token.code-redeemed"), code_twice()], vec![post(40, 200), post(41, 200)]),
        case(vec![blocked("token/refresh-rotates")], vec![post(50, 500)]),
        case(vec![blocked("token/refresh-scope")], vec![]),
        case(vec![harness_error()], vec![]),
        case(vec![known()], vec![]),
        case(vec![skipped("token/dpop", "the target offers no DPoP")], vec![]),
        case(vec![skipped("exchange/audience", "the role token-exchange is not played")], vec![]),
        case(vec![skipped("exchange/actor", "the role token-exchange is not played")], vec![]),
        ended(),
    ])
}

/// A run without any finding.
pub(crate) fn spotless() -> Report {
    fold([
        started(),
        case(vec![pass("discovery/challenge", "prm.www-authenticate-required")], vec![]),
        case(
            vec![pass("token/code", "token.code-redeemed"), pass("token/code", "token.code-one-time")],
            vec![post(1, 200)],
        ),
        case(vec![skipped("exchange/actor", "the role token-exchange is not played")], vec![]),
        ended(),
    ])
}

/// A run over two deployments: the same rule is broken at both, and one case applies to neither.
pub(crate) fn several() -> Report {
    let deployment = |name: &str, port: u16| DeploymentInfo {
        name: name.to_owned(),
        mcp_url: Some(format!("http://127.0.0.1:{port}/mcp")),
        roles: vec![Role::AuthorizationServer],
        again: format!("authspec run {name}"),
    };
    let mut start = start_of_run();
    start.target.name = "the embedded reference deployments".to_owned();
    start.target.mcp_url = None;
    start.target.deployments = vec![deployment("server", 3000), deployment("consent-proxy", 3001)];
    start.again = "authspec run".to_owned();
    let at = |name: &str, exchange: u32, result: CaseResult| CaseResult {
        deployment: Some(name.to_owned()),
        exchanges: if exchange == 0 { vec![] } else { vec![exchange] },
        ..result
    };
    let elsewhere = CaseResult { case: "proxy/code-one-time".to_owned(), ..code_twice() };
    fold([
        Event::Started(start),
        case(vec![at("server", 0, pass("discovery/challenge", "prm.www-authenticate-required"))], vec![]),
        case(vec![at("consent-proxy", 1, elsewhere)], vec![post(1, 200)]),
        case(vec![at("server", 2, code_twice())], vec![post(2, 200)]),
        case(vec![at("consent-proxy", 0, blocked("token/refresh-scope"))], vec![]),
        case(vec![skipped("token/dpop", "the target offers no DPoP")], vec![]),
        ended(),
    ])
}

/// A run against a target that puts terminal escapes, control characters and endless text everywhere it can.
pub(crate) fn hostile() -> Report {
    let nasty = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n]]></failure>\u{202e}\u{0}\u{ffff}漢字 ";
    let mut result = code_twice();
    result.message = nasty.repeat(3);
    result.actual = nasty.repeat(500);
    result.expected = format!("400 {nasty}");
    let mut start = start_of_run();
    start.notes = vec![format!("the server calls itself {nasty}")];
    let mut evil = post(41, 200);
    evil.request.url = format!("http://127.0.0.1:3000/token/{nasty}");
    evil.response = None;
    evil.failure = Some(nasty.repeat(100));
    let mut end = end_of_run();
    end.dead = Some(nasty.to_owned());
    fold([
        Event::Started(start),
        Event::Document(Document { name: nasty.to_owned(), content: json!({nasty: nasty}) }),
        case(vec![result], vec![evil]),
        case(vec![skipped("exchange/actor", nasty)], vec![]),
        Event::Ended(end),
    ])
}

pub(crate) fn fold(events: impl IntoIterator<Item = Event>) -> Report {
    let mut fold = Fold::default();
    events.into_iter().for_each(|event| fold.read(event));
    fold.finish()
}

pub(crate) fn started() -> Event {
    Event::Started(start_of_run())
}

pub(crate) fn start_of_run() -> RunStarted {
    RunStarted {
        target: TargetInfo {
            name: "localhost-3000".to_owned(),
            mcp_url: Some("http://127.0.0.1:3000/mcp".to_owned()),
            roles: vec![Role::ResourceServer, Role::AuthorizationServer],
            mcp_version: McpVersion::V2026_07_28,
            deployments: vec![],
        },
        tool_version: "0.1.0".to_owned(),
        started_at: "2026-11-21T03:47:00Z".to_owned(),
        login: "login by form as alice, bob".to_owned(),
        registration: "clients registered dynamically".to_owned(),
        applicable: 10,
        not_applicable: 3,
        again: "authspec run http://127.0.0.1:3000/mcp".to_owned(),
        notes: vec![],
        shard: None,
    }
}

pub(crate) fn ended() -> Event {
    Event::Ended(end_of_run())
}

pub(crate) fn end_of_run() -> RunEnded {
    RunEnded { duration_ms: 1_310, interrupted: false, dead: None, problems: vec![], remarks: vec![] }
}

/// A finished case; id and area come from the first result.
pub(crate) fn case(results: Vec<CaseResult>, exchanges: Vec<RedactedExchange>) -> Event {
    let id = results[0].case.clone();
    let area = id.split('/').next().unwrap_or_default().to_owned();
    let duration_ms = results.iter().map(|result| result.duration_ms).sum();
    Event::Finished(CaseFinished {
        title: format!("the title of {id}"),
        case: id,
        area,
        results,
        exchanges,
        duration_ms,
    })
}

pub(crate) fn pass(case: &str, rule: &str) -> CaseResult {
    CaseResult {
        case: case.to_owned(),
        rule: rule.to_owned(),
        party: "authorization-server".to_owned(),
        source: "OAuth 2.1 4.1.3".to_owned(),
        duration_ms: 3,
        place: format!("suites/{case}.toml:14"),
        ..CaseResult::blank()
    }
}

pub(crate) fn code_twice() -> CaseResult {
    CaseResult {
        verdict: Verdict::Fail,
        kind: Some(Kind::Accepted),
        message: "an authorization code bought tokens twice: the attack worked".to_owned(),
        expected: "400 invalid_grant".to_owned(),
        actual: "200 with an access token".to_owned(),
        remedy: "delete the code in the step that redeems it, and revoke what it bought when it comes back".to_owned(),
        exchanges: vec![40, 41],
        why: Some("the code was redeemed a moment ago".to_owned()),
        ..pass("token/code-one-time", "token.code-one-time")
    }
}

pub(crate) fn insecure_register() -> CaseResult {
    CaseResult {
        verdict: Verdict::Warn,
        kind: Some(Kind::Missing),
        level: Level::Should,
        message: "the registration response does not say when the client was issued".to_owned(),
        expected: "client_id_issued_at".to_owned(),
        actual: "no such member".to_owned(),
        remedy: "add `client_id_issued_at`".to_owned(),
        source: "RFC 7591 3.2.1".to_owned(),
        ..pass("registration/response", "dcr.issued-at")
    }
}

/// One rule, two dozen variants, half of them broken in the same way.
pub(crate) fn battery() -> Vec<CaseResult> {
    let names =
        ["userinfo", "other-port", "path-suffix", "upper-case", "trailing-dot", "fragment", "javascript", "query"];
    let all = names.iter().flat_map(|name| ["plain", "encoded"].map(|form| format!("{name}-{form}")));
    all.enumerate()
        .map(|(at, variant)| {
            let base = pass("authorize/redirect-uri-exact", "authz.redirect-exact-match");
            let variant = Some(variant);
            if at % 2 == 0 {
                return CaseResult { variant, ..base };
            }
            CaseResult {
                variant,
                verdict: Verdict::Fail,
                kind: Some(Kind::Accepted),
                message: "a code went to an address that was never registered".to_owned(),
                expected: "no redirect".to_owned(),
                actual: format!("302 to https://evil.example/cb{at} with a code"),
                remedy: "compare redirect URIs as strings, before anything else is done with the request".to_owned(),
                source: "OAuth 2.1 4.1.3, RFC 9700 2.1".to_owned(),
                exchanges: vec![21],
                ..base
            }
        })
        .collect()
}

pub(crate) fn blocked(case: &str) -> CaseResult {
    CaseResult {
        verdict: Verdict::Blocked,
        message: "step `token`: the honest request was answered with 500, so nothing could be tried".to_owned(),
        exchanges: vec![50],
        ..pass(case, "")
    }
}

pub(crate) fn harness_error() -> CaseResult {
    CaseResult {
        verdict: Verdict::Error,
        message: "the document host could not listen: address in use".to_owned(),
        ..pass("token/private-key-jwt", "")
    }
}

pub(crate) fn known() -> CaseResult {
    CaseResult {
        known: Some(Known { reason: "vendor ticket 4711".to_owned(), until: "2027-01-31".to_owned() }),
        rule: "authz.iss-present".to_owned(),
        case: "token/iss".to_owned(),
        ..code_twice()
    }
}

pub(crate) fn skipped(case: &str, why: &str) -> CaseResult {
    CaseResult { verdict: Verdict::NotApplicable, message: why.to_owned(), ..pass(case, "") }
}

pub(crate) fn post(id: u32, status: u16) -> RedactedExchange {
    exchange(json!({"id": id, "by": "alice", "duration_ms": 2, "failure": null,
        "request": {"method": "POST", "url": "http://127.0.0.1:3000/token",
            "headers": [["content-type", "application/x-www-form-urlencoded"]],
            "body": "grant_type=authorization_code&code=<code 1>&code_verifier=<verifier 1>"},
        "response": {"status": status, "headers": [["content-type", "application/json"]], "body": "{}"}}))
}

pub(crate) fn get(id: u32, location: &str) -> RedactedExchange {
    exchange(json!({"id": id, "by": "mallory", "duration_ms": 2, "failure": null,
        "request": {"method": "GET", "headers": [], "body": null,
            "url": "http://127.0.0.1:3000/authorize?response_type=code&client_id=<client 1>&redirect_uri=https%3A%2F%2Fevil.example%2Fcb"},
        "response": {"status": 302, "headers": [["location", location]], "body": null}}))
}

fn exchange(value: serde_json::Value) -> RedactedExchange {
    serde_json::from_value(value).expect("an exchange as report.json holds it")
}
