//! The requests that an issuer received, to assert on.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client;
use crate::request::Request;
use crate::script::Endpoint;

/// One received request. Secrets are shown as they came: this is a test's evidence, not a log.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it came, by the machine's clock.
    pub at: SystemTime,
    /// The body as text, with replacement characters where it is not UTF-8; at most 16 KiB of it.
    pub body: String,
    /// `client_id`, from a parameter, HTTP Basic or the subject of a client assertion; unverified.
    pub client_id: Option<String>,
    /// Which endpoint it went to.
    pub endpoint: Endpoint,
    /// Form parameters in order.
    pub form: Vec<(String, String)>,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Tokens that a token request was answered with, by the name of their member.
    pub issued: Vec<(&'static str, String)>,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
    /// Why it was refused: the error code and its description, of an answer or of a redirect with an error.
    pub refusal: Option<String>,
    /// The status it was answered with; none while it waits, or if the connection was dropped.
    pub status: Option<u16>,
}

impl Received {
    /// The first value of a query or form parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params(name).next()
    }

    /// Every value of a query or form parameter.
    pub fn params<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.query.iter().chain(&self.form).filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The access token that came with it: the credentials of the scheme `Bearer` (RFC 6750) or `DPoP` (RFC 9449).
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        ["bearer", "dpop"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then(|| token.trim())
    }

    /// All of it as JSON; `at` in milliseconds since the Unix epoch.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let at = self.at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        json!({
            "at": u64::try_from(at).unwrap_or(u64::MAX),
            "endpoint": self.endpoint.name(),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "form": self.form,
            "headers": self.headers,
            "body": self.body,
            "bearer": self.bearer(),
            "client_id": self.client_id,
            "status": self.status,
        })
    }
}

/// A request as the journal keeps it: in one piece of memory, because most are never read. What tests see is made of it when
/// they ask.
#[derive(Debug)]
pub(crate) struct Entry {
    at: SystemTime,
    endpoint: Endpoint,
    method: Method,
    seq: u64,
    status: Option<u16>,
    /// Path and query, then the headers line by line, then the body.
    text: Box<[u8]>,
    /// Where the headers begin in it, and the body.
    parts: [usize; 2],
    /// The answer to a token request, the body of a refusal, or where a redirect leads.
    answer: Bytes,
}

