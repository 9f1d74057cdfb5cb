//! How a secret may be written, and which ones are better left alone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::places;
use super::vault::Secret;

/// Whether replacing `value` everywhere would destroy ordinary text.
///
/// Passwords and client secrets come from people, who like plain words: only protocol words are spared. Tokens and codes
/// are spared if they are plain words such as `invalid_token`, which cases and targets use in place of a token. Cookies and
/// form values hold all kinds of things (`en`, `127.0.0.1`, a URL to return to), so they must look like secrets.
pub(super) fn is_shredder(kind: Secret, value: &str) -> bool {
    if value.chars().count() < SHORTEST || places::member(value).is_some() || value == "secret" {
        return true;
    }
    let is_word = |b: u8| b.is_ascii_lowercase() || matches!(b, b'_' | b'-' | b'.' | b' ');
    match kind {
        Secret::ApiKey | Secret::ClientSecret | Secret::Password => false,
        Secret::Cookie | Secret::FormValue => !is_opaque(value),
        _ => value.len() < 24 && value.bytes().all(is_word),
    }
}

/// Whether a value is long and mixed enough to be a random or signed one rather than a word, a number or a URL.
fn is_opaque(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    let is_place = value.starts_with('/') || value.contains("://") || value.contains("%3A%2F%2F");
    value.len() >= 8 && (is_mixed || value.len() >= 24) && !is_place
}

/// The ways in which a value may be written.
pub(super) fn spellings(value: &str) -> Vec<String> {
    let mut all = vec![value.to_owned()];
    if !value.bytes().all(is_unreserved) {
        all.extend(escaped(value));
    }
    if value.len() <= LONGEST_BASE64 {
        all.extend([STANDARD_NO_PAD.encode(value), URL_SAFE_NO_PAD.encode(value)]);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The spellings of a value that has characters which need escaping somewhere.
fn escaped(value: &str) -> [String; 11] {
    let percent = percent_encode(value, false);
    let json = serde_json::Value::from(value).to_string();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    [
        percent_encode(&percent, false),
        percent,
        percent_encode(value, true),
        form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        unicode_escape(value, false),
        unicode_escape(value, true),
        json.replace('/', "\\/"),
        json,
        html.replace('"', "&quot;"),
        html.replace('"', "&#34;").replace('+', "&#43;").replace('=', "&#61;"),
        html.replace('"', "&#34;"),
    ]
}

/// Payload and signature of a JWT, where they are long enough to be told from other text. The header is the same for
/// many tokens and no secret.
pub(super) fn jwt_parts(value: &str) -> impl Iterator<Item = &str> {
    let is_jwt = value.starts_with("eyJ") && value.split('.').count() >= 3;
    value.split('.').skip(1).filter(move |part| is_jwt && part.len() >= 16)
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn percent_encode(value: &str, lower: bool) -> String {
    let digits = if lower { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if is_unreserved(byte) {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            encoded.push(digits[usize::from(byte >> 4)].into());
            encoded.push(digits[usize::from(byte & 15)].into());
        }
    }
    encoded
}

/// A JSON string as some writers make it: everything that HTML could misread, and all that is not ASCII, as `\uXXXX`.
fn unicode_escape(value: &str, lower: bool) -> String {
    let mut escaped = String::with_capacity(value.len());
    for unit in value.encode_utf16() {
        match u8::try_from(unit).map(char::from) {
            Ok('\\') => escaped.push_str("\\\\"),
            Ok(plain @ (' '..='~')) if !"\"&'+<>`".contains(plain) => escaped.push(plain),
            _ if lower => escaped.push_str(&format!("\\u{unit:04x}")),
            _ => escaped.push_str(&format!("\\u{unit:04X}")),
        }
    }
    escaped
}

/// RFC 3986 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Values with fewer characters are replaced only by place.
const SHORTEST: usize = 6;

/// Longer values are tokens, which nobody puts into Base64 once more.
const LONGEST_BASE64: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_secrets_from_what_cookies_also_hold() {
        for harmless in
            ["deleted", "en-US", "127.0.0.1", "1700000000", "/authorize?a=1&b=2&client_id=c", "http%3A%2F%2Fh%2Fx1"]
        {
            assert!(is_shredder(Secret::Cookie, harmless), "{harmless}");
        }
        for secret in ["31d4d96e407aad42", "s%3AabcdefgH1.x/y", "abcdefghijklmnopqrstuvwxyz"] {
            assert!(!is_shredder(Secret::Cookie, secret), "{secret}");
        }
        assert!(is_shredder(Secret::Password, "password"));
        assert!(!is_shredder(Secret::Password, "sesame"));
    }
}
