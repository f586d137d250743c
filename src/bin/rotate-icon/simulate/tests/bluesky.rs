//! Bluesky: sessions, blobs, the profile, and each reason for which something is refused.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::client::{APP_PASSWORD, Reply, Running};
use super::pictures;

const CREATE: &str = "POST /xrpc/com.atproto.server.createSession";
const REFRESH: &str = "POST /xrpc/com.atproto.server.refreshSession";
const SESSION: &str = "GET /xrpc/com.atproto.server.getSession";
const UPLOAD: &str = "POST /xrpc/com.atproto.repo.uploadBlob";
const PUT: &str = "POST /xrpc/com.atproto.repo.putRecord";
const PROFILE: &str = "app.bsky.actor.profile";

/// An account, and a session of it.
pub(super) struct Session {
    pub(super) did: String,
    pub(super) access: String,
    pub(super) refresh: String,
}

impl Session {
    pub(super) async fn begin(running: &Running) -> Self {
        let reply = sign_in(running, "local.test", APP_PASSWORD).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Self::of(&reply)
    }

    fn of(reply: &Reply) -> Self {
        let body = reply.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            did: text("did"),
            access: text("accessJwt"),
            refresh: text("refreshJwt"),
        }
    }

    pub(super) async fn upload(&self, running: &Running, bytes: &[u8], media_type: &str) -> Value {
        let headers = [bearer(&self.access), format!("Content-Type: {media_type}")];
        let reply = running.ask(UPLOAD, &headers, bytes).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["blob"].clone()
    }

    pub(super) async fn put(&self, running: &Running, body: &Value) -> Reply {
        let headers = [bearer(&self.access), json_type()];
        running
            .ask(PUT, &headers, body.to_string().as_bytes())
            .await
    }

    /// The record with another avatar, to be put.
    fn update(&self, read: &Value, avatar: &Value) -> Value {
        let mut record = read["value"].clone();
        record["avatar"] = avatar.clone();
        json!({
            "repo": self.did,
            "collection": PROFILE,
            "rkey": "self",
            "record": record,
            "swapRecord": read["cid"],
        })
    }

    /// A whole turn with this picture.
    pub(super) async fn turn(&self, running: &Running, picture: &[u8]) -> Reply {
        let read = read(running, &self.did).await.json();
        let avatar = self.upload(running, picture, "image/png").await;
        self.put(running, &self.update(&read, &avatar)).await
    }
}

pub(super) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

fn json_type() -> String {
    "Content-Type: application/json".to_owned()
}

async fn sign_in(running: &Running, identifier: &str, password: &str) -> Reply {
    let body = json!({ "identifier": identifier, "password": password }).to_string();
    running.ask(CREATE, &[json_type()], body.as_bytes()).await
}

async fn read(running: &Running, repo: &str) -> Reply {
    let query = format!("repo={repo}&collection={PROFILE}&rkey=self");
    let path = format!("/xrpc/com.atproto.repo.getRecord?{query}");
    running.get(&path.replace("did:plc:", "did%3Aplc%3A")).await
}

async fn with_token(running: &Running, line: &str, token: &str) -> Reply {
    running.ask(line, &[bearer(token)], b"").await
}

/// Expects an error of that name, for a reason that holds these words.
async fn expect_error(running: &Running, reply: &Reply, status: u16, name: &str, words: &str) {
    let last = running.last().await;
    let explanation = last["explanation"].as_str().unwrap();
    let seen = (reply.status, reply.json()["error"].clone());
    assert_eq!(seen, (status, name.into()), "{explanation}");
    assert!(explanation.contains(words), "{explanation} without {words}");
    assert!(reply.json()["message"].is_string());
    assert_eq!(
        (&last["verdict"], &last["error"]),
        (&"rejected".into(), &name.into())
    );
    assert_eq!(last["took_effect"], false);
}

fn payload(token: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    serde_json::from_slice(&BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap()).unwrap()
}

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
async fn tokens_say_what_they_are_good_for() {
    let running = Running::start().await;
    let reply = sign_in(&running, "LOCAL.test", APP_PASSWORD).await;
    assert_eq!(reply.json()["handle"], "local.test");
    assert_eq!(reply.json()["active"], true);
    let endpoint = &reply.json()["didDoc"]["service"][0]["serviceEndpoint"];
    assert_eq!(endpoint, &format!("http://{}", running.address));
    let session = Session::of(&reply);
    assert!(session.did.starts_with("did:plc:") && session.did.len() == 32);
    for (token, scope, lifetime) in [
        (&session.access, "com.atproto.appPass", 7_200),
        (&session.refresh, "com.atproto.refresh", 7_776_000),
    ] {
        let payload = payload(token);
        assert_eq!(
            (&payload["sub"], &payload["scope"]),
            (&json!(session.did), &scope.into())
        );
        let lasts = payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap();
        assert_eq!(lasts, lifetime);
    }
    let by_did = sign_in(&running, &session.did, APP_PASSWORD).await;
    assert_eq!(by_did.status, 200);
    let told = with_token(&running, SESSION, &session.access).await.json();
    assert_eq!(
        (&told["did"], &told["handle"]),
        (&json!(session.did), &"local.test".into())
    );
    assert!(told.get("accessJwt").is_none());
}

