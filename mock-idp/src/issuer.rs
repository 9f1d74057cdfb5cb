//! The handle on one issuer: configure it, script it, ask what it saw.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::clock::Clock;
use crate::config::IssuerConfig;
use crate::endpoint;
use crate::jose;
use crate::journal::{Entry, Received};
use crate::keys::{Alg, Former, Key, KeyRing};
use crate::presented;
use crate::quirks;
use crate::script::{Answer, Endpoint};
use crate::secret;
use crate::server::Issuers;
use crate::state::{Grant, State};

/// One issuer of a [`MockIdp`](crate::MockIdp). Clones are handles on the same issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The URL without the trailing slash that the settings may add.
    base: String,
    clock: Clock,
    /// Beside the rest, because every request reads it many times and nearly none changes it. Whoever needs both locks takes
    /// this one first.
    config: RwLock<Arc<IssuerConfig>>,
    delays: OnceLock<Pass>,
    /// Whether a personality puts endpoints at paths of its own: asked of every issuer by every request, so without a lock.
    has_paths: AtomicBool,
    name: String,
    /// All issuers of the provider.
    peers: Weak<Issuers>,
    state: Mutex<State>,
}

/// Passes over a span of time.
struct Pass(Box<dyn Fn(Duration) + Send + Sync>);

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass")
    }
}

impl Issuer {
    pub(crate) fn new(
        base_url: &str,
        name: &str,
        config: IssuerConfig,
        journal_len: usize,
        peers: Weak<Issuers>,
    ) -> Self {
        let base = if name.is_empty() { base_url.to_owned() } else { format!("{base_url}/{name}") };
        let state = Mutex::new(State::new(config.alg, journal_len));
        let has_paths = AtomicBool::new(!config.quirks.paths.is_empty());
        let (clock, config, name) = (Clock::default(), RwLock::new(Arc::new(config)), name.to_owned());
        Self { inner: Arc::new(Inner { base, clock, config, delays: OnceLock::new(), has_paths, name, peers, state }) }
    }

    /// The name: path segments without leading or trailing slash; empty for the root issuer.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The issuer identifier, as in the metadata and in `iss` (RFC 8414 section 2).
    #[must_use]
    pub fn url(&self) -> String {
        let slash = if self.config().trailing_slash { "/" } else { "" };
        format!("{}{slash}", self.inner.base)
    }

    /// The URL of an endpoint, as the metadata tells it: `authorize`, `token`, `jwks`, `userinfo`, `introspect`, `revoke`,
    /// `register`, `par`, `api`; `tokeninfo` where a personality has it.
    #[must_use]
    pub fn endpoint_url(&self, name: &str) -> String {
        match quirks::path_of(&self.config().quirks, &self.inner.name, name) {
            None => format!("{}/{name}", self.inner.base),
            Some(path) => format!("{}{path}", self.provider()),
        }
    }

    /// Whether a URL, without query and fragment, is one at which an endpoint answers.
    #[must_use]
    pub fn answers_at(&self, url: &str, endpoint: Endpoint) -> bool {
        let path = url.strip_prefix(self.provider());
        url == format!("{}/{}", self.inner.base, endpoint.name())
            || path.is_some_and(|path| self.endpoint_at(path) == Some(endpoint))
    }

    /// Whether a personality puts endpoints at paths of its own.
    pub(crate) fn has_paths(&self) -> bool {
        self.inner.has_paths.load(Ordering::Acquire)
    }

    /// The endpoint that a personality puts at a path.
    pub(crate) fn endpoint_at(&self, path: &str) -> Option<Endpoint> {
        quirks::endpoint_at(&self.config().quirks, &self.inner.name, path)
    }

    /// The settings as they are now.
    #[must_use]
    pub fn config(&self) -> Arc<IssuerConfig> {
        Arc::clone(&self.inner.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes settings. Tokens, codes and sessions already given stay; another `alg` starts a new key set.
    pub fn configure(&self, change: impl FnOnce(&mut IssuerConfig)) {
        let mut config = self.inner.config.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut config));
        self.inner.has_paths.store(!config.quirks.paths.is_empty(), Ordering::Release);
        let mut state = self.lock();
        if state.keys.alg() != config.alg {
            state.keys = KeyRing::new(config.alg);
        }
    }

