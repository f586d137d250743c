//! Reading and putting the profile on Bluesky.

use serde_json::{Value, json};

use super::{CREATE, PROFILE, SESSION, Session, expect_error, json_type, read};
use crate::tests::client::Running;
use crate::tests::pictures;

#[tokio::test]
async fn a_turn_changes_the_avatar_and_nothing_else() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let before = read(&running, "local.test").await.json();
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
    let avatar = session.upload(&running, &picture, "image/jpeg").await;
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
    assert_eq!(
        running.get("/simulator/icon?network=bluesky").await.status,
        404
    );

    let update = session.update(&before, &avatar);
    let reply = session.put(&running, &update).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let after = read(&running, &session.did).await.json();
    assert_eq!(after["cid"], reply.json()["cid"]);
    assert_ne!(after["cid"], before["cid"]);
    assert_eq!(after["value"], update["record"]);
    assert!(reply.json()["commit"]["rev"].is_string());
    assert_eq!(
        running.get("/simulator/icon?network=bluesky").await.body,
        picture
    );
    assert_eq!(
        running.get("/simulator/icon").await.status,
        404,
        "that of X"
    );

    let received = running
        .control("GET", "received?network=bluesky", &json!(""))
        .await;
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
    let upload = running.get("/simulator/received/3/picture").await;
    assert_eq!(upload.body, picture);
}

#[tokio::test]
async fn putting_the_same_record_again_is_no_commit() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    assert_eq!(
        session.turn(&running, &pictures::png(64, 64)).await.status,
        200
    );
    let again = session.turn(&running, &pictures::png(64, 64)).await;
    assert_eq!(again.status, 200);
    assert!(again.json().get("commit").is_none());
}

#[tokio::test]
async fn only_the_profile_can_be_read() {
    let running = Running::start().await;
    let get = |query: &'static str| {
        let path = format!("/xrpc/com.atproto.repo.getRecord?{query}");
        let running = &running;
        async move { running.get(&path).await }
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
        let reply = get(query).await;
        expect_error(&running, &reply, 400, name, words).await;
    }
    running
        .control("PATCH", "bluesky", &json!({ "record": null }))
        .await;
    let reply = read(&running, "local.test").await;
    expect_error(
        &running,
        &reply,
        400,
        "RecordNotFound",
        "Could not locate record: at://",
    )
    .await;
}

#[tokio::test]
async fn other_methods_are_refused() {
    let running = Running::start().await;
    let reply = running.get("/xrpc/com.atproto.server.createSession").await;
    expect_error(
        &running,
        &reply,
        400,
        "InvalidRequest",
        "Incorrect HTTP method (GET)",
    )
    .await;
    let reply = running.ask(&SESSION.replace("GET", "POST"), &[], b"").await;
    expect_error(&running, &reply, 400, "InvalidRequest", "expected GET").await;
    let reply = running
        .ask(&format!("{CREATE}?a=b"), &[json_type()], b"{}")
        .await;
    expect_error(&running, &reply, 400, "InvalidRequest", "query").await;
    let reply = running
        .get("/xrpc/app.bsky.actor.getProfile?actor=local.test")
        .await;
    expect_error(&running, &reply, 501, "MethodNotImplemented", "getProfile").await;
    assert_eq!(running.last().await["endpoint"], Value::Null);
}

#[tokio::test]
async fn a_record_is_swapped_only_for_the_one_that_was_read() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let before = read(&running, "local.test").await.json();
    let avatar = session
        .upload(&running, &pictures::png(64, 64), "image/png")
        .await;
    let good = session.update(&before, &avatar);

    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("swapRecord");
    let reply = session.put(&running, &without).await;
    expect_error(&running, &reply, 400, "InvalidRequest", "no swapRecord").await;
    let present = format!("Record was at {}", before["cid"].as_str().unwrap());
    let other = format!("bafyrei{}", "a".repeat(52));
    for swap in [json!(null), json!(other), json!("")] {
        let mut stale = good.clone();
        stale["swapRecord"] = swap;
        let reply = session.put(&running, &stale).await;
        expect_error(&running, &reply, 400, "InvalidSwap", &present).await;
        assert_eq!(reply.json()["message"], present.as_str());
    }
    assert_eq!(session.put(&running, &good).await.status, 200);
    let reply = session.put(&running, &good).await;
    expect_error(&running, &reply, 400, "InvalidSwap", "Record was at").await;
}