#[tokio::test]
async fn a_wrong_login_is_refused() {
    let running = Running::start().await;
    for (identifier, password, words) in [
        ("local.test", "wrong", "password"),
        ("@local.test", APP_PASSWORD, "identifier"),
        ("other.test", APP_PASSWORD, "identifier"),
    ] {
        let reply = sign_in(&running, identifier, password).await;
        expect_error(&running, &reply, 401, "AuthenticationRequired", words).await;
        assert_eq!(reply.json()["message"], "Invalid identifier or password");
    }
    for (headers, body, words) in [
        (
            vec![json_type()],
            "{\"identifier\":\"local.test\"}",
            "password",
        ),
        (
            vec![json_type()],
            "{\"identifier\":1,\"password\":\"x\"}",
            "identifier",
        ),
        (vec![json_type()], "[]", "no object"),
        (
            vec![json_type()],
            "{\"identifier\":\"a\",\"password\":\"b\",\"c\":1}",
            "“c”",
        ),
        (
            vec!["Content-Type: text/plain".to_owned()],
            "{}",
            "text/plain",
        ),
        (vec![], "{}", "Content-Type"),
    ] {
        let reply = running.ask(CREATE, &headers, body.as_bytes()).await;
        expect_error(&running, &reply, 400, "InvalidRequest", words).await;
    }
}

#[tokio::test]
async fn tokens_expire() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    running.wait(7_190);
    assert_eq!(
        with_token(&running, SESSION, &session.access).await.status,
        200
    );
    running.wait(10);
    let expired = with_token(&running, SESSION, &session.access).await;
    expect_error(&running, &expired, 400, "ExpiredToken", "too old").await;
    let renewed = with_token(&running, REFRESH, &session.refresh).await;
    assert_eq!(renewed.status, 200);
    let renewed = Session::of(&renewed);
    assert_eq!(
        with_token(&running, SESSION, &renewed.access).await.status,
        200
    );
    running.wait(7_775_990);
    assert_eq!(
        with_token(&running, REFRESH, &renewed.refresh).await.status,
        200
    );
    running.wait(7_776_000);
    // Only now are those that are long over forgotten.
    Session::begin(&running).await;
    for token in [&session.access, &renewed.access] {
        let expired = with_token(&running, SESSION, token).await;
        expect_error(&running, &expired, 400, "ExpiredToken", "long since").await;
    }
    let expired = with_token(&running, REFRESH, &renewed.refresh).await;
    expect_error(&running, &expired, 400, "ExpiredToken", "").await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_but_for_a_grace() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let next = Session::of(&with_token(&running, REFRESH, &session.refresh).await);
    assert_ne!(next.refresh, session.refresh);
    running.wait(7_000);
    let same = Session::of(&with_token(&running, REFRESH, &session.refresh).await);
    assert_eq!(payload(&same.refresh)["jti"], payload(&next.refresh)["jti"]);
    running.wait(200);
    let used = with_token(&running, REFRESH, &session.refresh).await;
    expect_error(&running, &used, 400, "ExpiredToken", "used before").await;
    assert_eq!(
        with_token(&running, REFRESH, &next.refresh).await.status,
        200
    );
}

#[tokio::test]
async fn refreshing_takes_neither_a_body_nor_another_token() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let headers = [bearer(&session.refresh), json_type()];
    for body in [&b"{}"[..], b""] {
        let reply = running.ask(REFRESH, &headers, body).await;
        expect_error(&running, &reply, 400, "InvalidRequest", "none was expected").await;
    }
    let reply = with_token(&running, REFRESH, &session.access).await;
    expect_error(
        &running,
        &reply,
        400,
        "InvalidToken",
        "com.atproto.refresh is needed",
    )
    .await;
    let reply = with_token(&running, SESSION, &session.refresh).await;
    expect_error(
        &running,
        &reply,
        400,
        "InvalidToken",
        "com.atproto.appPass is needed",
    )
    .await;
}

