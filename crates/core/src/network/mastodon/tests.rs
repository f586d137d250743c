use multer::Multipart;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::network::interface::{Attempt, Picture, SavedSession, Verified};
use crate::network::testing::{
    FRAME, NOW, Noise, PICTURE, Reply, Script, any_error, any_reply, assert_fit,
    assert_fit_to_be_shown, header, network, now, ok, pause, refused,
};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::SendError;
use crate::settings::secret::Secret;
use crate::testing::{block_on, instant, reply};

const TOKEN: &str = "ZA-Yj3aBD8U8Cm7lKUp-lm9O9BmDgdhHzDeqsY8tlL0";

const SETTINGS: [(&str, &str); 2] = [
    (MASTODON_SERVER, "https://mastodon.example"),
    (MASTODON_ACCESS_TOKEN, TOKEN),
];

const UPDATE: &str = "PATCH /api/v1/accounts/update_credentials";
const VERIFY: &str = "GET /api/v1/accounts/verify_credentials";
const VERIFY_APP: &str = "GET /api/v1/apps/verify_credentials";
const POST: &str = "POST /api/v1/accounts/update_credentials";

/// As much of a `CredentialAccount` as matters.
fn account() -> Reply {
    ok(json!({ "id": "14715", "username": "trwnh", "acct": "trwnh", "source": {} }))
}

/// That a token may write alone: what a first turn is answered before it sends anything.
#[allow(clippy::unnecessary_wraps)]
fn unreadable() -> Reply {
    let words = "This action is outside the authorized scopes";
    Ok(reply(403, &[], error(words)))
}

fn attempt(reply: Reply) -> Attempt {
    let script = Script::new([(VERIFY, unreadable()), (UPDATE, reply)]);
    let network = network(&SETTINGS);
    let attempt = block_on(network.update(PICTURE, &mut None, &script)).unwrap();
    assert_eq!(script.sent().len(), 2);
    attempt
}

#[allow(clippy::needless_pass_by_value)]
fn outcome_of(status: u16, headers: &[(&str, &str)], body: impl ToString) -> Outcome {
    let attempt = attempt(Ok(reply(status, headers, body.to_string())));
    assert_eq!(attempt.status, Some(status));
    if let Some(diagnosis) = attempt.outcome.diagnosis() {
        assert_fit_to_be_shown(diagnosis, &[TOKEN]);
    }
    attempt.outcome
}

fn error(words: &str) -> String {
    json!({ "error": words }).to_string()
}

