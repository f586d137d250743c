use std::collections::BTreeSet;

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::account::journal::Trigger;
use crate::account::state::{AccountState, HoldKind, KnownSet};
use crate::account::wake::{on_schedule, on_wake};
use crate::frames::set::CURRENT_KEY;
use crate::network::x::{
    ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_BASE_URL, API_KEY, API_KEY_SECRET, X_BODY,
};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::SendError;
use crate::schedule::settings::{DIRECTION, PERIOD, TIME_ZONE};
use crate::schedule::{FrameCount, Schedule};
use crate::testing::{
    Host, KEYS, assert_no_secret_in, block_on, frame_bytes, frame_of_size, frame_set, instant,
    reply, settings, settings_with, settings_with_webhook,
};

mod between_events;
mod clock_changes;
mod networks;
mod over_time;
mod own_clock;

/// Makes the turn that is due now.
fn turn_now(settings: &Settings, host: &Host) -> Report {
    turn_by(
        settings,
        host,
        &TurnRequest::due_at(host.now, Trigger::Cron),
    )
}

/// Makes a turn, and checks that its report holds no secret.
fn turn_by(settings: &Settings, host: &Host, turn_request: &TurnRequest) -> Report {
    let report = only(block_on(turn(settings, host, &host.ledger, turn_request)));
    let entry = host.take_only_entry();
    assert_eq!(entry["outcome"], report.outcome.name());
    assert_no_secret_in(&entry.to_string());
    assert_no_secret_in(&format!("{report:?}"));
    assert_no_secret_in(&format!("{report:#?}"));
    assert_no_secret_in(&to_json(&report).to_string());
    report
}

/// The report of the only network that is set up.
fn only(reports: Vec<Report>) -> Report {
    let [report] = reports.try_into().expect("one network");
    report
}