#[tokio::test]
async fn missing_and_foreign_tokens_are_told_apart() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    for line in [SESSION, REFRESH, PUT] {
        let reply = running.ask(line, &[], b"").await;
        expect_error(&running, &reply, 401, "AuthMissing", "no Authorization").await;
        assert_eq!(reply.json()["message"], "Authentication Required");
    }
    let other = Running::start().await;
    let elsewhere = Session::begin(&other).await.access;
    let mut changed = session.access.clone();
    let end = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(end);
    for header in [
        bearer(&elsewhere),
        bearer(&changed),
        bearer("x"),
        bearer(""),
        format!("Authorization: bearer {}", session.access),
        "Authorization: Basic AAAA".to_owned(),
    ] {
        let reply = running
            .ask(SESSION, std::slice::from_ref(&header), b"")
            .await;
        assert_eq!(reply.status, 400, "{header}");
        expect_error(&running, &reply, 400, "InvalidToken", "").await;
    }
    let twice = [bearer(&session.access), bearer(&session.access)];
    let reply = running.ask(SESSION, &twice, b"").await;
    expect_error(&running, &reply, 400, "InvalidToken", "two").await;
}

#[tokio::test]
async fn sessions_are_limited_in_five_minutes_and_in_a_day() {
    let running = Running::start().await;
    let mut first = None;
    for round in 0..10 {
        for used in 1..=30 {
            let reply = sign_in(&running, "local.test", APP_PASSWORD).await;
            assert_eq!(reply.status, 200, "{round} {used}");
            if round < 9 {
                assert_eq!(reply.header("ratelimit-policy"), Some("30;w=300"));
                let remaining: i32 = reply
                    .header("ratelimit-remaining")
                    .unwrap()
                    .parse()
                    .unwrap();
                assert_eq!(remaining, 30 - used);
            }
            first.get_or_insert(reply.header("ratelimit-reset").unwrap().to_owned());
        }
        if round == 0 {
            let reply = sign_in(&running, "local.test", APP_PASSWORD).await;
            expect_error(&running, &reply, 429, "RateLimitExceeded", "30 sessions").await;
            assert_eq!(reply.header("ratelimit-limit"), Some("30"));
            assert_eq!(reply.header("ratelimit-remaining"), Some("0"));
            assert_eq!(reply.header("ratelimit-reset"), first.as_deref());
            let reset: i64 = first.as_deref().unwrap().parse().unwrap();
            let wait = reset - running.clock.now().timestamp();
            assert!((280..=300).contains(&wait), "{wait}");
            // What was refused counts for the day as well.
            let other = sign_in(&running, "other.test", "x").await;
            assert_eq!(other.status, 401, "the limit is that of the identifier");
        }
        running.wait(300);
        if round == 8 {
            for _ in 0..29 {
                assert_eq!(
                    sign_in(&running, "local.test", APP_PASSWORD).await.status,
                    200
                );
            }
            let reply = sign_in(&running, "local.test", APP_PASSWORD).await;
            expect_error(&running, &reply, 429, "RateLimitExceeded", "300 sessions").await;
            assert_eq!(reply.header("ratelimit-policy"), Some("300;w=86400"));
            running.wait(86_400);
            assert_eq!(
                sign_in(&running, "local.test", APP_PASSWORD).await.status,
                200
            );
            return;
        }
    }
}

#[tokio::test]
async fn requests_are_limited_altogether() {
    let running = Running::with(&[], 0, 1).await;
    let ask = || running.get("/xrpc/com.atproto.repo.getRecord");
    let first = ask().await;
    assert_eq!(first.status, 400);
    assert_eq!(first.header("ratelimit-policy"), Some("3000;w=300"));
    assert_eq!(first.header("ratelimit-remaining"), Some("2999"));
    for _ in 1..3_000 {
        assert_eq!(ask().await.status, 400);
    }
    let reply = ask().await;
    expect_error(&running, &reply, 429, "RateLimitExceeded", "3,000").await;
    running.wait(300);
    assert_eq!(ask().await.status, 400);
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
    rounded["record"]["org.example.unknown"]["numbers"][2] = json!(9_007_199_254_740_992_u64);
    let reply = session.put(&running, &rounded).await;
    expect_error(&running, &reply, 400, "InvalidRequest", "would be changed").await;
    let mut more = good.clone();
    more["record"]["pronouns"] = json!("they");
    assert_eq!(
        session.put(&running, &more).await.status,
        200,
        "an addition loses nothing"
    );
}

