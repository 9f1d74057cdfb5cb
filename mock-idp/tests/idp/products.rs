//! What single products do at endpoints that every provider has, and at those that nobody else has.

use crate::browser::{Answer, Browser, CALLBACK, VERIFIER, part};
use std::time::Duration;

use mock_idp::{Client, MockIdp, Options};

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

#[tokio::test]
async fn github_redeems_without_grant_type_and_has_its_own_errors() {
    let (idp, mut browser) = start("github").await;
    browser.issuer.add_client(Client::confidential("app", "secret", &[CALLBACK]));
    let code = browser.code(&[("scope", "repo")]).await;
    let client = [("client_id", "app"), ("client_secret", "secret")];
    let pkce = ("code_verifier", VERIFIER);
    let mut redeem = async |client: &[(&str, &str)], rest: &[(&str, &str)]| {
        let answer = browser.post("token", &[client, rest].concat()).await;
        let members: Vec<(String, String)> = form_urlencoded::parse(answer.body.as_bytes()).into_owned().collect();
        let (name, value) = members.into_iter().next().expect("a form");
        assert_eq!(answer.status, 200, "{}", answer.body);
        (name, value)
    };
    let refused = |code: &str| ("error".to_owned(), code.to_owned());
    let wrong = [("client_id", "app"), ("client_secret", "wrong")];
    assert_eq!(redeem(&wrong, &[("code", &code), pkce]).await, refused("incorrect_client_credentials"));
    assert_eq!(redeem(&client, &[("code", "wrong"), pkce]).await, refused("bad_verification_code"));
    let granted = redeem(&client, &[("code", &code), ("redirect_uri", CALLBACK), pkce]).await;
    assert!(granted.0 == "access_token" && granted.1.starts_with("gho_"), "{granted:?}");
    assert_eq!(redeem(&client, &[("code", &code), pkce]).await, refused("bad_verification_code"), "used");
    let other = idp.issuer("github");
    let code = Browser::new(other).code(&[]).await;
    let elsewhere = ("redirect_uri", "https://app.example/other");
    assert_eq!(redeem(&client, &[("code", &code), elsewhere, pkce]).await, refused("redirect_uri_mismatch"));
    // Nobody else takes a request without grant_type.
    let plain = Browser::new(idp.issuer("plain")).post("token", &[("client_id", "app"), ("code", "x")]).await;
    assert_eq!((plain.status, plain.text("error").as_str()), (400, "invalid_request"));
    idp.stop().await;
}

#[tokio::test]
async fn google_tells_anybody_about_a_token() {
    let (idp, mut browser) = start("google").await;
    let code = browser.code(&[("scope", "openid email"), ("access_type", "offline")]).await;
    let token = browser.redeem(&code, VERIFIER).await.text("access_token");
    let base = format!("{}/google", idp.base_url());
    for path in ["tokeninfo", "oauth2/v3/tokeninfo"] {
        let info = browser.get(&format!("{base}/{path}?access_token={token}")).await;
        assert_eq!(info.status, 200, "{path}: {}", info.body);
        for (name, value) in [
            ("aud", "app"),
            ("azp", "app"),
            ("sub", "user-alice"),
            ("scope", "openid email"),
            ("email", "alice@example.com"),
            ("email_verified", "true"),
            ("access_type", "offline"),
        ] {
            assert_eq!(info.text(name), value);
        }
        let number = |name: &str| info.text(name).parse::<i64>().expect("a number");
        assert!((1..=600).contains(&number("expires_in")) && number("exp") > 1_000_000_000, "{}", info.body);
    }
    assert_eq!(browser.post("tokeninfo", &[("access_token", &token)]).await.text("aud"), "app");
    assert_eq!(browser.bearer("tokeninfo", &token).await.text("aud"), "app");
    browser.issuer.clock().advance(Duration::from_secs(601));
    for unknown in [format!("?access_token={token}"), "?access_token=x".into(), String::new()] {
        let answer = browser.get(&format!("{base}/tokeninfo{unknown}")).await;
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_token"), "{unknown}");
    }
    // Nobody else has it, and nobody's metadata tells it.
    assert_eq!(browser.get(&format!("{}/plain/tokeninfo?access_token=x", idp.base_url())).await.status, 404);
    assert!(!browser.issuer.metadata().to_string().contains("tokeninfo"));
    idp.stop().await;
}
