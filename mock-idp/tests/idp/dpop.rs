//! Proofs of possession (RFC 9449) at the token endpoint, userinfo and the API.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use mock_idp::{Client, TokenSpec};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::browser::{Browser, VERIFIER, part, start};

/// A key that signs proofs.
struct Prover {
    key: EncodingKey,
    jwk: Value,
}

impl Prover {
    fn new(pem: &[u8]) -> Self {
        let key = EncodingKey::from_ec_pem(pem).expect("a key");
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        let members = jwk.as_object_mut().expect("an object");
        members.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        Self { key, jwk }
    }

    fn alice() -> Self {
        Self::new(include_bytes!("../../keys/es256-3.pem"))
    }

    fn mallory() -> Self {
        Self::new(include_bytes!("../../keys/es256-4.pem"))
    }

    fn jkt(&self) -> String {
        let text = |name: &str| self.jwk[name].as_str().expect("a member");
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y"));
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    /// A proof, honest but for the changes of header and claims; null takes a member out.
    fn proof(&self, method: &str, url: &str, header: Value, claims: Value) -> String {
        let changed = |mut honest: Value, changes: Value| {
            let members = honest.as_object_mut().expect("an object");
            members.extend(changes.as_object().cloned().expect("an object"));
            members.retain(|_, value| !value.is_null());
            honest
        };
        let header = changed(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk }), header);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let jti = format!("{:x}", rand::random::<u128>());
        let claims = changed(json!({ "htm": method, "htu": url, "iat": now, "jti": jti }), claims);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).expect("a signature");
        format!("{message}.{signature}")
    }
}

/// Status, headers and body of a form post with proofs.
async fn token(browser: &Browser, proofs: &[&str], form: &[(&str, &str)]) -> (u16, Option<String>, Value) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = reqwest::Client::new().post(browser.issuer.endpoint_url("token")).body(body);
    request = request.header("content-type", "application/x-www-form-urlencoded");
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    let answer = request.send().await.expect("an answer");
    let nonce = answer.headers().get("dpop-nonce").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, nonce, serde_json::from_str(&text).expect("JSON"))
}

/// A request to a protected endpoint: status, challenge.
async fn call(url: &str, scheme: &str, access_token: &str, proof: Option<&str>) -> (u16, String) {
    let mut request = reqwest::Client::new().get(url).header("authorization", format!("{scheme} {access_token}"));
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    let answer = request.send().await.expect("an answer");
    let challenge = answer.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
    (answer.status().as_u16(), challenge.unwrap_or_default().to_owned())
}

const MACHINE: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "mcp-upstream"), ("client_secret", "secret")];

#[tokio::test]
async fn a_proof_binds_the_token_and_bad_proofs_are_refused() {
    let (idp, browser) = start().await;
    let (alice, url) = (Prover::alice(), browser.issuer.endpoint_url("token"));
    let listed = browser.issuer.metadata()["dpop_signing_alg_values_supported"].to_string();
    assert!(listed.contains("ES256") && !listed.contains("none"), "{listed}");
    let good = alice.proof("POST", &url, json!({}), json!({}));
    let (status, _, body) = token(&browser, &[&good], &MACHINE).await;
    assert_eq!((status, &body["token_type"]), (200, &json!("DPoP")), "{body}");
    assert_eq!(part(body["access_token"].as_str().expect("a token"), 1)["cnf"]["jkt"], json!(alice.jkt()));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let mut private = alice.jwk.clone();
    private["d"] = "x".into();
    let mallory = Prover::mallory().jwk;
    let bad = [
        ("again", good),
        ("typ", alice.proof("POST", &url, json!({ "typ": "JWT" }), json!({}))),
        ("no typ", alice.proof("POST", &url, json!({ "typ": null }), json!({}))),
        ("none", alice.proof("POST", &url, json!({ "alg": "none" }), json!({}))),
        ("HS256", alice.proof("POST", &url, json!({ "alg": "HS256" }), json!({}))),
        ("no jwk", alice.proof("POST", &url, json!({ "jwk": null }), json!({}))),
        ("private jwk", alice.proof("POST", &url, json!({ "jwk": private }), json!({}))),
        ("another's jwk", alice.proof("POST", &url, json!({ "jwk": mallory }), json!({}))),
        ("crit", alice.proof("POST", &url, json!({ "crit": ["x"] }), json!({}))),
        ("htm", alice.proof("GET", &url, json!({}), json!({}))),
        ("no htm", alice.proof("POST", &url, json!({}), json!({ "htm": null }))),
        ("htu", alice.proof("POST", &browser.issuer.endpoint_url("par"), json!({}), json!({}))),
        ("no htu", alice.proof("POST", &url, json!({}), json!({ "htu": null }))),
        ("no jti", alice.proof("POST", &url, json!({}), json!({ "jti": null }))),
        ("no iat", alice.proof("POST", &url, json!({}), json!({ "iat": null }))),
        ("old", alice.proof("POST", &url, json!({}), json!({ "iat": now - 310 }))),
        ("future", alice.proof("POST", &url, json!({}), json!({ "iat": now + 310 }))),
        ("expired", alice.proof("POST", &url, json!({}), json!({ "exp": now - 10 }))),
        ("garbage", "x".to_owned()),
    ];
    for (what, proof) in &bad {
        let (status, _, body) = token(&browser, &[proof], &MACHINE).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_dpop_proof")), "{what}: {body}");
    }
    let [one, two] = [(), ()].map(|()| alice.proof("POST", &url, json!({}), json!({})));
    assert_eq!(token(&browser, &[&one, &two], &MACHINE).await.2["error"], "invalid_dpop_proof");
    let query = alice.proof("POST", &format!("{url}?a=b#c"), json!({}), json!({ "iat": now - 200 }));
    assert_eq!(token(&browser, &[&query], &MACHINE).await.0, 200, "query, fragment and an old clock do not matter");
    assert_eq!(token(&browser, &[], &MACHINE).await.2["token_type"], "Bearer");
    idp.stop().await;
}

