//! How a turn has ended on one network, as the phases before the last leave it to be recorded.

use chrono::{DateTime, Utc};

use crate::account::journal::Report;
use crate::account::ledger::Ledger;
use crate::account::settings::Configured;
use crate::account::state::{AccountState, Slot};
use crate::outcome::{Diagnosis, Reason};
use crate::ports::StoreError;

/// How a turn has ended on one network.
pub(super) struct Ended<'a> {
    pub(super) configured: &'a Configured,
    pub(super) report: Report,
    /// When the frame was sent, if it was.
    pub(super) sent_at: Option<DateTime<Utc>>,
    pub(super) save: Save,
}

/// What is saved of a turn. All turns are logged.
pub(super) enum Save {
    /// Nothing: it was a dry run, or the account's state cannot be read.
    Nothing,
    /// The account's state, and the entry of the turn.
    State(Box<Progress>, JournalEntry),
}

/// Whether a turn gets an entry in the journal.
#[derive(PartialEq, Eq)]
pub(super) enum JournalEntry {
    /// It does. The turns of a slot share one entry, which tells of the last.
    Write,
    /// It does not: the entry of its slot says more.
    Skip,
}

impl<'a> Ended<'a> {
    /// A turn of which nothing is saved.
    pub(super) fn unsaved(configured: &'a Configured, report: Report) -> Self {
        Self {
            configured,
            report,
            sent_at: None,
            save: Save::Nothing,
        }
    }

    /// A turn that has sent nothing, of which the state is saved.
    pub(super) fn unsent(
        configured: &'a Configured,
        report: Report,
        progress: Progress,
        entry: JournalEntry,
    ) -> Self {
        Self {
            configured,
            report,
            sent_at: None,
            save: Save::State(Box::new(progress), entry),
        }
    }
}

/// The diagnosis of a turn that sends nothing because the ledger has failed.
pub(super) fn cannot_save(ledger: &impl Ledger, error: &StoreError) -> Diagnosis {
    let remedy = format!(
        "Nothing was sent, so that nothing is sent twice. {}",
        ledger.advice()
    );
    Diagnosis::new(Reason::Host, error.to_string(), remedy)
}

/// The state of an account in the course of a turn.
pub(super) struct Progress {
    pub(super) state: AccountState,
    scope: Scope,
}

/// What a turn counts for.
#[derive(PartialEq, Eq)]
enum Scope {
    /// The slot in the account's state.
    Slot,
    /// Itself alone.
    Single,
}

impl Progress {
    /// A turn that counts for no slot.
    pub(super) fn single(state: AccountState) -> Self {
        let scope = Scope::Single;
        Self { state, scope }
    }

    /// A turn that counts for a slot.
    pub(super) fn for_slot(mut state: AccountState, slot: Slot) -> Self {
        state.enter(slot);
        let scope = Scope::Slot;
        Self { state, scope }
    }

    /// The slot that the turn counts for.
    pub(super) fn slot(&self) -> Option<&Slot> {
        let slot = self.state.slot.as_ref();
        slot.filter(|_| self.scope == Scope::Slot)
    }

    /// The slot that the turn counts for, to be changed.
    pub(super) fn slot_mut(&mut self) -> Option<&mut Slot> {
        let slot = self.state.slot.as_mut();
        slot.filter(|_| self.scope == Scope::Slot)
    }
}
