//! The browser's cookies: RFC 6265, as browsers apply it on loopback.

use std::time::Duration;

use cookie_store::{CookieStore, RawCookie};
use url::Url;

use super::http::is_loopback;
use crate::transcript::Response;

/// The cookies of one browser.
///
/// Unlike a plain RFC 6265 jar it treats loopback as browsers do: cookies that are `Secure` or named `__Host-` are kept
/// and sent back over http. Everything that was received is remembered as it was written, for checks of attributes.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    store: CookieStore,
    received: Vec<Received>,
}

/// A cookie that the jar holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value, as it is sent back.
    pub value: String,
    /// The path it is sent to.
    pub path: String,
    /// The host, or the domain it is sent to with all its hosts.
    pub domain: String,
    /// Whether it is kept from unencrypted connections (loopback excepted).
    pub secure: bool,
    /// Whether it is kept from scripts.
    pub http_only: bool,
    /// `Strict`, `Lax` or `None`, if it was said.
    pub same_site: Option<String>,
    /// Its lifetime, if `Max-Age` said one.
    pub max_age: Option<Duration>,
    /// Whether it is sent to one host only: no `Domain` was given.
    pub host_only: bool,
}

/// A `Set-Cookie` field as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The URL that answered with it.
    pub url: String,
    /// The field's value.
    pub text: String,
    /// Whether the jar took it.
    pub kept: bool,
}

/// From where a request comes, as far as `SameSite` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// A person typed the URL, or a page of the same site led there.
    SameSite,
    /// A page of another site led there; `safe` says whether the method is `GET` or `HEAD`.
    CrossSite {
        /// Whether the method is `GET` or `HEAD`.
        safe: bool,
    },
}

impl Jar {
    /// The cookies that have not expired, in the order in which they were first received.
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie> {
        let mut cookies: Vec<Cookie> = self.store.iter_unexpired().map(view).collect();
        cookies.sort_by_cached_key(|cookie| (self.age(&cookie.name), cookie.path.clone(), cookie.domain.clone()));
        cookies
    }

    /// The first cookie of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cookie> {
        self.cookies().into_iter().find(|cookie| cookie.name == name)
    }

    /// Every `Set-Cookie` field that was received, kept or not, in order.
    #[must_use]
    pub fn received(&self) -> &[Received] {
        &self.received
    }

    /// Takes a `Set-Cookie` text as if `url` had answered with it. Returns whether a browser would keep it.
    pub fn set(&mut self, set_cookie: &str, url: &str) -> bool {
        self.receive(set_cookie, url, Url::parse(url).ok().as_ref())
    }

    fn receive(&mut self, set_cookie: &str, url: &str, place: Option<&Url>) -> bool {
        let kept = place.is_some_and(|place| self.insert(set_cookie, place));
        self.received.push(Received { url: url.to_owned(), text: set_cookie.to_owned(), kept });
        kept
    }

    /// Gives every cookie of this name another value. Returns how many there were.
    pub fn replace(&mut self, name: &str, value: &str) -> usize {
        let found: Vec<_> = self.store.iter_unexpired().filter(|cookie| cookie.name() == name).cloned().collect();
        for cookie in &found {
            self.put(cookie, value);
        }
        found.len()
    }

    /// Takes every cookie of another jar, in place of its own of the same names.
    pub fn plant(&mut self, theirs: &Jar) {
        for cookie in theirs.store.iter_unexpired() {
            self.put(cookie, cookie.value());
        }
    }

    fn put(&mut self, cookie: &cookie_store::Cookie<'static>, value: &str) {
        let mut raw: RawCookie<'static> = (**cookie).clone();
        raw.set_value(value.to_owned());
        // The path may have come from the URL, so it is written out.
        raw.set_path(String::from(&cookie.path));
        if let Ok(url) = Url::parse(&format!("https://{}/", String::from(&cookie.domain))) {
            let _ = self.store.insert_raw(&raw, &url);
        }
    }

    /// Forgets every cookie of this name. Returns how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let found: Vec<_> = self.store.iter_any().filter(|cookie| cookie.name() == name).map(view).collect();
        for cookie in &found {
            self.store.remove(&cookie.domain, &cookie.path, name);
        }
        found.len()
    }

    /// Forgets every cookie; what was received stays on record.
    pub fn clear(&mut self) {
        self.store.clear();
    }

    /// Takes the cookies of a response of `url`, which is `place` taken apart.
    pub(super) fn take(&mut self, response: &Response, url: &str, place: Option<&Url>) {
        for text in response.header_all("set-cookie") {
            self.receive(text, url, place);
        }
    }

    /// The `Cookie` field of a request to `url`: longer paths first, then older cookies (RFC 6265 5.4).
    pub(super) fn header(&self, url: &Url, context: Context) -> Option<String> {
        let url = trusted(url);
        let mut cookies = self.store.matches(&url);
        cookies.retain(|cookie| allows(cookie, context));
        cookies.sort_by_cached_key(|cookie| {
            (std::cmp::Reverse(cookie.path.len()), self.age(cookie.name()), String::from(&cookie.domain))
        });
        let pairs: Vec<String> = cookies.iter().map(|cookie| pair(cookie.name(), cookie.value())).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn insert(&mut self, set_cookie: &str, url: &Url) -> bool {
        let Ok(raw) = RawCookie::parse(set_cookie.to_owned()) else {
            return false;
        };
        let mut raw = raw.into_owned();
        let url = trusted(url);
        if !keeps_prefix(&raw) || (raw.secure() == Some(true) && url.scheme() != "https") {
            return false;
        }
        // `Domain` may name the host itself even where there is no domain, as with an IP address (RFC 6265bis 5.7).
        let names_host = raw
            .domain()
            .zip(url.host_str())
            .is_some_and(|(domain, host)| domain.trim_start_matches('.').eq_ignore_ascii_case(host));
        if names_host && (is_loopback(&url) || !matches!(url.host(), Some(url::Host::Domain(_)))) {
            raw.unset_domain();
        }
        let is_expired = cookie_store::Cookie::try_from_raw_cookie(&raw, &url).is_ok_and(|cookie| cookie.is_expired());
        // Taking back a cookie that is not there is no refusal.
        self.store.insert_raw(&raw, &url).is_ok() || is_expired
    }

    /// When a cookie of this name was first received.
    fn age(&self, name: &str) -> usize {
        let is_name = |text: &str| text.split(['=', ';']).next().is_some_and(|known| known.trim() == name);
        self.received.iter().position(|received| is_name(&received.text)).unwrap_or(usize::MAX)
    }
}

