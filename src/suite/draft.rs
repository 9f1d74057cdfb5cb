//! A case while it is read: the model together with the places that only lint needs.

use std::ops::Range;

use super::actor::Named;
use super::variable::Use;
use super::verb::Kind;
use super::{Step, Variant};

/// A step with its places.
pub(super) struct StepDraft {
    /// The step.
    pub(super) step: Step,
    /// The variables that it uses, in order.
    pub(super) uses: Vec<Use>,
    /// Where each of its captures is named.
    pub(super) captures: Vec<Range<usize>>,
    /// Where its rule stands.
    pub(super) rule: Option<Range<usize>>,
    /// Where its error rule stands.
    pub(super) error_rule: Option<Range<usize>>,
    /// Where `expect.refused` stands.
    pub(super) refused: Option<Range<usize>>,
    /// Where `otherwise` stands.
    pub(super) otherwise: Option<Range<usize>>,
    /// Arguments that can be checked only beside other steps.
    pub(super) notes: Notes,
    /// Whether `expect` is there at all, in order or not.
    pub(super) expects: bool,
    /// Whether something was wrong with its verb or arguments, so that some conclusions would be rash.
    pub(super) broken: bool,
}

/// Arguments that can be checked only beside other steps.
#[derive(Default)]
pub(super) struct Notes {
    /// Those that are filled in by the variant.
    pub(super) awaited: Vec<Awaited>,
    /// Those that name a browser or a client.
    pub(super) named: Vec<Named>,
}

/// An argument whose value is `$each.KEY`.
pub(super) struct Awaited {
    /// The key of the variants.
    pub(super) key: String,
    /// The argument, with its verb: `token.auth`.
    pub(super) argument: String,
    /// What the value must be.
    pub(super) kind: Kind,
}

/// A variant with its places.
pub(super) struct VariantDraft<'t, 'i> {
    /// The variant.
    pub(super) variant: Variant,
    /// Where it is named.
    pub(super) span: Range<usize>,
    /// Its values as they stand in the file, those with a reserved key included.
    pub(super) items: Vec<(&'t super::tree::Key<'i>, &'t super::tree::Item<'i>)>,
}

impl VariantDraft<'_, '_> {
    /// Whether the variant gives `key`.
    pub(super) fn gives(&self, key: &str) -> bool {
        self.items.iter().any(|(name, _)| name.get_ref() == key)
    }
}
