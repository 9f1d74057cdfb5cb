//! Endpoints that look at tokens: userinfo, introspection (RFC 7662), revocation (RFC 7009).

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{api, form_only};
use crate::client::{ClientAuth, authenticate};
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::jose::merge;
use crate::presented::audiences;
use crate::reply::Reply;
use crate::request::Request;
use crate::{quirks, scope, secret, token};

/// `GET` or `POST /userinfo` (OpenID Connect Core section 5.3).
pub(super) fn userinfo(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    let Some(claims) = api::bearer(issuer, request, &issuer.endpoint_url("userinfo"))? else {
        return Ok(api::unasked());
    };
    let config = issuer.config();
    let sub = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if let Some(body) = quirks::profile(&config, sub) {
        return Ok(Reply::json(StatusCode::OK, &body.into()));
    }
    let granted = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    if !scope::contains(granted, "openid") {
        return Err(OAuthError::bearer(StatusCode::FORBIDDEN, "insufficient_scope", "the scope openid is needed"));
    }
    let mut body = Map::from_iter([("sub".to_owned(), sub.into())]);
    merge(&mut body, &token::about(&config, sub, granted));
    Ok(Reply::json(StatusCode::OK, &body.into()))
}

/// `POST /introspect`, for clients that authenticate.
pub(super) fn introspect(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    form_only(request)?;
    let client = authenticate(issuer, request)?;
    if client.auth == ClientAuth::None {
        return Err(OAuthError::invalid_client("introspection needs a client that authenticates"));
    }
    let token = request.form.get("token").ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    let config = issuer.config();
    let audiences_of = |id: &str| config.introspection.audiences.get(id);
    let own = audiences_of(&client.id).or_else(|| audiences_of("*"));
    // RFC 7662 section 4: a resource server hears of the tokens that it may take.
    let usable = |claims: &Map<String, Value>| {
        own.is_none_or(|own| audiences(claims).iter().any(|name| own.iter().any(|own| own == name)))
    };
    let body = match issuer.active(token) {
        Some(claims) if !usable(&claims) => json!({ "active": false }),
        Some(claims) => {
            let bound = claims.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_some());
            let scheme = if bound { "DPoP" } else { "Bearer" };
            let mut body =
                Map::from_iter([("active".to_owned(), true.into()), ("token_type".to_owned(), scheme.into())]);
            merge(&mut body, &claims);
            body.into()
        }
        None => refresh(issuer, token).filter(|_| own.is_none()).unwrap_or_else(|| json!({ "active": false })),
    };
    Ok(Reply::json(StatusCode::OK, &body))
}

/// `POST /revoke`. A refresh token takes its whole grant along, an access token only itself.
pub(super) fn revoke(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    form_only(request)?;
    let client = authenticate(issuer, request)?;
    let token = request.form.get("token").ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    let refresh = issuer.lock().refresh.get(&secret::s256(token)).map(|refresh| refresh.grant.clone());
    let (owner, ends) = match (refresh, issuer.active(token)) {
        (Some(grant), _) => (grant.client_id, grant.id),
        (None, Some(claims)) => {
            let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("client_id"), text("jti"))
        }
        // A token nobody knows is as good as revoked (RFC 7009 section 2.2).
        (None, None) => return Ok(Reply::empty(StatusCode::OK)),
    };
    if owner != client.id {
        return Err(OAuthError::unauthorized_client("the token belongs to another client"));
    }
    issuer.end_grant(&ends);
    Ok(Reply::empty(StatusCode::OK))
}

fn refresh(issuer: &Issuer, token: &str) -> Option<Value> {
    let refresh = issuer.lock().refresh.get(&secret::s256(token)).cloned()?;
    let active = refresh.used.is_none() && refresh.expires > issuer.now() && issuer.lives(&refresh.grant);
    active.then(|| {
        json!({
            "active": true, "client_id": refresh.grant.client_id, "exp": refresh.expires,
            "scope": refresh.grant.scope, "iss": issuer.url(),
        })
    })
}
