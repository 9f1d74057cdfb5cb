//! Pages that leave it to the user to go back to the client: by a link, or by a script that sets the address.

use super::context::Transaction;
use super::page_words;
use super::world::Idp;
use crate::oauth::redirect::Redirect;
use crate::wire::Page;

/// The authorization response to which a page without a form leads, if there is exactly one: a URL at a redirect URI of the client, with a
/// code or an error, and the state of the request.
pub(super) fn to_client(page: &Page, tx: &Transaction) -> Option<String> {
    let is_response = |url: &str| {
        let redirect = Redirect::parse(url);
        let answers = redirect.any("code").is_some() || redirect.any("error").is_some();
        let ours = tx.state.as_deref().is_none_or(|state| redirect.any("state") == Some(state));
        answers && ours && tx.client.redirect_uris.iter().any(|uri| redirect.goes_to(uri))
    };
    if page.forms.iter().any(|form| !page_words::is_logout(form)) {
        return None;
    }
    let links = page.links.iter().map(|link| link.href.clone());
    let mut found: Vec<String> = links.chain(texts(&page.body, tx)).filter(|url| is_response(url)).collect();
    found.sort();
    found.dedup();
    if found.len() == 1 { found.pop() } else { None }
}

/// The authorization request to our identity provider to which a page leads, by a link or a script, if there is exactly one.
pub(super) fn to_upstream(page: &Page, idp: &Idp) -> Option<String> {
    let links = page.links.iter().map(|link| link.href.clone());
    let quoted = quoted(&page.body, &idp.issuer.endpoint_url("authorize"));
    let mut found: Vec<String> = links.chain(quoted).filter(|url| idp.is_asked_at(url)).collect();
    found.sort();
    found.dedup();
    if found.len() == 1 { found.pop() } else { None }
}

/// The texts in quotes that begin like a redirect URI of the client.
fn texts(body: &str, tx: &Transaction) -> Vec<String> {
    tx.client.redirect_uris.iter().flat_map(|uri| quoted(body, uri)).collect()
}

/// The texts in quotes that begin so.
fn quoted(body: &str, beginning: &str) -> Vec<String> {
    let unescaped = body.replace("\\/", "/").replace("\\u0026", "&").replace("&amp;", "&");
    let text_at = |at: usize| {
        let quote = unescaped[..at].chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
        Some(unescaped[at..at + unescaped[at..].find(quote)?].to_owned())
    };
    unescaped.match_indices(beginning).filter_map(|(at, _)| text_at(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Client;

    fn led(body: &str) -> Option<String> {
        let client = Client { redirect_uris: vec!["http://127.0.0.1:33418/callback".into()], ..Client::default() };
        let tx = Transaction { client, state: Some("s-1".into()), ..Transaction::default() };
        let mut page = Page::default();
        page.body.push_str(body);
        to_client(&page, &tx)
    }

    #[test]
    fn a_script_that_sets_the_address_leads_to_the_client() {
        let url = "http://127.0.0.1:33418/callback?code=c&state=s-1";
        assert_eq!(led(&format!("<script>location.href = \"{url}\"</script>")).as_deref(), Some(url));
        let escaped = r"<script>go('http:\/\/127.0.0.1:33418\/callback?code=c\u0026state=s-1')</script>";
        assert_eq!(led(escaped).as_deref(), Some(url));
    }

    #[test]
    fn what_is_no_response_of_this_request_leads_nowhere() {
        for body in [
            "<a href='http://127.0.0.1:33418/callback'>the application</a>",
            "<script>location = 'http://127.0.0.1:33418/callback?code=c&state=another'</script>",
            "<script>location = 'https://evil.example/callback?code=c&state=s-1'</script>",
        ] {
            assert_eq!(led(body), None, "{body}");
        }
    }
}
