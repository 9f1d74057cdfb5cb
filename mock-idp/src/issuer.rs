//! The handle on one issuer: configure it, script it, ask what it saw.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::config::IssuerConfig;
use crate::error::OAuthError;
use crate::journal::Received;
use crate::keys::{self, KeyRing};
use crate::mint::TokenPatch;
use crate::script::{Answer, Endpoint};
use crate::secret;
use crate::server::Shared;
use crate::state::{Access, Failures, State};

/// One issuer of a [`MockIdp`](crate::MockIdp). Clones are handles on the same issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) state: Mutex<State>,
}

impl Issuer {
    /// The name: path segments without leading or trailing slash; empty for the root issuer.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The issuer identifier, as in the metadata and in `iss`.
    pub fn url(&self) -> String {
        let slash = if self.config().trailing_slash { "/" } else { "" };
        format!("{}{slash}", self.base())
    }

    /// The URL of an endpoint: `authorize`, `token`, `jwks`, `userinfo`, `introspect`, `revoke`, `register`.
    pub fn endpoint_url(&self, name: &str) -> String {
        format!("{}/{name}", self.base())
    }

    /// Changes settings. Tokens, codes and sessions already given stay.
    pub fn configure(&self, change: impl FnOnce(&mut IssuerConfig)) {
        let mut state = self.lock();
        let config = Arc::make_mut(&mut state.config);
        change(config);
        let alg = config.alg;
        if state.keys.alg() != alg {
            state.keys = KeyRing::new(alg);
        }
    }

    /// The settings as they are now.
    pub fn config(&self) -> Arc<IssuerConfig> {
        Arc::clone(&self.lock().config)
    }

    /// Registers a client, replacing one of the same id.
    pub fn add_client(&self, client: Client) {
        self.configure(|config| {
            config.clients.retain(|known| known.id != client.id);
            config.clients.push(client);
        });
    }

    /// The JWK Set as published, without scripts.
    pub fn public_jwks(&self) -> Value {
        let state = self.lock();
        let keys: Vec<Value> = state.config.jwks_extra.iter().cloned().chain(state.keys.jwks()).collect();
        json!({ "keys": keys })
    }

    /// The current public key as a PEM: what an HMAC confusion attack takes for its secret.
    pub fn public_pem(&self) -> String {
        self.lock().keys.current().public_pem()
    }

    /// The public half of the foreign key, as an attacker would embed it in a header (`jwk`, RFC 7515 section 4.1.3).
    pub fn foreign_jwk(&self) -> Value {
        keys::foreign(self.config().alg).jwk()
    }

    /// The `kid` of the key that signs.
    pub fn current_kid(&self) -> String {
        self.lock().keys.current().kid().to_owned()
    }

    /// Signs with a new key from now on and returns its `kid`; the old ones stay published or disappear.
    ///
    /// From the fifth RSA key on it is generated, which blocks for about a tenth of a second.
    pub fn rotate_keys(&self, keep_old: bool) -> String {
        self.lock().keys.rotate(keep_old).kid().to_owned()
    }

    /// Queues an answer for an endpoint.
    pub fn script(&self, endpoint: Endpoint, answer: Answer) {
        self.lock().scripts.push(endpoint, answer);
    }

    /// Queues a change to the next issued tokens. Patches that concern the same token all apply, in order.
    pub fn patch_tokens(&self, patch: TokenPatch) {
        let mut state = self.lock();
        if state.patches.len() >= MAX_PATCHES {
            state.patches.pop_front();
        }
        state.patches.push_back(patch);
    }

    /// Forgets all scripted answers and token patches.
    pub fn clear_scripts(&self) {
        let mut state = self.lock();
        state.scripts.clear();
        state.patches.clear();
    }

    /// The received requests, oldest first.
    pub fn journal(&self) -> Vec<Received> {
        self.lock().journal.entries().cloned().collect()
    }

    /// Forgets the received requests.
    pub fn clear_journal(&self) {
        self.lock().journal.clear();
    }

