//! The simulator's clock, which can be shifted to play a client whose clock is wrong.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// The furthest the clock can be shifted either way, in seconds: ten years. No test needs more,
/// and no date leaves chrono's range.
pub const WIDEST_OFFSET: i64 = 315_360_000;

/// A clock that is set by the host with each request and runs ahead of it by an offset.
pub(crate) struct Clock {
    real: DateTime<Utc>,
    offset: TimeDelta,
}

impl Clock {
    /// A clock that runs this many seconds ahead, or behind if negative.
    pub(crate) fn with_offset(seconds: i64) -> Self {
        let mut clock = Self {
            real: DateTime::UNIX_EPOCH,
            offset: TimeDelta::zero(),
        };
        clock.set_offset(seconds);
        clock
    }

    /// Sets the real time.
    pub(crate) fn set(&mut self, real: DateTime<Utc>) {
        self.real = real;
    }

    /// Shifts the clock to this many seconds ahead, at most [`WIDEST_OFFSET`] either way.
    pub(crate) fn set_offset(&mut self, seconds: i64) {
        self.offset = TimeDelta::seconds(seconds.clamp(-WIDEST_OFFSET, WIDEST_OFFSET));
    }

    /// How many seconds the clock runs ahead.
    pub(crate) fn offset(&self) -> i64 {
        self.offset.num_seconds()
    }

    /// The time as the simulator has it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.real
            .checked_add_signed(self.offset)
            .unwrap_or(self.real)
    }
}

/// A time as the `Date` header has it (RFC 9110 §5.6.7).
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A time as RFC 3339 has it, to the millisecond.
pub(crate) fn rfc_3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A time for the page.
pub(crate) fn plain(time: DateTime<Utc>) -> String {
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
        let real = DateTime::from_timestamp(784_111_777, 0).unwrap();
        for seconds in [-3600, 3600] {
            let mut clock = Clock::with_offset(seconds);
            clock.set(real);
            assert_eq!((clock.now() - real).num_seconds(), seconds);
        }
        assert_eq!(Clock::with_offset(i64::MAX).offset(), WIDEST_OFFSET);
        let mut last = Clock::with_offset(1);
        last.set(DateTime::<Utc>::MAX_UTC);
        assert_eq!(last.now(), DateTime::<Utc>::MAX_UTC);
    }
}
