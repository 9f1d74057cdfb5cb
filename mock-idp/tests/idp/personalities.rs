//! Each habit of each personality, over HTTP; and the page that lists them.

use std::fmt::Write as _;
use std::path::Path;

use mock_idp::{MockIdp, Options, Personality, TokenSpec};
use serde_json::{Value, json};

use crate::browser::{Answer, Browser, VERIFIER, part};

/// An issuer of that name on a provider whose paths choose the personality.
async fn start(name: &str) -> (MockIdp, Browser) {
    let idp = MockIdp::start(Options { personalities: true, ..Options::default() }).await.expect("a free port");
    let browser = Browser::new(idp.issuer(name));
    (idp, browser)
}

/// The token response to an auto-approved request, without `resource` unless it is among the changes.
async fn tokens(browser: &mut Browser, changes: &[(&str, &str)]) -> Answer {
    let mut all = changes.to_vec();
    if !changes.iter().any(|(name, _)| *name == "resource") {
        all.push(("resource", ""));
    }
    let code = browser.code(&all).await;
    let answer = browser.redeem(&code, VERIFIER).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

/// The error of an authorization response.
async fn error(browser: &mut Browser, changes: &[(&str, &str)]) -> (String, String) {
    browser.issuer.configure(|config| config.auto_approve = true);
    let answer = browser.authorize(changes).await;
    let text = |name: &str| answer.param(name).unwrap_or_default();
    (text("error"), text("error_description"))
}

/// The status of each place where metadata can stand: RFC 8414 inserted and appended, OpenID inserted and appended.
async fn places(idp: &MockIdp, browser: &mut Browser) -> [u16; 4] {
    let (base, name) = (idp.base_url(), browser.issuer.name().to_owned());
    let mut found = [0; 4];
    for (at, document) in ["oauth-authorization-server", "openid-configuration"].into_iter().enumerate() {
        found[2 * at] = browser.get(&format!("{base}/.well-known/{document}/{name}")).await.status;
        found[2 * at + 1] = browser.get(&format!("{base}/{name}/.well-known/{document}")).await.status;
    }
    found
}

fn strings(metadata: &Value, name: &str) -> Vec<String> {
    metadata[name].as_array().into_iter().flatten().filter_map(|v| Some(v.as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn entra_wants_resource_and_scope_to_agree() {
    let (idp, mut browser) = start("entra/contoso/v2.0").await;
    let api = "api://app-1";
    let scope = ("scope", "api://app-1/mcp.read openid offline_access");
    let (code, why) = error(&mut browser, &[scope]).await;
    assert!(code == "invalid_target" && why.starts_with("AADSTS9010010"), "{code} {why}");
    assert_eq!(error(&mut browser, &[scope, ("resource", api)]).await.0, "");
    let (code, why) = error(&mut browser, &[("scope", "mcp.read"), ("resource", "")]).await;
    assert!(code == "invalid_client" && why.contains("AADSTS650053") && why.contains("'mcp.read'"), "{code} {why}");
    let (code, why) = error(&mut browser, &[("scope", ""), ("resource", "")]).await;
    assert!(code == "invalid_request" && why.contains("AADSTS900144"), "{code} {why}");
    idp.stop().await;
}

#[tokio::test]
async fn entra_tokens_name_the_application_and_short_scopes() {
    let (idp, mut browser) = start("entra/contoso/v2.0").await;
    let answer =
        tokens(&mut browser, &[("scope", "api://app-1/mcp.read api://app-1/mcp.write openid offline_access")]).await;
    let token = answer.text("access_token");
    let claims = part(&token, 1);
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!("app-1"), &json!("mcp.read mcp.write")));
    assert_eq!((&claims["azp"], &claims["tid"], &claims["ver"]), (&json!("app"), &json!("contoso"), &json!("2.0")));
    assert_eq!((claims.get("scope"), claims.get("client_id"), &part(&token, 0)["typ"]), (None, None, &json!("JWT")));
    assert_eq!(claims["iss"], browser.issuer.url());
    // Userinfo still knows what the token allows.
    assert_eq!(browser.bearer("userinfo", &token).await.status, 200);
    // The old refresh token goes on working.
    let old = answer.text("refresh_token");
    let (first, again) = (browser.refresh(&old).await, browser.refresh(&old).await);
    assert_eq!((first.status, again.status), (200, 200));
    assert_ne!(first.text("refresh_token"), old);
    let answer = tokens(&mut browser, &[("scope", "openid")]).await.json();
    assert_eq!(answer.get("refresh_token"), None);
    let aud = &part(answer["access_token"].as_str().expect("a token"), 1)["aud"];
    assert_eq!(aud, "00000003-0000-0000-c000-000000000000");
    idp.stop().await;
}

#[tokio::test]
async fn entra_gives_applications_roles() {
    let (idp, mut browser) = start("entra/contoso/v2.0").await;
    let form = [("grant_type", "client_credentials"), ("scope", "api://app-1/.default")];
    let answer = browser.post_basic("token", "app", "secret", &form).await;
    let claims = part(&answer.text("access_token"), 1);
    assert_eq!((&claims["roles"], claims.get("scp")), (&json!(["authspec.Role"]), None), "{claims}");
    idp.stop().await;
}

#[tokio::test]
async fn entra_publishes_little() {
    let (idp, mut browser) = start("entra/contoso/v2.0").await;
    assert_eq!(places(&idp, &mut browser).await, [404, 404, 404, 200]);
    let metadata = browser.issuer.metadata();
    for member in ["registration_endpoint", "code_challenge_methods_supported", "introspection_endpoint"] {
        assert_eq!(metadata.get(member), None, "{member}");
    }
    assert_eq!(browser.post_json("register", json!({ "redirect_uris": ["https://a.example/"] })).await.status, 403);
    assert_eq!(browser.post("introspect", &[("token", "x")]).await.status, 404);
    idp.stop().await;
}

#[tokio::test]
async fn entra_v1_tokens_have_another_issuer() {
    let (idp, mut browser) = start("entra-v1/contoso/v2.0").await;
    let answer = tokens(&mut browser, &[("scope", "api://app-1/mcp.read")]).await;
    let claims = part(&answer.text("access_token"), 1);
    assert_eq!(claims["iss"], format!("{}/sts/contoso/", idp.base_url()));
    assert_eq!((&claims["aud"], &claims["appid"], claims.get("azp")), (&json!("api://app-1"), &json!("app"), None));
    // So do tokens made to order, which may say otherwise.
    let minted = |claims: Value| {
        let claims = claims.as_object().cloned().unwrap_or_default();
        part(&browser.issuer.mint(TokenSpec { scope: "api://a/x".into(), claims, ..TokenSpec::default() }), 1)
    };
    assert_eq!((&minted(json!({}))["ver"], &minted(json!({}))["scp"]), (&json!("1.0"), &json!("x")));
    assert_eq!(minted(json!({ "ver": null, "iss": "x" }))["iss"], "x");
    idp.stop().await;
}

#[tokio::test]
async fn keycloak_ignores_resource_and_trusts_no_host() {
    let (idp, mut browser) = start("keycloak/realms/mcp").await;
    let answer = tokens(&mut browser, &[("resource", "https://mcp.example/")]).await;
    let token = answer.text("access_token");
    let claims = part(&token, 1);
    assert_eq!((&claims["aud"], &claims["azp"], &claims["typ"]), (&json!("account"), &json!("app"), &json!("Bearer")));
    assert_eq!((&claims["scope"], &part(&token, 0)["typ"]), (&json!("openid email"), &json!("JWT")));
    assert_eq!(places(&idp, &mut browser).await, [200, 200, 404, 200]);
    assert!(browser.issuer.metadata().get("registration_endpoint").is_some());
    let metadata = json!({ "redirect_uris": ["http://127.0.0.1:1/cb"], "token_endpoint_auth_method": "none" });
    let refused = browser.post_json("register", metadata.clone()).await;
    assert!(refused.status == 403 && refused.body.contains("Policy 'Trusted Hosts' rejected"), "{}", refused.body);
    browser.issuer.configure(|config| {
        let closed = config.quirks.closed_registration.as_mut().expect("closed");
        closed.trusted_hosts.push("127.0.0.1".into());
    });
    assert_eq!(browser.post_json("register", metadata).await.status, 201);
    idp.stop().await;
}

#[tokio::test]
async fn google_gives_refresh_tokens_its_own_way() {
    let (idp, mut browser) = start("google").await;
    let offline = [("access_type", "offline")];
    let answer = tokens(&mut browser, &[]).await.json();
    assert!(answer["access_token"].as_str().is_some_and(|token| token.starts_with("ya29.")), "{answer}");
    assert_eq!(answer.get("refresh_token"), None);
    assert!(tokens(&mut browser, &offline).await.json().get("refresh_token").is_some());
    assert_eq!(tokens(&mut browser, &offline).await.json().get("refresh_token"), None);
    let again = [("access_type", "offline"), ("prompt", "consent")];
    assert!(tokens(&mut browser, &again).await.json().get("refresh_token").is_some());
    let (code, why) = error(&mut browser, &[("scope", "openid offline_access")]).await;
    assert!(code == "invalid_scope" && why.contains("offline_access"), "{code} {why}");
    assert_eq!(error(&mut browser, &[("resource", "https://anything.example/")]).await.0, "");
    assert_eq!(places(&idp, &mut browser).await, [404, 404, 404, 200]);
    let metadata = browser.issuer.metadata();
    assert_eq!((metadata.get("registration_endpoint"), metadata.get("introspection_endpoint")), (None, None));
    idp.stop().await;
}

#[tokio::test]
async fn github_answers_forms_and_errors_with_200() {
    let (idp, mut browser) = start("github").await;
    let answer = tokens(&mut browser, &[("scope", "openid repo gist")]).await;
    let members: Vec<(String, String)> = form_urlencoded::parse(answer.body.as_bytes()).into_owned().collect();
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["access_token", "token_type", "scope"]);
    assert!(members[0].1.starts_with("gho_") && members[2].1 == "openid,repo,gist", "{}", answer.body);
    let refused = browser.redeem("wrong", VERIFIER).await;
    assert!(refused.status == 200 && refused.body.contains("error=bad_verification_code"), "{}", refused.body);
    let url = browser.issuer.endpoint_url("token");
    let request = reqwest::Client::new().post(url).header("accept", "application/json");
    let request =
        request.header("content-type", "application/x-www-form-urlencoded").body("grant_type=x&client_id=app");
    let answer = request.send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().expect("a value"))
    );
    assert_eq!(places(&idp, &mut browser).await, [404; 4]);
    assert_eq!(browser.issuer.metadata().get("registration_endpoint"), None);
    // What was issued is in the journal all the same.
    assert!(browser.issuer.journal().iter().any(|received| !received.issued.is_empty()));
    idp.stop().await;
}

