//! The account's ledger in the storage of its Durable Object: the journal in an SQL table, the rest
//! as texts by key.
//!
//! Another version may have stored something else under the same names. What is not understood is
//! set aside, and the account goes on.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use futures_util::future::join;
use js_sys::JSON;
use wasm_bindgen::JsValue;
use worker::{SqlCursor, SqlStorage, SqlStorageValue, State};

use crate::errors::describe;
use rotate_icon_core::account::ledger::{Ledger, MAX_RECORDS, Record};
use rotate_icon_core::account::state::AccountState;
use rotate_icon_core::ports::StoreError;
use rotate_icon_core::schedule::cron::CronEvents;

const CREATE_RECORDS: &str =
    "create table if not exists records (id integer primary key, entry text not null)";

/// The columns of the journal's table: their names, and whether each row has to give a value.
const COLUMNS: &str =
    "select name, \"notnull\" and dflt_value is null from pragma_table_info('records')";

/// The key of the cron events.
const CRON_EVENTS: &str = "schedule";

/// After this many new records, the oldest go.
const RECORDS_BETWEEN_CLEANINGS: u32 = 100;

/// More than any id of a record.
const BEYOND_IDS: i64 = 1 << 32;

/// The key of the account's state on a network.
fn state_key(network: &str) -> String {
    format!("standing on {network}")
}

/// The key of what was stored there and could not be read.
fn aside_key(network: &str) -> String {
    format!("set aside: standing on {network}")
}

/// The object's storage, with a cache of what it holds. Nobody else writes to it.
#[derive(Debug)]
pub(crate) struct Storage {
    inner: worker::Storage,
    sql: SqlStorage,
    cache: RefCell<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    /// The account's state by network.
    states: Vec<(String, AccountState)>,
    events: Option<CronEvents>,
    /// Whether the cron events are yet to be written.
    are_events_unwritten: bool,
    /// The last id that was given to a record.
    last_id: Option<u32>,
}

impl Cache {
    fn state(&self, network: &str) -> Option<&AccountState> {
        let mut states = self.states.iter();
        states.find_map(|(of, state)| (of == network).then_some(state))
    }

    fn set_state(&mut self, network: &str, state: Option<AccountState>) {
        self.states.retain(|(of, _)| of != network);
        let state = state.map(|state| (network.to_owned(), state));
        self.states.extend(state);
    }
}

impl Storage {
    pub(crate) fn open(state: &State) -> Self {
        let inner = state.storage();
        let sql = inner.sql();
        // If this fails, so does whatever needs the table next, and reports why.
        let _ = sql.exec(CREATE_RECORDS, None);
        Self {
            inner,
            sql,
            cache: RefCell::default(),
        }
    }

    /// The value of a key; undefined where there is none. The crate's `get` would refuse a value
    /// of another type than it is asked for.
    async fn value(&self, key: &str) -> worker::Result<JsValue> {
        let values = self.inner.get_multiple(vec![key]).await?;
        Ok(values.get(&key.into()))
    }

    /// Runs a query on the journal's table. Where the table has another form, replaces it and runs
    /// the query again.
    fn query(&self, query: &str, bindings: &[SqlStorageValue]) -> worker::Result<SqlCursor> {
        match self.sql.exec(query, bindings.to_vec()) {
            Err(_) if !self.has_records()? => self.sql.exec(query, bindings.to_vec()),
            done => done,
        }
    }

    /// Whether this version can use the journal's table as it is. If not, sets it aside and creates
    /// another.
    fn has_records(&self) -> worker::Result<bool> {
        let rows = self.sql.exec(COLUMNS, None)?.raw();
        let rows = rows.collect::<worker::Result<Vec<_>>>()?;
        let columns = rows.iter().filter_map(|row| match row.as_slice() {
            [SqlStorageValue::String(name), is_needed] => {
                Some((name.as_str(), *is_needed == SqlStorageValue::Integer(1)))
            }
            _ => None,
        });
        let columns: Vec<_> = columns.collect();
        let has = |wanted: &str| columns.iter().any(|(name, _)| *name == wanted);
        let needs_more = columns
            .iter()
            .any(|(name, is_needed)| *is_needed && !["id", "entry"].contains(name));
        if has("id") && has("entry") && !needs_more {
            return Ok(true);
        }
        if !columns.is_empty() {
            let aside = format!("records set aside {}", Utc::now().timestamp_millis());
            let rename = format!("alter table records rename to \"{aside}\"");
            self.sql.exec(&rename, None)?;
        }
        self.sql.exec(CREATE_RECORDS, None)?;
        Ok(false)
    }

