//! The port behind which a host keeps an account's state and its journal.

use std::future::ready;

use chrono::{DateTime, Utc};

use crate::account::state::AccountState;
use crate::ports::StoreError;
use crate::schedule::cron::CronEvents;

/// Keeps what is known of an icon on each network, and its journal. Two turns of
/// an icon must not be made at once: whoever has a ledger sees to that.
pub trait Ledger {
    /// What its owner can do when it fails, in a sentence.
    const ADVICE: &'static str;

    /// How its owner has a network asked at once that has refused and is left alone,
    /// as the end of a sentence: `to ask now, …`.
    const ASK_NOW: &'static str;

    /// Whether what is known is there for the next turn. If not, that turn is held by
    /// nothing, and nothing is tried again by itself.
    fn is_kept(&self) -> bool {
        true
    }

    /// What is known of the account on a network; nothing at first. What was stored
    /// and is not understood is noted there ([`AccountState::read`]), and set aside before
    /// anything is kept in its place.
    ///
    /// # Errors
    /// When the store fails.
    fn account_state(
        &self,
        network: &str,
    ) -> impl Future<Output = Result<AccountState, StoreError>>;

    /// Keeps what is known, and a record with it: both or neither. A record
    /// replaces the one with its id; the oldest go when there are more than
    /// [`MAX_RECORDS`].
    ///
    /// Everything is written before the first wait, and [`Ledger::account_state`] gives it from
    /// then on.
    ///
    /// # Errors
    /// When it is not kept.
    fn keep(
        &self,
        network: &str,
        account_state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// An id for a new record, above all that were given before.
    ///
    /// # Errors
    /// When those cannot be read.
    fn next_id(&self) -> Result<u32, StoreError>;

    /// Sees to a turn at an instant ([`crate::account::wake::on_wake`]), instead of any other
    /// that was asked for; at `None`, to none.
    ///
    /// # Errors
    /// When that cannot be promised.
    fn wake_at(&self, at: Option<DateTime<Utc>>) -> impl Future<Output = Result<(), StoreError>>;

    /// What is known of the schedule whose events come to [`crate::account::wake::on_schedule`].
    /// Who cannot be woken need not keep it.
    ///
    /// # Errors
    /// When it cannot be read.
    fn cron_events(&self) -> impl Future<Output = Result<CronEvents, StoreError>> {
        ready(Ok(CronEvents::default()))
    }

    /// Keeps what is known of the schedule.
    ///
    /// # Errors
    /// When it is not kept.
    fn keep_cron_events(
        &self,
        _events: &CronEvents,
    ) -> impl Future<Output = Result<(), StoreError>> {
        ready(Ok(()))
    }

    /// The records with an id below `before`, newest first, at most `limit`: the
    /// id and the entry as JSON, or whatever else is stored there.
    ///
    /// # Errors
    /// When they cannot be read.
    fn records(&self, before: Option<u32>, limit: u16) -> Result<Vec<(u32, String)>, StoreError>;

    /// Forgets the records and what is known of the account, and what was set aside,
    /// whether or not any of it can be read. The schedule goes on.
    ///
    /// # Errors
    /// When they are still there.
    fn forget(&self) -> impl Future<Output = Result<(), StoreError>>;
}

/// How many records a ledger keeps at least before the oldest go.
pub const MAX_RECORDS: u32 = 2_000;

/// An entry as a ledger keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its place in the journal, from 1.
    pub id: u32,
    /// The entry as JSON.
    pub entry: &'a str,
}
