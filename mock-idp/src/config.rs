//! What an issuer does by default, and every way to make it different.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::keys::Alg;
use crate::quirks::Quirks;
use crate::settings::{
    ApiSettings, AssertionSettings, DpopSettings, ExchangeSettings, IntrospectionSettings, ParSettings, TrustedIssuer,
};

/// How the provider starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 picks a free one.
    pub addr: SocketAddr,
    /// Serves the control API below `/.control/`: whoever reaches the port then rules the provider.
    pub control: bool,
    /// What every issuer starts with.
    pub defaults: IssuerConfig,
    /// Received requests that each issuer remembers.
    pub journal_len: usize,
    /// An issuer whose path begins with the name of a personality has it: `/entra/tenant/v2.0`.
    pub personalities: bool,
    /// The base of every issuer's URL when something stands in front, without a trailing slash; else `http://ADDR`, or
    /// `https://ADDR` with [`tls`](Self::tls).
    pub public_url: Option<String>,
    /// Speaks https and nothing else, with a certificate for `addr` and loopback of an authority made at the start.
    pub tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            control: false,
            defaults: IssuerConfig::default(),
            journal_len: 1000,
            personalities: false,
            public_url: None,
            tls: false,
        }
    }
}

/// One issuer's settings. Times are in seconds.
///
/// The default needs no configuration: any client that was never registered is taken with any credentials and any
/// redirect URI, any scope is granted. A client that is registered, by [`clients`](Self::clients) or dynamically, is held
/// to its registration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct IssuerConfig {
    /// What access tokens look like.
    pub access_format: AccessFormat,
    /// Lifetime of access tokens and ID tokens.
    pub access_ttl: u64,
    /// Signature algorithm of tokens. Changing it starts a new key set.
    pub alg: Alg,
    /// Grants any well-formed scope instead of those in `scopes`.
    pub any_scope: bool,
    /// The API that stands for a service behind a resource server.
    pub api: ApiSettings,
    /// How strict assertions (RFC 7523) are read.
    pub assertions: AssertionSettings,
    /// Approves as `login_hint` or the first user, without any page.
    pub auto_approve: bool,
    /// Preset clients.
    pub clients: Vec<Client>,
    /// Lifetime of authorization codes (OAuth 2.1 section 4.1.2: ten minutes at most).
    pub code_ttl: u64,
    /// Dynamic client registration (RFC 7591).
    pub dcr: bool,
    /// `aud` of access tokens when no `resource` was asked for; left out: the issuer itself.
    pub default_audience: Option<String>,
    /// What a request without `scope` gets.
    pub default_scope: String,
    /// Scopes with one of these in their name are granted to nobody, whatever [`any_scope`](Self::any_scope) says.
    pub denied_scopes: Vec<String>,
    /// Proofs of possession (RFC 9449).
    pub dpop: DpopSettings,
    /// Token exchange (RFC 8693).
    pub exchange: ExchangeSettings,
    /// Introspection (RFC 7662).
    pub introspection: IntrospectionSettings,
    /// Sends `iss` in authorization responses and says so in the metadata (RFC 9207).
    pub iss_in_response: bool,
    /// Clients that register may name any redirect URI, use PKCE as they like and refresh: for whoever watches what clients do,
    /// and wants to see it to its end.
    pub lenient_clients: bool,
    /// JSON Merge Patch (RFC 7396) over the published metadata: `null` removes a member.
    pub metadata: Map<String, Value>,
    /// Pushed authorization requests (RFC 9126).
    pub par: ParSettings,
    /// What real providers do otherwise.
    pub quirks: Quirks,
    /// How refresh tokens behave.
    pub refresh: RefreshPolicy,
    /// Grace time in which a rotated refresh token still works, for clients that lost an answer.
    pub refresh_grace: u64,
    /// Gives refresh tokens only for `offline_access` (OpenID Connect Core section 11).
    pub refresh_needs_offline_access: bool,
    /// Idle lifetime of refresh tokens.
    pub refresh_ttl: u64,
    /// Skips the consent page when this browser already allowed the client the same scopes and resources.
    pub remember_consent: bool,
    /// Requires PKCE of registered clients; a client can be excused with [`Client::pkce_optional`].
    pub require_pkce: bool,
    /// What `resource` (RFC 8707) may name.
    pub resources: ResourcePolicy,
    /// Scopes that the metadata lists.
    pub scopes: Vec<String>,
    /// Lifetime of a login in a browser.
    pub session_ttl: u64,
    /// Ends the issuer identifier with a slash.
    pub trailing_slash: bool,
    /// Issuers whose tokens are taken in token exchange and as assertions of the jwt-bearer grant (RFC 7523 section 2.1).
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// Takes clients that nobody registered, with any secret, any redirect URI, and PKCE only if they want it.
    pub unknown_clients: bool,
    /// Whoever logs in exists: with the password `password`, the subject `user-NAME` and no claims of their own.
    pub unknown_users: bool,
    /// Who can log in.
    pub users: Vec<User>,
}

