//! What one run of a client shows, as facts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use mock_idp::{Endpoint, Issuer, Received};
use serde_json::{Map, Value, json};

use super::super::stage::{self, Stage};
use super::super::upstream;
use super::Seen;
use crate::oauth::redirect::{Redirect, object};
use crate::wire::host::Hit;

/// The facts of a run, but for how it ended. `at_once`: nothing of it took time, because the client looks at no clock.
pub(super) fn facts(
    issuer: &Issuer,
    stage: &Stage,
    received: &[Received],
    events: &[Seen<'_>],
    at_once: bool,
) -> Map<String, Value> {
    let burst = if at_once { Duration::ZERO } else { BURST };
    let mut way: Vec<String> = events.iter().map(|event| event.place(issuer)).collect();
    way.dedup();
    let facts = json!({
        "way": way.join(" "),
        "first-way": first_way(&way),
        "challenged": challenged(events),
        "refused": received.iter().rev().find_map(|one| one.refusal.clone()),
        "again": again(received),
        "grants": grants(received),
        "stale-refreshes": stale_refreshes(events, burst),
        "nameless": received.iter().filter(|one| one.endpoint == Endpoint::Authorize && is_nameless(one)).count(),
        "mcp": endpoint(stage, received),
        "resource": resources(&stage.url(), received),
        "redirect-registered": is_registered(received),
        "requests": requests(received),
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// Whether the MCP server had refused a request before the user was asked: nobody can go by a challenge that has not come.
fn challenged(events: &[Seen<'_>]) -> bool {
    let asked = |event: &&Seen<'_>| matches!(event, Seen::Issuer(one) if one.endpoint == Endpoint::Authorize);
    events
        .iter()
        .take_while(|event| !asked(event))
        .any(|event| matches!(event, Seen::Server(_, hit) if hit.status == 401))
}

/// An authorization request without `client_id`, or with what a language calls nothing.
fn is_nameless(request: &Received) -> bool {
    let id = request.param("client_id").unwrap_or_default();
    ["", "undefined", "null", "none", "nil"].contains(&id.to_ascii_lowercase().as_str())
}

/// The grants of the token requests in order, with the status of those that got no token.
fn grants(received: &[Received]) -> String {
    let asked = received.iter().filter(|one| one.endpoint == Endpoint::Token);
    let told = asked.filter_map(|one| match (one.param("grant_type")?, one.status) {
        (grant, Some(200)) => Some(grant.to_owned()),
        (grant, status) => Some(format!("{grant}({})", status.unwrap_or(0))),
    });
    told.collect::<Vec<_>>().join(" ")
}

/// How many refreshes came with a token that had been replaced, from a client that had its successor: it had used the access
/// token that came with it, some time ago. Of requests that were sent at once nobody can say that.
fn stale_refreshes(events: &[Seen<'_>], burst: Duration) -> usize {
    let mut successors: BTreeMap<String, (String, SystemTime)> = BTreeMap::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut stale = 0;
    for event in events {
        match event {
            Seen::Server(_, hit) => used.extend(stage::bearer(hit).map(str::to_owned)),
            Seen::Issuer(one) => {
                let Some(presented) = one.param("refresh_token") else { continue };
                let later = |since: SystemTime| one.at.duration_since(since).is_ok_and(|passed| passed >= burst);
                let replaced = successors.get(presented);
                stale += usize::from(replaced.is_some_and(|(access, at)| used.contains(access) && later(*at)));
                let issued = |name: &str| one.issued.iter().find(|(known, _)| *known == name).map(|(_, token)| token);
                let is_new = issued("refresh_token").is_some_and(|fresh| fresh != presented);
                if let Some(access) = issued("access_token").filter(|_| is_new) {
                    successors.insert(presented.to_owned(), (access.clone(), one.at));
                }
            }
        }
    }
    stale
}

/// What requests that a client sends at once may be apart. A token lives longer.
const BURST: Duration = Duration::from_millis(500);

/// Which resource the requests named: that of the last authorization request, and those of all requests for a token.
fn resources(server: &str, received: &[Received]) -> Value {
    let word = |one: &Received| {
        let named: Vec<&str> = one.params("resource").collect();
        match named.as_slice() {
            [] => "none",
            [one] if *one == server => "server",
            [one] if server.starts_with(one.trim_end_matches('/')) => "parent",
            [_] => "other",
            _ => "several",
        }
    };
    let of = |endpoint: Endpoint, grant: &str| {
        let meant = received.iter().filter(|one| one.endpoint == endpoint);
        let mut meant = meant.filter(|one| grant.is_empty() || one.param("grant_type") == Some(grant));
        meant.next_back().map(word)
    };
    json!({
        "authorize": of(Endpoint::Authorize, ""),
        "token": of(Endpoint::Token, "authorization_code"),
        "refresh": of(Endpoint::Token, "refresh_token"),
    })
}

/// Each place of a way, where it was asked for first.
fn first_way(way: &[String]) -> String {
    let mut seen = BTreeSet::new();
    way.iter().filter(|place| seen.insert(place.as_str())).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// What was used a second time where each authorization request has its own: a state with another challenge, a verifier with
/// another code. A URL that is opened twice is one request.
fn again(received: &[Received]) -> Value {
    let pairs = |endpoint: Endpoint, value: &str, of: &str| {
        let meant = received.iter().filter(|one| one.endpoint == endpoint);
        let pairs = meant.filter_map(|one| Some((one.param(value)?, one.param(of)?)));
        pairs.map(|(value, of)| (value.to_owned(), of.to_owned())).collect::<BTreeSet<_>>()
    };
    let twice = |pairs: &BTreeSet<(String, String)>| {
        let values: BTreeSet<&str> = pairs.iter().map(|(value, _)| value.as_str()).collect();
        values.len() < pairs.len()
    };
    let redeemed = pairs(Endpoint::Token, "code_verifier", "code");
    let codes = pairs(Endpoint::Token, "code", "code");
    let asked: BTreeSet<_> =
        received.iter().filter(|one| one.endpoint == Endpoint::Authorize).map(|one| &one.query).collect();
    json!({
        "authorizations": asked.len(),
        "requests": codes.len(),
        "state": twice(&pairs(Endpoint::Authorize, "state", "code_challenge")),
        "verifier": twice(&redeemed),
    })
}

/// Whether the last authorization request names a registered redirect URI, on loopback at any port (RFC 8252 section 7.3);
/// nothing if the client did not register.
fn is_registered(received: &[Received]) -> Option<bool> {
    let last = |endpoint: Endpoint| received.iter().rfind(|one| one.endpoint == endpoint);
    let body: Value = serde_json::from_str(&last(Endpoint::Register)?.body).ok()?;
    let asked = Redirect::parse(last(Endpoint::Authorize)?.param("redirect_uri").unwrap_or_default());
    let registered = body["redirect_uris"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Some(registered.into_iter().any(|uri| asked.goes_to(uri) && asked.query == Redirect::parse(uri).query))
}

/// What each endpoint of the authorization server received.
fn requests(received: &[Received]) -> Value {
    let mut requests = Map::new();
    for one in received {
        let name = one.endpoint.name();
        let before: Option<Value> = requests.remove(name);
        let mut all = before.as_ref().and_then(|before| before["all"].as_array().cloned()).unwrap_or_default();
        let body: Value = serde_json::from_str(&one.body).unwrap_or(Value::Null);
        let (query, form) = (object(&one.query), object(&one.form));
        all.push(json!({ "query": query, "form": form, "body": body, "status": one.status }));
        let mut told = upstream::told(one, before.as_ref());
        told["body"] = body;
        told["all"] = Value::Array(all);
        requests.insert(name.to_owned(), told);
    }
    for endpoint in Endpoint::ALL {
        requests.entry(endpoint.name()).or_insert_with(|| json!({ "count": 0, "all": [] }));
    }
    Value::Object(requests)
}

/// What the client did at the MCP endpoint.
fn endpoint(stage: &Stage, received: &[Received]) -> Value {
    let hits: Vec<Hit> = stage.hits().into_iter().map(|(_, hit)| hit).filter(|hit| hit.path == "/mcp").collect();
    let credentials = |hit: &Hit| hit.header("authorization").map(str::to_owned);
    let issued: Vec<&str> = received
        .iter()
        .flat_map(|one| &one.issued)
        .filter(|(name, _)| *name == "access_token")
        .map(|(_, t)| t.as_str())
        .collect();
    let has_token = |query: &str| query.contains("access_token=") || issued.iter().any(|token| query.contains(token));
    let is_bare = |hit: &&Hit| credentials(hit).is_none();
    let schemes: BTreeSet<String> = hits
        .iter()
        .filter_map(credentials)
        .map(|value| value.split(' ').next().unwrap_or_default().to_ascii_lowercase())
        .collect();
    let served = stage.served();
    json!({
        "count": hits.len(),
        "version": stage.version(),
        "served": served.len(),
        "called": served.iter().filter(|method| *method == "tools/call").count(),
        "unauthorized": hits.iter().filter(|hit| hit.status == 401).count(),
        "forbidden": hits.iter().filter(|hit| hit.status == 403).count(),
        "bare": hits.iter().skip_while(is_bare).filter(is_bare).count(),
        "schemes": schemes,
        "in-uri": hits.iter().filter(|hit| has_token(&hit.query)).count(),
        "strayed": stage.strayed().iter().filter(|hit| !is_bare(hit)).count(),
    })
}
