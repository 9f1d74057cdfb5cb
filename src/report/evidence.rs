//! An exchange in one line: method, path, answer, and the redacted parameters that matter.

use serde_json::Value;
use url::{Url, form_urlencoded};

use super::text::tidy;
use crate::transcript::RedactedExchange;

/// The exchange in one line: `POST /token → 400 invalid_grant  grant_type=... code=<code 1>`. Hosts other than that of
/// `home` (the target's own URL) are named.
pub(super) fn line(exchange: &RedactedExchange, home: Option<&str>) -> String {
    let request = &exchange.request;
    let mut out = format!("{} {} → {}", tidy(&request.method, 12), place(&request.url, home), answer(exchange, home));
    let parameters = parameters(exchange);
    if !parameters.is_empty() {
        out.push_str("  ");
        out.push_str(&tidy(&parameters, MOST));
    }
    out
}

/// Path, or host and path when it is another host.
pub(super) fn place(url: &str, home: Option<&str>) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let shown = match (Url::parse(bare), home.and_then(|home| Url::parse(home).ok())) {
        (Ok(there), Some(home)) if there.origin() == home.origin() => there.path().to_owned(),
        _ => bare.to_owned(),
    };
    tidy(&shown, LONG)
}

/// Status, and where a redirect points or which error it is; or why no answer came.
fn answer(exchange: &RedactedExchange, home: Option<&str>) -> String {
    let Some(response) = &exchange.response else {
        let why = exchange.failure.as_deref().unwrap_or("unknown");
        return format!("no answer: {}", tidy(why, LONG));
    };
    match header(&response.headers, "location") {
        Some(location) => format!("{} to {}", response.status, target_of(location, home)),
        None => match error(response.body.as_deref()) {
            Some(error) => format!("{} {}", response.status, tidy(&error, SHORT)),
            None => response.status.to_string(),
        },
    }
}

/// The error code of an OAuth error response (RFC 6749 section 5.2).
fn error(body: Option<&str>) -> Option<String> {
    let body: Value = serde_json::from_str(body?).ok()?;
    Some(body.get("error")?.as_str()?.to_owned())
}

/// A Location, shortened by the target's own origin but with its parameters: they are what a redirect is about.
fn target_of(location: &str, home: Option<&str>) -> String {
    let path = place(location, home);
    match location.find(['?', '#']) {
        Some(at) => format!("{path}{}", tidy(&location[at..], LONG)),
        None => path,
    }
}

/// Credentials, query and body as `name=value`, in the order sent.
fn parameters(exchange: &RedactedExchange) -> String {
    let request = &exchange.request;
    let mut found = Vec::new();
    if let Some(credentials) = header(&request.headers, "authorization") {
        found.push(format!("Authorization: {}", tidy(credentials, SHORT)));
    }
    if let Some((_, query)) = request.url.split_once('?') {
        found.extend(pairs(query.split('#').next().unwrap_or(query)));
    }
    if let Some(body) = &request.body {
        found.extend(body_parameters(body, header(&request.headers, "content-type").unwrap_or_default()));
    }
    found.join(" ")
}

fn body_parameters(body: &str, media_type: &str) -> Vec<String> {
    if media_type.starts_with("application/x-www-form-urlencoded") {
        return pairs(body);
    }
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(members)) => {
            members.iter().map(|(name, value)| format!("{}={}", tidy(name, SHORT), short(value))).collect()
        }
        _ if body.trim().is_empty() => Vec::new(),
        _ => vec![tidy(body.trim(), SHORT)],
    }
}

fn pairs(encoded: &str) -> Vec<String> {
    form_urlencoded::parse(encoded.as_bytes())
        .map(|(name, value)| format!("{}={}", tidy(&name, SHORT), tidy(&value, SHORT)))
        .collect()
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) => tidy(text, SHORT),
        other => tidy(&other.to_string(), SHORT),
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Characters of one value, of one address, of all parameters together.
const SHORT: usize = 60;
const LONG: usize = 120;
const MOST: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exchange(value: Value) -> RedactedExchange {
        serde_json::from_value(value).expect("an exchange")
    }

    #[test]
    fn a_form_shows_its_parameters() {
        let exchange = exchange(json!({"id": 41, "by": "alice", "duration_ms": 3, "failure": null,
            "request": {"method": "POST", "url": "http://127.0.0.1:3000/token", "body": "grant_type=authorization_code&code=<code 1>",
                "headers": [["Content-Type", "application/x-www-form-urlencoded"], ["Authorization", "Basic <client secret 1>"]]},
            "response": {"status": 400, "headers": [], "body": "{\"error\":\"invalid_grant\"}"}}));
        assert_eq!(
            line(&exchange, Some("http://127.0.0.1:3000/mcp")),
            "POST /token → 400 invalid_grant  Authorization: Basic <client secret 1> grant_type=authorization_code code=<code 1>"
        );
    }

    #[test]
    fn a_redirect_shows_where_it_goes() {
        let exchange = exchange(json!({"id": 1, "by": "alice", "duration_ms": 3, "failure": null,
            "request": {"method": "GET", "url": "http://as.test/authorize?state=<state 1>&scope=a+b", "body": null, "headers": []},
            "response": {"status": 302, "headers": [["location", "http://evil.test/cb?code=<code 1>"]], "body": null}}));
        assert_eq!(
            line(&exchange, Some("http://127.0.0.1:3000/mcp")),
            "GET http://as.test/authorize → 302 to http://evil.test/cb?code=<code 1>  state=<state 1> scope=a b"
        );
    }

    #[test]
    fn a_json_body_shows_its_members_and_silence_its_reason() {
        let exchange = exchange(
            json!({"id": 1, "by": "alice", "duration_ms": 3, "failure": "the connection was reset",
            "request": {"method": "POST", "url": "http://127.0.0.1:3000/mcp", "headers": [["content-type", "application/json"]],
                "body": "{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\",\"params\":{\"a\":1}}"},
            "response": null}),
        );
        assert_eq!(
            line(&exchange, Some("http://127.0.0.1:3000/mcp")),
            "POST /mcp → no answer: the connection was reset  jsonrpc=2.0 method=tools/list params={\"a\":1}"
        );
    }
}
