use chrono::TimeDelta;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::account::DEFAULT_SERVICE;
use super::session::Session;
use super::*;
use crate::network::testing::{
    FRAME, NOW, Noise, PICTURE, Reply, Script, any_error, any_reply, assert_fit,
    assert_fit_to_be_shown, header, network, now, ok, pause, refused,
};
use crate::outcome::Reason;
use crate::ports::SendError;
use crate::settings::secret::Secret;
use crate::testing::{block_on, reply};

const PASSWORD: &str = "abcd-efgh-ijkl-mnop";
const ACCESS: &str = "eyJhbGciOiJIUzI1NiJ9.access.one";
const REFRESH: &str = "eyJhbGciOiJIUzI1NiJ9.refresh.one";
const ACCESS_2: &str = "eyJhbGciOiJIUzI1NiJ9.access.two";
const REFRESH_2: &str = "eyJhbGciOiJIUzI1NiJ9.refresh.two";
const SECRETS: [&str; 5] = [PASSWORD, ACCESS, REFRESH, ACCESS_2, REFRESH_2];

const SETTINGS: [(&str, &str); 3] = [
    (BLUESKY_SERVICE.name, "https://bsky.social"),
    (BLUESKY_IDENTIFIER, "alice.bsky.social"),
    (BLUESKY_APP_PASSWORD, PASSWORD),
];

const CREATE: &str = "POST /xrpc/com.atproto.server.createSession";
const RENEW: &str = "POST /xrpc/com.atproto.server.refreshSession";
const NAME: &str = "GET /xrpc/com.atproto.server.getSession";
const GET: &str = "GET /xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Aalice&\
     collection=app.bsky.actor.profile&rkey=self";
const UPLOAD: &str = "POST /xrpc/com.atproto.repo.uploadBlob";
const PUT: &str = "POST /xrpc/com.atproto.repo.putRecord";

const END: &str = "POST /xrpc/com.atproto.server.deleteSession";
const DELETE: &str = "POST /xrpc/com.atproto.repo.deleteRecord";
const FRAMES: &str = "GET /xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Aalice&\
     collection=app.rotate-icon.frames&rkey=self";

/// What the blob of [`FRAME`] is called, by another implementation.
const LINK: &str = "bafkreibztbvivd2h7moriwzn4gkgjdlznjgpdexjj5gdkk2mr5wxjyxyui";

/// What the service answers to a sign-in or a renewal.
fn tokens(access: &str, refresh: &str) -> Reply {
    ok(json!({
        "did": "did:plc:alice",
        "handle": "alice.bsky.social",
        "accessJwt": access,
        "refreshJwt": refresh,
        "active": true,
    }))
}

fn signed_in() -> Reply {
    tokens(ACCESS, REFRESH)
}

fn renewed() -> Reply {
    tokens(ACCESS_2, REFRESH_2)
}

/// A session that was obtained so long ago, and these frames that were seen in the record.
#[allow(clippy::unnecessary_wraps)]
fn kept_with(minutes: i64, frames: &[&str]) -> Option<SavedSession> {
    let obtained_at = now() - TimeDelta::minutes(minutes);
    let session: Value = serde_json::from_slice(signed_in().unwrap().body()).unwrap();
    let account = account();
    let session = Session::read(&session, account.service.clone().unwrap(), obtained_at).unwrap();
    let frames: Vec<_> = frames.iter().map(ToString::to_string).collect();
    Some(session.saved_session(&account, &frames, false))
}

/// A session, and the frame that was seen in the record.
fn kept_for(minutes: i64) -> Option<SavedSession> {
    kept_with(minutes, &[LINK])
}

/// A session with which no frame has been seen yet.
fn new_for(minutes: i64) -> Option<SavedSession> {
    kept_with(minutes, &[])
}

fn account() -> Account {
    let at = |url: &str| url.parse().unwrap();
    Account {
        service: Some(at("https://bsky.social")),
        lookup: Lookup {
            directory: at(BLUESKY_DIRECTORY.default),
            dns: at(BLUESKY_DNS.default),
            default: at(DEFAULT_SERVICE),
        },
        identifier: "alice.bsky.social".to_owned(),
        app_password: Secret::new(PASSWORD),
    }
}

/// A profile with what this program knows nothing of.
fn value() -> Value {
    json!({
        "$type": "app.bsky.actor.profile",
        "avatar": { "$type": "blob", "ref": { "$link": "bafkreiold" }, "mimeType": "image/png", "size": 9 },
        "banner": { "$type": "blob", "ref": { "$link": "bafkreibanner" }, "mimeType": "image/png", "size": 8 },
        "description": "Ünïcödé \u{1f980}\nand two lines",
        "displayName": "",
        "createdAt": "2024-02-29T00:00:00.000Z",
        "labels": { "$type": "com.atproto.label.defs#selfLabels", "values": [{ "val": "!no-unauthenticated" }] },
        "pinnedPost": { "cid": "bafyreipost", "uri": "at://did:plc:alice/app.bsky.feed.post/3k" },
        "example.unknown": [null, true, -1, 9_007_199_254_740_993_i64, i64::MIN, { "$bytes": "AA==" }],
    })
}

fn record(cid: &str) -> Reply {
    ok(json!({
        "uri": "at://did:plc:alice/app.bsky.actor.profile/self",
        "cid": cid,
        "value": value(),
    }))
}

fn blob(link: &str) -> Value {
    json!({ "$type": "blob", "ref": { "$link": link }, "mimeType": "image/jpeg", "size": 7 })
}

fn uploaded(link: &str) -> Reply {
    ok(json!({ "blob": blob(link) }))
}

/// The record of frames, with these of a set.
fn frames(set: &str, links: &[&str]) -> Value {
    let blobs: Vec<_> = links.iter().copied().map(blob).collect();
    json!({ "$type": "app.rotate-icon.frames", "set": set, "frames": blobs })
}

#[allow(clippy::needless_pass_by_value)]
fn frames_record(cid: &str, value: Value) -> Reply {
    ok(
        json!({ "uri": "at://did:plc:alice/app.rotate-icon.frames/self", "cid": cid, "value": value }),
    )
}

fn no_frames() -> Reply {
    error(400, "RecordNotFound")
}

/// The calls by which a frame is kept that the service has not, and then turned to.
fn first_time() -> Vec<(&'static str, Reply)> {
    vec![
        (FRAMES, no_frames()),
        (UPLOAD, uploaded(LINK)),
        (PUT, put()),
        (GET, record("bafyreiold")),
        (PUT, put()),
    ]
}

/// An error with words of its own.
#[allow(clippy::unnecessary_wraps)]
fn said(status: u16, name: &str, words: &str) -> Reply {
    let body = json!({ "error": name, "message": words });
    Ok(reply(status, &[], body.to_string()))
}

fn put() -> Reply {
    ok(json!({ "uri": "at://did:plc:alice/app.bsky.actor.profile/self", "cid": "bafyreinew" }))
}