fn to_json(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

fn refused(report: &Report) -> &Diagnosis {
    match &report.outcome {
        Outcome::Refused(diagnosis) => diagnosis,
        other => panic!("{other:?} instead of a refusal"),
    }
}

/// The frame in a multipart body: the bytes between the part's header and the end.
fn frame_in(request: &Request<Vec<u8>>) -> Vec<u8> {
    let body = request.body();
    let blank_line = b"\r\n\r\n";
    let end_of_head = body.windows(4).position(|bytes| bytes == blank_line);
    let part = body[end_of_head.unwrap()..].strip_prefix(blank_line);
    let (_, boundary) = request.headers()["content-type"]
        .to_str()
        .unwrap()
        .split_once("boundary=")
        .unwrap();
    let tail = format!("\r\n--{boundary}--\r\n");
    part.unwrap()
        .strip_suffix(tail.as_bytes())
        .unwrap()
        .to_vec()
}

/// The keys of frames of [`frame_set`], and the key of the current set.
fn keys(frames: impl IntoIterator<Item = u16>) -> BTreeSet<String> {
    let frames = frames.into_iter().map(|n| frame_set().frame_key(n));
    frames.chain([CURRENT_KEY.to_owned()]).collect()
}

#[test]
fn the_frame_that_is_due_is_sent_as_it_is_stored() {
    let host = Host::new();
    // In Japan it is 11:23:45.
    let report = turn_now(&settings(), &host);
    assert_eq!(report.outcome, Outcome::Turned);
    assert_eq!(report.frame, Some(11));
    let request = host.take_only_sent();
    assert_eq!(frame_in(&request), frame_bytes(11));
    assert_eq!(
        request.uri(),
        "https://api.x.com/1.1/account/update_profile_image.json"
    );
}

#[test]
fn an_order_for_a_stretch_that_is_over_sends_the_frame_of_the_present() {
    let host = Host::new();
    // The turn that was due at three o'clock is asked for at 11:23:45.
    let turn_request = TurnRequest::due_at(instant("2026-11-21T18:00:00Z"), Trigger::Cron);
    let report = turn_by(&settings(), &host, &turn_request);
    assert_eq!(report.frame, Some(11));
    assert_eq!(frame_in(&host.take_only_sent()), frame_bytes(11));
}

#[test]
fn an_order_ahead_of_the_clock_keeps_its_frame_and_the_signature_is_of_the_clock() {
    let host = Host::new();
    // At 11:23:45, the turn that is due at noon is asked for.
    let turn_request = TurnRequest::due_at(instant("2026-11-22T03:00:00Z"), Trigger::Cron);
    let report = turn_by(&settings(), &host, &turn_request);
    assert_eq!(report.frame, Some(0));
    let request = host.take_only_sent();
    assert_eq!(frame_in(&request), frame_bytes(0));
    let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
    let timestamp = format!("oauth_timestamp=\"{}\"", host.now.timestamp());
    assert!(authorization.contains(&timestamp), "{authorization}");
}

#[test]
fn the_schedule_is_the_settings_one() {
    for (zone, period, direction, frame) in [
        // 02:23:45, 21:23:45 and 08:08:45.
        ("UTC", "12h", "clockwise", 2),
        ("America/New_York", "12h", "clockwise", 9),
        ("Asia/Kathmandu", "24h", "clockwise", 4),
        ("UTC", "1h", "clockwise", 4),
        ("UTC", "12h", "counterclockwise", 10),
    ] {
        let host = Host::new();
        let settings = settings_with(&[
            (TIME_ZONE.name, zone),
            (PERIOD.name, period),
            (DIRECTION.name, direction),
        ]);
        let report = turn_now(&settings, &host);
        assert_eq!(report.frame, Some(frame), "{zone} {period} {direction}");
        assert_eq!(frame_in(&host.take_only_sent()), frame_bytes(frame));
    }
}

#[test]
fn a_frame_that_is_asked_for_goes_before_the_one_that_is_due() {
    let host = Host::new();
    for n in 0..12 {
        let turn_request = TurnRequest {
            frame: Some(n),
            ..TurnRequest::due_at(host.now, Trigger::Cron)
        };
        let report = turn_by(&settings(), &host, &turn_request);
        assert_eq!(report.outcome, Outcome::Turned);
        assert_eq!(report.frame, Some(n));
        assert_eq!(frame_in(&host.take_only_sent()), frame_bytes(n));
    }
}

#[test]
fn the_body_has_the_form_that_is_set() {
    let host = Host::new();
    turn_now(&settings_with(&[(X_BODY.name, "form")]), &host);
    let request = host.take_only_sent();
    assert_eq!(
        request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    let (_, image) = form_urlencoded::parse(request.body()).next().unwrap();
    let image = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &*image);
    assert_eq!(image.unwrap(), frame_bytes(11));
    assert!(
        request.body().starts_with(b"image=%2F9j%2F"),
        "percent-encoded"
    );
}

#[test]
fn every_turn_is_signed_anew() {
    let host = Host::new();
    for _ in 0..2 {
        let turn_request = TurnRequest {
            force: true,
            ..TurnRequest::due_at(host.now, Trigger::Manual)
        };
        turn_by(&settings(), &host, &turn_request);
    }
    let stamps: Vec<Vec<String>> = host
        .take_sent()
        .iter()
        .map(|request| {
            let authorization = request.headers()[AUTHORIZATION].to_str().unwrap();
            authorization
                .split(", ")
                .filter(|part| part.contains("oauth_nonce=") || part.contains("oauth_signature="))
                .map(ToOwned::to_owned)
                .collect()
        })
        .collect();
    let [first, second] = stamps.try_into().unwrap();
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], second[0]);
    assert_ne!(first[1], second[1]);
}

#[test]
fn a_report_of_a_turn_tells_frame_and_status() {
    assert_eq!(
        to_json(&turn_now(&settings(), &Host::new())),
        json!({
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "turned",
            "attempts": 1,
            "network_status": 200,
        })
    );
}

#[test]
fn a_report_of_a_retry_tells_why_and_until_when() {
    let mut host = Host::new();
    host.reply = Ok(reply(
        429,
        &[("x-rate-limit-reset", "1795314900")],
        r#"{"errors":[{"code":88,"message":"Rate limit exceeded."}]}"#,
    ));
    assert_eq!(
        to_json(&turn_now(&settings(), &host)),
        json!({
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "retry",
            "attempts": 1,
            "network_status": 429,
            "reason": "rate-limit",
            "message": "X answered 429, code 88: Rate limit exceeded.",
            "remedy": "Too many requests for now. Nothing to do but wait; if it returns, see \
                       what else uses the app's keys.",
            "retry_at": "2026-11-22T02:35:00Z",
        })
    );
}

