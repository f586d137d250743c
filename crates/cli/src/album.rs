//! `--album`: uses the pictures in a folder as frames, without rotating them.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use natural_sort_rs::natural_cmp;
use picture::Limits;
use rayon::prelude::*;
use rotate_icon_core::frames::render::{Frame, Icon, Recipe};
use rotate_icon_core::frames::set::FrameSet;
use rotate_icon_core::schedule::FrameCount;
use sha2::{Digest, Sha256};

use crate::decoding::guarded;
use crate::progress::Progress;
use crate::source::read_file;
use crate::text::shown;

/// The pictures of a folder, in the order of their names.
pub(crate) struct Album {
    pictures: Vec<Picture>,
    count: FrameCount,
}

/// A picture's file. Its bytes are not kept in memory, because an album may be larger than that.
struct Picture {
    path: PathBuf,
    sha256: [u8; 32],
}

impl Album {
    /// Lists a folder and hashes its files, from which the set's id is made.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let paths = paths(folder)?;
        let count = u16::try_from(paths.len()).ok().and_then(FrameCount::new);
        let count = count.with_context(|| match paths.len() {
            0 => format!("there is no picture in {}", shown(folder)),
            files => format!(
                "there are {files} files in {}, and an album has at most {}",
                shown(folder),
                FrameCount::MAX
            ),
        })?;
        let open = |path: PathBuf| {
            Ok(Picture {
                sha256: Sha256::digest(read_file(&path)?).into(),
                path,
            })
        };
        Ok(Self {
            pictures: paths.into_par_iter().map(open).collect::<Result<_>>()?,
            count,
        })
    }

    /// Describes the set of its frames.
    pub(crate) fn frame_set(&self, recipe: &Recipe) -> FrameSet {
        let digests = self.pictures.iter().map(|picture| &picture.sha256[..]);
        // No icon's file starts with this, so the id cannot be that of an icon.
        let parts = [&b"album"[..]].into_iter().chain(digests);
        recipe.album(parts, self.count)
    }

    /// Makes the frames with these numbers, in this order.
    pub(crate) fn frames(
        &self,
        recipe: &Recipe,
        wanted: &[u16],
        progress: &Progress,
    ) -> Result<Vec<Frame>> {
        let render = |number: &u16| {
            let picture = self.pictures.get(usize::from(*number));
            let picture = picture.context("an album has no such picture")?;
            let file = picture.read()?;
            // Frame 0 is never rotated, however many frames there are.
            let frame = guarded(|| Icon::read(&file, recipe, Limits::COMPUTER))
                .map_err(anyhow::Error::from)
                .and_then(|icon| Ok(icon.frame(0, self.count)?))
                .with_context(|| shown(&picture.path))?;
            progress.advance(1);
            Ok(Frame {
                number: *number,
                ..frame
            })
        };
        wanted.par_iter().map(render).collect()
    }
}

impl Picture {
    /// Reads the file again, and fails if it has changed since the set's id was made.
    fn read(&self) -> Result<Vec<u8>> {
        let file = read_file(&self.path)?;
        let sha256: [u8; 32] = Sha256::digest(&file).into();
        ensure!(
            sha256 == self.sha256,
            "{} was changed just now; run this again",
            shown(&self.path)
        );
        Ok(file)
    }
}

/// Lists the files of a folder in the order of the frames. Refuses anything that may not be meant
/// as a frame: leaving it out would renumber all the others.
fn paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read the folder {}", shown(folder));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let path = entry.with_context(cannot_read)?.path();
        let name = path.file_name().expect("an entry of a folder has a name");
        if path.is_dir() {
            bail!(
                "{} is a folder; the pictures of an album lie in one folder, so move it elsewhere",
                shown(&path)
            );
        }
        if name.as_encoded_bytes().starts_with(b".") {
            bail!(
                "{} is a hidden file; every file of an album is a frame, so delete it or move it \
                 elsewhere",
                shown(&path)
            );
        }
        paths.push(path);
    }
    paths.sort_by(|one, other| by_name(one, other));
    Ok(paths)
}

/// Compares two paths by their file names: bytes by value, and whole numbers by theirs, so that
/// `2.jpg` comes before `10.jpg`. Names that differ only in leading zeros go by their bytes.
fn by_name(one: &Path, other: &Path) -> Ordering {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .as_encoded_bytes()
            .to_owned()
    };
    let (one, other) = (name(one), name(other));
    natural_cmp::<[u8], _>(&one, &other).then_with(|| one.cmp(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_by_value_and_the_rest_by_bytes() {
        let names = [
            "1.jpg",
            "2.jpg",
            "10.jpg",
            "10a.jpg",
            "B.jpg",
            "a-1.jpg",
            "a.jpg",
            "a0.jpg",
            "a1-9.jpg",
            "a1-10.jpg",
            "a2.jpg",
            "a99999999999999999999999.jpg",
            "b.jpg",
            "ä.jpg",
        ];
        for pair in names.map(Path::new).windows(2) {
            assert_eq!(by_name(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn a_folder_is_listed_in_order_whatever_the_leading_zeros() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["10.png", "1.png", "01.png", "2.png", "001.png"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let paths = paths(folder.path()).unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["001.png", "01.png", "1.png", "2.png", "10.png"]);
    }

    #[test]
    fn a_picture_that_changes_after_its_set_was_named_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.png");
        fs::write(&path, "one").unwrap();
        let album = Album::open(folder.path()).unwrap();
        let picture = album.pictures.first().unwrap();
        assert_eq!(picture.read().unwrap(), b"one");
        fs::write(&path, "two").unwrap();
        let error = picture.read().unwrap_err().to_string();
        assert!(error.contains("changed just now"), "{error}");
    }
}
