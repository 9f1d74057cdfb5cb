//! Every kind of scripted answer, as a case file would write it, and the journal.

use std::time::{Duration, Instant};

use mock_idp::{Answer, Endpoint, Former, Issuer, MockIdp, Options};
use serde_json::{Value, json};

use crate::browser::{Browser, VERIFIER, part, start, verified};

/// Scripts an answer from its JSON.
pub fn script(issuer: &Issuer, endpoint: &str, answer: Value) {
    let endpoint = Endpoint::parse(endpoint).expect("an endpoint");
    let answer = Answer::from_json(&answer).expect("an answer");
    answer.fits(endpoint).expect("an answer of this endpoint");
    issuer.script(endpoint, answer);
}

fn discovery(issuer: &Issuer) -> String {
    format!("{}/.well-known/openid-configuration", issuer.url())
}

/// Tokens of an auto-approved flow after this was scripted at the token endpoint.
async fn tokens_after(browser: &mut Browser, answer: Value) -> crate::browser::Answer {
    let code = browser.code(&[("nonce", "n-1")]).await;
    script(&browser.issuer, "token", answer);
    browser.redeem(&code, VERIFIER).await
}

#[tokio::test]
async fn any_endpoint_answers_with_any_status_and_body() {
    let (idp, mut browser) = start().await;
    for endpoint in ["authorize", "consent", "introspect", "jwks", "login", "register", "revoke", "token", "userinfo"] {
        script(&browser.issuer, endpoint, json!({ "status": 503, "body": "<h1>down</h1>" }));
        let post = ["introspect", "login", "register", "revoke", "token"].contains(&endpoint);
        let answer = match post {
            true => browser.post(endpoint, &[]).await,
            false => browser.get(&browser.issuer.endpoint_url(endpoint)).await,
        };
        assert_eq!((answer.status, answer.body.as_str()), (503, "<h1>down</h1>"), "{endpoint}");
    }
    let url = discovery(&browser.issuer);
    script(&browser.issuer, "discovery", json!({ "status": 404, "times": 2 }));
    script(&browser.issuer, "metadata", json!({ "status": 500 }));
    assert_eq!([browser.get(&url).await.status, browser.get(&url).await.status], [404, 404]);
    assert_eq!(browser.get(&url).await.status, 200);
    assert_eq!(browser.issuer.scripts_left(), 1, "nobody asked for the other document");
    idp.stop().await;
}

#[tokio::test]
async fn documents_lie() {
    let (idp, mut browser) = start().await;
    let url = discovery(&browser.issuer);
    let merge = json!({ "merge": { "issuer": "https://evil.example" }, "without": ["jwks_uri"], "times": "forever" });
    script(&browser.issuer, "discovery", merge);
    for _ in 0..3 {
        let merged = browser.get(&url).await;
        assert_eq!(merged.text("issuer"), "https://evil.example");
        assert!(merged.json().get("jwks_uri").is_none());
    }
    browser.issuer.clear_scripts();
    assert_eq!(browser.get(&url).await.text("issuer"), browser.issuer.url());
    browser.issuer.configure(|config| drop(config.metadata.insert("x".into(), json!(1))));
    assert_eq!(browser.get(&url).await.json()["x"], 1);
    idp.stop().await;
}

#[tokio::test]
async fn key_sets_are_huge_or_have_bad_keys_or_odd_headers() {
    let (idp, mut browser) = start().await;
    let url = browser.issuer.endpoint_url("jwks");
    script(&browser.issuer, "jwks", json!({ "huge": 3_000_000 }));
    let answer = browser.get(&url).await;
    assert!(answer.body.len() > 3_000_000 && answer.json()["keys"][0]["kid"] == "rs256-1", "still good JSON");
    script(&browser.issuer, "jwks", json!({ "keys": [{ "kty": "RSA", "kid": "rs256-1" }] }));
    assert!(browser.get(&url).await.json()["keys"][0].get("n").is_none());
    script(&browser.issuer, "jwks", json!({ "body": { "keys": [] }, "headers": { "cache-control": false } }));
    assert_eq!(browser.get(&url).await.json(), json!({ "keys": [] }));
    script(&browser.issuer, "jwks", json!({ "content-type": "text/html" }));
    assert_eq!(browser.get(&url).await.json(), browser.issuer.jwks());
    idp.stop().await;
}

