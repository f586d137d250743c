//! The two ways to send a picture, and which of them is taken.

use chrono::TimeDelta;
use multer::Multipart;
use serde_json::json;

use crate::network::testing::{PICTURE, Reply, Script, header, network, now, ok, pause, refused};
use crate::network::x::{ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_KEY, API_KEY_SECRET, X_API, v2};
use crate::network::{Attempt, Picture, SavedSession, Verified};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::testing::{KEYS, USER, assert_no_secret_in, block_on, reply};

const V1: &str = "POST /1.1/account/update_profile_image.json";
const UPLOAD: &str = "POST /2/media/upload";
const SET: &str = "PUT /2/users/me/profile_image";
const VERIFY: &str = "GET /1.1/account/verify_credentials.json";
const ME: &str = "GET /2/users/me";

fn settings(api: &'static str) -> Vec<(&'static str, &'static str)> {
    [KEYS.as_slice(), &[(X_API.name, api)]].concat()
}

fn attempt<const N: usize>(
    api: &'static str,
    saved_session: &mut Option<SavedSession>,
    steps: [(&'static str, Reply); N],
) -> Attempt {
    let script = Script::new(steps);
    let attempt =
        block_on(network(&settings(api)).update(PICTURE, saved_session, &script)).unwrap();
    script.sent();
    if let Some(diagnosis) = attempt.outcome.diagnosis() {
        assert_no_secret_in(&diagnosis.in_words());
        assert!(
            diagnosis.message.chars().count() < 600,
            "{}",
            diagnosis.message
        );
    }
    attempt
}

fn verified<const N: usize>(
    api: &'static str,
    steps: [(&'static str, Reply); N],
) -> Result<Verified, Diagnosis> {
    let script = Script::new(steps);
    let verified = block_on(network(&settings(api)).verify(&mut None, &script));
    for request in script.sent() {
        assert_eq!(request.method(), "GET");
        assert!(request.body().is_empty());
    }
    verified
}

#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]
fn no(status: u16, body: impl ToString) -> Reply {
    Ok(reply(status, &[], body.to_string()))
}

fn code(status: u16, code: i64) -> Reply {
    no(
        status,
        json!({ "errors": [{ "code": code, "message": "No." }] }),
    )
}

fn problem(status: u16, kind: &str, detail: &str) -> Reply {
    let kind = match kind {
        "" => "about:blank".to_owned(),
        kind => format!("https://api.twitter.com/2/problems/{kind}"),
    };
    no(
        status,
        json!({ "title": "No", "type": kind, "detail": detail, "status": status }),
    )
}

const FORBIDDEN_OAUTH: &str = "Authenticating with OAuth 1.0a User Context is forbidden for this \
     endpoint. Supported authentication types are [OAuth 2.0 User Context].";

fn oauth_1_refused() -> Reply {
    problem(403, "unsupported-authentication", FORBIDDEN_OAUTH)
}

fn uploaded() -> Reply {
    ok(json!({ "data": { "id": "1146654567674912769", "expires_after_secs": 86_400 } }))
}

fn set() -> Reply {
    ok(json!({ "data": {} }))
}

#[test]
fn v1_alone_is_asked_where_it_is_open_and_nothing_is_kept() {
    let mut saved_session = None;
    let attempt = attempt("auto", &mut saved_session, [(V1, ok(USER))]);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!((attempt.note, saved_session), (None, None));
}

#[test]
fn where_x_refuses_v1_to_the_app_v2_is_taken_kept_and_told() {
    for closed in [
        code(403, 453),
        code(404, 34),
        code(410, 251),
        no(410, ""),
        problem(403, "client-forbidden", "Attach the app to a project."),
        no(
            403,
            json!({ "title": "Forbidden", "reason": "client-not-enrolled" }),
        ),
        problem(403, "", "Your access level does not include this call."),
    ] {
        let mut saved_session = None;
        let steps = [(V1, closed), (UPLOAD, uploaded()), (SET, set())];
        let first = attempt("auto", &mut saved_session, steps);
        assert_eq!(first.outcome, Outcome::Turned);
        assert_eq!(first.status, Some(200));
        let note = first.note.unwrap();
        assert!(
            note.contains("X answered 4") && note.contains("tried first"),
            "{note}"
        );
        // It is tried first from now on, and is no news.
        let steps = [(UPLOAD, uploaded()), (SET, set())];
        let second = attempt("auto", &mut saved_session, steps);
        assert_eq!((second.outcome, second.note), (Outcome::Turned, None));
        // Until it is closed in its turn.
        let steps = [(UPLOAD, no(404, "")), (V1, ok(USER))];
        let third = attempt("auto", &mut saved_session, steps);
        assert_eq!(third.outcome, Outcome::Turned);
        assert!(third.note.is_some());
        let fourth = attempt("auto", &mut saved_session, [(V1, ok(USER))]);
        assert_eq!((fourth.outcome, fourth.note), (Outcome::Turned, None));
    }
}

#[test]
fn what_another_way_does_not_mend_is_not_tried_by_another_way() {
    for (reply, reason) in [
        (code(401, 32), Reason::Credentials),
        (code(403, 64), Reason::Account),
        (code(403, 326), Reason::Account),
        (code(403, 261), Reason::Access),
        (code(403, 38), Reason::Request),
        (problem(402, "credits", "No credits."), Reason::Access),
        (problem(403, "", "You are not permitted."), Reason::Access),
        (no(403, "<html>"), Reason::Blocked),
        (no(404, "<html>"), Reason::UnexpectedReply),
        (no(404, ""), Reason::UnexpectedReply),
        (no(501, ""), Reason::UnexpectedReply),
        (ok("{}"), Reason::UnexpectedReply),
    ] {
        let attempt = attempt("auto", &mut None, [(V1, reply)]);
        assert_eq!(refused(&attempt.outcome).reason, reason);
    }
    for reply in [code(503, 130), code(403, 226), code(429, 88)] {
        let attempt = attempt("auto", &mut None, [(V1, reply)]);
        assert!(matches!(attempt.outcome, Outcome::Retry { .. }));
    }
}

#[test]
fn a_version_that_is_set_is_the_only_one() {
    for closed in [code(403, 453), code(404, 34), no(410, "")] {
        let attempt = attempt("1.1", &mut None, [(V1, closed)]);
        assert!(matches!(attempt.outcome, Outcome::Refused(_)));
    }
    let turned = attempt("2", &mut None, [(UPLOAD, uploaded()), (SET, set())]);
    assert_eq!(turned.outcome, Outcome::Turned);
    for closed in [no(404, ""), oauth_1_refused(), code(403, 453)] {
        let attempt = attempt("2", &mut None, [(UPLOAD, closed)]);
        assert_eq!(refused(&attempt.outcome).reason, Reason::Access);
    }
}

#[test]
fn where_x_takes_no_oauth_1_the_owner_reads_that_with_both_answers() {
    let closed = || code(403, 453);
    for refusal in [oauth_1_refused(), problem(401, "", "Unauthorized")] {
        let steps = [(V1, closed()), (UPLOAD, uploaded()), (SET, refusal)];
        let attempt = attempt("auto", &mut None, steps);
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::Access);
        assert!(
            diagnosis.message.contains("X answered 403, code 453: No"),
            "{}",
            diagnosis.message
        );
        let second = [
            "OAuth 1.0a User Context is forbidden",
            "X answered 401: Unauthorized",
        ];
        assert!(
            second.iter().any(|said| diagnosis.message.contains(said)),
            "{}",
            diagnosis.message
        );
        assert!(
            diagnosis.remedy.contains("X does not take OAuth 1.0a"),
            "{}",
            diagnosis.remedy
        );
        assert!(diagnosis.remedy.contains("API v2") && diagnosis.remedy.contains("API v1.1"));
    }
    // At the upload already: v1.1 has known the keys.
    let steps = [(V1, closed()), (UPLOAD, problem(401, "", "Unauthorized"))];
    let diagnosis = attempt("auto", &mut None, steps);
    assert!(refused(&diagnosis.outcome).remedy.contains("OAuth 1.0a"));
    // Where it is v1.1 that does not know the keys after v2, nothing is said of v2.
    let mut saved_session = None;
    let steps = [(V1, closed()), (UPLOAD, uploaded()), (SET, set())];
    attempt("auto", &mut saved_session, steps);
    let steps = [(UPLOAD, code(403, 453)), (V1, code(401, 32))];
    let attempt_by_v1 = attempt("auto", &mut saved_session, steps);
    let diagnosis = refused(&attempt_by_v1.outcome);
    assert_eq!(diagnosis.reason, Reason::Credentials);
    assert!(diagnosis.message.contains("by API v1.1, X answered 401"));
    assert!(!diagnosis.remedy.contains("OAuth"), "{}", diagnosis.remedy);
    assert!(
        diagnosis.remedy.contains("API_KEY_SECRET"),
        "{}",
        diagnosis.remedy
    );
    // With v2 alone, the keys may be wrong.
    let steps = [(UPLOAD, problem(401, "", "Unauthorized"))];
    let diagnosis = attempt("2", &mut None, steps);
    assert_eq!(refused(&diagnosis.outcome).reason, Reason::Credentials);
}

#[test]
fn where_both_are_closed_both_answers_are_told_unless_they_are_the_same() {
    let steps = [(V1, code(403, 453)), (UPLOAD, code(403, 453))];
    let diagnosis = attempt("auto", &mut None, steps);
    let diagnosis = refused(&diagnosis.outcome);
    assert_eq!(diagnosis.message, "X answered 403, code 453: No.");
    assert!(diagnosis.remedy.contains("paid"), "{}", diagnosis.remedy);
    let steps = [(V1, code(404, 34)), (UPLOAD, no(404, ""))];
    let diagnosis = attempt("auto", &mut None, steps);
    let message = &refused(&diagnosis.outcome).message;
    assert!(message.contains("X answered 404, code 34"), "{message}");
    assert!(message.ends_with("X answered 404"), "{message}");
    // What is wrong by the second way is told with what to do about it.
    let steps = [
        (V1, code(403, 453)),
        (UPLOAD, problem(402, "credits", "No credits.")),
    ];
    let diagnosis = attempt("auto", &mut None, steps);
    let message = &refused(&diagnosis.outcome).message;
    assert!(
        message.contains("453") && message.contains("No credits."),
        "{message}"
    );
}

#[test]
fn v2_uploads_the_picture_and_sets_it_by_its_id() {
    let script = Script::new([(UPLOAD, uploaded()), (SET, set())]);
    block_on(network(&settings("2")).update(PICTURE, &mut None, &script)).unwrap();
    let [upload, set] = script.sent().try_into().unwrap();
    let boundary = multer::parse_boundary(header(&upload, "content-type").unwrap()).unwrap();
    let mut parts = Multipart::with_reader(upload.body().as_slice(), boundary);
    block_on(async {
        for (name, text) in [
            ("media_category", "tweet_image"),
            ("media_type", "image/jpeg"),
        ] {
            let part = parts.next_field().await.unwrap().unwrap();
            assert_eq!((part.name(), part.file_name()), (Some(name), None));
            assert_eq!(part.text().await.unwrap(), text);
        }
        let part = parts.next_field().await.unwrap().unwrap();
        assert_eq!(
            (part.name(), part.file_name()),
            (Some("media"), Some("media.jpg"))
        );
        assert_eq!(part.bytes().await.unwrap(), PICTURE.bytes);
        assert!(parts.next_field().await.unwrap().is_none());
    });
    assert_eq!(header(&set, "content-type"), Some("application/json"));
    let body: serde_json::Value = serde_json::from_slice(set.body()).unwrap();
    assert_eq!(body, json!({ "media_id": "1146654567674912769" }));
    for request in [&upload, &set] {
        let signed = header(request, "authorization").unwrap();
        assert!(signed.starts_with("OAuth oauth_consumer_key="), "{signed}");
        assert!(!signed.contains("oauth_body_hash"), "{signed}");
    }
}

#[test]
fn what_was_uploaded_is_set_by_the_next_attempt_unless_x_has_forgotten_it() {
    let mut saved_session = None;
    let down = || no(503, "");
    let steps = [(UPLOAD, uploaded()), (SET, down())];
    let first = attempt("2", &mut saved_session, steps);
    assert_eq!(pause(&first.outcome), (60, Reason::Transient));
    assert_no_secret_in(&saved_session.as_ref().unwrap().0);
    // The same picture is not uploaded again.
    let again = attempt("2", &mut saved_session, [(SET, down())]);
    assert_eq!(pause(&again.outcome), (60, Reason::Transient));
    let kept = saved_session.clone();
    assert_eq!(
        attempt("2", &mut saved_session, [(SET, set())]).outcome,
        Outcome::Turned
    );
    assert_eq!(saved_session, None);
    // X has forgotten it before its time.
    saved_session.clone_from(&kept);
    let gone = problem(400, "invalid-request", "Your media IDs are invalid.");
    let steps = [(SET, gone), (UPLOAD, uploaded()), (SET, set())];
    assert_eq!(
        attempt("2", &mut saved_session, steps).outcome,
        Outcome::Turned
    );
    // One that is just uploaded and invalid is told so, and no more is tried.
    let gone = problem(400, "invalid-request", "Your media IDs are invalid.");
    let told = attempt("2", &mut None, [(UPLOAD, uploaded()), (SET, gone)]);
    assert!(
        refused(&told.outcome)
            .message
            .ends_with("Your media IDs are invalid.")
    );
    // Its time is over, or it is another picture.
    let other = Picture {
        bytes: b"other",
        ..PICTURE
    };
    for (picture, late) in [(PICTURE, 86_350), (other, 0)] {
        let mut saved_session = kept.clone();
        let script = Script::new([(UPLOAD, uploaded()), (SET, set())]);
        script.now.set(now() + TimeDelta::seconds(late));
        let network = network(&settings("2"));
        let attempt = block_on(network.update(picture, &mut saved_session, &script)).unwrap();
        assert_eq!(attempt.outcome, Outcome::Turned);
        script.sent();
    }
}

#[test]
fn what_x_still_processes_is_set_later_and_what_it_cannot_is_told() {
    let processed = |state: &str| {
        let info = json!({ "state": state, "check_after_secs": 90 });
        ok(json!({ "data": { "id": "1", "expires_after_secs": 600, "processing_info": info } }))
    };
    let mut saved_session = None;
    let waits = attempt("2", &mut saved_session, [(UPLOAD, processed("pending"))]);
    assert_eq!(pause(&waits.outcome), (90, Reason::Transient));
    assert_eq!(
        attempt("2", &mut saved_session, [(SET, set())]).outcome,
        Outcome::Turned
    );
    let steps = [(UPLOAD, processed("succeeded")), (SET, set())];
    assert_eq!(attempt("2", &mut None, steps).outcome, Outcome::Turned);
    let failed = attempt("2", &mut None, [(UPLOAD, processed("failed"))]);
    assert_eq!(refused(&failed.outcome).reason, Reason::Request);
}

#[test]
fn success_that_is_none_of_x_is_unexpected() {
    for body in [
        "",
        "{}",
        "[]",
        "<html>",
        r#"{"data":{"id":1}}"#,
        r#"{"data":{"id":""}}"#,
    ] {
        let attempt = attempt("2", &mut None, [(UPLOAD, ok(body))]);
        assert_eq!(
            refused(&attempt.outcome).reason,
            Reason::UnexpectedReply,
            "{body}"
        );
    }
    for body in ["<html>", "[]", "OK"] {
        let attempt = attempt("2", &mut None, [(UPLOAD, uploaded()), (SET, ok(body))]);
        assert_eq!(
            refused(&attempt.outcome).reason,
            Reason::UnexpectedReply,
            "{body}"
        );
    }
    // Success with errors.
    let odd = json!({ "errors": [{ "title": "No", "detail": "Not set." }] });
    let attempt = attempt("2", &mut None, [(UPLOAD, uploaded()), (SET, ok(odd))]);
    assert_eq!(
        refused(&attempt.outcome).message,
        "X answered 200: Not set."
    );
}

#[test]
fn what_is_kept_is_of_one_app() {
    let mut saved_session = None;
    let steps = [(V1, code(403, 453)), (UPLOAD, uploaded()), (SET, set())];
    attempt("auto", &mut saved_session, steps);
    assert_no_secret_in(&saved_session.as_ref().unwrap().0);
    let another = [
        (API_KEY, "another"),
        (API_KEY_SECRET, "s"),
        (ACCESS_TOKEN, "t"),
        (ACCESS_TOKEN_SECRET, "ts"),
    ];
    let script = Script::new([(V1, ok(USER))]);
    block_on(network(&another).update(PICTURE, &mut saved_session, &script)).unwrap();
    script.sent();
    for odd in ["", "{}", "[]", "x"] {
        let mut saved_session = Some(SavedSession(odd.to_owned()));
        let turned = attempt("auto", &mut saved_session, [(V1, ok(USER))]);
        assert_eq!(turned.outcome, Outcome::Turned);
    }
}

#[test]
fn the_doctor_tells_which_versions_answer_by_calls_that_change_nothing() {
    let me = || ok(json!({ "data": { "id": "7", "username": "XAPI" } }));
    let both = verified("auto", [(VERIFY, ok(USER)), (ME, me())]).unwrap();
    assert_eq!(both.account.as_deref(), Some("XAPI"));
    assert!(both.notes[0].starts_with("API v1.1 answers this app; API v2 answers this app."));
    assert!(both.notes[0].contains("only a turn can tell"));
    let v1 = verified("auto", [(VERIFY, ok(USER)), (ME, no(404, ""))]).unwrap();
    assert!(
        v1.notes[0].contains("API v2 does not (X answered 404)"),
        "{v1:?}"
    );
    let v2 = verified("auto", [(VERIFY, code(403, 453)), (ME, me())]).unwrap();
    assert_eq!(v2.account.as_deref(), Some("XAPI"));
    assert!(v2.notes[0].starts_with("API v1.1 does not (X answered 403, code 453: No); API v2"));
    let steps = [(VERIFY, code(403, 453)), (ME, oauth_1_refused())];
    let neither = verified("auto", steps).unwrap_err();
    assert!(neither.message.contains("453") && neither.remedy == v2::NO_OAUTH_1);
    // Keys that are wrong are wrong for both.
    let wrong = verified("auto", [(VERIFY, code(401, 32))]).unwrap_err();
    assert_eq!(wrong.reason, Reason::Credentials);
    assert!(verified("1.1", [(VERIFY, ok(USER))]).is_ok());
    assert!(verified("2", [(ME, me())]).is_ok());
    // The app may only read.
    let read = Ok(reply(200, &[("x-access-level", "read")], USER));
    let diagnosis = verified("1.1", [(VERIFY, read)]).unwrap_err();
    assert_eq!(diagnosis.reason, Reason::Access);
    assert!(diagnosis.remedy.contains("Read and Write"));
    let write = Ok(reply(200, &[("x-access-level", "read-write")], USER));
    assert!(verified("1.1", [(VERIFY, write)]).is_ok());
}

#[test]
fn a_dry_run_shows_the_first_request_of_the_version_that_is_set() {
    for (api, method, path) in [
        ("auto", "POST", "/1.1/account/update_profile_image.json"),
        ("1.1", "POST", "/1.1/account/update_profile_image.json"),
        ("2", "POST", "/2/media/upload"),
    ] {
        let preview = network(&settings(api)).preview(PICTURE, now()).unwrap();
        assert_eq!(preview.method, method);
        assert!(preview.url.ends_with(path), "{}", preview.url);
        assert_no_secret_in(&format!("{preview:?}"));
    }
}
