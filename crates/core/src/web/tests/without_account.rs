use std::io::Cursor;

use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, Method, Request, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::account::settings::{Settings, TRIGGER_TOKEN};
use crate::frames::options::{Rendering, Shape};
use crate::frames::render::{Icon, Recipe};
use crate::frames::set::{CURRENT_KEY, FrameSet};
use crate::network::x::{ACCESS_TOKEN, API_KEY};
use crate::ports::{SendError, UploadError};
use crate::schedule::FrameCount;
use crate::schedule::settings::PERIOD;
use crate::testing::{
    Host, KEYS, NoBody, Sent, TRIGGER, assert_no_secret_in, block_on, frame_bytes, frame_of_size,
    frame_set, instant, reply, settings, settings_of_all_networks, settings_with,
};
use crate::web::tests::respond_under;
use crate::web::{Answer, Handled, respond};
use picture::{Colour, Crop, Limits, PictureError};
use pixels::rotation::Kernel;

const BEARER: (&str, &str) = ("authorization", "Bearer correct-horse-battery-staple");

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// Answers a request whose body must not be read.
fn answer_with(request: &Request<()>, settings: &Settings, host: &Host) -> Answer {
    checked(block_on(async {
        match respond(request, &NoBody, || settings, host).await {
            Handled::Answer(answer) => answer,
            // Of a service that is not open, the owner's account answers those for browsers.
            _ => respond_under(settings, request, host).await,
        }
    }))
}

