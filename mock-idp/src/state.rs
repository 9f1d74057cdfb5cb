//! What one issuer remembers; every part has a limit.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::authorize::AuthorizationRequest;
use crate::client::{Client, Registration};
use crate::config::IssuerConfig;
use crate::journal::Journal;
use crate::keys::KeyRing;
use crate::mint::TokenPatch;
use crate::script::Scripts;
use crate::store::Store;

/// Everything an issuer knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Arc<IssuerConfig>,
    pub(crate) keys: KeyRing,
    /// Dynamic clients; preregistered ones are in the configuration.
    pub(crate) clients: Store<(Client, Registration)>,
    pub(crate) transactions: Store<Transaction>,
    pub(crate) sessions: Store<Session>,
    pub(crate) codes: Store<Code>,
    pub(crate) grants: Store<Grant>,
    /// By hash of the token, so that the map's lookup time says nothing about it.
    pub(crate) access: Store<Access>,
    pub(crate) refresh: Store<Refresh>,
    pub(crate) failures: Store<Failures>,
    /// Used `jti` values of client assertions.
    pub(crate) assertions: Store<()>,
    pub(crate) scripts: Scripts,
    pub(crate) patches: VecDeque<TokenPatch>,
    pub(crate) journal: Journal,
}

impl State {
    pub(crate) fn new(config: IssuerConfig, journal_len: usize) -> Self {
        Self {
            keys: KeyRing::new(config.alg),
            config: Arc::new(config),
            clients: Store::new(MAX_CLIENTS),
            transactions: Store::new(MAX_TRANSACTIONS),
            sessions: Store::new(MAX_TRANSACTIONS),
            codes: Store::new(MAX_ENTRIES),
            grants: Store::new(MAX_ENTRIES),
            access: Store::new(MAX_ENTRIES),
            refresh: Store::new(MAX_ENTRIES),
            failures: Store::new(MAX_ENTRIES),
            assertions: Store::new(MAX_ENTRIES),
            scripts: Scripts::default(),
            patches: VecDeque::new(),
            journal: Journal::new(journal_len),
        }
    }

    /// Ends a grant with everything it gave out: tokens ask their grant whether they still live.
    pub(crate) fn revoke_grant(&mut self, id: &str) {
        if let Some(grant) = self.grants.get_mut(id) {
            grant.revoked = true;
        }
    }

    /// A grant that was forgotten counts as ended.
    pub(crate) fn grant_lives(&self, id: &str) -> bool {
        self.grants.get(id).is_some_and(|grant| !grant.revoked)
    }
}

/// An authorization request on its way through the pages of one browser.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) asked: AuthorizationRequest,
    /// The session it belongs to, by its inner name.
    pub(crate) session: String,
    pub(crate) csrf: String,
    pub(crate) expires: i64,
    /// Whose name stood on the consent page: the answer counts for nobody else.
    pub(crate) shown_to: Option<String>,
}

/// A browser.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Stays when the cookie changes at login.
    pub(crate) name: String,
    pub(crate) login: Option<Login>,
    pub(crate) expires: i64,
    /// What was allowed before, if the issuer remembers it.
    pub(crate) consents: Vec<String>,
}

/// Who is logged in, since when.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) auth_time: i64,
}

/// What a user allowed a client, or a client got for itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) client_id: String,
    /// None when the client acts for itself.
    pub(crate) username: Option<String>,
    pub(crate) sub: String,
    pub(crate) scope: String,
    pub(crate) resources: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) auth_time: Option<i64>,
    pub(crate) revoked: bool,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires: i64,
    pub(crate) used: bool,
}

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) claims: Map<String, Value>,
    pub(crate) grant_id: Option<String>,
    pub(crate) revoked: bool,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) grant_id: String,
    pub(crate) expires: i64,
    pub(crate) rotated_at: Option<i64>,
}

/// Wrong guesses since a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failures {
    pub(crate) since: i64,
    pub(crate) count: u32,
}

pub(crate) const MAX_ENTRIES: usize = 10_000;
const MAX_CLIENTS: usize = 2_000;
const MAX_TRANSACTIONS: usize = 2_000;
