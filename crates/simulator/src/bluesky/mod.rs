//! Bluesky: a server of the AT Protocol with one account, its sessions, its profile, the record in
//! which this client keeps frames, and its blobs.

mod cid;
mod faults;
mod judge;
mod lexicon;
mod limits;
mod repository;
mod session;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use hmac_sha256::Hash;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use self::faults::FAULTS;
use self::judge::{Call, blob_in, content_type};
use self::limits::{Limits, rate_headers};
use self::repository::Repository;
use self::session::{Kind, Sessions};
use crate::answer::Answer;
use crate::faults::Fault;
use crate::network::Network;
use crate::random::Random;
use crate::reply::Refusal;
use crate::request::Request;
use crate::simulator::{Judged, Simulator};

const CREATE_SESSION: &str = "com.atproto.server.createSession";
const REFRESH_SESSION: &str = "com.atproto.server.refreshSession";
const GET_SESSION: &str = "com.atproto.server.getSession";
const GET_RECORD: &str = "com.atproto.repo.getRecord";
const UPLOAD_BLOB: &str = "com.atproto.repo.uploadBlob";
const PUT_RECORD: &str = "com.atproto.repo.putRecord";
const DELETE_RECORD: &str = "com.atproto.repo.deleteRecord";
const DELETE_SESSION: &str = "com.atproto.server.deleteSession";

/// The names of the endpoints.
pub(crate) const ENDPOINTS: [&str; 8] = [
    CREATE_SESSION,
    REFRESH_SESSION,
    GET_SESSION,
    GET_RECORD,
    UPLOAD_BLOB,
    PUT_RECORD,
    DELETE_RECORD,
    DELETE_SESSION,
];

/// The collection of profiles, and their type.
const COLLECTION: &str = "app.bsky.actor.profile";
/// The collection in which this client keeps its frames, and the type of the record.
const FRAMES: &str = "app.rotate-icon.frames";
/// The key of the only record in either collection.
const RKEY: &str = "self";

const ACCOUNT_DEACTIVATED: Refusal =
    Refusal::named(401, "AccountDeactivated", "Account is deactivated");
const ACCOUNT_NOT_FOUND: Refusal = Refusal::named(403, "AccountNotFound", "Account not found");

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
const INTERNAL_SERVER_ERROR: Refusal =
    Refusal::named(500, "InternalServerError", "Internal Server Error");
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
/// The refusal of the JSON parser, before XRPC sees the request.
const PAYLOAD_TOO_LARGE_ERROR: Refusal =
    Refusal::named(413, "PayloadTooLargeError", "request entity too large");
const RATE_LIMIT_EXCEEDED: Refusal =
    Refusal::named(429, "RateLimitExceeded", "Rate Limit Exceeded");
const RECORD_NOT_FOUND: Refusal = Refusal::named(400, "RecordNotFound", "Could not locate record");
const SYNTAX_ERROR: Refusal = Refusal::named(400, "SyntaxError", "That is not valid JSON");

/// The account, and how to sign in to it.
pub struct Login {
    /// The handle, the DID or the e-mail address.
    pub identifier: String,
    /// The app password.
    pub password: String,
    /// Whether the account starts with a profile.
    pub with_profile: bool,
}

impl Default for Login {
    /// The credentials of the local development setup.
    fn default() -> Self {
        Self {
            identifier: "local.test".to_owned(),
            password: "loca-lapp-pass-word".to_owned(),
            with_profile: true,
        }
    }
}

/// The server.
pub(crate) struct Bluesky {
    limits: Limits,
    account: Account,
}

/// The account. Each request is judged on a copy, which is kept if the request has an effect.
#[derive(Clone)]
struct Account {
    did: String,
    handle: String,
    email: Option<String>,
    password: String,
    sessions: Sessions,
    repository: Repository,
    /// After how many more reads of the profile another client changes it.
    changes: u64,
    state: AccountState,
    /// Whether moderation has taken the profile down.
    moderated: bool,
}

/// The state of the account.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AccountState {
    Active,
    /// By its owner.
    Deactivated,
    /// By moderation.
    Takendown,
    Deleted,
}

/// A change to the account, by its owner, another client or the server. Members that are left out
/// change nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Another client puts this record; `null` deletes it.
    #[serde(default, deserialize_with = "present")]
    record: Option<Value>,
    /// Another client changes the record right after each of this many `getRecord`s.
    #[serde(rename = "change_after_get")]
    after_get: Option<u64>,
    /// The new app password. It ends all sessions.
    password: Option<String>,
    handle: Option<String>,
    /// `access`: the access tokens expire; `session`: the refresh tokens too.
    expire: Option<Expire>,
    /// Drops the blobs that no record refers to, however new.
    #[serde(default)]
    collect_garbage: bool,
    /// Loses the blobs with these CIDs, although records refer to them.
    #[serde(default)]
    lose: Vec<String>,
    /// Another client puts this record of frames; `null` deletes it.
    #[serde(default, deserialize_with = "present")]
    frames: Option<Value>,
    /// How many more blobs may be uploaded today.
    uploads: Option<u32>,
    state: Option<AccountState>,
    moderated: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expire {
    Access,
    Session,
}

