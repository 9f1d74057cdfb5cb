//! The authorization endpoint (RFC 6749 section 3.1, RFC 7636, RFC 8707, RFC 9207; OAuth 2.0 Form Post Response Mode).

use super::{pages, par};
use crate::client::{Client, redirect};
use crate::config::IssuerConfig;
use crate::error::OAuthError;
use crate::html::{error_page, form_post};
use crate::issuer::Issuer;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::AuthRequest;
use crate::{quirks, resource, scope, secret};

/// `GET` or `POST /authorize`.
pub(super) fn authorize(issuer: &Issuer, request: &Request) -> Reply {
    let shown = |error: &OAuthError| error_page(error.status, &error.code, &error.description);
    let params = match par::resolve(issuer, params(request)) {
        Ok(params) => params,
        Err(error) => return shown(&error),
    };
    let target = match Target::read(issuer, &params) {
        Ok(target) => target,
        Err(error) => return shown(&error),
    };
    match checked(issuer, &params, &target) {
        Ok(auth) => pages::start(issuer, request, auth),
        Err(error) => respond_error(issuer, &params, &target.uri, &error),
    }
}

/// Whether these parameters make a good authorization request.
///
/// # Errors
/// What the authorization endpoint would say.
pub(super) fn check(issuer: &Issuer, params: &Params) -> Result<(), OAuthError> {
    let target = Target::read(issuer, params)?;
    checked(issuer, params, &target).map(drop)
}

/// An error as this endpoint sends it: to the client if its redirect URI is good, else as a page.
pub(super) fn refused(issuer: &Issuer, request: &Request, error: &OAuthError) -> Reply {
    let params = par::resolve(issuer, params(request)).unwrap_or_default();
    match Target::read(issuer, &params) {
        Ok(target) => respond_error(issuer, &params, &target.uri, error),
        Err(page) => error_page(page.status, &page.code, &page.description),
    }
}

