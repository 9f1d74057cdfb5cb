//! A clock that tests can move: everything issued or expired asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time as one issuer sees it: the system's, plus what was passed over, plus an offset. Clones move together.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    hands: Arc<Hands>,
}

#[derive(Debug, Default)]
struct Hands {
    /// Seconds by which the clock is wrong.
    offset: AtomicI64,
    /// Nanoseconds that were passed over.
    ahead: AtomicU64,
}

impl Clock {
    /// Moves the clock forward; whole seconds count.
    pub fn advance(&self, by: Duration) {
        self.hands.offset.fetch_add(seconds(by.as_secs()), Ordering::SeqCst);
    }

    /// Moves the clock back; whole seconds count.
    pub fn rewind(&self, by: Duration) {
        self.hands.offset.fetch_sub(seconds(by.as_secs()), Ordering::SeqCst);
    }

    /// Sets the clock to a time in seconds since the Unix epoch; it goes on from there.
    pub fn set(&self, now: i64) {
        self.hands.offset.store(now.saturating_sub(self.right()), Ordering::SeqCst);
    }

    /// Passes over a span of time, as if it had gone by: the clock is no wronger for it, and [`Clock::reset`] keeps it.
    pub fn pass(&self, span: Duration) {
        self.hands.ahead.fetch_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Returns to the right time.
    pub fn reset(&self) {
        self.hands.offset.store(0, Ordering::SeqCst);
    }

    /// Seconds since the Unix epoch (`NumericDate` of RFC 7519 section 2).
    #[must_use]
    pub fn now(&self) -> i64 {
        self.right().saturating_add(self.hands.offset.load(Ordering::SeqCst))
    }

    fn right(&self) -> i64 {
        let ahead = Duration::from_nanos(self.hands.ahead.load(Ordering::SeqCst));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        seconds(since.saturating_add(ahead).as_secs())
    }
}

/// A number of seconds, signed as `NumericDate` arithmetic wants it.
pub(crate) fn seconds(setting: u64) -> i64 {
    i64::try_from(setting).map_or(FAR, |seconds| seconds.min(FAR))
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
        clock.pass(Duration::from_secs(1800));
        other.reset();
        assert!(other.now() >= before + 1800);
    }
}
