//! The keys of one issuer: which are published, which one signs, and which are gone.

use std::sync::Arc;

use serde_json::Value;

use super::{Alg, Key, Kind, fixture};

/// What becomes of the former key in a rotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Former {
    /// It stays published: tokens signed before still verify.
    Kept,
    /// It leaves the key set: tokens signed before do not verify any more.
    Withdrawn,
}

/// The keys of an issuer.
#[derive(Debug)]
pub(crate) struct KeyRing {
    alg: Alg,
    /// In the key set, oldest first. The last one of a kind is that kind's signing key.
    published: Vec<(Arc<Key>, Alg)>,
    withdrawn: Vec<Arc<Key>>,
    /// What was published without a rotation, for `restore`.
    firsts: Vec<(Arc<Key>, Alg)>,
    /// Kids of the keys that a rotation replaced, the last one last.
    former: Vec<String>,
    /// Keys made so far, of every kind: the position in the fixtures.
    made: [usize; 4],
    generated: usize,
}

impl KeyRing {
    /// A ring with one published key. Nothing is generated for an algorithm that has fixtures.
    pub(crate) fn new(alg: Alg) -> Self {
        let (published, withdrawn, former) = (Vec::new(), Vec::new(), Vec::new());
        let mut ring = Self { alg, published, withdrawn, firsts: Vec::new(), former, made: [0; 4], generated: 0 };
        ring.publish(alg);
        ring
    }

    pub(crate) fn alg(&self) -> Alg {
        self.alg
    }

    /// The key that signs by `alg`: published if there is one of that kind, else a stranger's.
    pub(crate) fn signing(&self, alg: Alg) -> Arc<Key> {
        let published = self.published.iter().rev().find(|(key, _)| key.kind() == alg.kind());
        published.map_or_else(|| super::foreign(alg.kind()), |(key, _)| Arc::clone(key))
    }

    /// The key that the last rotation of its kind replaced.
    pub(crate) fn former(&self, kind: Kind) -> Option<Arc<Key>> {
        self.former.iter().rev().filter_map(|kid| self.get(kid)).find(|key| key.kind() == kind)
    }

    /// Adds a key for `alg` beside the others, unless there is one of its kind, and gives its name.
    pub(crate) fn publish(&mut self, alg: Alg) -> String {
        let known = self.published.iter().rev().find(|(key, _)| key.kind() == alg.kind());
        match known {
            Some((key, _)) => key.kid().to_owned(),
            None => {
                let kid = self.add(alg);
                self.firsts.extend(self.published.last().cloned());
                kid
            }
        }
    }

    /// Takes back every rotation. Keys made since do not come again: whoever remembers one must not take it for a new one.
    pub(crate) fn restore(&mut self) {
        self.published.clone_from(&self.firsts);
        self.withdrawn.clear();
        self.former.clear();
    }

    /// Publishes a new key and signs with it from now on.
    pub(crate) fn rotate(&mut self, former: Former) -> String {
        let old = self.signing(self.alg).kid().to_owned();
        self.former.push(old);
        if former == Former::Withdrawn {
            self.withdraw(self.alg.kind());
        }
        let kid = self.add(self.alg);
        let excess = self.published.len().saturating_sub(KEPT);
        self.withdrawn.extend(self.published.drain(..excess).map(|(key, _)| key));
        self.withdrawn.drain(..self.withdrawn.len().saturating_sub(KEPT));
        self.former.drain(..self.former.len().saturating_sub(KEPT));
        kid
    }

    /// A published or withdrawn key by its `kid`.
    pub(crate) fn get(&self, kid: &str) -> Option<Arc<Key>> {
        self.published.iter().map(|(key, _)| key).chain(&self.withdrawn).find(|key| key.kid() == kid).cloned()
    }

    /// The algorithm that a key of this ring signs by: the one it was published for, or the issuer's, or the usual one.
    pub(crate) fn alg_of(&self, key: &Key) -> Alg {
        let published = self.published.iter().find(|(known, _)| known.kid() == key.kid()).map(|(_, alg)| *alg);
        published.or_else(|| Some(self.alg).filter(|alg| alg.kind() == key.kind())).unwrap_or(match key.kind() {
            Kind::Ed25519 => Alg::EdDsa,
            Kind::P256 => Alg::Es256,
            Kind::P384 => Alg::Es384,
            Kind::Rsa => Alg::Rs256,
        })
    }

    /// The published keys as JWKs, oldest first.
    pub(crate) fn jwks(&self) -> Vec<Value> {
        self.published.iter().map(|(key, alg)| key.jwk(*alg)).collect()
    }

    /// A key of the key set by its `kid`.
    pub(crate) fn published(&self, kid: &str) -> Option<Arc<Key>> {
        self.published.iter().map(|(key, _)| key).find(|key| key.kid() == kid).cloned()
    }

    fn add(&mut self, alg: Alg) -> String {
        let (kind, place) = (alg.kind(), alg.kind() as usize);
        let position = self.made[place];
        self.made[place] += 1;
        let key = fixture(kind, position).unwrap_or_else(|| {
            self.generated += 1;
            Arc::new(Key::generate(&format!("{}-{}", kind.prefix(), position + 1), kind))
        });
        let kid = key.kid().to_owned();
        self.published.push((key, alg));
        kid
    }

    fn withdraw(&mut self, kind: Kind) {
        let (gone, kept): (Vec<_>, Vec<_>) = self.published.drain(..).partition(|(key, _)| key.kind() == kind);
        self.published = kept;
        self.withdrawn.extend(gone.into_iter().map(|(key, _)| key));
    }
}

/// How many keys stay published, and how many withdrawn ones can still sign.
const KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_keeps_or_withdraws_and_outlives_the_fixtures() {
        let mut ring = KeyRing::new(Alg::EdDsa);
        assert_eq!(ring.signing(Alg::EdDsa).kid(), "eddsa-1");
        ring.rotate(Former::Kept);
        assert_eq!(ring.jwks().len(), 2);
        ring.rotate(Former::Withdrawn);
        assert_eq!(ring.jwks().len(), 1);
        assert_eq!(ring.former(Kind::Ed25519).expect("rotated").kid(), "eddsa-2");
        assert!(ring.get("eddsa-1").is_some(), "a withdrawn key still signs");
        (0..3).for_each(|_| drop(ring.rotate(Former::Kept)));
        assert_eq!(ring.signing(Alg::EdDsa).kid(), "eddsa-6");
        assert_eq!(ring.generated, 2);
        (0..40).for_each(|_| drop(ring.rotate(Former::Kept)));
        assert!(ring.published.len() <= KEPT && ring.withdrawn.len() <= KEPT);
    }

    #[test]
    fn no_key_is_generated_on_the_way_to_the_first_token() {
        for alg in [Alg::EdDsa, Alg::Es256, Alg::Ps256, Alg::Rs256, Alg::Rs512] {
            assert_eq!(KeyRing::new(alg).generated, 0, "{alg:?}");
        }
    }

    #[test]
    fn one_rsa_key_serves_its_three_algorithms() {
        let mut ring = KeyRing::new(Alg::Rs256);
        assert_eq!(ring.publish(Alg::Ps256), "rs256-1");
        assert_eq!(ring.publish(Alg::Es384), "es384-1");
        assert_eq!(ring.jwks().len(), 2);
    }
}
