//! Turns of a sign-in with a server that answers what a test has written down.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use p256::PublicKey;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::network::bluesky::advice::Advice;
use crate::network::bluesky::oauth::BlueskySignIn;
use crate::network::bluesky::{BLUESKY_APP_PASSWORD, BLUESKY_IDENTIFIER};
use crate::network::sign_in::{App, SignIn as _, Tokens};
use crate::network::testing::sign_in::{P256, context};
use crate::network::testing::{
    FRAME, PICTURE, Reply, Script, assert_fit_to_be_shown, header, network, now, ok, refused,
};
use crate::outcome::Reason;
use crate::settings::secret::Secret;
use crate::testing::{block_on, reply};

const DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
const PDS: &str = "https://pds.alice.net";
const ACCESS: &str = "ACCESSACCESS.ACCESSACCESS.ACCESSACCESS";

const PROFILE: &str = "GET /xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Az72i7hdynmk6r22z27h6tvur&\
     collection=app.bsky.actor.profile&rkey=self";
const RECORD: &str = "GET /xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Az72i7hdynmk6r22z27h6tvur&\
     collection=app.rotate-icon.frames&rkey=self";
const PUT: &str = "POST /xrpc/com.atproto.repo.putRecord";
const DELETE: &str = "POST /xrpc/com.atproto.repo.deleteRecord";
const UPLOAD: &str = "POST /xrpc/com.atproto.repo.uploadBlob";
const SESSION: &str = "GET /xrpc/com.atproto.server.getSession";
const STATUS: &str =
    "GET /xrpc/com.atproto.sync.getRepoStatus?did=did%3Aplc%3Az72i7hdynmk6r22z27h6tvur";
const PLC: &str = "GET /did:plc:z72i7hdynmk6r22z27h6tvur";

/// What the blob of [`FRAME`] is called.
const LINK: &str = "bafkreibztbvivd2h7moriwzn4gkgjdlznjgpdexjj5gdkk2mr5wxjyxyui";

