//! Places where secrets stand: names of parameters, members and headers, and the shape of tokens.
//!
//! What stands at such a place is masked whether or not it was learnt.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::vault::{Secret, Vault};

/// What the value of a form, query or fragment parameter is, if it is a secret.
pub(super) fn parameter(name: &str) -> Option<Secret> {
    if name.eq_ignore_ascii_case("code") {
        return Some(Secret::AuthorizationCode);
    }
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}

/// What the value of a JSON member is, if it is a secret. `code` is not: errors have one.
pub(super) fn member(name: &str) -> Option<Secret> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// What a header field holds, if the whole value is a secret.
pub(super) fn header(name: &str) -> Option<Secret> {
    HEADERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}

/// `text` with everything masked that stands where secrets stand.
pub(super) fn mask(text: &str, vault: &Vault) -> String {
    // Every hint below has one of these: most texts (names, methods, numbers) are done with after one glance.
    if !text.bytes().any(|b| matches!(b, b'=' | b'"' | b'@' | b'<' | b' ')) && !text.contains("eyJ") {
        return text.to_owned();
    }
    let mut masked = Cow::Borrowed(text);
    for (hints, pattern, kind_of) in PATTERNS.iter() {
        if !hints.iter().any(|hint| masked.contains(hint)) {
            continue;
        }
        if let Cow::Owned(new) =
            pattern.replace_all(&masked, |found: &Captures<'_>| replacement(found, *kind_of, vault))
        {
            masked = Cow::Owned(new);
        }
    }
    masked.into_owned()
}

/// The label of `value`; without a number if it was never learnt. A label that stands there already is kept.
pub(super) fn label(kind: Secret, value: &str, vault: &Vault) -> String {
    if value.is_empty() || is_label(value) {
        return value.to_owned();
    }
    let decoded = decode(value);
    vault.label(value).or_else(|| vault.label(&decoded)).unwrap_or_else(|| format!("<{}>", kind.word()))
}

/// A form-encoded value, decoded.
pub(super) fn decode(value: &str) -> Cow<'_, str> {
    if !value.bytes().any(|byte| matches!(byte, b'%' | b'+' | b'&')) {
        return Cow::Borrowed(value);
    }
    // Without `=` and `&` the whole text is one name.
    let name = value.replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(name.as_bytes())
        .next()
        .map_or(Cow::Borrowed(value), |(name, _)| Cow::Owned(name.into_owned()))
}

type KindOf = fn(&str) -> Option<Secret>;

