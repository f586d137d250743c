//! Mastodon: what is accepted, and each reason for which something is not.

use chrono::DateTime;
use serde_json::{Value, json};

use super::client::{BOUNDARY, MASTODON_TOKEN, Reply, Running};
use super::pictures;

const UPDATE: &str = "PATCH /api/v1/accounts/update_credentials";
const VERIFY: &str = "GET /api/v1/accounts/verify_credentials";
const VERIFY_APP: &str = "GET /api/v1/apps/verify_credentials";
const POST: &str = "POST /api/v1/accounts/update_credentials";
const DISPOSITION: &str = "name=\"avatar\"; filename=\"icon\"";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// A part: its disposition, its type and its bytes.
type Part<'a> = (&'a str, &'a str, &'a [u8]);

fn send(running: &Running, parts: &[Part<'_>]) -> Reply {
    send_by(UPDATE, running, parts)
}

fn send_by(line: &str, running: &Running, parts: &[Part<'_>]) -> Reply {
    let mut body = Vec::new();
    for (disposition, media_type, bytes) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        body.extend([head.as_bytes(), *bytes, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    let headers = [
        bearer(MASTODON_TOKEN),
        format!("Content-Type: multipart/form-data; boundary={BOUNDARY}"),
    ];
    running.ask(line, &headers, &body)
}

pub(super) fn turn(running: &Running, picture: &[u8]) -> Reply {
    send(running, &[(DISPOSITION, "image/png", picture)])
}

fn verify(running: &Running, token: &str) -> Reply {
    running.ask(VERIFY, &[bearer(token)], b"")
}

/// Expects this error, for a reason that holds these words.
fn expect_error(running: &Running, reply: &Reply, status: u16, error: &str, words: &str) {
    let last = running.last();
    let explanation = last["explanation"].as_str().unwrap();
    assert_eq!(reply.status, status, "{explanation}");
    assert_eq!(reply.json(), json!({ "error": error }), "{explanation}");
    assert!(explanation.contains(words), "{explanation} without {words}");
    assert_eq!(
        (&last["verdict"], &last["took_effect"]),
        (&"rejected".into(), &false.into())
    );
}

#[test]
fn an_avatar_is_accepted_in_each_format() {
    let running = Running::start();
    let mut addresses = vec![verify(&running, MASTODON_TOKEN).json()["avatar"].clone()];
    for (picture, media_type) in [
        (pictures::jpeg(400, 400), "image/jpeg"),
        (pictures::png(400, 400), "image/png"),
        (pictures::gif(400, 400), "image/gif"),
        (pictures::webp(400, 400), "image/webp"),
    ] {
        let reply = send(&running, &[(DISPOSITION, media_type, &picture)]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let account = reply.json();
        assert_eq!(
            (&account["id"], &account["acct"]),
            (&"1".into(), &"local".into())
        );
        for name in ["username", "url", "avatar", "source"] {
            assert!(!account[name].is_null(), "{name}");
        }
        assert_eq!(verify(&running, MASTODON_TOKEN).json(), account);
        addresses.push(account["avatar"].clone());
        let icon = running.get("/simulator/icon?network=mastodon");
        assert_eq!(icon.body, picture);
        let received = running.control("GET", "received?network=mastodon", &json!(""));
        let update = &received[1];
        assert_eq!(
            (&update["network"], &update["verdict"]),
            (&"mastodon".into(), &"accepted".into())
        );
        assert_eq!(update["endpoint"], "accounts/update_credentials");
        assert_eq!(update["took_effect"], true);
        assert_eq!(update["picture"]["media_type"], media_type);
        assert_eq!(received[0]["endpoint"], "accounts/verify_credentials");
    }
    addresses.sort_by_key(Value::to_string);
    addresses.dedup();
    assert_eq!(
        addresses.len(),
        5,
        "every picture has an address of its own"
    );
}

#[test]
fn wrong_tokens_are_refused() {
    let running = Running::start();
    let good = bearer(MASTODON_TOKEN);
    for (headers, words) in [
        (vec![], "no Authorization"),
        (vec![bearer("wrong")], "unknown"),
        (vec![good.replace("Bearer", "bearer")], "“Bearer ”"),
        (
            vec![format!("Authorization: {MASTODON_TOKEN}")],
            "“Bearer ”",
        ),
        (vec![good.clone(), good.clone()], "two"),
    ] {
        for line in [VERIFY, UPDATE] {
            let reply = running.ask(line, &headers, b"");
            expect_error(&running, &reply, 401, "The access token is invalid", words);
        }
    }
    running.control("PATCH", "mastodon", &json!({ "token": "new" }));
    assert_eq!(verify(&running, MASTODON_TOKEN).status, 401);
    assert_eq!(verify(&running, "new").status, 200);
}

#[test]
fn scopes_decide_what_a_token_is_good_for() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let outside = "This action is outside the authorized scopes";
    for (scopes, may_verify, may_update) in [
        ("read:accounts write:accounts", true, true),
        ("read write", true, true),
        ("profile", true, false),
        ("write:accounts", false, true),
        ("read:statuses write:media", false, false),
        ("", false, false),
    ] {
        let shown = running.control("PATCH", "mastodon", &json!({ "scopes": scopes }));
        assert_eq!(shown["scopes"], scopes);
        let reply = verify(&running, MASTODON_TOKEN);
        assert_eq!(reply.status == 200, may_verify, "{scopes}");
        if !may_verify {
            expect_error(&running, &reply, 403, outside, "read:accounts");
        }
        let reply = turn(&running, &picture);
        assert_eq!(reply.status == 200, may_update, "{scopes}");
        if !may_update {
            expect_error(&running, &reply, 403, outside, "write:accounts");
        }
    }
}

#[test]
fn what_is_no_avatar_is_refused() {
    let running = Running::start();
    let png = pictures::png(64, 64);
    let noisy = pictures::noisy_png(720, 720);
    assert!(noisy.len() > 2_000_000);
    let blank = "Validation failed: Avatar can't be blank";
    let wrong_type = "Validation failed: Avatar content type is invalid, Avatar is invalid";
    let spoofed =
        "Validation failed: Avatar has contents that are not what they are reported to be";
    let too_large = "Validation failed: Avatar must be less than 2 MB";
    let avatar: Part = (DISPOSITION, "image/png", &png);
    for (parts, error, words) in [
        (
            vec![("name=\"avatar\"", "image/png", &png[..])],
            blank,
            "no filename",
        ),
        (
            vec![("name=\"icon\"; filename=\"a\"", "image/png", &png)],
            blank,
            "named avatar",
        ),
        (vec![avatar, avatar], blank, "several"),
        (
            vec![avatar, ("name=\"note\"", "text/plain", b"x")],
            blank,
            "“note”",
        ),
        (
            vec![(DISPOSITION, "application/octet-stream", &png)],
            wrong_type,
            "octet-stream",
        ),
        (
            vec![(DISPOSITION, "image/svg+xml", b"<svg/>")],
            wrong_type,
            "svg",
        ),
        (
            vec![(DISPOSITION, "image/jpeg", &png)],
            spoofed,
            "is image/png",
        ),
        (
            vec![(DISPOSITION, "image/png", b"<svg/>")],
            spoofed,
            "no picture",
        ),
        (
            vec![(DISPOSITION, "image/png", &png[..png.len() - 4])],
            spoofed,
            "cut short",
        ),
        (
            vec![(DISPOSITION, "image/png", &pictures::png(64, 65))],
            spoofed,
            "64×65",
        ),
        (
            vec![(DISPOSITION, "image/png", &noisy)],
            too_large,
            "2,000,000",
        ),
    ] {
        let reply = send(&running, &parts);
        expect_error(&running, &reply, 422, error, words);
    }
    let token = bearer(MASTODON_TOKEN);
    let form = "Content-Type: application/x-www-form-urlencoded".to_owned();
    for (headers, body, words) in [
        (vec![token.clone()], &b""[..], "no body"),
        (vec![token.clone(), form], b"avatar=x", "a form"),
        (vec![token.clone()], b"x", "Content-Type"),
    ] {
        let reply = running.ask(UPDATE, &headers, body);
        expect_error(&running, &reply, 422, blank, words);
    }
    let reply = running.ask(&format!("{UPDATE}?bot=true"), &[token], b"");
    expect_error(&running, &reply, 422, blank, "query");
    assert_eq!(running.get("/simulator/icon?network=mastodon").status, 404);
}

#[test]
fn requests_are_limited() {
    let running = Running::with(&[], 0, 1);
    // Windows begin at multiples of five minutes; the test begins with one.
    running.wait(301 - running.now().timestamp() % 300);
    for used in 1..=300 {
        let reply = verify(&running, MASTODON_TOKEN);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-ratelimit-limit"), Some("300"));
        let remaining: i32 = reply
            .header("x-ratelimit-remaining")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(remaining, 300 - used);
    }
    let reply = verify(&running, MASTODON_TOKEN);
    expect_error(&running, &reply, 429, "Too many requests", "300");
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    let reset = reply.header("x-ratelimit-reset").unwrap();
    assert!(reset.ends_with(".000000Z"), "{reset}");
    let reset = DateTime::parse_from_rfc3339(reset).unwrap().timestamp();
    assert_eq!(reset % 300, 0);
    let wait = reset - running.now().timestamp();
    assert!((200..=300).contains(&wait), "{wait}");
    assert_eq!(
        verify(&running, "wrong").status,
        401,
        "others are counted apart"
    );
    running.wait(300);
    assert_eq!(verify(&running, MASTODON_TOKEN).status, 200);
}

/// What the servers of other makes answer to a client that asks for JSON.
#[test]
fn other_servers_refuse_in_their_own_words() {
    let running = Running::start();
    for (software, token, scope, verify_scope) in [
        (
            "gotosocial",
            (401, "Unauthorized: token not supplied"),
            (403, "Forbidden: token has insufficient scope permission"),
            "read:accounts",
        ),
        ("pixelfed", (500, "Unauthenticated."), (403, ""), "read"),
        (
            "pleroma",
            (403, "Invalid credentials."),
            (403, "Insufficient permissions: write:accounts."),
            "read:accounts",
        ),
        (
            "takahe",
            (401, "identity_token_required"),
            (403, "out_of_scope_for_token"),
            "read:accounts",
        ),
    ] {
        let change = json!({ "software": software, "scopes": verify_scope });
        let shown = running.control("PATCH", "mastodon", &change);
        assert_eq!(shown["software"], software);
        let ask = |line, token| {
            let headers = [bearer(token), "Accept: application/json".to_owned()];
            running.ask(line, &headers, b"")
        };
        assert_eq!(ask(VERIFY, MASTODON_TOKEN).status, 200, "{software}");
        let reply = ask(VERIFY, "wrong");
        expect_error(&running, &reply, token.0, token.1, "unknown");
        let reply = ask(UPDATE, MASTODON_TOKEN);
        expect_error(&running, &reply, scope.0, scope.1, "write");
    }
    // Pixelfed without that header: a page for signing in.
    running.control("PATCH", "mastodon", &json!({ "software": "pixelfed" }));
    assert_eq!(verify(&running, "wrong").status, 302);
}

#[test]
fn pixelfed_ignores_a_picture_by_patch_and_takes_it_by_post() {
    let running = Running::start();
    let picture = pictures::png(64, 64);
    let software = |name: &'static str| {
        let change = json!({ "software": name, "scopes": "read write" });
        running.control("PATCH", "mastodon", &change);
    };
    software("pixelfed");
    let reply = turn(&running, &picture);
    assert_eq!(reply.status, 200);
    let avatar = reply.json()["avatar"].as_str().unwrap().to_owned();
    assert!(
        avatar.ends_with("/storage/avatars/default.jpg?v=0"),
        "{avatar}"
    );
    let icon = || running.get("/simulator/icon?network=mastodon");
    assert_eq!(icon().status, 404);
    let reply = send_by(POST, &running, &[(DISPOSITION, "image/png", &picture)]);
    assert_eq!(reply.status, 200);
    assert_ne!(reply.json()["avatar"].as_str().unwrap(), avatar);
    assert_eq!(icon().body, picture);
    software("pixelfed-without-post");
    let reply = send_by(POST, &running, &[(DISPOSITION, "image/png", &picture)]);
    assert_eq!(reply.status, 405);
}

#[test]
fn pleroma_names_a_picture_by_what_it_holds() {
    let running = Running::start();
    running.control("PATCH", "mastodon", &json!({ "software": "pleroma" }));
    let avatar = |side| turn(&running, &pictures::png(side, side)).json()["avatar"].to_string();
    let one = avatar(64);
    assert_eq!(avatar(64), one);
    assert_ne!(avatar(65), one);
    assert_eq!(avatar(64), one);
}

#[test]
fn the_application_of_the_token_is_told_with_its_scopes() {
    let running = Running::start();
    running.control("PATCH", "mastodon", &json!({ "scopes": "write:accounts" }));
    let reply = running.ask(VERIFY_APP, &[bearer(MASTODON_TOKEN)], b"");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["scopes"], json!(["write:accounts"]));
    let reply = running.ask(VERIFY_APP, &[bearer("wrong")], b"");
    assert_eq!(reply.status, 401);
}

#[test]
fn there_is_nothing_else_in_the_api() {
    let running = Running::start();
    for line in [
        "POST /api/v1/accounts/update_credentials",
        "GET /api/v1/accounts/update_credentials",
        "GET /api/v2/search",
        "GET /api/",
    ] {
        let reply = running.ask(line, &[bearer(MASTODON_TOKEN)], b"");
        expect_error(&running, &reply, 404, "Not Found", "there is only PATCH");
        assert_eq!(running.last()["endpoint"], Value::Null);
    }
}

#[test]
fn nothing_secret_is_recorded() {
    let running = Running::start();
    turn(&running, &pictures::png(64, 64));
    verify(&running, "a-wrong-token");
    let records = running.get("/simulator/received");
    let page = running.get("/");
    let account = running.get("/simulator/mastodon");
    for text in [
        records.text(),
        page.text(),
        account.text(),
        &running.lines(),
    ] {
        for secret in [MASTODON_TOKEN, "a-wrong-token"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}