#[tokio::test]
async fn auth0_wants_audience_and_gives_opaque_tokens_without() {
    let (idp, mut browser) = start("auth0").await;
    let userinfo = browser.issuer.endpoint_url("userinfo");
    assert!(browser.issuer.url().ends_with("/auth0/"));
    let opaque = tokens(&mut browser, &[("resource", "https://mcp.example/")]).await.text("access_token");
    assert_eq!(opaque.matches('.').count(), 0);
    assert_eq!(browser.bearer("userinfo", &opaque).await.status, 200);
    let api = ("audience", "https://api.example/");
    let token = tokens(&mut browser, &[api]).await.text("access_token");
    let claims = part(&token, 1);
    assert_eq!(
        (&claims["aud"], &claims["iss"]),
        (&json!(["https://api.example/", userinfo]), &json!(browser.issuer.url()))
    );
    assert_eq!((&claims["azp"], claims.get("client_id"), claims.get("jti")), (&json!("app"), None, None));
    assert_eq!(part(&token, 0)["typ"], "JWT");
    let answer = tokens(&mut browser, &[api, ("scope", "read")]).await.json();
    let claims = part(answer["access_token"].as_str().expect("a token"), 1);
    assert_eq!((&claims["aud"], answer.get("refresh_token")), (&json!("https://api.example/"), None));
    assert!(tokens(&mut browser, &[api, ("scope", "read offline_access")]).await.json().get("refresh_token").is_some());
    let metadata = browser.issuer.metadata();
    assert_eq!(
        (metadata.get("registration_endpoint"), metadata.get("authorization_response_iss_parameter_supported")),
        (None, None)
    );
    idp.stop().await;
}

