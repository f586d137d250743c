//! Writes files that only their owner may read, and that are replaced completely or not at all.
//! Reads files up to a limit.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use crate::text::shown;

/// The most bytes in a settings file: more than a Worker's variables may have
/// together, 128 of 5 kB (<https://developers.cloudflare.com/workers/platform/limits/>).
const MAX_TEXT_BYTES: u64 = 1_000_000;

/// Reads a file of at most `max_bytes`; `None` if it does not exist.
///
/// # Errors
/// When it is larger, or is not a regular file: a device may never end, and a pipe may never begin.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    let cannot = || format!("cannot read {}", shown(path));
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot),
        Ok(metadata) => ensure!(metadata.is_file(), "{} is no regular file", shown(path)),
    }
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(cannot)?;
    let mut limited = file.take(max_bytes.saturating_add(1));
    let count = limited.read_to_end(&mut bytes).with_context(cannot)?;
    ensure!(
        count as u64 <= max_bytes,
        "{} has more than {max_bytes} bytes",
        shown(path)
    );
    Ok(Some(bytes))
}

/// Reads a settings file. Replaces invalid UTF-8 as Node.js does.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>> {
    let Some(bytes) = read(path, MAX_TEXT_BYTES)? else {
        return Ok(None);
    };
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    ensure!(
        !is_utf16,
        "{} is saved as UTF-16, which wrangler does not read either; save it as UTF-8",
        shown(path)
    );
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes or replaces a file that only its owner may read. Writes to a temporary file beside it
/// first, so that an interrupted write leaves the old file.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    // Replaces the target of a symbolic link, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let replace = || {
        // Created with mode 600 on Unix.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        anyhow::Ok(())
    };
    replace().with_context(|| format!("cannot write {}", shown(&path)))
}

/// Whether others than its owner may read or write a file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

/// Whether others than its owner may read or write a file; unknown on this system.
#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read_and_only_as_much_as_they_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert_eq!(read(&path, 3).unwrap(), None);
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap(), b"abc");
        let error = read(&path, 2).unwrap_err().to_string();
        assert!(error.ends_with("has more than 2 bytes"), "{error}");
        let error = read(folder.path(), 9).unwrap_err().to_string();
        assert!(error.ends_with("is no regular file"), "{error}");
        #[cfg(unix)]
        for device in ["/dev/zero", "/dev/full", "/dev/null"] {
            let error = read(Path::new(device), 9).unwrap_err().to_string();
            assert!(error.ends_with("is no regular file"), "{error}");
        }
    }

    #[test]
    fn a_text_of_another_encoding_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"\xff\xfeA\0=\x001\0").unwrap();
        assert!(
            read_text(&path)
                .unwrap_err()
                .to_string()
                .contains("save it as UTF-8")
        );
        fs::write(&path, b"A=\xff\xc3\xa4").unwrap();
        assert_eq!(read_text(&path).unwrap().unwrap(), "A=\u{fffd}ä");
    }
}