/// What the server says of the settings, in these steps.
fn asked<const N: usize>(steps: [(&'static str, Reply); N]) -> Result<Verified, Diagnosis> {
    let script = Script::new(steps);
    let verified = block_on(network(&SETTINGS).verify(&mut None, &script));
    for request in script.sent() {
        assert!(request.body().is_empty());
        let authorization = header(&request, "authorization").unwrap();
        assert_eq!(authorization, format!("Bearer {TOKEN}"));
        assert_eq!(header(&request, "accept"), Some("application/json"));
    }
    verified
}

/// The name of the account, from a server that tells nothing of the application.
fn verified(reply: Reply) -> Result<String, Diagnosis> {
    let is_success = reply
        .as_ref()
        .is_ok_and(|reply| reply.status().is_success());
    let named = is_success && reply.as_ref().is_ok_and(|reply| reply.body() != b"{}");
    let verified = if named {
        asked([(VERIFY, reply), (VERIFY_APP, not_found())])
    } else {
        asked([(VERIFY, reply)])
    };
    verified.map(|verified| verified.account.unwrap())
}

#[allow(clippy::unnecessary_wraps)]
fn not_found() -> Reply {
    Ok(reply(404, &[], error("Not Found")))
}

/// A `CredentialApplication` of Mastodon since 4.3.
fn application(scopes: &[&str]) -> Reply {
    ok(json!({ "name": "Icon", "website": null, "scopes": scopes }))
}

#[test]
fn one_request_carries_the_picture_as_a_file_and_the_token() {
    let mut saved_session = None;
    let script = Script::new([(VERIFY, unreadable()), (UPDATE, account())]);
    block_on(network(&SETTINGS).update(PICTURE, &mut saved_session, &script)).unwrap();
    script.sent();
    let script = Script::new([(UPDATE, account())]);
    let attempt =
        block_on(network(&SETTINGS).update(PICTURE, &mut saved_session, &script)).unwrap();
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(attempt.status, Some(200));
    assert_eq!(attempt.note, None);
    let [request] = script.sent().try_into().unwrap();
    assert_eq!(
        request.uri(),
        "https://mastodon.example/api/v1/accounts/update_credentials"
    );
    assert_eq!(
        header(&request, "authorization").unwrap(),
        format!("Bearer {TOKEN}")
    );
    assert_eq!(header(&request, "accept"), Some("application/json"));
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
    let diagnosis = verified(Ok(reply(401, &[], error("The access token is invalid"))));
    assert_eq!(diagnosis.unwrap_err().reason, Reason::Credentials);
    let diagnosis = verified(Err(SendError::Timeout));
    assert_eq!(diagnosis.unwrap_err().reason, Reason::Transient);
    let diagnosis = verified(ok("{}"));
    assert_eq!(diagnosis.unwrap_err().reason, Reason::UnexpectedReply);
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
        let diagnosis = refused(&outcome);
        assert_eq!(diagnosis.reason, Reason::UnexpectedReply, "{body}");
        assert!(diagnosis.remedy.contains(MASTODON_SERVER));
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
        (501, "", Reason::UnexpectedReply, &[MASTODON_SERVER]),
        (301, "", Reason::UnexpectedReply, &[MASTODON_SERVER]),
        (400, "", Reason::UnexpectedReply, &[MASTODON_SERVER]),
    ] {
        let outcome = outcome_of(status, &[], error(words));
        let diagnosis = refused(&outcome);
        assert_eq!(diagnosis.reason, reason, "{status} {words}");
        let colon = if words.is_empty() { "" } else { ": " };
        assert_eq!(
            diagnosis.message,
            format!("Mastodon answered {status}{colon}{words}")
        );
        for part in remedy {
            assert!(
                diagnosis.remedy.contains(part),
                "{part}: {}",
                diagnosis.remedy
            );
        }
    }
}

/// What servers of other makes say, from their sources.
#[test]
fn the_sentences_of_other_servers_are_understood() {
    const MORE: &[&str] = &["write:accounts", "regenerate", MASTODON_ACCESS_TOKEN];
    for (status, words, reason, remedy) in [
        // GoToSocial.
        (
            403,
            "Forbidden: token has insufficient scope permission",
            Reason::Access,
            MORE,
        ),
        (
            401,
            "Unauthorized: token not supplied",
            Reason::Credentials,
            &["revoked"],
        ),
        (
            400,
            "Bad Request: media exceeds configured max size: 40.0KiB",
            Reason::Request,
            &["--quality"],
        ),
        // Pleroma and Akkoma.
        (
            403,
            "Insufficient permissions: write:accounts.",
            Reason::Access,
            MORE,
        ),
        (
            403,
            "Invalid credentials.",
            Reason::Credentials,
            &["revoked"],
        ),
        // Takahe.
        (403, "out_of_scope_for_token", Reason::Access, MORE),
        (
            400,
            "identity_token_required",
            Reason::Credentials,
            &["of an account"],
        ),
        // Pixelfed, which knows no status for this.
        (500, "Unauthenticated.", Reason::Credentials, &["revoked"]),
        // OAuth (RFC 6750 §3.1).
        (403, "insufficient_scope", Reason::Access, MORE),
    ] {
        let outcome = outcome_of(status, &[], error(words));
        let diagnosis = refused(&outcome);
        assert_eq!(diagnosis.reason, reason, "{status} {words}");
        for part in remedy {
            assert!(
                diagnosis.remedy.contains(part),
                "{part}: {}",
                diagnosis.remedy
            );
        }
    }
    let challenge = [("www-authenticate", "Bearer error=\"insufficient_scope\"")];
    let outcome = outcome_of(403, &challenge, "");
    assert_eq!(refused(&outcome).reason, Reason::Access);
    // Pixelfed says nothing to a token without the scope, which may be the account's fault too.
    let outcome = outcome_of(403, &[], error(""));
    let diagnosis = refused(&outcome);
    assert_eq!(diagnosis.reason, Reason::Access);
    for part in ["write:accounts", "Pixelfed", "Sign in", "sign in"] {
        let has = diagnosis.remedy.contains(part);
        assert!(has || part == "Sign in", "{}", diagnosis.remedy);
    }
    // Laravel names what it does not accept, whatever the status.
    let body = json!({ "message": "Too large.", "errors": { "avatar": ["Too large."] } });
    for status in [422, 500] {
        let outcome = outcome_of(status, &[], &body);
        assert_eq!(refused(&outcome).reason, Reason::Request);
    }
    // Words of a server that is down are only words.
    let outcome = outcome_of(503, &[], error("out of scope for now"));
    assert_eq!(pause(&outcome), (60, Reason::Transient));
}

#[test]
fn a_token_that_may_write_and_not_read_is_told_so() {
    let outside = unreadable;
    let insufficient = || {
        let words = "Forbidden: token has insufficient scope permission";
        Ok(reply(403, &[], error(words)))
    };
    // Where the server tells what the application may do, all is well.
    let verified = asked([
        (VERIFY, outside()),
        (VERIFY_APP, application(&["write:accounts"])),
    ]);
    let verified = verified.unwrap();
    assert_eq!(verified.account, None);
    assert!(verified.notes[0].contains("read:accounts"), "{verified:?}");
    // Where it does not, what is missing is the scope to read.
    for refusal in [outside, insufficient] {
        let verified = asked([(VERIFY, refusal()), (VERIFY_APP, not_found())]);
        let diagnosis = verified.unwrap().unread.unwrap();
        assert_eq!(diagnosis.reason, Reason::Access);
        for part in ["read:accounts", "only `doctor`"] {
            assert!(diagnosis.remedy.contains(part), "{}", diagnosis.remedy);
        }
        assert!(
            !diagnosis.remedy.contains("write:accounts"),
            "{}",
            diagnosis.remedy
        );
    }
    // One that may read alone is found out before it turns.
    for steps in [
        [(VERIFY, account()), (VERIFY_APP, application(&["read"]))],
        [(VERIFY, outside()), (VERIFY_APP, application(&["follow"]))],
    ] {
        let diagnosis = asked(steps).unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Access);
        assert!(diagnosis.remedy.contains("write:accounts"));
    }
    let verified = asked([
        (VERIFY, account()),
        (VERIFY_APP, application(&["read", "write"])),
    ]);
    assert_eq!(
        verified.unwrap(),
        Verified::account("@trwnh@mastodon.example")
    );
}

