//! The settings of single grants and endpoints: token exchange, assertions, proofs of possession, introspection, pushed
//! requests, the API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The API at `ISSUER/api`: a service behind a resource server.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiSettings {
    /// Audiences that it takes beside its own URL.
    pub audiences: Vec<String>,
    /// Scope without which it answers 403.
    pub scope: Option<String>,
}

/// How strictly assertions of RFC 7523 are read, as client authentication and as a grant.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AssertionSettings {
    /// Takes the same assertion again until it expires.
    pub allow_replay: bool,
    /// Takes assertions without `jti`.
    pub allow_no_jti: bool,
    /// Takes only the issuer identifier as `aud`, not the token endpoint's URL.
    pub issuer_only: bool,
}

/// Proofs of possession (RFC 9449).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DpopSettings {
    /// Takes proofs and says so in the metadata.
    pub enabled: bool,
    /// Wants a nonce in every proof (sections 8 and 9).
    pub nonce: bool,
    /// How long a nonce is given out, in seconds; it is taken for twice as long.
    pub nonce_ttl: u64,
    /// Gives tokens to nobody without a proof.
    pub required: bool,
    /// How far `iat` may be from now, in seconds.
    pub window: u64,
}

impl Default for DpopSettings {
    fn default() -> Self {
        Self { enabled: true, nonce: false, nonce_ttl: 300, required: false, window: 300 }
    }
}

/// Token exchange (RFC 8693). The default takes every confidential client and every target.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExchangeSettings {
    /// Takes actor tokens: delegation (section 1.1).
    pub actors: bool,
    /// `audience` chooses among those that the client's tokens have anyway ([`audiences`](crate::Client::audiences) of the client and
    /// the default one); any other is `invalid_request`.
    pub audience_filters: bool,
    /// Names the client as the actor when no actor token is sent.
    pub client_as_actor: bool,
    /// Has the grant at all.
    pub enabled: bool,
    /// Clients that may name somebody by `requested_subject`, with a token of their own as the subject token.
    pub impersonators: Vec<String>,
    /// Takes a subject token only from a client that it concerns: `client_id`, `azp`, or in `aud` the client or one of its
    /// [`audiences`](crate::Client::audiences).
    pub only_concerned: bool,
    /// The new token has what the client may have, whatever the scope of the subject token.
    pub own_scope: bool,
    /// Takes clients that do not authenticate.
    pub public_clients: bool,
    /// Answers a request for more scope than the subject token has with less, instead of `invalid_scope`.
    pub reduce_scope: bool,
    /// What can be asked for.
    pub requested_types: Vec<TokenType>,
    /// What can be exchanged.
    pub subject_types: Vec<TokenType>,
    /// What `audience` and `resource` may name, anything else is `invalid_target`; empty: anything.
    pub targets: Vec<ExchangeTarget>,
}

impl Default for ExchangeSettings {
    fn default() -> Self {
        use TokenType::{Access, Id, IdJag, Jwt, Refresh};
        Self {
            actors: true,
            audience_filters: false,
            client_as_actor: false,
            enabled: true,
            impersonators: Vec::new(),
            only_concerned: false,
            own_scope: false,
            public_clients: false,
            reduce_scope: false,
            requested_types: vec![Access, Id, IdJag, Jwt],
            subject_types: vec![Access, Id, Jwt, Refresh],
            targets: Vec::new(),
        }
    }
}

/// Somebody a token can be exchanged for.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExchangeTarget {
    /// What `audience` or `resource` calls it.
    pub audience: String,
    /// `client_id` of the asking client there, for an ID-JAG, by its id here; left out: the same.
    pub client_ids: BTreeMap<String, String>,
    /// Who may ask for it; empty: everybody.
    pub clients: Vec<String>,
    /// What `resource` may be beside it; empty: anything.
    pub resources: Vec<String>,
    /// The scope there is for it; left out: any.
    pub scope: Option<String>,
}

/// Introspection (RFC 7662).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct IntrospectionSettings {
    /// The audiences that a client stands for, by its id: to such a resource server a token for none of them is not
    /// active (section 4), nor is a refresh token. `*` stands for all clients that are not named; without it they hear of
    /// every token.
    pub audiences: BTreeMap<String, Vec<String>>,
}

/// Pushed authorization requests (RFC 9126).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ParSettings {
    /// Has the endpoint and says so in the metadata.
    pub enabled: bool,
    /// Takes no authorization request that was not pushed (section 5).
    pub required: bool,
    /// Lifetime of a `request_uri` in seconds.
    pub ttl: u64,
}

impl Default for ParSettings {
    fn default() -> Self {
        Self { enabled: true, required: false, ttl: 60 }
    }
}

/// A type of token of RFC 8693 section 3, or of the identity assertion draft.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenType {
    /// An access token.
    #[default]
    Access,
    /// An ID token.
    Id,
    /// An identity assertion authorization grant.
    IdJag,
    /// A JWT, whatever it is for.
    Jwt,
    /// A refresh token.
    Refresh,
}

impl TokenType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Access, Self::Id, Self::IdJag, Self::Jwt, Self::Refresh];

    /// Its identifier.
    #[must_use]
    pub fn urn(self) -> &'static str {
        match self {
            Self::Access => "urn:ietf:params:oauth:token-type:access_token",
            Self::Id => "urn:ietf:params:oauth:token-type:id_token",
            Self::IdJag => "urn:ietf:params:oauth:token-type:id-jag",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::Refresh => "urn:ietf:params:oauth:token-type:refresh_token",
        }
    }

    /// The type of that identifier.
    #[must_use]
    pub fn parse(urn: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.urn() == urn)
    }
}

/// An issuer whose tokens are believed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustedIssuer {
    /// Its identifier.
    pub issuer: String,
    /// Its keys (a JWK Set); left out: it is another issuer of this provider.
    pub jwks: Option<Value>,
    /// The subjects that may use the jwt-bearer grant; empty: all.
    pub subjects: Vec<String>,
}

impl TrustedIssuer {
    /// Another issuer of this provider, with all its subjects.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), ..Self::default() }
    }
}
