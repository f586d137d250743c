//! Bluesky: the server of one account of the AT Protocol, with its sessions, its profile and its
//! blobs.

mod cid;
mod faults;
mod profile;
mod session;

use std::collections::HashMap;

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

pub(super) use self::faults::FAULTS;
use self::profile::{Blob, Repository};
use self::session::{Kind, Sessions, Tokens};
use super::answer::{Answer, Refusal, Rejection};
use super::faults::{Delivery, Fault};
use super::form;
use super::incoming::Incoming;
use super::network::Network;
use super::payload::essence;
use super::rate_limit::{Left, Window, tighter};
use super::state::{Accepted, Judged, Simulator};
use crate::text::quoted;

const CREATE_SESSION: &str = "com.atproto.server.createSession";
const REFRESH_SESSION: &str = "com.atproto.server.refreshSession";
const GET_SESSION: &str = "com.atproto.server.getSession";
const GET_RECORD: &str = "com.atproto.repo.getRecord";
const UPLOAD_BLOB: &str = "com.atproto.repo.uploadBlob";
const PUT_RECORD: &str = "com.atproto.repo.putRecord";

/// What is answered, by name.
pub(super) const ENDPOINTS: [&str; 6] = [
    CREATE_SESSION,
    REFRESH_SESSION,
    GET_SESSION,
    GET_RECORD,
    UPLOAD_BLOB,
    PUT_RECORD,
];

/// Where profiles are kept, and what they are.
const COLLECTION: &str = "app.bsky.actor.profile";
/// The key of the one profile.
const RKEY: &str = "self";

/// The most bytes of a body in JSON.
const LARGEST_JSON: usize = 150 * 1024;
/// The most bytes of a blob.
const LARGEST_BLOB: usize = 5 * 1024 * 1024;

const ACCOUNT_TAKEDOWN: Refusal =
    Refusal::named(401, "AccountTakedown", "Account has been taken down");
const AUTH_FACTOR_TOKEN_REQUIRED: Refusal = Refusal::named(
    401,
    "AuthFactorTokenRequired",
    "A sign in code has been sent to your email address",
);
const AUTH_MISSING: Refusal = Refusal::named(401, "AuthMissing", "Authentication Required");
const AUTHENTICATION_REQUIRED: Refusal =
    Refusal::named(401, "AuthenticationRequired", "Authentication Required");
const BLOB_NOT_FOUND: Refusal = Refusal::named(400, "BlobNotFound", "Could not find blob");
const EXPIRED_TOKEN: Refusal = Refusal::named(400, "ExpiredToken", "Token has expired");
const INVALID_LOGIN: Refusal = Refusal::named(
    401,
    "AuthenticationRequired",
    "Invalid identifier or password",
);
const INVALID_MIME_TYPE: Refusal =
    Refusal::named(400, "InvalidMimeType", "Wrong type of file for an avatar");
const INVALID_REQUEST: Refusal = Refusal::named(400, "InvalidRequest", "Invalid Request");
const INVALID_SIZE: Refusal = Refusal::named(400, "InvalidSize", "This file is too large");
const INVALID_SWAP: Refusal = Refusal::named(400, "InvalidSwap", "Record was at another version");
const INVALID_TOKEN: Refusal = Refusal::named(400, "InvalidToken", "Token could not be verified");
const METHOD_NOT_IMPLEMENTED: Refusal =
    Refusal::named(501, "MethodNotImplemented", "Method Not Implemented");
const PAYLOAD_TOO_LARGE: Refusal =
    Refusal::named(413, "PayloadTooLarge", "request entity too large");
const RATE_LIMIT_EXCEEDED: Refusal =
    Refusal::named(429, "RateLimitExceeded", "Rate Limit Exceeded");
const RECORD_NOT_FOUND: Refusal = Refusal::named(400, "RecordNotFound", "Could not locate record");

/// Whose account it is.
pub(super) struct Login {
    /// The handle, the DID or the e-mail address.
    pub(super) identifier: String,
    pub(super) password: String,
    /// Whether there is a profile at first.
    pub(super) with_profile: bool,
}

