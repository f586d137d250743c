//! `--from-animation`: uses the pictures of an animated GIF as frames, without rotating them.

use std::collections::BTreeMap;
use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use gif::DecodeOptions;
use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, ImageDecoder, RgbaImage};
use picture::{Limits, Picture, PictureError};
use rayon::prelude::*;
use rotate_icon_core::frames::render::{Frame, Icon, Recipe};
use rotate_icon_core::frames::set::FrameSet;
use rotate_icon_core::schedule::FrameCount;

use crate::decoding::guarded;
use crate::progress::Progress;

/// The most pictures an animation may have: more than three minutes at 50 a second.
const MAX_PICTURES: usize = 10_000;

/// The most pixels in all pictures together: 2400 pictures of 1920×1080. Every picture is drawn
/// onto the previous one, even if it becomes no frame.
const MAX_PIXELS: u64 = 5_000_000_000;

/// The bytes per pixel that composing pictures takes: the canvas, the canvas to restore and the
/// picture, 4 each.
const BYTES_A_PIXEL: u64 = 12;

/// An animated GIF.
pub(crate) struct Animation {
    file: Vec<u8>,
    pictures: Pictures,
    frames: FrameCount,
}

/// What the headers of an animation say about its pictures.
struct Pictures {
    /// When each picture begins, in hundredths of a second.
    begins: Vec<u64>,
    /// The duration of the animation, in hundredths of a second.
    duration: u64,
    /// The number of pixels on the canvas.
    pixels: u64,
}

impl Animation {
    /// Reads everything except the pixels. Refuses an animation that would take too much time or
    /// memory to decode.
    pub(crate) fn open(file: Vec<u8>, frames: FrameCount) -> Result<Self> {
        Ok(Self {
            pictures: guarded(|| Pictures::of(&file))?,
            file,
            frames,
        })
    }

    /// Describes the set of its frames.
    pub(crate) fn frame_set(&self, recipe: &Recipe) -> FrameSet {
        // No icon's file starts with this, so the id cannot be that of an icon.
        recipe.album([b"animation", self.file.as_slice()], self.frames)
    }

    /// Makes the frames with these numbers.
    pub(crate) fn frames(
        &self,
        recipe: &Recipe,
        wanted: &[u16],
        progress: &Progress,
    ) -> Result<Vec<Frame>> {
        // Maps each picture to the frames that show it.
        let mut shown_in: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
        for number in wanted {
            let picture = self.pictures.seen_in(*number, self.frames);
            shown_in.entry(picture).or_default().push(*number);
        }
        let render = |(picture, numbers): (RgbaImage, Vec<u16>)| {
            let frame = guarded(|| self.frame_of(picture, recipe))?;
            progress.advance(numbers.len());
            Ok(numbers.into_iter().map(move |number| Frame {
                number,
                ..frame.clone()
            }))
        };

        let mut pictures = guarded(|| {
            let mut decoder = GifDecoder::new(Cursor::new(&self.file)).map_err(broken)?;
            let mut limits = image::Limits::no_limits();
            limits.max_alloc = Some(Limits::COMPUTER.memory);
            decoder.set_limits(limits).map_err(broken)?;
            Ok::<_, PictureError>(decoder.into_frames())
        })?;
        let mut next = 0;
        let mut frames = Vec::new();
        while !shown_in.is_empty() {
            // Pictures are decoded one after another and rendered in parallel.
            let mut together = Vec::new();
            while let Some(last) = shown_in.last_key_value().map(|(last, _)| *last)
                && next <= last
                && together.len() < self.pictures.kept_at_once()
            {
                let picture = guarded(|| {
                    let picture = pictures.next().context("the animation ends too early")?;
                    anyhow::Ok(picture.map_err(broken)?)
                })?;
                if let Some(numbers) = shown_in.remove(&next) {
                    together.push((picture.into_buffer(), numbers));
                }
                next += 1;
            }
            let rendered = together.into_par_iter().map(render);
            let rendered: Vec<_> = rendered.collect::<Result<_>>()?;
            frames.extend(rendered.into_iter().flatten());
        }
        frames.sort_unstable_by_key(|frame: &Frame| frame.number);
        Ok(frames)
    }

