//! A key that no client has registered, for assertions that only look like a client's.

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, EncodingKey, jwk::Jwk};
use serde_json::{Map, Value, json};

use super::jwt::Jwt;

/// Signs by ES256.
///
/// # Errors
/// Only if the crypto provider refuses.
pub fn sign(mut header: Map<String, Value>, claims: Map<String, Value>) -> Result<String, String> {
    header.insert("alg".into(), json!("ES256"));
    header.entry("kid").or_insert(json!(KID));
    Jwt { header, claims, signature: String::new() }.signed(&KEY, Algorithm::ES256)
}

/// The public half, as a header parameter `jwk` would hold it.
#[must_use]
pub fn jwk() -> Value {
    let mut jwk = Jwk::from_encoding_key(&KEY, Algorithm::ES256).map_or(Value::Null, |jwk| json!(jwk));
    jwk["kid"] = json!(KID);
    jwk["use"] = json!("sig");
    jwk["alg"] = json!("ES256");
    jwk
}

/// The `kid` of the key.
pub const KID: &str = "authspec-stranger-key";

static KEY: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_ec_pem(include_bytes!("keys/stranger-es256.pem")).expect("a fixture key, read by a test")
});

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, crypto};

    use super::*;

    #[test]
    fn what_it_signs_verifies_with_its_jwk() {
        let token = sign(Map::new(), Map::new()).expect("signed");
        let (input, signature) = token.rsplit_once('.').expect("three parts");
        let jwk: Jwk = serde_json::from_value(jwk()).expect("a JWK");
        let key = DecodingKey::from_jwk(&jwk).expect("usable");
        assert!(crypto::verify(signature, input.as_bytes(), &key, Algorithm::ES256).expect("verifiable"));
    }
}
