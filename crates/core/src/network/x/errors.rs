//! X's error replies, and what to do about them.
//!
//! X has three shapes of error: `{"errors":[{"code","message"}]}` and `{"request","error"}` in
//! v1.1, and problem details (RFC 9457) with `title`, `type` and `detail` in v2. Proxies in front
//! of it add HTML and empty bodies. An error code or a type says more than the status, so they are
//! read first.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::DATE;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde_json::Value;

use crate::instant::{after, from_http_date};
use crate::network::reply::{
    Meaning, header_text, is_html, rate_limited, retry, text_of, transient,
};
use crate::network::x::account::TITLE;
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::settings::secret::Secret;

/// When the limit for fifteen minutes ends, and how many calls it still allows.
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");
const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");

/// When the account's limit for a day ends, and how many calls it still allows.
const USER_LIMIT_RESET: HeaderName = HeaderName::from_static("x-user-limit-24hour-reset");
const USER_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-user-limit-24hour-remaining");

/// When the app's limit for a day ends, and how many calls it still allows.
const APP_LIMIT_RESET: HeaderName = HeaderName::from_static("x-app-limit-24hour-reset");
const APP_LIMIT_REMAINING: HeaderName = HeaderName::from_static("x-app-limit-24hour-remaining");

/// What the request's token may do.
const ACCESS_LEVEL: HeaderName = HeaderName::from_static("x-access-level");

/// A reply of X, and the secrets that must not appear in a message.
pub(super) struct Reply {
    response: Response<Vec<u8>>,
    error: ErrorReply,
    pub(super) secrets: Vec<Secret>,
    now: DateTime<Utc>,
}

