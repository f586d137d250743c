//! What can go wrong with a call, and what to do about it.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderName;
use serde_json::Value;

use crate::instant::after;
use crate::network::base_url::BaseUrl;
use crate::network::bluesky::account::TITLE;
use crate::network::reply::{ErrorReply, Meaning, header_text, rate_limited, retry, transient};
use crate::outcome::{Diagnosis, Outcome, Reason};

/// When the limit ends.
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// A call that did not get the expected answer.
pub(super) struct Failure {
    /// The name of the call that failed. It may have been made to obtain a session.
    pub(super) call: Box<str>,
    /// The error's name in the lexicon, or an empty text.
    pub(super) name: Box<str>,
    /// The service's message, whole and unfiltered: to be examined, never shown.
    pub(super) words: Box<str>,
    pub(super) status: Option<u16>,
    pub(super) outcome: Box<Outcome>,
}

impl Failure {
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            call: "".into(),
            name: "".into(),
            words: "".into(),
            status: None,
            outcome: Box::new(outcome),
        }
    }

    /// A refusal: what is wrong, and what the owner can do.
    pub(super) fn refused(
        reason: Reason,
        message: impl Into<String>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Outcome::Refused(Diagnosis::new(reason, message, remedy)))
    }

    pub(super) fn unexpected(call: &str) -> Self {
        Self::new(Outcome::Refused(unexpected(call)))
    }

    /// Adds the server that refused the app password: it may be the wrong one.
    pub(super) fn asked_at(mut self, service: &BaseUrl) -> Self {
        if let Outcome::Refused(diagnosis) = &mut *self.outcome
            && diagnosis.reason == Reason::Credentials
            && diagnosis.remedy == ANOTHER_PASSWORD
        {
            diagnosis.remedy = format!(
                "{ANOTHER_PASSWORD} {service} was asked: if the account is on another server, set \
                 BLUESKY_SERVICE to that."
            )
            .into();
        }
        self
    }

    /// Whether the service does not accept the token.
    pub(super) fn is_of_token(&self) -> bool {
        matches!(self.name.as_ref(), "ExpiredToken" | "InvalidToken")
    }

    /// Whether the record does not exist. Services from before 2024 have no error name for this.
    pub(super) fn is_not_found(&self) -> bool {
        match self.name.as_ref() {
            "RecordNotFound" => true,
            "InvalidRequest" => self.words.contains("Could not locate record"),
            _ => false,
        }
    }

    /// Whether the service does not know the account, without saying what became of it. The
    /// official server looks for the repository of an account that is deactivated, taken down or
    /// deleted elsewhere (`getRecord.ts`), and its `getSession.ts` knows no account that was taken
    /// down.
    pub(super) fn is_of_unknown_account(&self) -> bool {
        let is_said = |words| self.words.starts_with(words);
        match self.name.as_ref() {
            "RepoNotFound" => true,
            "InvalidRequest" => {
                is_said("Could not find repo") || is_said("Could not find user info")
            }
            _ => false,
        }
    }

    /// Whether, and how, the account is closed.
    pub(super) fn is_of_closed_account(&self) -> bool {
        Closed::named(&self.name).is_some()
    }

    /// The diagnosis, if it lasts until the owner does something.
    pub(super) fn refusal(&self) -> Option<&Diagnosis> {
        match self.outcome.as_ref() {
            Outcome::Refused(diagnosis) => Some(diagnosis),
            _ => None,
        }
    }

    /// Replaces the reason and the remedy.
    pub(super) fn told(mut self, reason: Reason, remedy: impl Into<Cow<'static, str>>) -> Self {
        let message = self
            .outcome
            .diagnosis()
            .map(|diagnosis| diagnosis.message.clone());
        let diagnosis = Diagnosis::new(reason, message.unwrap_or_default(), remedy);
        *self.outcome = Outcome::Refused(diagnosis);
        self
    }
}

/// What has become of a closed account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// Closed by its owner, for the time being.
    Deactivated,
    /// Closed by moderation, for good.
    TakenDown,
    /// Closed by moderation, for a time.
    Suspended,
    /// Deleted.
    Deleted,
}

impl Closed {
    /// The state that an error's name means.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "AccountDeactivated" | "RepoDeactivated" => Some(Self::Deactivated),
            "AccountTakedown" | "RepoTakendown" => Some(Self::TakenDown),
            "AccountSuspended" | "RepoSuspended" => Some(Self::Suspended),
            "AccountNotFound" => Some(Self::Deleted),
            _ => None,
        }
    }

    /// The state that a session reports: `active` and `status` in
    /// <https://docs.bsky.app/docs/api/com-atproto-server-get-session>.
    pub(super) fn of_session(session: &Value) -> Option<Self> {
        if session.get("active") != Some(&Value::Bool(false)) {
            return None;
        }
        match session.get("status").and_then(Value::as_str) {
            Some("deactivated") => Some(Self::Deactivated),
            Some("takendown") => Some(Self::TakenDown),
            Some("suspended") => Some(Self::Suspended),
            Some("deleted") => Some(Self::Deleted),
            _ => None,
        }
    }

    /// What the owner can do.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Deactivated => {
                "The account is deactivated. Sign in at bsky.app in a browser and reactivate it, \
                 then turn. If you have moved it to another server, set BLUESKY_SERVICE to that \
                 one and store an app password that was made there."
            }
            Self::TakenDown => {
                "Bluesky's moderation has taken the account down. Sign in at bsky.app in a \
                 browser: it says why, and how to appeal."
            }
            Self::Suspended => {
                "Bluesky's moderation has suspended the account. Sign in at bsky.app in a \
                 browser: it says why, and for how long."
            }
            Self::Deleted => {
                "There is no such account here any more: it has been deleted, or moved to \
                 another server. If it has moved, set BLUESKY_SERVICE to the new server. If it \
                 is deleted, remove BLUESKY_IDENTIFIER and BLUESKY_APP_PASSWORD."
            }
        }
    }

    /// The failure of a call whose session reports this state.
    pub(super) fn told_by_session(self) -> Failure {
        let what = match self {
            Self::Deactivated => "deactivated",
            Self::TakenDown => "taken down",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        };
        let said = format!("{TITLE} says that the account is {what}");
        let diagnosis = Diagnosis::new(Reason::Account, said, self.remedy());
        Failure::new(Outcome::Refused(diagnosis))
    }
}

