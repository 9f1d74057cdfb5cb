//! The redacted view of an exchange: all that events and reports get.

use serde::{Deserialize, Serialize};

use super::exchange::{Exchange, Outcome, Request, Response};
use super::learn::basic;
use super::places;
use super::show::{self, escaped_line, line, window};
use super::vault::{Secret, Vault};
use crate::diag::escape;

/// An exchange without secrets, bounded and safe to show on a terminal: the shape of `exchanges` in `report.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedExchange {
    /// Number of the exchange.
    pub id: u32,
    /// Who sent it.
    pub by: String,
    /// What was sent.
    pub request: RedactedRequest,
    /// What came back, if anything did.
    pub response: Option<RedactedResponse>,
    /// Why nothing came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Milliseconds from sending to the last byte that was read.
    #[serde(default)]
    pub duration_ms: u64,
}

/// A request without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Header fields in order.
    pub headers: Vec<(String, String)>,
    /// The body, if there was one.
    pub body: Option<String>,
}

/// A response without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedResponse {
    /// The status code.
    pub status: u16,
    /// Header fields in order.
    pub headers: Vec<(String, String)>,
    /// The body, if there was one.
    pub body: Option<String>,
}

impl Exchange {
    /// The exchange as reports may show it: secrets replaced by their labels, bodies cut after 4 KiB, binary bodies only
    /// counted, control characters written out.
    #[must_use]
    pub fn redacted(&self, vault: &Vault) -> RedactedExchange {
        let (response, failure) = match &self.outcome {
            Outcome::Answered(response) => (Some(redact_response(response, vault)), None),
            Outcome::Failed(failure) => (None, Some(line(&failure.to_string(), vault))),
        };
        RedactedExchange {
            id: self.id,
            // A name that the harness gave, which may well be a password too.
            by: escape(&self.by).into_owned(),
            request: redact_request(&self.request, vault),
            response,
            failure,
            duration_ms: u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn redact_request(request: &Request, vault: &Vault) -> RedactedRequest {
    RedactedRequest {
        method: line(&request.method, vault),
        url: line(&request.url, vault),
        headers: headers(&request.headers, vault),
        body: body(&request.body, request.media_type(), false, vault),
    }
}

fn redact_response(response: &Response, vault: &Vault) -> RedactedResponse {
    RedactedResponse {
        status: response.status,
        headers: headers(&response.headers, vault),
        body: body(&response.body, response.media_type(), response.truncated, vault),
    }
}

fn body(bytes: &[u8], media_type: Option<String>, is_part: bool, vault: &Vault) -> Option<String> {
    (!bytes.is_empty()).then(|| show::body(bytes, media_type.as_deref(), is_part, vault))
}

fn headers(headers: &[(String, String)], vault: &Vault) -> Vec<(String, String)> {
    let mut shown: Vec<_> = headers
        .iter()
        .take(MOST_HEADERS)
        .map(|(name, value)| (line(name, vault), header(name, value, vault)))
        .collect();
    if headers.len() > MOST_HEADERS {
        shown.push(("...".to_owned(), format!("({} more header fields)", headers.len() - MOST_HEADERS)));
    }
    shown
}

fn header(name: &str, value: &str, vault: &Vault) -> String {
    let masked = match name.to_ascii_lowercase().as_str() {
        "authorization" | "proxy-authorization" => authorization(value, vault),
        "cookie" => value.split(';').take(MOST_HEADERS).map(|pair| cookie(pair, vault)).collect::<Vec<_>>().join(";"),
        "set-cookie" => {
            let (pair, attributes) = value.split_once(';').map_or((value, None), |(pair, rest)| (pair, Some(rest)));
            let attributes = attributes.map(|rest| format!(";{}", vault.redact(window(rest).0))).unwrap_or_default();
            format!("{}{attributes}", cookie(pair, vault))
        }
        _ => match places::header(name) {
            Some(kind) => places::label(kind, value.trim(), vault),
            None => return line(value, vault),
        },
    };
    escaped_line(&masked)
}

/// `Basic` credentials are shown decoded: user names are no secrets, and which client spoke is worth knowing.
fn authorization(value: &str, vault: &Vault) -> String {
    let Some((scheme, credentials)) = value.trim().split_once(' ') else {
        let is_bare_scheme = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(value.trim()));
        return if is_bare_scheme { value.trim().to_owned() } else { places::label(Secret::Credentials, value, vault) };
    };
    let credentials = credentials.trim();
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "basic" => match basic(credentials) {
            Some((user, secret)) => {
                return format!(
                    "{} base64({}:{})",
                    vault.by_value(scheme),
                    vault.by_value(&user),
                    places::label(Secret::ClientSecret, &secret, vault)
                );
            }
            None => Secret::Credentials,
        },
        "bearer" | "dpop" => Secret::AccessToken,
        _ => Secret::Credentials,
    };
    format!("{} {}", vault.by_value(scheme), places::label(kind, credentials, vault))
}

fn cookie(pair: &str, vault: &Vault) -> String {
    match pair.split_once('=') {
        Some((name, "")) => format!("{}=", vault.by_value(name)),
        Some((name, value)) => {
            format!("{}={}", vault.by_value(name), places::label(Secret::Cookie, value.trim().trim_matches('"'), vault))
        }
        None if pair.trim().is_empty() => pair.to_owned(),
        None => places::label(Secret::Cookie, pair.trim(), vault),
    }
}

/// Schemes that may stand without credentials.
const SCHEMES: [&str; 3] = ["basic", "bearer", "dpop"];

/// Header fields, and cookies in one field, that are shown.
const MOST_HEADERS: usize = 100;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::transcript::Failure;