impl Default for IssuerConfig {
    fn default() -> Self {
        Self {
            access_format: AccessFormat::default(),
            access_ttl: 600,
            alg: Alg::default(),
            any_scope: true,
            api: ApiSettings::default(),
            assertions: AssertionSettings::default(),
            auto_approve: false,
            clients: vec![Client::upstream()],
            code_ttl: 60,
            dcr: true,
            default_audience: None,
            default_scope: "openid".to_owned(),
            denied_scopes: Vec::new(),
            dpop: DpopSettings::default(),
            exchange: ExchangeSettings::default(),
            introspection: IntrospectionSettings::default(),
            iss_in_response: true,
            lenient_clients: false,
            metadata: Map::new(),
            par: ParSettings::default(),
            quirks: Quirks::default(),
            refresh: RefreshPolicy::default(),
            refresh_grace: 0,
            refresh_needs_offline_access: false,
            refresh_ttl: 30 * 24 * 3600,
            remember_consent: true,
            require_pkce: true,
            resources: ResourcePolicy::default(),
            scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
            session_ttl: 8 * 3600,
            trailing_slash: false,
            trusted_issuers: Vec::new(),
            unknown_clients: true,
            unknown_users: false,
            users: ["alice", "bob"].map(User::new).to_vec(),
        }
    }
}

impl IssuerConfig {
    /// The user of that name, if there is one or may be any.
    pub(crate) fn user(&self, username: &str) -> Option<User> {
        let known = self.users.iter().find(|user| user.username == username).cloned();
        let stranger = self.unknown_users && !username.is_empty();
        known.or_else(|| stranger.then(|| User::new(username)))
    }
}

/// What access tokens look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessFormat {
    /// A JWT of RFC 9068.
    #[default]
    Jwt,
    /// A random string: the resource server has to introspect it (RFC 7662). The latest ten thousand are remembered.
    Opaque,
}

/// How refresh tokens behave.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshPolicy {
    /// The same token works until it expires.
    Keep,
    /// None are given.
    Never,
    /// Each use gives a new one; using an old one ends the grant (OAuth 2.1 section 4.3.1).
    #[default]
    Rotate,
    /// Each use gives a new one; the old ones just stop working.
    RotateOnly,
}

/// What `resource` may name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourcePolicy {
    /// Any absolute URI without fragment.
    #[default]
    Any,
    /// The parameter changes nothing: tokens are for the default audience.
    Ignore,
    /// These only; anything else is `invalid_target`.
    Only(Vec<String>),
    /// Any use of the parameter is `invalid_target`.
    Refuse,
}

/// Someone who can log in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct User {
    /// Claims for the ID token and userinfo, whatever the scope; they win over the ones that a scope opens.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// What is typed into the login form.
    pub password: String,
    /// Subject identifier.
    pub sub: String,
    /// What is typed into the login form.
    pub username: String,
}

impl User {
    /// A user whose subject is `user-NAME` and whose password is `password`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            claims: Map::new(),
            password: "password".to_owned(),
            sub: format!("user-{name}"),
            username: name.to_owned(),
        }
    }
}
