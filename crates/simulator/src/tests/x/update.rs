//! Setting the picture on X.

use crate::tests::client::{BOUNDARY, CONSUMER_SECRET, Reply, Running, TOKEN_SECRET, Update};
use crate::tests::pictures;
use crate::x::signature::percent_encode;

const BAD_REQUEST: (u16, Option<u64>) = (400, Some(214));
const BAD_DATA: (u16, Option<u64>) = (400, Some(215));
const MISSING: (u16, Option<u64>) = (403, Some(38));
const NOT_AUTHENTICATED: (u16, Option<u64>) = (401, Some(32));
const UNRECOGNIZED: (u16, Option<u64>) = (422, Some(120));

fn expect_accepted(running: &Running, update: &Update) -> Reply {
    let reply = running.send(update);
    let last = running.last();
    assert_eq!(reply.status, 200, "{}", last["explanation"]);
    assert_eq!(last["verdict"], "accepted");
    assert_eq!(last["took_effect"], true);
    reply
}

#[test]
fn a_picture_in_a_multipart_form_is_accepted() {
    let running = Running::start();
    let picture = pictures::jpeg(400, 400);
    let update = Update::multipart(&picture);
    let reply = expect_accepted(&running, &update);
    let user = reply.json();
    assert_eq!(
        (user["id"].as_u64(), user["id_str"].as_str()),
        (Some(1), Some("1"))
    );
    assert_eq!(user["default_profile_image"], true);
    assert_eq!(
        reply.header("content-type"),
        Some("application/json;charset=utf-8")
    );
    let reset: i64 = reply.header("x-rate-limit-reset").unwrap().parse().unwrap();
    assert!((reset - running.now().timestamp() - 900).abs() <= 2);
    assert!(reply.header("x-rate-limit-limit").is_some());
    assert!(reply.header("x-rate-limit-remaining").is_some());

    let last = running.last();
    assert_eq!(last["number"], 1);
    assert_eq!(last["fault"], serde_json::Value::Null);
    assert_eq!(last["status"], 200);
    assert_eq!(last["body"], "multipart");
    assert_eq!(last["oauth_nonce"], update.protocol[1].1.as_str());
    assert!(last["oauth_timestamp"].is_i64());
    assert_eq!(last["picture"]["media_type"], "image/jpeg");
    assert_eq!(
        (&last["picture"]["width"], &last["picture"]["height"]),
        (&400.into(), &400.into())
    );
    assert_eq!(last["picture"]["bytes"], picture.len());
    let kept = running.get("/simulator/received/1/picture");
    assert_eq!(kept.body, picture);
    assert_eq!(kept.header("content-type"), Some("image/jpeg"));
    assert_eq!(kept.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(running.get("/simulator/icon").body, picture);
}

#[test]
fn a_picture_in_a_form_is_accepted() {
    let running = Running::start();
    for picture in [pictures::png(48, 48), pictures::gif(300, 300)] {
        expect_accepted(&running, &Update::form(&picture));
        let last = running.last();
        assert_eq!(last["body"], "form");
        let at = format!("/simulator/received/{}/picture", last["number"]);
        assert_eq!(running.get(&at).body, picture);
    }
}

#[test]
fn the_answer_names_the_previous_picture() {
    let running = Running::start();
    let mut addresses = Vec::new();
    for side in [100, 101, 102] {
        let update = Update::multipart(&pictures::png(side, side));
        let user = expect_accepted(&running, &update).json();
        addresses.push(user["profile_image_url_https"].as_str().unwrap().to_owned());
    }
    assert!(addresses[0].contains("default_profile"));
    assert!(addresses[1].starts_with("https://pbs.twimg.com/profile_images/1/"));
    assert!(addresses[2].starts_with("https://pbs.twimg.com/profile_images/2/"));
}

#[test]
fn the_other_parameters_may_be_in_the_query_and_the_body() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let in_query = Update::multipart(&picture).query("skip_status=true&include_entities=false");
    expect_accepted(&running, &in_query);
    let image: (&str, &[u8]) = ("name=\"image\"", &picture);
    let in_parts = Update::parts(&[image, ("name=\"skip_status\"", b"true")]);
    expect_accepted(&running, &in_parts);
    let mut in_form = Update::form(&picture);
    in_form.body.extend(b"&include_entities=false");
    expect_accepted(&running, &in_form);
}

