//! Bluesky: the profile is a record of the AT Protocol, `app.bsky.actor.profile`,
//! and its picture a blob that the record refers to.
//!
//! An attempt reads the record, uploads the picture, and puts the record back with
//! nothing but the picture changed. Whoever changes the profile in between is not
//! overwritten: the record is put only in place of the one that was read.

use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};

use super::base_url::{self, BaseUrl};
use super::reply::{ErrorReply, header_text, no_answer, rate_limited, retry, text_of, transient};
use super::{Attempt, Definition, Memory, Network, Pending, Picture, Wire};
use crate::instant::after;
use crate::oauth1::percent_encode;
use crate::outcome::{Outcome, Preview, Reason, Trouble};
use crate::ports::RATELIMIT_RESET;
use crate::secret::Secret;
use crate::settings::{Reader, Variable};

const TITLE: &str = "Bluesky";

/// Bluesky among the networks.
pub const DEFINITION: Definition = Definition {
    name: "bluesky",
    title: TITLE,
    required: &[BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD],
    variables: &[BLUESKY_SERVICE],
    read,
};

/// The account's handle, or the e-mail address it signs in with.
pub const BLUESKY_IDENTIFIER: &str = "BLUESKY_IDENTIFIER";
/// The secret that opens the account: an app password.
pub const BLUESKY_APP_PASSWORD: &str = "BLUESKY_APP_PASSWORD";

/// Where the account signs in.
pub const BLUESKY_SERVICE: Variable = Variable {
    name: "BLUESKY_SERVICE",
    default: "https://bsky.social",
    accepts: base_url::ACCEPTS,
};

/// The largest frame that is sent, in bytes: `maxSize` of `avatar` in the lexicon,
/// <https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/actor/profile.json>.
pub const MAX_FRAME_BYTES: usize = 1_000_000;

/// <https://docs.bsky.app/docs/api/com-atproto-server-create-session>
const CREATE_SESSION: &str = "com.atproto.server.createSession";
/// <https://docs.bsky.app/docs/api/com-atproto-server-refresh-session>
const REFRESH_SESSION: &str = "com.atproto.server.refreshSession";
/// <https://docs.bsky.app/docs/api/com-atproto-server-get-session>
const GET_SESSION: &str = "com.atproto.server.getSession";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-get-record>
const GET_RECORD: &str = "com.atproto.repo.getRecord";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-upload-blob>
const UPLOAD_BLOB: &str = "com.atproto.repo.uploadBlob";
/// <https://docs.bsky.app/docs/api/com-atproto-repo-put-record>
const PUT_RECORD: &str = "com.atproto.repo.putRecord";

/// The collection of profiles. An account has one, with the key `self`.
const PROFILE: &str = "app.bsky.actor.profile";

const JSON: &str = "application/json";

/// How long an access token is used. It lasts two hours.
const MAX_TOKEN_AGE: TimeDelta = TimeDelta::minutes(100);

/// How long after its start an attempt makes no more requests.
const MAX_DURATION: TimeDelta = TimeDelta::seconds(60);

/// How often a record that somebody else has changed is read again, as in
/// `upsertProfile` of the official client.
const MAX_SWAPS: u32 = 5;

/// An account of Bluesky.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where it signs in.
    pub service: BaseUrl,
    /// Its handle, or its e-mail address.
    pub identifier: String,
    /// Its app password.
    pub app_password: Secret,
}

fn read(reader: &mut Reader<'_>) -> Option<Rc<dyn Network>> {
    Some(Rc::new(Account::read(reader)?))
}

