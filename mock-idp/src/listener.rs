//! Connections that can be cut in the middle of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How many more bytes a connection may send before it breaks. Clones belong to the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Fuse(Arc<AtomicUsize>);

impl Fuse {
    /// Breaks after so many bytes.
    pub(crate) fn burn_after(&self, bytes: usize) {
        self.0.store(bytes, Ordering::SeqCst);
    }

    /// Never breaks.
    pub(crate) fn mend(&self) {
        self.burn_after(UNLIMITED);
    }
}

impl Connected<IncomingStream<'_, SeverableListener>> for Fuse {
    fn connect_info(stream: IncomingStream<'_, SeverableListener>) -> Self {
        stream.io().fuse.clone()
    }
}

/// A listener whose connections have a [`Fuse`].
pub(crate) struct SeverableListener(pub(crate) TcpListener);

impl Listener for SeverableListener {
    type Io = Severable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, addr)) => {
                    // Without it, small answers wait for the peer's delayed acknowledgement. It is only an optimisation.
                    let _ = stream.set_nodelay(true);
                    return (Severable { stream, fuse: Fuse(Arc::new(AtomicUsize::new(UNLIMITED))) }, addr);
                }
                // Out of file descriptors, or a peer that left at once: others may still come.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that stops sending when its fuse has burnt.
pub(crate) struct Severable {
    stream: TcpStream,
    fuse: Fuse,
}

impl AsyncRead for Severable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Severable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.fuse.0.load(Ordering::SeqCst);
        if left == UNLIMITED {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..buf.len().min(left)]))?;
        self.fuse.burn_after(left - written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

const UNLIMITED: usize = usize::MAX;
