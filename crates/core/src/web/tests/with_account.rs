use http::Request;
use http::header::{AUTHORIZATION, LOCATION};
use serde_json::{Value, json};

use crate::account::commands::{Command, Reply};
use crate::account::connections::stored_connection;
use crate::account::id::AccountId;
use crate::account::ledger::Ledger;
use crate::account::open::{Account, Memory};
use crate::account::settings::Settings;
use crate::account::settings::TRIGGER_TOKEN;
use crate::account::state::{AccountState, Hold, HoldKind};
use crate::account::testing::sign_in::{KEEPER, connection};
use crate::account::wake::{on_schedule, on_wake};
use crate::frames::set::CURRENT_KEY;
use crate::network::x::API_KEY;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::SendError;
use crate::testing::{
    Book, Host, NoBody, TRIGGER, USER, assert_no_secret_in, block_on, frame_bytes, instant, reply,
    settings, settings_of_all_networks, settings_with, settings_with_webhook,
};
use crate::web::tests::respond_under;
use crate::web::{Answer, Handled, respond, respond_for_account};

fn request(method: &str, target: &str) -> Request<()> {
    let request = Request::builder().method(method).uri(target);
    request.body(()).unwrap()
}

fn answer_to(request: &Request<()>, settings: &Settings, host: &Host) -> Answer {
    let answer = block_on(respond_under(settings, request, host));
    assert_no_secret_in(&String::from_utf8_lossy(answer.body()));
    assert_no_secret_in(&format!("{:?}", answer.headers()));
    // What is answered is of this moment only.
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer
}

/// Answers the owner.
fn owner(host: &Host, method: &str, target: &str) -> Answer {
    owner_of(&settings_with_webhook(), host, method, target)
}

