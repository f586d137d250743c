//! What can go wrong with a call, and what to do about it.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::instant::after;
use crate::network::base_url::BaseUrl;
use crate::network::bluesky::account::TITLE;
use crate::network::bluesky::advice::Advice;
use crate::network::bluesky::call::{DELETE_RECORD, PUT_RECORD};
use crate::network::reply::{ErrorReply, Meaning, header_text, rate_limited, retry, transient};
use crate::outcome::{Diagnosis, Outcome, Reason};

/// When the limit ends.
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Which limit it is: the number of calls, and the seconds they are counted in (`3000;w=300`).
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The shortest time, in seconds, in which an account's own writes are counted. The limits of an
/// address have five minutes (`rate-limits.ts` of the official server).
const SHORTEST_WINDOW_OF_WRITES_S: u32 = 3_600;

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
    /// Whether it is a limit of this account's writes, which says nothing of other accounts.
    pub(super) is_limit_of_account: bool,
}

impl Failure {
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            call: "".into(),
            name: "".into(),
            words: "".into(),
            status: None,
            outcome: Box::new(outcome),
            is_limit_of_account: false,
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

    pub(super) fn unexpected(call: &str, advice: &Advice) -> Self {
        Self::new(Outcome::Refused(unexpected(call, advice)))
    }

    /// Adds the server that refused the app password: it may be the wrong one.
    pub(super) fn asked_at(mut self, service: &BaseUrl) -> Self {
        if let Outcome::Refused(diagnosis) = &mut *self.outcome
            && diagnosis.reason == Reason::Credentials
            && diagnosis.remedy == Advice::OF_SETTINGS.credentials
        {
            diagnosis.remedy = format!(
                "{} {service} was asked: if the account is on another server, set \
                 BLUESKY_SERVICE to that.",
                Advice::OF_SETTINGS.credentials
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

    /// What can be done.
    pub(super) fn remedy(self, advice: &Advice) -> &'static str {
        match self {
            Self::Deactivated => advice.deactivated,
            Self::TakenDown => advice.taken_down,
            Self::Suspended => advice.suspended,
            Self::Deleted => advice.deleted,
        }
    }

    /// The failure of a call whose session reports this state.
    pub(super) fn told_by_session(self, advice: &Advice) -> Failure {
        let what = match self {
            Self::Deactivated => "deactivated",
            Self::TakenDown => "taken down",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        };
        let said = format!("{TITLE} says that the account is {what}");
        let diagnosis = Diagnosis::new(Reason::Account, said, self.remedy(advice));
        Failure::new(Outcome::Refused(diagnosis))
    }
}

pub(super) fn invalid_request(error: &http::Error, advice: &Advice) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("The request cannot be made: {error}."),
        advice.invalid_request,
    )
}

/// The diagnosis of a successful reply that is not what the lexicon describes.
pub(super) fn unexpected(call: &str, advice: &Advice) -> Diagnosis {
    // Without a query.
    let call = call.split('?').next().unwrap_or_default();
    Diagnosis::new(
        Reason::UnexpectedReply,
        format!("The call {call} was answered with success, but not as its lexicon says."),
        advice.no_api,
    )
}

/// The diagnosis of a call's failure.
pub(super) fn diagnosis_of(failure: &Failure, call: &str, advice: &Advice) -> Diagnosis {
    let diagnosis = failure.outcome.diagnosis().cloned();
    diagnosis.unwrap_or_else(|| unexpected(call, advice))
}

/// The remedy for a profile that exists and cannot be read.
pub(super) const MODERATED_PROFILE: &str = "The profile cannot be read, and yet it is there: \
     Bluesky's moderation has taken it down. Sign in at bsky.app in a browser and see what it \
     says. Once the profile is shown again, the icon turns.";

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

pub(super) const CHANGED_MEANWHILE: &str = "Something else keeps changing the profile. Nothing to do if it \
     passes.";

/// The outcome of an error reply: by its name, as in the lexicons and
/// <https://github.com/bluesky-social/atproto/tree/main/packages/pds/src>, otherwise by its status.
pub(super) fn outcome_of(reply: &ErrorReply<'_>, advice: &Advice, now: DateTime<Utc>) -> Outcome {
    let said = reply.said.as_str();
    let refused =
        |reason, remedy: &'static str| Outcome::Refused(Diagnosis::new(reason, said, remedy));
    if let Some(closed) = Closed::named(&reply.error) {
        return refused(Reason::Account, closed.remedy(advice));
    }
    match (reply.error.as_str(), reply.meaning()) {
        ("AuthFactorTokenRequired", _) => refused(Reason::Credentials, advice.second_factor),
        ("AuthenticationRequired" | "AuthMissing" | "ExpiredToken" | "InvalidToken", _) => {
            refused(Reason::Credentials, advice.credentials)
        }
        ("InvalidSwap", _) => {
            let diagnosis = Diagnosis::new(Reason::Transient, said, CHANGED_MEANWHILE);
            retry(after(now, TimeDelta::minutes(1)), now, diagnosis)
        }
        ("MethodNotImplemented", _) => refused(Reason::UnexpectedReply, advice.no_accounts),
        ("RateLimitExceeded", _) | (_, Meaning::Limit) => limited(reply, now),
        ("BlobNotFound", _) | (_, Meaning::Passes) => transient(TITLE, said, reply.headers, now),
        (_, Meaning::Forbidden) if reply.is_html => refused(Reason::Blocked, advice.firewall),
        (_, Meaning::Credentials) => refused(Reason::Credentials, advice.credentials),
        (_, Meaning::Forbidden) => refused(Reason::Access, advice.forbidden),
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
        | (_, Meaning::Request) => refused(Reason::Request, advice.picture),
        _ => refused(Reason::UnexpectedReply, advice.unexpected),
    }
}

/// Whether a limit is one of an account's own writes, which are counted for an hour or a day. Every
/// other limit is taken for one of the address that requests come from.
pub(super) fn is_limit_of_account(call: &str, headers: &HeaderMap) -> bool {
    let policy = header_text(headers, RATELIMIT_POLICY).unwrap_or_default();
    let window = policy
        .split(';')
        .find_map(|part| part.trim().strip_prefix("w="));
    let window = window.and_then(|seconds| seconds.parse::<u32>().ok());
    matches!(call, PUT_RECORD | DELETE_RECORD)
        && window.is_some_and(|seconds| seconds >= SHORTEST_WINDOW_OF_WRITES_S)
}

/// Too many requests: waits for the reset the service names, in seconds since 1970
/// (<https://docs.bsky.app/docs/advanced-guides/rate-limits>).
pub(super) fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = header_text(reply.headers, RATELIMIT_RESET);
    let reset = reset.and_then(|seconds| seconds.trim().parse().ok());
    let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}
