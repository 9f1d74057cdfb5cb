//! The token response (RFC 6749 section 5.1).

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::config::{AccessFormat, IssuerConfig, RefreshPolicy, User};
use crate::grant::{Grant, Refresh};
use crate::issuer::Issuer;
use crate::jose::merge;
use crate::mint::{TokenKind, seconds};
use crate::reply::Reply;
use crate::secret;

/// Issues what a grant gives, with a new refresh token if asked for and allowed.
pub(super) fn answer(
    issuer: &Issuer,
    client: &Client,
    grant: &Grant,
    scope: &str,
    resources: &[String],
    new_refresh: bool,
) -> Reply {
    let config = issuer.config();
    let user = grant.user.as_deref().and_then(|name| config.user(name));
    let sub = user.map_or(grant.user.as_deref().unwrap_or(&client.id), |user| &user.sub);
    let openid = grant.user.is_some() && has(scope, "openid");
    let patches = issuer.take_patches(grant.user.as_deref(), &client.id, openid);

    let mut access = issuer.access_token(sub, &client.id, scope, &issuer.audience_or_default(resources), None);
    if let Some(auth_time) = grant.auth_time {
        access.claims.insert("auth_time".to_owned(), auth_time.into());
    }
    patches.iter().for_each(|patch| patch.apply(TokenKind::Access, &mut access));
    let text = match config.access_format {
        AccessFormat::Jwt => issuer.sign(&access),
        AccessFormat::Opaque => secret::random(),
    };
    issuer.remember_access(&text, access.claims, Some(grant.id.clone()));

    let mut body = json!({
        "access_token": text, "token_type": "Bearer", "expires_in": config.access_ttl, "scope": scope,
    });
    if openid {
        let mut token = issuer.id_token(sub, &client.id, None);
        for (name, value) in [("nonce", json!(grant.nonce)), ("auth_time", json!(grant.auth_time))] {
            if !value.is_null() {
                token.claims.insert(name.to_owned(), value);
            }
        }
        merge(&mut token.claims, &about(user, scope));
        patches.iter().for_each(|patch| patch.apply(TokenKind::Id, &mut token));
        body["id_token"] = issuer.sign(&token).into();
    }
    if new_refresh && gets_refresh(&config, client, grant) {
        let text = secret::random();
        let expires = issuer.now() + seconds(config.refresh_ttl);
        let refresh = Refresh { expires, grant: grant.clone(), used: None };
        issuer.lock().refresh.insert(secret::s256(&text), refresh);
        body["refresh_token"] = text.into();
    }
    Reply::json(StatusCode::OK, &body)
}

/// What a scope tells about a user (OpenID Connect Core section 5.4).
pub(super) fn about(user: Option<&User>, scope: &str) -> Map<String, Value> {
    let Some(user) = user else { return Map::new() };
    let mut claims = Map::new();
    if has(scope, "profile") {
        claims.insert("preferred_username".to_owned(), user.username.clone().into());
    }
    if has(scope, "email") {
        claims.insert("email".to_owned(), format!("{}@example.com", user.username).into());
        claims.insert("email_verified".to_owned(), true.into());
    }
    merge(&mut claims, &user.claims);
    claims
}

/// Whether a scope has a word.
pub(super) fn has(scope: &str, word: &str) -> bool {
    scope.split(' ').any(|one| one == word)
}

/// The shape of a `code_verifier` (RFC 7636 section 4.1).
pub(super) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// The shape of an S256 `code_challenge`.
pub(super) fn is_s256(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn gets_refresh(config: &IssuerConfig, client: &Client, grant: &Grant) -> bool {
    grant.user.is_some()
        && config.refresh != RefreshPolicy::Never
        && client.may_use("refresh_token")
        && (!config.refresh_needs_offline_access || has(&grant.scope, "offline_access"))
}
