use std::cell::RefCell;
use std::future::ready;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;

use serde_json::Value;

use super::*;
use crate::network::bluesky::resolver::valid_did;
use crate::network::bluesky::{
    BLUESKY_APP_PASSWORD, BLUESKY_DIRECTORY, BLUESKY_DNS, BLUESKY_IDENTIFIER, BLUESKY_SERVICE,
};
use crate::network::interface::SavedSession;
use crate::network::testing::{
    Reply, Script, any_reply, assert_fit_to_be_shown, header, network, now, ok, pause, refused,
};
use crate::network::{Pending, Transport};
use crate::outcome::Diagnosis;
use crate::ports::{ReplyLimits, SendError};
use crate::testing::{block_on, reply};

const PASSWORD: &str = "abcd-efgh-ijkl-mnop";
const DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
const OTHER_DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const PDS: &str = "https://pds.alice.net";

const DNS: &str = "GET /dns-query?name=_atproto.alice.net&type=TXT";
const WEB: &str = "GET /.well-known/atproto-did";
const PLC: &str = "GET /did:plc:z72i7hdynmk6r22z27h6tvur";
const CREATE: &str = "POST /xrpc/com.atproto.server.createSession";
const NAME: &str = "GET /xrpc/com.atproto.server.getSession";

type Step = (&'static str, Reply);

fn txt(data: &str) -> Reply {
    let entry = json!({ "name": "_atproto.alice.net", "type": 16, "TTL": 300, "data": data });
    ok(json!({ "Status": 0, "Answer": [entry] }))
}

fn nothing() -> Reply {
    ok(json!({ "Status": 3 }))
}

// In the form in which it is a step of a script.
#[allow(clippy::unnecessary_wraps)]
fn not_found() -> Reply {
    Ok(reply(404, &[], "Not Found"))
}

fn document(did: &str, handle: &str, endpoint: &str) -> Value {
    json!({
        "id": did,
        "alsoKnownAs": [format!("at://{handle}")],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": endpoint,
        }],
    })
}

fn session(did: &str) -> Reply {
    ok(json!({ "did": did, "handle": "alice.net", "accessJwt": "a.b.c", "refreshJwt": "d.e.f" }))
}

/// What is asked where the handle is in DNS, and the session that follows.
fn found_by_dns() -> Vec<Step> {
    vec![
        (DNS, txt(&format!("\"did={DID}\""))),
        (PLC, ok(document(DID, "alice.net", PDS))),
        (CREATE, session(DID)),
    ]
}

/// Who the account is, and where the requests went: all that are expected, and no other.
fn verify(
    settings: &[(&str, &str)],
    saved_session: &mut Option<SavedSession>,
    steps: impl IntoIterator<Item = Step>,
) -> (Result<String, Diagnosis>, Vec<Request<Vec<u8>>>) {
    let script = Script::new(steps);
    let password = [(BLUESKY_APP_PASSWORD, PASSWORD)];
    let network = network(&[settings, &password].concat());
    let name = block_on(network.verify(saved_session, &script));
    let name = name.map(|verified| verified.account.unwrap_or_default());
    (name, script.sent())
}

fn of_alice(
    saved_session: &mut Option<SavedSession>,
    steps: impl IntoIterator<Item = Step>,
) -> (Result<String, Diagnosis>, Vec<Request<Vec<u8>>>) {
    verify(&[(BLUESKY_IDENTIFIER, "alice.net")], saved_session, steps)
}

/// What it comes to that these are answered, and that no password was sent.
fn diagnosis_of(steps: impl IntoIterator<Item = Step>) -> Diagnosis {
    let (name, sent) = of_alice(&mut None, steps);
    for request in sent {
        assert_eq!(request.method(), "GET");
        assert!(request.body().is_empty());
        assert_eq!(header(&request, "authorization"), None);
    }
    name.unwrap_err()
}

fn hosts(sent: &[Request<Vec<u8>>]) -> Vec<&str> {
    let hosts = sent.iter().map(|request| request.uri().host().unwrap());
    hosts.collect()
}

/// A session that is told whose it is.
fn whose() -> Step {
    (NAME, ok(json!({ "did": DID, "handle": "alice.net" })))
}

