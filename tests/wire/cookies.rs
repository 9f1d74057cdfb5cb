//! Cookies on their way through real exchanges.

use authspec::transcript::Request;
use authspec::wire::Browser;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _};
use axum::routing::get;

use crate::server::{limits, serve, wire};

async fn shown(headers: HeaderMap) -> String {
    headers
        .get("cookie")
        .map_or_else(|| "none".to_owned(), |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn router() -> Router {
    let set = || async {
        let cookies = AppendHeaders([
            ("set-cookie", "__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
            ("set-cookie", "flow=2; Path=/interaction/7"),
            ("set-cookie", "__Host-bad=3; Path=/x; Secure"),
            ("location", "/interaction/7"),
        ]);
        (StatusCode::SEE_OTHER, cookies).into_response()
    };
    Router::new().route("/set", get(set)).route("/interaction/7", get(shown)).route("/other", get(shown))
}

#[tokio::test]
async fn loopback_keeps_what_browsers_keep() {
    let origin = serve(router()).await;
    let wire = wire(limits(), &[&origin]);
    let mut alice = Browser::new("alice");
    let visit = alice.open(&wire, Request::get(&format!("{origin}/set")), &|_| false).await;
    assert_eq!(visit.statuses, [303, 200]);
    assert_eq!(visit.page().expect("a page").body, "flow=2; __Host-sid=1");
    let visit = alice.open(&wire, Request::get(&format!("{origin}/other")), &|_| false).await;
    assert_eq!(visit.page().expect("a page").body, "__Host-sid=1");
    assert_eq!(alice.jar.received().len(), 3);
    assert!(!alice.jar.received()[2].kept);
    let visit = Browser::new("mallory").open(&wire, Request::get(&format!("{origin}/other")), &|_| false).await;
    assert_eq!(visit.page().expect("a page").body, "none", "each browser has its own jar");
}

#[tokio::test]
async fn a_cookie_in_the_request_is_left_as_it_is() {
    let origin = serve(router()).await;
    let wire = wire(limits(), &[&origin]);
    let mut alice = Browser::new("alice");
    alice.jar.set("sid=1", &origin);
    let request = Request::get(&format!("{origin}/other")).with("Cookie", "forged=1");
    let visit = alice.open(&wire, request, &|_| false).await;
    assert_eq!(visit.page().expect("a page").body, "forged=1");
}
