//! What a turn asks of a network.

use std::fmt;
use std::future::ready;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::frames::media_type::MediaType;
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview};
use crate::settings::reader::{Reader, Variable};

/// What is known of a network before its settings are read.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its name in settings' documentation, the journal and answers.
    pub name: &'static str,
    /// Its name in sentences.
    pub title: &'static str,
    /// The settings without which it cannot be used. It is used once one of them
    /// is set.
    pub required: &'static [&'static str],
    /// Its settings that have a default.
    pub variables: &'static [Variable],
    /// Reads its settings; what is missing or does not parse is noted by the
    /// reader.
    pub read: fn(&mut Reader<'_>) -> Option<Rc<dyn Network>>,
}

/// An account of a network.
pub trait Network: fmt::Debug {
    /// The largest picture that is sent, in bytes.
    fn max_picture_bytes(&self) -> usize;

    /// Makes a picture the account's profile picture: one attempt, of as many
    /// requests as the network asks for.
    ///
    /// # Errors
    /// When nothing could be sent.
    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Attempt, Diagnosis>>;

    /// The request that would carry a picture.
    ///
    /// # Errors
    /// When it cannot be made.
    fn preview(&self, picture: Picture<'_>, now: DateTime<Utc>) -> Result<Preview, Diagnosis>;

    /// What the network says of the settings, by calls that change nothing.
    fn verify<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>>;

    /// Whether turns keep frames on the network beside the picture that is shown.
    fn keeps_frames(&self) -> bool {
        false
    }

    /// Removes what turns have kept on the network beside the picture that is shown.
    ///
    /// # Errors
    /// When it may still be there.
    fn remove_frames<'a>(
        &'a self,
        _saved_session: &'a mut Option<SavedSession>,
        _transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(ready(Ok(())))
    }

    /// Ends what was begun on the network and is in the memory, such as a session: for a
    /// host that keeps no memory after its run.
    fn end<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        _transport: &'a dyn Transport,
    ) -> Pending<'a, ()> {
        *saved_session = None;
        Box::pin(ready(()))
    }
}

/// A frame on its way to a network.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// The encoded picture.
    pub bytes: &'a [u8],
    /// What it is encoded as.
    pub media_type: MediaType,
    /// The id of the set that it is a frame of.
    pub set: &'a str,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What it came to.
    pub outcome: Outcome,
    /// The HTTP status of the reply that decided it.
    pub status: Option<u16>,
    /// The name of the account, as the network writes it, where an attempt that
    /// succeeded tells it.
    pub account: Option<String>,
    /// What the owner should know besides, in a sentence or two: that another way was
    /// taken than before.
    pub note: Option<String>,
}

/// What a network says of settings that it accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The name of the account that they belong to, if the network tells it.
    pub account: Option<String>,
    /// What the owner should know besides, each a sentence or two.
    pub notes: Vec<String>,
    /// Why the network tells nothing of the account, where that does not say that it takes
    /// no picture.
    pub unread: Option<Diagnosis>,
}

impl Verified {
    /// The account alone.
    pub fn account(name: impl Into<String>) -> Self {
        Self {
            account: Some(name.into()),
            ..Self::default()
        }
    }
}

/// What a network wants to find again in its next turn, such as a session. It may
/// hold secrets: its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedSession(pub String);

impl fmt::Debug for SavedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(hidden)")
    }
}
