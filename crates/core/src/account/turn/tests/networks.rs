//! One icon on several networks: each has its own part of a turn.

use super::*;
use crate::network::bluesky::{BLUESKY_APP_PASSWORD, BLUESKY_SERVICE};
use crate::network::mastodon::{MASTODON_ACCESS_TOKEN, MASTODON_SERVER};
use crate::testing::settings_of_all_networks;

/// An icon that turns by the hour on X, Bluesky and Mastodon; in Japan it is 11.
struct Icon {
    host: Host,
    settings: Settings,
}

type Reply = Result<Response<Vec<u8>>, SendError>;

const NAMES: [&str; 3] = ["x", "bluesky", "mastodon"];

/// A part of the URLs of each network's requests.
const HOSTS: [(&str, &str); 3] = [
    ("x", "api.x.com/"),
    ("bluesky", "bsky.social/"),
    ("mastodon", "mastodon.test/"),
];

impl Icon {
    fn new() -> Self {
        let mut host = Host::new().on_all_networks();
        host.now = instant("2026-11-22T02:00:00Z");
        Self {
            host,
            settings: settings_of_all_networks(&[]),
        }
    }

    fn with(changes: &[(&str, &str)]) -> Self {
        Self {
            settings: settings_of_all_networks(changes),
            ..Self::new()
        }
    }

    fn all_work(&mut self) {
        self.host.answers = Host::new().on_all_networks().answers;
    }

    fn make(&self, turn_request: &TurnRequest) -> Vec<Report> {
        let reports = block_on(turn(
            &self.settings,
            &self.host,
            &self.host.ledger,
            turn_request,
        ));
        assert_no_secret_in(&format!("{reports:?}"));
        assert_no_secret_in(&serde_json::to_string(&reports).unwrap());
        reports
    }

    fn cron(&self) -> Vec<Report> {
        self.make(&TurnRequest::due_at(self.host.now, Trigger::Cron))
    }

    fn by_hand(&self) -> Vec<Report> {
        self.make(&TurnRequest::due_at(self.host.now, Trigger::Manual))
    }

    /// Lets the time pass until the ledger wakes the next turn, and makes it.
    fn wake(&mut self) -> Vec<Report> {
        let at = self.host.ledger.wake_at.take().expect("a time to wake at");
        assert!(at > self.host.now, "{at} is over");
        self.host.now = at;
        block_on(on_wake(&self.settings, &self.host, &self.host.ledger))
    }

    /// The minutes until the ledger wakes the account, rounded.
    fn minutes_to_wake(&self) -> Option<i64> {
        let at = self.host.ledger.wake_at.get()?;
        let seconds = at.signed_duration_since(self.host.now).num_seconds();
        Some((seconds + 30) / 60)
    }

    /// The networks that requests were sent to, and the number of requests.
    fn sent(&self) -> Vec<(&'static str, usize)> {
        let sent = self.host.take_sent();
        let to = |part: &str| {
            let urls = sent.iter().map(|request| request.uri().to_string());
            urls.filter(|url| url.contains(part)).count()
        };
        let counts = HOSTS.map(|(name, part)| (name, to(part)));
        let of_them: usize = counts.iter().map(|(_, count)| count).sum();
        assert_eq!(of_them, sent.len());
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// The entries of the journal, oldest first: network, frame, outcome and attempts.
    fn journal(&self) -> Vec<String> {
        let entries = self.host.ledger.entries();
        let lines = entries.iter().map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            let (frame, attempts) = (&entry["frame"], &entry["attempts"]);
            format!("{} {frame} {} {attempts}", text("network"), text("outcome"))
        });
        lines.collect()
    }
}

/// Each network, and how the turn ended there.
fn outcomes(reports: &[Report]) -> Vec<(&'static str, &'static str)> {
    let named = reports
        .iter()
        .map(|report| (report.network, report.outcome.name()));
    named.collect()
}

fn reason(report: &Report) -> Reason {
    report.outcome.diagnosis().expect("trouble").reason
}

