//! Mastodon, and servers that speak its API: `PATCH accounts/update_credentials` with the account's
//! token.
//!
//! Other servers differ in what they say when they refuse, and in one thing that no reply shows:
//! PHP reads no multipart body of a PATCH, so Pixelfed answers it with success and changes nothing.
//! It accepts POST on the same path. The saved session tells the two apart: after a different
//! picture, the avatar has another address. If nothing is saved yet, the account is asked for its
//! avatar before the picture is sent.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::server::Server;
use crate::instant::from_rfc3339;
use crate::network::base_url::BaseUrl;
use crate::network::definition::Definition;
use crate::network::fingerprint::fingerprint;
use crate::network::interface::{Attempt, Network, Picture, SavedSession, Verified};
use crate::network::multipart;
use crate::network::reply::{
    ErrorReply, Meaning, header_text, no_answer, rate_limited, text_of, transient,
};
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview, Reason};
use crate::ports::SendError;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

pub mod server;

/// When the limit ends.
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

const TITLE: &str = "Mastodon";

/// Mastodon's entry in the list of networks.
pub const DEFINITION: Definition = Definition {
    name: "mastodon",
    title: TITLE,
    required: &[MASTODON_SERVER, MASTODON_ACCESS_TOKEN],
    variables: &[],
    sign_in: None,
    read,
};

/// The account's server.
pub const MASTODON_SERVER: &str = "MASTODON_SERVER";
/// The account's token. Its scope has to include `write:accounts`.
pub const MASTODON_ACCESS_TOKEN: &str = "MASTODON_ACCESS_TOKEN";

/// <https://docs.joinmastodon.org/methods/accounts/#update_credentials>
const UPDATE_CREDENTIALS: &str = "/api/v1/accounts/update_credentials";

/// <https://docs.joinmastodon.org/methods/accounts/#verify_credentials>
const VERIFY_CREDENTIALS: &str = "/api/v1/accounts/verify_credentials";

/// <https://docs.joinmastodon.org/methods/apps/#verify_credentials>
const VERIFY_APP: &str = "/api/v1/apps/verify_credentials";

/// After this many different pictures in a row that leave the avatar's address unchanged, the turn
/// counts as failed.
const MAX_UNCHANGED: u32 = 2;

/// The largest picture that is sent, in bytes: what servers before 4.3 accept, by either reading of
/// "2 MB".
const MAX_PICTURE_BYTES: usize = 2_000_000;

/// An account on a Mastodon server.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address of the server.
    pub server: BaseUrl,
    /// The account's token.
    pub access_token: Secret,
}

fn read(reader: &mut Reader<'_>) -> Option<Rc<dyn Network>> {
    Some(Rc::new(Account::read(reader)?))
}

