//! One navigation on its way through redirects: what a browser sends at each hop.

use bytes::Bytes;
use url::Url;

use super::initiator::{Distance, Initiator, distance, is_trustworthy};
use super::jar::{Context, Jar};
use crate::transcript::{Request, Response};

/// A navigation: where it goes next, and what it carries.
#[derive(Debug, Clone)]
pub(super) struct Navigation {
    request: Request,
    /// Where it goes, taken apart; `None` if that is no URL.
    place: Option<Url>,
    initiator: Option<Initiator>,
    /// The URLs on the way so far.
    way: Vec<Url>,
    /// Whether a redirect between foreign origins has made the origin opaque (Fetch 4.4).
    is_tainted: bool,
}

impl Navigation {
    /// A person opens a URL: nobody is told where it comes from.
    pub(super) fn opened(request: Request) -> Navigation {
        Navigation::led(request, None)
    }

    /// A page leads on.
    pub(super) fn led(request: Request, initiator: Option<Initiator>) -> Navigation {
        let place = Url::parse(&request.url).ok();
        Navigation { request, place, initiator, way: Vec::new(), is_tainted: false }
    }

    /// The URL of this hop, as text.
    pub(super) fn url(&self) -> &str {
        &self.request.url
    }

    /// The URL of this hop, taken apart; `None` if it is none.
    pub(super) fn place(&self) -> Option<&Url> {
        self.place.as_ref()
    }

    /// What is sent at this hop. Fields that the request has already are left as they are.
    pub(super) fn request(&self, jar: &Jar) -> Request {
        let mut request = self.request.clone();
        let Some(url) = &self.place else { return request };
        let mut fields = vec![
            ("accept", ACCEPT.to_owned()),
            ("accept-language", "en".to_owned()),
            ("upgrade-insecure-requests", "1".to_owned()),
        ];
        if is_trustworthy(url) {
            let site = self.farthest(url).map_or("none", Distance::word);
            fields.extend([
                ("sec-fetch-dest", "document".into()),
                ("sec-fetch-mode", "navigate".into()),
                ("sec-fetch-site", site.into()),
                ("sec-fetch-user", "?1".into()),
            ]);
        }
        if let Some(initiator) = &self.initiator {
            fields.extend(initiator.referer(url).map(|referer| ("referer", referer)));
            if !self.is_safe() {
                let origin = if self.is_tainted { "null".to_owned() } else { initiator.origin(url) };
                fields.push(("origin", origin));
            }
        }
        fields.extend(jar.header(url, self.context(url)).map(|cookies| ("cookie", cookies)));
        for (name, value) in fields {
            if request.header(name).is_none() {
                request.headers.push((name.to_owned(), value));
            }
        }
        request
    }

    /// The navigation after a redirect to `location`, with the method that browsers use (Fetch 4.4): 301 and 302 turn
    /// `POST` into `GET`, 303 everything but `HEAD`; 307 and 308 repeat.
    pub(super) fn redirected(mut self, status: u16, to: Target, response: &Response) -> Navigation {
        let here = self.place.take();
        let policy = response.header_all("referrer-policy").join(",");
        if let Some(initiator) = &mut self.initiator {
            initiator.obey(Some(&policy));
        }
        if let (Some(here), Some(next), Some(initiator)) = (&here, &to.place, &self.initiator) {
            let leaves = next.origin() != here.origin() && initiator.url().origin() != here.origin();
            self.is_tainted |= leaves;
        }
        let to = with_fragment(to, here.as_ref());
        self.request.url = to.text;
        self.place = to.place;
        self.way.extend(here);
        let becomes_get = match status {
            301 | 302 => self.request.method == "POST",
            303 => !matches!(self.request.method.as_str(), "GET" | "HEAD"),
            _ => false,
        };
        // What a case added by hand belongs to the request it was added to.
        self.request.headers.retain(|(name, _)| !becomes_get && name.eq_ignore_ascii_case("content-type"));
        if becomes_get {
            self.request.method = "GET".to_owned();
            self.request.body = Bytes::new();
        }
        self
    }

    fn is_safe(&self) -> bool {
        matches!(self.request.method.as_str(), "GET" | "HEAD")
    }

    fn context(&self, url: &Url) -> Context {
        let heeding = self.initiator.as_ref().filter(|initiator| !initiator.sends_all_cookies());
        match heeding.map(|initiator| initiator.distance(url)) {
            Some(Distance::CrossSite) => Context::CrossSite { safe: self.is_safe() },
            _ => Context::SameSite,
        }
    }

    /// The greatest distance on the way (Fetch Metadata 2.1); `None` if a person opened the URL.
    fn farthest(&self, url: &Url) -> Option<Distance> {
        let from = self.initiator.as_ref()?.url();
        self.way.iter().chain([url]).map(|hop| distance(from, hop)).max()
    }
}

/// The Location that a response redirects to, as text: only of a redirect, and only if it says something.
pub(super) fn location(response: &Response) -> Option<&str> {
    let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    response.header("location").map(str::trim).filter(|text| is_redirect && !text.is_empty())
}

/// Where a redirect or a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// As it is if it has a scheme, else resolved; as it is as well if it cannot be resolved.
    pub(super) text: String,
    /// The same taken apart; `None` if it is no URL.
    place: Option<Url>,
}

