//! The recorder of one case: sends, keeps every exchange, and learns the secrets that pass.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use url::Url;

use super::http::{Http, Lane};
use super::page::Page;
use crate::transcript::{Exchange, Outcome, Request, Response, Secret, Vault};

/// What one case sends and hears. A clone is another handle to the same record.
#[derive(Clone)]
pub struct Wire {
    shared: Arc<Shared>,
    waits: bool,
}

/// What came of a request, and the number of its exchange.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The number of the exchange.
    pub id: u32,
    /// What came of it.
    pub outcome: Outcome,
}

struct Shared {
    http: Arc<Http>,
    vault: Vault,
    record: Mutex<Record>,
    sent: AtomicU32,
    /// Given back at the end.
    lane: Lane,
}

#[derive(Default)]
struct Record {
    exchanges: Vec<Exchange>,
    /// What the vault has not learnt yet, in the order in which it came. Most cases never have to hide anything, and reading
    /// every body for secrets costs as much as sending it.
    lessons: Vec<Lesson>,
}

/// Something that secrets are learnt from.
enum Lesson {
    /// The exchange at this place of the record.
    Exchange(usize),
    Page(Arc<Page>),
    Secret(Secret, String),
    Url(String),
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.http.give_back(std::mem::take(&mut self.lane));
    }
}

impl Wire {
    /// An empty record. Everything it sends to loopback comes from one source address.
    #[must_use]
    pub fn new(http: Arc<Http>) -> Wire {
        let lane = http.lane();
        let shared = Shared { http, vault: Vault::default(), record: Mutex::default(), sent: AtomicU32::new(0), lane };
        Wire { shared: Arc::new(shared), waits: true }
    }

    /// A handle to the same record that takes a 429 for an answer, for cases that are about it.
    #[must_use]
    pub fn without_waiting(&self) -> Wire {
        Wire { shared: self.shared.clone(), waits: false }
    }

    /// Sends a request and records the exchange. `User-Agent`, `Accept` and `Accept-Encoding: identity` are added where
    /// they are missing.
    ///
    /// A 429 with a `Retry-After` within the limit is waited for and repeated once; both exchanges are recorded, and the
    /// second one is the answer.
    pub async fn send(&self, by: &str, request: Request) -> Answer {
        self.send_to(by, request, None).await
    }

    /// The same where the request's URL was taken apart already.
    pub(super) async fn send_to(&self, by: &str, mut request: Request, place: Option<&Url>) -> Answer {
        complete(&mut request);
        let first = self.exchange(by, request, place).await;
        let Some(wait) = first.outcome.response().and_then(|response| self.wait_for(response)) else { return first };
        let Some(same) = self.request(first.id) else { return first };
        tokio::time::sleep(wait).await;
        self.exchange(by, same, place).await
    }

