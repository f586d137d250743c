//! The faults a network can be told to answer with. Each network has a table of its own; this file
//! has what the tables are made of.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{HeaderName, SERVER};
use serde::Serialize;
use serde_json::json;

use crate::answer::Delivery;
use crate::reply::{Refusal, Reply};

/// How long the fault `slow` delays the reply.
const SLOWNESS: Duration = Duration::from_secs(3);
/// The least size of the text of `hostile-text`, in bytes.
const HOSTILE_BYTES: usize = 100 * 1024;
/// What the body of `endless-body` repeats.
const ENDLESS: &[u8] = &[b'x'; 8192];

/// A fault of a network.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// The endpoints at which the fault occurs unless another one is named; all, if empty.
    #[serde(skip)]
    pub(crate) at: &'static [&'static str],
    #[serde(skip)]
    effect: Effect,
}

/// What a fault does.
#[derive(Clone, Copy)]
enum Effect {
    /// Refuses the request.
    Refusal(Refusal),
    /// Answers with a web page, as something between client and network would.
    Page {
        status: u16,
        server: Option<&'static str>,
        html: &'static str,
    },
    /// Answers with a reply of its own, which may depend on the time.
    Special(fn(DateTime<Utc>) -> Reply),
    /// Carries the request out and answers late.
    Slow,
    /// Never answers.
    Hang,
    /// Resets the connection.
    Reset,
    /// Carries the request out and breaks off in the middle of the answer.
    CutOff,
    /// Answers with a body that never ends.
    Endless,
}

/// A fault that refuses the request.
pub(crate) const fn refusal(
    name: &'static str,
    description: &'static str,
    refusal: Refusal,
) -> Fault {
    fault(name, description, Effect::Refusal(refusal))
}

/// A fault with a reply of its own.
pub(crate) const fn special(
    name: &'static str,
    description: &'static str,
    reply: fn(DateTime<Utc>) -> Reply,
) -> Fault {
    fault(name, description, Effect::Special(reply))
}

/// A fault that answers with a web page. `server` names the proxy that sends it.
pub(crate) const fn page(
    name: &'static str,
    description: &'static str,
    status: u16,
    server: Option<&'static str>,
    html: &'static str,
) -> Fault {
    let effect = Effect::Page {
        status,
        server,
        html,
    };
    fault(name, description, effect)
}

/// The fault that carries a request out and breaks off in the middle of the answer.
pub(crate) const fn cut_off(description: &'static str) -> Fault {
    fault("cut-off", description, Effect::CutOff)
}

pub(crate) const HANG: Fault = fault("hang", "no answer until the client leaves", Effect::Hang);
pub(crate) const SLOW: Fault = fault("slow", "the proper answer, after 3 s", Effect::Slow);
pub(crate) const RESET: Fault = fault("reset", "a TCP reset instead of an answer", Effect::Reset);
pub(crate) const ENDLESS_BODY: Fault = fault(
    "endless-body",
    "200 with a body that never ends",
    Effect::Endless,
);
pub(crate) const CAPTIVE_PORTAL: Fault = page(
    "captive-portal",
    "200 with a page in HTML, as public networks show it",
    200,
    None,
    "<!DOCTYPE html><html><head><title>Welcome</title></head>\
     <body><h1>Welcome</h1><p>Please sign in to use this network.</p></body></html>",
);
pub(crate) const BAD_GATEWAY: Fault = page(
    "bad-gateway",
    "502 with a page in HTML",
    502,
    None,
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
     <body><h1>502 Bad Gateway</h1></body></html>",
);
pub(crate) const EMPTY_ERROR: Fault =
    refusal("empty-error", "500 with an empty body", Refusal::empty(500));

const fn fault(name: &'static str, description: &'static str, effect: Effect) -> Fault {
    Fault {
        name,
        description,
        at: &[],
        effect,
    }
}

/// A text that does harm wherever it is shown unescaped: scripts, terminal escapes, line breaks,
/// bidirectional overrides, format directives.
pub(crate) fn hostile_text() -> String {
    let line = "<script>alert(1)</script>\r\n\u{1b}[2J\u{1b}[31m\u{1b}]0;title\u{7}\u{8}\0 \
                \u{202e}\"'&{}%s\n::error::\n";
    line.repeat(HOSTILE_BYTES / line.len() + 1)
}

/// The header and the beginning of the body of a JSON object that never ends.
fn endless_reply() -> Reply {
    let did = String::from_utf8_lossy(ENDLESS);
    let whole = json!({ "did": did }).to_string();
    let begun = whole.trim_end_matches(['"', '}']).to_owned();
    Reply::of(200, "application/json; charset=utf-8", begun)
}

impl Fault {
    /// This fault, occurring at these endpoints only.
    pub(crate) const fn at(self, endpoints: &'static [&'static str]) -> Self {
        Self {
            at: endpoints,
            ..self
        }
    }

    /// Whether the request is carried out despite the fault.
    pub(crate) fn lets_pass(&self) -> bool {
        matches!(self.effect, Effect::Slow | Effect::CutOff)
    }

    /// The reply and its delivery. `proper` is the reply without the fault; `cut_off` is the one
    /// to break off, if it differs from that.
    pub(crate) fn reply(
        &self,
        now: DateTime<Utc>,
        proper: Reply,
        cut_off: Option<Reply>,
    ) -> (Reply, Delivery) {
        match self.effect {
            Effect::Refusal(refusal) => (Reply::refusal(refusal), Delivery::Whole),
            Effect::Page {
                status,
                server,
                html,
            } => {
                let mut reply = Reply::of(status, "text/html; charset=UTF-8", html);
                if let Some(server) = server {
                    let ray = HeaderName::from_static("cf-ray");
                    reply = reply.with_all(&[(SERVER, server), (ray, "0000000000000000-ZRH")]);
                }
                (reply, Delivery::Whole)
            }
            Effect::Special(reply) => (reply(now), Delivery::Whole),
            Effect::Slow => (proper, Delivery::Late(SLOWNESS)),
            Effect::Hang => (Reply::empty(500), Delivery::Hang),
            Effect::Reset => (Reply::empty(500), Delivery::Reset),
            Effect::CutOff => {
                let reply = cut_off.unwrap_or(proper);
                let half = reply.body.len() / 2;
                (reply, Delivery::CutOff(half))
            }
            Effect::Endless => (
                endless_reply(),
                Delivery::Endless(Bytes::from_static(ENDLESS)),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_large_and_hostile() {
        let text = hostile_text();
        assert!(text.len() >= HOSTILE_BYTES);
        for part in ["<script>alert(1)</script>", "\n", "\u{1b}["] {
            assert!(text.contains(part));
        }
    }

    #[test]
    fn an_endless_body_is_the_beginning_of_an_object() {
        let reply = endless_reply();
        assert!(reply.body.starts_with(b"{\"did\":\"xxx") && reply.body.ends_with(b"xxx"));
    }
}
