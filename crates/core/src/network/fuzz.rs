//! The fuzz targets `x`, `bluesky`, `mastodon` and `sign_in`: whatever a network replies, a turn ends in an
//! outcome that an owner can read, in bounded time, and sends no secret where none belongs.
//!
//! A network answers here as it does when all is well, except that any of its replies may be
//! another one, or changed: its status, its headers, its JSON, its bytes. `npm run fuzz -- x` runs
//! a target for longer.

mod sign_in;

use std::cell::{Cell, RefCell};
use std::future::ready;

use chrono::{DateTime, TimeDelta, Utc};
use fuzzing::{Change, change, fuzz};
use http::Request;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, Selector, select};
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};

use super::testing::{NOW, PICTURE, Reply, SENT, header, network, now};
use super::{Attempt, Pending, SavedSession, Transport};
use crate::outcome::{Diagnosis, Outcome};
use crate::ports::{ReplyLimits, SendError};
use crate::testing::{KEYS, block_on, reply};

const PASSWORD: &str = "abcd-efgh-ijkl-mnop";
const TOKEN: &str = "ZA-Yj3aBD8U8Cm7lKUp-lm9O9BmDgdhHzDeqsY8tlL0";
const DID: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";

/// What the blob of [`PICTURE`] is called.
const LINK: &str = "bafkreibztbvivd2h7moriwzn4gkgjdlznjgpdexjj5gdkk2mr5wxjyxyui";

/// More requests than any turn makes: on Bluesky, with records that somebody else changes.
const MOST_REQUESTS: usize = 100;

/// More characters than any message has.
const LONGEST_MESSAGE: usize = 600;

/// A network that works, and how it refuses.
struct Service {
    settings: Vec<(&'static str, &'static str)>,
    /// Texts that a message must not have.
    secrets: Vec<&'static str>,
    /// Where requests may go; anywhere by HTTPS if there are none.
    hosts: &'static [&'static str],
    /// The start of a path, and the reply of success. The first that fits counts.
    answers: Vec<(&'static str, Value)>,
    refusals: Vec<(u16, Value)>,
}

/// What happens to one reply.
#[derive(Debug, Clone, Default)]
struct Changed {
    /// Whether it never comes.
    is_lost: bool,
    /// A refusal, or the answer to another request, in its place.
    instead: Option<Selector>,
    status: Option<u16>,
    headers: Vec<(&'static str, String)>,
    /// Values of its JSON that are others.
    values: Vec<(Index, Value)>,
    bytes: Vec<Change>,
}

/// Values of JSON that replies do not have, or not there.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(vec![
            Value::Null,
            json!(true),
            json!(0),
            json!(-1),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!([]),
            json!({}),
            json!([{ "errors": [null, {}] }]),
            json!(SENT),
            json!(format!("Bad token: {SENT}")),
            json!("http://elsewhere.example"),
            json!("https://elsewhere.example/a?b#c"),
            json!("https://127.0.0.1/.well-known/host-meta"),
            json!("https://metadata.google.internal/latest"),
            json!("did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
            json!("did:web:elsewhere.example%3A1"),
            json!("2026-11-22T02:24:45.123Z"),
            json!("x".repeat(3_000)),
            json!("a\r\nb\u{202e}\u{2028}\u{1b}[31m\0"),
        ]),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = select(vec![
        "date",
        "dpop-nonce",
        "retry-after",
        "www-authenticate",
        "ratelimit-reset",
        "x-ratelimit-reset",
        "x-rate-limit-reset",
        "x-rate-limit-remaining",
        "x-user-limit-24hour-reset",
        "x-user-limit-24hour-remaining",
        "x-app-limit-24hour-reset",
        "x-app-limit-24hour-remaining",
        "x-access-level",
    ]);
    let value = prop_oneof![
        Just("0".to_owned()),
        (NOW - 10..NOW + 200_000).prop_map(|seconds| seconds.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9]{1,25}",
        "(Sun|Mon|Xxx), [0-3][0-9] (Nov|Feb) [0-9]{4} [0-2][0-9]:[0-6][0-9]:[0-6][0-9] (GMT|[+]9999)",
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-]99:99)",
        "[ -~]{0,30}",
    ];
    vec((name, value), 0..3)
}

/// Half of the replies as they are.
fn changed() -> impl Strategy<Value = Changed> {
    let status = prop_oneof![
        select(vec![200, 400, 401, 403, 404, 413, 422, 429, 500, 503]),
        100_u16..1_000
    ];
    let changed = (
        prop::bool::weighted(0.05),
        option::weighted(0.3, any::<Selector>()),
        option::weighted(0.3, status),
        headers(),
        vec((any::<Index>(), value()), 0..3),
        option::weighted(0.2, vec(change(), 1..4)),
    );
    let changed = changed.prop_map(
        |(is_lost, instead, status, headers, values, bytes)| Changed {
            is_lost,
            instead,
            status,
            headers,
            values,
            bytes: bytes.unwrap_or_default(),
        },
    );
    prop_oneof![Just(Changed::default()), changed]
}

