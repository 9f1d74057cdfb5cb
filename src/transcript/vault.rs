//! The secrets of one case and the labels that stand for them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::needles::{Matcher, Needles};
use super::places;
use super::spelling::{is_shredder, jwt_parts, spellings};

/// The secrets of one case. A clone is another handle to the same vault.
///
/// A value that was learnt once is replaced by its label (`<code 1>`, `<access token 2>`) wherever it stands: as it is,
/// percent-encoded, form-encoded, escaped for JSON or HTML, or in Base64. The same value always gets the same label.
#[derive(Clone, Default)]
pub struct Vault(Arc<Mutex<Inner>>);

/// What a secret is; the label says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Secret {
    /// An OAuth access token.
    AccessToken,
    /// The `actor_token` of RFC 8693.
    ActorToken,
    /// A key in an `X-Api-Key` header or parameter.
    ApiKey,
    /// The `assertion` of RFC 7521.
    Assertion,
    /// An OAuth authorization code.
    AuthorizationCode,
    /// The `client_assertion` of RFC 7523.
    ClientAssertion,
    /// A client secret.
    ClientSecret,
    /// The PKCE `code_verifier` (RFC 7636). The challenge is no secret.
    CodeVerifier,
    /// The value of a cookie.
    Cookie,
    /// Credentials in an `Authorization` header of a scheme that is not known.
    Credentials,
    /// The `device_code` of RFC 8628.
    DeviceCode,
    /// A proof of RFC 9449.
    DpopProof,
    /// The value of a hidden form field, for instance a token against request forgery.
    FormValue,
    /// An OpenID Connect ID token.
    IdToken,
    /// A signed token whose use is not known.
    Jwt,
    /// A user's password.
    Password,
    /// A private or symmetric key in a JWK.
    PrivateKey,
    /// An OAuth refresh token.
    RefreshToken,
    /// The `registration_access_token` of RFC 7592.
    RegistrationToken,
    /// An `Mcp-Session-Id`.
    Session,
    /// The `subject_token` of RFC 8693.
    SubjectToken,
    /// The `token` of a revocation or introspection request.
    Token,
}

#[derive(Default)]
struct Inner {
    labels: HashMap<Arc<str>, Label>,
    counts: BTreeMap<Secret, u32>,
    /// Learnt since the last search. Working out how a secret may be written takes time that an exchange should not pay.
    fresh: Vec<(Arc<str>, Arc<str>)>,
    needles: Needles,
}

/// The label of a secret, and whether the secret is replaced only where one is expected.
#[derive(Clone)]
struct Label {
    kind: Secret,
    text: Arc<str>,
    by_place_only: bool,
}

impl Vault {
    /// Remembers a secret. Values that are empty are ignored; values shorter than six characters get a label, but are
    /// replaced only where a secret is expected, because they occur in ordinary words.
    pub fn learn(&self, kind: Secret, value: &str) {
        self.lock().learn(kind, value);
    }

    /// Remembers another way to write a secret, for instance as it stood on the wire; it gets the secret's label.
    pub(super) fn alias(&self, value: &str, written: &str) {
        if written == value {
            return;
        }
        let mut inner = self.lock();
        if let Some(label) = inner.labels.get(value).filter(|label| !label.by_place_only).cloned() {
            inner.needles.add(written, &label.text);
        }
    }

    /// The label of a value that was learnt.
    #[must_use]
    pub fn label(&self, value: &str) -> Option<String> {
        self.lock().labels.get(value).map(|label| label.text.to_string())
    }

    /// What a value that was learnt is.
    #[must_use]
    pub fn kind(&self, value: &str) -> Option<Secret> {
        self.lock().labels.get(value).map(|label| label.kind)
    }

    /// `text` without secrets: learnt values wherever they stand, and whatever stands at a place where secrets stand
    /// (`access_token=...`, `"client_secret": "..."`, `Bearer ...`), learnt or not.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        places::mask(&self.by_value(text), self)
    }

    /// `text` with learnt values replaced, and nothing else.
    pub(super) fn by_value(&self, text: &str) -> String {
        let matcher = self.lock().matcher();
        matcher.replace(text)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half-done by a panic: the worst case is a label that was counted and not used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} secrets)", self.lock().labels.len())
    }
}

