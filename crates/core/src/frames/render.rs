//! Icon → frames: rotate, encode.
//!
//! A frame is made in the same way whether alone or together with others. The icon is rotated by
//! less than the part of a circle that repeats, which is a quarter if the number of frames is
//! divisible by four. Quarter turns, which only move samples and lose nothing, do the rest.

use std::fmt;
use std::sync::OnceLock;

use thiserror::Error;

use crate::frames::options::{Fill, Rendering, Shape};
use crate::frames::set::FrameSet;
use crate::frames::size::{FRAME_SIZE, MAX_FRAME_BYTES};
use crate::frames::{png, y4m};
use crate::schedule::FrameCount;
use picture::{Colour, Crop, Limits, Options, PictureError};
use pixels::jpeg::{self, Coefficients, Quality};
use pixels::plane::{Plane, Planes};
use pixels::processor::join;
use pixels::rotation::{Angle, Outside, Surface};

/// Everything that makes frames out of a picture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// Which square of the picture is the icon.
    pub crop: Crop,
    /// The colour behind transparent parts of the picture.
    pub background: Colour,
    /// How the icon becomes frames.
    pub rendering: Rendering,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            crop: Crop::Centre,
            background: Colour::WHITE,
            rendering: Rendering::default(),
        }
    }
}

impl fmt::Display for Recipe {
    /// Writes all choices, and the version of the renderer. A change to it that changes the bytes
    /// of an album's frame has to change the version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            crop,
            background,
            rendering,
        } = self;
        write!(
            f,
            "version=4 size={FRAME_SIZE} crop={crop} background={background} {rendering}"
        )
    }
}

impl Recipe {
    /// How a picture becomes the square that is rotated.
    pub fn options(&self) -> Options {
        Options {
            side: FRAME_SIZE,
            crop: self.crop,
            background: self.background,
        }
    }

    /// The album of the pictures in these files, which are its frames in order.
    pub fn album<'a>(
        &self,
        files: impl IntoIterator<Item = &'a [u8]>,
        frames: FrameCount,
    ) -> FrameSet {
        let media_type = self.rendering.media_type();
        FrameSet::of_album(files, &self.to_string(), frames, media_type)
    }
}

/// Why a frame cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// It is larger than [`MAX_FRAME_BYTES`] at any quality.
    #[error(
        "the frame is larger than {MAX_FRAME_BYTES} bytes at any quality; simplify the icon{}",
        if matches!(.0, Shape::Circle) { " or render squares" } else { "" }
    )]
    TooLarge(Shape),
    /// The encoder refused it.
    #[error("the frame cannot be encoded")]
    Encode,
}

/// An encoded frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The number of the frame.
    pub number: u16,
    /// The JPEG or PNG file, at most [`MAX_FRAME_BYTES`].
    pub file: Vec<u8>,
    /// The JPEG quality, if it had to be lower than the one asked for.
    pub lowered_to: Option<Quality>,
}

/// An icon that is ready to be rotated: 400×400 pixels.
#[derive(Debug)]
pub struct Icon {
    /// The chroma planes have half the size for JPEG frames, the full size for PNG.
    planes: Planes,
    rendering: Rendering,
    surfaces: OnceLock<[Surface; 3]>,
}

impl Icon {
    /// Reads an icon from a picture file.
    ///
    /// # Errors
    /// If the file is not a picture that can be read within the limits.
    #[inline(never)]
    pub fn read(file: &[u8], recipe: &Recipe, limits: Limits) -> Result<Self, PictureError> {
        let square = picture::square(file, &recipe.options(), limits)?;
        Self::of_square(square, recipe.rendering).ok_or(PictureError::Empty)
    }

    /// Makes an icon of a square, as [`picture::square`] returns it: 400×400 pixels, with chroma
    /// planes at the full size. Returns `None` if it has another size.
    pub fn of_square(square: Planes, rendering: Rendering) -> Option<Self> {
        let planes = match rendering.shape {
            Shape::Square => Planes {
                blue: square.blue.halved(),
                red: square.red.halved(),
                luma: square.luma,
            },
            Shape::Circle => square,
        };
        fits(&planes, rendering).then(|| Self::of_planes(planes, rendering))
    }

    fn of_planes(planes: Planes, rendering: Rendering) -> Self {
        Self {
            planes,
            rendering,
            surfaces: OnceLock::new(),
        }
    }

    /// Reads an icon that [`Icon::to_stored`] has written for the same rendering. Returns `None`
    /// for anything else.
    pub fn from_stored(stored: &[u8], rendering: Rendering) -> Option<Self> {
        let planes = y4m::read(stored)?;
        fits(&planes, rendering).then(|| Self::of_planes(planes, rendering))
    }

    /// The icon as it is stored beside its frames. Each of them can be rendered from it alone.
    pub fn to_stored(&self) -> Vec<u8> {
        y4m::write(&self.planes).expect("an icon has chroma of half or full size")
    }

    /// The set of this icon's frames.
    pub fn frame_set(&self, frames: FrameCount) -> FrameSet {
        FrameSet::of_icon(&self.to_stored(), frames, self.rendering)
    }

