//! The picture that an account shows: keeping it, and removing it.

use http::header::ACCEPT;
use http::{Method, Request, StatusCode};

use crate::network::mastodon::account::VERIFY_CREDENTIALS;
use crate::network::mastodon::avatar::{avatar_in, is_nobodys};
use crate::network::mastodon::errors::{Needs, TITLE, outcome_of};
use crate::network::mastodon::sign_in::connected::account_of;
use crate::network::public_address::{PublicAddresses, PublicUrl};
use crate::network::reply::{ErrorReply, unanswered};
use crate::network::sign_in::{Connection, MAX_SHOWN_BYTES, Service};
use crate::network::transport::Transport;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{REPLY_TIMEOUT_MS, ReplyLimits, SendError};

/// <https://docs.joinmastodon.org/methods/profile/#delete-profile-avatar>
const AVATAR: &str = "/api/v1/profile/avatar";

/// What a picture may take.
const LIMITS: ReplyLimits = ReplyLimits {
    timeout_ms: REPLY_TIMEOUT_MS,
    max_bytes: MAX_SHOWN_BYTES,
};

/// What a person can do whose picture cannot be kept.
const KEEP_IT_YOURSELF: &str = "Nothing to do if it passes. If it stays, download the picture from \
     your profile first, so that you can put it back yourself.";

/// Fetches the file of the picture that an account shows; `None` if it is the server's default one.
///
/// # Errors
/// When it cannot be fetched.
pub(super) async fn shown(
    connection: &Connection,
    service: &Service,
    transport: &dyn Transport,
) -> Result<Option<Vec<u8>>, Diagnosis> {
    let account = account_of(connection);
    let request = account.request(Method::GET, VERIFY_CREDENTIALS, None)?;
    let reply = transport.send(request).await;
    let named = account.name_in(&reply, Needs::Read, transport.now());
    let reply = match (named, reply) {
        (Ok(_), Ok(reply)) => reply,
        (Err(outcome), _) => {
            let diagnosis = outcome.diagnosis().cloned();
            return Err(diagnosis.unwrap_or_else(|| account.no_account()));
        }
        (Ok(_), Err(_)) => return Err(account.no_account()),
    };
    let Some(avatar) = avatar_in(&reply).filter(|avatar| !avatar.is_empty()) else {
        return Ok(None);
    };
    if is_nobodys(&avatar) {
        return Ok(None);
    }
    let url = PublicAddresses::for_visitors_of(service).url(&avatar);
    let url = url.map_err(|error| {
        let message = format!("The address of the picture cannot be used: {error}.");
        Diagnosis::new(Reason::UnexpectedReply, message, KEEP_IT_YOURSELF)
    })?;
    fetch(&url, transport).await.map(Some)
}

/// Fetches a picture. No token goes with the request: pictures may be on another server.
async fn fetch(url: &PublicUrl, transport: &dyn Transport) -> Result<Vec<u8>, Diagnosis> {
    let host = url.origin.authority();
    let failed = |reason, why: String| {
        let message = format!("The picture could not be fetched: {host} {why}.");
        Diagnosis::new(reason, message, KEEP_IT_YOURSELF)
    };
    let request = Request::get(url.to_string())
        .header(ACCEPT, "image/*")
        .body(Vec::new())
        .map_err(|_| failed(Reason::UnexpectedReply, "has it at no valid address".into()))?;
    let reply = transport.send_within(request, LIMITS).await;
    let reply = reply.map_err(|error| match error {
        SendError::TooLarge => {
            let why = format!("has one of more than {} MB", MAX_SHOWN_BYTES / 1_000_000);
            failed(Reason::UnexpectedReply, why)
        }
        _ => failed(Reason::Transient, "did not answer".to_owned()),
    })?;
    let status = reply.status();
    if status != StatusCode::OK {
        let why = format!("answered {}", status.as_u16());
        return Err(failed(Reason::UnexpectedReply, why));
    }
    Ok(reply.into_body())
}

/// Removes the picture of an account.
///
/// # Errors
/// When the server does not remove it.
pub(super) async fn remove(
    connection: &Connection,
    transport: &dyn Transport,
) -> Result<(), Diagnosis> {
    let account = account_of(connection);
    let request = account.request(Method::DELETE, AVATAR, None)?;
    let now = transport.now();
    let outcome = match transport.send(request).await {
        Ok(reply) if reply.status().is_success() => return Ok(()),
        Ok(reply) => {
            let refusal = ErrorReply::read(TITLE, &reply, &[&account.access_token]);
            if matches!(refusal.status, 404 | 405) {
                return Err(Diagnosis::new(
                    Reason::UnexpectedReply,
                    "Your server lets no program remove a picture.",
                    "Remove it there yourself, in the settings of your profile.",
                ));
            }
            outcome_of(&refusal, Needs::Write, account.advice, now)
        }
        Err(error) => unanswered(TITLE, account.advice.no_answer, &error, now),
    };
    Err(outcome
        .diagnosis()
        .cloned()
        .unwrap_or_else(|| account.no_account()))
}
