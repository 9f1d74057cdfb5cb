//! The endpoints, as they answer when nobody scripted anything.

mod api;
mod authorize;
mod documents;
mod pages;
mod par;
mod register;
mod tokeninfo;
mod tokens;

pub(crate) use documents::metadata;
use http::header::ALLOW;
use http::{Method, StatusCode};

use crate::error::OAuthError;
use crate::html;
use crate::issuer::Issuer;
use crate::quirks;
use crate::reply::Reply;
use crate::request::{FORM, Request};
use crate::script::{Answer, Endpoint};
use crate::{dpop, token};

/// What an endpoint answers; `script` may change the tokens in it.
pub(crate) fn honest(issuer: &Issuer, endpoint: Endpoint, request: &Request, script: &Answer) -> Reply {
    if !quirks::offers(&issuer.config().quirks, endpoint, request) {
        return Reply::empty(StatusCode::NOT_FOUND);
    }
    let get = request.is_get();
    let asked = if get { Method::GET } else { request.method.clone() };
    if !methods(endpoint).contains(&asked) {
        let names = methods(endpoint).iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        return Reply::empty(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, &names);
    }
    let reply = match endpoint {
        Endpoint::Api => json(api::api(issuer, request)),
        Endpoint::Authorize => authorize::authorize(issuer, request),
        Endpoint::Consent if get => pages::consent_page(issuer, request),
        Endpoint::Consent => pages::consent(issuer, request),
        Endpoint::Discovery | Endpoint::Metadata => Reply::document(&metadata(issuer)),
        Endpoint::Introspect => json(tokens::introspect(issuer, request)),
        Endpoint::Jwks => Reply::document(&issuer.jwks()),
        Endpoint::Login => pages::login(issuer, request),
        Endpoint::Par => json(par::push(issuer, request)),
        Endpoint::Register => json(register::register(issuer, request)),
        Endpoint::Revoke => json(tokens::revoke(issuer, request)),
        Endpoint::Token => json(token::token(issuer, request, script)),
        Endpoint::Tokeninfo => tokeninfo::tokeninfo(issuer, request),
        Endpoint::Userinfo => json(tokens::userinfo(issuer, request)),
    };
    // RFC 9449 section 8.2: every answer to a proof may bring the nonce of the next.
    match dpop::is_tried(&request.headers).then(|| dpop::nonce(issuer)).flatten() {
        Some(nonce) => reply.header(dpop::NONCE_HEADER, &nonce),
        None => reply,
    }
}

/// The answer that a script puts in the place of the honest one, if it does.
pub(crate) fn scripted(issuer: &Issuer, endpoint: Endpoint, request: &Request, script: &Answer) -> Option<Reply> {
    let error = script.oauth_error().filter(|_| script.body.is_none());
    match (endpoint, error) {
        // An error of the authorization endpoint travels to the client, with state and iss, as an honest one does.
        (Endpoint::Authorize, Some(error)) if script.status.is_none() => {
            Some(authorize::refused(issuer, request, &error))
        }
        (Endpoint::Authorize | Endpoint::Consent | Endpoint::Login, Some(error)) => {
            Some(html::error_page(error.status, &error.code, &error.description))
        }
        _ => script.replacement(),
    }
}

/// What an endpoint can be asked; HEAD goes with GET.
pub(crate) fn methods(endpoint: Endpoint) -> &'static [Method] {
    match endpoint {
        Endpoint::Api => &[Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
        // OpenID Connect Core sections 3.1.2.1 and 5.3.1 want both for authorization and userinfo.
        Endpoint::Authorize | Endpoint::Consent | Endpoint::Tokeninfo | Endpoint::Userinfo => {
            &[Method::GET, Method::POST]
        }
        Endpoint::Discovery | Endpoint::Jwks | Endpoint::Metadata => &[Method::GET],
        Endpoint::Introspect
        | Endpoint::Login
        | Endpoint::Par
        | Endpoint::Register
        | Endpoint::Revoke
        | Endpoint::Token => &[Method::POST],
    }
}

/// Whether scripts of other sites may call it. Never the authorization endpoint (OAuth 2.1 section 3.1).
pub(crate) fn cross_origin(endpoint: Endpoint) -> bool {
    use Endpoint::{Api, Discovery, Jwks, Metadata, Par, Register, Revoke, Token, Userinfo};
    matches!(endpoint, Api | Par | Discovery | Jwks | Metadata | Register | Revoke | Token | Userinfo)
}

/// A form without repeated parameters (RFC 6749 section 3.2).
///
/// # Errors
/// `invalid_request`.
pub(crate) fn form_only(request: &Request) -> Result<(), OAuthError> {
    if !request.is_of_type(FORM) {
        return Err(OAuthError::invalid_request("the body has to be application/x-www-form-urlencoded"));
    }
    match request.form.any_repeats() {
        true => Err(OAuthError::invalid_request("a parameter is repeated")),
        false => Ok(()),
    }
}

fn json(answer: Result<Reply, OAuthError>) -> Reply {
    answer.unwrap_or_else(|error| error.reply())
}
