//! Reads what the replies of all networks have in common: text that must not be trusted, when to
//! try again, and secrets that a reply may repeat.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, Response};
use serde_json::Value;

use crate::instant::{after, from_http_date};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::SendError;
use crate::settings::secret::{Secret, hidden};

/// An outcome to be tried again at an instant, or in a day if that is sooner. The networks' longest
/// limits last a day, so a later time is not believed.
pub(super) fn retry(at: DateTime<Utc>, now: DateTime<Utc>, diagnosis: Diagnosis) -> Outcome {
    Outcome::Retry {
        at: at.min(after(now, TimeDelta::days(1))),
        diagnosis,
    }
}

/// The instant that `Retry-After` names, in seconds from now or as a date (RFC 9110 §10.2.3), if it
/// lies ahead.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let value = header_text(headers, RETRY_AFTER)?.trim();
    let at = match value.parse::<u32>() {
        Ok(seconds) => after(now, TimeDelta::seconds(seconds.into())),
        Err(_) => from_http_date(value)?,
    };
    (at > now).then_some(at)
}

/// The text of a header, or `None` if it is missing or not ASCII.
pub(super) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The outcome when no complete reply arrived. `setting` is the name of the setting that says where
/// the request went.
pub(super) fn no_answer(
    title: &str,
    setting: &str,
    error: &SendError,
    now: DateTime<Utc>,
) -> Outcome {
    let remedy = format!(
        "Nothing to do if it passes. If it stays, check {setting} and see whether {title} reports \
         a problem."
    );
    unanswered(title, remedy, error, now)
}

/// As [`no_answer`], with what can be done about it.
pub(super) fn unanswered(
    title: &str,
    remedy: impl Into<Cow<'static, str>>,
    error: &SendError,
    now: DateTime<Utc>,
) -> Outcome {
    let message = format!("{title} did not answer: {error}.");
    let diagnosis = Diagnosis::new(Reason::Transient, message, remedy);
    retry(after(now, TimeDelta::minutes(1)), now, diagnosis)
}

/// What the status of a reply means on every network, unless the reply is more exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The network, or something on the way to it, failed temporarily. It passes by itself.
    Passes,
    /// Too many requests. It passes in time.
    Limit,
    /// The signature or the token is not accepted.
    Credentials,
    /// The calls that were paid for are used up.
    Payment,
    /// The sender may not do this.
    Forbidden,
    /// The picture or the request is not accepted.
    Request,
    /// The network does not give this status to such a call. Something else may have answered.
    Unexpected,
}

impl Meaning {
    /// Looks a status up in the one table of statuses. [`Meaning::Passes`] and [`Meaning::Limit`] are
    /// tried again automatically; everything else needs the owner.
    ///
    /// Most statuses from 500 up pass (RFC 9110 §15.6, and what proxies add to it). Those that say
    /// what a server *cannot* do stay the same however often it is asked.
    pub(super) fn of(status: u16) -> Self {
        match status {
            401 => Self::Credentials,
            402 => Self::Payment,
            403 => Self::Forbidden,
            413 | 415 | 422 => Self::Request,
            // 420 is what X sent before 429 (RFC 6585 §4) existed.
            420 | 429 => Self::Limit,
            // Not Implemented (RFC 9110 §15.6.2), HTTP Version Not Supported (§15.6.6),
            // Variant Also Negotiates (RFC 2295 §8.1), Not Extended (RFC 2774 §7), Network
            // Authentication Required (RFC 6585 §6).
            501 | 505 | 506 | 510 | 511 => Self::Unexpected,
            // Request Timeout (RFC 9110 §15.5.9) and Too Early (RFC 8470 §5.2) pass too.
            408 | 425 | 500..=599 => Self::Passes,
            _ => Self::Unexpected,
        }
    }
}

