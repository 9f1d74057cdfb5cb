//! Minted tokens, key rotation, the clock.

use std::time::Duration;

use mock_idp::{Alg, Former, MockIdp, Options, Sign, TokenKind, TokenSpec};
use serde_json::{Map, Value, json};

use crate::browser::{Browser, VERIFIER, part, start, verified};

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

#[tokio::test]
async fn minted_tokens_are_honest_by_default() {
    let (idp, browser) = start().await;
    for alg in Alg::ALL {
        browser.issuer.configure(|config| config.alg = alg);
        let token = browser.issuer.mint(TokenSpec::default());
        let claims = verified(&browser.issuer, &token).expect("a published key");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(browser.issuer.url()), &json!("user-alice")));
        assert_eq!(part(&token, 0)["alg"], alg.name());
    }
    assert_eq!(Alg::parse("HS256"), None);
    idp.stop().await;
}

#[tokio::test]
async fn a_spec_changes_claims_and_header() {
    let (idp, browser) = start().await;
    let claims = members(json!({ "sub": null, "extra": { "a": 1 } }));
    let header = members(json!({ "typ": null, "x": "y" }));
    let token = browser.issuer.mint(TokenSpec { claims, header, audience: vec!["a".into()], ..TokenSpec::default() });
    let claims = verified(&browser.issuer, &token).expect("signed all the same");
    assert_eq!((claims.get("sub"), &claims["extra"]["a"], &claims["aud"]), (None, &json!(1), &json!("a")));
    assert_eq!((part(&token, 0).get("typ"), &part(&token, 0)["x"]), (None, &json!("y")));
    let spec = TokenSpec { kind: TokenKind::Id, user: Some("bob".into()), ..TokenSpec::default() };
    assert_eq!(verified(&browser.issuer, &browser.issuer.mint(spec)).expect("signed")["sub"], "user-bob");
    let payload = Some("{\"sub\":\"a\",\"sub\":\"b\"}".to_owned());
    let token = browser.issuer.mint(TokenSpec { payload, ..TokenSpec::default() });
    assert_eq!(part(&token, 1)["sub"], "b");
    idp.stop().await;
}

#[tokio::test]
async fn forged_tokens_do_not_verify() {
    let (idp, mut browser) = start().await;
    browser.issuer.rotate_keys(Former::Withdrawn);
    for sign in [Sign::Foreign, Sign::Former, Sign::Tampered, Sign::None, Sign::Key("unheard-of".into())] {
        let token = browser.issuer.mint(TokenSpec { sign: sign.clone(), ..TokenSpec::default() });
        assert_eq!(verified(&browser.issuer, &token), None, "{sign:?}");
        assert_eq!(browser.bearer("userinfo", &token).await.status, 401, "{sign:?}");
    }
    let kid = |sign| part(&browser.issuer.mint(TokenSpec { sign, ..TokenSpec::default() }), 0)["kid"].clone();
    assert_eq!((kid(Sign::Foreign), kid(Sign::Former)), (json!("rs256-2"), json!("rs256-1")));
    let expired = browser.issuer.mint(TokenSpec { ttl: Some(-3600), ..TokenSpec::default() });
    assert_eq!(verified(&browser.issuer, &expired), None);
    idp.stop().await;
}

#[tokio::test]
async fn other_algorithms_have_suitable_keys() {
    let (idp, browser) = start().await;
    let mint = |alg| browser.issuer.mint(TokenSpec { alg: Some(alg), ..TokenSpec::default() });
    for alg in [Alg::Rs512, Alg::Ps256] {
        assert!(verified(&browser.issuer, &mint(alg)).is_some(), "{alg:?}: the same RSA key");
    }
    assert_eq!(verified(&browser.issuer, &mint(Alg::Es384)), None, "nobody published one");
    assert_eq!(browser.issuer.publish_alg(Alg::Es384), "es384-1");
    assert!(verified(&browser.issuer, &mint(Alg::Es384)).is_some());
    let named = browser.issuer.mint(TokenSpec { sign: Sign::Key("es384-1".into()), ..TokenSpec::default() });
    assert_eq!((verified(&browser.issuer, &named).is_some(), &part(&named, 0)["alg"]), (true, &json!("ES384")));
    assert!(verified(&browser.issuer, &browser.issuer.mint(TokenSpec::default())).is_some());
    idp.stop().await;
}

