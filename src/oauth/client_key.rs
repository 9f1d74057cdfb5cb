//! The private key of a client that the operator registered: what it signs its assertions with (RFC 7523 section 2.2).

use std::fmt;

use jsonwebtoken::Algorithm::{self, ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use jsonwebtoken::{EncodingKey, crypto, jwk::Jwk};
use serde_json::{Map, Value, json};

use super::jwt::Jwt;

/// A key with its algorithm and what it puts into headers. `Debug` shows the algorithm alone.
pub struct ClientKey {
    key: EncodingKey,
    alg: Algorithm,
    header: Map<String, Value>,
}

impl ClientKey {
    /// Reads a private key in PEM: RSA, P-256, P-384 or Ed25519. `header` is what its assertions carry, `kid` for one; its
    /// `alg` takes another algorithm than the usual one of the key (RS256, ES256, ES384, `EdDSA`).
    ///
    /// # Errors
    /// Says what is wrong, in the words of a profile; never a part of the key.
    pub fn read(pem: &str, mut header: Map<String, Value>) -> Result<Self, String> {
        let pem = pem.trim().as_bytes();
        let (key, family): (_, &[Algorithm]) = if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
            (key, &[RS256, RS384, RS512, PS256, PS384, PS512])
        } else if let Ok(key) = EncodingKey::from_ec_pem(pem) {
            (key, &[ES256, ES384])
        } else if let Ok(key) = EncodingKey::from_ed_pem(pem) {
            (key, &[EdDSA])
        } else {
            return Err("it is no private key in PEM of RSA, P-256, P-384 or Ed25519 (EC and Ed25519 as PKCS#8)".into());
        };
        let asked = header.shift_remove("alg");
        let fits = |alg: &Algorithm| asked.as_ref().is_none_or(|asked| json!(alg) == *asked);
        // Of which curve a key is, a signature tells.
        let signs = |alg: &Algorithm| crypto::sign(b"authspec", &key, *alg).is_ok();
        match family.iter().copied().find(|alg| fits(alg) && signs(alg)) {
            Some(alg) => Ok(Self { key, alg, header }),
            None => Err(match asked {
                Some(Value::String(asked)) => format!("this key cannot sign by {asked:?}"),
                Some(_) => "`alg` is no text".into(),
                None => "this key can sign by none of RS256, ES256, ES384, EdDSA".into(),
            }),
        }
    }

    /// The name of its algorithm (RFC 7518 section 3.1).
    #[must_use]
    pub fn alg(&self) -> String {
        json!(self.alg).as_str().unwrap_or_default().to_owned()
    }

    /// The header of an honest assertion, with what a case adds or replaces.
    #[must_use]
    pub fn header(&self, change: Map<String, Value>) -> Map<String, Value> {
        let mut header = Map::from_iter([("alg".to_owned(), json!(self.alg))]);
        header.extend(self.header.clone());
        header.extend(change);
        header
    }

    /// Signs a JWT.
    ///
    /// # Errors
    /// Only if the crypto provider refuses.
    pub fn sign(&self, header: Map<String, Value>, claims: Map<String, Value>) -> Result<String, String> {
        Jwt { header, claims, signature: String::new() }.signed(&self.key, self.alg)
    }

    /// The key set with the public half.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.alg).map_or(Value::Null, |jwk| json!(jwk));
        if let (Some(jwk), Some(kid)) = (jwk.as_object_mut(), self.header.get("kid")) {
            jwk.insert("kid".into(), kid.clone());
        }
        json!({ "keys": [jwk] })
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*** ({})", self.alg())
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;

    use super::*;

    const RSA: &str = include_str!("keys/foreign-rs256.pem");
    const P256: &str = include_str!("keys/foreign-es256.pem");
    const ED25519: &str = include_str!("keys/foreign-eddsa.pem");

    fn header(pairs: &[(&str, &str)]) -> Map<String, Value> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect()
    }

    #[test]
    fn each_kind_of_key_signs_what_its_public_half_verifies() {
        for (pem, alg) in [(RSA, "RS256"), (P256, "ES256"), (ED25519, "EdDSA")] {
            let key = ClientKey::read(pem, header(&[("kid", "k-1")])).expect(alg);
            assert_eq!(key.alg(), alg);
            let token = key.sign(key.header(Map::new()), Map::new()).expect("signed");
            let jwt = Jwt::decode(&token).expect("a JWT");
            assert_eq!((&jwt.header["alg"], &jwt.header["kid"]), (&json!(alg), &json!("k-1")));
            let (input, signature) = token.rsplit_once('.').expect("three parts");
            let jwk: Jwk = serde_json::from_value(key.jwks()["keys"][0].clone()).expect("a JWK");
            let public = DecodingKey::from_jwk(&jwk).expect("usable");
            assert!(crypto::verify(signature, input.as_bytes(), &public, key.alg).expect("verifiable"), "{alg}");
        }
    }

    #[test]
    fn another_algorithm_of_the_same_key_is_taken_and_one_of_another_key_is_not() {
        assert_eq!(ClientKey::read(RSA, header(&[("alg", "PS256")])).expect("RSA").alg(), "PS256");
        let refused = ClientKey::read(P256, header(&[("alg", "RS256")])).expect_err("P-256 is no RSA");
        assert_eq!(refused, "this key cannot sign by \"RS256\"");
    }

    #[test]
    fn what_is_no_key_is_not_repeated() {
        let refused = ClientKey::read("hunter2-secret", Map::new()).expect_err("no key");
        assert!(!refused.contains("hunter2") && refused.contains("PEM"), "{refused}");
        let key = ClientKey::read(P256, Map::new()).expect("a key");
        assert_eq!(format!("{key:?}"), "*** (ES256)");
    }
}
