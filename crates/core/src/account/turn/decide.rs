//! The second phase of a turn: for each network, whether to send the frame.

use chrono::{DateTime, Utc};

use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::settings::Configured;
use crate::account::state::{AccountState, Hold, HoldKind, KnownSet, Slot};
use crate::account::turn::context::{Account, Turn};
use crate::account::turn::ended::{Ended, JournalEntry, Progress, cannot_save};
use crate::account::turn::plan::{NoFrame, Plan, Planned};
use crate::account::turn::request::TurnRequest;
use crate::account::turn::retry::{held, jitter, on_the_clock_of, report_next_try};
use crate::frames::set::FrameRef;
use crate::network::Network;
use crate::outcome::Outcome;
use crate::ports::{Store, StoreError};
use crate::schedule::FrameCount;

/// What to do about the frame that is due or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Send it.
    Send,
    /// Send nothing: the slot has had its turn.
    Done,
    /// Send nothing: the network shows the frame already.
    Unchanged,
    /// Send nothing before the end of this hold.
    Wait(Hold),
}

/// Decides whether to send the frame of a plan to an account, given its state.
pub(super) fn decide(state: &AccountState, plan: &Plan, request: &TurnRequest) -> Decision {
    let by_hand = request.trigger == Trigger::Manual;
    let slot = plan.slot_for(state, request);
    let start = slot.map(|slot| slot.start);
    // The slot in the state, if it is the one that this turn is for.
    let last = state.slot.as_ref().filter(|last| start == Some(last.start));
    if !by_hand && last.is_some_and(|last| last.is_turned) {
        return Decision::Done;
    }
    if !request.force && shows(state, &plan.frame, start.unwrap_or(request.at)) {
        return Decision::Unchanged;
    }
    let in_force = |hold: &&Hold| {
        hold.holds_at(request.at)
            && match hold.kind {
                HoldKind::Pause => true,
                HoldKind::Refusal => !by_hand,
                HoldKind::Backoff => !by_hand && last.is_some(),
            }
    };
    match state.hold.as_ref().filter(in_force) {
        Some(hold) => Decision::Wait(hold.clone()),
        None => Decision::Send,
    }
}

/// Whether the network still shows a frame at the start of a turn. After a slot without a turn this
/// is unknown: the host may have ended in the middle of a turn, which leaves no trace.
fn shows(state: &AccountState, frame: &FrameRef, start: DateTime<Utc>) -> bool {
    let follows = |last: &Slot| start <= last.end;
    state.shown_frame.as_ref() == Some(frame) && state.slot.as_ref().is_none_or(follows)
}

/// What is left to do for one network.
pub(super) enum Step<'a> {
    /// Send the frame.
    Send(Sending<'a>),
    /// Do everything but send it.
    Preview(Preview<'a>),
    /// Record how the turn has ended: nothing is sent.
    Record(Ended<'a>),
}

impl Step<'_> {
    /// Whether it needs the file of the frame.
    pub(super) fn needs_frame(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Preview(_))
    }
}

/// A frame that is about to be sent to an account.
pub(super) struct Sending<'a> {
    pub(super) configured: &'a Configured,
    pub(super) network: &'a dyn Network,
    pub(super) frame: FrameRef,
    pub(super) progress: Progress,
    pub(super) report: Report,
}

/// A dry run for an account.
pub(super) struct Preview<'a> {
    pub(super) configured: &'a Configured,
    pub(super) network: &'a dyn Network,
    pub(super) state: Result<AccountState, StoreError>,
    pub(super) report: Report,
}

impl Account<'_> {
    /// Whether the file of a plan's frame is needed for this account.
    pub(super) fn needs_frame(&self, plan: &Plan, request: &TurnRequest) -> bool {
        match (&self.network, &self.state) {
            (Ok(_), _) if request.dry_run => true,
            (Ok(_), Ok(state)) => {
                self.configured.unready.is_none() && decide(state, plan, request) == Decision::Send
            }
            _ => false,
        }
    }
}

