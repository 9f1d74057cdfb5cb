//! A page as a browser shows it.

use url::Url;

use super::form::Form;
use super::html::{self, Content};
use crate::transcript::{Response, Secret, Vault};

/// What a navigation ended at: usually an HTML page, sometimes JSON or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The URL it was read from, with the fragment.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// Its forms, in order.
    pub forms: Vec<Form>,
    /// Its links, in order.
    pub links: Vec<Link>,
    /// The number of the exchange that brought it.
    pub exchange: u32,
    /// The document's title.
    pub title: String,
    /// The text a person sees, white space collapsed.
    pub text: String,
    /// Where a `Refresh` header or `<meta http-equiv=refresh>` leads, absolute.
    pub meta_refresh: Option<String>,
    /// After how many seconds it leads there.
    pub refresh_delay: Option<u32>,
    /// Whether it is HTML.
    pub is_html: bool,
    /// URLs that a browser would load by itself: images, scripts, style sheets, frames; absolute.
    pub resources: Vec<String>,
    /// The policy that the page sets for what it tells about itself (header, else `<meta name=referrer>`).
    pub referrer_policy: Option<String>,
    /// Whether the browser it is in sends cookies to whomever, as those did that knew no `SameSite`.
    pub sends_all_cookies: bool,
    /// Which form a script submits as soon as the page is loaded.
    pub(super) submits: Option<usize>,
}

/// A link of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, absolute if it could be resolved.
    pub href: String,
    /// Its text.
    pub text: String,
}

impl Page {
    /// The form that a script submits as soon as the page is loaded, as with `response_mode=form_post`.
    #[must_use]
    pub fn auto_submit(&self) -> Option<&Form> {
        self.forms.get(self.submits?)
    }

    /// The first header field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Reads a response of `url` (`place` is the same taken apart) as a page; only HTML is parsed.
    pub(super) fn read(url: &str, place: Option<&Url>, exchange: u32, response: &Response) -> Page {
        let body = text(response);
        let is_html = is_html(response, &body);
        let content = if is_html { html::read(&body, place) } else { Content::default() };
        let refresh = response.header("refresh").and_then(|text| html::refresh(text, place)).or(content.refresh);
        Page {
            url: url.to_owned(),
            status: response.status,
            headers: response.headers.clone(),
            forms: content.forms,
            links: content.links,
            exchange,
            title: content.title,
            text: if is_html { content.text } else { body.split_whitespace().collect::<Vec<_>>().join(" ") },
            refresh_delay: refresh.as_ref().map(|(delay, _)| *delay),
            meta_refresh: refresh.map(|(_, target)| target),
            is_html,
            resources: content.resources,
            referrer_policy: policy(response).or(content.referrer_policy),
            sends_all_cookies: false,
            submits: content.submits,
            body,
        }
    }

    /// Learns the secrets that forms hold: hidden values by name, else those that look random.
    pub(super) fn teach(&self, vault: &Vault) {
        for field in self.forms.iter().flat_map(|form| &form.fields).filter(|field| field.kind == "hidden") {
            vault.learn_url(&format!(
                "?{}",
                form_urlencoded::Serializer::new(String::new()).append_pair(&field.name, &field.value).finish()
            ));
            // What stands in the page's URL is a request parameter (`client_id`, `state`), no secret of the form.
            if looks_random(&field.value) && !PUBLIC.contains(&field.name.as_str()) && !self.url.contains(&field.value)
            {
                vault.learn(Secret::FormValue, &field.value);
            }
        }
    }
}

fn policy(response: &Response) -> Option<String> {
    let all = response.header_all("referrer-policy");
    let says = |text: &&str| text.split(',').any(|policy| !policy.trim().is_empty());
    all.iter().any(says).then(|| all.join(","))
}

fn is_html(response: &Response, body: &str) -> bool {
    match response.media_type().as_deref() {
        Some("text/html" | "application/xhtml+xml") => true,
        Some(_) => false,
        None => {
            let start = body.trim_start().get(..14).unwrap_or_default().to_ascii_lowercase();
            start.starts_with("<!doctype html") || start.starts_with("<html")
        }
    }
}

/// The body as text: UTF-8 unless the header says ISO 8859-1 or its superset windows-1252.
fn text(response: &Response) -> String {
    let content_type = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let is_latin = ["iso-8859-1", "latin1", "windows-1252"].iter().any(|name| content_type.contains(name));
    if is_latin { response.body.iter().map(|byte| char::from(*byte)).collect() } else { response.text().into_owned() }
}

/// Whether a value is long and mixed enough to be a random token rather than a word, a number or a URL.
fn looks_random(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    value.len() >= 16
        && !value.contains("://")
        && !value.contains(char::is_whitespace)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
}

/// Parameters of authorization requests that forms carry along and that are no secrets.
const PUBLIC: [&str; 12] = [
    "client_id",
    "client_name",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "nonce",
    "redirect_uri",
    "request_uri",
    "resource",
    "response_type",
    "scope",
    "state",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn page(headers: &[(&str, &str)], body: &str) -> Page {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Page::read(
            "http://h/a/b?c=d",
            Url::parse("http://h/a/b?c=d").ok().as_ref(),
            1,
            &Response { status: 200, headers, body: body.to_owned().into(), truncated: false },
        )
    }

    #[test]
    fn only_html_is_parsed() {
        let json = page(&[("content-type", "application/json")], "{\"a\":\n \"<form>\"}");
        assert!(!json.is_html && json.forms.is_empty());
        assert_eq!(json.text, "{\"a\": \"<form>\"}");
        assert!(page(&[("content-type", "Text/HTML; charset=utf-8")], "<form>").is_html);
        assert!(page(&[], " <!DOCTYPE html><form>").is_html);
        assert!(!page(&[], "<x>").is_html);
    }

    #[test]
    fn notes_refreshes_and_policies() {
        let header = page(&[("refresh", "0; url=/next"), ("referrer-policy", "origin")], "");
        assert_eq!((header.meta_refresh.as_deref(), header.refresh_delay), (Some("http://h/next"), Some(0)));
        assert_eq!(header.referrer_policy.as_deref(), Some("origin"));
        let meta = page(
            &[("content-type", "text/html")],
            "<meta http-equiv=Refresh content='5;URL=\"../x\"'><meta name=referrer content=no-referrer>",
        );
        assert_eq!((meta.meta_refresh.as_deref(), meta.refresh_delay), (Some("http://h/x"), Some(5)));
        assert_eq!(meta.referrer_policy.as_deref(), Some("no-referrer"));
    }

    #[test]
    fn tells_random_values_from_words() {
        assert!(looks_random("b7f3a1c09d2e4f56"));
        for word in ["authorization_code", "http://127.0.0.1:1234/callback", "12345678901234567890", "short1"] {
            assert!(!looks_random(word), "{word}");
        }
    }
}
