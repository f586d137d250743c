//! Rate limits: requests counted in windows of time, as the networks count them.

use chrono::{DateTime, Utc};

/// A number of points that may be used in a number of seconds.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) points: u32,
    pub(crate) seconds: i64,
}

/// What is left of a limit in the current window.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) limit: Limit,
    pub(crate) remaining: u32,
    /// When the window ends, in seconds since 1970.
    pub(crate) reset: i64,
    pub(crate) exceeded: bool,
}

/// A limit, and the points used in the current window.
pub(crate) struct Window {
    limit: Limit,
    began: i64,
    used: u32,
    /// Whether windows begin at multiples of their length rather than with the first request.
    aligned: bool,
}

impl Window {
    /// An unused limit, whose windows begin with the first request.
    pub(crate) fn of(points: u32, seconds: i64) -> Self {
        Self {
            limit: Limit { points, seconds },
            began: i64::MIN,
            used: 0,
            aligned: false,
        }
    }

    /// An unused limit, whose windows begin at multiples of their length.
    pub(crate) fn aligned(points: u32, seconds: i64) -> Self {
        Self {
            aligned: true,
            ..Self::of(points, seconds)
        }
    }

    /// Uses points.
    pub(crate) fn take(&mut self, points: u32, now: DateTime<Utc>) -> Left {
        let now = now.timestamp();
        let age = now.saturating_sub(self.began);
        // A clock that was set back begins a new window too.
        if !(0..self.limit.seconds).contains(&age) {
            self.began = if self.aligned {
                now - now.rem_euclid(self.limit.seconds)
            } else {
                now
            };
            self.used = 0;
        }
        self.used = self.used.saturating_add(points);
        Left {
            limit: self.limit,
            remaining: self.limit.points.saturating_sub(self.used),
            reset: self.began + self.limit.seconds,
            exceeded: self.used > self.limit.points,
        }
    }
}

/// The one of two limits that is reached sooner.
pub(crate) fn tighter(one: Left, other: Left) -> Left {
    if (other.exceeded, one.remaining) > (one.exceeded, other.remaining) {
        other
    } else {
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_window_begins_with_the_first_request_and_ends_in_time() {
        let mut window = Window::of(2, 300);
        let first = window.take(1, at(1_000));
        assert_eq!((first.remaining, first.reset), (1, 1_300));
        assert!(!window.take(1, at(1_299)).exceeded);
        assert!(window.take(1, at(1_299)).exceeded);
        assert!(!window.take(1, at(1_300)).exceeded);
    }

    #[test]
    fn aligned_windows_begin_at_multiples_of_their_length() {
        let mut window = Window::aligned(1, 300);
        assert_eq!(window.take(1, at(1_000)).reset, 1_200);
        assert!(window.take(1, at(1_199)).exceeded);
        assert!(!window.take(1, at(1_200)).exceeded);
    }

    #[test]
    fn the_tighter_limit_counts() {
        let left = |remaining, exceeded| Left {
            limit: Limit {
                points: 9,
                seconds: 1,
            },
            remaining,
            reset: 0,
            exceeded,
        };
        assert_eq!(tighter(left(3, false), left(5, false)).remaining, 3);
        assert_eq!(tighter(left(5, false), left(3, false)).remaining, 3);
        assert!(tighter(left(0, false), left(0, true)).exceeded);
        assert!(tighter(left(0, true), left(0, false)).exceeded);
    }
}