/// The server.
pub(super) struct Bluesky {
    limits: Limits,
    account: Account,
}

/// The account. A request is judged on a copy of it, which is kept if the request has an effect.
#[derive(Clone)]
struct Account {
    did: String,
    handle: String,
    email: Option<String>,
    password: String,
    sessions: Sessions,
    repository: Repository,
    /// After how many more reads another client changes the record.
    changes: u64,
}

/// What the control routes may change; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Another client puts this record; `null` deletes it.
    #[serde(default, deserialize_with = "present")]
    record: Option<Value>,
    /// Another client changes the record right after each of so many `getRecord`s.
    #[serde(rename = "change_after_get")]
    after_get: Option<u64>,
    /// The new app password. Sessions that began with the old one end.
    password: Option<String>,
    handle: Option<String>,
    /// `access`: the access tokens are too old; `session`: the refresh tokens too.
    expire: Option<Expire>,
    /// Drops the blobs that no record refers to, however young.
    #[serde(default)]
    collect_garbage: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expire {
    Access,
    Session,
}

/// A member that is there, even if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Bluesky {
    /// A server with one account, to which nothing has happened yet.
    pub(super) fn new(login: Login) -> Self {
        let identifier = login.identifier.to_lowercase();
        let (did, handle, email) = if identifier.starts_with("did:") {
            (identifier, "local.test".to_owned(), None)
        } else if identifier.contains('@') {
            (
                did_of(&identifier),
                "local.test".to_owned(),
                Some(identifier),
            )
        } else {
            (did_of(&identifier), identifier, None)
        };
        Self {
            limits: Limits::new(),
            account: Account {
                did,
                handle,
                email,
                password: login.password,
                sessions: Sessions::new(),
                repository: Repository::new(login.with_profile),
                changes: 0,
            },
        }
    }

    /// Whose account it is.
    pub(super) fn handle(&self) -> &str {
        &self.account.handle
    }

    /// The account as the control routes show it, without anything secret.
    pub(super) fn describe(&self, now: DateTime<Utc>) -> Value {
        let account = &self.account;
        json!({
            "did": account.did,
            "handle": account.handle,
            "record": account.repository.record.as_ref().map(|record| account.record(record)),
            "blobs": account.repository.list_blobs(),
            "sessions": account.sessions.count(now),
            "change_after_get": account.changes,
        })
    }

    /// Changes the account as somebody else would.
    pub(super) fn change(&mut self, change: Change, now: DateTime<Utc>) -> Result<(), String> {
        let account = &mut self.account;
        if let Some(record) = change.record {
            let record = match record {
                Value::Null => None,
                Value::Object(members) => Some(members),
                _ => return Err("a record is an object, or null for none".to_owned()),
            };
            account.repository.overwrite(record)?;
        }
        if let Some(count) = change.after_get {
            account.changes = count;
        }
        if let Some(password) = change.password {
            account.password = password;
            account.sessions.revoke();
        }
        if let Some(handle) = change.handle {
            account.handle = handle.to_lowercase();
        }
        match change.expire {
            None => {}
            Some(Expire::Access) => account.sessions.expire(Kind::Access, now),
            Some(Expire::Session) => {
                account.sessions.expire(Kind::Access, now);
                account.sessions.expire(Kind::Refresh, now);
            }
        }
        if change.collect_garbage {
            account.repository.collect_garbage(None);
        }
        Ok(())
    }
}

/// A DID in the shape of the usual ones.
fn did_of(identifier: &str) -> String {
    let digest = digest(&SHA256, identifier.as_bytes());
    let text = BASE32_NOPAD.encode(digest.as_ref()).to_ascii_lowercase();
    format!("did:plc:{}", text.get(..24).unwrap_or_default())
}

