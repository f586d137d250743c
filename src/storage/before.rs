//! What versions before this one have stored: the journal in a table `records`, a row an entry, and
//! the rest as texts by key. It stays where it is, so that such a version finds it after a rollback.
//!
//! A record that has been added since it was taken over tells that such a version has made turns.
//! Then what it knows is newer, and is taken over again.

use serde_json::Value;
use worker::{Result, SqlStorageValue};

use crate::storage::pages::Entry;
use crate::storage::row::Row;
use crate::storage::tables::Tables;
use rotate_icon_core::account::ledger::MAX_RECORDS;

/// The key of the cron events.
pub(super) const CRON_EVENTS: &str = "schedule";

/// The key of the account's state on a network.
pub(super) fn state_key(network: &str) -> String {
    format!("standing on {network}")
}

impl Tables {
    /// Takes the journal over as far as that has not been done. Returns by how much the ids of its
    /// entries have grown, or `None` if there was nothing to take over.
    pub(super) fn take_over(&self, row: &mut Row) -> Result<Option<u32>> {
        if !self.has_columns("records", &["id", "entry"])? {
            return Ok(None);
        }
        let query = "select id, entry from records where id > ? and id < ? \
                     order by id desc limit ?";
        // After the largest number there would be no next one.
        let bindings = [
            i64::from(row.imported).into(),
            i64::from(u32::MAX).into(),
            i64::from(MAX_RECORDS).into(),
        ];
        let mut records = Vec::new();
        for record in self.rows(query, &bindings)? {
            records.extend(entry_of(record));
        }
        let Some(last) = records.first().map(|(id, _)| *id) else {
            return Ok(None);
        };
        let by = self.last_id(row)?.saturating_sub(row.imported);
        let is_lost = row.entries.is_empty() && row.imported == 0 && by > 0;
        if is_lost {
            // The row was set aside, and the pages have what is older.
            row.imported = last;
            return Ok(None);
        }
        for (id, entry) in records.into_iter().rev() {
            row.entries.push((id.saturating_add(by), entry));
        }
        row.imported = last;
        Ok(Some(by))
    }
}

/// A record as an entry. One that is no text becomes one that cannot be read.
fn entry_of(record: Vec<SqlStorageValue>) -> Option<Entry> {
    let mut values = record.into_iter();
    let SqlStorageValue::Integer(id) = values.next()? else {
        return None;
    };
    let entry = match values.next() {
        Some(SqlStorageValue::String(entry)) => entry,
        _ => String::new(),
    };
    Some((u32::try_from(id).ok()?, entry))
}

/// The account's state with the id of its entry grown as [`Tables::take_over`] says.
pub(super) fn with_grown_id(state: String, by: u32) -> String {
    let parsed = serde_json::from_slice::<Value>(state.as_bytes());
    let Ok(mut value) = parsed else {
        return state;
    };
    match value.pointer_mut("/slot/record") {
        Some(record) if by > 0 && record.is_u64() => {
            *record = record
                .as_u64()
                .unwrap_or_default()
                .saturating_add(by.into())
                .into();
            value.to_string()
        }
        _ => state,
    }
}
