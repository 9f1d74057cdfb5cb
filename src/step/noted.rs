//! What the preflight handed to the cases, with a note of what was read of it: a proof needs to know which cases can see
//! that it is other than it was.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places that were read, by their dotted names (`recipe.scope`). Clones note into the same list. Nothing is noted
/// before [`Reads::begin`], so that ordinary runs pay nothing for it.
#[derive(Clone, Default)]
pub struct Reads(Arc<Inner>);

#[derive(Default)]
struct Inner {
    on: AtomicBool,
    places: Mutex<BTreeSet<String>>,
}

impl Reads {
    /// Forgets what was noted, and notes from now on.
    pub fn begin(&self) {
        self.places().clear();
        self.0.on.store(true, Ordering::Relaxed);
    }

    /// What was read since it began.
    #[must_use]
    pub fn noted(&self) -> BTreeSet<String> {
        self.places().clone()
    }

    fn note(&self, parts: &[&str]) {
        if self.0.on.load(Ordering::Relaxed) {
            self.places().insert(parts.join("."));
        }
    }

    fn places(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something under a name. Whoever reaches for it as if it were the thing itself has read all of it; [`part`] notes a field.
#[derive(Clone)]
pub struct Noted<T> {
    name: &'static str,
    what: T,
    reads: Reads,
}

impl<T> Noted<T> {
    /// Puts it under a name.
    pub fn new(name: &'static str, what: T, reads: &Reads) -> Noted<T> {
        Noted { name, what, reads: reads.clone() }
    }

    /// For whoever reads nothing but this place of it.
    pub fn at(&self, place: &[&str]) -> &T {
        self.reads.note(&[&[self.name], place].concat());
        &self.what
    }

    /// For whoever compares and does not use it: nothing is noted.
    pub(crate) fn unnoted(&self) -> &T {
        &self.what
    }
}

impl<T> Deref for Noted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.at(&[])
    }
}

impl<T> DerefMut for Noted<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.what
    }
}

impl<T: fmt::Debug> fmt::Debug for Noted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

/// A field of something [`Noted`]: `part!(world.recipe, scope)`.
macro_rules! part {
    ($noted:expr, $field:ident) => {
        $noted.at(&[stringify!($field)]).$field
    };
}
pub(crate) use part;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Pair {
        left: u8,
        right: u8,
    }

    #[test]
    fn what_is_read_is_noted_and_what_is_written_is_not() {
        let reads = Reads::default();
        let mut pair = Noted::new("pair", Pair { left: 1, right: 2 }, &reads);
        assert_eq!(part!(pair, left), 1);
        assert_eq!(reads.noted(), BTreeSet::new(), "nobody wants to know yet");
        reads.begin();
        pair.right = 3;
        assert_eq!(reads.noted(), BTreeSet::new());
        assert_eq!(part!(pair.clone(), left), 1);
        assert_eq!(reads.noted(), BTreeSet::from(["pair.left".to_owned()]));
        assert_eq!(pair.right, 3);
        assert_eq!(reads.noted(), ["pair".to_owned(), "pair.left".to_owned()].into());
    }
}
