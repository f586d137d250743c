//! The account of a sign-in with a browser: its turns, and the picture from before its start.

use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::network::bluesky::before;
use crate::network::bluesky::blob::MAX_PICTURE_BYTES;
use crate::network::bluesky::call::{Call, DELETE_RECORD, GET_SESSION, PUT_RECORD, SELF};
use crate::network::bluesky::calls::Calls;
use crate::network::bluesky::errors::{Failure, diagnosis_of, invalid_request};
use crate::network::bluesky::frames::{self, FRAMES};
use crate::network::bluesky::oauth::attempt::{ADVICE, OauthCalls, SignedIn};
use crate::network::bluesky::oauth::details::Details;
use crate::network::bluesky::profile::{Avatar, replace_avatar};
use crate::network::interface::{Attempt, Network, Picture, SavedSession, Verified};
use crate::network::reply::text_of;
use crate::network::sign_in::{Connection, Context, Service, Shown};
use crate::network::signer::Signer;
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview};

/// An account that somebody has signed in to with a browser, for turns.
#[derive(Debug)]
pub(super) struct OauthAccount {
    signed_in: SignedIn,
    signer: Rc<dyn Signer>,
}

impl OauthAccount {
    /// The account of a connection.
    pub(super) fn new(
        connection: &Connection,
        service: Option<Service>,
        signer: Rc<dyn Signer>,
    ) -> Self {
        Self {
            signed_in: SignedIn::new(connection, service),
            signer,
        }
    }

    fn begin<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Result<OauthCalls<'a>, Diagnosis> {
        let signer = self.signer.as_ref();
        self.signed_in.begin(signer, saved_session, transport)
    }
}

impl Network for OauthAccount {
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
            let mut calls = self.begin(saved_session, transport)?;
            let mut attempt = Attempt {
                outcome: Outcome::Turned,
                status: None,
                account: Some(self.signed_in.name.clone()),
                note: None,
                is_limit_of_account: false,
            };
            match replace_avatar(&mut calls, Avatar::Picture(picture)).await {
                Ok(()) => attempt.note = calls.news(),
                Err(failure) => {
                    let failure = calls.explained(failure).await;
                    attempt.is_limit_of_account = failure.is_limit_of_account;
                    attempt.outcome = *failure.outcome;
                }
            }
            attempt.status = calls.status;
            Ok(attempt)
        })
    }

    fn preview(&self, picture: Picture<'_>, _: DateTime<Utc>) -> Result<Preview, Diagnosis> {
        let request = Call::upload(picture).request(self.signed_in.pds()?, Some(""));
        let request = request.map_err(|error| invalid_request(&error, ADVICE))?;
        let size = picture.bytes.len();
        Ok(Preview::of(&request, "DPoP (not shown)", size))
    }

    fn verify<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>> {
        Box::pin(async move {
            let mut calls = self.begin(saved_session, transport)?;
            let verified = verified(&mut calls, &self.signed_in.did).await;
            told(&mut calls, verified, GET_SESSION).await
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
            let mut calls = self.begin(saved_session, transport)?;
            let removed = frames::remove_all_but_before(&mut calls).await;
            told(&mut calls, removed, PUT_RECORD).await
        })
    }
}

/// Asks the server whose session it is.
async fn verified(calls: &mut OauthCalls<'_>, did: &str) -> Result<Verified, Failure> {
    let reply = calls.call(&Call::get(GET_SESSION)).await?;
    calls.check_open(&reply)?;
    let handle = text_of(&reply, "handle", &calls.secrets());
    if handle.is_empty() || text_of(&reply, "did", &[]) != did {
        return Err(Failure::unexpected(GET_SESSION, ADVICE));
    }
    Ok(Verified::account(handle))
}

/// Keeps the picture that the account of a connection shows, in the record of frames.
///
/// # Errors
/// When it cannot be held there.
pub(super) async fn keep_shown(
    connection: &Connection,
    context: Context<'_>,
) -> Result<Shown, Diagnosis> {
    let (signed_in, mut saved_session) = (signed_in(connection, context), None);
    let mut calls = signed_in.begin(context.signer, &mut saved_session, context.transport)?;
    let kept = before::keep_shown(&mut calls).await;
    told(&mut calls, kept, PUT_RECORD).await
}

/// Has the account of a connection show the picture again that the record of frames holds.
///
/// # Errors
/// When it is not held any more, or not shown.
pub(super) async fn put_held_back(
    connection: &Connection,
    context: Context<'_>,
) -> Result<(), Diagnosis> {
    let (signed_in, mut saved_session) = (signed_in(connection, context), None);
    let mut calls = signed_in.begin(context.signer, &mut saved_session, context.transport)?;
    let put = before::put_held_back(&mut calls).await;
    told(&mut calls, put, PUT_RECORD).await
}

/// Removes the record of frames of a connection's account, with the picture that it holds.
///
/// # Errors
/// When it may still be there.
pub(super) async fn remove_kept(
    connection: &Connection,
    context: Context<'_>,
) -> Result<(), Diagnosis> {
    let (signed_in, mut saved_session) = (signed_in(connection, context), None);
    let mut calls = signed_in.begin(context.signer, &mut saved_session, context.transport)?;
    let removed = frames::remove_frames(&mut calls).await;
    told(&mut calls, removed, DELETE_RECORD).await
}

/// Removes the picture that the account of a connection shows.
///
/// # Errors
/// When the server does not remove it.
pub(super) async fn remove_picture(
    connection: &Connection,
    context: Context<'_>,
) -> Result<(), Diagnosis> {
    let (signed_in, mut saved_session) = (signed_in(connection, context), None);
    let mut calls = signed_in.begin(context.signer, &mut saved_session, context.transport)?;
    let removed = replace_avatar(&mut calls, Avatar::Nothing).await;
    told(&mut calls, removed, PUT_RECORD).await
}

/// Where the picture from before the start is held for an account: the address of the record, and
/// its member.
pub(super) fn held_at(did: &str) -> String {
    format!("{}, member before", address(did))
}

/// How a person removes the record of frames themselves.
pub(super) fn how_to_remove_frames(did: &str) -> String {
    format!(
        "Your frames are still in the record {} of your account. Sign in here again and leave again, \
         or delete that record with a record editor such as pdsls.dev.",
        address(did)
    )
}

/// The address of the record of frames (<https://atproto.com/specs/at-uri-scheme>).
fn address(did: &str) -> String {
    format!("at://{did}/{FRAMES}/{SELF}")
}

/// The server of a connection's turns: scheme, host and port.
pub(super) fn turned_on(connection: &Connection) -> String {
    let pds = Details::of(connection).map(|details| details.pds.to_string());
    pds.unwrap_or_else(|| connection.app.server.clone())
}

fn signed_in(connection: &Connection, context: Context<'_>) -> SignedIn {
    SignedIn::new(connection, Some(context.service.clone()))
}

/// The result of calls, or the diagnosis of their failure.
async fn told<T>(
    calls: &mut OauthCalls<'_>,
    result: Result<T, Failure>,
    call: &str,
) -> Result<T, Diagnosis> {
    match result {
        Ok(value) => Ok(value),
        Err(failure) => {
            let failure = calls.explained(failure).await;
            Err(diagnosis_of(&failure, call, ADVICE))
        }
    }
}

#[cfg(test)]
mod tests;
