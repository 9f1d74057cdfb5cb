//! The patterns of `--only` and `--skip`: cases by id, area or rule, and single variants of them.

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use crate::event::Shard;
use crate::judge;
use crate::suite::{Case, Variant};

/// Which cases a run is about.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only cases that one of these patterns meets by id, area or rule, and single variants by `case[variant]`.
    pub only: Vec<String>,
    /// Not these.
    pub skip: Vec<String>,
    /// A part of them.
    pub shard: Option<Shard>,
    /// Leave out what could harm a shared target: floods and waits.
    pub safe: bool,
}

impl Selection {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty() && self.shard.is_none() && !self.safe
    }
}

/// What is chosen of the suites.
pub(super) struct Chosen {
    only: Option<Patterns>,
    skip: Patterns,
}

impl Chosen {
    pub(super) fn by(selection: &Selection) -> Chosen {
        let only = (!selection.only.is_empty()).then(|| Patterns::of(&selection.only));
        Chosen { only, skip: Patterns::of(&selection.skip) }
    }

    /// Whether something of a case is chosen.
    pub(super) fn case(&self, case: &Case) -> bool {
        // Whoever skips a rule wants the cases kept that only file under it.
        self.only.as_ref().is_none_or(|only| only.concern(case))
            && !self.skip.meet(case)
            && (case.each.is_empty() || case.each.iter().any(|variant| self.variant(case, variant)))
    }

    /// Whether a variant of a chosen case is.
    pub(super) fn variant(&self, case: &Case, variant: &Variant) -> bool {
        let is_wanted = |only: &Patterns| only.concern_all_of(case) || only.name(case, variant);
        self.only.as_ref().is_none_or(is_wanted) && !self.skip.name(case, variant)
    }
}

/// Patterns as the command line takes them. A malformed one has been refused there and matches nothing here.
pub(super) struct Patterns {
    cases: GlobSet,
    variants: Vec<(GlobMatcher, GlobMatcher)>,
}

impl Patterns {
    pub(super) fn of(patterns: &[String]) -> Patterns {
        let mut cases = GlobSetBuilder::new();
        let mut variants = Vec::new();
        for pattern in patterns {
            match with_variant(pattern) {
                Some((case, variant)) => {
                    let matcher = |pattern| glob(pattern).map(|glob| glob.compile_matcher());
                    variants.extend(matcher(case).zip(matcher(variant)));
                }
                None => {
                    if let Some(glob) = glob(pattern) {
                        cases.add(glob);
                    }
                }
            }
        }
        Patterns { cases: cases.build().unwrap_or_else(|_| GlobSet::empty()), variants }
    }

    /// Whether a case is meant as a whole: by its id, by its area, or by one of its rules.
    pub(super) fn meet(&self, case: &Case) -> bool {
        let is_any = |words: &[&str]| words.iter().any(|word| self.cases.is_match(word));
        !self.cases.is_empty() && (is_any(&[&case.id, &case.area]) || is_any(&case.rules()))
    }

    /// Whether a case is meant, if only with a variant.
    pub(super) fn meet_some_of(&self, case: &Case) -> bool {
        self.meet(case) || case.each.iter().any(|variant| self.name(case, variant))
    }

    /// Whether something of a case concerns whoever asks for these: a rule, too, that it only files under.
    pub(super) fn concern(&self, case: &Case) -> bool {
        self.meet_some_of(case) || self.concern_all_of(case)
    }

    fn concern_all_of(&self, case: &Case) -> bool {
        self.meet(case) || judge::default_error_rules(case).any(|rule| self.cases.is_match(rule))
    }

    /// Whether a variant is meant by `case[variant]`.
    fn name(&self, case: &Case, variant: &Variant) -> bool {
        let is_meant = |(cases, variants): &(GlobMatcher, GlobMatcher)| {
            cases.is_match(&case.id) && (variants.glob().glob() == variant.name || variants.is_match(&variant.name))
        };
        self.variants.iter().any(is_meant)
    }
}

/// `case` and `variant` of `case[variant]`.
#[must_use]
pub fn with_variant(pattern: &str) -> Option<(&str, &str)> {
    pattern.strip_suffix(']')?.split_once('[')
}

fn glob(pattern: &str) -> Option<Glob> {
    GlobBuilder::new(pattern).literal_separator(false).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suites;

    /// How many variants are chosen of cases that have any, by id; cases without count as one.
    fn chosen(only: &[&str], skip: &[&str]) -> Vec<(&'static str, usize)> {
        let strings = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let chosen = Chosen::by(&Selection { only: strings(only), skip: strings(skip), ..Selection::default() });
        let cases = Suites::embedded().cases.iter().filter(|case| chosen.case(case));
        cases
            .map(|case| (&*case.id, case.each.iter().filter(|variant| chosen.variant(case, variant)).count().max(1)))
            .collect()
    }

    #[test]
    fn a_variant_is_chosen_by_its_name_and_all_without() {
        let all = Suites::embedded().get("resource/kid-is-no-input").expect("a case of ours").each.len();
        let id = "resource/kid-is-no-input";
        assert_eq!(chosen(&[id], &[]), [(id, all)]);
        assert_eq!(chosen(&["resource/kid-is-no-input[path]"], &[]), [(id, 1)]);
        assert_eq!(chosen(&["resource/kid-is-no-input[pa*]", id], &["resource/*[path]"]), [(id, all - 1)]);
        assert_eq!(chosen(&[id], &["resource/kid-is-no-input[*]"]), []);
        assert_eq!(chosen(&["resource/kid-is-no-input[moon]"], &[]), []);
    }

    #[test]
    fn what_only_files_under_a_rule_is_chosen_by_it_and_not_skipped() {
        let by = chosen(&["token.error-format"], &[]);
        let kept = chosen(&[], &["token.error-format"]);
        let filing = by.iter().filter(|case| kept.contains(case)).count();
        assert!(filing > 0 && filing < by.len() && kept.len() > by.len(), "{filing} of {}", by.len());
    }
}
