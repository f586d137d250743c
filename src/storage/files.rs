//! Files by key: pictures from before the start and, for accounts other than the owner's, the
//! frames.

use worker::{Result, SqlStorageValue};

use crate::storage::tables::Tables;

/// A file with its key.
pub(super) type File = (String, Vec<u8>);

impl Tables {
    /// The file of a key.
    pub(super) fn file(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let query = "select value from files where key = ?";
        let rows = self.rows(query, &[key.into()])?;
        Ok(rows.into_iter().flatten().next().and_then(bytes))
    }

    /// Stores a file, in place of any before.
    pub(super) fn put_file(&self, key: &str, file: &[u8]) -> Result<()> {
        let upsert = "insert into files (key, value) values (?, ?) \
                      on conflict (key) do update set value = excluded.value";
        self.write(upsert, &[key.into(), file.to_vec().into()])
    }

    pub(super) fn remove_file(&self, key: &str) -> Result<()> {
        self.write("delete from files where key = ?", &[key.into()])
    }

    /// The keys of all files.
    pub(super) fn keys(&self) -> Result<Vec<String>> {
        let rows = self.rows("select key from files", &[])?;
        let keys = rows.into_iter().flatten().filter_map(|key| match key {
            SqlStorageValue::String(key) => Some(key),
            _ => None,
        });
        Ok(keys.collect())
    }

    /// All files.
    pub(super) fn files(&self) -> Result<Vec<File>> {
        let mut files = Vec::new();
        for key in self.keys()? {
            if let Some(file) = self.file(&key)? {
                files.push((key, file));
            }
        }
        Ok(files)
    }
}

fn bytes(value: SqlStorageValue) -> Option<Vec<u8>> {
    match value {
        SqlStorageValue::Blob(bytes) => Some(bytes),
        _ => None,
    }
}
