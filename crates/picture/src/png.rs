//! PNG files: every colour type and depth, interlaced or not.
//!
//! Uses the decoder of `image` directly: `image` would keep 16-bit samples, which take twice the
//! memory, and does not give single rows. So a picture of any size is read in a few megabytes,
//! unless it is interlaced.

use std::io::{Cursor, ErrorKind};

use png::{ColorType, Decoder, DecodingError, Info, Limits as PngLimits, Reader, Transformations};

use super::scaling::{self, Scaler, Wrap};
use super::square::{Scaled, part};
use super::{Limits, Options, Orientation, Picture, PictureError, Pixels, Profile, broken};

/// The most memory for the decoder itself, in bytes: more than a row, a profile and EXIF data take.
const METADATA: usize = 8 << 20;

/// The most bytes to unpack row by row. Unpacking a small file to many bytes takes time, if no
/// memory; a photo of 48 megapixels has 144 MB. A larger picture must fit into memory as a whole.
const MAX_UNPACKED: usize = 400_000_000;

/// A file whose chunks before the pixels were read.
struct Source<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    /// Without pixels yet.
    picture: Picture,
    wrap: Wrap,
}

/// Decodes all pixels.
pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    Source::open(file)?.decode(limits, 0)
}

/// Decodes a file row by row and keeps only the square that `options` name.
pub(super) fn scaled(
    file: &[u8],
    options: &Options,
    limits: Limits,
) -> Result<Scaled, PictureError> {
    let source = Source::open(file)?;
    if source.reader.info().interlaced {
        source.decode(limits, options.side)?.scaled(options)
    } else {
        source.scaled(options, limits)
    }
}

impl<'a> Source<'a> {
    fn open(file: &'a [u8]) -> Result<Self, PictureError> {
        let limits = PngLimits { bytes: METADATA };
        let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
        decoder.set_transformations(Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        let reader = decoder.read_info().map_err(refused)?;
        let info = reader.info();
        // The decoder relies on complete colours.
        let palette = info.palette.as_deref().unwrap_or_default();
        if !palette.len().is_multiple_of(3) {
            return Err(broken("PNG")(&"its palette ends within a colour"));
        }
        let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
        let picture = Picture {
            width: side(info.width),
            height: side(info.height),
            orientation: exif(file).map_or(Orientation::UPRIGHT, Orientation::from_exif),
            profile: profile(info),
            eighths: 8,
            pixels: Pixels::Grey(Vec::new()),
        };
        let wrap: Wrap = match reader.output_color_type().0 {
            ColorType::Grayscale => Pixels::Grey,
            ColorType::Rgb | ColorType::Indexed => Pixels::Rgb,
            ColorType::Rgba | ColorType::GrayscaleAlpha => Pixels::Rgba,
        };
        Ok(Self {
            reader,
            picture,
            wrap,
        })
    }

    fn scaled(mut self, options: &Options, limits: Limits) -> Result<Scaled, PictureError> {
        let square = self.picture.square_in_file(options.crop)?;
        let strip = scaling::memory(square.side, options.side, self.channels());
        // The rows that are unpacked, filtered and scaled.
        let rows = self.picture.width.saturating_mul(8 * 4);
        self.check(strip.saturating_add(rows), limits)?;
        let unpacked = self.reader.output_buffer_size().unwrap_or(usize::MAX);
        if unpacked > MAX_UNPACKED {
            let bytes = u64::try_from(unpacked).unwrap_or(u64::MAX);
            let limit = u64::try_from(MAX_UNPACKED).unwrap_or(u64::MAX);
            if limits.memory < limit {
                let (width, height) = self.reader.info().size();
                return Err(PictureError::Unpacked {
                    width,
                    height,
                    bytes,
                    limit,
                });
            }
            self.check(unpacked, limits)?;
        }

        let mut scaler = Scaler::new(self.wrap, square.side, options.side)?;
        let wanted = square.top..square.top.saturating_add(square.side);
        for y in 0..self.picture.height {
            let (colours, _) = self.reader.output_color_type();
            let row = self.reader.next_row().map_err(refused)?;
            let row = row.ok_or(PictureError::Empty)?;
            if !wanted.contains(&y) {
                continue;
            }
            let row = part(row.data(), self.picture.width, square);
            if colours == ColorType::GrayscaleAlpha {
                scaler.push(&with_colour(row))?;
            } else {
                scaler.push(row)?;
            }
        }
        // Reads to the end of the image data.
        self.reader.next_row().map_err(refused)?;
        Ok(Scaled {
            side: options.side,
            pixels: scaler.finish()?,
            orientation: self.picture.orientation,
            profile: self.picture.profile,
        })
    }

    /// Decodes all pixels. Also checks that there is memory to scale them to `side` pixels.
    fn decode(mut self, limits: Limits, side: usize) -> Result<Picture, PictureError> {
        let bytes = self.reader.output_buffer_size();
        let bytes = bytes.ok_or(PictureError::Memory)?;
        let is_grey = self.reader.output_color_type().0 == ColorType::GrayscaleAlpha;
        // Grey with alpha is expanded to RGBA.
        let all = if is_grey {
            bytes.saturating_mul(3)
        } else {
            bytes
        };
        let (width, height) = (self.picture.width, self.picture.height);
        let strip = scaling::memory(width.min(height), side, self.channels());
        self.check(all.saturating_add(strip), limits)?;

        let mut samples = vec![0; bytes];
        self.reader.next_frame(&mut samples).map_err(refused)?;
        let samples = if is_grey {
            with_colour(&samples)
        } else {
            samples
        };
        self.picture.pixels = (self.wrap)(samples);
        Ok(self.picture)
    }

    fn channels(&self) -> usize {
        match (self.wrap)(Vec::new()) {
            Pixels::Grey(_) => 1,
            Pixels::Rgb(_) | Pixels::YCbCr(_) => 3,
            Pixels::Rgba(_) | Pixels::Cmyk(_) => 4,
        }
    }

    fn check(&self, memory: usize, limits: Limits) -> Result<(), PictureError> {
        let memory = u64::try_from(memory).unwrap_or(u64::MAX);
        if memory <= limits.memory {
            return Ok(());
        }
        let (width, height) = self.reader.info().size();
        Err(limits.too_large(width, height, memory))
    }
}

/// Converts the decoder's error.
fn refused(error: DecodingError) -> PictureError {
    match error {
        DecodingError::LimitsExceeded => PictureError::Memory,
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            broken("PNG")(&"it ends too early")
        }
        error => broken("PNG")(&in_words(&error)),
    }
}

