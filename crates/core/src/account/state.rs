//! What is known of an account between turns, and what follows from it: whether
//! to send now, when to try again, and whether the owner has to hear of it.
//!
//! It is pure: a host loads it before a turn and keeps it after; instants are kept
//! as milliseconds since 1970.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::journal::Trigger;
use crate::instant::after;
use crate::network::SavedSession;
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::stored;

/// How often a slot's frame is sent at most before the slot is given up.
pub const MAX_ATTEMPTS: u32 = 5;

/// The wait after a first failure, in seconds; each later one is three times as
/// long: 1, 3, 9 and 27 minutes, within one hour.
const FIRST_WAIT_S: i64 = 60;

/// The number of the last wait.
const LAST_WAIT: u32 = MAX_ATTEMPTS.saturating_sub(1);

/// The wait after a first refusal, in hours; it doubles up to a day.
const FIRST_GAP_H: i64 = 1;
const LONGEST_GAP_H: i64 = 24;

/// How long the owner can see what was unread once they have been told.
const UNREAD_IS_SHOWN: TimeDelta = TimeDelta::days(1);

/// The longest pause, in hours: no network has a limit for longer than a day, and a
/// day of rest follows what was taken for spam.
const LONGEST_PAUSE_H: i64 = 24;

/// The longest slot, in hours: one frame in a week.
const LONGEST_SLOT_H: i64 = 168;

/// What is known of an account of a network. It may have been stored by an earlier
/// or a later version, so each member is read by itself ([`AccountState::read`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountState {
    /// The set that was current when a frame was last chosen.
    pub set: Option<KnownSet>,
    /// The frame that the network took last.
    #[serde(rename = "showing")]
    pub shown_frame: Option<FrameRef>,
    /// The name of the account that took it, where the network tells.
    pub account: Option<String>,
    /// The slot that the last turn was for.
    pub slot: Option<Slot>,
    /// What keeps the next turn from sending.
    pub hold: Option<Hold>,
    /// How many refusals there have been in a row.
    pub refusals: u32,
    /// Why turning has stopped, until it works again.
    pub stopped: Option<Diagnosis>,
    /// When the next try comes by itself, if not with the schedule.
    #[serde(with = "stored::instant_or_none")]
    pub wake_at: Option<DateTime<Utc>>,
    /// What the network wants to find again.
    #[serde(rename = "memory")]
    pub saved_session: Option<SavedSession>,
    /// The [`Configured::fingerprint`](crate::account::settings::Configured::fingerprint) of the
    /// settings that all of this comes from; `None` where it was not kept yet.
    pub settings: Option<String>,
    /// What of this could not be read, until a day after the owner was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
}

/// Something that was stored and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What it is, and where it is kept.
    #[serde(rename = "trouble")]
    pub diagnosis: Diagnosis,
    /// When the owner was told, if they were.
    #[serde(with = "stored::instant_or_none")]
    pub told_at: Option<DateTime<Utc>>,
}

/// As much of a set as tells which frame of it is due. Not checked: what is known may
/// have been kept by another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSet {
    /// Its id.
    pub id: String,
    /// How many frames it has.
    pub frames: u16,
}

/// A frame of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRef {
    /// The set's id.
    pub set: String,
    /// The frame's number.
    pub frame: u16,
}

/// The stretch of time that belongs to one frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its first instant.
    #[serde(with = "stored::instant")]
    pub start: DateTime<Utc>,
    /// The first instant after it.
    #[serde(with = "stored::instant")]
    pub end: DateTime<Utc>,
    /// What started its first turn.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub trigger: Trigger,
    /// The instant that turn was for.
    #[serde(with = "stored::instant")]
    pub scheduled_at: DateTime<Utc>,
    /// Its frame's number.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub frame: u16,
    /// How often that has been sent.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub attempts: u32,
    /// How often of these by hand.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub by_hand: u32,
    /// Whether the network has taken it.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub is_turned: bool,
    /// The id of its entry in the journal.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub record: Option<u32>,
}

/// A time before which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its end.
    #[serde(with = "stored::instant")]
    pub until: DateTime<Utc>,
    /// Whom it holds: everyone, where that is not understood.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub kind: HoldKind,
    /// Why.
    #[serde(default, rename = "trouble", deserialize_with = "stored::or_default")]
    pub diagnosis: Diagnosis,
}

