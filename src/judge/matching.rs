//! One fact against one matcher.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use regex::Regex;
use serde_json::Value;

use crate::oauth::entropy;
use crate::suite::{Matcher, Measure};

/// Whether a fact (absent or null: `None`) meets a matcher.
///
/// # Errors
/// If the matcher names a variable that has no value, or holds no valid regular expression.
pub fn holds(
    matcher: &Matcher,
    found: Option<&Value>,
    lookup: &dyn Fn(&Value) -> Result<Value, String>,
) -> Result<bool, String> {
    Ok(match matcher {
        Matcher::Absent => found.is_none_or(is_empty),
        Matcher::Present => !found.is_none_or(is_empty),
        Matcher::Equals(value) => equal(found, &lookup(value)?),
        Matcher::AnyOf(values) => {
            let mut any = false;
            for value in values {
                any |= equal(found, &lookup(value)?);
            }
            any
        }
        Matcher::Either(all) => {
            let mut any = false;
            for one in all {
                any |= holds(one, found, lookup)?;
            }
            any
        }
        Matcher::Not(inner) => !holds(inner, found, lookup)?,
        Matcher::Matches(pattern) => {
            let pattern = lookup(&Value::String(pattern.clone()))?;
            let regex = compiled(pattern.as_str().unwrap_or_default())
                .map_err(|e| format!("read a regular expression: {e}"))?;
            found.is_some_and(|v| regex.is_match(&text(v)))
        }
        Matcher::Includes(value) => includes(found, &lookup(value)?),
        Matcher::Excludes(value) => !includes(found, &lookup(value)?),
        Matcher::HasWords(value) => {
            let wanted = lookup(value)?;
            found.map(words).is_some_and(|found| words(&wanted).iter().all(|word| found.contains(word)))
        }
        Matcher::LacksWords(value) => {
            let wanted = lookup(value)?;
            found.map(words).is_none_or(|found| !words(&wanted).iter().any(|word| found.contains(word)))
        }
        Matcher::SameAs(name) => equal(found, &lookup(&variable(name))?),
        Matcher::DiffersFrom(name) => found.is_some() && !equal(found, &lookup(&variable(name))?),
        Matcher::Min { of, n } => measure(*of, found).is_some_and(|v| v >= *n),
        Matcher::Max { of, n } => measure(*of, found).is_some_and(|v| v <= *n),
    })
}

/// Where in the text of `found` the part begins that breaks a matcher which forbids it.
pub(super) fn offence(
    matcher: &Matcher,
    found: &Value,
    lookup: &dyn Fn(&Value) -> Result<Value, String>,
) -> Option<usize> {
    match matcher {
        Matcher::Not(inner) => {
            let Matcher::Matches(pattern) = inner.as_ref() else { return None };
            let pattern = lookup(&Value::String(pattern.clone())).ok()?;
            compiled(pattern.as_str()?).ok()?.find(&text(found)).map(|part| part.start())
        }
        Matcher::Excludes(part) => found.as_str()?.find(lookup(part).ok()?.as_str()?),
        _ => None,
    }
}

/// A regular expression of a case. Most are asked again with every variant, and compiling costs more than asking.
fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(regex) = known.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(pattern)?;
        // Those with a variable in them are of one case each.
        if known.len() >= PATTERNS {
            known.clear();
        }
        known.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

/// As many patterns as a thread remembers.
const PATTERNS: usize = 500;

fn variable(name: &str) -> Value {
    Value::String(format!("${}", name.trim_start_matches('$')))
}

fn equal(found: Option<&Value>, wanted: &Value) -> bool {
    match (found, wanted) {
        (Some(Value::Number(a)), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Some(found), wanted) => found == wanted,
        (None, wanted) => wanted.is_null(),
    }
}

/// A list has the member, an object the key, a text the part; of a list wanted, all members.
fn includes(found: Option<&Value>, wanted: &Value) -> bool {
    match (found, wanted) {
        (Some(_), Value::Array(all)) => all.iter().all(|one| includes(found, one)),
        (Some(Value::Array(items)), wanted) => items.contains(wanted),
        (Some(Value::Object(map)), Value::String(key)) => map.contains_key(key),
        (Some(Value::String(text)), Value::String(part)) => text.contains(part.as_str()),
        _ => false,
    }
}