#[allow(clippy::unnecessary_wraps)]
fn error(status: u16, name: &str) -> Reply {
    let body = json!({ "error": name, "message": "Because." });
    Ok(reply(status, &[], body.to_string()))
}

/// One attempt with what an attempt before it left, in which all of these calls are
/// made and no other.
fn attempt(
    saved_session: &mut Option<SavedSession>,
    steps: impl IntoIterator<Item = (&'static str, Reply)>,
) -> (Attempt, Vec<Request<Vec<u8>>>) {
    attempt_on(saved_session, Script::new(steps))
}

fn attempt_on(
    saved_session: &mut Option<SavedSession>,
    script: Script,
) -> (Attempt, Vec<Request<Vec<u8>>>) {
    let attempt = block_on(network(&SETTINGS).update(PICTURE, saved_session, &script)).unwrap();
    if let Some(diagnosis) = attempt.outcome.diagnosis() {
        assert_fit_to_be_shown(diagnosis, &SECRETS);
    }
    let shown = format!("{attempt:?} {saved_session:?}");
    assert!(SECRETS.iter().all(|secret| !shown.contains(secret)));
    (attempt, script.sent())
}

/// How it ends when a call of a fresh session's is answered so.
fn outcome_of(call: &'static str, answer: Reply) -> Outcome {
    let status = answer.as_ref().ok().map(|reply| reply.status().as_u16());
    let (before, kept) = match call {
        UPLOAD => (vec![(FRAMES, no_frames())], new_for(1)),
        PUT => (vec![(GET, record("bafyreiold"))], kept_for(1)),
        _ => (vec![], kept_for(1)),
    };
    let mut saved_session = kept.clone();
    let steps = before.into_iter().chain([(call, answer)]);
    let (attempt, _) = attempt(&mut saved_session, steps);
    assert_eq!(attempt.status, status);
    assert_eq!(saved_session, kept);
    attempt.outcome
}

fn bearer(request: &Request<Vec<u8>>) -> &str {
    let authorization = header(request, "authorization").unwrap();
    authorization.strip_prefix("Bearer ").unwrap()
}

fn json_of(request: &Request<Vec<u8>>) -> Value {
    assert_eq!(header(request, "content-type"), Some("application/json"));
    serde_json::from_slice(request.body()).unwrap()
}

fn reason(outcome: &Outcome) -> Reason {
    outcome.diagnosis().expect("trouble").reason
}

// --- A turn ---

#[test]
fn a_frame_that_is_kept_already_is_put_into_the_profile_and_nothing_else_changes() {
    let mut saved_session = kept_for(1);
    let steps = [(GET, record("bafyreiold")), (PUT, put())];
    let (attempt, sent) = attempt(&mut saved_session, steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(attempt.status, Some(200));
    assert_eq!(saved_session, kept_for(1));

    let [get, put] = sent.try_into().unwrap();
    assert!(get.uri().to_string().starts_with("https://bsky.social/"));
    assert!(get.body().is_empty());
    assert_eq!(header(&get, "content-type"), None);
    for request in [&get, &put] {
        assert_eq!(bearer(request), ACCESS);
    }
    let mut record = value();
    record["avatar"] = blob(LINK);
    assert_eq!(
        json_of(&put),
        json!({
            "repo": "did:plc:alice",
            "collection": "app.bsky.actor.profile",
            "rkey": "self",
            "record": record,
            "swapRecord": "bafyreiold",
        })
    );
}

#[test]
fn an_account_without_a_profile_gets_one() {
    let words = "Could not locate record: at://…";
    for none in [
        error(400, "RecordNotFound"),
        said(400, "InvalidRequest", words),
    ] {
        let (attempt, sent) = attempt(&mut kept_for(1), [(GET, none), (PUT, put())]);
        assert_eq!(attempt.outcome, Outcome::Turned);
        let body = json_of(&sent[1]);
        assert_eq!(body["swapRecord"], Value::Null);
        assert!(body.get("swapRecord").is_some());
        let record = json!({ "$type": "app.bsky.actor.profile", "avatar": blob(LINK) });
        assert_eq!(body["record"], record);
    }
    // Another request that is not valid is none of that.
    let outcome = outcome_of(GET, error(400, "InvalidRequest"));
    assert_eq!(reason(&outcome), Reason::Request);
}

// --- The record of frames ---

#[test]
fn a_frame_is_uploaded_when_it_is_first_due_and_kept_before_it_is_shown() {
    let mut saved_session = None;
    let steps = [(CREATE, signed_in())].into_iter().chain(first_time());
    let (attempt, sent) = attempt(&mut saved_session, steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(saved_session, kept_for(0));

    let [sign_in, _, upload, keep, _, put] = sent.try_into().unwrap();
    assert_eq!(header(&sign_in, "authorization"), None);
    assert_eq!(
        json_of(&sign_in),
        json!({ "identifier": "alice.bsky.social", "password": PASSWORD })
    );
    assert_eq!(upload.body(), &FRAME);
    assert_eq!(header(&upload, "content-type"), Some("image/jpeg"));
    assert_eq!(
        json_of(&keep),
        json!({
            "repo": "did:plc:alice",
            "collection": "app.rotate-icon.frames",
            "rkey": "self",
            "record": frames("set", &[LINK]),
            "swapRecord": null,
        })
    );
    assert_eq!(json_of(&put)["record"]["avatar"], blob(LINK));
    // From then on, a turn is two requests.
    let steps = [(GET, record("bafyreiold")), (PUT, self::put())];
    let (again, _) = self::attempt(&mut saved_session, steps);
    assert_eq!(again.outcome, Outcome::Turned);
}

#[test]
fn a_png_is_uploaded_as_one_and_referred_to_as_one() {
    let mut steps = first_time();
    let png = json!({ "blob": { "$type": "blob", "ref": { "$link": LINK }, "mimeType": "image/png", "size": 7 } });
    steps[1].1 = ok(&png);
    let script = Script::new(
        steps
            .into_iter()
            .chain([(GET, record("bafyreiold")), (PUT, put())]),
    );
    let picture = Picture {
        media_type: crate::frames::media_type::MediaType::Png,
        ..PICTURE
    };
    let mut saved_session = new_for(1);
    for _ in 0..2 {
        block_on(network(&SETTINGS).update(picture, &mut saved_session, &script)).unwrap();
    }
    let sent = script.sent();
    assert_eq!(header(&sent[1], "content-type"), Some("image/png"));
    for put in [&sent[4], &sent[6]] {
        assert_eq!(json_of(put)["record"]["avatar"], png["blob"]);
    }
}

#[test]
fn what_nothing_is_remembered_of_is_found_in_the_record() {
    let kept = frames("set", &["bafkreiother", LINK]);
    let (attempt, _) = attempt(
        &mut None,
        [
            (CREATE, signed_in()),
            (FRAMES, frames_record("bafyreiframes", kept)),
            (GET, record("bafyreiold")),
            (PUT, put()),
        ],
    );
    assert_eq!(attempt.outcome, Outcome::Turned);
}

#[test]
fn a_frame_joins_those_of_its_set_and_replaces_those_of_another() {
    for (set, expected) in [
        ("set", frames("set", &["bafkreiother", LINK])),
        ("before", frames("set", &[LINK])),
    ] {
        let mut steps = first_time();
        steps[0].1 = frames_record("bafyreiframes", frames(set, &["bafkreiother"]));
        let mut saved_session = new_for(1);
        let (attempt, sent) = attempt(&mut saved_session, steps);
        assert_eq!(attempt.outcome, Outcome::Turned);
        let put = json_of(&sent[2]);
        assert_eq!(put["record"], expected, "{set}");
        assert_eq!(put["swapRecord"], "bafyreiframes");
    }
    // What is there in another form is begun anew.
    for odd in [
        json!({}),
        json!({ "set": "set", "frames": 1 }),
        json!({ "set": "set", "frames": [1, {}] }),
    ] {
        let mut steps = first_time();
        steps[0].1 = frames_record("bafyreiframes", odd);
        let (attempt, sent) = attempt(&mut new_for(1), steps);
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert_eq!(json_of(&sent[2])["record"], frames("set", &[LINK]));
    }
}

#[test]
fn a_record_that_is_full_stays_below_what_servers_take_and_the_rest_is_uploaded_each_time() {
    let links: Vec<_> = (0..1_000)
        .map(|n: u16| blob::cid(&n.to_be_bytes()))
        .collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    // The thousandth is still entered.
    let mut steps = first_time();
    steps[0].1 = frames_record("bafyreiframes", frames("set", &links[1..]));
    let (_, sent) = attempt(&mut new_for(1), steps);
    assert_eq!(
        json_of(&sent[2])["record"]["frames"]
            .as_array()
            .unwrap()
            .len(),
        1_000
    );
    assert!(
        sent[2].body().len() < 150 * 1024,
        "{}",
        sent[2].body().len()
    );

    let full = frames_record("bafyreiframes", frames("set", &links));
    let (attempt, sent) = attempt(
        &mut new_for(1),
        [
            (FRAMES, full),
            (UPLOAD, uploaded(LINK)),
            (GET, record("bafyreiold")),
            (PUT, put()),
        ],
    );
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(json_of(&sent[3])["record"]["avatar"], blob(LINK));
}

#[test]
fn a_frame_that_is_gone_after_all_is_uploaded_again() {
    let gone = || said(400, "BlobNotFound", &format!("Could not find blob: {LINK}"));
    // Whether the record is gone too or not.
    for (left, swap) in [
        (no_frames(), json!(null)),
        (
            frames_record("bafyreiframes", frames("set", &[LINK])),
            json!("bafyreiframes"),
        ),
    ] {
        let mut saved_session = kept_for(1);
        let (attempt, sent) = attempt(
            &mut saved_session,
            [
                (GET, record("bafyrei0")),
                (PUT, gone()),
                (FRAMES, left),
                (UPLOAD, uploaded(LINK)),
                (PUT, put()),
                (GET, record("bafyrei1")),
                (PUT, put()),
            ],
        );
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert_eq!(json_of(&sent[4])["record"], frames("set", &[LINK]));
        assert_eq!(json_of(&sent[4])["swapRecord"], swap);
        assert_eq!(json_of(&sent[6])["swapRecord"], "bafyrei1");
        assert_eq!(saved_session, kept_for(1));
    }
    // Once; then it is left to another try.
    let mut steps = vec![(GET, record("bafyrei0")), (PUT, gone())];
    steps.extend(first_time());
    steps[6].1 = gone();
    let (not_turned, _) = attempt(&mut kept_for(1), steps);
    assert_eq!(pause(&not_turned.outcome), (60, Reason::Transient));
}

#[test]
fn other_frames_that_are_gone_leave_the_record() {
    let kept = || {
        frames_record(
            "bafyreiframes",
            frames("set", &["bafkreia", "bafkreib", "bafkreic"]),
        )
    };
    // The one that is named, or all if none is.
    for (words, left) in [
        (
            "Could not find blob: bafkreib",
            vec!["bafkreia", "bafkreic", LINK],
        ),
        ("Could not find blob", vec![LINK]),
    ] {
        let (attempt, sent) = attempt(
            &mut new_for(1),
            [
                (FRAMES, kept()),
                (UPLOAD, uploaded(LINK)),
                (PUT, said(400, "BlobNotFound", words)),
                (FRAMES, kept()),
                (PUT, put()),
                (GET, record("bafyreiold")),
                (PUT, put()),
            ],
        );
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert_eq!(json_of(&sent[4])["record"], frames("set", &left));
    }
}

#[test]
fn a_record_that_cannot_be_had_keeps_no_frame_from_being_shown() {
    for refusal in [
        said(400, "InvalidRequest", "Unknown lexicon"),
        error(403, "Forbidden"),
        error(404, "NotFound"),
        ok("{}"),
    ] {
        let mut steps = first_time();
        steps[2].1 = refusal.clone();
        let (turned, _) = attempt(&mut new_for(1), steps);
        assert_eq!(turned.outcome, Outcome::Turned);

        let steps = [
            (FRAMES, refusal),
            (UPLOAD, uploaded(LINK)),
            (GET, record("bafyreiold")),
            (PUT, put()),
        ];
        let (turned, _) = attempt(&mut new_for(1), steps);
        assert_eq!(turned.outcome, Outcome::Turned);
    }
    // One that moderation has taken down is not there, and cannot be put.
    let mut steps: Vec<_> = vec![
        (FRAMES, no_frames()),
        (UPLOAD, uploaded(LINK)),
        (PUT, error(400, "InvalidSwap")),
    ];
    steps.extend(
        [(FRAMES, no_frames()), (PUT, error(400, "InvalidSwap"))]
            .into_iter()
            .cycle()
            .take(4),
    );
    steps.extend([(GET, record("bafyreiold")), (PUT, put())]);
    let (turned, _) = attempt(&mut new_for(1), steps);
    assert_eq!(turned.outcome, Outcome::Turned);
    // What passes is waited for.
    let mut steps = first_time();
    steps.truncate(3);
    steps[2].1 = error(503, "NotEnoughResources");
    let (waits, _) = attempt(&mut new_for(1), steps);
    assert_eq!(pause(&waits.outcome), (60, Reason::Transient));
}

#[test]
fn a_picture_that_the_service_makes_another_of_is_shown_as_it_made_it() {
    let steps = [
        (FRAMES, no_frames()),
        (UPLOAD, uploaded("bafkreianother")),
        (GET, record("bafyreiold")),
        (PUT, put()),
    ];
    let (attempt, sent) = attempt(&mut new_for(1), steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(
        json_of(&sent[3])["record"]["avatar"],
        blob("bafkreianother")
    );
}

#[test]
fn a_limit_of_uploads_is_no_pause_for_the_frames_that_are_kept() {
    let headers = [("ratelimit-reset", "1795400000")];
    let body = json!({ "error": "RateLimitExceeded", "message": "Rate Limit Exceeded" });
    let limited = Ok(reply(429, &headers, body.to_string()));
    let outcome = outcome_of(UPLOAD, limited);
    assert_eq!(pause(&outcome), (85_775, Reason::Transient));
    assert!(outcome.diagnosis().unwrap().remedy.contains("address"));
    // A limit of anything else is one, wherever it is met.
    let mut kept: Value = serde_json::from_str(&new_for(100).unwrap().0).unwrap();
    kept["obtained_at"] = json!(NOW - 59 * 60);
    let steps = [
        (FRAMES, no_frames()),
        (UPLOAD, error(400, "ExpiredToken")),
        (RENEW, error(429, "RateLimitExceeded")),
    ];
    let (limited, _) = attempt(&mut Some(SavedSession(kept.to_string())), steps);
    assert_eq!(pause(&limited.outcome), (900, Reason::RateLimit));
}

#[test]
fn a_picture_that_moderation_has_taken_down_is_told() {
    let outcome = outcome_of(
        UPLOAD,
        said(
            400,
            "InvalidRequest",
            "Blob has been takendown, cannot re-upload",
        ),
    );
    let diagnosis = refused(&outcome);
    assert_eq!(diagnosis.reason, Reason::Request);
    assert!(diagnosis.remedy.contains("Publish another icon"));
}

#[test]
fn the_record_can_be_removed_and_is_made_again_by_the_next_turn() {
    let mut saved_session = kept_for(1);
    let script = Script::new([(DELETE, ok("{}"))]);
    block_on(network(&SETTINGS).remove_frames(&mut saved_session, &script)).unwrap();
    let sent = script.sent();
    assert_eq!(
        json_of(&sent[0]),
        json!({ "repo": "did:plc:alice", "collection": "app.rotate-icon.frames", "rkey": "self" })
    );
    assert_eq!(saved_session, new_for(1));
    let (again, _) = attempt(&mut saved_session, first_time());
    assert_eq!(again.outcome, Outcome::Turned);

    for (answer, reason) in [
        (error(500, "InternalServerError"), Reason::Transient),
        (error(401, "AccountTakedown"), Reason::Account),
    ] {
        let script = Script::new([(DELETE, answer)]);
        let removed = block_on(network(&SETTINGS).remove_frames(&mut kept_for(1), &script));
        assert_eq!(removed.unwrap_err().reason, reason);
    }
}

#[test]
fn what_an_earlier_version_has_kept_is_a_session_with_which_no_frame_was_seen() {
    let mut earlier: Value = serde_json::from_str(&kept_for(1).unwrap().0).unwrap();
    earlier.as_object_mut().unwrap().remove("frames");
    let mut saved_session = Some(SavedSession(earlier.to_string()));
    let (attempt, sent) = attempt(&mut saved_session, first_time());
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(bearer(&sent[0]), ACCESS);
    assert_eq!(saved_session, kept_for(1));
}

#[test]
fn the_preview_is_the_upload_without_a_token() {
    let preview = network(&SETTINGS).preview(PICTURE, now()).unwrap();
    assert_eq!(preview.method, "POST");
    assert_eq!(
        preview.url,
        "https://bsky.social/xrpc/com.atproto.repo.uploadBlob"
    );
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        preview.headers,
        [
            header("authorization", "Bearer (not shown)"),
            header("content-type", "image/jpeg"),
        ]
    );
    assert_eq!(preview.body_bytes, FRAME.len());
}

// --- Somebody else changes the profile ---

#[test]
fn a_profile_that_was_changed_in_between_is_read_again() {
    let mut steps = vec![(GET, record("bafyrei0"))];
    for cid in ["bafyrei1", "bafyrei2", "bafyrei3", "bafyrei4", "bafyrei5"] {
        steps.extend([(PUT, error(400, "InvalidSwap")), (GET, record(cid))]);
    }
    let mut works = steps.clone();
    works.push((PUT, put()));
    let (turned, sent) = attempt(&mut kept_for(1), works);
    assert_eq!(turned.outcome, Outcome::Turned);
    let last = json_of(sent.last().unwrap());
    assert_eq!(last["swapRecord"], "bafyrei5");
    assert_eq!(last["record"]["avatar"], blob(LINK));

    steps.push((PUT, error(400, "InvalidSwap")));
    let (not_turned, _) = attempt(&mut kept_for(1), steps);
    assert_eq!(not_turned.status, Some(400));
    assert_eq!(pause(&not_turned.outcome), (60, Reason::Transient));
    let diagnosis = not_turned.outcome.diagnosis().unwrap();
    assert_eq!(
        diagnosis.message,
        "Bluesky answered 400: InvalidSwap: Because."
    );
    assert!(diagnosis.remedy.contains("changing the profile"));
}

#[test]
fn a_profile_that_somebody_made_in_between_is_kept() {
    let (attempt, sent) = attempt(
        &mut kept_for(1),
        [
            (GET, error(400, "RecordNotFound")),
            (PUT, error(400, "InvalidSwap")),
            (GET, record("bafyreinew")),
            (PUT, put()),
        ],
    );
    assert_eq!(attempt.outcome, Outcome::Turned);
    let body = json_of(&sent[3]);
    assert_eq!(body["swapRecord"], "bafyreinew");
    assert_eq!(body["record"]["banner"], value()["banner"]);
}

#[test]
fn a_profile_that_cannot_be_read_and_yet_is_there_was_taken_down() {
    let steps = [
        (GET, error(400, "RecordNotFound")),
        (PUT, said(400, "InvalidSwap", "Record was at bafyrei0")),
    ];
    let (attempt, _) = attempt(
        &mut kept_for(1),
        [steps.clone(), steps].into_iter().flatten(),
    );
    let diagnosis = refused(&attempt.outcome);
    assert_eq!(diagnosis.reason, Reason::Account);
    assert!(diagnosis.remedy.contains("moderation has taken it down"));
}

// --- What is wrong with the profile ---

#[test]
fn a_profile_that_is_refused_for_another_member_says_which() {
    let long = format!("https://{}", "a".repeat(300));
    for (words, told) in [
        (
            "blob too big (maximum 1000000, got 1048577) at $.record.banner".to_owned(),
            "banner",
        ),
        (
            format!("Invalid uri (got \"{long}\") at $.record.website"),
            "website",
        ),
        (
            "Expected object value type (got null) at $.record.pinnedPost".to_owned(),
            "pinned post",
        ),
        (
            "grapheme too big (maximum 256, got 300) at $.record.description".to_owned(),
            "description",
        ),
        (
            "Expected number (got \"$.record.avatar\") at $.record.example.unknown[4]".to_owned(),
            "`example.unknown`",
        ),
        (
            "Record/displayName must not be longer than 64 graphemes".to_owned(),
            "display name",
        ),
    ] {
        let words = format!("Invalid app.bsky.actor.profile record: {words}");
        let mut profile = value();
        profile["website"] = json!("x");
        let profile = ok(json!({ "uri": "at://", "cid": "bafyreiold", "value": profile }));
        let steps = [(GET, profile), (PUT, said(400, "InvalidRequest", &words))];
        let (attempt, _) = attempt(&mut kept_for(1), steps);
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::Request, "{words}");
        assert!(
            diagnosis.remedy.contains(told),
            "{words}: {}",
            diagnosis.remedy
        );
        assert!(
            diagnosis.remedy.contains("Edit the profile once"),
            "{words}"
        );
        assert!(!diagnosis.remedy.contains("ublish"), "{words}");
    }
}

#[test]
fn a_picture_that_is_refused_is_the_picture_s_fault() {
    for words in [
        "Invalid app.bsky.actor.profile record: blob too big (maximum 1000000, got 2) at $.record.avatar",
        "Invalid app.bsky.actor.profile record: Record/avatar should be a blob ref",
    ] {
        let diagnosis = outcome_of(PUT, said(400, "InvalidRequest", words));
        assert!(
            diagnosis
                .diagnosis()
                .unwrap()
                .remedy
                .contains("Publish the icon again")
        );
    }
    // Where nobody can tell, both are named.
    let outcome = outcome_of(PUT, said(400, "InvalidRequest", "No."));
    let remedy = &refused(&outcome).remedy;
    assert!(remedy.contains("Edit") && remedy.contains("publish the icon again"));
}

#[test]
fn a_banner_that_is_gone_is_not_taken_for_the_picture() {
    let words = "Could not find blob: bafkreibanner";
    let outcome = outcome_of(PUT, said(400, "BlobNotFound", words));
    assert!(refused(&outcome).remedy.contains("choose another banner"));
}

// --- What has become of the account ---

#[test]
fn a_closed_account_is_told_as_what_it_is() {
    let no_repo = || said(400, "InvalidRequest", "Could not find repo: did:plc:alice");
    let no_user = || {
        said(
            400,
            "InvalidRequest",
            "Could not find user info for account: did:plc:alice",
        )
    };
    let session = |status: &str| {
        ok(json!({ "did": "did:plc:alice", "handle": "a.test", "active": false, "status": status }))
    };
    for (steps, told) in [
        (vec![(NAME, session("deactivated"))], "reactivate"),
        (vec![(NAME, session("suspended"))], "has suspended"),
        (
            vec![(NAME, no_user()), (RENEW, error(401, "AccountTakedown"))],
            "has taken the account down",
        ),
        (
            vec![(NAME, no_user()), (RENEW, no_user())],
            "has been deleted",
        ),
        // A service that does not say.
        (
            vec![(NAME, error(500, "InternalServerError"))],
            "BLUESKY_SERVICE",
        ),
        (
            vec![(NAME, ok(json!({ "handle": "a.test", "active": true })))],
            "BLUESKY_SERVICE",
        ),
    ] {
        let mut saved_session = kept_for(1);
        let first = [(GET, no_repo())];
        let (attempt, _) = attempt(&mut saved_session, first.into_iter().chain(steps));
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::Account, "{told}");
        assert!(diagnosis.remedy.contains(told), "{}", diagnosis.remedy);
        // With the session, it can be told the next time too.
        assert_eq!(saved_session, kept_for(1));
    }
}

#[test]
fn a_closed_account_is_known_by_its_session() {
    let closed = |status: &str| {
        ok(json!({
            "did": "did:plc:alice", "handle": "a.test", "accessJwt": ACCESS, "refreshJwt": REFRESH,
            "active": false, "status": status,
        }))
    };
    for (mut saved_session, call) in [(None, CREATE), (kept_for(100), RENEW)] {
        let (attempt, _) = attempt(&mut saved_session, [(call, closed("deactivated"))]);
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::Account);
        assert!(diagnosis.remedy.contains("reactivate"));
        assert!(saved_session.is_some());
    }
    // The session of an account that is taken down is not given up: by the password one would
    // only hear that it is wrong.
    let mut saved_session = kept_for(100);
    let (attempt, _) = attempt(&mut saved_session, [(RENEW, error(401, "AccountTakedown"))]);
    assert_eq!(reason(&attempt.outcome), Reason::Account);
    assert_eq!(saved_session, kept_for(100));
}

