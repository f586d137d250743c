//! `rotate-icon render`: the frames of an icon as files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use data_encoding::BASE64;
use rotate_icon::dial::Direction;
use rotate_icon::frame_set::CURRENT_KEY;
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use crate::say;
use crate::source::{SourceArgs, frames_in_words, lowered_in_words};
use crate::text::shown;

/// The most bytes that Cloudflare takes in one bulk upload.
const MAX_BULK_BYTES: u64 = 100_000_000;

/// Write the frames of an icon into a folder.
///
/// Makes `0.jpg`, `1.jpg` and so on (`0.png` for circles), each 400×400 pixels
/// and at most 512,000 bytes, and `kv-bulk.json`, which stores the icon and all
/// frames and makes them the current set with one command:
///
///   npx wrangler kv bulk put DIR/kv-bulk.json --binding FRAMES --remote
///
/// `rotate-icon publish` does both at once and cleans up old sets.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Render {
    #[command(flatten)]
    source: SourceArgs,

    /// The folder to write into; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Which way the numbers of the files go: `clockwise` or `counterclockwise`.
    ///
    /// For programs of your own that show file n at step n. The bulk file is
    /// not affected: the Worker's dial has a DIRECTION of its own.
    #[arg(long, default_value = "clockwise")]
    direction: Direction,

    /// Also write all frames into one PNG, each where it stands on a clock.
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

/// The name of the file with everything that is stored.
pub(crate) const BULK_FILE: &str = "kv-bulk.json";

/// One entry of a file for `wrangler kv bulk put`.
#[derive(Serialize, Deserialize)]
pub(crate) struct BulkEntry {
    key: String,
    value: String,
    base64: bool,
}

impl BulkEntry {
    /// Stores a value's bytes under a key.
    pub(crate) fn new(key: String, value: &[u8]) -> Self {
        Self {
            key,
            value: BASE64.encode(value),
            base64: true,
        }
    }

    /// The key, and the value in base64.
    pub(crate) fn into_pair(self) -> (String, String) {
        (self.key, self.value)
    }
}

pub(crate) fn run(options: &Render) -> Result<()> {
    let source = options.source.read()?;
    let set = source.set();
    let frames = source.all_frames()?;
    let sheet = options.sheet.as_ref().map(|path| {
        let png = crate::sheet::png(&frames)?;
        anyhow::Ok((path, png))
    });
    let sheet = sheet.transpose()?;

    // Nothing is written before all is made.
    fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot make the folder {}", shown(&options.out)))?;
    for step in 0..set.frames().get() {
        let n = options.direction.frame_after(step, set.frames());
        let frame = frames.get(usize::from(n));
        let frame = frame.ok_or_else(|| anyhow!("frame {n} was not rendered"))?;
        let name = format!("{step}.{}", set.media_type().extension());
        write(&options.out.join(name), &frame.file)?;
    }

    let icon = source.stored_icon();
    let current = source.current()?;
    let values = frames
        .iter()
        .map(|frame| (set.frame_key(frame.number), frame.file.as_slice()))
        .chain(icon.iter().map(|icon| (set.icon_key(), icon.as_slice())))
        .chain([(CURRENT_KEY.to_owned(), current.as_bytes())]);
    let bulk = options.out.join(BULK_FILE);
    let bulk_bytes =
        write_bulk(&bulk, values).with_context(|| format!("cannot write {}", shown(&bulk)))?;

    let bytes: usize = frames.iter().map(|frame| frame.file.len()).sum();
    say(&format!(
        "Wrote {} ({} kB) and kv-bulk.json into {}.",
        frames_in_words(frames.len()),
        bytes / 1000,
        shown(&options.out)
    ));
    if let Some(lowered) = lowered_in_words(&frames) {
        say(&lowered);
    }
    if bulk_bytes > MAX_BULK_BYTES {
        say(&format!(
            "kv-bulk.json is larger than the {} MB that Cloudflare takes at once; `rotate-icon \
             publish` sends it in parts.",
            MAX_BULK_BYTES / 1_000_000
        ));
    }
    if let Some((path, png)) = sheet {
        write(path, &png)?;
        say(&format!(
            "Wrote all frames as a clock into {}.",
            shown(path)
        ));
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", shown(path)))
}

/// Writes a file for `wrangler kv bulk put`, value by value: all of them at once
/// in base64 would take several times the memory of the frames. Gives the
/// file's size.
fn write_bulk<'a>(path: &Path, values: impl Iterator<Item = (String, &'a [u8])>) -> Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut json = serde_json::Serializer::new(&mut file);
    let mut list = json.serialize_seq(None)?;
    for (key, value) in values {
        list.serialize_element(&BulkEntry::new(key, value))?;
    }
    list.end()?;
    file.flush()?;
    Ok(file.get_ref().metadata()?.len())
}
