//! Answers as data: what a case file or the control API says, read with complaints that help.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Answer, AnswerBody, Redirect, Times, TokenChange};
use crate::jose::Sign;
use crate::keys::Alg;

impl Answer {
    /// Reads an answer. Names are written with hyphens or underscores.
    ///
    /// | key | value |
    /// |---|---|
    /// | `status`, `body` (text or JSON), `content-type`, `headers` (`false` removes one) | another answer |
    /// | `error`, `error-description` | an OAuth error, as the endpoint sends errors |
    /// | `delay-ms`, `drop = true`, `cut-after` (bytes), `huge` (bytes) | the honest answer, sent badly |
    /// | `merge` (RFC 7396), `without` (names) | the honest JSON, changed |
    /// | `keys` (JWKs) | put before the good keys of the key set |
    /// | `id-token`, `access-token` | `claims`, `without`, `header`, `key`, `alg`, `kid`, `typ`, `payload`, `expires-in`; or `false` |
    /// | `redirect` | `code`, `state`, `iss`, `error`, `error-description` (`false` removes one), `params`, `without`, `other-code`, `to` |
    /// | `times` (number or `"forever"`), `when` (parameters) | which requests |
    ///
    /// # Errors
    /// An unknown name (with the nearest known one), a value of the wrong kind, or nothing that changes an answer.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let mut table = Table::of("an answer", value, &KEYS)?;
        let mut answer = Self {
            body: table.take("body").map(|body| match body {
                Value::String(text) => AnswerBody::Text(text),
                json => AnswerBody::Json(json),
            }),
            content_type: table.text("content-type")?,
            cut_after: table.size("cut-after")?,
            delay: Duration::from_millis(table.number("delay-ms", 0, MAX_DELAY_MS)?.unwrap_or(0).unsigned_abs()),
            error: table.text("error")?,
            error_description: table.text("error-description")?,
            headers: table.changes("headers")?,
            huge: table.size("huge")?.unwrap_or(0),
            keys: table.list("keys")?,
            merge: table.members("merge")?,
            status: table.number("status", 200, 599)?.and_then(|status| u16::try_from(status).ok()),
            ..Self::default()
        };
        if table.flag("drop")? {
            answer.cut_after = Some(0);
        }
        answer.merge.extend(table.names("without")?.into_iter().map(|name| (name, Value::Null)));
        answer.access_token = table.token("access-token", "access_token", &mut answer.merge)?;
        answer.id_token = table.token("id-token", "id_token", &mut answer.merge)?;
        answer.redirect = table.take("redirect").map(|value| redirect(&value)).transpose()?;
        if answer == Self::default() {
            return Err(format!("this answer changes nothing; known are {}", KEYS.join(", ")));
        }
        if answer.redirect.is_some() && answer != (Self { redirect: answer.redirect.clone(), ..Self::default() }) {
            return Err(
                "`redirect` goes with `times` and `when` only: script the rest as an answer of its own".to_owned()
            );
        }
        answer.times = times(table.take("times"))?;
        answer.when = table.changes("when")?.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Ok(answer)
    }
}

/// The complaint about a name that nobody knows.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let distance = |word: &&&str| strsim::damerau_levenshtein(name, word);
    match known.iter().min_by_key(distance).filter(|word| distance(word) <= 1 + name.len() / 3) {
        Some(nearest) => format!("`{name}` is not {what}: did you mean `{nearest}`?"),
        None => format!("`{name}` is not {what}; known are {}", known.join(", ")),
    }
}

fn times(value: Option<Value>) -> Result<Times, String> {
    match value {
        None => Ok(Times::default()),
        Some(Value::String(word)) if word == "forever" => Ok(Times::Forever),
        Some(other) => {
            let number = other.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
            number.map(Times::N).ok_or_else(|| format!("`times` is a number from 1 or \"forever\", not {other}"))
        }
    }
}

fn redirect(value: &Value) -> Result<Redirect, String> {
    let mut table = Table::of("a redirect", value, &REDIRECT_KEYS)?;
    let other_code = table.flag("other-code")?;
    let to = table.text("to")?;
    let mut params = table.changes("params")?;
    params.extend(table.names("without")?.into_iter().map(|name| (name, None)));
    for name in ["code", "state", "iss", "error", "error-description"] {
        if let Some(value) = table.take(name) {
            params.push((name.replace('-', "_"), change(name, value)?));
        }
    }
    let redirect = Redirect { other_code, params, to };
    if redirect == Redirect::default() {
        return Err(format!("this redirect changes nothing; known are {}", REDIRECT_KEYS.join(", ")));
    }
    Ok(redirect)
}