// --- Sessions ---

#[test]
fn a_session_lasts_from_one_turn_to_the_next() {
    let mut saved_session = kept_for(99);
    let (attempt, sent) = attempt(
        &mut saved_session,
        [(GET, record("bafyreiold")), (PUT, put())],
    );
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert!(sent.iter().all(|request| bearer(request) == ACCESS));
    assert_eq!(saved_session, kept_for(99));
}

#[test]
fn a_session_is_renewed_before_its_token_expires() {
    // A clock that was set back says nothing of the token's age.
    for minutes in [100, 119, 60 * 24 * 89, -5] {
        let mut saved_session = kept_for(minutes);
        let (attempt, sent) = attempt(
            &mut saved_session,
            [
                (RENEW, renewed()),
                (GET, record("bafyreiold")),
                (PUT, put()),
            ],
        );
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert_eq!(bearer(&sent[0]), REFRESH);
        assert!(sent[0].body().is_empty());
        assert_eq!(header(&sent[0], "content-type"), None);
        assert_eq!(bearer(&sent[1]), ACCESS_2);
        let kept = saved_session.unwrap().0;
        assert!(kept.contains(ACCESS_2) && kept.contains(REFRESH_2));
    }
}

#[test]
fn whoever_is_not_given_another_session_signs_in() {
    for refusal in [
        error(400, "ExpiredToken"),
        error(400, "InvalidToken"),
        error(401, "AuthMissing"),
        Ok(reply(401, &[], "")),
    ] {
        let mut saved_session = kept_for(100);
        let (attempt, sent) = attempt(
            &mut saved_session,
            [
                (RENEW, refusal),
                (CREATE, renewed()),
                (GET, record("bafyreiold")),
                (PUT, put()),
            ],
        );
        assert_eq!(attempt.outcome, Outcome::Turned);
        assert_eq!(header(&sent[1], "authorization"), None);
        assert_eq!(bearer(&sent[2]), ACCESS_2);
    }
}

