//! `tokeninfo`, as Google has it: what an opaque access token is, for anybody who holds it.

use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use crate::issuer::Issuer;
use crate::presented::time;
use crate::reply::Reply;
use crate::request::Request;
use crate::{quirks, scope, token};

/// `GET` or `POST`, with the token as `access_token` or in the header. Every member is a text. `aud` is the client that the
/// token was given to: whoever does not look at it takes any application's token.
pub(super) fn tokeninfo(issuer: &Issuer, request: &Request) -> Reply {
    let named = request.query.get("access_token").or_else(|| request.form.get("access_token"));
    let Some(claims) = named.or_else(|| bearer(request)).and_then(|token| issuer.active(token)) else {
        let body = json!({ "error": "invalid_token", "error_description": "Invalid Value" });
        return Reply::json(StatusCode::BAD_REQUEST, &body);
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let exp = time(&claims, "exp").unwrap_or_default();
    let mut body = Map::new();
    let mut put = |name: &str, value: &str| drop(body.insert(name.to_owned(), value.into()));
    put("azp", text("client_id"));
    put("aud", text("client_id"));
    put("sub", text("sub"));
    put("scope", text("scope"));
    put("exp", &exp.to_string());
    put("expires_in", &(exp - issuer.now()).to_string());
    if scope::contains(text("scope"), "email") {
        let about = token::about(&issuer.config(), text("sub"), "email");
        for (name, value) in about.iter().filter(|(name, _)| ["email", "email_verified"].contains(&name.as_str())) {
            put(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    put("access_type", if quirks::is_offline(issuer, &claims) { "offline" } else { "online" });
    Reply::json(StatusCode::OK, &body.into())
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
