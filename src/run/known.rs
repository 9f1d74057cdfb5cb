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

    /// What is out of date: an entry past its day, or one whose failure is gone.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        for entry in &self.entries {
            let name = entry.known.scope();
            if entry.expired {
                out.push(format!(
                    "known failure {name} is past its date: mend it, or give it a new date ({})",
                    entry.known.reason
                ));
            } else if entry.failed == 0 && entry.passed > 0 {
                out.push(format!(
                    "known failure {name} passes now: take it out of the profile ({})",
                    entry.known.reason
                ));
            }
        }
        out
    }
}
