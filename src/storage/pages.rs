//! The journal: its last entries are in the row of the account, the older ones in pages, each of
//! which is a row.

use worker::{Result, SqlStorageValue};

use crate::storage::lines;
use crate::storage::row::Row;
use crate::storage::tables::Tables;

/// The number of entries of a page. The row of the account, which every turn writes, grows with
/// them; with fewer, more turns would write a page as well.
pub(super) const ENTRIES_A_PAGE: u32 = 50;

/// An entry of the journal, with its id.
pub(super) type Entry = (u32, String);

/// Reads entries, by their ids, which rise.
pub(super) fn entries_of(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (id, entry) in lines::parse(text) {
        put_entry(&mut entries, id, entry);
    }
    entries
}

/// The text of entries.
pub(super) fn text_of(entries: &[Entry]) -> String {
    lines::join(entries.iter().map(|(id, entry)| (id, entry.as_str())))
}

/// Stores an entry in its place, instead of any that has its id.
pub(super) fn put_entry(entries: &mut Vec<Entry>, id: u32, entry: &str) {
    let place = entries.partition_point(|(other, _)| *other < id);
    match entries.get_mut(place).filter(|(other, _)| *other == id) {
        Some(same) => entry.clone_into(&mut same.1),
        None => entries.insert(place, (id, entry.to_owned())),
    }
}

impl Tables {
    /// Stores an entry of the journal: in the row, which this does not write, or in the page that
    /// has its place.
    pub(super) fn put_record(&self, row: &mut Row, id: u32, entry: &str) -> Result<()> {
        let is_older = row.entries.first().is_some_and(|(first, _)| id < *first);
        let page = if is_older { self.page_of(id)? } else { None };
        let Some((first_id, mut entries)) = page else {
            put_entry(&mut row.entries, id, entry);
            return Ok(());
        };
        put_entry(&mut entries, id, entry);
        let update = "update pages set entries = ? where first_id = ?";
        self.write(update, &[text_of(&entries).into(), first_id.into()])
    }

    /// The page in which an id has its place, with the page's first id.
    fn page_of(&self, id: u32) -> Result<Option<(i64, Vec<Entry>)>> {
        let query = "select first_id, entries from pages where first_id <= ? \
                     order by first_id desc limit 1";
        let page = self.rows(query, &[i64::from(id).into()])?;
        Ok(match page.first().map(Vec::as_slice) {
            Some(
                [
                    SqlStorageValue::Integer(first),
                    SqlStorageValue::String(text),
                ],
            ) => Some((*first, entries_of(text))),
            _ => None,
        })
    }

    /// Moves entries of the row to pages, once there are enough of them, and keeps so many pages. The
    /// oldest makes room for a new one: to delete it would be to write one row more.
    pub(super) fn move_entries(&self, row: &mut Row, pages: u32) -> Result<()> {
        while let Some(entries) = row.take_page() {
            let Some((first, _)) = entries.first() else {
                break;
            };
            let page = [i64::from(*first).into(), text_of(&entries).into()];
            let count = self.rows("select count(*) from pages", &[])?;
            let is_full = matches!(
                count.first().map(Vec::as_slice),
                Some([SqlStorageValue::Integer(count)]) if *count >= pages.into()
            );
            let write = if is_full {
                "update or replace pages set first_id = ?, entries = ? \
                 where first_id = (select min(first_id) from pages)"
            } else {
                "insert or replace into pages (first_id, entries) values (?, ?)"
            };
            self.write(write, &page)?;
        }
        Ok(())
    }

    /// The entries with ids below `before`, at most `limit` of them, newest first.
    pub(super) fn records(&self, row: &Row, before: u32, limit: usize) -> Result<Vec<Entry>> {
        let newest = row.entries.iter().rev();
        let older = newest.skip_while(|(id, _)| *id >= before);
        let mut records: Vec<_> = older.take(limit).cloned().collect();
        if records.len() == limit {
            return Ok(records);
        }
        let mut before = records.last().map_or(before, |(id, _)| *id);
        let query = "select entries from pages where first_id < ? order by first_id desc limit ?";
        // The first of them may have none below.
        let pages = limit.div_euclid(ENTRIES_A_PAGE as usize).saturating_add(2);
        let pages = i64::try_from(pages).unwrap_or(i64::MAX);
        for page in self.rows(query, &[i64::from(before).into(), pages.into()])? {
            let Some(SqlStorageValue::String(page)) = page.first() else {
                continue;
            };
            for entry in entries_of(page).into_iter().rev() {
                if records.len() == limit {
                    return Ok(records);
                }
                if entry.0 < before {
                    before = entry.0;
                    records.push(entry);
                }
            }
        }
        Ok(records)
    }

    /// The largest id of an entry; 0 if there is none.
    pub(super) fn last_id(&self, row: &Row) -> Result<u32> {
        if let Some((id, _)) = row.entries.last() {
            return Ok(*id);
        }
        let last = self.records(row, u32::MAX, 1)?;
        Ok(last.first().map_or(0, |(id, _)| *id))
    }
}
