//! Minted and forged tokens, rotation, the clock.

use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use mock_idp::{Alg, Issuer, Sign, TokenKind, TokenPatch, TokenSpec};
use serde_json::{Map, Value, json};

use crate::browser::start;

/// What a resource server makes of a token: claims, if key and times are good.
fn verified(issuer: &Issuer, token: &str) -> Option<Value> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let keys: JwkSet = serde_json::from_value(issuer.public_jwks()).expect("a JWK Set");
    let key = DecodingKey::from_jwk(keys.find(header.kid.as_deref()?)?).expect("a good key");
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    Some(jsonwebtoken::decode::<Value>(token, &key, &validation).ok()?.claims)
}

fn patch(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[tokio::test]
async fn minted_tokens_are_honest_by_default() {
    let (idp, browser) = start().await;
    for alg in ["RS256", "ES256", "EdDSA"] {
        browser.issuer.configure(|config| config.alg = Alg::parse(alg).expect("known"));
        let claims = verified(&browser.issuer, &browser.issuer.mint(TokenSpec::default())).expect(alg);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(browser.issuer.url()), &json!("alice")));
    }
    assert_eq!(Alg::parse("HS256"), None);
    idp.stop().await;
}

#[tokio::test]
async fn a_spec_changes_claims_and_header() {
    let (idp, browser) = start().await;
    let claims = patch(json!({ "sub": null, "extra": { "a": 1 } }));
    let header = patch(json!({ "typ": null, "x": "y" }));
    let token = browser.issuer.mint(TokenSpec { claims, header, audience: vec!["a".into()], ..TokenSpec::default() });
    let claims = verified(&browser.issuer, &token).expect("signed all the same");
    assert_eq!((claims.get("sub"), &claims["extra"]["a"], &claims["aud"]), (None, &json!(1), &json!("a")));
    assert_eq!(jsonwebtoken::decode_header(&token).expect("a header").typ, None);
    let id = browser.issuer.mint(TokenSpec { kind: TokenKind::Id, ..TokenSpec::default() });
    assert_eq!(verified(&browser.issuer, &id).expect("signed")["aud"], "mcp-upstream");
    idp.stop().await;
}

#[tokio::test]
async fn forged_tokens_do_not_verify() {
    let (idp, mut browser) = start().await;
    for sign in [Sign::Foreign, Sign::Tampered, Sign::None, Sign::HmacPublicKey, Sign::Hmac(b"k".to_vec())] {
        let token = browser.issuer.mint(TokenSpec { sign: sign.clone(), ..TokenSpec::default() });
        assert_eq!(verified(&browser.issuer, &token), None, "{sign:?}");
        assert_eq!(browser.bearer("userinfo", &token).await.status, 401, "{sign:?}");
    }
    let expired = browser.issuer.mint(TokenSpec { ttl: Some(-3600), ..TokenSpec::default() });
    assert_eq!(verified(&browser.issuer, &expired), None);
    idp.stop().await;
}

#[tokio::test]
async fn patches_change_the_next_tokens() {
    let (idp, mut browser) = start().await;
    browser.issuer.patch_tokens(TokenPatch::claims(TokenKind::Access, json!({ "aud": "https://other.example" })));
    browser.issuer.patch_tokens(TokenPatch::sign(TokenKind::Id, Sign::Foreign));
    let tokens = browser.tokens().await;
    let claims = verified(&browser.issuer, &tokens.text("access_token")).expect("signed");
    assert_eq!(claims["aud"], "https://other.example");
    assert_eq!(verified(&browser.issuer, &tokens.text("id_token")), None);
    let next = browser.tokens().await.text("access_token");
    let claims = verified(&browser.issuer, &next).expect("signed");
    assert_eq!(claims["aud"], "https://mcp.example/");
    idp.stop().await;
}

#[tokio::test]
async fn keys_rotate() {
    let (idp, mut browser) = start().await;
    let old = browser.issuer.mint(TokenSpec::default());
    let kid = browser.issuer.rotate_keys(true);
    assert!(verified(&browser.issuer, &old).is_some());
    let new = browser.issuer.mint(TokenSpec::default());
    assert_eq!(jsonwebtoken::decode_header(&new).expect("a header").kid, Some(kid));
    browser.issuer.rotate_keys(false);
    assert_eq!(verified(&browser.issuer, &old), None);
    let url = format!("{}/jwks", browser.issuer.url());
    assert_eq!(browser.get(&url).await.json(), browser.issuer.public_jwks());
    idp.stop().await;
}

#[tokio::test]
async fn the_clock_moves() {
    let (idp, mut browser) = start().await;
    let tokens = browser.tokens().await;
    assert_eq!(browser.bearer("userinfo", &tokens.text("access_token")).await.status, 200);
    idp.clock().advance(Duration::from_secs(3601));
    assert_eq!(browser.bearer("userinfo", &tokens.text("access_token")).await.status, 401);
    assert_eq!(browser.refresh(&tokens.text("refresh_token")).await.status, 200);
    idp.clock().rewind(Duration::from_secs(3 * 3600));
    let old = browser.issuer.mint(TokenSpec::default());
    assert_eq!(verified(&browser.issuer, &old), None, "minted long ago");
    idp.stop().await;
}
