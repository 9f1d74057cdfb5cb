//! A request, read whole before an endpoint sees it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Method, Uri};

use crate::params::Params;

/// Method, place, headers, and parameters.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) query: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Form parameters; none if the body is no form.
    pub(crate) form: Params,
}

impl Request {
    pub(crate) fn new(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Self {
        let query = Params::parse(uri.query().unwrap_or_default().as_bytes());
        let form = match media_type(&headers).eq_ignore_ascii_case(FORM) {
            true => Params::parse(&body),
            false => Params::default(),
        };
        Self { method, uri, query, headers, body, form }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn is_get(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// Whether its content type, parameters aside, is this one (RFC 9110 section 8.3.1: whatever the case).
    pub(crate) fn is_of_type(&self, name: &str) -> bool {
        media_type(&self.headers).eq_ignore_ascii_case(name)
    }

    /// The value of a cookie, from whichever `Cookie` header has it.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        headers
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

fn media_type(headers: &HeaderMap) -> &str {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim()
}

/// The content type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
