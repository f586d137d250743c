//! Turns one after the other, with what the ledger knows in between.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::{USER, WEBHOOK, album};

/// An account that turns every hour, with a webhook for its owner.
struct Account {
    host: Host,
    settings: Settings,
}

/// An instant of the day on which these tests start; the clock in Japan is 9 h ahead.
fn utc(time: &str) -> DateTime<Utc> {
    instant(&format!("2026-11-22T{time}Z"))
}

impl Account {
    /// It is 11 o'clock in Japan, and nothing has been sent yet.
    fn new() -> Self {
        let mut account = Self {
            host: Host::new(),
            settings: settings_with_webhook(),
        };
        account.at("02:00:00");
        account
    }

    fn at(&mut self, time: &str) -> &mut Self {
        self.host.now = utc(time);
        self
    }

    /// Has X answer with this status and this error code.
    fn x_says(&mut self, status: u16, code: u32) -> &mut Self {
        let body = json!({ "errors": [{ "code": code, "message": "No." }] });
        self.host.reply = Ok(reply(status, &[], body.to_string()));
        self
    }

    fn x_fails(&mut self) -> &mut Self {
        self.host.reply = Err(SendError::Timeout);
        self
    }

    fn x_works(&mut self) -> &mut Self {
        self.host.reply = Ok(reply(200, &[], USER));
        self
    }

    fn make(&self, turn_request: &TurnRequest) -> Report {
        turn_by(&self.settings, &self.host, turn_request)
    }

    fn cron(&self) -> Report {
        self.make(&TurnRequest::due_at(self.host.now, Trigger::Cron))
    }

    fn by_hand(&self) -> Report {
        self.make(&TurnRequest::due_at(self.host.now, Trigger::Manual))
    }

    fn forced(&self) -> Report {
        self.make(&TurnRequest {
            force: true,
            ..TurnRequest::due_at(self.host.now, Trigger::Manual)
        })
    }

    fn to_frame(&self, n: u16) -> Report {
        self.make(&TurnRequest {
            frame: Some(n),
            ..TurnRequest::due_at(self.host.now, Trigger::Manual)
        })
    }

    /// Lets the time pass until the ledger wakes the next turn, and makes it.
    fn wake(&mut self) -> Report {
        let at = self.host.ledger.wake_at.take().expect("a time to wake at");
        assert!(at > self.host.now, "{at} is over");
        self.host.now = at;
        self.wake_now()
    }

    fn wake_now(&self) -> Report {
        let report = only(block_on(on_wake(
            &self.settings,
            &self.host,
            &self.host.ledger,
        )));
        let entry = self.host.take_only_entry();
        assert_eq!(entry["outcome"], report.outcome.name());
        report
    }

    fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.host.ledger.wake_at.get()
    }

    fn account_state(&self) -> AccountState {
        block_on(self.host.ledger.account_state("x")).unwrap()
    }

    /// Takes the numbers of the frames that were sent.
    fn sent(&self) -> Vec<u16> {
        let sent = self.host.take_sent();
        // A dry run asks whose account it is.
        let frames = sent.iter().filter(|sent| sent.method() == "POST");
        let frames = frames.map(frame_in);
        frames
            .map(|frame| u16::from_be_bytes([frame[7], frame[8]]))
            .collect()
    }

    /// The journal, oldest first: time of day, frame, outcome and attempts.
    fn journal(&self) -> Vec<String> {
        let entries = self.host.ledger.entries();
        let lines = entries.iter().map(|entry| {
            let Value::String(at) = &entry["scheduled_at"] else {
                panic!("{entry}");
            };
            let outcome = entry["outcome"].as_str().unwrap();
            let trigger = entry["trigger"].as_str().unwrap();
            let (frame, attempts) = (&entry["frame"], &entry["attempts"]);
            let time = at.get(11..16).unwrap();
            format!("{time} {trigger} {frame} {outcome} {attempts}")
        });
        lines.collect()
    }
}

/// Whether a number of minutes lies between the two, give or take a fifth.
fn is_about(minutes: i32, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> bool {
    let seconds = (to.unwrap() - from).as_seconds_f64();
    let share = seconds / f64::from(minutes) / 60.0;
    (0.8..=1.2).contains(&share)
}

fn reason(report: &Report) -> Reason {
    report.outcome.diagnosis().expect("trouble").reason
}

const NONE: [u16; 0] = [];

// --- What is read for a turn ---

#[test]
fn a_frame_is_read_together_with_the_set_once_the_set_is_known() {
    let mut account = Account::new();
    account.cron();
    let frame = BTreeSet::from([frame_set().frame_key(11)]);
    assert_eq!(account.host.take_reads(), [keys([]), frame]);
    account.at("03:00:00").cron();
    assert_eq!(account.host.take_reads(), [keys([0])]);
    account.to_frame(7);
    assert_eq!(account.host.take_reads(), [keys([7])]);
    account.make(&TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(account.host.now, Trigger::Manual)
    });
    assert_eq!(account.host.take_reads(), [keys([0])]);
    assert_eq!(account.sent(), [11, 0, 7]);
}

#[test]
fn only_the_set_is_read_where_nothing_is_to_be_sent() {
    let mut account = Account::new();
    account.cron();
    account.host.take_reads();
    // The slot has had its turn.
    account.cron();
    assert_eq!(account.host.take_reads(), [keys([])]);
    // X already shows it.
    account.by_hand();
    assert_eq!(account.host.take_reads(), [keys([])]);
    account.at("03:00:00").x_says(429, 88).cron();
    assert_eq!(account.host.take_reads(), [keys([0])]);
    // X has asked for a pause.
    account.cron();
    assert_eq!(account.host.take_reads(), [keys([])]);
}

#[test]
fn a_set_that_has_become_current_is_not_taken_for_the_one_before() {
    let mut account = Account::new();
    account.cron();
    account.host.take_reads();
    let other = account.host.publish_another(0, 300);
    account.at("03:00:00").cron();
    let frame = BTreeSet::from([other.frame_key(0)]);
    assert_eq!(account.host.take_reads(), [keys([0]), frame]);
    assert_eq!(account.sent(), [11, 300]);
    account.host.store(&other.frame_key(1), frame_bytes(301));
    account.at("04:00:00").cron();
    assert_eq!(account.host.take_reads().len(), 1);
    assert_eq!(account.sent(), [301]);
}

#[test]
fn what_is_read_together_with_the_set_is_read_once() {
    type Fault = fn(&mut Host, &str);
    let faults: [(Fault, Reason); 2] = [
        (Host::fail_to_read, Reason::Host),
        (Host::remove, Reason::Frames),
    ];
    for (fault, why) in faults {
        let mut account = Account::new();
        account.cron();
        account.host.take_reads();
        fault(&mut account.host, &frame_set().frame_key(0));
        let report = account.at("03:00:00").cron();
        assert_eq!(reason(&report), why);
        assert_eq!(account.host.take_reads(), [keys([0])]);
    }
}