/// How many values there are in a value, itself among them.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces value number `n`, counted down on the way.
fn replace(value: &mut Value, n: &mut usize, by: &Value) {
    match n.checked_sub(1) {
        None => {
            *n = usize::MAX;
            *value = by.clone();
        }
        Some(left) => {
            *n = left;
            match value {
                Value::Array(items) => items.iter_mut().for_each(|item| replace(item, n, by)),
                Value::Object(members) => {
                    members
                        .values_mut()
                        .for_each(|member| replace(member, n, by));
                }
                _ => {}
            }
        }
    }
}

impl Changed {
    fn reply(&self, service: &Service, request: &Request<Vec<u8>>) -> Reply {
        if self.is_lost {
            return Err(SendError::Timeout);
        }
        let path = request.uri().path_and_query().unwrap().as_str();
        let answer = service
            .answers
            .iter()
            .find(|(start, _)| path.starts_with(start));
        let answer = answer.map_or((404, json!("Not Found")), |(_, body)| (200, body.clone()));
        let others = || {
            let answers = service.answers.iter().map(|(_, body)| (200, body.clone()));
            service.refusals.iter().cloned().chain(answers)
        };
        let (status, mut body) = self
            .instead
            .as_ref()
            .map_or(answer, |it| it.select(others()));
        for (index, value) in &self.values {
            let mut n = index.index(count(&body));
            replace(&mut body, &mut n, value);
        }
        // Some answers are texts.
        let body = body
            .as_str()
            .map_or_else(|| body.to_string(), ToOwned::to_owned);
        let mut bytes = body.replace(SENT, &secret_of(request)).into_bytes();
        for change in &self.bytes {
            change.apply(&mut bytes, &[b"{\"error\":[]}".to_vec()]);
        }
        let mut reply = reply(self.status.unwrap_or(status), &[], bytes);
        for (name, value) in &self.headers {
            reply.headers_mut().append(*name, value.parse().unwrap());
        }
        Ok(reply)
    }
}

/// The secret that a request came with, or nothing.
fn secret_of(request: &Request<Vec<u8>>) -> String {
    let bearer = header(request, "authorization")
        .map(|text| text.replace("Bearer ", "").replace("DPoP ", ""));
    bearer.unwrap_or_else(|| {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let password = body["password"].as_str().map(ToOwned::to_owned);
        let mut form = form_urlencoded::parse(request.body());
        let names = ["client_secret", "code", "refresh_token", "token"];
        let mut in_form = || form.find(|(name, _)| names.contains(&name.as_ref()));
        let secret = password.or_else(|| in_form().map(|(_, secret)| secret.into_owned()));
        secret.unwrap_or_default()
    })
}

/// Sends each request to the service, which changes its replies in turn.
struct Line<'a> {
    service: &'a Service,
    changed: &'a [Changed],
    now: Cell<DateTime<Utc>>,
    sent: RefCell<Vec<Request<Vec<u8>>>>,
}

impl Transport for Line<'_> {
    fn send_within(&self, request: Request<Vec<u8>>, _: ReplyLimits) -> Pending<'_, Reply> {
        let mut sent = self.sent.borrow_mut();
        let changed = &self.changed[sent.len() % self.changed.len()];
        let reply = changed.reply(self.service, &request);
        sent.push(request);
        assert!(sent.len() <= MOST_REQUESTS, "too many requests");
        Box::pin(ready(reply))
    }

    fn now(&self) -> DateTime<Utc> {
        self.now.get()
    }
}

impl Line<'_> {
    /// Takes what was sent so far, and checks where it went.
    fn check_sent(&self) -> TestCaseResult {
        for request in self.sent.take() {
            let uri = request.uri();
            let host = uri.host().unwrap_or_default();
            let hosts = self.service.hosts;
            prop_assert_eq!(uri.scheme_str(), Some("https"), "{}", uri);
            prop_assert!(hosts.is_empty() || hosts.contains(&host), "{}", uri);
            let has_password = String::from_utf8_lossy(request.body()).contains(PASSWORD);
            let signs_in = uri.path().ends_with("createSession");
            prop_assert!(!has_password || signs_in, "{}", uri);
        }
        Ok(())
    }
}

/// Checks a text that an owner is shown.
fn check_shown(text: &str, service: &Service) -> TestCaseResult {
    let breaks_a_line =
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}');
    prop_assert!(!text.is_empty());
    prop_assert!(!text.contains(breaks_a_line), "{:?}", text);
    prop_assert!(text.chars().count() <= LONGEST_MESSAGE, "{}", text);
    for secret in &service.secrets {
        prop_assert!(!text.contains(secret), "{} is in {}", secret, text);
    }
    Ok(())
}

