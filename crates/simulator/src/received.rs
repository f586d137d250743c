//! The journal: what was received, how it was judged and what was answered.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::clock::rfc_3339;
use super::network::Network;
use super::picture::Facts;

/// How a request was judged, whatever was answered to it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Accepted,
    Rejected,
}

impl Verdict {
    /// The verdict in one word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// One request.
#[derive(Serialize)]
pub(super) struct Received {
    /// Counted from 1, and never used again.
    pub(super) number: u64,
    pub(super) network: Network,
    /// What was asked of it; `None` if there is no such thing.
    pub(super) endpoint: Option<&'static str>,
    #[serde(rename = "received_at", serialize_with = "as_rfc_3339")]
    pub(super) at: DateTime<Utc>,
    /// The fault that was given.
    pub(super) fault: Option<&'static str>,
    /// The status that was answered; `None` if nothing was.
    pub(super) status: Option<u16>,
    /// X's number for the error that was answered.
    pub(super) code: Option<u16>,
    /// Bluesky's name for the error that was answered.
    pub(super) error: Option<&'static str>,
    /// What the checks found, without regard to the fault.
    pub(super) verdict: Verdict,
    /// Why.
    pub(super) explanation: String,
    /// The verdict in detail: what was accepted, or how it was rejected and why.
    #[serde(skip)]
    pub(super) summary: String,
    /// Whether what it asked for was done: the picture became that of the account.
    pub(super) took_effect: bool,
    pub(super) body: &'static str,
    pub(super) oauth_timestamp: Option<i64>,
    pub(super) oauth_nonce: Option<String>,
    pub(super) picture: Option<Facts>,
    #[serde(skip)]
    pub(super) bytes: Option<Bytes>,
}

fn as_rfc_3339<S: serde::Serializer>(
    time: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc_3339(*time))
}

impl Received {
    /// The line about this request for the terminal.
    pub(super) fn line(&self) -> String {
        let line = match self.fault {
            None => format!("{}  {}", self.verdict.word(), self.summary),
            Some(fault) => format!(
                "fault     {fault} ({}); {}",
                self.answered(),
                self.explanation
            ),
        };
        match self.network {
            Network::X => line,
            other => format!("{line} [{}]", other.title()),
        }
    }

    /// The status and the code or the name that were answered.
    pub(super) fn answered(&self) -> String {
        match (self.status, self.code, self.error) {
            (None, _, _) => "no answer".to_owned(),
            (Some(status), Some(code), _) => format!("{status} {code}"),
            (Some(status), None, Some(error)) => format!("{status} {error}"),
            (Some(status), None, None) => status.to_string(),
        }
    }
}

/// The requests received last.
pub(super) struct Journal {
    keep: NonZeroUsize,
    count: u64,
    received: VecDeque<Received>,
}

impl Journal {
    /// An empty journal that keeps so many requests.
    pub(super) fn keeping(keep: NonZeroUsize) -> Self {
        Self {
            keep,
            count: 0,
            received: VecDeque::new(),
        }
    }

    /// The number of the request that is added next.
    pub(super) fn next_number(&self) -> u64 {
        self.count + 1
    }

    /// Adds a request and drops the oldest one if there are too many.
    pub(super) fn add(&mut self, received: Received) {
        self.count = received.number;
        self.received.push_front(received);
        self.received.truncate(self.keep.get());
    }

    /// The requests, newest first, of one network or of all.
    pub(super) fn newest_first(&self, network: Option<Network>) -> impl Iterator<Item = &Received> {
        self.received
            .iter()
            .filter(move |received| network.is_none_or(|network| received.network == network))
    }

    /// The request of that number, if it is still there.
    pub(super) fn get(&self, number: u64) -> Option<&Received> {
        self.received
            .iter()
            .find(|received| received.number == number)
    }

    /// Forgets the requests of one network or of all, but not how many there were.
    pub(super) fn clear(&mut self, network: Option<Network>) {
        self.received
            .retain(|received| network.is_some_and(|network| received.network != network));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(number: u64) -> Received {
        Received {
            number,
            network: Network::X,
            endpoint: None,
            at: DateTime::UNIX_EPOCH,
            fault: None,
            status: Some(401),
            code: Some(32),
            error: None,
            verdict: Verdict::Rejected,
            explanation: "nonce reused".to_owned(),
            summary: "401 32 Could not authenticate you: nonce reused".to_owned(),
            took_effect: false,
            body: "none",
            oauth_timestamp: None,
            oauth_nonce: None,
            picture: None,
            bytes: None,
        }
    }

    #[test]
    fn the_oldest_are_dropped_and_numbers_go_on() {
        let mut journal = Journal::keeping(NonZeroUsize::new(2).unwrap());
        for number in 1..=3 {
            assert_eq!(journal.next_number(), number);
            journal.add(received(number));
        }
        let numbers: Vec<u64> = journal.newest_first(None).map(|one| one.number).collect();
        assert_eq!(numbers, [3, 2]);
        assert!(journal.get(1).is_none() && journal.get(2).is_some());
        journal.clear(Some(Network::Mastodon));
        assert_eq!(journal.newest_first(Some(Network::X)).count(), 2);
        assert_eq!(journal.newest_first(Some(Network::Bluesky)).count(), 0);
        journal.clear(None);
        assert_eq!(
            (journal.newest_first(None).count(), journal.next_number()),
            (0, 4)
        );
    }

    #[test]
    fn lines_are_short_and_say_what_happened() {
        let mut one = received(1);
        assert_eq!(
            one.line(),
            "rejected  401 32 Could not authenticate you: nonce reused"
        );
        one.fault = Some("hang");
        one.status = None;
        assert_eq!(one.line(), "fault     hang (no answer); nonce reused");
        let mut one = received(2);
        one.network = Network::Bluesky;
        (one.code, one.error) = (None, Some("InvalidSwap"));
        assert!(one.line().ends_with(" [Bluesky]"));
        assert_eq!(one.answered(), "401 InvalidSwap");
    }
}
