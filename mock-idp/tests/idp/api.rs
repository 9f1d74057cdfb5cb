//! The API behind a resource server, and what the journal tells of it.

use mock_idp::{Endpoint, Sign, TokenKind, TokenSpec};
use serde_json::json;

use crate::browser::{Browser, start};
use crate::misbehaviour::script;

fn token(browser: &Browser, change: TokenSpec) -> String {
    let audience = if change.audience.is_empty() { vec![browser.issuer.endpoint_url("api")] } else { change.audience };
    browser.issuer.mint(TokenSpec { audience, ..change })
}

#[tokio::test]
async fn it_shows_whose_token_came() {
    let (idp, mut browser) = start().await;
    let spec = TokenSpec { act: Some(json!({ "sub": "gateway" })), scope: "read".into(), ..TokenSpec::default() };
    let good = token(&browser, spec);
    for path in ["api", "api/items/7", "api/"] {
        let answer = browser.bearer(path, &good).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let body = answer.json();
        assert_eq!(
            (&body["sub"], &body["act"]["sub"], &body["scope"]),
            (&json!("user-alice"), &json!("gateway"), &json!("read"))
        );
        assert_eq!((&body["path"], &body["method"]), (&json!(&path[3..]), &json!("GET")));
        assert_eq!(body["claims"]["iss"], json!(browser.issuer.url()));
    }
    let seen = browser.issuer.journal_of(Endpoint::Api);
    assert_eq!((seen.len(), seen[1].bearer(), seen[1].status), (3, Some(good.as_str()), Some(200)));
    assert_eq!((seen[1].path.as_str(), &seen[1].to_json()["bearer"]), ("/t/api/items/7", &json!(good)));
    idp.stop().await;
}

#[tokio::test]
async fn it_takes_only_its_own_tokens() {
    let (idp, mut browser) = start().await;
    for spec in [
        TokenSpec { audience: vec!["https://mcp.example/".into()], ..TokenSpec::default() },
        TokenSpec { sign: Sign::Foreign, ..TokenSpec::default() },
        TokenSpec { ttl: Some(-1), ..TokenSpec::default() },
        TokenSpec { kind: TokenKind::Id, ..TokenSpec::default() },
        TokenSpec { claims: serde_json::Map::from_iter([("iss".into(), json!("x"))]), ..TokenSpec::default() },
    ] {
        let bad = token(&browser, spec.clone());
        let answer = browser.bearer("api", &bad).await;
        assert_eq!((answer.status, answer.text("error")), (401, "invalid_token".into()), "{spec:?}");
    }
    let url = browser.issuer.endpoint_url("api");
    let bare = reqwest::get(&url).await.expect("an answer");
    let challenge = bare.headers().get("www-authenticate").and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!((bare.status().as_u16(), challenge.as_deref()), (401, Some("Bearer realm=\"mock-idp\"")));
    browser.issuer.configure(|config| {
        config.api.audiences = vec!["downstream".into()];
        config.api.scope = Some("items".into());
    });
    let known = token(
        &browser,
        TokenSpec { audience: vec!["downstream".into()], scope: "items".into(), ..TokenSpec::default() },
    );
    assert_eq!(browser.bearer("api", &known).await.status, 200);
    let poor = token(&browser, TokenSpec { scope: "other".into(), ..TokenSpec::default() });
    assert_eq!(browser.bearer("api", &poor).await.text("error"), "insufficient_scope");
    idp.stop().await;
}

#[tokio::test]
async fn it_is_scripted_like_any_endpoint() {
    let (idp, mut browser) = start().await;
    let good = token(&browser, TokenSpec::default());
    script(&browser.issuer, "api", json!({ "status": 503, "body": "down" }));
    assert_eq!(browser.bearer("api/x", &good).await.status, 503);
    script(&browser.issuer, "api", json!({ "error": "invalid_token" }));
    assert_eq!(browser.bearer("api", &good).await.status, 401);
    script(&browser.issuer, "api", json!({ "merge": { "sub": "user-bob" } }));
    assert_eq!(browser.bearer("api", &good).await.text("sub"), "user-bob");
    idp.stop().await;
}
