//! Token exchange (RFC 8693): what comes of an honest one, and each refusal.

use std::time::Duration;

use mock_idp::{
    AccessFormat, Client, ClientAuth, Endpoint, ExchangeTarget, Former, MockIdp, Sign, TokenKind, TokenSpec, TokenType,
    TrustedIssuer,
};
use serde_json::{Value, json};

use crate::browser::{Answer, Browser, part, start, verified};
use crate::misbehaviour::script;

const API: &str = "https://api.example/";

/// A provider whose client `gateway` exchanges tokens.
async fn ready() -> (MockIdp, Browser) {
    let (idp, browser) = start().await;
    browser.issuer.add_client(Client::confidential("gateway", "secret", &[]));
    (idp, browser)
}

/// An access token of alice for the gateway's own resource.
fn subject(browser: &Browser, change: TokenSpec) -> String {
    let scope = if change.scope.is_empty() { "read write".to_owned() } else { change.scope };
    browser.issuer.mint(TokenSpec {
        audience: vec!["https://mcp.example/".into()],
        client_id: "app".into(),
        scope,
        ..change
    })
}

/// An exchange of the gateway: honest but for the changes; an empty value takes a parameter out.
async fn exchange(browser: &mut Browser, token: &str, changes: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", token),
        ("subject_token_type", TokenType::Access.urn()),
        ("audience", API),
    ];
    form.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    browser.post_basic("token", "gateway", "secret", &form).await
}

fn refused(answer: &Answer, error: &str, what: &str) {
    assert_eq!((answer.status, answer.text("error").as_str()), (400, error), "{what}: {}", answer.body);
    assert!(answer.json().get("access_token").is_none());
}

#[tokio::test]
async fn an_access_token_becomes_one_for_another_audience() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec { ttl: Some(60), ..TokenSpec::default() });
    let answer = exchange(&mut browser, &token, &[("scope", "read")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.text("issued_token_type"), TokenType::Access.urn());
    assert_eq!((answer.text("token_type"), answer.text("scope")), ("Bearer".into(), "read".into()));
    assert!(answer.json().get("refresh_token").is_none() && answer.json().get("id_token").is_none());
    let issued = answer.text("access_token");
    let claims = verified(&browser.issuer, &issued).expect("a good token");
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["client_id"]),
        (&json!("user-alice"), &json!(API), &json!("gateway"))
    );
    assert_eq!(
        (&claims["scope"], claims.get("act"), &part(&issued, 0)["typ"]),
        (&json!("read"), None, &json!("at+jwt"))
    );
    assert!(claims["exp"].as_i64() <= part(&token, 1)["exp"].as_i64(), "lives no longer than the subject token");
    assert!(answer.json()["expires_in"].as_i64().is_some_and(|ttl| (1..=60).contains(&ttl)));
    let metadata = browser.issuer.metadata();
    let grants = metadata["grant_types_supported"].as_array().expect("a list");
    assert!(grants.contains(&json!("urn:ietf:params:oauth:grant-type:token-exchange")));
    idp.stop().await;
}

#[tokio::test]
async fn several_audiences_and_resources_all_stand_in_aud() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec::default());
    let both = [("audience", "one"), ("audience", "two"), ("resource", "https://r.example/")];
    let claims = part(&exchange(&mut browser, &token, &both).await.text("access_token"), 1);
    assert_eq!(claims["aud"], json!(["one", "two", "https://r.example/"]));
    assert_eq!(claims["scope"], "read write", "all of the subject's, as nothing else was asked");
    let none = exchange(&mut browser, &token, &[("audience", "")]).await;
    assert_eq!(part(&none.text("access_token"), 1)["aud"], json!(browser.issuer.url()));
    refused(&exchange(&mut browser, &token, &[("resource", "/relative")]).await, "invalid_target", "resource");
    let twice = [("scope", "read"), ("scope", "read")];
    refused(&exchange(&mut browser, &token, &twice).await, "invalid_request", "scope twice");
    idp.stop().await;
}