#[tokio::test]
async fn okta_has_its_own_audience_and_claims() {
    let (idp, mut browser) = start("okta/oauth2/default").await;
    let answer = tokens(&mut browser, &[("resource", "https://mcp.example/"), ("scope", "openid mcp:read")]).await;
    let token = answer.text("access_token");
    let claims = part(&token, 1);
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!("api://default"), &json!(["openid", "mcp:read"])));
    assert_eq!((&claims["cid"], claims.get("client_id"), part(&token, 0).get("typ")), (&json!("app"), None, None));
    assert_eq!(answer.json().get("refresh_token"), None);
    assert_eq!(places(&idp, &mut browser).await, [404, 200, 404, 200]);
    assert!(browser.issuer.metadata().get("registration_endpoint").is_some());
    let refused = browser.post_json("register", json!({ "redirect_uris": ["https://a.example/cb"] })).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(error(&mut browser, &[("scope", "")]).await.0, "invalid_scope");
    idp.stop().await;
}

#[tokio::test]
async fn cognito_tokens_have_an_audience_only_by_resource() {
    let (idp, mut browser) = start("cognito/pool").await;
    let token = tokens(&mut browser, &[]).await.text("access_token");
    let claims = part(&token, 1);
    assert_eq!(
        (claims.get("aud"), &claims["client_id"], &claims["token_use"]),
        (None, &json!("app"), &json!("access"))
    );
    assert_eq!(part(&token, 0).get("typ"), None);
    let token = tokens(&mut browser, &[("resource", "https://mcp.example/")]).await.text("access_token");
    assert_eq!(part(&token, 1)["aud"], "https://mcp.example/");
    assert_eq!(places(&idp, &mut browser).await, [404, 404, 404, 200]);
    let metadata = browser.issuer.metadata();
    assert_eq!((metadata.get("registration_endpoint"), metadata.get("code_challenge_methods_supported")), (None, None));
    assert_eq!(error(&mut browser, &[("scope", "openid offline_access")]).await.0, "invalid_scope");
    assert_eq!(strings(&metadata, "scopes_supported"), ["openid", "email", "phone", "profile"]);
    idp.stop().await;
}

