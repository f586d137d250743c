//! Icon → frames: decode, make square, turn, encode.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgb, RgbImage};
use thiserror::Error;

use crate::dial::FrameCount;
use crate::frame_set::{FrameSet, MediaType};
use crate::network::x::MAX_FRAME_BYTES;

/// The width and height of a frame in pixels: what the networks show at most.
pub const FRAME_SIZE: u32 = 400;

/// The JPEG quality that is tried first, 1 to 100.
const QUALITY: u8 = 92;

/// The widest and highest icon that is decoded, in pixels.
const MAX_ICON_SIZE: u32 = 12_000;

/// The most memory that decoding may take, in bytes.
const MAX_DECODE_BYTES: u64 = 512 << 20;

/// Everything about this file that changes a frame's bytes, for the name of a
/// set. A change to the code that does so has to change this too.
const RECIPE: &str = "rgb8 centre-square lanczos3 400px; bilinear reflect; jpeg 92; 1";

/// A picture that is no icon.
#[derive(Debug, Error)]
pub enum IconError {
    /// Not a format that is read here.
    #[error("the icon is neither a JPEG nor a PNG file; convert it to one of them")]
    Format,
    /// The file says what it is, but is broken or too large.
    #[error("the icon cannot be decoded: {0}")]
    Decode(image::ImageError),
    /// A frame is too large at any quality.
    #[error("a frame is larger than {MAX_FRAME_BYTES} bytes even at the lowest quality")]
    TooLarge,
    /// A frame cannot be encoded.
    #[error("a frame cannot be encoded: {0}")]
    Encode(image::ImageError),
}

/// An icon that is ready to be turned: 400×400 pixels, 8-bit RGB.
#[derive(Debug, Clone)]
pub struct Icon {
    pixels: RgbImage,
    set: FrameSet,
}

impl Icon {
    /// Reads a JPEG or PNG file for a set of so many frames.
    ///
    /// Its EXIF orientation is applied, alpha is laid on white, what is not
    /// square is cropped to the centre square, and the result is scaled to
    /// 400×400 (Lanczos, radius 3).
    ///
    /// # Errors
    /// When it is no such file, is broken, or is larger than 12,000 pixels on
    /// a side.
    pub fn read(file: &[u8], frames: FrameCount) -> Result<Self, IconError> {
        let picture = decode(file)?;
        let side = picture.width().min(picture.height());
        let left = picture.width().saturating_sub(side) / 2;
        let top = picture.height().saturating_sub(side) / 2;
        let square = imageops::crop_imm(&picture, left, top, side, side).to_image();
        let pixels = if side == FRAME_SIZE {
            square
        } else {
            imageops::resize(&square, FRAME_SIZE, FRAME_SIZE, FilterType::Lanczos3)
        };
        Ok(Self {
            pixels,
            set: FrameSet::describe(file, RECIPE, frames, MediaType::Jpeg),
        })
    }

    /// The frame set that this icon makes.
    pub fn frame_set(&self) -> &FrameSet {
        &self.set
    }

    /// Frame `n` in pixels: the icon turned clockwise by n · 360° / N about its
    /// centre ((w − 1)/2, (h − 1)/2).
    pub fn turned(&self, n: u16) -> RgbImage {
        let frames = u32::from(self.set.frames().get());
        let quarters = u32::from(n).saturating_mul(4);
        // A quarter turn moves whole pixels and loses nothing.
        match quarters.checked_rem(frames) {
            Some(0) => match quarters.checked_div(frames).unwrap_or_default() % 4 {
                0 => self.pixels.clone(),
                1 => imageops::rotate90(&self.pixels),
                2 => imageops::rotate180(&self.pixels),
                _ => imageops::rotate270(&self.pixels),
            },
            _ => turn(&self.pixels, f64::from(n) * 360.0 / f64::from(frames)),
        }
    }

    /// Frame `n` as a JPEG of at most [`MAX_FRAME_BYTES`]: the quality is as
    /// much lower than 92 as it takes.
    ///
    /// # Errors
    /// When no quality makes it small enough.
    pub fn frame(&self, n: u16) -> Result<Vec<u8>, IconError> {
        let pixels = self.turned(n);
        let mut quality = QUALITY;
        loop {
            let mut jpeg = Vec::new();
            pixels
                .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, quality))
                .map_err(IconError::Encode)?;
            if jpeg.len() <= MAX_FRAME_BYTES {
                return Ok(jpeg);
            }
            if quality == 1 {
                return Err(IconError::TooLarge);
            }
            quality = quality.saturating_sub(10).max(1);
        }
    }
}

