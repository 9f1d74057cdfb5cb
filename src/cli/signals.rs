//! The signals that end a command: Ctrl-C, SIGTERM, and the terminal that went away.
//!
//! They are taken from the first moment on. A signal that nobody takes ends the process at once, and a target that was
//! launched in a process group of its own would live on.

use std::future::poll_fn;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A listener. Several can listen at once: each hears every signal.
pub struct Signals(Vec<Signal>);

impl Signals {
    /// Listens from now on. A signal that cannot be listened to keeps its default.
    pub fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        // Every signal is asked each time, so that each of them wakes this task.
        poll_fn(|context| {
            let mut came = false;
            for signal in &mut self.0 {
                came |= signal.poll_recv(context).is_ready();
            }
            if came { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
