//! The token endpoint (RFC 6749 section 3.2).

use super::{authorize, form_only, issue};
use crate::client::{Client, ClientAuth, authenticate};
use crate::config::RefreshPolicy;
use crate::error::OAuthError;
use crate::grant::Grant;
use crate::issuer::Issuer;
use crate::mint::seconds;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::Request;
use crate::secret;

/// `POST /token`.
pub(super) fn token(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    form_only(request)?;
    let client = authenticate(issuer, request)?;
    let form = &request.form;
    let kind = form.get("grant_type").ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    if !super::documents::GRANT_TYPES.contains(&kind) {
        return Err(OAuthError::new("unsupported_grant_type", "the grant type is not supported"));
    }
    if !client.may_use(kind) {
        return Err(OAuthError::unauthorized_client("the client did not register this grant type"));
    }
    match kind {
        "authorization_code" => authorization_code(issuer, &client, form),
        "refresh_token" => refresh_token(issuer, &client, form),
        _ => client_credentials(issuer, &client, form),
    }
}

fn authorization_code(issuer: &Issuer, client: &Client, form: &Params) -> Result<Reply, OAuthError> {
    let key = secret::s256(form.get("code").ok_or_else(|| OAuthError::invalid_request("code is missing"))?);
    let code = {
        let mut state = issuer.lock();
        let found = state.codes.get_mut(&key).filter(|code| code.grant.client_id == client.id);
        let code = found.ok_or_else(|| OAuthError::invalid_grant("the code is not known for this client"))?;
        let was_used = std::mem::replace(&mut code.used, true);
        let code = code.clone();
        if was_used {
            // Somebody else has it too (RFC 6749 section 4.1.2).
            state.end_grant(&code.grant.id);
            return Err(OAuthError::invalid_grant("the code was used before"));
        }
        code
    };
    if code.expires <= issuer.now() {
        return Err(OAuthError::invalid_grant("the code is expired"));
    }
    match (form.get("redirect_uri"), &code.redirect_uri) {
        (Some(sent), Some(asked)) if sent != asked => {
            return Err(OAuthError::invalid_grant("redirect_uri is not the one of the authorization request"));
        }
        // OAuth 2.1 dropped the parameter because PKCE does its work; without PKCE it still has to be there.
        (None, Some(_)) if code.challenge.is_none() => {
            return Err(OAuthError::invalid_grant("redirect_uri is missing"));
        }
        _ => {}
    }
    check_verifier(code.challenge.as_deref(), form.get("code_verifier"))?;
    let resources = narrowed(issuer, &code.grant, form)?;
    Ok(issue::answer(issuer, client, &code.grant, &code.grant.scope, &resources, true))
}

/// RFC 7636 section 4.6; a verifier without challenge is a downgrade (RFC 9700 section 4.8.2).
fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_grant("code_verifier, but there was no code_challenge")),
        (Some(_), None) => Err(OAuthError::invalid_grant("code_verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            let equal = issue::is_verifier(verifier) && secret::same(&secret::s256(verifier), challenge);
            if equal { Ok(()) } else { Err(OAuthError::invalid_grant("code_verifier does not match")) }
        }
    }
}

fn refresh_token(issuer: &Issuer, client: &Client, form: &Params) -> Result<Reply, OAuthError> {
    let text = form.get("refresh_token").ok_or_else(|| OAuthError::invalid_request("refresh_token is missing"))?;
    let now = issuer.now();
    let mut state = issuer.lock();
    let config = std::sync::Arc::clone(&state.config);
    let found = state.refresh.get_mut(&secret::s256(text)).filter(|refresh| refresh.grant.client_id == client.id);
    let refresh = found.ok_or_else(|| OAuthError::invalid_grant("the refresh token is not known for this client"))?;
    if refresh.expires <= now {
        return Err(OAuthError::invalid_grant("the refresh token is expired"));
    }
    let grant = refresh.grant.clone();
    if refresh.used.is_some_and(|used| now - used >= seconds(config.refresh_grace)) {
        state.end_grant(&grant.id);
        return Err(OAuthError::invalid_grant("the refresh token was used before"));
    }
    drop(state);
    // A request that asks for too much must not cost the client its token: rotate last.
    let scope = narrowed_scope(&grant, form)?;
    let resources = narrowed(issuer, &grant, form)?;
    let rotates = config.refresh == RefreshPolicy::Rotate;
    if let Some(refresh) = issuer.lock().refresh.get_mut(&secret::s256(text)) {
        match rotates {
            true => drop(refresh.used.get_or_insert(now)),
            false => refresh.expires = now + seconds(config.refresh_ttl),
        }
    }
    Ok(issue::answer(issuer, client, &grant, &scope, &resources, rotates))
}

fn client_credentials(issuer: &Issuer, client: &Client, form: &Params) -> Result<Reply, OAuthError> {
    if client.auth == ClientAuth::None {
        return Err(OAuthError::unauthorized_client("a public client cannot act for itself"));
    }
    let config = issuer.config();
    let asked = form.text("scope");
    let scope = match (asked, &client.scope) {
        // The default of users, openid, means nothing without one.
        ("", None) => String::new(),
        _ => authorize::scope(&config, client, asked)?,
    };
    let grant = Grant {
        id: secret::random_id(),
        auth_time: None,
        client_id: client.id.clone(),
        nonce: None,
        resources: authorize::resources(&config, form)?,
        scope,
        user: None,
    };
    Ok(issue::answer(issuer, client, &grant, &grant.scope, &grant.resources, false))
}

/// The resources for this token: asked for now, within those of the grant (RFC 8707 section 2.2).
fn narrowed(issuer: &Issuer, grant: &Grant, form: &Params) -> Result<Vec<String>, OAuthError> {
    let asked = authorize::resources(&issuer.config(), form)?;
    if asked.is_empty() {
        return Ok(grant.resources.clone());
    }
    match asked.iter().all(|resource| grant.resources.contains(resource)) {
        true => Ok(asked),
        false => Err(OAuthError::invalid_target("the resource was not part of the authorization")),
    }
}

/// RFC 6749 section 6: never more than what was granted.
fn narrowed_scope(grant: &Grant, form: &Params) -> Result<String, OAuthError> {
    let Some(asked) = form.get("scope") else { return Ok(grant.scope.clone()) };
    let granted: Vec<&str> = grant.scope.split(' ').collect();
    match asked.split(' ').all(|word| granted.contains(&word)) {
        true => Ok(asked.to_owned()),
        false => Err(OAuthError::invalid_scope("the scope is more than what was granted")),
    }
}
