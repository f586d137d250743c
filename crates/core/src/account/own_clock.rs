//! The clock of an account that wakes itself: its alarm goes off a little after the start of each
//! slot, so that not all accounts of a host turn at the same instant.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::account::id::AccountId;
use crate::instant::after;
use crate::schedule::{FrameCount, Period, Schedule};
use crate::settings::reader::Variable;

/// The longest time from a slot's start to its turn.
const LONGEST_DELAY_MS: i64 = 120_000;

/// A turn is late by at most this part of its slot.
const PART_OF_SLOT: i64 = 10;

/// The operator's variable for the shortest time between two turns of an account that wakes itself.
/// Of slots that are shorter, some have no turn.
pub const SHORTEST_SLOT: Variable = Variable {
    name: "SHORTEST_SLOT",
    default: "1m",
    accepts: "a time that divides a day, such as 1m, 5m or 1h",
};

/// How far after the start of each slot an account turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// The part of 120 s, or of a tenth of the slot if that is shorter, in units of 2⁻¹⁶.
    part: u16,
    /// The shortest time between two turns.
    shortest: TimeDelta,
}

impl Delay {
    /// The delay of an account: always the same, and spread evenly over accounts. `shortest` is the
    /// text of [`SHORTEST_SLOT`]; one that cannot be read counts as not set.
    pub fn of(account: &AccountId, shortest: Option<&str>) -> Self {
        let default = || SHORTEST_SLOT.default.parse().ok();
        let shortest = shortest.and_then(|text| text.parse::<Period>().ok());
        let shortest = shortest.or_else(default).expect("the default is a period");
        let digest: [u8; 32] = Sha256::digest(account.as_str()).into();
        let [high, low, ..] = digest;
        Self {
            part: u16::from_be_bytes([high, low]),
            shortest: TimeDelta::seconds(shortest.seconds().into()),
        }
    }

    /// When the turn of a slot is due.
    pub(super) fn due_in(self, slot: &Range<DateTime<Utc>>) -> DateTime<Utc> {
        let length = slot.end.signed_duration_since(slot.start);
        let part = length.num_milliseconds().checked_div(PART_OF_SLOT);
        let longest = part.unwrap_or_default().clamp(0, LONGEST_DELAY_MS);
        // At most 120,000 · 65,535.
        let delay = longest.saturating_mul(self.part.into()) >> 16;
        after(slot.start, TimeDelta::milliseconds(delay))
    }

    /// A time of 0 to 120 s, to spread what ends for many accounts at the same instant.
    pub(super) fn spread(self) -> TimeDelta {
        TimeDelta::milliseconds(LONGEST_DELAY_MS.saturating_mul(self.part.into()) >> 16)
    }

    /// The shortest time between two turns, if the slot is shorter.
    pub(super) fn shortest_beyond(self, slot: &Range<DateTime<Utc>>) -> Option<TimeDelta> {
        let length = slot.end.signed_duration_since(slot.start);
        Some(self.shortest).filter(|shortest| length < *shortest)
    }

    /// When the next turn of a slot is due after `now`. `is_open` says whether the present slot is
    /// still to have its turn; if that was due before now, the next slot counts.
    pub(super) fn next_due(
        self,
        now: DateTime<Utc>,
        schedule: &Schedule,
        frames: FrameCount,
        is_open: bool,
    ) -> DateTime<Utc> {
        let present = schedule.slot_at(now, frames);
        let due = self.due_in(&present);
        if is_open && due > now {
            return due;
        }
        let next = schedule.slot_at(present.end, frames);
        let due = self.due_in(&next);
        match self.shortest_beyond(&present) {
            Some(shortest) => due.max(after(now, shortest)),
            None => due,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::testing::now;

    #[test]
    fn accounts_turn_within_two_minutes_or_a_tenth_of_the_slot_each_at_a_time_of_its_own() {
        let hour = now()..now() + TimeDelta::hours(1);
        let five_minutes = now()..now() + TimeDelta::minutes(5);
        let mut quarters = [0; 4];
        for _ in 0..400 {
            let id = AccountId::random().unwrap();
            let delay = Delay::of(&id, None);
            assert_eq!(delay, Delay::of(&id, None));
            let late = (delay.due_in(&hour) - now()).num_milliseconds();
            assert!((0..120_000).contains(&late));
            quarters[usize::try_from(late / 30_000).unwrap()] += 1;
            let late = delay.due_in(&five_minutes) - now();
            assert!(late < TimeDelta::seconds(30));
        }
        // By chance, one time in ten million a quarter has fewer than half of its share.
        assert!(quarters.iter().all(|count| *count > 50), "{quarters:?}");
    }
}