fn decode(file: &[u8]) -> Result<RgbImage, IconError> {
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|_| IconError::Format)?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png)) {
        return Err(IconError::Format);
    }
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_ICON_SIZE);
    limits.max_image_height = Some(MAX_ICON_SIZE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(IconError::Decode)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(IconError::Decode)?;
    picture.apply_orientation(orientation);
    Ok(if picture.color().has_alpha() {
        on_white(&picture)
    } else {
        picture.into_rgb8()
    })
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [channels @ .., alpha] = from.0;
        to.0 = channels.map(|channel| {
            let alpha = f32::from(alpha) / 255.0;
            to_channel(f32::from(channel) * alpha + 255.0 * (1.0 - alpha))
        });
    }
    rgb
}

/// Turns a picture clockwise about its centre, by bilinear interpolation. What
/// lies outside of the picture is its mirror image.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn turn(pixels: &RgbImage, degrees: f64) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let centre_x = (f64::from(pixels.width()) - 1.0) / 2.0;
    let centre_y = (f64::from(pixels.height()) - 1.0) / 2.0;
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let (dx, dy) = (f64::from(x) - centre_x, f64::from(y) - centre_y);
        // y points down, so this turns back counterclockwise.
        let x = reflected(centre_x + dx * cos + dy * sin, pixels.width());
        let y = reflected(centre_y - dx * sin + dy * cos, pixels.height());
        let (left, top) = (x.floor(), y.floor());
        let (right_share, lower_share) = ((x - left) as f32, (y - top) as f32);
        let at = |x: f64, y: f64| {
            let x = (x as u32).min(pixels.width().saturating_sub(1));
            let y = (y as u32).min(pixels.height().saturating_sub(1));
            pixels.get_pixel(x, y).0.map(f32::from)
        };
        let upper = mix(at(left, top), at(left + 1.0, top), right_share);
        let lower = mix(at(left, top + 1.0), at(left + 1.0, top + 1.0), right_share);
        Rgb(mix(upper, lower, lower_share).map(to_channel))
    })
}

/// A coordinate mirrored into 0 to `size` − 1 at the middle of the outermost
/// pixels.
fn reflected(coordinate: f64, size: u32) -> f64 {
    let last = f64::from(size) - 1.0;
    if last <= 0.0 {
        return 0.0;
    }
    let folded = coordinate.rem_euclid(2.0 * last);
    folded.min(2.0 * last - folded)
}

