//! Requests that a provider refuses though the specifications allow them.

use http::StatusCode;
use serde_json::{Map, Value};
use url::Url;

use super::{Quirks, Refusal, is_openid, resource_of};
use crate::config::IssuerConfig;
use crate::error::OAuthError;
use crate::params::Params;

/// Checks an authorization request, or a token request of that grant type, which may leave out what was asked before. What
/// a client asks for itself was not asked before.
///
/// # Errors
/// In the provider's own words.
pub(crate) fn request(config: &IssuerConfig, params: &Params, grant: Option<&str>) -> Result<(), OAuthError> {
    let machine = grant == Some("client_credentials");
    let first = machine || grant.is_none();
    let quirks = &config.quirks;
    let asked = params.text("scope");
    let refused = |refusal: &Refusal, scope: &str| Err(error(refusal, params.text("resource"), scope));
    if let Some(refusal) = quirks.scope_required.as_ref().filter(|_| first && asked.is_empty()) {
        return refused(refusal, "");
    }
    if let Some(only) = config.quirks.machine_scope.as_ref().filter(|_| machine && !asked.is_empty()) {
        let suffixed =
            !asked.contains(' ') && asked.strip_suffix(&only.suffix).is_some_and(|resource| !resource.is_empty());
        return if suffixed { Ok(()) } else { refused(&only.refusal, asked) };
    }
    for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
        let listed = |scopes: &[String]| scopes.iter().any(|known| known == scope);
        if let Some(never) = quirks.refused_scopes.as_ref().filter(|never| listed(&never.scopes)) {
            return refused(&never.refusal, scope);
        }
        if let Some(bare) = &quirks.bare_scopes
            && resource_of(scope).is_none()
            && !is_openid(scope)
            && !listed(&bare.known)
        {
            return refused(&bare.refusal, scope);
        }
    }
    match &quirks.resource_agrees_with_scope {
        Some(refusal) if !agrees(params, asked) => refused(refusal, asked),
        _ => Ok(()),
    }
}

/// Whether every `resource` is the one in front of some scope; a request without scope says nothing against it.
fn agrees(params: &Params, asked: &str) -> bool {
    let named = |resource: &str| asked.split(' ').any(|scope| resource_of(scope) == Some(resource));
    asked.is_empty() || params.all("resource").all(named)
}

/// Checks who registers.
///
/// # Errors
/// In the provider's own words.
pub(crate) fn registration(quirks: &Quirks, metadata: &Map<String, Value>) -> Result<(), OAuthError> {
    let Some(closed) = &quirks.closed_registration else { return Ok(()) };
    let uris = metadata.get("redirect_uris").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let host = |uri: &Value| Some(Url::parse(uri.as_str()?).ok()?.host_str()?.to_owned());
    let trusted = |uri: &Value| host(uri).is_some_and(|host| closed.trusted_hosts.contains(&host));
    if !uris.is_empty() && uris.iter().all(trusted) {
        return Ok(());
    }
    let status = StatusCode::from_u16(closed.status).unwrap_or(StatusCode::FORBIDDEN);
    Err(OAuthError { status, ..error(&closed.refusal, "", "") })
}

fn error(refusal: &Refusal, resource: &str, scope: &str) -> OAuthError {
    OAuthError::new(&refusal.error, &refusal.description.replace("{resource}", resource).replace("{scope}", scope))
}