#[tokio::test]
async fn errors_are_sent_as_the_endpoint_sends_them() {
    let (idp, mut browser) = start().await;
    script(&browser.issuer, "token", json!({ "error": "temporarily_unavailable", "status": 503 }));
    let answer = browser.redeem("x", "y").await;
    assert_eq!((answer.status, answer.text("error")), (503, "temporarily_unavailable".to_owned()));
    script(&browser.issuer, "userinfo", json!({ "error": "invalid_token" }));
    assert_eq!(browser.bearer("userinfo", "x").await.status, 401);
    script(&browser.issuer, "authorize", json!({ "error": "server_error", "error-description": "why" }));
    let answer = browser.authorize(&[]).await;
    assert_eq!(answer.param("error").as_deref(), Some("server_error"));
    assert_eq!(
        (answer.param("state").as_deref(), answer.param("error_description").as_deref()),
        (Some("s 1"), Some("why"))
    );
    assert_eq!(answer.param("iss"), Some(browser.issuer.url()));
    script(&browser.issuer, "login", json!({ "error": "server_error" }));
    let page = browser.post("login", &[]).await;
    assert!(page.status == 400 && page.body.contains("<code>server_error</code>"), "{}", page.body);
    idp.stop().await;
}

#[tokio::test]
async fn the_authorization_response_lies() {
    let (idp, mut browser) = start().await;
    let plain = browser.log_in("allow").await;
    assert!(plain.param("code").is_some());
    for (redirect, name, value) in [
        (json!({ "state": "other" }), "state", Some("other")),
        (json!({ "without": ["state"] }), "state", None),
        (json!({ "iss": "https://evil.example" }), "iss", Some("https://evil.example")),
        (json!({ "iss": false }), "iss", None),
        (json!({ "code": false }), "code", None),
        (json!({ "error": "access_denied" }), "code", None),
        (json!({ "error": "access_denied" }), "error", Some("access_denied")),
        (json!({ "params": { "extra": "1" } }), "extra", Some("1")),
    ] {
        script(&browser.issuer, "authorize", json!({ "redirect": redirect }));
        let answer = browser.authorize(&[]).await;
        assert_eq!(answer.param(name).as_deref(), value, "{redirect}");
    }
    script(&browser.issuer, "authorize", json!({ "redirect": { "to": "https://evil.example/cb" } }));
    assert!(browser.authorize(&[]).await.location.starts_with("https://evil.example/cb?code="));
    idp.stop().await;
}

#[tokio::test]
async fn a_changed_redirect_waits_for_the_end_of_the_pages() {
    let (idp, mut browser) = start().await;
    script(&browser.issuer, "authorize", json!({ "redirect": { "state": "x" }, "when": { "client_id": "app" } }));
    assert_eq!(browser.log_in("allow").await.param("state").as_deref(), Some("x"));
    assert_eq!(browser.issuer.scripts_left(), 0);
    idp.stop().await;
}

#[tokio::test]
async fn a_code_of_another_transaction_is_injected() {
    let (idp, mut browser) = start().await;
    script(&browser.issuer, "authorize", json!({ "redirect": { "other-code": true } }));
    let code = browser.code(&[]).await;
    assert_eq!(browser.redeem(&code, VERIFIER).await.text("error"), "invalid_grant", "another challenge");
    browser.issuer.configure(|config| config.require_pkce = false);
    script(&browser.issuer, "authorize", json!({ "redirect": { "other-code": true } }));
    let without = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "n-1")];
    let code = browser.code(&without).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code.as_str()),
        ("redirect_uri", crate::browser::CALLBACK),
    ];
    let id = part(&browser.post("token", &form).await.text("id_token"), 1);
    assert_eq!(id["sub"], "user-bob");
    assert_ne!(id["nonce"], "n-1");
    idp.stop().await;
}