/// The answer to a request that needs no account.
fn answered(handled: Handled) -> Answer {
    match handled {
        Handled::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// Looks at what every answer has to have.
fn checked(answer: Answer) -> Answer {
    let headers = answer.headers();
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let is_of_a_set = headers.contains_key("etag");
    let caching = if is_of_a_set {
        "public, max-age=60"
    } else {
        "no-store"
    };
    assert_eq!(headers["cache-control"], caching);
    assert_no_secret_in(&String::from_utf8_lossy(answer.body()));
    assert_no_secret_in(&format!("{headers:?}"));
    if answer.status().is_client_error() || answer.status().is_server_error() {
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["cache-control"], "no-store");
        let problem = json_in(&answer);
        assert_eq!(problem["status"], answer.status().as_u16());
        assert_eq!(
            problem["title"].as_str(),
            answer.status().canonical_reason()
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    answer
}

fn answer(method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    answer_with(&request(method, target, headers), &settings(), &Host::new())
}

fn json_in(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn detail_in(answer: &Answer) -> String {
    json_in(answer)["detail"].as_str().unwrap().to_owned()
}

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW",
];

#[test]
fn each_path_answers_to_its_own_methods_only() {
    for (path, allow) in [
        ("/", "GET, HEAD"),
        ("/turn", "POST"),
        ("/journal", "GET, HEAD, DELETE"),
        ("/icon", "PUT"),
        ("/health", "GET, HEAD"),
        ("/frames/0", "GET, HEAD"),
        ("/frames/9999", "GET, HEAD"),
    ] {
        for method in METHODS {
            // Without the token, so that no body is asked for.
            let answer = answer(method, path, &[]);
            if allow.split(", ").any(|allowed| allowed == method) {
                assert_ne!(answer.status(), 405, "{method} {path}");
            } else {
                assert_eq!(answer.status(), 405, "{method} {path}");
                assert_eq!(answer.headers()["allow"], allow);
                assert_eq!(
                    detail_in(&answer),
                    format!("{path} answers to {allow} only.")
                );
            }
        }
    }
}

#[test]
fn a_method_is_what_it_is_in_upper_case() {
    assert_eq!(answer("post", "/turn", &[BEARER]).status(), 405);
    assert_eq!(answer("get", "/health", &[]).status(), 405);
}

#[test]
fn a_path_that_does_not_exist_is_not_found_by_any_method() {
    for path in [
        "/turn/",
        "//turn",
        "/Turn",
        "/turn/1",
        "/turn%20",
        "/%74urn",
        "/health/",
        "/healthz",
        "/frames",
        "/frame/1",
        "/favicon.ico",
        "/.env",
        "/sets/0123456789abcdef0123456789abcdef/icon",
    ] {
        for method in METHODS {
            let answer = answer(method, path, &[BEARER]);
            assert_eq!(answer.status(), 404, "{method} {path}");
            assert_eq!(
                detail_in(&answer),
                "There are GET /, POST /turn, PUT /icon, GET /frames/{n}, GET /journal, DELETE \
                 /journal, GET /health and DELETE /networks/{network}/frames."
            );
        }
    }
}

#[test]
fn a_frame_has_one_name_only() {
    for n in [
        "",
        "01",
        "00",
        "-1",
        "-0",
        "+1",
        "1.0",
        "1e1",
        "0x1",
        "one",
        "1/",
        "1/2",
        "%31",
        "65536",
        "99999999999",
        "current",
        "icon",
        "1.jpg",
    ] {
        let answer = answer("GET", &format!("/frames/{n}"), &[]);
        assert_eq!(answer.status(), 404, "{n}");
        assert_eq!(
            detail_in(&answer),
            "GET /frames/{n} takes a frame's number alone: /frames/0, /frames/1 and so on."
        );
    }
}

#[test]
fn a_query_that_is_not_understood_is_refused() {
    for (method, target) in [
        ("POST", "/turn?frames=1"),
        ("POST", "/turn?Frame=1"),
        ("POST", "/turn?token=x"),
        ("POST", "/turn?frame=1&x"),
        ("POST", "/turn?="),
        ("POST", "/turn?frame=1&frame=1"),
        ("POST", "/turn?frame=1&fr%61me=2"),
        ("POST", "/turn?dry_run=true&dry_run=false"),
        ("POST", "/turn?frame"),
        ("POST", "/turn?frame="),
        ("POST", "/turn?frame=01"),
        ("POST", "/turn?frame=-1"),
        ("POST", "/turn?frame=%2B1"),
        ("POST", "/turn?frame=1.5"),
        ("POST", "/turn?frame=one"),
        ("POST", "/turn?frame=65536"),
        ("POST", "/turn?frame=%FF"),
        ("POST", "/turn?dry_run"),
        ("POST", "/turn?dry_run="),
        ("POST", "/turn?dry_run=1"),
        ("POST", "/turn?dry_run=yes"),
        ("POST", "/turn?dry_run=True"),
        ("POST", "/turn?dry_run=true&frame=x"),
        ("GET", "/frames/1?size=200"),
        ("GET", "/health?verbose"),
        ("HEAD", "/health?frame=1"),
    ] {
        let host = Host::new();
        let answer = answer_with(&request(method, target, &[BEARER]), &settings(), &host);
        assert_eq!(answer.status(), 400, "{target}");
        assert_eq!(host.take_sent().len(), 0, "{target}");
    }
}

#[test]
fn a_query_s_flaw_is_named() {
    for (target, detail) in [
        (
            "/turn?x=1",
            "The query parameters here are: frame, dry_run, force.",
        ),
        ("/turn?frame=1&frame=2", "`frame` is given more than once."),
        (
            "/turn?frame=x",
            "`frame` has to be the number of a frame: 0, 1 and so on.",
        ),
        ("/turn?dry_run=x", "`dry_run` has to be true or false."),
        ("/turn?force=1", "`force` has to be true or false."),
    ] {
        assert_eq!(detail_in(&answer("POST", target, &[BEARER])), detail);
    }
    assert_eq!(
        detail_in(&answer("GET", "/health?x", &[])),
        "This takes no query parameters."
    );
}

#[test]
fn an_empty_query_is_none() {
    assert_eq!(answer("POST", "/turn?", &[BEARER]).status(), 200);
    assert_eq!(answer("POST", "/turn?&&", &[BEARER]).status(), 200);
    assert_eq!(answer("GET", "/health?", &[]).status(), 200);
    assert_eq!(answer("GET", "/frames/1?", &[]).status(), 200);
}

#[test]
fn a_turn_takes_no_body() {
    for headers in [
        &[("content-length", "1")][..],
        &[("content-length", "1000000000000")],
        &[("content-length", "-1")],
        &[("content-length", "")],
        &[("transfer-encoding", "chunked")],
        &[("content-length", "0"), ("transfer-encoding", "chunked")],
        &[("content-length", "0"), ("content-length", "5")],
    ] {
        let host = Host::new();
        let headers = [&[BEARER], headers].concat();
        let answer = answer_with(&request("POST", "/turn", &headers), &settings(), &host);
        assert_eq!(answer.status(), 413, "{headers:?}");
        assert!(detail_in(&answer).contains("takes no body"));
        assert_eq!(host.take_sent().len(), 0);
    }
    let empty = answer("POST", "/turn", &[BEARER, ("content-length", "0")]);
    assert_eq!(empty.status(), 200);
}

#[test]
fn without_a_trigger_token_the_manual_turn_is_closed() {
    let host = Host::new();
    let settings = settings_with(&[(TRIGGER_TOKEN, "")]);
    for headers in [&[][..], &[BEARER], &[("authorization", "Bearer ")]] {
        let answer = answer_with(&request("POST", "/turn", headers), &settings, &host);
        assert_eq!(answer.status(), 503);
        let detail = detail_in(&answer);
        assert!(detail.contains("TRIGGER_TOKEN is not set"), "{detail}");
        assert!(detail.contains("Set what is named."), "{detail}");
    }
    assert_eq!(host.take_sent().len(), 0);
}

#[test]
fn a_turn_without_a_bearer_token_is_unauthorized() {
    let basic = format!("Basic {TRIGGER}");
    let bare = format!("Bearer{TRIGGER}");
    for headers in [
        &[][..],
        &[("authorization", "")],
        &[("authorization", "Bearer")],
        &[("authorization", TRIGGER)],
        &[("authorization", &basic)],
        &[("authorization", &bare)],
        &[("authorization", "Bearer \u{fc}")],
        &[("x-authorization", BEARER.1)],
    ] {
        let host = Host::new();
        let answer = answer_with(&request("POST", "/turn", headers), &settings(), &host);
        assert_eq!(answer.status(), 401, "{headers:?}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(host.take_sent().len(), 0);
    }
}

#[test]
fn a_turn_with_another_token_is_unauthorized() {
    for token in [
        "",
        "x",
        "correct-horse-battery-stapl",
        "correct-horse-battery-staplf",
        "correct-horse-battery-staple2",
        "Correct-horse-battery-staple",
        "correct-horse-battery-staple correct-horse-battery-staple",
        "\"correct-horse-battery-staple'",
        "\"\"",
    ] {
        let host = Host::new();
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        // A query that is wrong shows nothing to who may not ask.
        for target in ["/turn", "/turn?frame=99", "/turn?x"] {
            let answer = answer_with(&request("POST", target, &headers), &settings(), &host);
            assert_eq!(answer.status(), 401, "{token}");
            assert_eq!(
                answer.headers()["www-authenticate"],
                "Bearer error=\"invalid_token\""
            );
        }
        assert_eq!(host.take_sent().len(), 0);
    }
}

#[test]
fn the_name_of_the_scheme_may_be_in_any_case() {
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
        let authorization = format!("{scheme} {TRIGGER}");
        let headers = [("authorization", authorization.as_str())];
        assert_eq!(answer("POST", "/turn", &headers).status(), 200, "{scheme}");
    }
}

#[test]
fn a_token_may_be_pasted_for_a_request_as_for_the_setting() {
    for pasted in [
        "\"correct-horse-battery-staple\"",
        "'correct-horse-battery-staple'",
        "<correct-horse-battery-staple>",
        "Bearer correct-horse-battery-staple",
        "\"Bearer correct-horse-battery-staple\"",
        "TRIGGER_TOKEN=correct-horse-battery-staple",
        "TRIGGER_TOKEN=\"correct-horse-battery-staple\"",
    ] {
        let authorization = format!("Bearer {pasted}");
        let request = request("POST", "/turn", &[("authorization", &authorization)]);
        for set in [TRIGGER, pasted] {
            let settings = settings_with(&[(TRIGGER_TOKEN, set)]);
            let answer = answer_with(&request, &settings, &Host::new());
            assert_eq!(answer.status(), 200, "{pasted} for {set}");
        }
    }
}

#[test]
fn a_turn_that_is_made_is_reported() {
    let host = Host::new();
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(
        json_in(&answer),
        json!({
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "turned",
            "attempts": 1,
            "network_status": 200,
        })
    );
    host.take_only_sent();
}

#[test]
fn a_turn_to_a_frame_by_its_number_is_made() {
    for target in [
        "/turn?frame=5",
        "/turn?fr%61me=%35",
        "/turn?dry_run=false&frame=5",
    ] {
        let host = Host::new();
        let answer = answer_with(&request("POST", target, &[BEARER]), &settings(), &host);
        assert_eq!(answer.status(), 200, "{target}");
        assert_eq!(json_in(&answer)["frame"], 5);
        let sent = host.take_only_sent();
        let frame = frame_bytes(5);
        assert!(sent.body().windows(frame.len()).any(|part| part == frame));
    }
}

#[test]
fn a_dry_run_is_reported_and_no_picture_is_sent() {
    let host = Host::new();
    let request = request("POST", "/turn?dry_run=true&frame=3", &[BEARER]);
    let answer = answer_with(&request, &settings(), &host);
    assert_eq!(answer.status(), 200);
    let report = json_in(&answer);
    assert_eq!(report["outcome"], "dry-run");
    assert_eq!(report["frame"], 3);
    assert_eq!(report["would_send"]["method"], "POST");
    assert_eq!(report["would_send"]["frame_bytes"], frame_bytes(3).len());
    assert_eq!(report["account"], "XAPI");
    let sent = host.take_sent();
    assert!(!sent.is_empty() && sent.iter().all(|one| one.method() == "GET"));
}

#[test]
fn a_refusal_by_x_is_a_bad_gateway_that_says_what_to_do() {
    let mut host = Host::new();
    host.reply = Ok(reply(
        403,
        &[],
        r#"{"errors":[{"code":326,"message":"Locked."}]}"#,
    ));
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(answer.status(), 502);
    assert!(!answer.headers().contains_key("retry-after"));
    let remedy = "X has locked the account for now. Sign in to X in a browser and unlock it.";
    assert_eq!(
        json_in(&answer),
        json!({
            "title": "Bad Gateway",
            "status": 502,
            "detail": format!("X answered 403, code 326: Locked. {remedy}"),
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "refused",
            "attempts": 1,
            "network_status": 403,
            "reason": "account",
            "message": "X answered 403, code 326: Locked.",
            "remedy": remedy,
        })
    );
}

#[test]
fn what_x_says_and_what_to_do_are_two_sentences() {
    for (said, told) in [
        ("No", "X answered 404: No. X"),
        ("No.", "X answered 404: No. X"),
        ("No!", "X answered 404: No! X"),
        ("", "X answered 404. X"),
    ] {
        let mut host = Host::new();
        host.reply = Ok(reply(404, &[], json!({ "error": said }).to_string()));
        let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
        assert!(
            detail_in(&answer).starts_with(told),
            "{}",
            detail_in(&answer)
        );
    }
}

#[test]
fn every_other_refusal_by_x_is_a_bad_gateway_too() {
    for (status, code) in [
        (401, 32),
        (401, 135),
        (403, 453),
        (403, 38),
        (404, 34),
        (200, 0),
    ] {
        let mut host = Host::new();
        let body = json!({ "errors": [{ "code": code, "message": "No." }] });
        host.reply = Ok(reply(status, &[], body.to_string()));
        let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
        assert_eq!(answer.status(), 502, "code {code}");
        assert_eq!(json_in(&answer)["network_status"], status);
    }
    let mut host = Host::new();
    host.reply = Ok(reply(403, &[], "<html>"));
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(answer.status(), 502);
    assert_eq!(json_in(&answer)["reason"], "blocked");
}

#[test]
fn a_turn_to_try_again_is_unavailable_until_then() {
    let mut host = Host::new();
    host.reply = Ok(reply(
        429,
        &[("x-rate-limit-reset", "1795314900")],
        r#"{"errors":[{"code":88,"message":"Rate limit exceeded."}]}"#,
    ));
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "675");
    let remedy = "Too many requests for now. Nothing to do but wait; if it returns, see what \
                  else uses the app's keys.";
    assert_eq!(
        json_in(&answer),
        json!({
            "title": "Service Unavailable",
            "status": 503,
            "detail": format!("X answered 429, code 88: Rate limit exceeded. {remedy}"),
            "network": "x",
            "frame": 11,
            "frames": 12,
            "outcome": "retry",
            "attempts": 1,
            "network_status": 429,
            "reason": "rate-limit",
            "message": "X answered 429, code 88: Rate limit exceeded.",
            "remedy": remedy,
            "retry_at": "2026-11-22T02:35:00Z",
        })
    );
}

#[test]
fn retry_after_never_ends_before_the_instant_it_stands_for() {
    let mut host = Host::new();
    host.now = instant("2026-11-22T02:34:58.250Z");
    host.reply = Ok(reply(429, &[("x-rate-limit-reset", "1795314900")], ""));
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(answer.headers()["retry-after"], "2");
}

#[test]
fn an_answer_that_x_does_not_give_is_tried_again_after_a_minute() {
    let mut host = Host::new();
    host.reply = Err(SendError::Timeout);
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(answer.status(), 503);
    let wait: u32 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((60..=72).contains(&wait), "{wait}");
    assert_eq!(json_in(&answer)["network_status"], Value::Null);
}

#[test]
fn a_turn_that_cannot_be_prepared_is_unavailable() {
    let set = frame_set();
    let mut without_set = Host::new();
    without_set.remove(CURRENT_KEY);
    let mut without_frame = Host::new();
    without_frame.remove(&set.frame_key(11));
    let mut broken = Host::new();
    broken.fail_to_read(CURRENT_KEY);
    for (settings, host, reason) in [
        (settings_with(&[(API_KEY, "")]), Host::new(), "settings"),
        (settings(), without_set, "no-icon"),
        (settings(), without_frame, "frames"),
        (settings(), broken, "host"),
    ] {
        let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings, &host);
        assert_eq!(answer.status(), 503, "{reason}");
        assert_eq!(json_in(&answer)["reason"], reason);
        assert_eq!(json_in(&answer)["outcome"], "refused");
        assert!(!answer.headers().contains_key("retry-after"), "{reason}");
        assert_eq!(host.take_sent().len(), 0);
    }
}

#[test]
fn a_turn_to_a_frame_outside_the_set_is_a_bad_request() {
    for target in [
        "/turn?frame=12",
        "/turn?frame=65535",
        "/turn?frame=12&dry_run=true",
    ] {
        let answer = answer("POST", target, &[BEARER]);
        assert_eq!(answer.status(), 400, "{target}");
        assert_eq!(json_in(&answer)["reason"], "no-such-frame");
        assert_eq!(json_in(&answer)["frames"], 12);
    }
}

#[test]
fn a_frame_of_the_current_set_is_served_as_it_is_stored() {
    for n in 0..12 {
        let answer = answer("GET", &format!("/frames/{n}"), &[]);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=60");
        assert_eq!(
            answer.headers()["etag"],
            format!("\"{}-{n}\"", frame_set().id())
        );
        assert_eq!(*answer.body(), frame_bytes(n));
    }
}

#[test]
fn a_png_frame_is_served_as_one() {
    let mut host = Host::new();
    let id = "0123456789abcdef0123456789abcdef";
    let current = json!({ "id": id, "frames": 1, "media_type": "image/png" });
    host.store(CURRENT_KEY, current.to_string());
    let mut png = Vec::new();
    let mut writer = png::Encoder::new(&mut png, 1, 1).write_header().unwrap();
    writer.write_image_data(&[0]).unwrap();
    writer.finish().unwrap();
    host.store(&format!("sets/{id}/0"), png.clone());
    let answer = answer_with(&request("GET", "/frames/0", &[]), &settings(), &host);
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(*answer.body(), png);
}

#[test]
fn a_frame_s_head_is_the_one_of_the_frame() {
    let head = answer("HEAD", "/frames/3", &[]);
    let get = answer("GET", "/frames/3", &[]);
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers(), get.headers());
}

