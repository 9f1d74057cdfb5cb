//! Registration, client authentication, introspection, revocation, clients that nobody registered.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mock_idp::{AccessFormat, Client, TokenKind, TokenSpec};
use serde_json::{Value, json};

use crate::browser::{CALLBACK, VERIFIER, start};

const UPSTREAM: (&str, &str) = ("mcp-upstream", "secret");

#[tokio::test]
async fn a_client_registers_and_is_held_to_it() {
    let (idp, mut browser) = start().await;
    let body =
        json!({ "redirect_uris": ["http://127.0.0.1:1/cb"], "client_name": "N", "token_endpoint_auth_method": "none" });
    let client = browser.post_json("register", body).await;
    assert_eq!((client.status, client.text("client_name")), (201, "N".to_owned()));
    assert!(client.json().get("client_secret").is_none());
    let id = client.text("client_id");
    let page = browser.authorize(&[("client_id", &id), ("redirect_uri", "http://127.0.0.1:9/cb")]).await;
    assert_eq!(page.status, 200);
    let page = browser.authorize(&[("client_id", &id), ("redirect_uri", "https://other.example/cb")]).await;
    assert_eq!((page.status, page.location.as_str()), (400, ""));
    for (body, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://a.example/"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://a.example/"], "grant_types": ["implicit"] }), "invalid_client_metadata"),
        (
            json!({ "redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "anything" }),
            "invalid_client_metadata",
        ),
        (json!([]), "invalid_client_metadata"),
    ] {
        assert_eq!(browser.post_json("register", body).await.text("error"), error);
    }
    browser.issuer.configure(|config| config.dcr = false);
    assert_eq!(browser.post_json("register", json!({})).await.status, 403);
    idp.stop().await;
}

#[tokio::test]
async fn client_credentials_need_the_secret() {
    let (idp, mut browser) = start().await;
    let with =
        |secret| [("grant_type", "client_credentials"), ("client_id", "mcp-upstream"), ("client_secret", secret)];
    let good = browser.post("token", &with("secret")).await;
    assert_eq!(good.status, 200, "{}", good.body);
    assert!(good.json().get("refresh_token").is_none());
    let bad = browser.post("token", &with("wrong")).await;
    assert_eq!((bad.status, bad.text("error")), (401, "invalid_client".to_owned()));
    let grant = [("grant_type", "client_credentials"), ("scope", "read")];
    let basic = browser.post_basic("token", UPSTREAM.0, UPSTREAM.1, &grant).await;
    assert_eq!((basic.status, basic.text("scope")), (200, "read".to_owned()));
    assert_eq!(browser.post_basic("token", UPSTREAM.0, "wrong", &grant).await.status, 401);
    assert_eq!(
        browser.post_basic("token", UPSTREAM.0, UPSTREAM.1, &with("secret")).await.text("error"),
        "invalid_request"
    );
    let public = browser.post("token", &[("grant_type", "client_credentials"), ("client_id", "app")]).await;
    assert_eq!(public.text("error"), "unauthorized_client");
    let unknown = browser.post_basic("token", UPSTREAM.0, UPSTREAM.1, &[("grant_type", "magic")]).await;
    assert_eq!(unknown.text("error"), "unsupported_grant_type");
    idp.stop().await;
}

/// A client assertion of `signer` (RFC 7523 section 3), with changes.
fn assertion(audience: &str, changes: Value) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let mut claims = json!({ "iss": "signer", "sub": "signer", "aud": audience, "iat": now, "exp": now + 60 });
    let (claims_map, changes) = (claims.as_object_mut().expect("an object"), changes.as_object().expect("an object"));
    claims_map.extend(changes.clone());
    let key = EncodingKey::from_ec_pem(include_bytes!("../../keys/es256-4.pem")).expect("a key");
    jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).expect("a signature")
}

