//! `form-action` of a page's Content-Security-Policy (CSP level 3 section 6.3.1): where its forms may lead. Chromium and WebKit hold
//! the redirects after a form to it as well, so that `'self'` keeps the user from coming back to the client.

use url::Url;

use crate::wire::Page;

/// The first of these places to which a browser would not go from a form of the page, without its query.
pub fn blocked(page: &Page, places: &[String]) -> Option<String> {
    let policies = page.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-security-policy"));
    let lists: Vec<&str> = policies.flat_map(|(_, value)| value.split(',')).filter_map(form_action).collect();
    if lists.is_empty() {
        return None;
    }
    let own = Url::parse(&page.url).ok()?;
    let mut at = own.clone();
    for place in places {
        at = at.join(place).ok()?;
        if !lists.iter().all(|list| list.split_ascii_whitespace().any(|source| admits(source, &own, &at))) {
            let mut shown = at;
            shown.set_query(None);
            shown.set_fragment(None);
            return Some(shown.into());
        }
    }
    None
}

/// The sources of the first directive of that name: later ones do not count.
fn form_action(policy: &str) -> Option<&str> {
    policy.split(';').find_map(|directive| {
        let (name, sources) =
            directive.trim().split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((directive.trim(), ""));
        name.eq_ignore_ascii_case("form-action").then_some(sources)
    })
}

/// Whether a source matches a URL after a redirect, where paths do not count (CSP level 3 section 6.7.2.8).
fn admits(source: &str, own: &Url, url: &Url) -> bool {
    if source.eq_ignore_ascii_case("'self'") {
        return url.origin() == own.origin();
    }
    if source == "*" {
        return matches!(url.scheme(), "http" | "https") || url.scheme() == own.scheme();
    }
    if let Some(scheme) = source.strip_suffix(':') {
        return is_scheme(scheme, url.scheme());
    }
    let (scheme, rest) = source.split_once("://").unwrap_or((own.scheme(), source));
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    is_scheme(scheme, url.scheme()) && is_host(host, url.host_str().unwrap_or_default()) && is_port(port, url)
}

/// Plain http stands for https as well.
fn is_scheme(source: &str, scheme: &str) -> bool {
    source.eq_ignore_ascii_case(scheme) || source.eq_ignore_ascii_case("http") && scheme == "https"
}

fn is_host(source: &str, host: &str) -> bool {
    match source.strip_prefix("*.") {
        Some(domain) => host.len() > domain.len() && host.to_ascii_lowercase().ends_with(&format!(".{domain}")),
        None => source == "*" || source.eq_ignore_ascii_case(host),
    }
}

fn is_port(source: Option<&str>, url: &Url) -> bool {
    match source {
        Some("*") => true,
        Some(port) => url.port_or_known_default().is_some_and(|own| own.to_string() == port),
        None => url.port().is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked_by(policy: &str, place: &str) -> bool {
        let mut page = Page::default();
        page.url = "https://as.example/consent".into();
        page.headers = vec![("content-security-policy".to_owned(), policy.to_owned())];
        blocked(&page, &[place.to_owned()]).is_some()
    }

    #[test]
    fn self_keeps_the_user_from_the_client() {
        assert!(blocked_by("default-src 'none'; form-action 'self'", "http://127.0.0.1:33418/callback?code=x"));
        assert!(!blocked_by("form-action 'self'", "/next"));
        assert!(!blocked_by("default-src 'none'", "http://127.0.0.1:33418/callback"));
        assert!(blocked_by("form-action 'none'", "/next"));
        assert!(blocked_by("form-action", "/next"));
    }

    #[test]
    fn named_sources_let_it_go() {
        assert!(!blocked_by("form-action 'self' http://127.0.0.1:*", "http://127.0.0.1:33418/callback"));
        assert!(!blocked_by("form-action 'self' http://127.0.0.1:33418/callback", "http://127.0.0.1:33418/callback"));
        assert!(blocked_by("form-action 'self' http://127.0.0.1", "http://127.0.0.1:33418/callback"));
        assert!(!blocked_by("form-action 'self' myapp:", "myapp:/callback"));
        assert!(!blocked_by("form-action http: https:", "https://app.example/cb"));
        assert!(!blocked_by("form-action *.example", "https://app.example/cb"));
        assert!(blocked_by("form-action *.example, form-action 'self'", "https://app.example/cb"));
    }
}