#[test]
fn frames_are_open_to_everyone_whatever_the_settings() {
    let settings = settings_with(&[(TRIGGER_TOKEN, ""), (API_KEY, ""), (PERIOD.name, "7h")]);
    let answer = answer_with(&request("GET", "/frames/3", &[]), &settings, &Host::new());
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_frame_that_is_known_already_is_not_sent_again() {
    let etag = frame_set().frame_etag(3);
    let weak = format!("W/{etag}");
    let list = format!("\"a\", {etag},\"b\"");
    let weak_list = format!("\"a\",W/{etag}");
    for value in [&etag, &weak, &list, &weak_list, "*"] {
        for method in ["GET", "HEAD"] {
            let answer = answer(method, "/frames/3", &[("if-none-match", value)]);
            assert_eq!(answer.status(), 304, "{value}");
            assert_eq!(answer.headers()["etag"], etag.as_str());
            assert_eq!(answer.headers()["cache-control"], "public, max-age=60");
            assert!(!answer.headers().contains_key("content-type"));
            assert_eq!(*answer.body(), b"");
        }
    }
    let twice = [("if-none-match", "\"a\""), ("if-none-match", etag.as_str())];
    assert_eq!(answer("GET", "/frames/3", &twice).status(), 304);
}

#[test]
fn a_frame_that_is_known_in_another_state_only_is_sent() {
    let set = frame_set();
    let bare = format!("{}-3", set.id());
    for value in [
        &set.frame_etag(4),
        &set.frame_etag(33),
        &bare,
        "\"*\"",
        "\"0123456789abcdef0123456789abcdef-3\"",
        "W/",
        "",
        "\u{fc}",
    ] {
        let answer = answer("GET", "/frames/3", &[("if-none-match", value)]);
        assert_eq!(answer.status(), 200, "{value}");
        assert_eq!(*answer.body(), frame_bytes(3));
    }
}

#[test]
fn a_frame_outside_the_set_is_not_found() {
    for n in [12, 1439, 65_535] {
        for headers in [&[][..], &[("if-none-match", "*")]] {
            let answer = answer("GET", &format!("/frames/{n}"), headers);
            assert_eq!(answer.status(), 404);
            assert_eq!(
                detail_in(&answer),
                format!("There is no frame {n}: the current set has 12.")
            );
        }
    }
}

/// Every way in which frame `n` may not be there, and how it is told.
fn hosts_without_frame(n: u16) -> [(Host, String); 5] {
    let key = frame_set().frame_key(n);
    let mut without_set = Host::new();
    without_set.remove(CURRENT_KEY);
    let mut garbage = Host::new();
    garbage.store(CURRENT_KEY, "garbage");
    let mut without_frame = Host::new();
    without_frame.remove(&key);
    let mut broken_set = Host::new();
    broken_set.fail_to_read(CURRENT_KEY);
    let mut broken_frame = Host::new();
    broken_frame.fail_to_read(&key);
    [
        (
            without_set,
            "There is no icon yet. Publish the icon".to_owned(),
        ),
        (
            garbage,
            "What is stored under `current` is no frame set: expected value".to_owned(),
        ),
        (
            without_frame,
            format!(
                "Frame {n} of 12 is missing from the store, and an album has no icon to render it from. Publish"
            ),
        ),
        (broken_set, "The store could not be read".to_owned()),
        (broken_frame, "The store could not be read".to_owned()),
    ]
}

#[test]
fn without_a_frame_set_or_the_store_frames_are_unavailable() {
    for (host, words) in hosts_without_frame(3) {
        let answer = answer_with(&request("GET", "/frames/3", &[]), &settings(), &host);
        assert_eq!(answer.status(), 503);
        assert!(
            detail_in(&answer).contains(&words),
            "{}",
            detail_in(&answer)
        );
        assert!(!answer.headers().contains_key("etag"));
    }
}

#[test]
fn health_lists_the_networks_and_what_is_missing_of_any() {
    let host = Host::new();
    let health = |changes: &[(&str, &str)]| {
        let settings = settings_of_all_networks(changes);
        let answer = answer_with(&request("GET", "/health", &[]), &settings, &host);
        (answer.status().as_u16(), json_in(&answer))
    };
    let (status, told) = health(&[]);
    assert_eq!(status, 200);
    assert_eq!(told["networks"], json!(["x", "bluesky", "mastodon"]));
    let (status, told) = health(&[("BLUESKY_APP_PASSWORD", ""), ("MASTODON_SERVER", "a")]);
    assert_eq!(status, 503);
    assert_eq!(told["networks"], json!(["x", "bluesky", "mastodon"]));
    assert_eq!(told["missing"], json!(["BLUESKY_APP_PASSWORD"]));
    assert_eq!(told["invalid"][0]["name"], "MASTODON_SERVER");
}

#[test]
fn health_is_ready_when_a_turn_could_be_made() {
    let host = Host::new();
    for method in ["GET", "HEAD"] {
        let answer = answer_with(&request(method, "/health", &[]), &settings(), &host);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(
            json_in(&answer),
            json!({
                "ready": true,
                "missing": [],
                "invalid": [],
                "manual_turn": "open",
            "networks": ["x"], "next_turn": null,                "dial": {
                    "time_zone": "Asia/Tokyo",
                    "period": "12h",
                    "direction": "clockwise",
                },
                "frame_set": { "id": frame_set().id(), "frames": 12, "frame_now": 11 },
                "troubles": [],
            })
        );
    }
    assert_eq!(host.take_sent().len(), 0);
}

#[test]
fn health_is_ready_without_a_trigger_token() {
    let settings = settings_with(&[(TRIGGER_TOKEN, "")]);
    let answer = answer_with(&request("GET", "/health", &[]), &settings, &Host::new());
    assert_eq!(answer.status(), 200);
    assert_eq!(json_in(&answer)["ready"], true);
    assert_eq!(json_in(&answer)["manual_turn"], "closed");
}

#[test]
fn health_names_every_setting_that_is_missing_or_wrong() {
    let settings = settings_with(&[(API_KEY, ""), (ACCESS_TOKEN, ""), (PERIOD.name, TRIGGER)]);
    let answer = answer_with(&request("GET", "/health", &[]), &settings, &Host::new());
    assert_eq!(answer.status(), 503);
    assert_eq!(
        json_in(&answer),
        json!({
            "title": "Service Unavailable",
            "status": 503,
            "detail": "Settings: not set: API_KEY, ACCESS_TOKEN; PERIOD has to be a period that \
                       divides a day, such as 12h, 24h, 1h, 1h30m or 20m, or 7d for a week.",
            "ready": false,
            "missing": ["API_KEY", "ACCESS_TOKEN"],
            "invalid": [{
                "name": "PERIOD",
                "accepts": "a period that divides a day, such as 12h, 24h, 1h, 1h30m or 20m, or 7d for a week",
            }],
            "manual_turn": "open",
        "networks": ["x"], "next_turn": null,            "dial": null,
            // Without settings there is no dial, so no frame of this moment.
            "frame_set": { "id": frame_set().id(), "frames": 12 },
            "troubles": [],
        })
    );
}

#[test]
fn health_names_what_is_wrong_with_the_frames() {
    for (host, words) in hosts_without_frame(11) {
        let answer = answer_with(&request("GET", "/health", &[]), &settings(), &host);
        assert_eq!(answer.status(), 503);
        let mut health = json_in(&answer);
        let detail = health["detail"].take();
        let detail = detail.as_str().unwrap();
        assert!(detail.contains(&words), "{detail}");
        assert_eq!(
            health,
            json!({
                "title": "Service Unavailable",
                "status": 503,
                "detail": null,
                "ready": false,
                "missing": [],
                "invalid": [],
                "manual_turn": "open",
            "networks": ["x"], "next_turn": null,                "dial": {
                    "time_zone": "Asia/Tokyo",
                    "period": "12h",
                    "direction": "clockwise",
                },
                "frame_set": null,
                "troubles": [],
            })
        );
    }
}

#[test]
fn health_names_settings_and_frames_together() {
    let settings = settings_with(&[(API_KEY, "")]);
    let mut host = Host::new();
    host.remove(CURRENT_KEY);
    let answer = answer_with(&request("GET", "/health", &[]), &settings, &host);
    let detail = detail_in(&answer);
    assert!(
        detail.starts_with("Settings: not set: API_KEY. There is no icon yet. Publish"),
        "{detail}"
    );
}

#[test]
fn a_frame_of_another_moment_that_is_missing_is_no_matter_of_health() {
    let mut host = Host::new();
    host.remove(&frame_set().frame_key(3));
    let answer = answer_with(&request("GET", "/health", &[]), &settings(), &host);
    assert_eq!(answer.status(), 200);
}

/// A host with the set of this picture, without any frame of it.
fn host_with_icon_only(recipe: &Recipe) -> (Host, FrameSet, Icon) {
    let file = picture();
    let icon = Icon::read(&file, recipe, Limits::WORKER).unwrap();
    let set = icon.frame_set(FrameCount::TWELVE);
    let mut host = Host::new();
    host.store(CURRENT_KEY, serde_json::to_vec(&set).unwrap());
    host.store(&set.icon_key(), icon.to_stored());
    (host, set, icon)
}

/// A small picture file with nothing symmetrical in it.
fn picture() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(40, 30, |x, y| {
        image::Rgb([x * 6, y * 8, x * y / 5].map(|sample| sample.to_le_bytes()[0]))
    });
    let mut file = Cursor::new(Vec::new());
    picture
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

#[test]
fn what_everyone_may_ask_for_reads_no_settings() {
    let host = Host::new();
    for target in ["/frames/3", "/frames/x", "/nothing"] {
        let request = request("GET", target, &[]);
        let settings = || -> Settings { panic!("{target} reads the settings") };
        let handled = block_on(respond(&request, &NoBody, settings, &host));
        assert!(matches!(handled, Handled::Answer(_)), "{target}");
    }
}

fn put_icon(host: &Host, target: &str, body: Result<Vec<u8>, UploadError>) -> Answer {
    let request = request("PUT", target, &[BEARER]);
    checked(answered(block_on(respond(
        &request,
        &Sent(body),
        settings,
        host,
    ))))
}

fn stored_set(host: &Host) -> FrameSet {
    serde_json::from_slice(&host.values.borrow()[CURRENT_KEY]).unwrap()
}

#[test]
fn a_new_icon_becomes_the_current_set_with_the_choices_of_the_query() {
    let host = Host::new();
    let target = "/icon?frames=24&crop=left&background=black&kernel=spline&fill=ff8800&shape=square&quality=80";
    let answer = put_icon(&host, target, Ok(picture()));
    assert_eq!(answer.status(), 200);
    let body = json_in(&answer);
    assert_eq!(body["changed"], true);
    assert_eq!(body["crop"], "left");
    assert_eq!(body["background"], "000000");
    assert_eq!(
        body["frame_set"]["rendering"],
        json!({ "kernel": "spline", "fill": "ff8800", "shape": "square", "quality": 80 })
    );
    assert_eq!(body["frame_set"]["frames"], 24);
    let set = stored_set(&host);
    assert_eq!(body["frame_set"], serde_json::to_value(&set).unwrap());

    let choices = Recipe {
        crop: Crop::Left,
        background: Colour::BLACK,
        rendering: set.rendering().unwrap(),
    };
    let frames = FrameCount::new(24).unwrap();
    let icon = Icon::read(&picture(), &choices, Limits::WORKER).unwrap();
    assert_eq!(set, icon.frame_set(frames));
    for n in [0, 1, 7, 23] {
        let path = format!("/frames/{n}");
        let answer = answer_with(&request("GET", &path, &[]), &settings(), &host);
        assert_eq!(
            answer.body(),
            &icon.frame(n, frames).unwrap().file,
            "{path}"
        );
    }
}

#[test]
fn what_the_query_leaves_open_stays_as_it_is() {
    let recipe = Recipe {
        rendering: Rendering {
            kernel: Kernel::Cubic,
            shape: Shape::Circle,
            ..Rendering::default()
        },
        ..Recipe::default()
    };
    let (host, _, _) = host_with_icon_only(&recipe);
    let answer = put_icon(&host, "/icon?crop=top&fill=black", Ok(picture()));
    assert_eq!(
        json_in(&answer)["frame_set"]["rendering"],
        json!({ "kernel": "cubic", "fill": "000000", "shape": "circle", "quality": 95 })
    );

    let mut without_set = Host::new();
    without_set.remove(CURRENT_KEY);
    let answer = put_icon(&without_set, "/icon", Ok(picture()));
    assert_eq!(json_in(&answer)["frame_set"]["frames"], 12);
    assert_eq!(
        stored_set(&without_set).rendering(),
        Some(Rendering::default())
    );
}

#[test]
fn the_same_icon_again_changes_nothing() {
    let host = Host::new();
    put_icon(&host, "/icon", Ok(picture()));
    let set = stored_set(&host);
    let answer = put_icon(&host, "/icon", Ok(picture()));
    assert_eq!(json_in(&answer)["changed"], false);
    assert_eq!(stored_set(&host), set);
}

#[test]
fn a_bad_icon_is_refused_and_changes_nothing() {
    let mut cut = picture();
    cut.truncate(cut.len() / 2);
    let incomplete = UploadError::Incomplete("connection lost".to_owned());
    for (target, body, status, says) in [
        (
            "/icon",
            Ok(Vec::new()),
            415,
            "This is an empty file, not a JPEG",
        ),
        (
            "/icon",
            Ok(b"hello".to_vec()),
            415,
            "This is a text, not a JPEG",
        ),
        ("/icon", Ok(b"--form".to_vec()), 415, "send the file itself"),
        ("/icon", Ok(cut), 422, "This PNG file is broken"),
        ("/icon", Ok(vec![0; 25_000_001]), 413, "larger than 25 MB"),
        (
            "/icon",
            Err(UploadError::Picture(PictureError::Memory)),
            413,
            "The page at / reduces a picture of any size",
        ),
        ("/icon", Err(incomplete), 400, "did not arrive completely"),
        (
            "/icon",
            Err(UploadError::Unavailable("no decoder".to_owned())),
            500,
            "The picture is not at fault: this Worker cannot read any (no decoder).",
        ),
        (
            "/icon?crop=0,0,50",
            Ok(picture()),
            422,
            "not inside the picture",
        ),
        ("/icon?frames=0", Ok(picture()), 400, "`frames` has to be"),
        (
            "/icon?frames=1441",
            Ok(picture()),
            400,
            "`frames` has to be",
        ),
        (
            "/icon?kernel=best",
            Ok(picture()),
            400,
            "`kernel` has to be",
        ),
        ("/icon?fill=mauve", Ok(picture()), 400, "`fill` has to be"),
        ("/icon?shape=star", Ok(picture()), 400, "`shape` has to be"),
        (
            "/icon?quality=101",
            Ok(picture()),
            400,
            "`quality` has to be",
        ),
        ("/icon?crop=a", Ok(picture()), 400, "`crop` has to be"),
        (
            "/icon?background=a",
            Ok(picture()),
            400,
            "`background` has to be",
        ),
        (
            "/icon?size=1",
            Ok(picture()),
            400,
            "parameters here are: frames",
        ),
    ] {
        let host = Host::new();
        let before = host.values.borrow().clone();
        let answer = put_icon(&host, target, body);
        assert_eq!(answer.status(), status, "{target} {says}");
        let detail = detail_in(&answer);
        assert!(detail.contains(says), "{detail}");
        assert_eq!(*host.values.borrow(), before);
    }
}

#[test]
fn who_sent_a_file_by_the_wrong_option_of_curl_is_told_the_right_one() {
    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data; boundary=------------------------0";
    let stripped: Vec<u8> = picture()
        .into_iter()
        .filter(|byte| !b"\r\n\0".contains(byte))
        .collect();
    let host = Host::new();
    let detail = |content_type: &str, target: &str, body: &[u8]| {
        let request = request("PUT", target, &[BEARER, ("content-type", content_type)]);
        let body = Sent(Ok(body.to_vec()));
        let answer = checked(answered(block_on(respond(
            &request, &body, settings, &host,
        ))));
        (
            answer.status() == 200,
            String::from_utf8(answer.into_body()).unwrap(),
        )
    };
    for (content_type, body, says) in [
        (
            FORM,
            &stripped[..],
            "by `curl -d`, that has left out its line ends: send it with `curl -T",
        ),
        (
            "Application/X-WWW-form-urlencoded; charset=utf-8",
            &stripped,
            "`curl -d`",
        ),
        (FORM, b"", "`curl -d`"),
        (
            MULTIPART,
            b"--------------------------0\r\n",
            "instead of `-F`. The icon",
        ),
    ] {
        let (is_taken, told) = detail(content_type, "/icon", body);
        assert!(!is_taken && told.contains(says), "{told}");
    }
    // Nothing is wrong with how these came.
    for content_type in [FORM, MULTIPART, "image/png", ""] {
        assert!(
            detail(content_type, "/icon", &picture()).0,
            "{content_type}"
        );
        let (_, told) = detail(content_type, "/icon?crop=0,0,50", &picture());
        assert!(!told.contains("curl"), "{told}");
    }
    for content_type in ["image/png", "application/octet-stream", ""] {
        let (_, told) = detail(content_type, "/icon", &stripped);
        assert!(!told.contains("curl"), "{told}");
    }
}

#[test]
fn a_body_is_only_read_from_who_may_send_it_and_if_it_is_not_too_long() {
    let wrong = ("authorization", "Bearer wrong");
    assert_eq!(answer("PUT", "/icon", &[]).status(), 401);
    assert_eq!(answer("PUT", "/icon", &[wrong]).status(), 401);
    let long = ("content-length", "25000001");
    assert_eq!(answer("PUT", "/icon", &[BEARER, long]).status(), 413);
    assert_eq!(answer("PUT", "/icon?frames=x", &[BEARER]).status(), 400);
}

#[test]
fn a_store_that_cannot_be_written_keeps_the_old_icon() {
    let icon = Icon::read(&picture(), &Recipe::default(), Limits::WORKER).unwrap();
    let set = icon.frame_set(FrameCount::TWELVE);
    for key in [set.icon_key(), CURRENT_KEY.to_owned()] {
        let mut host = Host::new();
        host.read_only_keys.insert(key);
        let answer = put_icon(&host, "/icon", Ok(picture()));
        assert_eq!(answer.status(), 503);
        assert!(
            detail_in(&answer).starts_with("The store could not be written"),
            "{}",
            detail_in(&answer)
        );
        assert_eq!(stored_set(&host), frame_set());
    }
}

#[test]
fn a_missing_frame_is_rendered_and_kept() {
    let (host, set, icon) = host_with_icon_only(&Recipe::default());
    let get = request("GET", "/frames/5", &[]);
    let answer = answer_with(&get, &settings(), &host);
    let frame = icon.frame(5, FrameCount::TWELVE).unwrap().file;
    assert_eq!(answer.body(), &frame);
    assert_eq!(host.values.borrow().get(&set.frame_key(5)), Some(&frame));
    assert_eq!(
        host.values.borrow().len(),
        Host::new().values.borrow().len() + 2
    );
    assert_eq!(answer_with(&get, &settings(), &host).body(), &frame);

    // A turn does the same.
    let answer = answer_with(&request("POST", "/turn", &[BEARER]), &settings(), &host);
    assert_eq!(json_in(&answer)["outcome"], "turned");
    let frame = icon.frame(11, FrameCount::TWELVE).unwrap().file;
    assert_eq!(host.values.borrow().get(&set.frame_key(11)), Some(&frame));
    let turn = host.take_only_sent();
    assert!(turn.body().windows(frame.len()).any(|bytes| bytes == frame));
}

#[test]
fn a_frame_that_cannot_be_kept_is_served_all_the_same() {
    let (mut host, set, icon) = host_with_icon_only(&Recipe::default());
    host.read_only_keys.insert(set.frame_key(5));
    let answer = answer_with(&request("GET", "/frames/5", &[]), &settings(), &host);
    assert_eq!(
        answer.body(),
        &icon.frame(5, FrameCount::TWELVE).unwrap().file
    );
}

#[test]
fn without_frame_and_icon_both_are_named() {
    let (mut host, set, _) = host_with_icon_only(&Recipe::default());
    host.remove(&set.icon_key());
    for (garbage, says) in [
        (None, "so is the icon to render it from"),
        (Some("garbage"), "the icon to render it from is damaged"),
    ] {
        if let Some(garbage) = garbage {
            host.store(&set.icon_key(), garbage);
        }
        let answer = answer_with(&request("GET", "/frames/5", &[]), &settings(), &host);
        assert_eq!(answer.status(), 503);
        assert_eq!(
            detail_in(&answer),
            format!("Frame 5 of 12 is missing from the store, and {says}. Publish the icon.")
        );
    }
}

#[test]
fn a_frame_that_is_stored_and_no_good_heals_from_the_icon() {
    let (mut host, set, icon) = host_with_icon_only(&Recipe::default());
    let rendered = icon.frame(11, FrameCount::TWELVE).unwrap().file;
    let half = &rendered[..rendered.len() / 2];
    let large = frame_of_size(512_001);
    for bad in [b"".as_slice(), b"<html>", half, &large] {
        for (method, target) in [("GET", "/frames/11"), ("POST", "/turn?frame=11&force=true")] {
            host.store(&set.frame_key(11), bad);
            // It will be good when it is needed.
            let health = answer_with(&request("GET", "/health", &[]), &settings(), &host);
            assert_eq!(health.status(), 200);
            let answer = answer_with(&request(method, target, &[BEARER]), &settings(), &host);
            assert_eq!(answer.status(), 200, "{target}");
            let stored = host.values.borrow().get(&set.frame_key(11)).cloned();
            assert_eq!(stored.as_ref(), Some(&rendered));
            if method == "GET" {
                assert_eq!(*answer.body(), rendered);
            }
        }
    }
}

#[test]
fn health_is_not_ready_where_the_frame_that_is_due_can_be_neither_sent_nor_rendered() {
    let large = frame_of_size(512_001);
    for (bad, says) in [
        (
            b"".as_slice(),
            "Frame 11 of 12 has 0 bytes, and an album has no icon",
        ),
        (
            b"garbage",
            "Frame 11 of 12 is stored as something else than image/jpeg",
        ),
        (
            &large,
            "Frame 11 has 512001 bytes; X takes from 1 to 512000.",
        ),
    ] {
        let mut host = Host::new();
        host.store(&frame_set().frame_key(11), bad);
        let answer = answer_with(&request("GET", "/health", &[]), &settings(), &host);
        assert_eq!(answer.status(), 503);
        assert!(
            detail_in(&answer).starts_with(says),
            "{}",
            detail_in(&answer)
        );
    }
    // Where only networks turn that take it, it is ready.
    let mut host = Host::new();
    host.store(&frame_set().frame_key(11), large);
    let mastodon = [
        ("MASTODON_SERVER", "https://m.test"),
        ("MASTODON_ACCESS_TOKEN", "t"),
    ];
    let keys = KEYS.map(|(name, _)| (name, ""));
    let settings = settings_with(&[keys.as_slice(), &mastodon].concat());
    let answer = answer_with(&request("GET", "/health", &[]), &settings, &host);
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_set_that_is_not_rendered_yet_is_healthy() {
    let (host, set, _) = host_with_icon_only(&Recipe::default());
    let answer = answer_with(&request("GET", "/health", &[]), &settings(), &host);
    assert_eq!(answer.status(), 200);
    assert_eq!(json_in(&answer)["frame_set"]["id"], set.id());
    assert!(!host.values.borrow().contains_key(&set.frame_key(11)));
}

fn any_target() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just("/turn".to_owned()),
        Just("/journal".to_owned()),
        Just("/".to_owned()),
        Just("/health".to_owned()),
        (0..14_u32).prop_map(|n| format!("/frames/{n}")),
        "/frames/[ -~]{0,6}",
        "(/[!-~]{0,8}){1,3}",
    ];
    let parameter = prop_oneof![
        (0..14_u32).prop_map(|n| format!("frame={n}")),
        Just("dry_run=true".to_owned()),
        Just("dry_run=false".to_owned()),
        Just("force=true".to_owned()),
        (0..4_u32).prop_map(|n| format!("before={n}")),
        (0..4_u32).prop_map(|n| format!("limit={n}")),
        "[!-~]{0,10}",
    ];
    (path, vec(parameter, 0..3)).prop_map(|(path, query)| match query.as_slice() {
        [] => path,
        query => format!("{path}?{}", query.join("&")),
    })
}

