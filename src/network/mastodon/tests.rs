use multer::Multipart;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::network::testing::{
    FRAME, NOW, Noise, PICTURE, Reply, Script, any_error, any_reply, assert_fit,
    assert_fit_to_be_shown, header, network, now, ok, pause, refused,
};
use crate::testing::{block_on, instant, reply};

const TOKEN: &str = "ZA-Yj3aBD8U8Cm7lKUp-lm9O9BmDgdhHzDeqsY8tlL0";

const SETTINGS: [(&str, &str); 2] = [
    (MASTODON_SERVER, "https://mastodon.example"),
    (MASTODON_ACCESS_TOKEN, TOKEN),
];

const UPDATE: &str = "PATCH /api/v1/accounts/update_credentials";
const VERIFY: &str = "GET /api/v1/accounts/verify_credentials";

/// As much of a `CredentialAccount` as matters.
fn account() -> Reply {
    ok(json!({ "id": "14715", "username": "trwnh", "acct": "trwnh", "source": {} }))
}

fn attempt(reply: Reply) -> Attempt {
    let script = Script::new([(UPDATE, reply)]);
    let network = network(&SETTINGS);
    let attempt = block_on(network.update(PICTURE, &mut None, &script)).unwrap();
    assert_eq!(script.sent().len(), 1);
    attempt
}

#[allow(clippy::needless_pass_by_value)]
fn outcome_of(status: u16, headers: &[(&str, &str)], body: impl ToString) -> Outcome {
    let attempt = attempt(Ok(reply(status, headers, body.to_string())));
    assert_eq!(attempt.status, Some(status));
    if let Some(trouble) = attempt.outcome.trouble() {
        assert_fit_to_be_shown(trouble, &[TOKEN]);
    }
    attempt.outcome
}

fn error(words: &str) -> String {
    json!({ "error": words }).to_string()
}

fn verified(reply: Reply) -> Result<String, Trouble> {
    let script = Script::new([(VERIFY, reply)]);
    let name = block_on(network(&SETTINGS).verify(&mut None, &script));
    let [request] = script.sent().try_into().unwrap();
    assert!(request.body().is_empty());
    assert_eq!(
        header(&request, "authorization").unwrap(),
        format!("Bearer {TOKEN}")
    );
    name
}

#[test]
fn one_request_carries_the_picture_as_a_file_and_the_token() {
    let script = Script::new([(UPDATE, account())]);
    let mut memory = None;
    let attempt = block_on(network(&SETTINGS).update(PICTURE, &mut memory, &script)).unwrap();
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(attempt.status, Some(200));
    assert_eq!(memory, None);
    let [request] = script.sent().try_into().unwrap();
    assert_eq!(
        request.uri(),
        "https://mastodon.example/api/v1/accounts/update_credentials"
    );
    assert_eq!(
        header(&request, "authorization").unwrap(),
        format!("Bearer {TOKEN}")
    );
    let boundary = multer::parse_boundary(header(&request, "content-type").unwrap()).unwrap();
    let mut parts = Multipart::with_reader(request.body().as_slice(), boundary);
    block_on(async {
        let part = parts.next_field().await.unwrap().unwrap();
        assert_eq!(part.name(), Some("avatar"));
        assert_eq!(part.file_name(), Some("avatar.jpg"));
        assert_eq!(part.content_type().map(AsRef::as_ref), Some("image/jpeg"));
        assert_eq!(part.bytes().await.unwrap(), FRAME.as_slice());
        assert!(parts.next_field().await.unwrap().is_none());
    });
}

#[test]
fn no_two_requests_have_the_same_boundary() {
    let network = network(&SETTINGS);
    let [one, other] = [(); 2].map(|()| network.preview(PICTURE, now()).unwrap());
    assert_ne!(one.headers, other.headers);
}

#[test]
fn the_preview_is_the_request_without_the_token() {
    let preview = network(&SETTINGS).preview(PICTURE, now()).unwrap();
    assert_eq!(preview.method, "PATCH");
    assert_eq!(
        preview.url,
        "https://mastodon.example/api/v1/accounts/update_credentials"
    );
    assert_eq!(preview.frame_bytes, FRAME.len());
    assert!(preview.body_bytes > FRAME.len());
    let authorization = ("authorization".to_owned(), "Bearer (not shown)".to_owned());
    assert!(preview.headers.contains(&authorization));
    assert!(!format!("{preview:?}").contains(TOKEN));
}

