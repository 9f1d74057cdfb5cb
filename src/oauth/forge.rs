//! Signing what a verifier must refuse: the attacks on JWS that RFC 8725 section 2 lists, with keys no issuer publishes.

use std::sync::LazyLock;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rsa::{
    BigUint, RsaPublicKey,
    pkcs8::{EncodePublicKey, LineEnding},
};
use serde_json::{Map, Value, json};

use super::jwt::Jwt;

/// How a changed token is signed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// The old signature stays, whatever was changed.
    Keep,
    /// No signature at all: the third part is empty. The header is left as the case writes it.
    Empty,
    /// A key that the issuer does not publish, with the algorithm and `kid` of the original.
    Foreign,
    /// HMAC with the PEM of the issuer's public key as the secret (RFC 8725 section 2.1).
    PublicKeyPem,
    /// The same without the line end behind the last line, as keys stand in variables.
    PublicKeyPemTrimmed,
    /// HMAC with the JSON of the issuer's public JWK as the secret.
    PublicKeyJwk,
    /// HMAC with an empty secret.
    EmptySecret,
    /// A foreign key that the header carries as `jwk`.
    EmbeddedJwk,
    /// A foreign key that the header carries as a certificate in `x5c`.
    EmbeddedX5c,
    /// A foreign key that stands in a key set at this URL, named by `jku`.
    Jku(String),
    /// A foreign key whose certificate stands at this URL, named by `x5u`.
    X5u(String),
}

/// Signs header and claims. `jwks` is the issuer's key set, needed for the two attacks with its public key.
///
/// # Errors
/// Says what is missing, in words for a `blocked` case.
pub fn sign(mut jwt: Jwt, how: &Signing, jwks: Option<&Value>) -> Result<String, String> {
    let alg = jwt.header.get("alg").and_then(Value::as_str).unwrap_or("RS256").to_owned();
    let foreign = Foreign::for_algorithm(&alg);
    let key_owned = |header: &mut Map<String, Value>| {
        header.insert("alg".into(), json!(foreign.name));
        header.insert("kid".into(), json!(FOREIGN_KID));
    };
    let signature = match how {
        Signing::Keep => jwt.signature.clone(),
        Signing::Empty => String::new(),
        Signing::Foreign => {
            jwt.header.insert("alg".into(), json!(foreign.name));
            foreign.sign(&jwt.signing_input())?
        }
        Signing::PublicKeyPem | Signing::PublicKeyPemTrimmed | Signing::PublicKeyJwk | Signing::EmptySecret => {
            let secret = match how {
                Signing::EmptySecret => Vec::new(),
                _ => {
                    let jwk = find_jwk(jwks.ok_or("the issuer publishes no key set (jwks_uri)")?, &jwt.header)?;
                    if *how == Signing::PublicKeyJwk {
                        jwk.to_string().into_bytes()
                    } else if *how == Signing::PublicKeyPemTrimmed {
                        public_pem(&jwk)?.trim_end().as_bytes().to_vec()
                    } else {
                        public_pem(&jwk)?.into_bytes()
                    }
                }
            };
            jwt.header.insert("alg".into(), json!("HS256"));
            crypto::sign(jwt.signing_input().as_bytes(), &EncodingKey::from_secret(&secret), Algorithm::HS256)
                .map_err(|e| format!("failed to sign with HS256: {e}"))?
        }
        Signing::EmbeddedJwk => {
            key_owned(&mut jwt.header);
            jwt.header.insert("jwk".into(), foreign.jwk());
            foreign.sign(&jwt.signing_input())?
        }
        Signing::EmbeddedX5c | Signing::X5u(_) => {
            jwt.header.insert("alg".into(), json!("RS256"));
            jwt.header.insert("kid".into(), json!(FOREIGN_KID));
            match how {
                Signing::X5u(url) => jwt.header.insert("x5u".into(), json!(url)),
                _ => jwt.header.insert("x5c".into(), json!([certificate_der()])),
            };
            Foreign::for_algorithm("RS256").sign(&jwt.signing_input())?
        }
        Signing::Jku(url) => {
            key_owned(&mut jwt.header);
            jwt.header.insert("jku".into(), json!(url));
            foreign.sign(&jwt.signing_input())?
        }
    };
    Ok(format!("{}.{signature}", jwt.signing_input()))
}