fn any_headers() -> impl Strategy<Value = HeaderMap> {
    let name = proptest::sample::select(vec![
        "authorization",
        "content-length",
        "transfer-encoding",
        "if-none-match",
        "content-type",
        "accept",
        "host",
        "x-forwarded-for",
    ]);
    let value = prop_oneof![
        vec(any::<u8>(), 0..40),
        Just(BEARER.1.into()),
        Just(b"0".to_vec()),
        Just(b"*".to_vec()),
        (0..14_u16).prop_map(|n| frame_set().frame_etag(n).into_bytes()),
    ];
    vec((name, value), 0..4).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        headers
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, max_global_rejects: 100_000, ..<_>::default() })]

    #[test]
    fn whatever_is_asked_is_answered_with_a_status_that_is_documented(
        method in prop_oneof![
            proptest::sample::select(&METHODS[..]).prop_map(str::to_owned),
            "[!-~]{1,10}",
        ],
        target in any_target(),
        headers in any_headers(),
        is_authorized in any::<bool>(),
        settings in proptest::sample::select(vec![
            settings(),
            settings_with(&[(TRIGGER_TOKEN, "")]),
            settings_with(&[(API_KEY, "")]),
        ]),
    ) {
        let request = Request::builder().method(method.as_str()).uri(target.as_str()).body(());
        let Ok(mut request) = request else {
            return Err(TestCaseError::reject("no request at all"));
        };
        *request.headers_mut() = headers;
        if is_authorized {
            request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static(BEARER.1));
        }
        let host = Host::new();
        let answer = answer_with(&request, &settings, &host);
        let path = request.uri().path();
        let documented: &[u16] = match path {
            "/" => &[200, 400, 405],
            "/journal" => &[200, 204, 400, 401, 405, 503],
            "/turn" => &[200, 400, 401, 405, 413, 503],
            "/health" => &[200, 400, 405, 503],
            _ if path.starts_with("/frames/") => &[200, 304, 400, 404, 405],
            _ => &[404],
        };
        prop_assert!(documented.contains(&answer.status().as_u16()), "{} {}", path, answer.status());

        // Nothing is sent but by the one request that may have it sent; a dry run may ask whose
        // account it is.
        let sent = host.take_sent();
        let sent = sent.iter().filter(|sent| sent.method() == Method::POST).count();
        let has_turned = path == "/turn"
            && request.method() == Method::POST
            && answer.status() == StatusCode::OK
            && json_in(&answer)["outcome"] == "turned";
        prop_assert_eq!(sent, usize::from(has_turned));
    }
}
