//! What one issuer remembers; every part has a limit.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::client::Client;
use crate::journal::Journal;
use crate::keys::{Alg, KeyRing};
use crate::params::Params;
use crate::quirks::Memory;
use crate::script::Scripts;
use crate::secret;
use crate::store::Store;

/// Everything an issuer knows. Secrets are kept by their hash, so that the time of a look-up says nothing about them.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) keys: KeyRing,
    /// JWKs that stand in the key set before the good ones.
    pub(crate) extra_keys: Vec<Value>,
    /// Dynamic clients; preset ones are in the configuration.
    pub(crate) clients: Store<Client>,
    pub(crate) pending: Store<Pending>,
    pub(crate) sessions: Store<Session>,
    pub(crate) codes: Store<Code>,
    pub(crate) refresh: Store<Refresh>,
    /// Claims of opaque access tokens.
    pub(crate) opaque: Store<Map<String, Value>>,
    /// Grants that ended, and single access tokens by their `jti`.
    pub(crate) ended: Store<()>,
    /// Used `jti` values of assertions.
    pub(crate) assertions: Store<()>,
    /// Used `jti` values of proofs (RFC 9449 section 11.1), with the key's thumbprint.
    pub(crate) proofs: Store<()>,
    /// What nonces are made of.
    pub(crate) nonce_secret: String,
    /// Pushed authorization requests by the hash of their `request_uri`.
    pub(crate) pushed: Store<Pushed>,
    pub(crate) quirks: Memory,
    pub(crate) scripts: Scripts,
    pub(crate) journal: Journal,
}

impl State {
    pub(crate) fn new(alg: Alg, journal_len: usize) -> Self {
        Self {
            keys: KeyRing::new(alg),
            extra_keys: Vec::new(),
            clients: Store::new(LIMIT),
            pending: Store::new(LIMIT / 10),
            sessions: Store::new(LIMIT / 10),
            codes: Store::new(LIMIT / 10),
            refresh: Store::new(LIMIT),
            opaque: Store::new(LIMIT),
            ended: Store::new(LIMIT),
            assertions: Store::new(LIMIT),
            proofs: Store::new(LIMIT),
            nonce_secret: secret::random(),
            pushed: Store::new(LIMIT / 10),
            quirks: Memory::new(LIMIT),
            scripts: Scripts::default(),
            journal: Journal::new(journal_len),
        }
    }
}

/// What an authorization allows, whichever token stands for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    /// Ties all tokens of one authorization together, to end them at once: the first part of every `jti`.
    pub(crate) id: String,
    /// When the user logged in, in seconds since the epoch; none for a client's own grant.
    pub(crate) auth_time: Option<i64>,
    /// Claims that every access token of it bears on top: `sub` of somebody who is no user here, `act`.
    pub(crate) claims: Map<String, Value>,
    pub(crate) client_id: String,
    pub(crate) nonce: Option<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) scope: String,
    /// The username; none for a client's own grant.
    pub(crate) user: Option<String>,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) challenge: Option<String>,
    /// Thumbprint of the key that has to redeem it (RFC 9449 section 10).
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) expires: i64,
    pub(crate) grant: Grant,
    /// The redirect URI, if the authorization request had one.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) used: bool,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) expires: i64,
    pub(crate) grant: Grant,
    /// Thumbprint of the key that has to use it (RFC 9449 section 5).
    pub(crate) jkt: Option<String>,
    /// When it was rotated away.
    pub(crate) used: Option<i64>,
}

/// A pushed authorization request (RFC 9126).
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) client_id: String,
    pub(crate) expires: i64,
    pub(crate) params: Params,
}

/// A login, by the browser's cookie.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) auth_time: i64,
    /// Client, scope and resources that were allowed.
    pub(crate) consents: HashSet<String>,
    pub(crate) expires: i64,
    pub(crate) user: String,
}

/// An authorization request that waits for its user.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// The cookie of the browser that brought it, hashed: no other may answer.
    pub(crate) browser: String,
    pub(crate) expires: i64,
    /// Whether it waits for a login, even if the browser has one.
    pub(crate) login_due: bool,
    pub(crate) request: AuthRequest,
}

/// A checked authorization request.
#[derive(Clone, Debug)]
pub(crate) struct AuthRequest {
    /// The parameters as they came.
    pub(crate) asked: Params,
    pub(crate) challenge: Option<String>,
    pub(crate) client: Client,
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) login_hint: Option<String>,
    /// The oldest login that will do, in seconds (OpenID Connect Core section 3.1.2.1).
    pub(crate) max_age: Option<i64>,
    pub(crate) nonce: Option<String>,
    pub(crate) prompt: Vec<String>,
    /// Where the answer goes, and whether the request said so itself.
    pub(crate) redirect_uri: String,
    pub(crate) redirect_given: bool,
    pub(crate) resources: Vec<String>,
    pub(crate) scope: String,
}

/// How many of each kind an issuer remembers.
const LIMIT: usize = 10_000;
