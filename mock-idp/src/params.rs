//! Request parameters as they came: order kept, repetitions kept, nothing guessed.

/// Query or form parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes `application/x-www-form-urlencoded` text.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The value, where a parameter without one counts as absent (RFC 6749 section 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The value or nothing, as text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every non-empty value of a parameter that may repeat (`resource`, RFC 8707 section 2).
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Whether the parameter came more than once, with or without a value.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(key, _)| key == name).count() > 1
    }

    /// Whether any parameter repeats that must not (RFC 6749 sections 3.1 and 3.2). `resource` may, and in a token
    /// exchange `audience` too (RFC 8693 section 2.1).
    pub(crate) fn any_repeats(&self) -> bool {
        let exchange = self.get("grant_type") == Some(EXCHANGE);
        let may = |key: &str| key == "resource" || (exchange && key == "audience");
        self.0.iter().any(|(key, _)| !may(key) && self.repeats(key))
    }

    /// All but those parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(key, _)| !names.contains(&key.as_str())).cloned().collect())
    }

    /// Gives a parameter one value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// The grant type of RFC 8693.
pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_absent_and_repetition_is_seen() {
        let params = Params::parse(b"state=&scope=a+b&resource=x&resource=y&n=1&n=1");
        assert_eq!(params.get("state"), None);
        assert_eq!(params.get("scope"), Some("a b"));
        assert_eq!(params.all("resource").count(), 2);
        assert!(params.any_repeats());
        assert!(!Params::parse(b"resource=x&resource=y").any_repeats());
    }
}
