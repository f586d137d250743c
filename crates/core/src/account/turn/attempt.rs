//! The third phase of a turn: the attempt to send the frame to one network.

use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::settings::Configured;
use crate::account::state::{AccountState, Hold, HoldKind};
use crate::account::turn::context::Turn;
use crate::account::turn::decide::{Preview, Sending, Step};
use crate::account::turn::ended::{Ended, JournalEntry, Save, cannot_save};
use crate::account::turn::plan::FrameFile;
use crate::account::turn::retry::{jitter, on_the_clock_of, report_next_try};
use crate::frames::store;
use crate::network::{Attempt, Network, Picture, Verified};
use crate::outcome::{self, Diagnosis, Outcome, Reason};
use crate::ports::{Client, Clock, Store, StoreError};

impl FrameFile {
    /// The frame as a picture for a network.
    ///
    /// # Errors
    /// A diagnosis if its size is not one that the network takes.
    fn picture_for(
        &self,
        host: &impl Store,
        configured: &Configured,
        network: &dyn Network,
    ) -> Result<Picture<'_>, Diagnosis> {
        let most = network.max_picture_bytes();
        let size = self.bytes.len();
        if size == 0 || size > most {
            let title = configured.definition.title;
            return Err(store::misfit(host, self.number, size, title, most));
        }
        Ok(Picture {
            bytes: &self.bytes,
            media_type: self.set.media_type(),
            set: self.set.id(),
        })
    }
}