#[tokio::test]
async fn id_tokens_lie() {
    let (idp, mut browser) = start().await;
    browser.issuer.rotate_keys(Former::Withdrawn);
    for (change, good) in [
        (json!({ "claims": { "nonce": "wrong" } }), true),
        (json!({ "claims": { "aud": "other", "iss": "https://evil.example" } }), true),
        (json!({ "without": ["nonce"] }), true),
        (json!({ "alg": "PS256" }), true),
        (json!({ "expires-in": -600 }), false),
        (json!({ "alg": "none" }), false),
        (json!({ "key": "foreign" }), false),
        (json!({ "key": "former" }), false),
        (json!({ "key": "tampered" }), false),
        (json!({ "kid": "nowhere" }), false),
        (json!({ "kid": false }), false),
        (json!({ "payload": "no json" }), false),
    ] {
        let token = tokens_after(&mut browser, json!({ "id-token": change.clone() })).await.text("id_token");
        assert_eq!(verified(&browser.issuer, &token).is_some(), good, "{change}");
        for (name, value) in change["claims"].as_object().into_iter().flatten() {
            assert_eq!(&part(&token, 1)[name], value);
        }
    }
    let token = tokens_after(&mut browser, json!({ "id-token": { "alg": "none" } })).await.text("id_token");
    assert!(part(&token, 0)["alg"] == "none" && token.ends_with('.'), "{token}");
    let answer = tokens_after(&mut browser, json!({ "access-token": { "claims": { "aud": "other" } } })).await;
    assert_eq!(part(&answer.text("access_token"), 1)["aud"], "other");
    assert_eq!(part(&answer.text("id_token"), 1)["nonce"], "n-1");
    idp.stop().await;
}

#[tokio::test]
async fn token_responses_lack_things_or_are_no_json() {
    let (idp, mut browser) = start().await;
    for answer in [json!({ "id-token": false }), json!({ "without": ["id_token"] })] {
        let body = tokens_after(&mut browser, answer).await.json();
        assert!(body.get("id_token").is_none() && body.get("access_token").is_some());
    }
    let body = tokens_after(&mut browser, json!({ "merge": { "token_type": "mac" }, "status": 201 })).await;
    assert_eq!((body.status, body.text("token_type")), (201, "mac".to_owned()));
    let body = tokens_after(&mut browser, json!({ "huge": 2_000_000 })).await;
    assert!(body.body.len() > 2_000_000 && body.json().get("access_token").is_some());
    let body = tokens_after(&mut browser, json!({ "body": "<html>proxy error</html>" })).await;
    assert_eq!((body.status, body.body.as_str()), (200, "<html>proxy error</html>"));
    idp.stop().await;
}

#[tokio::test]
async fn connections_break_where_told() {
    let (idp, mut browser) = start().await;
    script(&browser.issuer, "token", json!({ "drop": true }));
    assert!(browser.try_post("token", &[]).await.is_err());
    script(&browser.issuer, "token", json!({ "cut-after": 150, "body": "x".repeat(999) }));
    assert!(browser.try_post("token", &[]).await.is_err());
    script(&browser.issuer, "token", json!({ "cut-after": 100_000 }));
    for _ in 0..2 {
        assert_eq!(browser.post("token", &[]).await.text("error"), "invalid_client");
    }
    let status: Vec<_> = browser.issuer.journal().iter().map(|received| received.status).collect();
    assert_eq!(status, [None, Some(200), Some(401), Some(401)]);
    idp.stop().await;
}

