//! A token, looked at: what it says, in words, and what is odd or wrong about it. It is sent nowhere.

mod checks;
mod claims;
mod hide;
mod issuer;
mod repeated;
mod show;
mod signature;

pub use issuer::{Known, fetch};
pub use show::render;

use serde_json::{Map, Value};

use crate::oauth::jwt::{self, Jwt};

/// What a token is held against.
#[derive(Debug, Default)]
pub struct Against {
    /// Audiences that it should be for: any one of them will do.
    pub audience: Vec<String>,
    /// The issuer, if it could be asked.
    pub issuer: Option<Known>,
    /// The issuer was to be asked, and could not be.
    pub unreachable: bool,
    /// Now, in seconds since the epoch.
    pub now: i64,
}

/// What came of looking at a token.
#[derive(Debug, Default, PartialEq)]
pub struct Inspection {
    /// What kind of token it is: one line.
    pub what: String,
    /// The header as sent, but for what is nobody's business: see `claims`.
    pub header: Map<String, Value>,
    /// The claims as sent, without the signatures of tokens among them and without what is named like a secret.
    pub claims: Map<String, Value>,
    /// What was noticed, in the order of the checks.
    pub remarks: Vec<Remark>,
    /// Nothing could be checked: the token can be read by its issuer only.
    pub unreadable: bool,
}

/// One thing noticed.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// How much it matters.
    pub mark: Mark,
    /// The sentence.
    pub text: String,
    /// The rule it belongs to, if there is one.
    pub rule: Option<&'static str>,
}

/// How much a remark matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Allowed, or not decided by any rule, but a reason for trouble.
    Odd,
    /// A server must refuse the token for this.
    Wrong,
}

impl Inspection {
    /// Whether a server has to refuse the token.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.remarks.iter().any(|remark| remark.mark == Mark::Wrong)
    }

    fn note(&mut self, mark: Mark, rule: Option<&'static str>, text: impl Into<String>) {
        self.remarks.push(Remark { mark, text: hide::cut(&text.into()), rule });
    }
}

/// Looks at a token. Neither its signature nor the token itself is part of what comes back, nor are those of tokens inside.
#[must_use]
pub fn inspect(token: &str, against: &Against) -> Inspection {
    let mut seen = Inspection::default();
    let parts = token.split('.').count();
    match Jwt::decode(token) {
        Some(jwt) => {
            seen.header = hide::members(&jwt.header);
            seen.claims = hide::members(&jwt.claims);
            seen.what = kind(&jwt);
            signature::check(token, &jwt, against, &mut seen);
            repeated::check(token, &mut seen);
            checks::header(&jwt, &mut seen);
            checks::claims(&jwt, against, &mut seen);
        }
        None if parts == 5 => {
            seen.unreadable = true;
            "an encrypted token (JWE, RFC 7516): only its audience can read it".clone_into(&mut seen.what);
            seen.header = jwt::header_of(token).as_ref().map(hide::members).unwrap_or_default();
        }
        // Whoever copies a token loses a piece of it easily.
        None if jwt::header_of(token).is_some_and(|header| header.contains_key("alg")) => {
            seen.what = match parts {
                3 => "a JWT that was cut off or mangled".to_owned(),
                _ => format!(
                    "no JWT: {parts} parts, where a JWT has three (RFC 7515 section 3.1) and an encrypted one five"
                ),
            };
            seen.note(
                Mark::Wrong,
                Some("rs.token-validated"),
                "its header is that of a JWT, and the rest is not: was it copied whole?",
            );
        }
        // Three parts make no JWT: a PASETO has them as well.
        None if parts == 3 && BRACES.iter().any(|brace| token.starts_with(brace)) => {
            "no JWT, though it has three parts".clone_into(&mut seen.what);
            seen.note(Mark::Wrong, Some("rs.token-validated"), "header or claims are no JSON object in base64url");
        }
        None => {
            seen.unreadable = true;
            seen.what = format!(
                "an opaque token of {} characters: a server has to ask its issuer (RFC 7662)",
                token.chars().count()
            );
        }
    }
    seen
}

