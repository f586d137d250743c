//! States, outcomes and instants for the tests of this folder, and a network to sign in to.

pub(crate) mod sign_in;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::option;
use proptest::prelude::*;

use crate::account::journal::Trigger;
use crate::account::state::{AccountState, Hold, HoldKind, KnownSet, Slot};
use crate::frames::set::FrameRef;
use crate::network::SavedSession;
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::testing::instant;

pub(crate) const SET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn frame(frame: u16) -> FrameRef {
    FrameRef {
        set: SET.to_owned(),
        frame,
    }
}

pub(crate) fn diagnosis(reason: Reason) -> Diagnosis {
    Diagnosis::new(reason, "It did not work.", "Wait.")
}

pub(crate) fn retry(reason: Reason, seconds: i64) -> Outcome {
    Outcome::Retry {
        at: now() + TimeDelta::seconds(seconds),
        diagnosis: diagnosis(reason),
    }
}

pub(crate) fn refusal() -> Outcome {
    Outcome::Refused(diagnosis(Reason::Credentials))
}

pub(crate) fn now() -> DateTime<Utc> {
    instant("2026-11-22T02:00:00Z")
}

/// The slot from now to an hour later, after a number of attempts.
pub(crate) fn slot(attempts: u32) -> Slot {
    Slot {
        start: now(),
        end: now() + TimeDelta::hours(1),
        trigger: Trigger::Cron,
        scheduled_at: now(),
        attempts,
        by_hand: 0,
        frame: 11,
        is_turned: false,
        record: None,
    }
}

pub(crate) fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let ms = -2_000_000_000_000_i64..4_000_000_000_000;
    ms.prop_map(|ms| DateTime::from_timestamp_millis(ms).unwrap())
}

pub(crate) fn any_diagnosis() -> impl Strategy<Value = Diagnosis> {
    let reason = proptest::sample::select(vec![
        Reason::Settings,
        Reason::Frames,
        Reason::NoSuchFrame,
        Reason::Host,
        Reason::Credentials,
        Reason::ClockSkew,
        Reason::Access,
        Reason::Account,
        Reason::SpamFilter,
        Reason::RateLimit,
        Reason::Transient,
        Reason::Request,
        Reason::Blocked,
        Reason::UnexpectedReply,
    ]);
    (reason, any::<String>(), any::<String>())
        .prop_map(|(reason, message, remedy)| Diagnosis::new(reason, message, remedy))
}

pub(crate) fn any_trigger() -> impl Strategy<Value = Trigger> {
    proptest::sample::select(vec![Trigger::Cron, Trigger::Retry, Trigger::Manual])
}

pub(crate) fn any_slot() -> impl Strategy<Value = Slot> {
    (
        any_instant(),
        any_instant(),
        any_trigger(),
        any_instant(),
        any::<u16>(),
        any::<u32>(),
        any::<u32>(),
        any::<bool>(),
        option::of(any::<u32>()),
    )
        .prop_map(
            |(start, end, trigger, scheduled_at, frame, attempts, by_hand, is_turned, record)| {
                Slot {
                    start,
                    end,
                    trigger,
                    scheduled_at,
                    frame,
                    attempts,
                    by_hand,
                    is_turned,
                    record,
                }
            },
        )
}

pub(crate) fn any_account_state() -> impl Strategy<Value = AccountState> {
    let kind =
        proptest::sample::select(vec![HoldKind::Pause, HoldKind::Refusal, HoldKind::Backoff]);
    let hold = (any_instant(), kind, any_diagnosis()).prop_map(|(until, kind, diagnosis)| Hold {
        until,
        kind,
        diagnosis,
    });
    let set = (any::<String>(), any::<u16>()).prop_map(|(id, frames)| KnownSet { id, frames });
    let shown_frame =
        (any::<String>(), any::<u16>()).prop_map(|(set, frame)| FrameRef { set, frame });
    (
        option::of(set),
        option::of(shown_frame),
        option::of(any_slot()),
        option::of(hold),
        any::<u32>(),
        option::of(any_diagnosis()),
        option::of(any_instant()),
        option::of(any::<String>().prop_map(SavedSession)),
        option::of(any::<String>()),
        option::of(any::<String>()),
    )
        .prop_map(
            |(
                set,
                shown_frame,
                slot,
                hold,
                refusals,
                stopped,
                wake_at,
                saved_session,
                account,
                settings,
            )| {
                AccountState {
                    set,
                    shown_frame,
                    account,
                    slot,
                    hold,
                    refusals,
                    stopped,
                    wake_at,
                    saved_session,
                    settings,
                    ..AccountState::default()
                }
            },
        )
}
