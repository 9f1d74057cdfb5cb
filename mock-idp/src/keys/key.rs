//! One key pair: signs, verifies, and shows its public half as a JWK.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Alg, Kind};

/// A key pair with its name.
pub(crate) struct Key {
    kid: String,
    kind: Kind,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    /// Reads a PKCS #8 PEM. `None` if it does not hold a key of that kind.
    pub(crate) fn from_pem(kid: &str, kind: Kind, pem: &str) -> Option<Self> {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).ok()?;
        let pair = match kind {
            Kind::Ed25519 => Pair::Ed(Ed25519KeyPair::from_pkcs8(&der).ok()?),
            Kind::P256 => Pair::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?),
            Kind::P384 => Pair::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &der).ok()?),
            Kind::Rsa => Pair::Rsa(RsaKeyPair::from_pkcs8(&der).ok()?),
        };
        Some(Self { kid: kid.to_owned(), kind, pair })
    }

    /// Makes a new key. RSA takes about a tenth of a second.
    pub(crate) fn generate(kid: &str, kind: Kind) -> Self {
        const RANDOM: &str = "the system's randomness does not fail";
        let pair = match kind {
            Kind::Ed25519 => Pair::Ed(Ed25519KeyPair::generate().expect(RANDOM)),
            Kind::P256 => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect(RANDOM)),
            Kind::P384 => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect(RANDOM)),
            Kind::Rsa => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect(RANDOM)),
        };
        Self { kid: kid.to_owned(), kind, pair }
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The JWS signature over `message` (RFC 7515 section 5.1). Of `alg` only the RSA variant is looked at.
    pub(crate) fn sign(&self, alg: Alg, message: &[u8]) -> Vec<u8> {
        const SIGNS: &str = "signing with a parsed key does not fail";
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message).expect(SIGNS).as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let padding: &dyn RsaEncoding = match alg {
                    Alg::Ps256 => &RSA_PSS_SHA256,
                    Alg::Rs512 => &RSA_PKCS1_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signature).expect(SIGNS);
                signature
            }
        }
    }

    /// Whether `signature` over `message` is this key's, by an algorithm that suits it.
    pub(crate) fn verifies(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        let how: &'static dyn VerificationAlgorithm = match alg {
            Alg::EdDsa => &ED25519,
            Alg::Es256 => &ECDSA_P256_SHA256_FIXED,
            Alg::Es384 => &ECDSA_P384_SHA384_FIXED,
            Alg::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Alg::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Alg::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        };
        alg.kind() == self.kind && UnparsedPublicKey::new(how, self.public()).verify(message, signature).is_ok()
    }

    /// The public key as a JWK for signatures by `alg` (RFC 7517).
    pub(crate) fn jwk(&self, alg: Alg) -> Value {
        let (kid, alg, public) = (self.kid(), alg.name(), self.public());
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self.kind {
            Kind::P256 | Kind::P384 => {
                let curve = if self.kind == Kind::P256 { "P-256" } else { "P-384" };
                // An uncompressed point (SEC 1 section 2.3.3): a byte 4, then both coordinates.
                let (x, y) = public[1..].split_at(public.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": text(x), "y": text(y), "use": "sig", "alg": alg, "kid": kid })
            }
            Kind::Ed25519 => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(public), "use": "sig", "alg": alg, "kid": kid })
            }
            Kind::Rsa => {
                let [n, e] = integers(public);
                json!({ "kty": "RSA", "n": text(n), "e": text(e), "use": "sig", "alg": alg, "kid": kid })
            }
        }
    }

    fn public(&self) -> &[u8] {
        match &self.pair {
            Pair::Ec(pair) => pair.public_key().as_ref(),
            Pair::Ed(pair) => pair.public_key().as_ref(),
            Pair::Rsa(pair) => pair.public_key().as_ref(),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The two integers of a DER `RSAPublicKey` (RFC 8017 appendix A.1.1), without leading zeros.
fn integers(der: &[u8]) -> [&[u8]; 2] {
    let (sequence, _) = element(der);
    let (n, rest) = element(sequence);
    let (e, _) = element(rest);
    [n, e].map(|bytes| bytes.strip_prefix(&[0]).unwrap_or(bytes))
}

/// The content of the first DER element, and what follows it.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let short = usize::from(der[1]);
    let (length, header) = if short < 0x80 {
        (short, 2)
    } else {
        let count = short & 0x7f;
        let length = der[2..2 + count].iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        (length, 2 + count)
    };
    (&der[header..header + length], &der[header + length..])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Algorithm, DecodingKey, crypto};

    use super::super::{fixture, foreign};
    use super::*;

    #[test]
    fn every_key_signs_what_its_jwk_verifies() {
        for alg in Alg::ALL {
            let fixtures = (0..4).filter_map(|position| fixture(alg.kind(), position));
            for key in fixtures.chain([foreign(alg.kind()), Arc::new(Key::generate("new", alg.kind()))]) {
                verifies(&key, alg);
            }
        }
    }

    fn verifies(key: &Key, alg: Alg) {
        let algorithm: Algorithm = alg.name().parse().expect("known to both");
        let signature = key.sign(alg, b"message");
        let jwk: Jwk = serde_json::from_value(key.jwk(alg)).expect("a JWK");
        let decoding = DecodingKey::from_jwk(&jwk).expect("a usable JWK");
        let text = URL_SAFE_NO_PAD.encode(&signature);
        for (message, good) in [(b"message", true), (b"messagE", false)] {
            assert_eq!(crypto::verify(&text, message, &decoding, algorithm).unwrap_or(false), good, "{key:?}");
            assert_eq!(key.verifies(alg, message, &signature), good, "{key:?} {alg:?}");
        }
    }
}