#[test]
fn the_server_is_found_by_dns_and_asked_from_then_on() {
    let mut saved_session = None;
    let steps = found_by_dns().into_iter().chain([whose()]);
    let (name, sent) = of_alice(&mut saved_session, steps);
    assert_eq!(name.unwrap(), "alice.net");
    let expected = [
        "cloudflare-dns.com",
        "plc.directory",
        "pds.alice.net",
        "pds.alice.net",
    ];
    assert_eq!(hosts(&sent), expected);
    assert!(
        sent.iter()
            .all(|request| request.uri().scheme_str() == Some("https"))
    );
    assert_eq!(header(&sent[0], "accept"), Some("application/dns-json"));
    // As long as the session lives, nothing is looked up.
    let (name, sent) = of_alice(&mut saved_session, [whose()]);
    assert_eq!(name.unwrap(), "alice.net");
    assert_eq!(hosts(&sent), ["pds.alice.net"]);
}

#[test]
fn what_dns_does_not_have_is_asked_of_the_handle_s_own_server() {
    for dns in [
        nothing(),
        ok(json!({ "Status": 0 })),
        ok(json!({ "Status": 0, "Answer": [{ "type": 5, "data": "other.net." }] })),
        txt("\"v=spf1 -all\""),
        txt("did=did:key:abc"),
        Err(SendError::Timeout),
        Ok(reply(503, &[], "")),
    ] {
        let steps = [
            (DNS, dns),
            (WEB, ok(format!(" {DID}\n"))),
            (PLC, ok(document(DID, "Alice.net", &format!("{PDS}/")))),
            (CREATE, session(DID)),
            whose(),
        ];
        let (name, sent) = of_alice(&mut None, steps);
        name.unwrap();
        assert_eq!(sent[1].uri(), "https://alice.net/.well-known/atproto-did");
        assert_eq!(hosts(&sent)[3], "pds.alice.net");
    }
}

#[test]
fn a_text_of_dns_may_come_in_parts_or_bare() {
    let (start, end) = DID.split_at(12);
    for data in [format!("\"did={start}\" \"{end}\""), format!("did={DID}")] {
        let mut steps = found_by_dns();
        steps[0] = (DNS, txt(&data));
        of_alice(&mut None, steps.into_iter().chain([whose()]))
            .0
            .unwrap();
    }
}

#[test]
fn an_account_may_be_named_by_its_did_or_be_on_the_web() {
    let by_did = [(BLUESKY_IDENTIFIER, DID)];
    let steps = found_by_dns().into_iter().skip(1).chain([whose()]);
    let (name, sent) = verify(&by_did, &mut None, steps);
    name.unwrap();
    assert_eq!(hosts(&sent)[..2], ["plc.directory", "pds.alice.net"]);

    let did = "did:web:id.alice.net";
    let steps = [
        (DNS, txt(&format!("did={did}"))),
        (
            "GET /.well-known/did.json",
            ok(document(did, "alice.net", PDS)),
        ),
        (CREATE, session(did)),
        whose(),
    ];
    let (name, sent) = of_alice(&mut None, steps);
    name.unwrap();
    assert_eq!(hosts(&sent)[1], "id.alice.net");
}

#[test]
fn nothing_is_looked_up_where_the_settings_say_it_or_for_an_e_mail_address() {
    for (settings, host) in [
        (
            [
                (BLUESKY_IDENTIFIER, "alice.net"),
                (BLUESKY_SERVICE.name, "https://here.net"),
            ],
            "here.net",
        ),
        (
            [
                (BLUESKY_IDENTIFIER, "alice@alice.net"),
                (BLUESKY_SERVICE.name, "auto"),
            ],
            "bsky.social",
        ),
    ] {
        let steps = [(CREATE, session(DID)), whose()];
        let (name, sent) = verify(&settings, &mut None, steps);
        name.unwrap();
        assert_eq!(hosts(&sent), [host, host]);
    }
}

#[test]
fn where_it_is_looked_up_can_be_set() {
    let settings = [
        (BLUESKY_IDENTIFIER, "alice.net"),
        (BLUESKY_DIRECTORY.name, "https://plc.test"),
        (BLUESKY_DNS.name, "http://127.0.0.1:53"),
    ];
    let steps = found_by_dns().into_iter().chain([whose()]);
    let (_, sent) = verify(&settings, &mut None, steps);
    assert_eq!(hosts(&sent)[..2], ["127.0.0.1", "plc.test"]);
}

