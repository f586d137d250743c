//! Each fault of X as the client sees it, and what the simulator records of it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::tests::client::{Running, Update};
use crate::tests::pictures;
use crate::x::FAULTS;

/// Asks for a fault, sends a proper picture and gives back what came.
async fn reply_to(running: &Running, fault: &str) -> crate::tests::client::Reply {
    // Some come up elsewhere unless they are asked for here.
    let endpoint = "account/update_profile_image";
    let body = format!("{{\"fault\":\"{fault}\",\"times\":1,\"endpoint\":\"{endpoint}\"}}");
    let asked = running.request("PUT", "/simulator/faults", &body).await;
    assert_eq!(asked.status, 200);
    running
        .send(&Update::multipart(&pictures::png(64, 64)))
        .await
}

#[tokio::test]
async fn every_fault_has_the_status_and_the_code_of_its_description() {
    let running = Running::start().await;
    for fault in FAULTS {
        if ["hang", "slow", "reset", "cut-off"].contains(&fault.name) {
            continue;
        }
        let reply = reply_to(&running, fault.name).await;
        let last = running.last().await;
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
    assert_eq!(running.get("/simulator/icon").await.status, 404);
    let after = running
        .send(&Update::multipart(&pictures::png(64, 64)))
        .await;
    assert_eq!(after.status, 200);
}

#[tokio::test]
async fn rate_limits_have_their_headers() {
    let running = Running::start().await;
    let reply = reply_to(&running, "rate-limit").await;
    assert_eq!(reply.header("x-rate-limit-remaining"), Some("0"));
    let reset: i64 = reply.header("x-rate-limit-reset").unwrap().parse().unwrap();
    assert!((reset - Utc::now().timestamp() - 900).abs() <= 2);
    let reply = reply_to(&running, "rate-limit-retry-after").await;
    assert_eq!(reply.header("retry-after"), Some("60"));
    let legacy = reply_to(&running, "rate-limit-legacy").await.json();
    assert_eq!(legacy["error"], "Enhance your calm");
    assert_eq!(legacy["request"], "/1.1/account/update_profile_image.json");
}

#[tokio::test]
async fn some_faults_have_shapes_of_their_own() {
    let running = Running::start().await;
    let skewed = reply_to(&running, "clock-skew").await;
    let date = DateTime::parse_from_rfc2822(skewed.header("date").unwrap()).unwrap();
    assert!((date.timestamp() - Utc::now().timestamp() - 3600).abs() <= 2);
    assert_eq!(skewed.head.matches("date:").count(), 1);

    let blocked = reply_to(&running, "proxy-block").await;
    assert_eq!(blocked.header("server"), Some("cloudflare"));
    assert!(blocked.text().contains("Sorry, you have been blocked"));

    let problem = reply_to(&running, "problem-json").await;
    assert_eq!(
        problem.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(problem.json()["status"], 403);
    for part in ["title", "detail", "type"] {
        assert!(problem.json()[part].is_string());
    }

    let hostile = reply_to(&running, "hostile-text").await.json();
    let message = hostile["errors"][0]["message"].as_str().unwrap();
    assert!(message.len() > 100_000 && message.contains("<script>"));

    let tier = reply_to(&running, "access-tier").await.json();
    let message = tier["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("different access level"));
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let running = Running::with(&["reset*1"], 0, 100).await;
    let update = Update::multipart(&pictures::png(64, 64));
    let error = running.exchange(&update.bytes(&running)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let last = running.last().await;
    assert_eq!(
        (&last["fault"], &last["status"]),
        (&"reset".into(), &Value::Null)
    );
    assert_eq!(
        (&last["verdict"], &last["took_effect"]),
        (&"accepted".into(), &false.into())
    );
}

#[tokio::test]
async fn a_cut_off_answer_ends_in_the_middle_though_the_picture_is_set() {
    let running = Running::with(&["cut-off*1"], 0, 100).await;
    let picture = pictures::png(64, 64);
    let reply = running.send(&Update::multipart(&picture)).await;
    assert_eq!(reply.status, 200);
    let length: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.body.len(), length / 2);
    let last = running.last().await;
    assert_eq!(
        (&last["status"], &last["took_effect"]),
        (&200.into(), &true.into())
    );
    assert_eq!(running.get("/simulator/icon").await.body, picture);
}

#[tokio::test]
async fn a_cut_off_answer_to_a_bad_request_sets_nothing() {
    let running = Running::with(&["cut-off"], 0, 100).await;
    let reply = running.send(&Update::multipart(b"no picture")).await;
    assert_eq!(reply.status, 200);
    let last = running.last().await;
    assert_eq!(
        (&last["verdict"], &last["took_effect"]),
        (&"rejected".into(), &false.into())
    );
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_leaves() {
    let running = Running::with(&["hang*1"], 0, 100).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let update = Update::multipart(&pictures::png(64, 64));
    stream.write_all(&update.bytes(&running)).await.unwrap();
    let mut byte = [0];
    let waited = timeout(Duration::from_millis(700), stream.read(&mut byte)).await;
    assert!(waited.is_err(), "something came");
    let last = running.last().await;
    assert_eq!(
        (&last["fault"], &last["status"]),
        (&"hang".into(), &Value::Null)
    );
    drop(stream);
    let after = running
        .send(&Update::multipart(&pictures::png(64, 64)))
        .await;
    assert_eq!(after.status, 200);
}

#[tokio::test]
async fn a_slow_answer_is_the_proper_one() {
    let running = Running::with(&["slow*1"], 0, 100).await;
    let begin = Instant::now();
    let reply = running
        .send(&Update::multipart(&pictures::png(64, 64)))
        .await;
    assert_eq!(reply.status, 200);
    assert!(begin.elapsed() >= Duration::from_secs(3));
    assert_eq!(running.last().await["took_effect"], true);
}

#[tokio::test]
async fn a_faulty_request_is_judged_all_the_same() {
    let running = Running::with(&["over-capacity"], 0, 100).await;
    let reply = running.send(&Update::multipart(b"no picture")).await;
    assert_eq!((reply.status, reply.code()), (503, Some(130)));
    let last = running.last().await;
    assert_eq!(
        (&last["verdict"], &last["code"]),
        (&"rejected".into(), &130.into())
    );
    let explanation = last["explanation"].as_str().unwrap();
    assert!(explanation.starts_with("would have been rejected: 422 120 "));
    // A nonce is spent even if the answer was an error.
    let update = Update::multipart(&pictures::png(64, 64)).bytes(&running);
    for verdict in ["accepted", "rejected"] {
        running.exchange(&update).await.unwrap();
        assert_eq!(running.last().await["verdict"], verdict);
    }
}

#[tokio::test]
async fn only_updates_use_faults_up() {
    let running = Running::with(&["internal-error*1"], 0, 100).await;
    assert_eq!(running.get("/1.1/other.json").await.status, 404);
    let update = Update::multipart(&pictures::png(64, 64));
    assert_eq!(running.send(&update).await.status, 500);
}