#[tokio::test]
async fn a_bad_subject_token_is_an_invalid_request() {
    let (idp, mut browser) = ready().await;
    browser.issuer.rotate_keys(Former::Withdrawn);
    let member = |name: &str, value: Value| serde_json::Map::from_iter([(name.to_owned(), value)]);
    let spec = TokenSpec::default;
    let crit = member("crit", json!(["x"]));
    let bad = [
        ("a stranger's", TokenSpec { sign: Sign::Foreign, ..spec() }),
        ("a withdrawn key's", TokenSpec { sign: Sign::Former, ..spec() }),
        ("tampered", TokenSpec { sign: Sign::Tampered, ..spec() }),
        ("unsigned", TokenSpec { sign: Sign::None, ..spec() }),
        ("expired", TokenSpec { ttl: Some(-1), ..spec() }),
        ("without exp", TokenSpec { claims: member("exp", Value::Null), ..spec() }),
        ("with exp as text", TokenSpec { claims: member("exp", json!("9999999999")), ..spec() }),
        ("not begun", TokenSpec { claims: member("nbf", json!(i64::from(u32::MAX))), ..spec() }),
        ("from the future", TokenSpec { claims: member("iat", json!(i64::from(u32::MAX))), ..spec() }),
        ("of another issuer", TokenSpec { claims: member("iss", json!("https://other.example")), ..spec() }),
        ("without iss", TokenSpec { claims: member("iss", Value::Null), ..spec() }),
        ("without sub", TokenSpec { claims: member("sub", Value::Null), ..spec() }),
        ("critical", TokenSpec { header: crit, ..spec() }),
        ("an ID token", TokenSpec { kind: TokenKind::Id, ..spec() }),
        ("an ID-JAG", TokenSpec { kind: TokenKind::IdJag, ..spec() }),
        ("a logout token", TokenSpec { typ: Some("logout+jwt".into()), ..spec() }),
    ];
    for (what, spec) in bad {
        let token = subject(&browser, spec);
        refused(&exchange(&mut browser, &token, &[]).await, "invalid_request", what);
    }
    refused(&exchange(&mut browser, "no-jwt", &[]).await, "invalid_request", "garbage");
    let good = subject(&browser, spec());
    assert_eq!(exchange(&mut browser, &good, &[]).await.status, 200, "a token of the rotated key");
    for (name, value) in [
        ("subject_token", ""),
        ("subject_token_type", ""),
        ("subject_token_type", "urn:x"),
        ("subject_token_type", TokenType::Id.urn()),
        ("subject_token_type", TokenType::Refresh.urn()),
        ("subject_token_type", TokenType::IdJag.urn()),
        ("requested_token_type", "urn:x"),
        ("requested_token_type", TokenType::Refresh.urn()),
        ("requested_token_type", TokenType::IdJag.urn()),
        ("actor_token", &good),
        ("actor_token_type", TokenType::Access.urn()),
    ] {
        let answer = exchange(&mut browser, &good, &[(name, value)]).await;
        refused(&answer, "invalid_request", &format!("{name} {value}"));
        assert!(!answer.body.contains(&good));
    }
    browser.issuer.clock().advance(Duration::from_secs(601));
    refused(&exchange(&mut browser, &good, &[]).await, "invalid_request", "expired meanwhile");
    idp.stop().await;
}

#[tokio::test]
async fn keys_that_a_rotation_keeps_are_good() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec::default());
    browser.issuer.rotate_keys(Former::Kept);
    assert_eq!(exchange(&mut browser, &token, &[]).await.status, 200);
    idp.stop().await;
}

#[tokio::test]
async fn revoked_and_opaque_subject_tokens() {
    let (idp, mut browser) = ready().await;
    for format in [AccessFormat::Jwt, AccessFormat::Opaque] {
        browser.issuer.configure(|config| config.access_format = format);
        let tokens = browser.tokens().await;
        let token = tokens.text("access_token");
        let made = exchange(&mut browser, &token, &[]).await;
        assert_eq!(made.status, 200, "{}", made.body);
        assert_eq!(browser.post("revoke", &[("client_id", "app"), ("token", &token)]).await.status, 200);
        refused(&exchange(&mut browser, &token, &[]).await, "invalid_request", "revoked");
        let ask = |token| [("client_id", "gateway"), ("client_secret", "secret"), ("token", token)];
        let issued = made.text("access_token");
        assert_eq!(browser.post("introspect", &ask(&issued)).await.json()["active"], true, "one token is one token");
        let refresh = tokens.text("refresh_token");
        assert_eq!(browser.post("revoke", &[("client_id", "app"), ("token", &refresh)]).await.status, 200);
        assert_eq!(browser.post("introspect", &ask(&issued)).await.json()["active"], false, "the grant ends it too");
    }
    idp.stop().await;
}