type Step = (&'static str, Reply);

fn service() -> Service {
    Service {
        public_url: "https://icons.example".to_owned(),
        ..Service::default()
    }
}

/// A session, with news for its owner.
fn connection(news: Option<&str>) -> Connection {
    let details = Details {
        key: block_on(P256.generate()).unwrap(),
        client_key: None,
        pds: PDS.parse().unwrap(),
        token_endpoint: format!("{PDS}/oauth/token"),
        revocation_endpoint: None,
        checked_at: now(),
        news: news.map(str::to_owned),
        nonce: None,
    };
    Connection {
        network: "bluesky".to_owned(),
        subject: DID.to_owned(),
        name: "@alice.net".to_owned(),
        app: App {
            server: "https://entry.alice.net".to_owned(),
            client_id: service().client_id("bluesky"),
            client_secret: None,
            scopes: "atproto".to_owned(),
            uses_pkce: true,
            redirect_uri: service().shared_redirect_uri("bluesky"),
        },
        tokens: Tokens {
            access: Secret::new(ACCESS),
            refresh: Some(Secret::new("ref-REFRESH")),
            expires_at: None,
        },
        details: Some(details.stored()),
    }
}

fn account_of(connection: &Connection) -> OauthAccount {
    OauthAccount::new(connection, Some(service()), Rc::new(P256))
}

/// The frames that were seen in the record.
#[allow(clippy::unnecessary_wraps)]
fn seen(frames: &[&str]) -> Option<SavedSession> {
    let saved = json!({ "did": DID, "frames": frames });
    Some(SavedSession(saved.to_string()))
}

fn blob(link: &str, media_type: &str) -> Value {
    json!({ "$type": "blob", "ref": { "$link": link }, "mimeType": media_type, "size": 7 })
}

fn frame() -> Value {
    blob(LINK, "image/jpeg")
}

/// An animated picture, as some clients upload them.
fn animated() -> Value {
    blob("bafkreianimated", "image/gif")
}

fn found(value: &Value) -> Reply {
    ok(json!({ "uri": "at://", "cid": "bafyreiold", "value": value }))
}

/// A profile that shows this picture.
fn profile(avatar: &Value) -> Value {
    json!({
        "$type": "app.bsky.actor.profile",
        "displayName": "Alice",
        "avatar": avatar,
        "example.unknown": [null, 1],
    })
}

#[allow(clippy::unnecessary_wraps)]
fn said(status: u16, name: &str, words: &str) -> Reply {
    let body = json!({ "error": name, "message": words });
    Ok(reply(status, &[], body.to_string()))
}

fn none() -> Reply {
    said(400, "RecordNotFound", "Could not locate record")
}

#[allow(clippy::unnecessary_wraps)]
fn put() -> Reply {
    Ok(reply(
        200,
        &[("dpop-nonce", "nonce-1")],
        json!({ "uri": "at://", "cid": "bafyreinew" }).to_string(),
    ))
}

#[allow(clippy::unnecessary_wraps)]
fn asks_for_nonce() -> Reply {
    Ok(reply(
        401,
        &[
            ("dpop-nonce", "nonce-1"),
            ("www-authenticate", "DPoP error=\"use_dpop_nonce\""),
        ],
        json!({ "error": "use_dpop_nonce" }).to_string(),
    ))
}

fn json_of(request: &Request<Vec<u8>>) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

/// What was put into the record or the profile.
fn put_in(request: &Request<Vec<u8>>) -> Value {
    json_of(request)["record"].clone()
}

fn attempt_of(
    account: &OauthAccount,
    saved_session: &mut Option<SavedSession>,
    steps: Vec<Step>,
) -> (Attempt, Vec<Request<Vec<u8>>>) {
    let script = Script::new(steps);
    let attempt = block_on(account.update(PICTURE, saved_session, &script)).unwrap();
    if let Some(diagnosis) = attempt.outcome.diagnosis() {
        assert_fit_to_be_shown(diagnosis, &[ACCESS]);
    }
    (attempt, script.sent())
}

/// One attempt with a frame that the record has.
fn attempt(steps: Vec<Step>) -> (Attempt, Vec<Request<Vec<u8>>>) {
    let account = account_of(&connection(None));
    attempt_of(&account, &mut seen(&[LINK]), steps)
}

/// The claims of a request's proof, once its signature is verified with the key that it names.
fn proof_of(request: &Request<Vec<u8>>) -> Value {
    let proof = header(request, "dpop").expect("a proof");
    let [head, claims, signature] = proof.split('.').collect::<Vec<_>>().try_into().unwrap();
    let part = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let key = PublicKey::from_jwk_str(&part(head)["jwk"].to_string()).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let signature = Signature::from_slice(&bytes).unwrap();
    let message = format!("{head}.{claims}");
    let verified = VerifyingKey::from(key).verify(message.as_bytes(), &signature);
    verified.expect("the signature of the key");
    part(claims)
}

// --- A turn ---

#[test]
fn a_turn_reads_as_anyone_may_and_writes_with_a_proof() {
    let steps = vec![(PROFILE, found(&profile(&animated()))), (PUT, put())];
    let (attempt, sent) = attempt(steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(attempt.status, Some(200));
    assert_eq!(attempt.account.as_deref(), Some("@alice.net"));
    let [get, put] = sent.try_into().unwrap();
    for name in ["authorization", "dpop"] {
        assert_eq!(header(&get, name), None);
    }
    assert_eq!(
        header(&put, "authorization"),
        Some(format!("DPoP {ACCESS}").as_str())
    );
    let claims = proof_of(&put);
    assert_eq!(claims["htm"], "POST");
    assert_eq!(
        claims["htu"],
        format!("{PDS}/xrpc/com.atproto.repo.putRecord")
    );
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(ACCESS));
    assert_eq!(claims["ath"], hash);
    let body = json_of(&put);
    assert_eq!(body["swapRecord"], "bafyreiold");
    assert_eq!(body["record"], profile(&frame()));
}

#[test]
fn an_app_password_stays_bound_to_its_server_through_a_sign_in_with_a_browser() {
    const OTHER_DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    const DNS: &str = "GET /dns-query?name=_atproto.alice.net&type=TXT";

    let home = json!({
        "service": PDS,
        "identifier": "alice.net",
        "did": DID,
        "found": true,
        "frames": [LINK],
    });
    let mut session = home.clone();
    session["obtained_at"] = 0.into();
    session["accessJwt"] = "a.b.c".into();
    session["refreshJwt"] = "d.e.f".into();
    // As attempts with the password leave it, while a session lasts and after it.
    for before in [session, home] {
        let mut saved_session = Some(SavedSession(before.to_string()));
        for news in ["One.", "Two."] {
            let steps = vec![(PROFILE, found(&profile(&animated()))), (PUT, put())];
            let account = account_of(&connection(Some(news)));
            let (attempt, _) = attempt_of(&account, &mut saved_session, steps);
            assert_eq!(attempt.note.as_deref(), Some(news));
        }
        let saved = saved_session.unwrap();
        assert!(!saved.0.contains("a.b.c"), "{}", saved.0);
        let remaining = BlueskySignIn.remains_of(&saved).unwrap();
        assert!(!remaining.0.contains("Two."), "{}", remaining.0);
        assert_eq!(BlueskySignIn.remains_of(&remaining).unwrap(), remaining);
        // Somebody else has taken the handle over meanwhile.
        for saved in [saved, remaining] {
            let entry = json!({ "type": 16, "data": format!("did={OTHER_DID}") });
            let script = Script::new([
                (DNS, ok(json!({ "Status": 0, "Answer": [entry] }))),
                (
                    "GET /did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                    ok(json!({
                        "id": OTHER_DID,
                        "alsoKnownAs": ["at://alice.net"],
                        "service": [{
                            "id": "#atproto_pds",
                            "type": "AtprotoPersonalDataServer",
                            "serviceEndpoint": "https://pds.mallory.net",
                        }],
                    })),
                ),
            ]);
            let owners = network(&[
                (BLUESKY_IDENTIFIER, "alice.net"),
                (BLUESKY_APP_PASSWORD, "abcd-efgh-ijkl-mnop"),
            ]);
            let verified = block_on(owners.verify(&mut Some(saved), &script));
            let told = verified.unwrap_err();
            assert!(told.message.contains(OTHER_DID), "{}", told.message);
            // All that was expected, and no password.
            script.sent();
        }
    }
    let visitors = seen(&[LINK]).unwrap();
    assert_eq!(BlueskySignIn.remains_of(&visitors), None);
}