#[test]
fn the_host_is_signed_as_it_was_addressed() {
    let running = Running::start();
    for host in ["LocalHost:8788", "x.example:80", "x.example"] {
        let mut update = Update::multipart(&pictures::png(64, 64));
        host.clone_into(&mut update.host);
        expect_accepted(&running, &update);
    }
}

#[test]
fn authorization_headers_are_read_strictly() {
    let running = Running::start();
    let update = Update::multipart(&pictures::png(64, 64));
    let bytes = String::from_utf8_lossy(&update.bytes(&running)).into_owned();
    let good = bytes
        .lines()
        .find(|line| line.starts_with("Authorization"))
        .unwrap();
    let good = format!("{good}\r\n");
    for bad in [
        String::new(),
        good.repeat(2),
        good.replace("OAuth ", "Bearer "),
        good.replace("%2C", "%2c"),
        good.replace("%2C", ","),
        good.replace("oauth_version=\"1.0\"", "oauth_version=\"2.0\""),
        good.replace("oauth_version=\"1.0\"", "oauth_session=\"1.0\""),
        good.replace("HMAC-SHA1", "PLAINTEXT"),
    ] {
        assert_ne!(bad, good);
        let host = running.address.to_string();
        let reply = running.exchange(&update.bytes_with(&host, &bad));
        assert_eq!((reply.status, reply.code()), BAD_DATA, "{bad}");
    }
    expect_accepted(&running, &update);
    running.expect_refusal(
        &update.protocol("oauth_nonce", "short"),
        BAD_DATA,
        "fewer than",
    );
}

#[test]
fn unknown_keys_are_refused() {
    let running = Running::start();
    let update = Update::multipart(&pictures::png(64, 64));
    let unknown = update.clone().protocol("oauth_consumer_key", "other");
    running.expect_refusal(&unknown, NOT_AUTHENTICATED, "API key");
    let unknown = update.protocol("oauth_token", "other");
    running.expect_refusal(&unknown, (401, Some(89)), "access token");
}

#[test]
fn stale_and_early_timestamps_are_refused() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    for (age, words) in [(310, "behind"), (-310, "ahead")] {
        let update = Update {
            age,
            ..Update::multipart(&picture)
        };
        running.expect_refusal(&update, (401, Some(135)), words);
    }
    for age in [290, -290] {
        let update = Update {
            age,
            ..Update::multipart(&picture)
        };
        expect_accepted(&running, &update);
    }
}

#[test]
fn the_clock_can_be_shifted() {
    let running = Running::with(&[], -7200, 100);
    let update = Update::multipart(&pictures::png(64, 64));
    let reply = expect_accepted(&running, &update);
    let real = crate::clock::http_date(chrono::Utc::now());
    assert_ne!(reply.header("date").unwrap()[..19], real[..19]);
    let two_hours_off = Update {
        age: -7200,
        ..Update::multipart(&pictures::png(64, 64))
    };
    running.expect_refusal(&two_hours_off, (401, Some(135)), "ahead");
}