impl Target {
    /// A Location or a link that stands at `here`.
    pub(super) fn of(location: &str, here: Option<&Url>) -> Target {
        let (text, place) = match (Url::parse(location), here) {
            (Err(url::ParseError::RelativeUrlWithoutBase), Some(here)) => {
                let joined = here.join(location).ok();
                (joined.as_ref().map(Url::to_string), joined)
            }
            (parsed, _) => (None, parsed.ok()),
        };
        Target { text: text.unwrap_or_else(|| location.to_owned()), place }
    }
}

/// A redirect without a fragment keeps the fragment of the URL before (Fetch 4.4).
fn with_fragment(mut to: Target, here: Option<&Url>) -> Target {
    if let Some(fragment) = here.and_then(Url::fragment).filter(|_| !to.text.contains('#')) {
        to.text = format!("{}#{fragment}", to.text);
        to.place.iter_mut().for_each(|place| place.set_fragment(Some(fragment)));
    }
    to
}

/// What a browser accepts when it navigates.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Page;

    fn page(url: &str) -> Option<Initiator> {
        Initiator::of(&Page { url: url.to_owned(), ..Page::default() })
    }

    fn redirected(navigation: Navigation, status: u16, location: &str) -> Navigation {
        let to = Target::of(location, navigation.place());
        navigation.redirected(status, to, &Response::default())
    }

    fn field<'a>(request: &'a Request, name: &str) -> &'a str {
        request.header(name).unwrap_or("-")
    }

    #[test]
    fn an_opened_url_tells_nobody() {
        let navigation = Navigation::opened(Request::get("http://127.0.0.1:1/a"));
        let request = navigation.request(&Jar::default());
        assert_eq!(
            (field(&request, "sec-fetch-site"), field(&request, "origin"), field(&request, "referer")),
            ("none", "-", "-")
        );
        let next = redirected(navigation, 302, "http://127.0.0.1:2/b").request(&Jar::default());
        assert_eq!((field(&next, "sec-fetch-site"), field(&next, "origin")), ("none", "-"));
    }

    #[test]
    fn a_browser_that_knows_no_same_site_sends_its_cookies_along_and_tells_where_it_comes_from() {
        let mut jar = Jar::default();
        jar.set("session=1; SameSite=Lax", "http://127.0.0.1:1/");
        let posted = |sends_all_cookies: bool| {
            let page = Page { url: "https://attacker.example".into(), sends_all_cookies, ..Page::default() };
            let request = Request::form("http://127.0.0.1:1/consent", &[("decision", "approve")]);
            Navigation::led(request, Initiator::of(&page)).request(&jar)
        };
        for (old, cookie) in [(true, "session=1"), (false, "-")] {
            let request = posted(old);
            assert_eq!((field(&request, "cookie"), field(&request, "sec-fetch-site")), (cookie, "cross-site"));
        }
    }

    #[test]
    fn a_post_tells_its_origin_until_it_is_tainted() {
        let post = Request::form("http://127.0.0.1:1/login", &[("a", "b")]);
        let navigation = Navigation::led(post, page("http://127.0.0.1:1/page"));
        let request = navigation.request(&Jar::default());
        assert_eq!(
            (field(&request, "origin"), field(&request, "referer")),
            ("http://127.0.0.1:1", "http://127.0.0.1:1/page")
        );
        let repeated = redirected(navigation.clone(), 307, "http://127.0.0.1:2/x");
        let request = repeated.request(&Jar::default());
        assert_eq!(
            (request.method.as_str(), field(&request, "origin"), field(&request, "sec-fetch-site")),
            ("POST", "http://127.0.0.1:1", "same-site")
        );
        let tainted = redirected(repeated, 307, "http://127.0.0.1:3/x").request(&Jar::default());
        assert_eq!((field(&tainted, "origin"), &tainted.body[..]), ("null", &b"a=b"[..]));
        let turned = redirected(navigation, 302, "http://127.0.0.1:2/x").request(&Jar::default());
        assert_eq!(
            (turned.method.as_str(), field(&turned, "origin"), field(&turned, "content-type"), turned.body.len()),
            ("GET", "-", "-", 0)
        );
    }

    #[test]
    fn reads_locations_as_text() {
        let here = Url::parse("http://h:1/y").expect("a URL");
        let absolute = |location: &str| Target::of(location, Some(&here)).text;
        assert_eq!(absolute("/x?a=b"), "http://h:1/x?a=b");
        assert_eq!(absolute("//evil.example"), "http://evil.example/");
        assert_eq!(absolute("javascript:alert(1)"), "javascript:alert(1)");
        assert_eq!(absolute("http://H:80/a b"), "http://H:80/a b");
        assert_eq!(absolute("http://["), "http://[");
        let response = |status, text: &str| Response {
            status,
            headers: vec![("location".into(), text.into())],
            ..Response::default()
        };
        assert_eq!(location(&response(302, "/x")), Some("/x"));
        assert_eq!(location(&response(400, "/x")), None);
        assert_eq!(location(&response(302, " ")), None);
    }

    #[test]
    fn fragments_stay() {
        let navigation = Navigation::opened(Request::get("http://h/a#f"));
        let kept = redirected(navigation.clone(), 302, "http://h/b");
        assert_eq!((kept.url(), kept.place().map(Url::as_str)), ("http://h/b#f", Some("http://h/b#f")));
        assert_eq!(redirected(navigation, 302, "http://h/b#g").url(), "http://h/b#g");
    }
}
