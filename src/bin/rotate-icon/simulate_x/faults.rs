//! The faults that can be asked for: one table, and the queue of those that are due.

use std::collections::VecDeque;
use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::{DATE, HeaderName, RETRY_AFTER, SERVER};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use super::answer::{
    Answer, BAD_AUTHENTICATION_DATA, COULD_NOT_AUTHENTICATE, IMAGE_MISSING, INVALID_TOKEN, Refusal,
    TIMESTAMP_OUT_OF_BOUNDS, TOO_LARGE,
};
use super::clock;
use super::judge::UPDATE_PATH;

/// How long `slow` lets the client wait.
const SLOWNESS: Duration = Duration::from_secs(3);
/// How much text `hostile-text` sends at least.
const HOSTILE_BYTES: usize = 100 * 1024;

/// A fault that can be asked for.
#[derive(Serialize)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    #[serde(skip)]
    reply: Reply,
}

/// How a fault replies.
enum Reply {
    /// An error in X's usual shape, or an empty one.
    Refusal(Refusal),
    /// A page rather than an answer, from something in front of X.
    Page {
        status: u16,
        server: Option<&'static str>,
        html: &'static str,
    },
    /// An answer that depends on the time, or is none of the above.
    Special(fn(DateTime<Utc>) -> Answer),
    /// The proper answer, too late.
    Slow,
    /// Nothing at all, until the client leaves.
    Hang,
    /// A TCP reset.
    Reset,
    /// Half an answer.
    CutOff,
}

/// What is to be done for a request.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Send this.
    Send(Answer),
    /// Send this after a while.
    SendLate(Duration, Answer),
    /// Send the head of this and half of its body, then close the connection.
    SendHalf(Answer),
    /// Say nothing until the client leaves.
    Hang,
    /// Reset the connection.
    Reset,
}

const fn error(
    name: &'static str,
    description: &'static str,
    status: u16,
    code: u16,
    message: &'static str,
) -> Fault {
    refusal(name, description, Refusal::new(status, code, message))
}

const fn refusal(name: &'static str, description: &'static str, refusal: Refusal) -> Fault {
    Fault {
        name,
        description,
        reply: Reply::Refusal(refusal),
    }
}

const fn special(
    name: &'static str,
    description: &'static str,
    answer: fn(DateTime<Utc>) -> Answer,
) -> Fault {
    Fault {
        name,
        description,
        reply: Reply::Special(answer),
    }
}

const fn page(
    name: &'static str,
    description: &'static str,
    status: u16,
    server: Option<&'static str>,
    html: &'static str,
) -> Fault {
    Fault {
        name,
        description,
        reply: Reply::Page {
            status,
            server,
            html,
        },
    }
}

const fn other(name: &'static str, description: &'static str, reply: Reply) -> Fault {
    Fault {
        name,
        description,
        reply,
    }
}