    /// Crops, scales and encodes a picture.
    fn frame_of(&self, picture: RgbaImage, recipe: &Recipe) -> Result<Frame> {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let picture = Picture::from_rgba(width, height, picture.into_raw());
        let square = picture
            .ok_or(PictureError::Empty)?
            .square(&recipe.options())?;
        let icon = Icon::of_square(square, recipe.rendering).ok_or(PictureError::Empty)?;
        // Frame 0 is never rotated, however many frames there are.
        Ok(icon.frame(0, self.frames)?)
    }
}

impl Pictures {
    fn of(file: &[u8]) -> Result<Self> {
        ensure!(
            file.starts_with(b"GIF8"),
            "--from-animation takes an animated GIF, and this is another kind of file; convert \
             it, or leave --from-animation out to turn its picture"
        );
        let mut options = DecodeOptions::new();
        options.skip_frame_decoding(true);
        let mut decoder = options.read_info(file).map_err(broken)?;
        let pixels = check_size(decoder.width(), decoder.height())?;

        let mut begins = Vec::new();
        let (mut duration, mut all_pixels) = (0, 0);
        while let Some(picture) = decoder.next_frame_info().map_err(broken)? {
            let own_pixels = check_size(picture.width, picture.height)?;
            begins.push(duration);
            duration += match picture.delay {
                // As in browsers: many files have this delay and mean the usual one.
                0 | 1 => 10,
                delay => u64::from(delay),
            };
            all_pixels += pixels.max(own_pixels);
            ensure!(
                begins.len() <= MAX_PICTURES && all_pixels <= MAX_PIXELS,
                "this animation has more than {MAX_PICTURES} pictures, or more than {} million \
                 pixels in all of them; make it shorter or smaller",
                MAX_PIXELS / 1_000_000
            );
        }
        if begins.len() < 2 {
            bail!("this GIF has one picture and is no animation; leave --from-animation out");
        }
        Ok(Self {
            begins,
            duration,
            pixels,
        })
    }

    /// Finds the picture that is visible after n/N of the duration.
    fn seen_in(&self, n: u16, frames: FrameCount) -> usize {
        let now = u64::from(n) * self.duration;
        let frames = u64::from(frames.get());
        let begun = self.begins.partition_point(|begin| begin * frames <= now);
        begun.saturating_sub(1)
    }

    /// The number of decoded pictures to keep at once: enough for all processors, but no more than
    /// fit into memory.
    fn kept_at_once(&self) -> usize {
        // Each picture is kept twice, with and without transparency.
        let most = Limits::COMPUTER.memory / (self.pixels * 8).max(1);
        let enough = rayon::current_num_threads() * 4;
        usize::try_from(most).unwrap_or(enough).clamp(1, enough)
    }
}

/// Returns the number of pixels, or an error if there are too many to decode.
fn check_size(width: u16, height: u16) -> Result<u64, PictureError> {
    let pixels = u64::from(width) * u64::from(height);
    let (memory, limit) = (pixels * BYTES_A_PIXEL, Limits::COMPUTER.memory);
    match pixels {
        0 => Err(PictureError::Empty),
        _ if memory > limit => Err(PictureError::TooLarge {
            width: width.into(),
            height: height.into(),
            memory,
            limit,
        }),
        _ => Ok(pixels),
    }
}

fn broken(error: impl std::error::Error) -> PictureError {
    PictureError::Broken {
        format: "GIF".into(),
        cause: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(begins: &[u64], duration: u64, frames: u16) -> Vec<usize> {
        let pictures = Pictures {
            begins: begins.to_vec(),
            duration,
            pixels: 1,
        };
        let count = FrameCount::new(frames).unwrap();
        (0..frames).map(|n| pictures.seen_in(n, count)).collect()
    }

    #[test]
    fn frames_are_even_parts_of_the_duration() {
        assert_eq!(seen(&[0, 10, 20], 30, 3), [0, 1, 2]);
        assert_eq!(seen(&[0, 10, 20], 30, 6), [0, 0, 1, 1, 2, 2]);
        assert_eq!(seen(&[0, 10, 20, 30], 40, 2), [0, 2]);
        // A picture that is visible for longer is in more frames.
        assert_eq!(seen(&[0, 10], 100, 10), [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        // A picture that comes and goes between two frames is in none.
        assert_eq!(seen(&[0, 51, 52], 100, 2), [0, 0]);
        assert_eq!(seen(&[0, 3, 6], 9, 1), [0]);
    }
}
