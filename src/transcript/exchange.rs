//! One request and what came of it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::sse::EventStream;

/// One recorded request and its outcome.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Number within the case, ascending from 1 in the order of sending.
    pub id: u32,
    /// Who sent it: the browser's or the client's name.
    pub by: String,
    /// What was sent, with the headers that the harness added by itself.
    pub request: Request,
    /// What came back.
    pub outcome: Outcome,
    /// From sending to the last byte that was read; waiting for the rate limit is not counted.
    pub duration: Duration,
}

/// An HTTP request as data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, in the case it is sent.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Header fields in order; a name may occur several times.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Bytes,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target answered.
    Answered(Response),
    /// No usable answer came.
    Failed(Failure),
}

/// An HTTP response as data, with a bounded body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields in order, names in lower case. Bytes that are not UTF-8 are read as ISO 8859-1.
    pub headers: Vec<(String, String)>,
    /// The body, after `gzip` and `deflate` were undone.
    pub body: Bytes,
    /// Whether there was more to read: the body was cut at the limit, or a stream was left while it was open.
    pub truncated: bool,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The connection was closed or reset after the request was sent.
    Dropped(String),
    /// Something came that is not HTTP, or a body that is not what its `Content-Encoding` says.
    Malformed(String),
    /// The harness will not send there: no http(s) URL, an authority that was not allowed, or a request that HTTP cannot
    /// carry.
    NotSent(String),
    /// No connection: refused, name not found, TLS failed, or the authority stopped answering earlier.
    Refused(String),
    /// No answer within this time.
    TimedOut(Duration),
    /// The head of the response was larger than this many bytes.
    TooLarge(u64),
}

/// What to do about the certificate of the other side, if a failure is told to be one of it.
#[must_use]
pub fn certificate(why: &str) -> Option<&'static str> {
    if !why.contains("invalid peer certificate") {
        return None;
    }
    Some(match () {
        () if why.contains("not valid for name") => {
            "Its certificate is for another name: use the URL with a name that is in it, or have one made for this name"
        }
        () if why.contains("CaUsedAsEndEntity") => {
            "Its certificate is that of an authority, which a server must not show: have one made with CA:FALSE (RFC 5280 section 4.2.1.9)"
        }
        () if why.contains("Expired") || why.contains("expired") => "Its certificate is past its end: have it renewed",
        () => {
            "Its certificate is not trusted here: name that of its authority in the environment variable SSL_CERT_FILE, a file that \
             can be read and holds certificates as PEM"
        }
    })
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Request {
        Request { method: method.to_owned(), url: url.to_owned(), ..Request::default() }
    }

    /// A `GET` request.
    #[must_use]
    pub fn get(url: &str) -> Request {
        Request::new("GET", url)
    }

    /// A `POST` request with an `application/x-www-form-urlencoded` body; names may repeat.
    #[must_use]
    pub fn form<K: AsRef<str>, V: AsRef<str>>(url: &str, fields: &[(K, V)]) -> Request {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::new("POST", url).with("content-type", "application/x-www-form-urlencoded");
        request.body = body.into();
        request
    }

    /// A `POST` request with a JSON body.
    #[must_use]
    pub fn json(url: &str, body: &Value) -> Request {
        let mut request = Request::new("POST", url).with("content-type", "application/json");
        request.body = body.to_string().into();
        request
    }

    /// The request with one more header field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces every field of this name by one; an empty `value` stays an empty field.
    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The first field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The media type without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        self.header("content-type").and_then(essence)
    }
}

impl Response {
    /// The first field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// Every field of this name, in order.
    #[must_use]
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON, whatever the media type says; `None` if it is not JSON.
    ///
    /// For an event stream see [`Response::events`].
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).ok()
    }

    /// The data of each event of a `text/event-stream` body, in order.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        EventStream::default().push(&self.body)
    }

    /// The media type without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        self.header("content-type").and_then(essence)
    }
}

impl Outcome {
    /// The response, if one came.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match self {
            Outcome::Answered(response) => Some(response),
            Outcome::Failed(_) => None,
        }
    }

    /// The failure, if no response came.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Answered(_) => None,
            Outcome::Failed(failure) => Some(failure),
        }
    }
}

impl Failure {
    /// Whether nobody was there: a sign that the target is gone rather than wrong.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Failure::Refused(_) | Failure::TimedOut(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Dropped(why) => write!(f, "the connection was dropped after the request was sent: {why}"),
            Failure::Malformed(why) => write!(f, "the answer cannot be read: {why}"),
            Failure::NotSent(why) => write!(f, "not sent: {why}"),
            Failure::Refused(why) => write!(f, "no connection: {why}"),
            Failure::TimedOut(limit) => write!(f, "no answer within {limit:?}"),
            Failure::TooLarge(limit) => {
                write!(f, "the head of the answer is larger than {limit} bytes")
            }
        }
    }
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn essence(content_type: &str) -> Option<String> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!essence.is_empty()).then_some(essence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_requests() {
        let request = Request::form("http://h/t", &[("a", "1 2"), ("a", "&")]).with("x", "1").with("X", "2");
        assert_eq!(request.body, "a=1+2&a=%26");
        assert_eq!(request.media_type().as_deref(), Some("application/x-www-form-urlencoded"));
        let mut request = request;
        request.set("x", "3");
        assert_eq!(request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x")).count(), 1);
    }

    #[test]
    fn reads_responses() {
        let response = Response {
            headers: vec![
                ("content-type".into(), "Application/JSON; charset=utf-8".into()),
                ("a".into(), "1".into()),
                ("a".into(), "2".into()),
            ],
            body: Bytes::from_static(b"\xef\xbb\xbf{\"x\":1}"),
            ..Response::default()
        };
        assert_eq!(response.media_type().as_deref(), Some("application/json"));
        assert_eq!(response.header_all("A"), ["1", "2"]);
        assert_eq!(response.json().expect("a byte order mark is no obstacle")["x"], 1);
    }

    #[test]
    fn survives_bytes_that_are_not_text() {
        let response = Response { body: Bytes::from_static(b"\xff\xfe{"), ..Response::default() };
        assert_eq!(response.text(), "\u{fffd}\u{fffd}{");
        assert_eq!(response.json(), None);
    }
}
