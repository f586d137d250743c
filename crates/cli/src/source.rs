//! The pictures that frames are made from: an icon, an album or an animation, as the options say.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{ArgGroup, Args};
use indicatif::HumanCount;
use picture::{Colour, Crop, Limits};
use pixels::jpeg::Quality;
use pixels::rotation::Kernel;
use rayon::prelude::*;
use rotate_icon_core::frames::options::{Fill, Rendering, Shape};
use rotate_icon_core::frames::render::{Frame, Icon, Recipe};
use rotate_icon_core::frames::set::FrameSet;
use rotate_icon_core::frames::size::MAX_FRAME_BYTES;
use rotate_icon_core::schedule::FrameCount;

use crate::album::Album;
use crate::animation::Animation;
use crate::decoding::guarded;
use crate::progress::Progress;
use crate::rendered::SET_FILE;
use crate::text::shown;

/// The options that choose the pictures and how frames are made from them.
#[derive(Args)]
#[command(group(ArgGroup::new("source").args(["icon", "album"]).required(true)))]
pub(crate) struct SourceArgs {
    /// The icon: a JPEG, PNG, GIF or WebP file.
    ///
    /// --crop chooses the square of a picture that is not square, --background the
    /// colour behind transparent parts. EXIF orientation is applied. Colours are converted
    /// to sRGB by the file's profile, as in browsers. Of an animation, the first picture is
    /// taken.
    #[arg(value_name = "ICON")]
    icon: Option<PathBuf>,

    /// Use the pictures in a folder as the frames, without turning them.
    ///
    /// The frames follow the order of the file names. Numbers count by value, so 2.jpg
    /// comes before 10.jpg. Each picture is cropped and scaled as an icon is. A folder
    /// holds 1 to 1440 pictures and nothing else: another file, a hidden file or a
    /// subfolder is an error.
    #[arg(long, value_name = "DIR")]
    album: Option<PathBuf>,

    /// Use the pictures of ICON, an animated GIF, as the frames, without turning them.
    ///
    /// Frame k of N is what the animation shows after k/N of its duration. As in
    /// browsers, a delay of 0 or 0.01 seconds counts as 0.1 seconds.
    #[arg(long, requires = "icon", conflicts_with = "album")]
    from_animation: bool,

    /// The number of frames in a rotation, 1 to 1440.
    #[arg(long, value_name = "N", default_value = "12", conflicts_with = "album")]
    frames: FrameCount,

    /// The square to cut out: `centre`, `top`, `bottom`, `left`, `right` or `LEFT,TOP,SIDE`.
    ///
    /// A name means the largest square at that place. LEFT,TOP,SIDE are in pixels, once
    /// EXIF orientation is applied.
    #[arg(long, value_name = "SQUARE", default_value_t)]
    crop: Crop,

    /// The colour behind transparent parts: `white`, `black` or `RRGGBB`.
    #[arg(long, value_name = "COLOUR", default_value = "white")]
    background: Colour,

    /// How to interpolate pixels: `nearest`, `bilinear`, `sharp`, `cubic`, `lanczos` or `spline`
    ///
    ///   nearest   the nearest pixel: hard edges, for pixel art
    ///   bilinear  linear, from 4 pixels: soft
    ///   sharp     a windowed sinc along rows and columns: crisp, and the fastest
    ///   cubic     cubic convolution (Catmull-Rom), from 16 pixels
    ///   lanczos   a windowed sinc, from 64 pixels: keeps fine detail, may ring at
    ///             hard edges
    ///   spline    a cubic spline through all pixels: the most accurate, and the
    ///             slowest
    #[arg(
        long,
        value_name = "KERNEL",
        default_value = "sharp",
        conflicts_with_all = ["album", "from_animation"],
        verbatim_doc_comment
    )]
    kernel: Kernel,

    /// What fills the corners of a turned icon: `reflect`, `black`, `white` or `RRGGBB`.
    ///
    /// `reflect` mirrors the icon at its edges. Networks that crop to a circle never show
    /// the corners.
    #[arg(
        long,
        value_name = "FILL",
        default_value = "reflect",
        conflicts_with_all = ["album", "from_animation"]
    )]
    fill: Fill,

    /// The shape of the frames: `square` (JPEG) or `circle` (PNG, transparent around it).
    #[arg(long, value_name = "SHAPE", default_value = "square")]
    shape: Shape,

    /// The JPEG quality, 1 to 100; lowered for a frame that would exceed 512,000 bytes.
    #[arg(long, value_name = "QUALITY", default_value = "95")]
    quality: Quality,
}

/// Pictures that were read, and the set that they make.
pub(crate) struct Source {
    recipe: Recipe,
    set: FrameSet,
    pictures: Pictures,
    /// The path of the file or folder.
    path: PathBuf,
}

/// The kinds of pictures.
enum Pictures {
    Icon(Box<Icon>),
    Album(Album),
    Animation(Animation),
}