#[tokio::test]
async fn private_key_jwt_is_verified_in_full() {
    let (idp, mut browser) = start().await;
    let pem = include_bytes!("../../keys/es256-4.pem");
    let key = EncodingKey::from_ec_pem(pem).expect("a key");
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK");
    browser.issuer.add_client(Client::with_keys("signer", json!({ "keys": [jwk] }), &[]));
    let (issuer, token) = (browser.issuer.url(), browser.issuer.endpoint_url("token"));
    let cases = [
        (assertion(&issuer, json!({ "jti": "1" })), 200),
        (assertion(&token, json!({ "jti": "2" })), 200),
        (assertion(&issuer, json!({ "jti": "1" })), 401),
        (assertion("https://other.example", json!({ "jti": "3" })), 401),
        (assertion(&issuer, json!({})), 401),
        (assertion(&issuer, json!({ "jti": "4", "exp": 1 })), 401),
        (assertion(&issuer, json!({ "jti": "5", "iss": "other" })), 401),
        (assertion(&issuer, json!({ "jti": "6" })).replace('.', ".e"), 401),
    ];
    for (position, (jwt, status)) in cases.iter().enumerate() {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "signer"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", jwt),
        ];
        let answer = browser.post("token", &form).await;
        assert_eq!(answer.status, *status, "{position}: {}", answer.body);
    }
    idp.stop().await;
}

#[tokio::test]
async fn a_minted_token_is_revoked_without_a_request() {
    let (idp, browser) = start().await;
    for kind in [TokenKind::Access, TokenKind::Opaque] {
        let [token, other] = [1, 2].map(|_| browser.issuer.mint(TokenSpec { kind, ..Default::default() }));
        assert!(browser.issuer.revoke(&token), "it worked until now");
        assert!(!browser.issuer.revoke(&token), "it is revoked already");
        assert!(browser.issuer.revoke(&other), "another one is not");
    }
    assert!(!browser.issuer.revoke("nobody's"));
    idp.stop().await;
}

#[tokio::test]
async fn what_was_never_issued_is_not_active() {
    let (idp, mut browser) = start().await;
    let url = browser.issuer.url();
    let claims =
        |change: Value| TokenSpec { claims: change.as_object().expect("a table").clone(), ..TokenSpec::default() };
    let alg = Some(mock_idp::Alg::Ps256);
    for (what, spec, active) in [
        ("honest", claims(json!({})), true),
        ("a claim more", claims(json!({ "tid": "t" })), true),
        ("another issuer", claims(json!({ "iss": "https://issuer.example" })), false),
        ("a slash more", claims(json!({ "iss": format!("{url}/") })), false),
        ("no issuer", claims(json!({ "iss": null })), false),
        ("an end that is no time", claims(json!({ "exp": "4102444800" })), false),
        ("no end", claims(json!({ "exp": null })), false),
        ("another algorithm of the same key", TokenSpec { alg, ..Default::default() }, false),
    ] {
        let token = browser.issuer.mint(spec);
        let form = [("client_id", "mcp-upstream"), ("client_secret", "secret"), ("token", token.as_str())];
        assert_eq!(browser.post("introspect", &form).await.json()["active"], active, "{what}");
    }
    idp.stop().await;
}

#[tokio::test]
async fn tokens_are_introspected_and_revoked() {
    let (idp, mut browser) = start().await;
    for format in [AccessFormat::Jwt, AccessFormat::Opaque] {
        browser.issuer.configure(|config| config.access_format = format);
        let tokens = browser.tokens().await;
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        let ask = |token| [("client_id", "mcp-upstream"), ("client_secret", "secret"), ("token", token)];
        let seen = browser.post("introspect", &ask(&access)).await.json();
        assert_eq!((&seen["active"], &seen["aud"]), (&json!(true), &json!("https://mcp.example/")));
        assert_eq!(browser.post("introspect", &ask(&refresh)).await.json()["active"], true);
        assert_eq!(browser.post("introspect", &[("client_id", "app"), ("token", &access)]).await.status, 401);
        assert_eq!(browser.post("introspect", &ask("unknown")).await.json(), json!({ "active": false }));
        assert_eq!(browser.post("revoke", &ask(&refresh)).await.text("error"), "unauthorized_client");
        let second = browser.refresh(&refresh).await;
        let (other, refresh) = (second.text("access_token"), second.text("refresh_token"));
        assert_eq!(browser.post("revoke", &[("client_id", "app"), ("token", &access)]).await.status, 200);
        assert_eq!(browser.post("introspect", &ask(&access)).await.json(), json!({ "active": false }));
        assert_eq!(browser.post("introspect", &ask(&other)).await.json()["active"], true, "only the one token");
        assert_eq!(browser.post("revoke", &[("client_id", "app"), ("token", &refresh)]).await.status, 200);
        assert_eq!(browser.post("introspect", &ask(&other)).await.json(), json!({ "active": false }));
        assert_eq!(browser.refresh(&refresh).await.text("error"), "invalid_grant");
    }
    idp.stop().await;
}

