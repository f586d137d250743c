//! Signing in to Bluesky, and how long that is good.

use serde_json::json;

use super::{
    CREATE, PUT, REFRESH, SESSION, Session, bearer, expect_error, json_type, payload, sign_in,
    with_token,
};
use crate::tests::client::{APP_PASSWORD, Running};
use crate::tests::pictures;

#[test]
fn tokens_say_what_they_are_good_for() {
    let running = Running::start();
    let reply = sign_in(&running, "LOCAL.test", APP_PASSWORD);
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
    let by_did = sign_in(&running, &session.did, APP_PASSWORD);
    assert_eq!(by_did.status, 200);
    let told = with_token(&running, SESSION, &session.access).json();
    assert_eq!(
        (&told["did"], &told["handle"]),
        (&json!(session.did), &"local.test".into())
    );
    assert!(told.get("accessJwt").is_none());
}

#[test]
fn a_wrong_login_is_refused() {
    let running = Running::start();
    for (identifier, password, words) in [
        ("local.test", "wrong", "password"),
        ("@local.test", APP_PASSWORD, "identifier"),
        ("other.test", APP_PASSWORD, "identifier"),
    ] {
        let reply = sign_in(&running, identifier, password);
        expect_error(&running, &reply, 401, "AuthenticationRequired", words);
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
        (vec![json_type()], "[]", "a list"),
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
        let reply = running.ask(CREATE, &headers, body.as_bytes());
        expect_error(&running, &reply, 400, "InvalidRequest", words);
    }
}

#[test]
fn tokens_expire() {
    let running = Running::start();
    let session = Session::begin(&running);
    running.wait(7_190);
    assert_eq!(with_token(&running, SESSION, &session.access).status, 200);
    running.wait(10);
    let expired = with_token(&running, SESSION, &session.access);
    expect_error(&running, &expired, 400, "ExpiredToken", "has expired");
    let renewed = with_token(&running, REFRESH, &session.refresh);
    assert_eq!(renewed.status, 200);
    let renewed = Session::of(&renewed);
    assert_eq!(with_token(&running, SESSION, &renewed.access).status, 200);
    running.wait(7_775_990);
    assert_eq!(with_token(&running, REFRESH, &renewed.refresh).status, 200);
    running.wait(7_776_000);
    // Only now are those that are long over forgotten.
    Session::begin(&running);
    for token in [&session.access, &renewed.access] {
        let expired = with_token(&running, SESSION, token);
        expect_error(&running, &expired, 400, "ExpiredToken", "expired long ago");
    }
    let expired = with_token(&running, REFRESH, &renewed.refresh);
    expect_error(&running, &expired, 400, "ExpiredToken", "");
}

#[test]
fn a_refresh_token_is_good_once_but_for_a_grace() {
    let running = Running::start();
    let session = Session::begin(&running);
    let next = Session::of(&with_token(&running, REFRESH, &session.refresh));
    assert_ne!(next.refresh, session.refresh);
    running.wait(7_000);
    let same = Session::of(&with_token(&running, REFRESH, &session.refresh));
    assert_eq!(payload(&same.refresh)["jti"], payload(&next.refresh)["jti"]);
    running.wait(200);
    let used = with_token(&running, REFRESH, &session.refresh);
    expect_error(&running, &used, 400, "ExpiredToken", "used before");
    assert_eq!(with_token(&running, REFRESH, &next.refresh).status, 200);
}

#[test]
fn refreshing_takes_neither_a_body_nor_another_token() {
    let running = Running::start();
    let session = Session::begin(&running);
    let headers = [bearer(&session.refresh), json_type()];
    for body in [&b"{}"[..], b""] {
        let reply = running.ask(REFRESH, &headers, body);
        expect_error(&running, &reply, 400, "InvalidRequest", "none was expected");
    }
    let reply = with_token(&running, REFRESH, &session.access);
    expect_error(
        &running,
        &reply,
        400,
        "InvalidToken",
        "com.atproto.refresh is needed",
    );
    let reply = with_token(&running, SESSION, &session.refresh);
    expect_error(
        &running,
        &reply,
        400,
        "InvalidToken",
        "com.atproto.appPass is needed",
    );
}

#[test]
fn missing_and_foreign_tokens_are_told_apart() {
    let running = Running::start();
    let session = Session::begin(&running);
    for line in [SESSION, REFRESH, PUT] {
        let reply = running.ask(line, &[], b"");
        expect_error(&running, &reply, 401, "AuthMissing", "no Authorization");
        assert_eq!(reply.json()["message"], "Authentication Required");
    }
    let other = Running::start();
    let elsewhere = Session::begin(&other).access;
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
        let reply = running.ask(SESSION, std::slice::from_ref(&header), b"");
        assert_eq!(reply.status, 400, "{header}");
        expect_error(&running, &reply, 400, "InvalidToken", "");
    }
    let twice = [bearer(&session.access), bearer(&session.access)];
    let reply = running.ask(SESSION, &twice, b"");
    expect_error(&running, &reply, 400, "InvalidToken", "two");
}