#[tokio::test]
async fn answers_are_late_but_not_later_than_the_end() {
    let (idp, mut browser) = start().await;
    script(&browser.issuer, "jwks", json!({ "delay-ms": 80 }));
    let url = browser.issuer.endpoint_url("jwks");
    let begin = Instant::now();
    assert_eq!(browser.get(&url).await.status, 200);
    assert!(begin.elapsed() >= Duration::from_millis(80));
    script(&browser.issuer, "jwks", json!({ "delay-ms": 600_000 }));
    let issuer = browser.issuer.clone();
    let waiting = tokio::spawn(async move { browser.get(&url).await.status });
    while issuer.received() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopped = tokio::time::timeout(Duration::from_secs(60), idp.stop()).await;
    assert!(stopped.is_ok(), "the provider waits for what it was told to delay");
    assert_eq!(waiting.await.expect("no panic"), 200);
}

#[tokio::test]
async fn the_journal_has_what_came() {
    let (idp, mut browser) = start().await;
    script(&browser.issuer, "token", json!({ "status": 418, "when": { "code": "special" } }));
    browser.redeem("other", "v").await;
    browser.redeem("special", "v").await;
    browser.post_basic("revoke", "mcp-upstream", "secret", &[("token", "t")]).await;
    browser.issuer.script_times(Endpoint::Jwks, Answer::status(500), 1);
    browser.get(&format!("{}?a=1&a=2", browser.issuer.endpoint_url("jwks"))).await;
    let journal = browser.issuer.journal();
    let seen: Vec<_> = journal.iter().map(|one| (one.endpoint, one.status, one.client_id.as_deref())).collect();
    let expected = [
        (Endpoint::Token, Some(400), Some("app")),
        (Endpoint::Token, Some(418), Some("app")),
        (Endpoint::Revoke, Some(200), Some("mcp-upstream")),
        (Endpoint::Jwks, Some(500), None),
    ];
    assert_eq!(seen, expected);
    assert_eq!((journal[0].param("code"), journal[0].method.as_str()), (Some("other"), "POST"));
    assert_eq!(journal[0].header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert!(journal[0].body.contains("code_verifier=v") && journal[0].path == "/t/token");
    assert_eq!(journal[3].params("a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(browser.issuer.journal_of(Endpoint::Token).len(), 2);
    browser.issuer.forget();
    assert!(browser.issuer.journal().is_empty());
    assert!(idp.issuer("other").journal().is_empty());
    idp.stop().await;
}

/// Where a provider writes its tokens its own way, the endpoints know a scripted one as they know any other.
#[tokio::test]
async fn a_scripted_token_of_a_personality_is_known() {
    let options = Options { personalities: true, ..Options::default() };
    let idp = MockIdp::start(options).await.expect("a free port");
    let mut browser = Browser::new(idp.issuer("okta/oauth2/default"));
    browser.issuer.configure(|config| config.api.audiences = vec!["api://default".into()]);
    let mut status = async |change: Value| {
        let token = tokens_after(&mut browser, json!({ "access-token": change })).await.text("access_token");
        let answer = browser.bearer("api", &token).await;
        (answer.status, answer.json()["scope"].as_str().unwrap_or_default().to_owned())
    };
    for (change, scope) in [
        (json!({ "expires-in": 60 }), "openid email"),
        (json!({ "claims": { "extra": 1 } }), "openid email"),
        (json!({ "claims": { "scp": ["mcp:read", "x"] } }), "mcp:read x"),
        (json!({ "without": ["scp"] }), ""),
    ] {
        assert_eq!(status(change.clone()).await, (200, scope.to_owned()), "{change}");
    }
    // What was never issued stays unknown.
    for change in [
        json!({ "expires-in": -60 }),
        json!({ "claims": { "iss": "https://other.example" } }),
        json!({ "without": ["exp"] }),
        json!({ "claims": { "aud": "https://other.example" } }),
        json!({ "key": "foreign" }),
        json!({ "key": "tampered" }),
        json!({ "alg": "RS512" }),
        json!({ "typ": "JWT" }),
        json!({ "payload": "{}" }),
    ] {
        assert_eq!(status(change.clone()).await.0, 401, "{change}");
    }
    idp.stop().await;
}
