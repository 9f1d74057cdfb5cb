//! `call`: an MCP request over streamable HTTP, with a token, a forged one, or none.

use serde_json::{Map, Value, json};

use super::args::{self, Args};
use super::context::Context;
use super::{facts, proof};
use crate::rule::McpVersion;
use crate::transcript::{Outcome, Request};

/// Sends an MCP request. Up to 2025-11-25 a request other than `initialize` first opens a session with the same credentials.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let mut facts = once(context, args).await?;
    // A server may end a session at any time, and a client that gets 404 begins a new one (MCP transports, Session Management):
    // another case may have opened one in between where each user has but one.
    for _ in 0..NEW_SESSIONS {
        if facts["status"] != 404 || !facts["session"].is_string() || opening(context, args).is_none() {
            break;
        }
        facts = once(context, args).await?;
    }
    Ok(facts)
}

async fn once(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let bearer = args.text("bearer");
    let session = match opening(context, args) {
        None => args.text("session"),
        Some(initialize) => {
            let (outcome, dpop) =
                proof::send(context, "client", args.get("dpop"), bearer.as_deref(), |_| Ok(initialize.clone())).await?;
            let mut facts = facts_of(&outcome);
            facts["dpop"] = dpop;
            if facts["served"] != true {
                // The credentials were judged at the door: that is the answer.
                return Ok(with_baits(context, facts));
            }
            let session = facts["session"].as_str().map(str::to_owned);
            // The handshake has a third part (MCP lifecycle); servers may serve nothing before it.
            let initialized = initialized(context, args, session.as_deref());
            proof::send(context, "client", args.get("dpop"), bearer.as_deref(), |_| Ok(initialized.clone())).await?;
            let ending = session.as_deref().filter(|_| args.get("dpop").is_none());
            context.opened.extend(ending.map(|session| ending_of(context, args, session)));
            session
        }
    };
    let request = prepare(context, args, session.as_deref());
    let (outcome, dpop) =
        proof::send(context, "client", args.get("dpop"), bearer.as_deref(), |_| Ok(request.clone())).await?;
    let mut facts = facts_of(&outcome);
    facts::excuse_unknown_method(&mut facts, &args.text("http-method").unwrap_or_default());
    facts["dpop"] = dpop;
    let opened = facts["session"].as_str().filter(|_| facts["served"] == true && session.is_none());
    if let Some(opened) = opened.filter(|_| method(args, version(context, args)) == "initialize") {
        // The case asked for the first part alone, but what it does in this session later needs the third.
        let initialized = initialized(context, args, Some(opened));
        proof::send(context, "client", args.get("dpop"), bearer.as_deref(), |_| Ok(initialized.clone())).await?;
    }
    if facts["session"].is_null() {
        facts["session"] = json!(session);
    }
    Ok(with_baits(context, facts))
}

/// Adds how often the target fetched what forged tokens of this case point to.
fn with_baits(context: &Context, mut facts: Value) -> Value {
    if let Some(host) = &context.world.host {
        facts["lured"] = json!(context.baits.iter().map(|path| host.hits(path).len()).sum::<usize>());
    }
    facts
}

/// The `initialize` that must come first, if one must.
fn opening(context: &Context, args: Args<'_>) -> Option<Request> {
    let version = version(context, args);
    let method = method(args, version);
    let plain = args.text("http-method").is_none_or(|m| m == "POST") && args.get("body").is_none();
    let has_session = args.get("session").is_some();
    if version >= McpVersion::V2026_07_28 || method == "initialize" || !plain || has_session {
        return None;
    }
    Some(prepare(context, Args::new(&caller(args)), None))
}

