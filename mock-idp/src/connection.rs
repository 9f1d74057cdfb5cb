//! Connections, over TLS or not, that can be told to break after so many more bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::server::TlsStream;

use crate::tls::{Certificate, Tls};

/// How many bytes a connection may still send.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// Breaks the connection after so many bytes.
    pub(crate) fn limit(&self, bytes: usize) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Budget {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        stream.io().budget.clone()
    }
}

impl Connected<IncomingStream<'_, Secured>> for Budget {
    fn connect_info(stream: IncomingStream<'_, Secured>) -> Self {
        stream.io().budget.clone()
    }
}

/// A listener whose connections have a [`Budget`].
#[derive(Debug)]
pub(crate) struct Cuttable(pub(crate) TcpListener);

impl Listener for Cuttable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, addr) = accept(&mut self.0).await;
        (Connection::new(Stream::Plain(stream)), addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

async fn accept(listener: &mut TcpListener) -> (TcpStream, SocketAddr) {
    let (stream, addr) = Listener::accept(listener).await;
    // Small answers are to leave at once; a socket that refuses is only slower.
    let _ = stream.set_nodelay(true);
    (stream, addr)
}

/// A listener for TLS. Handshakes are done beside each other, so that a client that never greets keeps nobody waiting.
#[derive(Debug)]
pub(crate) struct Secured {
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
    addr: SocketAddr,
}

impl Secured {
    /// Accepts connections until it is dropped.
    pub(crate) fn new(mut listener: TcpListener, tls: Tls) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let (greeted, ready) = mpsc::channel(16);
        tokio::spawn(async move {
            loop {
                let (stream, addr) = tokio::select! {
                    accepted = accept(&mut listener) => accepted,
                    () = greeted.closed() => break,
                };
                let (tls, greeted) = (tls.clone(), greeted.clone());
                tokio::spawn(async move {
                    let shown = tls.shown();
                    // Whoever refuses the certificate, or speaks something else, is gone already.
                    if let Ok(stream) = tls.accept(stream).await {
                        let connection = Connection::secured(stream, shown);
                        // Nobody takes it once the provider stops.
                        let _ = greeted.send((connection, addr)).await;
                    }
                });
            }
        });
        Ok(Self { ready, addr })
    }
}

impl Listener for Secured {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: Stream,
    budget: Budget,
    /// Resolves once another certificate is shown than this connection saw.
    outdated: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

enum Stream {
    Plain(TcpStream),
    Secured(Box<TlsStream<TcpStream>>),
}

impl Connection {
    fn new(stream: Stream) -> Self {
        Self { stream, budget: Budget(Arc::new(AtomicUsize::new(usize::MAX))), outdated: None }
    }

    fn secured(stream: TlsStream<TcpStream>, mut shown: watch::Receiver<Certificate>) -> Self {
        let outdated = async move {
            // An error means that the provider is gone, and its connections with it.
            let _ = shown.changed().await;
        };
        Self { outdated: Some(Box::pin(outdated)), ..Self::new(Stream::Secured(Box::new(stream))) }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.outdated.as_mut().is_some_and(|outdated| outdated.as_mut().poll(cx).is_ready()) {
            self.outdated = None;
            self.budget.limit(0);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Secured(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.budget.0.load(Ordering::SeqCst);
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let some = &buf[..buf.len().min(left)];
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, some),
            Stream::Secured(stream) => Pin::new(stream).poll_write(cx, some),
        };
        if let Poll::Ready(Ok(count)) = &written
            && left != usize::MAX
        {
            self.budget.0.store(left - count, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Secured(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
