//! What must not be shown of a header, of claims or of a remark: signatures of tokens inside, and what is named like a secret.

use serde_json::{Map, Value};

use crate::oauth::jwt;

/// Members as they may be shown.
pub(super) fn members(members: &Map<String, Value>) -> Map<String, Value> {
    members.iter().map(|(name, value)| (name.clone(), member(name, value))).collect()
}

fn member(name: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ if is_secret(name) => "(hidden)".into(),
        Value::Array(items) => items.iter().map(|item| member(name, item)).collect(),
        Value::Object(inner) => members(inner).into(),
        Value::String(text) => inside(text).into(),
        Value::Number(_) => value.clone(),
    }
}

/// A text that may be JSON itself.
fn inside(text: &str) -> String {
    let parsed = text.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    match parsed {
        Some(value) => {
            let shown = member("", &value);
            if shown == value { text.to_owned() } else { shown.to_string() }
        }
        None => cut(text),
    }
}

/// A text without the signatures of the tokens in it (RFC 7515), and without what is encrypted (RFC 7516): the rest is worth nothing.
pub(super) fn cut(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut shown = String::new();
    let mut rest = text;
    while let Some(from) = rest.find(is_part) {
        let (before, run) = rest.split_at(from);
        let (run, after) = run.split_at(run.find(|c| !is_part(c)).unwrap_or(run.len()));
        shown.push_str(before);
        shown.push_str(&unsigned(run));
        rest = after;
    }
    shown + rest
}

/// A word with dots; after a header and claims, or after the header of an encrypted token, nothing is left of it.
fn unsigned(word: &str) -> String {
    let parts: Vec<&str> = word.split('.').collect();
    let Some(header) = parts.iter().position(|part| jwt::header_of(part).is_some()) else { return word.to_owned() };
    let kept = if parts.len() - header >= ENCRYPTED { 1 } else { 2 };
    match parts.get(header + kept..) {
        Some([]) | None => word.to_owned(),
        Some(_) => format!("{}.(cut)", parts[..header + kept].join(".")),
    }
}

/// Whether a member is called as those are that somebody could use: `client_secret`, `userPassword`, `id_token`, `assertion`.
fn is_secret(name: &str) -> bool {
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let one = bare.strip_suffix('s').unwrap_or(&bare);
    SECRETS.iter().any(|ending| one.ends_with(ending))
}

/// How names of secrets end, without what separates their words.
const SECRETS: [&str; 10] =
    ["apikey", "assertion", "passphrase", "passwd", "password", "privatekey", "pwd", "secret", "signature", "token"];
/// Parts of an encrypted token (RFC 7516 section 3.1).
const ENCRYPTED: usize = 5;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEADER: &str = "eyJhbGciOiJFUzI1NiJ9";
    const CLAIMS: &str = "eyJzdWIiOiJhIn0";

    #[test]
    fn tokens_lose_what_makes_them_tokens() {
        let jws = format!("{HEADER}.{CLAIMS}.c2ln");
        let shown = format!("{HEADER}.{CLAIMS}.(cut)");
        assert_eq!(cut(&jws), shown);
        assert_eq!(
            cut(&format!("see https://id.example/?hint={jws}&x=1.2, or {jws}.")),
            format!("see https://id.example/?hint={shown}&x=1.2, or {shown}")
        );
        assert_eq!(cut(&format!("v1.{jws}")), format!("v1.{shown}"));
        assert_eq!(cut(&format!("{HEADER}.a.b.c.d")), format!("{HEADER}.(cut)"));
        for whole in ["https://id.example.com/a.b.c", "1.2.3", "", "é.é.é", &format!("{HEADER}.{CLAIMS}")] {
            assert_eq!(cut(whole), whole);
        }
    }

    #[test]
    fn secrets_are_told_by_their_names() {
        for name in
            ["client_secret", "accessToken", "id-token", "PASSWORD", "client_assertion", "tokens", "secrets", "api_key"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["token_use", "token_type", "at_hash", "sub", "secretary", "password_changed_at", "aud", "pass", ""]
        {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn what_lies_deeper_is_hidden_as_well() {
        let claims = json!({ "a": [{ "password": "p-1" }, "{\"secret\": \"p-2\"}"], "has_token": true, "password": 7, "b": "{ \"c\": 1 }" });
        let shown = members(claims.as_object().expect("an object"));
        let expected = json!({ "a": [{ "password": "(hidden)" }, "{\"secret\":\"(hidden)\"}"],
            "has_token": true, "password": "(hidden)", "b": "{ \"c\": 1 }" });
        assert_eq!(Value::from(shown), expected);
    }
}