#[test]
fn a_service_in_trouble_is_not_asked_for_a_new_session() {
    for answer in [
        error(500, "InternalServerError"),
        error(429, "RateLimitExceeded"),
        Err(SendError::Timeout),
    ] {
        let mut saved_session = kept_for(100);
        let (attempt, _) = attempt(&mut saved_session, [(RENEW, answer)]);
        pause(&attempt.outcome);
        assert_eq!(saved_session, kept_for(100));
    }
}

#[test]
fn a_token_that_is_not_accepted_is_replaced_at_any_call_and_the_call_repeated() {
    let calls = first_time();
    for name in ["ExpiredToken", "InvalidToken"] {
        for (n, call) in [FRAMES, UPLOAD, PUT, GET, PUT].into_iter().enumerate() {
            for is_refused in [false, true] {
                let mut steps = calls.clone();
                let renewal: Vec<_> = if is_refused {
                    let refusal = error(400, "ExpiredToken");
                    vec![
                        (call, error(400, name)),
                        (RENEW, refusal),
                        (CREATE, renewed()),
                    ]
                } else {
                    vec![(call, error(401, name)), (RENEW, renewed())]
                };
                let replaced = n + renewal.len();
                steps.splice(n..n, renewal);
                let mut saved_session = new_for(1);
                let (attempt, sent) = attempt(&mut saved_session, steps);
                assert_eq!(attempt.outcome, Outcome::Turned);
                assert_eq!(bearer(&sent[n]), ACCESS);
                // The same call, with another token.
                assert_eq!(bearer(&sent[replaced]), ACCESS_2);
                assert_eq!(sent[replaced].body(), sent[n].body());
                assert!(saved_session.unwrap().0.contains(REFRESH_2));
            }
        }
    }
}

