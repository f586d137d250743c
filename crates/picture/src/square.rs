//! Cuts a square out of a picture, scales it and makes it upright.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::profile::{Channels, Profile};
use super::scaling::{Scaler, Wrap};
use super::{Options, Orientation, Picture, PictureError, Pixels};
use pixels::plane::{Plane, Planes};

/// The square to cut out of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Crop {
    /// The largest square, in the middle.
    #[default]
    Centre,
    /// The largest square at the top, in the middle of a wide picture.
    Top,
    /// The largest square at the bottom, in the middle of a wide picture.
    Bottom,
    /// The largest square on the left, in the middle of a tall picture.
    Left,
    /// The largest square on the right, in the middle of a tall picture.
    Right,
    /// A square in pixels of the upright picture.
    At(Square),
}

/// A square in a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Square {
    /// The distance from the left edge of the picture.
    pub left: usize,
    /// The distance from the top edge of the picture.
    pub top: usize,
    /// The width and height.
    pub side: usize,
}

/// The text does not name a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "has to be centre, top, bottom, left or right, or a square as LEFT,TOP,SIDE in pixels, such \
     as 0,120,640"
)]
pub struct InvalidCrop;

impl FromStr for Crop {
    type Err = InvalidCrop;

    fn from_str(text: &str) -> Result<Self, InvalidCrop> {
        Ok(match text {
            "centre" | "center" => Self::Centre,
            "top" => Self::Top,
            "bottom" => Self::Bottom,
            "left" => Self::Left,
            "right" => Self::Right,
            _ => {
                let numbers = text.split(',').map(|number| number.trim().parse());
                let numbers: Vec<usize> =
                    numbers.collect::<Result<_, _>>().map_err(|_| InvalidCrop)?;
                match *numbers {
                    [left, top, side] if side > 0 => Self::At(Square { left, top, side }),
                    _ => return Err(InvalidCrop),
                }
            }
        })
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Centre => f.write_str("centre"),
            Self::Top => f.write_str("top"),
            Self::Bottom => f.write_str("bottom"),
            Self::Left => f.write_str("left"),
            Self::Right => f.write_str("right"),
            Self::At(Square { left, top, side }) => write!(f, "{left},{top},{side}"),
        }
    }
}

/// An opaque colour, 8-bit sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
}

/// The text does not name a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("has to be black, white or a colour as RRGGBB in hex digits, such as ff8800")]
pub struct InvalidColour;

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        match text {
            "white" => return Ok(Self::WHITE),
            "black" => return Ok(Self::BLACK),
            _ => {}
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| InvalidColour)?;
        let [_, rgb @ ..] = number.to_be_bytes();
        Ok(Self(rgb))
    }
}

impl fmt::Display for Colour {
    /// Six hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "{r:02x}{g:02x}{b:02x}")
    }
}

impl Picture {
    /// Cuts out the square that `options` name, upright, scaled (Lanczos, radius 3, widened to
    /// scale down), in sRGB and on the background. Chroma is at full size.
    ///
    /// # Errors
    /// When the square is not inside the picture.
    pub fn square(self, options: &Options) -> Result<Planes, PictureError> {
        self.scaled(options)?.into_planes(options.background)
    }

    /// Cuts out and scales the square that `options` name.
    pub(super) fn scaled(self, options: &Options) -> Result<Scaled, PictureError> {
        let square = self.in_pixels(self.square_in_file(options.crop)?);
        let (wrap, samples): (Wrap, _) = match &self.pixels {
            Pixels::Grey(samples) => (Pixels::Grey, samples),
            Pixels::Rgb(samples) => (Pixels::Rgb, samples),
            Pixels::Rgba(samples) => (Pixels::Rgba, samples),
            Pixels::YCbCr(samples) => (Pixels::YCbCr, samples),
            Pixels::Cmyk(samples) => (Pixels::Cmyk, samples),
        };
        let mut scaler = Scaler::new(wrap, square.side, options.side)?;
        let row_bytes = samples.len().checked_div(self.rows()).unwrap_or_default();
        let rows = samples.chunks(row_bytes.max(1)).skip(square.top);
        let columns = self.columns();
        rows.take(square.side)
            .try_for_each(|row| scaler.push(part(row, columns, square)))?;
        Ok(Scaled {
            side: options.side,
            pixels: scaler.finish()?,
            orientation: self.orientation,
            profile: self.profile,
        })
    }

