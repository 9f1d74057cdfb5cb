//! Resource indicators (RFC 8707): what may be asked, and how the token request may narrow it.

use url::Url;

use crate::config::{IssuerConfig, ResourcePolicy};
use crate::error::OAuthError;
use crate::params::Params;

/// The resources of an authorization or token request, scheme and host in lower case.
///
/// # Errors
/// `invalid_target`: malformed, or not served here.
pub(crate) fn requested(config: &IssuerConfig, params: &Params) -> Result<Vec<String>, OAuthError> {
    permitted(config, params.all("resource"))
}

/// These as resources.
///
/// # Errors
/// As [`requested`].
pub(crate) fn permitted<'a>(
    config: &IssuerConfig,
    named: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, OAuthError> {
    let mut resources = Vec::new();
    for text in named {
        if config.resources == ResourcePolicy::Ignore {
            continue;
        }
        let resource = normal(text).ok_or_else(|| refused("a resource is not an absolute URI without fragment"))?;
        match &config.resources {
            ResourcePolicy::Any | ResourcePolicy::Ignore => {}
            ResourcePolicy::Only(served) if served.contains(&resource) => {}
            ResourcePolicy::Only(_) => return Err(refused("the resource is not served here")),
            ResourcePolicy::Refuse => return Err(refused("the resource parameter is not supported")),
        }
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    if resources.len() > MAX_RESOURCES {
        return Err(refused("too many resources"));
    }
    Ok(resources)
}

/// The part of the granted resources that a token is for (RFC 8707 section 2.2).
///
/// # Errors
/// `invalid_target` when something else is asked for.
pub(crate) fn narrow(granted: &[String], asked: Vec<String>) -> Result<Vec<String>, OAuthError> {
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    match asked.iter().all(|resource| granted.contains(resource)) {
        true => Ok(asked),
        false => Err(refused("the resource was not part of the grant")),
    }
}

/// Scheme and host in lower case (RFC 3986 section 6.2.2.1); the rest as it came, a missing slash stays missing.
fn normal(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('#') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let (scheme, rest) = text.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let Some(rest) = rest.strip_prefix("//") else {
        // `https:host` is something URL parsers repair; it is not what RFC 3986 calls a URI with an authority.
        return (!["http", "https"].contains(&url.scheme())).then(|| format!("{scheme}:{rest}"));
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    Some(format!("{scheme}://{}{path}", authority.to_ascii_lowercase()))
}

fn refused(why: &str) -> OAuthError {
    OAuthError::invalid_target(why)
}

const MAX_RESOURCES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_uris_without_fragment() {
        for (text, same) in [
            ("HTTPS://MCP.Example.com/Mcp", "https://mcp.example.com/Mcp"),
            ("https://mcp.example", "https://mcp.example"),
            ("urn:example:a", "urn:example:a"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(same));
        }
        for bad in ["mcp.example.com", "/mcp", "https://h/#f", "https://h/#", "https://", "https:h", "https://h/ x"] {
            assert_eq!(normal(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_request_only_narrows() {
        let granted = vec!["https://a.example".to_owned(), "https://b.example".to_owned()];
        assert_eq!(narrow(&granted, vec![]).expect("all of it"), granted);
        assert_eq!(narrow(&granted, granted[1..].to_vec()).expect("a part"), granted[1..]);
        let more = narrow(&granted, vec!["https://c.example".to_owned()]);
        assert_eq!(more.expect_err("more").code, "invalid_target");
    }
}
