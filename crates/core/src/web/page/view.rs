//! What the page shows, before it is HTML.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::frames::options::Shape;
use crate::network::Definition;
use crate::outcome::Diagnosis;
use crate::schedule::time_zone::TimeZone;
use crate::schedule::{Direction, Period};

/// A schedule's time zone and the wall-clock time there; `None` if the settings cannot be read.
pub(in crate::web) type Local<'a> = Option<(&'a TimeZone, NaiveDateTime)>;

/// What the page shows.
pub(super) struct View<'a> {
    /// The current instant.
    pub(super) now: DateTime<Utc>,
    /// The schedule's time zone and the wall-clock time there.
    pub(super) local: Local<'a>,
    /// The number of frames in the current set, if there is one.
    pub(super) frames: Option<u16>,
    /// Whether no icon has ever been published.
    pub(super) is_new: bool,
    /// The frame that is due now.
    pub(super) due: Option<u16>,
    /// What each network shows.
    pub(super) shown: &'a [Shown<'a>],
    /// When the next automatic turn comes, for a frame or as another try; `None` if none will.
    pub(super) next_turn: Option<DateTime<Utc>>,
    /// What the owner can do if nothing turns automatically.
    pub(super) cron_advice: &'a str,
    /// When the next frame is due.
    pub(super) next_frame: Option<DateTime<Utc>>,
    /// The last outcomes, newest first.
    pub(super) last: &'a [Line<'a>],
    /// What is wrong now, with the network's title if there are several.
    pub(super) findings: &'a [(Option<&'a str>, &'a Diagnosis)],
    /// The networks on which turns keep frames.
    pub(super) keeping: &'a [Definition],
    /// What a new picture becomes.
    pub(super) becoming: Becoming,
}

impl View<'_> {
    /// Returns the frame that is due, if the set has it.
    pub(super) fn due_frame(&self) -> Option<u16> {
        self.due.filter(|n| self.has(*n))
    }

    /// Returns the frame that the first network shows, if the set has it.
    pub(super) fn shown_frame(&self) -> Option<u16> {
        let shown = self.shown.first()?;
        shown.frame.filter(|n| self.has(*n))
    }

    fn has(&self, n: u16) -> bool {
        self.frames.is_some_and(|frames| n < frames)
    }
}

/// What becomes of a picture that replaces the icon.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Becoming {
    /// The number of frames.
    pub(in crate::web) frames: u16,
    /// The shape of the frames.
    pub(in crate::web) shape: Shape,
    /// The period and direction of the rotation; `None` if the settings cannot be read.
    pub(in crate::web) turning: Option<(Period, Direction)>,
    /// Whether the current set is an album, which the picture replaces.
    pub(in crate::web) replaces_album: bool,
}

/// What a network shows.
pub(super) struct Shown<'a> {
    /// The network's title.
    pub(super) title: &'a str,
    /// The account's name there, once a turn has learned it.
    pub(super) account: Option<&'a str>,
    /// The frame that it took last, if that is from the current set.
    pub(super) frame: Option<u16>,
}

/// One outcome.
pub(in crate::web) struct Line<'a> {
    /// The instant of the turn.
    pub(in crate::web) at: DateTime<Utc>,
    /// The wall-clock time of the turn.
    pub(in crate::web) local: Option<NaiveDateTime>,
    /// The frame that was chosen.
    pub(in crate::web) frame: Option<u16>,
    /// The outcome's name in the journal.
    pub(in crate::web) outcome: &'a str,
    /// What went wrong, if anything.
    pub(in crate::web) message: Option<&'a str>,
    /// How often the frame was sent.
    pub(in crate::web) attempts: u32,
    /// The network's title if there are several.
    pub(in crate::web) network: Option<&'a str>,
}