/// Groups: `before` and `after` are kept, `name` decides the kind, `value` is masked.
///
/// Most texts hold none of a pattern's hints and are not searched for it.
static PATTERNS: LazyLock<Vec<(&[&str], Regex, KindOf)>> = LazyLock::new(|| {
    let names = NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("|");
    let compile = |pattern: String| Regex::new(&pattern).expect("the patterns are constants, and tests use each");
    let parameters = format!(
        r#"(?P<before>(?i:^|[?&#;,\s"'({{]|&amp;)(?P<name>(?i:code|{names}))=)(?P<value>{LABEL}|[^&#\s"'<>;]+)"#
    );
    let members = format!(
        r#"(?P<before>\\?"(?P<name>{names})\\?"\s*:\s*)(?P<value>\\?"{LABEL}\\?"|\\"(?:[^"\\]|\\[^"])*|"(?:[^"\\]|\\.)*|[^\s"\\,\[{{}}\]]+)"#
    );
    let keys = r#"(?P<before>"(?P<name>d|p|q|dp|dq|qi|k)"\s*:\s*)(?P<value>"[A-Za-z0-9_-]{20,})"#;
    let credentials = r#"(?P<before>(?P<name>[Bb]earer|BEARER|DPoP|DPOP|dpop|[Bb]asic|BASIC)\s+)(?P<value>[A-Za-z0-9\-._~+/]*[0-9][A-Za-z0-9\-._~+/]*=*(?:\s|$|["',<]))"#;
    let userinfo = r#"(?P<before>(?P<name>://)[^/\s:@"'<>]*:)(?P<value>[^/\s@"'<>]+@)"#;
    let input = format!(
        r#"(?P<before>(?i:<input\b[^<>]*\bname\s*=\s*["']?(?P<name>code|{names})["'\s][^<>]*\bvalue\s*=\s*["']?))(?P<value>{LABEL}|[^"'<>\s]+)"#
    );
    let input_backwards = format!(
        r#"(?P<before>(?i:<input\b[^<>]*\bvalue\s*=\s*["']?))(?P<value>{LABEL}|[^"'<>\s]+)(?P<after>(?i:["']?\s[^<>]*\bname\s*=\s*["']?(?P<name>code|{names})["'\s/>]))"#
    );
    let jwts =
        r"(?P<before>(?P<name>))(?P<value>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*)";
    vec![
        (&["="], compile(parameters), parameter),
        (&["\""], compile(members), member),
        (&["\""], compile(keys.to_owned()), |_| Some(Secret::PrivateKey)),
        (&["earer ", "EARER ", "asic ", "ASIC ", "oP ", "OP ", "op "], compile(credentials.to_owned()), |_| {
            Some(Secret::Credentials)
        }),
        (&["@"], compile(userinfo.to_owned()), |_| Some(Secret::Password)),
        (&["<input", "<INPUT", "<Input"], compile(input), parameter),
        (&["<input", "<INPUT", "<Input"], compile(input_backwards), parameter),
        (&["eyJ"], compile(jwts.to_owned()), |_| Some(Secret::Jwt)),
    ]
});

fn replacement(found: &Captures<'_>, kind_of: KindOf, vault: &Vault) -> String {
    let before = &found["before"];
    let value = &found["value"];
    let Some(kind) = kind_of(&found["name"]) else {
        return found[0].to_owned();
    };
    let core = value.trim_matches(|c: char| matches!(c, '"' | '\'' | '\\' | ',' | '@') || c.is_whitespace());
    let core = if is_label(core) { core } else { core.trim_end_matches('<') };
    if core.is_empty() || matches!(core, "null" | "true" | "false") {
        return found[0].to_owned();
    }
    let (open, close) = value.split_once(core).unwrap_or_default();
    let after = found.name("after").map_or("", |after| after.as_str());
    format!("{before}{open}{}{close}{after}", label(kind, core, vault))
}

/// Whether `value` is a label and nothing else.
fn is_label(value: &str) -> bool {
    static WHOLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&format!("^{LABEL}$")).expect("the pattern is a constant, and tests use it"));
    WHOLE.is_match(value)
}

/// A label as the vault writes it.
const LABEL: &str = "<[A-Za-z ]{3,20}(?: [0-9]+)?>";

/// Header fields whose whole value is a secret.
const HEADERS: [(&str, Secret); 4] = [
    ("api-key", Secret::ApiKey),
    ("dpop", Secret::DpopProof),
    ("mcp-session-id", Secret::Session),
    ("x-api-key", Secret::ApiKey),
];

