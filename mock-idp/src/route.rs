//! Which issuer and endpoint a path means.

use crate::script::Endpoint;

/// Where a path leads.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Route<'a> {
    Control(&'a str),
    Endpoint { issuer: &'a str, endpoint: Endpoint },
    Home,
    Nowhere,
}

/// Reads a path. The endpoint is its end (or, for metadata, its beginning), the issuer is the rest.
pub(crate) fn resolve(path: &str) -> Route<'_> {
    if path == "/" {
        return Route::Home;
    }
    if let Some(command) = path.strip_prefix("/.control/") {
        return Route::Control(command);
    }
    for (document, found) in DOCUMENTS {
        // RFC 8414 section 3: inserted between host and path.
        if let Some(rest) = path.strip_prefix(document)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            // An issuer may end with a slash.
            return endpoint(rest.strip_suffix('/').unwrap_or(rest), found);
        }
        // OpenID Connect Discovery section 4: appended.
        if let Some(rest) = path.strip_suffix(document) {
            return endpoint(rest, found);
        }
    }
    let (rest, last) = path.rsplit_once('/').unwrap_or(("", path));
    let found = Endpoint::ALL.into_iter().find(|known| known.name() == last);
    match found.filter(|found| DOCUMENTS.iter().all(|(_, document)| document != found)) {
        Some(found) => endpoint(rest, found),
        None => below_api(path),
    }
}

/// The API has paths below it; one that ends with the name of an endpoint is that endpoint, of an issuer `.../api`.
fn below_api(path: &str) -> Route<'_> {
    match path.split_once("/api/") {
        Some((issuer, _)) => endpoint(issuer, Endpoint::Api),
        None => Route::Nowhere,
    }
}

/// Names with empty or dotted segments are nobody's: `/.well-known/x` must not become an issuer.
fn endpoint(issuer: &str, endpoint: Endpoint) -> Route<'_> {
    let name = issuer.strip_prefix('/').unwrap_or(issuer);
    if is_name(name) { Route::Endpoint { issuer: name, endpoint } } else { Route::Nowhere }
}

/// Whether an issuer can be called so.
pub(crate) fn is_name(name: &str) -> bool {
    let sound = |segment: &str| !segment.is_empty() && !segment.starts_with('.');
    name.len() <= MAX_NAME && (name.is_empty() || name.split('/').all(sound))
}

const DOCUMENTS: [(&str, Endpoint); 2] = [
    ("/.well-known/oauth-authorization-server", Endpoint::Metadata),
    ("/.well-known/openid-configuration", Endpoint::Discovery),
];
/// Bytes of an issuer's name.
const MAX_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_inserted_or_appended() {
        for (path, issuer, endpoint) in [
            ("/.well-known/oauth-authorization-server", "", Endpoint::Metadata),
            ("/.well-known/oauth-authorization-server/a/b", "a/b", Endpoint::Metadata),
            ("/a/b/.well-known/openid-configuration", "a/b", Endpoint::Discovery),
            ("/.well-known/openid-configuration/a/", "a", Endpoint::Discovery),
            ("/token", "", Endpoint::Token),
            ("/a/b/token", "a/b", Endpoint::Token),
            ("/a/b/api", "a/b", Endpoint::Api),
            ("/a/api/items/7", "a", Endpoint::Api),
            ("/api/", "", Endpoint::Api),
            ("/a/api/token", "a/api", Endpoint::Token),
        ] {
            assert_eq!(resolve(path), Route::Endpoint { issuer, endpoint }, "{path}");
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in ["/a", "/a//token", "/.hidden/token", "/metadata", "/.well-known/oauth-authorization-serverx", ""] {
            assert_eq!(resolve(path), Route::Nowhere, "{path}");
        }
        assert_eq!(resolve("/.control/script"), Route::Control("script"));
        assert_eq!(resolve("/"), Route::Home);
    }
}
