//! A map that forgets its oldest entries: no request can make the server's memory grow without end.

use std::collections::{BTreeMap, HashMap};

/// Values by key, at most `limit` of them; inserting one more drops the oldest.
#[derive(Debug)]
pub(crate) struct Store<V> {
    values: HashMap<String, (u64, V)>,
    ages: BTreeMap<u64, String>,
    next: u64,
    limit: usize,
}

impl<V> Store<V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { values: HashMap::new(), ages: BTreeMap::new(), next: 0, limit }
    }

    pub(crate) fn insert(&mut self, key: impl Into<String>, value: V) {
        let key = key.into();
        self.remove(&key);
        self.next += 1;
        self.ages.insert(self.next, key.clone());
        self.values.insert(key, (self.next, value));
        if self.values.len() > self.limit
            && let Some((_, oldest)) = self.ages.pop_first()
        {
            self.values.remove(&oldest);
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.values.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        let (age, value) = self.values.remove(key)?;
        self.ages.remove(&age);
        Some(value)
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.values.retain(|_, (age, value)| {
            let kept = keep(value);
            if !kept {
                self.ages.remove(age);
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest() {
        let mut store = Store::new(2);
        store.insert("a", 1);
        store.insert("b", 2);
        store.insert("a", 3);
        store.insert("c", 4);
        assert_eq!(store.get("b"), None);
        assert_eq!((store.get("a"), store.get("c")), (Some(&3), Some(&4)));
        store.retain(|value| *value > 3);
        assert_eq!((store.get("a"), store.get("c")), (None, Some(&4)));
    }
}
