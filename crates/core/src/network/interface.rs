//! What a turn asks of a network.

use std::fmt;
use std::future::ready;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::frames::media_type::MediaType;
use crate::network::transport::{Pending, Transport};
use crate::outcome::{Diagnosis, Outcome, Preview};

/// An account on a network.
pub trait Network: fmt::Debug {
    /// Returns the size of the largest picture that it takes, in bytes.
    fn max_picture_bytes(&self) -> usize;

    /// Makes a picture the account's profile picture. This is one attempt, of as many requests as
    /// the network needs.
    ///
    /// # Errors
    /// When nothing could be sent. How a network answered is an [`Attempt`].
    fn update<'a>(
        &'a self,
        picture: Picture<'a>,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Attempt, Diagnosis>>;

    /// Describes the request that would carry a picture.
    ///
    /// # Errors
    /// When the request cannot be built.
    fn preview(&self, picture: Picture<'_>, now: DateTime<Utc>) -> Result<Preview, Diagnosis>;

    /// Asks the network whether it accepts the settings, by calls that change nothing.
    ///
    /// # Errors
    /// When it does not accept them, or cannot be asked.
    fn verify<'a>(
        &'a self,
        saved_session: &'a mut Option<SavedSession>,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Verified, Diagnosis>>;

    /// Whether turns keep frames on the network, beside the picture that is shown.
    fn keeps_frames(&self) -> bool {
        false
    }

    /// Removes the frames that turns have kept on the network. The picture that is shown stays, and
    /// so does one from before the start that the network holds.
    ///
    /// # Errors
    /// When the frames may still be there.
    fn remove_frames<'a>(
        &'a self,
        _saved_session: &'a mut Option<SavedSession>,
        _transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(ready(Ok(())))
    }

    /// Ends what is saved, such as a session. For a host that keeps nothing after its run.
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
    /// The format of the bytes.
    pub media_type: MediaType,
    /// The id of the set that the frame is from.
    pub set: &'a str,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The outcome.
    pub outcome: Outcome,
    /// The HTTP status of the reply that decided the outcome.
    pub status: Option<u16>,
    /// The name of the account as the network writes it, if the replies of a successful attempt name
    /// it.
    pub account: Option<String>,
    /// What else the owner should know, in a sentence or two: for example, that the network took the
    /// picture another way than before.
    pub note: Option<String>,
    /// Whether the pause that the outcome asks for is of a limit of this account's own, so that other
    /// accounts on its server need not keep it.
    pub is_limit_of_account: bool,
}

/// What a network says about settings that it accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The name of the account that the settings open, if the network names it.
    pub account: Option<String>,
    /// What else the owner should know, each a sentence or two.
    pub notes: Vec<String>,
    /// Why the network does not name the account, although it may take a picture.
    pub unread: Option<Diagnosis>,
}

impl Verified {
    /// Names the account, and nothing else.
    pub fn account(name: impl Into<String>) -> Self {
        Self {
            account: Some(name.into()),
            ..Self::default()
        }
    }
}

/// What a network saves for its next turn, such as a session. It may hold secrets, so its `Debug`
/// form hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedSession(pub String);

impl fmt::Debug for SavedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SavedSession(hidden)")
    }
}