/// A signed JWT of our own key for an algorithm (`RS256`, `ES256`, `EdDSA`): client assertions of registered clients.
///
/// # Errors
/// Only if the crypto provider refuses.
pub fn own(header: Map<String, Value>, claims: Map<String, Value>, alg: &str) -> Result<String, String> {
    let key = Foreign::for_algorithm(alg);
    let mut header = header;
    header.entry("alg").or_insert(json!(key.name));
    header.entry("kid").or_insert(json!(FOREIGN_KID));
    Jwt { header, claims, signature: String::new() }.signed(key.key, key.alg)
}

/// The key set with the public halves of our own keys.
#[must_use]
pub fn own_jwks() -> Value {
    let keys = ["ES256", "RS256", "EdDSA"].map(|alg| Foreign::for_algorithm(alg).jwk());
    json!({ "keys": keys })
}

/// The certificate of our RSA key, for a document at an `x5u`.
#[must_use]
pub fn certificate_pem() -> &'static str {
    include_str!("keys/foreign-rs256.crt")
}

/// The `kid` of our own keys.
pub const FOREIGN_KID: &str = "authspec-own-key";

struct Foreign {
    name: &'static str,
    alg: Algorithm,
    key: &'static EncodingKey,
}

impl Foreign {
    /// The key of the family of an algorithm; RSA for whatever is unknown.
    fn for_algorithm(alg: &str) -> Foreign {
        match alg {
            "ES256" => Foreign { name: "ES256", alg: Algorithm::ES256, key: &ES256 },
            "EdDSA" | "Ed25519" => Foreign { name: "EdDSA", alg: Algorithm::EdDSA, key: &EDDSA },
            "RS384" => Foreign { name: "RS384", alg: Algorithm::RS384, key: &RS256 },
            "RS512" => Foreign { name: "RS512", alg: Algorithm::RS512, key: &RS256 },
            "PS256" => Foreign { name: "PS256", alg: Algorithm::PS256, key: &RS256 },
            _ => Foreign { name: "RS256", alg: Algorithm::RS256, key: &RS256 },
        }
    }

    fn sign(&self, input: &str) -> Result<String, String> {
        crypto::sign(input.as_bytes(), self.key, self.alg)
            .map_err(|e| format!("failed to sign with {}: {e}", self.name))
    }

    fn jwk(&self) -> Value {
        let family = if self.name.starts_with("RS") || self.name.starts_with("PS") { "RS256" } else { self.name };
        let mut jwk = FOREIGN_JWKS[family].clone();
        jwk["kid"] = json!(FOREIGN_KID);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.name);
        jwk
    }
}

fn certificate_der() -> String {
    certificate_pem().lines().filter(|line| !line.starts_with("-----")).collect()
}

/// The issuer's key that the header names, else its first key of a matching type, else its first.
fn find_jwk(jwks: &Value, header: &Map<String, Value>) -> Result<Value, String> {
    let keys = jwks["keys"].as_array().filter(|k| !k.is_empty()).ok_or("the issuer's key set is empty")?;
    let by_kid = keys.iter().find(|k| header.get("kid").is_some_and(|kid| k["kid"] == *kid));
    let asymmetric = || keys.iter().find(|k| k["kty"] == "RSA" || k["kty"] == "EC");
    by_kid.or_else(asymmetric).or(keys.first()).cloned().ok_or_else(|| "the issuer's key set is empty".to_owned())
}

/// The SubjectPublicKeyInfo of a JWK in PEM (RFC 7468 section 13): what a confused verifier would take as an HMAC secret.
fn public_pem(jwk: &Value) -> Result<String, String> {
    let part = |name: &str| part(jwk, name);
    match jwk["kty"].as_str() {
        Some("RSA") => {
            let key = rsa_key(jwk)?;
            key.to_public_key_pem(LineEnding::LF).map_err(|e| format!("the issuer's RSA key is unusable: {e}"))
        }
        Some("EC") if jwk["crv"] == "P-256" => Ok(pem(&[P256_SPKI, &part("x")?, &part("y")?].concat())),
        Some("EC") if jwk["crv"] == "P-384" => Ok(pem(&[P384_SPKI, &part("x")?, &part("y")?].concat())),
        Some("OKP") if jwk["crv"] == "Ed25519" => Ok(pem(&[ED25519_SPKI, &part("x")?].concat())),
        other => Err(format!("no PEM form known for a key of type {}", other.unwrap_or("(none)"))),
    }
}

