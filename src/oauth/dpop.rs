//! DPoP proofs (RFC 9449 section 4.2): keys made for a case, and proofs of which every part can be changed.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::jwt::Jwt;

/// A key that proofs are made with.
pub struct Key {
    alg: &'static str,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    /// Making RSA keys takes long: all cases share a few.
    Rsa(&'static RsaKeyPair),
}

/// How a proof is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// By its key.
    Own,
    /// By a key that is not the one in its header.
    Other,
    /// Not at all: `alg` is none and the signature empty.
    None,
    /// By its key, but one character of the signature is another.
    Broken,
    /// By HMAC with a shared key that the header carries as `jwk`.
    Hmac,
    /// By HMAC with the public key of the header, as JSON, for the secret.
    PublicKeyHmac,
}

impl Signing {
    /// The way by its word in a case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Signing> {
        Some(match word {
            "own" => Signing::Own,
            "other" => Signing::Other,
            "none" => Signing::None,
            "broken" => Signing::Broken,
            "hmac" => Signing::Hmac,
            "public-key-hmac" => Signing::PublicKeyHmac,
            _ => return None,
        })
    }
}

/// Algorithms that keys can be made for, the preferred first.
pub const ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "RS256", "PS256"];

impl Key {
    /// A fresh key for an algorithm of [`ALGORITHMS`], the `nth` of a case: another one than those before it.
    ///
    /// # Errors
    /// If the algorithm is another one, or no key can be made.
    pub fn fresh(alg: &str, nth: usize) -> Result<Key, String> {
        let alg = if alg == "Ed25519" { "EdDSA" } else { alg };
        let known = ALGORITHMS.into_iter().find(|known| *known == alg);
        let alg = known.ok_or_else(|| format!("make a DPoP key: no key signs by {alg}"))?;
        let failed = |_| format!("make a DPoP key for {alg}");
        let pair = match alg {
            "ES256" => Pair::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?),
            "EdDSA" => Pair::EdDsa(Ed25519KeyPair::generate().map_err(failed)?),
            _ => Pair::Rsa(&RSA[nth % RSA.len()]),
        };
        Ok(Key { alg, pair })
    }

    /// The public JWK (RFC 7517): only the members that make the key.
    #[must_use]
    pub fn jwk(&self) -> Map<String, Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: 4, x, y (SEC 1 section 2.3.3).
                let point = pair.public_key().as_ref();
                json!({ "crv": "P-256", "kty": "EC", "x": text(&point[1..33]), "y": text(&point[33..65]) })
            }
            Pair::EdDsa(pair) => json!({ "crv": "Ed25519", "kty": "OKP", "x": text(pair.public_key().as_ref()) }),
            Pair::Rsa(pair) => json!({ "e": "AQAB", "kty": "RSA", "n": text(modulus(pair.public_key().as_ref())) }),
        };
        object(members)
    }

    /// The private member `d` of the JWK; of an RSA key a made-up one.
    #[must_use]
    pub fn private_member(&self) -> Value {
        let made_up = || URL_SAFE_NO_PAD.encode([7_u8; 32]);
        let Pair::Es256(pair) = &self.pair else { return json!(made_up()) };
        let secret: Result<EcPrivateKeyBin<'_>, _> = pair.private_key().as_be_bytes();
        json!(secret.map_or_else(|_| made_up(), |secret| URL_SAFE_NO_PAD.encode(secret.as_ref())))
    }

    /// The thumbprint (RFC 7638) that `cnf.jkt` and `dpop_jkt` name.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // The members stand in order of name, as the thumbprint wants them.
        hash(&Value::Object(self.jwk()).to_string())
    }

    fn sign(&self, input: &str) -> Result<String, String> {
        let failed = |_| format!("sign a DPoP proof with {}", self.alg);
        match &self.pair {
            Pair::Es256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).map_err(failed)?;
                Ok(URL_SAFE_NO_PAD.encode(signature.as_ref()))
            }
            Pair::EdDsa(pair) => Ok(URL_SAFE_NO_PAD.encode(pair.sign(input.as_bytes()).as_ref())),
            Pair::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding =
                    if self.alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), input.as_bytes(), &mut signature).map_err(failed)?;
                Ok(URL_SAFE_NO_PAD.encode(signature))
            }
        }
    }
}

