//! Bluesky: the profile is a record of the AT Protocol, `app.bsky.actor.profile`, that refers to
//! the picture, a blob.
//!
//! An attempt reads the record and puts it back with only the picture changed. It first uploads the
//! picture if the service does not have it (`frames.rs`). The record is put only in place of the
//! one that was read, so no concurrent change is overwritten.

use std::rc::Rc;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use self::call::{Call, DELETE_RECORD, GET_SESSION};
use self::errors::{Failure, invalid_request, unexpected};
use self::exchange::Exchange;
use self::identifier::Identifier;
pub use self::identity::Lookup;
use super::base_url::{self, BaseUrl, InvalidBaseUrl};
use super::reply::text_of;
use super::{Attempt, Definition, Network, Pending, Picture, SavedSession, Transport, Verified};
use crate::outcome::{Diagnosis, Outcome, Preview};
use crate::settings::secret::Secret;
use crate::settings::{Reader, Variable};

mod call;
mod errors;
mod exchange;
mod frames;
pub mod identifier;
mod identity;
mod profile;
mod session;

const TITLE: &str = "Bluesky";

/// Bluesky's entry in the list of networks.
pub const DEFINITION: Definition = Definition {
    name: "bluesky",
    title: TITLE,
    required: &[BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD],
    variables: &[BLUESKY_SERVICE, BLUESKY_DIRECTORY, BLUESKY_DNS],
    read,
};

/// The account's handle, or the e-mail address it signs in with.
pub const BLUESKY_IDENTIFIER: &str = "BLUESKY_IDENTIFIER";
/// The account's app password.
pub const BLUESKY_APP_PASSWORD: &str = "BLUESKY_APP_PASSWORD";

/// The server the account signs in to.
pub const BLUESKY_SERVICE: Variable = Variable {
    name: "BLUESKY_SERVICE",
    default: AUTO,
    accepts: "auto, which finds the server from the handle, or an https:// URL without path \
              (http:// only for localhost)",
};
/// The directory that accounts are looked up in, of `did:plc`:
/// <https://web.plc.directory/spec/v0.1/did-plc>.
pub const BLUESKY_DIRECTORY: Variable = Variable {
    name: "BLUESKY_DIRECTORY",
    default: "https://plc.directory",
    accepts: base_url::ACCEPTS,
};
/// The resolver for handles: a server that answers DNS queries in JSON at `/dns-query`,
/// <https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>.
pub const BLUESKY_DNS: Variable = Variable {
    name: "BLUESKY_DNS",
    default: "https://cloudflare-dns.com",
    accepts: base_url::ACCEPTS,
};

/// The value that finds the service from the handle.
const AUTO: &str = "auto";

/// The server for accounts whose handle is not known.
const DEFAULT_SERVICE: &str = "https://bsky.social";

/// The largest frame that is sent, in bytes: `maxSize` of `avatar` in the lexicon,
/// <https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/actor/profile.json>.
pub const MAX_FRAME_BYTES: usize = 1_000_000;

/// An account on Bluesky.
#[derive(Debug, Clone)]
pub struct Account {
    /// The server to sign in to; if `None`, found from the handle.
    pub service: Option<BaseUrl>,
    /// The services that find it.
    pub lookup: Lookup,
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
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Attempt, Diagnosis>> {
        Box::pin(async move {
            let mut exchange = Exchange::new(self, saved_session, transport);
            let outcome = match exchange.replace_avatar(picture).await {
                Ok(()) => Outcome::Turned,
                Err(failure) => *exchange.explained(failure).await.outcome,
            };
            let status = exchange.status;
            // Nobody else needs to see an e-mail address.
            let account = Some(format!("@{}", self.identifier));
            let account = account.filter(|_| !self.identifier.contains('@'));
            Ok(Attempt {
                outcome,
                status,
                account,
                note: None,
            })
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let service = self.service.as_ref().unwrap_or(&self.lookup.default);
        let request = Call::upload(picture).request(service, Some(""));
        let request = request.map_err(|error| invalid_request(&error))?;
        Ok(Preview::of(&request, "Bearer (not shown)", picture))
    }

    fn verify<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>> {
        Box::pin(async move {
            let mut exchange = Exchange::new(self, saved_session, transport);
            let session = exchange.call(&Call::get(GET_SESSION)).await;
            let session = session.and_then(|session| {
                exchange.check_open(&session)?;
                Ok(session)
            });
            match session {
                Ok(session) => {
                    let handle = text_of(&session, "handle", &exchange.secrets());
                    let handle = Some(handle).filter(|handle| !handle.is_empty());
                    let handle = handle.ok_or_else(|| unexpected(GET_SESSION))?;
                    Ok(Verified::account(handle))
                }
                Err(failure) => Err(diagnosis_of(
                    &exchange.explained(failure).await,
                    GET_SESSION,
                )),
            }
        })
    }

    fn keeps_frames(&self) -> bool {
        true
    }

    fn remove_frames<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(async move {
            let mut exchange = Exchange::new(self, saved_session, transport);
            match exchange.remove_frames().await {
                Ok(()) => Ok(()),
                Err(failure) => Err(diagnosis_of(
                    &exchange.explained(failure).await,
                    DELETE_RECORD,
                )),
            }
        })
    }

    fn end<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, ()> {
        Box::pin(async move { Exchange::new(self, saved_session, transport).end().await })
    }
}

/// The diagnosis of a call's failure.
fn diagnosis_of(failure: &Failure, call: &str) -> Diagnosis {
    let diagnosis = failure.outcome.diagnosis().cloned();
    diagnosis.unwrap_or_else(|| unexpected(call))
}

impl Account {
    /// Reads an account's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let service = reader.parsed::<Service>(BLUESKY_SERVICE);
        let directory = reader.parsed(BLUESKY_DIRECTORY);
        let dns = reader.parsed(BLUESKY_DNS);
        let identifier =
            reader.required_parsed::<Identifier>(BLUESKY_IDENTIFIER, identifier::ACCEPTS);
        let app_password = reader.password(BLUESKY_APP_PASSWORD);
        Some(Self {
            service: service?.0,
            lookup: Lookup {
                directory: directory?,
                dns: dns?,
                default: DEFAULT_SERVICE.parse().ok()?,
            },
            identifier: identifier?.to_string(),
            app_password: app_password?,
        })
    }
}

/// The service in the settings; `None` for `auto`.
struct Service(Option<BaseUrl>);

impl FromStr for Service {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        if text.eq_ignore_ascii_case(AUTO) {
            return Ok(Self(None));
        }
        text.parse().map(|service| Self(Some(service)))
    }
}

#[cfg(test)]
mod tests;
