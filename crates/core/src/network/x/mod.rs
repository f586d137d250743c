//! X, by either of two calls: `POST account/update_profile_image` of API v1.1, or an upload
//! followed by `PUT /2/users/me/profile_image` of API v2 (`v2.rs`). Both are signed with OAuth
//! 1.0a.
//!
//! X offers a call to an app depending on its access level, and does not document every case.
//! Unless a setting decides, v1.1 is tried first, and v2 where X refuses v1.1 to the app. The call
//! that works is remembered and tried first from then on.

mod account;
mod errors;
mod exchange;
pub mod oauth1;
pub mod sign_in;
mod v1;
mod v2;

use std::rc::Rc;

use chrono::{DateTime, Utc};
use http::Request;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use self::account::TITLE;
pub use self::account::{
    ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_BASE_URL, API_KEY, API_KEY_SECRET, Account, Api,
    BodyForm, InvalidApi, InvalidBodyForm, Version, X_API, X_BODY,
};
use self::exchange::{Tried, invalid_request, no_reply, stamp};
use crate::network::definition::Definition;
use crate::network::fingerprint::fingerprint;
use crate::network::interface::{Attempt, Network, Picture, SavedSession, Verified};
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview, Reason};
use crate::settings::reader::Reader;

/// X's entry in the list of networks.
pub const DEFINITION: Definition = Definition {
    name: "x",
    title: TITLE,
    required: &[API_KEY, API_KEY_SECRET, ACCESS_TOKEN, ACCESS_TOKEN_SECRET],
    variables: &[API_BASE_URL, X_API, X_BODY],
    sign_in: None,
    read,
};

/// The largest picture that is sent, in bytes. X says "less than 700 kilobytes" without saying
/// whether it means the raw size or base64's; this is safe under both.
const MAX_PICTURE_BYTES: usize = 512_000;

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
            let first = match self.api {
                Api::Only(version) => version,
                Api::Auto => kept.version.unwrap_or(Version::V1),
            };
            let tried = self.send(first, picture, &mut kept, transport).await?;
            let attempt = if self.api == Api::Auto && tried.is_closed {
                let other = self
                    .send(first.other(), picture, &mut kept, transport)
                    .await?;
                if other.attempt.outcome == Outcome::Turned {
                    kept.version = Some(first.other());
                }
                both(&tried, other, first.other())
            } else {
                tried.attempt
            };
            *saved_session = kept.saved_session();
            Ok(attempt)
        })
    }

    fn preview(&self, picture: Picture<'_>, now: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let request = match self.api {
            Api::Only(Version::V2) => v2::upload(self, picture, &stamp(now)?),
            _ => v1::request(self, picture, now),
        };
        Ok(Preview::of(
            &request?,
            "OAuth (signed, not shown)",
            picture.bytes.len(),
        ))
    }

    fn verify<'a>(
        &'a self,
        _: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>> {
        Box::pin(async move {
            let first = match self.api {
                Api::Only(version) => version,
                Api::Auto => Version::V1,
            };
            let one = self.ask_whose(first, transport).await?;
            if let Err(asked) = &one
                && !asked.is_closed
            {
                return Err(asked.diagnosis.clone());
            }
            let other = match self.api {
                Api::Only(_) => None,
                Api::Auto => Some(self.ask_whose(first.other(), transport).await?),
            };
            let notes = vec![open_to_the_app(&one, other.as_ref())];
            match (one, other) {
                (Ok(name), _) | (Err(_), Some(Ok(name))) => Ok(Verified {
                    account: Some(name),
                    notes,
                    unread: None,
                }),
                (Err(asked), None) => Err(asked.diagnosis),
                (Err(one), Some(Err(other))) => {
                    let second = (&other.diagnosis, first.other());
                    Err(neither(&one.diagnosis, second, other.is_of_oauth_1))
                }
            }
        })
    }
}

/// A version that did not say whose the keys are.
struct Untold {
    diagnosis: Diagnosis,
    is_closed: bool,
    is_of_oauth_1: bool,
}

/// Combines the results of both versions; the first is closed to the app.
fn both(first: &Tried, second: Tried, version: Version) -> Attempt {
    let mut attempt = second.attempt;
    let closed = first.attempt.outcome.diagnosis();
    match (&attempt.outcome, closed) {
        (Outcome::Turned, closed) => {
            let why = closed.map_or("", |diagnosis| diagnosis.message.as_str());
            attempt.note = Some(format!(
                "X refused one version of its API to this app ({why}), so the picture went by the \
                 other, which is tried first from now on."
            ));
        }
        (Outcome::Refused(diagnosis), Some(closed)) => {
            // X checks the signature before it decides what the app may do.
            let knows_the_keys = first.attempt.status == Some(403);
            // v1.1 accepts OAuth 1.0a from any app that it is open to.
            let is_of_oauth_1 = version == Version::V2
                && (second.is_of_oauth_1
                    || knows_the_keys && diagnosis.reason == Reason::Credentials);
            let diagnosis = neither(closed, (diagnosis, version), is_of_oauth_1);
            attempt.outcome = Outcome::Refused(diagnosis);
        }
        _ => {}
    }
    attempt
}

