//! Reading and putting the profile on Bluesky.

use serde_json::{Value, json};

use super::{CREATE, PROFILE, SESSION, Session, expect_error, json_type, read};
use crate::tests::client::Running;
use crate::tests::pictures;

#[test]
fn a_turn_changes_the_avatar_and_nothing_else() {
    let running = Running::start();
    let session = Session::begin(&running);
    let before = read(&running, "local.test").json();
    assert_eq!(
        before["uri"],
        format!("at://{}/{PROFILE}/self", session.did)
    );
    assert!(before["cid"].as_str().unwrap().starts_with("bafyrei"));
    assert!(
        before["value"]["displayName"].is_string() && before["value"]["description"].is_string()
    );
    assert!(before["value"]["org.example.unknown"].is_object());

    let picture = pictures::jpeg(400, 400);
    let avatar = session.upload(&running, &picture, "image/jpeg");
    assert_eq!(
        (&avatar["$type"], &avatar["mimeType"]),
        (&"blob".into(), &"image/jpeg".into())
    );
    assert_eq!(avatar["size"], picture.len());
    assert!(
        avatar["ref"]["$link"]
            .as_str()
            .unwrap()
            .starts_with("bafkrei")
    );
    assert_eq!(running.get("/simulator/icon?network=bluesky").status, 404);

    let update = session.update(&before, &avatar);
    let reply = session.put(&running, &update);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let after = read(&running, &session.did).json();
    assert_eq!(after["cid"], reply.json()["cid"]);
    assert_ne!(after["cid"], before["cid"]);
    assert_eq!(after["value"], update["record"]);
    assert!(reply.json()["commit"]["rev"].is_string());
    assert_eq!(running.get("/simulator/icon?network=bluesky").body, picture);
    assert_eq!(running.get("/simulator/icon").status, 404, "that of X");

    let received = running.control("GET", "received?network=bluesky", &json!(""));
    let endpoints: Vec<&str> = received
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|one| one["endpoint"].as_str().unwrap())
        .collect();
    assert_eq!(
        endpoints,
        [
            "com.atproto.server.createSession",
            "com.atproto.repo.getRecord",
            "com.atproto.repo.uploadBlob",
            "com.atproto.repo.putRecord",
            "com.atproto.repo.getRecord",
        ]
    );
    for one in received.as_array().unwrap() {
        assert_eq!(
            (&one["network"], &one["verdict"]),
            (&"bluesky".into(), &"accepted".into())
        );
        assert_eq!(one["took_effect"], true);
    }
    let upload = running.get("/simulator/received/3/picture");
    assert_eq!(upload.body, picture);
}

#[test]
fn putting_the_same_record_again_is_no_commit() {
    let running = Running::start();
    let session = Session::begin(&running);
    assert_eq!(session.turn(&running, &pictures::png(64, 64)).status, 200);
    let again = session.turn(&running, &pictures::png(64, 64));
    assert_eq!(again.status, 200);
    assert!(again.json().get("commit").is_none());
}

#[test]
fn only_the_profile_can_be_read() {
    let running = Running::start();
    let get = |query: &'static str| {
        let path = format!("/xrpc/com.atproto.repo.getRecord?{query}");
        running.get(&path)
    };
    for (query, name, words) in [
        ("", "InvalidRequest", "\"repo\""),
        ("repo=local.test", "InvalidRequest", "\"collection\""),
        (
            "repo=local.test&collection=a.b.c",
            "InvalidRequest",
            "\"rkey\"",
        ),
        (
            "repo=other.test&collection=app.bsky.actor.profile&rkey=self",
            "InvalidRequest",
            "Could not find repo",
        ),
        (
            "repo=local.test&collection=app.bsky.actor.profile&rkey=me",
            "RecordNotFound",
            "Could not locate record",
        ),
        (
            "repo=local.test&collection=a.b.c&rkey=self",
            "RecordNotFound",
            "a.b.c",
        ),
        (
            "repo=local.test&collection=app.bsky.actor.profile&rkey=self&cid=bafy",
            "RecordNotFound",
            "locate",
        ),
        (
            "repo=local.test&repo=x&collection=a&rkey=b",
            "InvalidRequest",
            "twice",
        ),
        (
            "repo=local.test&collection=a&rkey=b&c=d",
            "InvalidRequest",
            "“c”",
        ),
        (
            "repo=local.test&collection=a%&rkey=b",
            "InvalidRequest",
            "encoded",
        ),
    ] {
        let reply = get(query);
        expect_error(&running, &reply, 400, name, words);
    }
    running.control("PATCH", "bluesky", &json!({ "record": null }));
    let reply = read(&running, "local.test");
    expect_error(
        &running,
        &reply,
        400,
        "RecordNotFound",
        "Could not locate record: at://",
    );
}

