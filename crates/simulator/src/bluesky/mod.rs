//! Bluesky: the server of one account of the AT Protocol, with its sessions, its profile, the
//! record in which this client keeps frames, and its blobs.

mod cid;
mod faults;
mod judge;
mod limits;
mod profile;
mod session;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

pub(super) use self::faults::FAULTS;
use self::judge::{Request, blob_in, content_type};
use self::limits::{Limits, rate_headers};
use self::profile::Repository;
use self::session::{Kind, Sessions};
use super::answer::Refusal;
use super::faults::{Delivery, Fault};
use super::incoming::Incoming;
use super::network::Network;
use super::state::{Judged, Simulator};

const CREATE_SESSION: &str = "com.atproto.server.createSession";
const REFRESH_SESSION: &str = "com.atproto.server.refreshSession";
const GET_SESSION: &str = "com.atproto.server.getSession";
const GET_RECORD: &str = "com.atproto.repo.getRecord";
const UPLOAD_BLOB: &str = "com.atproto.repo.uploadBlob";
const PUT_RECORD: &str = "com.atproto.repo.putRecord";
const DELETE_RECORD: &str = "com.atproto.repo.deleteRecord";
const DELETE_SESSION: &str = "com.atproto.server.deleteSession";

/// What is answered, by name.
pub(super) const ENDPOINTS: [&str; 8] = [
    CREATE_SESSION,
    REFRESH_SESSION,
    GET_SESSION,
    GET_RECORD,
    UPLOAD_BLOB,
    PUT_RECORD,
    DELETE_RECORD,
    DELETE_SESSION,
];

/// Where profiles are kept, and what they are.
const COLLECTION: &str = "app.bsky.actor.profile";
/// Where this client keeps its frames, and what that is.
const FRAMES: &str = "app.rotate-icon.frames";
/// The key of the one profile, and of the one record of frames.
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
/// What the reader of JSON says, before XRPC sees the request.
const PAYLOAD_TOO_LARGE_ERROR: Refusal =
    Refusal::named(413, "PayloadTooLargeError", "request entity too large");
const RATE_LIMIT_EXCEEDED: Refusal =
    Refusal::named(429, "RateLimitExceeded", "Rate Limit Exceeded");
const RECORD_NOT_FOUND: Refusal = Refusal::named(400, "RecordNotFound", "Could not locate record");
const SYNTAX_ERROR: Refusal = Refusal::named(400, "SyntaxError", "That is not valid JSON");

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
    /// After how many more reads another client changes the profile.
    changes: u64,
    state: AccountState,
    /// Whether moderation has taken the profile down.
    moderated: bool,
}

/// What has become of the account.
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
    /// Loses the blobs with these identifiers, although records refer to them.
    #[serde(default)]
    lose: Vec<String>,
    /// Somebody else puts this record of frames; `null` deletes it.
    #[serde(default, deserialize_with = "present")]
    frames: Option<Value>,
    /// How many more pictures may be uploaded from this machine today.
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
                state: AccountState::Active,
                moderated: false,
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
            "state": account.state,
            "moderated": account.moderated,
            "record": account.record(COLLECTION),
            "frames": account.record(FRAMES),
            "blobs": account.repository.list_blobs(),
            "sessions": account.sessions.count(now),
            "change_after_get": account.changes,
        })
    }

    /// Changes the account as somebody else would.
    pub(super) fn change(&mut self, change: Change, now: DateTime<Utc>) -> Result<(), String> {
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

/// What a record consists of; nothing, if there is to be none.
fn members(record: Value) -> Result<Option<Map<String, Value>>, String> {
    match record {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        _ => Err("a record is an object, or null for none".to_owned()),
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

fn kind_of_body(incoming: &Incoming) -> &'static str {
    match (incoming.raw.length, content_type(incoming).as_deref()) {
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

    /// The one record of a collection, as it is answered.
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
        Bluesky::new(Login {
            identifier: identifier.to_owned(),
            password: "password".to_owned(),
            with_profile: false,
        })
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
