//! Pictures as planes of samples: one for brightness, two for colour.
//!
//! Frames stay in this form from the decoder to the encoder. JPEG files hold the same form, with
//! the colour planes at half the size, so rotating touches 1.5 samples per pixel and converts no
//! colours.

use crate::processor::{Instructions, Work, with_best_instructions};

/// One channel of a picture: rows of samples, from the top left.
///
/// A sample is a `u8`. Between two steps it is an `i16` in units of 1/64, less 128, so that it can
/// lie between the 8-bit values and beyond them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane<S = u8> {
    width: usize,
    height: usize,
    samples: Vec<S>,
}

impl<S: Copy + Default> Plane<S> {
    /// A plane of `width` · `height` samples, row by row. `None` if the number of samples differs
    /// or is zero.
    pub fn new(width: usize, height: usize, samples: Vec<S>) -> Option<Self> {
        let count = width.checked_mul(height)?;
        (count > 0 && samples.len() == count).then_some(Self {
            width,
            height,
            samples,
        })
    }

    /// A plane whose samples are `sample(x, y)`; at least 1×1.
    pub fn from_fn(width: usize, height: usize, sample: impl Fn(usize, usize) -> S) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let samples = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            samples: samples.map(|(x, y)| sample(x, y)).collect(),
        }
    }

    /// The width in samples.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The height in samples.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All samples, row by row.
    pub fn samples(&self) -> &[S] {
        &self.samples
    }

    /// The rows from the top; each has [`Plane::width`] samples.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &[S]> + ExactSizeIterator {
        self.samples.chunks_exact(self.width)
    }

    /// The sample at a position; outside the plane, the nearest one.
    pub fn nearest(&self, x: usize, y: usize) -> S {
        let (x, y) = (
            x.min(self.width.saturating_sub(1)),
            y.min(self.height.saturating_sub(1)),
        );
        let row = self.rows().nth(y).unwrap_or_default();
        row.get(x).copied().unwrap_or_default()
    }

    /// The plane rotated clockwise by `quarters` quarters of a circle.
    #[must_use]
    pub fn quarter_rotated(&self, quarters: u16) -> Self {
        match quarters % 4 {
            0 => self.clone(),
            2 => Self {
                width: self.width,
                height: self.height,
                samples: self.samples.iter().rev().copied().collect(),
            },
            one_or_three => self.columns_to_rows(one_or_three == 1),
        }
    }

    /// A quarter turn, clockwise or not. It works on as many rows at a time as keep their columns
    /// in the cache.
    fn columns_to_rows(&self, is_clockwise: bool) -> Self {
        const ROWS: usize = 32;
        let mut samples = vec![S::default(); self.samples.len()];
        let strips = self.samples.chunks(self.width.saturating_mul(ROWS));
        for (strip, first) in strips.zip((0_usize..).step_by(ROWS)) {
            let rows = strip.len().checked_div(self.width).unwrap_or_default();
            let end = first.saturating_add(rows);
            for (x, row) in samples.chunks_exact_mut(self.height).enumerate() {
                let x = if is_clockwise {
                    x
                } else {
                    self.width.saturating_sub(x).saturating_sub(1)
                };
                let column = strip
                    .get(x..)
                    .unwrap_or_default()
                    .iter()
                    .step_by(self.width);
                if is_clockwise {
                    let from_the_end = row.iter_mut().rev().skip(first);
                    from_the_end
                        .zip(column)
                        .for_each(|(to, sample)| *to = *sample);
                } else if let Some(row) = row.get_mut(first..end) {
                    row.iter_mut()
                        .zip(column)
                        .for_each(|(to, sample)| *to = *sample);
                }
            }
        }
        Self {
            width: self.height,
            height: self.width,
            samples,
        }
    }
}

impl Plane {
    /// The same samples in units of 1/64, less 128.
    pub fn to_fine(&self) -> Plane<i16> {
        Plane {
            width: self.width,
            height: self.height,
            samples: self.samples.iter().copied().map(fine).collect(),
        }
    }

    /// Half the width and height, rounded up. Each sample is the mean of a 2×2 square and has its
    /// centre, as in JFIF.
    #[must_use]
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut samples = Vec::with_capacity(width.saturating_mul(height));
        for pair in self.samples.chunks(self.width.saturating_mul(2)) {
            let (upper, lower) = pair.split_at(self.width);
            let lower = if lower.is_empty() { upper } else { lower };
            let ((upper, upper_end), (lower, lower_end)) = (upper.as_chunks(), lower.as_chunks());
            let squares = upper.iter().zip(lower);
            samples.extend(squares.map(|([a, b], [c, d])| mean([*a, *b, *c, *d])));
            let end = upper_end.iter().zip(lower_end);
            samples.extend(end.map(|(upper, lower)| mean([*upper, *upper, *lower, *lower])));
        }
        Self {
            width,
            height,
            samples,
        }
    }
}

impl Plane<i16> {
    /// The nearest 8-bit samples.
    pub fn to_bytes(&self) -> Plane {
        // Values from −512 to 511, then from 0 to 255.
        #[allow(
            clippy::arithmetic_side_effects,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss
        )]
        let byte = |sample: &i16| ((sample.saturating_add(32) >> 6) + 128).clamp(0, 255) as u8;
        Plane {
            width: self.width,
            height: self.height,
            samples: self.samples.iter().map(byte).collect(),
        }
    }
}

/// A sample in units of 1/64, less 128.
pub(crate) fn fine(sample: u8) -> i16 {
    // From −128 to 127.
    #[allow(clippy::arithmetic_side_effects)]
    {
        (i16::from(sample) - 128) << 6
    }
}

