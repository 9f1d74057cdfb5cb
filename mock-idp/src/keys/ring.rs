//! The keys of one issuer: which are published, which one signs, and which are gone.

use std::sync::Arc;

use serde_json::Value;

use super::{Alg, Key, fixture};

/// Published keys, the signing one last, and the retired ones.
#[derive(Debug)]
pub(crate) struct KeyRing {
    alg: Alg,
    published: Vec<Arc<Key>>,
    retired: Vec<Arc<Key>>,
    made: usize,
}

/// How many keys stay published, and how many dropped ones can still forge tokens.
const KEPT: usize = 16;

impl KeyRing {
    pub(crate) fn new(alg: Alg) -> Self {
        let mut ring = Self { alg, published: Vec::new(), retired: Vec::new(), made: 0 };
        ring.rotate(false);
        ring
    }

    pub(crate) fn alg(&self) -> Alg {
        self.alg
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> Arc<Key> {
        Arc::clone(self.published.last().expect("a ring is made with one key and rotation adds one"))
    }

    /// Adds a key and signs with it from now on; the others stay published or are dropped.
    pub(crate) fn rotate(&mut self, keep_old: bool) -> Arc<Key> {
        let key = fixture(self.alg, self.made).unwrap_or_else(|| self.generate());
        self.made += 1;
        let dropped = if keep_old { self.published.len().saturating_sub(KEPT - 1) } else { self.published.len() };
        self.retired.extend(self.published.drain(..dropped));
        let excess = self.retired.len().saturating_sub(KEPT);
        self.retired.drain(..excess);
        self.published.push(Arc::clone(&key));
        key
    }

    /// A published or retired key by its `kid`.
    pub(crate) fn get(&self, kid: &str) -> Option<Arc<Key>> {
        self.published.iter().chain(&self.retired).find(|key| key.kid() == kid).cloned()
    }

    /// The published keys as JWKs, oldest first.
    pub(crate) fn jwks(&self) -> Vec<Value> {
        self.published.iter().map(|key| key.jwk()).collect()
    }

    fn generate(&self) -> Arc<Key> {
        let kid = format!("{}-{}", self.alg.name().to_ascii_lowercase(), self.made + 1);
        Arc::new(Key::generate(&kid, self.alg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_keeps_or_drops_the_old_and_outlives_the_fixtures() {
        let mut ring = KeyRing::new(Alg::EdDsa);
        assert_eq!(ring.current().kid(), "eddsa-1");
        ring.rotate(true);
        assert_eq!(ring.jwks().len(), 2);
        ring.rotate(false);
        assert_eq!(ring.jwks().len(), 1);
        assert!(ring.get("eddsa-1").is_some(), "a retired key still forges");
        (0..3).for_each(|_| drop(ring.rotate(true)));
        assert_eq!(ring.current().kid(), "eddsa-6");
    }
}