#[test]
fn the_account_is_named_with_its_server() {
    assert_eq!(verified(account()).unwrap(), "@trwnh@mastodon.example");
    let elsewhere = json!({ "acct": "trwnh@social.example", "username": "trwnh" });
    assert_eq!(verified(ok(elsewhere)).unwrap(), "@trwnh@social.example");
    let echo = json!({ "acct": TOKEN });
    assert_eq!(verified(ok(echo)).unwrap(), "@(hidden)@mastodon.example");
}

#[test]
fn what_keeps_from_turning_keeps_from_naming_the_account() {
    let trouble = verified(Ok(reply(401, &[], error("The access token is invalid"))));
    assert_eq!(trouble.unwrap_err().reason, Reason::Credentials);
    let trouble = verified(Err(SendError::Timeout));
    assert_eq!(trouble.unwrap_err().reason, Reason::Transient);
    let trouble = verified(ok("{}"));
    assert_eq!(trouble.unwrap_err().reason, Reason::UnexpectedReply);
}

#[test]
fn success_that_is_no_account_is_unexpected() {
    for body in [
        "",
        "{}",
        "[]",
        "OK",
        "<!DOCTYPE html><title>Sign in to the Wi-Fi</title>",
        r#"{"acct":null,"username":""}"#,
        r#"{"error":"The access token is invalid"}"#,
    ] {
        let outcome = outcome_of(200, &[], body);
        let trouble = refused(&outcome);
        assert_eq!(trouble.reason, Reason::UnexpectedReply, "{body}");
        assert!(trouble.remedy.contains(MASTODON_SERVER));
    }
}

#[test]
fn what_waiting_does_not_mend_is_refused_with_what_the_owner_can_do() {
    const TOKEN_AND_SCOPE: &[&str] = &[MASTODON_ACCESS_TOKEN, "Development", "write:accounts"];
    for (status, words, reason, remedy) in [
        (
            401,
            "The access token is invalid",
            Reason::Credentials,
            TOKEN_AND_SCOPE,
        ),
        (
            401,
            "The access token was revoked",
            Reason::Credentials,
            TOKEN_AND_SCOPE,
        ),
        (
            422,
            "This method requires an authenticated user",
            Reason::Credentials,
            TOKEN_AND_SCOPE,
        ),
        (
            403,
            "This action is outside the authorized scopes",
            Reason::Access,
            &["write:accounts", "regenerate", MASTODON_ACCESS_TOKEN],
        ),
        (
            403,
            "Your login is currently disabled",
            Reason::Account,
            &["Sign in", "disabled"],
        ),
        (
            403,
            "Your login is missing a confirmed e-mail address",
            Reason::Account,
            &["Sign in", "not confirmed"],
        ),
        (
            422,
            "Validation failed: Avatar must be less than 2 MB, Avatar has contents that are not \
             what they are reported to be",
            Reason::Request,
            &["picture", "limits", "Publish the icon again"],
        ),
        (413, "", Reason::Request, &["Publish the icon again"]),
        (
            404,
            "Record not found",
            Reason::UnexpectedReply,
            &[MASTODON_SERVER],
        ),
        (410, "", Reason::UnexpectedReply, &[MASTODON_SERVER]),
        (301, "", Reason::UnexpectedReply, &[MASTODON_SERVER]),
        (400, "", Reason::UnexpectedReply, &[MASTODON_SERVER]),
    ] {
        let outcome = outcome_of(status, &[], error(words));
        let trouble = refused(&outcome);
        assert_eq!(trouble.reason, reason, "{status} {words}");
        let colon = if words.is_empty() { "" } else { ": " };
        assert_eq!(
            trouble.message,
            format!("Mastodon answered {status}{colon}{words}")
        );
        for part in remedy {
            assert!(trouble.remedy.contains(part), "{part}: {}", trouble.remedy);
        }
    }
}

#[test]
fn a_description_is_told_too() {
    let body = json!({ "error": "invalid_token", "error_description": "It expired." });
    assert_eq!(
        refused(&outcome_of(401, &[], body)).message,
        "Mastodon answered 401: invalid_token: It expired."
    );
}

#[test]
fn a_web_page_that_forbids_is_a_firewall_s() {
    let outcome = outcome_of(403, &[], "<!DOCTYPE html><title>Just a moment...</title>");
    let trouble = refused(&outcome);
    assert_eq!(trouble.reason, Reason::Blocked);
    assert_eq!(trouble.message, "Mastodon answered 403 with a web page");
    let outcome = outcome_of(502, &[], "<html><h1>Bad Gateway</h1>");
    assert_eq!(pause(&outcome), (60, Reason::Transient));
}

