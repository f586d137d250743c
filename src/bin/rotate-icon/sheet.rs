//! All frames of a set in one picture, each where it stands on a clock.

use std::f64::consts::TAU;
use std::io::Cursor;

use anyhow::Result;
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgba, RgbaImage};
use rotate_icon::frames::Icon;

/// The width and height of the sheet in pixels.
const SHEET_SIZE: u32 = 600;

/// The sheet as a PNG file with a transparent ground; frames are round, as
/// networks show them, and at most twelve stand around the clock.
#[allow(clippy::cast_possible_truncation, clippy::arithmetic_side_effects)]
pub(crate) fn png(icon: &Icon) -> Result<Vec<u8>> {
    let frames = icon.frame_set().frames().get();
    let shown = frames.min(12);
    // The largest size at which twelve do not touch is 0.205 of the sheet.
    let size = SHEET_SIZE / 5;
    let radius = f64::from(SHEET_SIZE - size) / 2.0;
    let mut sheet = RgbaImage::new(SHEET_SIZE, SHEET_SIZE);
    for hour in 0..shown {
        let share = f64::from(hour) / f64::from(shown);
        let n = (share * f64::from(frames)).round();
        // At most 1439.
        #[allow(clippy::cast_sign_loss)]
        let frame = imageops::resize(&icon.turned(n as u16), size, size, FilterType::Lanczos3);
        let (sin, cos) = (share * TAU).sin_cos();
        let left = radius + radius * sin;
        let top = radius - radius * cos;
        imageops::overlay(&mut sheet, &round(&frame), left as i64, top as i64);
    }
    let mut file = Cursor::new(Vec::new());
    sheet.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

/// A picture cut to the circle in it, with a smooth edge.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn round(frame: &image::RgbImage) -> RgbaImage {
    let radius = f64::from(frame.width()) / 2.0;
    RgbaImage::from_fn(frame.width(), frame.height(), |x, y| {
        let distance = (f64::from(x) + 0.5 - radius).hypot(f64::from(y) + 0.5 - radius);
        let alpha = ((radius - distance).clamp(0.0, 1.0) * 255.0) as u8;
        let [r, g, b] = frame.get_pixel(x, y).0;
        Rgba([r, g, b, alpha])
    })
}
