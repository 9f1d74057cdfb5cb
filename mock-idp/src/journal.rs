//! The requests that an issuer received, to assert on.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

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
    /// The status it was answered with; none while it waits, or if the connection was dropped.
    pub status: Option<u16>,
    pub(crate) seq: u64,
}

impl Received {
    pub(crate) fn new(request: &Request, endpoint: Endpoint) -> Self {
        let header = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            at: SystemTime::now(),
            body: String::from_utf8_lossy(&request.body[..request.body.len().min(MAX_BODY)]).into_owned(),
            client_id: client::claimed_id(request),
            endpoint,
            form: request.form.pairs().to_vec(),
            headers: request.headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect(),
            issued: Vec::new(),
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.pairs().to_vec(),
            status: None,
            seq: 0,
        }
    }

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

    fn weight(&self) -> usize {
        let pairs = self.form.iter().chain(&self.query).chain(&self.headers);
        self.body.len() + self.path.len() + pairs.map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }
}

/// The latest requests, at most so many.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: VecDeque<Received>,
    bytes: usize,
    limit: usize,
    next: u64,
}

impl Journal {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, limit: limit.max(1), next: 0 }
    }

    /// Notes a request, and gives its number and those that are forgotten for it, to be dropped where nobody waits.
    pub(crate) fn push(&mut self, mut received: Received) -> (u64, Vec<Received>) {
        self.next += 1;
        received.seq = self.next;
        self.bytes += received.weight();
        self.entries.push_back(received);
        let mut forgotten = Vec::new();
        while self.entries.len() > self.limit || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.weight();
            forgotten.push(oldest);
        }
        (self.next, forgotten)
    }

    pub(crate) fn answered(&mut self, seq: u64, status: u16) {
        if let Some(entry) = self.entry(seq) {
            entry.status = Some(status);
        }
    }

    /// Notes the tokens that the answer to a token request had.
    pub(crate) fn issued(&mut self, seq: u64, tokens: Tokens) {
        if let Some(entry) = self.entry(seq) {
            entry.issued = tokens;
        }
    }

    fn entry(&mut self, seq: u64) -> Option<&mut Received> {
        self.entries.iter_mut().rev().find(|entry| entry.seq == seq)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Received> {
        self.entries.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

/// Tokens by the name of their member.
pub(crate) type Tokens = Vec<(&'static str, String)>;

/// The tokens in an answer to a token request.
pub(crate) fn tokens(body: &[u8]) -> Tokens {
    let body = serde_json::from_slice::<Issued>(body).unwrap_or_default();
    let members =
        [("access_token", body.access_token), ("refresh_token", body.refresh_token), ("id_token", body.id_token)];
    let text = |value| if let Value::String(text) = value { text } else { String::new() };
    members.map(|(name, value)| (name, text(value))).into_iter().filter(|(_, token)| !token.is_empty()).collect()
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
