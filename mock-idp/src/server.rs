//! Starting, finding issuers, stopping.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{IssuerConfig, Options};
use crate::connection::{Budget, Connection, Cuttable, Secured};
use crate::dispatch;
use crate::issuer::Issuer;
use crate::personality::Personality;
use crate::quirks;
use crate::route::Route;
use crate::script::Endpoint;
use crate::tls::{self, Certificate, Tls};

/// A running provider. Clones are handles on the same one; it ends with [`stop`](Self::stop) or with the last handle.
#[derive(Clone, Debug)]
pub struct MockIdp {
    shared: Arc<Shared>,
    running: Arc<Running>,
}

impl MockIdp {
    /// Listens, and serves on the current tokio runtime. No key is generated on the way.
    ///
    /// # Errors
    /// The address cannot be bound, or no certificate can be made for it.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.addr).await?;
        let addr = listener.local_addr()?;
        let names = || tls::names(addr.ip(), options.public_url.as_deref());
        let tls = if options.tls { Some(Tls::new(&names())?) } else { None };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base = options.public_url.unwrap_or_else(|| format!("{scheme}://{addr}"));
        let (stopping, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            base_url: base.trim_end_matches('/').to_owned(),
            control: options.control,
            defaults: options.defaults,
            issuers: Arc::default(),
            journal_len: options.journal_len,
            personalities: options.personalities,
            stopped,
            tls: tls.clone(),
        });
        let task = match tls {
            None => tokio::spawn(serve(Cuttable(listener), Arc::clone(&shared))),
            Some(tls) => tokio::spawn(serve(Secured::new(listener, tls)?, Arc::clone(&shared))),
        };
        let task = Mutex::new(Some(task));
        Ok(Self { shared, running: Arc::new(Running { stopping, task }) })
    }

    /// Scheme, host and port: the URL of the root issuer, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.shared.base_url.clone()
    }

    /// The certificate that clients must trust, as PEM; `None` if it speaks plain http.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(Tls::ca)
    }

    /// Connections that ended before a request: their clients did not trust the certificate, or spoke no TLS.
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.shared.tls.as_ref().map_or(0, Tls::failed)
    }

    /// Shows another certificate from now on, and ends the connections that saw the former one: what a client meets when
    /// somebody else stands in the provider's place. Without TLS nothing happens.
    pub fn show(&self, certificate: Certificate) {
        // Connections end by any change, so none is made where nothing changes.
        if let Some(tls) = self.shared.tls.as_ref().filter(|tls| *tls.shown().borrow() != certificate) {
            tls.show(certificate);
        }
    }

    /// The issuer of that name, made if it is new: path segments such as `corp` or `tenants/a`; empty for the root.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Issuer {
        self.shared.find(name, usize::MAX).expect("no limit was set")
    }

    /// Forgets an issuer with all that it knows. Handles on it stay good, but no request reaches it any more: the first that
    /// names it makes a new one.
    pub fn remove_issuer(&self, issuer: &Issuer) {
        self.shared.all().remove(issuer.name());
    }

    /// Stops it for all handles: listens no more, ends waiting answers, and waits for the open ones at most a second.
    pub async fn stop(&self) {
        self.running.stopping.send_replace(true);
        let task = self.running.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task
            && tokio::time::timeout(Duration::from_secs(1), &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

/// The issuers of a provider by their names.
pub(crate) type Issuers = Mutex<HashMap<String, Issuer>>;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) base_url: String,
    pub(crate) control: bool,
    defaults: IssuerConfig,
    issuers: Arc<Issuers>,
    journal_len: usize,
    personalities: bool,
    pub(crate) stopped: watch::Receiver<bool>,
    tls: Option<Tls>,
}

impl Shared {
    /// The issuer that a request names, or `None` if it is new and there are too many already.
    pub(crate) fn requested(&self, name: &str) -> Option<Issuer> {
        self.find(name, MAX_ISSUERS)
    }