impl Entry {
    pub(crate) fn new(request: &Request, endpoint: Endpoint) -> Self {
        let target = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let lines = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum::<usize>();
        let mut text = Vec::with_capacity(target.len() + lines + request.body.len());
        text.extend_from_slice(target.as_bytes());
        for (name, value) in &request.headers {
            for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"] {
                text.extend_from_slice(part);
            }
        }
        text.extend_from_slice(&request.body);
        Self {
            at: SystemTime::now(),
            endpoint,
            method: request.method.clone(),
            seq: 0,
            status: None,
            parts: [target.len(), target.len() + lines],
            text: text.into_boxed_slice(),
            answer: Bytes::new(),
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    pub(crate) fn received(&self) -> Received {
        let request = self.request();
        let header = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Received {
            at: self.at,
            body: String::from_utf8_lossy(&request.body[..request.body.len().min(MAX_BODY)]).into_owned(),
            client_id: client::claimed_id(&request),
            endpoint: self.endpoint,
            form: request.form.pairs().to_vec(),
            headers: request.headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect(),
            issued: tokens(&self.answer),
            path: request.path().to_owned(),
            query: request.query.pairs().to_vec(),
            method: request.method.to_string(),
            refusal: refusal(&self.answer),
            status: self.status,
        }
    }

    fn request(&self) -> Request {
        let [head, body] = self.parts;
        let mut headers = HeaderMap::new();
        // No header has a line break in it.
        for line in self.text[head..body].split(|byte| *byte == b'\n') {
            let mut halves = line.splitn(2, |byte| *byte == b':');
            let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        let uri = Uri::try_from(&self.text[..head]).unwrap_or_default();
        Request::new(self.method.clone(), uri, headers, Bytes::copy_from_slice(&self.text[body..]))
    }

    fn weight(&self) -> usize {
        self.text.len() + self.answer.len()
    }
}

/// The latest requests, at most so many.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    bytes: usize,
    limit: usize,
    next: u64,
}

impl Journal {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, limit: limit.max(1), next: 0 }
    }

    /// Notes a request, and gives its number and those that are forgotten for it, to be dropped where nobody waits.
    pub(crate) fn push(&mut self, mut entry: Entry) -> (u64, Vec<Entry>) {
        self.next += 1;
        entry.seq = self.next;
        self.bytes += entry.weight();
        self.entries.push_back(entry);
        let mut forgotten = Vec::new();
        while self.entries.len() > self.limit || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.weight();
            forgotten.push(oldest);
        }
        (self.next, forgotten)
    }

    /// Notes how a request was answered: its status, and what a token request got.
    pub(crate) fn answered(&mut self, seq: u64, status: u16, answer: Bytes) {
        if let Some(entry) = entry(&mut self.entries, seq) {
            entry.status = Some(status);
            self.bytes += answer.len();
            entry.answer = answer;
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

fn entry(entries: &mut VecDeque<Entry>, seq: u64) -> Option<&mut Entry> {
    entries.iter_mut().rev().find(|entry| entry.seq == seq)
}

/// The tokens in an answer to a token request, by the name of their member.
fn tokens(body: &[u8]) -> Vec<(&'static str, String)> {
    let body = serde_json::from_slice::<Issued>(body).unwrap_or_default();
    let members =
        [("access_token", body.access_token), ("refresh_token", body.refresh_token), ("id_token", body.id_token)];
    let text = |value| if let Value::String(text) = value { text } else { String::new() };
    members.map(|(name, value)| (name, text(value))).into_iter().filter(|(_, token)| !token.is_empty()).collect()
}

/// The error of an answer (RFC 6749 section 5.2), or of a redirect (section 4.1.2.1).
fn refusal(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let param = |name: &str| {
        let (_, query) = text.split_once('?')?;
        form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    };
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |name: &str| body[name].as_str().map(str::to_owned).or_else(|| param(name));
    let error = member("error")?;
    Some(match member("error_description") {
        Some(description) => format!("{error} ({description})"),
        None => error,
    })
}

/// Members of a token response that are worth something to whoever has them; scripts may put anything there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Issued {
    access_token: Value,
    id_token: Value,
    refresh_token: Value,
}

/// Bytes of a body worth remembering.
const MAX_BODY: usize = 16 * 1024;
/// Bytes of requests that an issuer remembers.
const MAX_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_came() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", &b"application/x-www-form-urlencoded"[..]),
            ("x-odd", b"a: b;\xff"),
            ("cookie", b"one=1"),
            ("cookie", b"two=2"),
            ("x-empty", b""),
        ] {
            headers.append(name, HeaderValue::from_bytes(value).expect("a value"));
        }
        let uri = Uri::from_static("http://h.example/corp/token?a=1&a=2");
        let body = Bytes::from_static(b"client_id=app&scope=a%20b\nc");
        let request = Request::new(Method::POST, uri, headers, body);
        let mut journal = Journal::new(1);
        let (seq, _) = journal.push(Entry::new(&request, Endpoint::Token));
        journal.answered(seq, 200, Bytes::from_static(br#"{"access_token":"t","id_token":7}"#));
        let received = journal.entries().next().expect("the request").received();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!((&*received.method, &*received.path, received.status), ("POST", "/corp/token", Some(200)));
        assert_eq!(received.query, [pair("a", "1"), pair("a", "2")]);
        assert_eq!(received.form, [pair("client_id", "app"), pair("scope", "a b\nc")]);
        assert_eq!(received.body, "client_id=app&scope=a%20b\nc");
        assert_eq!(received.client_id.as_deref(), Some("app"));
        assert_eq!(received.issued, [("access_token", "t".to_owned())]);
        let odd = [pair("x-odd", "a: b;\u{fffd}"), pair("cookie", "one=1"), pair("cookie", "two=2")];
        assert_eq!(received.headers[1..4], odd);
        assert_eq!(received.headers[4..], [pair("x-empty", "")]);
        assert_eq!(journal.push(Entry::new(&request, Endpoint::Token)).1.len(), 1, "the older one is forgotten");
    }
}
