//! Documents served to the target on loopback: client metadata documents, key sets, callbacks, and traps.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::serve::IncomingStream;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server on loopback whose documents can be put in place and changed while it runs. It ends when it is dropped.
pub struct DocumentHost {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// What is served at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The status code.
    pub status: u16,
    /// Header fields; those that HTTP cannot carry are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// How long to wait before answering.
    pub delay: Duration,
    /// How the body is delivered.
    pub delivery: Delivery,
}

/// How a document is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Piece by piece: so many bytes, then a pause.
    Drip {
        /// Bytes of a piece.
        bytes: usize,
        /// Pause after each piece.
        pause: Duration,
    },
    /// Not at all: the connection is closed without an answer.
    Drop,
    /// The body, and then spaces up to this many bytes.
    Padded(u64),
    /// As it is.
    Whole,
}

/// One request to the host.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, up to 64 KiB.
    pub body: Bytes,
    /// When it came.
    pub at: Instant,
    /// The status it was answered with.
    pub status: u16,
}

impl Hit {
    /// The first value of a header field, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is served at a path depends on the request.
pub type Live = Arc<dyn Fn(&Hit) -> Document + Send + Sync>;

#[derive(Clone)]
enum Served {
    Document(Document),
    Live(Live),
}

#[derive(Default)]
struct Shared {
    documents: Mutex<HashMap<String, Served>>,
    hits: Mutex<Vec<Hit>>,
}

impl DocumentHost {
    /// Starts a host on a free port of 127.0.0.1. What was not put anywhere is 404.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<DocumentHost> {
        DocumentHost::start_on(IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// Starts a host on a free port of another loopback address.
    ///
    /// # Errors
    /// If the address is not this machine's, or no port can be had.
    pub async fn start_on(address: IpAddr) -> io::Result<DocumentHost> {
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let app = axum::Router::new().fallback(answer).with_state(shared.clone());
        let service = app.into_make_service_with_connect_info::<Fuse>();
        let server = tokio::spawn(async move {
            // `serve` ends only with this task.
            let _ = axum::serve(Listener(listener), service).await;
        });
        Ok(DocumentHost { address, shared, server })
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{}", self.address, path.trim_start_matches('/'))
    }

    /// Serves a document at a path from now on.
    pub fn put(&self, path: &str, document: Document) {
        lock(&self.shared.documents).insert(normal(path), Served::Document(document));
    }

    /// Answers each request to a path by itself from now on.
    pub fn put_live(&self, path: &str, live: Live) {
        lock(&self.shared.documents).insert(normal(path), Served::Live(live));
    }

    /// Serves nothing at a path from now on.
    pub fn remove(&self, path: &str) {
        lock(&self.shared.documents).remove(&normal(path));
    }

    /// The requests to a path so far, in order, whether or not anything was served there.
    #[must_use]
    pub fn hits(&self, path: &str) -> Vec<Hit> {
        let path = normal(path);
        lock(&self.shared.hits).iter().filter(|hit| hit.path == path).cloned().collect()
    }

    /// Every request so far, in order.
    #[must_use]
    pub fn all_hits(&self) -> Vec<Hit> {
        lock(&self.shared.hits).clone()
    }
}

impl Drop for DocumentHost {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Default for Document {
    /// An empty document with status 200.
    fn default() -> Document {
        Document {
            status: 200,
            headers: Vec::new(),
            body: Bytes::new(),
            delay: Duration::ZERO,
            delivery: Delivery::Whole,
        }
    }
}

impl Document {
    /// A JSON document with status 200.
    #[must_use]
    pub fn json(value: &Value) -> Document {
        Document::of("application/json", value.to_string())
    }

    /// A document of any media type with status 200.
    #[must_use]
    pub fn of(media_type: &str, body: impl Into<Bytes>) -> Document {
        Document { headers: vec![("content-type".into(), media_type.into())], body: body.into(), ..Document::default() }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Document {
        Document { status, headers: vec![("location".into(), location.into())], ..Document::default() }
    }

    /// The document with another delivery.
    #[must_use]
    pub fn delivered(self, delivery: Delivery) -> Document {
        Document { delivery, ..self }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = normal(parts.uri.path());
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let mut hit = Hit {
        method: parts.method.to_string(),
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: Bytes::new(),
        at: Instant::now(),
        status: 0,
    };
    hit.body = axum::body::to_bytes(body, LARGEST_HIT).await.unwrap_or_default();
    let found = lock(&shared.documents).get(&path).cloned();
    let document = match found {
        Some(Served::Document(document)) => document,
        Some(Served::Live(live)) => live(&hit),
        None => Document { status: 404, ..Document::default() },
    };
    hit.status = document.status;
    lock(&shared.hits).push(hit);
    if !document.delay.is_zero() {
        // Even a sleep of nothing takes a tick of the timer.
        tokio::time::sleep(document.delay).await;
    }
    if document.delivery == Delivery::Drop {
        fuse.0.store(true, Ordering::Relaxed);
    }
    respond(document)
}

fn respond(document: Document) -> Response {
    let mut response = Response::new(deliver(document.body, document.delivery));
    *response.status_mut() = StatusCode::from_u16(document.status).unwrap_or(StatusCode::OK);
    for (name, value) in &document.headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn deliver(body: Bytes, delivery: Delivery) -> Body {
    match delivery {
        Delivery::Drop | Delivery::Whole => Body::from(body),
        Delivery::Drip { bytes, pause } => {
            let pieces = stream::unfold(body, move |mut rest| async move {
                if rest.is_empty() {
                    return None;
                }
                let piece = rest.split_to(bytes.clamp(1, rest.len()));
                tokio::time::sleep(pause).await;
                Some((Ok::<_, Infallible>(piece), rest))
            });
            Body::from_stream(pieces)
        }
        Delivery::Padded(total) => {
            let missing = total.saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX));
            let block = Bytes::from_static(&[b' '; BLOCK]);
            let pieces = stream::unfold((Some(body), missing), move |(first, missing)| {
                let size = usize::try_from(missing).unwrap_or(BLOCK).min(BLOCK);
                let block = block.slice(..size);
                let next = match first {
                    Some(body) => Some((Ok::<_, Infallible>(body), (None, missing))),
                    None if missing == 0 => None,
                    None => Some((Ok(block), (None, missing - u64::try_from(size).unwrap_or(missing)))),
                };
                std::future::ready(next)
            });
            Body::from_stream(pieces)
        }
    }
}

fn normal(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blown, it makes the connection fail before anything is written.
#[derive(Clone, Default)]
struct Fuse(Arc<AtomicBool>);

struct Listener(TcpListener);

/// A connection that can be cut from within a handler.
struct Connection {
    stream: TcpStream,
    fuse: Fuse,
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        // Small answers must not wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        (Connection { stream, fuse: Fuse::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Fuse {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Fuse {
        stream.io().fuse.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.fuse.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Bytes of a request body that are kept.
const LARGEST_HIT: usize = 64 * 1024;

/// Bytes of one piece of padding.
const BLOCK: usize = 16 * 1024;
