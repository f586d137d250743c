//! The first phase of a turn: which frame of which set is due, and for which slot.

use crate::account::journal::Trigger;
use crate::account::ledger::Ledger;
use crate::account::state::{AccountState, KnownSet, Slot};
use crate::account::turn::context::{Account, Turn};
use crate::account::turn::request::TurnRequest;
use crate::frames::set::{FrameRef, FrameSet};
use crate::frames::store::CurrentSet;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::Store;
use crate::schedule::{FrameCount, Schedule};

/// What a turn request means for a set.
#[derive(Debug)]
pub(super) struct Plan {
    /// The frame to show.
    pub(super) frame: FrameRef,
    /// The number of frames of its set.
    pub(super) frames: FrameCount,
    /// The slot that the frame is due for; `None` for a frame that is asked for by its number.
    pub(super) slot: Option<Slot>,
}

/// The plan of a turn, for the current set.
pub(super) struct Planned {
    pub(super) current: CurrentSet,
    pub(super) plan: Plan,
}

/// There is no frame to show.
pub(super) struct NoFrame {
    /// The number of frames of the current set, if it could be read.
    pub(super) frames: Option<FrameCount>,
    /// Why there is none.
    pub(super) diagnosis: Diagnosis,
}

/// The file of the frame to show.
pub(super) struct FrameFile {
    pub(super) set: FrameSet,
    /// The number of the frame.
    pub(super) number: u16,
    /// The bytes of the file; none if no network needs it.
    pub(super) bytes: Vec<u8>,
}

impl Plan {
    /// Chooses the frame to show of a set.
    ///
    /// # Errors
    /// A diagnosis with [`Reason::NoSuchFrame`] if the request asks for a frame that the set does
    /// not have.
    pub(super) fn new(
        set_id: &str,
        frames: FrameCount,
        schedule: &Schedule,
        request: &TurnRequest,
    ) -> Result<Self, Diagnosis> {
        let frame = |number| FrameRef {
            set: set_id.to_owned(),
            frame: number,
        };
        match request.frame {
            Some(number) if number < frames.get() => Ok(Self {
                frame: frame(number),
                frames,
                slot: None,
            }),
            Some(number) => Err(Diagnosis::new(
                Reason::NoSuchFrame,
                format!("There is no frame {number}: the current set has {frames}."),
                "Ask for a frame from 0 to one less than their number.",
            )),
            None => {
                let due = schedule.frame_at(request.at, frames);
                let stretch = schedule.slot_at(request.at, frames);
                Ok(Self {
                    frame: frame(due),
                    frames,
                    slot: Some(Slot {
                        start: stretch.start,
                        end: stretch.end,
                        trigger: request.trigger,
                        scheduled_at: request.at,
                        frame: due,
                        attempts: 0,
                        by_hand: 0,
                        is_turned: false,
                        record: None,
                    }),
                })
            }
        }
    }

    /// The slot that the turn counts for on an account; `None` if it counts for none.
    pub(super) fn slot_for(&self, state: &AccountState, request: &TurnRequest) -> Option<&Slot> {
        // A turn by hand that follows the turn of the slot stands alone.
        let alone = |slot: &Slot| request.trigger == Trigger::Manual && state.has_turned(slot);
        self.slot.as_ref().filter(|slot| !alone(slot))
    }

    /// Whether it is a plan for this set.
    fn is_for(&self, set: &FrameSet) -> bool {
        self.frame.is_of(set) && self.frames == set.frames()
    }
}

impl Planned {
    /// Reads the file of the frame to show.
    ///
    /// # Errors
    /// As [`CurrentSet::frame`].
    pub(super) async fn read<H: Store>(mut self, host: &H) -> Result<FrameFile, Diagnosis> {
        let bytes = self.current.frame(host, self.plan.frame.frame).await?;
        Ok(FrameFile {
            bytes,
            ..self.without_bytes()
        })
    }

    /// The frame to show where no network needs its file.
    pub(super) fn without_bytes(self) -> FrameFile {
        FrameFile {
            set: self.current.into_set(),
            number: self.plan.frame.frame,
            bytes: Vec::new(),
        }
    }
}

impl<H: Store, L: Ledger> Turn<'_, H, L> {
    /// Reads which set is current, and chooses the frame to show.
    ///
    /// The current set is nearly always the one of the last turn. So the plan is made for that one
    /// first, and if an account needs its frame, the store reads the frame together with the
    /// current set. A new plan is made only if that is another set.
    ///
    /// `needs_frame` tells whether the frame of a plan will be needed for an account.
    pub(super) async fn plan(
        &self,
        accounts: &[Account<'_>],
        needs_frame: impl Fn(&Account<'_>, &Plan) -> bool,
    ) -> Result<Planned, NoFrame> {
        let no_frame = |diagnosis| NoFrame {
            frames: None,
            diagnosis,
        };
        let schedule = match &self.settings.schedule {
            Ok(schedule) if accounts.iter().any(|account| account.network.is_ok()) => schedule,
            _ => {
                let errors = self.settings.errors();
                return Err(no_frame(errors.diagnosis(self.host.advice().settings)));
            }
        };
        let likely = self.likely(schedule, accounts);
        let frame = likely
            .as_ref()
            .filter(|plan| accounts.iter().any(|account| needs_frame(account, plan)))
            .map(|plan| &plan.frame);
        let current = CurrentSet::read(self.host, frame).await.map_err(no_frame)?;
        let set = current.set();
        let plan =
            match likely.filter(|plan| plan.is_for(set)) {
                Some(plan) => plan,
                None => Plan::new(set.id(), set.frames(), schedule, &self.request).map_err(
                    |diagnosis| NoFrame {
                        frames: Some(set.frames()),
                        diagnosis,
                    },
                )?,
            };
        Ok(Planned { current, plan })
    }

    /// The plan for the set of the last turn, if there was one.
    fn likely(&self, schedule: &Schedule, accounts: &[Account<'_>]) -> Option<Plan> {
        let mut sets = accounts
            .iter()
            .filter(|account| account.network.is_ok())
            .filter_map(|account| account.state.as_ref().ok()?.set.as_ref());
        let KnownSet { id, frames } = sets.next()?;
        let frames = FrameCount::new(*frames)?;
        Plan::new(id, frames, schedule, &self.request).ok()
    }
}
