//! The tables of the object, and the queries on them.

use chrono::Utc;
use worker::{Result, SqlCursor, SqlStorage, SqlStorageValue};

use crate::storage::row::Row;

/// A table that this version uses.
struct Table {
    name: &'static str,
    /// The columns that it reads and writes. Those of another version may have more.
    columns: &'static [&'static str],
    create: &'static str,
}

/// What a turn reads and writes, in one row: each row that is written has its price.
///
/// `account` is a `StoredAccount` as JSON, `states` and `entries` are lines (`lines.rs`), `imported`
/// is the last id that was taken over from the table `records` (`before.rs`).
const ACCOUNT: Table = Table {
    name: "account",
    columns: &[
        "id",
        "account",
        "states",
        "cron_events",
        "entries",
        "imported",
    ],
    create: "create table account (id integer primary key, account text not null, \
             states text not null, cron_events text not null, entries text not null, \
             imported integer not null)",
};

/// The journal's older entries, as lines. `first_id` is the smallest id of a page.
const PAGES: Table = Table {
    name: "pages",
    columns: &["first_id", "entries"],
    create: "create table pages (first_id integer primary key, entries text not null)",
};

/// Files by key. Without a row id, one that is written counts once.
const FILES: Table = Table {
    name: "files",
    columns: &["key", "value"],
    create: "create table files (key text primary key, value blob not null) without rowid",
};

/// The object's database.
#[derive(Debug)]
pub(super) struct Tables(SqlStorage);

impl Tables {
    pub(super) fn new(sql: SqlStorage) -> Self {
        Self(sql)
    }

    /// The rows that a query gives. Where a table is missing there are none: an account that was
    /// deleted gets no tables by being asked for.
    pub(super) fn rows(
        &self,
        query: &str,
        bindings: &[SqlStorageValue],
    ) -> Result<Vec<Vec<SqlStorageValue>>> {
        match self.query(query, bindings) {
            Ok(cursor) => cursor.raw().collect(),
            Err(error) if is_missing(&error) => Ok(Vec::new()),
            Err(error) if !self.make_tables()? => Err(error),
            Err(_) => self.query(query, bindings)?.raw().collect(),
        }
    }

    /// Writes rows. If that fails because a table is missing or has another form, makes it first.
    pub(super) fn write(&self, query: &str, bindings: &[SqlStorageValue]) -> Result<()> {
        match self.query(query, bindings) {
            Err(error) if !self.make_tables()? => Err(error),
            Err(_) => self.query(query, bindings).map(|_| ()),
            Ok(_) => Ok(()),
        }
    }

    fn query(&self, query: &str, bindings: &[SqlStorageValue]) -> Result<SqlCursor> {
        self.0.exec(query, bindings.to_vec())
    }

    /// Makes the tables that are missing or have another form, and keeps the latter under another
    /// name. Returns whether there were any.
    fn make_tables(&self) -> Result<bool> {
        let mut is_changed = false;
        for table in [ACCOUNT, PAGES, FILES] {
            is_changed |= self.make(&table)?;
        }
        Ok(is_changed)
    }

    /// Makes a table, unless there is one that this version can use. Returns whether it did.
    fn make(&self, table: &Table) -> Result<bool> {
        let columns = self.columns(table.name)?;
        let has = |wanted: &str| columns.iter().any(|(name, _)| name == wanted);
        let needs_more = columns
            .iter()
            .any(|(name, is_needed)| *is_needed && !table.columns.contains(&name.as_str()));
        if table.columns.iter().all(|name| has(name)) && !needs_more {
            return Ok(false);
        }
        if !columns.is_empty() {
            self.set_aside(table.name)?;
        }
        self.0.exec(table.create, None)?;
        Ok(true)
    }

    /// Makes the table of the account anew, and keeps the other one under another name. Returns the
    /// new row.
    pub(super) fn replace_account(&self) -> Result<Row> {
        self.set_aside(ACCOUNT.name)?;
        self.0.exec(ACCOUNT.create, None)?;
        Ok(Row::default())
    }

    fn set_aside(&self, name: &str) -> Result<()> {
        let aside = format!("{name} set aside {}", Utc::now().timestamp_millis());
        let rename = format!("alter table {name} rename to \"{aside}\"");
        self.0.exec(&rename, None)?;
        Ok(())
    }

    /// Whether a table has these columns.
    pub(super) fn has_columns(&self, table: &str, wanted: &[&str]) -> Result<bool> {
        let columns = self.columns(table)?;
        let has = |wanted: &&str| columns.iter().any(|(name, _)| name == wanted);
        Ok(wanted.iter().all(has))
    }

    /// The columns of a table: their names, and whether each row has to give a value. There are
    /// none where there is no such table.
    fn columns(&self, table: &str) -> Result<Vec<(String, bool)>> {
        let query = "select name, \"notnull\" and dflt_value is null from pragma_table_info(?)";
        let rows = self.0.exec(query, vec![table.into()])?.raw();
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let columns = rows.into_iter().filter_map(|row| match row.as_slice() {
            [SqlStorageValue::String(name), is_needed] => {
                Some((name.clone(), *is_needed == SqlStorageValue::Integer(1)))
            }
            _ => None,
        });
        Ok(columns.collect())
    }
}

/// Whether a query has failed because a table is missing.
fn is_missing(error: &worker::Error) -> bool {
    error.to_string().contains("no such table")
}
