//! Bluesky: the profile is a record of the AT Protocol, `app.bsky.actor.profile`, that refers to
//! the picture, a blob.
//!
//! An attempt reads the record and puts it back with only the picture changed. It first uploads the
//! picture if the service does not have it (`frames.rs`). The record is put only in place of the
//! one that was read, so no concurrent change is overwritten.

mod account;
mod advice;
mod before;
mod blob;
mod call;
mod calls;
mod errors;
mod exchange;
mod frames;
mod home;
pub mod identifier;
mod identity;
mod oauth;
mod profile;
mod records;
mod resolver;
mod session;
mod sign_in;

use std::rc::Rc;

use chrono::{DateTime, Utc};

use self::account::TITLE;
pub use self::account::{
    Account, BLUESKY_APP_PASSWORD, BLUESKY_DIRECTORY, BLUESKY_DNS, BLUESKY_IDENTIFIER,
    BLUESKY_SERVICE, Lookup,
};
use self::blob::MAX_PICTURE_BYTES;
use self::call::{Call, DELETE_RECORD, GET_SESSION};
use self::calls::Calls;
use self::errors::{diagnosis_of, invalid_request, unexpected};
use self::exchange::{ADVICE, Exchange};
use self::frames::remove_frames;
use self::oauth::BlueskySignIn;
use self::profile::{Avatar, replace_avatar};
use crate::network::definition::Definition;
use crate::network::interface::{Attempt, Network, Picture, SavedSession, Verified};
use crate::network::reply::text_of;
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview};
use crate::settings::reader::Reader;

/// Bluesky's entry in the list of networks.
pub const DEFINITION: Definition = Definition {
    name: "bluesky",
    title: TITLE,
    required: &[BLUESKY_IDENTIFIER, BLUESKY_APP_PASSWORD],
    variables: &[BLUESKY_SERVICE, BLUESKY_DIRECTORY, BLUESKY_DNS],
    sign_in: Some(&BlueskySignIn),
    read,
};

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
            let mut exchange = Exchange::new(self, saved_session, transport);
            let mut is_limit_of_account = false;
            let outcome = match replace_avatar(&mut exchange, Avatar::Picture(picture)).await {
                Ok(()) => Outcome::Turned,
                Err(failure) => {
                    let failure = exchange.explained(failure).await;
                    is_limit_of_account = failure.is_limit_of_account;
                    *failure.outcome
                }
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
                is_limit_of_account,
            })
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let service = self.service.as_ref().unwrap_or(&self.lookup.default);
        let request = Call::upload(picture).request(service, Some(""));
        let request = request.map_err(|error| invalid_request(&error, ADVICE))?;
        Ok(Preview::of(
            &request,
            "Bearer (not shown)",
            picture.bytes.len(),
        ))
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
                    let handle = handle.ok_or_else(|| unexpected(GET_SESSION, ADVICE))?;
                    Ok(Verified::account(handle))
                }
                Err(failure) => Err(diagnosis_of(
                    &exchange.explained(failure).await,
                    GET_SESSION,
                    ADVICE,
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
            match remove_frames(&mut exchange).await {
                Ok(()) => Ok(()),
                Err(failure) => Err(diagnosis_of(
                    &exchange.explained(failure).await,
                    DELETE_RECORD,
                    ADVICE,
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

#[cfg(test)]
mod tests;
