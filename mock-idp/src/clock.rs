//! A clock that tests can move: everything issued or expired asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time as one issuer sees it: the system's, plus an offset. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Seconds.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Moves the clock forward; whole seconds count.
    pub fn advance(&self, by: Duration) {
        self.offset.fetch_add(seconds(by.as_secs()), Ordering::SeqCst);
    }

    /// Moves the clock back; whole seconds count.
    pub fn rewind(&self, by: Duration) {
        self.offset.fetch_sub(seconds(by.as_secs()), Ordering::SeqCst);
    }

    /// Sets the clock to a time in seconds since the Unix epoch; it goes on from there.
    pub fn set(&self, now: i64) {
        self.offset.store(now.saturating_sub(system()), Ordering::SeqCst);
    }

    /// Returns to the system's time.
    pub fn reset(&self) {
        self.offset.store(0, Ordering::SeqCst);
    }

    /// Seconds since the Unix epoch (`NumericDate` of RFC 7519 section 2).
    #[must_use]
    pub fn now(&self) -> i64 {
        system().saturating_add(self.offset.load(Ordering::SeqCst))
    }
}

/// A number of seconds, signed as `NumericDate` arithmetic wants it.
pub(crate) fn seconds(setting: u64) -> i64 {
    i64::try_from(setting).map_or(FAR, |seconds| seconds.min(FAR))
}

fn system() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| seconds(since.as_secs()))
}

/// A hundred thousand years: sums of a few of them stay in range.
const FAR: i64 = 3_155_760_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_both_ways_for_every_handle() {
        let clock = Clock::default();
        let other = clock.clone();
        let before = clock.now();
        other.advance(Duration::from_secs(3600));
        assert!(clock.now() >= before + 3600);
        clock.rewind(Duration::from_secs(7200));
        assert!(other.now() < before);
        clock.set(1_000);
        assert!((1_000..1_010).contains(&other.now()));
        clock.reset();
        assert!(other.now() >= before);
    }
}