#[tokio::test]
async fn a_bound_token_works_only_with_its_key() {
    let (idp, mut browser) = start().await;
    let (alice, mallory) = (Prover::alice(), Prover::mallory());
    for endpoint in ["api", "userinfo"] {
        let url = browser.issuer.endpoint_url(endpoint);
        let spec = || TokenSpec { audience: vec![url.clone()], scope: "openid".into(), ..TokenSpec::default() };
        let bound = browser.issuer.mint(TokenSpec { cnf: Some(json!({ "jkt": alice.jkt() })), ..spec() });
        let free = browser.issuer.mint(spec());
        let ath = |token: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(token));
        let proof =
            |by: &Prover, method: &str, token: &str| by.proof(method, &url, json!({}), json!({ "ath": ath(token) }));
        let good = proof(&alice, "GET", &bound);
        assert_eq!(call(&url, "DPoP", &bound, Some(&good)).await.0, 200, "{endpoint}");
        for (what, scheme, token, proof) in [
            ("again", "DPoP", &bound, Some(good)),
            ("another key", "DPoP", &bound, Some(proof(&mallory, "GET", &bound))),
            ("another method", "DPoP", &bound, Some(proof(&alice, "POST", &bound))),
            ("another token's hash", "DPoP", &bound, Some(proof(&alice, "GET", &free))),
            ("no hash", "DPoP", &bound, Some(alice.proof("GET", &url, json!({}), json!({})))),
            ("no proof", "DPoP", &bound, None),
            ("as bearer", "Bearer", &bound, None),
            ("a free token by DPoP", "DPoP", &free, Some(proof(&alice, "GET", &free))),
        ] {
            let (status, challenge) = call(&url, scheme, token, proof.as_deref()).await;
            assert!(
                status == 401 && challenge.starts_with("DPoP error=\"invalid_"),
                "{endpoint} {what}: {status} {challenge}"
            );
        }
        assert_eq!(call(&url, "Bearer", &free, None).await.0, 200);
    }
    let ask = |token| [("client_id", "mcp-upstream"), ("client_secret", "secret"), ("token", token)];
    let bound = browser.issuer.mint(TokenSpec { cnf: Some(json!({ "jkt": "k" })), ..TokenSpec::default() });
    assert_eq!(browser.post("introspect", &ask(&bound)).await.text("token_type"), "DPoP");
    idp.stop().await;
}

#[tokio::test]
async fn codes_and_refresh_tokens_are_bound() {
    let (idp, mut browser) = start().await;
    let (alice, mallory, url) = (Prover::alice(), Prover::mallory(), browser.issuer.endpoint_url("token"));
    let jkt = alice.jkt();
    for (by, status) in [(Some(&mallory), 400), (None, 400), (Some(&alice), 200)] {
        let code = browser.code(&[("dpop_jkt", &jkt)]).await;
        let grant = [("grant_type", "authorization_code"), ("client_id", "app")];
        let form = [grant[0], grant[1], ("code", code.as_str()), ("code_verifier", VERIFIER)];
        let proofs: Vec<String> = by.iter().map(|by| proof(by, &url)).collect();
        let (seen, _, body) = token(&browser, &proofs.iter().map(String::as_str).collect::<Vec<_>>(), &form).await;
        assert_eq!(seen, status, "{body}");
        let Some(refresh) = body["refresh_token"].as_str().filter(|_| status == 200) else { continue };
        let form = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", refresh)];
        for proofs in [vec![], vec![proof(&mallory, &url)]] {
            let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
            assert_eq!(token(&browser, &proofs, &form).await.2["error"], "invalid_grant");
        }
        let (status, _, next) = token(&browser, &[&proof(&alice, &url)], &form).await;
        assert_eq!((status, &next["token_type"]), (200, &json!("DPoP")), "{next}");
        let next = next["refresh_token"].as_str().expect("rotated");
        assert_eq!(browser.refresh(next).await.text("error"), "invalid_grant", "still bound");
    }
    idp.stop().await;
}