impl Network for Account {
    fn max_picture_bytes(&self) -> usize {
        MAX_PICTURE_BYTES
    }

    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Attempt, Diagnosis>> {
        Box::pin(async move {
            let mut kept = Kept::recalled(saved_session.as_ref(), self);
            if kept.knows_no_picture() {
                match self.shown(transport).await? {
                    Shown::Avatar(avatar) => kept.avatar = avatar,
                    Shown::Pause(attempt) => return Ok(attempt),
                }
            }
            let mut sent = self.send(picture, kept.method, transport).await?;
            if kept.method.is_unknown_to(&sent) {
                kept.method = kept.method.other();
                sent = self.send(picture, kept.method, transport).await?;
            }
            if kept.is_left_unchanged_by(picture, &sent) {
                let other = kept.method.other();
                let second = self.send(picture, other, transport).await?;
                if matches!(second.attempt.outcome, Outcome::Retry { .. }) {
                    // It is not known yet whether the other method works.
                    return Ok(second.attempt);
                }
                if second.has_turned() && !kept.is_left_unchanged_by(picture, &second) {
                    kept.method = other;
                    sent = second;
                    sent.attempt.note = Some(format!(
                        "The server takes a picture by {} only, so it is sent like that.",
                        other.name()
                    ));
                } else {
                    kept.unchanged = kept.unchanged.saturating_add(1);
                    if kept.unchanged >= MAX_UNCHANGED {
                        sent.attempt.outcome = Outcome::Refused(ignored());
                    } else {
                        sent.attempt.note = Some(MAY_BE_IGNORED.to_owned());
                    }
                }
            }
            if sent.is_success {
                kept.take_in(picture, &sent);
                *saved_session = Some(kept.saved_session());
            }
            Ok(sent.attempt)
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let request = self.update_credentials(picture, UpdateMethod::Patch)?;
        Ok(Preview::of(
            &request,
            "Bearer (not shown)",
            picture.bytes.len(),
        ))
    }

    fn verify<'a>(
        &'a self,
        _: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>> {
        Box::pin(async move {
            let request = self.request(Method::GET, VERIFY_CREDENTIALS, None)?;
            let reply = transport.send(request).await;
            let named = self.name_in(&reply, Needs::Read, transport.now());
            let diagnosis = match &named {
                Ok(_) => None,
                Err(outcome) => Some(outcome.diagnosis().cloned().unwrap_or_else(no_account)),
            };
            match diagnosis {
                Some(diagnosis) if diagnosis.reason != Reason::Access => return Err(diagnosis),
                _ => {}
            }
            // Since 4.3, Mastodon says what the application may do.
            let request = self.request(Method::GET, VERIFY_APP, None)?;
            let may_write = transport
                .send(request)
                .await
                .ok()
                .and_then(|reply| may_write(&reply));
            match (named, diagnosis, may_write) {
                (_, _, Some(false)) => Err(Diagnosis::new(
                    Reason::Access,
                    "The application of this token may not change the account.",
                    MORE_SCOPES,
                )),
                (Ok(name), ..) => Ok(Verified::account(name)),
                (Err(_), _, Some(true)) => Ok(Verified {
                    account: None,
                    notes: vec![format!(
                        "The token may write, which is all that turns need. {MAY_NOT_READ}"
                    )],
                    unread: None,
                }),
                (Err(_), diagnosis, None) => Ok(Verified {
                    unread: Some(diagnosis.unwrap_or_else(no_account)),
                    ..Verified::default()
                }),
            }
        })
    }
}

/// The method that sends a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum UpdateMethod {
    /// The method that Mastodon documents.
    #[default]
    Patch,
    /// The method that Pixelfed accepts on the same path.
    Post,
}

impl UpdateMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Patch => "PATCH",
            Self::Post => "POST",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Patch => Method::PATCH,
            Self::Post => Method::POST,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Patch => Self::Post,
            Self::Post => Self::Patch,
        }
    }

    /// Whether a reply says that the path has no such method. As long as nothing is known to have
    /// worked, 404 means a wrong address instead.
    fn is_unknown_to(self, sent: &Sent) -> bool {
        match sent.attempt.status {
            Some(405) => true,
            Some(404) => self == Self::Post,
            _ => false,
        }
    }
}

/// A picture that was sent.
struct Sent {
    attempt: Attempt,
    /// The server answered with success, whether or not it changed anything.
    is_success: bool,
    /// The avatar's address in a successful reply.
    avatar: Option<String>,
}

/// What the account shows before its first picture.
enum Shown {
    /// The hash of the avatar's address, if the server gives it.
    Avatar(Option<String>),
    /// The server does not answer, or asks for a pause: nothing more is sent.
    Pause(Attempt),
}

impl Sent {
    fn has_turned(&self) -> bool {
        self.attempt.outcome == Outcome::Turned
    }
}

/// What a turn saves for the next one.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// The server it was learnt from.
    server: String,
    method: UpdateMethod,
    /// The hash of the avatar's address after the last picture, or before the first one.
    avatar: Option<String>,
    /// The hash of the last picture.
    picture: Option<String>,
    /// How many different pictures in a row left the address unchanged.
    unchanged: u32,
}

impl Kept {
    fn recalled(saved_session: Option<&SavedSession>, account: &Account) -> Self {
        let server = account.server.to_string();
        let kept = saved_session
            .and_then(|saved_session| serde_json::from_slice(saved_session.0.as_bytes()).ok());
        let kept = kept.filter(|kept: &Self| kept.server == server);
        kept.unwrap_or_else(|| Self {
            server,
            ..Self::default()
        })
    }

    /// Whether no picture is known to have been sent.
    fn knows_no_picture(&self) -> bool {
        self.avatar.is_none() && self.picture.is_none()
    }

    fn saved_session(&self) -> SavedSession {
        let text = serde_json::to_string(self).expect("it is made of texts and numbers");
        SavedSession(text)
    }