fn view(cookie: &cookie_store::Cookie<'static>) -> Cookie {
    Cookie {
        name: cookie.name().to_owned(),
        value: cookie.value().to_owned(),
        path: String::from(&cookie.path),
        domain: String::from(&cookie.domain),
        secure: cookie.secure().unwrap_or(false),
        http_only: cookie.http_only().unwrap_or(false),
        same_site: cookie.same_site().map(|same_site| same_site.to_string()),
        max_age: cookie.max_age().and_then(|age| Duration::try_from(age).ok()),
        host_only: matches!(cookie.domain, cookie_store::CookieDomain::HostOnly(_)),
    }
}

/// The URL as the jar's library has to see it, so that it treats loopback as secure.
fn trusted(url: &Url) -> Url {
    let mut url = url.clone();
    if url.scheme() == "http" && is_loopback(&url) {
        // The port is no part of a cookie's scope.
        let _ = url.set_port(None);
        let _ = url.set_scheme("https");
    }
    url
}

/// The conditions of the name prefixes (RFC 6265bis 4.1.3), which browsers enforce.
fn keeps_prefix(cookie: &RawCookie<'_>) -> bool {
    let name = cookie.name().to_ascii_lowercase();
    let is_secure = cookie.secure() == Some(true);
    if name.starts_with("__host-") {
        is_secure && cookie.domain().is_none() && cookie.path() == Some("/")
    } else {
        is_secure || !name.starts_with("__secure-")
    }
}

/// `SameSite` (RFC 6265bis 5.8.3). A cookie that does not say goes everywhere: browsers differ there, and allow two
/// minutes in any case.
fn allows(cookie: &RawCookie<'_>, context: Context) -> bool {
    let Context::CrossSite { safe } = context else {
        return true;
    };
    cookie.same_site().is_none_or(|same_site| same_site.is_none() || (same_site.is_lax() && safe))
}