impl<'a, H: Store, L: Ledger> Turn<'a, H, L> {
    /// Decides for an account, and says so in its report and its state.
    pub(super) fn decide(
        &self,
        account: Account<'a>,
        planned: Result<&Planned, &NoFrame>,
    ) -> Step<'a> {
        let Account {
            configured,
            network,
            state,
        } = account;
        let frames = match planned {
            Ok(planned) => Some(planned.current.set().frames()),
            Err(no_frame) => no_frame.frames,
        };
        let ready = match (network, planned) {
            (Ok(network), Ok(planned)) => Ok((network, &planned.plan)),
            (Ok(_), Err(no_frame)) => Err(no_frame.diagnosis.clone()),
            (Err(diagnosis), _) => Err(diagnosis),
        };
        let report = Report {
            frame: ready.as_ref().ok().map(|(_, plan)| plan.frame.frame),
            frames: frames.map(FrameCount::get),
            ..Report::of(configured.definition.name, Outcome::Unchanged)
        };
        if self.request.dry_run {
            return match ready {
                Ok((network, _)) => Step::Preview(Preview {
                    configured,
                    network,
                    state,
                    report,
                }),
                Err(diagnosis) => {
                    Step::Record(Ended::unsaved(configured, report.refused(diagnosis)))
                }
            };
        }
        let mut state = match state {
            Ok(state) => state,
            Err(error) => {
                let diagnosis = cannot_save(self.ledger, &error);
                return Step::Record(Ended::unsaved(configured, report.refused(diagnosis)));
            }
        };
        if self.request.trigger == Trigger::Retry {
            // This is the turn that the account has waited for.
            state.wake_at = None;
        }
        match ready {
            Ok((network, plan)) => self.decide_ready(configured, network, plan, state, report),
            Err(diagnosis) => {
                let progress = Progress::single(state);
                let report = report.refused(diagnosis);
                let entry = JournalEntry::Write;
                Step::Record(Ended::unsent(configured, report, progress, entry))
            }
        }
    }

    /// Decides for an account whose settings and state can be used.
    fn decide_ready(
        &self,
        configured: &'a Configured,
        network: &'a dyn Network,
        plan: &Plan,
        mut state: AccountState,
        mut report: Report,
    ) -> Step<'a> {
        let decision = decide(&state, plan, &self.request);
        state.set = Some(KnownSet {
            id: plan.frame.set.clone(),
            frames: plan.frames.get(),
        });
        let slot = plan.slot_for(&state, &self.request).cloned();
        let mut progress = match slot {
            Some(slot) => Progress::for_slot(state, slot),
            None => Progress::single(state),
        };
        report.attempts = progress.slot().map_or(0, |slot| slot.attempts);
        let entry = match decision {
            Decision::Send => {
                let Some(outcome) = &configured.unready else {
                    return Step::Send(Sending {
                        configured,
                        network,
                        frame: plan.frame.clone(),
                        progress,
                        report,
                    });
                };
                self.cannot_send(outcome.clone(), plan, &mut progress, &mut report);
                JournalEntry::Write
            }
            Decision::Done => JournalEntry::Skip,
            Decision::Unchanged => match progress.slot_mut() {
                // The slot has nothing more to wait for, which is recorded once.
                Some(slot) if !slot.is_turned => {
                    slot.is_turned = true;
                    JournalEntry::Write
                }
                _ => JournalEntry::Skip,
            },
            Decision::Wait(hold) => {
                report.is_held = true;
                report.retry_at = Some(hold.until);
                report.outcome = held(self.ledger, hold);
                // The entry of an attempt says more than that nothing was sent.
                match progress.slot() {
                    Some(slot) if slot.attempts > 0 => JournalEntry::Skip,
                    _ => JournalEntry::Write,
                }
            }
        };
        Step::Record(Ended::unsent(configured, report, progress, entry))
    }

    /// Applies the outcome of a turn whose tokens are of no use, so that nothing is sent.
    fn cannot_send(
        &self,
        outcome: Outcome,
        plan: &Plan,
        progress: &mut Progress,
        report: &mut Report,
    ) {
        let request = &self.request;
        let outcome = on_the_clock_of(request.at, self.started, outcome);
        let slot = progress.slot().cloned();
        let state = &mut progress.state;
        let (at, trigger) = (request.at, request.trigger);
        let next = match &outcome {
            Outcome::Retry {
                at: earliest,
                diagnosis,
            } => {
                let slot = slot.as_ref();
                state.wait_for_tokens(*earliest, diagnosis, at, slot, trigger, jitter())
            }
            other => {
                let frame = plan.frame.clone();
                state.apply_outcome(other, frame, at, slot.as_ref(), trigger, jitter())
            }
        };
        report_next_try(report, outcome, next, slot.as_ref(), self.ledger);
    }
}

#[cfg(test)]
mod tests;