/// Reads a member that is present, even if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Bluesky {
    /// A server with one account.
    pub(crate) fn new(login: Login, random: Random) -> Self {
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
                sessions: Sessions::new(random),
                repository: Repository::new(login.with_profile),
                changes: 0,
                state: AccountState::Active,
                moderated: false,
            },
        }
    }

    /// The handle of the account.
    pub(crate) fn handle(&self) -> &str {
        &self.account.handle
    }

    /// The account as the control routes show it, without secrets.
    pub(crate) fn describe(&self, now: DateTime<Utc>) -> Value {
        let account = &self.account;
        json!({
            "did": account.did,
            "handle": account.handle,
            "state": account.state,
            "moderated": account.moderated,
            "record": account.record(COLLECTION),
            "frames": account.record(FRAMES),
            "blobs": account.repository.list_blobs(),
            "sessions": account.sessions.count(now),
            "change_after_get": account.changes,
        })
    }

    /// Changes the account.
    ///
    /// # Errors
    ///
    /// If a record is malformed.
    pub(crate) fn change(&mut self, change: Change, now: DateTime<Utc>) -> Result<(), String> {
        let account = &mut self.account;
        if let Some(record) = change.record {
            account.repository.overwrite(COLLECTION, members(record)?)?;
        }
        if let Some(frames) = change.frames {
            account.repository.overwrite(FRAMES, members(frames)?)?;
        }
        if let Some(count) = change.uploads {
            self.limits.leave_uploads(count, now);
        }
        if let Some(state) = change.state {
            account.state = state;
        }
        if let Some(moderated) = change.moderated {
            account.moderated = moderated;
        }
        account.repository.lose(&change.lose);
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

/// The members of a record; `None` to delete it.
fn members(record: Value) -> Result<Option<Map<String, Value>>, String> {
    match record {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        _ => Err("a record is an object, or null for none".to_owned()),
    }
}

/// A DID in the usual shape, derived from the identifier.
fn did_of(identifier: &str) -> String {
    let digest = Hash::hash(identifier.as_bytes());
    let text = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    format!("did:plc:{}", text.get(..24).unwrap_or_default())
}

/// Judges, records and answers a request.
pub(crate) fn receive(simulator: &mut Simulator, request: &Request) -> Answer {
    let asked = request.path.strip_prefix("/xrpc/").unwrap_or_default();
    let endpoint = ENDPOINTS.into_iter().find(|known| *known == asked);
    let blob = match endpoint {
        Some(UPLOAD_BLOB) => Some(blob_in(request)),
        _ => None,
    };
    let picture = match &blob {
        Some(Ok(blob)) => Some(blob.picture.clone()),
        _ => None,
    };

    let now = simulator.clock.now();
    let fault =
        endpoint.and_then(|endpoint| simulator.faults.take(Network::Bluesky, None, endpoint));
    let Bluesky { limits, account } = &mut simulator.bluesky;
    account.repository.collect_garbage(Some(now));
    let call = Call {
        request,
        endpoint,
        now,
    };
    let mut copy = account.clone();
    let mut left = limits.take_request(now);
    let outcome = if left.exceeded {
        Err(RATE_LIMIT_EXCEEDED.because("more than 3,000 requests in 5 minutes"))
    } else {
        call.judge(&mut copy, limits, &mut left, blob)
    };
    if fault.is_none_or(Fault::lets_pass) {
        *account = copy;
    }
    simulator.settle(Judged {
        network: Network::Bluesky,
        server: None,
        account: None,
        endpoint,
        fault,
        outcome,
        headers: rate_headers(left),
        cut_off: None,
        body: kind_of_body(request),
        oauth: None,
        picture,
    })
}

fn kind_of_body(request: &Request) -> &'static str {
    match (request.body.length, content_type(request).as_deref()) {
        (0, _) => "none",
        (_, Ok("application/json")) => "json",
        (_, Ok(other)) if other.starts_with("image/") => "picture",
        _ => "other",
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

    /// The record of a collection, as `getRecord` answers it.
    fn record(&self, collection: &str) -> Option<Value> {
        let record = self.repository.record(collection)?;
        Some(json!({
            "uri": self.uri(collection, RKEY),
            "cid": record.cid,
            "value": record.value,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known_as(identifier: &str) -> Account {
        Bluesky::new(
            Login {
                identifier: identifier.to_owned(),
                password: "password".to_owned(),
                with_profile: false,
            },
            Random::new([0; 32]),
        )
        .account
    }

    #[test]
    fn an_account_is_known_by_its_handle_its_did_or_its_address() {
        for (identifier, handle) in [
            ("Somebody.test", "somebody.test"),
            ("somebody@example.com", "local.test"),
            ("did:web:example.com", "local.test"),
        ] {
            let account = known_as(identifier);
            assert_eq!(account.handle, handle);
            assert!(account.answers_to(&identifier.to_lowercase()));
            assert!(account.answers_to(&account.did) && account.did.starts_with("did:"));
            assert!(account.repository.record(COLLECTION).is_none());
        }
        assert!(!known_as("a@example.com").owns("a@example.com"));
        assert_eq!(known_as("did:web:example.com").did, "did:web:example.com");
    }
}
