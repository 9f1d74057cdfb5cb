//! The refresh token grant (RFC 6749 section 6, OAuth 2.1 section 4.3).

use super::{Ask, Issue, narrowed};
use crate::clock::seconds;
use crate::config::RefreshPolicy;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::state::Refresh;
use crate::{scope, secret};

/// Refreshes: by the client that has the token, within what was granted, with rotation as the settings want it.
pub(super) fn refresh(ask: &Ask<'_>) -> Result<Issue, OAuthError> {
    let Ask { issuer, client, form, jkt, .. } = *ask;
    let text = form.get("refresh_token").ok_or_else(|| OAuthError::invalid_request("refresh_token is missing"))?;
    let key = secret::s256(text);
    let found = issuer.lock().refresh.get(&key).cloned().filter(|refresh| refresh.grant.client_id == client.id);
    let refresh = found.ok_or_else(|| OAuthError::invalid_grant("the refresh token is not known for this client"))?;
    check(issuer, &refresh)?;
    if refresh.jkt.is_some() && refresh.jkt.as_deref() != jkt {
        return Err(OAuthError::invalid_grant("the refresh token is bound to another key"));
    }
    // A request that asks for too much must not cost the client its token: rotate last.
    let scope = scope::narrow(&refresh.grant.scope, form.get("scope"))?;
    let resources = narrowed(issuer, &refresh.grant, form)?;
    let new_refresh = rotate(issuer, &key)?;
    Ok(Issue { grant: refresh.grant, scope, resources, new_refresh, ..Issue::default() })
}

fn check(issuer: &Issuer, refresh: &Refresh) -> Result<(), OAuthError> {
    let (config, now) = (issuer.config(), issuer.now());
    if refresh.expires <= now || !issuer.lives(&refresh.grant) {
        return Err(OAuthError::invalid_grant("the refresh token is expired or revoked"));
    }
    if refresh.used.is_some_and(|used| now - used >= seconds(config.refresh_grace)) {
        if config.refresh == RefreshPolicy::Rotate {
            issuer.end_grant(&refresh.grant.id);
        }
        return Err(OAuthError::invalid_grant("the refresh token was used before"));
    }
    Ok(())
}

/// Marks a token as used, or prolongs it where none is rotated. Gives whether a new one is due.
///
/// # Errors
/// Another request used it in the meantime.
fn rotate(issuer: &Issuer, key: &str) -> Result<bool, OAuthError> {
    let (config, now) = (issuer.config(), issuer.now());
    let mut state = issuer.lock();
    let refresh =
        state.refresh.get_mut(key).ok_or_else(|| OAuthError::invalid_grant("the refresh token was forgotten"))?;
    let rotates = matches!(config.refresh, RefreshPolicy::Rotate | RefreshPolicy::RotateOnly);
    match refresh.used {
        _ if !rotates => refresh.expires = now + seconds(config.refresh_ttl),
        None => refresh.used = Some(now),
        Some(used) if now - used < seconds(config.refresh_grace) => {}
        Some(_) => return Err(OAuthError::invalid_grant("the refresh token was used before")),
    }
    Ok(rotates)
}