/// What the token says that it is.
fn kind(jwt: &Jwt) -> String {
    let alg = jwt.header.get("alg").and_then(Value::as_str).unwrap_or("nothing");
    let what = checks::kind(jwt);
    match alg {
        "nothing" => format!("{what}, without an algorithm"),
        alg if alg.eq_ignore_ascii_case("none") => format!("{what}, not signed"),
        alg => format!("{what}, signed with {alg}"),
    }
}

/// How `{` begins in base64url.
const BRACES: [&str; 4] = ["ew", "ex", "ey", "ez"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::jwt::encode;

    const NOW: i64 = 1_800_000_000;

    fn token(header: Value, claims: Value) -> String {
        let object = |value: Value| value.as_object().cloned().expect("an object");
        format!("{}.{}.c2lnbmF0dXJl", encode(&object(header)), encode(&object(claims)))
    }

    fn wrong(token: &str, against: &Against) -> Vec<&'static str> {
        let seen = inspect(token, against);
        seen.remarks.iter().filter(|remark| remark.mark == Mark::Wrong).filter_map(|remark| remark.rule).collect()
    }

    fn honest() -> Value {
        json!({ "iss": "https://as.example", "aud": "https://mcp.example/mcp", "sub": "a", "client_id": "c", "jti": "1",
            "iat": NOW - 60, "exp": NOW + 600, "scope": "mcp:read" })
    }

    fn against() -> Against {
        Against { now: NOW, audience: vec!["https://mcp.example/mcp".into()], ..Against::default() }
    }

    #[test]
    fn an_honest_token_has_nothing_wrong() {
        let seen = inspect(&token(json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k" }), honest()), &against());
        assert!(seen.remarks.iter().all(|remark| remark.mark == Mark::Good), "{:?}", seen.remarks);
        assert_eq!(seen.what, "an access token of RFC 9068, signed with ES256");
    }

    #[test]
    fn kinds_are_named_that_are_no_access_tokens() {
        let what = |header: Value, claims: Value| inspect(&token(header, claims), &against()).what;
        assert!(what(json!({ "alg": "ES256", "typ": "logout+jwt" }), honest()).starts_with("a logout token"));
        assert!(what(json!({ "alg": "ES256", "typ": "dpop+jwt" }), honest()).starts_with("a DPoP proof"));
        assert!(what(json!({ "alg": "ES256" }), json!({ "token_use": "id" })).starts_with("an ID token"));
        assert!(what(json!({ "alg": "HS512" }), json!({ "typ": "Refresh" })).starts_with("a refresh token"));
        assert!(what(json!({ "alg": "RS256" }), json!({ "events": {} })).starts_with("a logout token"));
    }

    #[test]
    fn a_piece_of_a_jwt_is_no_opaque_token() {
        let whole = token(json!({ "alg": "ES256" }), honest());
        for piece in [&whole[..60], &format!("{whole}.more"), whole.rsplit_once('.').expect("parts").0] {
            let seen = inspect(piece, &against());
            assert!(seen.is_wrong() && seen.what.contains("JWT"), "{}", seen.what);
        }
        assert!(inspect("an-opaque-token", &against()).unreadable);
    }

    #[test]
    fn each_defect_is_named_with_its_rule() {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k" });
        for (change, rule) in [
            (json!({ "exp": NOW - 1000 }), "rs.token-exp-enforced"),
            (json!({ "nbf": NOW + 1000 }), "rs.token-nbf-enforced"),
            (json!({ "aud": "https://other.example/" }), "rs.token-audience-wrong"),
            (json!({ "aud": "https://mcp.example/mcp/" }), "rs.token-audience-near-miss"),
            (json!({ "aud": null }), "rs.token-audience-missing"),
            (json!({ "aud": "" }), "rs.token-audience-missing"),
            (json!({ "aud": [""] }), "rs.token-audience-missing"),
            (json!({ "sub": "" }), "rs.token-required-claims"),
            (json!({ "client_id": null }), "rs.token-required-claims"),
            (json!({ "exp": "tomorrow" }), "rs.token-exp-enforced"),
        ] {
            let mut claims = honest();
            for (name, value) in change.as_object().expect("an object") {
                claims[name] = value.clone();
            }
            claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
            assert!(wrong(&token(header.clone(), claims), &against()).contains(&rule), "{change}");
        }
        for (header, rule) in
            [(json!({ "typ": "at+jwt" }), "rs.token-alg-allowlist"), (json!({ "alg": "nOnE" }), "rs.token-alg-none")]
        {
            assert_eq!(wrong(&token(header.clone(), honest()), &against()), [rule], "{header}");
        }
        let empty = token(header, honest()).replace("c2lnbmF0dXJl", "");
        assert_eq!(wrong(&empty, &against()), ["rs.token-signature"]);
        let unsigned = token(json!({ "alg": "none", "typ": "at+jwt" }), honest());
        assert_eq!(wrong(&unsigned, &against()), ["rs.token-alg-none"]);
        let odd = inspect(&token(json!({ "alg": "ES256", "crit": ["x"] }), honest()), &against());
        assert!(!odd.is_wrong() && odd.remarks.iter().any(|remark| remark.rule == Some("rs.token-crit-unknown")));
    }

    #[test]
    fn times_beyond_the_calendar_are_numbers_all_the_same() {
        let marks = |change: Value| {
            let mut claims = honest();
            for (name, value) in change.as_object().expect("an object") {
                claims[name] = value.clone();
            }
            let seen = inspect(&token(json!({ "alg": "ES256", "typ": "at+jwt" }), claims), &against());
            let beyond = |text: &str| text.contains("far beyond any date") || text.contains("far before any date");
            assert!(seen.remarks.iter().all(|remark| !remark.text.contains("not a number")), "{:?}", seen.remarks);
            let found: Vec<Remark> = seen.remarks.into_iter().filter(|remark| beyond(&remark.text)).collect();
            assert_eq!(found.len(), 1, "{change}: {found:?}");
            (found[0].mark, found[0].rule.unwrap_or_default())
        };
        assert_eq!(marks(json!({ "exp": 1e26 })), (Mark::Odd, "rs.token-exp-enforced"));
        assert_eq!(marks(json!({ "exp": u64::MAX })), (Mark::Odd, "rs.token-exp-enforced"));
        assert_eq!(marks(json!({ "exp": -1e26 })), (Mark::Wrong, "rs.token-exp-enforced"));
        assert_eq!(marks(json!({ "nbf": 1e300 })), (Mark::Wrong, "rs.token-nbf-enforced"));
        assert_eq!(marks(json!({ "nbf": -1e300 })), (Mark::Odd, "rs.token-nbf-enforced"));
        assert_eq!(marks(json!({ "iat": 1e300 })), (Mark::Odd, "rs.token-iat-future"));
    }

    #[test]
    fn what_cannot_be_read_is_said_so() {
        assert!(inspect("gho_abc", &against()).unreadable);
        assert!(inspect("a.b.c.d.e", &against()).what.contains("encrypted"));
        assert!(inspect("eyJ.b.c", &against()).is_wrong());
        assert!(inspect("v4.public.eyJ", &against()).unreadable);
    }

    #[test]
    fn nothing_shows_the_signature() {
        let token = token(json!({ "alg": "ES256" }), honest());
        let shown = render(&inspect(&token, &against()), &against(), &crate::report::Look::plain());
        assert!(!shown.contains("c2lnbmF0dXJl") && !shown.contains(&token), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    }
}
