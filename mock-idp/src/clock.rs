//! A clock that tests can move: everything issued or expired asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time as the identity provider sees it: the system's, plus an offset.
///
/// Cloning gives another handle on the same offset. All issuers of one [`MockIdp`](crate::MockIdp) share it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.shift(millis(by));
    }

    /// Moves the clock back.
    pub fn rewind(&self, by: Duration) {
        self.shift(-millis(by));
    }

    /// Returns to the system's time.
    pub fn reset(&self) {
        self.offset_ms.store(0, Ordering::SeqCst);
    }

    /// The offset from the system's time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    /// Seconds since the Unix epoch (`NumericDate` of RFC 7519 section 2).
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis);
        system.saturating_add(self.offset_ms())
    }

    fn shift(&self, by_ms: i64) {
        self.offset_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

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
        clock.reset();
        assert_eq!(other.offset_ms(), 0);
    }
}