impl Inner {
    fn learn(&mut self, kind: Secret, value: &str) {
        if value.is_empty() || self.labels.contains_key(value) {
            return;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let text: Arc<str> = format!("<{} {count}>", kind.word()).into();
        let value: Arc<str> = value.into();
        let by_place_only = is_shredder(kind, &value);
        if !by_place_only {
            self.fresh.push((value.clone(), text.clone()));
        }
        self.labels.insert(value, Label { kind, text, by_place_only });
    }

    fn matcher(&mut self) -> Arc<Matcher> {
        for (value, label) in self.fresh.drain(..) {
            for written in spellings(&value) {
                self.needles.add(&written, &label);
            }
            for part in jwt_parts(&value) {
                self.needles.add(part, &label);
            }
        }
        self.needles.matcher()
    }
}

impl Secret {
    /// The word in the label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Secret::AccessToken => "access token",
            Secret::ActorToken => "actor token",
            Secret::ApiKey => "API key",
            Secret::Assertion => "assertion",
            Secret::AuthorizationCode => "code",
            Secret::ClientAssertion => "client assertion",
            Secret::ClientSecret => "client secret",
            Secret::CodeVerifier => "verifier",
            Secret::Cookie => "cookie",
            Secret::Credentials => "credentials",
            Secret::DeviceCode => "device code",
            Secret::DpopProof => "DPoP proof",
            Secret::FormValue => "form value",
            Secret::IdToken => "ID token",
            Secret::Jwt => "JWT",
            Secret::Password => "password",
            Secret::PrivateKey => "private key",
            Secret::RefreshToken => "refresh token",
            Secret::RegistrationToken => "registration token",
            Secret::Session => "session",
            Secret::SubjectToken => "subject token",
            Secret::Token => "token",
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn labels_are_numbered_by_kind_and_stable() {
        let vault = Vault::default();
        vault.learn(Secret::AuthorizationCode, "SplxlOBeZQ1");
        vault.learn(Secret::AccessToken, "2YotnFZFEj1zr");
        vault.learn(Secret::AuthorizationCode, "SplxlOBeZQ2");
        vault.learn(Secret::Token, "2YotnFZFEj1zr");
        assert_eq!(
            vault.redact("a SplxlOBeZQ2 b SplxlOBeZQ1 c 2YotnFZFEj1zr"),
            "a <code 2> b <code 1> c <access token 1>"
        );
        assert_eq!(vault.label("SplxlOBeZQ1").as_deref(), Some("<code 1>"));
    }

    #[test]
    fn finds_every_spelling() {
        let vault = Vault::default();
        vault.learn(Secret::ClientSecret, "p&ss/w\"rd+ü=");
        for written in [
            "p&ss/w\"rd+ü=",
            "p%26ss%2Fw%22rd%2B%C3%BC%3D",
            "p%26ss%2fw%22rd%2b%c3%bc%3d",
            "p%2526ss%252Fw%2522rd%252B%25C3%25BC%253D",
            "p&ss/w\\\"rd+ü=",
            "p&ss\\/w\\\"rd+ü=",
            "p\\u0026ss/w\\u0022rd\\u002B\\u00FC=",
            "p\\u0026ss/w\\u0022rd\\u002b\\u00fc=",
            "p&amp;ss/w&quot;rd+ü=",
            STANDARD.encode("p&ss/w\"rd+ü=").trim_end_matches('='),
        ] {
            assert_eq!(vault.redact(&format!("x {written} y")), "x <client secret 1> y", "{written}");
        }
    }

    #[test]
    fn short_values_and_plain_words_do_not_shred_text() {
        let vault = Vault::default();
        vault.learn(Secret::AuthorizationCode, "code");
        vault.learn(Secret::AccessToken, "invalid_token");
        vault.learn(Secret::Password, "hunter");
        assert_eq!(vault.redact("error=\"invalid_token\", code"), "error=\"invalid_token\", code");
        assert_eq!(vault.redact("?code=code&x=invalid_token"), "?code=<code 1>&x=invalid_token");
        assert_eq!(vault.redact("bounty_hunter hunters, and hunter"), "bounty_hunter hunters, and <password 1>");
        assert_eq!(vault.redact("p%3Dhunter%26"), "p%3D<password 1>%26");
    }

    #[test]
    fn a_password_that_is_a_word_of_the_labels_stays_readable() {
        let vault = Vault::default();
        vault.learn(Secret::Password, "verifier");
        vault.learn(Secret::CodeVerifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r");
        assert_eq!(vault.redact("verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r"), "<password 1> <verifier 1>");
    }

    #[test]
    fn masks_parts_of_a_token() {
        let vault = Vault::default();
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSIsImF1ZCI6IngifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        vault.learn(Secret::AccessToken, token);
        assert_eq!(vault.redact(token), "<access token 1>");
        assert_eq!(vault.redact("sig c2lnbmF0dXJlLXNpZ25hdHVyZQ"), "sig <access token 1>");
        assert!(!vault.redact(&token[..token.len() - 2]).contains("eyJzdWIi"));
    }

    #[test]
    fn hides_itself_from_debug() {
        let vault = Vault::default();
        vault.learn(Secret::Password, "correct horse battery");
        assert_eq!(format!("{vault:?}"), "Vault(1 secrets)");
    }
}
