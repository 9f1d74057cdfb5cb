//! The output of a launched target: read as long as it runs, so that it never blocks, and bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::profile::names_url;
use crate::diag::escape;

/// Both streams of a process, line by line.
pub(super) struct Output {
    ready: oneshot::Receiver<Option<String>>,
    last: Arc<Mutex<VecDeque<String>>>,
    pumps: Vec<JoinHandle<()>>,
}

impl Output {
    /// Starts reading. The first line that `ready` matches is reported; every text of `masked` is blotted out of the
    /// lines that are kept.
    pub(super) fn of(
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
        ready: Regex,
        masked: Vec<String>,
    ) -> Self {
        let (send, receive) = oneshot::channel();
        let masked = masked.into_iter().filter(|text| text.len() >= MASKED).collect();
        let awaited = Arc::new(Mutex::new(Some(Awaited { pattern: ready, send })));
        let sink = Sink { awaited, last: Arc::default(), masked };
        let last = Arc::clone(&sink.last);
        let mut pumps = Vec::new();
        if let Some(stream) = stdout {
            pumps.push(tokio::spawn(pump(stream, sink.clone())));
        }
        if let Some(stream) = stderr {
            pumps.push(tokio::spawn(pump(stream, sink)));
        }
        Self { ready: receive, last, pumps }
    }

    /// The group `url` of the first line that matched, if the pattern has one; `None` when both streams are closed without
    /// such a line.
    pub(super) async fn ready(&mut self) -> Option<Option<String>> {
        (&mut self.ready).await.ok()
    }

    /// The last lines, oldest first, with nothing in them that a terminal would obey.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().map(|line| escape(line).into_owned()).collect()
    }

    /// Gives what the process printed last a moment to arrive.
    pub(super) async fn settle(&mut self) {
        for pump in self.pumps.drain(..) {
            let _ = tokio::time::timeout(SETTLE, pump).await;
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.pumps.iter().for_each(JoinHandle::abort);
    }
}

/// The line that the start is waiting for.
struct Awaited {
    pattern: Regex,
    send: oneshot::Sender<Option<String>>,
}

/// Where the lines of both streams go.
#[derive(Clone)]
struct Sink {
    awaited: Arc<Mutex<Option<Awaited>>>,
    last: Arc<Mutex<VecDeque<String>>>,
    masked: Vec<String>,
}

impl Sink {
    fn take(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        let shown = self.masked.iter().fold(line.clone(), |line, secret| line.replace(secret.as_str(), "***"));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(shown);
        drop(last);
        self.report(&line);
    }

    /// Reports the first line that says that the target is ready, and where, if the pattern asks for that.
    fn report(&self, line: &str) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = awaited.as_ref().and_then(|awaited| awaited.pattern.captures(line)) else {
            return;
        };
        let url = found.name("url").map(|url| url.as_str().to_owned());
        if url.is_none() && awaited.as_ref().is_some_and(|awaited| names_url(&awaited.pattern)) {
            return;
        }
        if let Some(awaited) = awaited.take() {
            // Nobody listens if the wait is over already.
            let _ = awaited.send.send(url);
        }
    }
}

/// Reads to the end, in lines of bounded length.
async fn pump(mut stream: impl AsyncRead + Unpin, sink: Sink) {
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for byte in &chunk[..read] {
            match byte {
                b'\n' => {
                    sink.take(&line);
                    line.clear();
                }
                byte if line.len() < LONGEST => line.push(*byte),
                _ => {}
            }
        }
    }
    if !line.is_empty() {
        sink.take(&line);
    }
}

/// Lines that are kept.
const KEPT: usize = 40;

/// Bytes of a line that are kept.
const LONGEST: usize = 2000;

/// Shorter values ("1", "yes") are settings, not secrets.
const MASKED: usize = 6;

const SETTLE: Duration = Duration::from_millis(200);
