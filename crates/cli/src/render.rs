//! `rotate-icon render`: writes the frames of an icon as files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use data_encoding::BASE64;
use rotate_icon_core::frames::render::Frame;
use rotate_icon_core::frames::set::CURRENT_KEY;
use rotate_icon_core::schedule::Direction;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::rendered::{self, RenderedFolder};
use crate::say;
use crate::source::{Source, SourceArgs, frames_in_words, lowered_in_words};
use crate::text::shown;

/// The most bytes that Cloudflare accepts in one bulk upload.
const MAX_BULK_BYTES: u64 = 100_000_000;

/// Render the frames of an icon as files
///
/// Writes 0.jpg, 1.jpg and so on (0.png for circles), each 400×400 pixels and at
/// most 512,000 bytes, and frame-set.json, which describes them. To turn from that
/// folder, run `rotate-icon turn --rendered DIR`.
///
/// To publish an icon for the Worker, run `rotate-icon publish` instead. On a
/// machine where you cannot, --bulk writes one file for wrangler:
///
///   npx wrangler kv bulk put FILE --binding FRAMES --remote
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Render {
    #[command(flatten)]
    source: SourceArgs,

    /// The folder to write to; it is created if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Number the files `clockwise` or `counterclockwise`.
    ///
    /// For programs of your own that show file n at step n. The Worker and `turn` are not
    /// affected: they follow the setting DIRECTION.
    #[arg(long, default_value = "clockwise")]
    direction: Direction,

    /// Also write all frames into one PNG, arranged like the hours on a clock.
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,

    /// Also write a file for `wrangler kv bulk put`.
    ///
    /// It stores the icon and all frames, and switches the Worker to them.
    #[arg(long, value_name = "FILE")]
    bulk: Option<PathBuf>,
}

/// One entry of a file for `wrangler kv bulk put`.
#[derive(Serialize)]
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

    // Writes nothing until everything has been made.
    RenderedFolder::write(&options.out, set, options.direction, &frames)?;
    let bytes: usize = frames.iter().map(|frame| frame.file.len()).sum();
    say(&format!(
        "Wrote {} ({} kB) into {}.",
        frames_in_words(frames.len()),
        bytes / 1000,
        shown(&options.out)
    ));
    if let Some(lowered) = lowered_in_words(&frames) {
        say(&lowered);
    }
    if let Some((path, png)) = sheet {
        rendered::write(path, &png)?;
        say(&format!(
            "Wrote all frames, arranged like a clock, into {}.",
            shown(path)
        ));
    }
    if let Some(path) = &options.bulk {
        return bulk(&source, &frames, path);
    }
    say("To write a file for `wrangler kv bulk put` too, add --bulk FILE.");
    Ok(())
}

/// Writes everything that a Worker's store needs into one file.
fn bulk(source: &Source, frames: &[Frame], path: &Path) -> Result<()> {
    let set = source.set();
    let icon = source.stored_icon();
    let current = source.current()?;
    let values = frames
        .iter()
        .map(|frame| (set.frame_key(frame.number), frame.file.as_slice()))
        .chain(icon.iter().map(|icon| (set.icon_key(), icon.as_slice())))
        .chain([(CURRENT_KEY.to_owned(), current.as_bytes())]);
    let bytes =
        write_bulk(path, values).with_context(|| format!("cannot write {}", shown(path)))?;
    let path = shown(path);
    if bytes > MAX_BULK_BYTES {
        say(&format!(
            "Wrote {path}, which is larger than the {} MB that Cloudflare accepts at once: run \
             `rotate-icon publish` instead, which sends the frames in parts.",
            MAX_BULK_BYTES / 1_000_000
        ));
    } else {
        say(&format!("Wrote {path} for `wrangler kv bulk put`."));
    }
    Ok(())
}

/// Writes a file for `wrangler kv bulk put` and returns its size in bytes. Writes value by value:
/// all of them in base64 at once would take several times the memory of the frames.
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