impl Hold {
    /// Whether it holds at an instant. One that reaches further ahead than its kind
    /// ever does comes from a clock that was ahead, and is not believed.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        at < self.until && self.until <= self.kind.latest_end(at)
    }
}

/// Whom a hold holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// Everyone: the network has asked for a pause.
    #[default]
    Pause,
    /// What comes by itself: the owner has to do something, and tries then.
    Refusal,
    /// What comes by itself in the same slot: the next try has its time.
    Backoff,
}

impl HoldKind {
    /// The latest end of such a hold that begins at an instant.
    fn latest_end(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let hours = match self {
            Self::Pause => LONGEST_PAUSE_H,
            Self::Refusal => LONGEST_GAP_H,
            Self::Backoff => LONGEST_SLOT_H,
        };
        after(at, TimeDelta::hours(hours))
    }
}

/// What to do about a frame that is due or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Send it.
    Send,
    /// This slot has had its turn.
    Done,
    /// The network shows it already.
    Unchanged,
    /// Wait.
    Wait(Hold),
}

/// What is asked of [`AccountState::decide`].
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The instant of the turn.
    pub at: DateTime<Utc>,
    /// The frame.
    pub frame: &'a FrameRef,
    /// The first instant of its slot; `None` for a frame that is asked for by its
    /// number.
    pub slot: Option<DateTime<Utc>>,
    /// What started the turn.
    pub trigger: Trigger,
    /// Send even what is believed to be shown.
    pub is_forced: bool,
}

impl AccountState {
    /// Reads what was stored as JSON, all that is understood, and tells whether that
    /// is all of it. Of the rest, the standing notes what it was, and that it is kept
    /// where `aside` says, in a sentence.
    pub fn read(json: &[u8], aside: &str) -> (Self, bool) {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(json) else {
            return (Self::unread("It is no JSON object.", aside), false);
        };
        let stored = Value::Object(members.clone());
        let is_readable = |name: &String, value: &mut Value| {
            let alone = Value::Object([(name.clone(), value.clone())].into_iter().collect());
            serde_json::from_value::<Self>(alone).is_ok()
        };
        members.retain(is_readable);
        let mut account_state: Self =
            serde_json::from_value(Value::Object(members)).unwrap_or_default();
        let read = serde_json::to_value(&account_state).unwrap_or_default();
        let members = || stored.as_object().into_iter().flatten();
        if members().all(|(name, _)| read.get(name).is_none()) {
            let why = "It has no member that this version knows.";
            return (Self::unread(why, aside), false);
        }
        let is_unread = |name: &str, value: &Value| match read.get(name) {
            Some(read) => !stored::says_all(read, value),
            None => !value.is_null(),
        };
        let unread = members().filter(|(name, value)| is_unread(name, value));
        let unread: Vec<_> = unread.map(|(name, _)| stored::quoted(name)).collect();
        if !unread.is_empty() {
            let named = unread.get(..unread.len().min(5)).unwrap_or_default();
            let rest = if unread.len() > 5 { " and more" } else { "" };
            let what = format!("Not understood: {}{rest}.", named.join(", "));
            account_state.unread = Self::unread(&what, aside).unread;
        }
        (account_state, unread.is_empty())
    }

    /// What is known where nothing of what was stored could be read.
    pub fn unread(why: &str, aside: &str) -> Self {
        let diagnosis = Diagnosis::new(
            Reason::Host,
            format!("What was stored of the account could not all be read. {why}"),
            format!(
                "Turning goes on with what is understood. It is so after a return to an earlier                  version; otherwise the store was damaged. {aside}"
            ),
        );
        let told_at = None;
        Self {
            unread: Some(Unread { diagnosis, told_at }),
            ..Self::default()
        }
    }

    /// What the owner has to be told of what could not be read, if they have not been:
    /// they are now. A day later it is forgotten.
    pub fn tell_unread(&mut self, now: DateTime<Utc>) -> Option<Diagnosis> {
        let is_old = |unread: &mut Unread| {
            let told_at = unread.told_at;
            told_at.is_some_and(|at| now >= after(at, UNREAD_IS_SHOWN) || at > now)
        };
        self.unread.take_if(is_old);
        let unread = self.unread.as_mut()?;
        let is_news = unread.told_at.is_none();
        unread.told_at.get_or_insert(now);
        is_news.then(|| unread.diagnosis.clone())
    }