/// The words of the decoder as a plain sentence: it prints chunks and errors of decompression as
/// Rust structures.
fn in_words(error: &DecodingError) -> String {
    let words = error.to_string();
    let chunk = words
        .split_once("ChunkType { type: ")
        .and_then(|(_, rest)| rest.split_once(", critical: "))
        .map(|(chunk, _)| chunk);
    match chunk {
        _ if words.starts_with("Corrupt deflate stream") => {
            "its compressed data are damaged".to_owned()
        }
        Some(chunk) if words.starts_with("CRC error") => {
            format!("the checksum of its chunk {chunk} is wrong")
        }
        Some(chunk) if words.starts_with("Chunk length wrong") => {
            format!("the length of its chunk {chunk} is wrong")
        }
        Some(chunk) => format!("its chunk {chunk} is in the wrong place"),
        None => words,
    }
}

/// Reads the colour profile from the chunk that takes precedence (PNG §4.3). Ignores `gAMA` and
/// `cHRM`: nearly all files that have them state sRGB's values.
fn profile(info: &Info<'_>) -> Option<Profile> {
    if let Some(points) = info.coding_independent_code_points {
        return Some(Profile::CodePoints {
            primaries: points.color_primaries,
            transfer: points.transfer_function,
        });
    }
    let profile = info.icc_profile.as_ref()?;
    Some(Profile::Icc(profile.to_vec()))
}

/// Finds the content of the first `eXIf` chunk (PNG §5.3). It may follow the pixels, but the
/// position of the square in the file depends on it.
fn exif(file: &[u8]) -> Option<&[u8]> {
    /// The length of the checksum after a chunk's content.
    const CRC: usize = 4;
    // Chunks follow the signature.
    let mut chunks = file.get(8..)?;
    loop {
        let (length, rest) = chunks.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (content, rest) = rest.split_at_checked(length)?;
        if name == b"eXIf" {
            return Some(content);
        }
        chunks = rest.get(CRC..)?;
    }
}

/// Converts grey with alpha to RGBA.
fn with_colour(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks();
    let rgba = |[grey, alpha]: &[u8; 2]| [*grey, *grey, *grey, *alpha];
    pixels.iter().flat_map(rgba).collect()
}
