//! Reads JPEG, PNG, GIF and WebP files, also hostile ones, and makes a square of pixels.
//!
//! The header is checked against the [`Limits`] before anything is decoded, so a small file cannot
//! ask for much memory. A picture is decoded, cropped and scaled in the channels of its file,
//! converted to sRGB by its profile, drawn onto the background, and split into planes. Only
//! decoding and scaling handle more than the final square.

#![forbid(unsafe_code)]
// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod gif;
mod image_crate;
mod jpeg;
mod orientation;
mod png;
mod profile;
mod scaling;
mod square;
mod webp;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use pixels::plane::Planes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use profile::Profile;

pub use orientation::Orientation;
pub use square::{Colour, Crop, InvalidColour, InvalidCrop, Square};

/// How to make a square of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// The width and height of the square to make, in pixels.
    pub side: usize,
    /// The square to cut out of the picture.
    pub crop: Crop,
    /// The colour behind transparent parts.
    pub background: Colour,
}

/// Reads a picture file and makes a square of it: three planes of `side` by `side` samples, with
/// chroma at full size.
///
/// # Errors
/// When the file is not a picture, is broken or takes more memory than `limits` allow, and when
/// the square is not inside the picture.
///
/// # Examples
/// ```
/// use picture::{Colour, Crop, Limits, Options};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut file = std::io::Cursor::new(Vec::new());
/// image::RgbImage::new(640, 480).write_to(&mut file, image::ImageFormat::Png)?;
///
/// let options = Options {
///     side: 400,
///     crop: Crop::Centre,
///     background: Colour::WHITE,
/// };
/// let planes = picture::square(file.get_ref(), &options, Limits::COMPUTER)?;
/// assert_eq!((planes.luma.width(), planes.luma.height()), (400, 400));
/// # Ok(())
/// # }
/// ```
pub fn square(file: &[u8], options: &Options, limits: Limits) -> Result<Planes, PictureError> {
    let scaled = limits.beside(file, |limits| match file {
        [0x89, b'P', b'N', b'G', ..] => png::scaled(file, options, limits),
        _ => Picture::decode_within(file, Some(options), limits)?.scaled(options),
    });
    scaled?.into_planes(options.background)
}

/// How much decoding a picture may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most memory for the file and its decoding together, in bytes.
    pub memory: u64,
}

impl Limits {
    /// For a Worker, whose decoder has 64 MiB, that is 67 MB: one for the stack and constants, and
    /// up to six for the square, its profile and fragmentation.
    pub const WORKER: Self = Self { memory: 60_000_000 };

    /// For a computer.
    pub const COMPUTER: Self = Self {
        memory: 1_000_000_000,
    };

    /// Checks that decoding a picture with this many bytes per pixel stays within the limit.
    fn check(self, width: u32, height: u32, bytes_per_pixel: u64) -> Result<(), PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Empty);
        }
        let pixels = u64::from(width).saturating_mul(u64::from(height));
        let memory = pixels.saturating_mul(bytes_per_pixel);
        if memory > self.memory {
            return Err(self.too_large(width, height, memory));
        }
        Ok(())
    }

    /// Decodes a file in the memory that is left beside it. An error names the whole amount.
    fn beside<T>(
        self,
        file: &[u8],
        decode: impl FnOnce(Self) -> Result<T, PictureError>,
    ) -> Result<T, PictureError> {
        let file_bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let memory = self.memory.saturating_sub(file_bytes);
        decode(Self { memory }).map_err(|error| match error {
            PictureError::TooLarge {
                width,
                height,
                memory,
                ..
            } => self.too_large(width, height, memory.saturating_add(file_bytes)),
            error => error,
        })
    }

    /// The error for a picture that takes this much memory.
    fn too_large(self, width: u32, height: u32, memory: u64) -> PictureError {
        PictureError::TooLarge {
            width,
            height,
            memory,
            limit: self.memory,
        }
    }
}

/// Why a picture file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum PictureError {
    /// The format is not supported.
    #[error("this is {guess}, not a JPEG, PNG, GIF or WebP file; {advice}", guess = .0, advice = advice(.0))]
    Format(Cow<'static, str>),
    /// The picture has no pixels.
    #[error("this picture has no pixels")]
    Empty,
    /// Decoding the picture takes more memory than allowed.
    #[error(
        "this picture of {width}×{height} pixels takes {} MB to decode, and {} MB is the limit \
         here; make it smaller, no more than 400×400 pixels are shown anyway",
        memory.div_ceil(1_000_000),
        limit / 1_000_000
    )]
    TooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// The memory that decoding takes, in bytes.
        memory: u64,
        /// The most memory that it may take, in bytes.
        limit: u64,
    },
    /// The pixels of a PNG file unpack to more bytes than may be read row by row.
    #[error(
        "the pixels of this picture of {width}×{height} pixels unpack to {} MB, and a PNG file may \
         have {} MB of them here; make it smaller, no more than 400×400 pixels are shown anyway",
        bytes.div_ceil(1_000_000),
        limit / 1_000_000
    )]
    Unpacked {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// Of all pixels, in bytes.
        bytes: u64,
        /// How many there may be, in bytes.
        limit: u64,
    },
    /// The format is supported, but the file is broken.
    #[error("this {format} file is broken: {cause}; save or download it again")]
    Broken {
        /// The name of the format.
        format: Cow<'static, str>,
        /// What is wrong.
        cause: String,
    },
    /// The file uses a part of its format that is not supported.
    #[error(
        "this {format} file cannot be read here: {what}; convert it, for example by opening and saving it in another program"
    )]
    Unsupported {
        /// The name of the format.
        format: Cow<'static, str>,
        /// What is not supported.
        what: String,
    },
    /// Decoding ran out of memory, though the header had promised less.
    #[error(
        "this picture takes more memory to decode than there is here; make it smaller, no more than 400×400 pixels are shown anyway"
    )]
    Memory,
    /// The decoder crashed.
    #[error(
        "this picture cannot be decoded: the decoder failed at it; save it again with another program, or take another picture"
    )]
    Crashed,
    /// The square to cut out is not inside the picture.
    #[error("the square {crop} is not inside the picture of {width}×{height} pixels")]
    Crop {
        /// The square.
        crop: Crop,
        /// Of the upright picture, in pixels.
        width: usize,
        /// Of the upright picture, in pixels.
        height: usize,
    },
}

