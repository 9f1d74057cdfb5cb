//! The host of documents for the target.

use std::time::Duration;

use authspec::transcript::Request;
use authspec::wire::host::{Delivery, Document, DocumentHost};

use crate::server::{answered, get, limits, wire};

#[tokio::test]
async fn serves_counts_and_changes() {
    let host = DocumentHost::start().await.expect("a free port");
    let wire = wire(limits(), &[&host.url("")]);
    host.put("client.json", Document::json(&serde_json::json!({ "client_id": host.url("/client.json") })));
    let response = answered(get(&wire, &host.url("/client.json?x=1")).await);
    assert_eq!(response.json().expect("JSON")["client_id"], host.url("client.json"));
    host.put("/client.json", Document::redirect(302, "http://127.0.0.1:9/"));
    let response = answered(
        wire.send("test", Request::form(&host.url("/client.json"), &[("a", "b")]).with("X-Who", "me")).await.outcome,
    );
    assert_eq!((response.status, response.header("location")), (302, Some("http://127.0.0.1:9/")));
    host.remove("/client.json");
    assert_eq!(answered(get(&wire, &host.url("/client.json")).await).status, 404);
    let hits = host.hits("/client.json");
    assert_eq!(hits.iter().map(|hit| hit.method.as_str()).collect::<Vec<_>>(), ["GET", "POST", "GET"]);
    assert_eq!((hits[0].query.as_str(), &hits[1].body[..]), ("x=1", &b"a=b"[..]));
    assert!(hits[1].headers.contains(&("x-who".into(), "me".into())));
    assert!(host.hits("/other").is_empty());
}

#[tokio::test]
async fn drips() {
    let host = DocumentHost::start().await.expect("a free port");
    let delivery = Delivery::Drip { bytes: 2, pause: Duration::from_millis(1) };
    host.put(
        "/slow",
        Document { delay: Duration::from_millis(1), ..Document::of("text/plain", "abcde").delivered(delivery) },
    );
    assert_eq!(answered(get(&wire(limits(), &[&host.url("")]), &host.url("/slow")).await).text(), "abcde");
}

#[tokio::test]
async fn ends_when_it_is_dropped() {
    let host = DocumentHost::start().await.expect("a free port");
    let address = host.authority();
    drop(host);
    tokio::task::yield_now().await;
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{address} still listens");
}
