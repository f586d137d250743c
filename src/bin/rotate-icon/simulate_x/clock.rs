//! The simulator's idea of the time, which may be shifted to play a client whose clock is wrong.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// A clock that runs a fixed number of seconds ahead of (or behind) the real one.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    offset: TimeDelta,
}

impl Clock {
    /// A clock this many seconds ahead; behind, if negative.
    pub(super) fn with_offset(seconds: i64) -> Self {
        Self {
            offset: TimeDelta::try_seconds(seconds).unwrap_or_default(),
        }
    }

    /// The time as the simulator sees it.
    pub(super) fn now(self) -> DateTime<Utc> {
        let real = Utc::now();
        real.checked_add_signed(self.offset).unwrap_or(real)
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
    }
}
