//! What an account is and what is known of it, in the storage of its Durable Object.
//!
//! Every row that is written has its price, and setting the alarm counts as one. So a turn writes one
//! row, in which everything is that it changes (`row.rs`); one turn in fifty also moves the older
//! entries of the journal to another (`pages.rs`).
//!
//! Another version may have stored something else under the same names. What is not understood is
//! set aside, and the account goes on.

mod before;
mod files;
mod kind;
mod lines;
mod pages;
mod row;
mod tables;

use std::cell::{Cell, RefCell};

use chrono::{DateTime, Utc};
use futures_util::future::join;
use js_sys::JSON;
use wasm_bindgen::JsValue;
use worker::State;

use crate::errors::describe;
use crate::storage::before::{CRON_EVENTS, state_key, with_grown_id};
pub(crate) use crate::storage::kind::{Kind, OWNER, VISITOR};
use crate::storage::row::Row;
use crate::storage::tables::Tables;
use rotate_icon_core::account::account_store::AccountStore;
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::account::ledger::{Ledger, Record};
use rotate_icon_core::account::state::AccountState;
use rotate_icon_core::account::stored_account::StoredAccount;
use rotate_icon_core::frames::set::SETS_PREFIX;
use rotate_icon_core::network::NETWORKS;
use rotate_icon_core::ports::StoreError;
use rotate_icon_core::schedule::cron::CronEvents;

/// The key of what was stored as the account's state on a network and could not be read.
fn aside_key(network: &str) -> String {
    format!("set aside: standing on {network}")
}

/// The key of the picture that a network showed before the start.
fn picture_key(network: &str) -> String {
    format!("before/{network}")
}

/// The object's storage, with a cache of what it holds. Nobody else writes to it.
#[derive(Debug)]
pub(crate) struct Storage {
    inner: worker::Storage,
    tables: Tables,
    /// The row of the account, once it has been read.
    row: RefCell<Option<Row>>,
    /// What of an earlier version is yet to be taken over: its states, whose entries' ids have
    /// grown by this number, and the cron events.
    is_before: Cell<Option<u32>>,
    /// Whether the row has to be written though no state has changed.
    is_unwritten: Cell<bool>,
    /// The last id that was given to a record.
    last_id: Cell<Option<u32>>,
    alarm: Cell<Alarm>,
    kind: &'static Kind,
}

/// What is known of the object's alarm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Alarm {
    #[default]
    Unknown,
    Off,
    At(DateTime<Utc>),
}

impl From<Option<DateTime<Utc>>> for Alarm {
    fn from(at: Option<DateTime<Utc>>) -> Self {
        at.map_or(Self::Off, Self::At)
    }
}

impl Storage {
    pub(crate) fn open(state: &State, kind: &'static Kind) -> Self {
        let inner = state.storage();
        let tables = Tables::new(inner.sql());
        Self {
            inner,
            tables,
            row: RefCell::default(),
            is_before: Cell::default(),
            is_unwritten: Cell::default(),
            last_id: Cell::default(),
            alarm: Cell::default(),
            kind,
        }
    }

    /// The id of the account, as it has stored it itself.
    pub(crate) fn stored_id(&self) -> Option<AccountId> {
        let id = self.with_row(|row| StoredAccount::read(row.account.as_bytes()).id);
        id.ok()?.parse().ok()
    }

    /// Notes that the alarm has gone off, so that none is set.
    pub(crate) fn alarm_is_off(&self) {
        self.alarm.set(Alarm::Off);
    }

    /// Does something with the row of the account.
    fn with_row<T>(&self, work: impl FnOnce(&mut Row) -> T) -> worker::Result<T> {
        let mut row = self.row.borrow_mut();
        let row = match &mut *row {
            Some(row) => row,
            none => none.insert(self.load()?),
        };
        Ok(work(row))
    }

    /// Reads the row of the account, and takes over the journal of an earlier version.
    fn load(&self) -> worker::Result<Row> {
        let stored = self.tables.rows(row::SELECT, &[])?.into_iter().next();
        let is_new = stored.is_none();
        let row = match stored {
            Some(columns) => Row::read(columns),
            None => Some(Row::default()),
        };
        let (mut row, is_new) = match row {
            Some(row) => (row, is_new),
            None => (self.tables.replace_account()?, true),
        };
        if self.kind.has_before {
            let grown_by = self.tables.take_over(&mut row)?;
            self.is_before.set(grown_by.or(is_new.then_some(0)));
        }
        Ok(row)
    }