impl<'a, H: Store + Client + Clock, L: Ledger> Turn<'a, H, L> {
    /// Does what was decided for one network.
    pub(super) async fn attempt(
        &self,
        step: Step<'a>,
        frame: Result<&FrameFile, &Diagnosis>,
    ) -> Ended<'a> {
        match step {
            Step::Record(ended) => ended,
            Step::Preview(preview) => self.preview(preview, frame).await,
            Step::Send(sending) => self.send(sending, frame).await,
        }
    }

    /// Sends the frame, and applies the outcome to the account's state.
    async fn send(&self, sending: Sending<'a>, frame: Result<&FrameFile, &Diagnosis>) -> Ended<'a> {
        let Sending {
            configured,
            network,
            frame: shown_frame,
            mut progress,
            mut report,
        } = sending;
        let untried = progress.slot().cloned();
        let sent = match frame {
            Ok(frame) => match frame.picture_for(self.host, configured, network) {
                Ok(picture) => {
                    if let Some(slot) = progress.slot_mut() {
                        slot.count_attempt(self.request.trigger);
                    }
                    self.update(configured, network, picture, &mut progress.state)
                        .await
                }
                Err(diagnosis) => Err(diagnosis),
            },
            Err(diagnosis) => Err(diagnosis.clone()),
        };
        let attempt = match sent {
            Ok(attempt) => attempt,
            // Nothing was sent, so this was no attempt.
            Err(diagnosis) => {
                progress.state.slot = untried.or(progress.state.slot.take());
                let report = report.refused(diagnosis);
                let entry = JournalEntry::Write;
                return Ended::unsent(configured, report, progress, entry);
            }
        };
        let now = self.host.now();
        let outcome = on_the_clock_of(self.request.at, now, attempt.outcome);
        let outcome = with_advice(self.host, outcome, configured);
        if let Some(slot) = progress.slot_mut() {
            slot.is_turned = outcome == Outcome::Turned;
        }
        let slot = progress.slot().cloned();
        report.network_status = attempt.status;
        report.note = attempt.note;
        report.is_limit_of_account = attempt.is_limit_of_account;
        report.attempts = slot.as_ref().map_or(1, |slot| slot.attempts);
        let state = &mut progress.state;
        state.account = attempt.account.or(state.account.take());
        // Random numbers cost time, and success needs none.
        let jitter = match outcome.diagnosis() {
            Some(_) => jitter(),
            None => 0.0,
        };
        let next = state.apply_outcome(
            &outcome,
            shown_frame,
            self.request.at,
            slot.as_ref(),
            self.request.trigger,
            jitter,
        );
        report_next_try(&mut report, outcome, next, slot.as_ref(), self.ledger);
        Ended {
            configured,
            report,
            sent_at: Some(now),
            save: Save::State(Box::new(progress), JournalEntry::Write),
        }
    }

    /// Has the network make the picture the account's.
    ///
    /// # Errors
    /// A diagnosis if nothing was sent.
    async fn update(
        &self,
        configured: &Configured,
        network: &dyn Network,
        picture: Picture<'_>,
        state: &mut AccountState,
    ) -> Result<Attempt, Diagnosis> {
        // Until the network has answered, it is unknown which frame it shows. The first try of a
        // slot does not save that beforehand, which would double what a turn writes: if the host
        // ends in the middle, the slot has had no turn, which says as much.
        if self.request.trigger != Trigger::Cron {
            let sending = AccountState {
                shown_frame: None,
                ..state.clone()
            };
            let saved = self
                .ledger
                .keep(configured.definition.name, &sending, None)
                .await;
            saved.map_err(|error| cannot_save(self.ledger, &error))?;
        }
        network
            .update(picture, &mut state.saved_session, self.host)
            .await
    }

    /// Does everything but send the frame.
    async fn preview(
        &self,
        preview: Preview<'a>,
        frame: Result<&FrameFile, &Diagnosis>,
    ) -> Ended<'a> {
        let Preview {
            configured,
            network,
            state,
            report,
        } = preview;
        let picture = match frame {
            Ok(frame) => frame.picture_for(self.host, configured, network),
            Err(diagnosis) => Err(diagnosis.clone()),
        };
        let previewed = match picture {
            Ok(picture) => self.check(configured, network, picture, state).await,
            Err(diagnosis) => Err(diagnosis),
        };
        let outcome = match previewed {
            Ok(preview) => Outcome::DryRun(Box::new(preview)),
            Err(diagnosis) => Outcome::Refused(diagnosis),
        };
        Ended::unsaved(configured, Report { outcome, ..report })
    }

    /// Makes the request that would carry a picture, and asks the network whose picture it would
    /// be.
    ///
    /// # Errors
    /// A diagnosis if the turn would be refused.
    async fn check(
        &self,
        configured: &Configured,
        network: &dyn Network,
        picture: Picture<'_>,
        state: Result<AccountState, StoreError>,
    ) -> Result<outcome::Preview, Diagnosis> {
        let mut preview = network.preview(picture, self.host.now())?;
        let mut state = match state {
            Ok(state) => state,
            Err(error) => {
                preview.unchecked = Some(error.to_string());
                return Ok(preview);
            }
        };
        let pause = |hold: &&Hold| hold.kind == HoldKind::Pause && hold.holds_at(self.request.at);
        if let Some(pause) = state.hold.as_ref().filter(pause) {
            preview.unchecked = Some(pause.diagnosis.in_words());
            return Ok(preview);
        }
        match &configured.unready {
            Some(Outcome::Refused(diagnosis)) => return Err(diagnosis.clone()),
            Some(other) => {
                preview.unchecked = other.diagnosis().map(Diagnosis::in_words);
                return Ok(preview);
            }
            None => {}
        }
        let before = state.saved_session.clone();
        let verified = network.verify(&mut state.saved_session, self.host).await;
        // The next turn goes on with a session that was started. One that was renewed replaces the
        // one before.
        if state.saved_session != before {
            // If it cannot be saved, the next turn starts another.
            let name = configured.definition.name;
            let _ = self.ledger.keep(name, &state, None).await;
        }
        match verified {
            Ok(Verified {
                account,
                notes,
                unread,
            }) => {
                let why =
                    || unread.map_or_else(|| notes.join(" "), |diagnosis| diagnosis.in_words());
                preview.unchecked = account.is_none().then(why);
                preview.account = account;
            }
            // A failure that passes by itself does not say that the turn would be refused, nor does
            // one of a request that the turn does not make.
            Err(diagnosis)
                if diagnosis.reason.is_for_the_owner() && diagnosis.reason != Reason::Request =>
            {
                return Err(diagnosis);
            }
            Err(diagnosis) => preview.unchecked = Some(diagnosis.in_words()),
        }
        Ok(preview)
    }
}

/// What to do about a refusal of what a sign-in with a browser has brought.
const SIGN_IN_AGAIN: &str = "Sign in again on the page; nothing else is lost.";

/// Says in a refusal of the account's keys how the owner stores others on this host, or gets others
/// by signing in again.
fn with_advice(host: &impl Store, outcome: Outcome, configured: &Configured) -> Outcome {
    match outcome {
        Outcome::Refused(diagnosis)
            if diagnosis.reason == Reason::Credentials && configured.is_signed_in =>
        {
            let remedy = SIGN_IN_AGAIN;
            Outcome::Refused(Diagnosis::new(diagnosis.reason, diagnosis.message, remedy))
        }
        Outcome::Refused(diagnosis) if diagnosis.reason == Reason::Credentials => {
            let remedy = format!("{} {}", diagnosis.remedy, host.advice().secrets);
            Outcome::Refused(Diagnosis::new(diagnosis.reason, diagnosis.message, remedy))
        }
        outcome => outcome,
    }
}