/// The SubjectPublicKeyInfo of an RSA key in DER.
///
/// # Errors
/// Says what is wrong with the key.
pub(super) fn public_der(jwk: &Value) -> Result<Vec<u8>, String> {
    let der = rsa_key(jwk)?.to_public_key_der().map_err(|e| format!("the issuer's RSA key is unusable: {e}"))?;
    Ok(der.into_vec())
}

fn rsa_key(jwk: &Value) -> Result<RsaPublicKey, String> {
    let number = |name: &str| part(jwk, name).map(|bytes| BigUint::from_bytes_be(&bytes));
    RsaPublicKey::new(number("n")?, number("e")?).map_err(|e| format!("the issuer's RSA key is unusable: {e}"))
}

fn part(jwk: &Value, name: &str) -> Result<Vec<u8>, String> {
    let text = jwk[name].as_str().ok_or_else(|| format!("the issuer's key has no `{name}`"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|e| format!("the issuer's key has a malformed `{name}`: {e}"))
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

static RS256: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_rsa_pem(include_bytes!("keys/foreign-rs256.pem")).expect("a fixture key, read by a test")
});
static ES256: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_ec_pem(include_bytes!("keys/foreign-es256.pem")).expect("a fixture key, read by a test")
});
static EDDSA: LazyLock<EncodingKey> = LazyLock::new(|| {
    EncodingKey::from_ed_pem(include_bytes!("keys/foreign-eddsa.pem")).expect("a fixture key, read by a test")
});
static FOREIGN_JWKS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("keys/foreign.jwks.json")).expect("a fixture, read by a test"));

/// DER of AlgorithmIdentifier and the head of the point for P-256 (RFC 5480), uncompressed.
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// The same for P-384.
const P384_SPKI: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00, 0x04,
];
/// DER head for Ed25519 (RFC 8410).
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;

    use super::*;

    fn sample(alg: &str) -> Jwt {
        let Value::Object(header) = json!({ "alg": alg, "kid": "k1" }) else { unreachable!("an object") };
        let Value::Object(claims) = json!({ "sub": "alice" }) else { unreachable!("an object") };
        Jwt { header, claims, signature: "c2ln".into() }
    }

    #[test]
    fn every_attack_gives_a_compact_jws() {
        let jwks = own_jwks();
        for alg in ["RS256", "ES256", "EdDSA"] {
            for how in [
                Signing::Keep,
                Signing::Empty,
                Signing::Foreign,
                Signing::PublicKeyPem,
                Signing::PublicKeyPemTrimmed,
                Signing::PublicKeyJwk,
                Signing::EmptySecret,
                Signing::EmbeddedJwk,
                Signing::EmbeddedX5c,
                Signing::Jku("http://h/j".into()),
                Signing::X5u("http://h/c".into()),
            ] {
                let token = sign(sample(alg), &how, Some(&jwks)).expect("signed");
                assert!(Jwt::decode(&token).is_some(), "{alg} {how:?}");
            }
        }
    }

    #[test]
    fn hmac_with_the_public_pem_verifies_under_confusion() {
        let jwks = own_jwks();
        let token = sign(sample("RS256"), &Signing::PublicKeyPem, Some(&jwks)).expect("signed");
        let (input, signature) = token.rsplit_once('.').expect("three parts");
        let jwk = find_jwk(&jwks, &Map::new()).expect("a key");
        let secret = public_pem(&jwk).expect("a PEM");
        assert!(secret.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        let key = DecodingKey::from_secret(secret.as_bytes());
        assert!(crypto::verify(signature, input.as_bytes(), &key, Algorithm::HS256).expect("verifiable"));
    }

    #[test]
    fn own_assertions_verify_with_the_published_key() {
        let token = own(Map::new(), sample("ES256").claims, "ES256").expect("signed");
        let (input, signature) = token.rsplit_once('.').expect("three parts");
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(own_jwks()["keys"][0].clone()).expect("a JWK");
        let key = DecodingKey::from_jwk(&jwk).expect("usable");
        assert!(crypto::verify(signature, input.as_bytes(), &key, Algorithm::ES256).expect("verifiable"));
    }
}