pub(super) fn invalid_request(error: &http::Error) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        "Check BLUESKY_SERVICE.",
    )
}

/// The diagnosis of a successful reply that is not what the lexicon describes.
pub(super) fn unexpected(call: &str) -> Diagnosis {
    // Without a query.
    let call = call.split('?').next().unwrap_or_default();
    Diagnosis::new(
        Reason::UnexpectedReply,
        format!("The call {call} was answered with success, but not as its lexicon says."),
        "Check BLUESKY_SERVICE: something other than the AT Protocol's API answers there.",
    )
}

/// The remedy if the service accepts a session but knows nothing of its account.
pub(super) const UNKNOWN_ACCOUNT: &str = "The service knows nothing of the account's data. Sign in \
     at bsky.app in a browser and see whether the account is open; then check BLUESKY_SERVICE: it \
     has to be the server that the account is on.";

/// The remedy for a profile that exists and cannot be read.
pub(super) const MODERATED_PROFILE: &str = "The profile cannot be read, and yet it is there: \
     Bluesky's moderation has taken it down. Sign in at bsky.app in a browser and see what it \
     says. Once the profile is shown again, the icon turns.";

/// The remedy for a picture that may not be uploaded again.
pub(super) const MODERATED_PICTURE: &str = "Bluesky's moderation has taken this picture down. \
     Publish another icon; what Bluesky has sent to the account's e-mail address says more.";

/// The remedy for a profile that is refused without an explanation.
pub(super) const REFUSED_PROFILE: &str = "Bluesky does not accept the profile with the picture. Edit \
     the profile once in the Bluesky app and save it, then turn. If that does not help, it is the \
     picture, a JPEG or PNG of at most 1,000,000 bytes: publish the icon again.";

/// The service takes no more pictures from this address for now. Frames that it has can still be
/// set, so this is no pause.
pub(super) fn uploads_limited(mut failure: Failure) -> Failure {
    if let Outcome::Retry { diagnosis, .. } = failure.outcome.as_mut() {
        diagnosis.reason = Reason::Transient;
        diagnosis.remedy =
            "Bluesky takes no more pictures from this address for now, which others \
             may share. Nothing to do: frames that it already has are still shown, and the \
             others are uploaded when they are due again."
                .into();
    }
    failure
}

const ANOTHER_PASSWORD: &str = "Check BLUESKY_IDENTIFIER, your handle without @, and \
     BLUESKY_APP_PASSWORD. Make a new app password at bsky.app under Settings, Privacy and \
     security, App passwords, and store it again.";

pub(super) const CHANGED_MEANWHILE: &str = "Something else keeps changing the profile. Nothing to do if it \
     passes.";

/// The outcome of an error reply: by its name, as in the lexicons and
/// <https://github.com/bluesky-social/atproto/tree/main/packages/pds/src>, otherwise by its status.
pub(super) fn outcome_of(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let said = reply.said.as_str();
    let refused =
        |reason, remedy: &'static str| Outcome::Refused(Diagnosis::new(reason, said, remedy));
    if let Some(closed) = Closed::named(&reply.error) {
        return refused(Reason::Account, closed.remedy());
    }
    match (reply.error.as_str(), reply.meaning()) {
        ("AuthFactorTokenRequired", _) => refused(
            Reason::Credentials,
            "Use an app password, not the account's own: make one at bsky.app under Settings, \
             Privacy and security, App passwords, and store it as BLUESKY_APP_PASSWORD.",
        ),
        ("AuthenticationRequired" | "AuthMissing" | "ExpiredToken" | "InvalidToken", _) => {
            refused(Reason::Credentials, ANOTHER_PASSWORD)
        }
        ("InvalidSwap", _) => {
            let diagnosis = Diagnosis::new(Reason::Transient, said, CHANGED_MEANWHILE);
            retry(after(now, TimeDelta::minutes(1)), now, diagnosis)
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
            "InvalidMimeType"
            | "InvalidSize"
            | "BlobTooLarge"
            | "PayloadTooLarge"
            | "PayloadTooLargeError"
            | "InvalidRecord"
            | "InvalidRequest",
            _,
        )
        | (_, Meaning::Request) => refused(
            Reason::Request,
            "Bluesky does not accept the picture or the request: a profile picture has to be a \
             JPEG or PNG of at most 1,000,000 bytes. Publish the icon again.",
        ),
        _ => refused(
            Reason::UnexpectedReply,
            "Bluesky is not known to give this reply. Check BLUESKY_SERVICE; if it is \
             right, see whether Bluesky reports a problem.",
        ),
    }
}

/// Too many requests: waits for the reset the service names, in seconds since 1970
/// (<https://docs.bsky.app/docs/advanced-guides/rate-limits>).
pub(super) fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(reply.headers, RATELIMIT_RESET);
    let reset = reset.and_then(|seconds| seconds.trim().parse().ok());
    let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}