#[test]
fn a_token_is_replaced_once_and_then_the_session_is_dropped() {
    let mut saved_session = kept_for(1);
    let (attempt, _) = attempt(
        &mut saved_session,
        [
            (GET, error(400, "ExpiredToken")),
            (RENEW, renewed()),
            (GET, error(400, "ExpiredToken")),
        ],
    );
    assert_eq!(reason(&attempt.outcome), Reason::Credentials);
    assert_eq!(saved_session, None);
}

#[test]
fn a_new_session_is_kept_whatever_comes_after() {
    for answer in [
        Err(SendError::Timeout),
        error(500, "InternalServerError"),
        ok("{}"),
    ] {
        for (mut saved_session, first) in [
            (None, (CREATE, renewed())),
            (new_for(100), (RENEW, renewed())),
        ] {
            // What is no record of frames can be done without.
            let mut steps = vec![first, (FRAMES, answer.clone())];
            if answer
                .as_ref()
                .is_ok_and(|reply| reply.status().is_success())
            {
                steps.push((UPLOAD, answer.clone()));
            }
            let (failed, _) = attempt(&mut saved_session, steps);
            assert!(failed.outcome.diagnosis().is_some());
            assert!(saved_session.as_ref().unwrap().0.contains(ACCESS_2));
            // And is used in the next attempt.
            let (works, sent) = attempt(&mut saved_session, first_time());
            assert_eq!(works.outcome, Outcome::Turned);
            assert_eq!(bearer(&sent[0]), ACCESS_2);
        }
    }
}

