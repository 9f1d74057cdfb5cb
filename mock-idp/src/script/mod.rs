//! Scripted answers: what an endpoint does next instead of its duty.

mod apply;
mod json;
mod queue;

use std::time::Duration;

pub(crate) use queue::Scripts;
use serde_json::{Map, Value};

use crate::jose::{Sign, Unsigned, merge};
use crate::keys::Alg;

/// A place that can be scripted, and that the journal names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// The API that stands for a service behind a resource server: `/api`, and any path below it.
    Api,
    /// The authorization endpoint; a script with [`Answer::redirect`] waits for the authorization response, wherever the
    /// user's way through the pages ends.
    Authorize,
    /// The consent form.
    Consent,
    /// OpenID Connect discovery: `/.well-known/openid-configuration`.
    Discovery,
    /// Introspection (RFC 7662).
    Introspect,
    /// The key set.
    Jwks,
    /// The login form.
    Login,
    /// Authorization server metadata (RFC 8414): `/.well-known/oauth-authorization-server`.
    Metadata,
    /// Pushed authorization requests (RFC 9126).
    Par,
    /// Dynamic client registration (RFC 7591).
    Register,
    /// Revocation (RFC 7009).
    Revoke,
    /// The token endpoint.
    Token,
    /// What Google has in place of introspection; only where a personality gives it a path.
    Tokeninfo,
    /// The userinfo endpoint.
    Userinfo,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 14] = [
        Self::Api,
        Self::Authorize,
        Self::Consent,
        Self::Discovery,
        Self::Introspect,
        Self::Jwks,
        Self::Login,
        Self::Metadata,
        Self::Par,
        Self::Register,
        Self::Revoke,
        Self::Token,
        Self::Tokeninfo,
        Self::Userinfo,
    ];

    /// Its name in scripts and the journal; for most also the last segment of its path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Authorize => "authorize",
            Self::Consent => "consent",
            Self::Discovery => "discovery",
            Self::Introspect => "introspect",
            Self::Jwks => "jwks",
            Self::Login => "login",
            Self::Metadata => "metadata",
            Self::Par => "par",
            Self::Register => "register",
            Self::Revoke => "revoke",
            Self::Token => "token",
            Self::Tokeninfo => "tokeninfo",
            Self::Userinfo => "userinfo",
        }
    }

    /// The endpoint of that name.
    ///
    /// # Errors
    /// Nothing is called so; names the nearest one.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|endpoint| endpoint.name() == name);
        found.ok_or_else(|| json::unknown("an endpoint", name, &Self::ALL.map(Self::name)))
    }
}

/// What an endpoint does with a request instead of, or on top of, its honest answer. The default changes nothing.
///
/// `body`, `error`, and a `status` without `merge` or `keys`, take the place of the honest answer; everything else changes
/// it. Built from JSON by [`Answer::from_json`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Changes the access token of a token response.
    pub access_token: Option<TokenChange>,
    /// The body.
    pub body: Option<AnswerBody>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Breaks the connection after so many bytes of the answer, headers included; 0: before the first.
    pub cut_after: Option<usize>,
    /// How long to wait before anything else.
    pub delay: Duration,
    /// An OAuth error, as the endpoint sends errors: by redirect, as JSON, with a challenge, or as a page.
    pub error: Option<String>,
    /// Its description.
    pub error_description: Option<String>,
    /// Headers to set; none removes one.
    pub headers: Vec<(String, Option<String>)>,
    /// Makes the body longer by so many bytes; a JSON object gets them in a member, and stays good.
    pub huge: usize,
    /// Changes the ID token of a token response.
    pub id_token: Option<TokenChange>,
    /// JWKs that stand in the key set before the good ones.
    pub keys: Vec<Value>,
    /// JSON Merge Patch (RFC 7396) over a JSON answer: `null` removes a member.
    pub merge: Map<String, Value>,
    /// Changes the authorization response.
    pub redirect: Option<Redirect>,
    /// The status.
    pub status: Option<u16>,
    /// For how many requests.
    pub times: Times,
    /// Only for requests with these query or form parameters.
    pub when: Vec<(String, String)>,
}

/// The body of a scripted answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerBody {
    /// JSON.
    Json(Value),
    /// Text; sent as HTML if it begins with `<`.
    Text(String),
}

/// For how many requests a script is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Times {
    /// Until the scripts are cleared.
    Forever,
    /// So many.
    N(u32),
}

impl Default for Times {
    fn default() -> Self {
        Self::N(1)
    }
}

/// Changes to the authorization response (RFC 6749 section 4.1.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Redirect {
    /// Replaces the code by one of another transaction of the same client: another user, `nonce` and `code_challenge`.
    pub other_code: bool,
    /// Parameters to set; none removes one.
    pub params: Vec<(String, Option<String>)>,
    /// Another place to go to, instead of the redirect URI.
    pub to: Option<String>,
}

/// Changes to an issued token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenChange {
    /// Signs by this algorithm.
    pub alg: Option<Alg>,
    /// JSON Merge Patch (RFC 7396) over the claims: `null` removes one.
    pub claims: Map<String, Value>,
    /// JSON Merge Patch over the header; it wins over `alg`, `kid` and `typ`.
    pub header: Map<String, Value>,
    /// Payload text instead of the claims.
    pub payload: Option<String>,
    /// Who signs instead.
    pub sign: Option<Sign>,
    /// `exp`, in seconds from now; negative for an expired token.
    pub ttl: Option<i64>,
}

impl TokenChange {
    pub(crate) fn apply(&self, now: i64, token: &mut Unsigned) {
        self.apply_to_claims(now, &mut token.claims);
        // The header stays a patch: it has to win over what signing puts there, and null has to remove it.
        token.header.extend(self.header.clone());
        token.payload = self.payload.clone().or(token.payload.take());
        token.sign = self.sign.clone().unwrap_or_else(|| token.sign.clone());
        token.alg = self.alg.or(token.alg);
    }

    pub(crate) fn apply_to_claims(&self, now: i64, claims: &mut Map<String, Value>) {
        if let Some(ttl) = self.ttl {
            claims.insert("exp".to_owned(), now.saturating_add(ttl).into());
        }
        merge(claims, &self.claims);
    }
}

impl Answer {
    /// An answer with nothing but a status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// An OAuth error.
    #[must_use]
    pub fn error(code: &str) -> Self {
        Self { error: Some(code.to_owned()), ..Self::default() }
    }

    /// The honest answer, late.
    #[must_use]
    pub fn delayed(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// A connection that closes without an answer.
    #[must_use]
    pub fn dropped() -> Self {
        Self { cut_after: Some(0), ..Self::default() }
    }

    /// This for so many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Times::N(times), ..self }
    }

    /// This for every request from now on.
    #[must_use]
    pub fn forever(self) -> Self {
        Self { times: Times::Forever, ..self }
    }

    /// Whether it makes sense at an endpoint.
    ///
    /// # Errors
    /// A part of it belongs elsewhere; says where.
    pub fn fits(&self, endpoint: Endpoint) -> Result<(), String> {
        let parts = [
            ("access-token", self.access_token.is_some(), Endpoint::Token),
            ("id-token", self.id_token.is_some(), Endpoint::Token),
            ("keys", !self.keys.is_empty(), Endpoint::Jwks),
            ("redirect", self.redirect.is_some(), Endpoint::Authorize),
        ];
        match parts.into_iter().find(|(_, given, place)| *given && *place != endpoint) {
            None => Ok(()),
            Some((part, _, place)) => {
                Err(format!("`{part}` belongs to the endpoint `{}`, not to `{}`", place.name(), endpoint.name()))
            }
        }
    }
}