/// A decoded picture, before it is cropped and scaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels, as in the file.
    width: usize,
    /// In pixels, as in the file.
    height: usize,
    /// How to make the picture upright.
    orientation: Orientation,
    /// The colour profile; sRGB without one.
    profile: Option<Profile>,
    /// The scale of the decoded pixels in eighths of the width and height: 8, or less if the
    /// decoder has scaled the picture down.
    eighths: usize,
    /// [`Self::columns`] by [`Self::rows`] pixels.
    pixels: Pixels,
}

/// 8-bit pixels row by row, with interleaved channels.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pixels {
    Grey(Vec<u8>),
    Rgb(Vec<u8>),
    /// With straight alpha.
    Rgba(Vec<u8>),
    /// As in JFIF, with full range.
    YCbCr(Vec<u8>),
    /// The amounts of ink: cyan, magenta, yellow and black.
    Cmyk(Vec<u8>),
}

impl Picture {
    /// The width of the decoded pixels.
    fn columns(&self) -> usize {
        scaled(self.width, self.eighths)
    }

    /// The height of the decoded pixels.
    fn rows(&self) -> usize {
        scaled(self.height, self.eighths)
    }

    /// Decodes a file of any supported format. Of an animation, decodes the first picture.
    ///
    /// # Errors
    /// When the file has another format, is broken or takes too much memory.
    pub fn decode(file: &[u8], limits: Limits) -> Result<Self, PictureError> {
        limits.beside(file, |limits| Self::decode_within(file, None, limits))
    }

    /// Decodes a file in full, or scaled down as far as `options` allow if the format can do so.
    /// `limits` exclude the file itself.
    fn decode_within(
        file: &[u8],
        options: Option<&Options>,
        limits: Limits,
    ) -> Result<Self, PictureError> {
        match file {
            [0xff, 0xd8, 0xff, ..] => jpeg::decode(file, options, limits),
            [0x89, b'P', b'N', b'G', ..] => png::decode(file, limits),
            [b'G', b'I', b'F', b'8', ..] => gif::decode(file, limits),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => webp::decode(file, limits),
            _ => Err(PictureError::Format(guess(file).into())),
        }
    }

    /// Makes an upright picture of 8-bit RGBA pixels, row by row, with straight alpha. `None` if
    /// there are not `width` · `height` pixels.
    pub fn from_rgba(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(4)?;
        (bytes > 0 && bytes == pixels.len()).then_some(Self {
            width,
            height,
            orientation: Orientation::UPRIGHT,
            eighths: 8,
            profile: None,
            pixels: Pixels::Rgba(pixels),
        })
    }
}

/// Scales a width or height to a number of eighths, rounded up.
fn scaled(length: usize, eighths: usize) -> usize {
    length.saturating_mul(eighths).div_ceil(8)
}

/// Advice about a file whose format is not supported.
fn advice(guess: &str) -> &'static str {
    if guess == FORM {
        "send the file itself as the body"
    } else {
        "convert it to one of them"
    }
}

/// The guess for a file that a browser has wrapped in a form.
const FORM: &str = "a form";

/// Guesses the kind of an unsupported file, for the message.
fn guess(file: &[u8]) -> &'static str {
    match file {
        [] => "an empty file",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            // ISO/IEC 23008-12, and brands that phones write.
            [b'h', b'e', b'i' | b'v', ..] | [b'm' | b'M', b'i' | b's', b'f', b'1', ..] => {
                "a HEIC picture"
            }
            [b'a', b'v', b'i', ..] => "an AVIF picture",
            _ => "a video",
        },
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "a TIFF picture",
        [b'B', b'M', ..] => "a BMP picture",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', ..] => "a JPEG XL picture",
        [b'-', b'-', ..] => FORM,
        _ => guess_text(file.get(..file.len().min(512)).unwrap_or_default()),
    }
}

fn guess_text(start: &[u8]) -> &'static str {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // Cut off in the middle of a character.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => "",
        Err(_) => "\0",
    };
    if text.contains('\0') {
        "an unknown kind of file"
    } else if text.contains("<svg") {
        "an SVG drawing"
    } else {
        "a text"
    }
}

/// Makes the error for a broken file. Folds the decoder's words, which may have several lines, into
/// a sentence.
fn broken(format: &'static str) -> impl Fn(&dyn std::fmt::Display) -> PictureError {
    move |cause| {
        let cause = cause.to_string();
        let words: Vec<&str> = cause.split_whitespace().collect();
        PictureError::Broken {
            format: format.into(),
            cause: words.join(" ").trim_end_matches('.').to_owned(),
        }
    }
}

/// Makes the error for a file that uses an unsupported part of its format.
fn unsupported(format: &'static str) -> impl Fn(&str) -> PictureError {
    move |what| PictureError::Unsupported {
        format: format.into(),
        what: what.to_owned(),
    }
}