fn token_change(place: &str, value: &Value) -> Result<TokenChange, String> {
    let mut table = Table::of(&format!("`{place}`"), value, &TOKEN_KEYS)?;
    let mut change = TokenChange {
        claims: table.members("claims")?,
        header: table.members("header")?,
        payload: table.text("payload")?,
        sign: table.text("key")?.map(|name| Sign::parse(&name)),
        ttl: table.number("expires-in", -MAX_TTL, MAX_TTL)?,
        ..TokenChange::default()
    };
    change.claims.extend(table.names("without")?.into_iter().map(|name| (name, Value::Null)));
    for name in ["kid", "typ"] {
        if let Some(value) = table.take(name) {
            // `false` removes it, as TOML has no null.
            change.header.insert(name.to_owned(), if value == false { Value::Null } else { value });
        }
    }
    match table.text("alg")?.as_deref() {
        None => {}
        Some("none") => change.sign = Some(Sign::None),
        Some(name) => {
            let alg = Alg::parse(name).ok_or_else(|| {
                let known = unknown("an algorithm that can be signed with", name, &Alg::ALL.map(Alg::name));
                format!("{known} (`header = {{ alg = \"{name}\" }}` only claims it)")
            })?;
            change.alg = Some(alg);
        }
    }
    if change == TokenChange::default() {
        return Err(format!("this `{place}` changes nothing; known are {}", TOKEN_KEYS.join(", ")));
    }
    Ok(change)
}

/// A text to set, or `false` (or `null`) to remove.
fn change(name: &str, value: Value) -> Result<Option<String>, String> {
    match value {
        Value::String(text) => Ok(Some(text)),
        Value::Null | Value::Bool(false) => Ok(None),
        Value::Number(number) => Ok(Some(number.to_string())),
        other => Err(format!("`{name}` is a text, or false to leave it out, not {other}")),
    }
}

/// A JSON object whose names were checked; reading takes its members out.
struct Table(Map<String, Value>);

impl Table {
    fn of(what: &str, value: &Value, known: &[&str]) -> Result<Self, String> {
        let Value::Object(members) = value else { return Err(format!("{what} is a table, not {value}")) };
        let mut table = Map::new();
        for (name, value) in members {
            let name = name.replace('_', "-");
            if !known.contains(&name.as_str()) {
                return Err(unknown(&format!("a key of {what}"), &name, known));
            }
            table.insert(name, value.clone());
        }
        Ok(Self(table))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("`{name}` is a text, not {other}")),
        }
    }

    fn flag(&mut self, name: &str) -> Result<bool, String> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(format!("`{name}` is true or false, not {other}")),
        }
    }

    fn number(&mut self, name: &str, least: i64, most: i64) -> Result<Option<i64>, String> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| format!("`{name}` is a number from {least} to {most}, not {value}"))
    }

    fn size(&mut self, name: &str) -> Result<Option<usize>, String> {
        Ok(self.number(name, 0, MAX_SIZE)?.and_then(|size| usize::try_from(size).ok()))
    }

    fn list(&mut self, name: &str) -> Result<Vec<Value>, String> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(format!("`{name}` is a list, not {other}")),
        }
    }

    fn names(&mut self, name: &str) -> Result<Vec<String>, String> {
        let wrong = |other: &Value| format!("`{name}` is a list of names, not with {other} in it");
        let list = self.list(name)?;
        list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(|| wrong(one))).collect()
    }

    fn members(&mut self, name: &str) -> Result<Map<String, Value>, String> {
        match self.take(name) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(other) => Err(format!("`{name}` is a table, not {other}")),
        }
    }

    fn changes(&mut self, name: &str) -> Result<Vec<(String, Option<String>)>, String> {
        self.members(name)?.into_iter().map(|(name, value)| Ok((name.clone(), change(&name, value)?))).collect()
    }

    /// Changes to a token; `false` takes its member out of the answer.
    fn token(
        &mut self,
        name: &str,
        member: &str,
        merge: &mut Map<String, Value>,
    ) -> Result<Option<TokenChange>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(false)) => {
                merge.insert(member.to_owned(), Value::Null);
                Ok(None)
            }
            Some(value) => token_change(name, &value).map(Some),
        }
    }
}