#[test]
fn a_report_of_a_refusal_tells_why_and_what_to_do() {
    let mut host = Host::new();
    host.reply = Ok(reply(
        403,
        &[],
        r#"{"errors":[{"code":453,"message":"A subset only."}]}"#,
    ));
    assert_eq!(
        to_json(&turn_now(&settings(), &host)),
        json!({
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "refused",
            "attempts": 1,
            "network_status": 403,
            "reason": "access",
            "message": "X answered 403, code 453: A subset only.",
            "remedy": "The app's access level does not include this call: X has said that it takes a \
                       paid one. Raise the level in the developer portal, or use an app that has \
                       it. It is not asked again before 2026-11-22T03:23:45Z; to ask now, knock.",
            "retry_at": "2026-11-22T03:23:45Z",
        })
    );
}

#[test]
fn a_dry_run_does_everything_but_send() {
    let host = Host::new();
    let turn_request = TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(host.now, Trigger::Cron)
    };
    let mut report = to_json(&turn_by(&settings(), &host, &turn_request));
    // Only X can say whose account it is: each version of its API is asked.
    let sent = host.take_sent();
    assert!(sent.len() == 2 && sent.iter().all(|sent| sent.method() == "GET"));

    // The boundary differs each time.
    let content_type = report["would_send"]["headers"][1][1].take();
    let (kind, boundary) = content_type.as_str().unwrap().split_once("; ").unwrap();
    assert_eq!(kind, "multipart/form-data");
    assert_eq!(boundary.len(), "boundary=".len() + 32);
    assert_eq!(
        report,
        json!({
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "dry-run",
            "attempts": 0,
            "network_status": null,
            "would_send": {
                "method": "POST",
                "url": "https://api.x.com/1.1/account/update_profile_image.json",
                "headers": [
                    ["authorization", "OAuth (signed, not shown)"],
                    ["content-type", null],
                ],
                "body_bytes": 172 + frame_bytes(11).len(),
                "frame_bytes": frame_bytes(11).len(),
            },
            "account": "XAPI",
        })
    );
}

#[test]
fn a_dry_run_shows_no_secret_in_any_form_of_body() {
    let host = Host::new();
    for body in ["multipart", "form"] {
        let turn_request = TurnRequest {
            frame: Some(5),
            dry_run: true,
            force: false,
            ..TurnRequest::due_at(host.now, Trigger::Cron)
        };
        let settings = settings_with(&[(X_BODY.name, body)]);
        let report = turn_by(&settings, &host, &turn_request);
        assert_eq!(report.outcome.name(), "dry-run");
        assert_eq!(report.frame, Some(5));
    }
    assert!(host.take_sent().iter().all(|sent| sent.method() == "GET"));
}

#[test]
fn a_dry_run_is_refused_as_the_turn_would_be_by_a_network_that_does_not_take_the_keys() {
    let turn_request = TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(Host::new().now, Trigger::Manual)
    };
    for (status, code, reason) in [
        (401, 32, Some(Reason::Credentials)),
        (403, 64, Some(Reason::Account)),
        // Both versions are closed to the app.
        (403, 453, Some(Reason::Access)),
        // A failure that passes says nothing of the account.
        (429, 88, None),
        (503, 130, None),
    ] {
        let mut host = Host::new();
        let body = json!({ "errors": [{ "code": code, "message": "No." }] });
        host.reply = Ok(reply(status, &[], body.to_string()));
        let report = turn_by(&settings(), &host, &turn_request);
        match (&report.outcome, reason) {
            (Outcome::Refused(diagnosis), Some(reason)) => assert_eq!(diagnosis.reason, reason),
            (Outcome::DryRun(preview), None) => {
                let unchecked = preview.unchecked.as_deref().unwrap();
                assert!(unchecked.contains("No."), "{unchecked}");
                assert_eq!(to_json(&report)["unchecked"], unchecked);
            }
            (other, _) => panic!("{other:?} at {status}"),
        }
        // It is not a turn.
        assert_eq!(
            block_on(host.ledger.account_state("x")),
            Ok(AccountState::default())
        );
    }
}

