//! Signing keys: fixtures first, so that the first answer waits for no key generation.

mod key;
mod ring;

use std::sync::{Arc, OnceLock};

pub(crate) use key::Key;
pub use ring::Former;
pub(crate) use ring::KeyRing;
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
    /// ECDSA on P-384 with SHA-384. Its keys are generated when first used: there are no fixtures.
    #[serde(rename = "ES384")]
    Es384,
    /// RSA PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSA PKCS #1 v1.5 with SHA-256: the one every verifier knows.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA PKCS #1 v1.5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
}

impl Alg {
    /// Every algorithm that the provider signs with.
    pub const ALL: [Self; 6] = [Self::EdDsa, Self::Es256, Self::Es384, Self::Ps256, Self::Rs256, Self::Rs512];

    /// Reads an `alg` value of a JOSE header; `None` for one that the provider cannot sign with.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// The `alg` value in a JOSE header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
            Self::Rs512 => "RS512",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::EdDsa => Kind::Ed25519,
            Self::Es256 => Kind::P256,
            Self::Es384 => Kind::P384,
            Self::Ps256 | Self::Rs256 | Self::Rs512 => Kind::Rsa,
        }
    }
}

/// What a key is; an RSA key serves several algorithms.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Ed25519,
    P256,
    P384,
    Rsa,
}

impl Kind {
    /// How the names of its keys begin: that of the fixture files.
    fn prefix(self) -> &'static str {
        match self {
            Self::Ed25519 => "eddsa",
            Self::P256 => "es256",
            Self::P384 => "es384",
            Self::Rsa => "rs256",
        }
    }
}

/// The fixture key at a position, or `None` when the fixtures are used up.
pub(crate) fn fixture(kind: Kind, position: usize) -> Option<Arc<Key>> {
    let set = set(kind)?;
    let pem = set.pems.get(position)?;
    let kid = format!("{}-{}", kind.prefix(), position + 1);
    Some(Arc::clone(set.parsed.get(position)?.get_or_init(|| parse(&kid, kind, pem))))
}

/// The stranger's key: it never stands in a key set.
pub(crate) fn foreign(kind: Kind) -> Arc<Key> {
    static P384: OnceLock<Arc<Key>> = OnceLock::new();
    Arc::clone(match set(kind) {
        Some(set) => set.parsed_foreign.get_or_init(|| parse("foreign", kind, set.foreign)),
        None => P384.get_or_init(|| Arc::new(Key::generate("foreign", kind))),
    })
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

static ED25519: Set = set!("eddsa");
static P256: Set = set!("es256");
static RSA: Set = set!("rs256");

fn set(kind: Kind) -> Option<&'static Set> {
    match kind {
        Kind::Ed25519 => Some(&ED25519),
        Kind::P256 => Some(&P256),
        Kind::P384 => None,
        Kind::Rsa => Some(&RSA),
    }
}

fn parse(kid: &str, kind: Kind, pem: &str) -> Arc<Key> {
    Arc::new(Key::from_pem(kid, kind, pem).expect("the fixture keys are parsed by a test"))
}
