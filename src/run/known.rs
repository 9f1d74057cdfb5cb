//! Known failures of a profile: accepted with a reason until a date, and red when they are out of date.

use jiff::civil::Date;

use crate::event::{CaseFinished, Known, Verdict};
use crate::target::{KnownFailure, Profile};

/// Keeps the books of a run's known failures.
pub struct Ledger {
    entries: Vec<Entry>,
}

struct Entry {
    known: KnownFailure,
    expired: bool,
    failed: usize,
    passed: usize,
}

impl Ledger {
    /// The books of a profile on a day.
    #[must_use]
    pub fn new(profile: &Profile, today: Date) -> Ledger {
        let entries = profile.known_failures.iter();
        Ledger {
            entries: entries
                .map(|k| Entry { known: k.clone(), expired: k.expired(today), failed: 0, passed: 0 })
                .collect(),
        }
    }

    /// Marks the failures that are known and counts what became of each entry.
    #[must_use]
    pub fn mark(&mut self, mut finished: CaseFinished) -> CaseFinished {
        for result in &mut finished.results {
            for entry in &mut self.entries {
                if !entry.known.covers(&result.rule, &result.case, result.variant.as_deref()) {
                    continue;
                }
                match result.verdict {
                    Verdict::Fail | Verdict::Warn => {
                        entry.failed += 1;
                        if !entry.expired {
                            let known = &entry.known;
                            result.known = Some(Known { reason: known.reason.clone(), until: known.until.to_string() });
                        }
                    }
                    Verdict::Pass => entry.passed += 1,
                    _ => {}
                }
            }
        }
        finished
    }

    /// What is out of date: an entry past its day, or one whose failure is gone. That is known only if nothing that it covers
    /// was left out (`whole`).
    #[must_use]
    pub fn problems(&self, whole: bool) -> Vec<String> {
        let mut out = Vec::new();
        for entry in &self.entries {
            let name = entry.known.scope();
            let gone = whole && entry.failed == 0 && entry.passed > 0;
            if entry.expired && !gone {
                out.push(format!(
                    "known failure {name} is past its date: mend it, or give it a new date ({})",
                    entry.known.reason
                ));
            } else if gone {
                out.push(format!(
                    "known failure {name} passes now: take it out of the profile ({})",
                    entry.known.reason
                ));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::CaseResult;

    fn told(expired: bool, verdict: Verdict, whole: bool) -> Vec<String> {
        let known = KnownFailure {
            rule: Some("token.code-one-time".to_owned()),
            case: None,
            reason: "issue 7".to_owned(),
            until: Date::constant(2027, 1, 1),
            variant: None,
            span: 0..0,
        };
        let mut ledger = Ledger { entries: vec![Entry { known, expired, failed: 0, passed: 0 }] };
        let result = CaseResult { rule: "token.code-one-time".to_owned(), verdict, ..CaseResult::blank() };
        let case = CaseFinished {
            case: "token/code-one-time".to_owned(),
            title: String::new(),
            area: String::new(),
            results: vec![result],
            exchanges: Vec::new(),
            duration_ms: 0,
        };
        let _ = ledger.mark(case);
        ledger.problems(whole)
    }

    #[test]
    fn what_was_left_out_is_not_called_mended() {
        assert_eq!(told(false, Verdict::Pass, false), Vec::<String>::new());
        assert!(told(false, Verdict::Pass, true)[0].contains("passes now"));
        assert_eq!(told(false, Verdict::Fail, true), Vec::<String>::new());
    }

    #[test]
    fn past_its_date_it_is_red_and_what_is_mended_is_called_so() {
        assert!(told(true, Verdict::Fail, false)[0].contains("past its date"));
        assert!(told(true, Verdict::Pass, true)[0].contains("passes now"));
    }
}
