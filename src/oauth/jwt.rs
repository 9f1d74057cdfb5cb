//! JSON Web Tokens as text: taken apart without any check, for looking at what somebody else issued.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value};

/// A JWS in compact form, taken apart. Nothing is verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// The JOSE header (RFC 7515 section 4).
    pub header: Map<String, Value>,
    /// The claims (RFC 7519 section 4).
    pub claims: Map<String, Value>,
    /// The third part as sent.
    pub signature: String,
}

impl Jwt {
    /// Takes a compact JWS apart; `None` if it is none.
    #[must_use]
    pub fn decode(token: &str) -> Option<Jwt> {
        let mut parts = token.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Jwt { header: object(header)?, claims: object(claims)?, signature: signature.to_owned() })
    }

    /// Header and claims joined, ready to be signed (RFC 7515 section 5.1).
    #[must_use]
    pub fn signing_input(&self) -> String {
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }

    /// Header and claims as they stand, signed with this key: a compact JWS. The signature in hand is left out.
    ///
    /// # Errors
    /// If the key is none for the algorithm.
    pub fn signed(&self, key: &EncodingKey, alg: Algorithm) -> Result<String, String> {
        let input = self.signing_input();
        let signature = crypto::sign(input.as_bytes(), key, alg)
            .map_err(|error| format!("failed to sign with {alg:?}: {error}"))?;
        Ok(format!("{input}.{signature}"))
    }
}

/// The header of a token, whatever its other parts are: of a JWE, or of a JWT that was cut off.
#[must_use]
pub fn header_of(token: &str) -> Option<Map<String, Value>> {
    object(token.split('.').next()?)
}

/// A JSON object as a part of a compact JWS.
#[must_use]
pub fn encode(object: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(object).expect("a map of JSON values is always serialisable"))
}

/// What a part says: its base64url undone. Padding is let pass.
#[must_use]
pub fn bytes(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

fn object(part: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&bytes(part)?).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        let token = format!(
            "{}.{}.sig",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
            URL_SAFE_NO_PAD.encode(r#"{"aud":["a"]}"#)
        );
        let jwt = Jwt::decode(&token).expect("a JWT");
        assert_eq!(jwt.header["alg"], "none");
        assert_eq!(format!("{}.sig", jwt.signing_input()), token);
        assert!(Jwt::decode("a.b").is_none());
        assert!(Jwt::decode("a.b.c.d.e").is_none());
        assert!(Jwt::decode("opaque").is_none());
    }
}