#[test]
fn a_document_that_does_not_name_the_handle_is_not_believed() {
    for names in [
        json!(["at://bob.net"]),
        json!(["at://bob.net", "at://alice.net"]),
        json!(["https://alice.net"]),
        json!([]),
        json!(null),
        json!("at://alice.net"),
    ] {
        let mut document = document(DID, "alice.net", PDS);
        document["alsoKnownAs"] = names;
        let dns = txt(&format!("did={DID}"));
        let diagnosis = diagnosis_of([(DNS, dns), (PLC, ok(document))]);
        assert_eq!(diagnosis.reason, Reason::Settings);
        assert!(
            diagnosis.message.contains("alice.net"),
            "{}",
            diagnosis.message
        );
        assert!(diagnosis.remedy.contains(BLUESKY_IDENTIFIER));
    }
}

#[test]
fn a_password_goes_to_no_place_that_is_not_of_the_internet() {
    for endpoint in [
        "http://pds.alice.net",
        "https://user@pds.alice.net",
        "https://pds.alice.net:8443",
        "https://pds.alice.net/xrpc",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://0x7f.1",
        "https://[::1]",
        "https://localhost",
        "http://localhost:2583",
        "http://127.0.0.1",
        "https://pds",
        "https://pds.local",
        "https://pds.internal",
        "https://1.0.168.192.in-addr.arpa",
        "ftp://pds.alice.net",
        "pds.alice.net",
        "",
    ] {
        let dns = txt(&format!("did={DID}"));
        let document = document(DID, "alice.net", endpoint);
        let diagnosis = diagnosis_of([(DNS, dns), (PLC, ok(document))]);
        assert_eq!(diagnosis.reason, Reason::Account, "{endpoint}");
        assert!(diagnosis.remedy.contains(BLUESKY_SERVICE.name));
    }
    for handle in [
        "alice.local",
        "alice.internal",
        "alice.localhost",
        "10.0.0.1",
        "alice.arpa",
    ] {
        assert!(!is_public(handle), "{handle}");
    }
    for did in [
        "did:web:localhost%3A80",
        "did:web:10.0.0.1",
        "did:web:a.net:b",
        "did:plc:short",
    ] {
        assert_eq!(valid_did(did), None, "{did}");
    }
}

#[test]
fn a_server_on_this_machine_is_believed_of_a_directory_on_it() {
    let settings = [
        (BLUESKY_IDENTIFIER, "alice.net"),
        (BLUESKY_DIRECTORY.name, "http://127.0.0.1:2582"),
    ];
    let mut steps = found_by_dns();
    steps[1] = (PLC, ok(document(DID, "alice.net", "http://localhost:2583")));
    let (name, sent) = verify(&settings, &mut None, steps.into_iter().chain([whose()]));
    name.unwrap();
    assert_eq!(sent[2].uri().authority().unwrap(), "localhost:2583");
}

#[test]
fn a_handle_that_names_nobody_is_told() {
    for web in [
        not_found(),
        ok("<html>"),
        ok("did:plc:short"),
        ok(""),
        Err(SendError::Connection("no such host".to_owned())),
    ] {
        let diagnosis = diagnosis_of([(DNS, nothing()), (WEB, web)]);
        assert_eq!(diagnosis.reason, Reason::Settings);
        assert_eq!(
            diagnosis.message,
            "No account can be found by the handle alice.net"
        );
        assert!(diagnosis.remedy.contains(BLUESKY_IDENTIFIER));
        assert!(diagnosis.remedy.contains(BLUESKY_SERVICE.name));
    }
    // No request is made for what cannot be one.
    let local = [(BLUESKY_IDENTIFIER, "alice.internal")];
    let (name, sent) = verify(&local, &mut None, []);
    assert_eq!(name.unwrap_err().reason, Reason::Settings);
    assert!(sent.is_empty());
}

