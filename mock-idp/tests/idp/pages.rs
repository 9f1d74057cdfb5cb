//! Login and consent: forms, sessions, `prompt`, auto-approval.

use crate::browser::{Answer, Browser, CALLBACK, VERIFIER, start};
use crate::misbehaviour::script;

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
        let access = browser.redeem(&code, VERIFIER).await.text("access_token");
        assert_eq!(crate::browser::part(&access, 1)["sub"], sub);
    }
    idp.stop().await;
}

/// The form of an answer that comes by `form_post`: where it goes, and what it brings.
fn posted(page: &Answer) -> (String, Vec<(String, String)>) {
    let between = |text: &str, from: &str| {
        let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{from} in {text}"));
        let mut value = rest.split('"').next().unwrap_or_default().to_owned();
        for (code, plain) in [("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'")] {
            value = value.replace(code, plain);
        }
        value
    };
    assert_eq!((page.status, page.location.as_str()), (200, ""), "{}", page.body);
    assert!(page.body.contains("<script>document.forms[0].submit()</script>"), "{}", page.body);
    let fields = page.body.lines().filter(|line| line.contains("type=\"hidden\""));
    let fields = fields.map(|line| (between(line, "name=\""), between(line, "value=\"")));
    (between(&page.body, "method=\"post\" action=\""), fields.collect())
}

/// OAuth 2.0 Form Post Response Mode.
#[tokio::test]
async fn an_answer_comes_as_a_form_that_sends_itself_if_asked_for() {
    let (idp, mut browser) = start().await;
    let modes = browser.issuer.metadata()["response_modes_supported"].clone();
    assert_eq!(modes, serde_json::json!(["query", "form_post"]));
    let mode = ("response_mode", "form_post");
    let odd = "</form>\"'&amp; <x>";
    let names = |fields: &[(String, String)]| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    // By way of the pages, both ways.
    let (to, fields) = posted(&browser.log_in_as("alice", "allow", &[mode, ("state", odd)]).await);
    assert_eq!((to.as_str(), names(&fields)), (CALLBACK, vec!["code".into(), "state".into(), "iss".into()]));
    assert_eq!((fields[1].1.as_str(), fields[2].1.as_str()), (odd, browser.issuer.url().as_str()));
    assert_eq!(browser.redeem(&fields[0].1, VERIFIER).await.status, 200);
    let mut other = Browser::new(browser.issuer.clone());
    let (_, fields) = posted(&other.log_in_as("bob", "deny", &[mode]).await);
    assert_eq!(fields[0], ("error".to_owned(), "access_denied".to_owned()));
    // Errors, scripted and not, and a client that is not known, whose answer goes nowhere.
    let (to, fields) = posted(&other.authorize(&[mode, ("code_challenge", "")]).await);
    assert_eq!((to.as_str(), fields[0].1.as_str()), (CALLBACK, "invalid_request"));
    script(&browser.issuer, "authorize", serde_json::json!({ "error": "server_error" }));
    assert_eq!(posted(&other.authorize(&[mode]).await).1[0].1, "server_error");
    assert_eq!(other.authorize(&[mode, ("client_id", "nobody")]).await.status, 400);
    // Any other mode is an error, and that comes in the query.
    let refused = other.authorize(&[("response_mode", "fragment")]).await;
    assert_eq!((refused.status, refused.param("error").as_deref()), (303, Some("invalid_request")));
    idp.stop().await;
}