/// Every fault there is. The help text, the list in JSON and the page are made from this table.
pub(super) static FAULTS: &[Fault] = &[
    special(
        "rate-limit",
        "429, code 88: the limit is reached, x-rate-limit-reset is in 900 s",
        |now| Answer::error(429, 88, "Rate limit exceeded").with_rate_limit(0, now),
    ),
    special(
        "rate-limit-retry-after",
        "429 with an empty body and retry-after: 60",
        |_| Answer::empty(429).with(RETRY_AFTER, HeaderValue::from_static("60")),
    ),
    special(
        "rate-limit-legacy",
        "420 in the oldest shape: “Enhance your calm”",
        |_| {
            let body = json!({ "request": UPDATE_PATH, "error": "Enhance your calm" });
            Answer::json(420, &body)
        },
    ),
    error(
        "over-capacity",
        "503, code 130: X is over capacity",
        503,
        130,
        "Over capacity",
    ),
    error(
        "internal-error",
        "500, code 131: something broke within X",
        500,
        131,
        "Internal error",
    ),
    page(
        "bad-gateway",
        "502 with a page in HTML",
        502,
        None,
        "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
         <body><h1>502 Bad Gateway</h1></body></html>",
    ),
    refusal("empty-error", "500 with an empty body", Refusal::empty(500)),
    refusal(
        "could-not-authenticate",
        "401, code 32: keys or signature are wrong",
        COULD_NOT_AUTHENTICATE,
    ),
    refusal(
        "invalid-token",
        "401, code 89: the token was revoked",
        INVALID_TOKEN,
    ),
    error(
        "unable-to-verify",
        "403, code 99: the keys cannot be verified",
        403,
        99,
        "Unable to verify your credentials.",
    ),
    refusal(
        "bad-authentication-data",
        "400, code 215: the Authorization header is not understood",
        BAD_AUTHENTICATION_DATA,
    ),
    special(
        "clock-skew",
        "401, code 135: the Date header of the answer is an hour ahead",
        |now| {
            let answer = Answer::refusal(TIMESTAMP_OUT_OF_BOUNDS);
            match HeaderValue::from_str(&clock::http_date(now + TimeDelta::hours(1))) {
                Ok(date) => answer.with(DATE, date),
                Err(_) => answer,
            }
        },
    ),
    error(
        "access-tier",
        "403, code 453: the app's access level does not include this call",
        403,
        453,
        "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints \
         (e.g. media post, oauth) only. If you need access to this endpoint, you may need a \
         different access level. You can learn more here: \
         https://developer.x.com/en/portal/product",
    ),
    error(
        "read-only-app",
        "403, code 261: the app may read but not write",
        403,
        261,
        "Application cannot perform write actions. Contact Support.",
    ),
    error(
        "suspended-account",
        "403, code 64: the account is suspended",
        403,
        64,
        "Your account is suspended and is not permitted to access this feature.",
    ),
    error(
        "locked-account",
        "403, code 326: the account is locked until its owner signs in",
        403,
        326,
        "To protect our users from spam and other malicious activity, this account is temporarily \
         locked. Please log in to https://x.com to unlock your account.",
    ),
    error(
        "suspended-app",
        "401, code 416: the app is suspended",
        401,
        416,
        "Invalid / suspended application",
    ),
    error(
        "retired-endpoint",
        "410, code 251: the call is no longer offered",
        410,
        251,
        "This endpoint has been retired and should not be used.",
    ),
    error(
        "spam-filter",
        "403, code 226: X takes the request for spam",
        403,
        226,
        "This request looks like it might be automated. To protect our users from spam and other \
         malicious activity, we can't complete this action right now. Please try again later.",
    ),
    refusal(
        "missing-parameter",
        "403, code 38: X finds no image",
        IMAGE_MISSING,
    ),
    error(
        "invalid-value",
        "422, code 120: X does not like the image",
        422,
        120,
        "Account update failed: image is invalid.",
    ),
    refusal("too-large", "413 with an empty body", TOO_LARGE),
    refusal(
        "unprocessable",
        "422 with an empty body",
        Refusal::empty(422),
    ),
    special(
        "problem-json",
        "403 in the shape of RFC 9457, application/problem+json",
        |_| {
            let body = json!({
                "title": "Forbidden",
                "detail": "You are not permitted to perform this action.",
                "type": "about:blank",
                "status": 403
            });
            Answer::of(403, "application/problem+json", body.to_string())
        },
    ),
    page(
        "proxy-block",
        "403 with a page as Cloudflare shows it to those whom it blocks",
        403,
        Some("cloudflare"),
        "<!DOCTYPE html>\n<html lang=\"en-US\"><head>\
         <title>Attention Required! | Cloudflare</title>\
         <meta charset=\"UTF-8\"><meta name=\"robots\" content=\"noindex, nofollow\"></head>\
         <body><div id=\"cf-wrapper\"><div id=\"cf-error-details\">\
         <h1 data-translate=\"block_headline\">Sorry, you have been blocked</h1>\
         <h2><span data-translate=\"unable_to_access\">You are unable to access</span> x.com</h2>\
         <p>This website is using a security service to protect itself from online attacks.</p>\
         <p>Cloudflare Ray ID: <strong>0000000000000000</strong></p>\
         </div></div></body></html>",
    ),
    page(
        "captive-portal",
        "200 with a page in HTML, as public networks show it",
        200,
        None,
        "<!DOCTYPE html><html><head><title>Welcome</title></head>\
         <body><h1>Welcome</h1><p>Please sign in to use this network.</p></body></html>",
    ),
    special(
        "hostile-text",
        "403 with a script, line breaks, terminal escapes and 100 KB in the message",
        |_| Answer::error(403, 999, &hostile_text()),
    ),
    other("hang", "no answer until the client leaves", Reply::Hang),
    other("slow", "the proper answer, after 3 s", Reply::Slow),
    other("reset", "a TCP reset instead of an answer", Reply::Reset),
    other(
        "cut-off",
        "the picture is set, but the answer (200) breaks off in the middle",
        Reply::CutOff,
    ),
];

fn hostile_text() -> String {
    let line = "<script>alert(1)</script>\r\n\u{1b}[2J\u{1b}[31m\u{1b}]0;title\u{7}\u{8}\0 \
                \u{202e}\"'&{}%s\n::error::\n";
    line.repeat(HOSTILE_BYTES / line.len() + 1)
}

impl Fault {
    /// The fault of that name, or which names there are.
    pub(super) fn named(name: &str) -> Result<&'static Self, String> {
        FAULTS
            .iter()
            .find(|fault| fault.name == name)
            .ok_or_else(|| {
                let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
                format!("there is no such fault; known are {}", known.join(", "))
            })
    }

    /// Whether the request does what it asks for in spite of the fault.
    pub(super) fn lets_pass(&self) -> bool {
        matches!(self.reply, Reply::Slow | Reply::CutOff)
    }

    /// What is done instead of sending the proper answer; `user` is the answer to a good request.
    pub(super) fn delivery(
        &self,
        now: DateTime<Utc>,
        proper: Answer,
        user: impl FnOnce() -> Answer,
    ) -> Delivery {
        match self.reply {
            Reply::Refusal(refusal) => Delivery::Send(Answer::refusal(refusal)),
            Reply::Page {
                status,
                server,
                html,
            } => {
                let answer = Answer::of(status, "text/html; charset=UTF-8", html);
                Delivery::Send(match server {
                    Some(server) => answer.with(SERVER, HeaderValue::from_static(server)).with(
                        HeaderName::from_static("cf-ray"),
                        HeaderValue::from_static("0000000000000000-ZRH"),
                    ),
                    None => answer,
                })
            }
            Reply::Special(answer) => Delivery::Send(answer(now)),
            Reply::Slow => Delivery::SendLate(SLOWNESS, proper),
            Reply::Hang => Delivery::Hang,
            Reply::Reset => Delivery::Reset,
            Reply::CutOff => Delivery::SendHalf(user()),
        }
    }
}

