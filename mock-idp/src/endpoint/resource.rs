//! Endpoints that look at tokens: userinfo, introspection (RFC 7662), revocation (RFC 7009).

use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use super::{form_only, issue};
use crate::client::{ClientAuth, authenticate};
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::jose::merge;
use crate::reply::Reply;
use crate::request::Request;
use crate::secret;

/// `GET` or `POST /userinfo` (OpenID Connect Core section 5.3).
pub(super) fn userinfo(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    let header = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        // RFC 6750 section 3.1: no error code for a request without any token.
        _ => {
            let reply = Reply::empty(StatusCode::UNAUTHORIZED);
            return Ok(reply.header(WWW_AUTHENTICATE, "Bearer realm=\"mock-idp\""));
        }
    };
    let claims = active(issuer, token).ok_or_else(|| {
        OAuthError::bearer(StatusCode::UNAUTHORIZED, "invalid_token", "the token is not known or expired")
    })?;
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    if !issue::has(scope, "openid") {
        return Err(OAuthError::bearer(StatusCode::FORBIDDEN, "insufficient_scope", "the scope openid is needed"));
    }
    let config = issuer.config();
    let sub = claims.get("sub").cloned().unwrap_or_default();
    let user = config.users.iter().find(|user| sub == user.sub.as_str());
    let mut body = Map::from_iter([("sub".to_owned(), sub)]);
    merge(&mut body, &issue::about(user, scope));
    Ok(Reply::json(StatusCode::OK, &body.into()))
}

/// `POST /introspect`, for confidential clients.
pub(super) fn introspect(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    form_only(request)?;
    if authenticate(issuer, request)?.auth == ClientAuth::None {
        return Err(OAuthError::invalid_client("introspection needs a client that authenticates"));
    }
    let token = request.form.get("token").ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    let body = match active(issuer, token) {
        Some(claims) => {
            let mut body =
                Map::from_iter([("active".to_owned(), true.into()), ("token_type".to_owned(), "Bearer".into())]);
            merge(&mut body, &claims);
            body.into()
        }
        None => refresh(issuer, token).unwrap_or_else(|| json!({ "active": false })),
    };
    Ok(Reply::json(StatusCode::OK, &body))
}

/// `POST /revoke`.
pub(super) fn revoke(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    form_only(request)?;
    let client = authenticate(issuer, request)?;
    let key = secret::s256(request.form.get("token").ok_or_else(|| OAuthError::invalid_request("token is missing"))?);
    let mut state = issuer.lock();
    let grant = state.refresh.get(&key).map(|refresh| (refresh.grant.client_id.clone(), refresh.grant.id.clone()));
    let access = state.access.get(&key).and_then(|access| access.claims.get("client_id")?.as_str().map(str::to_owned));
    match (grant, access) {
        (Some((owner, _)), _) | (None, Some(owner)) if owner != client.id => {
            Err(OAuthError::unauthorized_client("the token belongs to another client"))
        }
        (Some((_, id)), _) => {
            state.end_grant(&id);
            Ok(Reply::empty(StatusCode::OK))
        }
        // A token nobody knows is as good as revoked (RFC 7009 section 2.2).
        (None, _) => {
            state.access.remove(&key);
            Ok(Reply::empty(StatusCode::OK))
        }
    }
}

/// The claims of an access token that works now.
fn active(issuer: &Issuer, token: &str) -> Option<Map<String, Value>> {
    let claims = issuer.lock().access.get(&secret::s256(token))?.claims.clone();
    let now = issuer.now();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    (time("exp").is_none_or(|exp| exp > now) && time("nbf").is_none_or(|nbf| nbf <= now)).then_some(claims)
}

fn refresh(issuer: &Issuer, token: &str) -> Option<Value> {
    let refresh = issuer.lock().refresh.get(&secret::s256(token)).cloned()?;
    let active = refresh.used.is_none() && refresh.expires > issuer.now();
    active.then(|| {
        json!({
            "active": true, "client_id": refresh.grant.client_id, "exp": refresh.expires,
            "scope": refresh.grant.scope, "iss": issuer.url(),
        })
    })
}