#[test]
fn a_dry_run_is_refused_to_an_app_that_may_only_read() {
    let turn_request = TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(Host::new().now, Trigger::Manual)
    };
    let mut host = Host::new();
    for (level, may_write) in [
        ("read", false),
        ("read-write", true),
        ("read-write-directmessages", true),
    ] {
        host.reply = Ok(reply(
            200,
            &[("x-access-level", level)],
            crate::testing::USER,
        ));
        let report = turn_by(&settings(), &host, &turn_request);
        if may_write {
            assert_eq!(report.outcome.name(), "dry-run");
        } else {
            assert_eq!(refused(&report).reason, Reason::Access);
            assert!(refused(&report).remedy.contains("Read and Write"));
        }
    }
}

#[test]
fn a_dry_run_in_a_pause_asks_nobody() {
    let mut host = Host::new();
    host.reply = Ok(reply(429, &[], ""));
    turn_now(&settings(), &host);
    host.take_sent();
    let turn_request = TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(host.now, Trigger::Manual)
    };
    let report = turn_by(&settings(), &host, &turn_request);
    let Outcome::DryRun(preview) = &report.outcome else {
        panic!("{report:?}");
    };
    assert!(preview.unchecked.is_some() && preview.account.is_none());
    assert_eq!(host.take_sent().len(), 0);
}

#[test]
fn a_dry_run_finds_what_a_turn_would_stumble_over() {
    let mut host = Host::new();
    host.remove(&frame_set().frame_key(11));
    let turn_request = TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(host.now, Trigger::Cron)
    };
    let report = turn_by(&settings(), &host, &turn_request);
    assert_eq!(refused(&report).reason, Reason::Frames);
}

#[test]
fn settings_that_are_missing_or_wrong_are_all_named() {
    let host = Host::new();
    let settings = settings_with(&[
        (API_KEY, ""),
        (API_KEY_SECRET, ""),
        (ACCESS_TOKEN, ""),
        (ACCESS_TOKEN_SECRET, ""),
        // A secret in the wrong place.
        (API_BASE_URL.name, "tSECRETtSECRET+/"),
        (PERIOD.name, "kSECRETkSECRET+/"),
    ]);
    let report = turn_now(&settings, &host);
    assert_eq!(
        to_json(&report),
        json!({
            "network": "x",
            "frame": null,
            "frames": null,
            "outcome": "refused",
            "attempts": 0,
            "network_status": null,
            "reason": "settings",
            "message": "The settings are incomplete: not set: API_KEY, API_KEY_SECRET, \
                        ACCESS_TOKEN, ACCESS_TOKEN_SECRET; PERIOD has to be a period that \
                        divides a day, such as 12h, 24h, 1h, 1h30m or 20m, or 7d for a week; API_BASE_URL has to \
                        be an https:// URL without path (http:// only for localhost).",
            "remedy": "Set what is named.",
        })
    );
    assert_eq!(host.take_sent().len(), 0);
}

/// Makes the turn that is due, and expects it to be refused because of the frames before anything
/// is sent.
fn refused_for_the_frames(host: &Host) -> Report {
    refused_before_sending(host, Reason::Frames)
}

fn refused_before_sending(host: &Host, reason: Reason) -> Report {
    let report = turn_now(&settings(), host);
    let diagnosis = refused(&report);
    assert_eq!(diagnosis.reason, reason);
    assert!(diagnosis.remedy.starts_with("Publish"), "{diagnosis:?}");
    assert_eq!(report.network_status, None);
    assert_eq!(host.take_sent().len(), 0);
    report
}

#[test]
fn without_a_frame_set_there_is_no_turn() {
    let mut host = Host::new();
    host.remove(CURRENT_KEY);
    let report = refused_before_sending(&host, Reason::NoIcon);
    assert_eq!(refused(&report).message, "There is no icon yet.");
    assert_eq!((report.frame, report.frames), (None, None));
}

#[test]
fn what_is_no_frame_set_is_not_taken_for_one() {
    for garbage in [
        &b""[..],
        b"{}",
        b"null",
        b"\xff\xfe",
        b"<html>",
        br#"{"id":"../../secrets","frames":12,"media_type":"image/jpeg"}"#,
        br#"{"id":"0123456789abcdef0123456789abcdef","frames":0,"media_type":"image/jpeg"}"#,
    ] {
        let mut host = Host::new();
        host.store(CURRENT_KEY, garbage);
        let report = refused_for_the_frames(&host);
        let message = &refused(&report).message;
        assert!(
            message.starts_with("What is stored under `current` is no frame set: "),
            "{message}"
        );
        assert_eq!((report.frame, report.frames), (None, None));
    }
}

