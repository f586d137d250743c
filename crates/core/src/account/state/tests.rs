use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::testing::instant;

const SET: &str = "0123456789abcdef0123456789abcdef";

fn frame(frame: u16) -> FrameRef {
    FrameRef {
        set: SET.to_owned(),
        frame,
    }
}

fn diagnosis(reason: Reason) -> Diagnosis {
    Diagnosis::new(reason, "It did not work.", "Wait.")
}

fn retry(reason: Reason, seconds: i64) -> Outcome {
    Outcome::Retry {
        at: now() + TimeDelta::seconds(seconds),
        diagnosis: diagnosis(reason),
    }
}

fn refusal() -> Outcome {
    Outcome::Refused(diagnosis(Reason::Credentials))
}

fn now() -> DateTime<Utc> {
    instant("2026-11-22T02:00:00Z")
}

/// The slot from now to an hour later, after so many attempts.
fn slot(attempts: u32) -> Slot {
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

/// The wait after an attempt of the slot, in seconds.
#[track_caller]
fn wait_of(attempts: u32, jitter: f64, retry: &Outcome) -> Option<f64> {
    let mut account_state = AccountState::default();
    let slot = slot(attempts);
    let next = account_state.learn(retry, frame(11), now(), Some(&slot), Trigger::Cron, jitter);
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
        // Beyond the slot too.
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
        let next = account_state.learn(
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
    account_state.learn(
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
        account_state.learn(
            &outcome,
            frame(11),
            now(),
            Some(&slot(1)),
            Trigger::Cron,
            0.5,
        );
        assert!(account_state.hold.is_some());
        let next = account_state.learn(
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
        account_state.learn(
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
        account_state.learn(&transient, frame(5), now(), None, Trigger::Manual, 0.5),
        None
    );
    assert_eq!(account_state.hold, None);
    account_state.learn(
        &refusal(),
        frame(11),
        now(),
        Some(&slot(1)),
        Trigger::Cron,
        0.5,
    );
    let hold = account_state.hold.clone();
    account_state.learn(&transient, frame(5), now(), None, Trigger::Manual, 0.5);
    assert_eq!(account_state.hold, hold);
}

/// What to do at an instant, in the slot.
fn decide(
    account_state: &AccountState,
    at: DateTime<Utc>,
    trigger: Trigger,
    is_forced: bool,
) -> Decision {
    account_state.decide(&Question {
        at,
        frame: &frame(11),
        slot: Some(now()),
        trigger,
        is_forced,
    })
}

#[test]
fn at_first_everyone_sends() {
    let account_state = AccountState::default();
    for trigger in [Trigger::Cron, Trigger::Retry, Trigger::Manual] {
        assert_eq!(
            decide(&account_state, now(), trigger, false),
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
                assert_eq!(decide(&account_state, now(), trigger, is_forced), expected);
                assert_eq!(decide(&account_state, last, trigger, is_forced), expected);
                let after = decide(&account_state, hold.until, trigger, is_forced);
                assert_eq!(after, Decision::Send);
            }
        }
        // Another slot.
        let next = account_state.decide(&Question {
            at: now(),
            frame: &frame(0),
            slot: Some(now() + TimeDelta::hours(1)),
            trigger: Trigger::Cron,
            is_forced: false,
        });
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
            decide(&account_state, now(), trigger, false),
            Decision::Done
        );
    }
    let by_hand = decide(&account_state, now(), Trigger::Manual, false);
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
        let decision = decide(&account_state, now(), trigger, false);
        assert_eq!(decision, Decision::Unchanged);
    }
    let forced = decide(&account_state, now(), Trigger::Manual, true);
    assert_eq!(forced, Decision::Send);
    // The same number of another set is another frame.
    let elsewhere = AccountState {
        shown_frame: Some(FrameRef {
            set: "fedcba9876543210fedcba9876543210".to_owned(),
            frame: 11,
        }),
        ..AccountState::default()
    };
    let decision = decide(&elsewhere, now(), Trigger::Cron, false);
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
                    let decision = decide(&account_state, now(), trigger, is_forced);
                    assert_eq!(decision, Decision::Send, "{kind:?} {until}");
                }
            }
        }
    }
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
        account_state.learn(
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
                let next = account_state.learn(&by_hand, frame(11), at, slot, Trigger::Manual, 0.5);
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
    let next = account_state.learn(
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

#[test]
fn other_settings_end_what_held_the_ones_before() {
    let mut account_state = AccountState {
        shown_frame: Some(frame(11)),
        account: Some("alice".to_owned()),
        slot: Some(slot(3)),
        wake_at: Some(now()),
        stopped: Some(diagnosis(Reason::Credentials)),
        saved_session: Some(SavedSession("session".to_owned())),
        ..AccountState::default()
    };
    account_state.learn(
        &refusal(),
        frame(11),
        now(),
        Some(&slot(1)),
        Trigger::Cron,
        0.5,
    );
    // What was kept before fingerprints were says nothing of a change.
    let first = account_state.clone().with_settings("aaaaaaaa");
    assert_eq!(first.settings.as_deref(), Some("aaaaaaaa"));
    assert_eq!((&first.hold, first.refusals), (&account_state.hold, 1));
    assert_eq!(first.clone().with_settings("aaaaaaaa"), first);

    let changed = first.clone().with_settings("bbbbbbbb");
    let expected = AccountState {
        settings: Some("bbbbbbbb".to_owned()),
        stopped: first.stopped,
        saved_session: first.saved_session,
        // Where the alarm stands, until the next turn.
        wake_at: first.wake_at,
        ..AccountState::default()
    };
    assert_eq!(changed, expected);
}

#[test]
fn entering_a_slot_again_keeps_what_is_known_of_it() {
    let mut account_state = AccountState::default();
    account_state.enter(slot(0));
    account_state.slot.as_mut().unwrap().attempts = 3;
    let later = Slot {
        trigger: Trigger::Manual,
        scheduled_at: now() + TimeDelta::minutes(5),
        ..slot(0)
    };
    account_state.enter(later);
    assert_eq!(account_state.slot, Some(slot(3)));
    let next = Slot {
        start: now() + TimeDelta::hours(1),
        ..slot(0)
    };
    account_state.enter(next.clone());
    assert_eq!(account_state.slot, Some(next));
}

#[test]
fn what_is_news_is_told_once() {
    let mut account_state = AccountState::default();
    let spam = retry(Reason::SpamFilter, 60);
    let transient = retry(Reason::Transient, 60);
    let no_such_frame = Outcome::Refused(diagnosis(Reason::NoSuchFrame));
    let stopped = |reason| Some(News::Stopped(diagnosis(reason)));
    for (outcome, is_given_up, news) in [
        (&Outcome::Turned, false, None),
        (&transient, false, None),
        (&no_such_frame, false, None),
        (&transient, true, stopped(Reason::Transient)),
        (&transient, true, None),
        (&refusal(), false, None),
        (&Outcome::Unchanged, false, None),
        (&spam, false, None),
        (&Outcome::Turned, false, Some(News::WorksAgain)),
        (&Outcome::Turned, false, None),
        (&spam, false, stopped(Reason::SpamFilter)),
        (&Outcome::Turned, false, Some(News::WorksAgain)),
        (&refusal(), false, stopped(Reason::Credentials)),
        (&Outcome::Turned, false, Some(News::WorksAgain)),
    ] {
        assert_eq!(
            account_state.news(outcome, is_given_up),
            news,
            "{outcome:?}"
        );
    }
}

#[test]
fn why_it_has_stopped_is_what_was_said_last() {
    let mut account_state = AccountState::default();
    account_state.news(&refusal(), false);
    account_state.news(&Outcome::Refused(diagnosis(Reason::Account)), false);
    assert_eq!(account_state.stopped, Some(diagnosis(Reason::Account)));
}

#[test]
fn trouble_at_home_is_over_once_a_turn_finds_nothing_to_do() {
    for (reason, is_over) in [
        (Reason::Settings, true),
        (Reason::Host, true),
        (Reason::Credentials, false),
        (Reason::Transient, false),
    ] {
        let mut account_state = AccountState {
            stopped: Some(diagnosis(reason)),
            ..AccountState::default()
        };
        let news = account_state.news(&Outcome::Unchanged, false);
        assert_eq!(news, is_over.then_some(News::WorksAgain));
        assert_eq!(account_state.stopped.is_none(), is_over);
    }
}

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let ms = -2_000_000_000_000_i64..4_000_000_000_000;
    ms.prop_map(|ms| DateTime::from_timestamp_millis(ms).unwrap())
}

fn any_diagnosis() -> impl Strategy<Value = Diagnosis> {
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

fn any_trigger() -> impl Strategy<Value = Trigger> {
    proptest::sample::select(vec![Trigger::Cron, Trigger::Retry, Trigger::Manual])
}

fn any_slot() -> impl Strategy<Value = Slot> {
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

fn any_account_state() -> impl Strategy<Value = AccountState> {
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

// --- What another version has kept ---

/// Reads what is all understood.
#[track_caller]
fn whole(kept: &str) -> AccountState {
    let (account_state, is_whole) = AccountState::read(kept.as_bytes(), "It is kept elsewhere.");
    assert!(is_whole, "{:?}", account_state.unread);
    assert_eq!(account_state.unread, None);
    account_state
}

/// Reads what is not all understood: the rest, and what the owner is told.
#[track_caller]
fn partial(kept: &[u8]) -> (AccountState, String) {
    let (mut account_state, is_whole) = AccountState::read(kept, "It is kept elsewhere.");
    assert!(!is_whole);
    let unread = account_state.unread.take().expect("a note");
    assert_eq!(unread.told_at, None);
    (account_state, unread.diagnosis.in_words())
}

#[test]
fn what_earlier_versions_have_kept_is_understood_in_full() {
    let before_the_set = r#"{"showing":{"set":"a","frame":1},"slot":null,"hold":null,"refusals":0,"stopped":null,"wake_at":null,"memory":null}"#;
    let account_state = whole(before_the_set);
    assert_eq!(account_state.shown_frame.unwrap().frame, 1);
    assert_eq!(account_state.set, None);

    // The first version wrote instants as texts, and knew no wake and no memory.
    let first = r#"{"showing":null,"slot":{"start":"2026-11-22T02:00:00Z","end":"2026-11-22T03:00:00Z","trigger":"manual","scheduled_at":"2026-11-22T02:23:45.678Z","attempts":2,"is_turned":false},"hold":{"until":"2026-11-22T02:35:00Z","kind":"backoff","trouble":{"reason":"transient","message":"No.","remedy":"Wait."}},"refusals":3,"stopped":null}"#;
    let account_state = whole(first);
    let slot = account_state.slot.unwrap();
    assert_eq!(slot.start, now());
    assert_eq!(slot.scheduled_at, instant("2026-11-22T02:23:45.678Z"));
    assert_eq!((slot.trigger, slot.attempts), (Trigger::Manual, 2));
    let hold = account_state.hold.unwrap();
    assert_eq!(hold.until, instant("2026-11-22T02:35:00Z"));
    assert_eq!(hold.kind, HoldKind::Backoff);
    assert_eq!(account_state.refusals, 3);

    let today = r#"{"set":{"id":"a","frames":12},"showing":{"set":"a","frame":11},"slot":{"start":1795312800000,"end":1795316400000,"trigger":"cron","scheduled_at":1795314225000,"frame":11,"attempts":1,"by_hand":0,"is_turned":true,"record":3},"hold":null,"refusals":0,"stopped":{"reason":"access","message":"No.","remedy":"Ask."},"wake_at":1795316400000,"memory":"m"}"#;
    let account_state = whole(today);
    assert_eq!(account_state.slot.as_ref().unwrap().record, Some(3));
    let written = serde_json::to_value(&account_state).unwrap();
    let Value::Object(today) = serde_json::from_str(today).unwrap() else {
        panic!("no object");
    };
    for (name, value) in today {
        assert_eq!(written[&name], value, "{name}");
    }
}

#[test]
fn of_what_a_later_version_has_kept_all_is_taken_that_is_understood() {
    let later = r#"{"set":{"id":"a","frames":"12"},"showing":{"set":"a","frame":11,"network_id":"z"},"slot":[1,2],"hold":{"until":1795314900000,"kind":"quarantine","trouble":{"reason":"moderation","message":"Held.","remedy":"Wait.","link":"l"}},"refusals":{"by":"kind"},"stopped":"since yesterday","wake_at":"2026-11-22T03:00:00Z","memory":{"sealed":"x"},"lease":7,"none":null}"#;
    let (account_state, told) = partial(later.as_bytes());
    let hold = account_state.hold.clone().unwrap();
    assert_eq!(hold.until, instant("2026-11-22T02:35:00Z"));
    // Whom it holds is not known: everyone.
    assert_eq!(hold.kind, HoldKind::Pause);
    assert_eq!(hold.diagnosis.in_words(), "Held. Wait.");
    let expected = AccountState {
        shown_frame: Some(FrameRef {
            set: "a".to_owned(),
            frame: 11,
        }),
        hold: Some(hold),
        wake_at: Some(instant("2026-11-22T03:00:00Z")),
        ..AccountState::default()
    };
    assert_eq!(account_state, expected);
    for name in ["hold", "lease", "memory", "refusals", "set"] {
        assert!(told.contains(&format!("`{name}`")), "{name}: {told}");
    }
    assert!(told.contains("and more") && told.contains("It is kept elsewhere."));
    assert!(
        !told.contains("`wake_at`") && !told.contains("`none`"),
        "{told}"
    );
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
            let Decision::Wait(hold) = decide(&account_state, now(), trigger, true) else {
                panic!("{hold}");
            };
            assert_eq!(hold.until, instant("2026-11-22T02:35:00Z"));
            assert!(!hold.diagnosis.message.is_empty());
        }
    }
}

#[test]
fn what_is_no_standing_is_as_if_nothing_were_known_and_told() {
    for (kept, why) in [
        (b"".as_slice(), "It is no JSON object."),
        (b"null", "It is no JSON object."),
        (b"[1]", "It is no JSON object."),
        (b"\xff\xfe", "It is no JSON object."),
        (b"{\"refusals\":1", "It is no JSON object."),
        (b"{}", "It has no member that this version knows."),
        (b"{\"a\":1}", "It has no member that this version knows."),
    ] {
        let (account_state, told) = partial(kept);
        assert_eq!(account_state, AccountState::default());
        assert!(told.contains(why), "{told}");
        assert!(told.contains("It is kept elsewhere."), "{told}");
    }
    let long = format!(r#"{{"refusals":1,"{}\u001b":2}}"#, "\u{202e}x".repeat(99));
    let (_, told) = partial(long.as_bytes());
    assert!(told.len() < 500 && !told.contains('\u{202e}'), "{told}");
}

#[test]
fn the_owner_is_told_once_of_what_was_unread_and_can_see_it_for_a_day() {
    let mut account_state = AccountState::unread("Why.", "Where.");
    assert!(account_state.tell_unread(now()).is_some());
    let kept = serde_json::to_string(&account_state).unwrap();
    let mut account_state = whole_with_note(&kept);
    assert_eq!(
        account_state.tell_unread(now() + TimeDelta::hours(23)),
        None
    );
    assert!(account_state.unread.is_some());
    assert_eq!(
        account_state.tell_unread(now() + TimeDelta::hours(24)),
        None
    );
    assert_eq!(account_state.unread, None);
}

fn whole_with_note(kept: &str) -> AccountState {
    let (account_state, is_whole) = AccountState::read(kept.as_bytes(), "");
    assert!(is_whole && account_state.unread.is_some());
    account_state
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_one_member_is_the_others_are_understood(
        account_state in any_account_state(),
        other in any_json(),
        member in 0..10_usize,
    ) {
        let mut kept = serde_json::to_value(&account_state).unwrap();
        let names = ["set", "showing", "slot", "hold", "refusals", "stopped", "wake_at", "memory", "account", "new"];
        kept[names[member]] = other;
        let (read, _) = AccountState::read(kept.to_string().as_bytes(), "");
        let read = serde_json::to_value(&read).unwrap();
        for name in names.iter().filter(|name| **name != names[member]) {
            prop_assert_eq!(read.get(name), kept.get(name), "{}", name);
        }
    }
}

#[test]
fn a_slot_that_was_kept_before_tries_by_hand_counted_apart_is_understood() {
    let kept = r#"{"set":null,"showing":null,"slot":{"start":0,"end":3600000,"trigger":"cron","scheduled_at":0,"frame":1,"attempts":2,"is_turned":false,"record":7},"hold":null,"refusals":0,"stopped":null,"wake_at":null,"memory":null}"#;
    let account_state = whole(kept);
    let slot = account_state.slot.unwrap();
    assert_eq!((slot.attempts, slot.by_hand), (2, 0));
}

proptest! {
    #[test]
    fn what_is_known_is_the_same_after_it_was_kept(account_state in any_account_state()) {
        let text = serde_json::to_string(&account_state).unwrap();
        prop_assert_eq!(AccountState::read(text.as_bytes(), ""), (account_state, true));
    }

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
        let next = account_state.learn(&outcome, frame(1), at, slot.as_ref(), trigger, jitter);
        let held = account_state.hold.as_ref().map(|hold| hold.until);
        prop_assert!(next.is_none() || held == next);
    }
}