#[tokio::test]
async fn scope_is_never_widened() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec::default());
    for wide in ["admin", "read admin", "read  write", "\"read\""] {
        refused(&exchange(&mut browser, &token, &[("scope", wide)]).await, "invalid_scope", wide);
    }
    assert_eq!(exchange(&mut browser, &token, &[("scope", "write write")]).await.text("scope"), "write");
    browser.issuer.configure(|config| config.exchange.reduce_scope = true);
    assert_eq!(exchange(&mut browser, &token, &[("scope", "admin read")]).await.text("scope"), "read");
    refused(&exchange(&mut browser, &token, &[("scope", "admin")]).await, "invalid_scope", "nothing left");
    let scp = serde_json::Map::from_iter([("scope".to_owned(), Value::Null), ("scp".to_owned(), json!(["a", "b"]))]);
    let scp = subject(&browser, TokenSpec { claims: scp, ..TokenSpec::default() });
    assert_eq!(exchange(&mut browser, &scp, &[]).await.text("scope"), "a b");
    let none = serde_json::Map::from_iter([("scope".to_owned(), Value::Null)]);
    let none = subject(&browser, TokenSpec { claims: none, ..TokenSpec::default() });
    refused(&exchange(&mut browser, &none, &[("scope", "read")]).await, "invalid_scope", "from a token without");
    let gateway = Client { scope: Some("read".into()), ..Client::confidential("gateway", "secret", &[]) };
    browser.issuer.add_client(gateway);
    assert_eq!(exchange(&mut browser, &token, &[]).await.text("scope"), "read", "the client's own limit");
    idp.stop().await;
}

#[tokio::test]
async fn targets_can_be_limited() {
    let (idp, mut browser) = ready().await;
    let target = |audience: &str, scope: Option<&str>, clients: &[&str]| ExchangeTarget {
        audience: audience.into(),
        clients: clients.iter().map(|id| (*id).into()).collect(),
        resources: vec!["https://api.example/items".into()],
        scope: scope.map(str::to_owned),
        ..ExchangeTarget::default()
    };
    browser.issuer.configure(|config| {
        config.exchange.targets = vec![target(API, Some("read"), &["gateway"]), target("other", None, &["app"])];
    });
    let token = subject(&browser, TokenSpec::default());
    assert_eq!(exchange(&mut browser, &token, &[]).await.text("scope"), "read");
    let item = exchange(&mut browser, &token, &[("resource", "https://api.example/items")]).await;
    assert_eq!(part(&item.text("access_token"), 1)["aud"], json!([API, "https://api.example/items"]));
    for bad in ["https://unknown.example/", "other", "https://api.example"] {
        refused(&exchange(&mut browser, &token, &[("audience", bad)]).await, "invalid_target", bad);
    }
    let foreign = [("resource", "https://else.example/")];
    refused(&exchange(&mut browser, &token, &foreign).await, "invalid_target", "a resource of another audience");
    refused(&exchange(&mut browser, &token, &[("scope", "write")]).await, "invalid_scope", "not there");
    idp.stop().await;
}

#[tokio::test]
async fn clients_authenticate_and_public_ones_are_refused() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec::default());
    let form = |id: &'static str| {
        vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("client_id", id),
            ("subject_token_type", TokenType::Access.urn()),
        ]
    };
    let mut public = form("app");
    public.push(("subject_token", &token));
    assert_eq!(browser.post("token", &public).await.text("error"), "unauthorized_client");
    let mut bare = form("gateway");
    bare.push(("subject_token", &token));
    assert_eq!(browser.post("token", &bare).await.status, 401);
    assert_eq!(browser.post_basic("token", "gateway", "wrong", &bare).await.status, 401);
    browser.issuer.configure(|config| config.exchange.public_clients = true);
    assert_eq!(browser.post("token", &public).await.status, 200);
    browser.issuer.configure(|config| config.exchange.enabled = false);
    assert_eq!(browser.post("token", &public).await.text("error"), "unsupported_grant_type");
    let listed = browser.issuer.metadata()["grant_types_supported"].to_string();
    assert!(!listed.contains("token-exchange"));
    idp.stop().await;
}