/// Everything that the metadata tells is answered there, as the product documents it, by an issuer that nobody asked before.
#[tokio::test]
async fn products_answer_at_their_own_paths() {
    let told = [
        ("auth0/", ["/auth0/authorize", "/auth0/oauth/token", "/auth0/.well-known/jwks.json", "/auth0/userinfo"]),
        (
            "cognito/p",
            [
                "/cognito/p/oauth2/authorize",
                "/cognito/p/oauth2/token",
                "/cognito/p/.well-known/jwks.json",
                "/cognito/p/oauth2/userInfo",
            ],
        ),
        (
            "entra/t/v2.0",
            [
                "/entra/t/oauth2/v2.0/authorize",
                "/entra/t/oauth2/v2.0/token",
                "/entra/t/discovery/v2.0/keys",
                "/entra/t/oidc/userinfo",
            ],
        ),
        (
            "entra-v1/t/v2.0",
            [
                "/entra-v1/t/oauth2/v2.0/authorize",
                "/entra-v1/t/oauth2/v2.0/token",
                "/entra-v1/t/discovery/v2.0/keys",
                "/entra-v1/t/oidc/userinfo",
            ],
        ),
        (
            "github",
            ["/github/login/oauth/authorize", "/github/login/oauth/access_token", "/github/jwks", "/github/user"],
        ),
        ("google", ["/google/o/oauth2/v2/auth", "/google/token", "/google/oauth2/v3/certs", "/google/v1/userinfo"]),
        (
            "keycloak/realms/r",
            [
                "/keycloak/realms/r/protocol/openid-connect/auth",
                "/keycloak/realms/r/protocol/openid-connect/token",
                "/keycloak/realms/r/protocol/openid-connect/certs",
                "/keycloak/realms/r/protocol/openid-connect/userinfo",
            ],
        ),
        (
            "okta/oauth2/default",
            [
                "/okta/oauth2/default/v1/authorize",
                "/okta/oauth2/default/v1/token",
                "/okta/oauth2/default/v1/keys",
                "/okta/oauth2/default/v1/userinfo",
            ],
        ),
        ("strict", ["/strict/authorize", "/strict/token", "/strict/jwks", "/strict/userinfo"]),
    ];
    let members = ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"];
    for (name, paths) in told {
        let idp = MockIdp::start(Options { personalities: true, ..Options::default() }).await.expect("a free port");
        let base = idp.base_url();
        // Before anybody named the issuer.
        let keys = reqwest::get(format!("{base}{}", paths[2])).await.expect("an answer").text().await.expect("a body");
        let name = name.trim_end_matches('/');
        let issuer = idp.issuer(name);
        assert_eq!(keys, issuer.jwks().to_string(), "{name}");
        let metadata = issuer.metadata();
        for (member, path) in members.into_iter().zip(paths) {
            assert_eq!(metadata[member], format!("{base}{path}"), "{name} {member}");
        }
        let statuses = [(paths[0], 400), (paths[1], 405), (paths[3], 401)];
        for (path, status) in statuses {
            assert_eq!(reqwest::get(format!("{base}{path}")).await.expect("an answer").status(), status, "{path}");
        }
        let asked: Vec<&str> = issuer.journal().iter().map(|received| received.endpoint.name()).collect();
        assert_eq!(asked, ["jwks", "authorize", "token", "userinfo"], "{name}");
        idp.stop().await;
    }
}