    /// Registers a client, replacing one of the same id.
    pub fn add_client(&self, client: Client) {
        self.configure(|config| {
            config.clients.retain(|known| known.id != client.id);
            config.clients.push(client);
        });
    }

    /// The issuer's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.inner.clock.clone()
    }

    /// Has scripted delays passed over instead of waited for: `pass` moves this clock and those of all who may grow impatient. The
    /// first call counts.
    pub fn pass_delays(&self, pass: impl Fn(Duration) + Send + Sync + 'static) {
        let _first = self.inner.delays.set(Pass(Box::new(pass)));
    }

    /// Passes over a delay, if that is what is done with them.
    pub(crate) fn passes(&self, delay: Duration) -> bool {
        self.inner.delays.get().map(|pass| (pass.0)(delay)).is_some()
    }

    /// The metadata as published, without scripts.
    #[must_use]
    pub fn metadata(&self) -> Value {
        endpoint::metadata(self)
    }

    /// The key set as published, without scripts (RFC 7517 section 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let state = self.lock();
        let keys: Vec<Value> = state.extra_keys.iter().cloned().chain(state.keys.jwks()).collect();
        json!({ "keys": keys })
    }

    /// Signs with a new key from now on, publishes it, and gives its `kid`.
    ///
    /// From the fifth RSA key on it is generated, which takes about a tenth of a second.
    pub fn rotate_keys(&self, former: Former) -> String {
        self.lock().keys.rotate(former)
    }

    /// Takes back every rotation and every extra key: the first key signs again, and the key set is what it was at the start.
    pub fn restore_keys(&self) {
        let mut state = self.lock();
        state.keys.restore();
        state.extra_keys.clear();
    }

    /// Publishes a key that suits another algorithm beside the others, unless there is one, and gives its `kid`.
    ///
    /// RS256, RS512 and PS256 share one RSA key; its JWK names the algorithm it was published for first.
    pub fn publish_alg(&self, alg: Alg) -> String {
        self.lock().keys.publish(alg)
    }

    /// Puts a JWK into the key set, before the good ones: malformed, of an unknown `kty`, for an unused `alg`. At most 32
    /// are kept.
    pub fn publish_extra(&self, jwk: Value) {
        let mut state = self.lock();
        state.extra_keys.push(jwk);
        let excess = state.extra_keys.len().saturating_sub(MAX_EXTRA_KEYS);
        state.extra_keys.drain(..excess);
    }

    /// Takes every extra JWK out of the key set.
    pub fn withdraw_extra(&self) {
        self.lock().extra_keys.clear();
    }

    /// Revokes an access token without a request; says whether it worked until now. Only introspection, userinfo and the
    /// other endpoints here know of it: the signature of a JWT stays good.
    pub fn revoke(&self, token: &str) -> bool {
        let Some(claims) = self.active(token) else { return false };
        let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.end_grant(&jti);
        self.active(token).is_none()
    }

    /// Queues an answer for an endpoint: it is used [`times`](Answer::times) times, once if that is not set.
    pub fn script(&self, endpoint: Endpoint, answer: Answer) {
        self.lock().scripts.push(endpoint, answer);
    }

    /// Queues an answer for so many requests.
    pub fn script_times(&self, endpoint: Endpoint, answer: Answer, times: u32) {
        self.script(endpoint, answer.times(times));
    }

    /// Forgets all scripted answers that were not used up.
    pub fn clear_scripts(&self) {
        self.lock().scripts.clear();
    }

    /// How many scripted answers wait for a request: more than none after a test means that the target never asked.
    #[must_use]
    pub fn scripts_left(&self) -> usize {
        self.lock().scripts.len()
    }

    /// What was pushed under this `request_uri` (RFC 9126 section 2), while nobody has used it.
    #[must_use]
    pub fn pushed(&self, request_uri: &str) -> Option<Vec<(String, String)>> {
        let key = secret::s256(request_uri);
        self.lock().pushed.get(&key).map(|pushed| pushed.params.pairs().to_vec())
    }

    /// The received requests, oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<Received> {
        self.lock().journal.entries().map(Entry::received).collect()
    }

    /// How many received requests the journal holds.
    #[must_use]
    pub fn received(&self) -> usize {
        self.lock().journal.entries().count()
    }

    /// The received requests of one endpoint, oldest first.
    #[must_use]
    pub fn journal_of(&self, endpoint: Endpoint) -> Vec<Received> {
        self.lock().journal.entries().filter(|entry| entry.endpoint() == endpoint).map(Entry::received).collect()
    }

    /// Empties the journal.
    pub fn forget(&self) {
        self.lock().journal.clear();
    }

    /// The URL of the provider, without a trailing slash.
    fn provider(&self) -> &str {
        let base = &self.inner.base;
        base.strip_suffix(&self.inner.name).unwrap_or(base).trim_end_matches('/')
    }

    pub(crate) fn now(&self) -> i64 {
        self.inner.clock.now()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of that id: preset, registered, or anybody if the settings say so.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        let config = self.config();
        let preset = config.clients.iter().find(|client| client.id == id).cloned();
        let anyone = config.unknown_clients && !id.is_empty();
        preset.or_else(|| self.lock().clients.get(id).cloned()).or_else(|| anyone.then(|| Client::anyone(id)))
    }

    /// Ends everything that a grant gave out.
    pub(crate) fn end_grant(&self, id: &str) {
        self.lock().ended.insert(id, ());
    }

    /// Whether nobody ended a grant.
    pub(crate) fn lives(&self, grant: &Grant) -> bool {
        !self.lock().ended.contains(&grant.id)
    }

    /// The claims of an access token that works now: ours, in time, not revoked. A signature by our key is not enough: what
    /// a test signed in the name of another issuer, by another algorithm or without a time to end was never issued, and who
    /// asks about it must hear so, or it would be blamed for believing us.
    pub(crate) fn active(&self, token: &str) -> Option<Map<String, Value>> {
        let state = self.lock();
        let remembered = state.opaque.get(&secret::s256(token)).cloned();
        let signed = if remembered.is_none() { jose::verified(&state.keys, token, "at+jwt") } else { None };
        drop(state);
        let claims = remembered.or_else(|| signed.filter(|claims| self.issued(claims)))?;
        let now = self.now();
        let time = |name: &str| presented::time(&claims, name);
        (!self.ended(&claims) && time("exp").is_none_or(|exp| exp > now) && time("nbf").is_none_or(|nbf| nbf <= now))
            .then_some(claims)
    }

    /// Whether a JWT, written as this issuer writes its access tokens, is one that it issues: signed by a published key by
    /// its own algorithm, of the usual type, with an issuer and an end that [`active`](Self::active) believes.
    pub(crate) fn would_issue(&self, jwt: &str, claims: &Map<String, Value>) -> bool {
        let config = self.config();
        let typ = config.quirks.access_typ.as_deref().unwrap_or("at+jwt");
        let signed = jose::verified(&self.lock().keys, jwt, typ).is_some();
        signed && self.issued(claims)
    }

    /// Whether claims can be those of a token that was issued here.
    fn issued(&self, claims: &Map<String, Value>) -> bool {
        let iss = claims.get("iss").and_then(Value::as_str);
        iss == Some(self.url().as_str()) && presented::time(claims, "exp").is_some()
    }

    /// Whether somebody ended a token, or the grant that it comes from.
    pub(crate) fn ended(&self, claims: &Map<String, Value>) -> bool {
        let jti = claims.get("jti").and_then(Value::as_str).unwrap_or_default();
        let grant = jti.split('.').next().unwrap_or_default();
        let state = self.lock();
        state.ended.contains(jti) || state.ended.contains(grant)
    }

    /// A published key of this issuer.
    pub(crate) fn published_key(&self, kid: &str) -> Option<Arc<Key>> {
        self.lock().keys.published(kid)
    }

    /// The issuer of the same provider with that identifier.
    pub(crate) fn peer(&self, url: &str) -> Option<Self> {
        let peers: Vec<Self> =
            self.inner.peers.upgrade()?.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        // Outside the lock of all issuers: each look at a URL takes the lock of one.
        peers.into_iter().find(|peer| peer.url() == url)
    }

    /// Whether an assertion of a client was not seen before; from now on it was.
    pub(crate) fn first_use(&self, assertion: &str) -> bool {
        let mut state = self.lock();
        let known = state.assertions.contains(assertion);
        if !known {
            state.assertions.insert(assertion, ());
        }
        !known
    }
}

const MAX_EXTRA_KEYS: usize = 32;