#[test]
fn wrong_signatures_are_refused_and_explained() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let uri = |scheme: &str, host: &str| {
        Some(format!(
            "{scheme}://{host}/1.1/account/update_profile_image.json"
        ))
    };
    let address = running.address.to_string();
    let good = Update::multipart(&picture);
    let with_query = Update::multipart(&picture).query("skip_status=true");
    for (update, words) in [
        (
            Update {
                secrets: ("wrong", TOKEN_SECRET),
                ..good.clone()
            },
            "a secret is wrong",
        ),
        (
            Update {
                secrets: (CONSUMER_SECRET, ""),
                ..good.clone()
            },
            "token secret",
        ),
        (
            Update {
                secrets: (TOKEN_SECRET, CONSUMER_SECRET),
                ..good.clone()
            },
            "swapped",
        ),
        (
            Update {
                signed_uri: uri("https", &address),
                ..good.clone()
            },
            "https, not",
        ),
        (
            Update {
                signed_uri: uri("http", "127.0.0.1"),
                ..good.clone()
            },
            "without the port",
        ),
        (
            Update {
                signed_uri: uri("https", "api.x.com"),
                ..good.clone()
            },
            "api.x.com",
        ),
        (
            Update {
                signed_uri: uri("http", "elsewhere"),
                ..with_query
            },
            "skip_status",
        ),
        (
            Update {
                signs_body: false,
                ..Update::form(&picture)
            },
            "form is not signed",
        ),
    ] {
        running.expect_refusal(&update, NOT_AUTHENTICATED, words);
    }
    let unsigned = "Authorization: OAuth oauth_consumer_key=\"consumer-key\", \
                    oauth_nonce=\"0123456789abcdef\", oauth_signature=\"AAAA\", \
                    oauth_signature_method=\"HMAC-SHA1\", oauth_token=\"1-token\", ";
    let now = running.now().timestamp();
    let header = format!("{unsigned}oauth_timestamp=\"{now}\"\r\n");
    let reply = running.exchange(&good.bytes_with(&address, &header));
    assert_eq!(reply.code(), Some(32));
    expect_accepted(&running, &good);
}

