//! Endpoints at the paths that a product gives them.

use std::collections::BTreeMap;

use super::Quirks;
use crate::route::is_name;
use crate::script::Endpoint;

/// The path of an endpoint of the issuer of that name, as its metadata tells it; none if the endpoint has no other than its
/// own name below the issuer.
pub(crate) fn path_of(quirks: &Quirks, issuer: &str, endpoint: &str) -> Option<String> {
    let path = quirks.paths.get(endpoint)?.first()?;
    Some(match (path.starts_with('/'), root(quirks, issuer)) {
        (true, _) => path.clone(),
        (false, "") => format!("/{path}"),
        (false, root) => format!("/{root}/{path}"),
    })
}

/// The endpoint that the issuer of that name has at a path.
pub(crate) fn endpoint_at(quirks: &Quirks, issuer: &str, path: &str) -> Option<Endpoint> {
    let below = path.strip_prefix('/').and_then(|rest| match root(quirks, issuer) {
        "" => Some(rest),
        root => rest.strip_prefix(root)?.strip_prefix('/'),
    });
    endpoint(&quirks.paths, |known| known == path || Some(known) == below)
}

/// Who has an endpoint at a path, if an issuer with these quirks has it: its name, and the endpoint. Paths that do not tell
/// the issuer are nobody's here.
pub(crate) fn issuer_at(quirks: &Quirks, path: &str) -> Option<(String, Endpoint)> {
    let found = path.match_indices('/').find_map(|(at, _)| {
        let (root, rest) = (path[..at].trim_start_matches('/'), &path[at + 1..]);
        Some((root, endpoint(&quirks.paths, |known| known == rest)?))
    });
    let (root, endpoint) = found?;
    let name = match (root, quirks.paths_beside.as_str()) {
        ("", _) | (_, "") => root.to_owned(),
        (_, beside) => format!("{root}/{beside}"),
    };
    is_name(&name).then_some((name, endpoint))
}

fn endpoint(paths: &BTreeMap<String, Vec<String>>, is: impl Fn(&str) -> bool) -> Option<Endpoint> {
    let found = paths.iter().find(|(_, paths)| paths.iter().any(|path| is(path)));
    found.and_then(|(name, _)| Endpoint::parse(name).ok())
}

/// What the paths are below: the issuer's name, without the end beside which they stand.
fn root<'a>(quirks: &Quirks, issuer: &'a str) -> &'a str {
    let beside = quirks.paths_beside.as_str();
    let parent = issuer.strip_suffix(beside).filter(|_| !beside.is_empty());
    match parent.map(|parent| (parent, parent.strip_suffix('/'))) {
        Some(("", _)) => "",
        Some((_, Some(parent))) => parent,
        _ => issuer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quirks(paths: &[(&str, &[&str])], beside: &str) -> Quirks {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let paths = paths.iter().map(|(name, paths)| ((*name).to_owned(), owned(paths))).collect();
        Quirks { paths, paths_beside: beside.to_owned(), ..Quirks::default() }
    }

    #[test]
    fn paths_are_below_the_issuer() {
        let quirks = quirks(&[("token", &["oauth2/v4/token", "token"]), ("jwks", &[".well-known/jwks.json"])], "");
        assert_eq!(path_of(&quirks, "a/b", "token").as_deref(), Some("/a/b/oauth2/v4/token"));
        assert_eq!(path_of(&quirks, "", "jwks").as_deref(), Some("/.well-known/jwks.json"));
        assert_eq!(path_of(&quirks, "a", "authorize"), None);
        assert_eq!(endpoint_at(&quirks, "a", "/a/token"), Some(Endpoint::Token));
        assert_eq!(endpoint_at(&quirks, "a", "/b/token"), None);
        assert_eq!(endpoint_at(&quirks, "a", "/ab/token"), None);
        // The longest path decides.
        assert_eq!(issuer_at(&quirks, "/a/oauth2/v4/token"), Some(("a".to_owned(), Endpoint::Token)));
        assert_eq!(issuer_at(&quirks, "/a/b/.well-known/jwks.json"), Some(("a/b".to_owned(), Endpoint::Jwks)));
        for path in ["/a/tokens", "/a//token", "/.a/token", "/", ""] {
            assert_eq!(issuer_at(&quirks, path), None, "{path}");
        }
    }

    #[test]
    fn paths_are_beside_the_end_of_the_issuer_or_where_they_say() {
        let quirks = quirks(&[("token", &["oauth2/v2.0/token"]), ("register", &["/clients"])], "v2.0");
        for (issuer, path) in
            [("t/v2.0", "/t/oauth2/v2.0/token"), ("v2.0", "/oauth2/v2.0/token"), ("idp", "/idp/oauth2/v2.0/token")]
        {
            assert_eq!(path_of(&quirks, issuer, "token").as_deref(), Some(path));
            assert_eq!(endpoint_at(&quirks, issuer, path), Some(Endpoint::Token));
        }
        assert_eq!(path_of(&quirks, "tv2.0", "token").as_deref(), Some("/tv2.0/oauth2/v2.0/token"));
        assert_eq!(issuer_at(&quirks, "/t/oauth2/v2.0/token"), Some(("t/v2.0".to_owned(), Endpoint::Token)));
        assert_eq!(issuer_at(&quirks, "/oauth2/v2.0/token"), Some((String::new(), Endpoint::Token)));
        assert_eq!(path_of(&quirks, "t/v2.0", "register").as_deref(), Some("/clients"));
        assert_eq!(endpoint_at(&quirks, "t/v2.0", "/clients"), Some(Endpoint::Register));
        assert_eq!(issuer_at(&quirks, "/clients"), None);
    }
}