/// Explains that neither version takes the picture, with both answers unless they are the same.
fn neither(first: &Diagnosis, second: (&Diagnosis, Version), is_of_oauth_1: bool) -> Diagnosis {
    let (second, version) = second;
    if first.message == second.message {
        return first.clone();
    }
    let message = format!(
        "{}; and by {}, {}",
        first.message.trim_end_matches('.'),
        version.title(),
        second.message
    );
    let remedy = if is_of_oauth_1 {
        v2::NO_OAUTH_1.into()
    } else if second.reason == Reason::Access {
        first.remedy.clone()
    } else {
        second.remedy.clone()
    };
    let reason = if is_of_oauth_1 {
        Reason::Access
    } else {
        second.reason
    };
    Diagnosis {
        reason,
        message,
        remedy,
    }
}

/// Which versions are open to the app, as far as calls that change nothing show.
fn open_to_the_app(v1: &Result<String, Untold>, v2: Option<&Result<String, Untold>>) -> String {
    let answers = |version: Version, answer: &Result<String, Untold>| match answer {
        Ok(_) => format!("{} answers this app", version.title()),
        Err(untold) => {
            let said = untold.diagnosis.message.trim_end_matches('.');
            format!("{} does not ({said})", version.title())
        }
    };
    match v2 {
        None => "Whether X lets this app set the picture, only a turn can tell.".to_owned(),
        Some(v2) => format!(
            "{}; {}. Whether X lets it set the picture by them, only a turn can tell.",
            answers(Version::V1, v1),
            answers(Version::V2, v2)
        ),
    }
}

/// What a turn saves for the next one.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// The app and the address that it was learnt from.
    app: String,
    /// The version that worked after the other one was refused.
    version: Option<Version>,
    /// A picture that was uploaded and not set yet.
    media: Option<v2::Media>,
}

impl Kept {
    fn recalled(saved_session: Option<&SavedSession>, account: &Account) -> Self {
        let key = account.credentials.api_key.expose();
        let app = fingerprint(format!("{key} {}", account.base_url).as_bytes());
        let kept = saved_session
            .and_then(|saved_session| serde_json::from_slice(saved_session.0.as_bytes()).ok());
        let kept = kept.filter(|kept: &Self| kept.app == app);
        kept.unwrap_or_else(|| Self {
            app,
            ..Self::default()
        })
    }

    /// The text to save; `None` if there is nothing to remember.
    fn saved_session(&self) -> Option<SavedSession> {
        (self.version.is_some() || self.media.is_some()).then(|| {
            SavedSession(serde_json::to_string(self).expect("it is made of texts and numbers"))
        })
    }
}

impl Account {
    /// Sends a picture by one version.
    async fn send(
        &self,
        version: Version,
        picture: Picture<'_>,
        kept: &mut Kept,
        transport: &dyn Transport,
    ) -> Result<Tried, Diagnosis> {
        match version {
            Version::V1 => v1::send(self, picture, transport).await,
            Version::V2 => v2::send(self, picture, &mut kept.media, transport).await,
        }
    }

    /// Asks whose the keys are, by a call that changes nothing.
    async fn ask_whose(
        &self,
        version: Version,
        transport: &dyn Transport,
    ) -> Result<Result<String, Untold>, Diagnosis> {
        let path = match version {
            Version::V1 => v1::VERIFY_CREDENTIALS,
            Version::V2 => v2::ME,
        };
        let url = format!("{}{path}", self.base_url);
        let stamp = stamp(transport.now())?;
        let signed = oauth1::authorization("GET", &url, &[], &self.credentials, &stamp);
        let request = Request::get(url).header(AUTHORIZATION, signed);
        let request = request
            .body(Vec::new())
            .map_err(|error| invalid_request(&error))?;
        let untold = |outcome: Outcome, is_closed, is_of_oauth_1| Untold {
            diagnosis: outcome.diagnosis().cloned().unwrap_or_else(v1::no_user),
            is_closed,
            is_of_oauth_1,
        };
        Ok(match self.exchange(request, transport).await {
            Ok(reply) if reply.is_success() => {
                let name = match version {
                    Version::V1 => v1::read_user(reply.body(), &reply.secrets),
                    Version::V2 => v2::read_me(reply.body(), &reply.secrets),
                };
                match name {
                    Some(_) if reply.may_only_read() => {
                        Err(untold(Outcome::Refused(errors::only_reads()), false, false))
                    }
                    Some(name) => Ok(name),
                    None => Err(untold(Outcome::Refused(v1::no_user()), false, false)),
                }
            }
            Ok(reply) => {
                let is_closed = match version {
                    Version::V1 => errors::closes_v1(&reply),
                    Version::V2 => errors::closes_v2(&reply),
                };
                let outcome = reply.outcome(v1::read_success);
                Err(untold(outcome, is_closed, errors::refuses_oauth_1(&reply)))
            }
            Err(error) => Err(untold(no_reply(&error, transport.now()), false, false)),
        })
    }
}

#[cfg(test)]
mod tests;
