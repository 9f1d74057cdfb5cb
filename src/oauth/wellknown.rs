//! Where metadata may stand: the candidates of RFC 9728 section 3, RFC 8414 section 3 and OpenID Connect Discovery section 4.

use url::Url;

/// Candidates for protected resource metadata of an MCP URL: path-inserted, then root (MCP, Protected Resource Metadata Discovery).
#[must_use]
pub fn protected_resource(mcp_url: &Url) -> Vec<String> {
    let origin = mcp_url.origin().ascii_serialization();
    let path = mcp_url.path();
    let root = format!("{origin}/.well-known/oauth-protected-resource");
    // RFC 9728 section 3.1 drops the slash behind the host alone, and keeps a query (section 1.2); what is also tried is what many serve.
    let exact = if path == "/" { String::new() } else { path.to_owned() };
    let query = mcp_url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut places = Vec::new();
    for place in [format!("{root}{exact}{query}"), format!("{root}{}", path.trim_end_matches('/')), root] {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// One place where authorization server metadata may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The URL to ask.
    pub url: String,
    /// `rfc8414`, `oidc-inserted` or `oidc-appended`.
    pub form: &'static str,
}

/// Candidates for the metadata of an issuer, in the order that MCP gives (Authorization Server Metadata Discovery).
/// An issuer that is no URL has none.
#[must_use]
pub fn authorization_server(issuer: &str) -> Vec<Candidate> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    let at = |url: String, form| Candidate { url, form };
    if path.is_empty() {
        vec![
            at(format!("{origin}/.well-known/oauth-authorization-server"), "rfc8414"),
            at(format!("{origin}/.well-known/openid-configuration"), "oidc-appended"),
        ]
    } else {
        vec![
            at(format!("{origin}/.well-known/oauth-authorization-server{path}"), "rfc8414"),
            at(format!("{origin}/.well-known/openid-configuration{path}"), "oidc-inserted"),
            at(format!("{origin}{path}/.well-known/openid-configuration"), "oidc-appended"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserts_the_path() {
        let url = Url::parse("https://h.example/a/mcp").expect("valid");
        assert_eq!(protected_resource(&url)[0], "https://h.example/.well-known/oauth-protected-resource/a/mcp");
        let of = |url: &str| protected_resource(&Url::parse(url).expect("valid"));
        let at = |rest: &str| format!("https://h.example/.well-known/oauth-protected-resource{rest}");
        assert_eq!(of("https://h.example"), [at("")]);
        assert_eq!(of("https://h.example/mcp/"), [at("/mcp/"), at("/mcp"), at("")]);
        assert_eq!(of("https://h.example/mcp?tenant=a"), [at("/mcp?tenant=a"), at("/mcp"), at("")]);
        let forms: Vec<_> = authorization_server("https://h.example/t1/").into_iter().map(|c| c.url).collect();
        assert_eq!(
            forms,
            [
                "https://h.example/.well-known/oauth-authorization-server/t1",
                "https://h.example/.well-known/openid-configuration/t1",
                "https://h.example/t1/.well-known/openid-configuration"
            ]
        );
        assert_eq!(authorization_server("https://h.example").len(), 2);
        assert!(authorization_server("nonsense").is_empty());
    }
}
