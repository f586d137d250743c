//! Signing in to X by PIN.

use std::collections::HashMap;

use crate::tests::client::{CONSUMER_SECRET, Reply, Running, TOKEN_SECRET, Update};
use crate::tests::pictures;

type Form = HashMap<String, String>;

fn form(reply: &Reply) -> Form {
    form_urlencoded::parse(&reply.body).into_owned().collect()
}

fn ask_for_token(callback: &str) -> Update {
    let mut update = Update {
        path: "/oauth/request_token",
        secrets: (CONSUMER_SECRET, ""),
        ..Update::new()
    }
    .protocol("oauth_callback", callback);
    update.protocol.retain(|(name, _)| *name != "oauth_token");
    update
}

fn exchange(request_token: &Form, pin: &str) -> Update {
    let secret: &'static str = request_token["oauth_token_secret"].clone().leak();
    Update {
        path: "/oauth/access_token",
        secrets: (CONSUMER_SECRET, secret),
        ..Update::new()
    }
    .protocol("oauth_token", &request_token["oauth_token"])
    .protocol("oauth_verifier", pin)
}

fn begin(running: &Running) -> Form {
    let reply = running.send(&ask_for_token("oob"));
    assert_eq!(reply.status, 200, "{}", running.last()["explanation"]);
    form(&reply)
}

fn pin(running: &Running, token: &Form) -> String {
    let path = format!("/simulator/pin?oauth_token={}", token["oauth_token"]);
    let reply = running.get(&path);
    assert_eq!(reply.status, 200);
    reply.json()["pin"].as_str().unwrap().to_owned()
}

fn authorize(running: &Running, token: &Form) -> Reply {
    let body = format!("oauth_token={}", token["oauth_token"]);
    running.request("POST", "/oauth/authorize", &body)
}

#[test]
fn the_tokens_handed_out_are_those_that_turn() {
    let running = Running::start();
    let token = begin(&running);
    assert_eq!(token["oauth_callback_confirmed"], "true");
    assert_eq!(token.len(), 3);
    assert_eq!(running.last()["endpoint"], "oauth/request_token");
    let pin = pin(&running, &token);
    assert!(pin.len() == 7 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    let reply = running.send(&exchange(&token, &pin));
    assert_eq!(reply.status, 200, "{}", running.last()["explanation"]);
    let account = form(&reply);
    assert_eq!(account["oauth_token"], "1-token");
    assert_eq!(account["oauth_token_secret"], TOKEN_SECRET);
    assert_eq!(
        (account["user_id"].as_str(), account["screen_name"].as_str()),
        ("1", "local_account")
    );
    let update = Update::multipart(&pictures::png(64, 64));
    assert_eq!(running.send(&update).status, 200);
}

#[test]
fn the_pin_is_shown_to_a_person_who_says_yes() {
    let running = Running::start();
    let token = begin(&running);
    let path = format!("/oauth/authorize?oauth_token={}", token["oauth_token"]);
    let asked = running.get(&path);
    assert_eq!(asked.status, 200);
    let policy = asked.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("form-action 'self'"));
    assert!(asked.text().contains("method=\"post\"") && asked.text().contains("<button"));
    let shown = authorize(&running, &token);
    let pin = pin(&running, &token);
    assert!(shown.text().contains(&format!("<code>{pin}</code>")));
    assert!(!asked.text().contains(&pin), "nobody has said yes yet");
    assert_eq!(running.send(&exchange(&token, &pin)).status, 200);

    let over = running.get(&path);
    assert_eq!(over.status, 404);
    assert_eq!(authorize(&running, &token).status, 404);
    for wrong in [
        "/oauth/authorize",
        "/oauth/authorize?oauth_token=%3Cscript%3E",
    ] {
        let reply = running.get(wrong);
        assert_eq!(reply.status, 404, "{wrong}");
        assert!(!reply.text().contains("<script"));
    }
    assert_eq!(running.get("/simulator/pin?oauth_token=x").status, 404);
    assert_eq!(running.get("/simulator/pin").status, 404);
}

