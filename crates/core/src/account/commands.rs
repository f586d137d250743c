//! What an account can be asked to do, and its replies: JSON between the part of the host that
//! speaks with browsers and the one that has the account.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::stored_account::{Before, StoredConnection};
use crate::outcome::Diagnosis;
use crate::stored;

/// What an account is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// Tell everything that its page shows.
    Show,
    /// Keep a connection in place of any before on that network. Nothing is sent to the network:
    /// what was started stays started if the account there is the same, and what is new waits for
    /// [`Command::Start`].
    Connect {
        /// The connection, encrypted for this account. If its identity was in another account, it
        /// has what its network showed before the start there.
        connection: StoredConnection,
        /// The picture from before the start, if that account has kept one: a JPEG file in base64.
        #[serde(default)]
        picture: Option<String>,
    },
    /// Forget a connection: revoke its tokens, and put the old picture back if `put_back`.
    Disconnect {
        /// The network's name.
        network: String,
        /// Whether the picture that was shown before the start is put back first.
        put_back: bool,
    },
    /// Tell what goes with the identity of a connection to the account that it is moved to. Nothing
    /// changes. The reply is [`Reply::Carried`].
    Carry {
        /// The network's name.
        network: String,
        /// The identity.
        subject: String,
    },
    /// Forget the connection of an identity that has been moved to another account, which has what
    /// [`Command::Carry`] told. That account goes on using what turns have kept on the network, so
    /// it stays there. The tokens are revoked, unless the server has given the same ones again.
    Moved {
        /// The new sign-in, encrypted for this account.
        new: StoredConnection,
    },
    /// Start turning on every connection that is not started: keep the pictures that they show, and
    /// turn at once.
    Start {
        /// Whether to start even if a shown picture cannot be kept.
        without_picture: bool,
    },
    /// Stop turning, until [`Command::Resume`].
    Pause,
    /// Turn again, at once.
    Resume,
    /// Pause, and put back the picture that a network showed before the start.
    PutBack {
        /// The network's name.
        network: String,
    },
    /// Turn now, by hand.
    Turn,
    /// Set what the page sets: names of settings, such as `TIME_ZONE`, and their texts. An empty
    /// text unsets. All are set, or none.
    Set {
        /// The settings.
        settings: BTreeMap<String, String>,
    },
    /// Tell everything that is kept, for the person.
    Export,
    /// Delete everything, after putting the old pictures back if `put_back`, and revoke all tokens.
    Delete {
        /// Whether the pictures from before the start are put back first.
        put_back: bool,
    },
    /// Check that the account will be woken.
    CheckAlarm,
    /// Encrypt with the newest key what is encrypted with another.
    RotateKeys,
}

/// What an account replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
pub enum Reply {
    /// It is done. What else the person should know, each a sentence or two.
    Done {
        /// The notes.
        notes: Vec<String>,
    },
    /// It is not done, and nothing has changed.
    Refused {
        /// Why, and what to do.
        diagnosis: Diagnosis,
    },
    /// Nothing has started, because a picture that a network shows cannot be kept. The person may
    /// start without.
    PictureNotKept {
        /// Why, and what to do.
        diagnosis: Diagnosis,
    },
    /// This goes with an identity that is moved to another account.
    Carried {
        /// What the network showed before the start.
        before: Before,
        /// The picture, if it was kept here: a JPEG file in base64.
        picture: Option<String>,
    },
    /// What the page shows.
    Shown {
        /// What it shows.
        view: Box<AccountView>,
    },
    /// Everything that is kept.
    Exported {
        /// The JSON for the person.
        export: Value,
    },
}

/// What an account's page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    /// The current instant.
    #[serde(with = "stored::instant")]
    pub now: DateTime<Utc>,
    /// Whether it turns.
    pub stage: Stage,
    /// Why its operator has stopped it, in a sentence, if they have.
    pub stopped: Option<String>,
    /// The settings of the schedule.
    pub settings: Vec<SettingView>,
    /// The wall-clock time of the account's time zone, as RFC 3339 without an offset; `None` if the
    /// settings cannot be read.
    pub wall_clock: Option<String>,
    /// The current frame set; `None` if there is no icon.
    pub set: Option<SetView>,
    /// The connections, in the order of the networks.
    pub connections: Vec<ConnectionView>,
    /// When the next turn comes by itself.
    #[serde(with = "stored::instant_or_none")]
    pub next_turn: Option<DateTime<Utc>>,
    /// What is wrong with the account as a whole.
    pub findings: Vec<Diagnosis>,
    /// The last entries of the journal as they are stored, newest first.
    pub journal: Vec<Value>,
}

/// Whether an account turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No connection has been started.
    New,
    /// It turns.
    Turning,
    /// It has been paused.
    Paused,
}

/// A setting, and where its value is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingView {
    /// Its name, such as `TIME_ZONE`.
    pub name: String,
    /// Its value.
    pub text: String,
    /// Where the value is from.
    pub source: Source,
    /// The value that it would have if the page did not set it.
    pub otherwise: String,
}

/// Where the value of a setting is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The page.
    Page,
    /// The host's variables or secrets, which only the owner has.
    Variables,
    /// Nobody has set it.
    Default,
}

/// The current frame set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetView {
    /// Its id.
    pub id: String,
    /// The number of its frames.
    pub frames: u16,
    /// The number of the frame that is due; `None` if the schedule cannot be read.
    pub due: Option<u16>,
    /// How its frames are rendered, by the names of the choices of an upload (`kernel`, `fill`,
    /// `shape`, `quality`); empty for an album.
    pub rendering: BTreeMap<String, String>,
}

/// A connection, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// The network's name.
    pub network: String,
    /// The network's title.
    pub title: String,
    /// The account's name there, if it is known. It is the server's text.
    pub name: Option<String>,
    /// Where to sign in to it again: a place as people type it. `None` for one of the owner's
    /// secrets.
    pub place: Option<String>,
    /// Where it is from: [`Source::Page`] for a sign-in with the browser, [`Source::Variables`] for
    /// the owner's secrets.
    pub source: Source,
    /// Whether it has been started.
    pub is_started: bool,
    /// Whether the person has to sign in again.
    pub needs_sign_in: bool,
    /// What the network showed before the start. It is known of a connection that is not started if
    /// it was moved from an account that had started.
    pub before: Before,
    /// The number of the frame that it shows, if that is of the current set.
    pub frame: Option<u16>,
    /// What is wrong with it.
    pub finding: Option<Diagnosis>,
}
