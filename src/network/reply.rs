//! What the replies of all networks have in common: text that is not to be
//! trusted, when to try again, and secrets that are repeated.

use chrono::{DateTime, TimeDelta, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, Response};
use serde_json::Value;

use crate::http_date;
use crate::instant::after;
use crate::outcome::{Outcome, Reason, Trouble};
use crate::ports::{REPLY_HEADERS, SendError};
use crate::secret::Secret;

/// To be tried again at an instant, or a day from now if that is sooner: the
/// networks' longest limits last a day, so a time beyond is not believed.
pub(super) fn retry(at: DateTime<Utc>, now: DateTime<Utc>, trouble: Trouble) -> Outcome {
    Outcome::Retry {
        at: at.min(after(now, TimeDelta::days(1))),
        trouble,
    }
}

/// `Retry-After`, if it lies ahead: seconds from now, or a date (RFC 9110
/// §10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let value = header_text(headers, RETRY_AFTER)?.trim();
    let at = match value.parse::<u32>() {
        Ok(seconds) => after(now, TimeDelta::seconds(seconds.into())),
        Err(_) => http_date::parse(value)?,
    };
    (at > now).then_some(at)
}

/// The text of a header, which has to be one of [`REPLY_HEADERS`].
pub(super) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    debug_assert!(REPLY_HEADERS.contains(&name), "{name} is not kept");
    headers.get(name)?.to_str().ok()
}

/// What it means that no whole reply came. `setting` names where it was sent.
pub(super) fn no_answer(
    title: &str,
    setting: &str,
    error: &SendError,
    now: DateTime<Utc>,
) -> Outcome {
    let trouble = Trouble::new(
        Reason::Transient,
        format!("{title} did not answer: {error}."),
        format!(
            "Nothing to do if it passes; the next turn will try again. If it stays, check \
             {setting} and see whether {title} reports a problem."
        ),
    );
    retry(after(now, TimeDelta::minutes(1)), now, trouble)
}

/// The network failed for the moment.
pub(super) fn transient(
    title: &str,
    said: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Outcome {
    let at = retry_after(headers, now).unwrap_or_else(|| after(now, TimeDelta::minutes(1)));
    let trouble = Trouble::new(
        Reason::Transient,
        said,
        format!("{title} has trouble of its own. Nothing to do; the next turn will try again."),
    );
    retry(at, now, trouble)
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
    let trouble = Trouble::new(
        Reason::RateLimit,
        said,
        format!(
            "Too many requests for now. Nothing to do but wait; if it returns, see what else \
             uses {limited}."
        ),
    );
    retry(at, now, trouble)
}

/// Whether a body is a web page, as proxies and firewalls answer.
pub(super) fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// A body from outside without any of these secrets, should it repeat them: what
/// a network says is shown to the owner.
pub(super) fn hidden_in(body: &[u8], secrets: &[&Secret]) -> Vec<u8> {
    hidden(&String::from_utf8_lossy(body), secrets).into_bytes()
}

fn hidden(said: &str, secrets: &[&Secret]) -> String {
    let hide = |said: String, secret: &&Secret| match secret.expose() {
        "" => said,
        secret => said.replace(secret, "(hidden)"),
    };
    secrets.iter().fold(said.to_owned(), hide)
}

/// A text of an object, fit to be shown and without secrets; empty where there is
/// none.
pub(super) fn text_of(object: &Value, name: &str, secrets: &[&Secret]) -> String {
    let text = object.get(name).and_then(Value::as_str).unwrap_or_default();
    quoted(&hidden(text, secrets))
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
    /// All that it says, for a message.
    pub(super) said: String,
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
        let words = quoted(&parts.collect::<Vec<_>>().join(": "));
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
            is_html,
        }
    }
}

/// Text from outside made fit for a log line or a page: control characters
/// and those that change the direction of text gone, white space folded, at
/// most 200 characters.
pub(super) fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 200;

    let mut quoted = String::new();
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control() || is_bidi_control(c))
        .filter(|word| !word.is_empty());
    let mut chars = 0_usize;
    for word in words {
        for c in (!quoted.is_empty())
            .then_some(' ')
            .into_iter()
            .chain(word.chars())
        {
            if chars == MAX_CHARS {
                quoted.push('…');
                return quoted;
            }
            quoted.push(c);
            chars = chars.saturating_add(1);
        }
    }
    quoted
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
        assert_eq!(quoted(" a\r\n\tb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(quoted(&"ab ".repeat(200)).chars().count(), 201);
        assert_eq!(quoted("\0\u{7}"), "");
        assert_eq!(quoted("a\u{202e}b\u{2066}"), "a b");
    }
}
