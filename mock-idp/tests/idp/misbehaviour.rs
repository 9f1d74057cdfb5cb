//! Scripted answers and the journal.

use std::time::{Duration, Instant};

use mock_idp::{Answer, AnswerBody, Endpoint};
use serde_json::json;

use crate::browser::start;

#[tokio::test]
async fn scripts_replace_merge_and_run_out() {
    let (idp, mut browser) = start().await;
    let url = format!("{}/.well-known/openid-configuration", browser.issuer.url());
    browser.issuer.script(Endpoint::Metadata, Answer::status(503).times(2));
    browser
        .issuer
        .script(Endpoint::Metadata, Answer::merge(json!({ "issuer": "https://evil.example", "jwks_uri": null })));
    assert_eq!(browser.get(&url).await.status, 503);
    assert_eq!(browser.get(&url).await.status, 503);
    let merged = browser.get(&url).await;
    assert_eq!(merged.text("issuer"), "https://evil.example");
    assert!(merged.json().get("jwks_uri").is_none());
    assert_eq!(browser.get(&url).await.text("issuer"), browser.issuer.url());
    browser.issuer.script(Endpoint::Metadata, Answer::status(500).forever());
    browser.issuer.clear_scripts();
    assert_eq!(browser.get(&url).await.status, 200);
    idp.stop().await;
}

#[tokio::test]
async fn errors_are_sent_as_the_endpoint_sends_them() {
    let (idp, mut browser) = start().await;
    browser.issuer.script(Endpoint::Token, Answer::error("temporarily_unavailable").with_status(503));
    let answer = browser.redeem("x", "y").await;
    assert_eq!((answer.status, answer.text("error")), (503, "temporarily_unavailable".to_owned()));
    browser.issuer.script(Endpoint::Authorize, Answer::error("server_error"));
    let answer = browser.authorize(&[]).await;
    assert_eq!(answer.param("error").as_deref(), Some("server_error"));
    assert_eq!(answer.param("state").as_deref(), Some("s 1"));
    idp.stop().await;
}

#[tokio::test]
async fn the_authorization_response_can_lie() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.auto_approve = true);
    browser.issuer.script(
        Endpoint::AuthorizationResponse,
        Answer::query("iss", Some("https://evil.example")).and_query("state", None),
    );
    let answer = browser.authorize(&[]).await;
    assert_eq!(answer.param("iss").as_deref(), Some("https://evil.example"));
    assert_eq!(answer.param("state"), None);
    browser.issuer.script(Endpoint::AuthorizationResponse, Answer::error("server_error"));
    let answer = browser.authorize(&[]).await;
    assert_eq!((answer.param("code"), answer.param("error").as_deref()), (None, Some("server_error")));
    idp.stop().await;
}

#[tokio::test]
async fn connections_break_where_told() {
    let (idp, mut browser) = start().await;
    browser.issuer.script(Endpoint::Token, Answer::dropped());
    assert!(browser.try_post("token", &[]).await.is_err());
    browser.issuer.script(Endpoint::Token, Answer { cut_after: Some(150), ..Answer::json(json!("x".repeat(999))) });
    assert!(browser.try_post("token", &[]).await.is_err());
    assert_eq!(browser.post("token", &[]).await.text("error"), "invalid_client");
    idp.stop().await;
}

#[tokio::test]
async fn answers_can_be_late_trickle_or_never_end() {
    let (idp, mut browser) = start().await;
    browser.issuer.script(Endpoint::Token, Answer { drip_ms: 20, ..Answer::text(&"y".repeat(64)) });
    browser.issuer.script(Endpoint::Token, Answer::delayed(Duration::from_millis(60)));
    for _ in 0..2 {
        let start = Instant::now();
        browser.post("token", &[]).await;
        assert!(start.elapsed() >= Duration::from_millis(60));
    }
    let endless = Answer { body: Some(AnswerBody::Endless("[".into())), drip_ms: 1, ..Answer::default() };
    browser.issuer.script(Endpoint::Token, endless);
    let waited = tokio::time::timeout(Duration::from_millis(100), browser.try_post("token", &[])).await;
    assert!(waited.is_err(), "an endless answer ended");
    idp.stop().await;
}

#[tokio::test]
async fn the_journal_has_what_came() {
    let (idp, mut browser) = start().await;
    browser.issuer.script(Endpoint::Token, Answer::status(418).when("code", "special"));
    browser.redeem("other", "v").await;
    browser.redeem("special", "v").await;
    let journal = browser.issuer.journal();
    let seen: Vec<_> = journal.iter().map(|one| (one.endpoint, one.status, one.param("code"))).collect();
    assert_eq!(seen, [(Endpoint::Token, Some(400), Some("other")), (Endpoint::Token, Some(418), Some("special"))]);
    assert_eq!(journal[0].header("Content-Type"), Some("application/x-www-form-urlencoded"));
    browser.issuer.clear_journal();
    assert!(browser.issuer.journal().is_empty());
    assert!(idp.issuer("other").journal().is_empty());
    idp.stop().await;
}