#[test]
fn a_nonce_that_the_server_asks_for_serves_the_next_calls_too() {
    let account = account_of(&connection(None));
    let read = || (PROFILE, found(&profile(&animated())));
    let steps = vec![read(), (PUT, asks_for_nonce()), (PUT, put())];
    let mut saved_session = seen(&[LINK]);
    let (attempt, sent) = attempt_of(&account, &mut saved_session, steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(proof_of(&sent[1]).get("nonce"), None);
    assert_eq!(proof_of(&sent[2])["nonce"], "nonce-1");
    let steps = vec![read(), (PUT, put())];
    let (again, sent) = attempt_of(&account, &mut saved_session, steps);
    assert_eq!(again.outcome, Outcome::Turned);
    assert_eq!(proof_of(&sent[1])["nonce"], "nonce-1");
}

#[test]
fn the_nonce_that_a_refresh_has_brought_serves_the_turn() {
    let mut connection = connection(None);
    let mut details = Details::of(&connection).unwrap();
    details.nonce = Some("nonce-0".to_owned());
    connection.details = Some(details.stored());
    let steps = vec![(PROFILE, found(&profile(&animated()))), (PUT, put())];
    let (_, sent) = attempt_of(&account_of(&connection), &mut seen(&[LINK]), steps);
    assert_eq!(proof_of(&sent[1])["nonce"], "nonce-0");
}

#[test]
fn a_frame_is_uploaded_once_and_the_picture_from_before_stays_in_the_record() {
    let record = json!({
        "$type": "app.rotate-icon.frames",
        "set": "another",
        "frames": [blob("bafkreiother", "image/jpeg")],
        "before": animated(),
    });
    let mut saved_session = None;
    let steps = vec![
        (RECORD, found(&record)),
        (UPLOAD, ok(json!({ "blob": frame() }))),
        (PUT, put()),
        (PROFILE, found(&profile(&animated()))),
        (PUT, put()),
    ];
    let account = account_of(&connection(None));
    let (attempt, sent) = attempt_of(&account, &mut saved_session, steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    assert_eq!(sent[1].body(), &FRAME);
    proof_of(&sent[1]);
    let expected = json!({
        "$type": "app.rotate-icon.frames",
        "set": "set",
        "frames": [frame()],
        "before": animated(),
    });
    assert_eq!(put_in(&sent[2]), expected);
    let steps = vec![(PROFILE, found(&profile(&animated()))), (PUT, put())];
    attempt_of(&account, &mut saved_session, steps);
}

#[test]
fn the_picture_from_before_leaves_the_record_only_if_it_is_gone() {
    let record = json!({
        "$type": "app.rotate-icon.frames",
        "set": "set",
        "frames": [blob("bafkreiother", "image/jpeg")],
        "before": animated(),
    });
    let gone = |link: &str| {
        let words = format!("Could not find blob: {link}");
        (PUT, said(400, "BlobNotFound", &words))
    };
    for (link, frames, has_before) in [
        ("bafkreiother", json!([frame()]), true),
        (
            "bafkreianimated",
            json!([blob("bafkreiother", "image/jpeg"), frame()]),
            false,
        ),
    ] {
        let steps = vec![
            (RECORD, found(&record)),
            (UPLOAD, ok(json!({ "blob": frame() }))),
            gone(link),
            (RECORD, found(&record)),
            (PUT, put()),
            (PROFILE, found(&profile(&animated()))),
            (PUT, put()),
        ];
        let account = account_of(&connection(None));
        let (_, sent) = attempt_of(&account, &mut None, steps);
        let put = put_in(&sent[4]);
        assert_eq!(put["frames"], frames);
        assert_eq!(put.get("before").is_some(), has_before, "{link}");
    }
}

#[test]
fn a_server_that_gives_records_to_nobody_is_asked_with_the_session() {
    let steps = vec![
        (PROFILE, said(401, "AuthMissing", "Authentication Required")),
        (PROFILE, found(&profile(&animated()))),
        (PUT, put()),
    ];
    let (attempt, sent) = attempt(steps);
    assert_eq!(attempt.outcome, Outcome::Turned);
    proof_of(&sent[1]);
}

#[test]
fn news_of_the_account_is_told_once() {
    let account = account_of(&connection(Some("Your account is called @bob.net now.")));
    let steps = || vec![(PROFILE, found(&profile(&animated()))), (PUT, put())];
    let mut saved_session = seen(&[LINK]);
    // A turn that fails tells nothing: the entry of the next one would replace it.
    let fails = vec![(PROFILE, said(502, "", ""))];
    assert_eq!(attempt_of(&account, &mut saved_session, fails).0.note, None);
    let (attempt, _) = attempt_of(&account, &mut saved_session, steps());
    let news = "Your account is called @bob.net now.";
    assert_eq!(attempt.note.as_deref(), Some(news));
    let (attempt, _) = attempt_of(&account, &mut saved_session, steps());
    assert_eq!(attempt.note, None);
}

// --- What goes wrong ---

#[test]
fn tokens_that_are_not_accepted_are_told_from_everything_else() {
    for words in ["Invalid token", "\"exp\" claim timestamp check failed"] {
        let steps = vec![
            (PROFILE, found(&profile(&animated()))),
            (PUT, said(401, "invalid_token", words)),
        ];
        let (attempt, _) = attempt(steps);
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::Credentials);
        assert!(diagnosis.remedy.starts_with("Sign in again"));
        assert_eq!(attempt.status, Some(401));
    }
    let steps = vec![
        (PROFILE, found(&profile(&animated()))),
        (
            PUT,
            said(403, "ScopeMissingError", "Missing required scope"),
        ),
    ];
    let diagnosis = refused(&attempt(steps).0.outcome).clone();
    assert_eq!(diagnosis.reason, Reason::Access);
    assert!(diagnosis.remedy.contains("allow it"), "{diagnosis:?}");
}

/// The account's document, with its server.
fn document(pds: &str) -> Reply {
    let server = json!({
        "id": "#atproto_pds",
        "type": "AtprotoPersonalDataServer",
        "serviceEndpoint": pds,
    });
    ok(json!({ "id": DID, "alsoKnownAs": ["at://alice.net"], "service": [server] }))
}

fn no_repo() -> Reply {
    said(
        400,
        "InvalidRequest",
        &format!("Could not find repo: {DID}"),
    )
}

fn closed(status: &str) -> Reply {
    ok(json!({ "did": DID, "active": false, "status": status }))
}

#[test]
fn a_closed_account_is_told_as_what_it_is() {
    let deleted = || said(400, "RepoNotFound", "Could not find repo for DID");
    for (state, steps, words) in [
        (
            closed("deactivated"),
            vec![(PLC, document(PDS))],
            "reactivate",
        ),
        (closed("takendown"), vec![], "appeal"),
        (closed("suspended"), vec![], "how long"),
        (
            said(400, "RepoTakendown", "Repo has been takendown"),
            vec![],
            "appeal",
        ),
        (deleted(), vec![(PLC, document(PDS))], "gone for good"),
        (
            deleted(),
            vec![(PLC, said(410, "", "gone"))],
            "gone for good",
        ),
        (
            ok(json!({ "did": DID, "active": true, "rev": "1" })),
            vec![],
            "knows nothing",
        ),
    ] {
        let steps = [vec![(PROFILE, no_repo()), (STATUS, state)], steps].concat();
        let (attempt, _) = attempt(steps);
        let diagnosis = refused(&attempt.outcome);
        assert_eq!(diagnosis.reason, Reason::Account, "{diagnosis:?}");
        assert!(diagnosis.remedy.contains(words), "{diagnosis:?}");
        assert_eq!(attempt.status, Some(400));
    }
    // A server that cannot say is asked again.
    let steps = vec![(PROFILE, no_repo()), (STATUS, said(503, "", ""))];
    let (attempt, _) = attempt(steps);
    assert!(matches!(attempt.outcome, Outcome::Retry { .. }));
}

#[test]
fn an_account_that_has_moved_is_told_and_its_tokens_are_renewed() {
    for state in [closed("deactivated"), said(400, "RepoNotFound", "")] {
        let steps = vec![
            (PROFILE, no_repo()),
            (STATUS, state),
            (PLC, document("https://new.alice.net")),
        ];
        let (attempt, _) = attempt(steps);
        let diagnosis = refused(&attempt.outcome);
        // By this reason and a status, the account renews its tokens.
        assert_eq!(diagnosis.reason, Reason::Credentials);
        assert!(attempt.status.is_some());
        assert!(diagnosis.message.contains("new.alice.net"));
    }
}

#[test]
fn a_limit_of_the_account_s_writes_is_told_from_one_of_the_address() {
    for (policy, is_of_account) in [
        (Some("5000;w=3600"), true),
        (Some("35000; w=86400"), true),
        (Some("3000;w=300"), false),
        (None, false),
    ] {
        let headers: Vec<_> = policy
            .map(|policy| ("ratelimit-policy", policy))
            .into_iter()
            .collect();
        let limited = json!({ "error": "RateLimitExceeded" }).to_string();
        let steps = vec![
            (PROFILE, found(&profile(&animated()))),
            (PUT, Ok(reply(429, &headers, limited))),
        ];
        let (attempt, _) = attempt(steps);
        assert!(matches!(attempt.outcome, Outcome::Retry { .. }));
        assert_eq!(attempt.is_limit_of_account, is_of_account, "{policy:?}");
    }
    // Whatever it says, a read is counted by address.
    let headers = [("ratelimit-policy", "5000;w=3600")];
    let steps = vec![(PROFILE, Ok(reply(429, &headers, "{}")))];
    assert!(!attempt(steps).0.is_limit_of_account);
}

#[test]
fn details_of_another_version_ask_to_sign_in_again_and_send_nothing() {
    let mut connection = connection(None);
    connection.details = Some(Secret::new("{}"));
    let script = Script::new([]);
    let result = block_on(account_of(&connection).update(PICTURE, &mut None, &script));
    assert_eq!(result.unwrap_err().reason, Reason::Credentials);
}

#[test]
fn a_visitor_is_told_nothing_of_settings_and_app_passwords() {
    let advice = format!("{:?}", Advice::OF_SIGN_IN);
    for word in ["BLUESKY_", "app password", "doctor", "Publish", "Workers"] {
        assert!(!advice.contains(word), "{word}");
    }
}

// --- Who it is ---

#[test]
fn the_session_says_whose_it_is() {
    let verify = |body: Value| {
        let script = Script::new([(SESSION, ok(body))]);
        let account = account_of(&connection(None));
        let verified = block_on(account.verify(&mut None, &script));
        proof_of(&script.sent()[0]);
        verified
    };
    let session = json!({ "did": DID, "handle": "alice.net", "active": true });
    let verified = verify(session).unwrap();
    assert_eq!(verified.account.as_deref(), Some("alice.net"));
    let other = json!({ "did": "did:plc:other", "handle": "alice.net", "active": true });
    let diagnosis = verify(other).unwrap_err();
    assert_eq!(diagnosis.reason, Reason::UnexpectedReply);
    let closed =
        json!({ "did": DID, "handle": "alice.net", "active": false, "status": "deactivated" });
    assert_eq!(verify(closed).unwrap_err().reason, Reason::Account);
}

#[test]
fn the_preview_is_the_upload_without_a_token() {
    let account = account_of(&connection(None));
    let preview = account.preview(PICTURE, now()).unwrap();
    assert_eq!(
        preview.url,
        format!("{PDS}/xrpc/com.atproto.repo.uploadBlob")
    );
    let authorization = ("authorization".to_owned(), "DPoP (not shown)".to_owned());
    assert!(preview.headers.contains(&authorization));
}

#[test]
fn turns_are_on_the_server_that_has_the_account() {
    assert_eq!(turned_on(&connection(None)), PDS);
}

// --- The picture from before the start ---

fn kept(steps: Vec<Step>) -> (Result<Shown, Diagnosis>, Vec<Request<Vec<u8>>>) {
    let (service, script) = (service(), Script::new(steps));
    let kept = block_on(keep_shown(&connection(None), context(&service, &script)));
    (kept, script.sent())
}

#[test]
fn the_picture_that_is_shown_is_held_by_the_record_whatever_it_is() {
    let (shown, sent) = kept(vec![
        (PROFILE, found(&profile(&animated()))),
        (RECORD, none()),
        (PUT, put()),
    ]);
    assert_eq!(shown, Ok(Shown::Held));
    let expected = json!({
        "repo": DID,
        "collection": "app.rotate-icon.frames",
        "rkey": "self",
        "record": {
            "$type": "app.rotate-icon.frames",
            "set": "",
            "frames": [],
            "before": animated(),
        },
        "swapRecord": null,
    });
    assert_eq!(json_of(&sent[2]), expected);
    for nobody in [none(), found(&json!({ "$type": "app.bsky.actor.profile" }))] {
        assert_eq!(kept(vec![(PROFILE, nobody)]).0, Ok(Shown::Default));
    }
}

#[test]
fn a_record_that_is_there_keeps_its_frames_and_another_s_change() {
    let record = json!({
        "$type": "app.rotate-icon.frames",
        "set": "set",
        "frames": [frame()],
        "before": blob("bafkreiolder", "image/png"),
    });
    let (shown, sent) = kept(vec![
        (PROFILE, found(&profile(&animated()))),
        (RECORD, none()),
        (PUT, said(400, "InvalidSwap", "Record was at …")),
        (RECORD, found(&record)),
        (PUT, put()),
    ]);
    assert_eq!(shown, Ok(Shown::Held));
    let put = put_in(&sent[4]);
    assert_eq!(put["frames"], record["frames"]);
    assert_eq!(put["set"], "set");
    assert_eq!(put["before"], animated());
    // A profile that shows a frame was started before: the picture from before that stays.
    let (shown, _) = kept(vec![
        (PROFILE, found(&profile(&frame()))),
        (RECORD, found(&record)),
    ]);
    assert_eq!(shown, Ok(Shown::Held));
}

#[test]
fn frames_that_are_gone_do_not_keep_the_picture_from_being_held() {
    let record = json!({ "set": "set", "frames": [frame()] });
    let gone = |link: &str| said(400, "BlobNotFound", &format!("Could not find blob: {link}"));
    let before = || {
        vec![
            (PROFILE, found(&profile(&animated()))),
            (RECORD, found(&record)),
        ]
    };
    let again = vec![(PUT, gone(LINK)), (RECORD, found(&record)), (PUT, put())];
    let (shown, sent) = kept([before(), again].concat());
    assert_eq!(shown, Ok(Shown::Held));
    assert_eq!(put_in(&sent[4])["frames"], json!([]));
    let (shown, _) = kept([before(), vec![(PUT, gone("bafkreianimated"))]].concat());
    let diagnosis = shown.unwrap_err();
    assert!(diagnosis.remedy.contains("Download"), "{diagnosis:?}");
}

fn put_back(steps: Vec<Step>) -> (Result<(), Diagnosis>, Vec<Request<Vec<u8>>>) {
    let (service, script) = (service(), Script::new(steps));
    let put = block_on(put_held_back(&connection(None), context(&service, &script)));
    (put, script.sent())
}

#[test]
fn the_picture_from_before_is_put_back_by_reference() {
    let record = json!({ "set": "set", "frames": [frame()], "before": animated() });
    let (put_back, sent) = put_back(vec![
        (RECORD, found(&record)),
        (PROFILE, found(&profile(&frame()))),
        (PUT, said(400, "InvalidSwap", "")),
        (PROFILE, found(&profile(&frame()))),
        (PUT, put()),
    ]);
    assert_eq!(put_back, Ok(()));
    assert_eq!(put_in(&sent[4]), profile(&animated()));
    assert_eq!(json_of(&sent[4])["swapRecord"], "bafyreiold");
}

#[test]
fn a_picture_that_is_not_held_any_more_is_told_with_one_step() {
    let record = json!({ "set": "set", "frames": [frame()], "before": animated() });
    let gone = said(400, "BlobNotFound", "Could not find blob: bafkreianimated");
    for steps in [
        vec![(RECORD, none())],
        vec![(RECORD, found(&json!({ "set": "set", "frames": [] })))],
        vec![
            (RECORD, found(&record)),
            (PROFILE, found(&profile(&frame()))),
            (PUT, gone),
        ],
    ] {
        let diagnosis = put_back(steps).0.unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Settings);
        assert_eq!(
            diagnosis.remedy,
            "Choose your picture again in the Bluesky app."
        );
    }
}