#[tokio::test]
async fn keys_rotate_and_bad_ones_stand_beside() {
    let (idp, mut browser) = start().await;
    let old = browser.issuer.mint(TokenSpec::default());
    let kid = browser.issuer.rotate_keys(Former::Kept);
    assert!(verified(&browser.issuer, &old).is_some());
    assert_eq!(part(&browser.issuer.mint(TokenSpec::default()), 0)["kid"], kid.as_str());
    browser.issuer.rotate_keys(Former::Withdrawn);
    assert_eq!(verified(&browser.issuer, &old), None);
    let url = browser.issuer.endpoint_url("jwks");
    assert_eq!(browser.get(&url).await.json(), browser.issuer.jwks());
    browser.issuer.publish_extra(json!({ "kty": "moon", "kid": "m" }));
    let keys = browser.get(&url).await.json();
    assert_eq!((&keys["keys"][0]["kty"], keys["keys"].as_array().map(Vec::len)), (&json!("moon"), Some(2)));
    browser.issuer.withdraw_extra();
    assert_eq!(browser.get(&url).await.json()["keys"].as_array().map(Vec::len), Some(1));
    idp.stop().await;
}

#[tokio::test]
async fn each_issuer_has_a_clock_that_moves() {
    let (idp, mut browser) = start().await;
    let tokens = browser.tokens().await;
    assert_eq!(browser.bearer("userinfo", &tokens.text("access_token")).await.status, 200);
    let clock = browser.issuer.clock();
    clock.advance(Duration::from_secs(601));
    assert_eq!(browser.bearer("userinfo", &tokens.text("access_token")).await.status, 401);
    assert_eq!(browser.refresh(&tokens.text("refresh_token")).await.status, 200);
    clock.set(1_000_000);
    let old = browser.issuer.mint(TokenSpec::default());
    assert!((1_000_000..1_010_000).contains(&part(&old, 1)["iat"].as_i64().expect("a time")));
    assert_eq!(verified(&browser.issuer, &old), None, "minted long ago");
    let other = idp.issuer("other");
    assert!(verified(&other, &other.mint(TokenSpec::default())).is_some(), "another issuer's clock stands");
    clock.reset();
    assert!(verified(&browser.issuer, &browser.issuer.mint(TokenSpec::default())).is_some());
    idp.stop().await;
}

/// Every claim of a login's ID token but those that hang on its request, and no other.
#[tokio::test]
async fn a_minted_id_token_looks_like_one_of_a_login() {
    let options = Options { personalities: true, ..Options::default() };
    let idp = MockIdp::start(options).await.expect("a free port");
    for name in ["t", "entra/contoso/v2.0", "keycloak/realms/r", "okta/oauth2/default", "cognito/p", "google", "auth0"]
    {
        let mut browser = Browser::new(idp.issuer(name));
        let code = browser.code(&[("scope", "openid email"), ("resource", "")]).await;
        let login = part(&browser.redeem(&code, VERIFIER).await.text("id_token"), 1);
        let spec = || TokenSpec { kind: TokenKind::Id, client_id: "app".into(), ..TokenSpec::default() };
        let minted = part(&browser.issuer.mint(TokenSpec { scope: "openid email".into(), ..spec() }), 1);
        let mut names: Vec<_> = login.as_object().expect("claims").keys().filter(|name| *name != "at_hash").collect();
        let mut found: Vec<_> = minted.as_object().expect("claims").keys().collect();
        names.sort();
        found.sort();
        assert_eq!(found, names, "{name}");
        for name in ["iss", "aud", "sub", "email"] {
            assert_eq!(minted[name], login[name]);
        }
        assert_eq!(minted["auth_time"], minted["iat"]);
        let other = part(&browser.issuer.mint(TokenSpec { audience: vec!["x".into()], ..spec() }), 1);
        assert_eq!((&other["aud"], other.get("client_id")), (&json!("x"), None));
    }
    idp.stop().await;
}

