//! Reading a response: bounded in bytes and time, event streams only as far as needed.

use std::io::Read as _;

use bytes::{Bytes, BytesMut};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::failure::classify;
use super::limits::Limits;
use crate::transcript::{EventStream, Failure, Response};

/// Reads the answer to its end, to the limit, to the JSON-RPC result (if `wants_result` and it is an event stream), or to
/// the deadline, whichever comes first.
pub(super) async fn read(
    response: reqwest::Response,
    limits: &Limits,
    deadline: Instant,
    wants_result: bool,
) -> Result<Response, Failure> {
    let mut answer =
        Response { status: response.status().as_u16(), headers: headers(&response), ..Response::default() };
    let head: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if u64::try_from(head).unwrap_or(u64::MAX) > limits.max_header {
        return Err(Failure::TooLarge(limits.max_header));
    }
    let is_stream = answer.media_type().as_deref() == Some("text/event-stream");
    let stop = match (is_stream, wants_result) {
        (false, _) => Stop::AtEnd,
        (true, true) => Stop::AfterResult { events: EventStream::default(), until: deadline },
        (true, false) => Stop::At(deadline.min(Instant::now() + limits.stream_wait)),
    };
    let raw = collect(response.bytes_stream(), limits, deadline, stop).await?;
    answer.truncated = raw.truncated;
    answer.body = raw.bytes;
    decode(&mut answer, limits.max_body)?;
    Ok(answer)
}

/// When to stop before the end of the body.
enum Stop {
    AtEnd,
    At(Instant),
    AfterResult { events: EventStream, until: Instant },
}

struct Raw {
    bytes: Bytes,
    truncated: bool,
}

async fn collect(
    mut body: impl Stream<Item = reqwest::Result<Bytes>> + Unpin,
    limits: &Limits,
    deadline: Instant,
    mut stop: Stop,
) -> Result<Raw, Failure> {
    let limit = usize::try_from(limits.max_body).unwrap_or(usize::MAX);
    let until = if let Stop::At(until) | Stop::AfterResult { until, .. } = &stop { *until } else { deadline };
    let mut bytes = BytesMut::new();
    loop {
        let piece = match timeout_at(until, body.next()).await {
            Err(_) if matches!(stop, Stop::AtEnd) => return Err(Failure::TimedOut(limits.timeout)),
            Err(_) => {
                return Ok(Raw { bytes: bytes.freeze(), truncated: true });
            }
            Ok(None) => {
                return Ok(Raw { bytes: bytes.freeze(), truncated: false });
            }
            // A stream that breaks off after it brought something is an answer that was cut.
            Ok(Some(Err(_))) if !matches!(stop, Stop::AtEnd) && !bytes.is_empty() => {
                return Ok(Raw { bytes: bytes.freeze(), truncated: true });
            }
            Ok(Some(Err(error))) => return Err(classify(&error, limits.max_header)),
            Ok(Some(Ok(piece))) => piece,
        };
        let room = limit - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            return Ok(Raw { bytes: bytes.freeze(), truncated: true });
        }
        if let Stop::AfterResult { events, .. } = &mut stop
            && events.push(&piece).iter().any(|data| is_result(data))
        {
            return Ok(Raw { bytes: bytes.freeze(), truncated: true });
        }
    }
}

/// Whether an event's data is (or, as a batch, holds) a JSON-RPC response.
fn is_result(data: &str) -> bool {
    let is_response = |value: &serde_json::Value| {
        value.get("id").is_some() && (value.get("result").is_some() || value.get("error").is_some())
    };
    match serde_json::from_str::<serde_json::Value>(data) {
        Ok(serde_json::Value::Array(batch)) => batch.iter().any(is_response),
        Ok(value) => is_response(&value),
        Err(_) => false,
    }
}

fn headers(response: &reqwest::Response) -> Vec<(String, String)> {
    response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
}

/// A field value as text: UTF-8 if it is that, else ISO 8859-1, so that no byte is lost.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

/// Undoes `gzip` and `deflate`, which nobody asked for but some gateways apply all the same. Other codings stay.
fn decode(answer: &mut Response, max_body: u64) -> Result<(), Failure> {
    let coding = answer.header("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    if answer.body.is_empty() {
        return Ok(());
    }
    let packed = answer.body.clone();
    let (plain, end) = match coding.as_str() {
        "gzip" | "x-gzip" => unpack(MultiGzDecoder::new(&packed[..]), max_body),
        // RFC 9110 8.4.1.2 says zlib, but raw deflate is common.
        "deflate" if packed[0] & 15 == 8 => unpack(ZlibDecoder::new(&packed[..]), max_body),
        "deflate" => unpack(DeflateDecoder::new(&packed[..]), max_body),
        _ => return Ok(()),
    };
    match end {
        // What was cut on the wire cannot be whole.
        Err(why) if !answer.truncated => {
            return Err(Failure::Malformed(format!("bad {coding} body: {why}")));
        }
        Err(_) => {}
        Ok(cut) => answer.truncated |= cut,
    }
    answer.body = plain.into();
    Ok(())
}

/// What could be unpacked within the limit, and whether there was more.
fn unpack(decoder: impl std::io::Read, max_body: u64) -> (Vec<u8>, std::io::Result<bool>) {
    let mut plain = Vec::new();
    let mut bounded = decoder.take(max_body);
    let end = bounded.read_to_end(&mut plain);
    let mut rest = bounded.into_inner();
    let end =
        end.and_then(|_| Ok(u64::try_from(plain.len()).unwrap_or(u64::MAX) >= max_body && rest.read(&mut [0])? > 0));
    (plain, end)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn answer(coding: &str, body: Vec<u8>, truncated: bool) -> Response {
        Response {
            status: 200,
            headers: vec![("content-encoding".into(), coding.into())],
            body: body.into(),
            truncated,
        }
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn unpacks_within_the_limit() {
        let mut whole = answer("gzip", gzip(b"hello"), false);
        assert_eq!(decode(&mut whole, 5), Ok(()));
        assert_eq!((&whole.body[..], whole.truncated), (&b"hello"[..], false));
        let mut bomb = answer("gzip", gzip(&vec![0; 1 << 20]), false);
        assert_eq!(decode(&mut bomb, 1000), Ok(()));
        assert_eq!((bomb.body.len(), bomb.truncated), (1000, true));
    }

    #[test]
    fn bad_gzip_is_malformed_unless_it_was_cut() {
        let mut bad = answer("gzip", b"no gzip at all".to_vec(), false);
        assert!(matches!(decode(&mut bad, 100), Err(Failure::Malformed(_))));
        let packed = gzip(b"hello hello hello");
        let mut cut = answer("gzip", packed[..packed.len() - 10].to_vec(), true);
        assert_eq!(decode(&mut cut, 100), Ok(()));
    }

    #[test]
    fn knows_a_json_rpc_response() {
        assert!(is_result(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
        assert!(is_result(r#"[{"method":"x"},{"id":null,"error":{}}]"#));
        for other in ["", "null", r#"{"id":1,"method":"ping"}"#, r#"{"result":{}}"#] {
            assert!(!is_result(other), "{other}");
        }
    }
}
