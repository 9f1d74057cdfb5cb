//! Token responses: what a grant gives out, patched if a test asked for it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::{AccessFormat, IssuerConfig, User};
use crate::issuer::Issuer;
use crate::jose::merge;
use crate::mint::TokenKind;
use crate::scope;
use crate::secret;
use crate::state::Grant;

/// One token response.
pub(crate) struct Issue<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) scope: &'a str,
    pub(crate) resources: &'a [String],
    /// Whether the `nonce` goes into the ID token: only in answer to the request that had it.
    pub(crate) with_nonce: bool,
    pub(crate) refresh_token: Option<String>,
}

impl Issue<'_> {
    /// The body of a successful token response (RFC 6749 section 5.1).
    pub(crate) fn respond(self, issuer: &Issuer) -> Value {
        let (grant, config) = (self.grant, issuer.config());
        let with_id_token = grant.username.is_some() && scope::contains(self.scope, "openid");
        let patches = issuer.take_patches(grant.username.as_deref(), &grant.client_id, with_id_token);

        let audience = issuer.audience_or_default(self.resources);
        let mut access = issuer.access_token(&grant.sub, &grant.client_id, self.scope, &audience, None);
        if let Some(auth_time) = grant.auth_time {
            access.claims.insert("auth_time".to_owned(), auth_time.into());
        }
        patches.iter().for_each(|patch| patch.apply(TokenKind::Access, &mut access));
        let access_token = match config.access_format {
            AccessFormat::Jwt => issuer.sign(&access),
            AccessFormat::Opaque => secret::random(),
        };
        issuer.remember_access(&access_token, access.claims, Some(grant.id.clone()));

        let mut body = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": config.access_ttl, "scope": self.scope,
        });
        if with_id_token {
            let mut id = issuer.id_token(&grant.sub, &grant.client_id, None);
            id.claims.insert("at_hash".to_owned(), at_hash(&access_token).into());
            if let Some(auth_time) = grant.auth_time {
                id.claims.insert("auth_time".to_owned(), auth_time.into());
            }
            if let Some(nonce) = grant.nonce.as_deref().filter(|_| self.with_nonce) {
                id.claims.insert("nonce".to_owned(), nonce.into());
            }
            merge(&mut id.claims, &user_claims(&config, grant.username.as_deref(), self.scope));
            patches.iter().for_each(|patch| patch.apply(TokenKind::Id, &mut id));
            body["id_token"] = issuer.sign(&id).into();
        }
        if let Some(refresh_token) = self.refresh_token {
            body["refresh_token"] = refresh_token.into();
        }
        body
    }
}

/// The claims about a user that a scope opens (OpenID Connect Core section 5.4), and the ones set for the user.
pub(crate) fn user_claims(config: &IssuerConfig, username: Option<&str>, scope: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    let Some(User { username, claims: own, .. }) = username.and_then(|name| config.user(name)) else { return claims };
    if scope::contains(scope, "profile") {
        claims.insert("name".to_owned(), username.as_str().into());
        claims.insert("preferred_username".to_owned(), username.as_str().into());
    }
    if scope::contains(scope, "email") {
        claims.insert("email".to_owned(), format!("{username}@example.com").into());
        claims.insert("email_verified".to_owned(), true.into());
    }
    claims.extend(own.clone());
    claims
}

/// The left half of the hash (OpenID Connect Core section 3.1.3.6), SHA-256 for every algorithm here.
fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16])
}
