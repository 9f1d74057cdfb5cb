//! Whose requests for an exchange are heard, and which tokens pass for which type.

use mock_idp::{Client, MockIdp, Options, Personality, TokenKind, TokenSpec, TokenType};

use crate::browser::{Browser, CALLBACK, VERIFIER};

/// Whatever `typ` a provider gives its access tokens.
#[tokio::test]
async fn an_id_token_is_no_access_token_of_any_personality() {
    let options = Options { personalities: true, ..Options::default() };
    let idp = MockIdp::start(options).await.expect("a free port");
    for personality in Personality::all().iter().filter(|personality| personality.config().exchange.enabled) {
        let name = personality.name.as_str();
        let mut browser = Browser::new(idp.issuer(name));
        browser.issuer.add_client(Client::confidential("app", "secret", &[CALLBACK]));
        let code = browser.code(&[("scope", "openid")]).await;
        let redeem = [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let tokens = browser.post_basic("token", "app", "secret", &redeem).await;
        assert_eq!(tokens.status, 200, "{name}: {}", tokens.body);
        let (access, id) = (tokens.text("access_token"), tokens.text("id_token"));
        let minted = TokenSpec { client_id: "app".into(), audience: vec!["app".into()], ..TokenSpec::default() };
        let minted_id = browser.issuer.mint(TokenSpec { kind: TokenKind::Id, ..minted.clone() });
        let minted = browser.issuer.mint(minted);
        for (what, token, status) in [
            ("the access token of a login", &access, 200),
            ("the ID token of a login", &id, 400),
            ("a minted access token", &minted, 200),
            ("a minted ID token", &minted_id, 400),
        ] {
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", token.as_str()),
                ("subject_token_type", TokenType::Access.urn()),
            ];
            let answer = browser.post_basic("token", "app", "secret", &form).await;
            assert_eq!(answer.status, status, "{name}, {what}: {}", answer.body);
        }
        // Nor the other way round, where ID tokens are exchanged.
        browser.issuer.configure(|config| config.exchange.subject_types = vec![TokenType::Id]);
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", access.as_str()),
            ("subject_token_type", TokenType::Id.urn()),
        ];
        let answer = browser.post_basic("token", "app", "secret", &form).await;
        assert_eq!(answer.status, 400, "{name}, an access token as an ID token: {}", answer.body);
    }
    idp.stop().await;
}

/// Any secret serves where unknown clients are let in, but none does not.
#[tokio::test]
async fn an_unknown_client_exchanges_with_a_credential_only() {
    let options = Options { personalities: true, ..Options::default() };
    let idp = MockIdp::start(options).await.expect("a free port");
    for name in ["t", "keycloak/realms/r"] {
        let mut browser = Browser::new(idp.issuer(name));
        let own = TokenSpec { client_id: "gw".into(), audience: vec!["gw".into()], ..TokenSpec::default() };
        let token = browser.issuer.mint(own);
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token.as_str()),
            ("subject_token_type", TokenType::Access.urn()),
        ];
        let bare = [&form[..], &[("client_id", "gw")]].concat();
        let answer = browser.post("token", &bare).await;
        assert_eq!((answer.status, answer.text("error").as_str()), (401, "invalid_client"), "{name}: {}", answer.body);
        let answer = browser.post("token", &[&bare[..], &[("client_secret", "any")]].concat()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert_eq!(browser.post_basic("token", "gw", "any", &form).await.status, 200, "{name}");
        browser.issuer.configure(|config| config.exchange.public_clients = true);
        assert_eq!(browser.post("token", &bare).await.status, 200, "{name}");
    }
    idp.stop().await;
}
