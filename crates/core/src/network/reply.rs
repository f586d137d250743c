//! What the replies of all networks have in common: text that is not to be
//! trusted, when to try again, and secrets that are repeated.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, Response};
use serde_json::Value;

use crate::instant::{after, from_http_date};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::SendError;
use crate::settings::secret::{Secret, hidden};

/// To be tried again at an instant, or a day from now if that is sooner: the
/// networks' longest limits last a day, so a time beyond is not believed.
pub(super) fn retry(at: DateTime<Utc>, now: DateTime<Utc>, diagnosis: Diagnosis) -> Outcome {
    Outcome::Retry {
        at: at.min(after(now, TimeDelta::days(1))),
        diagnosis,
    }
}

/// `Retry-After`, if it lies ahead: seconds from now, or a date (RFC 9110
/// §10.2.3).
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

/// What it means that no whole reply came. `setting` names where it was sent.
pub(super) fn no_answer(
    title: &str,
    setting: &str,
    error: &SendError,
    now: DateTime<Utc>,
) -> Outcome {
    let diagnosis = Diagnosis::new(
        Reason::Transient,
        format!("{title} did not answer: {error}."),
        format!(
            "Nothing to do if it passes. If it stays, check \
             {setting} and see whether {title} reports a problem."
        ),
    );
    retry(after(now, TimeDelta::minutes(1)), now, diagnosis)
}

/// What the status of a reply means on every network, where the reply says nothing
/// that is more exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The network, or something on the way to it, failed for the moment: it passes
    /// by itself.
    Passes,
    /// Too many requests: it passes in time.
    Limit,
    /// What the request was signed with, or its token, is not accepted.
    Credentials,
    /// What was paid for the calls is used up.
    Payment,
    /// Who sent it may not do this.
    Forbidden,
    /// The picture, or the request around it, is not accepted.
    Request,
    /// Nothing that the network says to such a call: the address may be another's.
    Unexpected,
}

impl Meaning {
    /// The one table of statuses. What is [`Meaning::Passes`] or [`Meaning::Limit`] is
    /// tried again by itself; all else needs the owner.
    ///
    /// Of the statuses from 500 (RFC 9110 §15.6 and what proxies add to it), those that
    /// say what a server *cannot* do stay as they are however often it is asked.
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

/// The network failed for the moment.
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

/// Too many requests: wait until the reset that the network names if that lies
/// ahead, else as long as `Retry-After` says, else a quarter of an hour, which is
/// as long as any of their windows.
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

/// Whether a body is a web page, as proxies and firewalls answer.
pub(super) fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// A text of an object, fit to be shown and without secrets; empty where there is
/// none.
pub(super) fn text_of(object: &Value, name: &str, secrets: &[&Secret]) -> String {
    let text = object.get(name).and_then(Value::as_str).unwrap_or_default();
    quoted(text, secrets)
}

/// A reply of error as Bluesky and Mastodon give it: an object in which `error` is
/// a name or a sentence, and `message` or `error_description` may say more.
pub(super) struct ErrorReply<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// The headers.
    pub(super) headers: &'a HeaderMap,
    /// What `error` is, or nothing.
    pub(super) error: String,
    /// All of its words, fit to be shown.
    pub(super) words: String,
    /// All that it says, for a message.
    pub(super) said: String,
    /// Whether it names members of the request that it does not accept, as Laravel does
    /// (`errors`).
    pub(super) names_members: bool,
    /// Whether it is a web page.
    pub(super) is_html: bool,
}

impl<'a> ErrorReply<'a> {
    /// Reads a reply of the network with this title, and hides these secrets.
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

    /// What its status means.
    pub(super) fn meaning(&self) -> Meaning {
        Meaning::of(self.status)
    }
}

/// Text from outside made fit for a log line or a page: without secrets, should it
/// repeat them; control characters and those that change the direction of text gone,
/// white space folded, at most 200 characters.
pub(super) fn quoted(text: &str, secrets: &[&Secret]) -> String {
    const MAX_CHARS: usize = 200;

    let text = hidden(&folded(text), secrets);
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

/// The words of a text with one space between them.
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

/// Unicode's property `Bidi_Control` (UAX #9): such a character makes text read
/// as another than it is.
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
