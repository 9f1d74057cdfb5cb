//! The requests that an issuer received, to assert on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
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

/// The latest requests, at most so many. They are kept as they came and written out when somebody asks: most are never
/// read.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    bytes: usize,
    limit: usize,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    /// A token response.
    answer: Bytes,
    at: SystemTime,
    endpoint: Endpoint,
    request: Arc<Request>,
    seq: u64,
    status: Option<u16>,
    weight: usize,
}

impl Journal {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, limit: limit.max(1), next: 0 }
    }

    /// Notes a request and gives its number.
    pub(crate) fn push(&mut self, request: Arc<Request>, endpoint: Endpoint) -> u64 {
        self.next += 1;
        let headers = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let weight = 2 * request.body.len() + request.path.len() + headers.sum::<usize>() + request.query.weight();
        let (answer, at, seq) = (Bytes::new(), SystemTime::now(), self.next);
        self.entries.push_back(Entry { answer, at, endpoint, request, seq, status: None, weight });
        self.weighs(weight);
        self.next
    }

    pub(crate) fn answered(&mut self, seq: u64, status: u16) {
        if let Some(entry) = self.entry(seq) {
            entry.status = Some(status);
        }
    }

    /// Notes the answer to a token request, for the tokens in it.
    pub(crate) fn issued(&mut self, seq: u64, body: &Bytes) {
        if body.len() > MAX_ANSWER {
            return;
        }
        if let Some(entry) = self.entry(seq) {
            entry.answer = body.clone();
            entry.weight += body.len();
            self.weighs(body.len());
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Received> {
        self.entries.iter().map(Entry::received)
    }

    /// The requests to one endpoint.
    pub(crate) fn entries_of(&self, endpoint: Endpoint) -> impl Iterator<Item = Received> {
        self.entries.iter().filter(move |entry| entry.endpoint == endpoint).map(Entry::received)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.seq == seq)
    }

    fn weighs(&mut self, more: usize) {
        self.bytes += more;
        while self.entries.len() > self.limit || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.weight;
        }
    }
}

impl Entry {
    fn received(&self) -> Received {
        let request = &self.request;
        let header = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Received {
            at: self.at,
            body: String::from_utf8_lossy(&request.body[..request.body.len().min(MAX_BODY)]).into_owned(),
            client_id: client::claimed_id(request),
            endpoint: self.endpoint,
            form: request.form.pairs().to_vec(),
            headers: request.headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect(),
            issued: issued(&self.answer),
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.pairs().to_vec(),
            status: self.status,
        }
    }
}

/// The tokens in a token response; scripts may put anything there.
fn issued(answer: &[u8]) -> Vec<(&'static str, String)> {
    let Ok(body) = serde_json::from_slice::<Value>(answer) else { return Vec::new() };
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|token| !token.is_empty());
    TOKENS.iter().filter_map(|name| Some((*name, text(name)?.to_owned()))).collect()
}

/// Members of a token response that are worth something to whoever has them.
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "id_token"];
/// Bytes of a body worth remembering.
const MAX_BODY: usize = 16 * 1024;
/// Bytes of a token response worth remembering: a longer one is a script's.
const MAX_ANSWER: usize = 64 * 1024;
/// Bytes of requests that an issuer remembers.
const MAX_BYTES: usize = 8 * 1024 * 1024;
