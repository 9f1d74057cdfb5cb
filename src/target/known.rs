//! Failures that the operator accepts, for a reason and until a day.

use std::ops::Range;

use globset::GlobMatcher;
use jiff::civil::Date;

/// One `[[known-failure]]`: which findings it covers, why they are accepted, and until when.
#[derive(Clone, Debug)]
pub struct KnownFailure {
    /// The rule that is broken; absent means any rule of the case.
    pub rule: Option<String>,
    /// Which cases; absent means all.
    pub case: Option<GlobMatcher>,
    /// Which variants of them; absent means all, and cases without variants too.
    pub variant: Option<GlobMatcher>,
    /// Why it is accepted; shown with the finding.
    pub reason: String,
    /// The last day on which it is.
    pub until: Date,
    /// Where it stands in the profile.
    pub span: Range<usize>,
}

impl KnownFailure {
    /// Whether this entry speaks of a finding.
    pub fn covers(&self, rule: &str, case: &str, variant: Option<&str>) -> bool {
        self.rule.as_deref().is_none_or(|known| known == rule)
            && self.case.as_ref().is_none_or(|glob| glob.is_match(case))
            && self.variant.as_ref().is_none_or(|glob| variant.is_some_and(|variant| glob.is_match(variant)))
    }

    /// Whether its last day is over.
    pub fn expired(&self, today: Date) -> bool {
        today > self.until
    }

    /// What it covers, in words: `authz.iss-present in authorize/*`.
    pub fn scope(&self) -> String {
        let rule = self.rule.as_deref().unwrap_or("any rule");
        let mut text = rule.to_owned();
        if let Some(case) = &self.case {
            text.push_str(&format!(" in {}", case.glob()));
        }
        if let Some(variant) = &self.variant {
            text.push_str(&format!(" [{}]", variant.glob()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use globset::Glob;
    use jiff::civil::date;

    use super::*;

    fn known(rule: Option<&str>, case: Option<&str>, variant: Option<&str>) -> KnownFailure {
        let glob = |text: &str| Glob::new(text).expect("test glob").compile_matcher();
        KnownFailure {
            rule: rule.map(str::to_owned),
            case: case.map(glob),
            variant: variant.map(glob),
            reason: "ticket".to_owned(),
            until: date(2027, 1, 31),
            span: 0..0,
        }
    }

    #[test]
    fn covers_only_what_it_names() {
        let entry = known(Some("authz.iss-present"), Some("authorize/*"), None);
        assert!(entry.covers("authz.iss-present", "authorize/iss", None));
        assert!(entry.covers("authz.iss-present", "authorize/iss", Some("error")));
        assert!(!entry.covers("authz.iss-in-errors", "authorize/iss", None));
        assert!(!entry.covers("authz.iss-present", "token/iss", None));
    }

    #[test]
    fn a_variant_glob_does_not_cover_a_case_without_variants() {
        let entry = known(None, Some("redirect/battery"), Some("port-*"));
        assert!(entry.covers("authz.redirect-port-strict", "redirect/battery", Some("port-other")));
        assert!(!entry.covers("authz.redirect-port-strict", "redirect/battery", None));
        assert_eq!(entry.scope(), "any rule in redirect/battery [port-*]");
    }

    #[test]
    fn holds_through_its_last_day() {
        let entry = known(Some("a.b"), None, None);
        assert!(!entry.expired(date(2027, 1, 31)));
        assert!(entry.expired(date(2027, 2, 1)));
    }
}
