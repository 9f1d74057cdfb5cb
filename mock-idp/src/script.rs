//! What an endpoint answers next, instead of or on top of the truth.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::OAuthError;
use crate::jose::merge;
use crate::mint::object;
use crate::reply::Reply;
use crate::request::Request;

/// Where a script applies, and where a request went.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// The redirect that carries `code` or `error` to the client, whichever endpoint sends it. No request goes there.
    AuthorizationResponse,
    /// Authorization endpoint (RFC 6749 section 3.1).
    Authorize,
    /// The consent page and its form.
    Consent,
    /// Introspection endpoint (RFC 7662).
    Introspect,
    /// JWK Set (RFC 7517).
    Jwks,
    /// Where the login form goes; its page is the authorization endpoint's.
    Login,
    /// Either metadata document, at any of its places (RFC 8414, OpenID Connect Discovery).
    Metadata,
    /// Registration endpoint (RFC 7591).
    Register,
    /// Revocation endpoint (RFC 7009).
    Revoke,
    /// Token endpoint (RFC 6749 section 3.2).
    Token,
    /// Userinfo endpoint (OpenID Connect Core section 5.3).
    Userinfo,
}

/// How often something scripted applies.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// Until it is cleared.
    Forever,
    /// That many times.
    N(u32),
}

impl Default for Times {
    fn default() -> Self {
        Self::N(1)
    }
}

impl Times {
    /// Uses one up; says whether that was the last.
    pub(crate) fn spend(&mut self) -> bool {
        match self {
            Self::Forever => false,
            Self::N(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
        }
    }
}

/// A scripted answer. With `status`, `error` or `body` it replaces the honest one (the endpoint does nothing); otherwise the
/// honest answer is made and then changed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// The body to send.
    pub body: Option<AnswerBody>,
    /// Drops the connection after so many bytes of the answer, headers included; 0: no answer at all.
    pub cut_after: Option<usize>,
    /// Milliseconds before the answer.
    pub delay_ms: u64,
    /// Milliseconds between pieces of the body: an answer that trickles.
    pub drip_ms: u64,
    /// `error` code, sent as this endpoint sends errors (JSON, or a redirect with `state` and `iss`).
    pub error: Option<String>,
    /// `error_description` beside it.
    pub error_description: Option<String>,
    /// Headers to set; `None` removes one.
    pub headers: Vec<(String, Option<String>)>,
    /// JSON Merge Patch (RFC 7396) over a JSON answer.
    pub merge: Map<String, Value>,
    /// Query parameters of a redirect to set; `None` removes one.
    pub query: BTreeMap<String, Option<String>>,
    /// Status code.
    pub status: Option<u16>,
    /// How often.
    pub times: Times,
    /// Only for requests with these query or form parameters.
    pub when: BTreeMap<String, String>,
    /// Only for requests whose path contains this text.
    pub when_path: Option<String>,
}

/// A scripted body.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerBody {
    /// Raw bytes, without a content type.
    Bytes(Vec<u8>),
    /// The same piece again and again, for as long as anybody reads.
    Endless(String),
    /// JSON.
    Json(Value),
    /// Text, as `text/plain`.
    Text(String),
}

impl Answer {
    /// An empty answer with a status.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// An OAuth error.
    pub fn error(code: &str) -> Self {
        Self { error: Some(code.to_owned()), ..Self::default() }
    }

    /// 200 with a JSON body.
    pub fn json(body: Value) -> Self {
        Self { body: Some(AnswerBody::Json(body)), ..Self::default() }
    }

    /// 200 with a text body.
    pub fn text(body: &str) -> Self {
        Self { body: Some(AnswerBody::Text(body.to_owned())), ..Self::default() }
    }

    /// The honest JSON answer with a merge patch over it: `null` removes a member.
    pub fn merge(patch: Value) -> Self {
        Self { merge: object(patch), ..Self::default() }
    }

    /// The honest redirect with a query parameter set or, for `None`, removed.
    pub fn query(name: &str, value: Option<&str>) -> Self {
        Self::default().and_query(name, value)
    }

    /// No answer: the connection is closed.
    pub fn dropped() -> Self {
        Self { cut_after: Some(0), ..Self::default() }
    }

