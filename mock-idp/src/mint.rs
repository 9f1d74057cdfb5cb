//! Tokens without HTTP: honest defaults, any claim and header changed, signed by a published key.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

use crate::Alg;

/// What is minted.
#[derive(Clone, Debug, Default)]
pub struct TokenSpec {
    /// `aud`: one value as a text, several as a list.
    pub audience: Vec<String>,
    /// `client_id`.
    pub client_id: String,
    /// `scope`; left out if empty.
    pub scope: String,
    /// Claims to set; `null` removes one.
    pub claims: Map<String, Value>,
    /// Header parameters to set; `null` removes one.
    pub header: Map<String, Value>,
    /// Payload text instead of the claims: duplicate members, broken JSON.
    pub payload: Option<String>,
    /// Access token or ID token.
    pub kind: TokenKind,
}

/// Which token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenKind {
    /// An access token (RFC 9068).
    #[default]
    Access,
    /// An ID token (OpenID Connect Core section 2).
    Id,
}

/// The published key set.
pub fn jwks() -> Value {
    JWKS.clone()
}

/// Mints and signs.
pub fn token(issuer: &str, alg: Alg, spec: TokenSpec) -> String {
    let (name, kid, algorithm, key) = match alg {
        Alg::EdDsa => ("EdDSA", "eddsa-1", Algorithm::EdDSA, &*EDDSA),
        Alg::Es256 => ("ES256", "es256-1", Algorithm::ES256, &*ES256),
        Alg::Rs256 => ("RS256", "rs256-1", Algorithm::RS256, &*RS256),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let typ = if spec.kind == TokenKind::Id { "JWT" } else { "at+jwt" };
    let mut header = json!({ "typ": typ, "alg": name, "kid": kid });
    let audience = if let [one] = spec.audience.as_slice() { json!(one) } else { json!(spec.audience) };
    let mut claims = json!({
        "iss": issuer, "aud": audience, "sub": "user-alice", "client_id": spec.client_id, "iat": now, "exp": now + 600,
        "jti": format!("{:032x}", rand::random::<u128>()),
    });
    if !spec.scope.is_empty() {
        claims["scope"] = json!(spec.scope);
    }
    patch(&mut header, spec.header);
    patch(&mut claims, spec.claims);
    let payload = spec.payload.unwrap_or_else(|| claims.to_string());
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let signature = crypto::sign(input.as_bytes(), key, algorithm).expect("a fixture key signs with its own algorithm");
    format!("{input}.{signature}")
}

fn patch(target: &mut Value, changes: Map<String, Value>) {
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in changes {
        if value.is_null() {
            target.remove(&name);
        } else {
            target.insert(name, value);
        }
    }
}

static RS256: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_rsa_pem(include_bytes!("../keys/rs256-1.pem")).expect("a fixture key, read by a test")
});
static ES256: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_ec_pem(include_bytes!("../keys/es256-1.pem")).expect("a fixture key, read by a test")
});
static EDDSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_ed_pem(include_bytes!("../keys/eddsa-1.pem")).expect("a fixture key, read by a test")
});
static JWKS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../keys/jwks.json")).expect("a fixture, read by a test"));

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;
    use jsonwebtoken::jwk::JwkSet;

    use super::*;

    #[test]
    fn every_algorithm_verifies_with_the_published_key() {
        let set: JwkSet = serde_json::from_value(jwks()).expect("a key set");
        for (alg, algorithm, kid) in [
            (Alg::Rs256, Algorithm::RS256, "rs256-1"),
            (Alg::Es256, Algorithm::ES256, "es256-1"),
            (Alg::EdDsa, Algorithm::EdDSA, "eddsa-1"),
        ] {
            let token = token("http://idp", alg, TokenSpec::default());
            let (input, signature) = token.rsplit_once('.').expect("three parts");
            let key = DecodingKey::from_jwk(set.find(kid).expect("published")).expect("usable");
            assert!(crypto::verify(signature, input.as_bytes(), &key, algorithm).expect("verifiable"), "{kid}");
        }
    }
}