#[test]
fn a_frame_of_the_set_before_is_not_waited_for() {
    let faults: [fn(&mut Host, &str); 2] = [Host::fail_to_read, Host::hang_on_reading];
    for fault in faults {
        let mut account = Account::new();
        account.cron();
        fault(&mut account.host, &frame_set().frame_key(0));
        account.host.publish_another(0, 300);
        account.at("03:00:00").cron();
        assert_eq!(account.sent(), [11, 300]);
    }
}

#[test]
fn a_set_that_another_version_has_kept_does_no_harm() {
    for (id, frames) in [
        ("", 12),
        ("\u{0}../current", 12),
        (frame_set().id(), 0),
        (frame_set().id(), 7),
        ("a", u16::MAX),
    ] {
        let mut account = Account::new();
        account.cron();
        let mut account_state = account.account_state();
        let id = id.to_owned();
        account_state.set = Some(KnownSet { id, frames });
        block_on(account.host.ledger.keep("x", &account_state, None)).unwrap();
        account.at("08:00:00").cron();
        assert_eq!(account.sent(), [11, 5]);
    }
}

// --- Failures that pass ---

#[test]
fn what_fails_for_the_moment_is_tried_again_after_1_3_9_and_27_minutes_and_then_given_up() {
    for status in [None, Some(500), Some(502), Some(503)] {
        let mut account = Account::new();
        match status {
            None => account.x_fails(),
            Some(status) => account.x_says(status, 131),
        };
        let mut report = account.cron();
        for (attempts, minutes) in [(1, 1), (2, 3), (3, 9), (4, 27)] {
            assert_eq!(report.outcome.name(), "retry");
            assert_eq!(reason(&report), Reason::Transient);
            assert_eq!(report.attempts, attempts);
            let now = account.host.now;
            assert!(is_about(minutes, now, report.retry_at), "{report:?}");
            assert_eq!(account.wake_at(), report.retry_at);
            report = account.wake();
        }
        assert_eq!(report.attempts, 5);
        // With the next slot.
        assert_eq!(report.retry_at, Some(utc("03:00:00")));
        assert_eq!(account.wake_at(), Some(utc("03:00:00")));
        assert_eq!(account.journal(), ["02:00 cron 11 retry 5"]);
        assert_eq!(account.sent(), [11; 5]);
    }
}

#[test]
fn the_waits_differ_from_one_account_to_the_next() {
    let waits: BTreeSet<_> = (0..20)
        .map(|_| {
            let mut account = Account::new();
            account.x_fails().cron();
            account.wake();
            account.wake_at().unwrap() - account.host.now
        })
        .collect();
    assert!(waits.len() > 10, "{waits:?}");
}

#[test]
fn another_attempt_is_made_even_if_nothing_can_be_saved() {
    let mut account = Account::new();
    account.host.ledger.is_read_only.set(true);
    account.x_fails().cron();
    let wait = account.wake_at().unwrap() - account.host.now;
    assert!(
        wait > TimeDelta::zero() && wait < TimeDelta::minutes(2),
        "{wait}"
    );
}

#[test]
fn every_attempt_is_signed_anew() {
    let mut account = Account::new();
    account.x_fails().cron();
    for _ in 0..4 {
        account.wake();
    }
    let sent = account.host.take_sent();
    let parts = sent.iter().flat_map(|request| {
        let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
        authorization.split(", ")
    });
    let fresh: BTreeSet<&str> = parts
        .filter(|part| part.contains("oauth_nonce=") || part.contains("oauth_timestamp="))
        .collect();
    assert_eq!(fresh.len(), 10);
}

#[test]
fn a_second_attempt_that_works_is_the_slot_s_turn() {
    let mut account = Account::new();
    account.x_fails().cron();
    let report = account.x_works().wake();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(report.attempts, 2);
    assert_eq!(report.retry_at, None);
    assert_eq!(account.wake_at(), None);
    assert_eq!(account.journal(), ["02:00 cron 11 turned 2"]);
    let entry = &account.host.ledger.entries()[0];
    assert_eq!(
        entry["sent_at"],
        json!(account.host.now),
        "of the last attempt"
    );
    assert_eq!(account.sent(), [11; 2]);
}

#[test]
fn a_slot_that_is_given_up_is_left_alone_and_the_next_one_starts_anew() {
    let mut account = Account::new();
    account.x_fails().cron();
    for _ in 0..4 {
        account.wake();
    }
    assert_eq!(account.sent().len(), 5);
    account.at("02:59:59");
    account.cron();
    account.wake_now();
    assert_eq!(account.sent(), NONE);
    assert_eq!(account.journal(), ["02:00 cron 11 retry 5"]);

    let report = account.wake();
    assert_eq!(account.host.now, utc("03:00:00"));
    assert_eq!((report.frame, report.attempts), (Some(0), 1));
    assert!(is_about(1, utc("03:00:00"), report.retry_at), "{report:?}");
    assert_eq!(account.sent(), [0]);
    assert_eq!(
        account.journal(),
        ["02:00 cron 11 retry 5", "03:00 retry 0 retry 1"]
    );
}

#[test]
fn nothing_is_tried_again_past_the_end_of_its_slot() {
    let mut account = Account::new();
    account.at("02:58:30").x_fails().cron();
    assert!(is_about(1, account.host.now, account.wake_at()));
    let report = account.wake();
    assert_eq!(report.attempts, 2);
    assert_eq!(report.retry_at, Some(utc("03:00:00")));
    assert_eq!(account.sent(), [11; 2]);
}

#[test]
fn x_may_ask_for_a_longer_wait() {
    let mut account = Account::new();
    account.host.reply = Ok(reply(503, &[("retry-after", "600")], ""));
    let report = account.cron();
    assert_eq!(report.retry_at, Some(utc("02:10:00")));
    assert_eq!(account.wake_at(), Some(utc("02:10:00")));
}

#[test]
fn the_ledger_wakes_when_the_report_says_however_long_the_reply_took() {
    let mut account = Account::new();
    account.host.reply_time = TimeDelta::seconds(20);
    let report = account.x_fails().cron();
    assert_eq!(account.wake_at(), report.retry_at);
    // A minute after the reply at the earliest.
    assert!(report.retry_at >= Some(utc("02:01:20")), "{report:?}");
}

#[test]
fn a_cron_in_between_sends_nothing_and_keeps_the_time_of_the_next_try() {
    let mut account = Account::new();
    let first = account.x_fails().cron();
    let journal = account.host.ledger.entries();
    let report = account.x_works().at("02:00:30").cron();
    assert_eq!(report.outcome.name(), "retry");
    assert_eq!((report.retry_at, report.attempts), (first.retry_at, 1));
    assert_eq!(account.wake_at(), first.retry_at);
    assert_eq!(account.host.ledger.entries(), journal);
    assert_eq!(account.sent(), [11]);
}

