//! The authorities that may be sent to, and which of them stopped answering.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use url::Url;

use crate::transcript::{Failure, Outcome};

/// The authorities that may be sent to.
#[derive(Default)]
pub(super) struct Peers(RwLock<BTreeMap<String, Arc<Peer>>>);

/// One authority and how it behaves.
pub(super) struct Peer {
    authority: String,
    silence: Mutex<Silence>,
    gone: OnceLock<String>,
}

/// How many requests in a row had no answer, and when the last that counts ended.
#[derive(Default)]
struct Silence {
    count: u32,
    ended: Option<Instant>,
}

impl Peers {
    /// Allows an authority: `host:port`, `host` (its ports 80 and 443), or a URL of it.
    pub(super) fn allow(&self, authority: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys(authority) {
            known.entry(key.clone()).or_insert_with(|| Arc::new(Peer::new(key)));
        }
    }

    /// All that were allowed, in order.
    pub(super) fn allowed(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The authority of `url`, if it was allowed.
    pub(super) fn get(&self, url: &Url) -> Option<Arc<Peer>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key(url)?).cloned()
    }

    /// Why some authority counts as gone.
    pub(super) fn gone(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().find_map(|peer| peer.gone.get().cloned())
    }
}

impl Peer {
    fn new(authority: String) -> Peer {
        Peer { authority, silence: Mutex::default(), gone: OnceLock::new() }
    }

    /// Why the authority counts as gone.
    pub(super) fn gone(&self) -> Option<&str> {
        self.gone.get().map(String::as_str)
    }

    /// The failure of every further request, once the authority is gone.
    pub(super) fn refusal(&self) -> Option<Failure> {
        self.gone.get().map(|why| Failure::Refused(why.clone()))
    }

    /// Notes how a request that began at `began` ended; `limit` requests without an answer in a row are the end. Those
    /// that waited at the same time count as one: many wait at once, and a target that is busy once is not gone.
    pub(super) fn note(&self, outcome: &Outcome, began: Instant, limit: u32) {
        let mut silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Outcome::Failed(failure) if failure.is_silence() => {
                if silence.ended.is_some_and(|ended| began < ended) {
                    return;
                }
                silence.count += 1;
                silence.ended = Some(Instant::now());
                if silence.count >= limit {
                    let count = silence.count;
                    self.gone.get_or_init(|| {
                        format!(
                            "{} no longer answers ({count} requests in a row without an answer; the last: {failure})",
                            self.authority
                        )
                    });
                }
            }
            Outcome::Failed(Failure::NotSent(_)) => {}
            _ => *silence = Silence::default(),
        }
    }
}

/// Host and port of an http(s) URL, the port always written.
fn key(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()?))
}

fn keys(authority: &str) -> Vec<String> {
    let authority = authority.trim();
    if authority.contains("://") {
        return Url::parse(authority).ok().as_ref().and_then(key).into_iter().collect();
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(host, port)| !port.contains(']') && !host.is_empty());
    let schemes: &[&str] = if has_port { &["http"] } else { &["http", "https"] };
    schemes.iter().filter_map(|scheme| key(&Url::parse(&format!("{scheme}://{authority}/")).ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transcript::Response;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn allows_nothing_that_was_not_named() {
        let peers = Peers::default();
        peers.allow("127.0.0.1:3000");
        peers.allow("Example.com");
        peers.allow("https://[::1]:8443/mcp");
        assert!(peers.get(&url("http://127.0.0.1:3000/x")).is_some());
        assert!(peers.get(&url("https://example.com/")).is_some());
        assert!(peers.get(&url("http://example.com/")).is_some());
        assert!(peers.get(&url("https://[::1]:8443/")).is_some());
        for other in
            ["http://127.0.0.1:3001/", "http://localhost:3000/", "http://example.com:81/", "http://evil.example.com/"]
        {
            assert!(peers.get(&url(other)).is_none(), "{other}");
        }
    }

    #[test]
    fn silence_in_a_row_is_the_end() {
        let peer = Peer::new("h:1".into());
        let silent = Outcome::Failed(Failure::TimedOut(Duration::from_secs(1)));
        peer.note(&silent, Instant::now(), 2);
        peer.note(&Outcome::Answered(Response::default()), Instant::now(), 2);
        peer.note(&silent, Instant::now(), 2);
        assert_eq!(peer.refusal(), None);
        peer.note(&silent, Instant::now(), 2);
        assert!(matches!(peer.refusal(), Some(Failure::Refused(why)) if why.starts_with("h:1 no longer answers")));
    }

    #[test]
    fn requests_that_wait_at_the_same_time_are_one_silence() {
        let peer = Peer::new("h:1".into());
        let silent = Outcome::Failed(Failure::TimedOut(Duration::from_secs(1)));
        let together = Instant::now();
        for _ in 0..5 {
            peer.note(&silent, together, 2);
        }
        assert_eq!(peer.refusal(), None);
        peer.note(&silent, Instant::now(), 2);
        assert!(peer.refusal().is_some());
    }
}
