//! Refusals in the words of RFC 6749 section 5.2 and its relatives.

use http::StatusCode;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use serde_json::json;

use crate::reply::Reply;

/// An error answer: status, `error`, `error_description`, and a header where one is due.
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) description: String,
    pub(crate) header: Option<(HeaderName, String)>,
    /// Whether the redirect URI is what is wrong with a token request: some providers have a code of their own for it.
    pub(crate) of_redirect_uri: bool,
}

impl OAuthError {
    pub(crate) fn new(code: &str, description: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.to_owned(),
            description: description.to_owned(),
            header: None,
            of_redirect_uri: false,
        }
    }

    pub(crate) fn access_denied(description: &str) -> Self {
        Self::new("access_denied", description)
    }

    /// 401 with a challenge, also when no `Authorization` header was sent: it names the scheme that works.
    pub(crate) fn invalid_client(description: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            header: Some((WWW_AUTHENTICATE, "Basic realm=\"mock-idp\", charset=\"UTF-8\"".to_owned())),
            ..Self::new("invalid_client", description)
        }
    }

    pub(crate) fn invalid_grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(crate) fn invalid_metadata(description: &str) -> Self {
        Self::new("invalid_client_metadata", description)
    }

    pub(crate) fn invalid_request(description: &str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn invalid_scope(description: &str) -> Self {
        Self::new("invalid_scope", description)
    }

    pub(crate) fn invalid_target(description: &str) -> Self {
        Self::new("invalid_target", description)
    }

    pub(crate) fn unauthorized_client(description: &str) -> Self {
        Self::new("unauthorized_client", description)
    }

    /// A refusal at a bearer-protected endpoint (RFC 6750 section 3).
    pub(crate) fn bearer(status: StatusCode, code: &str, description: &str) -> Self {
        let challenge = format!("Bearer realm=\"mock-idp\", error=\"{code}\", error_description=\"{description}\"");
        Self { status, header: Some((WWW_AUTHENTICATE, challenge)), ..Self::new(code, description) }
    }

    pub(crate) fn reply(&self) -> Reply {
        let body = json!({ "error": self.code, "error_description": self.description });
        let reply = Reply::json(self.status, &body);
        match &self.header {
            None => reply,
            Some((name, value)) => reply.header(name.clone(), value),
        }
    }
}
