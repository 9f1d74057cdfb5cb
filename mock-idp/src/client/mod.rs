//! Clients: what was registered for them, and how they prove who they are.

mod assertion;
mod auth;
pub(crate) mod redirect;

pub(crate) use auth::{authenticate, claimed_id, credential_methods, named, offers_credential};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::IssuerConfig;

/// A registered client (RFC 7591 section 2).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    /// Accepts every loopback redirect URI instead of `redirect_uris`.
    pub any_loopback_redirect: bool,
    /// Accepts every redirect URI that runs nothing: of a proxy that answers its own clients by way of this one.
    pub any_redirect: bool,
    /// Lets the client use PKCE as it likes: with `plain`, with a short verifier, or not at all.
    pub any_pkce: bool,
    /// Identifiers of the resource servers that the client runs: it may exchange tokens that are for them.
    pub audiences: Vec<String>,
    /// How it authenticates at the token endpoint.
    pub auth: ClientAuth,
    /// `dpop_bound_access_tokens` (RFC 9449 section 5.2): every token request needs a proof.
    pub dpop_bound: bool,
    /// What it may ask the token endpoint for; empty: every grant the issuer has.
    pub grant_types: Vec<String>,
    /// `client_id`.
    pub id: String,
    /// Keys for `private_key_jwt` (a JWK Set).
    pub jwks: Option<Value>,
    /// `client_name`, as shown on the consent page.
    pub name: Option<String>,
    /// Excuses the client from PKCE.
    pub pkce_optional: bool,
    /// Where answers may go.
    pub redirect_uris: Vec<String>,
    /// `require_pushed_authorization_requests` (RFC 9126 section 6).
    pub require_par: bool,
    /// Registered `scope`: what a request without one gets, and the most it can get. Left out: anything the issuer has.
    pub scope: Option<String>,
    /// `client_secret`, for the methods that need one.
    pub secret: Option<String>,
}

impl Client {
    /// A confidential client, by either secret method.
    #[must_use]
    pub fn confidential(id: &str, secret: &str, redirect_uris: &[&str]) -> Self {
        Self { auth: ClientAuth::Secret, secret: Some(secret.to_owned()), ..Self::public(id, redirect_uris) }
    }

    /// A public client.
    #[must_use]
    pub fn public(id: &str, redirect_uris: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// A client of RFC 7523 section 2.2 that signs with one of these keys (a JWK Set).
    #[must_use]
    pub fn with_keys(id: &str, jwks: Value, redirect_uris: &[&str]) -> Self {
        Self { auth: ClientAuth::PrivateKeyJwt, jwks: Some(jwks), ..Self::public(id, redirect_uris) }
    }

    /// `mcp-upstream` / `secret`: the client that every issuer knows, for proxies that need a fixed registration upstream.
    ///
    /// Any loopback redirect URI; PKCE is checked if used. What a proxy leaves out is for a test to notice, in the journal.
    #[must_use]
    pub fn upstream() -> Self {
        Self {
            any_loopback_redirect: true,
            name: Some("MCP upstream".to_owned()),
            pkce_optional: true,
            ..Self::confidential("mcp-upstream", "secret", &[])
        }
    }

    /// The stand-in for a client that nobody registered.
    pub(crate) fn anyone(id: &str) -> Self {
        Self { id: id.to_owned(), auth: ClientAuth::Anything, pkce_optional: true, ..Self::default() }
    }

    /// The name to show, or the id.
    pub(crate) fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.is_empty() || self.grant_types.iter().any(|known| known == grant_type)
    }

    pub(crate) fn needs_pkce(&self, config: &IssuerConfig) -> bool {
        config.require_pkce && !self.pkce_optional && !self.any_pkce
    }
}

/// How a client authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum ClientAuth {
    /// Whatever it sends, right or wrong: a client that nobody registered.
    #[serde(rename = "anything")]
    Anything,
    /// HTTP Basic only.
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// A public client.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Secret in the body only.
    #[serde(rename = "client_secret_post")]
    Post,
    /// A signed assertion (RFC 7523 section 2.2).
    #[serde(rename = "private_key_jwt")]
    PrivateKeyJwt,
    /// Secret by Basic or in the body.
    #[serde(rename = "client_secret")]
    Secret,
}