/// The outcome when the network failed temporarily.
pub(super) fn transient(
    title: &str,
    said: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Outcome {
    let at = retry_after(headers, now).unwrap_or_else(|| after(now, TimeDelta::minutes(1)));
    let diagnosis = Diagnosis::new(
        Reason::Transient,
        said,
        format!("{title} is failing. Nothing to do: the turn is retried."),
    );
    retry(at, now, diagnosis)
}

/// The outcome of too many requests. Waits until the reset that the network names, if it lies ahead;
/// else as long as `Retry-After` says; else fifteen minutes, which no network's window exceeds.
pub(super) fn rate_limited(
    limited: &str,
    said: &str,
    reset: Option<DateTime<Utc>>,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Outcome {
    let at = reset
        .filter(|at| *at > now)
        .or_else(|| retry_after(headers, now))
        .unwrap_or_else(|| after(now, TimeDelta::minutes(15)));
    let diagnosis = Diagnosis::new(
        Reason::RateLimit,
        said,
        format!(
            "Too many requests for now. Nothing to do but wait; if it returns, see what else \
             uses {limited}."
        ),
    );
    retry(at, now, diagnosis)
}

/// Whether a body is a web page, which is what proxies and firewalls answer with.
pub(super) fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// A text member of an object, [`quoted`]; empty if there is none.
pub(super) fn text_of(object: &Value, name: &str, secrets: &[&Secret]) -> String {
    let text = object.get(name).and_then(Value::as_str).unwrap_or_default();
    quoted(text, secrets)
}

/// An error reply in the form that several networks share: an object in which `error` is a name or a
/// sentence, and `message` or `error_description` may say more.
pub(super) struct ErrorReply<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// The headers.
    pub(super) headers: &'a HeaderMap,
    /// The text of `error`, or an empty one.
    pub(super) error: String,
    /// All of its texts, fit to be shown.
    pub(super) words: String,
    /// A message that says who answered what.
    pub(super) said: String,
    /// Whether it lists members of the request that it does not accept (`errors`), as Laravel does.
    pub(super) names_members: bool,
    /// Whether it is a web page.
    pub(super) is_html: bool,
}

impl<'a> ErrorReply<'a> {
    /// Reads a reply of the network with this title, without these secrets.
    pub(super) fn read(title: &str, reply: &'a Response<Vec<u8>>, secrets: &[&Secret]) -> Self {
        let status = reply.status().as_u16();
        let is_html = is_html(reply.body());
        let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
        let [error, message, description] =
            ["error", "message", "error_description"].map(|name| text_of(&body, name, secrets));
        let parts = [&error, &message, &description].into_iter();
        let parts = parts.filter(|part| !part.is_empty()).map(String::as_str);
        let words = quoted(&parts.collect::<Vec<_>>().join(": "), secrets);
        let said = match words.as_str() {
            "" if is_html => format!("{title} answered {status} with a web page"),
            "" => format!("{title} answered {status}"),
            words => format!("{title} answered {status}: {words}"),
        };
        Self {
            status,
            headers: reply.headers(),
            error,
            said,
            names_members: body.get("errors").is_some_and(Value::is_object),
            words,
            is_html,
        }
    }

    /// The meaning of its status.
    pub(super) fn meaning(&self) -> Meaning {
        Meaning::of(self.status)
    }
}

/// Makes text from outside fit for a log line or a page: removes secrets that it repeats, control
/// characters, and characters that change the direction of text; folds white space; and cuts the
/// text after 200 characters.
pub(super) fn quoted(text: &str, secrets: &[&Secret]) -> String {
    const MAX_CHARS: usize = 200;

    let text = hidden(&folded(text), secrets);
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

/// Joins the words of a text by single spaces.
fn folded(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control() || is_bidi_control(c))
        .filter(|word| !word.is_empty());
    let mut folded = String::new();
    for word in words {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Unicode's property `Bidi_Control` (UAX #9). Such a character makes a text look like another one.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_short_line() {
        let quoted = |text: &str| quoted(text, &[]);
        assert_eq!(quoted(" a\r\n\tb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(quoted(&"ab ".repeat(200)).chars().count(), 201);
        assert_eq!(quoted(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(quoted("\0\u{7}"), "");
        assert_eq!(quoted("a\u{202e}b\u{2066}"), "a b");
    }

    #[test]
    fn what_waiting_mends_is_told_apart_from_what_needs_the_owner() {
        for status in [408, 425, 500, 502, 503, 504, 507, 508, 520, 524, 530, 599] {
            assert_eq!(Meaning::of(status), Meaning::Passes, "{status}");
        }
        for status in [
            501, 505, 506, 510, 511, 200, 301, 400, 404, 405, 406, 418, 600,
        ] {
            assert_eq!(Meaning::of(status), Meaning::Unexpected, "{status}");
        }
        for (status, meaning) in [
            (401, Meaning::Credentials),
            (402, Meaning::Payment),
            (403, Meaning::Forbidden),
            (413, Meaning::Request),
            (415, Meaning::Request),
            (422, Meaning::Request),
            (420, Meaning::Limit),
            (429, Meaning::Limit),
        ] {
            assert_eq!(Meaning::of(status), meaning, "{status}");
        }
    }

    #[test]
    fn a_secret_is_taken_out_of_what_is_shown_and_not_of_what_is_sent() {
        let secret = Secret::new("sk a/b+c");
        // Folding white space must not put a secret together again.
        for text in ["sk a/b+c", "sk\r\na/b+c", "sk%20a%2Fb%2Bc", "sk+a%2fb%2bc"] {
            assert_eq!(
                quoted(&format!("<{text}>"), &[&secret]),
                "<(hidden)>",
                "{text}"
            );
        }
        // What is cut off at the end of a line is hidden first.
        let long = format!("{}{}", "x".repeat(195), secret.expose());
        assert_eq!(quoted(&long, &[&secret]), "x".repeat(195) + "(hidd…");
    }
}
