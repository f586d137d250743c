use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::account::testing::{
    any_account_state, any_diagnosis, any_instant, any_slot, any_trigger, diagnosis, frame, now,
    refusal, retry, slot,
};

/// The wait after an attempt of the slot, in seconds.
#[track_caller]
fn wait_of(attempts: u32, jitter: f64, retry: &Outcome) -> Option<f64> {
    let mut account_state = AccountState::default();
    let slot = slot(attempts);
    let next =
        account_state.apply_outcome(retry, frame(11), now(), Some(&slot), Trigger::Cron, jitter);
    let hold = account_state.hold.expect("a hold");
    assert_eq!(hold.until, next.unwrap_or(slot.end));
    next.map(|next| (next - now()).as_seconds_f64())
}

#[test]
fn waits_are_1_3_9_and_27_minutes_and_by_chance_a_fifth_more_or_less() {
    let transient = retry(Reason::Transient, 0);
    for (attempts, seconds) in [(1, 60.0), (2, 180.0), (3, 540.0), (4, 1620.0)] {
        for (jitter, share) in [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2), (-7.0, 0.8), (7.0, 1.2)] {
            assert_eq!(
                wait_of(attempts, jitter, &transient),
                Some(seconds * share),
                "{attempts} {jitter}"
            );
        }
    }
}

#[test]
fn after_the_last_attempt_there_is_no_other_before_the_slot_ends() {
    for attempts in [MAX_ATTEMPTS, MAX_ATTEMPTS + 1, 100, u32::MAX] {
        assert_eq!(wait_of(attempts, 0.5, &retry(Reason::Transient, 0)), None);
    }
}

#[test]
fn a_wait_that_ends_with_the_slot_or_after_it_is_none() {
    let transient = |seconds| retry(Reason::Transient, seconds);
    assert_eq!(wait_of(1, 0.5, &transient(3599)), Some(3599.0));
    assert_eq!(wait_of(1, 0.5, &transient(3600)), None);
    assert_eq!(wait_of(1, 0.5, &transient(80_000)), None);
}

#[test]
fn what_the_network_asks_for_is_waited_for_if_it_is_longer() {
    assert_eq!(wait_of(2, 0.5, &retry(Reason::Transient, 10)), Some(180.0));
    assert_eq!(wait_of(2, 0.5, &retry(Reason::Transient, 200)), Some(200.0));
}

#[test]
fn a_pause_lasts_as_long_as_the_network_says_and_longer_if_it_says_so_again() {
    for reason in [Reason::RateLimit, Reason::SpamFilter] {
        assert_eq!(wait_of(1, 0.5, &retry(reason, 2)), Some(2.0));
        // It may end after the slot.
        assert_eq!(wait_of(1, 0.5, &retry(reason, 80_000)), Some(80_000.0));
        assert_eq!(wait_of(9, 0.5, &retry(reason, 80_000)), Some(80_000.0));
        for (attempts, seconds) in [(2, 60.0), (3, 180.0), (5, 1620.0), (9, 1620.0)] {
            assert_eq!(wait_of(attempts, 0.5, &retry(reason, 2)), Some(seconds));
        }
    }
}

#[test]
fn refusals_are_followed_by_gaps_that_double_up_to_a_day() {
    let mut account_state = AccountState::default();
    let gap = |account_state: &mut AccountState| {
        let next = account_state.apply_outcome(
            &refusal(),
            frame(11),
            now(),
            Some(&slot(1)),
            Trigger::Cron,
            0.5,
        );
        assert_eq!(account_state.hold.as_ref().map(|hold| hold.until), next);
        (next.unwrap() - now()).num_hours()
    };
    let gaps: Vec<_> = (0..8).map(|_| gap(&mut account_state)).collect();
    assert_eq!(gaps, [1, 2, 4, 8, 16, 24, 24, 24]);
    for _ in 0..1000 {
        assert_eq!(gap(&mut account_state), 24);
    }
    account_state.apply_outcome(
        &Outcome::Turned,
        frame(11),
        now(),
        None,
        Trigger::Manual,
        0.5,
    );
    assert_eq!(gap(&mut account_state), 1);
}

#[test]
fn a_frame_that_is_taken_ends_every_hold() {
    for outcome in [
        retry(Reason::Transient, 60),
        retry(Reason::RateLimit, 60),
        retry(Reason::SpamFilter, 60),
        refusal(),
    ] {
        let mut account_state = AccountState::default();
        account_state.apply_outcome(
            &outcome,
            frame(11),
            now(),
            Some(&slot(1)),
            Trigger::Cron,
            0.5,
        );
        assert!(account_state.hold.is_some());
        let next = account_state.apply_outcome(
            &Outcome::Turned,
            frame(11),
            now(),
            Some(&slot(2)),
            Trigger::Cron,
            0.5,
        );
        assert_eq!(next, None);
        assert_eq!(account_state.hold, None);
        assert_eq!(account_state.refusals, 0);
        assert_eq!(account_state.shown_frame, Some(frame(11)));
    }
}