    /// Whether a successful reply still shows the previous avatar, though the picture is another
    /// one. If no previous avatar is known, the server's default one counts as unchanged.
    fn is_left_unchanged_by(&self, picture: Picture<'_>, sent: &Sent) -> bool {
        let Some(avatar) = sent.avatar.as_deref().filter(|_| sent.has_turned()) else {
            return false;
        };
        match &self.avatar {
            // Whatever is shown before the first picture counts as another one.
            Some(before) => {
                *before == fingerprint(avatar.as_bytes())
                    && self.picture != Some(fingerprint(picture.bytes))
            }
            None => is_nobodys(avatar),
        }
    }

    fn take_in(&mut self, picture: Picture<'_>, sent: &Sent) {
        let picture = fingerprint(picture.bytes);
        let Some(avatar) = &sent.avatar else {
            // So that the account is not asked again.
            self.picture.get_or_insert(picture);
            return;
        };
        let avatar = Some(fingerprint(avatar.as_bytes()));
        if avatar != self.avatar {
            self.unchanged = 0;
        }
        self.avatar = avatar;
        self.picture = Some(picture);
    }
}

/// Whether an address is that of the default avatar: `missing.png` on Mastodon, `default.jpg` on
/// Pixelfed, which appends `?v=0`.
fn is_nobodys(avatar: &str) -> bool {
    let avatar = avatar.split(['?', '#']).next().unwrap_or_default();
    ["/avatars/original/missing.png", "/avatars/default.jpg"]
        .iter()
        .any(|end| avatar.ends_with(end))
}

impl Account {
    /// Reads an account's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let server = reader.required_parsed::<Server>(MASTODON_SERVER, server::ACCEPTS);
        let access_token = reader.secret(MASTODON_ACCESS_TOKEN);
        Some(Self {
            server: server?.into(),
            access_token: access_token?,
        })
    }

    /// Asks for the present avatar. The token need not be allowed to read it, so a refusal means
    /// nothing.
    async fn shown(&self, transport: &dyn Transport) -> Result<Shown, Diagnosis> {
        let request = self.request(Method::GET, VERIFY_CREDENTIALS, None)?;
        let reply = transport.send(request).await;
        let named = self.name_in(&reply, Needs::Read, transport.now());
        let status = reply.as_ref().ok().map(|reply| reply.status().as_u16());
        Ok(match (named, reply) {
            (Ok(_), Ok(reply)) => {
                let avatar = avatar_in(&reply);
                Shown::Avatar(avatar.as_deref().map(str::as_bytes).map(fingerprint))
            }
            (Err(outcome), reply) if reply.is_err() || is_a_limit(&outcome) => {
                Shown::Pause(Attempt {
                    outcome,
                    status,
                    account: None,
                    note: None,
                })
            }
            _ => Shown::Avatar(None),
        })
    }

    /// Sends a picture and reads the reply.
    async fn send(
        &self,
        picture: Picture<'_>,
        method: UpdateMethod,
        transport: &dyn Transport,
    ) -> Result<Sent, Diagnosis> {
        let reply = transport
            .send(self.update_credentials(picture, method)?)
            .await;
        let named = self.name_in(&reply, Needs::Write, transport.now());
        let reply = reply.as_ref().ok();
        Ok(Sent {
            is_success: named.is_ok(),
            avatar: reply.filter(|_| named.is_ok()).and_then(avatar_in),
            attempt: Attempt {
                status: reply.map(|reply| reply.status().as_u16()),
                account: named.as_ref().ok().cloned(),
                outcome: named.map_or_else(|outcome| outcome, |_| Outcome::Turned),
                note: None,
            },
        })
    }

    /// Builds the request that makes a picture the account's.
    fn update_credentials(
        &self,
        picture: Picture<'_>,
        method: UpdateMethod,
    ) -> Result<Request<Vec<u8>>, Diagnosis> {
        let boundary = multipart::fresh_boundary()?;
        let Picture {
            bytes, media_type, ..
        } = picture;
        let body = multipart::one_file(&boundary, "avatar", media_type, bytes);
        let form = Some((multipart::content_type(&boundary), body));
        self.request(method.method(), UPDATE_CREDENTIALS, form)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        form: Option<(String, Vec<u8>)>,
    ) -> Result<Request<Vec<u8>>, Diagnosis> {
        let token = self.access_token.expose();
        // `HeaderValue` accepts other text, which hosts would refuse.
        let token = Some(token).filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()));
        let token = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            // Without this header, Pixelfed redirects to a page instead of letting its API say what
            // is wrong.
            .header(ACCEPT, "application/json");
        if let Some(Ok(token)) = token {
            request = request.header(AUTHORIZATION, token);
        } else {
            return Err(invalid_request(
                "the token has characters that no token has",
            ));
        }
        let mut body = Vec::new();
        if let Some((content_type, form)) = form {
            request = request.header(CONTENT_TYPE, content_type);
            body = form;
        }
        let request = request.body(body);
        request.map_err(|error| invalid_request(&error.to_string()))
    }

    /// The account's name in the server's reply, or the outcome of a reply that has none.
    fn name_in(
        &self,
        reply: &Result<Response<Vec<u8>>, SendError>,
        needs: Needs,
        now: DateTime<Utc>,
    ) -> Result<String, Outcome> {
        let secrets = [&self.access_token];
        match reply {
            Ok(reply) if reply.status().is_success() => {
                let account: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
                let name = ["acct", "username"].map(|name| text_of(&account, name, &secrets));
                match name.into_iter().find(|name| !name.is_empty()) {
                    Some(name) if name.contains('@') => Ok(format!("@{name}")),
                    Some(name) => Ok(format!("@{name}@{}", self.server.authority())),
                    None => Err(Outcome::Refused(no_account())),
                }
            }
            Ok(reply) => {
                let error = ErrorReply::read(TITLE, reply, &secrets);
                Err(outcome_of(&error, needs, now))
            }
            Err(error) => Err(no_answer(TITLE, MASTODON_SERVER, error, now)),
        }
    }
}

