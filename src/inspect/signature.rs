//! The signature, against the keys that the issuer publishes (RFC 7515 section 5.2, RFC 8725 section 3.1).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use super::{Against, Inspection, Mark};
use crate::oauth::jwt::Jwt;

/// Algorithm, key and signature.
pub(super) fn check(token: &str, jwt: &Jwt, against: &Against, seen: &mut Inspection) {
    let Some(alg) = jwt.header.get("alg").and_then(Value::as_str) else {
        let text = "the header names no alg, so nobody can say how to check the signature (RFC 7515, section 4.1.1)";
        return seen.note(Mark::Wrong, Some("rs.token-alg-allowlist"), text);
    };
    if alg.is_empty() || alg.eq_ignore_ascii_case("none") {
        return seen.note(Mark::Wrong, Some("rs.token-alg-none"), "it is not signed: anybody could have written it");
    }
    if alg.starts_with("HS") {
        let text = format!(
            "{alg} signs with a shared secret: whoever can check it can forge it, and no key set can publish it"
        );
        seen.note(if against.issuer.is_some() { Mark::Wrong } else { Mark::Odd }, Some("rs.token-alg-confusion"), text);
        return;
    }
    if let Some(why) = malformed(&jwt.signature) {
        return seen.note(Mark::Wrong, Some("rs.token-signature"), why);
    }
    let Some(known) = &against.issuer else { return };
    let kid = jwt.header.get("kid").and_then(Value::as_str);
    let fitting: Vec<&Value> = known.keys.iter().filter(|key| fits(key, kid)).collect();
    match (kid, fitting.as_slice()) {
        (Some(kid), []) => {
            let text = format!(
                "no key {kid} in the key set ({}): it was rotated away, or the token is another issuer's",
                names(&known.keys)
            );
            return seen.note(Mark::Wrong, Some("rs.token-signature"), text);
        }
        (None, keys) if keys.len() > 1 => {
            seen.note(Mark::Odd, None, "no kid, and several keys: a server has to try them all");
        }
        (Some(_), [_, _, ..]) => seen.note(Mark::Odd, None, "several published keys have this kid"),
        _ => {}
    }
    let Ok(parsed) = alg.parse::<Algorithm>() else {
        return seen.note(
            Mark::Odd,
            Some("rs.token-alg-allowlist"),
            format!("{alg} is no algorithm that can be checked here"),
        );
    };
    match fitting.iter().find(|key| verifies(token, key, parsed)) {
        Some(key) => {
            let name = key["kid"].as_str().unwrap_or("without kid");
            seen.note(
                Mark::Good,
                Some("rs.token-signature"),
                format!("the signature is that of the published key {name}"),
            );
            if let Some(other) = key["alg"].as_str().filter(|other| *other != alg) {
                let text = format!("the key is published for {other}, and the token was signed with {alg}");
                seen.note(Mark::Odd, Some("rs.token-alg-allowlist"), text);
            }
        }
        None => {
            let text = match (kid, fitting.as_slice()) {
                (_, []) => "the key set has no key for signatures: nobody can check this one",
                (Some(_), _) => {
                    "the signature is not that of the published key: forged, changed, or signed with another key of that name"
                }
                (None, _) => "the signature is of no published key: forged, changed, or signed with another key",
            };
            seen.note(Mark::Wrong, Some("rs.token-signature"), text);
        }
    }
}

/// What is wrong with a signature before any key is looked at.
fn malformed(signature: &str) -> Option<&'static str> {
    if signature.is_empty() {
        return Some("the signature is empty: anybody could have written the token");
    }
    URL_SAFE_NO_PAD
        .decode(signature)
        .is_err()
        .then_some("the signature is no base64url (no padding, `-` and `_` for `+` and `/`, no bits left over): cut short or changed on the way")
}

fn fits(key: &Value, kid: Option<&str>) -> bool {
    let signs = key["use"].as_str().is_none_or(|usage| usage == "sig");
    signs && kid.is_none_or(|kid| key["kid"] == kid)
}

/// Verified here and not by the harness's forging: the algorithm is the token's, the key decides whether it suits.
fn verifies(token: &str, key: &Value, alg: Algorithm) -> bool {
    let Ok(jwk) = serde_json::from_value::<Jwk>(key.clone()) else { return false };
    let (Ok(key), Some((message, signature))) = (DecodingKey::from_jwk(&jwk), token.rsplit_once('.')) else {
        return false;
    };
    crypto::verify(signature, message.as_bytes(), &key, alg).unwrap_or(false)
}

fn names(keys: &[Value]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap_or("a key without kid")).collect();
    if names.is_empty() { "it is empty".to_owned() } else { format!("there are {}", names.join(", ")) }
}
