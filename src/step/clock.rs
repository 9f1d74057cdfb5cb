//! The clock of a run: what cases wait for, and what the harness writes into its own tokens.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock, which waiting takes as long as it says; or, where the target is ours and all its clocks can be
/// moved, one that passes over the time. Clones move together.
#[derive(Clone, Default)]
pub struct Clock {
    /// How far it is ahead of the machine's, in nanoseconds.
    ahead: Arc<AtomicU64>,
    others: Option<Others>,
}

/// Moves the clocks of all others who take part.
type Others = Arc<dyn Fn(Duration) + Send + Sync>;

impl Clock {
    /// A clock that passes over the time; `others` does the same with the clocks of all who take part.
    pub fn that_passes(others: impl Fn(Duration) + Send + Sync + 'static) -> Clock {
        Clock { ahead: Arc::default(), others: Some(Arc::new(others)) }
    }

    /// Whether it passes over the time: whoever else runs meanwhile grows older at once.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.others.is_some()
    }

    /// Lets a span of time go by, or passes over it.
    pub async fn wait(&self, span: Duration) {
        if !self.pass(span) {
            tokio::time::sleep(span).await;
        }
    }

    /// Passes over a span of time, if this clock does; otherwise nothing happens.
    pub fn pass(&self, span: Duration) -> bool {
        let Some(others) = &self.others else { return false };
        self.ahead.fetch_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
        others(span);
        true
    }

    /// Since 1970.
    #[must_use]
    pub fn now(&self) -> Duration {
        let machine = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        machine.saturating_add(Duration::from_nanos(self.ahead.load(Ordering::SeqCst)))
    }

    /// The same as NumericDate (RFC 7519 section 2).
    #[must_use]
    pub fn date(&self) -> i64 {
        i64::try_from(self.now().as_secs()).unwrap_or(i64::MAX)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("ahead", &self.ahead).field("passes", &self.passes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_clock_that_passes_moves_all_and_waits_for_nobody() {
        let moved: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let told = Arc::clone(&moved);
        let clock = Clock::that_passes(move |span| told.lock().expect("nobody panicked").push(span));
        let (before, hour) = (clock.date(), Duration::from_secs(3600));
        clock.clone().wait(hour).await;
        assert!(clock.passes() && clock.date() >= before + 3600);
        assert_eq!(*moved.lock().expect("nobody panicked"), [hour]);
        assert!(!Clock::default().passes());
    }
}