#[test]
fn a_turn_by_hand_tries_at_once() {
    let mut account = Account::new();
    let first = account.x_fails().cron();
    let report = account.at("02:00:10").by_hand();
    assert_eq!(report.attempts, 2);
    // The attempt that comes by itself is not delayed.
    assert!(account.wake_at() <= first.retry_at, "{report:?}");
    assert_eq!(report.retry_at, account.wake_at());
    let report = account.x_works().at("02:00:20").by_hand();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 3));
    assert_eq!(account.wake_at(), None);
    assert_eq!(account.sent(), [11; 3]);
    // The only entry of the slot says what asked for its first turn.
    assert_eq!(account.journal(), ["02:00 cron 11 turned 3"]);
}

#[test]
fn a_turn_by_hand_tries_even_what_was_given_up() {
    let mut account = Account::new();
    account.x_fails().cron();
    for _ in 0..4 {
        account.wake();
    }
    let report = account.by_hand();
    assert_eq!(report.attempts, 6);
    assert_eq!(report.retry_at, Some(utc("03:00:00")));
    assert_eq!(account.sent().len(), 6);
}

#[test]
fn who_wakes_after_the_slot_sends_the_frame_of_the_present() {
    let mut account = Account::new();
    account.x_fails().cron();
    let report = account.x_works().at("05:07:00").wake_now();
    assert_eq!(report.frame, Some(2));
    assert_eq!(account.sent(), [11, 2]);
    assert_eq!(
        account.journal(),
        ["02:00 cron 11 retry 1", "05:07 retry 2 turned 1"]
    );
}

#[test]
fn who_wakes_within_the_slot_sends_the_slot_s_frame() {
    let mut account = Account::new();
    account.x_fails().cron();
    let report = account.x_works().at("02:59:59").wake_now();
    assert_eq!((report.frame, report.attempts), (Some(11), 2));
    assert_eq!(account.sent(), [11, 11]);
}

#[test]
fn what_the_network_shows_is_not_known_after_a_reply_that_did_not_come() {
    let mut account = Account::new();
    account.host.publish(&album("day and night", 2));
    // 11 o'clock: the second of two frames in twelve hours.
    assert_eq!(account.cron().frame, Some(1));
    // X shows the first now, but the state does not say so.
    account.at("03:00:00").x_fails().cron();
    assert_eq!(account.account_state().shown_frame, None);
    let report = account.x_works().at("09:00:00").cron();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(account.sent(), [1, 0, 1]);
}

// --- Pauses that X asks for ---