#[tokio::test]
async fn only_a_client_that_the_token_concerns_if_so_configured() {
    let (idp, mut browser) = ready().await;
    browser.issuer.configure(|config| config.exchange.only_concerned = true);
    let token = subject(&browser, TokenSpec::default());
    refused(&exchange(&mut browser, &token, &[]).await, "invalid_request", "somebody else's");
    let own =
        Client { audiences: vec!["https://mcp.example/".into()], ..Client::confidential("gateway", "secret", &[]) };
    browser.issuer.add_client(own);
    assert_eq!(exchange(&mut browser, &token, &[]).await.status, 200);
    idp.stop().await;
}

#[tokio::test]
async fn delegation_nests_the_actors() {
    let (idp, mut browser) = ready().await;
    let actor = |name: &str| browser.issuer.mint(TokenSpec { sub: Some(name.into()), ..TokenSpec::default() });
    let (first, second) = (actor("svc-1"), actor("svc-2"));
    let expired = browser.issuer.mint(TokenSpec { ttl: Some(-5), ..TokenSpec::default() });
    let token = subject(&browser, TokenSpec::default());
    let with = |actor| [("actor_token", actor), ("actor_token_type", TokenType::Access.urn())];
    let once = exchange(&mut browser, &token, &with(first.as_str())).await.text("access_token");
    assert_eq!(part(&once, 1)["act"], json!({ "sub": "svc-1" }));
    let twice = exchange(&mut browser, &once, &with(second.as_str())).await.text("access_token");
    assert_eq!(part(&twice, 1)["act"], json!({ "sub": "svc-2", "act": { "sub": "svc-1" } }));
    assert_eq!(part(&twice, 1)["sub"], "user-alice");
    let kept = exchange(&mut browser, &twice, &[]).await.text("access_token");
    assert_eq!(part(&kept, 1)["act"], part(&twice, 1)["act"], "an exchange without actor loses none");
    refused(&exchange(&mut browser, &token, &with(expired.as_str())).await, "invalid_request", "expired actor");
    let refresh = [("actor_token", "x"), ("actor_token_type", TokenType::Refresh.urn())];
    refused(&exchange(&mut browser, &token, &refresh).await, "invalid_request", "a refresh token as actor");
    browser.issuer.configure(|config| config.exchange.client_as_actor = true);
    let client = exchange(&mut browser, &token, &[]).await.text("access_token");
    assert_eq!(part(&client, 1)["act"], json!({ "sub": "gateway" }));
    browser.issuer.configure(|config| config.exchange.actors = false);
    refused(&exchange(&mut browser, &token, &with(first.as_str())).await, "invalid_request", "no delegation here");
    idp.stop().await;
}

#[tokio::test]
async fn may_act_is_respected() {
    let (idp, mut browser) = ready().await;
    let spec = |may_act| TokenSpec { may_act: Some(may_act), ..TokenSpec::default() };
    let actor = browser.issuer.mint(TokenSpec { sub: Some("svc-1".into()), ..TokenSpec::default() });
    let with = [("actor_token", actor.as_str()), ("actor_token_type", TokenType::Access.urn())];
    for (may_act, client, delegated) in [
        (json!({ "sub": "svc-1" }), 400, 200),
        (json!({ "sub": "svc-1", "iss": browser.issuer.url() }), 400, 200),
        (json!({ "sub": "svc-1", "iss": "https://other.example" }), 400, 400),
        (json!({ "sub": "gateway" }), 200, 400),
        (json!({ "client_id": "gateway" }), 200, 400),
        (json!({}), 400, 400),
        (json!("svc-1"), 400, 400),
    ] {
        let token = subject(&browser, spec(may_act.clone()));
        let seen =
            (exchange(&mut browser, &token, &[]).await.status, exchange(&mut browser, &token, &with).await.status);
        assert_eq!(seen, (client, delegated), "{may_act}");
    }
    idp.stop().await;
}

#[tokio::test]
async fn impersonation_is_off_and_for_named_clients_only() {
    let (idp, mut browser) = ready().await;
    let own =
        browser.post_basic("token", "gateway", "secret", &[("grant_type", "client_credentials"), ("scope", "read")]);
    let own = own.await.text("access_token");
    let user = subject(&browser, TokenSpec::default());
    let bob = [("requested_subject", "bob")];
    refused(&exchange(&mut browser, &own, &bob).await, "access_denied", "off");
    browser.issuer.configure(|config| config.exchange.impersonators = vec!["gateway".into()]);
    let claims = part(&exchange(&mut browser, &own, &bob).await.text("access_token"), 1);
    assert_eq!((&claims["sub"], &claims["act"]), (&json!("user-bob"), &json!({ "sub": "gateway" })));
    refused(&exchange(&mut browser, &user, &bob).await, "invalid_request", "never from another user's token");
    refused(&exchange(&mut browser, &own, &[("requested_subject", "nobody")]).await, "invalid_request", "nobody");
    idp.stop().await;
}

