//! The API: a service behind a resource server, which shows whose token came.

use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use crate::dpop;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::presented::audiences;
use crate::reply::Reply;
use crate::request::Request;
use crate::scope;

/// Any request to `/api` or below it, with an access token of this issuer that is for the API.
pub(super) fn api(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    let own = issuer.endpoint_url("api");
    let below = below(issuer, request.path());
    let Some(claims) = bearer(issuer, request, &format!("{own}{below}"))? else { return Ok(unasked()) };
    let settings = &issuer.config().api;
    let ours = |name: &str| name.trim_end_matches('/') == own || settings.audiences.iter().any(|known| known == name);
    if claims.get("iss").and_then(Value::as_str) != Some(issuer.url().as_str()) {
        return Err(unauthorized("the token is of another issuer"));
    }
    if !audiences(&claims).iter().any(|name| ours(name)) {
        return Err(unauthorized("the token is for another audience"));
    }
    let granted = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    if let Some(needed) = settings.scope.as_deref().filter(|needed| !scope::contains(granted, needed)) {
        let description = format!("the scope {needed} is needed");
        return Err(OAuthError::bearer(StatusCode::FORBIDDEN, "insufficient_scope", &description));
    }
    Ok(Reply::json(StatusCode::OK, &answer(request, below, &claims)))
}

/// The claims of the token that a request to `url` comes with; none without credentials.
///
/// # Errors
/// 401 for a token that is not ours, expired, revoked, or used without the proof that it needs (RFC 9449 section 7.1).
pub(super) fn bearer(issuer: &Issuer, request: &Request, url: &str) -> Result<Option<Map<String, Value>>, OAuthError> {
    let header = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((scheme, token)) = header.split_once(' ').map(|(scheme, token)| (scheme, token.trim())) else {
        return Ok(None);
    };
    let proving = scheme.eq_ignore_ascii_case("dpop");
    if !proving && !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    let claims = issuer.active(token).ok_or_else(|| unauthorized("the token is not ours, expired or revoked"))?;
    let bound = claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
    match (bound, proving) {
        (None, false) => {}
        (Some(_), false) => {
            return Err(dpop::challenged(unauthorized("the token is bound to a key: use the DPoP scheme")));
        }
        (None, true) => return Err(dpop::challenged(unauthorized("the token is bound to no key"))),
        (Some(jkt), true) => {
            let proven = dpop::thumbprint(issuer, request, || url.to_owned(), Some(token)).map_err(dpop::challenged)?;
            if proven.as_deref() != Some(jkt) {
                let error = OAuthError::new("invalid_dpop_proof", "no proof of the key that the token is bound to");
                return Err(dpop::challenged(error));
            }
        }
    }
    Ok(Some(claims))
}

/// The answer to a request without credentials: no error code (RFC 6750 section 3.1).
pub(super) fn unasked() -> Reply {
    Reply::empty(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, "Bearer realm=\"mock-idp\"")
}

fn answer(request: &Request, below: &str, claims: &Map<String, Value>) -> Value {
    let mut body = Map::from_iter([
        ("method".to_owned(), Value::from(request.method.as_str())),
        ("path".to_owned(), below.into()),
    ]);
    for name in ["sub", "client_id", "scope", "aud", "act"] {
        if let Some(value) = claims.get(name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    body.insert("claims".to_owned(), json!(claims));
    body.into()
}

/// The part of a path below the API.
fn below<'a>(issuer: &Issuer, path: &'a str) -> &'a str {
    let name = issuer.name();
    let slash = if name.is_empty() { 0 } else { 1 };
    path.get(slash + name.len() + "/api".len()..).unwrap_or_default()
}

fn unauthorized(why: &str) -> OAuthError {
    OAuthError::bearer(StatusCode::UNAUTHORIZED, "invalid_token", why)
}