    /// The square to cut out, in pixels of the file.
    pub(super) fn square_in_file(&self, crop: Crop) -> Result<Square, PictureError> {
        Ok(self.in_file(self.upright_square(crop)?))
    }

    /// The square to cut out, in pixels of the upright picture.
    pub(super) fn upright_square(&self, crop: Crop) -> Result<Square, PictureError> {
        let (width, height) = if self.orientation.is_transposed {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let side = width.min(height);
        let (right, bottom) = (width.saturating_sub(side), height.saturating_sub(side));
        let (left, top) = match crop {
            Crop::Centre => (right / 2, bottom / 2),
            Crop::Top => (right / 2, 0),
            Crop::Bottom => (right / 2, bottom),
            Crop::Left => (0, bottom / 2),
            Crop::Right => (right, bottom / 2),
            Crop::At(square) => {
                let is_inside = |start: usize, length| {
                    start
                        .checked_add(square.side)
                        .is_some_and(|end| end <= length)
                };
                if is_inside(square.left, width) && is_inside(square.top, height) {
                    return Ok(square);
                }
                return Err(PictureError::Crop {
                    crop,
                    width,
                    height,
                });
            }
        };
        Ok(Square { left, top, side })
    }

    /// Converts a square of the upright picture to pixels of the file.
    fn in_file(&self, square: Square) -> Square {
        let Orientation {
            is_transposed,
            is_mirrored,
            is_upside_down,
        } = self.orientation;
        let (width, height) = if is_transposed {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let from_end =
            |start: usize, length: usize| length.saturating_sub(start).saturating_sub(square.side);
        let left = if is_mirrored {
            from_end(square.left, width)
        } else {
            square.left
        };
        let top = if is_upside_down {
            from_end(square.top, height)
        } else {
            square.top
        };
        let (left, top) = if is_transposed {
            (top, left)
        } else {
            (left, top)
        };
        Square {
            left,
            top,
            ..square
        }
    }

    /// Converts a square of the file to the decoded pixels, which may be fewer. Rounds to the
    /// nearest pixel.
    fn in_pixels(&self, square: Square) -> Square {
        if self.eighths == 8 {
            return square;
        }
        let nearest = |length: usize| length.saturating_mul(self.eighths).saturating_add(4) / 8;
        let (columns, rows) = (self.columns(), self.rows());
        let side = nearest(square.side).clamp(1, columns.min(rows));
        Square {
            left: nearest(square.left).min(columns.saturating_sub(side)),
            top: nearest(square.top).min(rows.saturating_sub(side)),
            side,
        }
    }
}

/// The part of a row, which has `columns` pixels, that is in a square.
pub(super) fn part(row: &[u8], columns: usize, square: Square) -> &[u8] {
    let channels = row.len().checked_div(columns).unwrap_or_default();
    let [left, side] = [square.left, square.side].map(|pixels| pixels.saturating_mul(channels));
    let row = row.get(left..).unwrap_or_default();
    row.get(..side).unwrap_or_default()
}

/// A square of the final size, in the channels of the file.
pub(super) struct Scaled {
    /// The width and height in pixels.
    pub(super) side: usize,
    pub(super) pixels: Pixels,
    /// How to make the square upright.
    pub(super) orientation: Orientation,
    pub(super) profile: Option<Profile>,
}

impl Scaled {
    /// Converts to sRGB, draws onto the background and makes upright.
    pub(super) fn into_planes(self, background: Colour) -> Result<Planes, PictureError> {
        let planes = to_planes(self.pixels, self.side, self.profile.as_ref(), background);
        let planes = planes.ok_or(PictureError::Empty)?;
        Ok(if self.orientation == Orientation::UPRIGHT {
            planes
        } else {
            planes.map(|plane| self.orientation.applied_to(plane))
        })
    }
}

/// Converts the pixels of a square to sRGB, draws them onto the background and splits them into
/// planes.
fn to_planes(
    pixels: Pixels,
    side: usize,
    profile: Option<&Profile>,
    background: Colour,
) -> Option<Planes> {
    let profile = profile.and_then(Profile::parse);
    let srgb = |channels, samples: &[u8]| profile.as_ref()?.to_srgb(channels, samples);
    let rgb: Vec<u8> = match pixels {
        Pixels::Grey(grey) => srgb(Channels::Grey, &grey).unwrap_or_else(|| {
            let rgb: Vec<u8> = grey.iter().flat_map(|grey| [*grey; 3]).collect();
            srgb(Channels::Rgb, &rgb).unwrap_or(rgb)
        }),
        Pixels::Rgb(rgb) => srgb(Channels::Rgb, &rgb).unwrap_or(rgb),
        Pixels::Rgba(samples) => {
            let (pixels, _) = samples.as_chunks();
            let rgb: Vec<u8> = pixels
                .iter()
                .flat_map(|[r, g, b, _]| [*r, *g, *b])
                .collect();
            let rgb = srgb(Channels::Rgb, &rgb)
                .or_else(|| srgb(Channels::Grey, &as_grey(pixels)?))
                .unwrap_or(rgb);
            let colours = rgb.as_chunks().0.iter().zip(pixels);
            colours
                .flat_map(|(rgb, [.., alpha])| laid_on(*rgb, *alpha, background))
                .collect()
        }
        Pixels::Cmyk(cmyk) => srgb(Channels::Cmyk, &cmyk).unwrap_or_else(|| {
            let (pixels, _) = cmyk.as_chunks();
            pixels.iter().copied().flat_map(to_rgb).collect()
        }),
        Pixels::YCbCr(samples) => {
            let planes = Planes::from_ycbcr(side, side, samples.as_chunks().0)?;
            let rgb = profile
                .as_ref()
                .and_then(|_| srgb(Channels::Rgb, planes.to_rgb().as_flattened()));
            match rgb {
                Some(rgb) => rgb,
                None => return Some(planes),
            }
        }
    };
    Planes::from_rgb(side, side, rgb.as_chunks().0)
}

/// The grey levels of pixels with alpha; `None` if any is coloured.
fn as_grey(pixels: &[[u8; 4]]) -> Option<Vec<u8>> {
    let grey = |[r, g, b, _]: &[u8; 4]| (r == g && g == b).then_some(*g);
    pixels.iter().map(grey).collect()
}

impl Orientation {
    fn applied_to(self, plane: &Plane) -> Plane {
        let transposed = if self.is_transposed {
            // Rotated to the right, then mirrored.
            mirrored(&plane.quarter_rotated(1))
        } else {
            plane.clone()
        };
        match (self.is_mirrored, self.is_upside_down) {
            (false, false) => transposed,
            (true, false) => mirrored(&transposed),
            (false, true) => mirrored(&transposed.quarter_rotated(2)),
            (true, true) => transposed.quarter_rotated(2),
        }
    }
}

fn mirrored(plane: &Plane) -> Plane {
    let samples = plane.rows().flat_map(|row| row.iter().rev().copied());
    Plane::new(plane.width(), plane.height(), samples.collect()).unwrap_or_else(|| plane.clone())
}

/// Converts inks without a profile as browsers do: each ink removes its complement.
pub(super) fn to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    [c, m, y].map(|ink| mixed(0, !ink, !k))
}

/// Draws a pixel over a colour.
fn laid_on([r, g, b]: [u8; 3], alpha: u8, Colour([back_r, back_g, back_b]): Colour) -> [u8; 3] {
    [
        mixed(back_r, r, alpha),
        mixed(back_g, g, alpha),
        mixed(back_b, b, alpha),
    ]
}

/// The mean of two bytes; `share` is the weight of `front` in 255ths.
fn mixed(back: u8, front: u8, share: u8) -> u8 {
    let share = u32::from(share);
    let front = u32::from(front).saturating_mul(share);
    let back = u32::from(back).saturating_mul(255_u32.saturating_sub(share));
    let sum = front.saturating_add(back).saturating_add(127) / 255;
    // The mean of two bytes is a byte.
    #[allow(clippy::cast_possible_truncation)]
    {
        sum as u8
    }
}
