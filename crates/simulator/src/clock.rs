//! The simulator's idea of the time, which may be shifted to play a client whose clock is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// The furthest it can be shifted, in seconds: ten years. Further away than any clock in a test,
/// and never out of the range of a date.
pub(super) const WIDEST_OFFSET: i64 = 315_360_000;

/// A clock that runs a number of seconds ahead of (or behind) the real one. Clones are the same
/// clock.
#[derive(Clone)]
pub(super) struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// A clock this many seconds ahead; behind, if negative.
    pub(super) fn with_offset(seconds: i64) -> Self {
        let clock = Self {
            offset: Arc::default(),
        };
        clock.set_offset(seconds);
        clock
    }

    /// Shifts it to this many seconds ahead of the real time, within what is possible.
    pub(super) fn set_offset(&self, seconds: i64) {
        let seconds = seconds.clamp(-WIDEST_OFFSET, WIDEST_OFFSET);
        self.offset.store(seconds, Ordering::Relaxed);
    }

    /// How many seconds it is ahead.
    pub(super) fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// The time as the simulator sees it.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let real = Utc::now();
        TimeDelta::try_seconds(self.offset())
            .and_then(|offset| real.checked_add_signed(offset))
            .unwrap_or(real)
    }
}

/// A time as the `Date` header has it (RFC 9110 §5.6.7).
pub(super) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A time as RFC 3339 has it, to the millisecond.
pub(super) fn rfc_3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A time for people to read.
pub(super) fn plain(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_their_prescribed_shapes() {
        let time = DateTime::from_timestamp(784_111_777, 0).unwrap();
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(rfc_3339(time), "1994-11-06T08:49:37.000Z");
        assert_eq!(plain(time), "1994-11-06 08:49:37 UTC");
    }

    #[test]
    fn an_offset_shifts_the_time_both_ways() {
        for seconds in [-3600, 3600] {
            let difference = Clock::with_offset(seconds).now() - Utc::now();
            assert!((difference.num_seconds() - seconds).abs() <= 1);
        }
        let clock = Clock::with_offset(0);
        clock.clone().set_offset(i64::MAX);
        assert_eq!(clock.offset(), WIDEST_OFFSET);
    }
}