#[test]
fn removing_the_picture_removes_one_member_of_the_profile() {
    let removed = |steps: Vec<Step>| {
        let (service, script) = (service(), Script::new(steps));
        let removed = block_on(remove_picture(
            &connection(None),
            context(&service, &script),
        ));
        assert_eq!(removed, Ok(()));
        script.sent()
    };
    let sent = removed(vec![(PROFILE, found(&profile(&frame()))), (PUT, put())]);
    let mut expected = profile(&frame());
    expected.as_object_mut().unwrap().remove("avatar");
    assert_eq!(put_in(&sent[1]), expected);
    removed(vec![(PROFILE, none())]);
}

#[test]
fn the_record_of_frames_is_removed_and_named_to_whoever_has_to_do_it() {
    let (service, script) = (service(), Script::new([(DELETE, ok(json!({})))]));
    let connection = connection(None);
    let removed = block_on(remove_kept(&connection, context(&service, &script)));
    assert_eq!(removed, Ok(()));
    let [request] = script.sent().try_into().unwrap();
    proof_of(&request);
    let body = json!({ "repo": DID, "collection": "app.rotate-icon.frames", "rkey": "self" });
    assert_eq!(json_of(&request), body);

    let how = how_to_remove_frames(DID);
    assert!(how.contains("at://did:plc:z72i7hdynmk6r22z27h6tvur/app.rotate-icon.frames/self"));
}

