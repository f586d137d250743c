//! The routes for tests and demos.

use serde_json::json;

use super::client::{Running, Update};
use super::pictures;
use crate::x::FAULTS;

#[test]
fn faults_are_listed_added_and_cleared() {
    let running = Running::with(&["slow*2"], 0, 100);
    let list = running.get("/simulator/faults").json();
    assert_eq!(list["known"].as_array().unwrap().len(), FAULTS.len());
    assert_eq!(list["known"][0]["name"], FAULTS[0].name);
    assert_eq!(list["known"][0]["description"], FAULTS[0].description);
    assert_eq!(list["queue"], json!([{ "fault": "slow", "times": 2 }]));

    let put = |body: &'static str| running.request("PUT", "/simulator/faults", body);
    assert_eq!(put("{\"fault\":\"hang\",\"times\":1}").status, 200);
    let list = put("{\"fault\":\"reset\"}").json();
    assert_eq!(
        list["queue"],
        json!([
            { "fault": "slow", "times": 2 },
            { "fault": "hang", "times": 1 },
            { "fault": "reset", "times": null }
        ])
    );
    for (bad, words) in [
        ("{\"fault\":\"hangs\"}", "captive-portal"),
        ("{\"fault\":\"hang\",\"times\":0}", "1 or more"),
        ("{\"fault\":\"hang\",\"time\":1}", "expected"),
        ("hang", "expected"),
        ("", "expected"),
    ] {
        let reply = put(bad);
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.json()["error"].as_str().unwrap().contains(words));
    }
    let cleared = running.request("DELETE", "/simulator/faults", "");
    assert_eq!(cleared.json()["queue"], json!([]));
    assert_eq!(running.request("POST", "/simulator/faults", "").status, 405);
}

#[test]
fn what_was_received_is_kept_up_to_a_number_and_cleared() {
    let running = Running::with(&[], 0, 2);
    for side in [50, 51, 52] {
        running.send(&Update::multipart(&pictures::png(side, side)));
    }
    let received = running.received();
    let numbers: Vec<u64> = received
        .iter()
        .map(|one| one["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 2]);
    let at = received[0]["received_at"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok());
    for (path, status) in [
        ("/simulator/received/1/picture", 404),
        ("/simulator/received/3/picture", 200),
        ("/simulator/received/x/picture", 400),
    ] {
        assert_eq!(running.get(path).status, status, "{path}");
    }
    assert_eq!(
        running.request("DELETE", "/simulator/received", "").status,
        204
    );
    assert!(running.received().is_empty());
    assert_eq!(running.get("/simulator/icon").status, 200);
    running.send(&Update::multipart(&pictures::png(53, 53)));
    assert_eq!(running.last()["number"], 4);
}

#[test]
fn networks_are_kept_apart() {
    let running = Running::with(&["bluesky:hang@com.atproto.repo.putRecord*2"], 0, 100);
    let list = running.get("/simulator/faults?network=bluesky").json();
    assert_eq!(list["network"], "bluesky");
    assert_eq!(
        list["queue"],
        json!([{ "fault": "hang", "times": 2, "endpoint": "com.atproto.repo.putRecord" }])
    );
    assert_eq!(list["endpoints"].as_array().unwrap().len(), 8);
    assert_eq!(running.get("/simulator/faults").json()["queue"], json!([]));
    let body = json!({ "network": "mastodon", "fault": "slow" });
    let list = running.control("PUT", "faults", &body);
    assert_eq!(list["queue"], json!([{ "fault": "slow", "times": null }]));
    for (bad, words) in [
        (
            json!({ "network": "y", "fault": "hang" }),
            "bluesky, mastodon",
        ),
        (
            json!({ "network": "bluesky", "fault": "over-capacity" }),
            "invalid-swap",
        ),
        (
            json!({ "fault": "hang", "endpoint": "x" }),
            "oauth/request_token",
        ),
    ] {
        let reply = running.request("PUT", "/simulator/faults", &bad.to_string());
        assert_eq!(reply.status, 400);
        assert!(
            reply.json()["error"].as_str().unwrap().contains(words),
            "{bad}"
        );
    }
    running.control("DELETE", "faults?network=mastodon", &json!(""));
    let left = running.get("/simulator/faults?network=bluesky").json();
    assert_eq!(left["queue"].as_array().unwrap().len(), 1);
    running.control("DELETE", "faults", &json!(""));
    let left = running.get("/simulator/faults?network=bluesky").json();
    assert_eq!(left["queue"], json!([]));

    running.get("/xrpc/com.atproto.server.getSession");
    running.get("/api/v1/accounts/verify_credentials");
    running.send(&Update::multipart(&pictures::png(64, 64)));
    let count = |query: &str| {
        let list = running.control("GET", &format!("received{query}"), &json!(""));
        list.as_array().unwrap().len()
    };
    assert_eq!(count(""), 3);
    assert_eq!(count("?network=mastodon"), 1);
    running.control("DELETE", "received?network=bluesky", &json!(""));
    assert_eq!((count(""), count("?network=bluesky")), (2, 0));
    for path in ["received", "faults", "icon"] {
        let path = format!("/simulator/{path}?network=y");
        assert_eq!(running.get(&path).status, 400, "{path}");
    }
    assert_eq!(running.get("/simulator/icon?17").status, 200);
    assert_eq!(running.get("/simulator/icon?network=bluesky").status, 404);
}

#[test]
fn the_clock_can_be_shifted_while_it_runs() {
    let running = Running::start();
    let shown = running.control("PUT", "clock", &json!({ "offset": 7_200 }));
    assert_eq!(shown["offset"], 7_200);
    let now = chrono::DateTime::parse_from_rfc3339(shown["now"].as_str().unwrap()).unwrap();
    let ahead = now.timestamp() - chrono::Utc::now().timestamp();
    assert!((7_198..=7_200).contains(&ahead), "{ahead}");
    assert_eq!(running.clock_offset(), 7_200);
    let date = running.get("/").header("date").unwrap().to_owned();
    let date = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    assert!(date.timestamp() - chrono::Utc::now().timestamp() > 7_000);
    for bad in ["{\"offset\":315360001}", "{\"offset\":\"1\"}", "{}", ""] {
        let reply = running.request("PUT", "/simulator/clock", bad);
        assert_eq!(reply.status, 400, "{bad}");
    }
    assert_eq!(running.get("/simulator/clock").json()["offset"], 7_200);
}
