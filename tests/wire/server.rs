//! Small servers for the tests: one from an axum router, one that answers with raw bytes.

use std::sync::Arc;
use std::time::Duration;

use authspec::transcript::{Failure, Outcome, Request, Response};
use authspec::wire::{Http, Limits, Wire};
use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Serves a router on a free port and returns its origin.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

/// Answers each connection's first request with these bytes, then closes. `None` closes without a byte.
pub(crate) async fn raw(answer: Option<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_raw(stream, answer.clone()));
        }
    });
    origin
}

async fn answer_raw(mut stream: TcpStream, answer: Option<Vec<u8>>) {
    let mut request = vec![0; 64 * 1024];
    let _ = stream.read(&mut request).await;
    if let Some(answer) = answer {
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    }
}

/// Answers the first request of each connection, and ends it without a word when the second comes.
pub(crate) async fn one_each() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                let _ = stream.read(&mut request).await;
            });
        }
    });
    origin
}

/// Bounds that no honest answer meets, however busy the machine is.
pub(crate) fn limits() -> Limits {
    Limits { max_body: 64 << 10, ..Limits::default() }
}

/// Bounds for answers that never come, so that the test does not wait long.
pub(crate) fn impatient() -> Limits {
    Limits { timeout: Duration::from_millis(300), ..limits() }
}

/// A wire that may send to these origins.
pub(crate) fn wire(limits: Limits, origins: &[&str]) -> Wire {
    let http = Http::new(limits).expect("these limits can be met");
    origins.iter().for_each(|origin| http.allow(origin));
    Wire::new(Arc::new(http))
}

/// The answer to a `GET`.
pub(crate) async fn get(wire: &Wire, url: &str) -> Outcome {
    wire.send("test", Request::get(url)).await.outcome
}

/// The response, which must have come.
pub(crate) fn answered(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Answered(response) => response,
        Outcome::Failed(failure) => panic!("{failure}"),
    }
}

/// The failure, which must have happened.
pub(crate) fn failed(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Answered(response) => panic!("answered {}", response.status),
        Outcome::Failed(failure) => failure,
    }
}