#[test]
fn entries_that_name_several_accounts_are_not_chosen_from() {
    let entry = |did: &str| json!({ "type": 16, "data": format!("\"did={did}\"") });
    let both = json!({ "Status": 0, "Answer": [entry(DID), entry(OTHER_DID)] });
    let diagnosis = diagnosis_of([(DNS, ok(both))]);
    assert!(
        diagnosis.message.contains("several accounts"),
        "{}",
        diagnosis.message
    );
    // The same twice is none of that.
    let twice = json!({ "Status": 0, "Answer": [entry(DID), entry(DID)] });
    let mut steps = found_by_dns();
    steps[0] = (DNS, ok(twice));
    of_alice(&mut None, steps.into_iter().chain([whose()]))
        .0
        .unwrap();
}

#[test]
fn an_account_that_the_directory_does_not_know_is_told() {
    for status in [404, 410] {
        let dns = txt(&format!("did={DID}"));
        let diagnosis = diagnosis_of([(DNS, dns), (PLC, Ok(reply(status, &[], "{}")))]);
        assert_eq!(diagnosis.reason, Reason::Account);
        assert!(diagnosis.message.contains(DID), "{}", diagnosis.message);
    }
    for odd in [
        ok("<html>"),
        ok("[]"),
        ok(document(OTHER_DID, "alice.net", PDS)),
        Ok(reply(302, &[], "")),
    ] {
        let dns = txt(&format!("did={DID}"));
        let diagnosis = diagnosis_of([(DNS, dns), (PLC, odd)]);
        assert_eq!(diagnosis.reason, Reason::UnexpectedReply);
        assert!(
            diagnosis.remedy.contains(BLUESKY_DIRECTORY.name),
            "{}",
            diagnosis.remedy
        );
    }
}

#[test]
fn what_passes_is_tried_again() {
    let servfail = || ok(json!({ "Status": 2 }));
    let down = || Ok(reply(503, &[], ""));
    for steps in [
        vec![(DNS, servfail()), (WEB, not_found())],
        vec![(DNS, Err(SendError::Timeout)), (WEB, not_found())],
        vec![(DNS, nothing()), (WEB, down())],
        vec![(DNS, txt(&format!("did={DID}"))), (PLC, down())],
        vec![
            (DNS, txt(&format!("did={DID}"))),
            (PLC, Err(SendError::Timeout)),
        ],
    ] {
        let script = Script::new(steps);
        let settings = [
            (BLUESKY_IDENTIFIER, "alice.net"),
            (BLUESKY_APP_PASSWORD, PASSWORD),
        ];
        let update = block_on(network(&settings).update(
            crate::network::testing::PICTURE,
            &mut None,
            &script,
        ));
        assert_eq!(pause(&update.unwrap().outcome), (60, Reason::Transient));
        script.sent();
    }
}

/// What is kept after a first sign-in whose session has ended since.
fn after_a_session() -> Option<SavedSession> {
    let mut saved_session = None;
    let steps = found_by_dns().into_iter().chain([whose()]);
    of_alice(&mut saved_session, steps).0.unwrap();
    let over = |status| {
        Ok(reply(
            status,
            &[],
            json!({ "error": "ExpiredToken" }).to_string(),
        ))
    };
    let down = Ok(reply(503, &[], ""));
    let steps = [
        (NAME, over(400)),
        ("POST /xrpc/com.atproto.server.refreshSession", over(400)),
        (DNS, txt(&format!("did={DID}"))),
        (PLC, down),
    ];
    of_alice(&mut saved_session, steps).0.unwrap_err();
    let kept = saved_session.clone().unwrap().0;
    assert!(kept.contains(DID) && !kept.contains("a.b.c"), "{kept}");
    saved_session
}

#[test]
fn an_account_that_is_where_it_was_signs_in_anew() {
    let steps = found_by_dns().into_iter().chain([whose()]);
    of_alice(&mut after_a_session(), steps).0.unwrap();
}