/// The authorization response: the redirect URI with the answer, `state`, and `iss` (RFC 9207 section 2), as a script
/// may change it; or a form with them, where the request wants that. `asked` are the parameters of the authorization
/// request.
pub(super) fn respond(
    issuer: &Issuer,
    asked: &Params,
    uri: &str,
    answer: &[(&str, &str)],
    other_code: impl FnOnce() -> Option<String>,
) -> Reply {
    let mut params: Vec<(String, String)> =
        answer.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if let Some(state) = asked.get("state") {
        params.push(("state".to_owned(), state.to_owned()));
    }
    if issuer.config().iss_in_response {
        params.push(("iss".to_owned(), issuer.url()));
    }
    let script = issuer.lock().scripts.take_redirect(asked).and_then(|script| script.redirect);
    let mut to = uri.to_owned();
    if let Some(script) = script {
        if script.other_code
            && let Some(code) = other_code()
            && let Some(place) = params.iter_mut().find(|(name, _)| name == "code")
        {
            place.1 = code;
        }
        script.alter(&mut params);
        to = script.to.unwrap_or(to);
    }
    if asked.get("response_mode") == Some(FORM_POST) {
        return form_post(&to, &params);
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let separator = if to.contains('?') { '&' } else { '?' };
    Reply::redirect(&format!("{to}{separator}{query}"))
}

/// An authorization response with an error (RFC 6749 section 4.1.2.1).
pub(super) fn respond_error(issuer: &Issuer, asked: &Params, uri: &str, error: &OAuthError) -> Reply {
    let answer = [("error", error.code.as_str()), ("error_description", &error.description)];
    respond(issuer, asked, uri, &answer, || None)
}

/// Where an answer goes, and in reply to which `state`. Errors before this is known are shown to the user only.
struct Target {
    client: Client,
    uri: String,
    given: bool,
}

impl Target {
    fn read(issuer: &Issuer, params: &Params) -> Result<Self, OAuthError> {
        if ["client_id", "redirect_uri", "state"].iter().any(|name| params.repeats(name)) {
            return Err(OAuthError::invalid_request("client_id, redirect_uri or state is repeated"));
        }
        let client = issuer
            .client(params.text("client_id"))
            .ok_or_else(|| OAuthError::new("invalid_client", "the client is not known here"))?;
        let (uri, given) = match (params.get("redirect_uri"), client.redirect_uris.as_slice()) {
            (Some(uri), _) if redirect::is_registered(&client, uri) => (uri.to_owned(), true),
            (Some(_), _) => return Err(OAuthError::invalid_request("the redirect URI is not registered")),
            (None, [only]) => (only.clone(), false),
            (None, _) => return Err(OAuthError::invalid_request("redirect_uri is missing")),
        };
        Ok(Self { client, uri, given })
    }
}

fn params(request: &Request) -> &Params {
    if request.is_get() { &request.query } else { &request.form }
}

fn checked(issuer: &Issuer, params: &Params, target: &Target) -> Result<AuthRequest, OAuthError> {
    let config = issuer.config();
    if params.any_repeats() {
        return Err(OAuthError::invalid_request("a parameter is repeated"));
    }
    for (name, code) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
        if params.get(name).is_some() {
            return Err(OAuthError::new(code, "request objects are not supported"));
        }
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(OAuthError::new("unsupported_response_type", "only code is supported")),
        None => return Err(OAuthError::invalid_request("response_type is missing")),
    }
    if params.get("response_mode").is_some_and(|mode| !RESPONSE_MODES.contains(&mode)) {
        return Err(OAuthError::invalid_request("only the response modes query and form_post are supported"));
    }
    if !target.client.may_use("authorization_code") {
        return Err(OAuthError::unauthorized_client("the client did not register authorization_code"));
    }
    quirks::request(&config, params, None)?;
    let prompt: Vec<String> = params.text("prompt").split(' ').map(str::to_owned).collect();
    if prompt.len() > 1 && prompt.iter().any(|word| word == "none") {
        return Err(OAuthError::invalid_request("prompt none goes with nothing else"));
    }
    Ok(AuthRequest {
        challenge: challenge(&config, &target.client, params)?,
        client: target.client.clone(),
        dpop_jkt: params.get("dpop_jkt").map(str::to_owned),
        login_hint: params.get("login_hint").map(str::to_owned),
        max_age: max_age(params)?,
        nonce: params.get("nonce").map(str::to_owned),
        prompt,
        redirect_uri: target.uri.clone(),
        redirect_given: target.given,
        asked: params.clone(),
        resources: resource::requested(&config, params)?,
        scope: scope::grant(&config, &target.client, params.get("scope"))?,
    })
}

fn max_age(params: &Params) -> Result<Option<i64>, OAuthError> {
    let wrong = |_| OAuthError::invalid_request("max_age is no number of seconds");
    Ok(params.get("max_age").map(str::parse::<u32>).transpose().map_err(wrong)?.map(i64::from))
}

/// RFC 7636 section 4.3, S256 only but for clients that use PKCE as they like. A plain challenge is kept as S256 keeps it.
fn challenge(config: &IssuerConfig, client: &Client, params: &Params) -> Result<Option<String>, OAuthError> {
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) if client.needs_pkce(config) => Err(OAuthError::invalid_request("code_challenge is missing")),
        (None, None) => Ok(None),
        (None, Some(_)) if client.any_pkce => Ok(None),
        (None, Some(_)) => Err(OAuthError::invalid_request("code_challenge_method without code_challenge")),
        (Some(challenge), method) if client.any_pkce => Ok(Some(match method {
            Some(method) if method.eq_ignore_ascii_case("S256") => challenge.trim_end_matches('=').to_owned(),
            _ => secret::s256(challenge),
        })),
        (Some(challenge), Some("S256")) if is_s256(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => Err(OAuthError::invalid_request("the code_challenge is no SHA-256 in base64url")),
        (Some(_), _) => Err(OAuthError::invalid_request("code_challenge_method has to be S256")),
    }
}

/// The shape of an S256 `code_challenge`.
fn is_s256(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Form Post Response Mode section 2.
const FORM_POST: &str = "form_post";
/// How an answer can come, as advertised.
pub(super) const RESPONSE_MODES: [&str; 2] = ["query", FORM_POST];
