//! The state of an account on one network: what is known of it between two turns.
//!
//! A host loads it before a turn and saves it afterwards, as JSON with instants in milliseconds
//! since 1970. How a turn uses it is in [`crate::account::turn`].

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::journal::Trigger;
use crate::frames::set::FrameRef;
use crate::instant::after;
use crate::network::SavedSession;
use crate::outcome::{Diagnosis, Reason};
use crate::stored;

/// How long the owner can see what could not be read, once they have been told.
const UNREAD_IS_SHOWN: TimeDelta = TimeDelta::days(1);

/// The longest hold after a refusal, in hours.
pub(super) const LONGEST_REFUSAL_H: i64 = 24;

/// The longest pause, in hours: no limit of a network lasts longer than a day, nor does the rest
/// that follows what a network has taken for spam.
const LONGEST_PAUSE_H: i64 = 24;

/// The longest slot, in hours: that of a set of one frame that takes a week.
const LONGEST_SLOT_H: i64 = 168;

/// The state of an account on one network. Another version may have stored it, so each member is
/// read by itself ([`AccountState::read`]).
///
/// ```
/// use rotate_icon_core::account::state::AccountState;
///
/// let stored = br#"{"showing": {"set": "0123", "frame": 11}, "refusals": "many"}"#;
/// let (state, complete) = AccountState::read(stored, "The original is in a file beside.");
/// // What is understood is used, and the owner is told of the rest.
/// assert_eq!(state.shown_frame.map(|shown| shown.frame), Some(11));
/// assert!(!complete);
/// let unread = state.unread.expect("a note of what was not understood");
/// assert!(unread.diagnosis.message.contains("`refusals`"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountState {
    /// The set that was current when a frame was last chosen.
    pub set: Option<KnownSet>,
    /// The frame that the network shows; `None` where that is unknown.
    #[serde(rename = "showing")]
    pub shown_frame: Option<FrameRef>,
    /// The name of the account, if the network has told it.
    pub account: Option<String>,
    /// The slot of the last turn.
    pub slot: Option<Slot>,
    /// The time before which turns send nothing.
    pub hold: Option<Hold>,
    /// The number of refusals in a row.
    pub refusals: u32,
    /// Since when the network has refused the account itself, without taking a frame in between.
    #[serde(
        with = "stored::instant_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub refused_since: Option<DateTime<Utc>>,
    /// The number of times in a row that tokens were not renewed because the server has failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed_renewals: u32,
    /// Why turns have stopped working; `None` while they work.
    pub stopped: Option<Diagnosis>,
    /// When the next attempt comes by itself, if that is not with the schedule.
    #[serde(with = "stored::instant_or_none")]
    pub wake_at: Option<DateTime<Utc>>,
    /// What the network needs for its next turn, such as a session.
    #[serde(rename = "memory")]
    pub saved_session: Option<SavedSession>,
    /// The fingerprint of the settings that all of this comes from
    /// ([`Configured::fingerprint`](crate::account::settings::Configured::fingerprint)); `None` if
    /// it was stored by a version without fingerprints.
    pub settings: Option<String>,
    /// What of the stored state could not be read, until a day after the owner was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
}

/// What was stored and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What it is, and where the original is kept.
    #[serde(rename = "trouble")]
    pub diagnosis: Diagnosis,
    /// When the owner was told, if they were.
    #[serde(with = "stored::instant_or_none")]
    pub told_at: Option<DateTime<Utc>>,
}

/// As much of a frame set as it takes to tell which of its frames is due. It is not checked:
/// another version may have stored it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSet {
    /// The id of the set.
    pub id: String,
    /// The number of its frames.
    pub frames: u16,
}

/// The stretch of time that belongs to one frame, and what turns have done in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The first instant of the slot.
    #[serde(with = "stored::instant")]
    pub start: DateTime<Utc>,
    /// The first instant after the slot.
    #[serde(with = "stored::instant")]
    pub end: DateTime<Utc>,
    /// What asked for the first turn of the slot.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub trigger: Trigger,
    /// The instant that the first turn was for.
    #[serde(with = "stored::instant")]
    pub scheduled_at: DateTime<Utc>,
    /// The number of its frame.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub frame: u16,
    /// The number of attempts to send the frame.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub attempts: u32,
    /// The number of these attempts that were made by hand.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub by_hand: u32,
    /// Whether the network has taken the frame.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub is_turned: bool,
    /// The id of the slot's entry in the journal.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub record: Option<u32>,
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Slot {
    /// Counts an attempt to send the frame.
    pub(super) fn count_attempt(&mut self, trigger: Trigger) {
        self.attempts = self.attempts.saturating_add(1);
        if trigger == Trigger::Manual {
            self.by_hand = self.by_hand.saturating_add(1);
        }
    }

    /// The number of attempts that came by themselves.
    pub(super) fn attempts_by_itself(&self) -> u32 {
        self.attempts.saturating_sub(self.by_hand)
    }
}

/// A time before which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The end of the hold.
    #[serde(with = "stored::instant")]
    pub until: DateTime<Utc>,
    /// Which turns it holds: all of them where the stored kind is not understood.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub kind: HoldKind,
    /// Why it holds them.
    #[serde(default, rename = "trouble", deserialize_with = "stored::or_default")]
    pub diagnosis: Diagnosis,
}