#[test]
fn a_frame_that_is_missing_from_the_store_is_named() {
    let mut host = Host::new();
    host.remove(&frame_set().frame_key(11));
    let report = refused_for_the_frames(&host);
    assert_eq!(
        refused(&report).message,
        "Frame 11 of 12 is missing from the store, and an album has no icon to render it from."
    );
    assert_eq!((report.frame, report.frames), (Some(11), Some(12)));
}

#[test]
fn a_frame_outside_the_set_is_refused() {
    let host = Host::new();
    for n in [12, 13, u16::MAX] {
        let turn_request = TurnRequest {
            frame: Some(n),
            ..TurnRequest::due_at(host.now, Trigger::Cron)
        };
        let report = turn_by(&settings(), &host, &turn_request);
        let diagnosis = refused(&report);
        assert_eq!(diagnosis.reason, Reason::NoSuchFrame);
        assert_eq!(
            diagnosis.message,
            format!("There is no frame {n}: the current set has 12.")
        );
        assert_eq!((report.frame, report.frames), (None, Some(12)));
    }
    assert_eq!(host.take_sent().len(), 0);
}

#[test]
fn a_frame_that_is_larger_than_x_takes_is_not_sent() {
    for bytes in [512_001, 2_000_000] {
        let mut host = Host::new();
        host.store(&frame_set().frame_key(11), frame_of_size(bytes));
        let report = refused_for_the_frames(&host);
        assert_eq!(
            refused(&report).message,
            format!("Frame 11 has {bytes} bytes; X takes from 1 to 512000.")
        );
    }
}

#[test]
fn a_frame_as_large_as_x_takes_is_sent() {
    let mut host = Host::new();
    host.store(&frame_set().frame_key(11), frame_of_size(512_000));
    assert_eq!(turn_now(&settings(), &host).outcome, Outcome::Turned);
    assert_eq!(frame_in(&host.take_only_sent()).len(), 512_000);
}

#[test]
fn what_is_no_picture_of_the_set_s_format_is_not_sent() {
    let whole = frame_bytes(11);
    for (stored, says) in [
        (Vec::new(), "has 0 bytes"),
        (
            b"<html>".to_vec(),
            "is stored as something else than image/jpeg",
        ),
        (
            whole[..whole.len() - 1].to_vec(),
            "is stored as something else",
        ),
        (
            [&whole, b"more".as_slice()].concat(),
            "is stored as something else",
        ),
        (vec![0xff, 0xd8, 0xff, 0xd9], "is stored as something else"),
        (png_of_a_pixel(), "is stored as something else"),
    ] {
        let mut host = Host::new();
        host.store(&frame_set().frame_key(11), stored);
        let report = refused_for_the_frames(&host);
        let message = &refused(&report).message;
        assert!(
            message.starts_with(&format!("Frame 11 of 12 {says}")),
            "{message}"
        );
    }
}

fn png_of_a_pixel() -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = png::Encoder::new(&mut file, 1, 1).write_header().unwrap();
    writer.write_image_data(&[0]).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn a_store_that_fails_is_named_and_nothing_is_sent() {
    for (key, frame, frames) in [
        (CURRENT_KEY.to_owned(), None, None),
        (frame_set().frame_key(11), Some(11), Some(12)),
    ] {
        let mut host = Host::new();
        host.fail_to_read(&key);
        let report = turn_now(&settings(), &host);
        let diagnosis = refused(&report);
        assert_eq!(diagnosis.reason, Reason::Host);
        assert_eq!(
            diagnosis.message,
            "The store could not be read: KV GET failed: 500 Internal Error."
        );
        assert_eq!(diagnosis.remedy, "Look at the store.");
        assert_eq!((report.frame, report.frames), (frame, frames));
        assert_eq!(host.take_sent().len(), 0);
    }
}