    /// Writes the cron events, unless they have been written with an account's state.
    pub(crate) async fn write_cron_events(&self) -> Result<(), StoreError> {
        let events = {
            let mut cache = self.cache.borrow_mut();
            let is_due = std::mem::take(&mut cache.are_events_unwritten);
            cache.events.clone().filter(|_| is_due)
        };
        let Some(events) = events else {
            return Ok(());
        };
        let text = serde_json::to_string(&events);
        let text = text.map_err(|error| StoreError::Write(error.to_string()))?;
        let put = self.inner.put_raw(CRON_EVENTS, text).await;
        put.map_err(|error| {
            self.cache.borrow_mut().events = None;
            unwritten(error)
        })
    }

    async fn put_state(&self, network: &str, state: &AccountState) -> Result<(), StoreError> {
        if self.cache.borrow().state(network) == Some(state) {
            return Ok(());
        }
        let text = serde_json::to_string(state);
        let text = text.map_err(|error| StoreError::Write(error.to_string()))?;
        self.cache
            .borrow_mut()
            .set_state(network, Some(state.clone()));
        let put = self.inner.put_raw(&state_key(network), text).await;
        put.map_err(|error| {
            self.cache.borrow_mut().set_state(network, None);
            unwritten(error)
        })
    }

    fn put_record(&self, Record { id, entry }: &Record<'_>) -> worker::Result<()> {
        let insert = "insert or replace into records (id, entry) values (?, ?)";
        self.query(insert, &[i64::from(*id).into(), (*entry).into()])?;
        if id.is_multiple_of(RECORDS_BETWEEN_CLEANINGS) {
            let last = i64::from(id.saturating_sub(MAX_RECORDS));
            self.query("delete from records where id <= ?", &[last.into()])?;
        }
        Ok(())
    }

    fn last_id(&self) -> worker::Result<u32> {
        // After the largest number there would be no next one.
        let query = "select ifnull(max(id), 0) from records where id > 0 and id < ?";
        let mut rows = self.query(query, &[i64::from(u32::MAX).into()])?.raw();
        let row = rows.next().transpose()?;
        let last = row.as_ref().and_then(|row| record_id(row.first()?));
        last.ok_or_else(|| "the journal does not tell its last id".into())
    }

    async fn cron_events_text(&self) -> Option<String> {
        // The next event of the cron replaces what cannot be read.
        self.value(CRON_EVENTS).await.ok()?.as_string()
    }
}

impl Ledger for Storage {
    const ADVICE: &'static str =
        "Try again; if it stays, see whether Cloudflare reports a problem with Durable Objects.";

    const ASK_NOW: &'static str = "press Turn now on the page";

    async fn account_state(&self, network: &str) -> Result<AccountState, StoreError> {
        if let Some(state) = self.cache.borrow().state(network) {
            return Ok(state.clone());
        }
        let value = self.value(&state_key(network)).await.ok();
        if value.is_none() {
            // If the storage works, the value is one that cannot be read back.
            let any = "select 1 from records limit 1";
            self.query(any, &[]).map_err(unread)?;
        }
        let text = match &value {
            Some(value) if value.is_undefined() => None,
            Some(value) => Some(text_of(value)),
            None => Some(String::new()),
        };
        let mut state = AccountState::default();
        if let Some(text) = text {
            let aside = aside_key(network);
            let note = format!(
                "What could be read back is kept in the account's Durable Object, under `{aside}`, \
                 until DELETE /journal."
            );
            let (read, is_whole) = AccountState::read(text.as_bytes(), &note);
            state = read;
            if let Some(value) = value.filter(|_| !is_whole) {
                // If this fails, the value cannot be read back, and is of no use.
                let _ = self.inner.put_raw(&aside, value).await;
            }
        }
        let mut cache = self.cache.borrow_mut();
        // A turn may have kept a newer one while this was read.
        if let Some(newer) = cache.state(network) {
            return Ok(newer.clone());
        }
        cache.set_state(network, Some(state.clone()));
        Ok(state)
    }