    /// Takes over what an earlier version knows, if that is newer.
    async fn take_over(&self) -> worker::Result<()> {
        self.with_row(|_| ())?;
        if self.is_before.get().is_none() {
            return Ok(());
        }
        let mut states = Vec::new();
        for network in NETWORKS {
            states.push((network.name, self.text(&state_key(network.name)).await));
        }
        let events = self.text(CRON_EVENTS).await;
        // Whoever else has read them meanwhile may have written since.
        let Some(by) = self.is_before.take() else {
            return Ok(());
        };
        self.with_row(|row| {
            for (network, state) in states {
                if let Some(state) = state {
                    row.put_text(network, with_grown_id(state, by));
                }
            }
            if let Some(events) = events {
                row.put_cron_events_text(events);
            }
        })
    }

    /// The text under a key: empty if the value cannot be read back, `None` where there is none.
    async fn text(&self, key: &str) -> Option<String> {
        // The crate's `get` would refuse a value of another type than it is asked for.
        let Ok(values) = self.inner.get_multiple(vec![key]).await else {
            return Some(String::new());
        };
        let value = values.get(&key.into());
        (!value.is_undefined()).then(|| text_of(&value))
    }

    /// Writes the row of the account.
    fn write(&self) -> Result<(), StoreError> {
        self.is_unwritten.set(false);
        let written = self.with_row(|row| {
            self.tables.move_entries(row, self.kind.pages)?;
            self.tables.write(row::UPSERT, &row.columns())
        });
        let written = written.flatten().map_err(unwritten);
        if written.is_err() {
            // What is on the disk is what counts.
            self.row.take();
        }
        written
    }

    /// Writes the cron events, unless they have been written with an account's state.
    pub(crate) fn write_cron_events(&self) -> Result<(), StoreError> {
        if self.is_unwritten.get() {
            self.write()
        } else {
            Ok(())
        }
    }
}

impl Ledger for Storage {
    fn advice(&self) -> &'static str {
        self.kind.advice
    }

    fn ask_now(&self) -> &'static str {
        "press Turn now on the page"
    }

    async fn account_state(&self, network: &str) -> Result<AccountState, StoreError> {
        self.take_over().await.map_err(unread)?;
        let stored = self.with_row(|row| match row.state(network) {
            Some(state) => Ok(state.clone()),
            None => Err(row.state_text(network).map(str::to_owned)),
        });
        let text = match stored.map_err(unread)? {
            Ok(state) => return Ok(state),
            Err(text) => text,
        };
        let mut state = AccountState::default();
        if let Some(text) = text {
            let aside = aside_key(network);
            let note = format!(
                "What could be read back is kept in the account's Durable Object, under `{aside}`, \
                 {}.",
                self.kind.aside_until
            );
            let (read, is_whole) = AccountState::read(text.as_bytes(), &note);
            state = read;
            if !is_whole {
                // If this fails, the next object sets it aside, or the next turn replaces it.
                let _ = self.inner.put_raw(&aside, text).await;
            }
        }
        let kept = self.with_row(|row| {
            // A turn may have kept a newer one while this was set aside.
            if let Some(newer) = row.state(network) {
                return newer.clone();
            }
            row.has_read(network, &state);
            state
        });
        kept.map_err(unread)
    }

    async fn keep(
        &self,
        network: &str,
        state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> Result<(), StoreError> {
        let changed = self.with_row(|row| {
            if let Some(Record { id, entry }) = record {
                self.tables.put_record(row, *id, entry)?;
            }
            let is_changed = record.is_some() || row.state(network) != Some(state);
            if is_changed {
                row.put_state(network, state);
            }
            Ok(is_changed)
        });
        let is_changed = changed.flatten().map_err(unwritten)?;
        if is_changed || self.is_unwritten.get() {
            self.write()?;
        }
        Ok(())
    }

    fn next_id(&self) -> Result<u32, StoreError> {
        let last = match self.last_id.get() {
            Some(last) => Ok(last),
            None => self.with_row(|row| self.tables.last_id(row)).flatten(),
        };
        let next = last.map_err(unread)?.saturating_add(1);
        self.last_id.set(Some(next));
        Ok(next)
    }

    async fn wake_at(&self, at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        // Setting it is a row written.
        if self.alarm.get() == at.into() {
            return Ok(());
        }
        self.alarm.set(Alarm::Unknown);
        let set = match at {
            Some(at) => self.inner.set_alarm(at).await,
            None => self.inner.delete_alarm().await,
        };
        set.map_err(unwritten)?;
        self.alarm.set(at.into());
        Ok(())
    }

    async fn wakes_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        match self.alarm.get() {
            Alarm::At(at) => return Ok(Some(at)),
            Alarm::Off => return Ok(None),
            Alarm::Unknown => {}
        }
        let at = self.inner.get_alarm().await.map_err(unread)?;
        let at = at.and_then(DateTime::from_timestamp_millis);
        // It may have been set while this was read.
        if self.alarm.get() == Alarm::Unknown {
            self.alarm.set(at.into());
        }
        Ok(at)
    }

    async fn cron_events(&self) -> Result<CronEvents, StoreError> {
        self.take_over().await.map_err(unread)?;
        self.with_row(|row| row.cron_events()).map_err(unread)
    }

    /// Leaves the writing to `keep` or `write_cron_events`, whichever comes first: a commit for them
    /// alone would cost a tenth of a turn.
    async fn keep_cron_events(&self, events: &CronEvents) -> Result<(), StoreError> {
        self.is_unwritten.set(true);
        let kept = self.with_row(|row| row.put_cron_events(events));
        kept.map_err(unwritten)
    }

    fn records(&self, before: Option<u32>, limit: u16) -> Result<Vec<(u32, String)>, StoreError> {
        let before = before.unwrap_or(u32::MAX);
        let records = self.with_row(|row| self.tables.records(row, before, limit.into()));
        records.flatten().map_err(unread)
    }

    async fn forget(&self) -> Result<(), StoreError> {
        self.take_over().await.map_err(unread)?;
        self.with_row(Row::forget).map_err(unread)?;
        let files = self.tables.files().map_err(unread)?;
        self.last_id.set(None);
        self.alarm.set(Alarm::Off);
        // All begins before anything is awaited, so that nobody finds a storage without its row.
        let (deleted, written) = join(self.inner.delete_all(), async {
            for (key, file) in files {
                self.tables.put_file(&key, &file).map_err(unwritten)?;
            }
            self.write()
        })
        .await;
        deleted.map_err(unwritten).and(written)
    }
}

