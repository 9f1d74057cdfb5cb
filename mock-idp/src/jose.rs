//! JWS compact serialization, put together by hand so that every part of a token can be wrong on purpose.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::keys::{self, Alg, Key, KeyRing};

/// Who signs a token.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// The issuer's current key.
    #[default]
    Current,
    /// A key that was never published, under the `kid` of the current one.
    Foreign,
    /// The key that the last rotation replaced, under its own `kid`; before any rotation, as [`Foreign`](Self::Foreign).
    Former,
    /// The key of that name, published or withdrawn, by an algorithm that suits it; if there is none, as
    /// [`Foreign`](Self::Foreign) under that name.
    Key(String),
    /// `alg` `none` and an empty signature (RFC 7518 section 3.6).
    None,
    /// The current key, with one bit of the signature flipped.
    Tampered,
}

impl Sign {
    /// The names of [`parse`](Self::parse) that are no key's.
    pub const NAMES: [&str; 5] = ["current", "foreign", "former", "none", "tampered"];

    /// By the name that scripts use: `current`, `foreign`, `former`, `none`, `tampered`, or the name of a key.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "current" => Self::Current,
            "foreign" => Self::Foreign,
            "former" => Self::Former,
            "none" => Self::None,
            "tampered" => Self::Tampered,
            kid => Self::Key(kid.to_owned()),
        }
    }
}

/// A token before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned {
    pub(crate) typ: &'static str,
    pub(crate) claims: Map<String, Value>,
    /// Merged over the honest header last: wins over `alg`, `kid`, `typ`.
    pub(crate) header: Map<String, Value>,
    /// Stands in for the claims: duplicate members, broken JSON.
    pub(crate) payload: Option<String>,
    pub(crate) sign: Sign,
    /// The issuer's own, unless a test wants another.
    pub(crate) alg: Option<Alg>,
}