    async fn keep(
        &self,
        network: &str,
        state: &AccountState,
        record: Option<&Record<'_>>,
    ) -> Result<(), StoreError> {
        // All writes begin before any is awaited, so the runtime commits them as one.
        if let Some(record) = record {
            self.put_record(record).map_err(unwritten)?;
        }
        let (events, kept) = join(self.write_cron_events(), self.put_state(network, state)).await;
        events.and(kept)
    }

    fn next_id(&self) -> Result<u32, StoreError> {
        let last = self.cache.borrow().last_id;
        let last = match last {
            Some(last) => last,
            None => self.last_id().map_err(unread)?,
        };
        let next = last.saturating_add(1);
        self.cache.borrow_mut().last_id = Some(next);
        Ok(next)
    }

    async fn wake_at(&self, at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        let set = match at {
            Some(at) => self.inner.set_alarm(at).await,
            None => self.inner.delete_alarm().await,
        };
        set.map_err(unwritten)
    }

    async fn cron_events(&self) -> Result<CronEvents, StoreError> {
        if let Some(events) = &self.cache.borrow().events {
            return Ok(events.clone());
        }
        let text = self.cron_events_text().await;
        let events = text.and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
        Ok(events.unwrap_or_default())
    }

    /// Leaves the writing to `keep` or `write_cron_events`, whichever comes
    /// first: a commit for them alone would cost a tenth of a turn.
    async fn keep_cron_events(&self, events: &CronEvents) -> Result<(), StoreError> {
        let mut cache = self.cache.borrow_mut();
        cache.events = Some(events.clone());
        cache.are_events_unwritten = true;
        Ok(())
    }

    fn records(&self, before: Option<u32>, limit: u16) -> Result<Vec<(u32, String)>, StoreError> {
        let query = "select id, entry from records where id < ? order by id desc limit ?";
        let before = before.map_or(BEYOND_IDS, i64::from);
        let rows = self.query(query, &[before.into(), i64::from(limit).into()]);
        let mut records = Vec::new();
        for row in rows.map_err(unread)?.raw() {
            let mut values = row.map_err(unread)?.into_iter();
            let Some(id) = values.next().as_ref().and_then(record_id) else {
                continue;
            };
            let entry = match values.next() {
                Some(SqlStorageValue::String(entry)) => entry,
                _ => String::new(),
            };
            records.push((id, entry));
        }
        Ok(records)
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let events = self.cron_events_text().await;
        // Both begin before anything is awaited, so that nobody finds a storage without its table.
        let (deleted, renewed) = join(self.inner.delete_all(), async {
            self.sql.exec(CREATE_RECORDS, None)?;
            match events {
                Some(events) => self.inner.put_raw(CRON_EVENTS, events).await,
                None => Ok(()),
            }
        })
        .await;
        self.cache.borrow_mut().states.clear();
        deleted.and(renewed).map_err(unwritten)
    }
}

/// A value as text. One that another version has stored as something else is given as its JSON, or
/// as nothing.
fn text_of(value: &JsValue) -> String {
    let json = || JSON::stringify(value).ok()?.as_string();
    value.as_string().or_else(json).unwrap_or_default()
}

fn record_id(value: &SqlStorageValue) -> Option<u32> {
    match value {
        SqlStorageValue::Integer(id) => u32::try_from(*id).ok(),
        _ => None,
    }
}

fn unread(error: worker::Error) -> StoreError {
    StoreError::Read(describe(error))
}

fn unwritten(error: worker::Error) -> StoreError {
    StoreError::Write(describe(error))
}
