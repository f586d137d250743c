//! What goes wrong with a call, and what to do about it.

use chrono::{DateTime, TimeDelta, Utc};

use super::TITLE;
use crate::instant::after;
use crate::network::reply::{ErrorReply, Meaning, header_text, rate_limited, retry, transient};
use crate::outcome::{Outcome, Reason, Trouble};
use crate::ports::RATELIMIT_RESET;

/// A call that was not answered as it should be.
pub(super) struct Failure {
    /// The error's name in the lexicon, or nothing.
    pub(super) name: String,
    pub(super) status: Option<u16>,
    pub(super) outcome: Outcome,
}

impl Failure {
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            name: String::new(),
            status: None,
            outcome,
        }
    }

    pub(super) fn unexpected(call: &str) -> Self {
        Self::new(Outcome::Refused(unexpected(call)))
    }

    /// Whether it is the token that is not accepted.
    pub(super) fn is_of_token(&self) -> bool {
        matches!(self.name.as_str(), "ExpiredToken" | "InvalidToken")
    }
}

/// Whether there is no such record. Services of before 2024 have no name for it.
pub(super) fn is_not_found(failure: &Failure) -> bool {
    let said = failure.outcome.trouble();
    let said = said.map_or("", |trouble| trouble.message.as_str());
    match failure.name.as_str() {
        "RecordNotFound" => true,
        "InvalidRequest" => said.contains("Could not locate record"),
        _ => false,
    }
}

pub(super) fn unmade(error: &http::Error) -> Trouble {
    Trouble::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        "Check BLUESKY_SERVICE.",
    )
}

/// A reply of success that is not what the lexicon says of a call.
pub(super) fn unexpected(call: &str) -> Trouble {
    // Without a query.
    let call = call.split('?').next().unwrap_or_default();
    Trouble::new(
        Reason::UnexpectedReply,
        format!("The call {call} was answered with success, but not as its lexicon says."),
        "Check BLUESKY_SERVICE: something other than the AT Protocol's API answers there.",
    )
}

pub(super) const ANOTHER_PASSWORD: &str = "Check BLUESKY_IDENTIFIER, your handle without @, and \
     BLUESKY_APP_PASSWORD. Make a new app password at bsky.app under Settings, Privacy and \
     security, App passwords, and store it again.";

pub(super) const CHANGED_MEANWHILE: &str = "Something else keeps changing the profile. Nothing to do if it \
     passes.";

/// What a reply of error means: by its name, which the lexicons and
/// <https://github.com/bluesky-social/atproto/tree/main/packages/pds/src> give, or
/// else by its status.
pub(super) fn outcome_of(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let said = reply.said.as_str();
    let refused =
        |reason, remedy: &'static str| Outcome::Refused(Trouble::new(reason, said, remedy));
    match (reply.error.as_str(), reply.meaning()) {
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
        ("MethodNotImplemented", _) => refused(
            Reason::UnexpectedReply,
            "BLUESKY_SERVICE names an AppView or something else that keeps no accounts. Set it to \
             the server where the account signs in, or leave it out for bsky.social.",
        ),
        ("RateLimitExceeded", _) | (_, Meaning::Limit) => limited(reply, now),
        ("BlobNotFound", _) | (_, Meaning::Passes) => transient(TITLE, said, reply.headers, now),
        (_, Meaning::Forbidden) if reply.is_html => refused(
            Reason::Blocked,
            "A firewall in front of Bluesky refused the call, as it may do to calls from \
             Workers. Wait, or make the turn from an ordinary machine.",
        ),
        (_, Meaning::Credentials) => refused(Reason::Credentials, ANOTHER_PASSWORD),
        (_, Meaning::Forbidden) => refused(
            Reason::Access,
            "Bluesky does not allow this call. Make a new app password and store it as \
             BLUESKY_APP_PASSWORD.",
        ),
        (
            "InvalidMimeType" | "InvalidSize" | "BlobTooLarge" | "PayloadTooLarge"
            | "InvalidRecord" | "InvalidRequest",
            _,
        )
        | (_, Meaning::Request) => refused(
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
pub(super) fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(reply.headers, RATELIMIT_RESET);
    let reset = reset.and_then(|seconds| seconds.trim().parse().ok());
    let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}
