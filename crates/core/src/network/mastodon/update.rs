//! A turn: `PATCH accounts/update_credentials` with the account's token.
//!
//! Other servers differ in what they say when they refuse, and in one thing that no reply shows:
//! PHP reads no multipart body of a PATCH, so Pixelfed answers it with success and changes nothing.
//! It accepts POST on the same path. The saved session tells the two apart: after a different
//! picture, the avatar has another address. If nothing is saved yet, the account is asked for its
//! avatar before the picture is sent.

use chrono::{DateTime, Utc};
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::fingerprint::fingerprint;
use crate::network::interface::{Attempt, Network, Picture, SavedSession, Verified};
use crate::network::mastodon::account::{Account, VERIFY_CREDENTIALS};
use crate::network::mastodon::avatar::{avatar_in, is_nobodys};
use crate::network::mastodon::errors::Needs;
use crate::network::multipart;
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview, Reason};

/// <https://docs.joinmastodon.org/methods/accounts/#update_credentials>
const UPDATE_CREDENTIALS: &str = "/api/v1/accounts/update_credentials";

/// <https://docs.joinmastodon.org/methods/apps/#verify_credentials>
const VERIFY_APP: &str = "/api/v1/apps/verify_credentials";

/// After this many different pictures in a row that leave the avatar's address unchanged, the turn
/// counts as failed.
const MAX_UNCHANGED: u32 = 2;

/// The largest picture that is sent, in bytes: what servers before 4.3 accept, by either reading of
/// "2 MB".
const MAX_PICTURE_BYTES: usize = 2_000_000;

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
                match shown(self, transport).await? {
                    Shown::Avatar(avatar) => kept.avatar = avatar,
                    Shown::Pause(attempt) => return Ok(attempt),
                }
            }
            let mut sent = send(self, picture, kept.method, transport).await?;
            if kept.method.is_unknown_to(&sent) {
                kept.method = kept.method.other();
                sent = send(self, picture, kept.method, transport).await?;
            }
            if kept.is_left_unchanged_by(picture, &sent) {
                let other = kept.method.other();
                let second = send(self, picture, other, transport).await?;
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
        let request = update_credentials(self, picture, UpdateMethod::Patch)?;
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
                Err(outcome) => Some(
                    outcome
                        .diagnosis()
                        .cloned()
                        .unwrap_or_else(|| self.no_account()),
                ),
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
                    self.advice.scopes,
                )),
                (Ok(name), ..) => Ok(Verified::account(name)),
                (Err(_), _, Some(true)) => Ok(Verified {
                    account: None,
                    notes: vec![format!(
                        "The token may write, which is all that turns need. {}",
                        self.advice.may_not_read
                    )],
                    unread: None,
                }),
                (Err(_), diagnosis, None) => Ok(Verified {
                    unread: Some(diagnosis.unwrap_or_else(|| self.no_account())),
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

/// Asks for the present avatar. The token need not be allowed to read it, so a refusal means
/// nothing.
async fn shown(account: &Account, transport: &dyn Transport) -> Result<Shown, Diagnosis> {
    let request = account.request(Method::GET, VERIFY_CREDENTIALS, None)?;
    let reply = transport.send(request).await;
    let named = account.name_in(&reply, Needs::Read, transport.now());
    let status = reply.as_ref().ok().map(|reply| reply.status().as_u16());
    Ok(match (named, reply) {
        (Ok(_), Ok(reply)) => {
            let avatar = avatar_in(&reply);
            Shown::Avatar(avatar.as_deref().map(str::as_bytes).map(fingerprint))
        }
        (Err(outcome), reply) if reply.is_err() || is_a_limit(&outcome) => Shown::Pause(Attempt {
            outcome,
            status,
            account: None,
            note: None,
            is_limit_of_account: false,
        }),
        _ => Shown::Avatar(None),
    })
}

/// Sends a picture and reads the reply.
async fn send(
    account: &Account,
    picture: Picture<'_>,
    method: UpdateMethod,
    transport: &dyn Transport,
) -> Result<Sent, Diagnosis> {
    let reply = transport
        .send(update_credentials(account, picture, method)?)
        .await;
    let named = account.name_in(&reply, Needs::Write, transport.now());
    let reply = reply.as_ref().ok();
    Ok(Sent {
        is_success: named.is_ok(),
        avatar: reply.filter(|_| named.is_ok()).and_then(avatar_in),
        attempt: Attempt {
            status: reply.map(|reply| reply.status().as_u16()),
            account: named.as_ref().ok().cloned(),
            outcome: named.map_or_else(|outcome| outcome, |_| Outcome::Turned),
            note: None,
            is_limit_of_account: false,
        },
    })
}

/// Builds the request that makes a picture the account's.
fn update_credentials(
    account: &Account,
    picture: Picture<'_>,
    method: UpdateMethod,
) -> Result<Request<Vec<u8>>, Diagnosis> {
    let boundary = multipart::fresh_boundary()?;
    let Picture {
        bytes, media_type, ..
    } = picture;
    let body = multipart::one_file(&boundary, "avatar", media_type, bytes);
    let form = Some((multipart::content_type(&boundary), body));
    account.request(method.method(), UPDATE_CREDENTIALS, form)
}

fn is_a_limit(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { diagnosis, .. } if diagnosis.reason == Reason::RateLimit)
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
