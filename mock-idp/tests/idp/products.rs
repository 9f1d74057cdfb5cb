//! What single products do at endpoints that every provider has, and at those that nobody else has.

use crate::browser::{Answer, Browser, part};
use mock_idp::{MockIdp, Options};

async fn start(name: &str) -> (MockIdp, Browser) {
    let idp = MockIdp::start(Options { personalities: true, ..Options::default() }).await.expect("a free port");
    let browser = Browser::new(idp.issuer(name));
    (idp, browser)
}

/// The answer to a client that asks for itself.
async fn machine(browser: &mut Browser, scope: &str) -> Answer {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    browser.post_basic("token", "app", "secret", &form).await
}

#[tokio::test]
async fn entra_gives_applications_the_default_scope_only() {
    let (idp, mut browser) = start("entra/contoso/v2.0").await;
    for resource in ["api://app-1", "https://mcp.example/mcp", "6a8b4b39-c021-437c-b060-5a14a3fd65f3"] {
        let answer = machine(&mut browser, &format!("{resource}/.default")).await;
        assert_eq!(answer.status, 200, "{resource}: {}", answer.body);
        let aud = part(&answer.text("access_token"), 1)["aud"].clone();
        assert_eq!(aud, resource.trim_start_matches("api://"), "{resource}");
    }
    let two = "api://app-1/.default openid";
    for scope in ["api://app-1/mcp.read", "mcp.read", "openid", "User.Read", "api://app-1/x.default", "/.default", two]
    {
        let answer = machine(&mut browser, scope).await;
        let why = answer.text("error_description");
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_scope"), "{scope}: {}", answer.body);
        assert!(why.starts_with("AADSTS1002012") && why.contains(&format!("scope {scope} is")), "{why}");
    }
    let answer = machine(&mut browser, "").await;
    assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_request"), "{}", answer.body);
    assert!(answer.text("error_description").starts_with("AADSTS900144"), "{}", answer.body);
    idp.stop().await;
}