impl Network for Account {
    fn max_picture_bytes(&self) -> usize {
        MAX_FRAME_BYTES
    }

    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        memory: &'a mut Option<Memory>,
        wire: &'a dyn Wire,
    ) -> Pending<'a, Result<Attempt, Trouble>> {
        Box::pin(async move {
            let mut exchange = Exchange::new(self, memory, wire);
            let outcome = match exchange.replace_avatar(picture).await {
                Ok(()) => Outcome::Turned,
                Err(failure) => failure.outcome,
            };
            let status = exchange.status;
            Ok(Attempt { outcome, status })
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Trouble> {
        let request = self.request(&Call::upload(picture), Some(""));
        let request = request.map_err(|error| unmade(&error))?;
        Ok(Preview::of(&request, "Bearer (not shown)", picture))
    }

    fn verify<'a>(
        &'a self,
        memory: &'a mut Option<Memory>,
        wire: &'a dyn Wire,
    ) -> Pending<'a, Result<String, Trouble>> {
        Box::pin(async move {
            let mut exchange = Exchange::new(self, memory, wire);
            match exchange.call(&Call::get(GET_SESSION)).await {
                Ok(session) => {
                    let handle = text_of(&session, "handle", &exchange.secrets());
                    let handle = Some(handle).filter(|handle| !handle.is_empty());
                    handle.ok_or_else(|| unexpected(GET_SESSION))
                }
                Err(Failure { outcome, .. }) => {
                    let trouble = outcome.trouble().cloned();
                    Err(trouble.unwrap_or_else(|| unexpected(GET_SESSION)))
                }
            }
        })
    }
}

impl Account {
    /// Reads the settings of an account.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let service = reader.parsed(BLUESKY_SERVICE);
        let identifier = reader.required(BLUESKY_IDENTIFIER);
        let app_password = reader.secret(BLUESKY_APP_PASSWORD);
        Some(Self {
            service: service?,
            // As handles are written elsewhere.
            identifier: identifier?.trim_start_matches('@').to_owned(),
            app_password: app_password?,
        })
    }

    /// A call with a token, if it needs one.
    fn request(&self, call: &Call<'_>, token: Option<&str>) -> http::Result<Request<Vec<u8>>> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}/xrpc/{}", self.service, call.path));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(content_type) = call.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request.body(call.body.to_vec())
    }
}

/// A call of the AT Protocol's HTTP API, <https://atproto.com/specs/xrpc>.
struct Call<'a> {
    method: Method,
    /// The name of what is called, and its query.
    path: &'a str,
    content_type: Option<&'static str>,
    body: &'a [u8],
}

impl<'a> Call<'a> {
    fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            content_type: None,
            body: &[],
        }
    }

    fn post(path: &'a str, content_type: Option<&'static str>, body: &'a [u8]) -> Self {
        Self {
            method: Method::POST,
            path,
            content_type,
            body,
        }
    }

    fn upload(picture: Picture<'a>) -> Self {
        let media_type = picture.media_type.as_str();
        Self::post(UPLOAD_BLOB, Some(media_type), picture.bytes)
    }
}

/// What the service gives for a password.
struct Session {
    /// The account.
    did: String,
    /// For calls.
    access: Secret,
    /// For another session.
    refresh: Secret,
    obtained_at: DateTime<Utc>,
}

impl Session {
    /// Reads what the service answers, which is kept in the same form.
    fn read(value: &Value, obtained_at: DateTime<Utc>) -> Option<Self> {
        let text = |name: &str| {
            let text = value.get(name)?.as_str()?;
            // It goes into a header or a URL.
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            is_plain.then(|| text.to_owned())
        };
        Some(Self {
            did: text("did").filter(|did| did.starts_with("did:"))?,
            access: Secret::new(text("accessJwt")?),
            refresh: Secret::new(text("refreshJwt")?),
            obtained_at,
        })
    }

    /// The session that was kept for an account.
    fn recalled(memory: &Memory, account: &Account) -> Option<Self> {
        let kept: Value = serde_json::from_slice(memory.0.as_bytes()).ok()?;
        let is_of = |name: &str, text: &str| kept.get(name).and_then(Value::as_str) == Some(text);
        let is_ours = is_of("service", &account.service.to_string())
            && is_of("identifier", &account.identifier);
        let obtained_at = kept.get("obtained_at")?.as_i64().filter(|_| is_ours)?;
        Self::read(&kept, DateTime::from_timestamp(obtained_at, 0)?)
    }

    fn memory(&self, account: &Account) -> Memory {
        let kept = json!({
            "service": account.service.to_string(),
            "identifier": account.identifier,
            "obtained_at": self.obtained_at.timestamp(),
            "did": self.did,
            "accessJwt": self.access.expose(),
            "refreshJwt": self.refresh.expose(),
        });
        Memory(kept.to_string())
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        // Kept in whole seconds; a clock that was set back says nothing.
        let age = now.signed_duration_since(self.obtained_at);
        age >= TimeDelta::zero() && age < MAX_TOKEN_AGE
    }
}

