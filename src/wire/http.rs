//! The HTTP client of a run: connections, rate limit, circuit breaker, and where may be sent.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::http::{HeaderName, HeaderValue, Method};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Certificate, Client, ClientBuilder};
use url::Url;

use super::body;
use super::failure::classify;
use super::limits::Limits;
use super::peers::{Peer, Peers};
use crate::transcript::{Failure, Outcome, Request, Response};

/// The HTTP client of a run: connections for each case, one rate limit, one circuit breaker.
pub struct Http {
    limits: Limits,
    peers: Peers,
    rate: Option<DefaultDirectRateLimiter>,
    /// Connections that no case is using at the moment.
    spare: Mutex<Vec<Lane>>,
    next: AtomicUsize,
    /// The target was seen to close a connection after an answer without saying so: from then on each request has a new one.
    closes: AtomicBool,
}

/// The connections of one case. Nobody else sends on them, so that a connection which the target closes after an answer
/// to one case is not what the next request of another meets.
#[derive(Default)]
pub(super) struct Lane {
    /// Where requests to loopback come from.
    address: Option<IpAddr>,
    /// By kind, made when the first request needs them.
    clients: Mutex<BTreeMap<Kind, Result<Client, String>>>,
    /// Something was answered on them.
    used: AtomicBool,
    /// A request was dropped on a connection that had been used, so nobody knows whether it was the request's fault.
    doubtful: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Plain,
    /// From the source address of the lane.
    Addressed,
    /// Trusts the system's certificates; reading them takes a while.
    Secure,
}

impl Lane {
    /// Lets go of all connections.
    fn hang_up(&self) {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.used.store(false, Ordering::Relaxed);
    }

    /// Whether a drop met a connection that had been used.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }
}

impl Http {
    /// A client that may send nowhere yet; see [`Http::allow`].
    ///
    /// # Errors
    /// If a source address or an extra root certificate cannot be used.
    pub fn new(limits: Limits) -> Result<Http, String> {
        if !limits.extra_roots.is_empty() {
            // The client that uses them is made later; a bad file is better refused now.
            build(builder().tls_certs_only(roots(&limits)?))?;
        }
        for address in &limits.source_addresses {
            build(builder().tls_certs_only([]).local_address(*address))?;
        }
        let rate =
            limits.requests_per_second.and_then(NonZeroU32::new).map(|n| RateLimiter::direct(Quota::per_second(n)));
        let (spare, next, closes) = (Mutex::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Http { limits, peers: Peers::default(), rate, spare, next, closes })
    }

    /// Allows sending to an authority: `host:port`, `host` (ports 80 and 443), or a URL of it. Nothing else is sent to,
    /// loopback included.
    pub fn allow(&self, authority: &str) {
        self.peers.allow(authority);
    }

    /// Whether a request to `url` would be sent.
    #[must_use]
    pub fn is_allowed(&self, url: &str) -> bool {
        self.destination(url, None).is_ok()
    }

    /// The authorities that may be sent to, in order.
    pub(crate) fn allowed(&self) -> Vec<String> {
        self.peers.allowed()
    }

    /// Why some authority counts as gone: so many requests in a row without an answer.
    #[must_use]
    pub fn is_dead(&self) -> Option<String> {
        self.peers.gone()
    }

    /// Why the authority of `url` counts as gone.
    #[must_use]
    pub fn is_gone(&self, url: &str) -> Option<String> {
        let (_, peer) = self.destination(url, None).ok()?;
        peer.gone().map(str::to_owned)
    }

