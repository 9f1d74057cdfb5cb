//! The jwt-bearer grant (RFC 7523 section 2.1): workloads and ID-JAGs of a trusted issuer.

use std::time::Duration;

use mock_idp::{Client, Issuer, MockIdp, ResourcePolicy, Sign, TokenKind, TokenSpec, TrustedIssuer};
use serde_json::{Map, Value, json};

use crate::browser::{Answer, Browser, part, start};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A provider whose issuer `t` trusts the issuer `peer`, with a client `agent`.
async fn ready() -> (MockIdp, Browser, Issuer) {
    let (idp, browser) = start().await;
    let peer = idp.issuer("peer");
    browser.issuer.configure(|config| config.trusted_issuers = vec![TrustedIssuer::new(&peer.url())]);
    browser.issuer.add_client(Client::confidential("agent", "secret", &[]));
    (idp, browser, peer)
}

async fn workload(browser: &mut Browser, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let form = [&[("grant_type", GRANT), ("assertion", assertion)], more].concat();
    browser.post("token", &form).await
}

async fn redeem(browser: &mut Browser, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let form = [&[("grant_type", GRANT), ("assertion", assertion)], more].concat();
    browser.post_basic("token", "agent", "secret", &form).await
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn refused(answer: &Answer, error: &str, what: &str) {
    assert_eq!((answer.status, answer.text("error").as_str()), (400, error), "{what}: {}", answer.body);
}

#[tokio::test]
async fn a_workload_gets_a_token_by_its_assertion_alone() {
    let (idp, mut browser, peer) = ready().await;
    let aud = vec![browser.issuer.url()];
    let claims = members(json!({ "roles": ["admin"], "scope": "admin" }));
    let spec =
        || TokenSpec { kind: TokenKind::Jwt, audience: aud.clone(), sub: Some("job-1".into()), ..TokenSpec::default() };
    let good = peer.mint(TokenSpec { claims, ..spec() });
    let answer = workload(&mut browser, &good, &[("resource", "https://mcp.example/")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json().get("refresh_token").is_none());
    let token = part(&answer.text("access_token"), 1);
    assert_eq!((&token["sub"], &token["aud"]), (&json!("job-1"), &json!("https://mcp.example/")));
    assert_eq!((token.get("roles"), token.get("scope")), (None, None), "what it claims beside sub counts for nothing");
    refused(&workload(&mut browser, &good, &[]).await, "invalid_grant", "again");
    let nth = |change: Value| peer.mint(TokenSpec { claims: members(change), ..spec() });
    let bad = [
        ("for another", nth(json!({ "aud": "https://other.example" }))),
        ("for two", nth(json!({ "aud": [browser.issuer.url(), "x"] }))),
        ("without exp", nth(json!({ "exp": null }))),
        ("for years", nth(json!({ "exp": i64::from(u32::MAX) }))),
        ("without jti", nth(json!({ "jti": null }))),
        ("without sub", nth(json!({ "sub": "" }))),
        ("of nobody trusted", nth(json!({ "iss": "https://else.example" }))),
        ("expired", peer.mint(TokenSpec { ttl: Some(-1), ..spec() })),
        ("a stranger's", peer.mint(TokenSpec { sign: Sign::Foreign, ..spec() })),
        ("unsigned", peer.mint(TokenSpec { sign: Sign::None, ..spec() })),
        ("an access token", peer.mint(TokenSpec { kind: TokenKind::Access, ..spec() })),
        ("our own", browser.issuer.mint(spec())),
    ];
    for (what, assertion) in bad {
        let answer = workload(&mut browser, &assertion, &[]).await;
        assert_eq!(answer.text("error"), "invalid_grant", "{what}: {}", answer.body);
    }
    assert_eq!(workload(&mut browser, "", &[]).await.text("error"), "invalid_request");
    let endpoint = peer.mint(TokenSpec { audience: vec![browser.issuer.endpoint_url("token")], ..spec() });
    assert_eq!(workload(&mut browser, &endpoint, &[]).await.status, 200, "the token endpoint is we as well");
    idp.stop().await;
}

#[tokio::test]
async fn settings_decide_who_and_how_often() {
    let (idp, mut browser, peer) = ready().await;
    let aud = vec![browser.issuer.url()];
    let of = |sub: &str| {
        peer.mint(TokenSpec {
            kind: TokenKind::Jwt,
            audience: aud.clone(),
            sub: Some(sub.into()),
            ..TokenSpec::default()
        })
    };
    let subjects = vec!["job-1".to_owned()];
    browser.issuer.configure(|config| {
        config.trusted_issuers = vec![TrustedIssuer { subjects, ..TrustedIssuer::new(&peer.url()) }];
        config.assertions.allow_replay = true;
        config.assertions.issuer_only = true;
    });
    refused(&workload(&mut browser, &of("job-2"), &[]).await, "invalid_grant", "no rule for it");
    let good = of("job-1");
    assert_eq!(workload(&mut browser, &good, &[]).await.status, 200);
    assert_eq!(workload(&mut browser, &good, &[]).await.status, 200, "replay is allowed");
    let endpoint = TokenSpec {
        kind: TokenKind::Jwt,
        audience: vec![browser.issuer.endpoint_url("token")],
        ..TokenSpec::default()
    };
    let endpoint = peer.mint(TokenSpec { sub: Some("job-1".into()), ..endpoint });
    refused(&workload(&mut browser, &endpoint, &[]).await, "invalid_grant", "only the issuer is we");
    browser.issuer.configure(|config| config.trusted_issuers.clear());
    refused(&workload(&mut browser, &good, &[]).await, "unsupported_grant_type", "nobody is trusted");
    assert!(!browser.issuer.metadata()["grant_types_supported"].to_string().contains("jwt-bearer"));
    idp.stop().await;
}

#[tokio::test]
async fn an_id_jag_is_redeemed_by_the_client_that_it_names() {
    let (idp, mut browser, peer) = ready().await;
    browser.issuer.configure(|config| config.resources = ResourcePolicy::Only(vec!["https://mcp.example/".into()]));
    let resource = members(json!({ "resource": "https://mcp.example/" }));
    let spec = || TokenSpec {
        kind: TokenKind::IdJag,
        audience: vec![browser.issuer.url()],
        client_id: "agent".into(),
        scope: "read write".into(),
        claims: resource.clone(),
        ..TokenSpec::default()
    };
    let jag = |change: Value| {
        let mut claims = resource.clone();
        claims.extend(members(change));
        peer.mint(TokenSpec { claims, ..spec() })
    };
    let cases = [
        ("another client's", jag(json!({ "client_id": "app" }))),
        ("for the token endpoint", jag(json!({ "aud": browser.issuer.endpoint_url("token") }))),
        ("for two", jag(json!({ "aud": [browser.issuer.url(), "https://x.example"] }))),
        ("for a foreign resource", jag(json!({ "resource": "https://else.example/" }))),
        ("without jti", jag(json!({ "jti": null }))),
        ("without iat", jag(json!({ "iat": null }))),
        ("from the future", jag(json!({ "iat": i64::from(u32::MAX) }))),
        ("bound to a key", jag(json!({ "cnf": { "jkt": "x" } }))),
        ("of another type", peer.mint(TokenSpec { typ: Some("at+jwt".into()), ..spec() })),
        ("forged", peer.mint(TokenSpec { sign: Sign::Foreign, ..spec() })),
        ("our own", browser.issuer.mint(spec())),
    ];
    let one_of_a_list = jag(json!({ "aud": [browser.issuer.url()] }));
    let (first, second, third) = (jag(json!({})), jag(json!({})), jag(json!({})));
    for (what, assertion) in cases {
        refused(&redeem(&mut browser, &assertion, &[]).await, "invalid_grant", what);
    }
    let answer = redeem(&mut browser, &first, &[("scope", "read admin")]).await;
    assert_eq!((answer.status, answer.text("scope")), (200, "read".into()), "{}", answer.body);
    let claims = part(&answer.text("access_token"), 1);
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("user-alice"), &json!("https://mcp.example/")));
    assert!(answer.json().get("refresh_token").is_none());
    refused(&redeem(&mut browser, &first, &[]).await, "invalid_grant", "again");
    refused(&redeem(&mut browser, &second, &[("scope", "admin")]).await, "invalid_scope", "nothing of it");
    assert_eq!(redeem(&mut browser, &second, &[]).await.status, 200, "the refusal did not spend it");
    assert_eq!(redeem(&mut browser, &one_of_a_list, &[]).await.status, 200);
    assert_eq!(workload(&mut browser, &third, &[]).await.status, 401, "no client authentication");
    browser.issuer.clock().advance(Duration::from_secs(700));
    refused(&redeem(&mut browser, &third, &[]).await, "invalid_grant", "expired");
    idp.stop().await;
}

#[tokio::test]
async fn an_id_jag_goes_the_whole_way() {
    let (idp, mut browser, peer) = ready().await;
    let urn = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
    peer.add_client(Client::confidential("agent", "secret", &[]));
    let id = peer.mint(TokenSpec { kind: TokenKind::Id, audience: vec!["agent".into()], ..TokenSpec::default() });
    let (subject, requested, audience) = (urn("id_token"), urn("id-jag"), browser.issuer.url());
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", id.as_str()),
        ("subject_token_type", &subject),
        ("requested_token_type", &requested),
        ("audience", &audience),
        ("resource", "https://mcp.example/"),
        ("scope", "read"),
    ];
    let jag = Browser::new(peer).post_basic("token", "agent", "secret", &form).await.text("access_token");
    let claims = part(&redeem(&mut browser, &jag, &[]).await.text("access_token"), 1);
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!("https://mcp.example/"), &json!("read")));
    idp.stop().await;
}
