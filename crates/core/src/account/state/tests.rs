use proptest::prelude::*;

use super::*;
use crate::account::testing::{any_account_state, diagnosis, frame, now, refusal, slot};
use crate::testing::instant;

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
    account_state.apply_outcome(
        &refusal(),
        frame(11),
        now(),
        Some(&slot(1)),
        Trigger::Cron,
        0.5,
    );
    // A state without a fingerprint says nothing of a change.
    let first = account_state.clone().with_settings("aaaaaaaa");
    assert_eq!(first.settings.as_deref(), Some("aaaaaaaa"));
    assert_eq!((&first.hold, first.refusals), (&account_state.hold, 1));
    assert_eq!(first.clone().with_settings("aaaaaaaa"), first);

    let changed = first.clone().with_settings("bbbbbbbb");
    let expected = AccountState {
        settings: Some("bbbbbbbb".to_owned()),
        stopped: first.stopped,
        saved_session: first.saved_session,
        // The alarm stays set until the next turn.
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

// --- What another version has stored ---

/// Reads a state that is all understood.
#[track_caller]
fn whole(kept: &str) -> AccountState {
    let (account_state, is_whole) = AccountState::read(kept.as_bytes(), "It is kept elsewhere.");
    assert!(is_whole, "{:?}", account_state.unread);
    assert_eq!(account_state.unread, None);
    account_state
}

/// Reads a state that is not all understood. Returns the rest, and what the owner is told.
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

    // The first version wrote instants as texts, and had neither `wake_at` nor `memory`.
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
    // Its kind is unknown, so it holds all turns.
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
fn what_is_no_standing_is_as_if_nothing_were_known_and_told() {
    for (kept, why) in [
        (b"".as_slice(), "It is not a JSON object."),
        (b"null", "It is not a JSON object."),
        (b"[1]", "It is not a JSON object."),
        (b"\xff\xfe", "It is not a JSON object."),
        (b"{\"refusals\":1", "It is not a JSON object."),
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

/// Any JSON value that is not nested too deeply.
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
}
