//! What a server's refusals mean.

use chrono::{DateTime, Utc};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName};

use crate::instant::from_rfc3339;
use crate::network::mastodon::advice::Advice;
use crate::network::reply::{ErrorReply, Meaning, header_text, rate_limited, transient};
use crate::outcome::{Diagnosis, Outcome, Reason};

/// Mastodon's name in sentences.
pub(super) const TITLE: &str = "Mastodon";

/// When the limit ends.
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The scope that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// `write:accounts`, or all of `write`.
    Write,
    /// `read:accounts`, or all of `read`, or since 4.3 `profile`.
    Read,
}

/// Words in a reply that count for more than its status, which servers choose differently.
enum Words {
    /// The token lacks a scope.
    Scope,
    /// The token is invalid, or belongs to no account.
    Token,
    /// The server does not accept parts of the request, and names them.
    Members,
}

impl Words {
    /// Reads a reply of Mastodon (`app/controllers/concerns/api` in its source), Pixelfed,
    /// `GoToSocial`, Pleroma and Akkoma, or Takahe, by what their sentences have in common.
    fn of(reply: &ErrorReply<'_>) -> Option<Self> {
        let words = reply.words.to_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        // RFC 6750 §3.1.
        let challenge = header_text(reply.headers, WWW_AUTHENTICATE).unwrap_or_default();
        let is_refused = matches!(reply.status, 401 | 403);
        if challenge.contains("insufficient_scope")
            || is_refused && says(&["scope", "insufficient permission"])
        {
            return Some(Self::Scope);
        }
        // Pixelfed says this with 500.
        if says(&[
            "unauthenticated",
            "authenticated user",
            "identity_token_required",
            "invalid credentials",
        ]) {
            return Some(Self::Token);
        }
        (reply.names_members && reply.meaning() != Meaning::Limit).then_some(Self::Members)
    }
}

/// The outcome of an error reply.
pub(super) fn outcome_of(
    reply: &ErrorReply<'_>,
    needs: Needs,
    advice: &Advice,
    now: DateTime<Utc>,
) -> Outcome {
    let refused = |reason, remedy: &'static str| {
        Outcome::Refused(Diagnosis::new(reason, reply.said.as_str(), remedy))
    };
    match (Words::of(reply), reply.meaning()) {
        (Some(Words::Scope), _) => refused(
            Reason::Access,
            match needs {
                Needs::Write => advice.scopes,
                Needs::Read => advice.may_not_read,
            },
        ),
        (Some(Words::Token), _) | (_, Meaning::Credentials) => {
            refused(Reason::Credentials, advice.token)
        }
        (Some(Words::Members), _) | (_, Meaning::Request) => {
            refused(Reason::Request, advice.picture)
        }
        (_, Meaning::Limit) => limited(reply, now),
        (_, Meaning::Passes) => transient(TITLE, &reply.said, reply.headers, now),
        (_, Meaning::Forbidden) if reply.is_html => refused(Reason::Blocked, advice.firewall),
        (_, Meaning::Forbidden) if reply.words.is_empty() => refused(
            Reason::Access,
            match needs {
                Needs::Write => advice.no_reason_to_write,
                Needs::Read => advice.no_reason_to_read,
            },
        ),
        (_, Meaning::Forbidden) => refused(
            Reason::Account,
            "The server does not let the account do this. Sign in there in a browser and follow \
             what it says: the account may be disabled, suspended or not confirmed.",
        ),
        // GoToSocial refuses an oversized picture in these words.
        _ if reply.status == 400 && needs == Needs::Write && !reply.words.is_empty() => {
            refused(Reason::Request, advice.picture)
        }
        (_, Meaning::Payment | Meaning::Unexpected) => {
            refused(Reason::UnexpectedReply, advice.unexpected)
        }
    }
}

fn limited(reply: &ErrorReply<'_>, now: DateTime<Utc>) -> Outcome {
    let reset = limit_reset(reply.headers);
    rate_limited("the account", &reply.said, reset, reply.headers, now)
}

/// When a limit ends: an ISO 8601 time (<https://docs.joinmastodon.org/api/rate-limits/>).
pub(super) fn limit_reset(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    from_rfc3339(header_text(headers, RATELIMIT_RESET)?.trim())
}
