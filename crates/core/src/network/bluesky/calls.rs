//! The calls of one attempt. What an attempt does with records is the same for every way in; how a
//! call is authorized, and what is done if it is not, differs.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Response};
use serde_json::Value;

use crate::network::bluesky::account::TITLE;
use crate::network::bluesky::advice::Advice;
use crate::network::bluesky::call::Call;
use crate::network::bluesky::errors::{Failure, is_limit_of_account, outcome_of};
use crate::network::reply::{ErrorReply, transient};
use crate::network::transport::Pending;
use crate::settings::secret::Secret;

/// An attempt makes no more requests after this time.
const MAX_DURATION: TimeDelta = TimeDelta::seconds(60);

/// The authorized calls of one attempt, and what is known from the attempts before.
pub(super) trait Calls {
    /// The account's DID.
    fn did(&mut self) -> Pending<'_, Result<String, Failure>>;

    /// Makes a call that the service authorizes, and returns the JSON of its reply.
    fn call<'b>(&'b mut self, call: &'b Call<'b>) -> Pending<'b, Result<Value, Failure>>;

    /// What can be done about a refusal.
    fn advice(&self) -> &'static Advice;

    /// The frames that the record of frames held when it was last read, by their blobs' identifiers.
    fn kept_frames(&self) -> &[String];

    /// Remembers them for the next attempt.
    fn remember_frames(&mut self, frames: Vec<String>);
}

/// Checks that there is time for one more request of an attempt.
///
/// # Errors
/// When there is none.
pub(super) fn check_time(started: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Failure> {
    if now.signed_duration_since(started) < MAX_DURATION {
        return Ok(());
    }
    let said = format!("{TITLE} took more than {} s", MAX_DURATION.num_seconds());
    let outcome = transient(TITLE, &said, &HeaderMap::new(), now);
    Err(Failure::new(outcome))
}

/// Reads the reply to a call. `secrets` are the texts that must not be shown.
///
/// # Errors
/// When it is no success, or not JSON.
pub(super) fn answer_to(
    call: &Call<'_>,
    reply: &Response<Vec<u8>>,
    secrets: &[&Secret],
    advice: &'static Advice,
    now: DateTime<Utc>,
) -> Result<Value, Failure> {
    if reply.status().is_success() {
        let body = serde_json::from_slice(reply.body());
        return body.map_err(|_| Failure::unexpected(call.path, advice));
    }
    let error = ErrorReply::read(TITLE, reply, secrets);
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let words = body.get("message").and_then(Value::as_str);
    Err(Failure {
        call: call.name().into(),
        outcome: Box::new(outcome_of(&error, advice, now)),
        words: words.unwrap_or_default().into(),
        is_limit_of_account: is_limit_of_account(call.name(), reply.headers()),
        name: error.error.into(),
        status: Some(reply.status().as_u16()),
    })
}
