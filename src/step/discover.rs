//! `discover`: the 401 challenge, protected resource metadata and authorization server metadata, as a client finds them.

use serde_json::{Map, Value, json};
use url::Url;

use super::args::Args;
use super::context::Context;
use super::noted::part;
use super::world::Found;
use super::{call, facts};
use crate::oauth::wellknown;
use crate::transcript::Request;
use crate::wire::Wire;

/// What discovery found, with the facts of each step on the way.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// The result in the form that the world keeps.
    pub found: Found,
    /// Facts: `challenge`, `prm`, `as`, `oidc`, `tried`.
    pub facts: Value,
    /// Facts of the answer to the MCP request without a token; null at a bare authorization server.
    pub opening: Value,
    /// Why it is not known whether a document is there: a request for it got no answer, or came too soon.
    pub silence: Option<Value>,
}

/// Discovers afresh and returns the facts.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let probe = call::prepare(context, Args::new(&Map::new()), None);
    let world = &context.world;
    // A server without resource metadata does not name its issuer; the profile may.
    let issuer =
        args.text("issuer").or_else(|| part!(world.found, prm).is_none().then(|| part!(world.found, issuer).clone()));
    let from = args.text("from");
    let mut found = discover(&context.wire, &world.mcp_url, probe, from.as_deref(), issuer.as_deref()).await;
    if let Some(url) = misplaced(&context.wire, &found.found.issuer, &found.facts["as"]["form"]).await {
        found.facts["misplaced"] = json!(url);
    }
    // What could not be asked for is not missing.
    let missing = found.found.prm.is_none() || !found.found.metadata.is_object();
    let silence = found.silence.take().filter(|_| missing && found.facts["no-answer"].is_null());
    if let Some(reason) = silence {
        found.facts["no-answer"] = reason;
    }
    Ok(found.facts)
}

/// Where metadata stands that was appended to an issuer with a path, if nothing stands where RFC 8414 section 3.1 wants it.
async fn misplaced(wire: &Wire, issuer: &str, form: &Value) -> Option<String> {
    let has_path = Url::parse(issuer).is_ok_and(|url| url.path() != "/");
    if form == "rfc8414" || !has_path {
        return None;
    }
    let url = format!("{}/.well-known/oauth-authorization-server", issuer.trim_end_matches('/'));
    is_document(&get(wire, &url).await).then_some(url)
}

