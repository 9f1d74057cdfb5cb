//! Masks what changes from run to run: ports of loopback, ids, tokens, times.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// What the documents of a run say was made up for it: however little it looks like that, it is masked wherever it stands.
#[derive(Default)]
pub(super) struct Known(Vec<String>);

impl Known {
    /// The client identifiers that servers gave; one that is an address stays.
    pub(super) fn of<'a>(documents: impl Iterator<Item = &'a Value>) -> Known {
        let mut known = Known::default();
        documents.for_each(|document| known.read(document));
        // A longer one may hold a shorter one.
        known.0.sort_by_key(|id| std::cmp::Reverse(id.len()));
        known
    }

    fn read(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                let id = members.get("client_id").and_then(Value::as_str);
                self.0.extend(id.filter(|id| id.len() >= SHORTEST && !id.contains("://")).map(str::to_owned));
                members.values().for_each(|value| self.read(value));
            }
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            _ => {}
        }
    }

    /// The text with a mask in the place of each that stands for itself, not within a longer word.
    fn masked(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, id| {
            let mut out = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some(at) = rest.find(id.as_str()) {
                let (before, behind) = (&rest[..at], &rest[at + id.len()..]);
                let is_word =
                    |neighbour: Option<char>| neighbour.is_some_and(|c| c.is_alphanumeric() || "-_".contains(c));
                let stands_alone = !is_word(before.chars().next_back().or_else(|| out.chars().next_back()))
                    && !is_word(behind.chars().next());
                out.push_str(before);
                out.push_str(if stands_alone { "<client_id>" } else { id });
                rest = behind;
            }
            out + rest
        })
    }
}

/// A JSON value with sorted maps, sorted lists of words (in OAuth metadata they are sets) and masked strings and numbers.
pub(super) fn volatile_value(value: &Value, known: &Known) -> Value {
    member("", value, known)
}

/// A text with masked parts.
pub(super) fn volatile_text(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, mask) in PATTERNS.iter() {
        text = pattern.replace_all(&text, *mask).into_owned();
    }
    let dates = |found: &Captures<'_>| {
        if MCP_VERSIONS.contains(&&found[0]) { found[0].to_owned() } else { "<date>".to_owned() }
    };
    text = DATE.replace_all(&text, dates).into_owned();
    let blobs = |found: &Captures<'_>| {
        if random(&found[0]) { "<blob>".to_owned() } else { found[0].to_owned() }
    };
    BLOB.replace_all(&text, blobs).into_owned()
}

fn member(name: &str, value: &Value, known: &Known) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(String, Value)> =
                members.iter().map(|(name, value)| (volatile_text(name), member(name, value, known))).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(sorted.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| member(name, item, known)).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            Value::Array(items)
        }
        Value::String(text) if SECRETS.contains(&name) && !text.is_empty() => masked_secret(name, text),
        Value::String(text) => volatile_text(&known.masked(text)).into(),
        Value::Number(number) if is_time(name, number.as_f64().unwrap_or_default()) => "<time>".into(),
        other => other.clone(),
    }
}

/// A client id may be the address of a metadata document: that one stays.
fn masked_secret(name: &str, text: &str) -> Value {
    if text.contains("://") { volatile_text(text).into() } else { format!("<{name}>").into() }
}

/// Seconds or milliseconds since 1970, by name or by size; 0 stays, it means never.
fn is_time(name: &str, number: f64) -> bool {
    let named = TIMES.contains(&name) || name.ends_with("_at");
    (named && number != 0.0) || (1.0e9..4.2e9).contains(&number) || (1.0e12..4.2e12).contains(&number)
}

/// Long text that no one wrote, or that has a long part of that kind behind a written one.
fn random(text: &str) -> bool {
    is_random(text) || text.split(['-', '_']).any(|part| part.len() >= LONG && is_random(part))
}

/// Hex, base64url, base36. Words joined by `-`, `_` or a capital change between the classes of characters seldom, random text at
/// every other character.
fn is_random(text: &str) -> bool {
    let classes: Vec<u8> = text.bytes().map(class).collect();
    let changes = classes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let has = |wanted| classes.contains(&wanted);
    let mixed = has(DIGIT) || (has(UPPER) && has(LOWER));
    let written = has(SEPARATOR) || !has(DIGIT);
    let hex = has(DIGIT) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = classes.iter().all(|class| *class == DIGIT);
    hex || number || mixed && if written { changes * 10 >= text.len() * 3 } else { changes * 6 >= text.len() }
}

fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'A'..=b'Z' => UPPER,
        b'a'..=b'z' => LOWER,
        _ => SEPARATOR,
    }
}

const DIGIT: u8 = 0;
const UPPER: u8 = 1;
const LOWER: u8 = 2;
const SEPARATOR: u8 = 3;

/// Applied in this order. The numbers of redacted secrets depend on what went before, so they go.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let compiled = |(pattern, mask)| (regex(pattern), mask);
    [
        (r"<([a-z][a-z -]*) \d+>", "<$1>"),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", "<jwt>"),
        (r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
        (r"(127[.-]0[.-]0[.-]1|\[::1\]|localhost)(:|%3[Aa]|-)\d{1,5}\b", "$1$2<port>"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d[ -]\w{3}[ -]\d{2,4} \d\d:\d\d:\d\d GMT", "<time>"),
        // The cookie of our identity provider, named after a hash that only mostly looks random.
        (r"\bmock_idp_[\w-]{8}", "<blob>"),
        (PARAMETER, "$1$2=<$2>"),
    ]
    .map(compiled)
    .into()
});

