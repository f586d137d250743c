//! Picture files → a square of pixels: JPEG, PNG, GIF and WebP, whatever bytes come.
//!
//! The header is read and checked against the [`Limits`] before anything is
//! decoded, so that a small file cannot ask for a large memory. A picture goes
//! one way: decoded, cropped and scaled in the channels of its file, turned
//! into sRGB by its profile, laid on the background, taken apart into planes.
//! Only the first two steps see more than the square that is made.

#![forbid(unsafe_code)]
// Tests reckon with numbers of their own.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod decoder;
mod gif;
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

/// What is made of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// The width and height of the square that is made, in pixels.
    pub side: usize,
    /// Which square of the picture is taken.
    pub crop: Crop,
    /// What shows where the picture is transparent.
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

/// What may be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most memory that the file and decoding it may take, in bytes.
    pub memory: u64,
}

impl Limits {
    /// For a Worker, where a decoder has 64 MiB, which are 67 MB: one for the
    /// stack and what is constant, and up to six for the square that is made,
    /// its profile, and what is lost between what is allocated.
    pub const WORKER: Self = Self { memory: 60_000_000 };

    /// For a computer.
    pub const COMPUTER: Self = Self {
        memory: 1_000_000_000,
    };

    /// Lets a picture pass if decoding so many bytes a pixel stays below the
    /// limit.
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

    /// Decodes a file within what is left beside it. A refusal names all.
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

    /// The refusal of a picture that takes so much memory.
    fn too_large(self, width: u32, height: u32, memory: u64) -> PictureError {
        PictureError::TooLarge {
            width,
            height,
            memory,
            limit: self.memory,
        }
    }
}

/// A file that is no picture that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum PictureError {
    /// Not a format that is read here.
    #[error("this is {guess}, not a JPEG, PNG, GIF or WebP file; {advice}", guess = .0, advice = advice(.0))]
    Format(Cow<'static, str>),
    /// There are no pixels.
    #[error("this picture has no pixels")]
    Empty,
    /// More pixels than the limit lets pass.
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
        /// What decoding would take, in bytes.
        memory: u64,
        /// What it may take, in bytes.
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
    /// The file says what it is, but is broken.
    #[error("this {format} file is broken: {cause}; save or download it again")]
    Broken {
        /// The name of the format.
        format: Cow<'static, str>,
        /// What the decoder says.
        cause: String,
    },
    /// The file may be whole, but uses a part of its format that is not read
    /// here.
    #[error(
        "this {format} file cannot be read here: {what}; convert it, for example by opening and saving it in another program"
    )]
    Unsupported {
        /// The name of the format.
        format: Cow<'static, str>,
        /// What is not read.
        what: String,
    },
    /// Decoding needs more memory than there is, whatever the header says.
    #[error(
        "this picture takes more memory to decode than there is here; make it smaller, no more than 400×400 pixels are shown anyway"
    )]
    Memory,
    /// The decoder failed at the file.
    #[error(
        "this picture cannot be decoded: the decoder failed at it; save it anew with another program, or take another picture"
    )]
    Crashed,
    /// The square to crop is not in the picture.
    #[error("the square {crop} is not inside of the picture of {width}×{height} pixels")]
    Crop {
        /// The square.
        crop: Crop,
        /// Of the picture, the right way up, in pixels.
        width: usize,
        /// Of the picture, the right way up, in pixels.
        height: usize,
    },
}

/// A decoded picture, before anything is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels, as the file has it.
    width: usize,
    /// In pixels, as the file has it.
    height: usize,
    /// How it is to be turned to be the right way up.
    orientation: Orientation,
    /// What the colours are; sRGB without one.
    profile: Option<Profile>,
    /// How much the decoder has kept of the width and the height, in eighths: 8,
    /// or less where the file is scaled while it is decoded.
    eighths: usize,
    /// [`Self::columns`] by [`Self::rows`] of them.
    pixels: Pixels,
}

/// 8-bit pixels row by row, the channels of each together.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pixels {
    Grey(Vec<u8>),
    Rgb(Vec<u8>),
    /// Alpha is not multiplied into the others.
    Rgba(Vec<u8>),
    /// As in JFIF, with full range.
    YCbCr(Vec<u8>),
    /// How much ink there is of each: cyan, magenta, yellow and black.
    Cmyk(Vec<u8>),
}

impl Picture {
    /// The width of what is decoded, in pixels.
    fn columns(&self) -> usize {
        scaled(self.width, self.eighths)
    }

    /// The height of what is decoded, in pixels.
    fn rows(&self) -> usize {
        scaled(self.height, self.eighths)
    }

    /// Decodes a file of any of the formats.
    ///
    /// Of an animation, it is the first picture.
    ///
    /// # Errors
    /// When it is of another format, broken or too large.
    pub fn decode(file: &[u8], limits: Limits) -> Result<Self, PictureError> {
        limits.beside(file, |limits| Self::decode_within(file, None, limits))
    }

    /// Decodes a file as far as `options` need it, or in full: some formats can be
    /// scaled down in the process. `limits` are what there is beside the file.
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

    /// Takes the pixels of a picture that is the right way up, 8-bit RGBA row
    /// by row; alpha is not multiplied into the others. `None` if they are not
    /// `width` · `height`.
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

/// A width or height of which so many eighths are kept: the last pixel may
/// stand for a part that is not whole.
fn scaled(length: usize, eighths: usize) -> usize {
    length.saturating_mul(eighths).div_ceil(8)
}

/// What to do about a file that cannot be used.
fn advice(guess: &str) -> &'static str {
    if guess == FORM {
        "send the file itself as the body"
    } else {
        "convert it to one of them"
    }
}

/// What a browser makes around a file.
const FORM: &str = "a form";

/// What a file that cannot be used is, for the message.
fn guess(file: &[u8]) -> &'static str {
    match file {
        [] => "an empty file",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            // ISO/IEC 23008-12 and what phones write.
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
        // Cut off within a character.
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

/// A broken file of a format. What a decoder says becomes part of a sentence, and
/// some say it in several lines.
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

/// A file of a format that uses a part of it that is not read here.
fn unsupported(format: &'static str) -> impl Fn(&str) -> PictureError {
    move |what| PictureError::Unsupported {
        format: format.into(),
        what: what.to_owned(),
    }
}