#[tokio::test]
async fn an_avatar_has_to_be_uploaded_and_fresh() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let put = async |avatar: &Value| {
        let now = read(&running, "local.test").await.json();
        session.put(&running, &session.update(&now, avatar)).await
    };
    let blobs = async || running.control("GET", "bluesky", &json!("")).await["blobs"].clone();
    let first = session
        .upload(&running, &pictures::png(64, 64), "image/png")
        .await;
    assert_eq!(blobs().await[0]["referred"], false);
    running.wait(3_590);
    assert_eq!(put(&first).await.status, 200);
    assert_eq!(blobs().await[0]["referred"], true);
    running.wait(3_600);
    assert_eq!(
        put(&first).await.status,
        200,
        "what a record refers to is kept"
    );

    let second = session
        .upload(&running, &pictures::png(65, 65), "image/png")
        .await;
    assert_eq!(put(&second).await.status, 200);
    let reply = put(&first).await;
    expect_error(
        &running,
        &reply,
        400,
        "BlobNotFound",
        "Could not find blob: bafkrei",
    )
    .await;

    let third = session
        .upload(&running, &pictures::png(66, 66), "image/png")
        .await;
    running.wait(3_600);
    // The session is too old by now as well.
    let session = Session::begin(&running).await;
    let now = read(&running, "local.test").await.json();
    let reply = session.put(&running, &session.update(&now, &third)).await;
    expect_error(&running, &reply, 400, "BlobNotFound", "").await;
    let fourth = session
        .upload(&running, &pictures::png(67, 67), "image/png")
        .await;
    running
        .control("PATCH", "bluesky", &json!({ "collect_garbage": true }))
        .await;
    let reply = session.put(&running, &session.update(&now, &fourth)).await;
    expect_error(&running, &reply, 400, "BlobNotFound", "").await;
    assert_eq!(blobs().await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_avatar_is_refused() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let before = read(&running, "local.test").await.json();
    let png = pictures::png(64, 64);
    let noisy = pictures::noisy_png(520, 520);
    assert!(noisy.len() > 1_000_000);
    for (bytes, declared, name, words) in [
        (
            pictures::gif(64, 64),
            "image/gif",
            "InvalidMimeType",
            "image/gif",
        ),
        (
            pictures::webp(64, 64),
            "image/webp",
            "InvalidMimeType",
            "image/webp",
        ),
        (
            png.clone(),
            "image/jpeg",
            "InvalidMimeType",
            "uploaded as “image/jpeg”",
        ),
        (
            b"<svg/>".to_vec(),
            "image/png",
            "InvalidRequest",
            "dimensions",
        ),
        (
            b"text".to_vec(),
            "text/plain",
            "InvalidMimeType",
            "text/plain",
        ),
        (noisy, "image/png", "InvalidSize", "more than 1,000,000"),
        (
            pictures::png(64, 65),
            "image/png",
            "InvalidRequest",
            "64×65",
        ),
        (
            png[..png.len() - 4].to_vec(),
            "image/png",
            "InvalidRequest",
            "cut short",
        ),
        (
            pictures::jpeg(64, 64)[..600].to_vec(),
            "image/jpeg",
            "InvalidRequest",
            "the picture",
        ),
    ] {
        let avatar = session.upload(&running, &bytes, declared).await;
        let reply = session
            .put(&running, &session.update(&before, &avatar))
            .await;
        expect_error(&running, &reply, 400, name, words).await;
    }
    let good = session.upload(&running, &png, "image/png").await;
    for (member, value, name, words) in [
        (
            "mimeType",
            json!("image/jpeg"),
            "InvalidMimeType",
            "does not match",
        ),
        (
            "size",
            json!(png.len() + 1),
            "InvalidSize",
            "does not match",
        ),
        ("size", json!(0), "InvalidRequest", "blob ref"),
        ("size", json!("1"), "InvalidRequest", "blob ref"),
        ("$type", json!("blobs"), "InvalidRequest", "blob ref"),
        ("ref", json!("bafkrei"), "InvalidRequest", "blob ref"),
        (
            "ref",
            json!({ "$link": "bafkrei" }),
            "InvalidRequest",
            "blob ref",
        ),
        ("alt", json!("x"), "InvalidRequest", "blob ref"),
    ] {
        let mut avatar = good.clone();
        avatar[member] = value;
        let reply = session
            .put(&running, &session.update(&before, &avatar))
            .await;
        expect_error(&running, &reply, 400, name, words).await;
    }
    assert_eq!(
        running.get("/simulator/icon?network=bluesky").await.status,
        404
    );
}