#[test]
fn nothing_is_sent_before_a_rate_limit_resets_whoever_asks_for_it() {
    let reset = ("x-rate-limit-reset", "1795314900");
    for (status, body) in [
        (429, ""),
        (420, ""),
        (429, r#"{"errors":[{"code":88}]}"#),
        (403, r#"{"errors":[{"code":88}]}"#),
    ] {
        let mut account = Account::new();
        account.host.reply = Ok(reply(status, &[reset], body));
        let report = account.cron();
        assert_eq!(account.sent(), [11]);
        let until = Some(utc("02:35:00"));
        assert_eq!(report.retry_at, until);
        assert_eq!(account.wake_at(), until);

        account.x_works();
        for time in ["02:00:00", "02:10:00", "02:34:59.999"] {
            account.at(time);
            for report in [
                account.cron(),
                account.by_hand(),
                account.forced(),
                account.to_frame(3),
                account.wake_now(),
            ] {
                assert_eq!(report.outcome.name(), "retry");
                assert_eq!(reason(&report), Reason::RateLimit);
                assert_eq!(report.retry_at, until);
                assert_eq!(account.wake_at(), until);
            }
        }
        assert_eq!(account.sent(), NONE);

        let report = account.wake();
        assert_eq!(report.outcome, Outcome::Turned);
        assert_eq!(account.host.now, utc("02:35:00"));
        assert_eq!(account.sent(), [11]);
        assert_eq!(account.journal()[0], "02:00 cron 11 turned 2");
    }
}

#[test]
fn a_pause_over_several_slots_ends_with_the_frame_of_its_end() {
    let mut account = Account::new();
    // 04:10.
    account.host.reply = Ok(reply(429, &[("x-rate-limit-reset", "1795320600")], ""));
    account.cron();
    account.x_works();
    for time in ["03:00:00", "03:00:01", "04:00:00"] {
        let report = account.at(time).cron();
        assert_eq!((report.outcome.name(), report.attempts), ("retry", 0));
    }
    account.wake();
    assert_eq!(account.host.now, utc("04:10:00"));
    assert_eq!(account.sent(), [11, 1]);
    assert_eq!(
        account.journal(),
        [
            "02:00 cron 11 retry 1",
            "03:00 cron 0 retry 0",
            "04:00 cron 1 turned 1",
        ]
    );
}

#[test]
fn a_rate_limit_without_a_reset_lasts_a_quarter_of_an_hour() {
    let mut account = Account::new();
    let report = account.x_says(429, 88).cron();
    assert_eq!(report.retry_at, Some(utc("02:15:00")));
    account.at("02:14:59").forced();
    assert_eq!(account.sent(), [11]);
    account.x_works().wake();
    assert_eq!(account.sent(), [11]);
}

#[test]
fn resets_that_promise_too_much_are_waited_for_longer_and_longer() {
    let mut account = Account::new();
    let mut waits = Vec::new();
    account.cron();
    account.at("03:00:00");
    loop {
        let now = account.wake_at().filter(|_| !waits.is_empty());
        let now = now.unwrap_or(account.host.now);
        // Rounded up.
        let reset = (now.timestamp() + 2).to_string();
        account.host.reply = Ok(reply(429, &[("x-rate-limit-reset", &reset)], ""));
        if waits.is_empty() {
            account.cron();
        } else {
            account.wake();
        }
        let now = account.host.now;
        if now > utc("04:00:00") {
            break;
        }
        let wait = account.wake_at().unwrap() - now;
        waits.push(wait.as_seconds_f64() / 60.0);
    }
    let expected = [2.0 / 60.0, 1.0, 3.0, 9.0, 27.0, 27.0];
    for (wait, expected) in waits.iter().zip(expected) {
        assert!((0.5..=1.21).contains(&(wait / expected)), "{waits:?}");
    }
    assert!((6..=7).contains(&waits.len()), "{waits:?}");
}

#[test]
fn what_x_takes_for_spam_is_followed_by_a_day_of_rest() {
    let mut account = Account::new();
    let report = account.x_says(403, 226).cron();
    let until = Some(instant("2026-11-23T02:00:00Z"));
    assert_eq!(report.outcome.name(), "retry");
    assert_eq!(reason(&report), Reason::SpamFilter);
    assert_eq!(report.retry_at, until);
    assert_eq!(account.sent(), [11]);
    account.x_works();
    for hour in 0..24 {
        account.host.now = utc("02:59:59") + TimeDelta::hours(hour) - TimeDelta::minutes(60);
        if hour > 0 {
            account.cron();
            account.by_hand();
            account.forced();
            account.to_frame(7);
            assert_eq!(account.wake_at(), until);
        }
    }
    assert_eq!(account.sent(), NONE);
    let report = account.wake();
    assert_eq!(Some(account.host.now), until);
    assert_eq!(report.frame, Some(11));
    assert_eq!(account.sent(), [11]);
}

// --- Refusals ---

#[test]
fn a_refusal_is_followed_by_longer_and_longer_gaps_up_to_a_day() {
    for (status, body, why) in [
        (401, r#"{"errors":[{"code":32}]}"#, Reason::Credentials),
        (401, r#"{"errors":[{"code":135}]}"#, Reason::ClockSkew),
        (403, r#"{"errors":[{"code":261}]}"#, Reason::Access),
        (403, r#"{"errors":[{"code":326}]}"#, Reason::Account),
        (403, r#"{"errors":[{"code":38}]}"#, Reason::Request),
        (403, "<html>", Reason::Blocked),
        (200, "<html>", Reason::UnexpectedReply),
        (404, "", Reason::UnexpectedReply),
    ] {
        let mut account = Account::new();
        account.host.reply = Ok(reply(status, &[], body));
        let mut report = account.cron();
        for hours in [1, 2, 4, 8, 16, 24, 24, 24] {
            assert_eq!(refused(&report).reason, why);
            assert_eq!(account.sent().len(), 1);
            let until = account.host.now + TimeDelta::hours(hours);
            assert_eq!(report.retry_at, Some(until));
            assert_eq!(account.wake_at(), Some(until));

            // Turns of the schedule in between send nothing.
            for hour in 1..hours {
                account.host.now = until - TimeDelta::hours(hour);
                let report = account.cron();
                assert_eq!(refused(&report).reason, why);
                assert_eq!((report.retry_at, report.attempts), (Some(until), 0));
            }
            assert_eq!(account.sent(), NONE);
            report = account.wake();
        }
    }
}

#[test]
fn after_a_refusal_a_turn_by_hand_tries_at_once() {
    let mut account = Account::new();
    account.x_says(401, 32).cron();
    let report = account.at("02:05:00").by_hand();
    assert_eq!(refused(&report).reason, Reason::Credentials);
    // The attempt that comes by itself comes when it would have.
    assert_eq!(report.retry_at, Some(utc("03:00:00")));
    assert_eq!(account.wake_at(), Some(utc("03:00:00")));
    assert_eq!(account.sent(), [11; 2]);

    let report = account.x_works().at("02:06:00").by_hand();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(account.wake_at(), None);
    assert_eq!(account.sent(), [11]);
    assert_eq!(account.journal(), ["02:00 cron 11 turned 3"]);
}

#[test]
fn once_it_works_again_the_gaps_begin_anew_and_the_schedule_counts() {
    let mut account = Account::new();
    account.x_says(401, 32).cron();
    account.wake();
    account.wake();
    account.x_works().by_hand();
    // 05:00 was the last one.
    let report = account.at("06:00:00").cron();
    assert_eq!(report.outcome, Outcome::Turned);
    let report = account.x_says(401, 32).at("07:00:00").cron();
    assert_eq!(report.retry_at, Some(utc("08:00:00")));
}

#[test]
fn however_often_it_is_tried_by_hand_what_comes_by_itself_comes_in_time() {
    let mut account = Account::new();
    // Without a hold, four attempts by hand start none.
    account.x_says(401, 32).at("02:10:00");
    for _ in 0..4 {
        let report = account.by_hand();
        assert_eq!((report.outcome.name(), report.retry_at), ("refused", None));
        assert_eq!(account.wake_at(), None);
    }
    assert_eq!(account.sent().len(), 4);
    let report = account.x_works().at("02:20:00").cron();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 5));
    account.sent();

    // Four failures that pass do not use up the attempts that come by themselves either.
    let mut account = Account::new();
    account.x_fails().cron();
    for seconds in 1..5 {
        account.host.now = utc("02:00:00") + TimeDelta::seconds(seconds);
        account.by_hand();
    }
    for _ in 0..4 {
        assert_eq!(account.wake().outcome.name(), "retry");
        assert!(account.host.now < utc("03:00:00"));
    }
    assert_eq!(account.sent().len(), 9);
    assert_eq!(account.journal(), ["02:00 cron 11 retry 9"]);
}

#[test]
fn settings_that_are_put_right_are_tried_with_the_next_turn() {
    for (status, code) in [(401, 32), (403, 226), (429, 88), (503, 131)] {
        let mut account = Account::new();
        account.x_says(status, code).cron();
        assert_eq!(account.sent(), [11]);
        account.x_works().at("02:00:10").cron();
        assert_eq!(account.sent(), NONE);
        let webhook = ("ALERT_WEBHOOK_URL", WEBHOOK);
        account.settings = settings_with(&[(ACCESS_TOKEN, "another"), webhook]);
        let report = account.at("02:00:20").cron();
        assert_eq!(report.outcome, Outcome::Turned, "{status} {code}");
        assert_eq!(account.sent(), [11]);
        assert_eq!(account.wake_at(), None);
        assert_eq!(account.account_state().refusals, 0);
        // Once.
        account.at("02:00:30").cron();
        assert_eq!(account.sent(), NONE);
    }
}

#[test]
fn another_account_is_not_believed_to_show_what_the_one_before_did() {
    let mut account = Account::new();
    account.cron();
    account.settings = settings_with(&[(ACCESS_TOKEN, "another")]);
    assert_eq!(account.at("02:10:00").cron().outcome, Outcome::Turned);
    assert_eq!(account.sent(), [11, 11]);
    // Settings that are not the network's do not matter.
    account.settings = settings_with(&[(ACCESS_TOKEN, "another"), ("TRIGGER_TOKEN", "t")]);
    assert_eq!(account.at("02:11:00").cron().outcome, Outcome::Unchanged);
    assert_eq!(account.sent(), NONE);
}

#[test]
fn who_is_left_alone_is_told_until_when_and_how_to_ask_now() {
    let mut account = Account::new();
    let first = account.x_says(401, 32).cron();
    let held = account.at("02:10:00").cron();
    for report in [&first, &held] {
        let diagnosis = refused(report);
        let end = " It is not asked again before 2026-11-22T03:00:00Z; to ask now, knock.";
        assert!(diagnosis.remedy.ends_with(end), "{diagnosis:?}");
        assert_eq!(diagnosis.remedy.matches("to ask now").count(), 1);
    }
    assert!(!first.is_held && held.is_held);
    // A turn by hand may come at any time.
    assert!(!refused(&account.by_hand()).remedy.is_empty());
    // A pause holds turns by hand too.
    let mut account = Account::new();
    account.x_says(429, 88).cron();
    let held = account.at("02:10:00").cron();
    assert!(held.is_held && !held.outcome.diagnosis().unwrap().remedy.contains("knock"));
}

#[test]
fn a_hold_from_a_clock_that_was_years_ahead_holds_nobody() {
    for (status, code) in [(401, 32), (403, 226), (429, 88), (503, 131)] {
        let mut account = Account::new();
        account.host.now = instant("2041-06-01T10:00:00Z");
        account.x_says(status, code).cron();
        assert!(account.account_state().hold.is_some());
        account.sent();
        account.x_works().at("02:10:00");
        for report in [account.cron(), account.forced(), account.to_frame(3)] {
            assert_eq!(report.outcome, Outcome::Turned, "{status} {code}");
        }
        assert_eq!(account.sent(), [11, 11, 3]);
        assert_eq!(account.wake_at(), None);
        account.at("03:00:00").cron();
        assert_eq!(account.sent(), [0]);
    }
}

// --- Once a slot ---

#[test]
fn a_slot_has_one_turn_however_often_the_cron_comes() {
    let mut account = Account::new();
    let report = account.cron();
    assert_eq!(report.outcome, Outcome::Turned);
    for time in ["02:00:00", "02:00:01", "02:59:59.999"] {
        account.at(time);
        for report in [account.cron(), account.wake_now()] {
            assert_eq!(report.outcome, Outcome::Unchanged);
            assert_eq!((report.frame, report.attempts), (Some(11), 1));
        }
    }
    assert_eq!(account.sent(), [11]);
    assert_eq!(account.journal(), ["02:00 cron 11 turned 1"]);
    account.at("03:00:00").cron();
    assert_eq!(account.sent(), [0]);
}

#[test]
fn a_turn_by_hand_is_the_slot_s_turn_too() {
    let mut account = Account::new();
    account.by_hand();
    let report = account.at("02:00:01").cron();
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(account.sent(), [11]);
    assert_eq!(account.journal(), ["02:00 manual 11 turned 1"]);
}

#[test]
fn a_frame_that_shows_is_sent_again_by_force_only() {
    let account = Account::new();
    account.cron();
    let report = account.by_hand();
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(account.to_frame(11).outcome, Outcome::Unchanged);
    assert_eq!(account.sent(), [11]);
    assert_eq!(account.journal(), ["02:00 cron 11 turned 1"]);
    let report = account.forced();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(account.sent(), [11]);
    assert_eq!(
        account.journal(),
        ["02:00 cron 11 turned 1", "02:00 manual 11 turned 1"]
    );
}

#[test]
fn a_slot_whose_frame_shows_already_is_unchanged_without_a_call_and_once() {
    let mut account = Account::new();
    account.cron();
    account.at("02:30:00").to_frame(0);
    assert_eq!(account.sent(), [11, 0]);
    for time in ["03:00:00", "03:00:05"] {
        let report = account.at(time).cron();
        assert_eq!(report.outcome, Outcome::Unchanged);
        assert_eq!((report.frame, report.attempts), (Some(0), 0));
    }
    assert_eq!(account.sent(), NONE);
    assert_eq!(
        account.journal(),
        [
            "02:00 cron 11 turned 1",
            "02:30 manual 0 turned 1",
            "03:00 cron 0 unchanged 0",
        ]
    );
}

#[test]
fn a_set_of_one_frame_is_sent_once() {
    let mut account = Account::new();
    account.host.publish(&album("one", 1));
    for time in ["02:00:00", "03:00:00", "15:00:00", "15:30:00", "16:00:00"] {
        account.at(time).cron();
    }
    assert_eq!(account.sent(), [0]);
    // One slot ends at noon and at midnight in Japan.
    assert_eq!(
        account.journal(),
        [
            "02:00 cron 0 turned 1",
            "03:00 cron 0 unchanged 0",
            "15:00 cron 0 unchanged 0",
        ]
    );
}

#[test]
fn a_new_icon_is_sent_by_hand_at_once_and_by_the_schedule_with_the_next_slot() {
    let mut account = Account::new();
    account.cron();
    account.host.publish(&album("another", 12));
    account.cron();
    assert_eq!(account.sent(), [11]);
    assert_eq!(account.by_hand().outcome, Outcome::Turned);
    assert_eq!(account.sent(), [11]);
}

#[test]
fn the_frame_of_a_turn_by_hand_stays_until_the_next_slot() {
    let mut account = Account::new();
    account.cron();
    account.at("02:20:00").to_frame(5);
    account.at("02:21:00").cron();
    account.wake_now();
    assert_eq!(account.sent(), [11, 5]);
    assert_eq!(account.by_hand().outcome, Outcome::Turned);
    assert_eq!(account.sent(), [11]);
    account.at("03:00:00").cron();
    assert_eq!(account.sent(), [0]);
}

#[test]
fn a_turn_by_hand_that_fails_after_the_slot_s_leaves_the_slot_as_it_is() {
    let mut account = Account::new();
    account.cron();
    for report in [
        account.x_fails().at("02:10:00").forced(),
        account.at("02:11:00").to_frame(5),
        account.at("02:12:00").by_hand(),
    ] {
        assert_eq!((report.outcome.name(), report.attempts), ("retry", 1));
        // No further attempt comes by itself.
        assert_eq!(report.retry_at, None);
        assert_eq!(account.wake_at(), None);
    }
    account.x_works().at("02:13:00").cron();
    account.wake_now();
    assert_eq!(account.sent(), [11, 11, 5, 11]);
    assert_eq!(
        account.journal(),
        [
            "02:00 cron 11 turned 1",
            "02:10 manual 11 retry 1",
            "02:11 manual 5 retry 1",
            "02:12 manual 11 retry 1",
        ]
    );
}

#[test]
fn a_turn_that_sends_nothing_leaves_the_next_try_where_it_is() {
    for (status, code) in [(503, 131), (429, 88), (403, 226), (401, 32)] {
        let mut account = Account::new();
        account.cron();
        account.at("03:00:00").x_says(status, code);
        let until = account.cron().retry_at;
        assert!(until.is_some());
        account.at("03:00:01");
        let report = account.to_frame(99);
        assert_eq!(refused(&report).reason, Reason::NoSuchFrame);
        assert_eq!(account.wake_at(), until);
        // The network shows the frame before, if that is known.
        if status != 503 {
            assert_eq!(account.to_frame(11).outcome, Outcome::Unchanged);
            assert_eq!(account.wake_at(), until);
        }
        let key = frame_set().frame_key(0);
        account.host.remove(&key);
        account.by_hand();
        assert_eq!(account.wake_at(), until);
        account.host.remove(CURRENT_KEY);
        account.cron();
        assert_eq!(account.wake_at(), until);
    }
}

#[test]
fn another_frame_by_hand_that_fails_leaves_the_slot_s_next_try_where_it_is() {
    let mut account = Account::new();
    let until = account.x_fails().cron().retry_at;
    account.at("02:00:10").to_frame(5);
    assert_eq!(account.wake_at(), until);
    let report = account.x_works().wake();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 2));
    assert_eq!(account.sent(), [11, 5, 11]);
}

// --- Slots without a turn, and hosts that end in the middle of one ---

#[test]
fn after_a_turn_nobody_is_woken_so_the_schedule_alone_decides() {
    let mut account = Account::new();
    for hour in ["02:00:00", "05:00:00", "09:00:00"] {
        account.at(hour).cron();
        assert_eq!(account.wake_at(), None);
    }
    assert_eq!(account.sent(), [11, 2, 6]);
}

#[test]
fn a_frame_by_hand_long_after_the_last_slot_wakes_nobody_at_once() {
    let mut account = Account::new();
    account.cron();
    account.at("09:00:00").to_frame(3);
    assert!(account.wake_at().is_none_or(|at| at > utc("09:00:00")));
}

#[test]
fn what_a_host_that_ended_has_not_finished_is_made_by_whoever_asks_next() {
    let mut account = Account::new();
    account.cron();
    account.at("03:00:00").cron();
    account.host.end_while_sending();
    assert_eq!(account.journal(), ["02:00 cron 11 turned 1"]);
    assert_eq!(account.wake_at(), None);
    let report = account.at("03:00:20").cron();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 1));
    assert_eq!(account.sent(), [11, 0, 0]);
    assert_eq!(
        account.journal(),
        ["02:00 cron 11 turned 1", "03:00 cron 0 turned 1"]
    );
    account.cron();
    assert_eq!(account.sent(), NONE);
}

/// An account whose host has ended in the middle of the turn of 03:00, to frame 0 of two. Frame 1,
/// which the network is known to have shown last, is due again at 04:00.
fn left_in_the_middle() -> Account {
    let mut account = Account::new();
    account.settings = settings_with(&[("PERIOD", "2h")]);
    account.host.publish(&album("two", 2));
    account.cron();
    account.at("03:00:00").cron();
    account.host.end_while_sending();
    account
}

#[test]
fn after_a_slot_without_a_turn_nobody_knows_what_the_network_shows() {
    let mut account = left_in_the_middle();
    let report = account.at("04:00:00").cron();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(account.sent(), [1, 0, 1]);
}

#[test]
fn nor_does_anybody_know_after_a_turn_that_was_not_taken() {
    let mut account = left_in_the_middle();
    // 05:30.
    account.host.reply = Ok(reply(429, &[("x-rate-limit-reset", "1795325400")], ""));
    assert_eq!(account.at("04:00:00").cron().outcome.name(), "retry");
    account.x_works().at("05:00:00").cron();
    let report = account.at("06:00:00").cron();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(account.sent(), [1, 0, 1, 1]);
}

#[test]
fn a_host_that_ends_between_two_tries_is_followed_by_the_next() {
    let mut account = Account::new();
    account.x_fails().cron();
    // The host ends; the ledger keeps what was saved.
    let report = account.x_works().wake();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 2));
    assert_eq!(account.journal(), ["02:00 cron 11 turned 2"]);
}