#[test]
fn a_session_of_another_account_or_service_is_not_used() {
    let kept = kept_for(1).unwrap();
    for (name, other) in [
        (BLUESKY_IDENTIFIER, "bob.bsky.social"),
        (BLUESKY_SERVICE.name, "https://pds.example"),
    ] {
        let mut settings = vec![(name, other)];
        settings.extend(SETTINGS);
        let script = Script::new([(CREATE, error(401, "AuthenticationRequired"))]);
        let mut saved_session = Some(kept.clone());
        block_on(network(&settings).update(PICTURE, &mut saved_session, &script)).unwrap();
        let sent = script.sent();
        let body = String::from_utf8_lossy(sent[0].body()).into_owned();
        let url = sent[0].uri().to_string();
        assert!(format!("{url} {body}").contains(other));
    }
}

#[test]
fn what_is_no_session_is_not_used() {
    let good: Value = serde_json::from_str(&kept_for(1).unwrap().0).unwrap();
    for (name, bad) in [
        ("did", json!("alice")),
        ("did", json!(null)),
        ("accessJwt", json!("a\nb")),
        ("accessJwt", json!("")),
        ("refreshJwt", json!("tökèn")),
        ("obtained_at", json!("yesterday")),
        ("obtained_at", json!(i64::MAX)),
    ] {
        let mut kept = good.clone();
        kept[name] = bad;
        for saved_session in [kept.to_string(), "garbage".to_owned(), "[]".to_owned()] {
            let steps = [(CREATE, Err(SendError::Timeout))];
            attempt(&mut Some(SavedSession(saved_session)), steps);
        }
    }
    for answer in [
        ok("{}"),
        ok("[]"),
        ok(""),
        tokens("", REFRESH),
        tokens("a b", REFRESH),
    ] {
        let mut saved_session = None;
        let (attempt, _) = attempt(&mut saved_session, [(CREATE, answer)]);
        assert_eq!(reason(&attempt.outcome), Reason::UnexpectedReply);
        assert_eq!(saved_session, None);
    }
}

#[test]
fn a_handle_may_be_written_with_an_at_sign() {
    let at_sign = (BLUESKY_IDENTIFIER, "@alice.bsky.social");
    let settings = [SETTINGS[0], at_sign, SETTINGS[2]];
    let script = Script::new([(CREATE, Err(SendError::Timeout))]);
    block_on(network(&settings).update(PICTURE, &mut None, &script)).unwrap();
    assert_eq!(
        json_of(&script.sent()[0])["identifier"],
        "alice.bsky.social"
    );
}

#[test]
fn what_is_kept_as_a_token_and_is_none_is_thrown_away_at_once() {
    // The official server fails over it where it looks into it first, and does not refuse it.
    let mut kept: Value = serde_json::from_str(&new_for(1).unwrap().0).unwrap();
    kept["accessJwt"] = json!("garbage");
    let steps = [
        (FRAMES, no_frames()),
        (UPLOAD, error(500, "InternalServerError")),
        (RENEW, error(400, "InvalidToken")),
        (CREATE, renewed()),
    ];
    let steps = steps.into_iter().chain(first_time().into_iter().skip(1));
    let mut saved_session = Some(SavedSession(kept.to_string()));
    let (turned, _) = attempt(&mut saved_session, steps);
    assert_eq!(turned.outcome, Outcome::Turned);
    assert!(saved_session.unwrap().0.contains(ACCESS_2));
}

#[test]
fn what_was_begun_for_one_run_is_ended() {
    for (answer, mut saved_session) in [
        (ok(""), kept_for(1)),
        (error(400, "InvalidToken"), kept_for(200)),
        (Err(SendError::Timeout), kept_for(1)),
    ] {
        let script = Script::new([(END, answer)]);
        block_on(network(&SETTINGS).end(&mut saved_session, &script));
        let sent = script.sent();
        assert_eq!(bearer(&sent[0]), REFRESH);
        assert!(sent[0].body().is_empty());
        assert_eq!(saved_session, None);
    }
    let nothing = Script::new([]);
    block_on(network(&SETTINGS).end(&mut None, &nothing));
    nothing.sent();
}

