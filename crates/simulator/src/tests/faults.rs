//! The faults of Bluesky and Mastodon as the client sees them, and where they come up.

use std::time::Duration;

use serde_json::{Value, json};

use super::bluesky::{Session, bearer};
use super::client::{MASTODON_TOKEN, Reply, Running};
use super::{mastodon, pictures};
use crate::answer::Delivery;
use crate::network::Network;

const VERIFY: &str = "GET /api/v1/accounts/verify_credentials";
const SESSION: &str = "GET /xrpc/com.atproto.server.getSession";
const PUT: &str = "com.atproto.repo.putRecord";

/// The faults that are more than an answer.
const OTHERS: [&str; 5] = ["hang", "slow", "reset", "cut-off", "endless-body"];

fn fail(running: &Running, network: &str, fault: &str, endpoint: Option<&str>) {
    let mut body = json!({ "network": network, "fault": fault, "times": 1 });
    if let Some(endpoint) = endpoint {
        body["endpoint"] = json!(endpoint);
    }
    running.control("PUT", "faults", &body);
}

/// Checks that a reply is what the description of the fault says.
fn check_description(reply: &Reply, name: &str, description: &str) {
    let status = reply.status.to_string();
    assert!(description.starts_with(&status), "{name}: {status}");
    if description.contains("empty body") {
        assert!(reply.body.is_empty(), "{name}");
    } else if description.contains("page in HTML") {
        let media_type = reply.header("content-type").unwrap();
        assert!(media_type.starts_with("text/html"), "{name}");
    } else if name == "wrong-json" {
        assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    } else if name != "proxy-block" {
        assert!(reply.json().is_object(), "{name}");
    }
}

#[test]
fn every_fault_of_bluesky_is_as_its_description_says() {
    let running = Running::start();
    let session = Session::begin(&running);
    for fault in Network::Bluesky.faults() {
        if OTHERS.contains(&fault.name) {
            continue;
        }
        fail(
            &running,
            "bluesky",
            fault.name,
            Some("com.atproto.server.getSession"),
        );
        let reply = running.ask(SESSION, &[bearer(&session.access)], b"");
        check_description(&reply, fault.name, fault.description);
        let last = running.last();
        assert_eq!(
            (&last["fault"], &last["verdict"]),
            (&fault.name.into(), &"accepted".into())
        );
        assert_eq!(last["took_effect"], false);
        if let Some((_, rest)) = fault.description.split_once(' ')
            && let Some((name, _)) = rest.split_once([':', ','])
            && name.chars().all(char::is_alphanumeric)
        {
            assert_eq!(reply.json()["error"], name, "{}", fault.name);
            assert_eq!(last["error"], name);
        }
        let after = running.ask(SESSION, &[bearer(&session.access)], b"");
        assert_eq!(after.status, 200, "once only");
    }
}

#[test]
fn every_fault_of_mastodon_is_as_its_description_says() {
    let running = Running::start();
    for fault in Network::Mastodon.faults() {
        if OTHERS.contains(&fault.name) {
            continue;
        }
        fail(&running, "mastodon", fault.name, None);
        let reply = mastodon::turn(&running, &pictures::png(64, 64));
        check_description(&reply, fault.name, fault.description);
        let last = running.last();
        assert_eq!(
            (&last["fault"], &last["verdict"]),
            (&fault.name.into(), &"accepted".into())
        );
        assert_eq!(last["took_effect"], false);
    }
    assert_eq!(running.get("/simulator/icon?network=mastodon").status, 404);
    let after = mastodon::turn(&running, &pictures::png(64, 64));
    assert_eq!(after.status, 200);
}

#[test]
fn rate_limits_have_their_headers() {
    let running = Running::with(&["bluesky:rate-limit*1", "mastodon:rate-limit*1"], 0, 9);
    let now = running.now().timestamp();
    let reply = running.ask(SESSION, &[], b"");
    assert_eq!(reply.json()["error"], "RateLimitExceeded");
    let reset: i64 = reply.header("ratelimit-reset").unwrap().parse().unwrap();
    assert!((reset - now - 300).abs() <= 2);
    assert_eq!(reply.header("ratelimit-remaining"), Some("0"));
    let reply = running.ask(VERIFY, &[bearer(MASTODON_TOKEN)], b"");
    assert_eq!(reply.status, 429);
    let reset = reply.header("x-ratelimit-reset").unwrap();
    let reset = chrono::DateTime::parse_from_rfc3339(reset)
        .unwrap()
        .timestamp();
    assert!((reset - now - 300).abs() <= 2);
}