/// The words of a text, or of all texts of a list.
fn words(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => text.split_whitespace().collect(),
        Value::Array(items) => items.iter().flat_map(words).collect(),
        _ => Vec::new(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The number that is compared with a bound.
fn measure(of: Option<Measure>, found: Option<&Value>) -> Option<f64> {
    let found = found?;
    match of {
        None => found.as_f64(),
        Some(Measure::Length) => Some(length(found)),
        Some(Measure::DistinctEntropyBits) => Some(entropy_bits(&different(found))),
        Some(Measure::EntropyBits) => Some(entropy_bits(found)),
        Some(Measure::Distinct) => Some(distinct(found)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of bounded texts and lists")]
fn length(value: &Value) -> f64 {
    match value {
        Value::Array(items) => items.len() as f64,
        Value::Object(map) => map.len() as f64,
        other => text(other).chars().count() as f64,
    }
}

/// Upper bound of randomness: of one value, or the least of a list's values without what they have in common;
/// a value that comes twice can be guessed from the first time.
fn entropy_bits(value: &Value) -> f64 {
    match value {
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(text).collect();
            if texts.iter().enumerate().any(|(at, one)| texts[..at].contains(one)) {
                return 0.0;
            }
            entropy::varying_parts(&texts).iter().map(|p| entropy::upper_bound_bits(p)).fold(f64::INFINITY, f64::min)
        }
        one => entropy::upper_bound_bits(&text(one)),
    }
}

/// How many different values a list has.
#[expect(clippy::cast_precision_loss, reason = "a bounded list")]
fn distinct(value: &Value) -> f64 {
    different(value).as_array().map_or(1.0, |items| items.len() as f64)
}

/// A list with each of its values once.
fn different(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    items.iter().map(text).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(matcher: &Matcher, found: &Value) -> bool {
        holds(matcher, Some(found), &|v| Ok(v.clone())).expect("no variables")
    }

    #[test]
    fn matches_values() {
        assert!(check(&Matcher::Equals(json!(400)), &json!(400)));
        assert!(check(&Matcher::AnyOf(vec![json!(400), json!(401)]), &json!(401)));
        assert!(!check(&Matcher::AnyOf(vec![json!(400), json!(401)]), &json!(500)));
        assert!(check(&Matcher::Includes(json!("S256")), &json!(["plain", "S256"])));
        assert!(check(&Matcher::Excludes(json!("plain")), &json!(["S256"])));
        assert!(check(&Matcher::Matches("(?i)no-store".into()), &json!("private, No-Store")));
        assert!(check(&Matcher::Not(Box::new(Matcher::Present)), &json!("")));
        assert!(check(&Matcher::Absent, &json!(null)));
    }

    #[test]
    fn measures() {
        let bits = Matcher::Min { of: Some(Measure::EntropyBits), n: 128.0 };
        assert!(check(&bits, &json!(["code-AAAAbbbbCCCCddddEEEEffffGGGG", "code-1111wwww2222XXXX3333yyyy4444"])));
        assert!(!check(&bits, &json!(["code-0001", "code-0002"])));
        let twice = "qL3mB9xT4vN8sK2wF7hJ1cR6";
        assert!(!check(&bits, &json!([twice, twice, "0aZ8Yb3XcW7VdU2TeS6RfQ1P"])), "what comes twice is guessed");
        assert!(check(&Matcher::Max { of: Some(Measure::Length), n: 3.0 }, &json!("abc")));
        assert!(check(&Matcher::Min { of: Some(Measure::Distinct), n: 2.0 }, &json!(["a", "a", "b"])));
    }

    #[test]
    fn tells_where_the_offence_is() {
        let lookup = |v: &Value| Ok(v.clone());
        let trace = json!("SyntaxError at node_modules/x.js");
        let forbidden = Matcher::Not(Box::new(Matcher::Matches("node_modules|site-packages".into())));
        assert_eq!(offence(&forbidden, &trace, &lookup), Some(15));
        assert_eq!(offence(&Matcher::Excludes(json!("Error")), &trace, &lookup), Some(6));
        assert_eq!(offence(&Matcher::Present, &trace, &lookup), None);
    }

    #[test]
    fn an_absent_fact_never_excludes_by_accident() {
        let lookup = |v: &Value| Ok(v.clone());
        assert!(holds(&Matcher::Excludes(json!("x")), None, &lookup).expect("plain"));
        assert!(!holds(&Matcher::DiffersFrom("x".into()), None, &lookup).expect("plain"));
    }
}