    /// What is known once the settings of the network are those of a fingerprint. If
    /// they were others before, that says nothing of what comes: what was refused may
    /// be put right, and the account may be another one, which shows what nobody knows.
    #[must_use]
    pub fn with_settings(mut self, fingerprint: &str) -> Self {
        if self
            .settings
            .as_deref()
            .is_some_and(|known| known != fingerprint)
        {
            self.shown_frame = None;
            self.account = None;
            self.slot = None;
            self.hold = None;
            self.refusals = 0;
        }
        self.settings = Some(fingerprint.to_owned());
        self
    }

    /// Whether a slot has had its turn.
    pub fn has_turned(&self, slot: &Slot) -> bool {
        let known = self.slot.as_ref().filter(|known| known.start == slot.start);
        known.is_some_and(|known| known.is_turned)
    }

    /// Whether the network shows a frame already. After a stretch without a turn
    /// nobody knows: a host may have ended in the middle of one, which leaves no
    /// trace.
    fn shows(&self, question: &Question<'_>) -> bool {
        let begin = question.slot.unwrap_or(question.at);
        let is_without_a_gap = |slot: &Slot| begin <= slot.end;
        self.shown_frame.as_ref() == Some(question.frame)
            && self.slot.as_ref().is_none_or(is_without_a_gap)
    }

