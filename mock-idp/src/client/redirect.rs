//! Redirect URIs: which may be registered, and when a requested one is the registered one.

use url::Url;

use super::{Client, ClientAuth};

/// Whether an answer for `client` may go to `requested` (OAuth 2.1 section 2.3.1, simple string comparison).
pub(crate) fn is_registered(client: &Client, requested: &str) -> bool {
    if client.auth == ClientAuth::Anything || client.any_redirect {
        return harmless(requested);
    }
    if client.any_loopback_redirect && loopback(requested).is_some() {
        return !requested.contains(['#', '\\', '*']) && Url::parse(requested).is_ok();
    }
    client.redirect_uris.iter().any(|registered| same(registered, requested))
}

/// Any place that does not run something in this page: what a client that nobody registered may name.
fn harmless(uri: &str) -> bool {
    !uri.contains('#')
        && Url::parse(uri)
            .is_ok_and(|url| !["about", "blob", "data", "file", "javascript", "vbscript"].contains(&url.scheme()))
}

/// Equal, or equal but for the port of a loopback address (RFC 8252 section 7.3).
fn same(registered: &str, requested: &str) -> bool {
    registered == requested
        || loopback(registered).is_some_and(|left| loopback(requested).is_some_and(|right| left == right))
}

/// Host and the text after the port, when the URI is http on a loopback host. Reads the text, not a parsed URL, so that no
/// normalisation makes two different URIs alike.
pub(crate) fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = LOOPBACK_HOSTS.iter().find(|host| rest.starts_with(**host))?;
    let rest = &rest[host.len()..];
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(port) => {
            let end = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
            port[..end].parse::<u16>().ok()?;
            &port[end..]
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// Checks a URI at registration: https, loopback http, or a private-use scheme with a period (RFC 8252 section 7.1).
///
/// # Errors
/// The reason, to be shown to the client.
pub(crate) fn may_be_registered(uri: &str) -> Result<(), &'static str> {
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['\\', '"', '<', '>', '*']) {
        return Err("a redirect URI has characters that do not belong there");
    }
    let url = Url::parse(uri).map_err(|_| "a redirect URI is not an absolute URI")?;
    if uri.contains('#') {
        return Err("a redirect URI has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a redirect URI has user information");
    }
    match url.scheme() {
        "https" if uri.to_ascii_lowercase().starts_with("https://") => Ok(()),
        "http" if loopback(uri).is_some() => Ok(()),
        "http" | "https" => Err("an http redirect URI is only allowed on a loopback host"),
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("a private-use scheme needs a period, and other schemes are not allowed"),
    }
}

/// The host to show on the consent page: the name, or the scheme of an app.
pub(crate) fn shown_host(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) => url.host_str().map_or_else(|| format!("the app {}:", url.scheme()), str::to_owned),
        Err(_) => uri.to_owned(),
    }
}

const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_port_is_free() {
        let client = Client::public("c", &["http://127.0.0.1/cb", "http://[::1]:9/cb?a=1", "https://c.example/cb"]);
        for good in ["http://127.0.0.1:51234/cb", "http://127.0.0.1/cb", "http://[::1]/cb?a=1", "https://c.example/cb"]
        {
            assert!(is_registered(&client, good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:51234/cb/",
            "http://127.0.0.1:51234@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:99999/cb",
            "http://localhost/cb",
            "https://127.0.0.1/cb",
            "https://c.example:8443/cb",
            "https://c.example:443/cb",
            "https://C.example/cb",
            "https://c.example/cb?x=1",
            "https://c.example/cb#x",
            "https://c.example/a/../cb",
        ] {
            assert!(!is_registered(&client, bad), "{bad}");
        }
    }

    #[test]
    fn a_stranger_may_name_any_harmless_place() {
        let anyone = Client::anyone("x");
        for good in ["http://a.example/cb", "https://a.example/", "app:/cb"] {
            assert!(is_registered(&anyone, good), "{good}");
        }
        for bad in ["javascript:alert(1)", "data:text/html,x", "/cb", "https://a.example/#x"] {
            assert!(!is_registered(&anyone, bad), "{bad}");
        }
    }

    #[test]
    fn registration_wants_https_loopback_or_a_dotted_scheme() {
        for good in ["https://c.example/cb?a=1", "http://localhost:3000/cb", "com.example.app:/cb"] {
            assert_eq!(may_be_registered(good), Ok(()), "{good}");
        }
        for bad in [
            "http://c.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://c.example/",
            "/cb",
            "myapp:/cb",
            "https://c.example/cb#x",
            "https://u:p@c.example/cb",
            "https://*.c.example/cb",
            "http://localhost:80@evil.example/cb",
            "https:c.example/cb",
            "https://c.example/\u{e4}",
        ] {
            assert!(may_be_registered(bad).is_err(), "{bad}");
        }
    }
}
