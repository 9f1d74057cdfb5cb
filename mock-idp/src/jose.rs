//! JWS compact serialization, put together by hand so that every part of a token can be wrong on purpose.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::keys::{self, Key, KeyRing};

/// Who signs a token, and how.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// The issuer's current key.
    #[default]
    Current,
    /// A key nobody published, under the `kid` of the current one.
    Foreign,
    /// HS256 with these bytes as the secret.
    #[serde(with = "text")]
    Hmac(Vec<u8>),
    /// HS256 with the current public key's PEM as the secret (RFC 8725 section 2.1).
    HmacPublicKey,
    /// The key of that name, published or retired; the current one if there is none.
    Key(String),
    /// `alg` `none` and an empty signature (RFC 7518 section 3.6).
    None,
    /// The current key, with one bit of the signature flipped.
    Tampered,
}

/// A token before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned {
    pub(crate) typ: &'static str,
    /// Merged over the honest header last: wins over `alg`, `kid`, `typ`.
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    /// Stands in for the claims: duplicate members, broken JSON.
    pub(crate) payload: Option<String>,
    pub(crate) sign: Sign,
}

impl Unsigned {
    /// Signs. A caller that shares the ring should clone what it needs first: RSA takes most of a millisecond.
    pub(crate) fn compact(&self, signer: &Signer) -> String {
        let mut header = Map::new();
        header.insert("typ".to_owned(), self.typ.into());
        header.insert("alg".to_owned(), signer.alg().into());
        if let Some(kid) = signer.kid() {
            header.insert("kid".to_owned(), kid.into());
        }
        merge(&mut header, &self.header);
        let claims = self.payload.clone().unwrap_or_else(|| Value::Object(self.claims.clone()).to_string());
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(Value::Object(header).to_string()), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// [`Sign`] with its key at hand.
pub(crate) enum Signer {
    Hmac(Vec<u8>),
    Key { key: std::sync::Arc<Key>, kid: String, tampered: bool },
    None,
}

impl Signer {
    pub(crate) fn new(sign: &Sign, ring: &KeyRing) -> Self {
        let current = ring.current();
        let with = |key: std::sync::Arc<Key>, tampered| Self::Key { kid: key.kid().to_owned(), key, tampered };
        match sign {
            Sign::Current => with(current, false),
            Sign::Foreign => {
                Self::Key { kid: current.kid().to_owned(), key: keys::foreign(ring.alg()), tampered: false }
            }
            Sign::Hmac(secret) => Self::Hmac(secret.clone()),
            Sign::HmacPublicKey => Self::Hmac(current.public_pem().into_bytes()),
            Sign::Key(kid) => with(ring.get(kid).unwrap_or(current), false),
            Sign::None => Self::None,
            Sign::Tampered => with(current, true),
        }
    }

    fn alg(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "HS256",
            Self::Key { key, .. } => key.alg().name(),
            Self::None => "none",
        }
    }

    fn kid(&self) -> Option<&str> {
        match self {
            Self::Key { kid, .. } => Some(kid),
            Self::Hmac(_) | Self::None => None,
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Hmac(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec(),
            Self::Key { key, tampered, .. } => {
                let mut signature = key.sign(message);
                if *tampered && let Some(byte) = signature.first_mut() {
                    *byte ^= 1;
                }
                signature
            }
            Self::None => Vec::new(),
        }
    }
}

/// JSON Merge Patch (RFC 7396) of an object: `null` removes a member.
pub(crate) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.shift_remove(name)),
            Value::Object(inner) => {
                let entry = target.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                if !entry.is_object() {
                    *entry = Value::Object(Map::new());
                }
                if let Value::Object(object) = entry {
                    merge(object, inner);
                }
            }
            other => drop(target.insert(name.clone(), other.clone())),
        }
    }
}

/// Secrets as text in JSON.
mod text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&String::from_utf8_lossy(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(from).map(String::into_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merge_removes_replaces_and_descends() {
        let Value::Object(mut target) = json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": 3 }) else { unreachable!() };
        let Value::Object(patch) = json!({ "a": null, "b": { "c": null }, "e": { "f": 4 } }) else { unreachable!() };
        merge(&mut target, &patch);
        assert_eq!(Value::Object(target), json!({ "b": { "d": 2 }, "e": { "f": 4 } }));
    }
}
