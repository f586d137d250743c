//! Draws the frames of a set into one picture, arranged like the hours on a clock.

use std::f64::consts::TAU;
use std::io::Cursor;

use anyhow::{Context, Result};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgba, RgbaImage};
use rotate_icon_core::frames::render::Frame;

/// The width and height of the sheet in pixels.
const SHEET_SIZE: u32 = 600;

/// Draws all frames of a set as a PNG file with a transparent background. Frames are round, as
/// networks show them. At most twelve are drawn.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn png(frames: &[Frame]) -> Result<Vec<u8>> {
    let count = u32::try_from(frames.len())?;
    let shown = count.min(12);
    // Twelve frames touch from 0.205 of the sheet's size.
    let size = SHEET_SIZE / 5;
    let radius = f64::from(SHEET_SIZE - size) / 2.0;
    let mut sheet = RgbaImage::new(SHEET_SIZE, SHEET_SIZE);
    for hour in 0..shown {
        // The frame nearest to this hour.
        let n = (2 * hour * count + shown) / (2 * shown);
        let frame = frames.get(n as usize).context("a frame is missing")?;
        let frame = image::load_from_memory(&frame.file).context("a frame cannot be read back")?;
        let frame = round(&frame.into_rgba8(), size);
        let (sin, cos) = (TAU * f64::from(hour) / f64::from(shown)).sin_cos();
        let left = radius + radius * sin;
        let top = radius - radius * cos;
        imageops::overlay(&mut sheet, &frame, left as i64, top as i64);
    }
    let mut file = Cursor::new(Vec::new());
    sheet.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

/// Scales a frame and cuts it to a circle with a smooth edge.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn round(frame: &RgbaImage, size: u32) -> RgbaImage {
    let mut frame = imageops::resize(frame, size, size, FilterType::Lanczos3);
    let radius = f64::from(size) / 2.0;
    for (x, y, Rgba([_, _, _, alpha])) in frame.enumerate_pixels_mut() {
        let distance = (f64::from(x) + 0.5 - radius).hypot(f64::from(y) + 0.5 - radius);
        let inside = (radius - distance).clamp(0.0, 1.0) * 255.0;
        *alpha = (*alpha).min(inside as u8);
    }
    frame
}
