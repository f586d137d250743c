//! PNG files of round frames.

use png::{BitDepth, ColorType, Compression, Encoder};

use crate::frames::size::MAX_FRAME_BYTES;
use pixels::plane::Planes;

/// Encodes the circle in a square picture, with a smooth edge and nothing around it, as an RGBA
/// file. The chroma planes have the full size. Returns `None` if it cannot be encoded.
pub(crate) fn circle(planes: &Planes) -> Option<Vec<u8>> {
    let (width, height) = (planes.luma.width(), planes.luma.height());
    let mut pixels = Vec::with_capacity(width.checked_mul(height)?.checked_mul(4)?);
    let rgb = planes.to_rgb();
    for (y, row) in rgb.chunks(width).enumerate() {
        for (x, [r, g, b]) in row.iter().enumerate() {
            match alpha(x, y, width) {
                // Pixels that are not seen compress best if they are all the same.
                0 => pixels.extend([0; 4]),
                alpha => pixels.extend([*r, *g, *b, alpha]),
            }
        }
    }
    let fast = encode(&pixels, width, height, Compression::Fast)?;
    if fast.len() <= MAX_FRAME_BYTES {
        return Some(fast);
    }
    // A picture full of noise takes the slower compression to be small enough.
    encode(&pixels, width, height, Compression::Balanced)
}

fn encode(pixels: &[u8], width: usize, height: usize, compression: Compression) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let size = |side: usize| u32::try_from(side).ok();
    let mut encoder = Encoder::new(&mut file, size(width)?, size(height)?);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(compression);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(file)
}

/// How much of a pixel lies inside the circle in a square with this side, from 0 to 255.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn alpha(x: usize, y: usize, side: usize) -> u8 {
    let radius = side as f64 / 2.0;
    let (dx, dy) = (x as f64 + 0.5 - radius, y as f64 + 0.5 - radius);
    // IEEE 754 defines the square root to the last bit, so every machine agrees.
    let distance = (dx * dx + dy * dy).sqrt();
    ((radius - distance + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests;