/// Judges a request, records it and says what to do for it.
pub(super) fn receive(simulator: &Simulator, incoming: &Incoming) -> Delivery {
    let asked = incoming.path.strip_prefix("/xrpc/").unwrap_or_default();
    let endpoint = ENDPOINTS.into_iter().find(|known| *known == asked);
    // Looked at before the state is locked, since that takes its time.
    let blob = match endpoint {
        Some(UPLOAD_BLOB) => Some(blob_in(incoming)),
        _ => None,
    };
    let picture = match &blob {
        Some(Ok(blob)) => Some(blob.picture.clone()),
        _ => None,
    };

    let now = simulator.clock.now();
    let mut state = simulator.state();
    let fault = endpoint.and_then(|endpoint| state.faults.take(Network::Bluesky, endpoint));
    let bluesky = &mut state.bluesky;
    bluesky.account.repository.collect_garbage(Some(now));
    let request = Request {
        incoming,
        endpoint,
        now,
    };
    let mut account = bluesky.account.clone();
    let mut left = bluesky.limits.take_request(now);
    let outcome = if left.exceeded {
        Err(RATE_LIMIT_EXCEEDED.because("more than 3,000 requests in 5 minutes"))
    } else {
        request.judge(&mut account, &mut bluesky.limits, &mut left, blob)
    };
    if fault.is_none_or(Fault::lets_pass) {
        bluesky.account = account;
    }
    let judged = Judged {
        network: Network::Bluesky,
        endpoint,
        fault,
        outcome,
        headers: rate_headers(left),
        cut_off: None,
        body: kind_of_body(incoming),
        oauth: None,
        picture,
    };
    state.settle(judged, now)
}

/// The limits of a server, and what was used of them.
struct Limits {
    requests: Window,
    /// Sessions begun, by identifier: in five minutes and in a day.
    sessions: HashMap<String, [Window; 2]>,
    /// What was written, in points: in an hour and in a day.
    writes: [Window; 2],
}

impl Limits {
    fn new() -> Self {
        Self {
            requests: Window::of(3_000, 5 * 60),
            sessions: HashMap::new(),
            writes: [Window::of(5_000, 60 * 60), Window::of(35_000, 24 * 60 * 60)],
        }
    }

    fn take_request(&mut self, now: DateTime<Utc>) -> Left {
        self.requests.take(1, now)
    }

    fn take_session(&mut self, identifier: &str, now: DateTime<Utc>) -> Left {
        // Made-up identifiers are not kept for ever.
        if self.sessions.len() > 1_000 {
            self.sessions.clear();
        }
        let [short, long] = self
            .sessions
            .entry(identifier.to_owned())
            .or_insert_with(|| [Window::of(30, 5 * 60), Window::of(300, 24 * 60 * 60)]);
        tighter(short.take(1, now), long.take(1, now))
    }

    fn take_write(&mut self, now: DateTime<Utc>) -> Left {
        let [short, long] = &mut self.writes;
        tighter(short.take(2, now), long.take(2, now))
    }
}

/// The headers that tell how much of a limit is left.
fn rate_headers(left: Left) -> HeaderMap {
    let policy = format!("{};w={}", left.limit.points, left.limit.seconds);
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("ratelimit-limit"),
        HeaderValue::from(left.limit.points),
    );
    headers.insert(
        HeaderName::from_static("ratelimit-remaining"),
        HeaderValue::from(left.remaining),
    );
    headers.insert(
        HeaderName::from_static("ratelimit-reset"),
        HeaderValue::from(left.reset),
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(HeaderName::from_static("ratelimit-policy"), policy);
    }
    headers
}

fn kind_of_body(incoming: &Incoming) -> &'static str {
    match (incoming.raw.length, content_type(incoming).as_deref()) {
        (0, _) => "none",
        (_, Ok("application/json")) => "json",
        (_, Ok(other)) if other.starts_with("image/") => "picture",
        _ => "other",
    }
}

/// The one media type that is declared, without its parameters.
fn content_type(incoming: &Incoming) -> Result<String, Rejection> {
    let mut all = incoming.headers.get_all(CONTENT_TYPE).iter();
    let missing =
        || INVALID_REQUEST.saying("Request encoding (Content-Type) required but not provided");
    let one = all.next().ok_or_else(missing)?;
    if all.next().is_some() {
        return Err(INVALID_REQUEST.because("there are two Content-Type headers"));
    }
    let essence = one.to_str().map(essence).unwrap_or_default();
    if essence.is_empty() {
        return Err(missing());
    }
    Ok(essence)
}