#[test]
fn other_methods_are_refused() {
    let running = Running::start();
    let reply = running.get("/xrpc/com.atproto.server.createSession");
    expect_error(
        &running,
        &reply,
        400,
        "InvalidRequest",
        "Incorrect HTTP method (GET)",
    );
    let reply = running.ask(&SESSION.replace("GET", "POST"), &[], b"");
    expect_error(&running, &reply, 400, "InvalidRequest", "expected GET");
    let reply = running.ask(&format!("{CREATE}?a=b"), &[json_type()], b"{}");
    expect_error(&running, &reply, 400, "InvalidRequest", "query");
    let reply = running.get("/xrpc/app.bsky.actor.getProfile?actor=local.test");
    expect_error(&running, &reply, 501, "MethodNotImplemented", "getProfile");
    assert_eq!(running.last()["endpoint"], Value::Null);
}

#[test]
fn a_record_is_swapped_only_for_the_one_that_was_read() {
    let running = Running::start();
    let session = Session::begin(&running);
    let before = read(&running, "local.test").json();
    let avatar = session.upload(&running, &pictures::png(64, 64), "image/png");
    let good = session.update(&before, &avatar);

    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("swapRecord");
    let reply = session.put(&running, &without);
    expect_error(&running, &reply, 400, "InvalidRequest", "no swapRecord");
    let present = format!("Record was at {}", before["cid"].as_str().unwrap());
    let other = format!("bafyrei{}", "a".repeat(52));
    for swap in [json!(null), json!(other), json!("")] {
        let mut stale = good.clone();
        stale["swapRecord"] = swap;
        let reply = session.put(&running, &stale);
        expect_error(&running, &reply, 400, "InvalidSwap", &present);
        assert_eq!(reply.json()["message"], present.as_str());
    }
    assert_eq!(session.put(&running, &good).status, 200);
    let reply = session.put(&running, &good);
    expect_error(&running, &reply, 400, "InvalidSwap", "Record was at");
}

#[test]
fn another_client_may_come_in_between() {
    let running = Running::start();
    let session = Session::begin(&running);
    running.control("PATCH", "bluesky", &json!({ "change_after_get": 2 }));
    for _ in 0..2 {
        let reply = session.turn(&running, &pictures::png(64, 64));
        expect_error(&running, &reply, 400, "InvalidSwap", "Record was at");
    }
    assert_eq!(session.turn(&running, &pictures::png(64, 64)).status, 200);
    let value = read(&running, "local.test").json()["value"].clone();
    assert_eq!(value["description"], "Changed by another client, 1.");
    assert!(value["org.example.unknown"].is_object());

    let record = json!({ "$type": PROFILE, "displayName": "Another" });
    let shown = running.control("PATCH", "bluesky", &json!({ "record": record }));
    assert_eq!(shown["record"]["value"], record);
    assert_eq!(
        shown["blobs"],
        json!([]),
        "nothing refers to the avatar any more"
    );
}

#[test]
fn without_a_profile_the_first_one_is_put() {
    let running = Running::start();
    let session = Session::begin(&running);
    running.control("PATCH", "bluesky", &json!({ "record": null }));
    let avatar = session.upload(&running, &pictures::png(64, 64), "image/png");
    let nothing = json!({ "cid": null, "value": { "$type": PROFILE } });
    let mut update = session.update(&nothing, &avatar);
    update["swapRecord"] = json!(avatar["ref"]["$link"]);
    let reply = session.put(&running, &update);
    expect_error(&running, &reply, 400, "InvalidSwap", "Record was at null");
    update["swapRecord"] = Value::Null;
    assert_eq!(session.put(&running, &update).status, 200);
    assert_eq!(
        read(&running, "local.test").json()["value"],
        update["record"]
    );
}