impl AccountStore for Storage {
    async fn stored_account(&self) -> Result<StoredAccount, StoreError> {
        let stored = self.with_row(|row| match row.account.as_str() {
            "" => StoredAccount::default(),
            json => StoredAccount::read(json.as_bytes()),
        });
        stored.map_err(unread)
    }

    async fn keep_stored_account(&self, account: &StoredAccount) -> Result<(), StoreError> {
        let json = serde_json::to_string(account);
        let json = json.map_err(|error| StoreError::Write(error.to_string()))?;
        self.take_over().await.map_err(unread)?;
        self.with_row(|row| row.account = json).map_err(unwritten)?;
        self.write()
    }

    async fn picture(&self, network: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.tables.file(&picture_key(network)).map_err(unread)
    }

    async fn keep_picture(&self, network: &str, file: Option<&[u8]>) -> Result<(), StoreError> {
        let key = picture_key(network);
        let kept = match file {
            Some(file) => self.tables.put_file(&key, file),
            None => self.tables.remove_file(&key),
        };
        kept.map_err(unwritten)
    }

    async fn delete_everything(&self) -> Result<(), StoreError> {
        let deleted = self.inner.delete_all().await;
        self.row.take();
        self.is_before.take();
        self.is_unwritten.take();
        self.last_id.take();
        self.alarm.take();
        deleted.map_err(unwritten)
    }
}

/// The frames of an account other than the owner's. Reading one does not leave the object.
impl Storage {
    pub(crate) fn frames_file(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.tables.file(key).map_err(unread)
    }

    pub(crate) fn put_frames_file(&self, key: &str, file: &[u8]) -> Result<(), StoreError> {
        self.tables.put_file(key, file).map_err(unwritten)
    }

    /// Deletes the files of all sets but these.
    pub(crate) fn remove_sets_but(&self, set_ids: &[&str]) -> Result<(), StoreError> {
        for key in self.tables.keys().map_err(unread)? {
            let of_set = key
                .strip_prefix(SETS_PREFIX)
                .and_then(|key| key.split('/').next());
            if of_set.is_some_and(|id| !set_ids.contains(&id)) {
                self.tables.remove_file(&key).map_err(unwritten)?;
            }
        }
        Ok(())
    }
}

/// A value as text. One that another version has stored as something else is given as its JSON, or
/// as nothing.
fn text_of(value: &JsValue) -> String {
    let json = || JSON::stringify(value).ok()?.as_string();
    value.as_string().or_else(json).unwrap_or_default()
}

fn unread(error: worker::Error) -> StoreError {
    StoreError::Read(describe(error))
}

fn unwritten(error: worker::Error) -> StoreError {
    StoreError::Write(describe(error))
}
