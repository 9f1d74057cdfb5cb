//! The authorization endpoint (RFC 6749 section 3.1, RFC 7636, RFC 8707, RFC 9207).

use http::StatusCode;
use url::Url;

use super::{decide, issue};
use crate::client::{Client, redirect};
use crate::config::{IssuerConfig, ResourcePolicy};
use crate::error::OAuthError;
use crate::grant::AuthRequest;
use crate::html::{error_page, escape, page};
use crate::issuer::Issuer;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::Request;

/// `GET` or `POST /authorize`.
pub(super) fn authorize(issuer: &Issuer, request: &Request) -> Reply {
    let params = params(request);
    let target = match Target::read(issuer, params) {
        Ok(target) => target,
        Err(error) => return error_page(error.status, &error.code, &error.description),
    };
    match checked(issuer, params, &target) {
        Ok(auth) => decide::start(issuer, request, auth),
        Err(error) => refuse(issuer, request, &target, &error),
    }
}

/// An error as this endpoint sends it: to the client if its redirect URI is good, else as a page.
pub(super) fn refused(issuer: &Issuer, request: &Request, error: &OAuthError) -> Reply {
    match Target::read(issuer, params(request)) {
        Ok(target) => to_client(&error_location(issuer, &target.uri, target.state.as_deref(), error)),
        Err(page) => error_page(page.status, &page.code, &page.description),
    }
}

/// Sends the user agent back with an error.
pub(super) fn error_location(issuer: &Issuer, uri: &str, state: Option<&str>, error: &OAuthError) -> String {
    location(issuer, uri, state, &[("error", &error.code), ("error_description", &error.description)])
}

/// The redirect URI with answer, `state`, and `iss` (RFC 9207 section 2).
pub(super) fn location(issuer: &Issuer, uri: &str, state: Option<&str>, answer: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(answer);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    if issuer.config().iss_in_response {
        query.append_pair("iss", &issuer.url());
    }
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{}", query.finish())
}

/// An authorization response.
pub(super) fn to_client(location: &str) -> Reply {
    Reply { authorization_response: true, ..Reply::redirect(location) }
}

/// Resources that the policy allows (RFC 8707 section 2).
///
/// # Errors
/// `invalid_target`.
pub(super) fn resources(config: &IssuerConfig, params: &Params) -> Result<Vec<String>, OAuthError> {
    let asked: Vec<String> = params.all("resource").map(str::to_owned).collect();
    let allowed = |resource: &String| match &config.resources {
        ResourcePolicy::Any | ResourcePolicy::Ignore => Url::parse(resource).is_ok() && !resource.contains('#'),
        ResourcePolicy::Only(known) => known.contains(resource),
        ResourcePolicy::Refuse => false,
    };
    match &config.resources {
        ResourcePolicy::Ignore => Ok(Vec::new()),
        _ if asked.iter().all(allowed) => Ok(asked),
        _ => Err(OAuthError::invalid_target("the resource is not served here")),
    }
}

/// The scope to grant: asked for, or the default.
///
/// # Errors
/// `invalid_scope` for a scope that issuer or client does not have.
pub(super) fn scope(config: &IssuerConfig, client: &Client, asked: &str) -> Result<String, OAuthError> {
    let asked = match asked {
        "" => client.scope.as_deref().unwrap_or(&config.default_scope),
        some => some,
    };
    let registered: Option<Vec<&str>> = client.scope.as_deref().map(|scope| scope.split(' ').collect());
    let allowed = |word: &str| {
        (config.any_scope || config.scopes.iter().any(|known| known == word))
            && registered.as_ref().is_none_or(|registered| registered.contains(&word))
    };
    match asked.split(' ').find(|word| !well_formed(word) || !allowed(word)) {
        None => Ok(asked.to_owned()),
        Some(_) => Err(OAuthError::invalid_scope("a scope is malformed or not known here")),
    }
}

/// Where an answer goes, and in reply to which `state`. Errors before this is known are shown to the user only.
struct Target {
    client: Client,
    uri: String,
    given: bool,
    state: Option<String>,
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
        Ok(Self { client, uri, given, state: params.get("state").map(str::to_owned) })
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
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(OAuthError::invalid_request("only the response mode query is supported"));
    }
    if !target.client.may_use("authorization_code") {
        return Err(OAuthError::unauthorized_client("the client did not register authorization_code"));
    }
    let prompt: Vec<String> = params.text("prompt").split(' ').map(str::to_owned).collect();
    if prompt.len() > 1 && prompt.iter().any(|word| word == "none") {
        return Err(OAuthError::invalid_request("prompt none goes with nothing else"));
    }
    Ok(AuthRequest {
        challenge: challenge(&config, &target.client, params)?,
        client: target.client.clone(),
        login_hint: params.get("login_hint").map(str::to_owned),
        nonce: params.get("nonce").map(str::to_owned),
        prompt,
        redirect_uri: target.uri.clone(),
        redirect_given: target.given,
        resources: resources(&config, params)?,
        scope: scope(&config, &target.client, params.text("scope"))?,
        state: target.state.clone(),
    })
}

/// A `scope-token` of RFC 6749 section 3.3.
fn well_formed(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// RFC 7636 section 4.3, S256 only.
fn challenge(config: &IssuerConfig, client: &Client, params: &Params) -> Result<Option<String>, OAuthError> {
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) if client.needs_pkce(config) => Err(OAuthError::invalid_request("code_challenge is missing")),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(OAuthError::invalid_request("code_challenge_method without code_challenge")),
        (Some(challenge), Some("S256")) if issue::is_s256(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => Err(OAuthError::invalid_request("the code_challenge is no SHA-256 in base64url")),
        (Some(_), _) => Err(OAuthError::invalid_request("code_challenge_method has to be S256")),
    }
}

fn refuse(issuer: &Issuer, request: &Request, target: &Target, error: &OAuthError) -> Reply {
    let location = error_location(issuer, &target.uri, target.state.as_deref(), error);
    let stranger = target.client.dynamic && redirect::loopback(&target.uri).is_none();
    if !stranger || !issuer.config().confirm_error_redirects || decide::session(issuer, request).is_some() {
        return to_client(&location);
    }
    let body = format!(
        "<p>{}</p>\n<p><a href=\"{}\">Go back to {}</a></p>",
        escape(&error.description),
        escape(&location),
        escape(&redirect::shown_host(&target.uri))
    );
    page(StatusCode::BAD_REQUEST, "The application asked for something impossible", &body)
}
