//! `rotate-icon render`: the frames of an icon as files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use data_encoding::BASE64;
use rotate_icon::dial::{Direction, FrameCount};
use rotate_icon::frame_set::CURRENT_KEY;
use rotate_icon::frames::Icon;
use serde::Serialize;

use crate::say;

/// Write the frames of an icon into a folder.
///
/// Makes `0.jpg`, `1.jpg` and so on, each 400×400 pixels and at most 512,000
/// bytes, and `kv-bulk.json`, which stores the icon and all frames and makes
/// them the current set with one command:
///
///   npx wrangler kv bulk put DIR/kv-bulk.json --binding FRAMES --remote
///
/// `rotate-icon publish` does both at once and cleans up old sets.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Render {
    #[command(flatten)]
    icon: IconArgs,

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

/// The icon and what its frames should be.
#[derive(Args)]
pub(crate) struct IconArgs {
    /// The icon: a JPEG or PNG file.
    ///
    /// What is not square is cropped to the centre square, transparency is
    /// laid on white, and EXIF orientation is applied.
    #[arg(value_name = "ICON")]
    path: PathBuf,

    /// How many frames a rotation has, 1 to 1440.
    #[arg(long, value_name = "N", default_value = "12", value_parser = frame_count)]
    frames: FrameCount,
}

fn frame_count(text: &str) -> Result<FrameCount, String> {
    text.parse()
        .ok()
        .and_then(FrameCount::new)
        .ok_or_else(|| format!("has to be a whole number from 1 to {}", FrameCount::MAX))
}

/// An icon and the file that it was read from.
pub(crate) struct Source {
    pub(crate) icon: Icon,
    pub(crate) file: Vec<u8>,
    path: PathBuf,
}

impl IconArgs {
    /// Reads the icon.
    pub(crate) fn read(&self) -> Result<Source> {
        let path = self.path.display();
        let file = fs::read(&self.path).with_context(|| format!("cannot read {path}"))?;
        let icon = Icon::read(&file, self.frames).with_context(|| path.to_string())?;
        Ok(Source {
            icon,
            file,
            path: self.path.clone(),
        })
    }
}

impl Source {
    /// Renders frame `n`.
    pub(crate) fn frame(&self, n: u16) -> Result<Vec<u8>> {
        let frame = self.icon.frame(n);
        frame.with_context(|| self.path.display().to_string())
    }

    /// What is stored to make the set current.
    pub(crate) fn current(&self) -> Result<String> {
        Ok(serde_json::to_string(self.icon.frame_set())?)
    }
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
    let source = options.icon.read()?;
    let set = source.icon.frame_set();
    let frames: Vec<Vec<u8>> = (0..set.frames().get())
        .map(|n| source.frame(n))
        .collect::<Result<_>>()?;
    fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot make the folder {}", options.out.display()))?;

    for step in 0..set.frames().get() {
        let n = options.direction.frame_after(step, set.frames());
        let frame = frames.get(usize::from(n));
        let frame = frame.ok_or_else(|| anyhow!("frame {n} was not rendered"))?;
        let name = format!("{step}.{}", set.media_type().extension());
        write(&options.out.join(name), frame)?;
    }

    let current = source.current()?;
    let entries: Vec<BulkEntry> = (0..)
        .zip(&frames)
        .map(|(n, frame)| BulkEntry::new(set.frame_key(n), frame))
        .chain([
            BulkEntry::new(set.icon_key(), &source.file),
            BulkEntry::new(CURRENT_KEY.to_owned(), current.as_bytes()),
        ])
        .collect();
    let bulk = options.out.join("kv-bulk.json");
    write(&bulk, &serde_json::to_vec(&entries)?)?;

    if let Some(sheet) = &options.sheet {
        write(sheet, &crate::sheet::png(&source.icon)?)?;
        say(&format!(
            "Wrote all frames as a clock into {}.",
            sheet.display()
        ));
    }
    let bytes: usize = frames.iter().map(Vec::len).sum();
    say(&format!(
        "Wrote {} frames ({} kB) and kv-bulk.json into {}.",
        set.frames(),
        bytes / 1000,
        options.out.display()
    ));
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