/// A reply of success that shows the avatar with this address.
fn shown_frame(avatar: &str) -> Reply {
    let avatar = format!("https://mastodon.example{avatar}");
    ok(json!({ "acct": "trwnh", "avatar": avatar }))
}

/// Turns with different pictures, each in these steps; how each ended.
struct Turns {
    saved_session: Option<SavedSession>,
    pictures: u8,
}

impl Turns {
    fn new() -> Self {
        let (saved_session, pictures) = (None, 0);
        Self {
            saved_session,
            pictures,
        }
    }

    /// The account may not be read before the first picture.
    fn turn<const N: usize>(&mut self, steps: [(&'static str, Reply); N]) -> Attempt {
        self.pictures += 1;
        let asked = (VERIFY, unreadable());
        let is_first = self.saved_session.is_none();
        self.make(is_first.then_some(asked).into_iter().chain(steps))
    }

    /// The account shows this avatar before the first picture.
    fn first_turn<const N: usize>(
        &mut self,
        shown: Reply,
        steps: [(&'static str, Reply); N],
    ) -> Attempt {
        self.saved_session = None;
        self.pictures += 1;
        self.make([(VERIFY, shown)].into_iter().chain(steps))
    }

    fn turn_again<const N: usize>(&mut self, steps: [(&'static str, Reply); N]) -> Attempt {
        self.make(steps)
    }

    fn make(&mut self, steps: impl IntoIterator<Item = (&'static str, Reply)>) -> Attempt {
        let bytes = [self.pictures; 3];
        let picture = Picture {
            bytes: &bytes,
            ..PICTURE
        };
        let script = Script::new(steps);
        let network = network(&SETTINGS);
        let attempt = block_on(network.update(picture, &mut self.saved_session, &script)).unwrap();
        script.sent();
        attempt
    }
}

#[test]
fn a_server_that_ignores_a_multipart_patch_is_sent_a_post() {
    let mut turns = Turns::new();
    // Nothing is known of the account yet.
    let attempt = turns.turn([(UPDATE, shown_frame("/storage/1.jpg"))]);
    assert_eq!(attempt.outcome, Outcome::Turned);
    // The address is the same after another picture.
    let attempt = turns.turn([
        (UPDATE, shown_frame("/storage/1.jpg")),
        (POST, shown_frame("/storage/2.jpg")),
    ]);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert!(attempt.note.unwrap().contains("POST only"));
    // Which is kept.
    let attempt = turns.turn([(POST, shown_frame("/storage/3.jpg"))]);
    assert_eq!((attempt.outcome, attempt.note), (Outcome::Turned, None));
    // Until the server takes none any more.
    let no_method = Ok(reply(405, &[], error("No.")));
    let attempt = turns.turn([(POST, no_method), (UPDATE, shown_frame("/storage/4.jpg"))]);
    assert_eq!(attempt.outcome, Outcome::Turned);
    let attempt = turns.turn([(UPDATE, shown_frame("/storage/5.jpg"))]);
    assert_eq!(attempt.outcome, Outcome::Turned);
}

#[test]
fn an_account_without_an_avatar_tells_at_once_that_a_patch_is_ignored() {
    for nobodys in [
        "/storage/avatars/default.jpg",
        "/storage/avatars/default.jpg?v=0",
        "/avatars/original/missing.png",
        "/avatars/original/missing.png#1",
    ] {
        let mut turns = Turns::new();
        let attempt = turns.turn([
            (UPDATE, shown_frame(nobodys)),
            (POST, shown_frame("/1.jpg")),
        ]);
        assert_eq!(attempt.outcome, Outcome::Turned);
        let attempt = turns.turn([(POST, shown_frame("/2.jpg"))]);
        assert_eq!(attempt.outcome, Outcome::Turned);
    }
    // One that only holds such a name is somebody's.
    for own in ["/default.jpg", "/1.jpg?/avatars/default.jpg"] {
        let attempt = Turns::new().turn([(UPDATE, shown_frame(own))]);
        assert_eq!(attempt.outcome, Outcome::Turned);
    }
}

#[test]
fn an_account_that_may_be_read_tells_in_its_first_turn_that_a_patch_is_ignored() {
    let mut turns = Turns::new();
    // Nothing is kept from one run to the next.
    for _ in 0..3 {
        let steps = [
            (UPDATE, shown_frame("/1.jpg?v=7")),
            (POST, shown_frame("/2.jpg")),
        ];
        let attempt = turns.first_turn(shown_frame("/1.jpg?v=7"), steps);
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert!(attempt.note.unwrap().contains("POST only"));
    }
    assert_eq!(
        turns.turn([(POST, shown_frame("/3.jpg"))]).outcome,
        Outcome::Turned
    );
    // Where PATCH works, nothing else is sent, and the account is asked once.
    let attempt = turns.first_turn(shown_frame("/1.jpg"), [(UPDATE, shown_frame("/2.jpg"))]);
    assert_eq!((attempt.outcome, attempt.note), (Outcome::Turned, None));
    turns.turn([(UPDATE, shown_frame("/3.jpg"))]);
    // Where neither works, each first turn says what it saw, and the second finds out.
    let neither = || [(UPDATE, shown_frame("/1.jpg")), (POST, not_found())];
    for _ in 0..2 {
        let attempt = turns.first_turn(shown_frame("/1.jpg"), neither());
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert!(attempt.note.unwrap().contains("Look at the account"));
    }
    let attempt = turns.turn(neither());
    assert_eq!(refused(&attempt.outcome).reason, Reason::UnexpectedReply);
    assert_eq!(attempt.note, None);
}

#[test]
fn what_the_account_shows_before_is_asked_for_and_not_needed() {
    // A refusal or an odd reply says nothing of the picture.
    for shown in [
        unreadable(),
        Ok(reply(401, &[], "")),
        Ok(reply(422, &[], "")),
        Ok(reply(500, &[], "")),
        not_found(),
        ok("{}"),
        ok(json!({ "acct": "trwnh", "avatar": 7 })),
        account(),
    ] {
        let mut turns = Turns::new();
        let attempt = turns.first_turn(shown, [(UPDATE, shown_frame("/1.jpg"))]);
        assert_eq!(attempt.outcome, Outcome::Turned);
    }
    // A server that tells no avatar is asked once too.
    let mut turns = Turns::new();
    turns.first_turn(account(), [(UPDATE, account())]);
    turns.turn([(UPDATE, account())]);
    // Where the server asks for a pause or does not answer, nothing follows.
    let limit = Ok(reply(429, &[("retry-after", "77")], ""));
    let attempt = Turns::new().first_turn(limit, []);
    assert_eq!(pause(&attempt.outcome), (77, Reason::RateLimit));
    assert_eq!(attempt.status, Some(429));
    let attempt = Turns::new().first_turn(Err(SendError::Timeout), []);
    assert_eq!(pause(&attempt.outcome), (60, Reason::Transient));
    assert_eq!(attempt.status, None);
}

#[test]
fn an_avatar_that_stays_is_a_failure_after_two_different_pictures_in_a_row() {
    let mut turns = Turns::new();
    let unchanged = || {
        let post = Ok(reply(404, &[], error("Not Found")));
        [(UPDATE, shown_frame("/same.jpg")), (POST, post)]
    };
    turns.turn([(UPDATE, shown_frame("/same.jpg"))]);
    // Once may be chance, and is told as that.
    let attempt = turns.turn(unchanged());
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert!(attempt.note.unwrap().contains("address of before"));
    // The same picture again says nothing, and forgets nothing.
    let attempt = turns.turn_again([(UPDATE, shown_frame("/same.jpg"))]);
    assert_eq!(attempt.outcome, Outcome::Turned);
    for _ in 0..2 {
        let attempt = turns.turn(unchanged());
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::UnexpectedReply);
        assert!(diagnosis.remedy.contains("Look at the account"));
        assert_eq!(attempt.status, Some(200));
    }
    // It changes: all is well, and one that stays is the first again.
    let attempt = turns.turn([(UPDATE, shown_frame("/other.jpg"))]);
    assert_eq!(attempt.outcome, Outcome::Turned);
    let attempt = turns.turn([
        (UPDATE, shown_frame("/other.jpg")),
        (POST, Ok(reply(405, &[], ""))),
    ]);
    assert_eq!(attempt.outcome, Outcome::Turned);
}

#[test]
fn names_by_content_are_no_failure() {
    let mut turns = Turns::new();
    turns.turn([(UPDATE, shown_frame("/a.jpg"))]);
    for _ in 0..3 {
        let attempt = turns.turn_again([(UPDATE, shown_frame("/a.jpg"))]);
        assert_eq!(attempt.outcome, Outcome::Turned);
    }
    // A server that tells no address cannot be judged.
    for _ in 0..3 {
        assert_eq!(turns.turn([(UPDATE, account())]).outcome, Outcome::Turned);
    }
}

#[test]
fn a_post_that_fails_for_the_moment_is_tried_again_as_it_was() {
    let mut turns = Turns::new();
    turns.turn([(UPDATE, shown_frame("/1.jpg"))]);
    let down = || Ok(reply(503, &[], ""));
    for _ in 0..3 {
        let attempt = turns.turn([(UPDATE, shown_frame("/1.jpg")), (POST, down())]);
        assert_eq!(pause(&attempt.outcome), (60, Reason::Transient));
    }
    let steps = [
        (UPDATE, shown_frame("/1.jpg")),
        (POST, shown_frame("/2.jpg")),
    ];
    assert_eq!(turns.turn(steps).outcome, Outcome::Turned);
}

#[test]
fn what_is_kept_is_of_one_server_and_holds_no_address_nor_secret() {
    let mut turns = Turns::new();
    turns.turn([(UPDATE, shown_frame("/1.jpg"))]);
    let SavedSession(kept) = turns.saved_session.clone().unwrap();
    assert!(kept.len() < 250 && !kept.contains("1.jpg") && !kept.contains(TOKEN));
    for other in [
        kept.replace("mastodon.example", "other.example"),
        "{}".into(),
        "x".into(),
    ] {
        turns.saved_session = Some(SavedSession(other));
        let attempt = turns.turn([(VERIFY, unreadable()), (UPDATE, shown_frame("/1.jpg"))]);
        assert_eq!(attempt.outcome, Outcome::Turned);
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
    let diagnosis = refused(&outcome);
    assert_eq!(diagnosis.reason, Reason::Blocked);
    assert_eq!(diagnosis.message, "Mastodon answered 403 with a web page");
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
        let remedy = &attempt.outcome.diagnosis().unwrap().remedy;
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
            advice: &Advice::OF_SETTINGS,
        };
        let script = Script::new([]);
        let diagnosis = block_on(account.update(PICTURE, &mut None, &script));
        let diagnosis = diagnosis.unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Settings);
        assert!(diagnosis.remedy.contains(MASTODON_ACCESS_TOKEN));
        assert_fit_to_be_shown(&diagnosis, &[token]);
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
            Err(diagnosis) => assert_fit_to_be_shown(&diagnosis, &[TOKEN]),
            Ok(verified) => {
                let shown = format!("{verified:?}");
                prop_assert!(!shown.contains(TOKEN));
            }
        }
        prop_assert!((2..=6).contains(&noise.sent.get()), "{}", noise.sent.get());
    }

    #[test]
    fn any_frame_comes_out_of_the_body_as_it_went_in(frame in vec(any::<u8>(), 0..2000)) {
        let script = Script::new([(VERIFY, unreadable()), (UPDATE, account())]);
        let picture = Picture { bytes: &frame, ..PICTURE };
        block_on(network(&SETTINGS).update(picture, &mut None, &script)).unwrap();
        let [_, request] = script.sent().try_into().unwrap();
        let boundary = multer::parse_boundary(header(&request, "content-type").unwrap()).unwrap();
        let mut parts = Multipart::with_reader(request.body().as_slice(), boundary);
        block_on(async {
            let part = parts.next_field().await.unwrap().unwrap();
            prop_assert_eq!(part.bytes().await.unwrap(), frame);
            Ok(())
        })?;
    }
}
