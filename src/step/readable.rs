//! What anybody can read in an answer: its texts, and what they hide by encoding only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Every text in a tree of facts, and what base64 in them stands for (the parts of a JWT, for instance), to some depth.
#[must_use]
pub fn texts(facts: &Value) -> Vec<String> {
    let mut found = Vec::new();
    gather(facts, &mut found);
    found
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => unfold(text, DEPTH, found),
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(map) => map.values().for_each(|item| gather(item, found)),
        _ => {}
    }
}

fn unfold(text: &str, depth: u8, found: &mut Vec<String>) {
    found.push(text.to_owned());
    if depth == 0 {
        return;
    }
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/');
    for run in text.split(|c| !is_code(c)).filter(|run| run.len() >= SHORTEST) {
        let code = run.replace('+', "-").replace('/', "_");
        let Some(inside) = URL_SAFE_NO_PAD.decode(code).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
            continue;
        };
        unfold(&inside, depth - 1, found);
    }
}

/// A token in a token in a token.
const DEPTH: u8 = 3;
/// No token fits into less.
const SHORTEST: usize = 24;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_inside_a_token_is_read() {
        let inner = "header.payload-of-the-upstream.signature";
        let claims = URL_SAFE_NO_PAD.encode(json!({ "upstream": inner }).to_string());
        let outer = format!("eyJhbGciOiJFUzI1NiJ9.{claims}.c2lnbmF0dXJl");
        let facts = json!({ "body": { "access_token": outer } });
        assert!(texts(&facts).iter().any(|text| text.contains(inner)));
        assert!(!texts(&json!({ "text": "nothing of the kind" })).iter().any(|text| text.contains(inner)));
    }
}
