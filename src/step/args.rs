//! Reading the arguments of a step, which lint has checked against the verb table.

use serde_json::{Map, Value};

/// Arguments of one step after substitution.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(&'a Map<String, Value>);

impl<'a> Args<'a> {
    /// Wraps a table of arguments.
    #[must_use]
    pub fn new(table: &'a Map<String, Value>) -> Args<'a> {
        Args(table)
    }

    /// All of them.
    #[must_use]
    pub fn all(self) -> &'a Map<String, Value> {
        self.0
    }

    /// The argument as it stands.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// A text argument; numbers and booleans as their text.
    #[must_use]
    pub fn text(self, name: &str) -> Option<String> {
        self.0.get(name).and_then(plain)
    }

    /// A truth value; `false` if absent.
    #[must_use]
    pub fn flag(self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number of at least zero.
    #[must_use]
    pub fn number(self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// A table; empty if absent.
    #[must_use]
    pub fn table(self, name: &str) -> Map<String, Value> {
        self.0.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// A list of texts, or one text as a list of one; empty if absent.
    #[must_use]
    pub fn list(self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(plain).collect(),
            Some(one) => plain(one).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// With what stands for each of these names filled in, wherever in a text it is. None of them has a character that JSON
/// writes in another way.
#[must_use]
pub fn filled(table: &Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let text = Value::Object(table.clone()).to_string();
    let text = names.iter().fold(text, |text, (name, url)| text.replace(name, url));
    serde_json::from_str(&text).unwrap_or_else(|_| table.clone())
}

/// Joins a URL, which may have a query of its own (RFC 6749 section 3.1), and an encoded query.
#[must_use]
pub fn join(url: &str, query: &str) -> String {
    match (url.contains('?'), query.is_empty()) {
        (_, true) => url.to_owned(),
        (true, false) => format!("{url}&{query}"),
        (false, false) => format!("{url}?{query}"),
    }
}

/// Parameters in order: an honest set, changed as a case asks.
///
/// `params` overrides or adds (a list repeats the parameter), `drop` removes, `duplicate` adds a second value behind.
#[must_use]
pub fn change(mut honest: Vec<(String, String)>, args: Args<'_>) -> Vec<(String, String)> {
    for (name, value) in args.table("params") {
        let at = honest.iter().position(|(n, _)| *n == name).unwrap_or(honest.len());
        honest.retain(|(n, _)| *n != name);
        let values: Vec<String> = match &value {
            Value::Array(items) => items.iter().filter_map(plain).collect(),
            one => plain(one).into_iter().collect(),
        };
        let at = at.min(honest.len());
        honest.splice(at..at, values.into_iter().map(|v| (name.clone(), v)));
    }
    let dropped = args.list("drop");
    honest.retain(|(n, _)| !dropped.contains(n));
    for (name, value) in args.table("duplicate") {
        honest.extend(plain(&value).map(|v| (name, v)));
    }
    honest
}

/// Pairs of a table of texts, lists repeated.
#[must_use]
pub fn pairs(table: &Map<String, Value>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in table {
        match value {
            Value::Array(items) => out.extend(items.iter().filter_map(plain).map(|v| (name.clone(), v))),
            one => out.extend(plain(one).map(|v| (name.clone(), v))),
        }
    }
    out
}

/// Adds header fields; those of the same name that stand there already are replaced.
pub fn put_headers(headers: &mut Vec<(String, String)>, table: &Map<String, Value>) {
    headers.retain(|(name, _)| !table.keys().any(|new| new.eq_ignore_ascii_case(name)));
    headers.extend(pairs(table));
}

/// `application/x-www-form-urlencoded`.
#[must_use]
pub fn form(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_keep_the_order() {
        let honest = vec![("a".to_owned(), "1".to_owned()), ("b".into(), "2".into()), ("c".into(), "3".into())];
        let Value::Object(table) = json!({ "params": { "b": ["x", "y"] }, "drop": ["c"], "duplicate": { "a": "9" } })
        else {
            unreachable!("an object")
        };
        let changed = change(honest, Args::new(&table));
        assert_eq!(form(&changed), "a=1&b=x&b=y&a=9");
    }
}
