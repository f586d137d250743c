//! WebP files, lossy and lossless. Of an animation, the first picture is read.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;

use super::{Limits, Picture, PictureError, broken, image_crate};

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    // Chunks follow "RIFF", the length and "WEBP".
    let chunks = file.get(12..).unwrap_or_default();
    let bytes_per_pixel = bytes_per_pixel(chunks);
    // The decoder allocates a picture before it compares its size with the canvas.
    check_chunks(chunks, None, bytes_per_pixel, limits)?;
    let decoder = WebPDecoder::new(Cursor::new(file)).map_err(image_crate::refused("WebP"))?;
    image_crate::read(decoder, "WebP", bytes_per_pixel, limits)
}

/// The bytes per pixel that decoding takes, including the result.
fn bytes_per_pixel(mut chunks: &[u8]) -> u64 {
    // The result, planes with chroma at half size, and compressed data.
    let mut bytes = 6;
    while let Some(chunk) = Chunk::first_of(chunks) {
        bytes = bytes.max(match &chunk.name {
            // A frame, the canvas and the result.
            b"ANMF" => 12,
            // Transparency is decoded into four channels of its own.
            b"ALPH" => 11,
            // Four channels, and a result of three.
            b"VP8L" => 7,
            _ => 0,
        });
        chunks = chunk.rest;
    }
    bytes
}

/// Checks what the decoder would believe: the stated size of each picture, and that the chunks that
/// it reads into memory are in the file. `frame` is the size of the animation's frame that contains
/// the chunks, if any; frames are not nested.
fn check_chunks(
    mut chunks: &[u8],
    frame: Option<(u32, u32)>,
    bytes_per_pixel: u64,
    limits: Limits,
) -> Result<(), PictureError> {
    let broken = broken("WebP");
    let mut is_after_alpha = false;
    while let Some(chunk) = Chunk::first_of(chunks) {
        let size = match &chunk.name {
            b"ANMF" if frame.is_none() => {
                // The position and the size, two times 24 bits each; the duration; flags.
                if let [
                    _,
                    _,
                    _,
                    _,
                    _,
                    _,
                    w0,
                    w1,
                    w2,
                    h0,
                    h1,
                    h2,
                    _,
                    _,
                    _,
                    _,
                    chunks @ ..,
                ] = chunk.content
                {
                    let side = |a, b, c| u32::from_le_bytes([a, b, c, 0]).saturating_add(1);
                    let frame = (side(*w0, *w1, *w2), side(*h0, *h1, *h2));
                    check_chunks(chunks, Some(frame), bytes_per_pixel, limits)?;
                }
                None
            }
            b"VP8 " => lossy_size(chunk.content),
            // The decoder reads any chunk after alpha as a lossy picture.
            _ if is_after_alpha => lossy_size(chunk.content),
            b"VP8L" => lossless_size(chunk.content),
            b"ICCP" | b"EXIF" if !chunk.is_whole => return Err(broken(&"it ends too early")),
            _ => None,
        };
        if let Some((width, height)) = size {
            limits.check(width, height, bytes_per_pixel)?;
            if frame.is_some_and(|frame| frame != (width, height)) {
                return Err(broken(&"a frame has two sizes"));
            }
        }
        is_after_alpha = chunk.name == *b"ALPH";
        chunks = chunk.rest;
    }
    Ok(())
}

/// A chunk of a file (RFC 9649 §2.3).
struct Chunk<'a> {
    name: [u8; 4],
    /// The part that is in the file.
    content: &'a [u8],
    is_whole: bool,
    /// The bytes after the chunk.
    rest: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn first_of(chunks: &'a [u8]) -> Option<Self> {
        let (name, rest) = chunks.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        // Chunks are padded to an even length.
        let padded = length.saturating_add(length % 2);
        Some(Self {
            name: *name,
            content: rest.get(..length).unwrap_or(rest),
            is_whole: length <= rest.len(),
            rest: rest.get(padded..).unwrap_or_default(),
        })
    }
}

/// The width and height of a lossy picture (RFC 6386 §9.1).
fn lossy_size(content: &[u8]) -> Option<(u32, u32)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *content else {
        return None;
    };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Some((side(w0, w1), side(h0, h1)))
}

/// The width and height of a lossless picture (RFC 9649 §3.4).
fn lossless_size(content: &[u8]) -> Option<(u32, u32)> {
    let [0x2f, b0, b1, b2, b3, ..] = *content else {
        return None;
    };
    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
    let side = |bits: u32| (bits & 0x3fff).saturating_add(1);
    Some((side(bits), side(bits >> 14)))
}