#[tokio::test]
async fn without_audience_there_is_no_aud() {
    let (idp, browser) = start().await;
    for kind in [TokenKind::Access, TokenKind::AsIssued, TokenKind::Id, TokenKind::IdJag, TokenKind::Jwt] {
        let claims = part(&browser.issuer.mint(TokenSpec { kind, ..TokenSpec::default() }), 1);
        assert_eq!(claims.get("aud"), None, "{kind:?}");
    }
    idp.stop().await;
}

/// What a login gives: opaque where it is so there, unless only a JWT can be what is asked for.
#[tokio::test]
async fn tokens_as_issued_are_opaque_where_those_of_a_login_are() {
    let options = Options { personalities: true, ..Options::default() };
    let idp = MockIdp::start(options).await.expect("a free port");
    let as_issued = || TokenSpec { kind: TokenKind::AsIssued, ..TokenSpec::default() };
    for (name, prefix) in [("github", "gho_"), ("google", "ya29."), ("auth0", "")] {
        let issuer = idp.issuer(name);
        let token = issuer.mint(as_issued());
        assert!(token.starts_with(prefix) && token.trim_start_matches(prefix).matches('.').count() == 0, "{token}");
        assert!(Browser::new(issuer.clone()).bearer("userinfo", &token).await.status != 401, "{name}: it is known");
        for spec in [
            TokenSpec { typ: Some("at+jwt".into()), ..as_issued() },
            TokenSpec { alg: Some(Alg::Es256), ..as_issued() },
            TokenSpec { sign: Sign::Foreign, ..as_issued() },
            TokenSpec { kind: TokenKind::Access, ..as_issued() },
        ] {
            assert_eq!(issuer.mint(spec).matches('.').count(), 2, "{name}");
        }
    }
    let api = TokenSpec { audience: vec!["https://api.example/".into()], ..as_issued() };
    for name in ["t", "okta", "auth0"] {
        assert_eq!(idp.issuer(name).mint(api.clone()).matches('.').count(), 2, "{name}");
    }
    idp.stop().await;
}

/// Userinfo, introspection and the API know an honest token that a personality writes its own way, and no forged one.
#[tokio::test]
async fn a_minted_token_of_a_personality_is_known() {
    let options = Options { personalities: true, ..Options::default() };
    let idp = MockIdp::start(options).await.expect("a free port");
    for name in ["okta/oauth2/default", "keycloak/realms/r", "entra/contoso/v2.0"] {
        let mut browser = Browser::new(idp.issuer(name));
        let spec = || TokenSpec { scope: "openid".into(), client_id: "app".into(), ..TokenSpec::default() };
        let mut status = async |spec: TokenSpec| browser.bearer("userinfo", &idp.issuer(name).mint(spec)).await.status;
        assert_eq!(status(spec()).await, 200, "{name}");
        for forged in [
            TokenSpec { sign: Sign::Foreign, ..spec() },
            TokenSpec { sign: Sign::Tampered, ..spec() },
            TokenSpec { ttl: Some(-1), ..spec() },
            TokenSpec { claims: members(json!({ "iss": "x" })), ..spec() },
            TokenSpec { claims: members(json!({ "exp": null })), ..spec() },
            TokenSpec { payload: Some("{}".into()), ..spec() },
            TokenSpec { header: members(json!({ "crit": ["x"] })), ..spec() },
            TokenSpec { kind: TokenKind::Id, ..spec() },
        ] {
            assert_eq!(status(forged.clone()).await, 401, "{name}: {forged:?}");
        }
    }
    idp.stop().await;
}