#[test]
fn another_account_or_another_server_than_before_stops_the_turn_until_the_owner_has_agreed() {
    let other_plc = "GET /did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    let moved = "https://elsewhere.net";
    for (steps, named, setting) in [
        (
            [
                (DNS, txt(&format!("did={OTHER_DID}"))),
                (other_plc, ok(document(OTHER_DID, "alice.net", PDS))),
            ],
            OTHER_DID,
            BLUESKY_IDENTIFIER,
        ),
        (
            [
                (DNS, txt(&format!("did={DID}"))),
                (PLC, ok(document(DID, "alice.net", moved))),
            ],
            moved,
            BLUESKY_SERVICE.name,
        ),
    ] {
        let mut saved_session = after_a_session();
        let before = saved_session.clone();
        let (name, sent) = of_alice(&mut saved_session, steps);
        let diagnosis = name.unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Account);
        assert!(diagnosis.message.contains(named), "{}", diagnosis.message);
        assert!(diagnosis.remedy.contains(setting) && diagnosis.remedy.contains(named));
        assert!(sent.iter().all(|request| request.method() == "GET"));
        assert_eq!(saved_session, before, "it is known further on");

        // As the remedy says.
        let agreed = [(BLUESKY_IDENTIFIER, "alice.net"), (setting, named)];
        let agreed = &agreed[usize::from(setting == BLUESKY_IDENTIFIER)..];
        let look_up = (setting == BLUESKY_IDENTIFIER)
            .then(|| (other_plc, ok(document(OTHER_DID, "alice.net", PDS))));
        let did = if look_up.is_some() { OTHER_DID } else { DID };
        let steps = look_up.into_iter().chain([(CREATE, session(did)), whose()]);
        verify(agreed, &mut saved_session, steps).0.unwrap();
    }
}

#[test]
fn an_account_that_is_closed_where_it_was_is_told_where_it_has_moved_to() {
    const RENEW: &str = "POST /xrpc/com.atproto.server.refreshSession";
    let said = |words: &str| {
        let body = json!({ "error": "InvalidRequest", "message": words });
        Ok(reply(400, &[], body.to_string()))
    };
    let unknown = || said("Could not find user info for account");
    let deactivated = || {
        let session =
            json!({ "did": DID, "handle": "alice.net", "active": false, "status": "deactivated" });
        vec![(NAME, ok(session))]
    };
    let deleted = || vec![(NAME, unknown()), (NAME, unknown()), (RENEW, unknown())];
    let at = |endpoint: &str| {
        vec![
            (DNS, txt(&format!("did={DID}"))),
            (PLC, ok(document(DID, "alice.net", endpoint))),
        ]
    };
    let gone = || vec![(DNS, txt(&format!("did={DID}"))), (PLC, not_found())];
    let moved = "set BLUESKY_SERVICE to https://elsewhere.net";
    for (closed, looked_up, told) in [
        (deactivated(), at("https://elsewhere.net"), moved),
        (deactivated(), at(PDS), "reactivate"),
        (deactivated(), gone(), "reactivate"),
        (deleted(), at("https://elsewhere.net"), moved),
        (deleted(), at(PDS), "has been deleted"),
        (deleted(), gone(), "has been deleted"),
    ] {
        let mut saved_session = None;
        let steps = found_by_dns().into_iter().chain([whose()]);
        of_alice(&mut saved_session, steps).0.unwrap();
        let before = saved_session.clone();
        let steps = closed.into_iter().chain(looked_up);
        let (name, sent) = of_alice(&mut saved_session, steps);
        let diagnosis = name.unwrap_err();
        assert_eq!(diagnosis.reason, Reason::Account);
        assert!(diagnosis.remedy.contains(told), "{}", diagnosis.remedy);
        assert_fit_to_be_shown(&diagnosis, &[PASSWORD]);
        // The session's token goes to the server it is of, and the password nowhere.
        for request in &sent {
            let is_home = request.uri().host() == Some("pds.alice.net");
            assert_eq!(header(request, "authorization").is_some(), is_home);
            assert!(request.body().is_empty());
        }
        assert_eq!(saved_session, before);
    }
}

#[test]
fn a_session_of_another_account_than_was_found_is_not_kept() {
    let mut steps = found_by_dns();
    steps[2] = (CREATE, session(OTHER_DID));
    let mut saved_session = None;
    let (name, _) = of_alice(&mut saved_session, steps);
    assert_eq!(name.unwrap_err().reason, Reason::UnexpectedReply);
    assert_eq!(saved_session, None);
}

#[test]
fn a_password_that_is_refused_is_told_with_the_server_that_was_asked() {
    let wrong =
        json!({ "error": "AuthenticationRequired", "message": "Invalid identifier or password" });
    let mut steps = found_by_dns();
    steps[2] = (CREATE, Ok(reply(401, &[], wrong.to_string())));
    let mut saved_session = None;
    let (name, _) = of_alice(&mut saved_session, steps);
    let diagnosis = name.unwrap_err();
    assert_eq!(diagnosis.reason, Reason::Credentials);
    for part in [
        PDS,
        BLUESKY_SERVICE.name,
        BLUESKY_IDENTIFIER,
        BLUESKY_APP_PASSWORD,
    ] {
        assert!(diagnosis.remedy.contains(part), "{}", diagnosis.remedy);
    }
    assert_eq!(
        saved_session, None,
        "nothing is believed for good before it has worked once"
    );
}

