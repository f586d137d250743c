//! The record of received requests: how each was judged, and what was answered.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::clock::rfc_3339;
use crate::network::Network;
use crate::picture::Facts;

/// How a request was judged, whatever was answered to it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Accepted,
    Rejected,
}

impl Verdict {
    /// The verdict in one word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// One request.
#[derive(Serialize)]
pub(crate) struct Received {
    /// Counted from 1 and never reused.
    pub(crate) number: u64,
    pub(crate) network: Network,
    /// The server the request was for, of a network that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// The account for which the request acts, of a network that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The endpoint the request was for; `None` if the network has no such endpoint.
    pub(crate) endpoint: Option<&'static str>,
    #[serde(rename = "received_at", serialize_with = "as_rfc_3339")]
    pub(crate) at: DateTime<Utc>,
    /// The fault the request met.
    pub(crate) fault: Option<&'static str>,
    /// The status of the reply; `None` if none was sent.
    pub(crate) status: Option<u16>,
    /// X's number for the error in the reply.
    pub(crate) code: Option<u16>,
    /// The name of the error in the reply: Bluesky's, or that of OAuth 2.0.
    pub(crate) error: Option<&'static str>,
    /// What the checks found, regardless of the fault.
    pub(crate) verdict: Verdict,
    /// The reason for the verdict.
    pub(crate) explanation: String,
    /// The verdict in detail: what was accepted, or how and why it was rejected.
    #[serde(skip)]
    pub(crate) summary: String,
    /// Whether the request was carried out. An accepted request may be lost to a fault.
    pub(crate) took_effect: bool,
    /// The kind of body in one word.
    pub(crate) body: &'static str,
    pub(crate) oauth_timestamp: Option<i64>,
    pub(crate) oauth_nonce: Option<String>,
    /// The picture in the request.
    pub(crate) picture: Option<Facts>,
    /// The bytes of the picture.
    #[serde(skip)]
    pub(crate) bytes: Option<Bytes>,
}

fn as_rfc_3339<S: serde::Serializer>(
    time: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc_3339(*time))
}

impl Received {
    /// The line about this request for the terminal.
    pub(crate) fn line(&self) -> String {
        let line = match self.fault {
            None => format!("{}  {}", self.verdict.word(), self.summary),
            Some(fault) => format!(
                "fault     {fault} ({}); {}",
                self.answered(),
                self.explanation
            ),
        };
        match (self.network, &self.server) {
            (Network::X, _) => line,
            (other, None) => format!("{line} [{}]", other.title()),
            (other, Some(server)) => format!("{line} [{}, {server}]", other.title()),
        }
    }

    /// The status of the reply, and the code or name of its error.
    pub(crate) fn answered(&self) -> String {
        match (self.status, self.code, self.error) {
            (None, _, _) => "no answer".to_owned(),
            (Some(status), Some(code), _) => format!("{status} {code}"),
            (Some(status), None, Some(error)) => format!("{status} {error}"),
            (Some(status), None, None) => status.to_string(),
        }
    }
}

/// The requests received most recently.
pub(crate) struct Journal {
    keep: NonZeroUsize,
    count: u64,
    received: VecDeque<Received>,
}

impl Journal {
    /// An empty journal that keeps this many requests.
    pub(crate) fn keeping(keep: NonZeroUsize) -> Self {
        Self {
            keep,
            count: 0,
            received: VecDeque::new(),
        }
    }

    /// The number that the next request gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.count + 1
    }

    /// Adds a request, and drops the oldest one beyond the number to keep.
    pub(crate) fn add(&mut self, received: Received) {
        self.count = received.number;
        self.received.push_front(received);
        self.received.truncate(self.keep.get());
    }

    /// The requests to one network, or to all, newest first.
    pub(crate) fn newest_first(&self, network: Option<Network>) -> impl Iterator<Item = &Received> {
        self.received
            .iter()
            .filter(move |received| network.is_none_or(|network| received.network == network))
    }

    /// The request with this number, unless it was dropped.
    pub(crate) fn get(&self, number: u64) -> Option<&Received> {
        self.received
            .iter()
            .find(|received| received.number == number)
    }

    /// Drops the requests to one network, or to all. Their numbers are not reused.
    pub(crate) fn clear(&mut self, network: Option<Network>) {
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
            server: None,
            account: None,
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
