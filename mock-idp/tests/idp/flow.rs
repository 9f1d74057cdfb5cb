//! The authorization code flow and the refresh: what is granted, what is refused.

use std::time::Duration;

use mock_idp::{AccessFormat, RefreshPolicy};

use crate::browser::{CALLBACK, VERIFIER, part, start, verified};

#[tokio::test]
async fn metadata_is_at_every_place() {
    let (idp, mut browser) = start().await;
    let base = idp.base_url();
    for document in ["oauth-authorization-server", "openid-configuration"] {
        for url in [format!("{base}/.well-known/{document}/a/b"), format!("{base}/a/b/.well-known/{document}")] {
            assert_eq!(browser.get(&url).await.text("issuer"), format!("{base}/a/b"), "{url}");
        }
        assert_eq!(browser.get(&format!("{base}/.well-known/{document}")).await.text("issuer"), base);
    }
    let metadata = browser.issuer.metadata();
    for endpoint in ["authorization", "token", "userinfo", "introspection", "revocation", "registration"] {
        let url = metadata[format!("{endpoint}_endpoint")].as_str().expect(endpoint);
        assert!(url.starts_with(&browser.issuer.url()), "{url}");
    }
    assert_eq!(browser.get(&format!("{base}/t/nothing")).await.status, 404);
    assert!(browser.get(&format!("{base}/")).await.body.contains("Any client is taken"));
    idp.stop().await;
}

#[tokio::test]
async fn an_issuer_that_was_removed_is_forgotten() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.iss_in_response = false);
    let metadata = format!("{}/.well-known/openid-configuration", browser.issuer.url());
    let promised = "authorization_response_iss_parameter_supported";
    assert_eq!(browser.get(&metadata).await.json().get(promised), None);
    idp.remove_issuer(&browser.issuer);
    assert_eq!(browser.get(&metadata).await.json()[promised], true, "a new one, with the settings of the start");
    idp.stop().await;
}

#[tokio::test]
async fn the_first_answer_needs_no_generated_key() {
    // That nothing is generated is held by the tests of the key ring; here: the published key is the fixture.
    let (idp, mut browser) = start().await;
    let keys = browser.get(&browser.issuer.endpoint_url("jwks")).await.json();
    let pem = include_bytes!("../../keys/rs256-1.pem");
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(pem).expect("a key");
    let own = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::RS256).expect("a JWK");
    let own = serde_json::to_value(own).expect("JSON");
    assert_eq!((&keys["keys"][0]["n"], &keys["keys"][0]["kid"]), (&own["n"], &"rs256-1".into()));
    idp.stop().await;
}

#[tokio::test]
async fn a_user_logs_in_allows_and_the_client_gets_tokens() {
    let (idp, mut browser) = start().await;
    let answer = browser.log_in_as("alice", "allow", &[("nonce", "n-1"), ("scope", "openid email profile")]).await;
    assert!(answer.location.starts_with(CALLBACK), "{}", answer.location);
    assert_eq!(answer.param("state").as_deref(), Some("s 1"));
    assert_eq!(answer.param("iss"), Some(browser.issuer.url()));
    let tokens = browser.redeem(&answer.param("code").expect("a code"), VERIFIER).await;
    assert_eq!(tokens.text("token_type"), "Bearer");
    let access = tokens.text("access_token");
    let claims = verified(&browser.issuer, &access).expect("a good access token");
    assert_eq!((&claims["aud"], &claims["sub"]), (&"https://mcp.example/".into(), &"user-alice".into()));
    assert_eq!(part(&access, 0)["typ"], "at+jwt");
    let id = verified(&browser.issuer, &tokens.text("id_token")).expect("a good ID token");
    assert_eq!((&id["aud"], &id["nonce"], &id["email"]), (&"app".into(), &"n-1".into(), &"alice@example.com".into()));
    assert!(id["at_hash"].as_str().is_some_and(|hash| hash.len() == 22) && id["auth_time"].is_i64(), "{id}");
    let user = browser.bearer("userinfo", &access).await;
    assert_eq!((user.text("sub"), user.text("name")), ("user-alice".into(), "alice".into()));
    assert_eq!(browser.bearer("userinfo", &tokens.text("id_token")).await.status, 401, "no access token");
    idp.stop().await;
}

#[tokio::test]
async fn bad_requests_are_redirected_only_to_good_uris() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.any_scope = false);
    for change in [("client_id", "who"), ("redirect_uri", "https://evil.example/cb")] {
        let answer = browser.authorize(&[change]).await;
        assert_eq!((answer.status, answer.location.as_str()), (400, ""), "{change:?}");
    }
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "admin"), "invalid_scope"),
        (("resource", "not a uri"), "invalid_target"),
        (("prompt", "none"), "login_required"),
        (("request", "x"), "request_not_supported"),
    ] {
        let answer = browser.authorize(&[change]).await;
        assert_eq!(answer.param("error").as_deref(), Some(error), "{change:?}");
        assert_eq!(answer.param("iss"), Some(browser.issuer.url()));
    }
    idp.stop().await;
}