/// The notification that ends the handshake, with the credentials of the call.
fn initialized(context: &Context, args: Args<'_>, session: Option<&str>) -> Request {
    let mut notification = caller(args);
    notification.insert("body".into(), json!(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#));
    prepare(context, Args::new(&notification), session)
}

/// What ends a session, with the credentials that opened it.
fn ending_of(context: &Context, args: Args<'_>, session: &str) -> Request {
    let mut ending = caller(args);
    ending.insert("http-method".into(), json!("DELETE"));
    prepare(context, Args::new(&ending), Some(session))
}

/// The arguments that say who calls and where.
fn caller(args: Args<'_>) -> Map<String, Value> {
    let names = ["bearer", "scheme", "authorization", "headers", "query", "url", "version", "drop", "dpop"];
    names.into_iter().filter_map(|name| Some((name.to_owned(), args.get(name)?.clone()))).collect()
}

/// Builds the request: a well-formed one of the version, changed as the case asks.
#[must_use]
pub fn prepare(context: &Context, args: Args<'_>, session: Option<&str>) -> Request {
    let version = version(context, args);
    let rpc = method(args, version);
    let http_method = args.text("http-method").unwrap_or_else(|| "POST".into());
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut body = String::new();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
    if http_method == "GET" {
        add("accept", "text/event-stream".into());
    } else {
        add("accept", "application/json, text/event-stream".into());
    }
    add("mcp-protocol-version", version.to_string());
    if http_method == "POST" {
        add("content-type", "application/json".into());
        let params = params(context, args, version, &rpc);
        if version >= McpVersion::V2026_07_28 {
            add("mcp-method", rpc.clone());
            if let Some(name) = params["name"].as_str() {
                add("mcp-name", name.to_owned());
            }
        }
        let id = args.get("id").cloned().unwrap_or(json!(1));
        body = json!({ "jsonrpc": "2.0", "id": id, "method": rpc, "params": params }).to_string();
    }
    if let Some(session) = session {
        add("mcp-session-id", session.to_owned());
    }
    for value in credentials(args) {
        add("authorization", value);
    }
    if args.get("form").is_some() {
        headers.retain(|(n, _)| n != "content-type");
        headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        body = args::form(&args::pairs(&args.table("form")));
    }
    if let Some(raw) = args.text("body") {
        body = raw;
    }
    let dropped: Vec<String> = args.list("drop").iter().map(|n| n.to_ascii_lowercase()).collect();
    headers.retain(|(n, _)| !dropped.contains(n));
    for (name, value) in args::pairs(&args.table("headers")) {
        headers.retain(|(n, _)| !n.eq_ignore_ascii_case(&name) || name.eq_ignore_ascii_case("authorization"));
        headers.push((name, value));
    }
    let url = args.text("url").unwrap_or_else(|| context.world.mcp_url.clone());
    let url = args::join(&url, &args::form(&args::pairs(&args.table("query"))));
    Request { method: http_method, url, headers, body: body.into() }
}

/// Facts of an MCP answer: JSON or the first response in an event stream; `served` if a JSON-RPC result came.
#[must_use]
pub fn facts_of(outcome: &Outcome) -> Value {
    let mut map = facts::http(outcome);
    if let Outcome::Answered(response) = outcome {
        let message = if response.media_type().as_deref() == Some("text/event-stream") {
            first_response(&response.text())
        } else {
            map.get("body").filter(|body| body.get("jsonrpc").is_some()).cloned()
        };
        let result = message.as_ref().and_then(|m| m.get("result")).cloned();
        // A tool that answers `isError` has run into something, perhaps a refusal in the wrong place: it is not served.
        let tool_error = result.as_ref().is_some_and(|r| r["isError"] == true);
        let served = (200..300).contains(&response.status) && result.is_some() && !tool_error;
        map.insert("tool-error".into(), json!(tool_error));
        map.insert("served".into(), json!(served));
        map.insert("session".into(), json!(response.header("mcp-session-id")));
        if let Some(result) = result {
            map.insert("result".into(), result);
        }
        if let Some(error) = message.as_ref().and_then(|m| m.get("error")) {
            map.insert("rpc-error".into(), error.clone());
        }
        if let Some(message) = message {
            map.insert("body".into(), message);
        }
    }
    Value::Object(map)
}

/// The first JSON-RPC response in an event stream; empty events and server requests are passed over.
fn first_response(stream: &str) -> Option<Value> {
    let events = stream.replace("\r\n", "\n");
    events.split("\n\n").find_map(|event| {
        let data: Vec<&str> = event.lines().filter_map(|l| l.strip_prefix("data:")).map(str::trim_start).collect();
        let message: Value = serde_json::from_str(&data.join("\n")).ok()?;
        (message.get("result").is_some() || message.get("error").is_some()).then_some(message)
    })
}

fn version(context: &Context, args: Args<'_>) -> McpVersion {
    args.text("version").and_then(|v| v.parse().ok()).unwrap_or(context.world.version)
}

/// The JSON-RPC method: given, or that of a tool call, or the cheapest request that needs authorization.
fn method(args: Args<'_>, version: McpVersion) -> String {
    let default = || {
        if args.get("tool").is_some() {
            "tools/call"
        } else if version >= McpVersion::V2026_07_28 {
            "tools/list"
        } else {
            "initialize"
        }
    };
    args.text("method").unwrap_or_else(|| default().to_owned())
}

fn params(context: &Context, args: Args<'_>, version: McpVersion, rpc: &str) -> Value {
    let client = json!({ "name": "authspec", "version": env!("CARGO_PKG_VERSION") });
    let mut params = match rpc {
        "initialize" => {
            json!({ "protocolVersion": version.to_string(), "capabilities": {}, "clientInfo": client.clone() })
        }
        "tools/call" => {
            let name = args.text("tool").unwrap_or_default();
            let known = context.world.tools.values().find(|t| t.name == name).map(|t| t.arguments.clone());
            let mut arguments =
                if args.get("arguments").is_some() { args.table("arguments") } else { known.unwrap_or_default() };
            if let Some(said) = args.text("say") {
                arguments.values_mut().filter(|v| v.is_string()).for_each(|v| *v = json!(said));
            }
            json!({ "name": name, "arguments": arguments })
        }
        _ => json!({}),
    };
    if version >= McpVersion::V2026_07_28 {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version.to_string(),
            "io.modelcontextprotocol/clientInfo": client,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    if let Some(map) = params.as_object_mut() {
        map.extend(args.table("params"));
    }
    params
}

/// The `Authorization` values: raw ones, or scheme and bearer token, or none.
fn credentials(args: Args<'_>) -> Vec<String> {
    if args.get("authorization").is_some() {
        return args.list("authorization");
    }
    let bound = proof::is_asked(args.get("dpop"));
    let scheme = args.text("scheme").unwrap_or_else(|| if bound { "DPoP" } else { "Bearer" }.into());
    args.text("bearer").map(|token| format!("{scheme} {token}")).into_iter().collect()
}

/// How often a session that has ended is begun anew.
const NEW_SESSIONS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_response_in_a_stream() {
        let stream = "event: message\ndata: \n\nid: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"elicitation/create\",\"id\":9,\"params\":{}}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}\n\n";
        assert_eq!(first_response(stream).expect("a response")["result"]["a"], 1);
        assert!(first_response("data: nonsense\n\n").is_none());
    }
}
