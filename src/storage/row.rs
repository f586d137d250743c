//! The row of the account: what a turn reads, and what it writes.

use worker::SqlStorageValue;

use crate::storage::lines;
use crate::storage::pages::{ENTRIES_A_PAGE, Entry, entries_of, text_of};
use rotate_icon_core::account::state::AccountState;
use rotate_icon_core::schedule::cron::CronEvents;

pub(super) const SELECT: &str =
    "select account, states, cron_events, entries, imported from account where id = 1";

pub(super) const UPSERT: &str = "insert into account (id, account, states, cron_events, entries, imported) \
     values (1, ?, ?, ?, ?, ?) on conflict (id) do update set account = excluded.account, \
     states = excluded.states, cron_events = excluded.cron_events, entries = excluded.entries, \
     imported = excluded.imported";

/// The number of entries that stay in the row of the account when a page is moved out of it, since
/// a turn may replace an entry of its slot.
const ENTRIES_KEPT: usize = 10;

/// The row of the account.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The account's settings and connections, as JSON; empty if there are none.
    pub(super) account: String,
    states: Vec<StoredState>,
    /// What stands among the states and is none.
    strange: String,
    cron_events: String,
    /// The journal's last entries by their ids, which rise.
    pub(super) entries: Vec<Entry>,
    /// The last id that was taken over from the table `records`.
    pub(super) imported: u32,
}

/// The account's state on a network.
#[derive(Debug)]
struct StoredState {
    network: String,
    /// As it is stored.
    text: String,
    /// As it was read or written by this object.
    state: Option<AccountState>,
}

impl Row {
    /// Reads the columns that [`SELECT`] has returned. Returns `None` if another version has
    /// written something else there.
    pub(super) fn read(columns: Vec<SqlStorageValue>) -> Option<Self> {
        let Ok([account, states, cron_events, entries, imported]) = <[_; 5]>::try_from(columns)
        else {
            return None;
        };
        let text = |value| match value {
            SqlStorageValue::String(text) => Some(text),
            _ => None,
        };
        let SqlStorageValue::Integer(imported) = imported else {
            return None;
        };
        let mut row = Self {
            account: text(account)?,
            cron_events: text(cron_events)?,
            entries: entries_of(&text(entries)?),
            imported: u32::try_from(imported).ok()?,
            ..Self::default()
        };
        for line in text(states)?.lines() {
            let is_name = |key: &str| key.chars().all(|char| char.is_ascii_alphanumeric());
            match line.split_once(' ').filter(|(key, _)| is_name(key)) {
                Some((network, state)) => row.put_text(network, state.to_owned()),
                None => row.strange.push_str(line),
            }
        }
        Some(row)
    }

    /// The columns for [`UPSERT`].
    pub(super) fn columns(&self) -> Vec<SqlStorageValue> {
        let states = self.states.iter();
        let states = states.map(|one| (&one.network, one.text.as_str()));
        vec![
            self.account.as_str().into(),
            lines::join(states).into(),
            self.cron_events.as_str().into(),
            text_of(&self.entries).into(),
            i64::from(self.imported).into(),
        ]
    }

    /// The account's state on a network, if this object has read or written it.
    pub(super) fn state(&self, network: &str) -> Option<&AccountState> {
        self.stored(network)?.state.as_ref()
    }

    /// The account's state on a network as it is stored.
    pub(super) fn state_text(&self, network: &str) -> Option<&str> {
        let stored = self.stored(network).map(|one| one.text.as_str());
        stored.or_else(|| Some(self.strange.as_str()).filter(|text| !text.is_empty()))
    }

    fn stored(&self, network: &str) -> Option<&StoredState> {
        self.states.iter().find(|one| one.network == network)
    }

    /// Replaces the account's state on a network by its text.
    pub(super) fn put_text(&mut self, network: &str, text: String) {
        self.put(network, text, None);
    }

    /// Replaces the account's state on a network.
    pub(super) fn put_state(&mut self, network: &str, state: &AccountState) {
        let text = serde_json::to_string(state).expect("a state is made of texts and numbers");
        self.put(network, text, Some(state.clone()));
    }

    /// Keeps what was read of a state, whose text stays as it is until the state is kept.
    pub(super) fn has_read(&mut self, network: &str, state: &AccountState) {
        match self.state_text(network).map(str::to_owned) {
            Some(text) => self.put(network, text, Some(state.clone())),
            None => self.put_state(network, state),
        }
    }

    fn put(&mut self, network: &str, text: String, state: Option<AccountState>) {
        self.states.retain(|one| one.network != network);
        let network = network.to_owned();
        self.states.push(StoredState {
            network,
            text,
            state,
        });
    }

    /// What is known of the cron. The next event replaces what cannot be read.
    pub(super) fn cron_events(&self) -> CronEvents {
        serde_json::from_slice(self.cron_events.as_bytes()).unwrap_or_default()
    }

    pub(super) fn put_cron_events(&mut self, events: &CronEvents) {
        self.cron_events =
            serde_json::to_string(events).expect("events are made of texts and numbers");
    }

    pub(super) fn put_cron_events_text(&mut self, text: String) {
        self.cron_events = text;
    }

    /// Takes the oldest entries out for a page, once there are enough.
    pub(super) fn take_page(&mut self) -> Option<Vec<Entry>> {
        let page = ENTRIES_A_PAGE as usize;
        let is_full = self.entries.len().saturating_sub(page) >= ENTRIES_KEPT;
        is_full.then(|| self.entries.drain(..page).collect())
    }

    /// Forgets the states and the journal.
    pub(super) fn forget(&mut self) {
        *self = Self {
            account: std::mem::take(&mut self.account),
            cron_events: std::mem::take(&mut self.cron_events),
            ..Self::default()
        };
    }
}
