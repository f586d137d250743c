//! What an account is, beside its frames, its states and its journal: its settings and its
//! connections, as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::stored;

/// An account's settings and connections. Another version may have stored them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredAccount {
    /// The account's id; empty until a command has told it.
    pub id: String,
    /// What the page has set: names of settings and their texts.
    pub settings: BTreeMap<String, String>,
    /// When it was paused, if it is.
    #[serde(with = "stored::instant_or_none")]
    pub paused_at: Option<DateTime<Utc>>,
    /// The sign-ins, at most one a network.
    pub connections: Vec<StoredConnection>,
}

/// A connection as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredConnection {
    /// The network's name.
    pub network: String,
    /// The identity of the account there.
    pub subject: String,
    /// The account's name there, for people.
    pub name: String,
    /// The tokens and the application, encrypted for the account and the field
    /// `connection NETWORK`; `None` once they are forgotten.
    pub secrets: Option<String>,
    /// When the person signed in. It tells this sign-in from others of the same identity.
    #[serde(with = "stored::instant")]
    pub signed_in_at: DateTime<Utc>,
    /// When the access token expires, if it does.
    #[serde(default, with = "stored::instant_or_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was started, if it was.
    #[serde(default, with = "stored::instant_or_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// What the network showed before the start.
    #[serde(default)]
    pub before: Before,
}

/// What a network showed before the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// That is not known, or could not be kept.
    #[default]
    Unknown,
    /// A picture, which is kept.
    Picture,
    /// The server's default picture.
    Default,
}
