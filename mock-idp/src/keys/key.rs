//! One key pair: signs, and shows its public half as JWK or PEM.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::Alg;

/// A key pair with its name.
pub(crate) struct Key {
    kid: String,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    /// Reads a PKCS #8 PEM. `None` if it does not hold a key for `alg`.
    pub(crate) fn from_pem(kid: &str, alg: Alg, pem: &str) -> Option<Self> {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).ok()?;
        let pair = match alg {
            Alg::EdDsa => Pair::Ed(Ed25519KeyPair::from_pkcs8(&der).ok()?),
            Alg::Es256 => Pair::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?),
            Alg::Rs256 => Pair::Rsa(RsaKeyPair::from_pkcs8(&der).ok()?),
        };
        Some(Self { kid: kid.to_owned(), pair })
    }

    /// Makes a new key. RSA takes about a tenth of a second.
    pub(crate) fn generate(kid: &str, alg: Alg) -> Self {
        const RANDOM: &str = "the system's randomness does not fail";
        let pair = match alg {
            Alg::EdDsa => Pair::Ed(Ed25519KeyPair::generate().expect(RANDOM)),
            Alg::Es256 => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect(RANDOM)),
            Alg::Rs256 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect(RANDOM)),
        };
        Self { kid: kid.to_owned(), pair }
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn alg(&self) -> Alg {
        match self.pair {
            Pair::Ec(_) => Alg::Es256,
            Pair::Ed(_) => Alg::EdDsa,
            Pair::Rsa(_) => Alg::Rs256,
        }
    }

    /// The JWS signature over `message` (RFC 7515 section 5.1).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        const SIGNS: &str = "signing with a parsed key does not fail";
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message).expect(SIGNS).as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect(SIGNS);
                signature
            }
        }
    }

    /// The public key as a JWK for signatures (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let (kid, alg) = (self.kid(), self.alg().name());
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "use": "sig", "alg": alg, "kid": kid })
            }
            Pair::Ed(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": alg, "kid": kid })
            }
            Pair::Rsa(pair) => {
                let [n, e] = integers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "n": text(n), "e": text(e), "use": "sig", "alg": alg, "kid": kid })
            }
        }
    }

    /// The public key as a `SubjectPublicKeyInfo` PEM: what an HMAC confusion attack uses as its secret.
    pub(crate) fn public_pem(&self) -> String {
        let der = match &self.pair {
            Pair::Ec(pair) => [P256_PREFIX, pair.public_key().as_ref()].concat(),
            Pair::Ed(pair) => [ED25519_PREFIX, pair.public_key().as_ref()].concat(),
            Pair::Rsa(pair) => {
                let der: PublicKeyX509Der = pair.public_key().as_der().expect("a parsed key has a public half");
                der.as_ref().to_vec()
            }
        };
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("base64 is ASCII")).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

/// `SubjectPublicKeyInfo` up to the point, for P-256 (RFC 5480) and Ed25519 (RFC 8410).
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
mod tests {
    use super::super::{fixture, foreign};
    use super::*;

    #[test]
    fn every_fixture_signs_what_its_jwk_and_pem_verify() {
        for alg in [Alg::EdDsa, Alg::Es256, Alg::Rs256] {
            let fixtures = (0..4).map(|position| fixture(alg, position).expect("four fixtures"));
            for key in fixtures.chain([foreign(alg), std::sync::Arc::new(Key::generate("new", alg))]) {
                verifies(&key);
            }
        }
    }

    fn verifies(key: &Key) {
        use jsonwebtoken::{Algorithm, DecodingKey, crypto::verify, jwk::Jwk};
        let signature = URL_SAFE_NO_PAD.encode(key.sign(b"message"));
        let jwk: Jwk = serde_json::from_value(key.jwk()).expect("a JWK");
        let pem = key.public_pem();
        let (alg, from_pem) = match key.alg() {
            Alg::EdDsa => (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem.as_bytes())),
            Alg::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem(pem.as_bytes())),
            Alg::Rs256 => (Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_bytes())),
        };
        for decoding in [DecodingKey::from_jwk(&jwk).expect("a key"), from_pem.expect("a PEM")] {
            assert!(verify(&signature, b"message", &decoding, alg).expect("a signature of this kind"), "{key:?}");
            assert!(!verify(&signature, b"messagE", &decoding, alg).expect("a signature of this kind"), "{key:?}");
        }
    }
}
