//! The requests an issuer received, to assert on.

use std::collections::VecDeque;

use serde::Serialize;

use crate::request::Request;
use crate::script::Endpoint;

/// One received request. Secrets are shown as they came: this is a test's evidence, not a log.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The body, if it was no form; at most 16 KiB, with replacement characters where it is not UTF-8.
    pub body: String,
    /// Which endpoint it went to.
    pub endpoint: Endpoint,
    /// Form parameters in order.
    pub form: Vec<(String, String)>,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The issuer's name.
    pub issuer: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
    /// Position among all requests to the identity provider.
    pub seq: u64,
    /// The status it was answered with; none while it waits, or if the connection was dropped.
    pub status: Option<u16>,
    /// When it came, in milliseconds since the Unix epoch, by the movable clock.
    pub time_ms: i64,
    /// Path and query as received.
    pub url: String,
}

impl Received {
    pub(crate) fn new(request: &Request, issuer: &str, endpoint: Endpoint, seq: u64, time_ms: i64) -> Self {
        let headers = request.headers.iter();
        let body =
            if request.form.pairs().is_empty() { &request.body[..request.body.len().min(MAX_BODY)] } else { &[] };
        Self {
            body: String::from_utf8_lossy(body).into_owned(),
            endpoint,
            form: request.form.pairs().to_vec(),
            headers: headers
                .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
                .collect(),
            issuer: issuer.to_owned(),
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.pairs().to_vec(),
            seq,
            status: None,
            time_ms,
            url: request.url.clone(),
        }
    }

    /// The first value of a query or form parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a query or form parameter.
    pub fn params(&self, name: &str) -> Vec<&str> {
        self.query.iter().chain(&self.form).filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    fn weight(&self) -> usize {
        let pairs = self.form.iter().chain(&self.query).chain(&self.headers);
        self.body.len() + 2 * self.url.len() + pairs.map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }

    /// The first value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The latest requests, at most so many.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: VecDeque<Received>,
    bytes: usize,
    limit: usize,
}

impl Journal {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, limit: limit.max(1) }
    }

    pub(crate) fn push(&mut self, received: Received) {
        self.bytes += received.weight();
        self.entries.push_back(received);
        while self.entries.len() > self.limit || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.weight();
        }
    }

    pub(crate) fn answered(&mut self, seq: u64, status: u16) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.seq == seq) {
            entry.status = Some(status);
        }
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Received> {
        self.entries.iter()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

/// Bytes of a body worth remembering.
const MAX_BODY: usize = 16 * 1024;
/// Bytes of requests an issuer remembers.
const MAX_BYTES: usize = 8 * 1024 * 1024;
