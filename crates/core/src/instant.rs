//! Instants and the time between them.

use chrono::{DateTime, TimeDelta, Utc};

/// The instant so long after another; that one itself where the calendar ends.
pub(crate) fn after(at: DateTime<Utc>, delta: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(delta).unwrap_or(at)
}
