//! The rate limits of a server of the AT Protocol, and their headers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::rate_limit::{Left, Window, tighter};

/// The limits, and what was used of them.
pub(crate) struct Limits {
    requests: Window,
    /// Sessions created by identifier, in five minutes and in a day.
    sessions: HashMap<String, [Window; 2]>,
    /// Points for writes, in an hour and in a day.
    writes: [Window; 2],
    /// Blobs uploaded in a day. Servers count by address; all requests here come from one.
    uploads: Window,
}

impl Limits {
    /// Unused limits.
    pub(crate) fn new() -> Self {
        Self {
            requests: Window::of(3_000, 5 * 60),
            sessions: HashMap::new(),
            writes: [Window::of(5_000, 60 * 60), Window::of(35_000, 24 * 60 * 60)],
            uploads: Window::of(1_000, 24 * 60 * 60),
        }
    }

    /// Counts a request of any kind.
    pub(crate) fn take_request(&mut self, now: DateTime<Utc>) -> Left {
        self.requests.take(1, now)
    }

    /// Counts an attempt to create a session.
    pub(crate) fn take_session(&mut self, identifier: &str, now: DateTime<Utc>) -> Left {
        // Random identifiers would pile up.
        if self.sessions.len() > 1_000 {
            self.sessions.clear();
        }
        let [short, long] = self
            .sessions
            .entry(identifier.to_owned())
            .or_insert_with(|| [Window::of(30, 5 * 60), Window::of(300, 24 * 60 * 60)]);
        tighter(short.take(1, now), long.take(1, now))
    }

    /// Counts a write: two points for a put, one for a deletion.
    pub(crate) fn take_write(&mut self, points: u32, now: DateTime<Utc>) -> Left {
        let [short, long] = &mut self.writes;
        tighter(short.take(points, now), long.take(points, now))
    }

    /// Counts an uploaded blob.
    pub(crate) fn take_upload(&mut self, now: DateTime<Utc>) -> Left {
        self.uploads.take(1, now)
    }

    /// Uses up all but this many uploads of the day.
    pub(crate) fn leave_uploads(&mut self, count: u32, now: DateTime<Utc>) {
        self.uploads = Window::of(1_000, 24 * 60 * 60);
        self.uploads.take(1_000_u32.saturating_sub(count), now);
    }
}

/// The headers that tell what is left of a limit.
pub(crate) fn rate_headers(left: Left) -> HeaderMap {
    let policy = format!("{};w={}", left.limit.points, left.limit.seconds);
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("ratelimit-limit"),
        HeaderValue::from(left.limit.points),
    );
    headers.insert(
        HeaderName::from_static("ratelimit-remaining"),
        HeaderValue::from(left.remaining),
    );
    headers.insert(
        HeaderName::from_static("ratelimit-reset"),
        HeaderValue::from(left.reset),
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), policy);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_thousand_blobs_may_be_uploaded_in_a_day() {
        let mut limits = Limits::new();
        for _ in 0..1_000 {
            assert!(!limits.take_upload(at(0)).exceeded);
        }
        let left = limits.take_upload(at(86_399));
        assert!(left.exceeded && left.reset == 86_400);
        assert!(!limits.take_upload(at(86_400)).exceeded);
        limits.leave_uploads(1, at(86_400));
        assert!(!limits.take_upload(at(86_400)).exceeded);
        assert!(limits.take_upload(at(86_400)).exceeded);
    }

    #[test]
    fn what_is_written_is_limited_in_an_hour_and_in_a_day() {
        let mut limits = Limits::new();
        for _ in 0..2_500 {
            assert!(!limits.take_write(2, at(0)).exceeded);
        }
        assert!(limits.take_write(2, at(0)).exceeded);
        assert!(!limits.take_write(2, at(3_600)).exceeded);
        for hour in 1..7 {
            for _ in 0..2_500 {
                limits.take_write(2, at(hour * 3_600));
            }
        }
        let left = limits.take_write(2, at(7 * 3_600));
        assert!(left.exceeded && left.limit.points == 35_000);
    }
}
