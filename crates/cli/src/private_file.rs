//! Files that nobody else may read, replaced as a whole or not at all; and files that
//! are read, up to what they may reasonably hold.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use crate::text::shown;

/// The most bytes of a file of settings: more than a Worker's variables may have
/// together, 128 of 5 kB (<https://developers.cloudflare.com/workers/platform/limits/>).
const MAX_TEXT_BYTES: u64 = 1_000_000;

/// Reads a file of at most so many bytes; `None` if there is none.
///
/// # Errors
/// When it is no file: a device may never end, and a pipe may never begin.
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

/// Reads a file of settings, with what is no UTF-8 replaced as Node.js does it.
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
    replace().with_context(|| format!("cannot write {}", shown(&path)))
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
