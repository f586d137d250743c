//! A folder of frames, as `render` writes it and `turn --rendered` reads it.
//!
//! | file | content |
//! |---|---|
//! | `frame-set.json` | [`Contents`] as JSON |
//! | `0.jpg`, `1.jpg`, … (or `.png`) | the frames, numbered in the direction that `Contents` names |

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use rotate_icon_core::frames::render::Frame;
use rotate_icon_core::frames::set::{CURRENT_KEY, FrameSet};
use rotate_icon_core::ports::MAX_VALUE_BYTES;
use rotate_icon_core::schedule::Direction;
use serde::{Deserialize, Serialize};

use crate::private_file;
use crate::text::shown;

/// The file that describes the others.
pub(crate) const SET_FILE: &str = "frame-set.json";

/// The most bytes that are read of that file, which has about 200.
const MAX_SET_BYTES: u64 = 10_000;

/// Describes the files of a folder.
#[derive(Serialize, Deserialize)]
struct Contents {
    /// The set that the frames belong to.
    set: FrameSet,
    /// The direction in which the files are numbered.
    direction: Direction,
}

/// A folder that `render` has written.
pub(crate) struct RenderedFolder {
    path: PathBuf,
    contents: Contents,
}

impl RenderedFolder {
    /// Writes all frames of a set into a folder, which is created if it does not exist.
    pub(crate) fn write(
        path: &Path,
        set: &FrameSet,
        direction: Direction,
        frames: &[Frame],
    ) -> Result<()> {
        fs::create_dir_all(path)
            .with_context(|| format!("cannot make the folder {}", shown(path)))?;
        // Removed first and written last, so that a folder with this file has all frames.
        let set_file = path.join(SET_FILE);
        match fs::remove_file(&set_file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot replace {}", shown(&set_file)));
            }
            _ => {}
        }
        let folder = Self {
            path: path.to_owned(),
            contents: Contents {
                set: set.clone(),
                direction,
            },
        };
        for n in 0..set.frames().get() {
            let frame = frames.get(usize::from(n));
            let frame = frame.ok_or_else(|| anyhow!("frame {n} was not rendered"))?;
            write(&folder.file_of(n), &frame.file)?;
        }
        let mut json = serde_json::to_vec(&folder.contents)?;
        json.push(b'\n');
        write(&set_file, &json)
    }

    /// Opens a folder and reads its description.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let set_file = path.join(SET_FILE);
        let json = private_file::read(&set_file, MAX_SET_BYTES)?;
        let json = json.with_context(|| format!("there is no file {}", shown(&set_file)))?;
        let contents = serde_json::from_slice(&json)
            .with_context(|| format!("{} is not as render writes it", shown(&set_file)))?;
        Ok(Self {
            path: path.to_owned(),
            contents,
        })
    }

    /// Reads what a Worker's store would have under a key: the set or one of its frames.
    pub(crate) fn read(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let set = &self.contents.set;
        if key == CURRENT_KEY {
            return Ok(Some(serde_json::to_vec(set)?));
        }
        let frame = (0..set.frames().get()).find(|n| set.frame_key(*n) == key);
        frame.map_or(Ok(None), |n| {
            private_file::read(&self.file_of(n), MAX_VALUE_BYTES as u64)
        })
    }

    /// The file of frame `n` of the set.
    fn file_of(&self, n: u16) -> PathBuf {
        let Contents { set, direction } = &self.contents;
        // The mapping of steps to frames is its own inverse.
        let step = direction.frame_after(n, set.frames());
        let extension = set.media_type().extension();
        self.path.join(format!("{step}.{extension}"))
    }
}

/// Writes or overwrites a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", shown(path)))
}
