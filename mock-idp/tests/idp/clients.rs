//! Registration, client authentication, introspection, revocation, lenient mode.

use serde_json::json;

use crate::browser::start;

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
async fn errors_of_a_stranger_wait_for_a_click() {
    let (idp, mut browser) = start().await;
    let id =
        browser.post_json("register", json!({ "redirect_uris": ["https://a.example/cb"] })).await.text("client_id");
    let wrong = [("client_id", id.as_str()), ("redirect_uri", "https://a.example/cb"), ("scope", "nothing")];
    let page = browser.authorize(&wrong).await;
    assert_eq!((page.status, page.location.as_str()), (400, ""));
    browser.issuer.configure(|config| config.confirm_error_redirects = false);
    assert_eq!(browser.authorize(&wrong).await.param("error").as_deref(), Some("invalid_scope"));
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
    let public = browser.post("token", &[("grant_type", "client_credentials"), ("client_id", "app")]).await;
    assert_eq!(public.text("error"), "unauthorized_client");
    idp.stop().await;
}

#[tokio::test]
async fn tokens_are_introspected_and_revoked() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| config.access_format = mock_idp::AccessFormat::Opaque);
    let tokens = browser.tokens().await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let ask = |token| [("client_id", "mcp-upstream"), ("client_secret", "secret"), ("token", token)];
    let seen = browser.post("introspect", &ask(&access)).await.json();
    assert_eq!((&seen["active"], &seen["aud"]), (&json!(true), &json!("https://mcp.example/")));
    assert_eq!(browser.post("introspect", &[("client_id", "app"), ("token", &access)]).await.status, 401);
    assert_eq!(browser.post("revoke", &ask(&refresh)).await.text("error"), "unauthorized_client");
    assert_eq!(browser.post("revoke", &[("client_id", "app"), ("token", &refresh)]).await.status, 200);
    assert_eq!(browser.post("introspect", &ask(&access)).await.json(), json!({ "active": false }));
    assert_eq!(browser.refresh(&refresh).await.text("error"), "invalid_grant");
    idp.stop().await;
}

#[tokio::test]
async fn lenient_mode_takes_anyone() {
    let (idp, mut browser) = start().await;
    browser.issuer.configure(|config| (config.any_client, config.auto_approve) = (true, true));
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
    idp.stop().await;
}