#[test]
fn no_answer_is_tried_again_a_minute_later() {
    for (error, message) in [
        (
            SendError::Timeout,
            "X did not answer: no complete reply within 20 s.",
        ),
        (
            SendError::Connection("Network connection lost".to_owned()),
            "X did not answer: the connection failed: Network connection lost.",
        ),
        (
            SendError::TooLarge,
            "X did not answer: the reply is larger than 1000000 bytes.",
        ),
    ] {
        let mut host = Host::new();
        host.reply = Err(error);
        let report = turn_now(&settings(), &host);
        // A little more than a minute: the jitter spreads the attempts of many accounts.
        let wait = report.retry_at.unwrap() - host.now;
        assert!((60..=72).contains(&wait.num_seconds()), "{wait}");
        let mut report = to_json(&report);
        report["retry_at"].take();
        assert_eq!(
            report,
            json!({
                "network": "x",
                "frame": 11,
                "frames": 12,
                "outcome": "retry",
                "attempts": 1,
                "network_status": null,
                "reason": "transient",
                "message": message,
                "remedy": "Nothing to do if it passes. If it stays, check API_BASE_URL and see \
                           whether X reports a problem.",
                "retry_at": null,
            })
        );
        assert_eq!(host.take_sent().len(), 1);
    }
}

#[test]
fn a_reply_is_never_followed_by_a_second_request() {
    for status in [302, 401, 403, 429, 500, 503] {
        let mut host = Host::new();
        host.reply = Ok(reply(
            status,
            &[("location", "https://elsewhere.test/")],
            "",
        ));
        let report = turn_now(&settings(), &host);
        assert_eq!(report.network_status, Some(status));
        assert_ne!(report.outcome, Outcome::Turned);
        assert_eq!(host.take_sent().len(), 1);
    }
}

#[test]
fn the_status_in_a_report_is_the_reply_s() {
    let mut host = Host::new();
    let mut strange = reply(200, &[], "");
    *strange.status_mut() = StatusCode::from_u16(999).unwrap();
    host.reply = Ok(strange);
    let report = turn_now(&settings(), &host);
    assert_eq!(report.network_status, Some(999));
    assert_eq!(refused(&report).reason, Reason::UnexpectedReply);
}

#[test]
fn a_reply_that_repeats_what_it_was_sent_gives_no_secret_away() {
    for (status, media_type) in [(403, "text/html"), (401, "application/json"), (503, "")] {
        let mut host = Host::new();
        let echo = KEYS.map(|(_, secret)| secret).join(" and ");
        let body = json!({ "errors": [{ "code": 32, "message": echo }] }).to_string();
        host.reply = Ok(reply(status, &[("content-type", media_type)], body));
        let report = turn_now(&settings(), &host);
        let message = &report.outcome.diagnosis().unwrap().message;
        assert!(message.contains("(hidden) and (hidden)"), "{message}");
    }
}

#[test]
fn the_log_gets_one_entry_a_turn_with_all_the_report_says_and_the_journal_the_same() {
    let mut host = Host::new();
    host.reply_time = TimeDelta::milliseconds(1234);
    let turn_request = TurnRequest::due_at(instant("2026-11-22T02:00:00Z"), Trigger::Cron);
    block_on(turn(&settings(), &host, &host.ledger, &turn_request));
    let entry = json!({
        "event": "turn",
        "trigger": "cron",
        "scheduled_at": "2026-11-22T02:23:45Z",
        "sent_at": "2026-11-22T02:23:46.234Z",
        "duration_ms": 1234,
        "network": "x",
        "frame": 11,
        "frames": 12,
        "outcome": "turned",
        "attempts": 1,
        "network_status": 200,
    });
    assert_eq!(host.take_only_entry(), entry);
    assert_eq!(host.ledger.entries(), [entry]);
}

#[test]
fn a_dry_run_leaves_ledger_and_owner_alone() {
    let mut host = Host::new();
    let turn_request = TurnRequest {
        dry_run: true,
        ..TurnRequest::due_at(host.now, Trigger::Manual)
    };
    let settings = settings_with_webhook();
    turn_by(&settings, &host, &turn_request);
    host.remove(CURRENT_KEY);
    let report = turn_by(&settings, &host, &turn_request);
    assert_eq!(refused(&report).reason, Reason::NoIcon);
    // It does not need the ledger either.
    host.ledger.is_broken.set(true);
    turn_by(&settings, &host, &turn_request);
    host.ledger.is_broken.set(false);
    assert_eq!(
        block_on(host.ledger.account_state("x")),
        Ok(AccountState::default())
    );
    assert_eq!(host.ledger.entries(), [Value::Null; 0]);
    assert_eq!(host.take_told(), [""; 0]);
}