#[test]
fn nothing_of_the_profile_may_be_lost_or_changed() {
    let running = Running::start();
    let session = Session::begin(&running);
    let before = read(&running, "local.test").json();
    let avatar = session.upload(&running, &pictures::png(64, 64), "image/png");
    let good = session.update(&before, &avatar);
    for name in [
        "displayName",
        "description",
        "createdAt",
        "org.example.unknown",
    ] {
        let mut lossy = good.clone();
        lossy["record"].as_object_mut().unwrap().remove(name);
        let reply = session.put(&running, &lossy);
        let words = format!("“{name}” of the record would be lost");
        expect_error(&running, &reply, 400, "InvalidRequest", &words);
    }
    let mut rounded = good.clone();
    rounded["record"]["org.example.unknown"]["numbers"][2] = json!(9_007_199_254_740_990_u64);
    let reply = session.put(&running, &rounded);
    expect_error(&running, &reply, 400, "InvalidRequest", "would be changed");
    let mut large = good.clone();
    large["record"]["org.example.unknown"]["numbers"][2] = json!(9_007_199_254_740_992_u64);
    let reply = session.put(&running, &large);
    expect_error(&running, &reply, 500, "InternalServerError", "2^53");
    let mut more = good.clone();
    more["record"]["pronouns"] = json!("they");
    assert_eq!(
        session.put(&running, &more).status,
        200,
        "an addition loses nothing"
    );
}

#[test]
fn the_lexicon_is_kept_to() {
    let running = Running::start();
    let session = Session::begin(&running);
    running.control(
        "PATCH",
        "bluesky",
        &json!({ "record": { "$type": PROFILE } }),
    );
    let before = read(&running, "local.test").json();
    let avatar = session.upload(&running, &pictures::png(64, 64), "image/png");
    let good = session.update(&before, &avatar);
    for (name, value, words) in [
        ("$type", json!("app.bsky.feed.post"), "Invalid $type"),
        ("displayName", json!(1), "string value type"),
        ("displayName", json!("x".repeat(65)), "maximum 64,"),
        (
            "displayName",
            json!("a\u{301}\u{302}\u{303}\u{304}\u{305}".repeat(64)),
            "maximum 640,",
        ),
        ("description", json!("x".repeat(257)), "maximum 256,"),
        ("description", json!("☃".repeat(854)), "maximum 2560,"),
        ("pronouns", json!("x".repeat(21)), "maximum 20,"),
        ("labels", json!([]), "$.record.labels"),
        ("labels", json!({}), "$.record.labels"),
        ("pinnedPost", json!({}), "\"uri\""),
        ("pinnedPost", json!(null), "Expected object"),
        ("website", json!("example.com"), "$.record.website"),
        ("createdAt", json!("yesterday"), "datetime"),
        ("other", json!(1.5), "integer value type"),
    ] {
        let mut wrong = good.clone();
        wrong["record"][name] = value;
        let reply = session.put(&running, &wrong);
        expect_error(&running, &reply, 400, "InvalidRequest", words);
    }
    let mut longest = good.clone();
    longest["record"]["displayName"] = json!("x".repeat(64));
    assert_eq!(session.put(&running, &longest).status, 200);
}

#[test]
fn only_the_own_profile_can_be_put() {
    let running = Running::start();
    let session = Session::begin(&running);
    let before = read(&running, "local.test").json();
    let avatar = session.upload(&running, &pictures::png(64, 64), "image/png");
    let good = session.update(&before, &avatar);
    for (member, value, status, name, words) in [
        (
            "repo",
            json!("did:plc:other"),
            401,
            "AuthenticationRequired",
            "does not belong to the session",
        ),
        (
            "collection",
            json!("app.bsky.feed.post"),
            400,
            "InvalidRequest",
            "app.bsky.feed.post",
        ),
        ("rkey", json!("me"), 400, "InvalidRequest", "“me”"),
        (
            "record",
            json!("x"),
            400,
            "InvalidRequest",
            "must be an object",
        ),
        (
            "validate",
            json!(false),
            400,
            "InvalidRequest",
            "“validate”",
        ),
        (
            "validate",
            json!("true"),
            400,
            "InvalidRequest",
            "“validate”",
        ),
        (
            "swapCommit",
            json!(null),
            400,
            "InvalidRequest",
            "“swapCommit”",
        ),
        ("swap", json!(null), 400, "InvalidRequest", "“swap”"),
    ] {
        let mut wrong = good.clone();
        wrong[member] = value;
        let reply = session.put(&running, &wrong);
        expect_error(&running, &reply, status, name, words);
    }
    let mut by_handle = good.clone();
    by_handle["repo"] = json!("local.test");
    assert_eq!(session.put(&running, &by_handle).status, 200);
}
