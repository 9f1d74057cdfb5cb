//! Facts: what a step left behind, as a tree that cases name by dotted paths.

use serde_json::Value;

/// The value at a dotted path. Numbers index lists, `last` is a list's last item, and a member whose own name holds dots
/// is found whole.
#[must_use]
pub fn dig<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(tree);
    }
    match tree {
        Value::Object(map) => {
            if let Some(found) = map.get(path) {
                return Some(found);
            }
            // The longest member name that is a prefix of the path wins, so that `headers.x.y` can be told from `x`.
            path.match_indices('.').rev().find_map(|(at, _)| dig(map.get(&path[..at])?, &path[at + 1..]))
        }
        Value::Array(items) => {
            let (head, rest) = path.split_once('.').unwrap_or((path, ""));
            let item = if head == "last" { items.last() } else { items.get(head.parse::<usize>().ok()?) };
            dig(item?, rest)
        }
        _ => None,
    }
}

/// What an MCP server says in an answer that serves nothing: the error of JSON-RPC, or that of the tool.
fn told(facts: &Value) -> String {
    let quoted = |who: &str, said: Option<&str>| match said.map(str::trim).filter(|said| !said.is_empty()) {
        Some(said) => format!(", {who} says \"{}\"", clip(said, 160)),
        None => format!(", {who} says it failed"),
    };
    if facts["tool-error"] == true {
        let texts =
            facts["result"]["content"].as_array().and_then(|all| all.iter().find_map(|part| part["text"].as_str()));
        return quoted("the tool", texts);
    }
    if facts["rpc-error"].is_object() {
        quoted("the server", facts["rpc-error"]["message"].as_str())
    } else {
        String::new()
    }
}

/// An answer in a few words, for people: where a journey ended, status, error, what was given.
#[must_use]
pub fn summary(facts: &Value) -> String {
    if let Some(reason) = facts["no-answer"].as_str().or(facts["dropped"].as_str()) {
        return reason.to_owned();
    }
    if let Some(reason) = facts["command-failed"].as_str() {
        return format!("the login command came to no end: {reason}");
    }
    let mut words: Vec<String> = Vec::new();
    let text = |path: &str| dig(facts, path).and_then(Value::as_str).map(|t| clip(t, 120));
    match text("stopped-at").as_deref() {
        Some("code") => words.push("a code was sent to the client".into()),
        Some("error") => words.push("an error redirect to the client".into()),
        Some("upstream") => words.push("the browser was sent to the identity provider".into()),
        Some("callback") => words.push("the identity provider's answer is on its way".into()),
        Some("elsewhere") => {
            words.push(format!("the browser was sent to {}", text("redirect.base").unwrap_or_default()))
        }
        Some("page") if facts["away"].is_string() => {
            words.push(format!("the browser was sent to {}, a page elsewhere", text("away").unwrap_or_default()))
        }
        Some("page") => {
            let title = text("page.title")
                .filter(|t| !t.is_empty())
                .or_else(|| dig(facts, "page.html").and_then(Value::as_str).and_then(problem));
            words.push(format!("a page{}", title.map(|t| format!(" \"{t}\"")).unwrap_or_default()));
        }
        Some(other) => words.push(format!("the journey ended at {other}")),
        None => {}
    }
    if let Some(status) = facts["status"].as_u64() {
        words.push(status.to_string());
    }
    if facts["web-page"] == true {
        words.push("with a web page (text/html) where JSON belongs".into());
    }
    words.extend(text("error"));
    if facts["granted"] == true {
        words.push("with an access token".into());
    }
    if facts["served"] == true {
        words.push("and the MCP request was served".into());
    }
    if let Some(n) = facts["succeeded"].as_u64() {
        words.push(format!("{n} succeeded"));
    }
    if let Some(error) = text("challenge.params.error") {
        words.push(format!("challenge error={error}"));
    }
    let short = if words.is_empty() { "nothing that can be named".into() } else { words.join(" ") };
    if facts["served"] == false { short + &told(facts) } else { short }
}

/// What a document of RFC 9457 (problem details) complains of.
fn problem(page: &str) -> Option<String> {
    let body: Value = serde_json::from_str(page).ok()?;
    ["detail", "title"].iter().find_map(|name| body[name].as_str()).map(|said| clip(said, 120))
}

/// No secret is longer than this. Of a longer word nothing is shown.
const LONGEST_WORD: usize = 8192;

/// The first `limit` characters and the rest of the word in which they end, with an ellipsis if something was cut. What is
/// quoted passes the vault afterwards, and a secret that lost its end would not be known for one.
#[must_use]
pub fn clip(text: &str, limit: usize) -> String {
    let apart = |c: char| c.is_whitespace() || "\"<>{,&".contains(c);
    let Some((at, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let (shown, rest) = text.split_at(at);
    let more = if shown.ends_with(apart) { 0 } else { rest.find(apart).unwrap_or(rest.len()) };
    if more > LONGEST_WORD {
        return format!("{}…", shown.trim_end_matches(|c| !apart(c)));
    }
    if more == rest.len() { text.to_owned() } else { format!("{}…", &text[..at + more]) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digs() {
        let tree = json!({ "a": { "b.c": 1, "b": { "d": [ { "e": 2 }, 3 ] } } });
        assert_eq!(dig(&tree, "a.b.c"), Some(&json!(1)));
        assert_eq!(dig(&tree, "a.b.d.0.e"), Some(&json!(2)));
        assert_eq!(dig(&tree, "a.b.d.last"), Some(&json!(3)));
        assert_eq!(dig(&tree, "a.x"), None);
        assert_eq!(dig(&json!("text"), "x"), None);
    }

    #[test]
    fn cuts_between_words() {
        assert_eq!(clip("short", 10), "short");
        assert_eq!(clip("no secret loses its end", 6), "no secret…");
        assert_eq!(clip("no secret loses its end", 3), "no …");
        assert_eq!(clip("at the end is a-secret", 19), "at the end is a-secret");
        assert_eq!(clip(&format!("an image: {}", "x".repeat(20_000)), 50), "an image: …");
    }

    #[test]
    fn a_page_is_told_by_its_title_or_by_its_problem() {
        let page = |title: &str, html: &str| {
            summary(&json!({ "stopped-at": "page", "status": 500, "page": { "title": title, "html": html } }))
        };
        assert_eq!(page("Oops", "<title>Oops</title>"), "a page \"Oops\" 500");
        assert_eq!(
            page("", r#"{"title":"Internal Server Error","detail":"the store is locked"}"#),
            "a page \"the store is locked\" 500"
        );
        assert_eq!(page("", r#"{"error":"invalid_request"}"#), "a page 500");
    }
}
