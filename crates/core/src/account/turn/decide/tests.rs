use chrono::TimeDelta;

use super::*;
use crate::account::testing::{diagnosis, frame, now, slot};
use crate::outcome::Reason;
use crate::testing::instant;

/// The plan to show frame 11 in the slot from an instant to an hour later.
fn plan(start: DateTime<Utc>) -> Plan {
    Plan {
        frame: frame(11),
        frames: FrameCount::TWELVE,
        slot: Some(Slot {
            start,
            end: start + TimeDelta::hours(1),
            ..slot(0)
        }),
    }
}

/// The decision for a turn of the slot at an instant.
fn decide_at(state: &AccountState, at: DateTime<Utc>, trigger: Trigger, force: bool) -> Decision {
    let request = TurnRequest {
        force,
        ..TurnRequest::due_at(at, trigger)
    };
    decide(state, &plan(now()), &request)
}

#[test]
fn at_first_everyone_sends() {
    let account_state = AccountState::default();
    for trigger in [Trigger::Cron, Trigger::Retry, Trigger::Manual] {
        assert_eq!(
            decide_at(&account_state, now(), trigger, false),
            Decision::Send
        );
    }
}

#[test]
fn a_hold_holds_whom_it_is_for_and_until_its_end_only() {
    let all = [Trigger::Cron, Trigger::Retry, Trigger::Manual];
    for (kind, held) in [
        (HoldKind::Pause, &all[..]),
        (HoldKind::Refusal, &all[..2]),
        (HoldKind::Backoff, &all[..2]),
    ] {
        let hold = Hold {
            until: now() + TimeDelta::minutes(10),
            kind,
            diagnosis: diagnosis(Reason::Transient),
        };
        let account_state = AccountState {
            slot: Some(slot(1)),
            hold: Some(hold.clone()),
            ..AccountState::default()
        };
        let last = hold.until - TimeDelta::milliseconds(1);
        for trigger in all {
            for is_forced in [false, true] {
                let expected = if held.contains(&trigger) {
                    Decision::Wait(hold.clone())
                } else {
                    Decision::Send
                };
                assert_eq!(
                    decide_at(&account_state, now(), trigger, is_forced),
                    expected
                );
                assert_eq!(
                    decide_at(&account_state, last, trigger, is_forced),
                    expected
                );
                let after = decide_at(&account_state, hold.until, trigger, is_forced);
                assert_eq!(after, Decision::Send);
            }
        }
        // In the next slot.
        let next = decide(
            &account_state,
            &plan(now() + TimeDelta::hours(1)),
            &TurnRequest::due_at(now(), Trigger::Cron),
        );
        assert_eq!(next == Decision::Send, kind == HoldKind::Backoff);
    }
}

#[test]
fn a_slot_that_has_had_its_turn_is_done_for_all_but_a_person() {
    let turned = Slot {
        is_turned: true,
        ..slot(1)
    };
    let account_state = AccountState {
        slot: Some(turned),
        shown_frame: Some(frame(5)),
        ..AccountState::default()
    };
    assert!(account_state.has_turned(&slot(0)));
    for trigger in [Trigger::Cron, Trigger::Retry] {
        assert_eq!(
            decide_at(&account_state, now(), trigger, false),
            Decision::Done
        );
    }
    let by_hand = decide_at(&account_state, now(), Trigger::Manual, false);
    assert_eq!(by_hand, Decision::Send);
    let next = Slot {
        start: now() + TimeDelta::hours(1),
        ..slot(0)
    };
    assert!(!account_state.has_turned(&next));
}

#[test]
fn a_frame_that_shows_is_unchanged_unless_it_is_forced() {
    let account_state = AccountState {
        shown_frame: Some(frame(11)),
        ..AccountState::default()
    };
    for trigger in [Trigger::Cron, Trigger::Retry, Trigger::Manual] {
        let decision = decide_at(&account_state, now(), trigger, false);
        assert_eq!(decision, Decision::Unchanged);
    }
    let forced = decide_at(&account_state, now(), Trigger::Manual, true);
    assert_eq!(forced, Decision::Send);
    // The same number of another set is another frame.
    let elsewhere = AccountState {
        shown_frame: Some(FrameRef {
            set: "fedcba9876543210fedcba9876543210".to_owned(),
            frame: 11,
        }),
        ..AccountState::default()
    };
    let decision = decide_at(&elsewhere, now(), Trigger::Cron, false);
    assert_eq!(decision, Decision::Send);
}

#[test]
fn a_hold_that_reaches_further_than_its_kind_can_holds_nobody() {
    let all = [Trigger::Cron, Trigger::Retry, Trigger::Manual];
    for (kind, longest) in [
        (HoldKind::Pause, TimeDelta::days(1)),
        (HoldKind::Refusal, TimeDelta::days(1)),
        (HoldKind::Backoff, TimeDelta::days(7)),
    ] {
        let hold = |until| Hold {
            until,
            kind,
            diagnosis: diagnosis(Reason::RateLimit),
        };
        let ms = TimeDelta::milliseconds(1);
        assert!(hold(now() + longest).holds_at(now()));
        for until in [
            now() + longest + ms,
            instant("2041-01-01T00:00:00Z"),
            DateTime::<Utc>::MAX_UTC,
        ] {
            let account_state = AccountState {
                slot: Some(slot(1)),
                hold: Some(hold(until)),
                ..AccountState::default()
            };
            assert!(!hold(until).holds_at(now()));
            for trigger in all {
                for is_forced in [false, true] {
                    let decision = decide_at(&account_state, now(), trigger, is_forced);
                    assert_eq!(decision, Decision::Send, "{kind:?} {until}");
                }
            }
        }
    }
}

#[test]
fn a_hold_holds_though_nothing_else_of_it_is_understood() {
    for hold in [
        r#"{"until":1795314900000}"#,
        r#"{"until":1795314900000.0,"kind":7,"trouble":null}"#,
        r#"{"until":"2026-11-22T02:35:00Z","kind":"pause","trouble":{"reason":"rate-limit"}}"#,
    ] {
        let kept = format!(r#"{{"hold":{hold},"refusals":1}}"#);
        let (account_state, _) = AccountState::read(kept.as_bytes(), "");
        assert_eq!(account_state.refusals, 1);
        for trigger in [Trigger::Cron, Trigger::Manual] {
            let Decision::Wait(hold) = decide_at(&account_state, now(), trigger, true) else {
                panic!("{hold}");
            };
            assert_eq!(hold.until, instant("2026-11-22T02:35:00Z"));
            assert!(!hold.diagnosis.message.is_empty());
        }
    }
}
