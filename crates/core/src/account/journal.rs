//! The journal: what turns have done. There is one entry for each slot on each network, and one for
//! each other turn by hand. The host's log has the same entries.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::outcome::{Diagnosis, Outcome, Preview, Reason};
use crate::stored;

/// The entry of a turn in the journal: one flat JSON object.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    /// Always `turn`, which tells it from other entries in the log.
    pub event: &'static str,
    /// What asked for the turn.
    pub trigger: Trigger,
    /// The instant that the turn was for, written as RFC 3339 has it.
    pub scheduled_at: DateTime<Utc>,
    /// When the frame was last sent; `None` if it was not.
    pub sent_at: Option<DateTime<Utc>>,
    /// How long the turn took, in milliseconds.
    pub duration_ms: i64,
    /// What the turn did.
    #[serde(flatten)]
    pub report: &'a Report,
}

/// What asks for a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An event of the schedule.
    #[default]
    Cron,
    /// The time for another try.
    Retry,
    /// A person, or a program of theirs.
    Manual,
}

impl Entry<'_> {
    /// The entry as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an entry is made of texts and numbers")
    }
}

/// What a turn did on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The network's name.
    pub network: &'static str,
    /// The number of the frame that was chosen; `None` if none could be.
    pub frame: Option<u16>,
    /// The number of frames of the current set; `None` if it could not be read.
    pub frames: Option<u16>,
    /// The number of attempts to send the frame in its slot.
    pub attempts: u32,
    /// The HTTP status of the network's reply; `None` if there was none.
    pub network_status: Option<u16>,
    /// How the turn ended.
    pub outcome: Outcome,
    /// When the next attempt comes by itself; `None` if that is with the schedule.
    pub retry_at: Option<DateTime<Utc>>,
    /// What the owner should know besides, in a sentence or two.
    pub note: Option<String>,
    /// Whether a pause that the outcome asks for is of a limit of this account's own.
    pub is_limit_of_account: bool,
    /// Whether nothing was tried because of a hold, so that the outcome is that of an earlier turn.
    pub is_held: bool,
}

impl Report {
    /// A report that says only how the turn ended.
    pub fn of(network: &'static str, outcome: Outcome) -> Self {
        Self {
            network,
            frame: None,
            frames: None,
            attempts: 0,
            network_status: None,
            outcome,
            retry_at: None,
            note: None,
            is_limit_of_account: false,
            is_held: false,
        }
    }

    /// The same report of a turn that was refused.
    #[must_use]
    pub fn refused(self, diagnosis: Diagnosis) -> Self {
        let outcome = Outcome::Refused(diagnosis);
        Self { outcome, ..self }
    }
}

/// The part of an entry that the page shows. Another version may have written it: members that are
/// not understood are left out, except the instant and the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// The network's name.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub network: String,
    /// The instant that the turn was for.
    #[serde(deserialize_with = "stored::from_rfc_3339")]
    pub scheduled_at: DateTime<Utc>,
    /// When the frame was last sent.
    #[serde(default, deserialize_with = "stored::from_rfc_3339_or_none")]
    pub sent_at: Option<DateTime<Utc>>,
    /// The number of the frame.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub frame: Option<u16>,
    /// How the turn ended, in one word.
    pub outcome: String,
    /// The number of attempts to send the frame.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub attempts: u32,
    /// What went wrong.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub message: Option<String>,
}

/// The entry that says what could not be read of an account's stored state, as one line of JSON. It
/// has the members of every other entry.
pub fn unread(network: &str, trigger: Trigger, at: DateTime<Utc>, diagnosis: &Diagnosis) -> String {
    let entry = json!({
        "event": "unread",
        "trigger": trigger,
        "scheduled_at": at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "sent_at": null,
        "duration_ms": 0,
        "network": network,
        "frame": null,
        "frames": null,
        "outcome": "unread",
        "attempts": 0,
        "network_status": null,
        "reason": diagnosis.reason,
        "message": diagnosis.message,
        "remedy": diagnosis.remedy,
    });
    entry.to_string()
}

/// A report as it is logged and answered: one flat JSON object.
#[derive(Serialize)]
struct Flat<'a> {
    network: &'static str,
    frame: Option<u16>,
    frames: Option<u16>,
    outcome: &'static str,
    attempts: u32,
    network_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_send: Option<&'a Preview>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unchecked: Option<&'a str>,
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let diagnosis = self.outcome.diagnosis();
        let preview = match &self.outcome {
            Outcome::DryRun(preview) => Some(preview.as_ref()),
            _ => None,
        };
        Flat {
            network: self.network,
            frame: self.frame,
            frames: self.frames,
            outcome: self.outcome.name(),
            attempts: self.attempts,
            network_status: self.network_status,
            reason: diagnosis.map(|diagnosis| diagnosis.reason),
            message: diagnosis.map(|diagnosis| diagnosis.message.as_str()),
            remedy: diagnosis.map(|diagnosis| diagnosis.remedy.as_ref()),
            retry_at: self
                .retry_at
                .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            note: self.note.as_deref(),
            would_send: preview,
            account: preview.and_then(|preview| preview.account.as_deref()),
            unchecked: preview.and_then(|preview| preview.unchecked.as_deref()),
        }
        .serialize(serializer)
    }
}
