//! The journal: what turns did, one entry for each slot on each network and for
//! each other turn by hand. The same entries go to the host's log.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::outcome::{Diagnosis, Outcome, Preview, Reason};
use crate::stored;

/// A turn as the journal keeps it: one flat object.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    /// Always `turn`, to tell it from what else is logged.
    pub event: &'static str,
    /// What started it.
    pub trigger: Trigger,
    /// The instant it was for, as in RFC 3339.
    pub scheduled_at: DateTime<Utc>,
    /// When its frame was sent the last time.
    pub sent_at: Option<DateTime<Utc>>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// What it did.
    #[serde(flatten)]
    pub report: &'a Report,
}

/// What starts a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The schedule.
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
        // Nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a turn did on a network, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The network's name.
    pub network: &'static str,
    /// The frame that was chosen.
    pub frame: Option<u16>,
    /// How many the set has.
    pub frames: Option<u16>,
    /// How often the frame has been sent for its slot.
    pub attempts: u32,
    /// The HTTP status of the network's reply.
    pub network_status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it is tried again by itself.
    pub retry_at: Option<DateTime<Utc>>,
    /// What the owner should know besides.
    pub note: Option<String>,
    /// Whether nothing was tried, since what happened before is waited out.
    pub is_held: bool,
}

impl Report {
    /// A turn of which nothing is known but how it ended.
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
            is_held: false,
        }
    }
}

/// What of an entry the page tells. Another version may have written it: what is
/// not understood is left out, but for the instant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recorded {
    /// The network's name.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub network: String,
    /// The instant it was for.
    #[serde(deserialize_with = "stored::from_rfc_3339")]
    pub scheduled_at: DateTime<Utc>,
    /// When its frame was sent the last time.
    #[serde(default, deserialize_with = "stored::from_rfc_3339_or_none")]
    pub sent_at: Option<DateTime<Utc>>,
    /// The frame.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub frame: Option<u16>,
    /// How it ended, in a word.
    pub outcome: String,
    /// How often the frame was sent.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub attempts: u32,
    /// What went wrong.
    #[serde(default, deserialize_with = "stored::or_default")]
    pub message: Option<String>,
}

/// The entry, as one line of JSON, that tells what could not be read of what was
/// stored of a network's account. It has the members of every other entry.
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

/// A report as it is logged and answered: one flat object.
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