    /// Every exchange so far, in the order of sending.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut exchanges = self.record().exchanges.clone();
        exchanges.sort_by_key(|exchange| exchange.id);
        exchanges
    }

    /// The secrets that passed so far.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        let vault = &self.shared.vault;
        let mut record = self.record();
        let Record { exchanges, lessons } = &mut *record;
        // Under the lock: nobody may read the vault while another teaches it.
        for lesson in lessons.iter() {
            match lesson {
                Lesson::Exchange(at) => {
                    let exchange = &exchanges[*at];
                    vault.learn_request(&exchange.request);
                    exchange.outcome.response().into_iter().for_each(|response| vault.learn_response(response));
                }
                Lesson::Page(page) => page.teach(vault),
                Lesson::Secret(kind, value) => vault.learn(*kind, value),
                Lesson::Url(url) => vault.learn_url(url),
            }
        }
        lessons.clear();
        vault
    }

    /// Remembers a secret; see [`Vault::learn`].
    pub fn learn(&self, kind: Secret, value: &str) {
        self.record().lessons.push(Lesson::Secret(kind, value.to_owned()));
    }

    /// Remembers what the query and the fragment of a URL hold.
    pub fn learn_url(&self, url: &str) {
        self.record().lessons.push(Lesson::Url(url.to_owned()));
    }

    /// Remembers what the forms of a page hold.
    pub(super) fn learn_page(&self, page: &Arc<Page>) {
        self.record().lessons.push(Lesson::Page(Arc::clone(page)));
    }

    /// The client that everything goes through.
    #[must_use]
    pub fn http(&self) -> &Arc<Http> {
        &self.shared.http
    }

    /// Whether a request was dropped on a connection that had been used before, so that the drop says nothing about it.
    #[must_use]
    pub fn met_a_closing(&self) -> bool {
        self.shared.lane.is_doubtful()
    }

    /// Whether a request was not answered at all, in time or by anybody: that says nothing about what was sent with it.
    #[must_use]
    pub fn met_silence(&self) -> bool {
        self.record().exchanges.iter().any(|e| matches!(&e.outcome, Outcome::Failed(failure) if failure.is_silence()))
    }

    /// How many requests were sent so far: the exchanges of a step are those with greater numbers than its mark.
    #[must_use]
    pub fn mark(&self) -> usize {
        usize::try_from(self.shared.sent.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Numbers of the exchanges that were sent after a mark and are over, in order.
    #[must_use]
    pub fn since(&self, mark: usize) -> Vec<u32> {
        let mut ids: Vec<u32> = self.record().exchanges.iter().map(|e| e.id).filter(|id| *id as usize > mark).collect();
        ids.sort_unstable();
        ids
    }

    /// Records a request that was received, not sent, with the status of its answer.
    pub fn note_received(&self, by: &str, request: Request, status: u16) {
        let id = self.shared.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = Outcome::Answered(Response { status, ..Response::default() });
        let exchange = Exchange { id, by: by.to_owned(), request, outcome, duration: Duration::ZERO };
        let mut record = self.record();
        let at = record.exchanges.len();
        record.lessons.push(Lesson::Exchange(at));
        record.exchanges.push(exchange);
    }

    async fn exchange(&self, by: &str, request: Request, place: Option<&Url>) -> Answer {
        let shared = &self.shared;
        let id = shared.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let (outcome, duration) = Box::pin(shared.http.send(&request, place, &shared.lane)).await;
        let exchange = Exchange { id, by: by.to_owned(), request, outcome: outcome.clone(), duration };
        let mut record = self.record();
        let at = record.exchanges.len();
        record.lessons.push(Lesson::Exchange(at));
        record.exchanges.push(exchange);
        Answer { id, outcome }
    }

    /// What was sent under a number.
    fn request(&self, id: u32) -> Option<Request> {
        self.record().exchanges.iter().find(|exchange| exchange.id == id).map(|exchange| exchange.request.clone())
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // A panic leaves at worst a lesson that is learnt twice.
        self.shared.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, response: &Response) -> Option<Duration> {
        let wait = retry_after(response).filter(|_| self.waits && response.status == 429)?;
        (wait <= self.shared.http.limits().max_retry_after).then_some(wait)
    }
}

fn complete(request: &mut Request) {
    // A fragment is never sent.
    if let Some(at) = request.url.find('#').filter(|_| request.url.starts_with("http")) {
        request.url.truncate(at);
    }
    let defaults = [
        ("user-agent", concat!("authspec/", env!("CARGO_PKG_VERSION"))),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
    ];
    for (name, value) in defaults {
        if request.header(name).is_none() {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// The wait that `Retry-After` asks for (RFC 9110 10.2.3), in seconds or as a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = at.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_retry_after() {
        let wait = |text: &str| {
            retry_after(&Response { headers: vec![("retry-after".into(), text.into())], ..Response::default() })
        };
        assert_eq!(wait(" 3 "), Some(Duration::from_secs(3)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(wait("Fri, 01 Jan 2100 00:00:00 GMT") > Some(Duration::from_secs(3600)));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn completes_requests_without_changing_what_is_there() {
        let mut request = Request::get("http://h/#f").with("Accept", "text/plain");
        complete(&mut request);
        assert_eq!(request.header("accept"), Some("text/plain"));
        assert_eq!(request.header("accept-encoding"), Some("identity"));
        assert_eq!((request.headers.len(), request.url.as_str()), (3, "http://h/"));
    }
}