#[tokio::test]
async fn a_client_that_nobody_registered_is_taken_as_it_is() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| (config.unknown_clients, config.auto_approve) = (true, true));
    let changes = [
        ("client_id", "x"),
        ("redirect_uri", "http://other.example/"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let code = browser.authorize(&changes).await.param("code").expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "x"),
        ("client_secret", "y"),
        ("code", &code),
        ("redirect_uri", "http://other.example/"),
    ];
    assert_eq!(browser.post("token", &form).await.status, 200);
    let known = browser.authorize(&[("redirect_uri", "http://other.example/")]).await;
    assert_eq!(known.status, 400, "a registered one is held to its registration");
    let script = browser.authorize(&[("client_id", "x"), ("redirect_uri", "javascript:alert(1)")]).await;
    assert_eq!((script.status, script.location.as_str()), (400, ""));
    idp.stop().await;
}

#[tokio::test]
async fn a_code_belongs_to_its_client() {
    let (idp, mut browser) = start().await;
    browser.issuer.add_client(Client::public("thief", &[CALLBACK]));
    let code = browser.code(&[]).await;
    let form =
        [("grant_type", "authorization_code"), ("client_id", "thief"), ("code", &code), ("code_verifier", VERIFIER)];
    assert_eq!(browser.post("token", &form).await.text("error"), "invalid_grant");
    assert_eq!(browser.redeem(&code, VERIFIER).await.status, 200);
    idp.stop().await;
}

#[tokio::test]
async fn browser_clients_may_call_but_not_the_authorization_endpoint() {
    let (idp, mut browser) = start().await;
    for (endpoint, status) in [("token", 204), ("jwks", 204), ("register", 204), ("authorize", 405)] {
        let answer = browser.preflight(endpoint).await;
        let allowed = answer.headers().get("access-control-allow-origin").map(reqwest::header::HeaderValue::as_bytes);
        assert_eq!((answer.status().as_u16(), allowed.is_some()), (status, status == 204), "{endpoint}");
    }
    idp.stop().await;
}

#[tokio::test]
async fn bodies_are_bounded_and_forms_are_forms() {
    let (idp, mut browser) = start().await;
    let long = "x".repeat(100_000);
    assert_eq!(browser.post("token", &[("code", &long)]).await.status, 413);
    assert_eq!(browser.post_json("token", json!({ "grant_type": "authorization_code" })).await.status, 400);
    let twice = [("grant_type", "refresh_token"), ("grant_type", "refresh_token"), ("client_id", "app")];
    assert_eq!(browser.post("token", &twice).await.text("error"), "invalid_request");
    idp.stop().await;
}

/// RFC 7662 section 4: whether a token can be used at the resource server that asks.
#[tokio::test]
async fn a_resource_server_hears_of_its_own_tokens_only_if_so_configured() {
    let (idp, mut browser) = start().await;
    browser.issuer.add_client(Client::confidential("rs", "secret", &[]));
    browser.issuer.add_client(Client::confidential("other", "secret", &[]));
    let tokens = browser.tokens().await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let both = vec!["https://else.example/".into(), "https://mcp.example/".into()];
    let opaque = browser.issuer.mint(TokenSpec { kind: TokenKind::Opaque, audience: both, ..TokenSpec::default() });
    let nobody = browser.issuer.mint(TokenSpec::default());
    let mut active = async |client: &str, token: &str| {
        let form = [("client_id", client), ("client_secret", "secret"), ("token", token)];
        let answer = browser.post("introspect", &form).await.json();
        assert!(answer["active"] == true || answer == json!({ "active": false }), "{answer}");
        answer["active"] == true
    };
    let mut seen = Vec::new();
    for audiences in [&[][..], &["https://mcp.example/"], &["https://api.example/"], &["https://mcp.example"]] {
        let audiences: Vec<String> = audiences.iter().map(|name| (*name).to_owned()).collect();
        idp.issuer("t").configure(|config| {
            config.introspection.audiences.clear();
            if !audiences.is_empty() {
                config.introspection.audiences.insert("rs".into(), audiences);
            }
        });
        let tokens = [&access, &refresh, &opaque, &nobody];
        let mut answers = [false; 4];
        for (at, token) in tokens.into_iter().enumerate() {
            answers[at] = active("rs", token).await;
            assert!(active("other", token).await, "who is not named hears of all");
        }
        seen.push(answers);
    }
    assert_eq!(seen, [[true; 4], [true, false, true, false], [false; 4], [false; 4]]);
    idp.stop().await;
}