#[test]
fn a_session_of_an_earlier_version_turns_on() {
    let kept = json!({
        "service": "https://bsky.social",
        "identifier": "alice.net",
        "obtained_at": now().timestamp(),
        "did": DID,
        "accessJwt": "a.b.c",
        "refreshJwt": "d.e.f",
    });
    let mut saved_session = Some(SavedSession(kept.to_string()));
    let (name, sent) = of_alice(&mut saved_session, [whose()]);
    name.unwrap();
    assert_eq!(hosts(&sent), ["bsky.social"]);
}

#[test]
fn it_is_refused_as_an_outcome_too() {
    let script = Script::new([(DNS, nothing()), (WEB, not_found())]);
    let settings = [
        (BLUESKY_IDENTIFIER, "alice.net"),
        (BLUESKY_APP_PASSWORD, PASSWORD),
    ];
    let picture = crate::network::testing::PICTURE;
    let attempt = block_on(network(&settings).update(picture, &mut None, &script)).unwrap();
    assert_eq!(refused(&attempt.outcome).reason, Reason::Settings);
    script.sent();
}

/// Answers whatever is sent with some replies, over and over, and keeps what was sent.
struct Anything {
    replies: Vec<Reply>,
    sent: RefCell<Vec<Request<Vec<u8>>>>,
}

impl Transport for Anything {
    fn send_within(&self, request: Request<Vec<u8>>, _: ReplyLimits) -> Pending<'_, Reply> {
        let mut sent = self.sent.borrow_mut();
        let reply = self.replies[sent.len() % self.replies.len()].clone();
        sent.push(request);
        Box::pin(ready(reply))
    }

    fn now(&self) -> DateTime<Utc> {
        now()
    }
}

fn any_body() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just(format!("\"did={DID}\"")),
        "did=did:(plc|web):[a-z0-9.:%]{0,30}",
        any::<String>(),
    ];
    let endpoint = prop_oneof![
        Just(PDS.to_owned()),
        "(https?|ftp)://[a-z0-9.:@\\[\\]/-]{0,20}",
        "https?://(10\\.0\\.0\\.1|localhost|pds\\.local|pds)(:[0-9]{1,5})?",
        any::<String>(),
    ];
    let good = [txt(DID), session(DID)]
        .map(|reply| String::from_utf8(reply.unwrap().into_body()).unwrap());
    prop_oneof![
        text.prop_map(|text| {
            json!({ "Status": 0, "Answer": [{ "type": 16, "data": text }] }).to_string()
        }),
        endpoint.prop_map(|endpoint| document(DID, "alice.net", &endpoint).to_string()),
        Just(DID.to_owned()),
        proptest::sample::select(good.to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn whatever_is_answered_the_password_goes_to_a_public_host_over_https_or_to_nobody(
        replies in proptest::collection::vec(any_reply(any_body(), &["retry-after"]), 1..8),
    ) {
        let settings = [
            (BLUESKY_IDENTIFIER, "alice.net"),
            (BLUESKY_APP_PASSWORD, PASSWORD),
        ];
        let transport = Anything { replies, sent: RefCell::default() };
        let mut saved_session = None;
        for _ in 0..2 {
            if let Err(diagnosis) = block_on(network(&settings).verify(&mut saved_session, &transport)) {
                assert_fit_to_be_shown(&diagnosis, &[PASSWORD]);
            }
        }
        for request in transport.sent.into_inner() {
            let uri = request.uri();
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            if String::from_utf8_lossy(request.body()).contains(PASSWORD) {
                let host = uri.host().unwrap();
                prop_assert!(uri.port().is_none() && host.contains('.'), "{}", uri);
                prop_assert!(!host.ends_with(|c: char| c.is_ascii_digit()), "{}", uri);
                prop_assert!(host.rsplit('.').next() != Some("local") && !host.contains('['), "{}", uri);
            }
        }
    }
}