#[tokio::test]
async fn other_types_can_be_asked_for() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec::default());
    let jwt = exchange(&mut browser, &token, &[("requested_token_type", TokenType::Jwt.urn())]).await;
    assert_eq!((jwt.text("issued_token_type"), jwt.text("token_type")), (TokenType::Jwt.urn().into(), "N_A".into()));
    assert_eq!(part(&jwt.text("access_token"), 0)["typ"], "JWT");
    assert_eq!(browser.bearer("userinfo", &jwt.text("access_token")).await.status, 401, "no access token");
    let id = [("requested_token_type", TokenType::Id.urn()), ("audience", "")];
    let id = exchange(&mut browser, &token, &id).await.text("access_token");
    assert_eq!((&part(&id, 1)["aud"], part(&id, 1).get("scope")), (&json!("gateway"), None));
    let id_for_gateway = [("subject_token_type", TokenType::Id.urn())];
    assert_eq!(exchange(&mut browser, &id, &id_for_gateway).await.status, 200);
    let foreign =
        browser.issuer.mint(TokenSpec { kind: TokenKind::Id, audience: vec!["app".into()], ..TokenSpec::default() });
    refused(&exchange(&mut browser, &foreign, &id_for_gateway).await, "invalid_request", "another client's ID token");
    browser.issuer.configure(|config| config.exchange.requested_types.push(TokenType::Refresh));
    let asked = [("requested_token_type", TokenType::Refresh.urn()), ("scope", "read")];
    let refresh = exchange(&mut browser, &token, &asked).await;
    assert_eq!(refresh.text("issued_token_type"), TokenType::Refresh.urn());
    let text = refresh.text("access_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", text.as_str())];
    let claims = part(&browser.post_basic("token", "gateway", "secret", &form).await.text("access_token"), 1);
    assert_eq!((&claims["sub"], &claims["aud"], &claims["scope"]), (&json!("user-alice"), &json!(API), &json!("read")));
    idp.stop().await;
}

#[tokio::test]
async fn a_refresh_token_of_the_client_itself_is_a_subject() {
    let (idp, mut browser) = ready().await;
    let refresh = browser.tokens().await.text("refresh_token");
    let kind = [("subject_token_type", TokenType::Refresh.urn())];
    refused(&exchange(&mut browser, &refresh, &kind).await, "invalid_request", "another client's");
    browser.issuer.configure(|config| config.exchange.public_clients = true);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "app"),
        ("subject_token", refresh.as_str()),
        kind[0],
    ];
    let answer = browser.post("token", &form).await;
    assert_eq!((answer.status, answer.text("scope")), (200, "openid email".into()), "{}", answer.body);
    let next = browser.refresh(&refresh).await;
    assert_eq!(next.status, 200, "the exchange did not spend it");
    assert_eq!(browser.post("token", &form).await.text("error"), "invalid_request", "rotated away");
    idp.stop().await;
}