#[test]
fn frames_are_removed_without_the_picture_from_before() {
    let account = account_of(&connection(None));
    let removed = |steps: Vec<Step>| {
        let script = Script::new(steps);
        let mut saved_session = seen(&[LINK]);
        block_on(account.remove_frames(&mut saved_session, &script)).unwrap();
        assert_eq!(saved_session, seen(&[]));
        script.sent()
    };
    let held = found(&json!({ "set": "set", "frames": [frame()], "before": animated() }));
    let sent = removed(vec![
        (RECORD, held.clone()),
        (PUT, said(400, "InvalidSwap", "")),
        (RECORD, held.clone()),
        (PUT, put()),
    ]);
    let left = json!({
        "$type": "app.rotate-icon.frames",
        "set": "",
        "frames": [],
        "before": animated(),
    });
    assert_eq!(put_in(&sent[3]), left);
    // Without one, or with one that moderation has removed, the record goes.
    let deleted = ok(json!({}));
    let alone = found(&json!({ "set": "set", "frames": [frame()] }));
    removed(vec![(RECORD, alone), (DELETE, deleted.clone())]);
    let gone = said(400, "BlobNotFound", "Could not find blob: bafkreianimated");
    removed(vec![(RECORD, held), (PUT, gone), (DELETE, deleted)]);
}
