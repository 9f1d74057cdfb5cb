//! Encrypted tokens that prove nothing: whoever knows a public key can encrypt to it (RFC 7516), so what stands inside still
//! needs a signature. Verifiers that take the decryption for one are shown what is unsigned.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::forge;
use super::jwt::{Jwt, encode};

/// What stands inside an encrypted token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// The claims alone, which a JWT may be (RFC 7519 section 7.1).
    Claims,
    /// A JWT with `alg` none.
    Unsigned,
}

/// A key of the set that one can encrypt to: RSA, preferably one that is there for it.
#[must_use]
pub fn key(jwks: Option<&Value>) -> Option<&Value> {
    let keys = || jwks?["keys"].as_array().map(|keys| keys.iter().filter(|key| key["kty"] == "RSA"));
    keys()?.find(|key| key["use"] == "enc").or_else(|| keys()?.next())
}

/// The claims of a token, encrypted by RSA-OAEP-256 and A256GCM to who published the key set (RFC 7516 section 5.1).
///
/// # Errors
/// Says what is missing, in words for a `blocked` case.
pub fn wrap(mut jwt: Jwt, inside: Inside, jwks: Option<&Value>) -> Result<String, String> {
    let key = key(jwks).ok_or("encrypt a token: the target publishes no RSA key")?;
    let mut header: Map<String, Value> = jwt.header.clone();
    header.retain(|name, _| name == "typ");
    header.extend([("alg".to_owned(), json!("RSA-OAEP-256")), ("enc".to_owned(), json!("A256GCM"))]);
    header.extend(key.get("kid").map(|kid| ("kid".to_owned(), kid.clone())));
    let plain = match inside {
        Inside::Claims => serde_json::to_vec(&jwt.claims).map_err(|e| format!("encrypt a token: {e}"))?,
        Inside::Unsigned => {
            header.insert("cty".into(), json!("JWT"));
            jwt.header.insert("alg".into(), json!("none"));
            jwt.header.remove("kid");
            format!("{}.", jwt.signing_input()).into_bytes()
        }
    };
    seal(&header, plain, key).ok_or_else(|| "encrypt a token: the target's RSA key is unusable".to_owned())
}

/// The compact form; `None` if the key does not serve.
fn seal(header: &Map<String, Value>, mut text: Vec<u8>, jwk: &Value) -> Option<String> {
    let (mut secret, mut iv) = ([0; 32], [0; 12]);
    rand::fill(&mut secret).ok()?;
    rand::fill(&mut iv).ok()?;
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&forge::public_der(jwk).ok()?).ok()?).ok()?;
    let mut room = vec![0; key.ciphertext_size()];
    let wrapped = key.encrypt(&OAEP_SHA256_MGF1SHA256, &secret, &mut room, None).ok()?;
    let head = encode(header);
    let content = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &secret).ok()?);
    let nonce = Nonce::assume_unique_for_key(iv);
    let tag = content.seal_in_place_separate_tag(nonce, Aad::from(head.as_bytes()), &mut text).ok()?;
    let parts = [&*wrapped, &iv, &text, tag.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
    Some(format!("{head}.{}", parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Jwt {
        let Value::Object(header) = json!({ "alg": "RS256", "kid": "k1", "typ": "at+jwt" }) else { unreachable!() };
        let Value::Object(claims) = json!({ "sub": "alice" }) else { unreachable!() };
        Jwt { header, claims, signature: "c2ln".into() }
    }

    #[test]
    fn five_parts_and_a_header_that_names_the_key() {
        let jwks = forge::own_jwks();
        for inside in [Inside::Claims, Inside::Unsigned] {
            let token = wrap(sample(), inside, Some(&jwks)).expect("encrypted");
            assert_eq!(token.split('.').count(), 5);
            let head = token.split('.').next().expect("a header");
            let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).expect("base64url")).expect("JSON");
            assert_eq!((&head["alg"], &head["typ"]), (&json!("RSA-OAEP-256"), &json!("at+jwt")));
            assert_eq!(head["kid"], forge::FOREIGN_KID);
        }
    }

    #[test]
    fn without_an_rsa_key_there_is_no_telling() {
        let jwks = json!({ "keys": [{ "kty": "EC", "crv": "P-256" }] });
        assert!(wrap(sample(), Inside::Claims, Some(&jwks)).is_err());
        assert!(key(None).is_none());
    }
}