impl Hold {
    /// Whether it is in force at an instant. A hold that reaches further ahead than its kind ever
    /// does comes from a clock that was wrong, and is ignored.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        at < self.until && self.until <= self.kind.latest_end(at)
    }
}

/// Which turns a hold holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// All turns: the network has asked for a pause.
    #[default]
    Pause,
    /// Turns that come by themselves: the owner has to do something first, and then tries by hand.
    Refusal,
    /// Turns that come by themselves in the same slot, before its next attempt.
    Backoff,
}

impl HoldKind {
    /// The latest possible end of a hold of this kind that starts at an instant.
    pub(super) fn latest_end(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let hours = match self {
            Self::Pause => LONGEST_PAUSE_H,
            Self::Refusal => LONGEST_REFUSAL_H,
            Self::Backoff => LONGEST_SLOT_H,
        };
        after(at, TimeDelta::hours(hours))
    }
}

impl AccountState {
    /// Reads a stored state from JSON, as far as it is understood. Returns whether that is all of
    /// it. If not, the state notes what was not understood, and where the original is kept: `aside`
    /// says that in a sentence.
    pub fn read(json: &[u8], aside: &str) -> (Self, bool) {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(json) else {
            return (Self::unread("It is not a JSON object.", aside), false);
        };
        let stored = Value::Object(members.clone());
        members.retain(|name, value| {
            let alone = Value::Object([(name.clone(), value.clone())].into_iter().collect());
            serde_json::from_value::<Self>(alone).is_ok()
        });
        let mut state: Self = serde_json::from_value(Value::Object(members)).unwrap_or_default();
        // What is written again is what was understood.
        let understood =
            serde_json::to_value(&state).expect("a state is made of texts and numbers");
        let members = || stored.as_object().into_iter().flatten();
        if members().all(|(name, _)| understood.get(name).is_none()) {
            let why = "It has no member that this version knows.";
            return (Self::unread(why, aside), false);
        }
        let lost = |name: &str, value: &Value| match understood.get(name) {
            Some(understood) => !stored::says_all(understood, value),
            None => !value.is_null(),
        };
        let unread: Vec<_> = members()
            .filter(|(name, value)| lost(name, value))
            .map(|(name, _)| stored::quoted(name))
            .collect();
        if !unread.is_empty() {
            let first = unread.get(..unread.len().min(5)).unwrap_or_default();
            let rest = if unread.len() > 5 { " and more" } else { "" };
            let why = format!("Not understood: {}{rest}.", first.join(", "));
            state.unread = Self::unread(&why, aside).unread;
        }
        (state, unread.is_empty())
    }

    /// The state of an account of which nothing that was stored could be read. `why` and `aside`
    /// are sentences: what is wrong with it, and where the original is kept.
    pub fn unread(why: &str, aside: &str) -> Self {
        let diagnosis = Diagnosis::new(
            Reason::Host,
            format!("What was stored of the account could not all be read. {why}"),
            format!(
                "Turning goes on with what is understood. This happens after a return to an \
                 earlier version; otherwise the store was damaged. {aside}"
            ),
        );
        let told_at = None;
        Self {
            unread: Some(Unread { diagnosis, told_at }),
            ..Self::default()
        }
    }

    /// Returns what could not be read if the owner has not been told, and notes that they are told
    /// now. A day later, forgets it.
    pub fn tell_unread(&mut self, now: DateTime<Utc>) -> Option<Diagnosis> {
        self.unread.take_if(|unread| {
            unread
                .told_at
                .is_some_and(|at| now >= after(at, UNREAD_IS_SHOWN) || at > now)
        });
        let unread = self.unread.as_mut()?;
        if unread.told_at.is_some() {
            return None;
        }
        unread.told_at = Some(now);
        Some(unread.diagnosis.clone())
    }

    /// The state under the settings with this fingerprint. If it comes from other settings, most of
    /// it no longer counts: the cause of a refusal may have been removed, and the account may be
    /// another one, whose picture is unknown.
    #[must_use]
    pub fn with_settings(mut self, fingerprint: &str) -> Self {
        let before = self.settings.as_deref();
        if before.is_some_and(|before| before != fingerprint) {
            self.shown_frame = None;
            self.account = None;
            self.slot = None;
            self.hold = None;
            self.refusals = 0;
            self.refused_since = None;
            self.failed_renewals = 0;
        }
        self.settings = Some(fingerprint.to_owned());
        self
    }

    /// Whether a slot has had its turn.
    pub fn has_turned(&self, slot: &Slot) -> bool {
        let last = self.slot.as_ref().filter(|last| last.start == slot.start);
        last.is_some_and(|last| last.is_turned)
    }

    /// Makes a slot the present one, unless it is already. If there was a gap before it, which
    /// frame the network shows is unknown from then on.
    pub fn enter(&mut self, slot: Slot) {
        match &self.slot {
            Some(last) if last.start == slot.start => return,
            Some(last) if slot.start > last.end => self.shown_frame = None,
            _ => {}
        }
        self.slot = Some(slot);
    }
}

#[cfg(test)]
mod tests;
