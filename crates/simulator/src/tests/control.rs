//! The routes for tests and demos.

use serde_json::json;

use super::super::listen;
use super::super::x::FAULTS;
use super::client::{Running, Update};
use super::pictures;

#[tokio::test]
async fn faults_are_listed_added_and_cleared() {
    let running = Running::with(&["slow*2"], 0, 100).await;
    let list = running.get("/simulator/faults").await.json();
    assert_eq!(list["known"].as_array().unwrap().len(), FAULTS.len());
    assert_eq!(list["known"][0]["name"], FAULTS[0].name);
    assert_eq!(list["known"][0]["description"], FAULTS[0].description);
    assert_eq!(list["queue"], json!([{ "fault": "slow", "times": 2 }]));

    let put = |body: &'static str| running.request("PUT", "/simulator/faults", body);
    assert_eq!(put("{\"fault\":\"hang\",\"times\":1}").await.status, 200);
    let list = put("{\"fault\":\"reset\"}").await.json();
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
        let reply = put(bad).await;
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.json()["error"].as_str().unwrap().contains(words));
    }
    let cleared = running.request("DELETE", "/simulator/faults", "").await;
    assert_eq!(cleared.json()["queue"], json!([]));
    assert_eq!(
        running
            .request("POST", "/simulator/faults", "")
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn what_was_received_is_kept_up_to_a_number_and_cleared() {
    let running = Running::with(&[], 0, 2).await;
    for side in [50, 51, 52] {
        running
            .send(&Update::multipart(&pictures::png(side, side)))
            .await;
    }
    let received = running.received().await;
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
        assert_eq!(running.get(path).await.status, status, "{path}");
    }
    assert_eq!(
        running
            .request("DELETE", "/simulator/received", "")
            .await
            .status,
        204
    );
    assert!(running.received().await.is_empty());
    assert_eq!(running.get("/simulator/icon").await.status, 200);
    running
        .send(&Update::multipart(&pictures::png(53, 53)))
        .await;
    assert_eq!(running.last().await["number"], 4);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let running = Running::start().await;
    let port = running.address.port();
    let error = listen("127.0.0.1", port).await.unwrap_err().to_string();
    assert!(
        error.contains(&port.to_string()) && error.contains("--port"),
        "{error}"
    );
    assert!(!error.contains('\n'));
}

#[tokio::test]
async fn networks_are_kept_apart() {
    let running = Running::with(&["bluesky:hang@com.atproto.repo.putRecord*2"], 0, 100).await;
    let list = running
        .get("/simulator/faults?network=bluesky")
        .await
        .json();
    assert_eq!(list["network"], "bluesky");
    assert_eq!(
        list["queue"],
        json!([{ "fault": "hang", "times": 2, "endpoint": "com.atproto.repo.putRecord" }])
    );
    assert_eq!(list["endpoints"].as_array().unwrap().len(), 8);
    assert_eq!(
        running.get("/simulator/faults").await.json()["queue"],
        json!([])
    );
    let body = json!({ "network": "mastodon", "fault": "slow" });
    let list = running.control("PUT", "faults", &body).await;
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
        let reply = running
            .request("PUT", "/simulator/faults", &bad.to_string())
            .await;
        assert_eq!(reply.status, 400);
        assert!(
            reply.json()["error"].as_str().unwrap().contains(words),
            "{bad}"
        );
    }
    running
        .control("DELETE", "faults?network=mastodon", &json!(""))
        .await;
    let left = running
        .get("/simulator/faults?network=bluesky")
        .await
        .json();
    assert_eq!(left["queue"].as_array().unwrap().len(), 1);
    running.control("DELETE", "faults", &json!("")).await;
    let left = running
        .get("/simulator/faults?network=bluesky")
        .await
        .json();
    assert_eq!(left["queue"], json!([]));

    running.get("/xrpc/com.atproto.server.getSession").await;
    running.get("/api/v1/accounts/verify_credentials").await;
    running
        .send(&Update::multipart(&pictures::png(64, 64)))
        .await;
    let count = async |query: &str| {
        let list = running
            .control("GET", &format!("received{query}"), &json!(""))
            .await;
        list.as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?network=mastodon").await, 1);
    running
        .control("DELETE", "received?network=bluesky", &json!(""))
        .await;
    assert_eq!((count("").await, count("?network=bluesky").await), (2, 0));
    for path in ["received", "faults", "icon"] {
        let path = format!("/simulator/{path}?network=y");
        assert_eq!(running.get(&path).await.status, 400, "{path}");
    }
    assert_eq!(running.get("/simulator/icon?17").await.status, 200);
    assert_eq!(
        running.get("/simulator/icon?network=bluesky").await.status,
        404
    );
}

#[tokio::test]
async fn the_clock_can_be_shifted_while_it_runs() {
    let running = Running::start().await;
    let shown = running
        .control("PUT", "clock", &json!({ "offset": 7_200 }))
        .await;
    assert_eq!(shown["offset"], 7_200);
    let now = chrono::DateTime::parse_from_rfc3339(shown["now"].as_str().unwrap()).unwrap();
    let ahead = now.timestamp() - chrono::Utc::now().timestamp();
    assert!((7_198..=7_200).contains(&ahead), "{ahead}");
    assert_eq!(running.clock.offset(), 7_200);
    let date = running.get("/").await.header("date").unwrap().to_owned();
    let date = chrono::DateTime::parse_from_rfc2822(&date).unwrap();
    assert!(date.timestamp() - chrono::Utc::now().timestamp() > 7_000);
    for bad in ["{\"offset\":315360001}", "{\"offset\":\"1\"}", "{}", ""] {
        let reply = running.request("PUT", "/simulator/clock", bad).await;
        assert_eq!(reply.status, 400, "{bad}");
    }
    assert_eq!(
        running.get("/simulator/clock").await.json()["offset"],
        7_200
    );
}