#[test]
fn what_shows_is_forgotten_where_the_frame_may_have_been_taken() {
    for (outcome, is_known) in [
        (retry(Reason::Transient, 60), false),
        (Outcome::Refused(diagnosis(Reason::UnexpectedReply)), false),
        (refusal(), true),
        (retry(Reason::RateLimit, 60), true),
        (retry(Reason::SpamFilter, 60), true),
        (Outcome::Unchanged, true),
    ] {
        let mut account_state = AccountState {
            shown_frame: Some(frame(10)),
            ..AccountState::default()
        };
        account_state.apply_outcome(
            &outcome,
            frame(11),
            now(),
            Some(&slot(1)),
            Trigger::Cron,
            0.5,
        );
        let expected = is_known.then(|| frame(10));
        assert_eq!(account_state.shown_frame, expected, "{outcome:?}");
    }
}

#[test]
fn a_frame_by_its_number_that_fails_changes_no_hold() {
    let mut account_state = AccountState::default();
    let transient = retry(Reason::Transient, 60);
    assert_eq!(
        account_state.apply_outcome(&transient, frame(5), now(), None, Trigger::Manual, 0.5),
        None
    );
    assert_eq!(account_state.hold, None);
    account_state.apply_outcome(
        &refusal(),
        frame(11),
        now(),
        Some(&slot(1)),
        Trigger::Cron,
        0.5,
    );
    let hold = account_state.hold.clone();
    account_state.apply_outcome(&transient, frame(5), now(), None, Trigger::Manual, 0.5);
    assert_eq!(account_state.hold, hold);
}

#[test]
fn no_network_has_itself_left_alone_for_longer_than_a_day() {
    for reason in [Reason::RateLimit, Reason::SpamFilter] {
        let days = retry(reason, 10 * 86_400);
        assert_eq!(wait_of(1, 0.5, &days), Some(86_400.0));
    }
}

#[test]
fn tries_by_hand_lengthen_no_wait() {
    for (outcome, expected) in [
        (retry(Reason::Transient, 60), TimeDelta::minutes(1)),
        (refusal(), TimeDelta::hours(1)),
    ] {
        let mut account_state = AccountState::default();
        let mut sent_for = slot(1);
        account_state.apply_outcome(
            &outcome,
            frame(11),
            now(),
            Some(&sent_for),
            Trigger::Cron,
            0.5,
        );
        let (hold, refusals) = (account_state.hold.clone(), account_state.refusals);
        assert_eq!(hold.as_ref().map(|hold| hold.until), Some(now() + expected));
        for seconds in [1, 2, 3, 40, 50, 59] {
            let at = now() + TimeDelta::seconds(seconds);
            for by_hand in [retry(Reason::Transient, 60 + seconds), refusal()] {
                sent_for.attempts += 1;
                sent_for.by_hand += 1;
                let slot = Some(&sent_for);
                let next = account_state.apply_outcome(
                    &by_hand,
                    frame(11),
                    at,
                    slot,
                    Trigger::Manual,
                    0.5,
                );
                assert!(next <= Some(now() + expected), "{next:?}");
            }
        }
        let until = |hold: Option<Hold>| hold.map(|hold| hold.until);
        assert!(
            until(account_state.hold.clone()) <= until(hold),
            "{account_state:?}"
        );
        assert_eq!(account_state.refusals, refusals);
    }
}

#[test]
fn a_refusal_by_hand_holds_nothing_that_was_not_held() {
    let mut account_state = AccountState::default();
    let next = account_state.apply_outcome(
        &refusal(),
        frame(11),
        now(),
        Some(&slot(1)),
        Trigger::Manual,
        0.5,
    );
    assert_eq!(
        (next, &account_state.hold, account_state.refusals),
        (None, &None, 0)
    );
}

proptest! {
    #[test]
    fn no_standing_makes_anything_that_is_learnt_or_asked_overflow(
        mut account_state in any_account_state(),
        slot in option::of(any_slot()),
        at in any_instant(),
        until in any_instant(),
        diagnosis in any_diagnosis(),
        jitter in any::<f64>(),
        is_refused in any::<bool>(),
        trigger in any_trigger(),
    ) {
        let outcome = if is_refused {
            Outcome::Refused(diagnosis)
        } else {
            Outcome::Retry { at: until, diagnosis }
        };
        let next = account_state.apply_outcome(&outcome, frame(1), at, slot.as_ref(), trigger, jitter);
        let held = account_state.hold.as_ref().map(|hold| hold.until);
        prop_assert!(next.is_none() || held == next);
    }
}
