//! How a turn ended, and why.

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
    /// The network already shows the frame, so nothing was sent.
    Unchanged,
    /// A dry run: everything was done but sending.
    DryRun(Box<Preview>),
    /// The network did not take the frame, but may take it later.
    Retry {
        /// The earliest time of another try.
        at: DateTime<Utc>,
        /// Why.
        diagnosis: Diagnosis,
    },
    /// Turning fails until the owner does something.
    Refused(Diagnosis),
}

impl Outcome {
    /// The outcome's name, as in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Turned => "turned",
            Self::Unchanged => "unchanged",
            Self::DryRun(_) => "dry-run",
            Self::Retry { .. } => "retry",
            Self::Refused(_) => "refused",
        }
    }

    /// What went wrong, if anything.
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
    /// The kind of problem, for programs.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub reason: Reason,
    /// What happened, in a sentence.
    pub message: String,
    /// What to do next, in a sentence.
    pub remedy: Cow<'static, str>,
}

impl Default for Diagnosis {
    /// Stands for a diagnosis that another version stored in a form this one cannot read.
    fn default() -> Self {
        Self::new(
            Reason::default(),
            "Another version of this program stored the reason in a form that cannot be read.",
            "Wait, or delete what is stored: DELETE /journal, or another --state file.",
        )
    }
}

impl Diagnosis {
    /// A diagnosis. `message` says what happened and `remedy` what to do next, each in a sentence.
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

    /// The message and the remedy, as sentences. The message gets a full stop if it has none, since
    /// it may end in a network's own words.
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

/// The kinds of problems.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A setting or secret is missing or does not parse.
    Settings,
    /// No icon has been published yet.
    NoIcon,
    /// The frame set cannot be read, or the frame is missing.
    Frames,
    /// The set has no frame of the requested number.
    NoSuchFrame,
    /// The store or the host's randomness failed.
    Host,
    /// The network does not accept the keys or the signature.
    Credentials,
    /// The network's clock and this one differ too much.
    ClockSkew,
    /// The app may not do this.
    Access,
    /// The account may not do this.
    Account,
    /// The network takes the turn for spam.
    SpamFilter,
    /// Too many requests in the network's window.
    RateLimit,
    /// The network or the connection to it failed temporarily.
    Transient,
    /// The network does not accept the request or the picture.
    Request,
    /// Something between this host and the network refused the call.
    Blocked,
    /// The network is not known to give this reply. Also stands for a kind that another version
    /// stored and this one does not know.
    #[default]
    UnexpectedReply,
}

/// The request that a dry run did not send. It holds no secret and no signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The HTTP method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// The headers, with the value of `authorization` replaced.
    pub headers: Vec<(String, String)>,
    /// The size of the body in bytes.
    pub body_bytes: usize,
    /// The size of the frame in bytes.
    pub frame_bytes: usize,
    /// The account whose picture would change, as the network names it.
    #[serde(skip)]
    pub account: Option<String>,
    /// Why the network did not name the account.
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
    /// Whether the network refuses the account itself, whatever is sent.
    pub fn is_about_the_account(self) -> bool {
        matches!(self, Self::Credentials | Self::Access | Self::Account)
    }

    /// Whether the problem stays until the owner does something.
    pub fn is_for_the_owner(self) -> bool {
        !matches!(self, Self::RateLimit | Self::SpamFilter | Self::Transient)
    }
}