    /// The bounds of the run.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Connections for a [`Wire`](super::Wire), from the next source address if there are some.
    pub(super) fn lane(&self) -> Lane {
        let addresses = &self.limits.source_addresses;
        if addresses.is_empty() {
            return self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        Lane { address: Some(addresses[next % addresses.len()]), ..Lane::default() }
    }

    /// Takes connections back for the next.
    pub(super) fn give_back(&self, lane: Lane) {
        if lane.address.is_none() {
            lane.doubtful.store(false, Ordering::Relaxed);
            self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
        }
    }

    /// Sends a request once the rate limit lets it, and reads the bounded answer.
    /// `place` is the request's URL, if it was taken apart already.
    pub(super) async fn send(&self, request: &Request, place: Option<&Url>, lane: &Lane) -> (Outcome, Duration) {
        let (url, peer) = match self.destination(&request.url, place) {
            Ok(destination) => destination,
            Err(why) => return (Outcome::Failed(Failure::NotSent(why)), Duration::ZERO),
        };
        if let Some(gone) = peer.refusal() {
            return (Outcome::Failed(gone), Duration::ZERO);
        }
        if let Some(rate) = &self.rate {
            rate.until_ready().await;
        }
        if self.closes.load(Ordering::Relaxed) {
            lane.hang_up();
        }
        let used = lane.used.load(Ordering::Relaxed);
        let start = Instant::now();
        let outcome = match self.exchange(request, url, lane).await {
            Ok(response) => Outcome::Answered(response),
            Err(failure) => Outcome::Failed(failure),
        };
        peer.note(&outcome, start, self.limits.give_up_after);
        if matches!(&outcome, Outcome::Answered(response) if response.status < 500) {
            lane.used.store(true, Ordering::Relaxed);
        } else {
            // Many servers close a connection after a crash without saying so: the next request must not run into that.
            lane.hang_up();
        }
        if used && matches!(&outcome, Outcome::Failed(Failure::Dropped(_))) {
            // Some close one after any answer, for instance if nobody read the body of the request. What a request meets
            // on a new connection is its own doing.
            self.closes.store(true, Ordering::Relaxed);
            lane.doubtful.store(true, Ordering::Relaxed);
        }
        (outcome, start.elapsed())
    }

    async fn exchange(&self, request: &Request, url: Url, lane: &Lane) -> Result<Response, Failure> {
        let client = self.client(&url, lane)?;
        let wants_result = request.method == "POST";
        let message = message(request, url).map_err(Failure::NotSent)?;
        let deadline = tokio::time::Instant::now() + self.limits.timeout;
        let late = Failure::TimedOut(self.limits.timeout);
        let response = tokio::time::timeout_at(deadline, client.execute(message)).await.map_err(|_| late)?;
        let response = response.map_err(|error| classify(&error, self.limits.max_header))?;
        body::read(response, &self.limits, deadline, wants_result).await
    }

    fn destination(&self, url: &str, place: Option<&Url>) -> Result<(Url, Arc<Peer>), String> {
        let mut parsed = match place {
            Some(place) => place.clone(),
            None => Url::parse(url).map_err(|error| format!("`{url}` is no absolute URL ({error})"))?,
        };
        parsed.set_fragment(None);
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("`{url}` is no http or https URL"));
        }
        let peer = self.peers.get(&parsed);
        let peer = peer.ok_or_else(|| format!("{} does not belong to this run", parsed.authority()))?;
        Ok((parsed, peer))
    }

    fn client(&self, url: &Url, lane: &Lane) -> Result<Client, Failure> {
        let wants_v6 = matches!(url.host(), Some(url::Host::Ipv6(_)));
        let address = lane.address.filter(|address| is_loopback(url) && address.is_ipv6() == wants_v6);
        let kind = match (url.scheme(), address) {
            ("https", _) => Kind::Secure,
            (_, Some(_)) => Kind::Addressed,
            (_, None) => Kind::Plain,
        };
        let mut clients = lane.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = clients.entry(kind).or_insert_with(|| match kind {
            Kind::Secure => secure(&self.limits),
            Kind::Addressed | Kind::Plain => build(builder().tls_certs_only([]).local_address(address)),
        });
        made.clone().map_err(Failure::Refused)
    }
}

/// Whether a URL's host is this machine, as browsers see it: `localhost`, its subdomains, 127.0.0.0/8 and `[::1]`.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE)
}

fn build(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| format!("failed to set up the HTTP client: {error}"))
}

/// A client that trusts the system's certificates and the extra ones; only the extra ones where the system has none.
fn secure(limits: &Limits) -> Result<Client, String> {
    let extra = roots(limits)?;
    let merged = builder().tls_certs_merge(extra.clone()).build();
    merged
        .or_else(|_| builder().tls_certs_only(extra).build())
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

fn roots(limits: &Limits) -> Result<Vec<Certificate>, String> {
    let mut all = Vec::new();
    for pem in &limits.extra_roots {
        let found =
            Certificate::from_pem_bundle(pem).map_err(|error| format!("failed to read a root certificate: {error}"))?;
        if found.is_empty() {
            return Err("failed to read a root certificate: the file holds none (PEM is expected)".to_owned());
        }
        all.extend(found);
    }
    Ok(all)
}

fn message(request: &Request, url: Url) -> Result<reqwest::Request, String> {
    let method =
        Method::from_bytes(request.method.as_bytes()).map_err(|_| format!("`{}` is no method", request.method))?;
    let mut message = reqwest::Request::new(method, url);
    for (name, value) in &request.headers {
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("HTTP cannot carry this value of `{name}`"))?;
        message.headers_mut().append(field, value);
    }
    if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        *message.body_mut() = Some(request.body.clone().into());
    }
    Ok(message)
}

/// Servers close idle connections after a while (some after 2 s) without a word; a request that meets the closing would
/// look like a crash of the target, so connections are not used again after this time.
const IDLE: Duration = Duration::from_secs(1);
