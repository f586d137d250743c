//! Blobs on Bluesky, and which of them may be an avatar.

use serde_json::{Value, json};

use super::{Session, UPLOAD, bearer, expect_error, read};
use crate::tests::client::Running;
use crate::tests::pictures;

#[test]
fn an_avatar_has_to_be_uploaded_and_fresh() {
    let running = Running::start();
    let session = Session::begin(&running);
    let put = |avatar: &Value| {
        let now = read(&running, "local.test").json();
        session.put(&running, &session.update(&now, avatar))
    };
    let blobs = || running.control("GET", "bluesky", &json!(""))["blobs"].clone();
    let first = session.upload(&running, &pictures::png(64, 64), "image/png");
    assert_eq!(blobs()[0]["referred"], false);
    running.wait(3_590);
    assert_eq!(put(&first).status, 200);
    assert_eq!(blobs()[0]["referred"], true);
    running.wait(3_600);
    assert_eq!(put(&first).status, 200, "what a record refers to is kept");

    let second = session.upload(&running, &pictures::png(65, 65), "image/png");
    assert_eq!(put(&second).status, 200);
    let reply = put(&first);
    expect_error(
        &running,
        &reply,
        400,
        "BlobNotFound",
        "Could not find blob: bafkrei",
    );

    let third = session.upload(&running, &pictures::png(66, 66), "image/png");
    running.wait(3_600);
    // The session is too old by now as well.
    let session = Session::begin(&running);
    let now = read(&running, "local.test").json();
    let reply = session.put(&running, &session.update(&now, &third));
    expect_error(&running, &reply, 400, "BlobNotFound", "");
    let fourth = session.upload(&running, &pictures::png(67, 67), "image/png");
    running.control("PATCH", "bluesky", &json!({ "collect_garbage": true }));
    let reply = session.put(&running, &session.update(&now, &fourth));
    expect_error(&running, &reply, 400, "BlobNotFound", "");
    assert_eq!(blobs().as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_avatar_is_refused() {
    let running = Running::start();
    let session = Session::begin(&running);
    let before = read(&running, "local.test").json();
    let png = pictures::png(64, 64);
    let noisy = pictures::noisy_png(520, 520);
    assert!(noisy.len() > 1_000_000);
    for (bytes, declared, name, words) in [
        (
            pictures::gif(64, 64),
            "image/gif",
            "InvalidRequest",
            "image/gif",
        ),
        (
            pictures::webp(64, 64),
            "image/webp",
            "InvalidRequest",
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
            "InvalidRequest",
            "text/plain",
        ),
        (noisy, "image/png", "InvalidRequest", "maximum 1000000"),
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
        let avatar = session.upload(&running, &bytes, declared);
        let reply = session.put(&running, &session.update(&before, &avatar));
        expect_error(&running, &reply, 400, name, words);
    }
    let good = session.upload(&running, &png, "image/png");
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
        ("size", json!(0), "InvalidRequest", "blob value"),
        ("size", json!("1"), "InvalidRequest", "blob value"),
        ("$type", json!("blobs"), "InvalidRequest", "blob value"),
        ("ref", json!("bafkrei"), "InvalidRequest", "blob value"),
        (
            "ref",
            json!({ "$link": "bafkrei" }),
            "InvalidRequest",
            "blob value",
        ),
        ("alt", json!("x"), "InvalidRequest", "blob value"),
    ] {
        let mut avatar = good.clone();
        avatar[member] = value;
        let reply = session.put(&running, &session.update(&before, &avatar));
        expect_error(&running, &reply, 400, name, words);
    }
    assert_eq!(running.get("/simulator/icon?network=bluesky").status, 404);
}

#[test]
fn uploads_need_a_type_and_bytes_and_a_session() {
    let running = Running::start();
    let session = Session::begin(&running);
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
        let reply = running.ask(UPLOAD, &headers, &body);
        expect_error(&running, &reply, status, name, words);
    }
}