    /// Renders frame `n` of N = `frames`: the icon rotated clockwise by n · 360° / N about its
    /// centre ((w − 1)/2, (h − 1)/2).
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] if it is too large at any quality.
    // At the edge, a function is compiled as a whole before it first runs, and most requests render
    // nothing.
    #[inline(never)]
    pub fn frame(&self, n: u16, frames: FrameCount) -> Result<Frame, FrameError> {
        let Place { base, quarters } = Place::of(n, frames);
        let rotated = self.rotated_to(base, frames);
        Encoder::new(&rotated, self.rendering)?.frame(n, quarters)
    }

    /// Renders frame `base` and all later frames that are quarter turns of it. Together they cost
    /// little more than one. The calls for all of [`bases`] return every frame once.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] if one is too large at any quality.
    pub fn frames_from(&self, base: u16, frames: FrameCount) -> Result<Vec<Frame>, FrameError> {
        let rotated = self.rotated_to(Place::of(base, frames).base, frames);
        let encoder = Encoder::new(&rotated, self.rendering)?;
        let step = bases(frames).len();
        let (upright, quarter_rotated): (Vec<_>, Vec<_>) = (base..frames.get())
            .step_by(step)
            .map(|n| (n, Place::of(n, frames).quarters))
            .partition(|(_, quarters)| quarters.is_multiple_of(2));
        let made = |places: Vec<(u16, u16)>| {
            let frames = places
                .into_iter()
                .map(|(n, quarters)| encoder.frame(n, quarters));
            frames.collect::<Result<Vec<Frame>, FrameError>>()
        };
        let (first, second) = join(|| made(upright), || made(quarter_rotated));
        let mut made = first?;
        made.extend(second?);
        Ok(made)
    }

    /// Renders all frames, on all processors of this machine, and returns them in order. Calls
    /// `made` for each frame that is finished.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] if one is too large at any quality.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn all_frames(
        &self,
        frames: FrameCount,
        made: impl Fn() + Sync,
    ) -> Result<Vec<Frame>, FrameError> {
        use rayon::prelude::*;

        let together = |base| {
            let together = self.frames_from(base, frames)?;
            for _ in &together {
                made();
            }
            Ok(together)
        };
        // The first is not rotated. As the shortest task it comes last, which fills the time that
        // is left.
        let bases = bases(frames).into_par_iter().rev();
        let all: Vec<_> = bases.map(together).collect::<Result<_, FrameError>>()?;
        let mut all: Vec<Frame> = all.into_iter().flatten().collect();
        all.sort_unstable_by_key(|frame| frame.number);
        Ok(all)
    }

    /// Frame `n` before it is encoded: 400×400 pixels.
    pub fn planes(&self, n: u16, frames: FrameCount) -> Planes {
        let Place { base, quarters } = Place::of(n, frames);
        let rotated = self.rotated_to(base, frames).map(Plane::to_bytes);
        if quarters == 0 {
            rotated
        } else {
            rotated.quarter_rotated(quarters)
        }
    }

    /// The icon rotated to a place that other frames are quarter turns of.
    fn rotated_to(&self, base: i16, frames: FrameCount) -> Planes<i16> {
        if base == 0 {
            return self.planes.map(Plane::to_fine);
        }
        let angle = Angle::from_degrees(f64::from(base) * 360.0 / f64::from(frames.get()));
        let [luma, blue, red] = self.surfaces();
        Planes {
            luma: luma.rotated(angle),
            blue: blue.rotated(angle),
            red: red.rotated(angle),
        }
    }

    fn surfaces(&self) -> &[Surface; 3] {
        self.surfaces.get_or_init(|| {
            let Planes { luma, blue, red } = &self.planes;
            let outside = match self.rendering.fill {
                Fill::Reflect => [Outside::Reflected; 3],
                Fill::Colour(Colour(colour)) => ycbcr(colour).map(Outside::Constant),
            };
            let [luma_outside, blue_outside, red_outside] = outside;
            let kernel = self.rendering.kernel;
            let (luma, [blue, red]) = join(
                || Surface::new(luma, kernel, luma_outside),
                || {
                    [(blue, blue_outside), (red, red_outside)]
                        .map(|(plane, outside)| Surface::new(plane, kernel, outside))
                },
            );
            [luma, blue, red]
        })
    }
}

/// Whether planes have the sizes of an icon for this rendering.
fn fits(planes: &Planes, rendering: Rendering) -> bool {
    let chroma = match rendering.shape {
        Shape::Square => FRAME_SIZE / 2,
        Shape::Circle => FRAME_SIZE,
    };
    let has_size = |plane: &Plane, side| (plane.width(), plane.height()) == (side, side);
    has_size(&planes.luma, FRAME_SIZE)
        && has_size(&planes.blue, chroma)
        && has_size(&planes.red, chroma)
}

/// The numbers of the frames that all others are quarter turns of: the first quarter of them if
/// their number is divisible by four, the first half if it is even, otherwise all.
pub fn bases(frames: FrameCount) -> std::ops::Range<u16> {
    let count = frames.get();
    let repeats = if count.is_multiple_of(4) {
        4
    } else if count.is_multiple_of(2) {
        2
    } else {
        1
    };
    0..count
        .checked_div(repeats)
        .expect("it repeats at least once")
}