/// Names of parameters and members that hold secrets.
const NAMES: [(&str, Secret); 22] = [
    ("access_token", Secret::AccessToken),
    ("actor_token", Secret::ActorToken),
    ("api_key", Secret::ApiKey),
    ("apikey", Secret::ApiKey),
    ("assertion", Secret::Assertion),
    ("client_assertion", Secret::ClientAssertion),
    ("client_secret", Secret::ClientSecret),
    ("code_verifier", Secret::CodeVerifier),
    ("device_code", Secret::DeviceCode),
    ("id_token", Secret::IdToken),
    ("id_token_hint", Secret::IdToken),
    ("logout_token", Secret::Jwt),
    ("passphrase", Secret::Password),
    ("passwd", Secret::Password),
    ("password", Secret::Password),
    ("pwd", Secret::Password),
    ("refresh_token", Secret::RefreshToken),
    ("registration_access_token", Secret::RegistrationToken),
    ("samlresponse", Secret::Assertion),
    ("software_statement", Secret::Jwt),
    ("subject_token", Secret::SubjectToken),
    ("token", Secret::Token),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        mask(text, &Vault::default())
    }

    #[test]
    fn masks_parameters() {
        assert_eq!(
            masked("http://h/cb?code=abc&state=x#access_token=y"),
            "http://h/cb?code=<code>&state=x#access_token=<access token>"
        );
        assert_eq!(masked("grant_type=password&PASSWORD=hunter2"), "grant_type=password&PASSWORD=<password>");
        assert_eq!(masked("response_type=code&code_challenge=abc"), "response_type=code&code_challenge=abc");
        assert_eq!(masked("<a href=\"/x?a=1&amp;code=abc\">"), "<a href=\"/x?a=1&amp;code=<code>\">");
    }

    #[test]
    fn masks_members() {
        assert_eq!(
            masked(r#"{"access_token" : "a\"b", "token_type":"Bearer"}"#),
            r#"{"access_token" : "<access token>", "token_type":"Bearer"}"#
        );
        assert_eq!(masked(r#"{"client_secret":12345,"x":1}"#), r#"{"client_secret":<client secret>,"x":1}"#);
        assert_eq!(masked(r#"{"refresh_token":"cut of"#), r#"{"refresh_token":"<refresh token>"#);
        assert_eq!(
            masked(r#"{"text":"{\"access_token\":\"abc\",\"n\":1}"}"#),
            r#"{"text":"{\"access_token\":\"<access token>\",\"n\":1}"}"#
        );
        assert_eq!(
            masked(r#"{"token":{"type":"string"},"id_token":null}"#),
            r#"{"token":{"type":"string"},"id_token":null}"#
        );
        assert_eq!(masked(r#"{"code":"invalid","error":"x"}"#), r#"{"code":"invalid","error":"x"}"#);
    }

    #[test]
    fn masks_credentials_and_keys() {
        assert_eq!(masked("Authorization: Bearer abc123def456"), "Authorization: Bearer <credentials>");
        assert_eq!(masked("'Basic Zm9vOmJhcg1=='"), "'Basic <credentials>'");
        assert_eq!(masked(r#"Bearer realm="x", resource_metadata="u""#), r#"Bearer realm="x", resource_metadata="u""#);
        assert_eq!(masked("https://alice:hunter2@host/x"), "https://alice:<password>@host/x");
        assert_eq!(
            masked(r#"{"kty":"RSA","d":"abcdefghijklmnopqrstuvwxyz","e":"AQAB"}"#),
            r#"{"kty":"RSA","d":"<private key>","e":"AQAB"}"#
        );
        assert_eq!(masked("got eyJhbGciOiJub25lIn0.e30. here"), "got <JWT> here");
    }

    #[test]
    fn masks_form_fields() {
        assert_eq!(
            masked("<INPUT type=hidden name='code' value=\"abc\"/><input name=state value=x>"),
            "<INPUT type=hidden name='code' value=\"<code>\"/><input name=state value=x>"
        );
        assert_eq!(
            masked("<input value='abc' type=hidden name=access_token>"),
            "<input value='<access token>' type=hidden name=access_token>"
        );
        let kept = "<input name=\"code\" value=\"<code 1>\">";
        assert_eq!(masked(kept), kept);
    }

    #[test]
    fn keeps_labels() {
        for text in [
            "code=<code 1>&x=1",
            r#"{"access_token":"<access token 12>"}"#,
            r#"{\"access_token\":\"<access token 12>\"}"#,
        ] {
            assert_eq!(masked(text), text);
        }
        assert_eq!(masked("code=<b>x"), "code=<b>x", "markup is no value");
    }

    #[test]
    fn short_values_get_their_label_by_place() {
        let vault = Vault::default();
        vault.learn(Secret::Password, "a b&");
        assert_eq!(mask("password=a+b%26&x=a", &vault), "password=<password 1>&x=a");
    }
}