    /// Whether to send.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let is_manual = question.trigger == Trigger::Manual;
        let slot = self.slot.as_ref();
        let slot = slot.filter(|slot| question.slot == Some(slot.start));
        if !is_manual && slot.is_some_and(|slot| slot.is_turned) {
            return Decision::Done;
        }
        if !question.is_forced && self.shows(question) {
            return Decision::Unchanged;
        }
        let hold = self.hold.as_ref().filter(|hold| {
            hold.holds_at(question.at)
                && match hold.kind {
                    HoldKind::Pause => true,
                    HoldKind::Refusal => !is_manual,
                    HoldKind::Backoff => !is_manual && slot.is_some(),
                }
        });
        match hold {
            Some(hold) => Decision::Wait(hold.clone()),
            None => Decision::Send,
        }
    }

    /// Makes a slot the present one, if it is not already. What was not known for
    /// sure when it began is not known in the one after it either.
    pub fn enter(&mut self, slot: Slot) {
        match &self.slot {
            Some(known) if known.start == slot.start => return,
            Some(known) if slot.start > known.end => self.shown_frame = None,
            _ => {}
        }
        self.slot = Some(slot);
    }

    /// Takes in how sending ended, and tells when to try again, if that is not
    /// with the next slot. `jitter` is a random number from 0 to 1, so that not
    /// all accounts try at once; `slot` is the slot that was sent for, `trigger` what
    /// started this turn. A try by hand keeps nothing from what comes by itself, but
    /// for what the network asks of everyone.
    pub fn learn(
        &mut self,
        outcome: &Outcome,
        frame: FrameRef,
        at: DateTime<Utc>,
        slot: Option<&Slot>,
        trigger: Trigger,
        jitter: f64,
    ) -> Option<DateTime<Utc>> {
        let by_itself = |slot: &Slot| slot.attempts.saturating_sub(slot.by_hand);
        let is_by_hand = trigger == Trigger::Manual;
        match outcome {
            Outcome::Turned => {
                self.shown_frame = Some(frame);
                self.hold = None;
                self.refusals = 0;
                None
            }
            Outcome::Unchanged | Outcome::DryRun(_) => None,
            Outcome::Retry {
                at: until,
                diagnosis,
            } => match diagnosis.reason {
                Reason::RateLimit | Reason::SpamFilter => {
                    // To be told so again in one slot is no reason to hurry.
                    let again = slot.map_or(0, |slot| by_itself(slot).saturating_sub(1));
                    let until = match again.min(LAST_WAIT) {
                        0 => *until,
                        again => (*until).max(after(at, wait_after(again, jitter))),
                    };
                    let kind = HoldKind::Pause;
                    let until = until.min(kind.latest_end(at));
                    self.hold = Some(Hold {
                        until,
                        kind,
                        diagnosis: diagnosis.clone(),
                    });
                    Some(until)
                }
                _ => {
                    // The network may have taken it all the same.
                    self.shown_frame = None;
                    let attempts = slot.map_or(MAX_ATTEMPTS, by_itself);
                    let until = (*until).max(after(at, wait_after(attempts, jitter)));
                    let end = slot.map_or(until, |slot| slot.end);
                    let has_more = attempts < MAX_ATTEMPTS && until < end;
                    let until = if has_more { until } else { end };
                    slot?;
                    let sooner = self
                        .hold
                        .as_mut()
                        .filter(|hold| is_by_hand && hold.holds_at(at) && hold.until <= until);
                    if let Some(sooner) = sooner {
                        return (sooner.until < end).then_some(sooner.until);
                    }
                    self.hold = Some(Hold {
                        until,
                        kind: HoldKind::Backoff,
                        diagnosis: diagnosis.clone(),
                    });
                    has_more.then_some(until)
                }
            },
            Outcome::Refused(diagnosis) => {
                if diagnosis.reason == Reason::UnexpectedReply {
                    self.shown_frame = None;
                }
                if is_by_hand {
                    let hold = self.hold.as_mut().filter(|hold| hold.holds_at(at))?;
                    if hold.kind == HoldKind::Refusal {
                        hold.diagnosis = diagnosis.clone();
                    }
                    return Some(hold.until);
                }
                let gap = FIRST_GAP_H
                    .checked_shl(self.refusals)
                    .map_or(LONGEST_GAP_H, |hours| {
                        hours.clamp(FIRST_GAP_H, LONGEST_GAP_H)
                    });
                self.refusals = self.refusals.saturating_add(1).min(16);
                let until = after(at, TimeDelta::hours(gap));
                self.hold = Some(Hold {
                    until,
                    kind: HoldKind::Refusal,
                    diagnosis: diagnosis.clone(),
                });
                Some(until)
            }
        }
    }

    /// Whether the owner has to be told something new after an outcome: that
    /// turning has stopped, or that it works again.
    pub fn news(&mut self, outcome: &Outcome, is_given_up: bool) -> Option<News> {
        match outcome {
            Outcome::Turned => self.stopped.take().map(|_| News::WorksAgain),
            // Nothing was sent, but all that a turn needs is there again.
            Outcome::Unchanged => {
                let is_over = |diagnosis: &mut Diagnosis| {
                    matches!(diagnosis.reason, Reason::Settings | Reason::Host)
                };
                self.stopped.take_if(is_over).map(|_| News::WorksAgain)
            }
            Outcome::DryRun(_) => None,
            // Turning has not begun.
            Outcome::Refused(diagnosis)
                if diagnosis.reason == Reason::NoIcon && self.set.is_none() =>
            {
                None
            }
            // It was the wrong question, and says nothing of the account.
            Outcome::Refused(diagnosis) if diagnosis.reason == Reason::NoSuchFrame => None,
            Outcome::Retry { diagnosis, .. }
                if diagnosis.reason != Reason::SpamFilter && !is_given_up =>
            {
                None
            }
            Outcome::Retry { diagnosis, .. } | Outcome::Refused(diagnosis) => {
                let is_news = self.stopped.is_none();
                self.stopped = Some(diagnosis.clone());
                is_news.then(|| News::Stopped(diagnosis.clone()))
            }
        }
    }
}

/// What the owner has not heard yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Turning has stopped.
    Stopped(Diagnosis),
    /// It works again.
    WorksAgain,
    /// What was stored could not all be read.
    Unread(Diagnosis),
}

/// The wait after a number of failed attempts: exponential, and spread by the jitter over 80% to
/// 120% of that.
fn wait_after(attempts: u32, jitter: f64) -> TimeDelta {
    let seconds = 3_i64
        .saturating_pow(attempts.saturating_sub(1).min(10))
        .saturating_mul(FIRST_WAIT_S);
    // Far below the precision of either type.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let milliseconds = (seconds as f64 * (800.0 + 400.0 * jitter.clamp(0.0, 1.0))) as i64;
    TimeDelta::milliseconds(milliseconds)
}

#[cfg(test)]
mod tests;
