//! The bounds of a run: what no target, broken or hostile, can exceed.

use std::net::IpAddr;
use std::time::Duration;

/// The bounds of a run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long one request may take, from connecting to the last byte.
    pub timeout: Duration,
    /// Bytes of a body that are read; the rest is left on the wire.
    pub max_body: u64,
    /// Bytes that all header fields of a response may have together.
    pub max_header: u64,
    /// Redirects that a browser follows in one visit.
    pub max_redirects: usize,
    /// The longest `Retry-After` of a 429 that is waited for.
    pub max_retry_after: Duration,
    /// How long an event stream that answers no JSON-RPC request is read after its head came.
    pub stream_wait: Duration,
    /// Requests a second of the whole run; `None` for as fast as possible.
    pub requests_per_second: Option<u32>,
    /// Requests without an answer, one after the other, after which an authority counts as gone.
    pub give_up_after: u32,
    /// Local addresses to send from, one a [`Wire`](super::Wire) in turn; only for targets on loopback.
    pub source_addresses: Vec<IpAddr>,
    /// Certificates (PEM) that are trusted besides the system's.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            timeout: Duration::from_secs(10),
            max_body: 1 << 20,
            max_header: 64 << 10,
            max_redirects: 10,
            max_retry_after: Duration::from_secs(5),
            stream_wait: Duration::from_secs(1),
            requests_per_second: None,
            give_up_after: 5,
            source_addresses: Vec::new(),
            extra_roots: Vec::new(),
        }
    }
}