fn proof(by: &Prover, url: &str) -> String {
    by.proof("POST", url, json!({}), json!({}))
}

#[tokio::test]
async fn nonces_are_wanted_if_so_configured() {
    let (idp, browser) = start().await;
    browser.issuer.configure(|config| config.dpop.nonce = true);
    let (alice, url) = (Prover::alice(), browser.issuer.endpoint_url("token"));
    let (status, nonce, body) = token(&browser, &[&proof(&alice, &url)], &MACHINE).await;
    assert_eq!((status, &body["error"]), (400, &json!("use_dpop_nonce")));
    let nonce = nonce.expect("a nonce");
    let with = |nonce: &str| alice.proof("POST", &url, json!({}), json!({ "nonce": nonce }));
    let (status, next, _) = token(&browser, &[&with(&nonce)], &MACHINE).await;
    assert_eq!((status, next.is_some()), (200, true));
    assert_eq!(token(&browser, &[&with("guessed")], &MACHINE).await.2["error"], "use_dpop_nonce");
    let api = browser.issuer.endpoint_url("api");
    let cnf = Some(json!({ "jkt": alice.jkt() }));
    let bound = browser.issuer.mint(TokenSpec { cnf, audience: vec![api.clone()], ..TokenSpec::default() });
    let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(&bound));
    let bare = alice.proof("GET", &api, json!({}), json!({ "ath": ath }));
    let (status, challenge) = call(&api, "DPoP", &bound, Some(&bare)).await;
    assert!(status == 401 && challenge.contains("use_dpop_nonce"), "{challenge}");
    let good = alice.proof("GET", &api, json!({}), json!({ "ath": ath, "nonce": nonce }));
    assert_eq!(call(&api, "DPoP", &bound, Some(&good)).await.0, 200);
    // Twice their time, and no longer.
    let (before, clock) = (browser.issuer.clock().now(), browser.issuer.clock());
    clock.advance(std::time::Duration::from_secs(601));
    let late = json!({ "nonce": nonce, "iat": before + 601 });
    let late = alice.proof("POST", &url, json!({}), late);
    assert_eq!(token(&browser, &[&late], &MACHINE).await.2["error"], "use_dpop_nonce");
    idp.stop().await;
}

#[tokio::test]
async fn clients_and_issuers_can_demand_proofs() {
    let (idp, mut browser) = start().await;
    let (alice, url) = (Prover::alice(), browser.issuer.endpoint_url("token"));
    let metadata = json!({
        "redirect_uris": ["http://127.0.0.1:1/cb"], "dpop_bound_access_tokens": true,
        "grant_types": ["client_credentials", "authorization_code"], "token_endpoint_auth_method": "client_secret_post",
    });
    let client = browser.post_json("register", metadata).await;
    assert_eq!(client.json()["dpop_bound_access_tokens"], true);
    let (id, secret) = (client.text("client_id"), client.text("client_secret"));
    let form = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", &secret)];
    assert_eq!(token(&browser, &[], &form).await.2["error"], "invalid_dpop_proof");
    assert_eq!(token(&browser, &[&proof(&alice, &url)], &form).await.0, 200);
    browser.issuer.configure(|config| config.dpop.required = true);
    assert_eq!(token(&browser, &[], &MACHINE).await.2["error"], "invalid_dpop_proof");
    browser.issuer.configure(|config| config.dpop.enabled = false);
    assert!(browser.issuer.metadata().get("dpop_signing_alg_values_supported").is_none());
    assert_eq!(token(&browser, &[&proof(&alice, &url)], &MACHINE).await.2["token_type"], "Bearer");
    idp.stop().await;
}

#[tokio::test]
async fn an_exchange_keeps_the_constraint() {
    let (idp, browser) = start().await;
    browser.issuer.add_client(Client::confidential("gateway", "secret", &[]));
    let (alice, mallory, url) = (Prover::alice(), Prover::mallory(), browser.issuer.endpoint_url("token"));
    let bound = browser.issuer.mint(TokenSpec { cnf: Some(json!({ "jkt": alice.jkt() })), ..TokenSpec::default() });
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "gateway"),
        ("client_secret", "secret"),
        ("subject_token", bound.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", "https://api.example/"),
    ];
    assert_eq!(token(&browser, &[], &form).await.2["error"], "invalid_request");
    let certificate = Some(json!({ "x5t#S256": "x" }));
    let certificate = browser.issuer.mint(TokenSpec { cnf: certificate, ..TokenSpec::default() });
    let mut other = form;
    other[3].1 = &certificate;
    assert_eq!(token(&browser, &[], &other).await.2["error"], "invalid_request", "bound to a certificate");
    let (status, _, body) = token(&browser, &[&proof(&mallory, &url)], &form).await;
    assert_eq!((status, &body["token_type"]), (200, &json!("DPoP")), "{body}");
    let claims = part(body["access_token"].as_str().expect("a token"), 1);
    assert_eq!(claims["cnf"]["jkt"], json!(mallory.jkt()), "to the key of whoever holds the new one");
    idp.stop().await;
}
