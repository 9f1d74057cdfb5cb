//! A hostile or broken target: each way becomes one clear outcome, and none hangs.

use std::convert::Infallible;
use std::time::Duration;

use authspec::transcript::{Failure, Request};
use authspec::wire::Limits;
use authspec::wire::host::{Delivery, Document, DocumentHost};
use axum::Router;
use axum::body::Body;
use axum::routing::{any, get as on_get};
use bytes::Bytes;
use futures_util::stream;

use crate::server::{answered, failed, get, impatient, limits, raw, serve, wire};

#[tokio::test]
async fn silence_times_out() {
    let origin = serve(Router::new().route("/", any(std::future::pending::<()>))).await;
    let wire = wire(impatient(), &[&origin]);
    assert_eq!(failed(get(&wire, &format!("{origin}/")).await), Failure::TimedOut(impatient().timeout));
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    let endless =
        || async { Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1024])))) };
    let origin = serve(Router::new().route("/", on_get(endless))).await;
    let response = answered(get(&wire(limits(), &[&origin]), &format!("{origin}/")).await);
    assert_eq!((response.status, response.body.len(), response.truncated), (200, 64 << 10, true));
}

#[tokio::test]
async fn a_hundred_megabytes_are_cut() {
    let host = DocumentHost::start().await.expect("a free port");
    host.put("/big", Document::of("text/plain", "start").delivered(Delivery::Padded(100 << 20)));
    let response = answered(get(&wire(limits(), &[&host.url("")]), &host.url("/big")).await);
    assert_eq!((response.body.len(), response.truncated), (64 << 10, true));
    assert!(response.body.starts_with(b"start"));
}

#[tokio::test]
async fn a_body_that_stops_half_way_times_out() {
    let host = DocumentHost::start().await.expect("a free port");
    let delivery = Delivery::Drip { bytes: 1, pause: Duration::from_millis(200) };
    host.put("/slow", Document::of("application/json", "{\"access_token\":\"x\"}").delivered(delivery));
    assert!(matches!(
        failed(get(&wire(impatient(), &[&host.url("")]), &host.url("/slow")).await),
        Failure::TimedOut(_)
    ));
}

#[tokio::test]
async fn a_dropped_connection_is_told_from_a_refused_one() {
    let host = DocumentHost::start().await.expect("a free port");
    host.put("/drop", Document::default().delivered(Delivery::Drop));
    let wire = wire(limits(), &[&host.url(""), "127.0.0.1:1"]);
    assert!(matches!(failed(get(&wire, &host.url("/drop")).await), Failure::Dropped(_)));
    assert_eq!(host.hits("/drop").len(), 1);
    assert!(matches!(failed(get(&wire, "http://127.0.0.1:1/").await), Failure::Refused(_)));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_dropped() {
    let origin = raw(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec())).await;
    assert!(matches!(failed(get(&wire(limits(), &[&origin]), &origin).await), Failure::Dropped(_)));
}

#[tokio::test]
async fn what_is_not_http_is_malformed() {
    for nonsense in [&b"SSH-2.0-OpenSSH_9.6\r\n"[..], b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"] {
        let origin = raw(Some(nonsense.to_vec())).await;
        let failure = failed(get(&wire(limits(), &[&origin]), &origin).await);
        assert!(matches!(failure, Failure::Malformed(_)), "{}: {failure:?}", nonsense.escape_ascii());
    }
    let origin = raw(Some(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec())).await;
    let failure = failed(get(&wire(limits(), &[&origin]), &origin).await);
    assert!(matches!(failure, Failure::Malformed(_)), "bad chunk: {failure:?}");
}

#[tokio::test]
async fn no_byte_at_all_is_dropped() {
    let origin = raw(None).await;
    assert!(matches!(failed(get(&wire(limits(), &[&origin]), &origin).await), Failure::Dropped(_)));
}

#[tokio::test]
async fn a_huge_head_is_too_large() {
    for size in [100 << 10, 1 << 20] {
        let origin = raw(Some(
            format!("HTTP/1.1 200 OK\r\nx-big: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(size)).into_bytes(),
        ))
        .await;
        let failure = failed(get(&wire(limits(), &[&origin]), &origin).await);
        assert_eq!(failure, Failure::TooLarge(64 << 10), "{size} bytes");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let origin = raw(Some(many.into_bytes())).await;
    assert_eq!(failed(get(&wire(limits(), &[&origin]), &origin).await), Failure::TooLarge(64 << 10));
}

#[tokio::test]
async fn bad_gzip_is_malformed() {
    let origin =
        raw(Some(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope".to_vec())).await;
    assert!(
        matches!(failed(get(&wire(limits(), &[&origin]), &origin).await), Failure::Malformed(why) if why.contains("gzip"))
    );
}

#[tokio::test]
async fn odd_bytes_are_kept() {
    let origin =
        raw(Some(b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\ny: caf\xc3\xa9\r\ncontent-length: 3\r\n\r\na\xff{".to_vec())).await;
    let response = answered(get(&wire(limits(), &[&origin]), &origin).await);
    assert_eq!((response.header("x"), response.header("y")), (Some("café"), Some("café")));
    assert_eq!(response.text(), "a\u{fffd}{");
}

#[tokio::test]
async fn an_authority_that_is_gone_is_given_up() {
    let wire = wire(Limits { give_up_after: 3, ..limits() }, &["127.0.0.1:1"]);
    for _ in 0..3 {
        assert_eq!(wire.http().is_dead(), None);
        failed(get(&wire, "http://127.0.0.1:1/").await);
    }
    assert!(wire.http().is_dead().expect("given up").starts_with("127.0.0.1:1 no longer answers"));
    assert!(wire.http().is_gone("http://127.0.0.1:1/x").is_some());
    assert!(
        matches!(failed(get(&wire, "http://127.0.0.1:1/").await), Failure::Refused(why) if why.contains("no longer answers"))
    );
}

#[tokio::test]
async fn an_event_stream_is_left_after_the_result() {
    let stream = || async {
        let events = [
            "data:\n\n",
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n",
        ];
        let body = stream::iter(events.map(|event| Ok::<_, Infallible>(Bytes::from(event))));
        let body = futures_util::StreamExt::chain(body, stream::pending());
        ([("content-type", "text/event-stream")], Body::from_stream(body))
    };
    let origin = serve(Router::new().route("/mcp", any(stream))).await;
    let wire = wire(limits(), &[&origin]);
    let post = wire.send("test", Request::json(&format!("{origin}/mcp"), &serde_json::json!({}))).await;
    let response = answered(post.outcome);
    assert_eq!(response.events().len(), 2);
    assert!(response.truncated);
    let response = answered(get(&wire, &format!("{origin}/mcp")).await);
    assert_eq!(response.events().len(), 2, "without a request to answer, what comes soon is taken");
}

#[tokio::test]
async fn an_event_stream_without_a_result_is_what_arrived() {
    let stream = || async {
        let body = stream::iter([Ok::<_, Infallible>(Bytes::from("data: {}\n\n"))]);
        let body = futures_util::StreamExt::chain(body, stream::pending());
        ([("content-type", "text/event-stream; charset=utf-8")], Body::from_stream(body))
    };
    let origin = serve(Router::new().route("/mcp", any(stream))).await;
    let post = wire(Limits { timeout: Duration::from_secs(1), ..limits() }, &[&origin])
        .send("test", Request::json(&format!("{origin}/mcp"), &serde_json::json!({})))
        .await;
    assert_eq!(answered(post.outcome).events(), ["{}"]);
}