impl Reply {
    pub(super) fn read(
        response: Response<Vec<u8>>,
        secrets: Vec<Secret>,
        now: DateTime<Utc>,
    ) -> Self {
        let hidden: Vec<_> = secrets.iter().collect();
        let error = ErrorReply::read(response.body(), &hidden);
        Self {
            response,
            error,
            secrets,
            now,
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn is_success(&self) -> bool {
        self.response.status().is_success()
    }

    pub(super) fn body(&self) -> &[u8] {
        self.response.body()
    }

    /// The outcome of the reply; `success` reads the body of a success.
    pub(super) fn outcome(&self, success: impl FnOnce(&[u8]) -> Outcome) -> Outcome {
        if self.is_success() {
            return success(self.body());
        }
        self.refusal()
    }

    /// The outcome of the reply as a refusal, whatever its status.
    pub(super) fn refusal(&self) -> Outcome {
        let (status, headers) = (self.response.status(), self.response.headers());
        // If a reply holds several errors, the first known one counts.
        let known = self.error.errors.iter().find_map(|error| {
            let said = self.error.describe(status, Some(error));
            outcome_of_code(error.code?, &said, headers, self.now)
        });
        known
            .or_else(|| outcome_of_type(&self.error, status, headers, self.now))
            .unwrap_or_else(|| outcome_of_status(&self.response, &self.error, self.now))
    }

    /// The reply's own words, for a message.
    pub(super) fn said(&self) -> String {
        let error = self.error.errors.first();
        self.error.describe(self.response.status(), error)
    }

    /// Whether a header of v1.1 says that the app is read-only.
    pub(super) fn may_only_read(&self) -> bool {
        header_text(self.response.headers(), ACCESS_LEVEL).map(str::trim) == Some("read")
    }

    /// Whether the body holds errors in the shape of any version.
    pub(super) fn has_errors(&self) -> bool {
        !self.error.errors.is_empty()
    }

    fn has_code(&self, code: i64) -> bool {
        let mut codes = self.error.errors.iter().filter_map(|error| error.code);
        codes.any(|known| known == code)
    }

    /// Whether the reply's text contains one of `parts`, given in lower case.
    fn says(&self, parts: &[&str]) -> bool {
        let messages = self.error.errors.iter();
        let mut messages = messages.filter_map(|error| error.message.as_deref());
        messages.any(|message| {
            let message = message.to_lowercase();
            parts.iter().any(|part| message.contains(part))
        })
    }

    /// Whether the app's access level or plan does not include the call.
    fn is_of_the_plan(&self) -> bool {
        let knows_a_code = |error: &SaidError| error.code.is_some_and(|code| code != 453);
        self.has_code(453)
            || self.status() == 403
                && !self.error.errors.iter().any(knows_a_code)
                && (matches!(
                    self.error.kind.as_str(),
                    "client-forbidden" | "client-not-enrolled"
                ) || self.says(&["access level", "access tier", "not enrolled", "your plan"]))
    }
}

/// Whether X does not offer a call of v1.1 to the app, so that v2 may be open to it: because its
/// access level or plan does not include the call, or because X has withdrawn it.
pub(super) fn closes_v1(reply: &Reply) -> bool {
    match reply.status() {
        404 => reply.has_code(34),
        410 => true,
        _ => reply.is_of_the_plan() || reply.has_code(251),
    }
}

/// The same for a call of v2.
pub(super) fn closes_v2(reply: &Reply) -> bool {
    match reply.status() {
        404 | 410 => !reply.error.is_html,
        _ => reply.is_of_the_plan() || refuses_oauth_1(reply),
    }
}

/// Whether X does not accept OAuth 1.0a for a call.
pub(super) fn refuses_oauth_1(reply: &Reply) -> bool {
    matches!(reply.status(), 401 | 403)
        && (reply.error.kind == "unsupported-authentication"
            || reply.says(&["oauth 1.0a", "oauth 2.0 user", "unsupported authentication"]))
}

/// The diagnosis of a read-only app.
pub(super) fn only_reads() -> Diagnosis {
    Diagnosis::new(
        Reason::Access,
        "X accepts the keys, and says that the app is read-only.",
        WRITE,
    )
}

/// An error reply in any of X's shapes.
pub(super) struct ErrorReply {
    pub(super) errors: Vec<SaidError>,
    pub(super) is_html: bool,
    /// The last part of a problem's `type`, or its `reason` if present.
    kind: String,
}

/// One error in X's words.
pub(super) struct SaidError {
    pub(super) code: Option<i64>,
    message: Option<String>,
}

impl ErrorReply {
    /// Reads a body member by member, so that a malformed one hides no other.
    pub(super) fn read(body: &[u8], secrets: &[&Secret]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self {
                errors: Vec::new(),
                is_html: is_html(body),
                kind: String::new(),
            };
        };
        let text = |value: &Value, name: &str| {
            Some(text_of(value, name, secrets)).filter(|text| !text.is_empty())
        };
        let listed = body.get("errors").and_then(Value::as_array);
        let listed = listed.into_iter().flatten().map(|error| SaidError {
            code: error.get("code").and_then(Value::as_i64),
            message: ["message", "detail", "title"]
                .into_iter()
                .find_map(|name| text(error, name)),
        });
        let single = ["error", "detail", "title"]
            .into_iter()
            .find_map(|name| text(&body, name))
            .map(|message| SaidError {
                code: None,
                message: Some(message),
            });
        let kind = text(&body, "type").unwrap_or_default();
        let kind = text(&body, "reason").unwrap_or(kind);
        Self {
            errors: listed
                .chain(single)
                .filter(|error| error.code.is_some() || error.message.is_some())
                .collect(),
            is_html: false,
            kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }

    /// X's words for a message: the status, and the code and text of one error.
    pub(super) fn describe(&self, status: StatusCode, error: Option<&SaidError>) -> String {
        let mut said = format!("X answered {}", status.as_u16());
        if let Some(code) = error.and_then(|error| error.code) {
            said.push_str(", code ");
            said.push_str(&code.to_string());
        }
        if let Some(message) = error.and_then(|error| error.message.as_deref()) {
            said.push_str(": ");
            said.push_str(message);
        } else if self.is_html {
            said.push_str(" with a web page");
        }
        said
    }
}

const REGENERATE: &str = "Check the four values API_KEY, API_KEY_SECRET, ACCESS_TOKEN and \
     ACCESS_TOKEN_SECRET: all from one app, complete, and not regenerated since. \
     Copy them again from the developer portal, under Keys and tokens.";

const WRITE: &str = "The app is read-only. Set its permissions to Read and Write in the \
     developer portal, then regenerate the access token and its secret and store both again.";

/// The outcome of a known code: <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>.
fn outcome_of_code(
    code: i64,
    said: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Option<Outcome> {
    let refused =
        |reason, remedy: &'static str| Some(Outcome::Refused(Diagnosis::new(reason, said, remedy)));
    match code {
        32 | 89 | 99 | 215 => refused(Reason::Credentials, REGENERATE),
        135 => Some(clock_skew(said, headers, now)),
        453 => refused(
            Reason::Access,
            "The app's access level does not include this call: X has said that it takes a paid \
             one. Raise the level in the developer portal, or use an app that has it.",
        ),
        261 => refused(Reason::Access, WRITE),
        416 => refused(
            Reason::Access,
            "X has suspended the app. Look into the developer portal for the reason.",
        ),
        251 => refused(
            Reason::Access,
            "X has retired this call. Look for a newer version of rotate-icon.",
        ),
        64 => refused(
            Reason::Account,
            "X has suspended the account. Sign in to X in a browser and follow what it says.",
        ),
        326 => refused(
            Reason::Account,
            "X has locked the account for now. Sign in to X in a browser and unlock it.",
        ),
        226 => Some(retry(
            after(now, TimeDelta::days(1)),
            now,
            Diagnosis::new(
                Reason::SpamFilter,
                said,
                "X treats the turns as spam. Pause for a day, then turn less often.",
            ),
        )),
        88 => Some(limited(said, headers, now)),
        130 | 131 => Some(transient(TITLE, said, headers, now)),
        38 | 120 => refused(Reason::Request, NOT_ACCEPTED),
        _ => None,
    }
}

const NOT_ACCEPTED: &str = "X does not accept the picture or the request. Publish the icon again; \
     if that does not help, try X_BODY = \"form\".";

/// The outcome of a type of problem that says more than the status:
/// <https://docs.x.com/x-api/fundamentals/response-codes-and-errors#error-types>.
fn outcome_of_type(
    error: &ErrorReply,
    status: StatusCode,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Option<Outcome> {
    let said = error.describe(status, error.errors.first());
    match error.kind.as_str() {
        "credits" => Some(Outcome::Refused(used_up(said))),
        "usage-capped" if exhausted(headers).is_none() => Some(retry(
            after(now, TimeDelta::days(1)),
            now,
            Diagnosis::new(
                Reason::RateLimit,
                said,
                "The app has used up what its plan includes. Raise the cap in the developer \
                 console, or wait for the next period; it is tried once a day.",
            ),
        )),
        "client-forbidden" | "client-not-enrolled" => Some(Outcome::Refused(Diagnosis::new(
            Reason::Access,
            said,
            "The app is not enrolled for this call. Attach it to a project with an access level \
             that includes it, in the developer portal.",
        ))),
        _ => None,
    }
}

/// The diagnosis of credits that are used up.
fn used_up(said: String) -> Diagnosis {
    Diagnosis::new(
        Reason::Access,
        said,
        "The credits for X's API are used up: each call costs some. Buy more in the developer \
         console, console.x.com, or have them bought automatically there.",
    )
}

fn outcome_of_status(reply: &Response<Vec<u8>>, error: &ErrorReply, now: DateTime<Utc>) -> Outcome {
    let status = reply.status();
    let said = error.describe(status, error.errors.first());
    let refused = |reason, remedy: &'static str| {
        Outcome::Refused(Diagnosis::new(reason, said.as_str(), remedy))
    };
    match Meaning::of(status.as_u16()) {
        Meaning::Limit => limited(&said, reply.headers(), now),
        Meaning::Passes => transient(TITLE, &said, reply.headers(), now),
        Meaning::Forbidden if error.is_html => refused(
            Reason::Blocked,
            "A firewall in front of X refused the call, as it does at times to calls from \
             Workers. Wait, or make the turn from an ordinary machine.",
        ),
        Meaning::Credentials => refused(Reason::Credentials, REGENERATE),
        Meaning::Forbidden => refused(
            Reason::Access,
            "X does not allow this call. Check the app's permissions and access level in the \
             developer portal.",
        ),
        Meaning::Request => refused(Reason::Request, NOT_ACCEPTED),
        Meaning::Payment => Outcome::Refused(used_up(said)),
        Meaning::Unexpected => refused(
            Reason::UnexpectedReply,
            "X is not known to give this reply. Check API_BASE_URL; if it is right, see \
             whether X reports a problem.",
        ),
    }
}

/// Too many requests: waits for the reset of the limit that is used up.
fn limited(said: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Outcome {
    let reset = exhausted(headers).or_else(|| instant(headers, RATE_LIMIT_RESET));
    rate_limited("the app's keys", said, reset, headers, now)
}

/// The last reset among the limits with nothing remaining. X has one limit per quarter of an hour,
/// and for some calls daily ones per account and per app.
fn exhausted(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    [
        (RATE_LIMIT_REMAINING, RATE_LIMIT_RESET),
        (USER_LIMIT_REMAINING, USER_LIMIT_RESET),
        (APP_LIMIT_REMAINING, APP_LIMIT_RESET),
    ]
    .into_iter()
    .filter_map(|(remaining, reset)| {
        let remaining = header_text(headers, remaining)?.trim();
        (remaining.parse() == Ok(0)).then(|| instant(headers, reset))?
    })
    .max()
}

/// The instant in a header, given in seconds since 1970.
fn instant(headers: &HeaderMap, name: HeaderName) -> Option<DateTime<Utc>> {
    let seconds = header_text(headers, name)?.trim().parse().ok()?;
    DateTime::from_timestamp(seconds, 0)
}

fn clock_skew(said: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Outcome {
    let theirs = header_text(headers, DATE).and_then(from_http_date);
    let message = match theirs {
        Some(theirs) => {
            let seconds = now.signed_duration_since(theirs).num_seconds();
            let side = if seconds < 0 { "behind" } else { "ahead of" };
            format!(
                "{said} (this clock is {} s {side} X's)",
                seconds.unsigned_abs()
            )
        }
        None => said.to_owned(),
    };
    Outcome::Refused(Diagnosis::new(
        Reason::ClockSkew,
        message,
        "The clock of the machine that sends is wrong. Set it, by NTP if possible.",
    ))
}