/// Walks the ways to the metadata: the challenge of `probe` (an MCP request without credentials), the well-known places
/// of the resource, then those of the issuer. `from` limits the first two to `challenge` or `well-known`.
pub async fn discover(
    wire: &Wire,
    mcp_url: &str,
    probe: Request,
    from: Option<&str>,
    issuer: Option<&str>,
) -> Discovered {
    let (mut tried, mut silence) = (Vec::new(), None);
    // A bare authorization server has no MCP endpoint to ask.
    let opening = match mcp_url {
        "" => Value::Null,
        _ => call::facts_of(&wire.send("client", probe).await.outcome),
    };
    // Who does not answer is not asked again at six other places, each of which would be waited for.
    if let Some(reason) = opening.get("no-answer") {
        let facts = json!({ "no-answer": reason, "tried": [] });
        return Discovered { facts, opening, ..Discovered::default() };
    }
    let challenge = opening.get("challenge").cloned().unwrap_or_default();
    let named =
        challenge["params"]["resource_metadata"].as_str().filter(|_| from != Some("well-known")).map(str::to_owned);
    let mut places: Vec<(String, &str)> = named.into_iter().map(|url| (url, "challenge")).collect();
    if let Some(url) = Url::parse(mcp_url).ok().filter(|_| from != Some("challenge")) {
        let candidates = wellknown::protected_resource(&url);
        // An MCP URL without a path has one place only, the root.
        let last = candidates.len() - 1;
        let via = |at: usize| if at == last { "well-known-root" } else { "well-known-path" };
        let all = candidates.into_iter().enumerate().map(|(at, url)| (url, via(at)));
        let fresh = all.filter(|(url, _)| places.iter().all(|(p, _)| p != url));
        places.extend(fresh.collect::<Vec<_>>());
    }
    let mut prm = json!({});
    for (url, via) in places {
        tried.push(url.clone());
        let mut answer = get(wire, &url).await;
        silence = silence.or_else(|| unasked(&answer));
        answer.insert("url".into(), json!(url));
        answer.insert("via".into(), json!(via));
        let good = is_document(&answer);
        // Of several failures the first one says most: it is where the metadata belongs.
        if good || prm["url"].is_null() {
            prm = Value::Object(answer);
        }
        if good {
            break;
        }
    }
    let listed = prm["body"]["authorization_servers"][0].as_str().map(str::to_owned);
    let prm_found = prm["status"] == 200 && prm["body"].is_object();
    // MCP 2025-03-26: without resource metadata the MCP server's origin is the authorization server.
    let origin = Url::parse(mcp_url).map(|u| u.origin().ascii_serialization()).unwrap_or_default();
    let issuer = issuer.map(str::to_owned).or(listed).unwrap_or(origin);
    let (server, oidc) = server_metadata(wire, &issuer, &mut tried, &mut silence).await;
    let jwks = match server["body"]["jwks_uri"].as_str() {
        Some(uri) => get(wire, uri).await.remove("body"),
        None => None,
    };
    let found = Found {
        prm: prm_found.then(|| prm["body"].clone()),
        prm_url: prm_found.then(|| prm["url"].as_str().map(str::to_owned)).flatten(),
        issuer: issuer.clone(),
        metadata: server["body"].clone(),
        as_url: server["url"].as_str().map(str::to_owned),
        jwks,
        challenge_scope: challenge["params"]["scope"].as_str().map(str::to_owned),
    };
    let facts = json!({
        "status": opening["status"], "challenge": challenge, "prm": prm, "as": server, "oidc": oidc,
        "issuer": issuer, "tried": tried,
    });
    let facts = drop_nulls(facts);
    Discovered { found, facts, opening, silence }
}

/// The first document of an issuer in MCP's order, and the OpenID Connect one beside it if there is one.
async fn server_metadata(
    wire: &Wire,
    issuer: &str,
    tried: &mut Vec<String>,
    silence: &mut Option<Value>,
) -> (Value, Value) {
    let (mut first, mut oidc) = (json!({}), json!({}));
    for candidate in wellknown::authorization_server(issuer) {
        if first["body"].is_object() && (candidate.form == "rfc8414" || oidc["body"].is_object()) {
            continue;
        }
        tried.push(candidate.url.clone());
        let mut answer = get(wire, &candidate.url).await;
        *silence = silence.take().or_else(|| unasked(&answer));
        answer.insert("url".into(), json!(candidate.url));
        answer.insert("form".into(), json!(candidate.form));
        if !is_document(&answer) {
            continue;
        }
        let answer = Value::Object(answer);
        if candidate.form != "rfc8414" {
            oidc = answer.clone();
        }
        if !first["body"].is_object() {
            first = answer;
        }
    }
    (first, oidc)
}

/// Why an answer does not tell whether the document is there. A 429 is about the limits of the target, not about its metadata.
fn unasked(answer: &Map<String, Value>) -> Option<Value> {
    let limited = answer.get("status") == Some(&json!(429));
    let too_soon = || json!("429: too many requests for its limits (profile: limits.requests-per-second)");
    answer.get("no-answer").cloned().or_else(|| limited.then(too_soon))
}

fn is_document(answer: &Map<String, Value>) -> bool {
    answer.get("status") == Some(&json!(200)) && answer.get("body").is_some_and(Value::is_object)
}

async fn get(wire: &Wire, url: &str) -> Map<String, Value> {
    let headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let answer = wire
        .send("client", Request { method: "GET".into(), url: url.to_owned(), headers, body: Default::default() })
        .await;
    facts::http(&answer.outcome)
}

fn drop_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_nothing_of_the_document() {
        let answer = |status: u16| json!({ "status": status }).as_object().cloned().expect("an object");
        assert!(unasked(&answer(429)).is_some());
        assert!(unasked(&answer(404)).is_none());
        assert!(unasked(&answer(503)).is_none());
    }
}