#[test]
fn sessions_are_limited_in_five_minutes_and_in_a_day() {
    let running = Running::start();
    let mut first = None;
    for round in 0..10 {
        for used in 1..=30 {
            let reply = sign_in(&running, "local.test", APP_PASSWORD);
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
            let reply = sign_in(&running, "local.test", APP_PASSWORD);
            expect_error(&running, &reply, 429, "RateLimitExceeded", "30 sessions");
            assert_eq!(reply.header("ratelimit-limit"), Some("30"));
            assert_eq!(reply.header("ratelimit-remaining"), Some("0"));
            assert_eq!(reply.header("ratelimit-reset"), first.as_deref());
            let reset: i64 = first.as_deref().unwrap().parse().unwrap();
            let wait = reset - running.now().timestamp();
            assert!((280..=300).contains(&wait), "{wait}");
            // What was refused counts for the day as well.
            let other = sign_in(&running, "other.test", "x");
            assert_eq!(other.status, 401, "the limit is that of the identifier");
        }
        running.wait(300);
        if round == 8 {
            for _ in 0..29 {
                assert_eq!(sign_in(&running, "local.test", APP_PASSWORD).status, 200);
            }
            let reply = sign_in(&running, "local.test", APP_PASSWORD);
            expect_error(&running, &reply, 429, "RateLimitExceeded", "300 sessions");
            assert_eq!(reply.header("ratelimit-policy"), Some("300;w=86400"));
            running.wait(86_400);
            assert_eq!(sign_in(&running, "local.test", APP_PASSWORD).status, 200);
            return;
        }
    }
}

#[test]
fn requests_are_limited_altogether() {
    let running = Running::with(&[], 0, 1);
    let ask = || running.get("/xrpc/com.atproto.repo.getRecord");
    let first = ask();
    assert_eq!(first.status, 400);
    assert_eq!(first.header("ratelimit-policy"), Some("3000;w=300"));
    assert_eq!(first.header("ratelimit-remaining"), Some("2999"));
    for _ in 1..3_000 {
        assert_eq!(ask().status, 400);
    }
    let reply = ask();
    expect_error(&running, &reply, 429, "RateLimitExceeded", "3,000");
    running.wait(300);
    assert_eq!(ask().status, 400);
}

#[test]
fn a_new_password_ends_sessions_and_a_new_handle_does_not() {
    let running = Running::start();
    let session = Session::begin(&running);
    let change = json!({ "handle": "New.test" });
    let shown = running.control("PATCH", "bluesky", &change);
    assert_eq!(
        (&shown["handle"], &shown["sessions"]),
        (&"new.test".into(), &1.into())
    );
    let told = with_token(&running, SESSION, &session.access).json();
    assert_eq!(told["handle"], "new.test");
    assert_eq!(sign_in(&running, "local.test", APP_PASSWORD).status, 401);
    assert_eq!(sign_in(&running, "new.test", APP_PASSWORD).status, 200);

    let change = json!({ "password": "new-password" });
    let shown = running.control("PATCH", "bluesky", &change);
    assert_eq!(shown["sessions"], 0);
    for (line, token) in [(SESSION, &session.access), (REFRESH, &session.refresh)] {
        let reply = with_token(&running, line, token);
        expect_error(&running, &reply, 400, "ExpiredToken", "revoked");
    }
    assert_eq!(sign_in(&running, "new.test", APP_PASSWORD).status, 401);
    assert_eq!(sign_in(&running, "new.test", "new-password").status, 200);
}

#[test]
fn a_session_can_be_made_to_expire() {
    let running = Running::start();
    let session = Session::begin(&running);
    running.control("PATCH", "bluesky", &json!({ "expire": "access" }));
    let reply = with_token(&running, SESSION, &session.access);
    expect_error(&running, &reply, 400, "ExpiredToken", "has expired");
    let session = Session::of(&with_token(&running, REFRESH, &session.refresh));
    running.control("PATCH", "bluesky", &json!({ "expire": "session" }));
    for (line, token) in [(SESSION, &session.access), (REFRESH, &session.refresh)] {
        let reply = with_token(&running, line, token);
        expect_error(&running, &reply, 400, "ExpiredToken", "");
    }
    for bad in [
        "{\"expire\":\"all\"}",
        "{\"record\":1}",
        "{\"other\":1}",
        "",
    ] {
        let reply = running.request("PATCH", "/simulator/bluesky", bad);
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.json()["error"].is_string());
    }
}

#[test]
fn nothing_secret_is_recorded() {
    let running = Running::start();
    let session = Session::begin(&running);
    sign_in(&running, "local.test", "a-wrong-password");
    session.turn(&running, &pictures::png(64, 64));
    with_token(&running, REFRESH, &session.refresh);
    with_token(&running, SESSION, "a-wrong-token");
    let records = running.get("/simulator/received");
    let page = running.get("/");
    let account = running.get("/simulator/bluesky");
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