fn mix(a: [f32; 3], b: [f32; 3], share_of_b: f32) -> [f32; 3] {
    let [a0, a1, a2] = a;
    let [b0, b1, b2] = b;
    [
        a0 + (b0 - a0) * share_of_b,
        a1 + (b1 - a1) * share_of_b,
        a2 + (b2 - a2) * share_of_b,
    ]
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn to_channel(value: f32) -> u8 {
    // Float to integer casts saturate.
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgba;

    fn count(frames: u16) -> FrameCount {
        FrameCount::new(frames).unwrap()
    }

    fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        picture
            .into()
            .write_to(&mut file, ImageFormat::Png)
            .unwrap();
        file.into_inner()
    }

    /// Black with a white disc of radius 20 that is 150 px above the centre.
    fn hand_at_twelve() -> Vec<u8> {
        png(RgbImage::from_fn(400, 400, |x, y| {
            let (dx, dy) = (f64::from(x) - 199.5, f64::from(y) - 49.5);
            Rgb([if dx.hypot(dy) < 20.0 { 255 } else { 0 }; 3])
        }))
    }

    /// Where the light of a picture has its centre, from the picture's centre;
    /// the corners, which networks do not show, are left out.
    fn centre_of_light(picture: &RgbImage) -> (f64, f64) {
        let (mut light, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let (x, y) = (f64::from(x) - 199.5, f64::from(y) - 199.5);
            if x.hypot(y) < 199.0 {
                let value = f64::from(pixel.0[1]);
                light += value;
                x_sum += value * x;
                y_sum += value * y;
            }
        }
        (x_sum / light, y_sum / light)
    }

    #[test]
    fn frame_k_is_turned_clockwise_by_its_share_of_the_circle() {
        for frames in [1, 7, 12, 60] {
            let icon = Icon::read(&hand_at_twelve(), count(frames)).unwrap();
            for n in 0..frames {
                let (x, y) = centre_of_light(&icon.turned(n));
                let angle = (f64::from(n) * 360.0 / f64::from(frames)).to_radians();
                let (expected_x, expected_y) = (150.0 * angle.sin(), -150.0 * angle.cos());
                assert!(
                    (x - expected_x).abs() < 0.05 && (y - expected_y).abs() < 0.05,
                    "frame {n} of {frames}: the hand is at {x}, {y}"
                );
            }
        }
    }

    #[test]
    fn quarter_turns_move_pixels_without_loss() {
        let noise = RgbImage::from_fn(400, 400, |x, y| {
            let [a, ..] = (x * 7 + y * 13).to_le_bytes();
            let [b, ..] = (x ^ y).to_le_bytes();
            let [c, ..] = (x * y).to_le_bytes();
            Rgb([a, b, c])
        });
        let icon = Icon::read(&png(noise.clone()), count(12)).unwrap();
        assert_eq!(icon.turned(0), noise);
        assert_eq!(icon.turned(3), imageops::rotate90(&noise));
        assert_eq!(icon.turned(6), imageops::rotate180(&noise));
        assert_eq!(icon.turned(9), imageops::rotate270(&noise));
        // What interpolates agrees with what moves.
        assert_eq!(turn(&noise, 90.0), imageops::rotate90(&noise));
    }

    #[test]
    fn corners_are_filled_with_what_is_beside_them() {
        let white = RgbImage::from_pixel(400, 400, Rgb([250, 240, 230]));
        let icon = Icon::read(&png(white.clone()), count(8)).unwrap();
        assert_eq!(icon.turned(1), white);
    }

    #[test]
    fn a_frame_is_a_400_px_jpeg_under_the_limit() {
        // Noise is the hardest to compress.
        let mut state = 1_u32;
        let noise = RgbImage::from_fn(400, 400, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            Rgb([a, b, c])
        });
        let icon = Icon::read(&png(noise), count(12)).unwrap();
        for n in 0..12 {
            let frame = icon.frame(n).unwrap();
            assert!(frame.len() <= MAX_FRAME_BYTES);
            let decoded = image::load_from_memory_with_format(&frame, ImageFormat::Jpeg).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (400, 400));
        }
    }

    #[test]
    fn any_shape_becomes_its_centre_square() {
        // Left third red, middle third green, right third blue.
        let flag = RgbImage::from_fn(900, 300, |x, _| {
            let mut pixel = [0; 3];
            pixel[(x / 300) as usize] = 255;
            Rgb(pixel)
        });
        let icon = Icon::read(&png(flag), count(1)).unwrap();
        assert_eq!(
            icon.turned(0),
            RgbImage::from_pixel(400, 400, Rgb([0, 255, 0]))
        );
    }

    #[test]
    fn exif_orientation_is_applied() {
        // Black on the left, white on the right, and a note that this side is up.
        let lying = RgbImage::from_fn(400, 400, |x, _| Rgb([if x < 200 { 0 } else { 255 }; 3]));
        let mut file = Vec::new();
        lying
            .write_with_encoder(JpegEncoder::new_with_quality(&mut file, 95))
            .unwrap();
        // APP1 with the one TIFF tag 0x0112 (orientation) of 6: turn clockwise by 90°.
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let app1 = [&[0xff, 0xe1], length.as_slice(), exif].concat();
        file.splice(2..2, app1);

        let upright = Icon::read(&file, count(1)).unwrap().turned(0);
        assert!(
            upright
                .get_pixel(200, 20)
                .0
                .iter()
                .all(|channel| *channel < 10)
        );
        assert!(
            upright
                .get_pixel(200, 380)
                .0
                .iter()
                .all(|channel| *channel > 245)
        );
    }

    #[test]
    fn alpha_is_laid_on_white() {
        let glass = image::RgbaImage::from_pixel(400, 400, Rgba([0, 0, 0, 0]));
        let icon = Icon::read(&png(glass), count(1)).unwrap();
        assert_eq!(icon.turned(0).get_pixel(200, 200).0, [255; 3]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let text = Icon::read(b"<svg xmlns='http://www.w3.org/2000/svg'/>", count(12));
        assert!(matches!(text, Err(IconError::Format)));
        assert!(matches!(Icon::read(b"", count(12)), Err(IconError::Format)));

        let mut cut = hand_at_twelve();
        cut.truncate(cut.len() / 2);
        assert!(matches!(
            Icon::read(&cut, count(12)),
            Err(IconError::Decode(_))
        ));

        let wide = RgbImage::new(MAX_ICON_SIZE + 1, 1);
        assert!(matches!(
            Icon::read(&png(wide), count(12)),
            Err(IconError::Decode(_))
        ));
    }

    #[test]
    fn the_same_icon_gives_the_same_bytes() {
        let file = hand_at_twelve();
        let frame = |n| Icon::read(&file, count(12)).unwrap().frame(n).unwrap();
        assert_eq!(frame(1), frame(1));
        assert_ne!(frame(1), frame(2));
    }
}