    /// The first remembered request that is `wanted`, waiting for it if need be.
    pub async fn wait_for(&self, within: Duration, wanted: impl Fn(&Received) -> bool) -> Option<Received> {
        let mut heard = self.shared.heard.subscribe();
        let look = || self.lock().journal.entries().find(|received| wanted(received)).cloned();
        let wait = async {
            loop {
                if let Some(found) = look() {
                    return Some(found);
                }
                heard.changed().await.ok()?;
            }
        };
        tokio::time::timeout(within, wait).await.ok().flatten()
    }

    /// Forgets everything but the settings and keys: clients that registered themselves, logins, codes, tokens, scripts, journal.
    pub fn reset(&self) {
        let mut state = self.lock();
        let config = IssuerConfig::clone(&state.config);
        let fresh = State::new(config, self.shared.journal_len);
        let old = std::mem::replace(&mut *state, fresh);
        state.keys = old.keys;
    }
}

impl Issuer {
    /// No endpoint keeps the lock while it signs or waits.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds since the epoch, by the movable clock.
    pub(crate) fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    /// The issuer's URL without any trailing slash.
    pub(crate) fn base(&self) -> String {
        match self.name() {
            "" => self.shared.base_url.clone(),
            name => format!("{}/{name}", self.shared.base_url),
        }
    }

    /// A preregistered or dynamic client, or in lenient mode whoever asks.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        let state = self.lock();
        let fixed = state.config.clients.iter().find(|client| client.id == id).cloned();
        fixed
            .or_else(|| state.clients.get(id).map(|(client, _)| client.clone()))
            .or_else(|| (state.config.any_client && !id.is_empty()).then(|| Client::anyone(id)))
    }

    /// Refuses while too many wrong guesses are fresh.
    pub(crate) fn throttle(&self, who: &str) -> Result<(), OAuthError> {
        let now = self.now();
        let state = self.lock();
        match state.failures.get(who) {
            Some(seen) if seen.count >= state.config.max_failures && now < seen.since + WINDOW => {
                Err(OAuthError::throttled(seen.since + WINDOW - now))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn count_failure(&self, who: &str) {
        let now = self.now();
        let mut state = self.lock();
        match state.failures.get_mut(who) {
            Some(seen) if now < seen.since + WINDOW => seen.count += 1,
            _ => state.failures.insert(who, Failures { since: now, count: 1 }),
        }
    }

    /// Whether an assertion id is seen for the first time.
    pub(crate) fn first_use(&self, id: &str) -> bool {
        let mut state = self.lock();
        let fresh = state.assertions.get(id).is_none();
        if fresh {
            state.assertions.insert(id, ());
        }
        fresh
    }

    /// Makes a token known to introspection, userinfo and revocation.
    pub(crate) fn remember_access(&self, token: &str, claims: Map<String, Value>, grant_id: Option<String>) {
        self.lock().access.insert(secret::s256(token), Access { claims, grant_id, revoked: false });
    }

    /// The claims of an access token that is ours and still lives.
    pub(crate) fn live_access(&self, token: &str) -> Option<Map<String, Value>> {
        let now = self.now();
        let state = self.lock();
        let access = state.access.get(&secret::s256(token))?;
        let time = |name: &str| access.claims.get(name).and_then(Value::as_i64);
        let lives = !access.revoked
            && access.grant_id.as_deref().is_none_or(|id| state.grant_lives(id))
            && time("exp").is_none_or(|exp| exp > now)
            && time("nbf").is_none_or(|nbf| nbf <= now);
        lives.then(|| access.claims.clone())
    }

    /// The patches for one token response, each used up by one.
    pub(crate) fn take_patches(&self, user: Option<&str>, client: &str, with_id_token: bool) -> Vec<TokenPatch> {
        let mut taken = Vec::new();
        self.lock().patches.retain_mut(|patch| {
            if !patch.concerns(user, client, with_id_token) {
                return true;
            }
            taken.push(patch.clone());
            !patch.times.spend()
        });
        taken
    }
}

const MAX_PATCHES: usize = 1000;
/// Seconds over which wrong guesses are counted.
const WINDOW: i64 = 60;
