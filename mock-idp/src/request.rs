//! A request, read whole before an endpoint sees it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Method};

use crate::params::Params;

/// Method, place, headers, and parameters.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Form parameters; none if the body is no form.
    pub(crate) form: Params,
}

impl Request {
    pub(crate) fn new(parts: http::request::Parts, body: Bytes) -> Self {
        let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let form = match media_type(&parts.headers).as_str() {
            "application/x-www-form-urlencoded" => Params::parse(&body),
            _ => Params::default(),
        };
        Self { method: parts.method, path: parts.uri.path().to_owned(), query, headers: parts.headers, body, form }
    }

    pub(crate) fn is_get(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The content type without parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        media_type(&self.headers)
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

fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