#[test]
fn what_passes_is_tried_again() {
    for status in [500, 502, 503, 504] {
        let outcome = outcome_of(status, &[], error("Remote data could not be fetched"));
        assert_eq!(pause(&outcome), (60, Reason::Transient));
        let outcome = outcome_of(status, &[("retry-after", "77")], "");
        assert_eq!(pause(&outcome), (77, Reason::Transient));
    }
    for error in [
        SendError::Timeout,
        SendError::Connection("reset by peer".to_owned()),
        SendError::TooLarge,
    ] {
        let attempt = attempt(Err(error));
        assert_eq!(attempt.status, None);
        assert_eq!(pause(&attempt.outcome), (60, Reason::Transient));
        let remedy = &attempt.outcome.trouble().unwrap().remedy;
        assert!(remedy.contains(MASTODON_SERVER), "{remedy}");
    }
}

#[test]
fn a_rate_limit_is_waited_out_until_the_reset_that_the_server_names() {
    for (reset, retry_after, seconds) in [
        ("2026-11-22T02:25:00.000000Z", "7", 75),
        ("2026-11-22T02:25:00Z", "7", 75),
        (" 2026-11-22T03:25:00+01:00 ", "7", 75),
        // No time ahead, so `Retry-After` counts.
        ("2026-11-22T02:20:00.000000Z", "7", 7),
        ("1795314300", "7", 7),
        ("soon", "7", 7),
        ("", "", 900),
        // Further than any limit.
        ("2036-11-22T02:25:00Z", "", 86_400),
    ] {
        let headers = [("x-ratelimit-reset", reset), ("retry-after", retry_after)];
        let outcome = outcome_of(429, &headers, error("Too many requests"));
        assert_eq!(pause(&outcome), (seconds, Reason::RateLimit), "{reset}");
    }
    assert_eq!(now(), instant("2026-11-22T02:23:45Z"));
    assert_eq!(now().timestamp(), NOW);
}

#[test]
fn a_token_that_no_header_can_have_sends_nothing() {
    for token in ["a b", "a\u{7}b", "a\nb", "tökèn"] {
        let account = Account {
            server: SETTINGS[0].1.parse().unwrap(),
            access_token: Secret::new(token),
        };
        let script = Script::new([]);
        let trouble = block_on(account.update(PICTURE, &mut None, &script));
        let trouble = trouble.unwrap_err();
        assert_eq!(trouble.reason, Reason::Settings);
        assert!(trouble.remedy.contains(MASTODON_ACCESS_TOKEN));
        assert_fit_to_be_shown(&trouble, &[token]);
    }
}

#[test]
fn no_debug_output_gives_the_token_away() {
    let network = network(&SETTINGS);
    assert!(!format!("{network:?} {network:#?}").contains(TOKEN));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_back_ends_in_an_outcome_with_a_short_message_of_one_line(
        reply in any_reply(
            any_error(
                &[
                    "The access token is invalid",
                    "This action is outside the authorized scopes",
                    "This method requires an authenticated user",
                ],
            ),
            &["x-ratelimit-reset", "retry-after"],
        ),
    ) {
        let noise = Noise { replies: vec![reply], sent: 0.into() };
        let network = network(&SETTINGS);
        let attempt = block_on(network.update(PICTURE, &mut None, &noise)).unwrap();
        assert_fit(&attempt.outcome, &[TOKEN]);
        match block_on(network.verify(&mut None, &noise)) {
            Err(trouble) => assert_fit_to_be_shown(&trouble, &[TOKEN]),
            Ok(name) => prop_assert!(!name.contains(TOKEN)),
        }
        prop_assert_eq!(noise.sent.get(), 2);
    }

    #[test]
    fn any_frame_comes_out_of_the_body_as_it_went_in(frame in vec(any::<u8>(), 0..2000)) {
        let script = Script::new([(UPDATE, account())]);
        let picture = Picture { bytes: &frame, ..PICTURE };
        block_on(network(&SETTINGS).update(picture, &mut None, &script)).unwrap();
        let [request] = script.sent().try_into().unwrap();
        let boundary = multer::parse_boundary(header(&request, "content-type").unwrap()).unwrap();
        let mut parts = Multipart::with_reader(request.body().as_slice(), boundary);
        block_on(async {
            let part = parts.next_field().await.unwrap().unwrap();
            prop_assert_eq!(part.bytes().await.unwrap(), frame);
            Ok(())
        })?;
    }
}