fn check_body(incoming: &Incoming, largest: usize) -> Result<(), Rejection> {
    let raw = &incoming.raw;
    if raw.broke_off {
        return Err(INVALID_REQUEST.because("the body broke off before its end"));
    }
    if raw.length > largest {
        return Err(PAYLOAD_TOO_LARGE.because(format!(
            "the body has {} bytes, more than {largest}",
            raw.length
        )));
    }
    Ok(())
}

/// The bytes that are uploaded.
fn blob_in(incoming: &Incoming) -> Result<Blob, Rejection> {
    let declared = content_type(incoming)?;
    check_body(incoming, LARGEST_BLOB)?;
    if incoming.raw.length == 0 {
        return Err(INVALID_REQUEST.saying("A request body is expected but none was provided"));
    }
    if declared.split('/').count() != 2 {
        return Err(INVALID_REQUEST.because(format!("{} is no media type", quoted(&declared))));
    }
    Ok(Blob::of(incoming.raw.bytes.clone(), &declared))
}

/// A request on its way to its answer.
struct Request<'a> {
    incoming: &'a Incoming,
    endpoint: Option<&'static str>,
    now: DateTime<Utc>,
}

impl Request<'_> {
    fn judge(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
        blob: Option<Result<Blob, Rejection>>,
    ) -> Result<Accepted, Rejection> {
        let Some(endpoint) = self.endpoint else {
            let path = quoted(&self.incoming.path);
            return Err(METHOD_NOT_IMPLEMENTED.because(format!(
                "there is only /xrpc/ with {}, not {path}",
                ENDPOINTS.join(", ")
            )));
        };
        self.check_method(endpoint)?;
        match endpoint {
            CREATE_SESSION => self.create_session(account, limits, left),
            REFRESH_SESSION => self.refresh_session(account),
            GET_SESSION => self.get_session(account),
            GET_RECORD => self.get_record(account),
            UPLOAD_BLOB => {
                self.authenticate(account, Kind::Access)?;
                let Some(blob) = blob else {
                    return Err(INVALID_REQUEST.because("there are no bytes"));
                };
                let blob = blob?;
                let summary = format!("uploaded {}", blob.picture.facts.summary());
                let blob = account.repository.upload(blob, self.now);
                Ok(Accepted::new(
                    Answer::json(200, &json!({ "blob": blob })),
                    summary,
                ))
            }
            _ => self.put_record(account, limits, left),
        }
    }

    fn check_method(&self, endpoint: &str) -> Result<(), Rejection> {
        let expected = match endpoint {
            GET_SESSION | GET_RECORD => "GET",
            _ => "POST",
        };
        let method = &self.incoming.method;
        if method != expected {
            let message = format!("Incorrect HTTP method ({method}) expected {expected}");
            return Err(INVALID_REQUEST.saying(message));
        }
        if expected == "GET" && self.incoming.raw.length > 0 {
            return Err(INVALID_REQUEST.because("there is a body with a GET request"));
        }
        if endpoint != GET_RECORD && !self.incoming.query.is_empty() {
            return Err(INVALID_REQUEST.because("this takes no parameters in the query"));
        }
        Ok(())
    }

    fn authenticate(&self, account: &Account, kind: Kind) -> Result<String, Rejection> {
        account.sessions.authenticate(self.incoming, kind, self.now)
    }

    /// The body as a JSON object with no other members than these.
    fn json(&self, known: &[&str]) -> Result<Map<String, Value>, Rejection> {
        let declared = content_type(self.incoming)?;
        if declared != "application/json" {
            let message = format!("Wrong request encoding (Content-Type): {declared}");
            return Err(INVALID_REQUEST.saying(message));
        }
        check_body(self.incoming, LARGEST_JSON)?;
        let members: Map<String, Value> = serde_json::from_slice(&self.incoming.raw.bytes)
            .map_err(|error| {
                let error = quoted(&error.to_string());
                INVALID_REQUEST.because(format!("the body is no object in JSON: {error}"))
            })?;
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(members),
            Some(name) => {
                let name = quoted(name);
                Err(INVALID_REQUEST.because(format!("there is no member {name}")))
            }
        }
    }

    fn create_session(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
    ) -> Result<Accepted, Rejection> {
        let body = self.json(&[
            "identifier",
            "password",
            "authFactorToken",
            "allowTakendown",
        ])?;
        let identifier = required(&body, "identifier")?;
        let password = required(&body, "password")?;
        *left = limits.take_session(identifier, self.now);
        if left.exceeded {
            return Err(RATE_LIMIT_EXCEEDED.because(format!(
                "more than {} sessions begun in {} s",
                left.limit.points, left.limit.seconds
            )));
        }
        if !account.answers_to(&identifier.to_lowercase()) {
            return Err(INVALID_LOGIN.because("the identifier is unknown"));
        }
        if password != account.password {
            return Err(INVALID_LOGIN.because("the password is wrong"));
        }
        let tokens = account.sessions.begin(&account.did, self.now);
        let answer = self.session(account, &tokens);
        Ok(Accepted::new(answer, "began a session"))
    }

    fn refresh_session(&self, account: &mut Account) -> Result<Accepted, Rejection> {
        let id = self.authenticate(account, Kind::Refresh)?;
        if self.incoming.raw.length > 0 || self.incoming.headers.contains_key(CONTENT_TYPE) {
            let message = "A request body was provided when none was expected";
            return Err(INVALID_REQUEST.saying(message));
        }
        let tokens = account.sessions.refresh(&id, &account.did, self.now);
        let answer = self.session(account, &tokens);
        Ok(Accepted::new(answer, "refreshed the session"))
    }

    fn get_session(&self, account: &Account) -> Result<Accepted, Rejection> {
        self.authenticate(account, Kind::Access)?;
        let answer = Answer::json(200, &Value::Object(self.owner(account)));
        Ok(Accepted::new(answer, "told whose session it is"))
    }

    fn owner(&self, account: &Account) -> Map<String, Value> {
        let (did, handle) = (&account.did, &account.handle);
        let document = json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": did,
            "alsoKnownAs": [format!("at://{handle}")],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": format!("http://{}", self.incoming.host()),
            }],
        });
        [
            ("did", json!(did)),
            ("handle", json!(handle)),
            ("didDoc", document),
            ("active", json!(true)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }

    fn session(&self, account: &Account, tokens: &Tokens) -> Answer {
        let mut body = self.owner(account);
        body.insert("accessJwt".to_owned(), json!(tokens.access));
        body.insert("refreshJwt".to_owned(), json!(tokens.refresh));
        Answer::json(200, &Value::Object(body))
    }

    fn get_record(&self, account: &mut Account) -> Result<Accepted, Rejection> {
        let query = form::decode(self.incoming.query.as_bytes()).map_err(|reason| {
            INVALID_REQUEST.because(format!("the query is badly encoded: {reason}"))
        })?;
        let value = |name: &str| {
            let mut values = query.iter().filter(|(known, _)| known == name);
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Ok(value.as_str()),
                (None, _) => Err(INVALID_REQUEST
                    .saying(format!("Error: Params must have the property \"{name}\""))),
                (Some(_), Some(_)) => {
                    Err(INVALID_REQUEST.because(format!("{name} is given twice")))
                }
            }
        };
        let (repo, collection, rkey) = (value("repo")?, value("collection")?, value("rkey")?);
        let known = |name: &str| ["repo", "collection", "rkey", "cid"].contains(&name);
        if let Some((name, _)) = query.iter().find(|(name, _)| !known(name)) {
            let name = quoted(name);
            return Err(INVALID_REQUEST.because(format!("there is no parameter {name}")));
        }
        if !account.owns(repo) {
            return Err(INVALID_REQUEST.saying(format!("Could not find repo: {repo}")));
        }
        let uri = account.uri(collection, rkey);
        let missing = || RECORD_NOT_FOUND.saying(format!("Could not locate record: {uri}"));
        let record = account
            .repository
            .record
            .as_ref()
            .filter(|_| collection == COLLECTION && rkey == RKEY);
        let found = match record {
            Some(record) if value("cid").is_ok_and(|cid| cid != record.cid) => Err(missing()),
            Some(record) => Ok(Answer::json(200, &account.record(record))),
            None => Err(missing()),
        };
        if account.changes > 0 {
            account.repository.touch(account.changes);
            account.changes -= 1;
        }
        found.map(|answer| Accepted::new(answer, "told the record"))
    }

    fn put_record(
        &self,
        account: &mut Account,
        limits: &mut Limits,
        left: &mut Left,
    ) -> Result<Accepted, Rejection> {
        self.authenticate(account, Kind::Access)?;
        let body = self.json(&[
            "repo",
            "collection",
            "rkey",
            "validate",
            "record",
            "swapRecord",
            "swapCommit",
        ])?;
        let (repo, collection) = (required(&body, "repo")?, required(&body, "collection")?);
        let rkey = required(&body, "rkey")?;
        let Some(Value::Object(record)) = body.get("record") else {
            return Err(INVALID_REQUEST.saying("Input/record must be an object"));
        };
        *left = limits.take_write(self.now);
        if left.exceeded {
            return Err(
                RATE_LIMIT_EXCEEDED.because("more was written than an hour or a day allows")
            );
        }
        if !account.owns(repo) {
            return Err(AUTHENTICATION_REQUIRED.because("the repo is not that of the session"));
        }
        if collection != COLLECTION || rkey != RKEY {
            return Err(INVALID_REQUEST.because(format!(
                "the profile is {COLLECTION} {RKEY}, not {} {}",
                quoted(collection),
                quoted(rkey)
            )));
        }
        if body.get("validate").is_some_and(|value| value == false) {
            return Err(INVALID_REQUEST.because("“validate” is false: mistakes would go unseen"));
        }
        let (icon, changed) = account.repository.put(record, body.get("swapRecord"))?;
        let cid = account.repository.record.as_ref().map(|record| &record.cid);
        let mut answer = json!({
            "uri": account.uri(COLLECTION, RKEY),
            "cid": cid,
            "validationStatus": "valid",
        });
        if changed && let Some(members) = answer.as_object_mut() {
            let commit = json!({ "cid": cid, "rev": revision(self.now) });
            members.insert("commit".to_owned(), commit);
        }
        let summary = match &icon {
            Some(picture) => format!("frame {}", picture.facts.summary()),
            None => "a profile without a picture".to_owned(),
        };
        Ok(Accepted {
            answer: Answer::json(200, &answer),
            summary,
            icon,
        })
    }
}

