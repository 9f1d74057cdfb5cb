//! A map that forgets its oldest entries: no request can make the provider's memory grow without end.

use std::collections::{HashMap, VecDeque};

/// Values by key, at most `limit` of them; inserting one more drops the oldest.
#[derive(Debug)]
pub(crate) struct Store<V> {
    values: HashMap<String, (u64, V)>,
    /// Keys by age; an entry whose number is not the value's is a leftover of a removal.
    ages: VecDeque<(u64, String)>,
    next: u64,
    limit: usize,
}

impl<V> Store<V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { values: HashMap::new(), ages: VecDeque::new(), next: 0, limit }
    }

    pub(crate) fn insert(&mut self, key: impl Into<String>, value: V) {
        let key = key.into();
        self.next += 1;
        self.values.insert(key.clone(), (self.next, value));
        self.ages.push_back((self.next, key));
        // Leftovers count as well, so that both collections stay bounded.
        while self.values.len() > self.limit || self.ages.len() > 2 * self.limit {
            let Some((age, oldest)) = self.ages.pop_front() else { break };
            if self.values.get(&oldest).is_some_and(|(now, _)| *now == age) {
                self.values.remove(&oldest);
            }
        }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.values.get_mut(key).map(|(_, value)| value)
    }

    /// Every value, in no order.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.values_mut().map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        self.values.remove(key).map(|(_, value)| value)
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
    }

    #[test]
    fn stays_small_whatever_is_put_in_and_taken_out() {
        let mut store = Store::new(10);
        for n in 0..10_000 {
            store.insert(format!("k{}", n % 37), n);
            store.remove(&format!("k{}", n % 5));
        }
        assert!(store.values.len() <= 10 && store.ages.len() <= 20);
    }
}
