//! Login and consent: forms, sessions, `prompt`, auto-approval.

use crate::browser::{Browser, start};

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
    let good = [("request", request.as_str()), ("username", "alice"), ("password", "password")];
    let mut other = Browser::new(browser.issuer.clone());
    assert_eq!(other.post("login", &good).await.status, 400);
    other.authorize(&[]).await;
    assert_eq!(other.post("login", &good).await.status, 400);
    for (user, password) in [("alice", "x"), ("alice", ""), ("nobody", "password"), ("", "")] {
        let wrong = [("request", request.as_str()), ("username", user), ("password", password)];
        assert_eq!(browser.post("login", &wrong).await.status, 403, "{user}");
    }
    browser.issuer.configure(|config| config.unknown_users = true);
    let stranger = [("request", request.as_str()), ("username", "nobody"), ("password", "password")];
    assert_eq!(browser.post("login", &stranger).await.status, 303);
    idp.stop().await;
}

#[tokio::test]
async fn a_second_login_in_the_same_browser_is_skipped() {
    let (idp, mut browser) = start().await;
    assert_eq!(browser.authorize(&[("prompt", "none")]).await.param("error").as_deref(), Some("login_required"));
    browser.log_in("allow").await;
    assert!(browser.authorize(&[]).await.param("code").is_some(), "what was allowed is remembered");
    assert!(browser.authorize(&[("prompt", "none")]).await.param("code").is_some());
    let page = browser.authorize(&[("prompt", "consent")]).await;
    assert!(page.body.contains("Allow access?"), "{}", page.body);
    let page = browser.authorize(&[("prompt", "login")]).await;
    assert!(page.body.contains("Log in"), "{}", page.body);
    let early = [("request", page.hidden()), ("decision", "allow".to_owned())];
    let early = early.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(browser.post("consent", &early).await.status, 400, "the old login does not do");
    let hidden = page.hidden();
    let form = [("request", hidden.as_str()), ("username", "alice"), ("password", "password")];
    assert!(browser.post("login", &form).await.param("code").is_some(), "nothing is left to ask");
    let other = [("scope", "openid profile")];
    assert!(browser.authorize(&other).await.body.contains("Allow access?"), "another scope asks again");
    let silent = [("scope", "openid profile"), ("prompt", "none")];
    assert_eq!(browser.authorize(&silent).await.param("error").as_deref(), Some("consent_required"));
    browser.issuer.clock().advance(std::time::Duration::from_secs(100));
    assert!(browser.authorize(&[("max_age", "50")]).await.body.contains("Log in"));
    browser.issuer.configure(|config| config.remember_consent = false);
    assert!(browser.authorize(&[]).await.body.contains("Allow access?"));
    idp.stop().await;
}

#[tokio::test]
async fn two_tabs_of_one_browser_do_not_disturb_each_other() {
    let (idp, mut browser) = start().await;
    let (first, second) = (browser.authorize(&[]).await.hidden(), browser.authorize(&[]).await.hidden());
    for request in [second, first] {
        let form = [("request", request.as_str()), ("username", "alice"), ("password", "password")];
        let next = browser.post("login", &form).await;
        let mut code = next.param("code");
        if code.is_none() {
            browser.get(&next.location).await;
            code = browser.post("consent", &[("request", &request), ("decision", "allow")]).await.param("code");
        }
        assert!(code.is_some());
    }
    idp.stop().await;
}

#[tokio::test]
async fn pages_escape_what_comes_from_outside() {
    let (idp, mut browser) = start().await;
    let page = browser.authorize(&[("login_hint", "\"><script>alert(1)</script>")]).await;
    assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script>"), "{}", page.body);
    idp.stop().await;
}

#[tokio::test]
async fn auto_approval_asks_nobody() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.auto_approve = true);
    for (hint, sub) in [("bob", "user-bob"), ("", "user-alice")] {
        let code = browser.authorize(&[("login_hint", hint)]).await.param("code").expect("a code");
        let access = browser.redeem(&code, crate::browser::VERIFIER).await.text("access_token");
        assert_eq!(crate::browser::part(&access, 1)["sub"], sub);
    }
    idp.stop().await;
}
