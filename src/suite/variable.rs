//! Variables in texts: `$name` as a whole text, `${name}` inside one, `$$` for a dollar.

use std::ops::Range;

use toml::de::DeValue;

use super::tree::{Item, entries};

/// A built-in name.
#[derive(Clone, Copy, Debug)]
pub struct Namespace {
    /// The first segment, without `$`.
    pub name: &'static str,
    /// What stands below it.
    pub holds: Members,
    /// What it is, in one line.
    pub doc: &'static str,
}

/// What stands below a built-in name.
#[derive(Clone, Copy, Debug)]
pub enum Members {
    /// Whatever the target, the profile or the variant has.
    Free,
    /// One of these.
    Named(&'static [&'static str]),
    /// A whole number, or nothing.
    Number,
    /// A user's name, then `username` or `password`.
    OfUser,
}

/// What the profile section `[exchange]` can name.
const EXCHANGE: [&str; 14] = [
    "audience",
    "client-id",
    "login-scope",
    "other-audience",
    "unknown-audience",
    "resource",
    "scope",
    "subject-scope",
    "wider-scope",
    "id-jag-audience",
    "id-jag-other-resource",
    "id-jag-resource",
    "id-jag-scope",
    "id-jag-wider-scope",
];

/// What the profile section `[provisioning]` can name.
const PROVISIONING: [&str; 9] =
    ["account", "callback", "cookie", "login", "login-callback", "logout", "page", "start", "status"];

/// The built-in names.
pub const NAMESPACES: &[Namespace] = &[
    free(
        "as",
        "a member of the authorization server's metadata; also `$as.origin`, `$as.metadata-url` and `$as.token-origin`",
    ),
    free("client", "the client of the case: `id`, `secret`, `method`, `redirect-uri`, or a member of its registration"),
    free("each", "a value of the variant"),
    named(
        "exchange",
        &EXCHANGE,
        "the client that exchanges and what tokens can be exchanged for (profile section `[exchange]`); `id-jag-`: for an identity assertion (`[exchange.id-jag]`)",
    ),
    named("host", &["url", "authority", "name", "port"], "the server for client metadata documents"),
    named(
        "idp",
        &["issuer", "audience", "employee", "token", "workload", "workload-audience"],
        "the mock identity provider that the target trusts",
    ),
    free("jkt", "the thumbprint of a DPoP key of the case: `$jkt.default`, or the name that a step gives to `key`"),
    free("machine", "the client that acts for itself, like `$client`"),
    free("machine-other", "a second such client"),
    Namespace { name: "now", holds: Members::Number, doc: "seconds since 1970; `$now.-60` is a minute ago" },
    free("other", "the second client, like `$client`"),
    free("prm", "a member of the protected resource metadata; also `$prm.url`"),
    named(
        "provisioning",
        &PROVISIONING,
        "the URL of a page or endpoint of the target's own login; `cookie`: its session cookie",
    ),
    Namespace { name: "random", holds: Members::Number, doc: "random text of so many bytes: `$random.32`" },
    free("scope", "a scope of the target: `$scope.default`, or a name of the profile"),
    named(
        "target",
        &["mcp-url", "mcp-url-query", "mcp-url-twin", "origin", "path", "authority", "resource", "version"],
        "the MCP server; `mcp-url-query`: its URL up to where a parameter can follow; `mcp-url-twin`: its URL without the slash of an empty path, or with it, where it has no path",
    ),
    free("tool", "the name of a tool, by what it needs"),
    Namespace { name: "user", holds: Members::OfUser, doc: "a user: `$user.alice.username`, `$user.alice.password`" },
];

/// The built-in name `name`.
pub(super) fn namespace(name: &str) -> Option<&'static Namespace> {
    NAMESPACES.iter().find(|namespace| namespace.name == name)
}

const fn free(name: &'static str, doc: &'static str) -> Namespace {
    Namespace { name, holds: Members::Free, doc }
}

const fn named(name: &'static str, members: &'static [&'static str], doc: &'static str) -> Namespace {
    Namespace { name, holds: Members::Named(members), doc }
}

/// A variable that a text uses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Use {
    /// The whole path without `$` and braces: `each.uri`.
    pub(super) path: String,
    /// Where it stands, as bytes of the file.
    pub(super) span: Range<usize>,
    /// Whether it stands inside a longer text without braces, and so would not be filled in.
    pub(super) bare: bool,
}

impl Use {
    /// The first segment: a capture or a built-in name.
    pub(super) fn name(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }

    /// The path of a text that is one variable and nothing else.
    pub(super) fn of_whole(text: &str) -> Option<&str> {
        text.strip_prefix('$').filter(|name| is_path(name))
    }
}

/// Every variable in `item`, however deep; `source` is the text of the file.
pub(super) fn uses(item: &Item<'_>, source: &str, into: &mut Vec<Use>) {
    match item.get_ref() {
        DeValue::String(text) => uses_of_text(text, item.span(), source, into),
        DeValue::Array(items) => items.iter().for_each(|item| uses(item, source, into)),
        DeValue::Table(table) => entries(table).into_iter().for_each(|(_, item)| uses(item, source, into)),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Float(_) | DeValue::Integer(_) => {}
    }
}

/// Every variable in `text`, which stands at `span` of `source`.
pub(super) fn uses_of_text(text: &str, span: Range<usize>, source: &str, into: &mut Vec<Use>) {
    if !text.contains('$') {
        return;
    }
    let mut from = span.start;
    for (path, bare) in paths(text) {
        let written = if bare || text.len() == path.len() + 1 { format!("${path}") } else { format!("${{{path}}}") };
        let place = source.get(from..span.end).and_then(|raw| raw.find(&written));
        let place = place.map_or(span.clone(), |at| from + at..from + at + written.len());
        if place != span {
            from = place.end;
        }
        into.push(Use { path: path.to_owned(), span: place, bare });
    }
}

/// The variables of a text, each with whether it is bare.
fn paths(text: &str) -> Vec<(&str, bool)> {
    if let Some(path) = Use::of_whole(text) {
        return vec![(path, false)];
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((path, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            found.push((path, false));
            rest = after;
        } else {
            let end = rest.find(|character| !is_path_character(character)).unwrap_or(rest.len());
            let path = rest[..end].trim_end_matches(['.', '-', '_']);
            if path.starts_with(|first: char| first.is_ascii_lowercase()) {
                found.push((path, true));
            }
            rest = &rest[end..];
        }
    }
    found
}

fn is_path(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_path_character)
}

fn is_path_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_braced_and_bare_variables() {
        assert_eq!(paths("$code"), [("code", false)]);
        assert_eq!(paths("$each.uri"), [("each.uri", false)]);
        assert_eq!(paths("Bearer ${first} and ${as.issuer}"), [("first", false), ("as.issuer", false)]);
        assert_eq!(paths("Bearer $first."), [("first", true)]);
    }

    #[test]
    fn leaves_dollars_alone() {
        assert!(paths("$$code").is_empty());
        assert!(paths("costs 5$").is_empty());
        assert!(paths("^a$|^b$").is_empty());
        assert!(paths("a$$b $1").is_empty());
    }

    #[test]
    fn points_at_the_variable() {
        let source = "a = \"x ${one} ${two}\"";
        let mut found = Vec::new();
        uses_of_text("x ${one} ${two}", 4..21, source, &mut found);
        assert_eq!(&source[found[0].span.clone()], "${one}");
        assert_eq!(&source[found[1].span.clone()], "${two}");
    }
}