// --- Refusals ---

#[test]
fn a_sign_in_that_is_refused_says_what_the_owner_can_do() {
    const OTHER_PASSWORD: &[&str] = &[
        BLUESKY_IDENTIFIER,
        BLUESKY_APP_PASSWORD,
        "App passwords",
        "store it again",
    ];
    for (status, name, reason, remedy) in [
        (
            401,
            "AuthenticationRequired",
            Reason::Credentials,
            OTHER_PASSWORD,
        ),
        (401, "", Reason::Credentials, OTHER_PASSWORD),
        (
            401,
            "AuthFactorTokenRequired",
            Reason::Credentials,
            &["app password, not the account's own", BLUESKY_APP_PASSWORD],
        ),
        (
            401,
            "AccountTakedown",
            Reason::Account,
            &["has taken the account down", "appeal"],
        ),
        (401, "AccountDeactivated", Reason::Account, &["reactivate"]),
    ] {
        let mut saved_session = None;
        let (attempt, _) = attempt(&mut saved_session, [(CREATE, error(status, name))]);
        assert_eq!(attempt.status, Some(status));
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, reason, "{name}");
        for part in remedy {
            assert!(
                diagnosis.remedy.contains(part),
                "{part}: {}",
                diagnosis.remedy
            );
        }
        assert_eq!(saved_session, None);
    }
}

#[test]
fn each_error_of_a_call_has_its_reason() {
    for (call, status, name, reason, remedy) in [
        (GET, 401, "AccountTakedown", Reason::Account, "Sign in"),
        (GET, 400, "RepoDeactivated", Reason::Account, "Sign in"),
        (
            PUT,
            401,
            "AccountDeactivated",
            Reason::Account,
            "reactivate",
        ),
        (PUT, 401, "AccountTakedown", Reason::Account, "appeal"),
        (PUT, 403, "AccountNotFound", Reason::Account, "deleted"),
        (
            PUT,
            400,
            "AccountSuspended",
            Reason::Account,
            "for how long",
        ),
        (
            UPLOAD,
            413,
            "PayloadTooLargeError",
            Reason::Request,
            "1,000,000 bytes",
        ),
        (
            PUT,
            401,
            "AuthMissing",
            Reason::Credentials,
            BLUESKY_APP_PASSWORD,
        ),
        (
            PUT,
            400,
            "InvalidMimeType",
            Reason::Request,
            "Publish the icon again",
        ),
        (PUT, 400, "InvalidSize", Reason::Request, "1,000,000 bytes"),
        (
            UPLOAD,
            400,
            "BlobTooLarge",
            Reason::Request,
            "1,000,000 bytes",
        ),
        (
            UPLOAD,
            413,
            "PayloadTooLarge",
            Reason::Request,
            "1,000,000 bytes",
        ),
        (UPLOAD, 413, "", Reason::Request, "1,000,000 bytes"),
        (PUT, 403, "Forbidden", Reason::Access, BLUESKY_APP_PASSWORD),
        (PUT, 404, "", Reason::UnexpectedReply, "BLUESKY_SERVICE"),
        (
            GET,
            501,
            "MethodNotImplemented",
            Reason::UnexpectedReply,
            "names an AppView",
        ),
        (GET, 501, "", Reason::UnexpectedReply, "BLUESKY_SERVICE"),
        (GET, 302, "", Reason::UnexpectedReply, "BLUESKY_SERVICE"),
        (
            PUT,
            400,
            "Unheard",
            Reason::UnexpectedReply,
            "BLUESKY_SERVICE",
        ),
    ] {
        let outcome = outcome_of(call, error(status, name));
        let diagnosis = outcome.diagnosis().unwrap();
        assert_eq!(diagnosis.reason, reason, "{name}");
        let colon = if name.is_empty() { "" } else { ": " };
        assert_eq!(
            diagnosis.message,
            format!("Bluesky answered {status}{colon}{name}: Because.")
        );
        assert!(diagnosis.remedy.contains(remedy), "{}", diagnosis.remedy);
    }
}

#[test]
fn a_web_page_that_forbids_is_a_firewall_s() {
    for call in [GET, UPLOAD, PUT] {
        let page = Ok(reply(
            403,
            &[],
            "<!DOCTYPE html><title>Just a moment...</title>",
        ));
        let outcome = outcome_of(call, page);
        assert_eq!(reason(&outcome), Reason::Blocked);
        assert_eq!(
            outcome.diagnosis().unwrap().message,
            "Bluesky answered 403 with a web page"
        );
    }
}

