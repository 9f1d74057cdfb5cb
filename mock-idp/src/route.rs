//! Which issuer and endpoint a path means.

use http::Method;

use crate::script::Endpoint;

/// Where a path leads.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Route<'a> {
    Control(&'a str),
    Endpoint { issuer: &'a str, endpoint: Endpoint },
    Nowhere,
}

/// Reads a path. The endpoint is its end (or, for metadata, its beginning), the issuer is the rest.
pub(crate) fn resolve(path: &str) -> Route<'_> {
    if let Some(command) = path.strip_prefix("/_control/") {
        return Route::Control(command);
    }
    for document in DOCUMENTS {
        // RFC 8414 section 3: inserted between host and path.
        if let Some(rest) = path.strip_prefix(document)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return endpoint(rest, Endpoint::Metadata);
        }
        // OpenID Connect Discovery section 4: appended.
        if let Some(rest) = path.strip_suffix(document) {
            return endpoint(rest, Endpoint::Metadata);
        }
    }
    let (rest, last) = path.rsplit_once('/').unwrap_or(("", path));
    match ENDPOINTS.iter().find(|(name, _)| *name == last) {
        Some((_, found)) => endpoint(rest, *found),
        None => endpoint(path, Endpoint::Debug),
    }
}

/// What an endpoint can be asked; HEAD goes with GET.
pub(crate) fn methods(endpoint: Endpoint) -> &'static [Method] {
    use Endpoint::{
        AuthorizationResponse, Authorize, Consent, Debug, Introspect, Jwks, Login, Metadata, Register, Revoke, Token,
        Userinfo,
    };
    match endpoint {
        Debug | Jwks | Metadata => &[Method::GET],
        Introspect | Register | Revoke | Token => &[Method::POST],
        // OpenID Connect Core sections 3.1.2.1 and 5.3.1 want both for these two.
        Authorize | Userinfo | Consent | Login => &[Method::GET, Method::POST],
        AuthorizationResponse => &[],
    }
}

/// Whether scripts of other sites may call it. Never the authorization endpoint (OAuth 2.1 section 3.1).
pub(crate) fn cross_origin(endpoint: Endpoint) -> bool {
    use Endpoint::{Jwks, Metadata, Register, Revoke, Token, Userinfo};
    matches!(endpoint, Jwks | Metadata | Register | Revoke | Token | Userinfo)
}

/// Names with empty, dotted or underscored segments are nobody's: `/.well-known/x` must not become an issuer.
fn endpoint(issuer: &str, endpoint: Endpoint) -> Route<'_> {
    let name = issuer.strip_prefix('/').unwrap_or(issuer);
    let name = name.strip_suffix('/').unwrap_or(name);
    let sound = |segment: &str| !segment.is_empty() && !segment.starts_with(['.', '_']) && segment != "favicon.ico";
    if name.len() > MAX_NAME || !(name.is_empty() || name.split('/').all(sound)) {
        return Route::Nowhere;
    }
    Route::Endpoint { issuer: name, endpoint }
}

const DOCUMENTS: [&str; 2] = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

const ENDPOINTS: [(&str, Endpoint); 9] = [
    ("authorize", Endpoint::Authorize),
    ("consent", Endpoint::Consent),
    ("introspect", Endpoint::Introspect),
    ("jwks", Endpoint::Jwks),
    ("login", Endpoint::Login),
    ("register", Endpoint::Register),
    ("revoke", Endpoint::Revoke),
    ("token", Endpoint::Token),
    ("userinfo", Endpoint::Userinfo),
];

/// Bytes of an issuer's name.
const MAX_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_issuer_and_endpoint() {
        for (path, issuer, endpoint) in [
            ("/", "", Endpoint::Debug),
            ("/corp", "corp", Endpoint::Debug),
            ("/corp/", "corp", Endpoint::Debug),
            ("/token", "", Endpoint::Token),
            ("/corp/token", "corp", Endpoint::Token),
            ("/tenants/a/jwks", "tenants/a", Endpoint::Jwks),
            ("/.well-known/oauth-authorization-server", "", Endpoint::Metadata),
            ("/.well-known/oauth-authorization-server/tenants/a", "tenants/a", Endpoint::Metadata),
            ("/.well-known/openid-configuration/corp", "corp", Endpoint::Metadata),
            ("/corp/.well-known/openid-configuration", "corp", Endpoint::Metadata),
        ] {
            assert_eq!(resolve(path), Route::Endpoint { issuer, endpoint }, "{path}");
        }
    }

    #[test]
    fn other_well_known_documents_are_not_there() {
        for path in ["/.well-known/oauth-protected-resource", "/corp/.well-known/x", "/a//token", "/favicon.ico", "/_x"] {
            assert_eq!(resolve(path), Route::Nowhere, "{path}");
        }
        assert_eq!(resolve("/_control/rotate"), Route::Control("rotate"));
    }
}