const KEYS: [&str; 18] = [
    "access-token",
    "body",
    "content-type",
    "cut-after",
    "delay-ms",
    "drop",
    "error",
    "error-description",
    "headers",
    "huge",
    "id-token",
    "keys",
    "merge",
    "redirect",
    "status",
    "times",
    "when",
    "without",
];
const REDIRECT_KEYS: [&str; 9] =
    ["code", "error", "error-description", "iss", "other-code", "params", "state", "to", "without"];
const TOKEN_KEYS: [&str; 9] = ["alg", "claims", "expires-in", "header", "key", "kid", "payload", "typ", "without"];
const MAX_DELAY_MS: i64 = 600_000;
/// Seconds.
const MAX_TTL: i64 = 3_155_760_000;
/// Bytes.
const MAX_SIZE: i64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Answer {
        Answer::from_json(&value).unwrap_or_else(|why| panic!("{value}: {why}"))
    }

    #[test]
    fn plain_answers() {
        assert_eq!(read(json!({ "status": 503 })), Answer::status(503));
        assert_eq!(read(json!({ "error": "invalid_grant", "times": 2 })), Answer::error("invalid_grant").times(2));
        assert_eq!(read(json!({ "drop": true, "times": "forever" })), Answer::dropped().forever());
        let late = Answer::delayed(Duration::from_millis(300));
        assert_eq!((read(json!({ "delay-ms": 300 })), read(json!({ "delay_ms": 300 }))), (late.clone(), late));
        let merge = read(json!({ "merge": { "a": 1 }, "without": ["b"] })).merge;
        assert_eq!(Value::Object(merge), json!({ "a": 1, "b": null }));
    }

    #[test]
    fn changed_tokens_and_redirects() {
        let change = read(json!({ "id-token": {
            "claims": { "nonce": "wrong" }, "without": ["aud"], "key": "foreign", "kid": false, "alg": "ES256",
            "expires-in": -60,
        } }));
        let change = change.id_token.expect("a change");
        assert_eq!((change.sign, change.alg, change.ttl), (Some(Sign::Foreign), Some(Alg::Es256), Some(-60)));
        assert_eq!(Value::Object(change.claims), json!({ "nonce": "wrong", "aud": null }));
        assert_eq!(Value::Object(change.header), json!({ "kid": null }));
        assert_eq!(read(json!({ "id-token": false })).merge.get("id_token"), Some(&Value::Null));
        let redirect = read(json!({ "redirect": { "state": "other", "iss": "https://evil.example", "code": false } }));
        let params = redirect.redirect.expect("a redirect").params;
        assert_eq!(params[0], ("code".to_owned(), None));
        assert_eq!(params[1], ("state".to_owned(), Some("other".to_owned())));
    }

    #[test]
    fn complaints_help() {
        for (value, why) in [
            (json!({ "stauts": 503 }), "`stauts` is not a key of an answer: did you mean `status`?"),
            (json!({ "id-token": { "clams": {} } }), "`clams` is not a key of `id-token`: did you mean `claims`?"),
            (json!({ "redirect": { "sate": "x" } }), "`sate` is not a key of a redirect: did you mean `state`?"),
            (json!({ "status": 99 }), "`status` is a number from 200 to 599, not 99"),
            (json!({ "drop": "yes" }), "`drop` is true or false, not \"yes\""),
            (json!({ "times": 0, "drop": true }), "`times` is a number from 1 or \"forever\", not 0"),
            (json!([]), "an answer is a table, not []"),
        ] {
            assert_eq!(Answer::from_json(&value).expect_err("refused"), why);
        }
        for (value, part) in [
            (json!({}), "changes nothing"),
            (json!({ "id-token": {} }), "changes nothing"),
            (json!({ "redirect": { "state": "x" }, "status": 500 }), "an answer of its own"),
            (json!({ "id-token": { "alg": "HS256" } }), "only claims it"),
        ] {
            let why = Answer::from_json(&value).expect_err("refused");
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn an_unknown_endpoint_has_a_neighbour() {
        let why = super::super::Endpoint::parse("tokn").expect_err("unknown");
        assert_eq!(why, "`tokn` is not an endpoint: did you mean `token`?");
    }
}
