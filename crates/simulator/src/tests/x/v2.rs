//! Version 2 of X's API: uploading a picture and setting it.

use serde_json::{Value, json};

use crate::tests::client::{BOUNDARY, Reply, Running, Update};
use crate::tests::pictures;
use crate::x::{ME_PATH, SET_PATH, UPLOAD_PATH};

fn upload(picture: &[u8], parts: &[(&str, &str)]) -> Update {
    let mut all: Vec<(String, &[u8])> = parts
        .iter()
        .map(|(name, text)| (format!("name=\"{name}\""), text.as_bytes()))
        .collect();
    all.push(("name=\"media\"; filename=\"icon\"".to_owned(), picture));
    let all: Vec<(&str, &[u8])> = all.iter().map(|(name, bytes)| (&**name, *bytes)).collect();
    Update {
        path: UPLOAD_PATH,
        ..Update::parts(&all)
    }
}

const PNG: [(&str, &str); 2] = [
    ("media_category", "tweet_image"),
    ("media_type", "image/png"),
];

fn set(body: &Value) -> Update {
    Update {
        method: "PUT",
        path: SET_PATH,
        content_type: "application/json".to_owned(),
        body: body.to_string().into_bytes(),
        ..Update::new()
    }
}

fn uploaded(running: &Running, picture: &[u8]) -> String {
    let reply = running.send(&upload(picture, &PNG));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let data = &reply.json()["data"];
    assert_eq!(data["expires_after_secs"], 86_400);
    assert_eq!(data["size"], picture.len());
    data["id"].as_str().unwrap().to_owned()
}

/// Expects a problem of this title, for a reason that holds these words.
fn expect_problem(running: &Running, reply: &Reply, status: u16, title: &str, words: &str) {
    let last = running.last();
    let explanation = last["explanation"].as_str().unwrap();
    assert_eq!(reply.status, status, "{explanation}");
    assert!(explanation.contains(words), "{explanation} without {words}");
    assert_eq!(last["took_effect"], false);
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    let problem = reply.json();
    assert_eq!(
        (&problem["title"], &problem["status"]),
        (&title.into(), &status.into())
    );
    assert!(problem["type"].is_string() && problem["detail"].is_string());
}

#[test]
fn a_picture_is_uploaded_and_set_and_may_be_set_again() {
    let running = Running::start();
    let picture = pictures::png(400, 400);
    let id = uploaded(&running, &picture);
    assert_eq!(running.get("/simulator/icon").status, 404, "not yet");
    for _ in 0..2 {
        let reply = running.send(&set(&json!({ "media_id": id })));
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(running.get("/simulator/icon").body, picture);
    }
    let received = running.received();
    let endpoints: Vec<_> = received
        .iter()
        .map(|one| one["endpoint"].as_str())
        .collect();
    let [set, upload] = ["2/users/me/profile_image", "2/media/upload"].map(Some);
    assert_eq!(endpoints, [set, set, upload]);
    assert_eq!(received[2]["picture"]["media_type"], "image/png");
}

#[test]
fn the_account_is_told() {
    let running = Running::start();
    let me = Update {
        method: "GET",
        path: ME_PATH,
        ..Update::new()
    };
    let reply = running.send(&me);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["data"]["username"], "local_account");
    assert_eq!(reply.header("x-access-level"), Some("read-write"));
}

#[test]
fn what_was_uploaded_is_forgotten_in_time() {
    let running = Running::start();
    let id = uploaded(&running, &pictures::png(64, 64));
    running.wait(86_399);
    let body = json!({ "media_id": id });
    assert_eq!(running.send(&set(&body)).status, 200);
    running.wait(1);
    let reply = running.send(&set(&body));
    expect_problem(&running, &reply, 400, "Invalid Request", "names no upload");
    let id = uploaded(&running, &pictures::png(64, 64));
    assert_eq!(
        running.request("DELETE", "/simulator/uploads", "").status,
        204
    );
    let reply = running.send(&set(&json!({ "media_id": id })));
    expect_problem(&running, &reply, 400, "Invalid Request", "names no upload");
}

