//! Each fault of X as the client sees it, and what the simulator records of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::answer::Delivery;
use crate::tests::client::{Running, Update};
use crate::tests::pictures;
use crate::x::FAULTS;

/// Asks for a fault, sends a proper picture and gives back what came.
fn reply_to(running: &Running, fault: &str) -> crate::tests::client::Reply {
    // Some come up elsewhere unless they are asked for here.
    let endpoint = "account/update_profile_image";
    let body = format!("{{\"fault\":\"{fault}\",\"times\":1,\"endpoint\":\"{endpoint}\"}}");
    let asked = running.request("PUT", "/simulator/faults", &body);
    assert_eq!(asked.status, 200);
    running.send(&Update::multipart(&pictures::png(64, 64)))
}

#[test]
fn every_fault_has_the_status_and_the_code_of_its_description() {
    let running = Running::start();
    for fault in FAULTS {
        if ["hang", "slow", "reset", "cut-off"].contains(&fault.name) {
            continue;
        }
        let reply = reply_to(&running, fault.name);
        let last = running.last();
        assert!(
            fault.description.starts_with(&reply.status.to_string()),
            "{}: {}",
            fault.name,
            reply.status
        );
        let described = fault.description.split_once("code ").map(|(_, rest)| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().unwrap()
        });
        if fault.name != "hostile-text" {
            assert_eq!(reply.code(), described, "{}", fault.name);
        }
        assert_eq!(last["code"].as_u64(), reply.code(), "{}", fault.name);
        assert_eq!(last["fault"], fault.name);
        assert_eq!(last["status"], reply.status);
        assert_eq!(last["verdict"], "accepted");
        assert_eq!(last["took_effect"], false);
        let explanation = last["explanation"].as_str().unwrap();
        assert!(explanation.starts_with("would have been accepted: frame "));
        if fault.description.contains("empty body") {
            assert!(reply.body.is_empty(), "{}", fault.name);
        }
        if fault.description.contains("page") {
            assert!(
                reply
                    .header("content-type")
                    .unwrap()
                    .starts_with("text/html")
            );
        }
    }
    assert_eq!(running.get("/simulator/icon").status, 404);
    let after = running.send(&Update::multipart(&pictures::png(64, 64)));
    assert_eq!(after.status, 200);
}

#[test]
fn rate_limits_have_their_headers() {
    let running = Running::start();
    let reply = reply_to(&running, "rate-limit");
    assert_eq!(reply.header("x-rate-limit-remaining"), Some("0"));
    let reset: i64 = reply.header("x-rate-limit-reset").unwrap().parse().unwrap();
    assert!((reset - Utc::now().timestamp() - 900).abs() <= 2);
    let reply = reply_to(&running, "rate-limit-retry-after");
    assert_eq!(reply.header("retry-after"), Some("60"));
    let legacy = reply_to(&running, "rate-limit-legacy").json();
    assert_eq!(legacy["error"], "Enhance your calm");
    assert_eq!(legacy["request"], "/1.1/account/update_profile_image.json");
}

#[test]
fn some_faults_have_shapes_of_their_own() {
    let running = Running::start();
    let skewed = reply_to(&running, "clock-skew");
    let date = DateTime::parse_from_rfc2822(skewed.header("date").unwrap()).unwrap();
    assert!((date.timestamp() - Utc::now().timestamp() - 3600).abs() <= 2);
    assert_eq!(skewed.headers.get_all("date").iter().count(), 1);

    let blocked = reply_to(&running, "proxy-block");
    assert_eq!(blocked.header("server"), Some("cloudflare"));
    assert!(blocked.text().contains("Sorry, you have been blocked"));

    let problem = reply_to(&running, "problem-json");
    assert_eq!(
        problem.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(problem.json()["status"], 403);
    for part in ["title", "detail", "type"] {
        assert!(problem.json()[part].is_string());
    }

    let hostile = reply_to(&running, "hostile-text").json();
    let message = hostile["errors"][0]["message"].as_str().unwrap();
    assert!(message.len() > 100_000 && message.contains("<script>"));

    let tier = reply_to(&running, "access-tier").json();
    let message = tier["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("different access level"));
}

#[test]
fn a_reset_is_seen_as_one() {
    let running = Running::with(&["reset*1"], 0, 100);
    let update = Update::multipart(&pictures::png(64, 64));
    let reply = running.send(&update);
    assert_eq!((reply.delivery, reply.body), (Delivery::Reset, vec![]));
    let last = running.last();
    assert_eq!(
        (&last["fault"], &last["status"]),
        (&"reset".into(), &Value::Null)
    );
    assert_eq!(
        (&last["verdict"], &last["took_effect"]),
        (&"accepted".into(), &false.into())
    );
}

#[test]
fn a_cut_off_answer_ends_in_the_middle_though_the_picture_is_set() {
    let running = Running::with(&["cut-off*1"], 0, 100);
    let picture = pictures::png(64, 64);
    let reply = running.send(&Update::multipart(&picture));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.delivery, Delivery::CutOff(reply.body.len() / 2));
    let last = running.last();
    assert_eq!(
        (&last["status"], &last["took_effect"]),
        (&200.into(), &true.into())
    );
    assert_eq!(running.get("/simulator/icon").body, picture);
}

#[test]
fn a_cut_off_answer_to_a_bad_request_sets_nothing() {
    let running = Running::with(&["cut-off"], 0, 100);
    let reply = running.send(&Update::multipart(b"no picture"));
    assert_eq!(reply.status, 200);
    let last = running.last();
    assert_eq!(
        (&last["verdict"], &last["took_effect"]),
        (&"rejected".into(), &false.into())
    );
}

#[test]
fn a_hang_lasts_until_the_client_leaves() {
    let running = Running::with(&["hang*1"], 0, 100);
    let update = Update::multipart(&pictures::png(64, 64));
    assert_eq!(running.send(&update).delivery, Delivery::Hang);
    let last = running.last();
    assert_eq!(
        (&last["fault"], &last["status"]),
        (&"hang".into(), &Value::Null)
    );
    let after = running.send(&Update::multipart(&pictures::png(64, 64)));
    assert_eq!(after.status, 200);
}

#[test]
fn a_slow_answer_is_the_proper_one() {
    let running = Running::with(&["slow*1"], 0, 100);
    let reply = running.send(&Update::multipart(&pictures::png(64, 64)));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.delivery, Delivery::Late(Duration::from_secs(3)));
    assert_eq!(running.last()["took_effect"], true);
}

#[test]
fn a_faulty_request_is_judged_all_the_same() {
    let running = Running::with(&["over-capacity"], 0, 100);
    let reply = running.send(&Update::multipart(b"no picture"));
    assert_eq!((reply.status, reply.code()), (503, Some(130)));
    let last = running.last();
    assert_eq!(
        (&last["verdict"], &last["code"]),
        (&"rejected".into(), &130.into())
    );
    let explanation = last["explanation"].as_str().unwrap();
    assert!(explanation.starts_with("would have been rejected: 422 120 "));
    // A nonce is spent even if the answer was an error.
    let update = Update::multipart(&pictures::png(64, 64)).bytes(&running);
    for verdict in ["accepted", "rejected"] {
        running.exchange(&update);
        assert_eq!(running.last()["verdict"], verdict);
    }
}

#[test]
fn only_updates_use_faults_up() {
    let running = Running::with(&["internal-error*1"], 0, 100);
    assert_eq!(running.get("/1.1/other.json").status, 404);
    let update = Update::multipart(&pictures::png(64, 64));
    assert_eq!(running.send(&update).status, 500);
}
