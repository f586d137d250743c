//! Counting requests in windows of time, as the networks do.

use chrono::{DateTime, Utc};

/// So many points in so many seconds.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) points: u32,
    pub(super) seconds: i64,
}

/// What is left of a limit.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) limit: Limit,
    pub(super) remaining: u32,
    /// When the window ends, in seconds since 1970.
    pub(super) reset: i64,
    pub(super) exceeded: bool,
}

/// A limit and what was used of it.
pub(super) struct Window {
    limit: Limit,
    began: i64,
    used: u32,
    /// Whether windows begin at multiples of their length rather than with the first request.
    aligned: bool,
}

impl Window {
    /// A limit of which nothing was used, whose windows begin with the first request.
    pub(super) fn of(points: u32, seconds: i64) -> Self {
        Self {
            limit: Limit { points, seconds },
            began: i64::MIN,
            used: 0,
            aligned: false,
        }
    }

    /// The same with windows that begin at multiples of their length.
    pub(super) fn aligned(points: u32, seconds: i64) -> Self {
        Self {
            aligned: true,
            ..Self::of(points, seconds)
        }
    }

    /// Uses so many points.
    pub(super) fn take(&mut self, points: u32, now: DateTime<Utc>) -> Left {
        let now = now.timestamp();
        let age = now.saturating_sub(self.began);
        // A clock that was set back begins anew too.
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

/// Of two limits, the one that is reached sooner.
pub(super) fn tighter(one: Left, other: Left) -> Left {
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
