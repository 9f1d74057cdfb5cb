//! Reading an authorization response from the text of a `Location` (RFC 6749 sections 4.1.2 and 4.1.2.1).

use serde_json::{Map, Value};

/// A `Location` taken apart as text: it may hold `javascript:` or worse, so it is never required to be a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The text as received.
    pub url: String,
    /// Everything before `?` and `#`.
    pub base: String,
    /// Parameters of the query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Parameters of the fragment, decoded, in order.
    pub fragment: Vec<(String, String)>,
}

impl Redirect {
    /// Takes a `Location` apart.
    #[must_use]
    pub fn parse(location: &str) -> Redirect {
        let (front, fragment) = location.split_once('#').map_or((location, ""), |(f, h)| (f, h));
        let (base, query) = front.split_once('?').map_or((front, ""), |(b, q)| (b, q));
        Redirect { url: location.to_owned(), base: base.to_owned(), query: pairs(query), fragment: pairs(fragment) }
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The first value of a parameter in the query or, failing that, in the fragment.
    #[must_use]
    pub fn any(&self, name: &str) -> Option<&str> {
        self.query(name).or_else(|| self.fragment.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()))
    }

    /// Whether this redirect goes to a registered redirect URI: same text before the added parameters, the registered
    /// query kept in front, and for loopback addresses any port (RFC 8252 section 7.3).
    #[must_use]
    pub fn goes_to(&self, registered: &str) -> bool {
        let own = Redirect::parse(registered);
        let same_base = self.base == own.base || same_but_loopback_port(&self.base, &own.base);
        same_base && own.query.iter().all(|pair| self.query.contains(pair))
    }
}

/// Parameters as a JSON object; a repeated parameter becomes a list.
#[must_use]
pub fn object(pairs: &[(String, String)]) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value.clone());
        match map.get_mut(name) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(map.insert(name.clone(), value)),
        }
    }
    Value::Object(map)
}

fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Equal apart from the port of a loopback IP literal or `localhost`.
fn same_but_loopback_port(a: &str, b: &str) -> bool {
    match (loopback_without_port(a), loopback_without_port(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn loopback_without_port(text: &str) -> Option<String> {
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let Some(rest) = text.strip_prefix("http://").and_then(|t| t.strip_prefix(host)) else { continue };
        let rest = match rest.strip_prefix(':') {
            Some(port) => port.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => rest,
        };
        if rest.is_empty() || rest.starts_with('/') {
            return Some(format!("http://{host}{rest}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_locations_apart() {
        let r = Redirect::parse("http://127.0.0.1:1/cb?a=1&code=x%20y&code=z#state=s");
        assert_eq!(r.base, "http://127.0.0.1:1/cb");
        assert_eq!(r.query("code"), Some("x y"));
        assert_eq!(r.any("state"), Some("s"));
        assert_eq!(object(&r.query)["code"], serde_json::json!(["x y", "z"]));
    }

    #[test]
    fn knows_registered_places() {
        let to = |location: &str| Redirect::parse(location).goes_to("http://127.0.0.1:7/cb?a=1");
        assert!(to("http://127.0.0.1:9/cb?a=1&code=x"));
        assert!(!to("http://127.0.0.1:9/cb?code=x"));
        assert!(!to("http://127.0.0.1:9@evil.example/cb?a=1"));
        assert!(!to("http://127.0.0.1:9/cb2?a=1"));
        assert!(!Redirect::parse("https://c.example:8443/cb").goes_to("https://c.example/cb"));
        assert!(!Redirect::parse("javascript:alert(1)").goes_to("https://c.example/cb"));
    }
}
