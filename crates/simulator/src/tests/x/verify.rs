//! Asking X whose account it is.

use crate::tests::client::{Reply, Running, TOKEN_SECRET, Update};
use crate::tests::pictures;

const PATH: &str = "/1.1/account/verify_credentials.json";

fn request() -> Update {
    Update {
        method: "GET",
        path: PATH,
        ..Update::new()
    }
}

fn expect_user(running: &Running, request: &Update) -> Reply {
    let reply = running.send(request);
    let last = running.last();
    assert_eq!(reply.status, 200, "{}", last["explanation"]);
    assert_eq!(
        (&last["network"], &last["verdict"]),
        (&"x".into(), &"accepted".into())
    );
    assert_eq!(last["endpoint"], "account/verify_credentials");
    assert!(last["picture"].is_null());
    reply
}

#[test]
fn the_user_is_told_with_the_present_picture() {
    let running = Running::start();
    let user = expect_user(&running, &request()).json();
    assert_eq!(
        (&user["screen_name"], &user["id_str"]),
        (&"local_account".into(), &"1".into())
    );
    assert_eq!(user["default_profile_image"], true);
    running.send(&Update::multipart(&pictures::png(64, 64)));
    let update = running.last();
    assert_eq!(update["endpoint"], "account/update_profile_image");
    let query = "skip_status=true&include_entities=false&include_email=true";
    let reply = expect_user(&running, &request().query(query));
    assert_eq!(reply.json()["default_profile_image"], false);
    assert!(reply.header("x-rate-limit-remaining").is_some());
}

#[test]
fn it_is_signed_like_everything_else() {
    let running = Running::start();
    let as_post = Update {
        method: "POST",
        ..request()
    };
    let with_body = Update {
        content_type: "application/json".to_owned(),
        body: b"{}".to_vec(),
        ..request()
    };
    for (wrong, status, words) in [
        (
            Update {
                secrets: ("wrong", TOKEN_SECRET),
                ..request()
            },
            (401, Some(32)),
            "than GET",
        ),
        (
            Update {
                age: 310,
                ..request()
            },
            (401, Some(135)),
            "behind",
        ),
        (
            request().protocol("oauth_token", "other"),
            (401, Some(89)),
            "access token",
        ),
        (
            request().protocol("oauth_consumer_key", "x"),
            (401, Some(32)),
            "API key",
        ),
        (
            request().protocol("oauth_session", "1"),
            (400, Some(215)),
            "does not belong",
        ),
        (request().query("image=x"), (430, None), "query"),
        (request().query("name=x"), (400, Some(214)), "“name”"),
        (
            as_post,
            (404, Some(34)),
            "GET /1.1/account/verify_credentials.json",
        ),
        (with_body, (400, Some(214)), "a body"),
    ] {
        running.expect_refusal(&wrong, status, words);
    }
    let once = request().bytes(&running);
    for status in [200, 401] {
        let reply = running.exchange(&once);
        assert_eq!(reply.status, status, "a nonce is good for one request");
    }
    let reply = running.get(PATH);
    assert_eq!((reply.status, reply.code()), (400, Some(215)));
}