/// Parameters whose values are fresh each time, in a query, a fragment or a form.
const PARAMETER: &str = r"(^|[?&#;\s])(access_token|client_secret|code|code_challenge|code_verifier|id_token|jti|nonce|refresh_token|state)=[^&#;\s<>]+";
static DATE: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(19|20)\d\d-\d\d-\d\d\b"));
/// Candidates for [`random`].
static BLOB: LazyLock<Regex> = LazyLock::new(|| regex(r"[A-Za-z0-9_-]{16,}|\b\d{10,}\b"));

/// Characters of a part that may be random by itself.
const LONG: usize = 16;

/// Characters of the shortest client identifier that is masked wherever it stands.
const SHORTEST: usize = 6;

/// Dates that are names.
const MCP_VERSIONS: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// Members whose strings are made up by the server.
const SECRETS: [&str; 18] = [
    "access_token",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_verifier",
    "etag",
    "id_token",
    "jti",
    "kid",
    "mcp-session-id",
    "nonce",
    "refresh_token",
    "registration_access_token",
    "session",
    "session_id",
    "sid",
    "state",
];

/// Members whose numbers are times.
const TIMES: [&str; 5] = ["auth_time", "exp", "iat", "nbf", "updated_at"];

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant, and a test compiles it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changes_is_masked() {
        for (text, masked) in [
            ("http://127.0.0.1:49152/mcp", "http://127.0.0.1:<port>/mcp"),
            ("redirect_uri=http%3A%2F%2F127.0.0.1%3A49152%2Fcb", "redirect_uri=http%3A%2F%2F127.0.0.1%3A<port>%2Fcb"),
            ("http://[::1]:8080/", "http://[::1]:<port>/"),
            ("http://localhost/x", "http://localhost/x"),
            ("localhost-3000", "localhost-<port>"),
            ("a <code 12> and an <access token 3>", "a <code> and an <access token>"),
            ("302 /cb?code=abc&state=xyz", "302 /cb?code=<code>&state=<state>"),
            ("/cb?code=<code 1>&state=<state 9>", "/cb?code=<code>&state=<state>"),
            ("mock_idp_sxefeWQU", "<blob>"),
            ("id 3fa85f64-5717-4562-b3fc-2c963f66afa6", "id <uuid>"),
            ("Expires=Wed, 21 Oct 2026 07:28:00 GMT", "Expires=<time>"),
            ("at 2026-11-21T03:47:00.123Z", "at <time>"),
            ("on 2026-11-21", "on <date>"),
            ("version 2025-11-25", "version 2025-11-25"),
            ("sid=9f86d081884c7d659a2feaa0c55ad015", "sid=<blob>"),
            ("dBjftJeZ4CVP-mBw92XyzA", "<blob>"),
            ("interaction-NFKUSXN2ycyrsgOJREkSCx", "<blob>"),
            ("eyJhbGciOi.eyJpc3MiOi.c2ln", "<jwt>"),
        ] {
            assert_eq!(volatile_text(text), masked, "{text}");
        }
    }

    #[test]
    fn what_someone_wrote_stays() {
        for text in [
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "code_challenge_methods_supported",
            "/.well-known/oauth-protected-resource/mcp",
            "https://auth.example.com/realms/acceptance-test2/protocol/openid-connect/token",
            "token_endpoint_auth_methods_supported",
            "private_key_jwt",
            "https://example.com/DynamicClientRegistrationEndpoint",
            "Path=/consent; HttpOnly; SameSite=Lax; Max-Age=600",
            "error_description=the code was used before",
        ] {
            assert_eq!(volatile_text(text), text);
        }
    }

    #[test]
    fn documents_are_sorted_and_masked_by_member() {
        let document = json!({"scopes_supported": ["b", "a"], "client_id": "abc", "client_id_issued_at": 1_760_000_000,
            "client_secret_expires_at": 0, "expires_in": 3600, "redirect_uris": ["http://127.0.0.1:4/b"], "nested": [{"kid": "k1"}]});
        assert_eq!(
            volatile_value(&document, &Known::default()).to_string(),
            json!({"client_id": "<client_id>", "client_id_issued_at": "<time>", "client_secret_expires_at": 0, "expires_in": 3600,
                "nested": [{"kid": "<kid>"}], "redirect_uris": ["http://127.0.0.1:<port>/b"], "scopes_supported": ["a", "b"]})
            .to_string()
        );
        let cimd = json!({"client_id": "https://client.example/metadata.json"});
        assert_eq!(volatile_value(&cimd, &Known::of([&cimd].into_iter())), cimd);
    }

    #[test]
    fn a_client_identifier_is_masked_wherever_it_stands() {
        let documents = [
            json!({"client_id": "clientab", "registration_client_uri": "https://as.example/register/clientab?x=clientab"}),
            json!({"location": "/login/clientab", "other": "clientabc", "client_name": "app"}),
            json!({"client_id": "app"}),
        ];
        let known = Known::of(documents.iter());
        assert_eq!(
            volatile_value(&documents[0], &known)["registration_client_uri"],
            "https://as.example/register/<client_id>?x=<client_id>"
        );
        let masked = json!({"location": "/login/<client_id>", "other": "clientabc", "client_name": "app"});
        assert_eq!(volatile_value(&documents[1], &known), masked);
    }

    #[test]
    fn random_text_is_nearly_always_seen() {
        use base64::Engine;
        use sha2::{Digest, Sha256};
        let missed = (0..2_000u32)
            .map(|seed| {
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&Sha256::digest(seed.to_be_bytes())[..16])
            })
            .filter(|text| volatile_text(text) != "<blob>")
            .count();
        assert!(missed <= 10, "{missed} of 2000");
    }
}