/// A fault and how often it is still to come up.
#[derive(Clone)]
pub(super) struct Queued {
    pub(super) fault: &'static Fault,
    /// `None`: until the queue is cleared.
    pub(super) times: Option<u32>,
}

impl Queued {
    /// The fault of that name, so many times.
    pub(super) fn new(name: &str, times: Option<u32>) -> Result<Self, String> {
        if times == Some(0) {
            return Err("times has to be 1 or more; leave it out for ever".to_owned());
        }
        Ok(Self {
            fault: Fault::named(name)?,
            times,
        })
    }
}

impl FromStr for Queued {
    type Err = String;

    /// Reads `NAME` or `NAME*TIMES`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('*') {
            None => Self::new(text, None),
            Some((name, times)) => {
                let times = times
                    .parse()
                    .map_err(|_| "what follows * has to be a whole number".to_owned())?;
                Self::new(name, Some(times))
            }
        }
    }
}

/// The faults that are due, in the order in which they come up.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Queued>);

impl Queue {
    /// A queue that begins with these.
    pub(super) fn of(faults: Vec<Queued>) -> Self {
        Self(faults.into())
    }

    /// Adds one at the end.
    pub(super) fn push(&mut self, fault: Queued) {
        self.0.push_back(fault);
    }

    /// Takes the fault that is due now.
    pub(super) fn take(&mut self) -> Option<&'static Fault> {
        let first = self.0.front_mut()?;
        let fault = first.fault;
        if let Some(times) = &mut first.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.pop_front();
            }
        }
        Some(fault)
    }

    /// Removes all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is in the queue, first come first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.0.iter()
    }
}

/// The help text of the option that names faults.
pub(super) fn help() -> String {
    let mut help = String::from(
        "Give this fault instead of the proper answer; may be repeated.\n\n\
         NAME*TIMES gives it so many times and then goes on to the next one; NAME alone gives it \
         for ever. The request is judged and recorded all the same. While this runs, faults are \
         added with PUT /simulator/faults and removed with DELETE.\n\nThe faults:\n",
    );
    for Fault {
        name, description, ..
    } in FAULTS
    {
        // Writing to a string does not fail.
        let _ = writeln!(help, "  {name:<24} {description}");
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let help = help();
        for (index, fault) in FAULTS.iter().enumerate() {
            assert!(FAULTS[..index].iter().all(|other| other.name != fault.name));
            assert!(!fault.description.is_empty() && !fault.description.contains('\n'));
            assert!(help.contains(fault.name) && help.contains(fault.description));
            assert!(fault.name.len() < 24);
        }
        assert_eq!(FAULTS.len(), 31);
    }

    #[test]
    fn faults_are_named_with_their_number_of_times() {
        let queued: Queued = "hang".parse().unwrap();
        assert_eq!((queued.fault.name, queued.times), ("hang", None));
        let queued: Queued = "over-capacity*2".parse().unwrap();
        assert_eq!(
            (queued.fault.name, queued.times),
            ("over-capacity", Some(2))
        );
        for wrong in ["", "hangs", "hang*", "hang*0", "hang*-1", "hang*x", "*2"] {
            assert!(wrong.parse::<Queued>().is_err(), "{wrong}");
        }
        let error = "hangs".parse::<Queued>().err().unwrap();
        assert!(error.contains("hang") && error.contains("rate-limit-legacy"));
    }

    #[test]
    fn the_queue_counts_down_and_stays_at_what_lasts() {
        let faults = ["reset*2", "hang*1", "slow", "reset"];
        let mut queue = Queue::of(faults.map(|fault| fault.parse().unwrap()).into());
        let mut taken = || queue.take().map(|fault| fault.name);
        let names: Vec<_> = std::iter::repeat_with(&mut taken)
            .take(5)
            .flatten()
            .collect();
        assert_eq!(names, ["reset", "reset", "hang", "slow", "slow"]);
        assert_eq!(queue.iter().count(), 2);
        queue.clear();
        assert!(queue.take().is_none());
    }

    #[test]
    fn hostile_text_is_large_and_hostile() {
        let text = hostile_text();
        assert!(text.len() >= HOSTILE_BYTES);
        for part in ["<script>alert(1)</script>", "\n", "\u{1b}["] {
            assert!(text.contains(part));
        }
    }
}