/// The avatar's address in an account (<https://docs.joinmastodon.org/entities/Account/#avatar>).
fn avatar_in(reply: &Response<Vec<u8>>) -> Option<String> {
    let account: Value = serde_json::from_slice(reply.body()).ok()?;
    Some(account.get("avatar")?.as_str()?.to_owned())
}

fn is_a_limit(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { diagnosis, .. } if diagnosis.reason == Reason::RateLimit)
}

fn invalid_request(why: &str) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("The request cannot be made: {why}."),
        "Check MASTODON_SERVER and MASTODON_ACCESS_TOKEN.",
    )
}

/// One success that seems to change nothing: a picture that was shown before may keep its address.
const MAY_BE_IGNORED: &str = "The server said yes, but the account's avatar has the address of \
     before. That is right if it showed this picture already; otherwise the server has not taken \
     the picture. Look at the account in a browser.";

/// The diagnosis of one success after another that changes nothing.
fn ignored() -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        "The server said yes to one picture after the other, and shows the one of before.",
        "Look at the account in a browser. If its picture does not change, this server does not \
         take pictures from applications: ask who runs it for a newer version.",
    )
}

fn no_account() -> Diagnosis {
    Diagnosis::new(
        Reason::UnexpectedReply,
        "The call was answered with success, but not with an account of Mastodon.",
        "Check MASTODON_SERVER: something other than Mastodon's API answers there.",
    )
}

/// The scope that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// `write:accounts`, or all of `write`.
    Write,
    /// `read:accounts`, or all of `read`, or since 4.3 `profile`.
    Read,
}

/// Whether the token's application may write, if the server says: `scopes` of a
/// `CredentialApplication` (<https://docs.joinmastodon.org/entities/Application/>).
fn may_write(reply: &Response<Vec<u8>>) -> Option<bool> {
    if !reply.status().is_success() {
        return None;
    }
    let application: Value = serde_json::from_slice(reply.body()).ok()?;
    let scopes = application.get("scopes")?.as_array()?;
    let mut scopes = scopes.iter().filter_map(Value::as_str);
    Some(scopes.any(|scope| matches!(scope, "write" | "write:accounts")))
}

/// Words in a reply that count for more than its status, which servers choose differently.
enum Words {
    /// The token lacks a scope.
    Scope,
    /// The token is invalid, or belongs to no account.
    Token,
    /// The server does not accept parts of the request, and names them.
    Members,
}

