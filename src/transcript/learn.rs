//! Learning secrets from what passes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::bytes::Regex;
use serde_json::Value;
use std::sync::LazyLock;

use super::exchange::{Request, Response};
use super::places;
use super::vault::{Secret, Vault};

impl Vault {
    /// Learns the secrets of a request: of its URL, its headers and its body.
    pub fn learn_request(&self, request: &Request) {
        self.learn_url(&request.url);
        for (name, value) in &request.headers {
            self.learn_header(name, value);
        }
        self.learn_body(request.media_type().as_deref(), &request.body);
    }

    /// Learns the secrets of a response: of its headers, its `Location` and its body.
    pub fn learn_response(&self, response: &Response) {
        for (name, value) in &response.headers {
            self.learn_header(name, value);
        }
        self.learn_body(response.media_type().as_deref(), &response.body);
    }

    /// Learns what the query and the fragment of a URL hold.
    pub fn learn_url(&self, url: &str) {
        let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        self.learn_parameters(query);
        self.learn_parameters(fragment.trim_start_matches(['?', '/', '!']));
    }

    fn learn_parameters(&self, text: &str) {
        for pair in text.split('&') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let Some(kind) = places::parameter(&places::decode(name)) else {
                continue;
            };
            let decoded = places::decode(value);
            self.learn(kind, &decoded);
            self.alias(&decoded, value);
        }
    }

    fn learn_header(&self, name: &str, value: &str) {
        match name.to_ascii_lowercase().as_str() {
            "authorization" | "proxy-authorization" => self.learn_authorization(value),
            "content-location" | "location" | "referer" | "refresh" => self.learn_url(value),
            "cookie" => value.split(';').for_each(|pair| self.learn_cookie(pair)),
            "set-cookie" => self.learn_cookie(value.split(';').next().unwrap_or_default()),
            _ => places::header(name).into_iter().for_each(|kind| self.learn(kind, value.trim())),
        }
    }

    fn learn_cookie(&self, pair: &str) {
        let value = pair.split_once('=').map_or("", |(_, value)| value).trim();
        let bare = value.trim_matches('"');
        self.learn(Secret::Cookie, bare);
        // A cookie of this shape often is a signed value or a record whose parts stand elsewhere as well.
        self.alias(bare, &places::decode(bare));
    }

    fn learn_authorization(&self, value: &str) {
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        let credentials = credentials.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "dpop" => self.learn(Secret::AccessToken, credentials),
            "basic" => match basic(credentials) {
                Some((_, secret)) => {
                    let decoded = places::decode(&secret);
                    self.learn(Secret::ClientSecret, &decoded);
                    self.alias(&decoded, &secret);
                    self.alias(&decoded, credentials);
                }
                None => self.learn(Secret::Credentials, credentials),
            },
            _ => self.learn(Secret::Credentials, credentials),
        }
    }

    fn learn_body(&self, media_type: Option<&str>, body: &[u8]) {
        if media_type == Some("application/x-www-form-urlencoded") {
            self.learn_parameters(&String::from_utf8_lossy(body));
        } else if is_tree(body)
            && HINT.is_match(body)
            && let Ok(json) = serde_json::from_slice::<Value>(body)
        {
            self.learn_json(&json);
        }
    }

    /// Learns the members of a JSON tree whose names say that they are secrets.
    pub fn learn_json(&self, tree: &Value) {
        match tree {
            Value::Array(items) => items.iter().for_each(|item| self.learn_json(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    match (places::member(name), value) {
                        (Some(kind), Value::String(secret)) => self.learn(kind, secret),
                        _ => self.learn_json(value),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether it may be a JSON array or object; pages are none, and they are the longest bodies.
fn is_tree(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// User and secret of `Basic` credentials, as they are before the form-decoding of RFC 6749 2.3.1.
pub(super) fn basic(credentials: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    decoded.split_once(':').map(|(user, secret)| (user.to_owned(), secret.to_owned()))
}

/// Bodies without any of these hold nothing to learn and are not parsed.
static HINT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"token|secret|passw|passphrase|pwd|verifier|assertion|code|apikey|api_key|SAMLResponse|software_statement"#,
    )
    .expect("the pattern is a constant, and tests use it")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_from_a_token_request_and_its_answer() {
        let vault = Vault::default();
        let mut request = Request::form(
            "http://h/token",
            &[
                ("grant_type", "authorization_code"),
                ("code", "SplxlOBeZQQYbYS6WxSbIA"),
                ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            ],
        );
        request.set("authorization", &format!("Basic {}", STANDARD.encode("s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw")));
        vault.learn_request(&request);
        let response = Response {
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("set-cookie".into(), "sid=31d4d96e407aad42; Path=/".into()),
            ],
            body: r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","nested":[{"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA"}]}"#
                .into(),
            ..Response::default()
        };
        vault.learn_response(&response);
        for (value, label) in [
            ("SplxlOBeZQQYbYS6WxSbIA", "<code 1>"),
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "<verifier 1>"),
            ("7Fjfp0ZBr1KtDRbnfVdmIw", "<client secret 1>"),
            (&STANDARD.encode("s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"), "<client secret 1>"),
            ("31d4d96e407aad42", "<cookie 1>"),
            ("2YotnFZFEjr1zCsicMWpAA", "<access token 1>"),
            ("tGzv3JOkF0XG5Qx2TlKWIA", "<refresh token 1>"),
        ] {
            assert_eq!(vault.redact(&format!("[{value}]")), format!("[{label}]"));
        }
    }

    #[test]
    fn learns_codes_from_locations_in_any_spelling() {
        let vault = Vault::default();
        let headers =
            vec![("location".into(), "http://127.0.0.1/cb?code=ab%63def%2fgh&state=xyzxyz#id_token=abcdefgh1".into())];
        vault.learn_response(&Response { headers, ..Response::default() });
        assert_eq!(vault.redact("abcdef/gh ab%63def%2fgh xyzxyz abcdefgh1"), "<code 1> <code 1> xyzxyz <ID token 1>");
    }

    #[test]
    fn survives_nonsense() {
        let vault = Vault::default();
        for text in ["", "?", "#", "%", "?code=%zz%", "?code=%ff%fe", "=;=;", "?&&&code", "Basic ::", "Basic", "\u{0}"]
        {
            vault.learn_url(text);
            vault.learn_header("authorization", text);
            vault.learn_header("cookie", text);
            vault.learn_header("set-cookie", text);
            vault.learn_body(Some("application/x-www-form-urlencoded"), text.as_bytes());
            let _ = vault.redact(text);
        }
    }
}