/// A call that was not answered as it should be.
struct Failure {
    /// The error's name in the lexicon, or nothing.
    name: String,
    status: Option<u16>,
    outcome: Outcome,
}

impl Failure {
    fn new(outcome: Outcome) -> Self {
        Self {
            name: String::new(),
            status: None,
            outcome,
        }
    }

    fn unexpected(call: &str) -> Self {
        Self::new(Outcome::Refused(unexpected(call)))
    }

    /// Whether it is the token that is not accepted.
    fn is_of_token(&self) -> bool {
        matches!(self.name.as_str(), "ExpiredToken" | "InvalidToken")
    }
}

/// The calls of one attempt.
struct Exchange<'a> {
    account: &'a Account,
    memory: &'a mut Option<Memory>,
    wire: &'a dyn Wire,
    session: Option<Session>,
    started: DateTime<Utc>,
    /// Whether a token has been replaced because it was not accepted.
    is_renewed: bool,
    /// The status of the last reply.
    status: Option<u16>,
}

impl<'a> Exchange<'a> {
    fn new(account: &'a Account, memory: &'a mut Option<Memory>, wire: &'a dyn Wire) -> Self {
        let kept = memory.as_ref();
        let session = kept.and_then(|memory| Session::recalled(memory, account));
        Self {
            account,
            memory,
            wire,
            session,
            started: wire.now(),
            is_renewed: false,
            status: None,
        }
    }

    /// All that must not show; the longest first, as one may be part of another.
    fn secrets(&self) -> Vec<&Secret> {
        let session = self.session.iter();
        let tokens = session.flat_map(|session| [&session.access, &session.refresh]);
        let mut secrets: Vec<_> = tokens.chain([&self.account.app_password]).collect();
        secrets.sort_by_key(|secret| usize::MAX.saturating_sub(secret.expose().len()));
        secrets
    }

    /// Reads the profile and puts it back with a picture.
    async fn replace_avatar(&mut self, picture: Picture<'_>) -> Result<(), Failure> {
        let did = self.did().await?;
        let mut query = format!("{GET_RECORD}?repo=");
        percent_encode(&did, &mut query);
        query.push_str("&collection=app.bsky.actor.profile&rkey=self");
        let mut blob = Value::Null;
        let mut swaps_left = MAX_SWAPS;
        let mut uploads_left = 2_u32;
        loop {
            let (mut profile, cid) = match self.call(&Call::get(&query)).await {
                Ok(mut reply) => match (taken(&mut reply, "value"), taken(&mut reply, "cid")) {
                    (Value::Object(profile), cid @ Value::String(_)) => (profile, cid),
                    _ => return Err(Failure::unexpected(GET_RECORD)),
                },
                Err(failure) if is_not_found(&failure) => Default::default(),
                Err(failure) => return Err(failure),
            };
            if blob.is_null() {
                uploads_left = uploads_left.saturating_sub(1);
                let mut reply = self.call(&Call::upload(picture)).await?;
                blob = taken(&mut reply, "blob");
                if !blob.pointer("/ref/$link").is_some_and(Value::is_string) {
                    return Err(Failure::unexpected(UPLOAD_BLOB));
                }
            }
            profile
                .entry("$type")
                .or_insert_with(|| Value::from(PROFILE));
            profile.insert("avatar".to_owned(), blob.clone());
            let record = json!({
                "repo": did,
                "collection": PROFILE,
                "rkey": "self",
                "record": profile,
                "swapRecord": cid,
            });
            let record = record.to_string();
            let put = Call::post(PUT_RECORD, Some(JSON), record.as_bytes());
            match self.call(&put).await {
                Ok(reply) if reply.get("cid").is_some_and(Value::is_string) => return Ok(()),
                Ok(_) => return Err(Failure::unexpected(PUT_RECORD)),
                Err(failure) => match failure.name.as_str() {
                    "InvalidSwap" if swaps_left > 0 => swaps_left = swaps_left.saturating_sub(1),
                    "BlobNotFound" if uploads_left > 0 => blob = Value::Null,
                    _ => return Err(failure),
                },
            }
        }
    }

