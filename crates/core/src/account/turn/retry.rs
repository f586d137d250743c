//! When to try again: after a failure for the moment, and after a refusal.
//!
//! | outcome of an attempt | next attempt |
//! |---|---|
//! | a failure that passes | in the same slot, after 1, 3, 9 and 27 minutes |
//! | a pause that the network asks for | when the pause ends |
//! | a refusal | after 1, 2, 4 hours and so on, up to a day |
//! | the server renews no tokens | after 1, 3, 9 and 27 minutes, then with each slot or hour |
//!
//! A turn by hand delays none of these.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::state::{AccountState, Hold, HoldKind, LONGEST_REFUSAL_H, Slot};
use crate::frames::set::FrameRef;
use crate::instant::after;
use crate::outcome::{Diagnosis, Outcome, Reason};

/// The most attempts to send the frame of a slot, those by hand aside.
const MAX_ATTEMPTS: u32 = 5;

/// The wait after a first failure, in seconds. Each further one is three times as long: 1, 3, 9 and
/// 27 minutes, all within one hour.
const FIRST_WAIT_S: i64 = 60;

/// The number of the longest wait.
const LAST_WAIT: u32 = MAX_ATTEMPTS.saturating_sub(1);

/// The longest wait for tokens within a slot.
const LONGEST_WAIT_FOR_TOKENS: TimeDelta = TimeDelta::hours(1);

/// The wait after a first refusal, in hours. It doubles with each further refusal, up to
/// [`LONGEST_REFUSAL_H`].
const FIRST_REFUSAL_H: i64 = 1;

impl AccountState {
    /// Applies the outcome of an attempt, and returns the instant of the next one; `None` if that
    /// is the turn of the next slot.
    ///
    /// - `frame` is the frame that was sent, at the instant `at`.
    /// - `slot` is the slot that the attempt counts for, the attempt included.
    /// - `jitter` is a random number from 0 to 1, which spreads the attempts of many accounts.
    ///
    /// An attempt by hand delays none that comes by itself, unless the network asks everyone for a
    /// pause.
    pub(in crate::account) fn apply_outcome(
        &mut self,
        outcome: &Outcome,
        frame: FrameRef,
        at: DateTime<Utc>,
        slot: Option<&Slot>,
        trigger: Trigger,
        jitter: f64,
    ) -> Option<DateTime<Utc>> {
        match outcome {
            Outcome::Turned => {
                self.shown_frame = Some(frame);
                self.hold = None;
                self.refusals = 0;
                self.refused_since = None;
                self.failed_renewals = 0;
                None
            }
            Outcome::Unchanged | Outcome::DryRun(_) => None,
            Outcome::Retry {
                at: earliest,
                diagnosis,
            } => match diagnosis.reason {
                Reason::RateLimit | Reason::SpamFilter => {
                    Some(self.pause(*earliest, diagnosis, at, slot, jitter))
                }
                _ => {
                    // The network may have taken the frame all the same.
                    self.shown_frame = None;
                    self.back_off(*earliest, diagnosis, at, slot?, trigger, jitter)
                }
            },
            Outcome::Refused(diagnosis) => {
                if diagnosis.reason == Reason::UnexpectedReply {
                    self.shown_frame = None;
                }
                if diagnosis.reason.is_about_the_account() {
                    self.refused_since.get_or_insert(at);
                }
                self.wait_for_the_owner(diagnosis, at, trigger)
            }
        }
    }

    /// Holds everyone until the end of a pause that the network asks for, and returns that end.
    fn pause(
        &mut self,
        earliest: DateTime<Utc>,
        diagnosis: &Diagnosis,
        at: DateTime<Utc>,
        slot: Option<&Slot>,
        jitter: f64,
    ) -> DateTime<Utc> {
        // A pause that follows another in the same slot is no reason to hurry.
        let before = slot.map_or(0, |slot| slot.attempts_by_itself().saturating_sub(1));
        let end = match before.min(LAST_WAIT) {
            0 => earliest,
            before => earliest.max(after(at, wait_after(before, jitter))),
        };
        let kind = HoldKind::Pause;
        let until = end.min(kind.latest_end(at));
        self.hold = Some(Hold {
            until,
            kind,
            diagnosis: diagnosis.clone(),
        });
        until
    }

    /// Holds the slot until the next attempt after a failure that passes; until the slot's end if
    /// there is no attempt left. Returns the instant of the next attempt in the slot.
    fn back_off(
        &mut self,
        earliest: DateTime<Utc>,
        diagnosis: &Diagnosis,
        at: DateTime<Utc>,
        slot: &Slot,
        trigger: Trigger,
        jitter: f64,
    ) -> Option<DateTime<Utc>> {
        let attempts = slot.attempts_by_itself();
        let next = earliest.max(after(at, wait_after(attempts, jitter)));
        let next = Some(next).filter(|_| attempts < MAX_ATTEMPTS);
        self.hold_slot(next, diagnosis, at, slot, trigger)
    }

    /// Holds turns that come by themselves until the next attempt, because the server that renews
    /// tokens fails, so that nothing can be sent. Returns the instant of that attempt, if it is in
    /// the slot. The failures are counted over slots: a server that fails for a day is asked a few
    /// dozen times.
    pub(in crate::account) fn wait_for_tokens(
        &mut self,
        earliest: DateTime<Utc>,
        diagnosis: &Diagnosis,
        at: DateTime<Utc>,
        slot: Option<&Slot>,
        trigger: Trigger,
        jitter: f64,
    ) -> Option<DateTime<Utc>> {
        if trigger != Trigger::Manual {
            self.failed_renewals = self.failed_renewals.saturating_add(1).min(16);
        }
        let wait = wait_after(self.failed_renewals, jitter).min(LONGEST_WAIT_FOR_TOKENS);
        let next = earliest.max(after(at, wait));
        if diagnosis.reason == Reason::RateLimit {
            let kind = HoldKind::Pause;
            let until = next.min(kind.latest_end(at));
            self.hold = Some(Hold {
                until,
                kind,
                diagnosis: diagnosis.clone(),
            });
            return Some(until);
        }
        self.hold_slot(Some(next), diagnosis, at, slot?, trigger)
    }

