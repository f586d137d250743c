//! What the failures of requests during a sign-in mean.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderName;

use crate::instant::after;
use crate::network::reply::{ErrorReply, Meaning, header_text, retry_after};
use crate::network::sign_in::SignInError;
use crate::ports::{ReplyLimits, SendError};

/// What each reply may take while a person waits. The largest documents have a few thousand bytes.
pub(super) const LIMITS: ReplyLimits = ReplyLimits {
    timeout_ms: 10_000,
    max_bytes: 100_000,
};

/// When a limit ends, in seconds since 1970
/// (<https://docs.bsky.app/docs/advanced-guides/rate-limits>).
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The error of a request to which no reply came.
pub(super) fn unanswered(host: &str, error: &SendError, limits: ReplyLimits) -> SignInError {
    SignInError::Server(match error {
        SendError::Timeout => format!(
            "{host} did not answer within {} s. Try again later.",
            limits.timeout_ms / 1000
        ),
        SendError::TooLarge => format!(
            "{host} answered with more than {} bytes, as no server of Bluesky accounts does. \
             Check the name.",
            limits.max_bytes
        ),
        SendError::Connection(_) => {
            format!("{host} cannot be reached. Check the name, or try again later.")
        }
    })
}

/// The error of a reply that says nothing of the request: the server asks for a pause, or fails.
pub(super) fn passing(
    host: &str,
    refusal: &ErrorReply<'_>,
    now: DateTime<Utc>,
) -> Option<SignInError> {
    match refusal.meaning() {
        Meaning::Limit => Some(SignInError::Paused {
            server: host.to_owned(),
            until: until(refusal, now),
        }),
        Meaning::Passes => {
            let said = sentence(&refusal.said);
            Some(SignInError::Server(format!("{said} Try again later.")))
        }
        _ => None,
    }
}

/// The error of a refusal that is none of those that a step knows.
pub(super) fn unexpected(refusal: &ErrorReply<'_>) -> SignInError {
    SignInError::Server(format!(
        "{} No server of Bluesky accounts is known to do that. Try again later, or ask who runs it.",
        sentence(&refusal.said)
    ))
}

/// What a server said as a sentence, which may end in the server's own words.
pub(super) fn sentence(said: &str) -> String {
    let stop = if said.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{said}{stop}")
}

/// When a limit ends: the official server's longest for signing in has five minutes. More than a
/// day is not believed.
fn until(refusal: &ErrorReply<'_>, now: DateTime<Utc>) -> DateTime<Utc> {
    let reset = header_text(refusal.headers, RATELIMIT_RESET);
    let reset = reset.and_then(|seconds| seconds.trim().parse().ok());
    let reset = reset.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let until = reset
        .filter(|at| *at > now)
        .or_else(|| retry_after(refusal.headers, now))
        .unwrap_or_else(|| after(now, TimeDelta::minutes(5)));
    until.min(after(now, TimeDelta::days(1)))
}