impl Account {
    fn owns(&self, repo: &str) -> bool {
        repo == self.did || repo.eq_ignore_ascii_case(&self.handle)
    }

    fn answers_to(&self, identifier: &str) -> bool {
        self.owns(identifier) || self.email.as_deref() == Some(identifier)
    }

    fn uri(&self, collection: &str, rkey: &str) -> String {
        format!("at://{}/{collection}/{rkey}", self.did)
    }

    fn record(&self, record: &profile::Record) -> Value {
        json!({
            "uri": self.uri(COLLECTION, RKEY),
            "cid": record.cid,
            "value": record.value,
        })
    }
}

/// A member of the body that has to be a text.
fn required<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Rejection> {
    match body.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(INVALID_REQUEST.saying(format!("Input/{name} must be a string"))),
        None => Err(INVALID_REQUEST.saying(format!("Input must have the property \"{name}\""))),
    }
}

/// The time as revisions have it: 13 digits that sort as text.
fn revision(now: DateTime<Utc>) -> String {
    const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    // The time in microseconds, and ten bits that tell clocks apart.
    let number = now.timestamp_micros().cast_unsigned() << 10;
    (0..13_u32)
        .rev()
        .filter_map(|place| usize::try_from(number >> (5 * place) & 31).ok())
        .filter_map(|digit| DIGITS.get(digit).copied())
        .map(char::from)
        .collect()
}
