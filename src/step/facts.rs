//! Facts that several verbs share: an HTTP answer as a tree, challenges, tokens; and what a preparing step must have reached.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::args::Args;
use crate::oauth::{challenge, jwt::Jwt};
use crate::suite::Verb;
use crate::transcript::{Failure, Outcome, Response};

/// Facts of an HTTP answer: `status`, `headers`, `body`, `text`, `media-type`, `error`, `challenge`, `crash`; or `no-answer`.
#[must_use]
pub fn http(outcome: &Outcome) -> Map<String, Value> {
    match outcome {
        Outcome::Answered(response) => answered(response),
        Outcome::Failed(failure) => failed(failure),
    }
}

fn answered(response: &Response) -> Map<String, Value> {
    // Verbs add some of their own.
    let mut facts = Map::with_capacity(20);
    let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    put("status", json!(response.status));
    put("headers", headers(&response.headers));
    let text = response.text();
    let media_type = response.media_type();
    put("crash", json!(response.status >= 500));
    let html = media_type.as_deref().is_some_and(|m| m == "text/html" || m == "application/xhtml+xml");
    let begins = text.trim_start().get(..DOCTYPE.len());
    let markup = begins.is_some_and(|begins| begins.eq_ignore_ascii_case(DOCTYPE));
    put("text", json!(text));
    put("media-type", json!(media_type));
    put("web-page", json!((200..300).contains(&response.status) && (html || markup)));
    if let Some(body) = response.json() {
        if let Some(error) = body.get("error").filter(|e| e.is_string()) {
            put("error", error.clone());
        }
        put("body", body);
    }
    put("challenge", challenges(&response.header_all("www-authenticate")));
    facts
}

/// Takes it back that 501 is a crash, where the request had a method that a server need not know: that is how it says so (RFC 9110
/// section 15.6.2).
pub fn excuse_unknown_method(facts: &mut Value, method: &str) {
    if facts["status"] == 501 && !["GET", "HEAD", "POST"].contains(&method) {
        facts["crash"] = json!(false);
    }
}

/// How a page begins, in any case.
const DOCTYPE: &str = "<!doctype html";

/// Facts of a request that got no answer: a dropped connection is a crash, everything else is no answer at all.
#[must_use]
pub fn failed(failure: &Failure) -> Map<String, Value> {
    let mut facts = Map::new();
    match failure {
        Failure::Dropped(_) => {
            facts.insert("crash".into(), json!(true));
            facts.insert("dropped".into(), json!(failure.to_string()));
        }
        other => drop(facts.insert("no-answer".into(), json!(other.to_string()))),
    }
    facts
}

/// Headers by lower-case name; several lines are joined as RFC 9110 section 5.3 allows, cookies apart.
#[must_use]
pub fn headers(list: &[(String, String)]) -> Value {
    let mut map: Map<String, Value> = Map::with_capacity(list.len());
    for (name, value) in list {
        let name = name.to_ascii_lowercase();
        match map.get_mut(&name) {
            Some(Value::String(first)) => {
                first.push_str(", ");
                first.push_str(value);
            }
            _ => drop(map.insert(name, json!(value))),
        }
    }
    Value::Object(map)
}

/// Facts of the `WWW-Authenticate` lines: the parameters of all Bearer challenges (else of the first one), the first of each
/// name, and how many there are. `resource_metadata` may stand in a challenge of any scheme (RFC 9728 section 5.1).
#[must_use]
pub fn challenges(lines: &[&str]) -> Value {
    let all = challenge::parse(lines);
    let bearer: Vec<_> = all.iter().filter(|c| c.scheme.eq_ignore_ascii_case("bearer")).collect();
    let chosen = bearer.first().copied().or(all.first());
    let read = || chosen.filter(|_| bearer.is_empty()).into_iter().chain(bearer.iter().copied());
    let metadata = all.iter().flat_map(|c| &c.params).filter(|(name, _)| name == "resource_metadata");
    let params: Vec<_> = read().flat_map(|c| &c.params).chain(metadata).collect();
    let charset_ok = read().flat_map(|c| &c.params).all(|(name, value)| in_charset(name, value));
    // The last one put into a map stays, so the first comes last.
    let params: Map<String, Value> = params.into_iter().rev().map(|(n, v)| (n.clone(), json!(v))).collect();
    json!({
        "present": !lines.is_empty(),
        "raw": lines.join(", "),
        "scheme": chosen.map(|c| c.scheme.clone()),
        "schemes": all.iter().map(|c| c.scheme.clone()).collect::<Vec<_>>(),
        "bearer": !bearer.is_empty(),
        "count": bearer.len(),
        "param-count": read().flat_map(|c| &c.params).map(|(name, _)| name).collect::<BTreeSet<_>>().len(),
        "params": params,
        "duplicates": read().flat_map(|c| c.duplicates()).collect::<BTreeSet<_>>(),
        "dpop": all.iter().find(|c| c.scheme.eq_ignore_ascii_case("dpop")).map(|c| {
            c.params.iter().rev().map(|(n, v)| (n.clone(), json!(v))).collect::<Map<_, _>>()
        }),
        "charset-ok": charset_ok,
    })
}

/// The character sets of RFC 6750 section 3 for `scope`, `error`, `error_description` and `error_uri`.
fn in_charset(name: &str, value: &str) -> bool {
    let quoted = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    match name {
        "scope" | "error" | "error_description" => value.chars().all(quoted),
        "error_uri" => value.chars().all(|c| quoted(c) && c != ' '),
        _ => true,
    }
}