#[tokio::test]
async fn other_issuers_of_the_provider_are_trusted_if_named() {
    let (idp, mut browser) = ready().await;
    let peer = idp.issuer("peer");
    let audience = vec![browser.issuer.url()];
    let spec = || TokenSpec { scope: "read".into(), audience: audience.clone(), ..TokenSpec::default() };
    let token = peer.mint(spec());
    refused(&exchange(&mut browser, &token, &[]).await, "invalid_request", "not trusted");
    browser.issuer.configure(|config| config.trusted_issuers = vec![TrustedIssuer::new(&peer.url())]);
    let claims = part(&exchange(&mut browser, &token, &[]).await.text("access_token"), 1);
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(browser.issuer.url()), &json!("user-alice")));
    let elsewhere = peer.mint(TokenSpec { audience: vec!["https://else.example/".into()], ..spec() });
    refused(&exchange(&mut browser, &elsewhere, &[]).await, "invalid_request", "for somebody else");
    let client = peer.mint(TokenSpec { audience: vec!["gateway".into()], ..spec() });
    assert_eq!(exchange(&mut browser, &client, &[]).await.status, 200, "for the client");
    let forged = peer.mint(TokenSpec { sign: Sign::Foreign, ..spec() });
    refused(&exchange(&mut browser, &forged, &[]).await, "invalid_request", "a stranger's key");
    peer.configure(|config| config.alg = mock_idp::Alg::EdDsa);
    let named = serde_json::Map::from_iter([("iss".to_owned(), json!(browser.issuer.url()))]);
    let crossed = peer.mint(TokenSpec { claims: named, ..spec() });
    refused(&exchange(&mut browser, &crossed, &[]).await, "invalid_request", "our name under the peer's key");
    let token = peer.mint(spec());
    assert_eq!(exchange(&mut browser, &token, &[]).await.status, 200, "its key set as it is now");
    let mut there = Browser::new(peer.clone());
    let token = peer.mint(TokenSpec { client_id: "x".into(), ..spec() });
    assert_eq!(there.post("revoke", &[("client_id", "x"), ("token", &token)]).await.status, 200);
    refused(&exchange(&mut browser, &token, &[]).await, "invalid_request", "revoked where it comes from");
    let known = TrustedIssuer { jwks: Some(idp.issuer("keys").jwks()), ..TrustedIssuer::new("https://far.example") };
    browser.issuer.configure(|config| config.trusted_issuers = vec![known]);
    let far = serde_json::Map::from_iter([("iss".to_owned(), json!("https://far.example"))]);
    let far = idp.issuer("keys").mint(TokenSpec { claims: far, ..spec() });
    assert_eq!(exchange(&mut browser, &far, &[]).await.status, 200, "keys from the settings");
    idp.stop().await;
}

#[tokio::test]
async fn an_id_jag_is_made_from_an_identity() {
    let (idp, mut browser) = ready().await;
    let ras = "https://ras.example";
    let target = ExchangeTarget {
        audience: ras.into(),
        client_ids: [("gateway".to_owned(), "gateway-there".to_owned())].into(),
        resources: vec!["https://mcp.example/".into()],
        scope: Some("read".into()),
        ..ExchangeTarget::default()
    };
    browser.issuer.configure(|config| config.exchange.targets = vec![target]);
    let id = |audience: &str| {
        browser.issuer.mint(TokenSpec { kind: TokenKind::Id, audience: vec![audience.into()], ..TokenSpec::default() })
    };
    let (own, foreign) = (id("gateway"), id("app"));
    let access = subject(&browser, TokenSpec::default());
    let ask = [
        ("subject_token_type", TokenType::Id.urn()),
        ("requested_token_type", TokenType::IdJag.urn()),
        ("audience", ras),
        ("resource", "https://mcp.example/"),
        ("scope", "read admin"),
    ];
    let answer = exchange(&mut browser, &own, &ask).await;
    assert_eq!(
        (answer.text("issued_token_type"), answer.text("token_type")),
        (TokenType::IdJag.urn().into(), "N_A".into())
    );
    assert!(answer.json()["expires_in"].as_i64().is_some_and(|ttl| ttl <= 300) && answer.text("scope") == "read");
    let jag = answer.text("access_token");
    let claims = part(&jag, 1);
    assert_eq!(part(&jag, 0)["typ"], "oauth-id-jag+jwt");
    assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(ras), &json!("gateway-there")));
    assert_eq!((&claims["resource"], &claims["sub"]), (&json!("https://mcp.example/"), &json!("user-alice")));
    assert!(
        ["iss", "jti", "exp", "iat"].iter().all(|name| claims.get(*name).is_some()) && claims.get("email").is_none()
    );
    refused(&exchange(&mut browser, &foreign, &ask).await, "invalid_request", "another client's ID token");
    let from_access = [ask[1], ask[2]];
    refused(&exchange(&mut browser, &access, &from_access).await, "invalid_request", "an access token");
    let no_audience = [ask[0], ask[1], ("audience", "")];
    refused(&exchange(&mut browser, &own, &no_audience).await, "invalid_request", "no audience");
    let unpaired = [ask[0], ask[1], ask[2], ("resource", "https://else.example/")];
    refused(&exchange(&mut browser, &own, &unpaired).await, "invalid_target", "a resource of another server");
    idp.stop().await;
}

