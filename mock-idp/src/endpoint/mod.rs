//! The endpoints, as they answer when nobody scripted anything.

mod authorize;
mod decide;
mod documents;
mod issue;
mod register;
mod resource;
mod token;

use http::StatusCode;
use http::header::ALLOW;

use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::reply::Reply;
use crate::request::Request;
use crate::script::{Answer, Endpoint};

/// The endpoint whose path ends with this segment.
pub(crate) fn by_name(name: &str) -> Option<Endpoint> {
    Some(match name {
        "authorize" => Endpoint::Authorize,
        "consent" => Endpoint::Consent,
        "introspect" => Endpoint::Introspect,
        "jwks" => Endpoint::Jwks,
        "login" => Endpoint::Login,
        "register" => Endpoint::Register,
        "revoke" => Endpoint::Revoke,
        "token" => Endpoint::Token,
        "userinfo" => Endpoint::Userinfo,
        _ => return None,
    })
}

/// The answer without a script.
pub(crate) fn honest(issuer: &Issuer, endpoint: Endpoint, request: &Request) -> Reply {
    let (get, post) = (request.is_get(), request.method == http::Method::POST);
    match endpoint {
        Endpoint::Authorize if get || post => authorize::authorize(issuer, request),
        Endpoint::Consent if get => decide::consent_page(issuer, request),
        Endpoint::Consent if post => decide::consent(issuer, request),
        Endpoint::Introspect if post => json(resource::introspect(issuer, request)),
        Endpoint::Jwks if get => documents::jwks(issuer),
        Endpoint::Login if post => decide::login(issuer, request),
        Endpoint::Metadata if get => documents::metadata(issuer),
        Endpoint::Register if post => json(register::register(issuer, request)),
        Endpoint::Revoke if post => json(resource::revoke(issuer, request)),
        Endpoint::Token if post => json(token::token(issuer, request)),
        Endpoint::Userinfo if get || post => json(resource::userinfo(issuer, request)),
        _ => Reply::empty(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, methods(endpoint)),
    }
}

/// The answer that a script puts in the place of the honest one, if it does.
pub(crate) fn scripted(issuer: &Issuer, endpoint: Endpoint, request: &Request, script: &Answer) -> Option<Reply> {
    if endpoint == Endpoint::Authorize
        && script.status.is_none()
        && script.body.is_none()
        && let Some(error) = script.oauth_error()
    {
        return Some(authorize::refused(issuer, request, &error));
    }
    script.replacement()
}

fn json(answer: Result<Reply, OAuthError>) -> Reply {
    answer.unwrap_or_else(|error| error.reply())
}

fn methods(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Authorize | Endpoint::Consent | Endpoint::Userinfo => "GET, POST",
        Endpoint::Jwks | Endpoint::Metadata | Endpoint::AuthorizationResponse => "GET",
        Endpoint::Introspect | Endpoint::Login | Endpoint::Register | Endpoint::Revoke | Endpoint::Token => "POST",
    }
}

/// A form without repeated parameters (RFC 6749 section 3.2).
fn form_only(request: &Request) -> Result<(), OAuthError> {
    if request.media_type() != "application/x-www-form-urlencoded" {
        return Err(OAuthError::invalid_request("the body has to be application/x-www-form-urlencoded"));
    }
    match request.form.any_repeats() {
        true => Err(OAuthError::invalid_request("a parameter is repeated")),
        false => Ok(()),
    }
}