impl SourceArgs {
    /// Reads the pictures.
    pub(crate) fn read(&self) -> Result<Source> {
        let recipe = Recipe {
            crop: self.crop,
            background: self.background,
            rendering: Rendering {
                kernel: self.kernel,
                fill: self.fill,
                shape: self.shape,
                quality: self.quality,
            },
        };
        let path = self.album.as_ref().or(self.icon.as_ref());
        let path = path.context("an ICON or --album is needed")?.clone();
        let (set, pictures) = if self.album.is_some() {
            let album = Album::open(&path)?;
            (album.frame_set(&recipe), Pictures::Album(album))
        } else {
            ensure!(
                !path.join(SET_FILE).is_file(),
                "{0} is a folder of rendered frames; `rotate-icon turn --rendered {0}` \
                 turns from it",
                shown(&path)
            );
            ensure!(
                !path.is_dir(),
                "{0} is a folder; to make its pictures the frames, write --album {0}",
                shown(&path)
            );
            let file = read_file(&path)?;
            self.of_file(file, &recipe).with_context(|| shown(&path))?
        };
        Ok(Source {
            recipe,
            set,
            pictures,
            path,
        })
    }

    fn of_file(&self, file: Vec<u8>, recipe: &Recipe) -> Result<(FrameSet, Pictures)> {
        if self.from_animation {
            let animation = Animation::open(file, self.frames)?;
            return Ok((animation.frame_set(recipe), Pictures::Animation(animation)));
        }
        let icon = guarded(|| Icon::read(&file, recipe, Limits::COMPUTER))?;
        let set = icon.frame_set(self.frames);
        Ok((set, Pictures::Icon(Box::new(icon))))
    }
}

impl Source {
    /// The set of frames.
    pub(crate) fn set(&self) -> &FrameSet {
        &self.set
    }

    /// The value that makes the set current in a store.
    pub(crate) fn current(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.set)?)
    }

    /// The icon to store beside the frames, from which the Worker can make a lost frame. `None` for
    /// an album or an animation.
    pub(crate) fn stored_icon(&self) -> Option<Vec<u8>> {
        match &self.pictures {
            Pictures::Icon(icon) => Some(icon.to_stored()),
            Pictures::Album(_) | Pictures::Animation(_) => None,
        }
    }

    /// Makes all frames, in order.
    pub(crate) fn all_frames(&self) -> Result<Vec<Frame>> {
        let all: Vec<u16> = (0..self.set.frames().get()).collect();
        self.frames(&all)
    }

    /// Makes the frames with these numbers, in ascending order, on all processors.
    pub(crate) fn frames(&self, wanted: &[u16]) -> Result<Vec<Frame>> {
        let progress = Progress::new("Rendering", wanted.len());
        let frames = match &self.pictures {
            Pictures::Icon(icon) => self.turned(icon, wanted, &progress),
            // Its errors name the file already.
            Pictures::Album(album) => return album.frames(&self.recipe, wanted, &progress),
            Pictures::Animation(animation) => animation.frames(&self.recipe, wanted, &progress),
        };
        frames.with_context(|| shown(&self.path))
    }

    fn turned(&self, icon: &Icon, wanted: &[u16], progress: &Progress) -> Result<Vec<Frame>> {
        let count = self.set.frames();
        let made = || progress.advance(1);
        // Making all frames together takes little more time than a quarter of them one by one.
        if wanted.len() * 4 > usize::from(count.get()) {
            let mut frames = icon.all_frames(count, made)?;
            frames.retain(|frame| wanted.contains(&frame.number));
            return Ok(frames);
        }
        let render = |number: &u16| {
            let frame = icon.frame(*number, count)?;
            made();
            Ok(frame)
        };
        wanted.par_iter().map(render).collect()
    }
}

/// Reads a picture file, unless it is larger than any picture that can be decoded.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let cannot_read = || format!("cannot read {}", shown(path));
    let metadata = fs::metadata(path).with_context(cannot_read)?;
    ensure!(metadata.is_file(), "{} is not a file", shown(path));
    ensure!(
        metadata.len() <= Limits::COMPUTER.memory,
        "{} is larger than any picture that can be read, {} MB",
        shown(path),
        Limits::COMPUTER.memory / 1_000_000
    );
    fs::read(path).with_context(cannot_read)
}

/// A number of frames in words.
pub(crate) fn frames_in_words(count: usize) -> String {
    match count {
        1 => "1 frame".to_owned(),
        _ => format!("{count} frames"),
    }
}

/// A message about frames whose quality had to be lowered; `None` if there are none.
pub(crate) fn lowered_in_words(frames: &[Frame]) -> Option<String> {
    let lowered = || frames.iter().filter_map(|frame| frame.lowered_to);
    let (lowest, highest) = (lowered().min()?, lowered().max()?);
    let to = if lowest == highest {
        lowest.to_string()
    } else {
        format!("{lowest}–{highest}")
    };
    Some(format!(
        "Lowered the quality of {} to {to}, so that none is larger than {} bytes.",
        frames_in_words(lowered().count()),
        HumanCount(MAX_FRAME_BYTES as u64)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(lowered_to: Option<u8>) -> Frame {
        Frame {
            number: 0,
            file: Vec::new(),
            lowered_to: lowered_to.and_then(Quality::new),
        }
    }

    #[test]
    fn a_lower_quality_is_told_in_words() {
        let told = |qualities: &[Option<u8>]| {
            let frames: Vec<_> = qualities.iter().map(|quality| frame(*quality)).collect();
            lowered_in_words(&frames)
        };
        assert_eq!(told(&[None, None]), None);
        let ending = "so that none is larger than 512,000 bytes.";
        assert_eq!(
            told(&[Some(90), None, Some(92), Some(87)]).unwrap(),
            format!("Lowered the quality of 3 frames to 87–92, {ending}")
        );
        assert_eq!(
            told(&[None, Some(92)]).unwrap(),
            format!("Lowered the quality of 1 frame to 92, {ending}")
        );
    }
}
