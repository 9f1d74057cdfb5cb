//! Pushed authorization requests (RFC 9126).

use http::StatusCode;
use serde_json::json;

use super::{authorize, form_only};
use crate::client::authenticate;
use crate::clock::seconds;
use crate::dpop;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::Request;
use crate::secret;
use crate::state::Pushed;

/// `POST /par`: checks an authorization request and gives a name for it.
pub(super) fn push(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    let settings = issuer.config().par.clone();
    if !settings.enabled {
        return Err(OAuthError {
            status: StatusCode::NOT_FOUND,
            ..OAuthError::invalid_request("there is no PAR here")
        });
    }
    form_only(request)?;
    let client = authenticate(issuer, request)?;
    if request.form.get("request_uri").is_some() {
        return Err(OAuthError::invalid_request("a pushed request cannot name another"));
    }
    let mut params = request.form.without(&CREDENTIALS);
    params.set("client_id", &client.id);
    // RFC 9449 section 10.1: a proof at this endpoint is as good as dpop_jkt.
    if let Some(jkt) = dpop::thumbprint(issuer, request, || issuer.endpoint_url("par"), None)? {
        if params.get("dpop_jkt").is_some_and(|named| named != jkt) {
            return Err(OAuthError::invalid_request("dpop_jkt is another key than that of the proof"));
        }
        params.set("dpop_jkt", &jkt);
    }
    authorize::check(issuer, &params)?;
    let uri = format!("{PREFIX}{}", secret::random());
    let pushed = Pushed { client_id: client.id, expires: issuer.now() + seconds(settings.ttl), params };
    issuer.lock().pushed.insert(secret::s256(&uri), pushed);
    Ok(Reply::json(StatusCode::CREATED, &json!({ "request_uri": uri, "expires_in": settings.ttl })))
}

/// The parameters that an authorization request means: its own, or those that were pushed.
///
/// # Errors
/// `invalid_request`: the name is unknown, expired, used or another client's; or nothing was pushed and it had to be.
pub(super) fn resolve(issuer: &Issuer, sent: &Params) -> Result<Params, OAuthError> {
    let config = issuer.config();
    let uri = sent.get("request_uri").filter(|uri| uri.starts_with(PREFIX));
    let Some(uri) = uri else {
        let pushes = issuer.client(sent.text("client_id")).is_some_and(|client| client.require_par);
        return match config.par.required || pushes {
            true => Err(OAuthError::invalid_request("the authorization request has to be pushed")),
            false => Ok(sent.clone()),
        };
    };
    let key = secret::s256(uri);
    let mut state = issuer.lock();
    let found = state.pushed.get(&key).filter(|pushed| Some(pushed.client_id.as_str()) == sent.get("client_id"));
    let known = found.is_some();
    // Once: what is left of it after this request is a login that waits.
    let pushed = known.then(|| state.pushed.remove(&key)).flatten();
    drop(state);
    pushed
        .filter(|pushed| pushed.expires > issuer.now())
        .map(|pushed| pushed.params)
        .ok_or_else(|| OAuthError::invalid_request("no such request of this client was pushed, or it expired"))
}

/// RFC 9126 section 2.2.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// What authenticates the client, and is no part of the authorization request.
const CREDENTIALS: [&str; 3] = ["client_assertion", "client_assertion_type", "client_secret"];
