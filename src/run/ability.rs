//! What the target offers, and why it does not offer the rest.

use std::collections::BTreeMap;

/// One ability of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ability {
    /// It has it.
    Has,
    /// It does not, with the reason: cases that need it do not apply.
    Lacks(String),
    /// It should, but the preflight failed to use it: cases that need it are blocked, with the reason.
    Broken(String),
}

/// All abilities by word.
#[derive(Debug, Clone, Default)]
pub struct Abilities(BTreeMap<String, Ability>);

impl Abilities {
    /// Sets an ability, over what was known before.
    pub fn set(&mut self, word: &str, ability: Ability) {
        self.0.insert(word.to_owned(), ability);
    }

    /// Has it, or lacks it for a reason.
    pub fn decide(&mut self, word: &str, has: bool, reason: &str) {
        self.set(word, if has { Ability::Has } else { Ability::Lacks(reason.to_owned()) });
    }

    /// What is known of an ability; one that nobody looked at is lacking.
    #[must_use]
    pub fn get(&self, word: &str) -> Ability {
        self.0
            .get(word)
            .cloned()
            .unwrap_or_else(|| Ability::Lacks("the target does not offer it, as far as can be seen".into()))
    }

    /// Whether the target has it.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.get(word) == Ability::Has
    }

    /// The first of the needed abilities that is not there, with its word.
    #[must_use]
    pub fn missing<'a>(&self, needs: impl IntoIterator<Item = &'a String>) -> Option<(String, Ability)> {
        // A lacking ability outweighs a broken one: what does not apply is not blocked.
        let mut broken = None;
        for word in needs {
            match self.get(word) {
                Ability::Has => {}
                lacks @ Ability::Lacks(_) => return Some((word.clone(), lacks)),
                other => broken = broken.or(Some((word.clone(), other))),
            }
        }
        broken
    }

    /// All words and abilities, for reports.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Ability)> {
        self.0.iter()
    }
}