#[tokio::test]
async fn another_client_may_come_in_between() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    running
        .control("PATCH", "bluesky", &json!({ "change_after_get": 2 }))
        .await;
    for _ in 0..2 {
        let reply = session.turn(&running, &pictures::png(64, 64)).await;
        expect_error(&running, &reply, 400, "InvalidSwap", "Record was at").await;
    }
    assert_eq!(
        session.turn(&running, &pictures::png(64, 64)).await.status,
        200
    );
    let value = read(&running, "local.test").await.json()["value"].clone();
    assert_eq!(value["description"], "Changed by another client, 1.");
    assert!(value["org.example.unknown"].is_object());

    let record = json!({ "$type": PROFILE, "displayName": "Another" });
    let shown = running
        .control("PATCH", "bluesky", &json!({ "record": record }))
        .await;
    assert_eq!(shown["record"]["value"], record);
    assert_eq!(
        shown["blobs"],
        json!([]),
        "nothing refers to the avatar any more"
    );
}

#[tokio::test]
async fn without_a_profile_the_first_one_is_put() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    running
        .control("PATCH", "bluesky", &json!({ "record": null }))
        .await;
    let avatar = session
        .upload(&running, &pictures::png(64, 64), "image/png")
        .await;
    let nothing = json!({ "cid": null, "value": { "$type": PROFILE } });
    let mut update = session.update(&nothing, &avatar);
    update["swapRecord"] = json!(avatar["ref"]["$link"]);
    let reply = session.put(&running, &update).await;
    expect_error(&running, &reply, 400, "InvalidSwap", "Record was at null").await;
    update["swapRecord"] = Value::Null;
    assert_eq!(session.put(&running, &update).await.status, 200);
    assert_eq!(
        read(&running, "local.test").await.json()["value"],
        update["record"]
    );
}

#[tokio::test]
async fn nothing_of_the_profile_may_be_lost_or_changed() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let before = read(&running, "local.test").await.json();
    let avatar = session
        .upload(&running, &pictures::png(64, 64), "image/png")
        .await;
    let good = session.update(&before, &avatar);
    for name in [
        "displayName",
        "description",
        "createdAt",
        "org.example.unknown",
    ] {
        let mut lossy = good.clone();
        lossy["record"].as_object_mut().unwrap().remove(name);
        let reply = session.put(&running, &lossy).await;
        let words = format!("“{name}” of the record would be lost");
        expect_error(&running, &reply, 400, "InvalidRequest", &words).await;
    }
    let mut rounded = good.clone();
    rounded["record"]["org.example.unknown"]["numbers"][2] = json!(9_007_199_254_740_990_u64);
    let reply = session.put(&running, &rounded).await;
    expect_error(&running, &reply, 400, "InvalidRequest", "would be changed").await;
    let mut large = good.clone();
    large["record"]["org.example.unknown"]["numbers"][2] = json!(9_007_199_254_740_992_u64);
    let reply = session.put(&running, &large).await;
    expect_error(&running, &reply, 500, "InternalServerError", "2^53").await;
    let mut more = good.clone();
    more["record"]["pronouns"] = json!("they");
    assert_eq!(
        session.put(&running, &more).await.status,
        200,
        "an addition loses nothing"
    );
}

#[tokio::test]
async fn the_lexicon_is_kept_to() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    running
        .control(
            "PATCH",
            "bluesky",
            &json!({ "record": { "$type": PROFILE } }),
        )
        .await;
    let before = read(&running, "local.test").await.json();
    let avatar = session
        .upload(&running, &pictures::png(64, 64), "image/png")
        .await;
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
        let reply = session.put(&running, &wrong).await;
        expect_error(&running, &reply, 400, "InvalidRequest", words).await;
    }
    let mut longest = good.clone();
    longest["record"]["displayName"] = json!("x".repeat(64));
    assert_eq!(session.put(&running, &longest).await.status, 200);
}

#[tokio::test]
async fn only_the_own_profile_can_be_put() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let before = read(&running, "local.test").await.json();
    let avatar = session
        .upload(&running, &pictures::png(64, 64), "image/png")
        .await;
    let good = session.update(&before, &avatar);
    for (member, value, status, name, words) in [
        (
            "repo",
            json!("did:plc:other"),
            401,
            "AuthenticationRequired",
            "not that of the session",
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
        let reply = session.put(&running, &wrong).await;
        expect_error(&running, &reply, status, name, words).await;
    }
    let mut by_handle = good.clone();
    by_handle["repo"] = json!("local.test");
    assert_eq!(session.put(&running, &by_handle).await.status, 200);
}