impl Words {
    /// Reads a reply of Mastodon (`app/controllers/concerns/api` in its source), Pixelfed,
    /// `GoToSocial`, Pleroma and Akkoma, or Takahe, by what their sentences have in common.
    fn of(reply: &ErrorReply<'_>) -> Option<Self> {
        let words = reply.words.to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        // RFC 6750 §3.1.
        let challenge = header_text(reply.headers, WWW_AUTHENTICATE).unwrap_or_default();
        let is_refused = matches!(reply.status, 401 | 403);
        if challenge.contains("insufficient_scope")
            || is_refused && says(&["scope", "insufficient permission"])
        {
            return Some(Self::Scope);
        }
        // Pixelfed says this with 500.
        if says(&[
            "unauthenticated",
            "authenticated user",
            "identity_token_required",
            "invalid credentials",
        ]) {
            return Some(Self::Token);
        }
        (reply.names_members && reply.meaning() != Meaning::Limit).then_some(Self::Members)
    }
}

/// The outcome of an error reply.
fn outcome_of(reply: &ErrorReply<'_>, needs: Needs, now: DateTime<Utc>) -> Outcome {
    let refused = |reason, remedy: &'static str| {
        Outcome::Refused(Diagnosis::new(reason, reply.said.as_str(), remedy))
    };
    match (Words::of(reply), reply.meaning()) {
        (Some(Words::Scope), _) => refused(
            Reason::Access,
            match needs {
                Needs::Write => MORE_SCOPES,
                Needs::Read => MAY_NOT_READ,
            },
        ),
        (Some(Words::Token), _) | (_, Meaning::Credentials) => {
            refused(Reason::Credentials, ANOTHER_TOKEN)
        }
        (Some(Words::Members), _) | (_, Meaning::Request) => refused(Reason::Request, SMALLER),
        (_, Meaning::Limit) => limited(reply, now),
        (_, Meaning::Passes) => transient(TITLE, &reply.said, reply.headers, now),
        (_, Meaning::Forbidden) if reply.is_html => refused(
            Reason::Blocked,
            "A firewall in front of the server refused the call, as it may do to calls from \
             Workers. Wait, or ask who runs the server.",
        ),
        (_, Meaning::Forbidden) if reply.words.is_empty() => refused(
            Reason::Access,
            match needs {
                Needs::Write => {
                    "The server does not say why. Most likely the token lacks the scope \
                     write:accounts, or all of write, which Pixelfed asks for: give the \
                     application that scope, regenerate its access token and store that as \
                     MASTODON_ACCESS_TOKEN. Else sign in there in a browser: the account may be \
                     disabled or not confirmed."
                }
                Needs::Read => {
                    "The server does not say why. Most likely the token lacks the scope \
                     read:accounts, or all of read, which Pixelfed asks for; only `doctor` needs \
                     it. Else sign in there in a browser: the account may be disabled or not \
                     confirmed."
                }
            },
        ),
        (_, Meaning::Forbidden) => refused(
            Reason::Account,
            "The server does not let the account do this. Sign in there in a browser and follow \
             what it says: the account may be disabled, suspended or not confirmed.",
        ),
        // GoToSocial refuses an oversized picture in these words.
        _ if reply.status == 400 && needs == Needs::Write && !reply.words.is_empty() => {
            refused(Reason::Request, SMALLER)
        }
        (_, Meaning::Payment | Meaning::Unexpected) => refused(
            Reason::UnexpectedReply,
            "Mastodon is not known to give this reply. Check MASTODON_SERVER: the address \
             at which you sign in.",
        ),
    }
}

const MORE_SCOPES: &str = "Give the application the scope write:accounts (all of write, for \
     Pixelfed) under Preferences, Development, then regenerate its access token and store that \
     as MASTODON_ACCESS_TOKEN.";

const MAY_NOT_READ: &str = "It may not read the account, so the server does not tell whose it is; \
     only `doctor` asks for that. To see it here, give the application the scope read:accounts \
     too (all of read, for Pixelfed), regenerate its access token and store that as \
     MASTODON_ACCESS_TOKEN.";

const SMALLER: &str = "The server does not accept the picture: it may have limits of its own. \
     Publish the icon again, under another --quality.";

const ANOTHER_TOKEN: &str = "Check MASTODON_ACCESS_TOKEN: complete, of an account on \
     MASTODON_SERVER, and not revoked since. There, under Preferences, Development, your \
     application shows it; its scope has to include write:accounts.";

/// Too many requests: waits for the reset the server names, an ISO 8601 time
/// (<https://docs.joinmastodon.org/api/rate-limits/>).
fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(reply.headers, RATELIMIT_RESET);
    let reset = reset.and_then(|at| from_rfc3339(at.trim()));
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}

#[cfg(test)]
mod tests;