#[test]
fn what_a_turn_by_hand_left_unfinished_is_not_taken_for_shown_nor_for_not_shown() {
    let mut account = Account::new();
    account.cron();
    account.at("02:59:00").to_frame(0);
    account.host.end_while_sending();
    assert_eq!(account.account_state().shown_frame, None);
    let report = account.at("03:00:00").cron();
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(account.sent(), [11, 0, 0]);

    account.at("04:00:00").by_hand();
    account.host.end_while_sending();
    assert_eq!(account.account_state().slot.unwrap().attempts, 1);
    let report = account.cron();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 2));
    assert_eq!(account.sent(), [1, 1]);
    let last = account.journal().pop().unwrap();
    assert_eq!(last, "04:00 manual 1 turned 2");
}

// --- A broken ledger ---

#[test]
fn without_a_ledger_that_can_be_read_nothing_is_sent() {
    let account = Account::new();
    account.host.ledger.is_broken.set(true);
    for report in [
        account.cron(),
        account.forced(),
        account.to_frame(3),
        account.wake_now(),
    ] {
        assert_eq!(reason(&report), Reason::Host);
        assert_eq!((report.attempts, report.retry_at), (0, None));
        let diagnosis = refused(&report);
        assert_eq!(
            diagnosis.message,
            "The store could not be read: disk I/O error."
        );
        assert!(
            diagnosis.remedy.contains("Nothing was sent"),
            "{diagnosis:?}"
        );
    }
    assert_eq!(account.sent(), NONE);

    // No gap follows.
    account.host.ledger.is_broken.set(false);
    let report = account.cron();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 1));
}

