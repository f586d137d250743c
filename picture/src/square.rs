//! Any picture → the square that is turned: cropped, scaled, the right way up.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use resize::Pixel;
use resize::px::PixelFormat;
use rgb::FromSlice;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Options, Orientation, Picture, PictureError, Pixels};
use pixels::plane::{Plane, Planes};
use pixels::rotation::lanczos;

/// Which square of a picture is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Crop {
    /// The largest one in the middle.
    #[default]
    Centre,
    /// The largest one at the top, in the middle of a wide picture.
    Top,
    /// The largest one at the bottom, in the middle of a wide picture.
    Bottom,
    /// The largest one at the left, in the middle of a high picture.
    Left,
    /// The largest one at the right, in the middle of a high picture.
    Right,
    /// A square of the picture the right way up, in its pixels.
    At(Square),
}

/// A square in a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Square {
    /// From the left edge of the picture.
    pub left: usize,
    /// From the top edge of the picture.
    pub top: usize,
    /// The width and height.
    pub side: usize,
}

/// A text that names no square.
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

/// A text that names no colour.
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
    /// The square of the picture that `crop` names, the right way up and scaled
    /// to `side` by `side` pixels (Lanczos, radius 3, widened when it makes
    /// smaller); where the picture is transparent, `background` shows. Chroma is at
    /// the full size.
    ///
    /// # Errors
    /// When the square is not inside of the picture.
    pub fn square(&self, options: &Options) -> Result<Planes, PictureError> {
        let Options {
            side,
            crop,
            background,
        } = *options;
        let square = self.in_pixels(self.in_file(self.upright_square(crop)?));
        let planes = match &self.pixels {
            Pixels::Grey(samples) => {
                let luma = self.scaled(Pixel::Gray8, samples.as_gray(), square, side)?;
                let luma = luma.iter().map(|pixel| pixel.value()).collect();
                let grey = Plane::from_fn(side, side, |_, _| 128);
                Plane::new(side, side, luma).map(|luma| Planes {
                    luma,
                    blue: grey.clone(),
                    red: grey,
                })
            }
            Pixels::YCbCr(samples) => {
                let pixels = self.scaled(Pixel::RGB8, samples.as_rgb(), square, side)?;
                Planes::from_ycbcr(side, side, as_arrays(&pixels))
            }
            Pixels::Rgb(samples) => {
                let pixels = self.scaled(Pixel::RGB8, samples.as_rgb(), square, side)?;
                Planes::from_rgb(side, side, as_arrays(&pixels))
            }
            Pixels::Rgba(samples) => {
                let (pixels, _) = samples.as_chunks();
                let opaque = pixels.iter().map(|pixel| laid_on(*pixel, background));
                let opaque: Vec<rgb::RGB8> = opaque.map(Into::into).collect();
                let pixels = self.scaled(Pixel::RGB8, &opaque, square, side)?;
                Planes::from_rgb(side, side, as_arrays(&pixels))
            }
            Pixels::Cmyk(samples) => {
                let (pixels, _) = samples.as_chunks();
                let rgb: Vec<rgb::RGB8> =
                    pixels.iter().map(|pixel| to_rgb(*pixel).into()).collect();
                let pixels = self.scaled(Pixel::RGB8, &rgb, square, side)?;
                Planes::from_rgb(side, side, as_arrays(&pixels))
            }
        };
        let planes = planes.ok_or(PictureError::Empty)?;
        Ok(if self.orientation == Orientation::UPRIGHT {
            planes
        } else {
            planes.map(|plane| self.orientation.applied_to(plane))
        })
    }

    /// The square that is taken, in the picture the right way up.
    fn upright_square(&self, crop: Crop) -> Result<Square, PictureError> {
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

    /// Where a square of the picture the right way up is in the file.
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

    /// Where a square of the file is in the decoded pixels, which may be fewer:
    /// to the nearest pixel.
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

    /// Crops and scales.
    fn scaled<'a, F, P>(
        &self,
        format: F,
        pixels: &'a [P],
        square: Square,
        side: usize,
    ) -> Result<Cow<'a, [P]>, PictureError>
    where
        F: PixelFormat<InputPixel = P, OutputPixel = P>,
        P: Copy + Default,
    {
        if (square.side, self.columns(), self.rows()) == (side, side, side) {
            return Ok(pixels.into());
        }
        let start = square
            .top
            .saturating_mul(self.columns())
            .saturating_add(square.left);
        let cropped = pixels.get(start..).unwrap_or_default();
        if square.side == side {
            let rows = cropped.chunks(self.columns().max(1)).take(side);
            return Ok(rows
                .flat_map(|row| row.iter().take(side))
                .copied()
                .collect());
        }
        // resize's own takes the sine of the system, which differs between
        // systems in the last bit.
        #[allow(clippy::cast_possible_truncation)]
        let filter = resize::Filter::new(Box::new(|x| lanczos::<3>(f64::from(x)) as f32), 3.0);
        let mut scaled = vec![P::default(); side.saturating_mul(side)];
        resize::Resizer::new(
            square.side,
            square.side,
            side,
            side,
            format,
            resize::Type::Custom(filter),
        )
        .and_then(|mut resizer| resizer.resize_stride(cropped, self.columns(), &mut scaled))
        .map_err(|_| PictureError::Empty)?;
        Ok(scaled.into())
    }
}

impl Orientation {
    fn applied_to(self, plane: &Plane) -> Plane {
        let transposed = if self.is_transposed {
            // Turned to the right, then mirrored.
            mirrored(&plane.quarter_turned(1))
        } else {
            plane.clone()
        };
        match (self.is_mirrored, self.is_upside_down) {
            (false, false) => transposed,
            (true, false) => mirrored(&transposed),
            (false, true) => mirrored(&transposed.quarter_turned(2)),
            (true, true) => transposed.quarter_turned(2),
        }
    }
}

fn mirrored(plane: &Plane) -> Plane {
    let samples = plane.rows().flat_map(|row| row.iter().rev().copied());
    Plane::new(plane.width(), plane.height(), samples.collect()).unwrap_or_else(|| plane.clone())
}

fn as_arrays(pixels: &[rgb::RGB8]) -> &[[u8; 3]] {
    bytemuck::cast_slice(pixels)
}

/// What inks look like on white paper, where no profile says it better.
pub(super) fn to_rgb([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let left = |ink: u8| u32::from(u8::MAX.saturating_sub(ink));
    let light = |ink: u8| left(ink).saturating_mul(left(black)).saturating_add(127) / 255;
    // A product of two parts of the whole is one.
    #[allow(clippy::cast_possible_truncation)]
    [cyan, magenta, yellow].map(|ink| light(ink) as u8)
}

/// A pixel in front of a colour.
fn laid_on([r, g, b, alpha]: [u8; 4], Colour([back_r, back_g, back_b]): Colour) -> [u8; 3] {
    let alpha = u32::from(alpha);
    let mix = |front: u8, back: u8| {
        let front = u32::from(front).saturating_mul(alpha);
        let back = u32::from(back).saturating_mul(255_u32.saturating_sub(alpha));
        let sum = front.saturating_add(back).saturating_add(127) / 255;
        // A mean of bytes is a byte.
        #[allow(clippy::cast_possible_truncation)]
        {
            sum as u8
        }
    };
    [mix(r, back_r), mix(g, back_g), mix(b, back_b)]
}