#[test]
fn success_that_is_not_what_the_lexicon_says_is_unexpected() {
    for (call, bodies) in [
        (GET, ["{}", r#"{"value":{}}"#, r#"{"value":[],"cid":"a"}"#]),
        (UPLOAD, ["{}", r#"{"blob":{}}"#, r#"{"blob":{"ref":"a"}}"#]),
        (PUT, ["{}", r#"{"cid":null}"#, r#"{"uri":"a"}"#]),
    ] {
        for body in bodies.into_iter().chain(["", "[]", "1", "\"a\"", "<html>"]) {
            let outcome = outcome_of(call, ok(body));
            let diagnosis = refused(&outcome);
            assert_eq!(diagnosis.reason, Reason::UnexpectedReply, "{body}");
            assert!(diagnosis.remedy.contains(BLUESKY_SERVICE.name));
            assert!(!diagnosis.message.contains('?'), "{}", diagnosis.message);
        }
    }
}

#[test]
fn what_passes_is_tried_again() {
    for call in [GET, UPLOAD, PUT] {
        for status in [500, 502, 503, 504] {
            let outcome = outcome_of(call, error(status, "UpstreamFailure"));
            assert_eq!(pause(&outcome), (60, Reason::Transient));
        }
        // A reply to a record that is lost is no proof of anything.
        for lost in [
            SendError::Timeout,
            SendError::Connection("reset by peer".to_owned()),
            SendError::TooLarge,
        ] {
            let outcome = outcome_of(call, Err(lost));
            assert_eq!(pause(&outcome), (60, Reason::Transient));
        }
    }
}

#[test]
fn a_rate_limit_is_waited_out_until_the_reset_that_the_service_names() {
    for (reset, retry_after, seconds) in [
        ("1795314300", "7", 75),
        (" 1795314300 ", "7", 75),
        ("1795314225", "7", 7),
        ("-1", "7", 7),
        ("2026-11-22T02:25:00Z", "7", 7),
        ("", "", 900),
        ("99999999999999999999", "", 900),
        ("1995314300", "", 86_400),
    ] {
        let headers = [("ratelimit-reset", reset), ("retry-after", retry_after)];
        let body = json!({ "error": "RateLimitExceeded", "message": "Rate Limit Exceeded" });
        for body in [body.to_string(), String::new()] {
            let limited = Ok(reply(429, &headers, body));
            let outcome = outcome_of(GET, limited.clone());
            assert_eq!(pause(&outcome), (seconds, Reason::RateLimit), "{reset}");
            let (attempt, _) = attempt(&mut None, [(CREATE, limited)]);
            assert_eq!(pause(&attempt.outcome), (seconds, Reason::RateLimit));
        }
    }
}

#[test]
fn a_service_that_hangs_is_not_waited_for_longer_than_a_minute() {
    let mut script = Script::new([
        (CREATE, signed_in()),
        (FRAMES, no_frames()),
        (UPLOAD, uploaded(LINK)),
        // No more calls after 60 s.
    ]);
    script.reply_time = TimeDelta::seconds(20);
    let mut saved_session = None;
    let (attempt, _) = attempt_on(&mut saved_session, script);
    assert_eq!(attempt.status, None);
    assert_eq!(reason(&attempt.outcome), Reason::Transient);
    assert_eq!(
        attempt.outcome.diagnosis().unwrap().message,
        "Bluesky took more than 60 s"
    );
    assert!(saved_session.unwrap().0.contains(ACCESS));
}

// --- The account's name ---

#[test]
fn the_account_is_named_by_its_session() {
    let is = |body: Value| [(NAME, ok(body))];
    let verified = |saved_session: &mut Option<SavedSession>, steps: Vec<(&'static str, Reply)>| {
        let script = Script::new(steps);
        let verified = block_on(network(&SETTINGS).verify(saved_session, &script));
        script.sent();
        verified.map(|verified| verified.account.unwrap())
    };
    let alice = || json!({ "handle": "alice.bsky.social", "did": "did:plc:alice" });
    let mut saved_session = kept_for(1);
    let name = verified(&mut saved_session, is(alice()).into());
    assert_eq!(name.unwrap(), "alice.bsky.social");

    let mut saved_session = None;
    let steps = [(CREATE, signed_in())].into_iter().chain(is(alice()));
    assert_eq!(
        verified(&mut saved_session, steps.collect()).unwrap(),
        "alice.bsky.social"
    );
    assert_eq!(saved_session, new_for(0));

    let closed = json!({ "handle": "alice.bsky.social", "active": false, "status": "deactivated" });
    let diagnosis = verified(&mut saved_session, is(closed).into()).unwrap_err();
    assert_eq!(diagnosis.reason, Reason::Account);
    assert!(diagnosis.remedy.contains("reactivate"));

    for odd in [json!({}), json!({ "handle": "" }), json!([])] {
        let diagnosis = verified(&mut saved_session, is(odd).into()).unwrap_err();
        assert_eq!(diagnosis.reason, Reason::UnexpectedReply);
    }
    let echo = json!({ "handle": ACCESS });
    assert_eq!(
        verified(&mut saved_session, is(echo).into()).unwrap(),
        "(hidden)"
    );
    let refusal = vec![(CREATE, error(401, "AuthenticationRequired"))];
    let diagnosis = verified(&mut None, refusal).unwrap_err();
    assert_eq!(diagnosis.reason, Reason::Credentials);
}

// --- Secrets ---

#[test]
fn what_repeats_a_secret_is_told_without_it() {
    for said in SECRETS {
        let body = json!({ "error": said, "message": format!("Bad token {said}, {said}") });
        let body = body.to_string();
        let escaped = body.replace('a', "\\u0061");
        for body in [body, escaped] {
            let mut saved_session = kept_for(100);
            let steps = [(RENEW, renewed()), (GET, Ok(reply(400, &[], body)))];
            // Tokens that were given back are as good as none.
            if [ACCESS, REFRESH].contains(&said) {
                continue;
            }
            let (attempt, _) = attempt(&mut saved_session, steps);
            assert_eq!(
                attempt.outcome.diagnosis().unwrap().message,
                "Bluesky answered 400: (hidden): Bad token (hidden), (hidden)"
            );
        }
    }
}

#[test]
fn no_debug_output_gives_the_password_away() {
    let network = network(&SETTINGS);
    assert!(!format!("{network:?} {network:#?}").contains(PASSWORD));
}

const NAMES: &[&str] = &[
    "AccountTakedown",
    "AuthFactorTokenRequired",
    "AuthenticationRequired",
    "BlobNotFound",
    "ExpiredToken",
    "InvalidRequest",
    "InvalidSwap",
    "InvalidToken",
    "RateLimitExceeded",
    "RecordNotFound",
];

/// Bodies of every call, and of error.
fn any_body() -> impl Strategy<Value = String> {
    let good = [
        signed_in(),
        record("bafyrei"),
        uploaded("bafkrei"),
        uploaded(LINK),
        frames_record("bafyrei", frames("set", &[LINK])),
        // All in one, which every call takes.
        ok(json!({
            "did": "did:plc:alice", "handle": "alice", "accessJwt": ACCESS,
            "refreshJwt": REFRESH, "uri": "at://", "cid": "bafyrei", "value": value(),
            "blob": blob("bafkrei"),
        })),
    ];
    let good = good.map(|reply| String::from_utf8(reply.unwrap().into_body()).unwrap());
    prop_oneof![proptest::sample::select(good.to_vec()), any_error(NAMES),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn whatever_comes_back_ends_in_an_outcome_with_a_short_message_of_one_line(
        replies in proptest::collection::vec(
            any_reply(any_body(), &["ratelimit-reset", "retry-after"]),
            1..12,
        ),
        minutes in proptest::option::of(0_i64..200),
    ) {
        // A session and its renewals; the record of frames, read and put ten times, twice; five
        // profiles that were changed and one that was not; two uploads; one call that is
        // repeated, and what asks for the account's state.
        const MOST: usize = 4 + 2 * 2 * 10 + 2 * 7 + 2 + 1 + 4;
        let mut saved_session = minutes.and_then(kept_for);
        let noise = Noise { replies, sent: 0.into() };
        let network = network(&SETTINGS);
        let attempt = block_on(network.update(PICTURE, &mut saved_session, &noise)).unwrap();
        let secrets = [PASSWORD, ACCESS, REFRESH];
        assert_fit(&attempt.outcome, &secrets);
        prop_assert!(noise.sent.get() <= MOST, "{}", noise.sent.get());
        let shown = format!("{saved_session:?}");
        prop_assert!(secrets.iter().all(|secret| !shown.contains(secret)));
        match block_on(network.verify(&mut saved_session, &noise)) {
            Err(diagnosis) => assert_fit_to_be_shown(&diagnosis, &secrets),
            Ok(verified) => {
                let shown = format!("{verified:?}");
                prop_assert!(secrets.iter().all(|secret| !shown.contains(secret)));
            }
        }
    }
}