#[tokio::test]
async fn paths_are_for_the_issuer_that_they_name() {
    let keycloak = Personality::find("keycloak").expect("known");
    let idp = MockIdp::start(Options { defaults: keycloak.config(), ..Options::default() }).await.expect("a free port");
    let (a, b) = (idp.issuer("realms/a"), idp.issuer("realms/b"));
    b.configure(|config| config.alg = mock_idp::Alg::Rs256);
    let get = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", idp.base_url())).await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    };
    for issuer in [&a, &b] {
        let keys = get(&format!("/{}/protocol/openid-connect/certs", issuer.name())).await.1;
        assert_eq!(keys, issuer.jwks().to_string());
        // Its own name goes on to work: who is configured with it need not change.
        assert_eq!(get(&format!("/{}/jwks", issuer.name())).await.1, keys);
        for url in ["protocol/openid-connect/auth", "authorize"] {
            let url = format!("{}/{url}", issuer.url());
            assert!(
                issuer.answers_at(&url, mock_idp::Endpoint::Authorize)
                    && !issuer.answers_at(&url, mock_idp::Endpoint::Token)
            );
        }
        assert!(!issuer.answers_at(&format!("{}/realms/c/authorize", idp.base_url()), mock_idp::Endpoint::Authorize));
    }
    assert_eq!(get("/realms/a/protocol/openid-connect/nothing").await.0, 404);
    // An issuer of another kind beside them keeps its own names.
    let plain = idp.issuer("plain");
    plain.configure(|config| config.quirks.paths.clear());
    assert_eq!(get("/plain/jwks").await.1, plain.jwks().to_string());
    // This path is nobody's there, so it is read as before: an issuer, and the name of its endpoint.
    assert_eq!(get("/plain/protocol/openid-connect/userinfo").await.0, 401);
    idp.stop().await;
}

#[tokio::test]
async fn github_tells_the_user_by_number_and_login() {
    let (idp, mut browser) = start("github").await;
    browser.issuer.configure(|config| {
        config.users[0].claims.insert("site_admin".to_owned(), false.into());
    });
    let answer = tokens(&mut browser, &[("scope", "repo")]).await;
    let token =
        form_urlencoded::parse(answer.body.as_bytes()).find(|(name, _)| name == "access_token").expect("a token").1;
    for path in ["user", "api/v3/user"] {
        let request = reqwest::Client::new().get(format!("{}/github/{path}", idp.base_url())).bearer_auth(&token);
        let user = request.send().await.expect("an answer").text().await.expect("a body");
        let user: Value = serde_json::from_str(&user).expect("JSON");
        assert!(user["id"].is_u64() && user["login"] == "alice" && user.get("sub").is_none(), "{user}");
        assert_eq!(user["site_admin"], false);
    }
    idp.stop().await;
}

#[tokio::test]
async fn strict_knows_nobody() {
    let (idp, mut browser) = start("strict").await;
    assert_eq!(browser.authorize(&[]).await.status, 400);
    let refused = browser
        .post("token", &[("grant_type", "client_credentials"), ("client_id", "app"), ("client_secret", "x")])
        .await;
    assert_eq!(refused.text("error"), "invalid_client");
    browser.issuer.add_client(mock_idp::Client::public("app", &[crate::browser::CALLBACK]));
    assert_eq!(error(&mut browser, &[("scope", "mcp:read")]).await.0, "invalid_scope");
    let answer = tokens(&mut browser, &[]).await;
    assert_eq!(part(&answer.text("access_token"), 1)["aud"], "urn:mock-idp:nobody");
    assert_eq!(answer.json().get("refresh_token"), None);
    idp.stop().await;
}