#[tokio::test]
async fn a_code_works_once_in_time_with_its_verifier_and_redirect_uri() {
    let (idp, mut browser) = start().await;
    let code = browser.code(&[]).await;
    assert_eq!(browser.redeem(&code, &VERIFIER.replace('d', "e")).await.text("error"), "invalid_grant");
    let code = browser.code(&[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", "https://app.example/other"),
    ];
    assert_eq!(browser.post("token", &form).await.text("error"), "invalid_grant");
    let code = browser.code(&[]).await;
    let tokens = browser.redeem(&code, VERIFIER).await;
    assert_eq!(browser.redeem(&code, &VERIFIER.replace('d', "e")).await.text("error"), "invalid_grant");
    assert_eq!(browser.bearer("userinfo", &tokens.text("access_token")).await.status, 200, "a guess ends nothing");
    assert_eq!(browser.redeem(&code, VERIFIER).await.text("error"), "invalid_grant");
    assert_eq!(browser.bearer("userinfo", &tokens.text("access_token")).await.status, 401, "a replay ends the tokens");
    assert_eq!(browser.refresh(&tokens.text("refresh_token")).await.text("error"), "invalid_grant");
    let code = browser.code(&[]).await;
    browser.issuer.clock().advance(Duration::from_secs(61));
    assert_eq!(browser.redeem(&code, VERIFIER).await.text("error"), "invalid_grant");
    idp.stop().await;
}

#[tokio::test]
async fn refresh_tokens_rotate_and_replay_ends_the_grant() {
    let (idp, mut browser) = start().await;
    let first = browser.tokens().await.text("refresh_token");
    let form =
        [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", &first), ("scope", "openid profile")];
    assert_eq!(browser.post("token", &form).await.text("error"), "invalid_scope");
    let answer = browser.refresh(&first).await;
    let second = answer.text("refresh_token");
    assert_ne!(first, second);
    assert_eq!(browser.refresh(&first).await.text("error"), "invalid_grant");
    assert_eq!(browser.refresh(&second).await.text("error"), "invalid_grant");
    assert_eq!(browser.bearer("userinfo", &answer.text("access_token")).await.status, 401);
    idp.stop().await;
}

#[tokio::test]
async fn refresh_policies_apply() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.refresh = RefreshPolicy::Keep);
    let token = browser.tokens().await.text("refresh_token");
    assert!(browser.refresh(&token).await.json().get("refresh_token").is_none());
    assert_eq!(browser.refresh(&token).await.status, 200);
    browser.issuer.configure(|config| config.refresh = RefreshPolicy::RotateOnly);
    let second = browser.refresh(&token).await.text("refresh_token");
    assert_eq!(browser.refresh(&token).await.text("error"), "invalid_grant");
    assert_eq!(browser.refresh(&second).await.status, 200, "a replay ended nothing else");
    browser.issuer.configure(|config| (config.refresh, config.refresh_grace) = (RefreshPolicy::Rotate, 60));
    let token = browser.tokens().await.text("refresh_token");
    assert_eq!(browser.refresh(&token).await.status, 200);
    assert_eq!(browser.refresh(&token).await.status, 200, "within the grace time");
    browser.issuer.configure(|config| config.refresh_needs_offline_access = true);
    assert!(browser.tokens().await.json().get("refresh_token").is_none());
    let code = browser.code(&[("scope", "openid offline_access")]).await;
    assert!(browser.redeem(&code, VERIFIER).await.json().get("refresh_token").is_some());
    browser.issuer.configure(|config| config.refresh = RefreshPolicy::Never);
    let code = browser.code(&[("scope", "openid offline_access")]).await;
    assert!(browser.redeem(&code, VERIFIER).await.json().get("refresh_token").is_none());
    idp.stop().await;
}

#[tokio::test]
async fn resources_become_audiences_and_only_narrow() {
    let (idp, mut browser) = start().await;
    let code = browser.code(&[]).await;
    let form = |resource| {
        [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ]
    };
    assert_eq!(browser.post("token", &form("https://other.example/")).await.text("error"), "invalid_target");
    browser.issuer.configure(|config| config.default_audience = Some("https://default.example".into()));
    let code = browser.code(&[("resource", "")]).await;
    let access = browser.redeem(&code, VERIFIER).await.text("access_token");
    assert_eq!(part(&access, 1)["aud"], "https://default.example");
    idp.stop().await;
}

#[tokio::test]
async fn opaque_tokens_work_at_the_provider() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.access_format = AccessFormat::Opaque);
    let access = browser.tokens().await.text("access_token");
    assert!(!access.contains('.'));
    assert_eq!(browser.bearer("userinfo", &access).await.text("email"), "alice@example.com");
    idp.stop().await;
}

/// Public documents may be kept, as those of real providers are; what is for one client may not.
#[tokio::test]
async fn documents_leave_caches_alone_and_answers_are_not_stored() {
    let (idp, _) = start().await;
    let control = async |path: &str, post: bool| {
        let (http, url) = (reqwest::Client::new(), format!("{}{path}", idp.base_url()));
        let request = if post { http.post(url) } else { http.get(url) };
        let answer = request.send().await.expect("an answer");
        let headers = answer.headers();
        assert!(!headers.contains_key("expires") && !headers.contains_key("last-modified"), "{path}");
        headers.get("cache-control").map(|value| value.to_str().expect("a text").to_owned())
    };
    for path in ["/t/jwks", "/t/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/t"] {
        assert_eq!(control(path, false).await, None, "{path}");
    }
    for (path, post) in [("/t/token", true), ("/t/introspect", true), ("/t/userinfo", false), ("/t/api", false)] {
        assert_eq!(control(path, post).await.as_deref(), Some("no-store"), "{path}");
    }
    idp.stop().await;
}