/// How far a frame is rotated.
struct Place {
    /// The rotation that quarter turns are added to, in frames after frame 0; negative before it.
    base: i16,
    /// The number of quarter turns that are added.
    quarters: u16,
}

impl Place {
    // Frames are at most 1440.
    #[allow(clippy::cast_possible_wrap)]
    fn of(n: u16, frames: FrameCount) -> Self {
        let bases = bases(frames).end;
        let quarters_a_step = (bases.saturating_mul(4))
            .checked_div(frames.get())
            .expect("a set has at least one frame");
        let steps = n.checked_div(bases).expect("a set has at least one base");
        let base = n.checked_rem(bases).expect("a set has at least one base");
        // From the nearest quarter turn, it is at most an eighth of a circle.
        let nearer_to_next = quarters_a_step == 1 && base > bases / 2;
        let (base, steps) = if nearer_to_next {
            let before = bases.saturating_sub(base) as i16;
            (before.saturating_neg(), steps.saturating_add(1))
        } else {
            (base as i16, steps)
        };
        Self {
            base,
            quarters: steps.saturating_mul(quarters_a_step) % 4,
        }
    }
}

/// A colour in R′G′B′, converted to Y′CbCr.
fn ycbcr(colour: [u8; 3]) -> [u8; 3] {
    let pixel = Planes::from_rgb(1, 1, &[colour]);
    let Planes { luma, blue, red } = pixel.expect("one pixel fills one by one");
    [&luma, &blue, &red].map(|plane| plane.nearest(0, 0))
}

/// Encodes a rotated icon and its quarter turns. The work that they have in common is done once.
struct Encoder<'a> {
    rotated: &'a Planes<i16>,
    rendering: Rendering,
    coefficients: Option<Coefficients>,
    upright: OnceLock<jpeg::CodedScan>,
    quarter_rotated: OnceLock<Option<jpeg::CodedScan>>,
}

impl<'a> Encoder<'a> {
    fn new(rotated: &'a Planes<i16>, rendering: Rendering) -> Result<Self, FrameError> {
        let coefficients = match rendering.shape {
            Shape::Square => {
                Some(Coefficients::of(rotated, rendering.quality).ok_or(FrameError::Encode)?)
            }
            Shape::Circle => None,
        };
        Ok(Self {
            rotated,
            rendering,
            coefficients,
            upright: OnceLock::new(),
            quarter_rotated: OnceLock::new(),
        })
    }

    /// Encodes frame `number`, which is this number of quarter turns further.
    fn frame(&self, number: u16, quarters: u16) -> Result<Frame, FrameError> {
        let Some(coefficients) = &self.coefficients else {
            let rotated = self.rotated.map(Plane::to_bytes).quarter_rotated(quarters);
            let file = png::circle(&rotated).ok_or(FrameError::Encode)?;
            if file.len() > MAX_FRAME_BYTES {
                return Err(FrameError::TooLarge(Shape::Circle));
            }
            return Ok(Frame {
                number,
                file,
                lowered_to: None,
            });
        };
        let file = self.jpeg(coefficients, quarters);
        let file = file.ok_or(FrameError::Encode)?;
        if file.len() <= MAX_FRAME_BYTES {
            return Ok(Frame {
                number,
                file,
                lowered_to: None,
            });
        }
        self.lowered(number, quarters)
    }

    /// The JPEG file of these coefficients after a number of quarter turns.
    fn jpeg(&self, coefficients: &Coefficients, quarters: u16) -> Option<Vec<u8>> {
        let scan = if quarters.is_multiple_of(2) {
            self.upright.get_or_init(|| coefficients.upright())
        } else {
            let quarter_rotated = || coefficients.quarter_rotated();
            self.quarter_rotated.get_or_init(quarter_rotated).as_ref()?
        };
        Some(if quarters % 4 < 2 {
            scan.to_file()
        } else {
            scan.to_half_rotated_file()
        })
    }

    /// Encodes a frame at the best quality at which it is small enough.
    fn lowered(&self, number: u16, quarters: u16) -> Result<Frame, FrameError> {
        let at = |quality: u8| {
            let quality = Quality::new(quality)?;
            let rendering = Rendering {
                quality,
                ..self.rendering
            };
            let encoder = Encoder::new(self.rotated, rendering).ok()?;
            let file = encoder.jpeg(encoder.coefficients.as_ref()?, quarters)?;
            (file.len() <= MAX_FRAME_BYTES).then_some(Frame {
                number,
                file,
                lowered_to: Some(quality),
            })
        };
        let (mut small_enough, mut too_large) = (0, self.rendering.quality.get());
        let mut best = None;
        while too_large.saturating_sub(small_enough) > 1 {
            let middle = small_enough.midpoint(too_large);
            match at(middle) {
                Some(frame) => (small_enough, best) = (middle, Some(frame)),
                None => too_large = middle,
            }
        }
        best.ok_or(FrameError::TooLarge(Shape::Square))
    }
}

#[cfg(test)]
mod tests;
