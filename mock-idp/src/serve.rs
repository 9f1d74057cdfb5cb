//! The documents of every issuer: RFC 8414 and OpenID Connect discovery, inserted and appended, and the key set.

use axum::http::{StatusCode, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::mint::jwks;

/// Answers for every issuer below `base`.
pub fn router(base: String) -> Router {
    Router::new().fallback(move |uri: Uri| {
        let base = base.clone();
        async move { document(&base, uri.path()).map(Json).ok_or(StatusCode::NOT_FOUND) }
    })
}

fn document(base: &str, path: &str) -> Option<Value> {
    if path.ends_with("/jwks") {
        return Some(jwks());
    }
    let places = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    let issuer = places.into_iter().find_map(|place| path.strip_prefix(place).or_else(|| path.strip_suffix(place)))?;
    let issuer = format!("{base}{issuer}");
    Some(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
    }))
}
