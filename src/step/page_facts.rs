//! What a page shows of itself: its text, its header fields, and what it leaves open to other sites.

use serde_json::{Value, json};

use super::facts;
use super::page_words::{self, Asks};
use super::world::LoginForm;
use crate::wire::{Field, Page};

/// What cases can ask of a page.
pub fn of(page: &Page, hints: &LoginForm) -> Value {
    json!({
        "url": page.url, "status": page.status, "title": page.title, "text": page.text, "html": page.body,
        "headers": facts::headers(&page.headers), "is-html": page.is_html, "resources": page.resources,
        "foreign-resources": foreign(page), "meta-refresh": page.meta_refresh,
        "csrf-field": csrf_field(page).map(|field| &field.name), "referrer-policy": referrer_policy(page),
        "framable": framable(page), "leaks-referrer": leaks_referrer(page), "asks": asks_word(page, hints), "described": page_words::describe(page),
    })
}

fn asks_word(page: &Page, hints: &LoginForm) -> &'static str {
    match page_words::asks(page, hints) {
        Asks::Login(_) => "login",
        Asks::Consent(_) => "consent",
        Asks::Between(_) => "between",
        Asks::Nothing => "nothing",
    }
}

/// Resources of other origins that a browser would load by itself.
fn foreign(page: &Page) -> Vec<&String> {
    let own = url::Url::parse(&page.url).map(|u| u.origin().ascii_serialization()).unwrap_or_default();
    page.resources.iter().filter(|r| r.starts_with("http") && !r.starts_with(&format!("{own}/"))).collect()
}

fn header<'a>(page: &'a Page, name: &str) -> Vec<&'a str> {
    page.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).collect()
}

/// Whether another site could frame the page to trick its user: it is HTML, and neither `frame-ancestors` (which rules where present) nor `X-Frame-Options` forbids it.
fn framable(page: &Page) -> bool {
    if !page.is_html {
        return false;
    }
    let policies = header(page, "content-security-policy").join(",").to_ascii_lowercase();
    let directives = policies.split([';', ',']).map(str::trim);
    let mut ancestors = directives.filter_map(|d| d.strip_prefix("frame-ancestors")).peekable();
    if ancestors.peek().is_some() {
        return ancestors.all(|sources| sources.split_whitespace().any(is_anybody));
    }
    let options = header(page, "x-frame-options").join(",").to_ascii_lowercase();
    !options.split(',').any(|option| matches!(option.trim(), "deny" | "sameorigin"))
}

/// Whether a source of `frame-ancestors` admits sites that the server does not know. One that it names is its own choice.
fn is_anybody(source: &str) -> bool {
    let host = source.split_once("://").map_or(source, |(_, host)| host);
    source.ends_with(':') || host == "*" || host.starts_with("*:")
}

/// The policy for `Referer` that the page asks for, by its header or else by a `meta` element; the last one that counts.
fn referrer_policy(page: &Page) -> Option<String> {
    let named = page.referrer_policy.as_deref()?.to_ascii_lowercase();
    named.split(',').map(str::trim).rfind(|policy| !policy.is_empty()).map(str::to_owned)
}

/// Whether the full URL of the page would reach other origins in `Referer`: only `unsafe-url` and `no-referrer-when-downgrade` do so today.
fn leaks_referrer(page: &Page) -> bool {
    referrer_policy(page).is_some_and(|p| matches!(p.as_str(), "unsafe-url" | "no-referrer-when-downgrade"))
}

/// The hidden field of the page's forms that is named like a token against cross-site requests.
pub fn csrf_field(page: &Page) -> Option<&Field> {
    let mut hidden = page.forms.iter().flat_map(|f| &f.fields).filter(|f| f.kind == "hidden" && f.value.len() >= 8);
    hidden.find(|f| CSRF_WORDS.iter().any(|w| f.name.to_ascii_lowercase().contains(w)))
}

/// What the names of CSRF tokens in forms have in common.
const CSRF_WORDS: &[&str] = &["csrf", "xsrf", "authenticity", "verificationtoken", "antiforgery"];