/// Answers the owner under settings.
fn owner_of(settings: &Settings, host: &Host, method: &str, target: &str) -> Answer {
    let mut request = request(method, target);
    let bearer = format!("Bearer {TRIGGER}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let answer = block_on(respond_under(settings, &request, host));
    assert_no_secret_in(&String::from_utf8_lossy(answer.body()));
    assert_no_secret_in(&format!("{:?}", answer.headers()));
    answer
}

fn json_in(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

/// Makes so many turns, an hour after another.
fn turn_for_hours(host: &mut Host, hours: u32) {
    for _ in 0..hours {
        let answer = owner(host, "POST", "/turn");
        assert_eq!(json_in(&answer)["outcome"], "turned");
        host.now += chrono::TimeDelta::hours(1);
    }
}

fn ids(page: &Value) -> Vec<u64> {
    let entries = page["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| entry["id"].as_u64().unwrap())
        .collect()
}

// --- POST /turn ---

/// An owner whose icon turns by a sign-in: until 03:20 by the token `one`.
struct SignedIn {
    host: Host,
    memory: Memory,
}

impl SignedIn {
    fn new(subject: &str) -> Self {
        let mut host = Host::new();
        host.variables.insert(TRIGGER_TOKEN, TRIGGER.to_owned());
        // The network holds the picture from before.
        host.answer("/shown", Ok(reply(206, &[], "")));
        host.answer("/avatar?token=one", Ok(reply(200, &[], "")));
        let connection = connection(subject, "one", Some("r"));
        let id = AccountId::owner();
        let stored = stored_connection(&connection, &id, host.now, &host);
        let mut connection = block_on(stored).unwrap();
        connection.expires_at = Some(instant("2026-11-22T03:20:00Z"));
        let mut owner = Self {
            host,
            memory: Memory::default(),
        };
        owner.have(&Command::Connect {
            connection,
            picture: None,
        });
        owner.have(&Command::Start {
            without_picture: false,
        });
        let ended = Ok(reply(401, &[], ""));
        owner.host.answer("token=one", ended);
        owner.host.take_sent();
        owner.host.now = instant("2026-11-22T03:30:00Z");
        owner
    }

    fn with<T>(&self, act: impl AsyncFnOnce(&Account<'_, Host, Book>) -> T) -> T {
        block_on(act(&Account {
            id: &AccountId::owner(),
            host: &self.host,
            ledger: &self.host.ledger,
            memory: &self.memory,
        }))
    }

    fn have(&self, command: &Command) {
        let reply = self.with(async |account| account.carry_out(command).await);
        assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
    }

    fn ask(&self, method: &str, target: &str) -> Answer {
        let mut request = request(method, target);
        let bearer = format!("Bearer {TRIGGER}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        self.with(async |account| respond_for_account(&request, account).await)
    }

    /// What was sent since the last call: methods and addresses.
    fn sent(&self) -> Vec<String> {
        let sent = self.host.take_sent();
        let line = |request: &Request<Vec<u8>>| {
            let path = request.uri().path_and_query().unwrap();
            format!("{} {path}", request.method())
        };
        sent.iter().map(line).collect()
    }
}

#[test]
fn what_the_owner_asks_for_is_done_with_tokens_that_can_be_used() {
    let owner = SignedIn::new("ada");
    let answer = owner.ask("POST", "/turn?frame=7");
    assert_eq!(json_in(&answer)["frame"], 7, "{answer:?}");
    assert_eq!(json_in(&answer)["outcome"], "turned");
    assert_eq!(
        owner.sent(),
        ["POST /token?token=r", "POST /avatar?token=r-access"]
    );

    let owner = SignedIn::new("ada");
    let answer = owner.ask("POST", "/turn?dry_run=true");
    assert_eq!(json_in(&answer)["account"], "@ada", "{answer:?}");
    assert_eq!(
        owner.sent(),
        ["POST /token?token=r", "GET /account?token=r-access"]
    );

    let owner = SignedIn::new(KEEPER);
    owner.have(&Command::Pause);
    let answer = owner.ask("DELETE", "/networks/mastodon/frames");
    assert_eq!(answer.status(), 204, "{answer:?}");
    assert_eq!(
        owner.sent(),
        ["POST /token?token=r", "DELETE /frames?token=r-access"]
    );
    let answer = owner.ask("POST", "/turn");
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert!(owner.sent().is_empty());
}

#[test]
fn the_frame_that_the_owner_asks_for_is_sent_again_with_new_tokens() {
    let mut owner = SignedIn::new("ada");
    // Before it was to end, so nobody knows.
    owner.host.now = instant("2026-11-22T03:05:00Z");
    let answer = owner.ask("POST", "/turn?frame=7");
    assert_eq!(json_in(&answer)["frame"], 7, "{answer:?}");
    assert_eq!(
        owner.sent(),
        [
            "POST /avatar?token=one",
            "POST /token?token=r",
            "POST /avatar?token=r-access"
        ]
    );
}

#[test]
fn a_sign_in_that_is_over_is_answered_in_words_and_asks_its_network_nothing() {
    let mut owner = SignedIn::new("ada");
    owner.host.answer("/token?token=r", Ok(reply(400, &[], "")));
    for (target, asked) in [
        ("/turn", vec!["POST /token?token=r"]),
        ("/turn?dry_run=true", vec!["POST /token?token=r"]),
    ] {
        let answer = owner.ask("POST", target);
        assert_eq!(answer.status(), 502, "{answer:?}");
        let detail = json_in(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("The sign-in has been ended. Sign in again."));
        assert_eq!(owner.sent(), asked);
    }
}

#[test]
fn a_second_turn_of_a_slot_is_unchanged_and_a_forced_one_is_made() {
    let host = Host::new();
    assert_eq!(json_in(&owner(&host, "POST", "/turn"))["outcome"], "turned");
    for target in ["/turn", "/turn?force=false", "/turn?frame=11"] {
        let answer = owner(&host, "POST", target);
        assert_eq!(answer.status(), 200);
        let report = json_in(&answer);
        assert_eq!(report["outcome"], "unchanged", "{target}");
        assert_eq!(report["frame"], 11);
    }
    assert_eq!(host.take_sent().len(), 1);
    for target in ["/turn?force=true", "/turn?frame=11&force=true"] {
        let report = json_in(&owner(&host, "POST", target));
        assert_eq!(report["outcome"], "turned");
        host.take_only_sent();
    }
}

#[test]
fn a_turn_in_a_pause_is_unavailable_until_its_end() {
    let mut host = Host::new();
    host.reply = Ok(reply(429, &[("x-rate-limit-reset", "1795314900")], ""));
    owner(&host, "POST", "/turn");
    host.take_only_sent();
    host.now = instant("2026-11-22T02:33:00.001Z");
    for target in ["/turn", "/turn?force=true", "/turn?frame=3"] {
        let answer = owner(&host, "POST", target);
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "120");
        let problem = json_in(&answer);
        assert_eq!(problem["reason"], "rate-limit");
        assert_eq!(problem["retry_at"], "2026-11-22T02:35:00Z");
        assert_eq!(problem["network_status"], Value::Null);
    }
    assert_eq!(host.take_sent().len(), 0);
}

/// What a turn by hand tells: each network and how its part ended.
fn turns(answer: &Answer) -> Vec<(String, String)> {
    let told = json_in(answer);
    let turns = told["turns"].as_array().unwrap().iter();
    let text = |turn: &Value, name: &str| turn[name].as_str().unwrap().to_owned();
    turns
        .map(|turn| (text(turn, "network"), text(turn, "outcome")))
        .collect()
}

#[test]
fn a_turn_on_several_networks_tells_each_one_s_part() {
    let host = Host::new().on_all_networks();
    let answer = owner_of(&settings_of_all_networks(&[]), &host, "POST", "/turn");
    assert_eq!(answer.status(), 200);
    let turned = ["x", "bluesky", "mastodon"].map(|name| (name.to_owned(), "turned".to_owned()));
    assert_eq!(turns(&answer), turned);
}

#[test]
fn a_turn_that_works_on_some_networks_only_is_a_problem_that_names_the_others() {
    let settings = settings_of_all_networks(&[]);
    let mut host = Host::new().on_all_networks();
    host.answer("bsky.social/", Ok(reply(503, &[], "")));
    let answer = owner_of(&settings, &host, "POST", "/turn");
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let detail = json_in(&answer)["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("Bluesky: Bluesky answered 503"),
        "{detail}"
    );
    assert!(
        !detail.contains("X:") && !detail.contains("Mastodon:"),
        "{detail}"
    );
    let outcomes: Vec<_> = turns(&answer).into_iter().map(|turn| turn.1).collect();
    assert_eq!(outcomes, ["turned", "retry", "turned"]);

    // What the owner has to do something about counts for more.
    host.answer("mastodon.test/", Ok(reply(401, &[], "")));
    let answer = owner_of(&settings, &host, "POST", "/turn?force=true");
    assert_eq!(answer.status(), 502);
    assert!(!answer.headers().contains_key("retry-after"));
    let outcomes: Vec<_> = turns(&answer).into_iter().map(|turn| turn.1).collect();
    assert_eq!(outcomes, ["turned", "retry", "refused"]);
}

#[test]
fn a_dry_run_on_several_networks_shows_every_request() {
    let host = Host::new().on_all_networks();
    let settings = settings_of_all_networks(&[]);
    let answer = owner_of(&settings, &host, "POST", "/turn?dry_run=true");
    assert_eq!(answer.status(), 200);
    let told = json_in(&answer);
    let urls: Vec<_> = told["turns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| turn["would_send"]["url"].as_str().unwrap())
        .collect();
    assert_eq!(
        urls,
        [
            "https://api.x.com/1.1/account/update_profile_image.json",
            "https://bsky.social/xrpc/com.atproto.repo.uploadBlob",
            "https://mastodon.test/api/v1/accounts/update_credentials",
        ]
    );
    let pictures = frame_bytes(11);
    let sent = host.take_sent();
    let has_picture = |sent: &http::Request<Vec<u8>>| {
        let mut windows = sent.body().windows(pictures.len());
        windows.any(|part| part == pictures)
    };
    assert!(!sent.iter().any(has_picture));
}

#[test]
fn what_is_kept_on_a_network_is_removed_with_the_token() {
    let host = Host::new().on_all_networks();
    let settings = settings_of_all_networks(&[]);
    let path = "/networks/bluesky/frames";
    let answer = owner_of(&settings, &host, "DELETE", path);
    assert_eq!(answer.status(), 204);
    let sent = host.take_sent();
    let last = sent.last().unwrap();
    assert!(last.uri().path().ends_with("com.atproto.repo.deleteRecord"));
    let body: Value = serde_json::from_slice(last.body()).unwrap();
    assert_eq!(body["collection"], "app.rotate-icon.frames");
    // The session that was begun for it serves the next one too.
    owner_of(&settings, &host, "DELETE", path);
    assert_eq!(host.take_sent().len(), 1);

    for (method, path, status) in [
        ("GET", "/networks/bluesky/frames", 405),
        ("DELETE", "/networks/bluesky", 404),
        ("DELETE", "/networks/x/frames", 404),
        ("DELETE", "/networks/myspace/frames", 404),
        ("DELETE", "/networks/bluesky/frames?all=1", 400),
    ] {
        let answer = owner_of(&settings, &host, method, path);
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(host.take_sent().len(), 0);
    }
}

#[test]
fn a_dry_run_is_made_in_a_pause_too() {
    let mut host = Host::new();
    host.reply = Ok(reply(429, &[], ""));
    owner(&host, "POST", "/turn");
    let answer = owner(&host, "POST", "/turn?dry_run=true");
    assert_eq!(json_in(&answer)["outcome"], "dry-run");
    host.take_only_sent();
}

#[test]
fn without_a_ledger_no_turn_is_made_and_the_answer_says_why() {
    let host = Host::new();
    host.ledger.is_broken.set(true);
    let answer = owner(&host, "POST", "/turn");
    assert_eq!(answer.status(), 503);
    let problem = json_in(&answer);
    assert_eq!(problem["reason"], "host");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("Nothing was sent"), "{detail}");
    assert_eq!(host.take_sent().len(), 0);
}

// --- /journal ---

#[test]
fn the_journal_is_for_the_owner_only() {
    let mut host = Host::new();
    turn_for_hours(&mut host, 1);
    for method in ["GET", "HEAD", "DELETE"] {
        for target in ["/journal", "/journal?limit=0", "/journal?x"] {
            for (headers, challenge) in [
                (None, "Bearer"),
                (Some("Basic x"), "Bearer"),
                (Some("Bearer x"), "Bearer error=\"invalid_token\""),
            ] {
                let mut request = request(method, target);
                if let Some(value) = headers {
                    let value = value.parse().unwrap();
                    request.headers_mut().insert(AUTHORIZATION, value);
                }
                let answer = answer_to(&request, &settings(), &host);
                assert_eq!(answer.status(), 401);
                assert_eq!(answer.headers()["www-authenticate"], challenge);
            }
            let closed = settings_with(&[(TRIGGER_TOKEN, "")]);
            let answer = answer_to(&request(method, target), &closed, &host);
            assert_eq!(answer.status(), 503);
        }
    }
    assert_eq!(host.ledger.entries().len(), 1);
}

#[test]
fn the_journal_tells_what_turns_did() {
    let mut host = Host::new();
    turn_for_hours(&mut host, 1);
    host.reply = Ok(reply(
        401,
        &[],
        r#"{"errors":[{"code":32,"message":"No."}]}"#,
    ));
    owner(&host, "POST", "/turn");
    let answer = owner(&host, "GET", "/journal");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let mut page = json_in(&answer);
    let remedy = page["entries"][0]["remedy"].take();
    assert!(remedy.as_str().unwrap().contains("API_KEY"), "{remedy}");
    assert_eq!(
        page,
        json!({
            "entries": [
                {
                    "id": 2,
                    "trigger": "manual",
                    "scheduled_at": "2026-11-22T03:23:45Z",
                    "sent_at": "2026-11-22T03:23:45Z",
                    "duration_ms": 0,
                    "network": "x",
                    "frame": 0,
                    "frames": 12,
                    "outcome": "refused",
                    "attempts": 1,
                    "network_status": 401,
                    "reason": "credentials",
                    "message": "X answered 401, code 32: No.",
                    "remedy": null,
                },
                {
                    "id": 1,
                    "trigger": "manual",
                    "scheduled_at": "2026-11-22T02:23:45Z",
                    "sent_at": "2026-11-22T02:23:45Z",
                    "duration_ms": 0,
                    "network": "x",
                    "frame": 11,
                    "frames": 12,
                    "outcome": "turned",
                    "attempts": 1,
                    "network_status": 200,
                },
            ],
            "next": null,
        })
    );
}

#[test]
fn the_journal_is_read_a_page_at_a_time_newest_first() {
    let mut host = Host::new();
    turn_for_hours(&mut host, 7);
    let mut target = "/journal?limit=3".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = json_in(&owner(&host, "GET", &target));
        pages.push(ids(&page));
        let Some(next) = page["next"].as_u64() else {
            break;
        };
        target = format!("/journal?limit=3&before={next}");
    }
    assert_eq!(pages, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);

    let page = json_in(&owner(&host, "GET", "/journal?before=4"));
    assert_eq!(ids(&page), [3, 2, 1]);
    assert_eq!(page["next"], Value::Null);
    let page = json_in(&owner(&host, "GET", "/journal?before=1"));
    assert_eq!(page, json!({ "entries": [], "next": null }));
}

#[test]
fn a_page_has_50_entries_unless_another_number_is_asked_for_and_200_at_most() {
    let mut host = Host::new();
    turn_for_hours(&mut host, 210);
    for (target, number, next) in [
        ("/journal", 50, json!(161)),
        ("/journal?limit=1", 1, json!(210)),
        ("/journal?limit=200", 200, json!(11)),
        ("/journal?limit=201", 200, json!(11)),
        ("/journal?limit=70000", 200, json!(11)),
        ("/journal?limit=4294967295", 200, json!(11)),
        ("/journal?limit=200&before=4294967295", 200, json!(11)),
        ("/journal?limit=200&before=11", 10, Value::Null),
    ] {
        let page = json_in(&owner(&host, "GET", target));
        assert_eq!(ids(&page).len(), number, "{target}");
        assert_eq!(page["next"], next, "{target}");
    }
}

#[test]
fn what_the_journal_is_asked_for_has_to_make_sense() {
    for (query, detail) in [
        ("before=0", "`before` has to be a whole number from 1."),
        ("limit=0", "`limit` has to be a whole number from 1."),
        ("limit=-1", "`limit` has to be a whole number from 1."),
        ("limit=", "`limit` has to be a whole number from 1."),
        ("limit=ten", "`limit` has to be a whole number from 1."),
        ("limit=1.5", "`limit` has to be a whole number from 1."),
        (
            "before=4294967296",
            "`before` has to be a whole number from 1.",
        ),
        ("limit=1&limit=2", "`limit` is given more than once."),
        ("after=1", "The query parameters here are: before, limit."),
    ] {
        let answer = owner(&Host::new(), "GET", &format!("/journal?{query}"));
        assert_eq!(answer.status(), 400, "{query}");
        assert_eq!(json_in(&answer)["detail"], detail);
    }
}

#[test]
fn to_delete_the_journal_is_to_forget_all_that_is_known() {
    let mut host = Host::new();
    turn_for_hours(&mut host, 3);
    host.reply = Ok(reply(403, &[], r#"{"errors":[{"code":226}]}"#));
    owner(&host, "POST", "/turn");
    host.take_sent();
    let answer = owner(&host, "DELETE", "/journal?all=true");
    assert_eq!(answer.status(), 400);
    assert_eq!(host.ledger.entries().len(), 4);

    let answer = owner(&host, "DELETE", "/journal");
    assert_eq!(answer.status(), 204);
    assert_eq!(*answer.body(), b"");
    assert_eq!(
        block_on(host.ledger.account_state("x")),
        Ok(AccountState::default())
    );
    assert_eq!(host.ledger.wake_at.get(), None);
    let page = json_in(&owner(&host, "GET", "/journal"));
    assert_eq!(page, json!({ "entries": [], "next": null }));
    // Nothing is known of a pause any more.
    host.reply = Ok(reply(200, &[], USER));
    let answer = owner(&host, "POST", "/turn");
    assert_eq!(json_in(&answer)["outcome"], "turned");
}

#[test]
fn the_schedule_goes_on_when_what_is_known_is_forgotten() {
    let mut host = Host::new();
    let kolkata = settings_with(&[("TIME_ZONE", "Asia/Kolkata")]);
    host.now = instant("2026-11-22T03:00:00Z");
    let at = host.now;
    block_on(on_schedule(&kolkata, &host, &host.ledger, "0 * * * *", at));
    assert_eq!(host.take_sent().len(), 1);
    let half_past = instant("2026-11-22T03:30:00Z");
    assert_eq!(host.ledger.wake_at.get(), Some(half_past));
    let answer = owner_of(&kolkata, &host, "DELETE", "/journal");
    assert_eq!(answer.status(), 204);
    assert_eq!(host.ledger.wake_at.get(), Some(half_past));
    // The slot's turn is the schedule's as before.
    host.now = half_past;
    block_on(on_wake(&kolkata, &host, &host.ledger));
    assert_eq!(host.take_sent().len(), 1);
    let entry = host.ledger.entries().pop().unwrap();
    assert_eq!(
        (&entry["trigger"], &entry["frame"]),
        (&json!("cron"), &json!(9))
    );
    let next = instant("2026-11-22T04:30:00Z");
    assert_eq!(host.ledger.wake_at.get(), Some(next));
}

#[test]
fn a_journal_that_cannot_be_read_or_forgotten_is_unavailable() {
    let host = Host::new();
    host.ledger.is_broken.set(true);
    for method in ["GET", "DELETE"] {
        let answer = owner(&host, method, "/journal");
        assert_eq!(answer.status(), 503);
        let detail = json_in(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("disk I/O error"), "{detail}");
        assert!(detail.contains("Look at the ledger."), "{detail}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_hides_no_other() {
    let mut host = Host::new();
    turn_for_hours(&mut host, 3);
    host.ledger.spoil(2);
    let page = json_in(&owner(&host, "GET", "/journal?limit=3"));
    assert_eq!(ids(&page), [3, 2, 1]);
    assert_eq!(page["entries"][1]["outcome"], "unreadable");
    // The page tells those that can be read.
    let page = page_of(&host, &settings());
    assert_eq!(page.matches("Turned to").count(), 2, "{page}");
}

#[test]
fn an_entry_of_another_version_is_told_as_far_as_it_is_understood() {
    let host = Host::new();
    owner(&host, "POST", "/turn");
    let other = json!({
        "scheduled_at": "2026-11-22T02:23:45Z",
        "outcome": "postponed",
        "frame": "eleven",
        "network": 7,
        "more": [1],
    });
    let other = other.to_string();
    host.ledger.records.borrow_mut().insert(1, other);
    let entry = json_in(&owner(&host, "GET", "/journal"))["entries"][0].clone();
    assert_eq!(
        (&entry["more"], &entry["frame"]),
        (&json!([1]), &json!("eleven"))
    );
    let page = page_of(&host, &settings());
    assert!(page.contains("postponed, the frame."), "{page}");
}

// --- GET /health ---

fn health_of(host: &Host, settings: &Settings) -> (u16, Value) {
    let answer = answer_to(&request("GET", "/health"), settings, host);
    (answer.status().as_u16(), json_in(&answer))
}

#[test]
fn health_is_not_ready_while_turns_are_refused() {
    let mut host = Host::new();
    let body = r#"{"errors":[{"code":89,"message":"Nope."}]}"#;
    host.reply = Ok(reply(401, &[], body));
    assert_eq!(health_of(&host, &settings()).0, 200);
    let settings_now = settings();
    let turn = on_schedule(&settings_now, &host, &host.ledger, "0 * * * *", host.now);
    block_on(turn);
    let (status, health) = health_of(&host, &settings());
    assert_eq!((status, &health["ready"]), (503, &json!(false)));
    let detail = health["detail"].as_str().unwrap();
    let says = "X, at the last try: X answered 401, code 89: Nope.";
    assert!(detail.starts_with(says), "{detail}");
    let diagnosis = &health["troubles"][0];
    assert_eq!(diagnosis["network"], "x");
    assert_eq!(diagnosis["reason"], "credentials");
    assert_eq!(diagnosis["retry_at"], "2026-11-22T03:23:45Z");
    host.reply = Ok(reply(200, &[], USER));
    owner(&host, "POST", "/turn");
    let (status, health) = health_of(&host, &settings());
    assert_eq!((status, &health["troubles"]), (200, &json!([])));
}

#[test]
fn health_is_ready_again_once_the_settings_that_were_refused_are_others() {
    let mut host = Host::new();
    host.reply = Ok(reply(401, &[], ""));
    owner_of(&settings(), &host, "POST", "/turn");
    assert_eq!(health_of(&host, &settings()).0, 503);
    let others = settings_with(&[(API_KEY, "anotherKEY")]);
    let (status, health) = health_of(&host, &others);
    assert_eq!((status, &health["troubles"]), (200, &json!([])));
}

#[test]
fn health_tells_of_a_pause_that_passes_by_itself_and_is_ready() {
    let mut host = Host::new();
    host.reply = Ok(reply(429, &[], ""));
    owner(&host, "POST", "/turn");
    let (status, health) = health_of(&host, &settings());
    assert_eq!(status, 200);
    assert_eq!(health["troubles"][0]["reason"], "rate-limit");
    host.now += chrono::TimeDelta::minutes(16);
    assert_eq!(health_of(&host, &settings()).1["troubles"], json!([]));
}

#[test]
fn health_looks_at_settings_and_frames_as_they_are_now() {
    let mut host = Host::new();
    let unset = settings_with(&[(API_KEY, "")]);
    owner_of(&unset, &host, "POST", "/turn");
    assert_eq!(health_of(&host, &unset).0, 503);
    // They have been set since, and no turn has been made.
    assert_eq!(health_of(&host, &settings()).0, 200);
    host.remove(CURRENT_KEY);
    assert_eq!(health_of(&host, &settings()).0, 503);
}

#[test]
fn where_what_is_known_cannot_be_read_neither_health_nor_the_page_says_all_is_well() {
    let host = Host::new();
    host.ledger.is_broken.set(true);
    let (status, health) = health_of(&host, &settings());
    assert_eq!((status, &health["ready"]), (503, &json!(false)));
    let detail = health["detail"].as_str().unwrap();
    assert!(detail.contains("disk I/O error"), "{detail}");
    let page = page_of(&host, &settings());
    assert!(page.contains("disk I/O error"), "{page}");
    assert!(page.contains("Look at the ledger."), "{page}");
}

#[test]
fn what_could_not_be_read_is_told_once_and_seen_for_a_day_and_turning_goes_on() {
    let mut host = Host::new();
    let kept = br#"{"refusals":"many","wake_at":null}"#;
    let (unread, _) = AccountState::read(kept, "It is kept aside.");
    let account_states = host.ledger.account_states.get_mut();
    account_states.insert("x".to_owned(), unread);
    let is_seen = |host: &Host| {
        let (status, health) = health_of(host, &settings());
        assert_eq!(status, 200, "it can turn: {health}");
        let is_seen = !health["troubles"].as_array().unwrap().is_empty();
        let page = page_of(host, &settings());
        // The entry in the journal says so too.
        let told = page.matches("Not understood: `refusals`").count();
        assert!(!is_seen || told > 0, "{page}");
        is_seen
    };
    assert!(is_seen(&host));
    // A dry run tells nobody.
    owner(&host, "POST", "/turn?dry_run=true");
    assert_eq!(host.take_told(), Vec::<String>::new());
    for hour in 0..25 {
        let answer = owner(&host, "POST", "/turn");
        assert_eq!(json_in(&answer)["outcome"], "turned");
        assert_eq!(host.take_told().len(), usize::from(hour == 0), "{hour}");
        assert_eq!(is_seen(&host), hour < 24, "{hour}");
        host.now += chrono::TimeDelta::hours(1);
    }
    let entries = host.ledger.entries();
    let count = |outcome| {
        let entries = entries.iter();
        entries.filter(|entry| entry["outcome"] == outcome).count()
    };
    assert_eq!((count("unread"), count("turned")), (1, 25));
    assert_eq!(entries[0]["reason"], "host");
    let remedy = entries[0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("It is kept aside."), "{remedy}");
}

// --- GET / ---

#[test]
fn the_page_is_there_for_everyone_with_a_policy_of_its_own() {
    let host = Host::new();
    for settings in [
        settings(),
        settings_with(&[(TRIGGER_TOKEN, "")]),
        settings_with_webhook(),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = answer_to(&request(method, "/"), &settings, &host);
            assert_eq!(answer.status(), 200);
            let headers = answer.headers();
            assert_eq!(headers["content-type"], "text/html; charset=utf-8");
            assert_eq!(headers["content-security-policy"], crate::web::page::POLICY);
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert!(!headers.contains_key(LOCATION));
        }
    }
    assert_eq!(
        answer_to(&request("GET", "/?x"), &settings(), &host).status(),
        400
    );
    assert_eq!(
        answer_to(&request("POST", "/"), &settings(), &host).status(),
        405
    );
    assert_eq!(host.take_sent().len(), 0);
}

/// The page as text.
fn page_of(host: &Host, settings: &Settings) -> String {
    let answer = answer_to(&request("GET", "/"), settings, host);
    assert_eq!(answer.status(), 200);
    String::from_utf8(answer.into_body()).unwrap()
}

#[test]
fn the_page_says_what_is_wrong_until_it_works_again() {
    let mut host = Host::new();
    host.reply = Ok(reply(
        401,
        &[],
        r#"{"errors":[{"code":32,"message":"Nope."}]}"#,
    ));
    let before = page_of(&host, &settings());
    assert!(!before.contains("Nope."), "{before}");
    owner(&host, "POST", "/turn");
    let page = page_of(&host, &settings());
    assert!(page.contains("X answered 401, code 32: Nope."), "{page}");
    assert!(page.contains("Copy them again"), "{page}");
    host.reply = Ok(reply(200, &[], USER));
    owner(&host, "POST", "/turn");
    assert!(!page_of(&host, &settings()).contains("Nope."));
}

/// The instant that the page counts down to, and the words before it.
fn next_on(host: &Host, settings: &Settings) -> (String, String) {
    let page = page_of(host, settings);
    let (before, rest) = page.split_once("<time id=\"next\" datetime=\"").unwrap();
    let (_, words) = before.rsplit_once('>').unwrap();
    let (instant, _) = rest.split_once('"').unwrap();
    (words.trim().to_owned(), instant.to_owned())
}

#[test]
fn the_page_tells_the_next_turn_that_comes_by_itself() {
    let mut host = Host::new();
    let kolkata = settings_with(&[("TIME_ZONE", "Asia/Kolkata")]);
    let says = |words: &str, time: &str| (words.to_owned(), format!("2026-11-22T{time}Z"));
    let healthy = |host: &Host| json_in(&answer_to(&request("GET", "/health"), &kolkata, host));
    // Nothing turns by itself before a cron has fired.
    assert_eq!(healthy(&host)["next_turn"], Value::Null);
    let due = says("The next frame is due at", "02:30:00");
    assert_eq!(next_on(&host, &kolkata), due);
    assert!(page_of(&host, &kolkata).contains("No cron has fired lately"));

    host.now = instant("2026-11-22T03:00:00Z");
    let turn = on_schedule(&kolkata, &host, &host.ledger, "0 * * * *", host.now);
    block_on(turn);
    for (zone, time) in [("Asia/Kolkata", "03:30:00"), ("Asia/Tokyo", "04:00:00")] {
        let settings = settings_with(&[("TIME_ZONE", zone)]);
        assert_eq!(next_on(&host, &settings), says("Next turn at", time));
        assert!(!page_of(&host, &settings).contains("No cron"));
    }

    assert_eq!(healthy(&host)["next_turn"], "2026-11-22T03:30:00Z");

    // What is left alone has its turn later, and the others do not wait for it.
    let mut account_state = block_on(host.ledger.account_state("x")).unwrap();
    account_state.hold = Some(Hold {
        until: instant("2026-11-22T03:50:00Z"),
        kind: HoldKind::Pause,
        diagnosis: Diagnosis::new(Reason::RateLimit, "No.", "Wait."),
    });
    block_on(host.ledger.keep("x", &account_state, None)).unwrap();
    assert_eq!(next_on(&host, &kolkata), says("Next turn at", "03:50:00"));
    let all = settings_of_all_networks(&[("TIME_ZONE", "Asia/Kolkata")]);
    assert_eq!(next_on(&host, &all), says("Next turn at", "03:30:00"));
    // Not for ever.
    account_state.hold.as_mut().unwrap().until = instant("2041-01-01T00:00:00Z");
    block_on(host.ledger.keep("x", &account_state, None)).unwrap();
    assert_eq!(next_on(&host, &kolkata), says("Next turn at", "03:30:00"));

    // The cron has been switched off.
    host.now = instant("2026-11-22T05:10:00Z");
    let due = says("The next frame is due at", "05:30:00");
    assert_eq!(next_on(&host, &kolkata), due);
}

#[test]
fn the_page_is_there_whatever_is_missing() {
    let unset = settings_with(&[(API_KEY, "")]);
    let mut host = Host::new();
    let page = page_of(&host, &unset);
    assert!(page.contains("not set: API_KEY"), "{page}");

    host.ledger.is_broken.set(true);
    page_of(&host, &settings());
    host.ledger.is_broken.set(false);

    host.reply = Err(SendError::Timeout);
    owner(&host, "POST", "/turn");
    let page = page_of(&host, &settings());
    assert!(page.contains("X did not answer"), "{page}");

    host.remove(CURRENT_KEY);
    let page = page_of(&host, &settings());
    assert!(page.contains("There is no icon yet."), "{page}");
    host.store(CURRENT_KEY, "garbage");
    page_of(&host, &settings());
    host.fail_to_read(CURRENT_KEY);
    page_of(&host, &unset);
    host.ledger.spoil(1);
    page_of(&host, &unset);
}

#[test]
fn who_may_not_ask_is_turned_away_before_anyone_looks_at_the_account() {
    let host = Host::new();
    for (method, target, status) in [
        ("POST", "/turn", 401),
        ("GET", "/turn", 405),
        ("GET", "/journal", 401),
        ("PUT", "/journal", 405),
        ("POST", "/", 405),
        ("GET", "/?x", 400),
    ] {
        let request = request(method, target);
        let handled = block_on(respond(&request, &NoBody, settings, &host));
        let Handled::Answer(answer) = handled else {
            panic!("it is answered");
        };
        assert_eq!(answer.status(), status, "{method} {target}");
    }
    let page = request("GET", "/owner");
    let handled = block_on(respond(&page, &NoBody, settings, &host));
    assert!(matches!(handled, Handled::Owner), "{handled:?}");
}