    /// The account's identifier, which only a session tells.
    async fn did(&mut self) -> Result<String, Failure> {
        if self.session.is_none() {
            self.renew().await?;
        }
        let session = self.session.as_ref();
        let did = session.map(|session| session.did.clone());
        did.ok_or_else(|| Failure::unexpected(CREATE_SESSION))
    }

    /// Makes a call with a token that is accepted.
    fn call<'b>(&'b mut self, call: &'b Call<'b>) -> Pending<'b, Result<Value, Failure>> {
        Box::pin(async move {
            loop {
                let now = self.wire.now();
                let is_fresh = |session: &Session| session.is_fresh(now);
                if !self.session.as_ref().is_some_and(is_fresh) {
                    self.renew().await?;
                }
                let session = self.session.as_ref();
                let token = session.map(|session| session.access.clone());
                let failure = match self.send(call, token.as_ref()).await {
                    Err(failure) if failure.is_of_token() => failure,
                    other => return other,
                };
                if self.is_renewed {
                    // Not even a new one is accepted: begin anew in the next attempt.
                    self.keep(None);
                    return Err(failure);
                }
                self.is_renewed = true;
                if let Some(session) = &mut self.session {
                    session.obtained_at = DateTime::UNIX_EPOCH;
                }
            }
        })
    }

    /// Gets another session: for the one there is, or else for the password.
    async fn renew(&mut self) -> Result<(), Failure> {
        let password = json!({
            "identifier": self.account.identifier,
            "password": self.account.app_password.expose(),
        });
        let password = password.to_string();
        loop {
            let session = self.session.as_ref();
            let refresh = session.map(|session| session.refresh.clone());
            let call = if refresh.is_some() {
                Call::post(REFRESH_SESSION, None, &[])
            } else {
                Call::post(CREATE_SESSION, Some(JSON), password.as_bytes())
            };
            match self.send(&call, refresh.as_ref()).await {
                Ok(reply) => {
                    let session = Session::read(&reply, self.wire.now());
                    let session = session.ok_or_else(|| Failure::unexpected(call.path))?;
                    self.keep(Some(session));
                    return Ok(());
                }
                Err(Failure {
                    status: Some(400 | 401),
                    ..
                }) if refresh.is_some() => self.keep(None),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Keeps a session at once: whatever comes after, the one before is of no use.
    fn keep(&mut self, session: Option<Session>) {
        *self.memory = session.as_ref().map(|session| session.memory(self.account));
        self.session = session;
    }

    /// Sends a call and reads the reply.
    async fn send(&mut self, call: &Call<'_>, token: Option<&Secret>) -> Result<Value, Failure> {
        self.status = None;
        let now = self.wire.now();
        if now.signed_duration_since(self.started) >= MAX_DURATION {
            let said = format!("{TITLE} took more than {} s", MAX_DURATION.num_seconds());
            let outcome = transient(TITLE, &said, &HeaderMap::new(), now);
            return Err(Failure::new(outcome));
        }
        let request = self.account.request(call, token.map(Secret::expose));
        let request = request.map_err(|error| Failure::new(Outcome::Refused(unmade(&error))))?;
        let reply = self.wire.send(request).await;
        let now = self.wire.now();
        let reply = reply
            .map_err(|error| Failure::new(no_answer(TITLE, BLUESKY_SERVICE.name, &error, now)))?;
        self.status = Some(reply.status().as_u16());
        if reply.status().is_success() {
            let body = serde_json::from_slice(reply.body());
            return body.map_err(|_| Failure::unexpected(call.path));
        }
        let error = ErrorReply::read(TITLE, &reply, &self.secrets());
        Err(Failure {
            outcome: outcome_of(&error, now),
            name: error.error,
            status: self.status,
        })
    }
}

/// Takes a member out of an object; null where there is none.
fn taken(object: &mut Value, name: &str) -> Value {
    object.get_mut(name).map(Value::take).unwrap_or_default()
}

/// Whether there is no such record. Services of before 2024 have no name for it.
fn is_not_found(failure: &Failure) -> bool {
    let said = failure.outcome.trouble();
    let said = said.map_or("", |trouble| trouble.message.as_str());
    match failure.name.as_str() {
        "RecordNotFound" => true,
        "InvalidRequest" => said.contains("Could not locate record"),
        _ => false,
    }
}

fn unmade(error: &http::Error) -> Trouble {
    Trouble::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        "Check BLUESKY_SERVICE.",
    )
}

/// A reply of success that is not what the lexicon says of a call.
fn unexpected(call: &str) -> Trouble {
    // Without a query.
    let call = call.split('?').next().unwrap_or_default();
    Trouble::new(
        Reason::UnexpectedReply,
        format!("The call {call} was answered with success, but not as its lexicon says."),
        "Check BLUESKY_SERVICE: something other than the AT Protocol's API answers there.",
    )
}

const ANOTHER_PASSWORD: &str = "Check BLUESKY_IDENTIFIER, your handle without @, and \
     BLUESKY_APP_PASSWORD. Make a new app password at bsky.app under Settings, Privacy and \
     security, App passwords, and store it again.";

const CHANGED_MEANWHILE: &str = "Something else keeps changing the profile. Nothing to do if it \
     passes; the next turn will try again.";

/// What a reply of error means: by its name, which the lexicons and
/// <https://github.com/bluesky-social/atproto/tree/main/packages/pds/src> give, or
/// else by its status.
fn outcome_of(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let said = reply.said.as_str();
    let refused =
        |reason, remedy: &'static str| Outcome::Refused(Trouble::new(reason, said, remedy));
    match (reply.error.as_str(), reply.status) {
        ("AuthFactorTokenRequired", _) => refused(
            Reason::Credentials,
            "Use an app password, not the account's own: make one at bsky.app under Settings, \
             Privacy and security, App passwords, and store it as BLUESKY_APP_PASSWORD.",
        ),
        (
            "AccountTakedown" | "AccountSuspended" | "AccountDeactivated" | "RepoTakendown"
            | "RepoSuspended" | "RepoDeactivated",
            _,
        ) => refused(
            Reason::Account,
            "Bluesky has closed the account, or you have. Sign in to Bluesky in a browser and \
             follow what it says.",
        ),
        ("AuthenticationRequired" | "AuthMissing" | "ExpiredToken" | "InvalidToken", _) => {
            refused(Reason::Credentials, ANOTHER_PASSWORD)
        }
        ("InvalidSwap", _) => {
            let trouble = Trouble::new(Reason::Transient, said, CHANGED_MEANWHILE);
            retry(after(now, TimeDelta::minutes(1)), now, trouble)
        }
        ("RateLimitExceeded", _) | (_, 429) => limited(reply, now),
        ("BlobNotFound", _) | (_, 500..=599) => transient(TITLE, said, reply.headers, now),
        (_, 403) if reply.is_html => refused(
            Reason::Blocked,
            "A firewall in front of Bluesky refused the call, as it may do to calls from \
             Workers. Wait, or make the turn from an ordinary machine.",
        ),
        (_, 401) => refused(Reason::Credentials, ANOTHER_PASSWORD),
        (_, 403) => refused(
            Reason::Access,
            "Bluesky does not allow this call. Make a new app password and store it as \
             BLUESKY_APP_PASSWORD.",
        ),
        (
            "InvalidMimeType" | "InvalidSize" | "BlobTooLarge" | "PayloadTooLarge"
            | "InvalidRecord" | "InvalidRequest",
            _,
        )
        | (_, 413 | 422) => refused(
            Reason::Request,
            "Bluesky does not accept the picture or the request: a profile picture has to be a \
             JPEG or PNG of at most 1,000,000 bytes. Publish the icon again.",
        ),
        _ => refused(
            Reason::UnexpectedReply,
            "This is no reply that Bluesky is known to give. Check BLUESKY_SERVICE; if it is \
             right, see whether Bluesky reports a problem.",
        ),
    }
}

/// Too many requests: the reset that the service names counts, in seconds since
/// 1970 (<https://docs.bsky.app/docs/advanced-guides/rate-limits>).
fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(reply.headers, RATELIMIT_RESET);
    let reset = reset.and_then(|seconds| seconds.trim().parse().ok());
    let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}

#[cfg(test)]
mod tests;
