//! The port behind which a host keeps an account's state and its journal.

use std::future::ready;

use chrono::{DateTime, Utc};

use crate::account::state::AccountState;
use crate::ports::StoreError;
use crate::schedule::cron::CronEvents;

/// Stores an account's state on each network, and its journal. Two turns of an account must not run
/// at once; the host makes sure of that.
pub trait Ledger {
    /// Returns what whoever has the account can do when the ledger fails, in a sentence.
    fn advice(&self) -> &'static str;

    /// Returns how they make a turn at once on a network that has refused and is not asked for a
    /// while, as the end of a sentence: `to ask now, …`.
    fn ask_now(&self) -> &'static str;

    /// Whether the state is still there in the next turn. If not, nothing holds that turn back, and
    /// nothing is tried again automatically.
    fn is_kept(&self) -> bool {
        true
    }

    /// Loads the account's state on a network; the default if there is none yet. The state notes what
    /// was stored and is not understood ([`AccountState::read`]). That is set aside before anything
    /// replaces it.
    ///
    /// # Errors
    /// When the store fails.
    fn account_state(
        &self,
        network: &str,
    ) -> impl Future<Output = Result<AccountState, StoreError>>;

    /// Stores the state, and a record with it: both or neither. A record replaces the one with the
    /// same id. When there are more than [`MAX_RECORDS`], the oldest go.
    ///
    /// Everything is written before the first wait, and [`Ledger::account_state`] returns it from then
    /// on.
    ///
    /// # Errors
    /// When they are not stored.
    fn keep(
        &self,
        network: &str,
        account_state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Returns an id for a new record, above all earlier ones.
    ///
    /// # Errors
    /// When the earlier ones cannot be read.
    fn next_id(&self) -> Result<u32, StoreError>;

    /// Schedules a call of [`crate::account::wake::on_wake`] at an instant, in place of any scheduled
    /// before. `None` schedules none. A turn may ask for the same instant more than once.
    ///
    /// # Errors
    /// When it cannot be scheduled.
    fn wake_at(&self, at: Option<DateTime<Utc>>) -> impl Future<Output = Result<(), StoreError>>;

    /// Returns the instant for which a call is scheduled; `None` if none is, or the host cannot
    /// tell.
    ///
    /// # Errors
    /// When it cannot be read.
    fn wakes_at(&self) -> impl Future<Output = Result<Option<DateTime<Utc>>, StoreError>> {
        ready(Ok(None))
    }

    /// Loads what is known of the cron whose events reach [`crate::account::wake::on_schedule`]. A
    /// host that cannot wake itself need not store it.
    ///
    /// # Errors
    /// When it cannot be read.
    fn cron_events(&self) -> impl Future<Output = Result<CronEvents, StoreError>> {
        ready(Ok(CronEvents::default()))
    }

    /// Stores what is known of the cron.
    ///
    /// # Errors
    /// When it is not stored.
    fn keep_cron_events(
        &self,
        _events: &CronEvents,
    ) -> impl Future<Output = Result<(), StoreError>> {
        ready(Ok(()))
    }

    /// Returns at most `limit` records with ids below `before`, newest first: each id, and the entry
    /// as JSON or whatever else is stored there.
    ///
    /// # Errors
    /// When they cannot be read.
    fn records(&self, before: Option<u32>, limit: u16) -> Result<Vec<(u32, String)>, StoreError>;

    /// Deletes the records, the account's state and what was set aside, whether or not they can be
    /// read. What is known of the cron stays.
    ///
    /// # Errors
    /// When any of it is still there.
    fn forget(&self) -> impl Future<Output = Result<(), StoreError>>;
}

/// How many records a ledger keeps at least. Older ones may go.
pub const MAX_RECORDS: u32 = 2_000;

/// An entry of the journal, as a ledger stores it.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its place in the journal, from 1.
    pub id: u32,
    /// The entry as JSON.
    pub entry: &'a str,
}