#[test]
fn what_is_not_as_documented_is_refused() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let large = pictures::noisy_png(400, 400);
    for (update, words) in [
        (upload(&picture, &[]), "media_category is missing"),
        (
            upload(&picture, &[("media_category", "avatar")]),
            "“avatar”",
        ),
        (
            upload(&picture, &[("media_category", "dm_image")]),
            "of no use",
        ),
        (
            upload(&picture, &[PNG[0], ("media_type", "image/gif")]),
            "media_type is “image/gif”",
        ),
        (
            upload(&picture, &[PNG[0], ("media_type", "image/jpeg")]),
            "is image/png",
        ),
        (upload(&picture, &[PNG[0], PNG[0]]), "twice"),
        (
            upload(&picture, &[PNG[0], ("image", "x")]),
            "no parameter “image”",
        ),
        (upload(b"<svg/>", &PNG), "neither"),
        (upload(&large, &PNG), "more than 512,000"),
        (
            Update {
                path: UPLOAD_PATH,
                ..Update::form(&picture)
            },
            "no parameter “image”",
        ),
        (set(&json!({})), "media_id is not a string"),
        (set(&json!({ "media_id": 1 })), "media_id is not a string"),
        (set(&json!({ "media_id": "1" })), "names no upload"),
        (
            set(&json!({ "media_id": "1", "crop": true })),
            "no member “crop”",
        ),
        (set(&json!([])), "not an object"),
        (
            Update {
                content_type: String::new(),
                ..set(&json!({ "media_id": "1" }))
            },
            "Content-Type",
        ),
    ] {
        let reply = running.send(&update);
        expect_problem(&running, &reply, 400, "Invalid Request", words);
    }
    assert_eq!(running.get("/simulator/icon").status, 404);
    // A wrong signature, token or nonce, in the words of this version.
    for mut update in [upload(&picture, &PNG), set(&json!({ "media_id": "1" }))] {
        update.secrets = ("wrong", "wrong");
        let reply = running.send(&update);
        expect_problem(&running, &reply, 401, "Unauthorized", "signature");
    }
    let reply = running.ask(&format!("GET {ME_PATH}"), &[], b"");
    expect_problem(&running, &reply, 401, "Unauthorized", "no Authorization");
    let bearer = ["Authorization: Bearer x".to_owned()];
    let reply = running.ask(&format!("GET {ME_PATH}"), &bearer, b"");
    expect_problem(&running, &reply, 401, "Unauthorized", "does not begin");
    let nothing = running.get("/2/tweets");
    assert_eq!((nothing.status, nothing.body.len()), (404, 0));
}

#[test]
fn a_hash_of_the_body_has_to_be_right_if_it_is_there() {
    let running = Running::start();
    let id = uploaded(&running, &pictures::png(64, 64));
    let update = set(&json!({ "media_id": id }));
    let sha1 = hmac_sha1_compact::Hash::hash(&update.body);
    let hash = data_encoding::BASE64.encode(&sha1);
    let reply = running.send(&update.clone().protocol("oauth_body_hash", &hash));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let wrong = set(&json!({ "media_id": id })).protocol("oauth_body_hash", "AAAA");
    let reply = running.send(&wrong);
    expect_problem(&running, &reply, 401, "Unauthorized", "oauth_body_hash");
}

#[test]
fn what_real_clients_add_to_a_right_signature_is_taken() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    // In the body and in the query, as node-twitter-api-v2 and Twitter4J have it.
    let image: (&str, &[u8]) = ("name=\"image\"", &picture);
    let in_parts = Update::parts(&[image, ("name=\"tweet_mode\"", b"extended")]);
    let in_query = Update::multipart(&picture).query("tweet_mode=extended");
    let mut in_form = Update::form(&picture);
    in_form
        .body
        .extend(b"&tweet_mode=extended&include_ext_alt_text=true");
    // What a client keeps of a sign-in, as requests-oauthlib does.
    let kept = Update::multipart(&picture)
        .protocol("oauth_callback", "oob")
        .protocol("oauth_verifier", "1234567");
    for update in [in_parts, in_query, in_form, kept] {
        let reply = running.send(&update);
        assert_eq!(reply.status, 200, "{}", running.last()["explanation"]);
    }
    // What they sign has to be what they send, and nothing that X does not know is taken.
    let mut unsigned = Update::multipart(&picture);
    unsigned.extra_head = String::new();
    for (update, status) in [
        (
            Update::multipart(&picture).query("tweet_modes=extended"),
            400,
        ),
        (
            Update::multipart(&picture).query("tweet_mode=a&tweet_mode=b"),
            400,
        ),
        (unsigned.protocol("oauth_session", "x"), 400),
    ] {
        assert_eq!(running.send(&update).status, status);
    }
}

#[test]
fn the_protocol_parameters_may_be_in_the_query() {
    let running = Running::start();
    let update = Update::multipart(&pictures::png(64, 64));
    let send = |request: Vec<u8>| running.exchange(&request);
    let reply = send(update.bytes_in_query(&running));
    assert_eq!(reply.status, 200, "{}", running.last()["explanation"]);
    // A nonce is good once here too, and what is changed is not signed.
    let once = Update::multipart(&pictures::png(64, 64)).bytes_in_query(&running);
    assert_eq!(send(once.clone()).status, 200);
    assert_eq!(send(once).status, 401);
    let other = Update::multipart(&pictures::png(64, 64)).query("skip_status=true");
    let text = String::from_utf8_lossy(&other.bytes_in_query(&running)).into_owned();
    assert!(text.contains("skip_status=true") && text.contains(BOUNDARY));
    let mut changed = other.bytes_in_query(&running);
    let at = changed.windows(4).position(|part| part == b"true").unwrap();
    changed.splice(at..at + 4, *b"t=ue");
    assert_ne!(send(changed).status, 200);
}
