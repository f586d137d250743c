//! What is asked of a turn.

use chrono::{DateTime, Utc};

use crate::account::journal::Trigger;

/// What to do in a turn.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use rotate_icon_core::account::journal::Trigger;
/// use rotate_icon_core::account::turn::TurnRequest;
///
/// let noon: DateTime<Utc> = "2026-11-22T03:00:00Z".parse()?;
/// // The turn that is due at noon in Japan.
/// let due = TurnRequest::due_at(noon, Trigger::Cron);
/// assert_eq!(due.frame, None);
/// // Frame 7 instead, by hand, and even if the network shows it already.
/// let by_hand = TurnRequest {
///     frame: Some(7),
///     force: true,
///     ..TurnRequest::due_at(noon, Trigger::Manual)
/// };
/// assert_eq!(by_hand.at, noon);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnRequest {
    /// The instant whose frame is to be shown. If it has passed, the turn is for the present:
    /// missed turns are not made up for.
    pub at: DateTime<Utc>,
    /// The number of a frame to show instead of the one that is due.
    pub frame: Option<u16>,
    /// Whether to do everything but send the picture. The network is still asked whose account it
    /// is.
    pub dry_run: bool,
    /// Whether to send a frame that the network is believed to show already.
    pub force: bool,
    /// What asks for the turn.
    pub trigger: Trigger,
}

impl TurnRequest {
    /// A request for the turn that is due at an instant.
    pub fn due_at(at: DateTime<Utc>, trigger: Trigger) -> Self {
        Self {
            at,
            frame: None,
            dry_run: false,
            force: false,
            trigger,
        }
    }
}