#[test]
fn nothing_secret_is_recorded() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    running.send(&Update::multipart(&picture));
    let wrong = Update {
        secrets: ("wrong", "wrong"),
        ..Update::multipart(&picture)
    };
    running.send(&wrong);
    let records = running.get("/simulator/received");
    let page = running.get("/");
    let lines = running.lines();
    assert_eq!(lines.lines().count(), 2);
    for text in [records.text(), page.text(), &lines] {
        for secret in [
            CONSUMER_SECRET,
            TOKEN_SECRET,
            "1-token",
            "consumer-key",
            "%3D",
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[test]
fn a_nonce_is_good_for_one_request() {
    let running = Running::start();
    let update = Update::multipart(&pictures::png(64, 64));
    let bytes = update.bytes(&running);
    assert_eq!(running.exchange(&bytes).status, 200);
    let again = running.exchange(&bytes);
    assert_eq!((again.status, again.code()), NOT_AUTHENTICATED);
    assert_eq!(running.last()["explanation"], "nonce reused");
}

#[test]
fn only_signed_nonces_are_remembered() {
    let running = Running::start();
    let update = Update::multipart(&pictures::png(64, 64));
    let wrong = Update {
        secrets: ("wrong", "wrong"),
        ..update.clone()
    };
    running.expect_refusal(&wrong, NOT_AUTHENTICATED, "signature");
    expect_accepted(&running, &update);
}

#[test]
fn sloppy_parameters_are_refused() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let image: (&str, &[u8]) = ("name=\"image\"", &picture);
    let good = || Update::multipart(&picture);
    let in_query = good().query("image=AAAA");
    running.expect_refusal(&in_query, (430, None), "query");
    for (update, words) in [
        (good().query("status=1"), "no parameter “status”"),
        (
            good().query("oauth_token=1-token"),
            "no parameter “oauth_token”",
        ),
        (good().query("skip_status=1&skip_status=1"), "twice"),
        (
            good().query("skip_status=%74rue%2"),
            "query is badly encoded",
        ),
        (good().query("skip_status=%2f"), "query is badly encoded"),
        (
            Update::parts(&[image, ("name=\"status\"", b"1")]),
            "no parameter “status”",
        ),
        (
            Update::form_text("image=AAAA&tile=true"),
            "no parameter “tile”",
        ),
        (Update::form_text("image=/9j%2F"), "form is badly encoded"),
        (Update::form_text("image=%2f9j%2F"), "form is badly encoded"),
    ] {
        running.expect_refusal(&update, BAD_REQUEST, words);
    }
}

#[test]
fn two_hosts_are_refused() {
    let running = Running::start();
    let mut update = Update::multipart(&pictures::png(64, 64));
    "Host: x.example\r\n".clone_into(&mut update.extra_head);
    running.expect_refusal(&update, BAD_REQUEST, "Host");
}

#[test]
fn a_body_without_an_image_is_refused() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let image: (&str, &[u8]) = ("name=\"image\"", &picture);
    let mut raw = Update::new();
    "image/png".clone_into(&mut raw.content_type);
    raw.body.clone_from(&picture);
    let mut without_boundary = Update::multipart(&picture);
    "multipart/form-data".clone_into(&mut without_boundary.content_type);
    let mut other_boundary = Update::multipart(&picture);
    "multipart/form-data; boundary=other".clone_into(&mut other_boundary.content_type);
    let mut unfinished = Update::multipart(&picture);
    unfinished
        .body
        .truncate(unfinished.body.len() - BOUNDARY.len());
    let mut twice_typed = Update::multipart(&picture);
    "Content-Type: text/plain\r\n".clone_into(&mut twice_typed.extra_head);
    for (update, words) in [
        (Update::new(), "no body"),
        (raw, "image/png"),
        (without_boundary, "boundary is missing"),
        (other_boundary, "does not begin"),
        (unfinished, "does not end"),
        (twice_typed, "two Content-Type"),
        (Update::parts(&[]), "does not begin"),
        (
            Update::parts(&[("name=\"skip_status\"", b"1")]),
            "no part is named image",
        ),
        (Update::parts(&[image, image]), "several parts"),
        (Update::form_text(""), "no image"),
        (Update::form_text("image="), "empty"),
        (Update::form_text("image=AAAA&image=AAAA"), "several images"),
    ] {
        running.expect_refusal(&update, MISSING, words);
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    let running = Running::start();
    let png = pictures::png(64, 64);
    let base64 = data_encoding::BASE64.encode(&png);
    let text = percent_encode(&format!("data:image/png;base64,{base64}"));
    let mut mislabelled = Update::multipart(&png);
    let label = mislabelled
        .body
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    mislabelled
        .body
        .splice(label..label, *b"\r\nContent-Type: image/jpeg");
    for (update, words) in [
        (Update::form_text(format!("image={text}")), "data: URL"),
        (Update::form_text("image=_-8%3D"), "base64"),
        (Update::form_text("image=AAA"), "base64"),
        (Update::form_text("image=AAAA"), "neither"),
        (Update::multipart(b""), "neither"),
        (
            Update::multipart(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "neither",
        ),
        (Update::multipart(&png[..png.len() - 4]), "cut short"),
        (mislabelled, "declared"),
        (Update::multipart(&pictures::png(401, 401)), "401×401"),
        (Update::multipart(&pictures::jpeg(400, 200)), "400×200"),
        (Update::form(&pictures::gif(40, 40)), "40×40"),
    ] {
        running.expect_refusal(&update, UNRECOGNIZED, words);
    }
    let big = Update::multipart(&pictures::noisy_png(400, 400));
    running.expect_refusal(&big, (403, Some(120)), "512,000");
    assert_eq!(running.get("/simulator/icon").status, 404);
}

#[test]
fn large_bodies_are_refused() {
    let running = Running::start();
    for (length, words) in [(5_000_001, "5,000"), (17 * 1024 * 1024, "17,825,9")] {
        let update = Update::multipart(&vec![0; length]);
        running.expect_refusal(&update, (413, None), words);
        assert!(running.last()["picture"].is_null());
    }
}

#[test]
fn there_is_nothing_else_under_this_version() {
    let running = Running::start();
    let mut get = Update::multipart(&pictures::png(64, 64));
    get.method = "GET";
    let mut other = Update::multipart(&pictures::png(64, 64));
    other.path = "/1.1/account/verify_credentials.json";
    for update in [get, other] {
        running.expect_refusal(&update, (404, Some(34)), "there is only POST");
    }
    assert_eq!(running.get("/2/users/by").status, 404);
    assert_eq!(running.received().len(), 3);
}