    fn exchange(request: Request, response: Response) -> Exchange {
        Exchange {
            id: 1,
            by: "alice".into(),
            request,
            outcome: Outcome::Answered(response),
            duration: Duration::from_millis(3),
        }
    }

    fn redacted(exchange: &Exchange) -> RedactedExchange {
        let vault = Vault::default();
        vault.learn_request(&exchange.request);
        exchange.outcome.response().into_iter().for_each(|response| vault.learn_response(response));
        exchange.redacted(&vault)
    }

    #[test]
    fn shows_what_matters_and_no_secret() {
        let request = Request::form("http://h/token?x=1", &[("code", "SplxlOBeZQQYbYS6WxSbIA"), ("client_id", "c")])
            .with("Authorization", &format!("Basic {}", STANDARD.encode("c:7Fjfp0ZBr1KtDRbnfVdmIw")))
            .with("Cookie", "sid=31d4d96e407aad42; theme=light");
        let response = Response {
            status: 200,
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("set-cookie".into(), "__Host-sid=\"8f14e45fceea167a\"; Path=/; Secure; HttpOnly".into()),
                ("location".into(), "http://h/cb?code=SplxlOBeZQQYbYS6WxSbIA&state=s".into()),
            ],
            body: r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","scope":"a"}"#.into(),
            truncated: false,
        };
        let shown = redacted(&exchange(request, response));
        assert_eq!(shown.request.body.as_deref(), Some("code=<code 1>&client_id=c"));
        assert_eq!(shown.request.headers[1].1, "Basic base64(c:<client secret 1>)");
        assert_eq!(shown.request.headers[2].1, "sid=<cookie 1>; theme=<cookie 2>");
        let response = shown.response.expect("an answer");
        assert_eq!(response.headers[1].1, "__Host-sid=<cookie 3>; Path=/; Secure; HttpOnly");
        assert_eq!(response.headers[2].1, "http://h/cb?code=<code 1>&state=s");
        assert_eq!(response.body.as_deref(), Some(r#"{"access_token":"<access token 1>","scope":"a"}"#));
    }

    #[test]
    fn masks_by_place_without_having_learnt() {
        let request = Request::get("http://h/cb?code=abc")
            .with("authorization", "Bearer x")
            .with("cookie", "a=b")
            .with("Mcp-Session-Id", "s");
        let shown = exchange(request, Response::default()).redacted(&Vault::default());
        assert_eq!(shown.request.url, "http://h/cb?code=<code>");
        let values: Vec<_> = shown.request.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["Bearer <access token>", "a=<cookie>", "<session>"]);
    }

    #[test]
    fn what_is_missing_is_not_masked() {
        let header = |value: &str| header("authorization", value, &Vault::default());
        assert_eq!(header("Bearer"), "Bearer");
        assert_eq!(header("2YotnFZFEjr1"), "<credentials>");
        assert_eq!(header(&format!("Basic {}", STANDARD.encode("c:"))), "Basic base64(c:)");
    }

    #[test]
    fn a_failure_is_a_line() {
        let mut failed = exchange(Request::get("http://h/?code=abcdefg1"), Response::default());
        failed.outcome = Outcome::Failed(Failure::Refused("http://h/?code=abcdefg1 \u{7}".into()));
        let shown = redacted(&failed);
        assert_eq!(shown.failure.as_deref(), Some("no connection: http://h/?code=<code 1> \\u{7}"));
        assert_eq!(shown.response, None);
    }

    /// A small generator of hostile text: pieces that the scanners look for, in random order, with random bytes between.
    fn hostile(seed: u64) -> Vec<u8> {
        const PIECES: [&[u8]; 24] = [
            b"code=",
            b"access_token",
            b"\"",
            b"\\\"",
            b":",
            b"eyJ",
            b".",
            b"<code 1>",
            b"<",
            b">",
            b"%",
            b"%ff",
            b"&amp;",
            b"Bearer ",
            b"Basic ",
            b"\xff\xfe",
            b"\0",
            b"\xf0\x9f\x98\x80",
            b"://a:b@",
            b"\r\n",
            b"=",
            b"; ",
            b"secret-secret-secret",
            b"{",
        ];
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        let mut text = Vec::new();
        for _ in 0..60 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.extend_from_slice(PIECES[usize::try_from(state % 24).expect("small")]);
        }
        text
    }

    #[test]
    fn nothing_hostile_panics_or_shows_a_learnt_secret() {
        for seed in 0..500 {
            let bytes = hostile(seed);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let request = Request {
                method: text.clone(),
                url: text.clone(),
                headers: vec![(text.clone(), text.clone())],
                body: bytes.clone().into(),
            };
            let names = ["authorization", "cookie", "set-cookie", "location", "dpop", "content-type"];
            let headers = names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
            let response = Response { status: 0, headers, body: bytes.into(), truncated: seed % 2 == 0 };
            let exchange = exchange(request, response);
            let vault = Vault::default();
            vault.learn(Secret::ClientSecret, "secret-secret-secret");
            vault.learn_request(&exchange.request);
            exchange.outcome.response().into_iter().for_each(|response| vault.learn_response(response));
            let shown = serde_json::to_string(&exchange.redacted(&vault)).expect("text is JSON");
            assert!(!shown.contains("secret-secret-secret"), "seed {seed}: {shown}");
        }
    }

    #[test]
    fn a_huge_header_is_bounded() {
        let huge = "x".repeat(1 << 20);
        let headers = vec![
            ("set-cookie".into(), format!("a={huge}; Path={huge}")),
            ("x".into(), huge.clone()),
            (huge.clone(), "y".into()),
        ];
        let shown = redacted(&exchange(Request::get(&huge), Response { headers, ..Response::default() }));
        assert!(serde_json::to_string(&shown).expect("text is JSON").len() < 20_000);
    }
}