#[test]
fn without_a_ledger_that_can_be_written_nothing_is_sent_by_hand() {
    let account = Account::new();
    account.host.ledger.is_read_only.set(true);
    for report in [account.by_hand(), account.forced(), account.to_frame(3)] {
        let diagnosis = refused(&report);
        assert_eq!(diagnosis.reason, Reason::Host);
        assert_eq!(
            diagnosis.message,
            "The store could not be written: disk full."
        );
        assert!(
            diagnosis.remedy.contains("Nothing was sent"),
            "{diagnosis:?}"
        );
        assert_eq!((report.attempts, report.retry_at), (0, None));
    }
    assert_eq!(account.sent(), NONE);
}

#[test]
fn a_ledger_that_cannot_wake_anyone_leaves_the_next_try_to_the_schedule() {
    let mut account = Account::new();
    account.host.ledger.is_asleep.set(true);
    let report = account.x_fails().cron();
    assert_eq!(report.outcome.name(), "retry");
    assert_eq!(account.wake_at(), None);
    let report = account.x_works().at("02:05:00").cron();
    assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 2));
}

// --- Settings or frames that cannot be used ---

#[test]
fn after_settings_or_frames_are_repaired_the_next_turn_sends_at_once() {
    for damage in ["settings", "set", "frame", "size", "store"] {
        let mut account = Account::new();
        let key = frame_set().frame_key(11);
        match damage {
            "settings" => account.settings = settings_with(&[(API_KEY, "")]),
            "set" => account.host.remove(CURRENT_KEY),
            "frame" => account.host.remove(&key),
            "size" => account.host.store(&key, ""),
            _ => account.host.fail_to_read(&key),
        }
        for report in [account.cron(), account.by_hand(), account.cron()] {
            assert_eq!(report.outcome.name(), "refused", "{damage}");
            assert_eq!((report.attempts, report.retry_at), (0, None));
            assert_eq!(account.wake_at(), None);
        }
        assert_eq!(account.sent(), NONE);

        let Host { ledger, .. } = account.host;
        account = Account::new();
        account.host.ledger = ledger;
        let report = account.at("02:01:00").cron();
        assert_eq!((report.outcome, report.attempts), (Outcome::Turned, 1));
        assert_eq!(account.sent(), [11]);
        let last = account.journal().pop().unwrap();
        assert!(last.ends_with("cron 11 turned 1"), "{last}");
    }
}