/// The header of an honest proof.
#[must_use]
pub fn header(key: &Key) -> Map<String, Value> {
    object(json!({ "typ": "dpop+jwt", "alg": key.alg, "jwk": key.jwk() }))
}

/// Signs a proof. `other` signs where the key of the header must not.
///
/// # Errors
/// If the crypto provider refuses.
pub fn sign(
    mut header: Map<String, Value>,
    claims: Map<String, Value>,
    key: &Key,
    other: &Key,
    how: Signing,
) -> Result<String, String> {
    let secret = match how {
        Signing::Hmac => b"authspec-shared-secret-0123456789".to_vec(),
        _ => Value::Object(key.jwk()).to_string().into_bytes(),
    };
    match how {
        Signing::None => {
            header.insert("alg".into(), json!("none"));
        }
        Signing::Hmac | Signing::PublicKeyHmac => {
            header.insert("alg".into(), json!("HS256"));
            if how == Signing::Hmac {
                header.insert("jwk".into(), json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(&secret) }));
            }
        }
        Signing::Own | Signing::Other | Signing::Broken => {}
    }
    let input = Jwt { header, claims, signature: String::new() }.signing_input();
    let signature = match how {
        Signing::Own => key.sign(&input)?,
        Signing::Other => other.sign(&input)?,
        Signing::None => String::new(),
        Signing::Broken => broken(&key.sign(&input)?),
        Signing::Hmac | Signing::PublicKeyHmac => {
            crypto::sign(input.as_bytes(), &EncodingKey::from_secret(&secret), Algorithm::HS256)
                .map_err(|e| format!("sign a DPoP proof: {e}"))?
        }
    };
    Ok(format!("{input}.{signature}"))
}

/// SHA-256 in base64url: `ath` of an access token (RFC 9449 section 4.2).
#[must_use]
pub fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// The signature with its first character changed.
fn broken(signature: &str) -> String {
    let first = if signature.starts_with('A') { 'Q' } else { 'A' };
    format!("{first}{}", signature.get(1..).unwrap_or_default())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The modulus in an `RSAPublicKey` of 2048 bits (RFC 8017 appendix A.1.1): behind the heads of the sequence and of the integer, and
/// a zero that makes it positive.
fn modulus(der: &[u8]) -> &[u8] {
    der.get(9..265).unwrap_or_default()
}

/// As many as a case has names for.
static RSA: [LazyLock<RsaKeyPair>; 4] =
    [const { LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made")) }; 4];

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;

    use super::*;

    #[test]
    fn honest_proofs_verify_with_the_key_in_their_header() {
        for (alg, algorithm) in [
            ("ES256", Algorithm::ES256),
            ("EdDSA", Algorithm::EdDSA),
            ("RS256", Algorithm::RS256),
            ("PS256", Algorithm::PS256),
        ] {
            let (key, other) = (Key::fresh(alg, 0).expect("a key"), Key::fresh("ES256", 1).expect("a key"));
            let proof = sign(header(&key), Map::new(), &key, &other, Signing::Own).expect("signed");
            let jwt = Jwt::decode(&proof).expect("a JWT");
            let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwt.header["jwk"].clone()).expect("a JWK");
            let (input, signature) = proof.rsplit_once('.').expect("three parts");
            let key = DecodingKey::from_jwk(&jwk).expect("usable");
            assert!(crypto::verify(signature, input.as_bytes(), &key, algorithm).expect("verifiable"), "{alg}");
        }
    }

    #[test]
    fn no_key_is_like_another() {
        for alg in ALGORITHMS {
            let (one, two) = (Key::fresh(alg, 0).expect("a key"), Key::fresh(alg, 1).expect("a key"));
            assert_ne!(one.thumbprint(), two.thumbprint(), "{alg}");
            assert_eq!(one.thumbprint().len(), 43);
            assert!(!one.jwk().contains_key("d"));
        }
    }
}
