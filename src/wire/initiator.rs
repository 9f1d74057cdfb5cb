//! What a page says about itself when it leads a browser on: `Origin`, `Referer` and `Sec-Fetch-Site`
//! (WHATWG Fetch, Referrer Policy, Fetch Metadata).

use url::{Host, Url};

use super::http::is_loopback;
use super::page::Page;

/// The page that a navigation comes from.
#[derive(Debug, Clone)]
pub(super) struct Initiator {
    url: Url,
    policy: Policy,
    sends_all_cookies: bool,
}

/// How much of its URL a page tells (Referrer Policy 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    NoReferrer,
    NoReferrerWhenDowngrade,
    Origin,
    OriginWhenCrossOrigin,
    SameOrigin,
    StrictOrigin,
    StrictOriginWhenCrossOrigin,
    UnsafeUrl,
}

/// How far two URLs are apart, in the words of `Sec-Fetch-Site`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Distance {
    SameOrigin,
    SameSite,
    CrossSite,
}

impl Initiator {
    /// A page as the start of a navigation; `None` if its URL is none.
    pub(super) fn of(page: &Page) -> Option<Initiator> {
        let policy =
            page.referrer_policy.as_deref().and_then(Policy::last).unwrap_or(Policy::StrictOriginWhenCrossOrigin);
        Some(Initiator { url: Url::parse(&page.url).ok()?, policy, sends_all_cookies: page.sends_all_cookies })
    }

    /// Whether the browser heeds no `SameSite`.
    pub(super) fn sends_all_cookies(&self) -> bool {
        self.sends_all_cookies
    }

    /// The page's URL.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// A redirect may set the policy for the rest of the way.
    pub(super) fn obey(&mut self, referrer_policy: Option<&str>) {
        if let Some(policy) = referrer_policy.and_then(Policy::last) {
            self.policy = policy;
        }
    }

    /// The `Origin` of a request that is not `GET` or `HEAD`: `null` where the policy hides it (Fetch 3.2), which browsers
    /// do for `no-referrer` even within one origin.
    pub(super) fn origin(&self, target: &Url) -> String {
        let hidden = match self.policy {
            Policy::NoReferrer => true,
            Policy::NoReferrerWhenDowngrade | Policy::StrictOrigin | Policy::StrictOriginWhenCrossOrigin => {
                self.url.scheme() == "https" && target.scheme() != "https"
            }
            Policy::SameOrigin => self.distance(target) != Distance::SameOrigin,
            Policy::Origin | Policy::OriginWhenCrossOrigin | Policy::UnsafeUrl => false,
        };
        if hidden { "null".to_owned() } else { self.url.origin().ascii_serialization() }
    }

    /// The `Referer` of a request to `target`, if the policy lets any through.
    pub(super) fn referer(&self, target: &Url) -> Option<String> {
        let is_same = self.distance(target) == Distance::SameOrigin;
        let is_downgrade = is_trustworthy(&self.url) && !is_trustworthy(target);
        let origin = || Some(format!("{}/", self.url.origin().ascii_serialization()));
        match self.policy {
            Policy::NoReferrer => None,
            Policy::NoReferrerWhenDowngrade | Policy::StrictOrigin if is_downgrade => None,
            Policy::StrictOriginWhenCrossOrigin if is_downgrade && !is_same => None,
            Policy::NoReferrerWhenDowngrade | Policy::UnsafeUrl => Some(self.whole()),
            Policy::Origin | Policy::StrictOrigin => origin(),
            Policy::OriginWhenCrossOrigin | Policy::StrictOriginWhenCrossOrigin if !is_same => origin(),
            Policy::SameOrigin if !is_same => None,
            Policy::OriginWhenCrossOrigin | Policy::StrictOriginWhenCrossOrigin | Policy::SameOrigin => {
                Some(self.whole())
            }
        }
    }

    /// How far `target` is from the page.
    pub(super) fn distance(&self, target: &Url) -> Distance {
        distance(&self.url, target)
    }

