//! One request to X and its reply.

use chrono::{DateTime, Utc};
use http::Request;

use crate::network::interface::Attempt;
use crate::network::reply::no_answer;
use crate::network::transport::Transport;
use crate::network::x::account::{API_BASE_URL, Account, TITLE};
use crate::network::x::errors::Reply;
use crate::network::x::oauth1::{self, Stamp};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::SendError;

/// The result of sending a picture by one version.
pub(super) struct Tried {
    pub(super) attempt: Attempt,
    /// X does not offer this version to the app; the other one may be open.
    pub(super) is_closed: bool,
    /// X refuses OAuth 1.0a itself.
    pub(super) is_of_oauth_1: bool,
}

impl Tried {
    pub(super) fn with(outcome: Outcome, status: Option<u16>) -> Self {
        Self {
            attempt: Attempt {
                outcome,
                status,
                account: None,
                note: None,
                is_limit_of_account: false,
            },
            is_closed: false,
            is_of_oauth_1: false,
        }
    }
}

impl Account {
    /// Sends a request and reads the reply.
    pub(super) async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        transport: &dyn Transport,
    ) -> Result<Reply, SendError> {
        // Some proxies repeat the request.
        let secrets = self.credentials.secrets().into_iter().cloned();
        let secrets = secrets.chain(oauth1::signature_of(&request)).collect();
        let reply = transport.send(request).await?;
        Ok(Reply::read(reply, secrets, transport.now()))
    }
}

/// A timestamp and a nonce for one signature.
pub(super) fn stamp(now: DateTime<Utc>) -> Result<Stamp, Diagnosis> {
    Stamp::fresh(now).map_err(|error| {
        Diagnosis::new(
            Reason::Host,
            format!("The host provides no randomness for the signature: {error}."),
            "Try again.",
        )
    })
}

/// What is wrong when a request is not valid HTTP.
pub(super) fn invalid_request(error: &http::Error) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        "Check API_BASE_URL and the four keys.",
    )
}

/// The outcome of a call that got no complete reply.
pub(super) fn no_reply(error: &SendError, now: DateTime<Utc>) -> Outcome {
    no_answer(TITLE, API_BASE_URL.name, error, now)
}
