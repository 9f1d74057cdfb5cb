//! Signing keys: fixtures first, so that the first answer waits for no key generation.

mod key;
mod ring;

pub(crate) use key::Key;
pub(crate) use ring::KeyRing;

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// A signature algorithm of RFC 7518 or RFC 8037.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Alg {
    /// Ed25519 (RFC 8037).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256: the one every verifier knows.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
}

impl Alg {
    /// Reads an `alg` value of a JOSE header; `None` for one the provider cannot sign with.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256, Self::Rs256].into_iter().find(|alg| alg.name() == name)
    }

    /// The `alg` value in a JOSE header.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// The fixture key at a position, or `None` when the fixtures are used up.
pub(crate) fn fixture(alg: Alg, position: usize) -> Option<Arc<Key>> {
    let set = set(alg);
    let pem = set.pems.get(position)?;
    let kid = format!("{}-{}", alg.name().to_ascii_lowercase(), position + 1);
    Some(Arc::clone(set.parsed.get(position)?.get_or_init(|| parse(&kid, alg, pem))))
}

/// The stranger's key: it never stands in a JWKS.
pub(crate) fn foreign(alg: Alg) -> Arc<Key> {
    let set = set(alg);
    Arc::clone(set.parsed_foreign.get_or_init(|| parse("foreign", alg, set.foreign)))
}

struct Set {
    pems: [&'static str; 4],
    foreign: &'static str,
    parsed: [OnceLock<Arc<Key>>; 4],
    parsed_foreign: OnceLock<Arc<Key>>,
}

macro_rules! set {
    ($name:literal) => {
        Set {
            pems: [
                include_str!(concat!("../../keys/", $name, "-1.pem")),
                include_str!(concat!("../../keys/", $name, "-2.pem")),
                include_str!(concat!("../../keys/", $name, "-3.pem")),
                include_str!(concat!("../../keys/", $name, "-4.pem")),
            ],
            foreign: include_str!(concat!("../../keys/", $name, "-foreign.pem")),
            parsed: [const { OnceLock::new() }; 4],
            parsed_foreign: OnceLock::new(),
        }
    };
}

static EDDSA: Set = set!("eddsa");
static ES256: Set = set!("es256");
static RS256: Set = set!("rs256");

fn set(alg: Alg) -> &'static Set {
    match alg {
        Alg::EdDsa => &EDDSA,
        Alg::Es256 => &ES256,
        Alg::Rs256 => &RS256,
    }
}

fn parse(kid: &str, alg: Alg, pem: &str) -> Arc<Key> {
    Arc::new(Key::from_pem(kid, alg, pem).expect("the fixture keys are parsed by a test"))
}