fn check_diagnosis(diagnosis: &Diagnosis, service: &Service) -> TestCaseResult {
    check_shown(&diagnosis.message, service)?;
    check_shown(&diagnosis.remedy, service)
}

fn check_attempt(attempt: &Attempt, service: &Service, now: DateTime<Utc>) -> TestCaseResult {
    match &attempt.outcome {
        Outcome::Turned => {}
        Outcome::Retry { at, diagnosis } => {
            prop_assert!(*at > now, "{} is over", at);
            prop_assert!(*at <= now + TimeDelta::days(1), "{} is too late", at);
            check_diagnosis(diagnosis, service)?;
        }
        Outcome::Refused(diagnosis) => check_diagnosis(diagnosis, service)?,
        other => prop_assert!(false, "an attempt ends in {:?}", other),
    }
    for text in attempt.account.iter().chain(&attempt.note) {
        check_shown(text, service)?;
    }
    Ok(())
}

/// Runs turns, and all else that an owner can ask of a network. The session that one step saves
/// is read by the next, which `damage` may change, as another version of the program might.
fn check(
    service: &Service,
    changed: &[Changed],
    minutes: &[i64],
    damage: &[Change],
) -> TestCaseResult {
    let network = network(&service.settings);
    let line = Line {
        service,
        changed,
        now: Cell::new(now()),
        sent: RefCell::default(),
    };
    let mut saved = None;
    for later in minutes {
        let now = line.now() + TimeDelta::minutes(*later);
        line.now.set(now);
        match block_on(network.update(PICTURE, &mut saved, &line)) {
            Ok(attempt) => check_attempt(&attempt, service, now)?,
            Err(diagnosis) => check_diagnosis(&diagnosis, service)?,
        }
        line.check_sent()?;
        if let Some(SavedSession(text)) = saved.as_mut().filter(|_| !damage.is_empty()) {
            let mut bytes = text.clone().into_bytes();
            for change in damage {
                change.apply(&mut bytes, &[b"null".to_vec()]);
            }
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    match block_on(network.verify(&mut saved, &line)) {
        Ok(verified) => {
            for text in verified.account.iter().chain(&verified.notes) {
                check_shown(text, service)?;
            }
        }
        Err(diagnosis) => check_diagnosis(&diagnosis, service)?,
    }
    line.check_sent()?;
    if let Err(diagnosis) = block_on(network.remove_frames(&mut saved, &line)) {
        check_diagnosis(&diagnosis, service)?;
    }
    line.check_sent()?;
    block_on(network.end(&mut saved, &line));
    line.check_sent()
}

/// Runs a target with one of some services.
fn fuzz_services(services: &[Service]) {
    for service in services {
        // As long as nothing is changed, all goes well.
        let line = Line {
            service,
            changed: &[Changed::default()],
            now: Cell::new(now()),
            sent: RefCell::default(),
        };
        let network = network(&service.settings);
        let attempt = block_on(network.update(PICTURE, &mut None, &line)).unwrap();
        assert_eq!(attempt.outcome, Outcome::Turned);
    }
    let input = (
        any::<Selector>(),
        vec(changed(), 1..12),
        vec(0_i64..3_000, 1..4),
        option::weighted(0.1, vec(change(), 1..4)),
    );
    fuzz(3_000, &input, |(service, changed, minutes, damage)| {
        let damage = damage.as_deref().unwrap_or_default();
        check(service.select(services), changed, minutes, damage)
    });
}

#[test]
fn fuzz_x_replies() {
    let services = ["1.1", "2", "auto"].map(|api| Service {
        settings: [KEYS.as_slice(), &[("X_API", api)]].concat(),
        secrets: KEYS.map(|(_, secret)| secret).to_vec(),
        hosts: &["api.x.com"],
        answers: vec![
            (
                "/1.1/account/",
                json!({ "id": 6_253_282, "screen_name": "XAPI", "name": "X API" }),
            ),
            (
                "/2/media/upload",
                json!({ "data": {
                    "id": "1146654567674912769",
                    "expires_after_secs": 86_400,
                    "processing_info": { "state": "succeeded", "check_after_secs": 1 },
                } }),
            ),
            ("/2/users/me/profile_image", json!({ "data": {} })),
            (
                "/2/users/me",
                json!({ "data": { "id": "6253282", "username": "XAPI", "name": "X API" } }),
            ),
        ],
        refusals: [
            (401, 32),
            (403, 64),
            (403, 453),
            (400, 131),
            (404, 34),
            (429, 88),
        ]
        .map(|(status, code)| {
            let body = json!({ "errors": [{ "code": code, "message": "No." }] });
            (status, body)
        })
        .into_iter()
        .chain([(
            403,
            json!({
                "title": "Forbidden",
                "type": "https://api.twitter.com/2/problems/client-forbidden",
                "detail": format!("Not for {SENT}"),
                "status": 403,
            }),
        )])
        .collect(),
    });
    fuzz_services(&services);
}

#[test]
fn fuzz_bluesky_replies() {
    let blob = json!({
        "$type": "blob", "ref": { "$link": LINK }, "mimeType": "image/jpeg", "size": 7,
    });
    let session = json!({
        "did": DID,
        "handle": "alice.net",
        "accessJwt": "eyJhbGciOiJIUzI1NiJ9.access.one",
        "refreshJwt": "eyJhbGciOiJIUzI1NiJ9.refresh.one",
        "active": true,
    });
    let document = json!({
        "id": DID,
        "alsoKnownAs": ["at://alice.net"],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.alice.net",
        }],
    });
    let profile = json!({
        "uri": format!("at://{DID}/app.bsky.actor.profile/self"),
        "cid": "bafyreiprofile",
        "value": {
            "$type": "app.bsky.actor.profile",
            "avatar": { "$type": "blob", "ref": { "$link": "bafkreiold" }, "mimeType": "image/png", "size": 9 },
            "example.unknown": [null, true, -1, { "$bytes": "AA==" }],
        },
    });
    let frames = json!({
        "uri": format!("at://{DID}/app.rotate-icon.frames/self"),
        "cid": "bafyreiframes",
        "value": { "$type": "app.rotate-icon.frames", "set": "set", "frames": [blob, blob] },
    });
    let refusals = [
        (400, "ExpiredToken"),
        (400, "RecordNotFound"),
        (400, "InvalidSwap"),
        (400, "BlobTooLarge"),
        (401, "AuthenticationRequired"),
        (401, "AccountTakedown"),
        (429, "RateLimitExceeded"),
        (502, "UpstreamFailure"),
    ];
    let services = [
        ("auto", [].as_slice()),
        ("https://bsky.social", &["bsky.social"]),
    ]
    .map(|(service, hosts)| Service {
        settings: vec![
            ("BLUESKY_SERVICE", service),
            ("BLUESKY_IDENTIFIER", "alice.net"),
            ("BLUESKY_APP_PASSWORD", PASSWORD),
        ],
        secrets: vec![PASSWORD],
        hosts,
        answers: vec![
            (
                "/dns-query",
                json!({ "Status": 0, "Answer": [{
                    "name": "_atproto.alice.net", "type": 16, "TTL": 300,
                    "data": format!("\"did={DID}\""),
                }] }),
            ),
            ("/.well-known/atproto-did", json!(DID)),
            ("/did:plc:", document.clone()),
            ("/xrpc/com.atproto.server.deleteSession", json!("")),
            ("/xrpc/com.atproto.server.", session.clone()),
            (
                "/xrpc/com.atproto.repo.uploadBlob",
                json!({ "blob": blob.clone() }),
            ),
            (
                "/xrpc/com.atproto.repo.putRecord",
                json!({ "uri": "at://a/b/self", "cid": "bafyreinew" }),
            ),
            ("/xrpc/com.atproto.repo.deleteRecord", json!({})),
            (
                "/xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Az72i7hdynmk6r22z27h6tvur&\
                 collection=app.rotate-icon",
                frames.clone(),
            ),
            ("/xrpc/com.atproto.repo.getRecord", profile.clone()),
        ],
        refusals: refusals
            .map(|(status, error)| (status, json!({ "error": error, "message": "No." })))
            .to_vec(),
    });
    fuzz_services(&services);
}

#[test]
fn fuzz_mastodon_replies() {
    let refusals = [
        (401, "The access token is invalid"),
        (403, "This action is outside the authorized scopes"),
        (404, "Record not found"),
        (422, "Validation failed: Avatar is too big"),
        (429, "Too many requests"),
        (503, "Remote data could not be fetched"),
    ];
    fuzz_services(&[Service {
        settings: vec![
            ("MASTODON_SERVER", "https://mastodon.example"),
            ("MASTODON_ACCESS_TOKEN", TOKEN),
        ],
        secrets: vec![TOKEN],
        hosts: &["mastodon.example"],
        answers: vec![
            (
                "/api/v1/accounts/",
                json!({ "id": "14715", "username": "trwnh", "acct": "trwnh", "source": {} }),
            ),
            (
                "/api/v1/apps/",
                json!({ "name": "Icon", "website": null, "scopes": ["read", "write:accounts"] }),
            ),
        ],
        refusals: refusals
            .map(|(status, error)| (status, json!({ "error": error })))
            .to_vec(),
    }]);
}
