//! Reading a page as a browser with scripting reads it: forms, links, text, and what happens by itself.

use std::sync::LazyLock;

use regex::Regex;
use scraper::{ElementRef, Html, Node};
use url::Url;

use super::form::{Form, controls};
use super::markup;
use super::page::Link;

/// What a page holds.
#[derive(Default)]
pub(super) struct Content {
    pub(super) forms: Vec<Form>,
    pub(super) links: Vec<Link>,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) refresh: Option<(u32, String)>,
    pub(super) resources: Vec<String>,
    pub(super) referrer_policy: Option<String>,
    pub(super) submits: Option<usize>,
}

/// Reads a page that stands at `url`. Markup that no browser would show (thousands of levels deep) is taken as text.
pub(super) fn read(text: &str, url: Option<&Url>) -> Content {
    if !markup::is_bounded(text) {
        return Content { text: bounded(text), ..Content::default() };
    }
    let document = Html::parse_document(text);
    let base = base(&document, url);
    let elements: Vec<ElementRef<'_>> = elements(&document).collect();
    let mut content =
        Content { forms: controls(&elements, &base), text: visible_text(&document), ..Content::default() };
    let mut scripts = Vec::new();
    for element in elements {
        let attribute = |name| element.attr(name);
        match element.value().name() {
            "a" | "area" => {
                content.links.extend(attribute("href").map(|href| Link { href: base.join(href), text: words(element) }))
            }
            "body" => scripts.extend(attribute("onload").map(|code| (true, code.to_owned()))),
            "meta" => meta(element, &base, &mut content),
            "script" if attribute("src").is_none() => scripts.push((false, element.text().collect())),
            "title" if content.title.is_empty() => content.title = words(element),
            _ => {}
        }
        content.resources.extend(resource(element).map(|source| base.join(source)));
    }
    content.submits = scripts.iter().find_map(|(on_load, code)| submitted(*on_load, code, &content.forms));
    content
}

/// The target and delay of a `Refresh` value such as `0; url=/next`; `None` if it only reloads.
pub(super) fn refresh(text: &str, base: Option<&Url>) -> Option<(u32, String)> {
    read_refresh(text, &Base(base.cloned()))
}

/// What relative URLs of a page are relative to.
pub(super) struct Base(Option<Url>);

impl Base {
    /// A URL of the page, absolute; as it is if it cannot be resolved.
    pub(super) fn join(&self, href: &str) -> String {
        let joined = self.0.as_ref().and_then(|base| base.join(href.trim()).ok());
        joined.map_or_else(|| href.trim().to_owned(), String::from)
    }
}

/// The beginning of an element's text, white space collapsed.
pub(super) fn words(element: ElementRef<'_>) -> String {
    element.text().flat_map(str::split_whitespace).take(MOST_WORDS).collect::<Vec<_>>().join(" ")
}

fn read_refresh(text: &str, base: &Base) -> Option<(u32, String)> {
    static REFRESH: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?is)^\s*(\d{1,9})?[\d.]*\s*[;,\s]\s*(?:url\s*=\s*)?['"]?([^'"]+)['"]?\s*$"#)
            .expect("a constant, and tests use it")
    });
    let found = REFRESH.captures(text)?;
    let target = found[2].trim();
    let delay = found.get(1).and_then(|digits| digits.as_str().parse().ok()).unwrap_or(0);
    (!target.is_empty()).then(|| (delay, base.join(target)))
}

/// The elements in document order, without those of templates. (What stands in `<noscript>` is text to begin with.)
fn elements(document: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    let walk = std::iter::successors(Some(document.tree.root()), |node| {
        let is_template = node.value().as_element().is_some_and(|element| element.name() == "template");
        let down = node.first_child().filter(|_| !is_template);
        down.or_else(|| {
            let mut done = *node;
            while done.next_sibling().is_none() {
                done = done.parent()?;
            }
            done.next_sibling()
        })
    });
    walk.filter_map(ElementRef::wrap)
}