    /// Holds the slot until the next attempt; until the slot's end if there is none before. Returns
    /// the instant of the next attempt in the slot.
    fn hold_slot(
        &mut self,
        next: Option<DateTime<Utc>>,
        diagnosis: &Diagnosis,
        at: DateTime<Utc>,
        slot: &Slot,
        trigger: Trigger,
    ) -> Option<DateTime<Utc>> {
        let next = next.filter(|next| *next < slot.end);
        let until = next.unwrap_or(slot.end);
        let sooner =
            |hold: &&Hold| trigger == Trigger::Manual && hold.holds_at(at) && hold.until <= until;
        if let Some(sooner) = self.hold.as_ref().filter(sooner) {
            return Some(sooner.until).filter(|until| *until < slot.end);
        }
        self.hold = Some(Hold {
            until,
            kind: HoldKind::Backoff,
            diagnosis: diagnosis.clone(),
        });
        next
    }

    /// Holds turns that come by themselves after a refusal, and returns the end of the hold. After
    /// a refusal by hand, that is the end of the hold that there is, if any.
    fn wait_for_the_owner(
        &mut self,
        diagnosis: &Diagnosis,
        at: DateTime<Utc>,
        trigger: Trigger,
    ) -> Option<DateTime<Utc>> {
        if trigger == Trigger::Manual {
            let hold = self.hold.as_mut().filter(|hold| hold.holds_at(at))?;
            if hold.kind == HoldKind::Refusal {
                hold.diagnosis = diagnosis.clone();
            }
            return Some(hold.until);
        }
        let hours = FIRST_REFUSAL_H
            .checked_shl(self.refusals)
            .map_or(LONGEST_REFUSAL_H, |hours| {
                hours.clamp(FIRST_REFUSAL_H, LONGEST_REFUSAL_H)
            });
        self.refusals = self.refusals.saturating_add(1).min(16);
        let until = after(at, TimeDelta::hours(hours));
        self.hold = Some(Hold {
            until,
            kind: HoldKind::Refusal,
            diagnosis: diagnosis.clone(),
        });
        Some(until)
    }
}

/// The wait after a number of failed attempts: 3ⁿ⁻¹ minutes, times 0.8 to 1.2 as the jitter goes
/// from 0 to 1.
fn wait_after(attempts: u32, jitter: f64) -> TimeDelta {
    let seconds = 3_i64
        .saturating_pow(attempts.saturating_sub(1).min(10))
        .saturating_mul(FIRST_WAIT_S);
    // Far below the precision of either type.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let milliseconds = (seconds as f64 * (800.0 + 400.0 * jitter.clamp(0.0, 1.0))) as i64;
    TimeDelta::milliseconds(milliseconds)
}

/// A random number from 0 to 1; the middle if the host has no randomness.
pub(super) fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

/// Moves the times of an outcome to the clock of a turn that is made ahead of time: `at` is the
/// instant of the turn, `now` the clock's.
pub(super) fn on_the_clock_of(at: DateTime<Utc>, now: DateTime<Utc>, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry {
            at: earliest,
            diagnosis,
        } if at > now => Outcome::Retry {
            at: after(earliest, at.signed_duration_since(now)),
            diagnosis,
        },
        outcome => outcome,
    }
}

/// Completes the report of an attempt with its outcome and the instant of the next one, as
/// [`AccountState::apply_outcome`] has returned it.
pub(super) fn report_next_try<L: Ledger>(
    report: &mut Report,
    outcome: Outcome,
    next: Option<DateTime<Utc>>,
    slot: Option<&Slot>,
    ledger: &L,
) {
    report.outcome = match outcome {
        Outcome::Retry { at, diagnosis } => {
            let pause = matches!(diagnosis.reason, Reason::RateLimit | Reason::SpamFilter);
            // With the next slot, if not before.
            let next = next.or(slot.map(|slot| slot.end));
            report.retry_at = next.filter(|_| pause || ledger.is_kept());
            Outcome::Retry {
                at: next.unwrap_or(at),
                diagnosis,
            }
        }
        Outcome::Refused(diagnosis) => {
            report.retry_at = next.filter(|_| ledger.is_kept());
            Outcome::Refused(match report.retry_at {
                Some(until) => left_alone(ledger, diagnosis, until),
                None => diagnosis,
            })
        }
        outcome => outcome,
    };
}

/// The outcome of a turn that sends nothing before the end of a hold.
pub(super) fn held(ledger: &impl Ledger, hold: Hold) -> Outcome {
    let Hold {
        until, diagnosis, ..
    } = hold;
    if diagnosis.reason.is_for_the_owner() {
        Outcome::Refused(left_alone(ledger, diagnosis, until))
    } else {
        Outcome::Retry {
            at: until,
            diagnosis,
        }
    }
}

/// Adds to a refusal until when the network is left alone for it, and how the owner tries sooner.
fn left_alone(ledger: &impl Ledger, diagnosis: Diagnosis, until: DateTime<Utc>) -> Diagnosis {
    let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
    let remedy = format!(
        "{} It is not asked again before {until}; to ask now, {}.",
        diagnosis.remedy,
        ledger.ask_now()
    );
    Diagnosis::new(diagnosis.reason, diagnosis.message, remedy)
}

#[cfg(test)]
mod tests;
