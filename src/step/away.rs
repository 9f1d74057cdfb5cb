//! Pages that a target has elsewhere: a help page or an error page on another host, where it sends whoever it turns away.
//!
//! OAuth 2.1 section 4.1.2.1 forbids redirects to redirect URIs that are not the client's; where a page of the server's own
//! choosing stands, no text says.

use url::{Url, form_urlencoded};

use super::context::Transaction;
use crate::oauth::redirect::Redirect;
use crate::transcript::Request;
use crate::wire::Wire;

/// Whether the target chose this place by itself: nothing that was sent to it names the host, and the browser takes along neither what
/// a client could use nor a request to another authorization server.
pub(super) fn is_of_its_own_choosing(wire: &Wire, tx: &Transaction, redirect: &Redirect) -> bool {
    let Some(host) = Url::parse(&redirect.url).ok().and_then(|url| url.host_str().map(str::to_owned)) else {
        return false;
    };
    if !redirect.url.starts_with("http") || CARRIED.iter().any(|name| redirect.any(name).is_some()) {
        return false;
    }
    let authority = redirect.base.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let names = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains(&host) || text.contains(&authority)
    };
    let by_client = names(&tx.client.registration.to_string()) || tx.client.redirect_uris.iter().any(|uri| names(uri));
    let asked_for = tx.redirect_uri.as_deref().is_some_and(|uri| redirect.url.starts_with(uri));
    let sent = || wire.exchanges().iter().any(|exchange| is_named(&exchange.request, &names));
    !by_client && !asked_for && !sent()
}

fn is_named(request: &Request, names: &dyn Fn(&str) -> bool) -> bool {
    let body = String::from_utf8_lossy(&request.body);
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let decoded =
        |text: &str| form_urlencoded::parse(text.as_bytes()).any(|(name, value)| names(&name) || names(&value));
    names(&request.url)
        || names(&body)
        || decoded(query)
        || decoded(&body)
        || request.headers.iter().any(|(name, value)| !name.eq_ignore_ascii_case("host") && names(value))
}

/// Parameters that make a redirect more than the way to a page: what answers a client, and what asks another server to log somebody in.
const CARRIED: [&str; 8] =
    ["SAMLRequest", "access_token", "code", "id_token", "redirect_uri", "refresh_token", "response_type", "token"];

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str, header: Option<(&str, &str)>) -> Request {
        let request = Request::get(url);
        match header {
            Some((name, value)) => request.with(name, value),
            None => request,
        }
    }

    #[test]
    fn a_host_is_named_in_clear_encoded_and_in_headers() {
        let names = |text: &str| text.contains("evil.example");
        let bare = "http://127.0.0.1/authorize";
        for request in [
            sent(&format!("{bare}?redirect_uri=https://evil.example/cb"), None),
            sent(&format!("{bare}?redirect_uri=https%3A%2F%2F%65vil.example"), None),
            sent(bare, Some(("x-forwarded-host", "evil.example"))),
        ] {
            assert!(is_named(&request, &names), "{}", request.url);
        }
        assert!(!is_named(&sent(bare, Some(("host", "evil.example"))), &names));
    }
}