#[tokio::test]
async fn uploads_need_a_type_and_bytes_and_a_session() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let token = bearer(&session.access);
    let png = "Content-Type: image/png".to_owned();
    for (headers, body, status, name, words) in [
        (
            vec![token.clone()],
            vec![1],
            400,
            "InvalidRequest",
            "Content-Type",
        ),
        (
            vec![token.clone(), png.clone()],
            vec![],
            400,
            "InvalidRequest",
            "body is expected",
        ),
        (
            vec![token.clone(), png.clone(), png.clone()],
            vec![1],
            400,
            "InvalidRequest",
            "two",
        ),
        (
            vec![token.clone(), "Content-Type: png".to_owned()],
            vec![1],
            400,
            "InvalidRequest",
            "“png”",
        ),
        (vec![png.clone()], vec![1], 401, "AuthMissing", ""),
        (
            vec![token, png],
            vec![0; 5_242_881],
            413,
            "PayloadTooLarge",
            "5242880",
        ),
    ] {
        let reply = running.ask(UPLOAD, &headers, &body).await;
        expect_error(&running, &reply, status, name, words).await;
    }
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
        ("$type", json!("app.bsky.feed.post"), "$type must be"),
        ("displayName", json!(1), "must be a string"),
        ("displayName", json!("x".repeat(65)), "64 graphemes"),
        (
            "displayName",
            json!("a\u{301}\u{302}\u{303}\u{304}\u{305}".repeat(64)),
            "640 characters",
        ),
        ("description", json!("x".repeat(257)), "256 graphemes"),
        ("description", json!("☃".repeat(854)), "2560 characters"),
        ("pronouns", json!("x".repeat(21)), "20 graphemes"),
        ("labels", json!([]), "must be an object"),
        ("createdAt", json!("yesterday"), "datetime"),
        ("other", json!(1.5), "not a whole number"),
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

#[tokio::test]
async fn a_new_password_ends_sessions_and_a_new_handle_does_not() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    let change = json!({ "handle": "New.test" });
    let shown = running.control("PATCH", "bluesky", &change).await;
    assert_eq!(
        (&shown["handle"], &shown["sessions"]),
        (&"new.test".into(), &1.into())
    );
    let told = with_token(&running, SESSION, &session.access).await.json();
    assert_eq!(told["handle"], "new.test");
    assert_eq!(
        sign_in(&running, "local.test", APP_PASSWORD).await.status,
        401
    );
    assert_eq!(
        sign_in(&running, "new.test", APP_PASSWORD).await.status,
        200
    );

    let change = json!({ "password": "new-password" });
    let shown = running.control("PATCH", "bluesky", &change).await;
    assert_eq!(shown["sessions"], 0);
    for (line, token) in [(SESSION, &session.access), (REFRESH, &session.refresh)] {
        let reply = with_token(&running, line, token).await;
        expect_error(&running, &reply, 400, "ExpiredToken", "revoked").await;
    }
    assert_eq!(
        sign_in(&running, "new.test", APP_PASSWORD).await.status,
        401
    );
    assert_eq!(
        sign_in(&running, "new.test", "new-password").await.status,
        200
    );
}

#[tokio::test]
async fn a_session_can_be_made_to_expire() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    running
        .control("PATCH", "bluesky", &json!({ "expire": "access" }))
        .await;
    let reply = with_token(&running, SESSION, &session.access).await;
    expect_error(&running, &reply, 400, "ExpiredToken", "too old").await;
    let session = Session::of(&with_token(&running, REFRESH, &session.refresh).await);
    running
        .control("PATCH", "bluesky", &json!({ "expire": "session" }))
        .await;
    for (line, token) in [(SESSION, &session.access), (REFRESH, &session.refresh)] {
        let reply = with_token(&running, line, token).await;
        expect_error(&running, &reply, 400, "ExpiredToken", "").await;
    }
    for bad in [
        "{\"expire\":\"all\"}",
        "{\"record\":1}",
        "{\"other\":1}",
        "",
    ] {
        let reply = running.request("PATCH", "/simulator/bluesky", bad).await;
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.json()["error"].is_string());
    }
}

#[tokio::test]
async fn nothing_secret_is_recorded() {
    let running = Running::start().await;
    let session = Session::begin(&running).await;
    sign_in(&running, "local.test", "a-wrong-password").await;
    session.turn(&running, &pictures::png(64, 64)).await;
    with_token(&running, REFRESH, &session.refresh).await;
    with_token(&running, SESSION, "a-wrong-token").await;
    let records = running.get("/simulator/received").await;
    let page = running.get("/").await;
    let account = running.get("/simulator/bluesky").await;
    for text in [
        records.text(),
        page.text(),
        account.text(),
        &running.lines(),
    ] {
        for secret in [
            APP_PASSWORD,
            &session.access,
            &session.refresh,
            "a-wrong-password",
            "a-wrong-token",
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}
