//! Names that stand twice in a header or among claims: one parser takes the first, another the last (RFC 7519 section 4).

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Inspection, Mark};
use crate::oauth::jwt;

/// Header and claims. The reader of JSON keeps the last of several and says nothing of the others.
pub(super) fn check(token: &str, seen: &mut Inspection) {
    for (part, place) in token.split('.').zip(["the header", "the claims"]) {
        let names = jwt::bytes(part).and_then(|bytes| serde_json::from_slice::<Repeated>(&bytes).ok());
        for name in names.into_iter().flat_map(|Repeated(names)| names) {
            let text = format!("{name} stands more than once in {place}: one server reads the first, another the last");
            seen.note(Mark::Odd, None, text);
        }
    }
}

/// The names that an object has more than once, each once.
struct Repeated(Vec<String>);

impl<'de> Deserialize<'de> for Repeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Repeated;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Repeated, A::Error> {
        let mut names: Vec<String> = Vec::new();
        let mut twice: Vec<String> = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            match names.binary_search(&name) {
                Ok(_) if !twice.contains(&name) => twice.push(name),
                Ok(_) => {}
                Err(at) => names.insert(at, name),
            }
        }
        Ok(Repeated(twice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repeated_name_is_told_once() {
        let names = |text: &str| serde_json::from_str::<Repeated>(text).expect("an object").0;
        assert_eq!(names(r#"{"sub":1,"aud":[{"sub":2}],"sub":3,"sub":{}}"#), ["sub"]);
        assert!(names(r#"{"a":{"b":1},"b":{"a":2}}"#).is_empty());
    }
}