    fn whole(&self) -> String {
        let mut url = self.url.clone();
        url.set_fragment(None);
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.into()
    }
}

impl Policy {
    /// The last policy in a list that is known; unknown words are for newer browsers (Referrer Policy 8.1).
    fn last(list: &str) -> Option<Policy> {
        list.rsplit(',').find_map(|word| match word.trim().to_ascii_lowercase().as_str() {
            "no-referrer" | "never" => Some(Policy::NoReferrer),
            "no-referrer-when-downgrade" => Some(Policy::NoReferrerWhenDowngrade),
            "origin" => Some(Policy::Origin),
            "origin-when-cross-origin" => Some(Policy::OriginWhenCrossOrigin),
            "same-origin" => Some(Policy::SameOrigin),
            "strict-origin" => Some(Policy::StrictOrigin),
            "strict-origin-when-cross-origin" | "default" => Some(Policy::StrictOriginWhenCrossOrigin),
            "unsafe-url" | "always" => Some(Policy::UnsafeUrl),
            _ => None,
        })
    }
}

impl Distance {
    /// The word of `Sec-Fetch-Site`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Distance::SameOrigin => "same-origin",
            Distance::SameSite => "same-site",
            Distance::CrossSite => "cross-site",
        }
    }
}

/// How far two URLs are apart.
pub(super) fn distance(one: &Url, other: &Url) -> Distance {
    if one.origin() == other.origin() {
        Distance::SameOrigin
    } else if one.scheme() == other.scheme() && site(one) == site(other) {
        Distance::SameSite
    } else {
        Distance::CrossSite
    }
}

/// Whether browsers count the URL as trustworthy: https, or this machine.
pub(super) fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

/// The host's last two labels: near enough to the registrable domain to err on the side of sending cookies.
fn site(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => {
            let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').take(2).collect();
            labels.join(".")
        }
        Some(address) => address.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn told(policy: &str, from: &str, to: &str) -> (String, Option<String>) {
        let mut initiator =
            Initiator { url: url(from), policy: Policy::StrictOriginWhenCrossOrigin, sends_all_cookies: false };
        initiator.obey(Some(policy));
        (initiator.origin(&url(to)), initiator.referer(&url(to)))
    }

    #[test]
    fn tells_what_the_policy_allows() {
        let (page, same, other) = ("http://127.0.0.1:1/a?b=c#d", "http://127.0.0.1:1/x", "http://127.0.0.1:2/x");
        let origin = "http://127.0.0.1:1".to_owned();
        let whole = Some("http://127.0.0.1:1/a?b=c".to_owned());
        let short = Some("http://127.0.0.1:1/".to_owned());
        assert_eq!(told("", page, same), (origin.clone(), whole.clone()));
        assert_eq!(told("", page, other), (origin.clone(), short.clone()));
        assert_eq!(told("no-referrer", page, same), ("null".into(), None));
        assert_eq!(told("unknown, same-origin", page, same), (origin.clone(), whole.clone()));
        assert_eq!(told("same-origin", page, other), ("null".into(), None));
        assert_eq!(told("unsafe-url, future-word", page, other), (origin.clone(), whole));
        assert_eq!(told("origin", page, same), (origin, short));
        assert_eq!(told("strict-origin", "https://a.example/x", "http://b.example/"), ("null".into(), None));
    }

    #[test]
    fn measures_distance() {
        assert_eq!(distance(&url("http://a.example/"), &url("http://a.example:80/x")), Distance::SameOrigin);
        assert_eq!(distance(&url("http://127.0.0.1:1/"), &url("http://127.0.0.1:2/")), Distance::SameSite);
        assert_eq!(distance(&url("https://idp.example.com/"), &url("https://mcp.example.com/")), Distance::SameSite);
        assert_eq!(distance(&url("http://localhost:1/"), &url("http://127.0.0.1:1/")), Distance::CrossSite);
        assert_eq!(distance(&url("http://a.example/"), &url("https://a.example/")), Distance::CrossSite);
    }
}
