//! WebP files: lossy and lossless; of an animation, the first picture.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::{Limits, Orientation, Picture, PictureError, Pixels, broken};

/// What decoding takes a pixel, in bytes: four channels, and the planes or the
/// colours that they are made from.
const BYTES_PER_PIXEL: u64 = 8;

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let broken = broken("WebP");
    // After "RIFF", the length and "WEBP". The decoder takes the memory for a
    // picture before it compares the size with the canvas.
    check_chunks(file.get(12..).unwrap_or_default(), false, limits)?;
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(|error| broken(&error))?;
    decoder.set_memory_limit(usize::try_from(limits.memory).unwrap_or(usize::MAX));
    let (width, height) = decoder.dimensions();
    limits.check(width, height, BYTES_PER_PIXEL)?;

    let bytes = decoder.output_buffer_size().ok_or(PictureError::Empty)?;
    let mut samples = vec![0; bytes];
    decoder
        .read_image(&mut samples)
        .map_err(|error| broken(&error))?;
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.map(|exif| Orientation::from_exif(&exif));
    Ok(Picture {
        width: usize::try_from(width).unwrap_or_default(),
        height: usize::try_from(height).unwrap_or_default(),
        orientation: orientation.unwrap_or(Orientation::UPRIGHT),
        eighths: 8,
        pixels: if decoder.has_alpha() {
            Pixels::Rgba(samples)
        } else {
            Pixels::Rgb(samples)
        },
    })
}

/// Checks the size that each picture in a list of chunks says it has (RFC 9649
/// §2); frames of an animation are not within frames.
fn check_chunks(mut chunks: &[u8], are_of_frame: bool, limits: Limits) -> Result<(), PictureError> {
    /// A chunk with a frame of an animation begins with 16 bytes of its own.
    const FRAME_HEADER: usize = 16;
    while let [a, b, c, d, l0, l1, l2, l3, rest @ ..] = chunks {
        let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let content = rest.get(..length).unwrap_or(rest);
        match &[*a, *b, *c, *d] {
            b"ANMF" if !are_of_frame => {
                let chunks = content.get(FRAME_HEADER..).unwrap_or_default();
                check_chunks(chunks, true, limits)?;
            }
            b"VP8 " => {
                // RFC 6386 §9.1.
                if let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *content {
                    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                    limits.check(side(w0, w1), side(h0, h1), BYTES_PER_PIXEL)?;
                }
            }
            b"VP8L" => {
                // RFC 9649 §3.4.
                if let [0x2f, b0, b1, b2, b3, ..] = *content {
                    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
                    let side = |bits: u32| (bits & 0x3fff).saturating_add(1);
                    limits.check(side(bits), side(bits >> 14), BYTES_PER_PIXEL)?;
                }
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        let next = length.saturating_add(length % 2);
        chunks = rest.get(next..).unwrap_or_default();
    }
    Ok(())
}
