//! The browser against small login flows: redirects, forms, refreshes, loops.

use authspec::transcript::{Failure, Request};
use authspec::wire::{Browser, End, Limits, Visit};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{any, get, post};

use crate::server::{limits, serve, wire};

fn to(status: u16, location: &str) -> Response {
    (StatusCode::from_u16(status).expect("a status"), [("location", location)]).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
}

async fn told(headers: HeaderMap, body: Bytes) -> String {
    let names = ["origin", "referer", "sec-fetch-site", "sec-fetch-mode", "content-type"];
    let fields: Vec<_> = names.iter().map(|name| header(&headers, name)).collect();
    format!("{} {}", fields.join(" "), String::from_utf8_lossy(&body))
}

fn body(visit: &Visit) -> &str {
    visit.page().map_or("no page", |page| page.body.as_str())
}

#[tokio::test]
async fn a_login_in_two_pages_ends_at_the_callback() {
    let password = || async {
        Html(
            "<form method=post action=/password><input type=hidden name=csrf value=t0k3n-t0k3n-t0k3n><input type=password name=pw><button name=do value=login>Log in</button></form>",
        )
    };
    let check = |headers: HeaderMap, body: String| async move {
        let is_right = body == "csrf=t0k3n-t0k3n-t0k3n&pw=hunter22&do=login"
            && header(&headers, "origin").starts_with("http://127.0.0.1");
        if is_right {
            to(302, "http://127.0.0.1:9/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=s")
        } else {
            to(302, "/wrong")
        }
    };
    let router = Router::new()
        .route("/authorize", get(|| async { to(302, "login?step=1") }))
        .route(
            "/login",
            get(|| async { Html("<title>Who</title><form action=password?lost=1><input name=user></form>") }),
        )
        .route("/password", get(password).post(check));
    let origin = serve(router).await;
    let wire = wire(limits(), &[&origin]);
    let stop = |location: &str| location.starts_with("http://127.0.0.1:9/callback");
    let mut alice = Browser::new("alice");
    let visit = alice.open(&wire, Request::get(&format!("{origin}/authorize")), &stop).await;
    let page = visit.page().expect("the first page").clone();
    assert_eq!(
        (page.title.as_str(), page.url.as_str(), visit.redirects.as_slice()),
        ("Who", format!("{origin}/login?step=1").as_str(), &["login?step=1".to_owned()][..])
    );
    let visit = alice.submit(&wire, &page, &page.forms[0], &[("user".into(), "alice".into())], None, &stop).await;
    let page = visit.page().expect("the second page").clone();
    assert_eq!(page.url, format!("{origin}/password?user=alice"));
    let visit = alice.submit(&wire, &page, &page.forms[0], &[("pw".into(), "hunter22".into())], None, &stop).await;
    let End::Stopped { location, from } = visit.end else { panic!("{:?}", visit.end) };
    assert_eq!((location.as_str(), from), ("http://127.0.0.1:9/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=s", 302));
    let shown =
        format!("{:?}", wire.exchanges().iter().map(|exchange| exchange.redacted(wire.vault())).collect::<Vec<_>>());
    for secret in ["hunter22", "SplxlOBeZQQYbYS6WxSbIA", "t0k3n-t0k3n-t0k3n"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn pages_tell_what_their_policy_allows() {
    let form = "<form method=post action=/told><input name=a value=b></form>";
    let router = Router::new()
        .route("/plain", get(move || async move { Html(form) }))
        .route("/silent", get(move || async move { ([("referrer-policy", "no-referrer")], Html(form)) }))
        .route("/told", any(told));
    let origin = serve(router).await;
    let wire = wire(limits(), &[&origin]);
    let mut alice = Browser::new("alice");
    for (path, expected) in [
        ("/plain", format!("{origin} {origin}/plain same-origin navigate application/x-www-form-urlencoded a=b")),
        ("/silent", "null - same-origin navigate application/x-www-form-urlencoded a=b".to_owned()),
    ] {
        let visit = alice.open(&wire, Request::get(&format!("{origin}{path}")), &|_| false).await;
        let page = visit.page().expect("the form").clone();
        let visit = alice.submit(&wire, &page, &page.forms[0], &[], None, &|_| false).await;
        assert_eq!(body(&visit), expected);
    }
    let visit = alice.open(&wire, Request::get(&format!("{origin}/told")), &|_| false).await;
    assert_eq!(body(&visit), "- - none navigate - ");
}

#[tokio::test]
async fn methods_change_as_in_browsers() {
    let router = Router::new()
        .route("/{status}", post(|uri: Uri| async move { to(uri.path()[1..].parse().expect("a status"), "/told") }))
        .route("/told", any(|request: axum::extract::Request| async move { request.method().to_string() }));
    let origin = serve(router).await;
    let wire = wire(limits(), &[&origin]);
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")] {
        let visit = Browser::new("alice")
            .open(&wire, Request::form(&format!("{origin}/{status}"), &[("a", "b")]), &|_| false)
            .await;
        assert_eq!(body(&visit), method, "{status}");
        let mut alice = Browser::new("alice");
        let visit = alice
            .open(&wire, Request::form(&format!("{origin}/{status}"), &[("a", "b")]), &|location| {
                location.ends_with("/told")
            })
            .await;
        let End::Stopped { location, .. } = visit.end else { panic!("not stopped") };
        assert_eq!(body(&alice.resume(&wire, &location, &|_| false).await), method, "{status} resumed");
        assert_eq!(body(&alice.resume(&wire, &location, &|_| false).await), "GET", "a second time it is opened");
    }
}

#[tokio::test]
async fn locations_are_text_first() {
    let router = Router::new()
        .route("/js", get(|| async { to(302, "javascript:alert(1)") }))
        .route("/400", get(|| async { to(400, "http://evil.example/") }))
        .route("/foreign", get(|| async { to(302, "http://evil.example/x") }))
        .route("/empty", get(|| async { to(302, "") }));
    let origin = serve(router).await;
    let wire = wire(limits(), &[&origin]);
    let open = async |path: &str, stop: bool| {
        Browser::new("alice").open(&wire, Request::get(&format!("{origin}{path}")), &move |_| stop).await
    };
    let visit = open("/js", false).await;
    assert_eq!(visit.redirects, ["javascript:alert(1)"]);
    assert!(matches!(visit.end, End::NoAnswer(Failure::NotSent(_))));
    assert!(
        matches!(open("/js", true).await.end, End::Stopped { location, from: 302 } if location == "javascript:alert(1)")
    );
    assert!(matches!(open("/400", true).await.end, End::Page(page) if page.status == 400));
    assert!(matches!(open("/foreign", false).await.end, End::NoAnswer(Failure::NotSent(_))));
    assert!(matches!(open("/empty", true).await.end, End::Page(page) if page.status == 302));
}

#[tokio::test]
async fn loops_end() {
    let router = Router::new()
        .route("/a", get(|| async { to(302, "/b") }))
        .route("/b", get(|| async { to(307, "/a") }))
        .route("/refresh", get(|| async { Html("<meta http-equiv=refresh content='0;url=/refresh'>") }));
    let origin = serve(router).await;
    let wire = wire(Limits { max_redirects: 4, ..limits() }, &[&origin]);
    for path in ["/a", "/refresh"] {
        let visit = Browser::new("alice").open(&wire, Request::get(&format!("{origin}{path}")), &|_| false).await;
        assert!(matches!(visit.end, End::Loop), "{path}");
        assert_eq!(visit.statuses.len(), 5);
    }
}

#[tokio::test]
async fn refreshes_at_once_are_followed_and_others_noted() {
    let router = Router::new()
        .route("/now", get(|| async { Html("<meta http-equiv=refresh content='0; url=told'>") }))
        .route("/later", get(|| async { ([("refresh", "30; url=/told")], Html("wait")) }))
        .route("/told", any(told));
    let origin = serve(router).await;
    let wire = wire(limits(), &[&origin]);
    let mut alice = Browser::new("alice");
    let visit = alice.open(&wire, Request::get(&format!("{origin}/now")), &|_| false).await;
    assert!(body(&visit).starts_with(&format!("- {origin}/now same-origin")), "{}", body(&visit));
    assert_eq!((visit.pages.len(), visit.redirects.len()), (2, 1));
    let visit =
        alice.open(&wire, Request::get(&format!("{origin}/now")), &|location| location.ends_with("/told")).await;
    assert!(matches!(visit.end, End::Stopped { from: 200, .. }));
    let visit = alice.open(&wire, Request::get(&format!("{origin}/later")), &|_| false).await;
    assert_eq!(visit.page().and_then(|page| page.meta_refresh.clone()), Some(format!("{origin}/told")));
}

#[tokio::test]
async fn a_form_post_answer_submits_itself() {
    let page = "<body onload='document.forms[0].submit()'><form method=post action=/callback><input type=hidden name=code value=SplxlOBeZQQYbYS6WxSbIA></form><noscript><button>Go on</button></noscript>";
    let router = Router::new()
        .route("/authorize", get(move || async move { Html(page) }))
        .route("/callback", post(|body: String| async move { body }));
    let origin = serve(router).await;
    let wire = wire(limits(), &[&origin]);
    let mut alice = Browser::new("alice");
    let visit = alice.open(&wire, Request::get(&format!("{origin}/authorize")), &|_| false).await;
    let page = visit.page().expect("the page").clone();
    assert_eq!(wire.vault().label("SplxlOBeZQQYbYS6WxSbIA").as_deref(), Some("<code 1>"));
    let form = page.auto_submit().expect("it submits itself");
    assert_eq!(body(&alice.submit(&wire, &page, form, &[], None, &|_| false).await), "code=SplxlOBeZQQYbYS6WxSbIA");
}

#[tokio::test]
async fn strict_cookies_stay_when_another_site_leads_here() {
    let shown = |headers: HeaderMap| async move { header(&headers, "cookie").to_owned() };
    let here = serve(Router::new().route("/callback", any(shown))).await.replace("127.0.0.1", "localhost");
    let there = here.clone();
    let idp = serve(
        Router::new()
            .route("/login", get(|| async { Html("<form method=post action=/done>") }))
            .route("/done", post(move || async move { to(302, &format!("{there}/callback")) })),
    )
    .await;
    let wire = wire(limits(), &[&here, &idp]);
    let mut alice = Browser::new("alice");
    alice.jar.set("strict=1; SameSite=Strict", &here);
    alice.jar.set("lax=2; SameSite=Lax", &here);
    let visit = alice.open(&wire, Request::get(&format!("{idp}/login")), &|_| false).await;
    let page = visit.page().expect("the login page").clone();
    assert_eq!(body(&alice.submit(&wire, &page, &page.forms[0], &[], None, &|_| false).await), "lax=2");
    let visit = alice.open(&wire, Request::get(&format!("{here}/callback")), &|_| false).await;
    assert_eq!(body(&visit), "strict=1; lax=2");
}
