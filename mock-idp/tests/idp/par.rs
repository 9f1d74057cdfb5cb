//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use mock_idp::Client;

use crate::browser::{Answer, Browser, CALLBACK, CHALLENGE, VERIFIER, start};

async fn push(browser: &mut Browser, changes: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("client_id", "app"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("state", "pushed"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    form.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    browser.post("par", &form).await
}

/// `GET /authorize` with nothing but a name.
async fn open(browser: &mut Browser, client: &str, uri: &str) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", client), ("request_uri", uri)])
        .finish();
    let url = format!("{}?{query}", browser.issuer.endpoint_url("authorize"));
    browser.get(&url).await
}

#[tokio::test]
async fn a_pushed_request_is_good_once_for_its_client() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.auto_approve = true);
    browser.issuer.add_client(Client::public("thief", &[CALLBACK]));
    let pushed = push(&mut browser, &[]).await;
    assert_eq!((pushed.status, pushed.json()["expires_in"].as_i64()), (201, Some(60)), "{}", pushed.body);
    let uri = pushed.text("request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:") && uri.len() > 60);
    let other = open(&mut browser, "thief", &uri).await;
    assert_eq!((other.status, other.location.as_str()), (400, ""));
    let answer = open(&mut browser, "app", &uri).await;
    assert_eq!(answer.param("state").as_deref(), Some("pushed"));
    assert_eq!(browser.redeem(&answer.param("code").expect("a code"), VERIFIER).await.status, 200);
    assert_eq!(open(&mut browser, "app", &uri).await.status, 400, "once");
    let late = push(&mut browser, &[]).await.text("request_uri");
    browser.issuer.clock().advance(Duration::from_secs(61));
    assert_eq!(open(&mut browser, "app", &late).await.status, 400, "expired");
    assert!(browser.issuer.metadata()["pushed_authorization_request_endpoint"].is_string());
    idp.stop().await;
}

#[tokio::test]
async fn it_is_checked_when_it_is_pushed() {
    let (idp, mut browser) = start().await;
    for (name, value, error) in [
        ("redirect_uri", "https://evil.example/cb", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("resource", "x", "invalid_target"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x", "invalid_request"),
        ("client_id", "nobody", "invalid_client"),
    ] {
        let answer = push(&mut browser, &[(name, value)]).await;
        assert_eq!(answer.text("error"), error, "{name}: {}", answer.body);
        assert!(answer.json().get("request_uri").is_none());
    }
    let secret = push(&mut browser, &[("client_id", "mcp-upstream"), ("client_secret", "wrong")]).await;
    assert_eq!(secret.status, 401);
    assert_eq!(browser.get(&browser.issuer.endpoint_url("par")).await.status, 405);
    idp.stop().await;
}

#[tokio::test]
async fn it_can_be_demanded_or_missing() {
    let (idp, mut browser) = start().await;
    browser.issuer.add_client(Client { require_par: true, ..Client::public("app", &[CALLBACK]) });
    assert_eq!(browser.authorize(&[]).await.status, 400, "the client has to push");
    let uri = push(&mut browser, &[]).await.text("request_uri");
    assert_eq!(open(&mut browser, "app", &uri).await.status, 200);
    browser.issuer.add_client(Client::public("app", &[CALLBACK]));
    assert_eq!(browser.authorize(&[]).await.status, 200);
    browser.issuer.configure(|config| config.par.required = true);
    assert_eq!(browser.authorize(&[]).await.status, 400);
    assert_eq!(browser.issuer.metadata()["require_pushed_authorization_requests"], true);
    browser.issuer.configure(|config| config.par.enabled = false);
    assert_eq!(push(&mut browser, &[]).await.status, 404);
    idp.stop().await;
}