fn pair(name: &str, value: &str) -> String {
    if name.is_empty() { value.to_owned() } else { format!("{name}={value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(jar: &Jar, url: &str) -> String {
        jar.header(&Url::parse(url).expect("a URL"), Context::SameSite).unwrap_or_default()
    }

    #[test]
    fn secure_cookies_live_on_loopback() {
        for host in ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000", "http://a.localhost"] {
            let mut jar = Jar::default();
            assert!(jar.set("__Host-a=1; Path=/; Secure; HttpOnly", &format!("{host}/x/y")), "{host}");
            assert!(jar.set("b=2; Secure", &format!("{host}/x/y")), "{host}");
            assert_eq!(sent(&jar, &format!("{host}/x/z")), "b=2; __Host-a=1");
            assert_eq!(sent(&jar, &format!("{host}/")), "__Host-a=1");
        }
    }

    #[test]
    fn secure_cookies_stay_off_the_open_network() {
        let mut jar = Jar::default();
        assert!(!jar.set("a=1; Secure", "http://example.com/"));
        assert!(jar.set("b=2; Secure", "https://example.com/"));
        assert_eq!(sent(&jar, "http://example.com/"), "");
        assert_eq!(sent(&jar, "https://example.com/"), "b=2");
        assert_eq!(jar.received().iter().map(|received| received.kept).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn prefixes_bind() {
        let mut jar = Jar::default();
        for refused in [
            "__Host-a=1; Path=/",
            "__Host-a=1; Secure",
            "__Host-a=1; Secure; Path=/x",
            "__Host-a=1; Secure; Path=/; Domain=127.0.0.1",
            "__secure-a=1",
        ] {
            assert!(!jar.set(refused, "http://127.0.0.1/"), "{refused}");
        }
    }

    #[test]
    fn scope_is_kept() {
        let mut jar = Jar::default();
        jar.set("flow=1; Path=/interaction/abc", "http://127.0.0.1:1/authorize");
        jar.set("sid=2", "http://127.0.0.1:1/login/start");
        jar.set("named=3; Domain=127.0.0.1; Path=/", "http://127.0.0.1:1/");
        assert_eq!(sent(&jar, "http://127.0.0.1:2/interaction/abc/login"), "flow=1; named=3");
        assert_eq!(sent(&jar, "http://127.0.0.1:1/interaction/abcd"), "named=3");
        assert_eq!(sent(&jar, "http://127.0.0.1:1/login/next"), "sid=2; named=3");
        assert_eq!(sent(&jar, "http://localhost:1/login/next"), "");
    }

    #[test]
    fn changes_and_forgets() {
        let mut jar = Jar::default();
        jar.set("a=1; Path=/x; HttpOnly; SameSite=Lax; Max-Age=60", "http://localhost/y/z");
        jar.set("a=2", "http://localhost/y/z");
        assert_eq!(jar.replace("a", "9"), 2);
        assert_eq!((sent(&jar, "http://localhost/x"), sent(&jar, "http://localhost/y/")), ("a=9".into(), "a=9".into()));
        let cookie = jar.cookies().into_iter().find(|cookie| cookie.path == "/x").expect("still there");
        assert_eq!(
            (cookie.http_only, cookie.same_site.as_deref(), cookie.max_age),
            (true, Some("Lax"), Some(Duration::from_secs(60)))
        );
        let other = jar.clone();
        assert_eq!(jar.remove("a"), 2);
        assert!(jar.cookies().is_empty());
        assert_eq!(other.cookies().len(), 2);
    }

    #[test]
    fn expiry_takes_back() {
        let mut jar = Jar::default();
        jar.set("a=1", "http://localhost/");
        assert!(jar.set("a=; Max-Age=0", "http://localhost/"));
        assert_eq!(sent(&jar, "http://localhost/"), "");
    }

    #[test]
    fn same_site_is_kept() {
        let mut jar = Jar::default();
        for text in ["s=1; SameSite=Strict", "l=2; SameSite=Lax", "n=3; SameSite=None; Secure", "u=4"] {
            jar.set(text, "http://localhost/");
        }
        let url = Url::parse("http://localhost/").expect("a URL");
        let header = |context| jar.header(&url, context).unwrap_or_default();
        assert_eq!(header(Context::SameSite), "s=1; l=2; n=3; u=4");
        assert_eq!(header(Context::CrossSite { safe: true }), "l=2; n=3; u=4");
        assert_eq!(header(Context::CrossSite { safe: false }), "n=3; u=4");
    }

    #[test]
    fn nonsense_is_not_kept() {
        let mut jar = Jar::default();
        for text in
            ["", "=", ";", "a", "\u{0}=\u{0}", "a=b; Domain=example.org", "a=b; Max-Age=999999999999999999999999"]
        {
            jar.set(text, "http://localhost/");
            jar.set(text, "no url");
        }
    }
}