fn mean(samples: [u8; 4]) -> u8 {
    let sum = samples
        .into_iter()
        .fold(2, |sum: u16, sample| sum.saturating_add(sample.into()));
    // The mean of bytes is a byte.
    #[allow(clippy::cast_possible_truncation)]
    {
        (sum / 4) as u8
    }
}

/// A picture in Y′CbCr as JFIF defines it (ITU-T T.871 §7): luma, and two chroma planes, either at
/// half the width and height (4:2:0) or at full size (4:4:4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes<S = u8> {
    /// Y′, the brightness.
    pub luma: Plane<S>,
    /// `Cb`, how much bluer than grey; 128 is grey.
    pub blue: Plane<S>,
    /// `Cr`, how much redder than grey; 128 is grey.
    pub red: Plane<S>,
}

impl Planes {
    /// Converts a row-by-row 8-bit RGB picture (ITU-T T.871 §7), with chroma at full size. `None`
    /// if there are not `width` · `height` pixels.
    pub fn from_rgb(width: usize, height: usize, pixels: &[[u8; 3]]) -> Option<Self> {
        let channel = |weights: [i32; 3], offset: i32| {
            let sample = |pixel: &[u8; 3]| weighed(*pixel, weights, offset);
            Plane::new(width, height, pixels.iter().map(sample).collect())
        };
        Some(Self {
            luma: channel([19595, 38470, 7471], 0)?,
            blue: channel([-11059, -21709, 32768], 128)?,
            red: channel([32768, -27439, -5329], 128)?,
        })
    }

    /// Separates the channels of a row-by-row Y′CbCr picture, with chroma at full size. `None` if
    /// there are not `width` · `height` pixels.
    pub fn from_ycbcr(width: usize, height: usize, pixels: &[[u8; 3]]) -> Option<Self> {
        let [luma, blue, red] = with_best_instructions(Separate(pixels));
        let plane = |samples| Plane::new(width, height, samples);
        Some(Self {
            luma: plane(luma)?,
            blue: plane(blue)?,
            red: plane(red)?,
        })
    }

    /// The pixels in 8-bit RGB, row by row (ITU-T T.871 §7). Chroma at half the size is repeated
    /// over each 2×2 square.
    pub fn to_rgb(&self) -> Vec<[u8; 3]> {
        let (width, height) = (self.luma.width, self.luma.height);
        // One chroma sample for two pixels, or for one.
        let is_half = |full: usize, chroma: usize| chroma < full;
        let is_half_wide = is_half(width, self.blue.width);
        let is_half_high = is_half(height, self.blue.height);
        let mut pixels = Vec::with_capacity(self.luma.samples.len());
        for (y, row) in self.luma.rows().enumerate() {
            let chroma_row = |plane: &Plane| {
                let y = if is_half_high { y / 2 } else { y };
                let start = y.saturating_mul(plane.width);
                plane.samples.get(start..).unwrap_or_default().to_vec()
            };
            let (blue, red) = (chroma_row(&self.blue), chroma_row(&self.red));
            pixels.extend(row.iter().enumerate().map(|(x, luma)| {
                let x = if is_half_wide { x / 2 } else { x };
                let at = |row: &[u8]| row.get(x).copied().unwrap_or(128);
                to_rgb(*luma, at(&blue), at(&red))
            }));
        }
        pixels
    }
}

impl<S: Copy + Default> Planes<S> {
    /// The picture rotated clockwise by `quarters` quarters of a circle.
    #[must_use]
    pub fn quarter_rotated(&self, quarters: u16) -> Self {
        self.map(|plane| plane.quarter_rotated(quarters))
    }

    /// Applies `change` to each plane.
    #[must_use]
    pub fn map<T>(&self, change: impl Fn(&Plane<S>) -> Plane<T>) -> Planes<T> {
        Planes {
            luma: change(&self.luma),
            blue: change(&self.blue),
            red: change(&self.red),
        }
    }
}

/// Separates the channels of pixels.
struct Separate<'a>(&'a [[u8; 3]]);

impl Work for Separate<'_> {
    type Output = [Vec<u8>; 3];

    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn run<I: Instructions>(self, _: I) -> [Vec<u8>; 3] {
        let Self(pixels) = self;
        [
            pixels.iter().map(|[first, _, _]| *first).collect(),
            pixels.iter().map(|[_, second, _]| *second).collect(),
            pixels.iter().map(|[_, _, third]| *third).collect(),
        ]
    }
}

/// A weighted sum of three channels, with weights in units of 1/65536.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn weighed([r, g, b]: [u8; 3], [wr, wg, wb]: [i32; 3], offset: i32) -> u8 {
    let product = |channel: u8, weight: i32| i32::from(channel).saturating_mul(weight);
    let sum = product(r, wr)
        .saturating_add(product(g, wg))
        .saturating_add(product(b, wb))
        .saturating_add(32768);
    (sum >> 16).saturating_add(offset).clamp(0, 255) as u8
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let luma = (i32::from(luma) << 16).saturating_add(32768);
    let blue = i32::from(blue).saturating_sub(128);
    let red = i32::from(red).saturating_sub(128);
    let channel = |blue_weight: i32, red_weight: i32| {
        let sum = luma
            .saturating_add(blue.saturating_mul(blue_weight))
            .saturating_add(red.saturating_mul(red_weight));
        (sum >> 16).clamp(0, 255) as u8
    };
    [
        channel(0, 91881),
        channel(-22554, -46802),
        channel(116_130, 0),
    ]
}

#[cfg(test)]
mod tests;