// --- What the owner is told ---

#[test]
fn the_owner_is_told_once_that_it_has_stopped_and_once_that_it_works_again() {
    for (status, code, why) in [(401, 32, "code 32"), (403, 226, "code 226")] {
        let mut account = Account::new();
        account.cron();
        assert_eq!(account.host.take_told(), [""; 0]);
        account.x_says(status, code).at("03:00:00").cron();
        let [told] = account.host.take_told().try_into().unwrap();
        assert!(told.starts_with("Your icon has stopped turning. X answered "));
        assert!(told.contains(why), "{told}");

        // It is not told again while that lasts.
        account.at("03:10:00").by_hand();
        account.at("04:00:00").cron();
        account.wake();
        account.wake();
        account.cron();
        assert_eq!(account.host.take_told(), [""; 0]);

        let report = account.x_works().wake();
        assert_eq!(report.outcome, Outcome::Turned);
        assert_eq!(account.host.take_told(), ["Your icon is turning again."]);
        account.host.now += TimeDelta::hours(1);
        account.cron();
        assert_eq!(account.host.take_told(), [""; 0]);
    }
}

#[test]
fn the_owner_is_told_of_a_slot_that_is_given_up_and_of_no_failure_before() {
    let mut account = Account::new();
    account.x_fails().cron();
    for _ in 0..3 {
        account.wake();
        assert_eq!(account.host.take_told(), [""; 0]);
    }
    account.wake();
    let [told] = account.host.take_told().try_into().unwrap();
    assert!(told.contains("X did not answer"), "{told}");
    // The slots after it.
    for _ in 0..7 {
        account.wake();
        account.cron();
    }
    assert_eq!(account.host.take_told(), [""; 0]);
    account.x_works().wake();
    assert_eq!(account.host.take_told(), ["Your icon is turning again."]);
}

#[test]
fn a_failure_that_passes_and_a_short_pause_are_no_news() {
    let mut account = Account::new();
    account.x_fails().cron();
    account.wake();
    account.x_says(429, 88).wake();
    account.cron();
    account.x_works().wake();
    assert_eq!(account.host.take_told(), [""; 0]);
}

#[test]
fn a_frame_that_does_not_exist_is_no_news() {
    let mut account = Account::new();
    let report = account.to_frame(99);
    assert_eq!(refused(&report).reason, Reason::NoSuchFrame);
    assert_eq!(account.host.take_told(), [""; 0]);
    assert_eq!(account.account_state().stopped, None);
    account.x_says(401, 32).cron();
    account.host.take_told();
    account.to_frame(99);
    let stopped = account.account_state().stopped.unwrap();
    assert_eq!(stopped.reason, Reason::Credentials);
}

#[test]
fn trouble_with_the_settings_is_told_and_over_once_nothing_more_needs_to_be_sent() {
    let mut account = Account::new();
    account.cron();
    let sound = account.settings.clone();
    account.settings = settings_with(&[(API_KEY, ""), ("ALERT_WEBHOOK_URL", WEBHOOK)]);
    account.cron();
    account.cron();
    let [told] = account.host.take_told().try_into().unwrap();
    assert!(told.contains("not set: API_KEY"), "{told}");
    account.settings = sound;
    account.cron();
    assert_eq!(account.host.take_told(), ["Your icon is turning again."]);
    assert_eq!(account.account_state().stopped, None);
    assert_eq!(account.sent(), [11]);
}

#[test]
fn a_frame_that_shows_is_no_proof_that_x_takes_others() {
    let mut account = Account::new();
    account.cron();
    account.x_says(401, 32).at("03:00:00").cron();
    account.host.take_told();
    assert_eq!(account.to_frame(11).outcome, Outcome::Unchanged);
    assert_eq!(account.host.take_told(), [""; 0]);
    assert!(account.account_state().stopped.is_some());
}

#[test]
fn without_a_webhook_nobody_is_told() {
    let mut account = Account::new();
    account.settings = settings();
    account.x_says(401, 32).cron();
    assert_eq!(account.host.take_told(), [""; 0]);
    assert_eq!(account.sent(), [11]);
}

#[test]
fn a_webhook_that_fails_changes_nothing() {
    let run = |webhook_reply: Result<Response<Vec<u8>>, SendError>, settings| {
        let mut account = Account::new();
        account.settings = settings;
        account.host.webhook_reply = webhook_reply;
        let reports = [
            account.x_says(401, 32).cron(),
            account.by_hand(),
            account.x_works().wake(),
        ];
        let sent = account.sent();
        let journal = account.host.ledger.entries();
        (
            reports,
            sent,
            journal,
            account.account_state(),
            account.wake_at(),
        )
    };
    let expected = run(Ok(reply(204, &[], "")), settings());
    for webhook_reply in [
        Ok(reply(204, &[], "")),
        Ok(reply(404, &[], "no such hook")),
        Ok(reply(429, &[("retry-after", "100")], "")),
        Ok(reply(302, &[("location", "https://elsewhere.test/")], "")),
        Err(SendError::Timeout),
        Err(SendError::TooLarge),
        Err(SendError::Connection(format!("cannot reach {WEBHOOK}"))),
    ] {
        assert_eq!(run(webhook_reply, settings_with_webhook()), expected);
    }
}

#[test]
fn a_webhook_that_hangs_is_waited_for_after_all_is_kept() {
    let mut account = Account::new();
    account.host.reply_time = TimeDelta::seconds(20);
    account.host.webhook_reply = Err(SendError::Timeout);
    let report = account.x_says(401, 32).cron();
    assert_eq!(report.retry_at, Some(utc("03:00:00")));
    assert_eq!(account.wake_at(), report.retry_at);
    // The turn took as long as X did, not as long as X and the webhook.
    assert_eq!(account.host.ledger.entries()[0]["duration_ms"], 20_000);
}

#[test]
fn what_cannot_be_kept_is_not_told_since_it_would_be_told_again() {
    let mut account = Account::new();
    account.settings = settings_with(&[(API_KEY, ""), ("ALERT_WEBHOOK_URL", WEBHOOK)]);
    account.host.ledger.is_read_only.set(true);
    account.cron();
    account.at("03:00:00").cron();
    assert_eq!(account.host.take_told(), [""; 0]);
}

#[test]
fn no_debug_output_gives_the_webhook_away() {
    let settings = settings_with_webhook();
    assert!(settings.alert_webhook.is_some());
    assert_no_secret_in(&format!("{settings:?} {settings:#?}"));
}

// --- Whatever happens ---

/// An event in the life of an account.
#[derive(Debug, Clone)]
enum Event {
    /// A number of minutes pass, and the turns that the ledger wakes in them are made.
    Pass(u32),
    Cron,
    /// The cron comes once more for the same time.
    Duplicate,
    ByHand,
    Forced,
    Frame(u16),
    /// The account is woken too early.
    Wake,
    /// A cron whose host ends before the reply.
    Ended,
}

