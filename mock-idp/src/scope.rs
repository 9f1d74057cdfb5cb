//! Scopes: which are well-formed, known, and contained in which (RFC 6749 section 3.3).

use crate::client::{Client, ClientAuth};
use crate::config::IssuerConfig;
use crate::error::OAuthError;

/// What a client gets of what it asked for: the known part, or the default when it asked for nothing.
///
/// # Errors
/// `invalid_scope`: malformed, or nothing of it is known.
pub(crate) fn grant(config: &IssuerConfig, client: &Client, asked: Option<&str>) -> Result<String, OAuthError> {
    let wanted = asked.or(client.scope.as_deref()).unwrap_or(&config.default_scope);
    if wanted.split(' ').any(|one| !is_token(one)) {
        return Err(OAuthError::invalid_scope("the scope is malformed"));
    }
    let any = config.any_scope || client.auth == ClientAuth::Anything;
    let known = |one: &str| any || config.scopes.iter().any(|known| known == one);
    let registered = |one: &str| client.scope.as_deref().is_none_or(|scope| contains(scope, one));
    let mut granted: Vec<&str> = Vec::new();
    for one in wanted.split(' ') {
        if known(one) && registered(one) && !granted.contains(&one) {
            granted.push(one);
        }
    }
    if granted.is_empty() {
        return Err(OAuthError::invalid_scope("no requested scope is available to the client"));
    }
    Ok(granted.join(" "))
}

/// A scope list as it was asked for, without repetitions.
///
/// # Errors
/// `invalid_scope`: malformed.
pub(crate) fn well_formed(asked: &str) -> Result<String, OAuthError> {
    let mut words: Vec<&str> = Vec::new();
    for one in asked.split(' ') {
        if !is_token(one) {
            return Err(OAuthError::invalid_scope("the scope is malformed"));
        }
        if !words.contains(&one) {
            words.push(one);
        }
    }
    Ok(words.join(" "))
}

/// A narrower scope of a grant (RFC 6749 section 6).
///
/// # Errors
/// `invalid_scope` when more is asked than was granted.
pub(crate) fn narrow(granted: &str, asked: Option<&str>) -> Result<String, OAuthError> {
    match asked {
        None => Ok(granted.to_owned()),
        Some(asked) if asked.split(' ').all(|one| contains(granted, one)) => Ok(asked.to_owned()),
        Some(_) => Err(OAuthError::invalid_scope("more scope than was granted")),
    }
}

/// The values that two scope lists share, in the order of the first.
pub(crate) fn common(scope: &str, limit: &str) -> String {
    scope.split(' ').filter(|one| !one.is_empty() && contains(limit, one)).collect::<Vec<_>>().join(" ")
}

/// Whether a scope list has a value.
pub(crate) fn contains(scope: &str, one: &str) -> bool {
    scope.split(' ').any(|value| value == one)
}

/// `scope-token` of RFC 6749 section 3.3.
fn is_token(one: &str) -> bool {
    !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_dropped_and_nothing_left_is_refused() {
        let config = IssuerConfig { any_scope: false, ..IssuerConfig::default() };
        let client = Client::default();
        assert_eq!(grant(&config, &client, Some("openid admin openid email")).expect("a part"), "openid email");
        assert_eq!(grant(&config, &client, None).expect("the default"), "openid");
        for bad in ["admin", "openid  email", "a\"b", " "] {
            assert_eq!(grant(&config, &client, Some(bad)).expect_err("refused").code, "invalid_scope", "{bad:?}");
        }
        assert!(narrow("a b", Some("a c")).is_err());
    }
}