#[tokio::test]
async fn a_personality_can_be_put_on_in_four_ways() {
    let idp = MockIdp::start(Options {
        control: true,
        defaults: Personality::find("google").expect("known").config(),
        ..Options::default()
    });
    let idp = idp.await.expect("a free port");
    assert!(!idp.issuer("any").config().dcr);
    let cognito = idp.issuer("c");
    cognito.personality(Personality::find("cognito").expect("known"));
    assert_eq!(cognito.config().quirks.metadata_drop, ["code_challenge_methods_supported"]);
    // Without the option a path means nothing.
    assert!(idp.issuer("okta").config().quirks.closed_registration.is_none());
    let url = format!("{}/.control/personality?issuer=k", idp.base_url());
    let send = |body: &str| {
        let request = reqwest::Client::new().post(&url).header("content-type", "application/json");
        request.body(body.to_owned()).send()
    };
    assert_eq!(send(r#"{"name":"keycloak"}"#).await.expect("an answer").status(), 200);
    assert_eq!(idp.issuer("k").config().default_audience.as_deref(), Some("account"));
    let refused = send(r#"{"name":"keyclaok"}"#).await.expect("an answer");
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.expect("a body").contains("there are auth0, cognito"));
    idp.stop().await;
}

/// `docs/personalities.md` is made from the personalities: `BLESS=1 cargo test -p mock-idp personalities`.
#[test]
fn the_page_lists_every_quirk() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/personalities.md");
    let page = page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &page).expect("docs can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == page, "docs/personalities.md is out of date: BLESS=1 cargo test -p mock-idp personalities");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for personality in Personality::all() {
        let _ = write!(page, "\n## {}\n\n{}.\n", personality.name, personality.title);
        if let Some(base) = &personality.base {
            let _ = writeln!(page, "As `{base}`, and:");
        }
        page.push_str(&places_of(personality));
        page.push_str("\n| quirk | breaks | setting | documented in |\n|---|---|---|---|\n");
        for quirk in &personality.quirk {
            let by: Vec<String> = quirk.by.iter().map(|path| format!("`{path}`")).collect();
            let _ = writeln!(page, "| {} | {} | {} | {} |", quirk.what, quirk.breaks, by.join(", "), quirk.source);
        }
    }
    page
}

/// The paths of its endpoints; nothing if they are those of another personality, or their names.
fn places_of(personality: &Personality) -> String {
    let paths = personality.config().quirks.paths;
    if paths.is_empty() || personality.base.is_some() {
        return String::new();
    }
    let places = |paths: &[String]| paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(" and ");
    let lines: Vec<String> = paths.iter().map(|(name, paths)| format!("{name} {}", places(paths))).collect();
    format!("Endpoints: {}.\n", lines.join(" · "))
}

const HEAD: &str = "\
# Personalities of the mock identity provider

<!-- Made from mock-idp/personalities/*.toml: BLESS=1 cargo test -p mock-idp personalities -->

Real identity providers depart from the specifications in ways that break MCP deployments. A personality is one provider's documented
habits as settings of an issuer, so that a server, a proxy or a client can be tried with them before a user does it.

| where | how |
|---|---|
| profile of a target | `[upstream] personality = \"entra\"` |
| program | `authspec serve idp --personality entra`, or `mock-idp --personality entra`: every issuer; `mock-idp --personalities`: by path, `/entra/contoso/v2.0` |
| control API | `POST .control/personality?issuer=NAME` with `{\"name\": \"entra\"}` |
| library | `issuer.personality(Personality::find(\"entra\")?)` |

It is a stand-in, not a copy: endpoints are where the product has them, error texts are the ones that users meet, and everything
that no quirk speaks of is as the specifications have it. Where a provider can be configured, the personality is the configuration that people
stumble over, named beside it. What was found in no public documentation or issue tracker is left out;
the sources were read again on 2026-11-21 and 22, and what they do not say was taken out or given another source. Where a page says something by silence (a
parameter that it does not list), the source says so.

Paths of endpoints are below the issuer, or with a leading slash below the provider's root; those of `entra` stand beside the `v2.0` of its issuer. The metadata tells
the first of each, and all are answered, also for an issuer that nobody named yet. The endpoint's own name below the issuer (`ISSUER/token`) is answered as before: a
deployment that was configured with it need not change. How a deployment for one product is led here: [products.md](products.md).

What a proxy makes of them: put `personality = \"NAME\"` into the section `[upstream]` of `fixtures/profiles/consent-proxy.toml` and run it. The reference
proxy keeps every rule with `auth0`, `entra` (`issuer-path = \"/contoso/v2.0\"`), `keycloak`, `okta` and `strict`. With `google` and `cognito` nobody can log in,
because it asks for `offline_access`, which they refuse; with `github` it finds no metadata.
";