/// Header and claims of a token, if it is a JWT.
#[must_use]
pub fn token(value: Option<&Value>) -> Value {
    match value.and_then(Value::as_str).and_then(Jwt::decode) {
        Some(jwt) => {
            let time = |claim: &str| jwt.claims.get(claim).and_then(Value::as_f64);
            let lifetime = time("exp").zip(time("iat")).map(|(end, start)| end - start);
            json!({ "header": jwt.header, "claims": jwt.claims, "lifetime": lifetime })
        }
        None => Value::Null,
    }
}

/// Why a step that only prepares did not reach what its verb is for; `None` if it did.
#[must_use]
pub fn unready(verb: Verb, facts: &Value, args: Args<'_>) -> Option<String> {
    if let Some(reason) = facts["no-answer"].as_str() {
        return Some(format!("no answer: {reason}"));
    }
    let short = || summary(facts);
    match verb {
        Verb::Authorize | Verb::Login | Verb::Consent | Verb::Callback => {
            let until = args.text("until").unwrap_or_else(|| "code".into());
            let denied =
                args.text("answer").is_some_and(|a| a == "deny") || args.get("approve") == Some(&Value::Bool(false));
            let reached = facts["stopped-at"].as_str().unwrap_or("nowhere");
            (reached != until && !denied)
                .then(|| format!("the journey should reach `{until}`, it ended at `{reached}`: {}", short()))
        }
        Verb::Token | Verb::Exchange => {
            (facts["granted"] != true).then(|| format!("no token was granted: {}", short()))
        }
        Verb::Register => facts["client"]["id"]
            .is_null()
            .then(|| format!("no client was registered: {}{}", short(), complaint(&facts["body"]))),
        Verb::Manage => (!facts["status"].as_u64().is_some_and(|status| (200..300).contains(&status)))
            .then(|| format!("the registration could not be managed: {}{}", short(), complaint(&facts["body"]))),
        Verb::Call => (facts["served"] != true).then(|| format!("the MCP request was not served: {}", short())),
        Verb::Repeat => (facts["succeeded"] == 0).then(|| "not one of the repeated requests succeeded".to_owned()),
        Verb::Discover => {
            facts["as"]["body"]["issuer"].is_null().then(|| "no authorization server metadata was found".to_owned())
        }
        Verb::Drive => (facts["mcp"]["served"] == 0).then(|| "the client did not come to be served".to_owned()),
        Verb::Fetch | Verb::Mutate | Verb::Wait => None,
    }
}

/// What a refusal in JSON says besides its code, if it is a text: by RFC 6749, RFC 9457, or in the way of a framework.
fn complaint(body: &Value) -> String {
    let said =
        [&body["error_description"], &body["detail"], &body["detail"][0]["msg"]].into_iter().find_map(Value::as_str);
    said.map(|said| format!(" \"{}\"", crate::fact::clip(said, 160))).unwrap_or_default()
}

/// An answer in a few words, for people: status, error, where a journey ended.
#[must_use]
pub fn summary(facts: &Value) -> String {
    crate::fact::summary(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_may_stand_in_any_of_several_challenges() {
        let both =
            challenges(&["Bearer realm=\"a\", error=\"invalid_token\"", "Bearer resource_metadata=\"https://rs/m\""]);
        let params = json!({ "realm": "a", "error": "invalid_token", "resource_metadata": "https://rs/m" });
        assert_eq!((&both["params"], &both["count"]), (&params, &json!(2)));
        let other = challenges(&["DPoP algs=\"ES256\", resource_metadata=\"https://rs/m\"", "Bearer realm=\"a\""]);
        let params = json!({ "realm": "a", "resource_metadata": "https://rs/m" });
        assert_eq!((&other["params"], &other["param-count"]), (&params, &json!(1)));
        let first = challenges(&["Bearer realm=\"a\"", "Bearer realm=\"b\""]);
        assert_eq!((&first["params"]["realm"], &first["duplicates"]), (&json!("a"), &json!([])));
    }

    #[test]
    fn what_the_tool_says_is_quoted() {
        let call = |facts: Value| unready(Verb::Call, &facts, Args::new(&Map::new())).expect("not served");
        let tool = json!({ "status": 200, "served": false, "tool-error": true, "result": { "content": [{ "type": "text", "text": "no such note" }] } });
        assert_eq!(call(tool), "the MCP request was not served: 200, the tool says \"no such note\"");
        let bare = json!({ "status": 200, "served": false, "tool-error": true, "result": {} });
        assert_eq!(call(bare), "the MCP request was not served: 200, the tool says it failed");
        let rpc = json!({ "status": 200, "served": false, "tool-error": false, "rpc-error": { "code": -32602, "message": "Unknown tool" } });
        assert_eq!(call(rpc), "the MCP request was not served: 200, the server says \"Unknown tool\"");
        assert_eq!(call(json!({ "status": 401, "served": false })), "the MCP request was not served: 401");
    }

    #[test]
    fn why_no_client_was_registered_is_quoted() {
        let register = |body: Value| {
            let facts = json!({ "status": 422, "body": body });
            unready(Verb::Register, &facts, Args::new(&Map::new())).expect("no client")
        };
        let quoted = "no client was registered: 422 \"no query, please\"";
        assert_eq!(register(json!({ "error_description": "no query, please" })), quoted);
        assert_eq!(register(json!({ "detail": [{ "msg": "no query, please" }] })), quoted);
        assert_eq!(register(json!({ "detail": "no query, please" })), quoted);
        assert_eq!(register(Value::Null), "no client was registered: 422");
    }
}