/// The elements around an element, innermost first.
pub(super) fn ancestors(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.ancestors().filter_map(ElementRef::wrap)
}

fn base(document: &Html, url: Option<&Url>) -> Base {
    let own = Base(url.cloned());
    let first = elements(document).find(|element| element.value().name() == "base" && element.attr("href").is_some());
    match first.and_then(|element| element.attr("href")) {
        Some(href) => Base(Url::parse(&own.join(href)).ok()),
        None => own,
    }
}

fn meta(element: ElementRef<'_>, base: &Base, content: &mut Content) {
    let text = element.attr("content").unwrap_or_default();
    if element.attr("http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("refresh")) && content.refresh.is_none()
    {
        content.refresh = read_refresh(text, base);
    }
    if element.attr("name").is_some_and(|name| name.eq_ignore_ascii_case("referrer")) {
        content.referrer_policy = Some(text.to_owned());
    }
}

/// The URL that a browser loads for an element without being asked.
fn resource(element: ElementRef<'_>) -> Option<&str> {
    match element.value().name() {
        "audio" | "embed" | "frame" | "iframe" | "img" | "input" | "script" | "source" | "track" | "video" => {
            element.attr("src")
        }
        "link" => {
            let rel = element.attr("rel")?.to_ascii_lowercase();
            let loads = |word: &str| {
                matches!(word, "icon" | "stylesheet" | "preload" | "modulepreload" | "manifest" | "apple-touch-icon")
            };
            element.attr("href").filter(|_| rel.split_whitespace().any(loads))
        }
        "object" => element.attr("data"),
        _ => None,
    }
}

/// The form that a script submits by itself, if it does.
///
/// A script is only believed if the form is made for it: no field that a person could fill in, and no button unless the
/// script is nothing but the call. A consent page must not be approved by mistake.
fn submitted(on_load: bool, code: &str, forms: &[Form]) -> Option<usize> {
    static CALL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:forms\s*\[\s*(?P<index>\d+)\s*\]|(?:forms\s*\[\s*|getElementById\s*\(\s*|querySelector\s*\(\s*)["'](?:form)?[#.]?(?P<quoted>[^"']*)["']\s*[\])]|(?P<bare>[\w$]+)(?:\s*\[\s*0\s*\])?)\s*\.\s*(?:submit|requestSubmit)\s*\(\s*\)"#)
            .expect("a constant, and tests use it")
    });
    let call = CALL.captures(code)?;
    let named = |name: &str| {
        forms
            .iter()
            .position(|form| !name.is_empty() && [&form.id, &form.name].iter().any(|known| known.as_str() == name))
    };
    let chosen = match (call.name("index"), call.name("quoted").or(call.name("bare"))) {
        (Some(index), _) => index.as_str().parse().ok()?,
        (None, Some(name)) => named(name.as_str()).unwrap_or(0),
        (None, None) => 0,
    };
    let form = forms.get(chosen)?;
    let is_bare = on_load || (code.trim().len() < 200 && !code.contains("click"));
    let is_hidden = form.fields.iter().all(|field| field.kind == "hidden");
    (is_hidden && (form.buttons.is_empty() || is_bare)).then_some(chosen)
}

fn visible_text(document: &Html) -> String {
    let parts = |node: &Node| node.as_element().is_some_and(|element| !INLINE.contains(&element.name()));
    let hides = |node: &Node| node.as_element().is_some_and(|element| HIDDEN.contains(&element.name()));
    let mut text = String::new();
    let mut node = document.tree.root();
    while text.len() < 4 * LONGEST_TEXT {
        if let Node::Text(part) = node.value() {
            text.push_str(part);
        } else if parts(node.value()) {
            text.push(' ');
        }
        if let Some(child) = node.first_child().filter(|_| !hides(node.value())) {
            node = child;
            continue;
        }
        while node.next_sibling().is_none() {
            let Some(parent) = node.parent() else { return bounded(&text) };
            if parts(parent.value()) {
                text.push(' ');
            }
            node = parent;
        }
        node = node.next_sibling().expect("the loop above found one");
    }
    bounded(&text)
}