    /// The honest answer, late.
    pub fn delayed(by: std::time::Duration) -> Self {
        Self { delay_ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX), ..Self::default() }
    }

    /// Sets another query parameter of the redirect.
    #[must_use]
    pub fn and_query(mut self, name: &str, value: Option<&str>) -> Self {
        self.query.insert(name.to_owned(), value.map(str::to_owned));
        self
    }

    /// Sets a status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Removes a header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.push((name.to_owned(), None));
        self
    }

    /// Only for requests with this query or form parameter.
    #[must_use]
    pub fn when(mut self, name: &str, value: &str) -> Self {
        self.when.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Only for requests whose path contains this text.
    #[must_use]
    pub fn when_path(mut self, text: &str) -> Self {
        self.when_path = Some(text.to_owned());
        self
    }

    /// So many times.
    #[must_use]
    pub fn times(mut self, n: u32) -> Self {
        self.times = Times::N(n);
        self
    }

    /// Until the scripts are cleared.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = Times::Forever;
        self
    }

    fn concerns(&self, request: &Request) -> bool {
        let has = |name: &String, value: &String| {
            [&request.query, &request.form].iter().any(|params| params.all(name).any(|one| one == value))
        };
        self.when.iter().all(|(name, value)| has(name, value))
            && self.when_path.as_ref().is_none_or(|text| request.path.contains(text))
    }

    /// The error this answer stands for, if it is nothing but an error.
    pub(crate) fn oauth_error(&self) -> Option<OAuthError> {
        let code = self.error.as_deref()?;
        let description = self.error_description.as_deref().unwrap_or("scripted");
        let mut error = match code {
            "invalid_client" => OAuthError::invalid_client(description),
            "invalid_token" => OAuthError::bearer(StatusCode::UNAUTHORIZED, code, description),
            _ => OAuthError::new(code, description),
        };
        if let Some(status) = self.status.and_then(|status| StatusCode::from_u16(status).ok()) {
            error.status = status;
        }
        Some(error)
    }

    /// What to answer without asking the endpoint, or `None` if the endpoint is to be asked.
    pub(crate) fn replacement(&self) -> Option<Reply> {
        if self.status.is_none() && self.error.is_none() && self.body.is_none() {
            return None;
        }
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
        let reply = match (&self.body, self.oauth_error()) {
            (None, Some(error)) => error.reply(),
            (None, None) => Reply::empty(status),
            (Some(AnswerBody::Bytes(bytes)), _) => {
                Reply { body: Bytes::copy_from_slice(bytes), ..Reply::empty(status) }
            }
            (Some(AnswerBody::Endless(piece)), _) => Reply { body: Bytes::from(piece.clone()), ..Reply::empty(status) }
                .header(CONTENT_TYPE, "application/json"),
            (Some(AnswerBody::Json(json)), _) => Reply::json(status, json),
            (Some(AnswerBody::Text(text)), _) => Reply { body: Bytes::from(text.clone()), ..Reply::empty(status) }
                .header(CONTENT_TYPE, "text/plain; charset=utf-8"),
        };
        Some(reply)
    }

    /// Changes an answer that is already made.
    pub(crate) fn alter(&self, mut reply: Reply) -> Reply {
        if !self.merge.is_empty()
            && let Ok(Value::Object(mut body)) = serde_json::from_slice(&reply.body)
        {
            merge(&mut body, &self.merge);
            reply.body = Bytes::from(Value::Object(body).to_string());
        }
        self.alter_location(&mut reply);
        for (name, value) in &self.headers {
            let Ok(name) = HeaderName::try_from(name.as_str()) else { continue };
            match value.as_ref().map(|value| HeaderValue::from_bytes(value.as_bytes())) {
                None => drop(reply.headers.remove(name)),
                Some(Ok(value)) => drop(reply.headers.insert(name, value)),
                Some(Err(_)) => {}
            }
        }
        reply
    }

    /// Changes the redirect to the client; an `error` takes the place of the code.
    pub(crate) fn on_authorization_response(&self, reply: Reply) -> Reply {
        let mut script = self.clone();
        if let Some(error) = &self.error {
            script.query.insert("code".to_owned(), None);
            script.query.insert("error".to_owned(), Some(error.clone()));
            script.query.insert("error_description".to_owned(), self.error_description.clone());
        }
        script.alter(reply)
    }

    fn alter_location(&self, reply: &mut Reply) {
        let Some(location) = reply.headers.get(LOCATION).and_then(|value| value.to_str().ok()) else { return };
        if self.query.is_empty() {
            return;
        }
        let (base, query) = location.split_once('?').unwrap_or((location, ""));
        let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !self.query.contains_key(name.as_ref()));
        let set = self.query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).extend_pairs(set).finish();
        if let Ok(value) = HeaderValue::from_str(&format!("{base}?{query}")) {
            reply.headers.insert(LOCATION, value);
        }
    }
}

/// The scripted answers of one issuer, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Scripts(VecDeque<(Endpoint, Answer)>);

impl Scripts {
    /// Adds an answer; beyond the limit the oldest is forgotten.
    pub(crate) fn push(&mut self, endpoint: Endpoint, answer: Answer) {
        if self.0.len() >= MAX_SCRIPTS {
            self.0.pop_front();
        }
        self.0.push_back((endpoint, answer));
    }

    /// The first answer that concerns the request, used up by one.
    pub(crate) fn take(&mut self, endpoint: Endpoint, request: &Request) -> Option<Answer> {
        let position = self.0.iter().position(|(at, answer)| *at == endpoint && answer.concerns(request))?;
        let (_, answer) = self.0.get_mut(position)?;
        let taken = answer.clone();
        if answer.times.spend() {
            self.0.remove(position);
        }
        Some(taken)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

const MAX_SCRIPTS: usize = 1000;