/// The honest header (RFC 7515 section 4.1).
#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl Unsigned {
    /// An honest token of that `typ`.
    pub(crate) fn honest(typ: &'static str, claims: Map<String, Value>) -> Self {
        Self { typ, claims, header: Map::new(), payload: None, sign: Sign::Current, alg: None }
    }

    /// Signs. The ring's lock is not needed for it: RSA takes most of a millisecond.
    pub(crate) fn compact(&self, signer: &Signer) -> String {
        const PLAIN: &str = "an object of JSON values is JSON";
        let (alg, kid) = match signer.unsigned {
            true => ("none", None),
            false => (signer.alg.name(), Some(&*signer.kid)),
        };
        let honest = Header { typ: self.typ, alg, kid };
        let header = match self.header.is_empty() {
            true => serde_json::to_vec(&honest).expect(PLAIN),
            false => {
                let mut header = object(serde_json::to_value(&honest).expect(PLAIN));
                merge(&mut header, &self.header);
                serde_json::to_vec(&header).expect(PLAIN)
            }
        };
        let claims = match &self.payload {
            Some(payload) => payload.clone().into_bytes(),
            None => serde_json::to_vec(&self.claims).expect(PLAIN),
        };
        let mut token = String::with_capacity(2 * (header.len() + claims.len()) + SIGNATURE);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = signer.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

/// [`Sign`] with its key at hand.
pub(crate) struct Signer {
    alg: Alg,
    key: Arc<Key>,
    kid: String,
    tampered: bool,
    unsigned: bool,
}

impl Signer {
    pub(crate) fn new(sign: &Sign, alg: Option<Alg>, ring: &KeyRing) -> Self {
        let own = |kid: &str| ring.get(kid).map(|key| ring.alg_of(&key));
        let alg = alg.unwrap_or_else(|| match sign {
            Sign::Key(kid) => own(kid).unwrap_or(ring.alg()),
            _ => ring.alg(),
        });
        let current = ring.signing(alg);
        let foreign = || (keys::foreign(alg.kind()), current.kid().to_owned());
        let named = |key: Arc<Key>| {
            let kid = key.kid().to_owned();
            (key, kid)
        };
        let (key, kid) = match sign {
            Sign::Current | Sign::None | Sign::Tampered => named(Arc::clone(&current)),
            Sign::Foreign => foreign(),
            Sign::Former => ring.former(alg.kind()).map_or_else(foreign, named),
            Sign::Key(kid) => match ring.get(kid).filter(|key| key.kind() == alg.kind()) {
                Some(key) => named(key),
                None => (foreign().0, kid.clone()),
            },
        };
        Self { alg, key, kid, tampered: *sign == Sign::Tampered, unsigned: *sign == Sign::None }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        if self.unsigned {
            return Vec::new();
        }
        let mut signature = self.key.sign(self.alg, message);
        if self.tampered
            && let Some(byte) = signature.first_mut()
        {
            *byte ^= 1;
        }
        signature
    }
}

/// The claims of a JWT of that `typ` that a published key signed, by the algorithm it is published for; times are not
/// looked at.
pub(crate) fn verified(ring: &KeyRing, jwt: &str, typ: &str) -> Option<Map<String, Value>> {
    let signed = signed(jwt, |kid, alg| ring.published(kid).filter(|key| ring.alg_of(key) == alg))?;
    (signed.typ == typ).then_some(signed.claims)
}

/// A JWT whose signature was verified, and nothing else.
pub(crate) struct Signed {
    /// The `typ` of the header as it stands there; empty if there is none.
    pub(crate) typ: String,
    pub(crate) claims: Map<String, Value>,
}

/// A JWT that the key of that name signed, if it may sign by that algorithm. A `crit` header is refused: nothing of the kind
/// is understood here (RFC 7515 section 4.1.11).
pub(crate) fn signed(jwt: &str, key: impl FnOnce(&str, Alg) -> Option<Arc<Key>>) -> Option<Signed> {
    let (message, signature) = jwt.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let object = |part: &str| serde_json::from_slice::<Map<String, Value>>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let header = object(header)?;
    let text = |name: &str| header.get(name)?.as_str();
    let alg = Alg::parse(text("alg")?)?;
    let key = key(text("kid")?, alg)?;
    if header.contains_key("crit") {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let good = key.verifies(alg, message.as_bytes(), &signature);
    let typ = text("typ").unwrap_or_default().to_owned();
    good.then(|| object(payload))?.map(|claims| Signed { typ, claims })
}

/// JSON Merge Patch (RFC 7396) of an object: `null` removes a member.
pub(crate) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.shift_remove(name)),
            Value::Object(inner) => {
                let mut object = match target.get_mut(name).map(Value::take) {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                merge(&mut object, inner);
                target.insert(name.clone(), object.into());
            }
            other => drop(target.insert(name.clone(), other.clone())),
        }
    }
}

/// The members of a JSON object; of anything else, none.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// Characters of the longest usual signature: RSA with 2048 bits.
const SIGNATURE: usize = 344;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::Former;

    #[test]
    fn names_of_signers_are_no_keys() {
        for name in Sign::NAMES {
            assert!(!matches!(Sign::parse(name), Sign::Key(_)), "{name}");
        }
    }

    #[test]
    fn merge_removes_replaces_and_descends() {
        let mut target = object(json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": 3 }));
        merge(&mut target, &object(json!({ "a": null, "b": { "c": null }, "e": { "f": 4 } })));
        assert_eq!(Value::Object(target), json!({ "b": { "d": 2 }, "e": { "f": 4 } }));
    }

    #[test]
    fn only_a_published_key_verifies() {
        let mut ring = KeyRing::new(Alg::Rs256);
        ring.rotate(Former::Withdrawn);
        let token = |sign: &Sign| {
            let token = Unsigned::honest("JWT", object(json!({ "a": 1 })));
            token.compact(&Signer::new(sign, None, &ring))
        };
        assert!(verified(&ring, &token(&Sign::Current), "JWT").is_some());
        let bad = ["foreign", "former", "none", "tampered", "unheard-of"].map(Sign::parse);
        for sign in bad {
            assert!(verified(&ring, &token(&sign), "JWT").is_none(), "{sign:?}");
        }
    }
}