/// The beginning of a text, white space collapsed.
fn bounded(text: &str) -> String {
    let mut shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if shown.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT).rev().find(|at| shown.is_char_boundary(*at));
        shown.truncate(end.unwrap_or(0));
    }
    shown
}

/// Elements whose text nobody sees.
const HIDDEN: [&str; 6] = ["head", "noscript", "script", "style", "template", "title"];

/// Elements that do not part words.
const INLINE: [&str; 14] =
    ["a", "abbr", "b", "bdi", "cite", "code", "em", "i", "mark", "small", "span", "strong", "u", "wbr"];

/// Words of a title, a link or a button that are kept.
const MOST_WORDS: usize = 100;

/// Bytes of visible text that are kept.
const LONGEST_TEXT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, url: &str) -> Content {
        super::read(text, Url::parse(url).ok().as_ref())
    }

    #[test]
    fn reads_what_a_person_sees() {
        let content = read(
            "<title>Sign\n in</title><body><h1>Wel<b>come</b></h1><p>to <i>X</i><script>no()</script><noscript>no</noscript><template>no<form></form></template>",
            "http://h/",
        );
        assert_eq!((content.title.as_str(), content.text.as_str()), ("Sign in", "Welcome to X"));
        assert_eq!(read("<ul><li>a</li><li>b</li></ul>c<br>d", "http://h/").text, "a b c d");
        assert!(content.forms.is_empty());
    }

    #[test]
    fn resolves_against_the_base() {
        let content = read(
            "<base href='/sub/'><a href='x?y'>go <b>on</b></a><img src=i.png><link rel='shortcut icon' href=f.ico><link rel=canonical href=c><form action=do>",
            "http://h/a/b",
        );
        assert_eq!(content.links, [Link { href: "http://h/sub/x?y".into(), text: "go on".into() }]);
        assert_eq!(content.resources, ["http://h/sub/i.png", "http://h/sub/f.ico"]);
        assert_eq!(content.forms[0].action, "http://h/sub/do");
    }

    #[test]
    fn reads_refreshes() {
        let read = |text| refresh(text, Url::parse("http://h/a/").ok().as_ref());
        assert_eq!(read("0;url=b"), Some((0, "http://h/a/b".into())));
        assert_eq!(read(" 3.5 , URL = 'http://x/y?z=1' "), Some((3, "http://x/y?z=1".into())));
        assert_eq!(read("1; /c"), Some((1, "http://h/c".into())));
        assert_eq!(read("5"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn notices_forms_that_submit_themselves() {
        let form = "<form name=f id=post method=post action=/cb><input type=hidden name=code value=x></form>";
        let submits = |page: String| read(&page, "http://h/").submits;
        assert_eq!(
            submits(format!(
                "<body onload='document.forms[0].submit()'>{form}<noscript><button>Go</button></noscript>"
            )),
            Some(0)
        );
        assert_eq!(
            submits(format!(
                "<form></form>{form}<script>window.onload = () => document.getElementById('post').submit();</script>"
            )),
            Some(1)
        );
        assert_eq!(submits(format!("{form}<script>document.f.submit()</script>")), Some(0));
        assert_eq!(submits(form.to_owned()), None);
        assert_eq!(
            submits("<form><input name=user></form><script>document.forms[0].submit()</script>".to_owned()),
            None
        );
        let consent = "<form><button name=ok>Approve</button></form><script>deny.addEventListener('click', () => { document.forms[0].submit(); })</script>";
        assert_eq!(submits(consent.to_owned()), None);
    }

    #[test]
    fn hostile_markup_is_read_as_text() {
        assert!(read(&"<div>".repeat(100_000), "http://h/").forms.is_empty());
        read(&"<table><form><b><i>".repeat(200), "http://h/");
        read("<form action='http://[bad'><input name=\u{0}><select><option><textarea>", "no url");
    }
}
