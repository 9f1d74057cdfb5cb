//! The authorization code flow: forms, PKCE, refusals, refresh.

use crate::browser::{CALLBACK, VERIFIER, start};

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
    assert_eq!(browser.get(&format!("{base}/t/nothing")).await.status, 404);
    idp.stop().await;
}

#[tokio::test]
async fn the_user_logs_in_and_allows() {
    let (idp, mut browser) = start().await;
    let answer = browser.log_in("allow").await;
    assert!(answer.location.starts_with(CALLBACK), "{}", answer.location);
    assert_eq!(answer.param("state").as_deref(), Some("s 1"));
    assert_eq!(answer.param("iss"), Some(browser.issuer.url()));
    let code = answer.param("code").expect("a code");
    let tokens = browser.redeem(&code, VERIFIER).await;
    assert_eq!(tokens.text("token_type"), "Bearer");
    let user = browser.bearer("userinfo", &tokens.text("access_token")).await;
    assert_eq!((user.text("sub"), user.text("email")), ("alice".into(), "alice@example.com".into()));
    idp.stop().await;
}

#[tokio::test]
async fn refusal_goes_back_and_the_form_works_once() {
    let (idp, mut browser) = start().await;
    let answer = browser.log_in("deny").await;
    assert_eq!(answer.param("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.param("code"), None);
    let page = browser.authorize(&[]).await;
    let form = [("request", page.hidden()), ("decision", "allow".to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(browser.post("consent", &form).await.status, 303);
    assert_eq!(browser.post("consent", &form).await.status, 400);
    idp.stop().await;
}

#[tokio::test]
async fn another_browser_cannot_answer_and_wrong_passwords_do_not_help() {
    let (idp, mut browser) = start().await;
    let request = browser.authorize(&[]).await.hidden();
    let good = [("request", request.as_str()), ("username", "alice"), ("password", "alice-password")];
    let mut other = crate::browser::Browser::new(browser.issuer.clone());
    assert_eq!(other.post("login", &good).await.status, 400);
    other.authorize(&[]).await;
    assert_eq!(other.post("login", &good).await.status, 400);
    let wrong = [("request", request.as_str()), ("username", "alice"), ("password", "x")];
    assert_eq!(browser.post("login", &wrong).await.status, 403);
    browser.issuer.configure(|config| config.max_failures = 1);
    assert_eq!(browser.post("login", &good).await.status, 429);
    idp.stop().await;
}

#[tokio::test]
async fn bad_requests_are_redirected_only_to_good_uris() {
    let (idp, mut browser) = start().await;
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
async fn a_code_works_once_with_its_verifier() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.auto_approve = true);
    let code = browser.authorize(&[]).await.param("code").expect("a code");
    assert_eq!(browser.redeem(&code, &VERIFIER.replace('d', "e")).await.text("error"), "invalid_grant");
    let code = browser.authorize(&[]).await.param("code").expect("a code");
    let access = browser.redeem(&code, VERIFIER).await.text("access_token");
    assert_eq!(browser.redeem(&code, VERIFIER).await.text("error"), "invalid_grant");
    assert_eq!(browser.bearer("userinfo", &access).await.status, 401, "a replayed code ends its tokens");
    let code = browser.authorize(&[]).await.param("code").expect("a code");
    idp.clock().advance(std::time::Duration::from_secs(61));
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
    let second = browser.refresh(&first).await.text("refresh_token");
    assert_ne!(first, second);
    assert_eq!(browser.refresh(&first).await.text("error"), "invalid_grant");
    assert_eq!(browser.refresh(&second).await.text("error"), "invalid_grant");
    idp.stop().await;
}

#[tokio::test]
async fn refresh_policies_apply() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.refresh = mock_idp::RefreshPolicy::Keep);
    let token = browser.tokens().await.text("refresh_token");
    assert!(browser.refresh(&token).await.json().get("refresh_token").is_none());
    assert_eq!(browser.refresh(&token).await.status, 200);
    browser.issuer.configure(|config| config.refresh = mock_idp::RefreshPolicy::Never);
    assert!(browser.tokens().await.json().get("refresh_token").is_none());
    idp.stop().await;
}