/// What X answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    Taken,
    Fails,
    Broken,
    Limited(u32),
    Spam,
    Refused,
    /// Nothing: the host has ended.
    Ended,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u32..90).prop_map(Event::Pass),
        1 => (90_u32..3000).prop_map(Event::Pass),
        3 => Just(Event::Cron),
        1 => Just(Event::Duplicate),
        1 => Just(Event::ByHand),
        1 => Just(Event::Forced),
        1 => (0_u16..13).prop_map(Event::Frame),
        1 => Just(Event::Wake),
        2 => Just(Event::Ended),
    ]
}

fn any_says() -> impl Strategy<Value = Says> {
    prop_oneof![
        5 => Just(Says::Taken),
        3 => Just(Says::Fails),
        1 => Just(Says::Broken),
        1 => (1_u32..200).prop_map(Says::Limited),
        1 => Just(Says::Spam),
        2 => Just(Says::Refused),
    ]
}

/// Follows an account, and checks all that happens to it.
struct Observer {
    account: Account,
    /// The frames that X has taken, each with its instant.
    taken: Vec<(DateTime<Utc>, u16)>,
    /// The attempts that came by themselves: the hour, and whether X took the frame.
    by_itself: Vec<(i64, bool)>,
    paused_until: DateTime<Utc>,
    has_stopped: bool,
}

impl Observer {
    /// Makes a turn, and checks it.
    fn watch(&mut self, says: Says, by_itself: bool, act: impl FnOnce(&mut Account)) {
        let is_ended = matches!(says, Says::Ended);
        let Self { account, .. } = self;
        let now = account.host.now;
        let reset = now
            + TimeDelta::minutes(if let Says::Limited(m) = says {
                m.into()
            } else {
                0
            });
        match says {
            Says::Taken => account.x_works(),
            Says::Fails | Says::Ended => account.x_fails(),
            Says::Broken => account.x_says(503, 131),
            Says::Spam => account.x_says(403, 226),
            Says::Refused => account.x_says(401, 32),
            Says::Limited(_) => {
                let reset = reset.timestamp().to_string();
                account.host.reply = Ok(reply(429, &[("x-rate-limit-reset", &reset)], ""));
                &mut *account
            }
        };
        act(account);
        assert!(account.wake_at().is_none_or(|at| at > now), "wakes at once");
        let sent = account.sent();
        assert!(sent.len() <= 1, "two in one turn");
        for frame in sent {
            assert!(now >= self.paused_until, "sent in a pause");
            let hour = now.timestamp() / 3600;
            // The next host does not know what the last was about to save.
            if by_itself && !is_ended {
                self.by_itself.push((hour, says == Says::Taken));
                let of_hour = || self.by_itself.iter().filter(|(of, _)| *of == hour);
                assert!(of_hour().filter(|(_, taken)| *taken).count() <= 1, "twice");
                // Five at most, and more only where pauses end sooner than waits.
                assert!(of_hour().count() <= 8, "time and again");
                assert_eq!(i64::from(frame), (hour + 9) % 12, "another frame");
            }
            match says {
                Says::Taken => self.taken.push((now, frame)),
                Says::Limited(_) => {
                    self.paused_until = DateTime::from_timestamp(reset.timestamp(), 0).unwrap();
                }
                Says::Spam => self.paused_until = now + TimeDelta::days(1),
                Says::Fails | Says::Broken | Says::Refused | Says::Ended => {}
            }
        }
        for told in account.host.take_told() {
            // Alternately.
            assert_eq!(told == "Your icon is turning again.", self.has_stopped);
            self.has_stopped = !self.has_stopped;
        }
    }

    /// Lets the time pass.
    fn pass(&mut self, minutes: u32, says: Says) {
        let end = self.account.host.now + TimeDelta::minutes(minutes.into());
        let mut woken = 0;
        while let Some(at) = self.account.wake_at().filter(|at| *at <= end) {
            self.account.host.ledger.wake_at.take();
            self.account.host.now = at;
            self.watch(says, true, |account| {
                account.wake_now();
            });
            woken += 1;
            assert!(woken <= 6 * (minutes / 60 + 2), "woken all the time");
        }
        self.account.host.now = end;
    }

    fn happens(&mut self, event: &Event, says: Says) {
        match event {
            Event::Pass(minutes) => self.pass(*minutes, says),
            Event::Cron => self.watch(says, true, |account| {
                account.cron();
            }),
            Event::Duplicate => {
                for _ in 0..2 {
                    self.watch(says, true, |account| {
                        account.cron();
                    });
                }
            }
            Event::ByHand => self.watch(says, false, |account| {
                account.by_hand();
            }),
            Event::Forced => self.watch(says, false, |account| {
                account.forced();
            }),
            Event::Frame(n) => self.watch(says, false, |account| {
                account.to_frame(*n);
            }),
            Event::Wake => self.watch(says, true, |account| {
                account.wake_now();
            }),
            Event::Ended => self.watch(Says::Ended, true, |account| {
                let attempts = |account: &Account| {
                    account
                        .account_state()
                        .slot
                        .map(|slot| (slot.start, slot.attempts))
                };
                let before = attempts(account);
                let report = account.cron();
                let has_sent = report.attempts > 0 && attempts(account) != before;
                if has_sent {
                    account.host.end_while_sending();
                    account.host.take_told();
                }
            }),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..<_>::default() })]

    #[test]
    fn whatever_happens_the_promises_are_kept(
        events in vec((any_event(), any_says()), 1..60),
    ) {
        let mut observer = Observer {
            account: Account::new(),
            taken: Vec::new(),
            by_itself: Vec::new(),
            paused_until: DateTime::UNIX_EPOCH,
            has_stopped: false,
        };
        for (event, says) in &events {
            observer.happens(event, *says);
        }
        // The journal has all frames that X has taken, and no others.
        let entries = observer.account.host.ledger.entries();
        let turned = entries.iter().filter(|entry| entry["outcome"] == "turned");
        let mut turned: Vec<(DateTime<Utc>, u16)> = turned
            .map(|entry| {
                let at = entry["sent_at"].as_str().unwrap().parse().unwrap();
                (at, serde_json::from_value(entry["frame"].clone()).unwrap())
            })
            .collect();
        turned.sort_unstable();
        let mut taken = observer.taken;
        taken.sort_unstable();
        prop_assert_eq!(turned, taken);

        // An account that is not stopped for good works again in the end.
        let account = &mut observer.account;
        account.host.now += TimeDelta::days(2);
        account.x_works();
        let report = account.cron();
        prop_assert!(matches!(report.outcome, Outcome::Turned | Outcome::Unchanged));
        let hold = account.account_state().hold;
        let pause = hold.filter(|hold| hold.kind == HoldKind::Pause && hold.until > account.host.now);
        prop_assert_eq!(pause, None);
    }
}