#[test]
fn a_wrong_pin_is_refused_and_a_token_is_good_once() {
    let running = Running::start();
    let token = begin(&running);
    let refused = |update: Update, words: &str| {
        let reply = running.send(&update);
        let last = running.last();
        assert_eq!((reply.status, &last["verdict"]), (401, &"rejected".into()));
        assert!(
            last["explanation"].as_str().unwrap().contains(words),
            "{last}"
        );
        reply
    };
    let reply = refused(exchange(&token, "1234567"), "nobody has said yes");
    assert!(reply.text().contains("Invalid oauth_verifier parameter"));
    let pin = pin(&running, &token);
    let wrong = if pin == "1234567" {
        "7654321"
    } else {
        "1234567"
    };
    refused(exchange(&token, wrong), "not the PIN");
    let mut misspelt = token.clone();
    misspelt.insert("oauth_token_secret".to_owned(), "wrong".to_owned());
    refused(exchange(&misspelt, &pin), "signature");
    assert_eq!(running.send(&exchange(&token, &pin)).status, 200);
    let reply = refused(exchange(&token, &pin), "was used");
    assert_eq!(reply.code(), Some(89));
}

#[test]
fn the_verifier_and_the_callback_may_be_in_the_form() {
    let running = Running::start();
    let mut update = ask_for_token("oob");
    update
        .protocol
        .retain(|(name, _)| *name != "oauth_callback");
    let update = Update {
        body: b"oauth_callback=oob".to_vec(),
        content_type: "application/x-www-form-urlencoded".to_owned(),
        ..update
    };
    let token = form(&running.send(&update));
    let pin = pin(&running, &token);
    let mut update = exchange(&token, &pin);
    update
        .protocol
        .retain(|(name, _)| *name != "oauth_verifier");
    let update = update.query(&format!("oauth_verifier={pin}"));
    assert_eq!(running.send(&update).status, 200);
}

#[test]
fn requests_for_tokens_are_judged_strictly() {
    let running = Running::start();
    let with_token = ask_for_token("oob").protocol("oauth_token", "1-token");
    let mut without_callback = ask_for_token("oob");
    without_callback
        .protocol
        .retain(|(name, _)| *name != "oauth_callback");
    let twice = ask_for_token("oob").query("oauth_callback=oob");
    for (wrong, status, words) in [
        (
            ask_for_token("https://example.com/"),
            (403, Some(415)),
            "“oob”",
        ),
        (
            without_callback,
            (400, Some(215)),
            "oauth_callback is missing",
        ),
        (twice, (400, Some(215)), "twice"),
        (with_token, (400, Some(215)), "does not belong"),
        (
            Update {
                secrets: (CONSUMER_SECRET, TOKEN_SECRET),
                ..ask_for_token("oob")
            },
            (401, Some(32)),
            "signature",
        ),
        (
            Update {
                age: 310,
                ..ask_for_token("oob")
            },
            (401, Some(135)),
            "behind",
        ),
        (
            Update {
                method: "GET",
                ..ask_for_token("oob")
            },
            (404, Some(34)),
            "there is only",
        ),
    ] {
        running.expect_refusal(&wrong, status, words);
    }
}

#[test]
fn a_sign_in_does_not_wait_for_ever() {
    let running = Running::start();
    let token = begin(&running);
    let pin = pin(&running, &token);
    running.wait(900);
    let reply = running.send(&exchange(&token, &pin));
    assert_eq!((reply.status, reply.code()), (401, Some(89)));
}

#[test]
fn a_fault_keeps_the_sign_in_as_it_was() {
    let running = Running::start();
    let token = begin(&running);
    let pin = pin(&running, &token);
    let fault = "{\"fault\":\"internal-error\",\"times\":1,\"endpoint\":\"oauth/access_token\"}";
    assert_eq!(
        running.request("PUT", "/simulator/faults", fault).status,
        200
    );
    let update = Update::multipart(&pictures::png(64, 64));
    assert_eq!(running.send(&update).status, 200, "at another endpoint");
    assert_eq!(running.send(&exchange(&token, &pin)).status, 500);
    assert_eq!(running.send(&exchange(&token, &pin)).status, 200);
    let lines = running.lines();
    let received = running.get("/simulator/received");
    for text in [lines.as_str(), received.text()] {
        for secret in [&pin, &token["oauth_token"], &token["oauth_token_secret"]] {
            assert!(!text.contains(secret.as_str()));
        }
    }
}