    /// Whose endpoint a path is, which was read as `route`. Paths that a product gives its endpoints come first, and issuers
    /// that are there before those that are not.
    ///
    /// # Errors
    /// 404 for nobody's, 503 for one too many.
    pub(crate) fn addressed(&self, path: &str, route: &Route<'_>) -> Result<(Issuer, Endpoint), StatusCode> {
        let named = match route {
            Route::Endpoint { issuer, endpoint } => Some(((*issuer).to_owned(), *endpoint)),
            _ => None,
        };
        let known = || named.as_ref().and_then(|(name, endpoint)| Some((self.known(name)?, *endpoint)));
        if let Some(found) = self.placed(path).or_else(known) {
            return Ok(found);
        }
        let (name, endpoint) = self.founded(path).or(named).ok_or(StatusCode::NOT_FOUND)?;
        Ok((self.requested(&name).ok_or(StatusCode::SERVICE_UNAVAILABLE)?, endpoint))
    }

    /// The issuer that is there and has an endpoint at a path by its personality; of several the one with the longest name.
    fn placed(&self, path: &str) -> Option<(Issuer, Endpoint)> {
        // Outside the lock of all issuers: each look at a path takes the lock of one. Most have no such paths.
        let issuers: Vec<Issuer> = self.all().values().filter(|issuer| issuer.has_paths()).cloned().collect();
        let found =
            issuers.into_iter().filter_map(|issuer| issuer.endpoint_at(path).map(|endpoint| (issuer, endpoint)));
        found.max_by(|(one, _), (other, _)| (one.name().len(), one.name()).cmp(&(other.name().len(), other.name())))
    }

    /// Who is not there yet, and would have an endpoint at a path by the personality that it would start with.
    fn founded(&self, path: &str) -> Option<(String, Endpoint)> {
        let found = quirks::issuer_at(&self.start(path.trim_start_matches('/')).quirks, path);
        found.filter(|(name, _)| self.known(name).is_none())
    }

    /// What an issuer of that name starts with.
    fn start(&self, name: &str) -> Cow<'_, IssuerConfig> {
        let first = name.split('/').next().unwrap_or_default();
        let mut config = Cow::Borrowed(&self.defaults);
        if let Some(personality) = Personality::find(first).ok().filter(|_| self.personalities) {
            personality.apply(config.to_mut()).expect("the built-in personalities fit the settings");
        }
        config
    }

    fn known(&self, name: &str) -> Option<Issuer> {
        self.all().get(name).cloned()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Issuer>> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str, limit: usize) -> Option<Issuer> {
        let name = name.trim_matches('/');
        let mut issuers = self.all();
        if let Some(known) = issuers.get(name) {
            return Some(known.clone());
        }
        (issuers.len() < limit).then(|| {
            let peers = Arc::downgrade(&self.issuers);
            let config = self.start(name).into_owned();
            let issuer = Issuer::new(&self.base_url, name, config, self.journal_len, peers);
            issuers.insert(name.to_owned(), issuer.clone());
            issuer
        })
    }
}

/// The provider's task; it ends with the last handle.
#[derive(Debug)]
struct Running {
    stopping: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
    }
}

async fn serve<L>(listener: L, shared: Arc<Shared>)
where
    L: Listener<Io = Connection>,
    L::Addr: std::fmt::Debug,
    for<'a> Budget: Connected<IncomingStream<'a, L>>,
{
    let mut stopped = shared.stopped.clone();
    let app = Router::new().fallback(dispatch::handle).with_state(shared);
    let service = app.into_make_service_with_connect_info::<Budget>();
    let shutdown = async move {
        // An error means that the last handle is gone: stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    // Serving ends without an error: accepting retries by itself.
    let _ = axum::serve(listener, service).with_graceful_shutdown(shutdown).await;
}

/// Issuers that requests can make; the library can make more.
const MAX_ISSUERS: usize = 1000;