#[test]
fn a_fault_comes_up_where_it_belongs_or_where_it_was_asked_for() {
    let running = Running::start();
    fail(&running, "bluesky", "invalid-swap", None);
    fail(
        &running,
        "bluesky",
        "upstream-failure",
        Some("com.atproto.repo.uploadBlob"),
    );
    fail(&running, "mastodon", "revoked-token", None);
    fail(&running, "bluesky", "auth-factor", None);
    let body = json!({ "identifier": "local.test", "password": "x" }).to_string();
    let headers = ["Content-Type: application/json".to_owned()];
    let create = "POST /xrpc/com.atproto.server.createSession";
    let reply = running.ask(create, &headers, body.as_bytes());
    assert_eq!(reply.json()["error"], "AuthFactorTokenRequired");
    let session = Session::begin(&running);
    let upload = "POST /xrpc/com.atproto.repo.uploadBlob";
    let headers = [
        bearer(&session.access),
        "Content-Type: image/png".to_owned(),
    ];
    let reply = running.ask(upload, &headers, b"x");
    assert_eq!(reply.json()["error"], "UpstreamFailure");
    let reply = session.turn(&running, &pictures::png(64, 64));
    assert_eq!(reply.json()["error"], "InvalidSwap");
    let reply = session.turn(&running, &pictures::png(64, 64));
    assert_eq!(reply.status, 200);
    let reply = running.ask(VERIFY, &[bearer(MASTODON_TOKEN)], b"");
    assert_eq!(reply.json()["error"], "The access token was revoked");
}

#[test]
fn a_fault_keeps_a_request_from_having_an_effect() {
    let running = Running::start();
    fail(&running, "bluesky", "internal-error", None);
    let body = json!({ "identifier": "local.test", "password": super::client::APP_PASSWORD });
    let headers = ["Content-Type: application/json".to_owned()];
    let create = "POST /xrpc/com.atproto.server.createSession";
    let reply = running.ask(create, &headers, body.to_string().as_bytes());
    assert_eq!(reply.status, 500);
    let shown = running.control("GET", "bluesky", &json!(""));
    assert_eq!(shown["sessions"], 0);
    let cid = shown["record"]["cid"].clone();

    let session = Session::begin(&running);
    fail(&running, "bluesky", "empty-error", Some(PUT));
    assert_eq!(session.turn(&running, &pictures::png(64, 64)).status, 500);
    let shown = running.control("GET", "bluesky", &json!(""));
    assert_eq!(shown["record"]["cid"], cid);
    assert_eq!(running.get("/simulator/icon?network=bluesky").status, 404);

    fail(&running, "bluesky", "cut-off", Some(PUT));
    let reply = session.turn(&running, &pictures::png(64, 64));
    let half = Delivery::CutOff(reply.body.len() / 2);
    assert_eq!((reply.status, &reply.delivery), (200, &half));
    let shown = running.control("GET", "bluesky", &json!(""));
    assert_ne!(
        shown["record"]["cid"], cid,
        "the record was put all the same"
    );
    assert_eq!(running.get("/simulator/icon?network=bluesky").status, 200);
}

#[test]
fn a_request_that_names_no_sender_is_refused_by_each_network() {
    let running = Running::start();
    let update = "POST /1.1/account/update_profile_image.json";
    for line in [update, SESSION, VERIFY] {
        for name in ["", "User-Agent:\r\n"] {
            let address = running.address;
            let head = format!("Host: {address}\r\n{name}");
            let request = format!("{line} HTTP/1.1\r\n{head}\r\n");
            let reply = running.exchange(request.as_bytes());
            assert_eq!(reply.status, 418, "{line}");
            assert!(reply.text().contains("no user-agent"), "{}", reply.text());
        }
    }
}

#[test]
fn connections_fail_on_the_other_networks_too() {
    let running = Running::start();
    let verify = || running.ask(VERIFY, &[bearer(MASTODON_TOKEN)], b"");
    fail(&running, "mastodon", "reset", None);
    assert_eq!(verify().delivery, Delivery::Reset);

    fail(&running, "mastodon", "slow", None);
    let reply = verify();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.delivery, Delivery::Late(Duration::from_secs(3)));

    fail(&running, "bluesky", "hang", None);
    assert_eq!(running.ask(SESSION, &[], b"").delivery, Delivery::Hang);
}

#[test]
fn an_endless_body_does_not_end_before_the_client_leaves() {
    let running = Running::start();
    for (network, line) in [("bluesky", SESSION), ("mastodon", VERIFY)] {
        fail(&running, network, "endless-body", None);
        let reply = running.ask(line, &[], b"");
        assert_eq!(reply.status, 200);
        assert!(matches!(reply.delivery, Delivery::Endless(more) if more.ends_with(b"xxxx")));
        let last = running.last();
        assert_eq!(
            (&last["fault"], &last["status"]),
            (&"endless-body".into(), &200.into())
        );
        assert_eq!(last["took_effect"], false);
    }
}
