//! Answers, with the headers that every answer of their kind carries.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, PRAGMA, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use crate::html;

/// An answer on its way to the connection.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        let reply = Self { status, headers: HeaderMap::with_capacity(HEADERS), body: Bytes::new() };
        reply.fixed(X_CONTENT_TYPE_OPTIONS, "nosniff").fixed(CACHE_CONTROL, "no-store")
    }

    /// JSON that nobody may store (RFC 6749 section 5.1).
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self { body: json(body), ..Self::empty(status) }
            .fixed(CONTENT_TYPE, "application/json")
            .fixed(PRAGMA, "no-cache")
    }

    /// A public document, which says nothing of caches: whoever keeps it does so by a policy of their own (RFC 9111 section
    /// 4.2.2). With `no-cache` a relying party behind a cache would ask for each token, and be blamed for it.
    pub(crate) fn document(body: &Value) -> Self {
        let mut reply = Self::empty(StatusCode::OK).fixed(CONTENT_TYPE, "application/json");
        reply.headers.remove(CACHE_CONTROL);
        Self { body: json(body), ..reply }
    }

    /// A page that cannot be framed, stored, or made to load anything.
    pub(crate) fn html(status: StatusCode, page: String) -> Self {
        Self { body: Bytes::from(page), ..Self::empty(status) }
            .fixed(CONTENT_TYPE, "text/html; charset=utf-8")
            .header(CONTENT_SECURITY_POLICY, html::policy())
            .fixed(REFERRER_POLICY, "no-referrer")
            .fixed(X_FRAME_OPTIONS, "DENY")
    }

    /// 303: the next request is a GET, whatever this one was (RFC 9700 section 4.12).
    pub(crate) fn redirect(location: &str) -> Self {
        Self::empty(StatusCode::SEE_OTHER).fixed(REFERRER_POLICY, "no-referrer").header(LOCATION, location)
    }

    /// Sets a header to what it always is.
    pub(crate) fn fixed(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Sets a header; a value HTTP cannot carry is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

fn json(body: &Value) -> Bytes {
    serde_json::to_vec(body).expect("a JSON value is JSON").into()
}

/// Headers that an answer has, at most, if nobody scripted others.
const HEADERS: usize = 12;