#[tokio::test]
async fn scripts_change_the_answer() {
    let (idp, mut browser) = ready().await;
    let token = subject(&browser, TokenSpec::default());
    script(
        &browser.issuer,
        "token",
        json!({
            "merge": { "issued_token_type": TokenType::Refresh.urn(), "token_type": "mac", "scope": "admin", "expires_in": 9 },
            "access-token": { "claims": { "aud": "https://else.example/", "scope": "admin" }, "expires-in": 90_000 },
            "when": { "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange" },
        }),
    );
    let answer = exchange(&mut browser, &token, &[]).await;
    assert_eq!(
        (answer.text("issued_token_type"), answer.text("token_type")),
        (TokenType::Refresh.urn().into(), "mac".into())
    );
    let claims = part(&answer.text("access_token"), 1);
    assert_eq!((&claims["aud"], &claims["scope"]), (&json!("https://else.example/"), &json!("admin")));
    assert!(claims["exp"].as_i64() > part(&token, 1)["exp"].as_i64());
    script(&browser.issuer, "token", json!({ "without": ["issued_token_type"] }));
    assert!(exchange(&mut browser, &token, &[]).await.json().get("issued_token_type").is_none());
    script(&browser.issuer, "token", json!({ "error": "invalid_target" }));
    refused(&exchange(&mut browser, &token, &[]).await, "invalid_target", "scripted");
    assert_eq!(exchange(&mut browser, &token, &[]).await.status, 200);
    let seen = browser.issuer.journal_of(Endpoint::Token);
    assert_eq!((seen[0].param("subject_token"), seen[0].issued[0].0), (Some(token.as_str()), "access_token"));
    idp.stop().await;
}

#[tokio::test]
async fn a_client_is_held_to_its_grant_types() {
    let (idp, mut browser) = ready().await;
    let client = Client {
        auth: ClientAuth::Secret,
        grant_types: vec!["client_credentials".into()],
        ..Client::confidential("gateway", "secret", &[])
    };
    browser.issuer.add_client(client);
    let token = subject(&browser, TokenSpec::default());
    refused(&exchange(&mut browser, &token, &[]).await, "unauthorized_client", "not registered for it");
    idp.stop().await;
}

#[tokio::test]
async fn keycloak_exchanges_access_tokens_for_those_they_concern() {
    let (idp, mut browser) = ready().await;
    browser.issuer.personality(mock_idp::Personality::find("keycloak").expect("known"));
    browser.issuer.configure(|config| config.unknown_clients = false);
    let audiences = vec!["target".to_owned()];
    browser.issuer.add_client(Client { audiences, ..Client::confidential("gateway", "secret", &[]) });
    let foreign = browser.issuer.mint(TokenSpec { audience: vec!["account".into()], ..TokenSpec::default() });
    let answer = exchange(&mut browser, &foreign, &[]).await;
    refused(&answer, "invalid_request", "not for the gateway");
    assert!(answer.body.contains("neither this client's nor for it"), "{}", answer.body);
    let grant = [("grant_type", "client_credentials"), ("scope", "read")];
    let own = browser.post_basic("token", "gateway", "secret", &grant).await.text("access_token");
    let answer = exchange(&mut browser, &own, &[("audience", "target")]).await;
    assert_eq!(
        (answer.status, &part(&answer.text("access_token"), 1)["aud"]),
        (200, &json!("target")),
        "{}",
        answer.body
    );
    let answer = exchange(&mut browser, &own, &[("audience", "another")]).await;
    refused(&answer, "invalid_request", "no mapper adds it");
    assert!(answer.body.contains("Requested audience not available: another"), "{}", answer.body);
    let access = TokenType::Access.urn();
    let target = ("audience", "target");
    let actor = [target, ("actor_token", own.as_str()), ("actor_token_type", access)];
    refused(&exchange(&mut browser, &own, &actor).await, "invalid_request", "no delegation");
    let wider = exchange(&mut browser, &own, &[target, ("scope", "read write")]).await;
    assert_eq!(wider.text("scope"), "read write", "{}", wider.body);
    let jwt = [target, ("subject_token_type", TokenType::Jwt.urn())];
    refused(&exchange(&mut browser, &own, &jwt).await, "invalid_request", "access tokens only");
    for name in ["entra", "google", "github", "cognito"] {
        let issuer = idp.issuer(&format!("as-{name}"));
        issuer.personality(mock_idp::Personality::find(name).expect("known"));
        let metadata = issuer.metadata();
        assert!(metadata.get("pushed_authorization_request_endpoint").is_none(), "{name}");
        assert!(metadata.get("dpop_signing_alg_values_supported").is_none(), "{name}");
    }
    idp.stop().await;
}
