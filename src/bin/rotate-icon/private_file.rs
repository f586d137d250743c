//! Files that nobody else may read, replaced as a whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Writes a file in place of any other: first under another name beside it, so
/// that whoever ends in the middle leaves the old one. Only the owner may read it.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    // The file that a link leads to, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let replace = || {
        // Made with the mode 600 where there are modes.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        anyhow::Ok(())
    };
    replace().with_context(|| format!("cannot write {}", path.display()))
}

/// Whether others than its owner may read or write a file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

/// Whether others than its owner may read or write a file: not known here.
#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Path) -> bool {
    false
}