/// Answers that keep a network from turning, each with the outcome.
fn findings() -> [(Reply, &'static str); 4] {
    [
        (Err(SendError::Timeout), "retry"),
        (Ok(reply(503, &[], "")), "retry"),
        (Ok(reply(429, &[], "")), "retry"),
        (Ok(reply(401, &[], "")), "refused"),
    ]
}

#[test]
fn one_turn_serves_all_networks() {
    let icon = Icon::new();
    let reports = icon.cron();
    assert_eq!(outcomes(&reports), NAMES.map(|name| (name, "turned")));
    let sent = icon.host.take_sent();
    let upload = sent
        .iter()
        .find(|request| request.uri().path().ends_with(".uploadBlob"))
        .unwrap();
    assert_eq!(*upload.body(), frame_bytes(11));
    for (_, part) in [HOSTS[0], HOSTS[2]] {
        let mut requests = sent.iter().filter(|request| request.method() != "GET");
        let is_to = |request: &&Request<_>| request.uri().to_string().contains(part);
        assert_eq!(frame_in(requests.find(is_to).unwrap()), frame_bytes(11));
    }
    assert_eq!(
        icon.journal(),
        [
            "x 11 turned 1",
            "bluesky 11 turned 1",
            "mastodon 11 turned 1"
        ]
    );
    for name in NAMES {
        let account_state = block_on(icon.host.ledger.account_state(name)).unwrap();
        assert_eq!(account_state.shown_frame.unwrap().frame, 11, "{name}");
    }
    assert_eq!(icon.minutes_to_wake(), None);
    assert_eq!(icon.host.take_told(), Vec::<String>::new());
}

#[test]
fn a_network_in_trouble_does_not_change_what_becomes_of_the_others() {
    for (name, part) in HOSTS {
        for (answer, outcome) in findings() {
            let mut icon = Icon::new();
            icon.host.answer(part, answer);
            let reports = icon.cron();
            let expected = NAMES.map(|one| (one, if one == name { outcome } else { "turned" }));
            assert_eq!(outcomes(&reports), expected);
            let lines = expected.map(|(name, outcome)| format!("{name} 11 {outcome} 1"));
            assert_eq!(icon.journal(), lines);
            for report in &reports {
                let is_waiting = report.retry_at.is_some();
                assert_eq!(is_waiting, report.network == name, "{report:?}");
                let account_state =
                    block_on(icon.host.ledger.account_state(report.network)).unwrap();
                assert_eq!(account_state.wake_at.is_some(), is_waiting);
                assert_eq!(account_state.hold.is_some(), is_waiting);
            }
        }
    }
}

#[test]
fn a_network_that_hangs_does_not_change_what_becomes_of_the_others() {
    for (name, part) in HOSTS {
        let mut icon = Icon::new();
        let slow = TimeDelta::seconds(20);
        icon.host
            .answers
            .push((part, slow, Err(SendError::Timeout)));
        let reports = icon.cron();
        let expected = NAMES.map(|one| (one, if one == name { "retry" } else { "turned" }));
        assert_eq!(outcomes(&reports), expected);
        assert_eq!(icon.minutes_to_wake(), Some(1));
    }
}

#[test]
fn bluesky_that_answers_slowly_takes_at_most_three_replies_of_a_turn() {
    let mut icon = Icon::new();
    for (part, body) in [
        (
            ".createSession",
            r#"{"did":"did:plc:a","accessJwt":"bACCESS","refreshJwt":"bREFRESH"}"#,
        ),
        (".getRecord", r#"{"cid":"bafy","value":{}}"#),
        (".uploadBlob", r#"{"blob":{"ref":{"$link":"bafk"}}}"#),
    ] {
        let slow = TimeDelta::seconds(20);
        icon.host
            .answers
            .push((part, slow, Ok(reply(200, &[], body))));
    }
    let reports = icon.cron();
    assert_eq!(
        outcomes(&reports),
        [
            ("x", "turned"),
            ("bluesky", "retry"),
            ("mastodon", "turned")
        ]
    );
    assert_eq!(icon.sent(), [("x", 1), ("bluesky", 3), ("mastodon", 2)]);
    // The session that was started in vain serves the next attempt.
    let account_state = block_on(icon.host.ledger.account_state("bluesky")).unwrap();
    assert!(account_state.saved_session.unwrap().0.contains("bACCESS"));
}

#[test]
fn a_session_lasts_from_one_hour_to_the_next() {
    let mut icon = Icon::new();
    icon.cron();
    assert_eq!(icon.sent(), [("x", 1), ("bluesky", 5), ("mastodon", 2)]);
    for (hour, requests) in [("03", 4), ("04", 5), ("05", 4)] {
        icon.host.now = instant(&format!("2026-11-22T{hour}:00:00Z"));
        let reports = icon.cron();
        assert_eq!(outcomes(&reports), NAMES.map(|name| (name, "turned")));
        let sent = icon.host.take_sent();
        let of_session = sent.iter().filter(|request| {
            let path = request.uri().path();
            assert!(!path.ends_with(".createSession"));
            path.ends_with(".refreshSession")
        });
        // Its token is renewed after two hours.
        assert_eq!(of_session.count(), requests - 4);
        assert_eq!(sent.len(), requests + 2);
    }
}

#[test]
fn a_network_that_is_half_set_up_says_so_while_the_others_turn() {
    for (unset, name) in [
        (ACCESS_TOKEN, "x"),
        (BLUESKY_APP_PASSWORD, "bluesky"),
        (MASTODON_ACCESS_TOKEN, "mastodon"),
        (MASTODON_SERVER, "mastodon"),
    ] {
        let icon = Icon::with(&[(unset, "")]);
        let reports = icon.cron();
        for report in &reports {
            if report.network == name {
                let diagnosis = refused(report);
                assert_eq!(diagnosis.reason, Reason::Settings);
                assert!(diagnosis.message.contains(unset), "{}", diagnosis.message);
            } else {
                assert_eq!(report.outcome, Outcome::Turned);
            }
        }
        assert_eq!(reports.len(), 3);
        assert!(icon.sent().iter().all(|(to, _)| *to != name));
        let [told] = icon.host.take_told().try_into().unwrap();
        let title = reports.iter().position(|report| report.network == name);
        let title = ["X", "Bluesky", "Mastodon"][title.unwrap()];
        assert!(
            told.starts_with(&format!("Your icon has stopped turning on {title}. ")),
            "{told}"
        );
    }
}

#[test]
fn only_what_is_wrong_with_a_network_is_told_of_it() {
    let icon = Icon::with(&[
        (MASTODON_ACCESS_TOKEN, ""),
        (BLUESKY_SERVICE.name, "http://a"),
    ]);
    let reports = icon.cron();
    assert_eq!(
        outcomes(&reports),
        [
            ("x", "turned"),
            ("bluesky", "refused"),
            ("mastodon", "refused")
        ]
    );
    let [_, bluesky, mastodon] = reports.try_into().unwrap();
    let of_bluesky = &refused(&bluesky).message;
    assert!(of_bluesky.contains(BLUESKY_SERVICE.name), "{of_bluesky}");
    assert!(!of_bluesky.contains(MASTODON_ACCESS_TOKEN), "{of_bluesky}");
    let of_mastodon = &refused(&mastodon).message;
    assert!(of_mastodon.contains(MASTODON_ACCESS_TOKEN), "{of_mastodon}");
    assert!(!of_mastodon.contains(BLUESKY_SERVICE.name), "{of_mastodon}");
}

#[test]
fn a_network_that_is_not_set_up_has_no_say_in_what_is_read_with_the_set() {
    let mut icon = Icon::new();
    icon.cron();
    icon.settings = settings_of_all_networks(&[(API_KEY, "")]);
    let other = icon.host.publish_another(0, 300);
    icon.host.now = instant("2026-11-22T03:00:00Z");
    icon.cron();
    icon.host.store(&other.frame_key(1), frame_bytes(301));
    icon.host.now = instant("2026-11-22T04:00:00Z");
    icon.host.take_reads();
    // The state of X still has the set before, and X would get a frame.
    icon.cron();
    let together = BTreeSet::from([CURRENT_KEY.to_owned(), other.frame_key(1)]);
    assert_eq!(icon.host.take_reads(), [together]);
    // No frame is read for X alone.
    icon.cron();
    assert_eq!(icon.host.take_reads(), [keys([])]);
}

#[test]
fn a_schedule_that_cannot_be_read_stops_all() {
    let icon = Icon::with(&[(PERIOD.name, "7h")]);
    let reports = icon.cron();
    assert_eq!(outcomes(&reports), NAMES.map(|name| (name, "refused")));
    assert!(
        reports
            .iter()
            .all(|report| reason(report) == Reason::Settings)
    );
    assert_eq!(icon.sent(), []);
    // News that is the same for all networks is told once.
    let [told] = icon.host.take_told().try_into().unwrap();
    assert!(
        told.starts_with("Your icon has stopped turning. "),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1);
}

#[test]
fn an_icon_that_is_missing_stops_all() {
    let mut icon = Icon::new();
    icon.host.remove(CURRENT_KEY);
    let reports = icon.cron();
    assert_eq!(outcomes(&reports), NAMES.map(|name| (name, "refused")));
    assert!(
        reports
            .iter()
            .all(|report| reason(report) == Reason::NoIcon)
    );
    assert_eq!(icon.sent(), []);
}

#[test]
fn a_frame_that_is_too_large_for_one_network_goes_to_the_others() {
    let mut icon = Icon::new();
    let frame = frame_of_size(600_000);
    icon.host.store(&frame_set().frame_key(11), frame);
    let reports = icon.cron();
    assert_eq!(
        outcomes(&reports),
        [
            ("x", "refused"),
            ("bluesky", "turned"),
            ("mastodon", "turned")
        ]
    );
    assert_eq!(reason(&reports[0]), Reason::Frames);
}

#[test]
fn the_owner_is_told_of_each_network_by_its_name_in_one_message() {
    let mut icon = Icon::new();
    icon.host.answer("bsky.social/", Ok(reply(401, &[], "")));
    icon.host.answer("mastodon.test/", Ok(reply(401, &[], "")));
    icon.cron();
    let [told] = icon.host.take_told().try_into().unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("Your icon has stopped turning on Bluesky. "));
    assert!(lines[1].starts_with("Your icon has stopped turning on Mastodon. "));

    icon.all_work();
    let reports = icon.by_hand();
    assert_eq!(
        outcomes(&reports),
        [
            ("x", "unchanged"),
            ("bluesky", "turned"),
            ("mastodon", "turned")
        ]
    );
    assert_eq!(
        icon.host.take_told(),
        ["Your icon is turning again on Bluesky.\nYour icon is turning again on Mastodon."]
    );
}

#[test]
fn each_network_wakes_for_itself_and_the_later_one_is_not_lost() {
    let mut icon = Icon::new();
    icon.host.answer("bsky.social/", Err(SendError::Timeout));
    let reset = [("x-ratelimit-reset", "2026-11-22T02:10:00Z")];
    icon.host
        .answer("mastodon.test/", Ok(reply(429, &reset, "")));
    let reports = icon.cron();
    assert_eq!(
        outcomes(&reports),
        [("x", "turned"), ("bluesky", "retry"), ("mastodon", "retry")]
    );
    assert_eq!(icon.minutes_to_wake(), Some(1));
    assert_eq!(icon.sent().len(), 3);

    // The second and third attempt on Bluesky.
    let reports = icon.wake();
    assert_eq!(outcomes(&reports), [("bluesky", "retry")]);
    assert_eq!(icon.sent(), [("bluesky", 1)]);
    icon.all_work();
    let reports = icon.wake();
    assert_eq!(outcomes(&reports), [("bluesky", "turned")]);
    assert_eq!(icon.sent(), [("bluesky", 5)]);

    // Mastodon's pause is waited out.
    assert_eq!(
        icon.host.ledger.wake_at.get(),
        Some(instant("2026-11-22T02:10:00Z"))
    );
    let reports = icon.wake();
    assert_eq!(outcomes(&reports), [("mastodon", "turned")]);
    assert_eq!(icon.sent(), [("mastodon", 2)]);
    assert_eq!(icon.minutes_to_wake(), None);
    assert_eq!(
        icon.journal(),
        [
            "x 11 turned 1",
            "bluesky 11 turned 3",
            "mastodon 11 turned 2"
        ]
    );
}

#[test]
fn two_networks_that_wait_for_the_same_instant_are_woken_together() {
    let mut icon = Icon::new();
    let reset = [("x-ratelimit-reset", "2026-11-22T02:10:00Z")];
    icon.host
        .answer("mastodon.test/", Ok(reply(429, &reset, "")));
    let reset = [("ratelimit-reset", "1795313400")];
    icon.host.answer("bsky.social/", Ok(reply(429, &reset, "")));
    icon.cron();
    icon.sent();
    let reports = icon.wake();
    assert_eq!(
        outcomes(&reports),
        [("bluesky", "retry"), ("mastodon", "retry")]
    );
    assert_eq!(icon.sent(), [("bluesky", 1), ("mastodon", 1)]);
}

#[test]
fn a_turn_of_one_network_by_hand_leaves_the_wake_of_another() {
    let mut icon = Icon::new();
    let reset = [("x-ratelimit-reset", "2026-11-22T02:10:00Z")];
    icon.host
        .answer("mastodon.test/", Ok(reply(429, &reset, "")));
    icon.host.answer("bsky.social/", Err(SendError::Timeout));
    icon.cron();
    icon.all_work();
    icon.sent();
    let reports = icon.by_hand();
    // A pause holds all turns, a backoff those that come by themselves.
    assert_eq!(
        outcomes(&reports),
        [
            ("x", "unchanged"),
            ("bluesky", "turned"),
            ("mastodon", "retry")
        ]
    );
    assert_eq!(icon.sent(), [("bluesky", 5)]);
    assert_eq!(icon.minutes_to_wake(), Some(10));
    let reports = icon.wake();
    assert_eq!(outcomes(&reports), [("mastodon", "turned")]);
}

#[test]
fn a_network_that_is_given_up_begins_anew_with_the_next_slot() {
    let mut icon = Icon::new();
    icon.host.answer("bsky.social/", Err(SendError::Timeout));
    icon.cron();
    for _ in 0..4 {
        let reports = icon.wake();
        assert_eq!(outcomes(&reports), [("bluesky", "retry")]);
    }
    icon.host.now = instant("2026-11-22T03:00:00Z");
    icon.sent();
    icon.all_work();
    let reports = icon.cron();
    assert_eq!(outcomes(&reports), NAMES.map(|name| (name, "turned")));
    assert_eq!(
        icon.journal(),
        [
            "x 11 turned 1",
            "bluesky 11 retry 5",
            "mastodon 11 turned 1",
            "x 0 turned 1",
            "bluesky 0 turned 1",
            "mastodon 0 turned 1",
        ]
    );
    assert_eq!(icon.minutes_to_wake(), None);
}

#[test]
fn a_dry_run_shows_every_request_and_asks_each_network_whose_account_it_is() {
    let icon = Icon::new();
    let reports = icon.make(&TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(icon.host.now, Trigger::Manual)
    });
    assert_eq!(outcomes(&reports), NAMES.map(|name| (name, "dry-run")));
    assert_eq!(icon.sent(), [("x", 2), ("bluesky", 2), ("mastodon", 2)]);
    assert_eq!(icon.journal(), Vec::<String>::new());
    // The turn uses the session that was started, and does not sign in again.
    icon.cron();
    let sent = icon.host.take_sent();
    assert!(
        sent.iter()
            .all(|sent| !sent.uri().path().ends_with(".createSession"))
    );
}

#[test]
fn a_dry_run_tells_a_token_that_may_not_write_from_one_that_may_not_read() {
    let turn_request = |icon: &Icon| TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(icon.host.now, Trigger::Manual)
    };
    let words = r#"{"error":"This action is outside the authorized scopes"}"#;
    let outside = || Ok(reply(403, &[], words));
    let scopes = |scopes: &str| Ok(reply(200, &[], format!(r#"{{"scopes":["{scopes}"]}}"#)));
    for (application, outcome) in [
        (scopes("read"), "refused"),
        (scopes("write:accounts"), "dry-run"),
        // No network says so.
        (outside(), "dry-run"),
    ] {
        let mut icon = Icon::new();
        icon.host.answer("mastodon.test/api/v1/accounts", outside());
        icon.host.answer("mastodon.test/api/v1/apps", application);
        let reports = icon.make(&turn_request(&icon));
        let [.., mastodon] = reports.as_slice() else {
            panic!("{reports:?}");
        };
        assert_eq!(mastodon.outcome.name(), outcome);
        match &mastodon.outcome {
            Outcome::DryRun(preview) => {
                assert_eq!(preview.account, None);
                let unchecked = preview.unchecked.as_deref().unwrap();
                assert!(unchecked.contains("read:accounts"), "{unchecked}");
            }
            _ => assert_eq!(reason(mastodon), Reason::Access),
        }
    }
}

#[test]
fn a_host_that_ends_in_the_middle_leaves_each_network_as_it_is_known() {
    let mut icon = Icon::new();
    icon.cron();
    icon.sent();
    // Mastodon's request was the last: the state of the others had been saved.
    icon.host.end_while_sending();
    let reports = icon.cron();
    assert_eq!(
        outcomes(&reports),
        [
            ("x", "unchanged"),
            ("bluesky", "unchanged"),
            ("mastodon", "turned")
        ]
    );
    // As far as is known it has had no picture, so it is asked again what it shows.
    assert_eq!(icon.sent(), [("mastodon", 2)]);
}
