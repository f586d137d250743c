//! GIF files: the first picture.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};

use super::{Limits, Orientation, Picture, PictureError, Pixels, broken};

/// The bytes of a pixel in RGBA.
const RGBA: usize = 4;

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let broken = broken("GIF");
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    if let Some(limit) = NonZeroU64::new(limits.memory) {
        options.set_memory_limit(MemoryLimit::Bytes(limit));
    }
    let mut decoder = options.read_info(file).map_err(|error| broken(&error))?;
    let (width, height) = (decoder.width(), decoder.height());
    // The canvas and a picture as large.
    limits.check(width.into(), height.into(), 8)?;

    let frame = decoder
        .read_next_frame()
        .map_err(|error| broken(&error))?
        .ok_or(PictureError::Empty)?;
    let (width, height) = (usize::from(width), usize::from(height));
    let row_bytes = width.saturating_mul(RGBA);
    // Where the picture does not cover the canvas, that is transparent.
    let mut canvas = vec![0; row_bytes.saturating_mul(height)];
    let frame_row_bytes = usize::from(frame.width).saturating_mul(RGBA).max(1);
    let rows = canvas
        .chunks_exact_mut(row_bytes)
        .skip(frame.top.into())
        .zip(frame.buffer.chunks_exact(frame_row_bytes));
    for (to, from) in rows {
        let to = to.chunks_exact_mut(RGBA).skip(frame.left.into());
        for (to, from) in to.zip(from.chunks_exact(RGBA)) {
            to.copy_from_slice(from);
        }
    }
    Ok(Picture {
        width,
        height,
        orientation: Orientation::UPRIGHT,
        eighths: 8,
        pixels: Pixels::Rgba(canvas),
    })
}
