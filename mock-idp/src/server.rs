//! Starting, finding issuers, stopping.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{IssuerConfig, Options};
use crate::dispatch;
use crate::issuer::{Inner, Issuer};
use crate::journal::Received;
use crate::listener::{Fuse, SeverableListener};
use crate::state::State;

/// A running identity provider. Clones are handles on the same one; it stops with [`stop`](Self::stop) or the last handle.
#[derive(Clone, Debug)]
pub struct MockIdp {
    shared: Arc<Shared>,
    running: Arc<Running>,
}

impl MockIdp {
    /// Listens, and serves on the current tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.addr).await?;
        let addr = listener.local_addr()?;
        let base_url = options.public_url.unwrap_or_else(|| format!("http://{addr}"));
        let (stopping, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            addr,
            base_url: base_url.trim_end_matches('/').to_owned(),
            clock: Clock::default(),
            control: options.control,
            defaults: options.issuer_defaults,
            heard: watch::channel(0).0,
            issuers: Mutex::new(HashMap::new()),
            journal_len: options.journal_len,
            seq: AtomicU64::new(0),
            stopped,
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, running: Arc::new(Running { stopping, task: Mutex::new(Some(task)) }) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// The URL of the root issuer, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The issuer of that name, made if it is new: path segments such as `corp` or `tenants/a`; empty for the root.
    pub fn issuer(&self, name: &str) -> Issuer {
        self.shared.issuer(name.trim_matches('/'))
    }

    /// The clock of all issuers.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// The received requests of all issuers, oldest first.
    pub fn journal(&self) -> Vec<Received> {
        self.shared.journal()
    }

    /// Stops listening, ends waiting answers, and waits for the open ones at most a second.
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

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) addr: SocketAddr,
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) control: bool,
    pub(crate) defaults: IssuerConfig,
    /// Rises with every received request.
    pub(crate) heard: watch::Sender<u64>,
    pub(crate) issuers: Mutex<HashMap<String, Arc<Inner>>>,
    pub(crate) journal_len: usize,
    pub(crate) seq: AtomicU64,
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn issuer(self: &Arc<Self>, name: &str) -> Issuer {
        self.find(name, usize::MAX).expect("no limit was set")
    }

    /// The issuer a request names, or `None` when it is new and there are too many already.
    pub(crate) fn requested(self: &Arc<Self>, name: &str) -> Option<Issuer> {
        self.find(name, MAX_ISSUERS)
    }

    pub(crate) fn journal(self: &Arc<Self>) -> Vec<Received> {
        let inners: Vec<_> = self.issuers.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let issuers = inners.into_iter().map(|inner| Issuer { shared: Arc::clone(self), inner });
        let mut all: Vec<Received> = issuers.flat_map(|issuer| issuer.journal()).collect();
        all.sort_by_key(|received| received.seq);
        all
    }

    fn find(self: &Arc<Self>, name: &str, limit: usize) -> Option<Issuer> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = match issuers.get(name) {
            Some(inner) => Arc::clone(inner),
            None if issuers.len() >= limit => return None,
            None => {
                let state = Mutex::new(State::new(self.defaults.clone(), self.journal_len));
                let inner = Arc::new(Inner { name: name.to_owned(), state });
                issuers.insert(name.to_owned(), Arc::clone(&inner));
                inner
            }
        };
        Some(Issuer { shared: Arc::clone(self), inner })
    }
}

/// The server's task. Dropping the last handle stops it.
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

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut stopped = shared.stopped.clone();
    let app = Router::new().fallback(dispatch::handle).with_state(shared);
    let service = app.into_make_service_with_connect_info::<Fuse>();
    let shutdown = async move {
        // An error means that the last handle is gone: stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    // Serving ends without an error: accepting retries by itself.
    let _ = axum::serve(SeverableListener(listener), service).with_graceful_shutdown(shutdown).await;
}

/// Issuers that requests can make; the library can make more.
const MAX_ISSUERS: usize = 1000;
