//! How a turn ended.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use http::Request;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

use crate::stored;

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The network took the frame.
    Turned,
    /// The network shows the frame already; nothing was sent.
    Unchanged,
    /// Everything but the sending was done, as asked.
    DryRun(Box<Preview>),
    /// The network did not take it now and may at a later time.
    Retry {
        /// Not before this instant.
        at: DateTime<Utc>,
        /// Why.
        diagnosis: Diagnosis,
    },
    /// It will not work before the owner has done something.
    Refused(Diagnosis),
}

impl Outcome {
    /// The outcome in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Turned => "turned",
            Self::Unchanged => "unchanged",
            Self::DryRun(_) => "dry-run",
            Self::Retry { .. } => "retry",
            Self::Refused(_) => "refused",
        }
    }

    /// What went wrong, if anything did.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            Self::Turned | Self::Unchanged | Self::DryRun(_) => None,
            Self::Retry { diagnosis, .. } | Self::Refused(diagnosis) => Some(diagnosis),
        }
    }
}

/// What went wrong, and what the owner can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The kind, for programs.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub reason: Reason,
    /// What happened, in a sentence.
    pub message: String,
    /// What to do next, in a sentence.
    pub remedy: Cow<'static, str>,
}

impl Default for Diagnosis {
    /// The trouble of which another version has stored what this one cannot read.
    fn default() -> Self {
        Self::new(
            Reason::default(),
            "Another version of this program has stored why, and that cannot be read.",
            "Wait, or forget what is known: DELETE /journal, or another --state file.",
        )
    }
}

impl Diagnosis {
    /// Puts the three together.
    pub fn new(
        reason: Reason,
        message: impl Into<String>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            reason,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// What happened, which a network may have said in words of its own, and what
    /// to do next.
    pub fn in_words(&self) -> String {
        let Self {
            message, remedy, ..
        } = self;
        let stop = if message.ends_with(['.', '!', '?', '…']) {
            ""
        } else {
            "."
        };
        format!("{message}{stop} {remedy}")
    }
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A setting or secret is missing or cannot be read.
    Settings,
    /// No icon has been published yet.
    NoIcon,
    /// The frame set cannot be read, or lacks the frame.
    Frames,
    /// The frame that was asked for is not one of the set's.
    NoSuchFrame,
    /// The store or the host's randomness failed.
    Host,
    /// The network does not accept the keys or the signature.
    Credentials,
    /// The clocks of the two sides differ too much.
    ClockSkew,
    /// The app may not do this.
    Access,
    /// The account may not do this.
    Account,
    /// The network takes the turn for spam.
    SpamFilter,
    /// Too many requests in the network's window.
    RateLimit,
    /// The network, or the way to it, failed for the moment.
    Transient,
    /// The network does not accept the request or the picture.
    Request,
    /// Something between this host and the network refused the call.
    Blocked,
    /// A reply that the network is not known to give; and what is stored of a kind
    /// that only another version knows.
    #[default]
    UnexpectedReply,
}

/// What a dry run would have sent. It holds no secret and no signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The HTTP method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers, the value of `authorization` replaced.
    pub headers: Vec<(String, String)>,
    /// The size of the body in bytes.
    pub body_bytes: usize,
    /// The size of the frame in bytes.
    pub frame_bytes: usize,
    /// Whose picture it would be, as the network says.
    #[serde(skip)]
    pub account: Option<String>,
    /// Why the network has not said whose picture it would be.
    #[serde(skip)]
    pub unchecked: Option<String>,
}

impl Preview {
    /// Describes a request without its secrets: `authorization` replaces the value of that
    /// header. `frame_bytes` is the size of the frame in the request's body.
    pub fn of(request: &Request<Vec<u8>>, authorization: &str, frame_bytes: usize) -> Self {
        let headers = request.headers().iter().map(|(name, value)| {
            let value = if name == AUTHORIZATION {
                authorization.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.to_string(), value)
        });
        Self {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: headers.collect(),
            body_bytes: request.body().len(),
            frame_bytes,
            account: None,
            unchecked: None,
        }
    }
}

impl Reason {
    /// Whether it stays until the owner does something.
    pub fn is_for_the_owner(self) -> bool {
        !matches!(self, Self::RateLimit | Self::SpamFilter | Self::Transient)
    }
}
