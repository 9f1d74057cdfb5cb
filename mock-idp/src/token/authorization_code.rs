//! The authorization code grant (RFC 6749 section 4.1.3, RFC 7636).

use super::{Ask, Issue, narrowed};
use crate::client::Client;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::params::Params;
use crate::secret;
use crate::state::Code;

/// Redeems a code: once, by its client, with its redirect URI and verifier.
pub(super) fn redeem(ask: &Ask<'_>) -> Result<Issue, OAuthError> {
    let Ask { issuer, client, form, jkt, .. } = *ask;
    let text = form.get("code").ok_or_else(|| OAuthError::invalid_request("code is missing"))?;
    let (code, was_used) = used_up(issuer, client, text)?;
    let fits = fits(client, form, &code, jkt);
    if was_used {
        // Somebody else has it too (RFC 6749 section 4.1.2). Whoever lacks the verifier may not end anything with it.
        if fits.is_ok() {
            issuer.end_grant(&code.grant.id);
        }
        return Err(OAuthError::invalid_grant("the code was used before"));
    }
    if code.expires <= issuer.now() {
        return Err(OAuthError::invalid_grant("the code is expired"));
    }
    fits?;
    let resources = narrowed(issuer, &code.grant, form)?;
    let scope = code.grant.scope.clone();
    Ok(Issue { grant: code.grant, scope, resources, new_refresh: true, ..Issue::default() })
}

/// Whether a request is by whoever began: redirect URI, verifier, and the key where one was named.
fn fits(client: &Client, form: &Params, code: &Code, jkt: Option<&str>) -> Result<(), OAuthError> {
    match (form.get("redirect_uri"), &code.redirect_uri) {
        (Some(sent), Some(asked)) if sent != asked => {
            let error = OAuthError::invalid_grant("redirect_uri is not the one of the authorization request");
            return Err(OAuthError { of_redirect_uri: true, ..error });
        }
        // OAuth 2.1 dropped the parameter because PKCE does its work; without PKCE it still has to be there.
        (None, Some(_)) if code.challenge.is_none() => {
            return Err(OAuthError::invalid_grant("redirect_uri is missing"));
        }
        _ => {}
    }
    check_verifier(client, code.challenge.as_deref(), form.get("code_verifier"))?;
    if code.dpop_jkt.is_some() && code.dpop_jkt.as_deref() != jkt {
        return Err(OAuthError::invalid_grant("the code is bound to the key of dpop_jkt"));
    }
    Ok(())
}

/// The code, marked as used whatever comes of it, and whether it was before.
fn used_up(issuer: &Issuer, client: &Client, text: &str) -> Result<(Code, bool), OAuthError> {
    let mut state = issuer.lock();
    let found = state.codes.get_mut(&secret::s256(text)).filter(|code| code.grant.client_id == client.id);
    let code = found.ok_or_else(|| OAuthError::invalid_grant("the code is not known for this client"))?;
    let was_used = std::mem::replace(&mut code.used, true);
    Ok((code.clone(), was_used))
}

/// RFC 7636 section 4.6; a verifier without challenge is a downgrade (RFC 9700 section 4.8.2).
fn check_verifier(client: &Client, challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) if client.any_pkce => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_grant("code_verifier, but there was no code_challenge")),
        (Some(_), None) => Err(OAuthError::invalid_grant("code_verifier is missing")),
        (Some(challenge), Some(verifier)) => {
            let hashed = secret::s256(verifier);
            // A challenge by S256 that the request did not call so was kept as a plain one.
            let unnamed = client.any_pkce && secret::same(&secret::s256(&hashed), challenge);
            let equal = (client.any_pkce || is_verifier(verifier)) && secret::same(&hashed, challenge) || unnamed;
            if equal { Ok(()) } else { Err(OAuthError::invalid_grant("code_verifier does not match")) }
        }
    }
}

/// The shape of a `code_verifier` (RFC 7636 section 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
