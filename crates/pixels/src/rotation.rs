//! Rotating a plane about its centre by any angle.
//!
//! A [`Surface`] is a plane prepared for rotation: filtered if the kernel needs it, and with a
//! margin so wide that every sample comes from inside. The inner loops therefore check no borders.
//! The default kernel has an implementation of its own, in `shears`.

// Coordinates inside a surface, which is far smaller than an i32 can count, and weighted means of
// samples.
#![allow(clippy::arithmetic_side_effects)]

mod shears;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidChoice;
use crate::plane::{Plane, fine};

/// How a sample between the source's samples is interpolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// The nearest sample: hard edges, for pixel art.
    Nearest,
    /// Linear between the four samples around it: soft.
    Bilinear,
    /// A sinc with a Lanczos window of three samples, along three shears: nearly as accurate as in
    /// two dimensions, and the fastest.
    Sharp,
    /// Cubic convolution of the sixteen samples around it (Keys, 1981, a = −½).
    Cubic,
    /// A sinc with a Lanczos window of four samples, over the sixty-four around it.
    Lanczos,
    /// The cubic B-spline through all samples (Unser, Aldroubi and Eden, 1993): the most accurate,
    /// and the slowest.
    Spline,
}

impl FromStr for Kernel {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        Self::ALL
            .into_iter()
            .find(|kernel| kernel.name() == text)
            .ok_or(InvalidChoice(
                "nearest, bilinear, sharp, cubic, lanczos or spline",
            ))
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Kernel {
    /// All kernels.
    pub const ALL: [Self; 6] = [
        Self::Nearest,
        Self::Bilinear,
        Self::Sharp,
        Self::Cubic,
        Self::Lanczos,
        Self::Spline,
    ];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Sharp => "sharp",
            Self::Cubic => "cubic",
            Self::Lanczos => "lanczos",
            Self::Spline => "spline",
        }
    }
}

/// What lies outside the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// The source's mirror image, reflected at the centres of its outermost samples.
    Reflected,
    /// One value everywhere.
    Constant(u8),
}

/// A clockwise angle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Angle {
    sin: f64,
    cos: f64,
}

impl Angle {
    /// An angle in degrees.
    pub fn from_degrees(degrees: f64) -> Self {
        // std's sine and cosine differ between systems in the last bit.
        let (sin, cos) = libm::sincos(degrees.to_radians());
        Self { sin, cos }
    }

    /// The nearest number of quarters of a circle, and the remaining angle: at most an eighth in
    /// either direction.
    fn to_nearest_quarter(self) -> (u16, Self) {
        let Self { sin, cos } = self;
        let (quarters, sin, cos) = if cos.abs() >= sin.abs() {
            if cos >= 0.0 {
                (0, sin, cos)
            } else {
                (2, -sin, -cos)
            }
        } else if sin >= 0.0 {
            (1, -cos, sin)
        } else {
            (3, cos, -sin)
        };
        (quarters, Self { sin, cos })
    }
}

/// A square of samples; grey if their number differs.
fn square(side: usize, samples: Vec<i16>) -> Plane<i16> {
    let grey = || Plane::from_fn(side, side, |_, _| 0);
    Plane::new(side, side, samples).unwrap_or_else(grey)
}

/// Half of the difference between a square's diagonal and its side, rounded up.
fn diagonal_margin(side: usize) -> usize {
    // (√2 − 1) / 2 < 0.2072.
    side * 2072 / 10_000 + 1
}

/// A square plane prepared for rotation by any angle with one kernel.
#[derive(Debug, Clone)]
pub struct Surface {
    side: usize,
    margin: usize,
    /// The number of samples from one row to the next.
    stride: usize,
    samples: Samples,
}

#[derive(Debug, Clone)]
enum Samples {
    Nearest(Vec<u8>),
    Sheared(shears::Source),
    Convolved(Vec<f32>, Box<Weights>),
}

/// The reach of the widest kernel in samples, and one more for rounding.
const REACH: usize = TAPS / 2 + 1;

/// Coordinates are in units of 1/2²⁰ of a sample: over 400 samples, the steps add up to an error
/// below 1/1000.
const FRACTION_BITS: u32 = 20;

/// The number of positions between two samples that a convolution distinguishes.
const PHASES: usize = 256;

/// The most samples in a row that a convolution uses.
const TAPS: usize = 8;

/// For each position between two samples: the weights of the samples around it.
#[derive(Debug, Clone)]
struct Weights {
    /// 2, 4 or 8; further weights are zero.
    taps: usize,
    phases: [[f32; TAPS]; PHASES],
}

impl Surface {
    /// Prepares a plane. Of a plane that is not square, the top left square is used.
    pub fn new(plane: &Plane, kernel: Kernel, outside: Outside) -> Self {
        let side = plane.width().min(plane.height());
        let margin = diagonal_margin(side) + REACH;
        let stride = side + 2 * margin;
        let widen = |plane: &Plane| widened(plane, side, margin, outside);
        let samples = match kernel {
            Kernel::Nearest => Samples::Nearest(widen(plane)),
            Kernel::Bilinear => convolved(&widen(plane), 2, linear),
            Kernel::Sharp => Samples::Sheared(shears::Source::new(plane, outside)),
            Kernel::Cubic => convolved(&widen(plane), 4, keys),
            Kernel::Lanczos => convolved(&widen(plane), TAPS, lanczos::<4>),
            Kernel::Spline => {
                let mut samples: Vec<f32> = widen(plane).into_iter().map(f32::from).collect();
                to_spline(&mut samples, stride);
                Samples::Convolved(samples, Box::new(Weights::of(4, cubic_b_spline)))
            }
        };
        Self {
            side,
            margin,
            stride,
            samples,
        }
    }

    /// The plane rotated clockwise about its centre, ((side − 1)/2, (side − 1)/2).
    ///
    /// ```
    /// use pixels::plane::Plane;
    /// use pixels::rotation::{Angle, Kernel, Outside, Surface};
    ///
    /// let plane = Plane::from_fn(3, 3, |x, y| if (x, y) == (0, 0) { 255 } else { 0 });
    /// let surface = Surface::new(&plane, Kernel::Nearest, Outside::Constant(0));
    /// let rotated = surface.rotated(Angle::from_degrees(90.0)).to_bytes();
    /// // The top left corner is at the top right.
    /// assert_eq!(rotated.samples(), [0, 0, 255, 0, 0, 0, 0, 0, 0]);
    /// ```
    pub fn rotated(&self, angle: Angle) -> Plane<i16> {
        let samples = match &self.samples {
            Samples::Nearest(samples) => self.map(angle, |x, y| {
                let half = 1 << (FRACTION_BITS - 1);
                let index = self.index(x + half, y + half);
                fine(samples.get(index).copied().unwrap_or_default())
            }),
            Samples::Sheared(source) => {
                let (quarters, rest) = angle.to_nearest_quarter();
                let rotated = source.rotated(rest);
                return if quarters == 0 {
                    rotated
                } else {
                    rotated.quarter_rotated(quarters)
                };
            }
            Samples::Convolved(samples, weights) => match weights.taps {
                2 => self.map(angle, |x, y| self.convolve::<2>(samples, weights, x, y)),
                4 => self.map(angle, |x, y| self.convolve::<4>(samples, weights, x, y)),
                _ => self.map(angle, |x, y| self.convolve::<TAPS>(samples, weights, x, y)),
            },
        };
        square(self.side, samples)
    }

    /// Finds each sample of the rotated plane from its position in this surface, in units of 1/2²⁰
    /// of a sample.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    fn map(&self, angle: Angle, sample: impl Fn(i32, i32) -> i16) -> Vec<i16> {
        let mut samples = Vec::with_capacity(self.side * self.side);
        for Row {
            x,
            y,
            x_step,
            y_step,
        } in self.rows(angle)
        {
            samples.extend((0..self.side as i32).map(|i| sample(x + i * x_step, y + i * y_step)));
        }
        samples
    }

    /// Where the rows of the rotated plane begin, and their direction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn rows(&self, Angle { sin, cos }: Angle) -> impl Iterator<Item = Row> {
        let fixed = |value: f64| libm::round(value * f64::from(1 << FRACTION_BITS)) as i32;
        let half = (self.side as f64 - 1.0) / 2.0;
        let centre = half + self.margin as f64;
        (0..self.side).map(move |row| {
            // y points down, so this rotates back, counterclockwise.
            let (dx, dy) = (-half, row as f64 - half);
            Row {
                x: fixed(centre + dx * cos + dy * sin),
                y: fixed(centre - dx * sin + dy * cos),
                x_step: fixed(cos),
                y_step: fixed(-sin),
            }
        })
    }

    /// The index of the sample at or before a position, in both directions.
    #[inline]
    #[allow(clippy::cast_sign_loss)]
    fn index(&self, x: i32, y: i32) -> usize {
        (y >> FRACTION_BITS) as usize * self.stride + (x >> FRACTION_BITS) as usize
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn convolve<const N: usize>(&self, samples: &[f32], weights: &Weights, x: i32, y: i32) -> i16 {
        let first = self.index(x, y) - (N / 2 - 1) * (self.stride + 1);
        let mut columns = [0.0_f32; N];
        for (row, weight) in weights.at::<N>(y).into_iter().enumerate() {
            let start = first + row * self.stride;
            let row: Option<&[f32; N]> = samples
                .get(start..start + N)
                .and_then(|row| row.try_into().ok());
            for (column, sample) in columns.iter_mut().zip(row.unwrap_or(&[0.0; N])) {
                *column += weight * sample;
            }
        }
        let products = columns.into_iter().zip(weights.at::<N>(x));
        let sum = products.fold(-128.0, |sum, (column, weight)| sum + weight * column);
        // Positive, with a half added so that truncating rounds.
        ((sum * 64.0 + 32768.5) as i32 - 32768) as i16
    }
}

/// A row of a rotated plane in its surface, in units of 1/2²⁰ of a sample.
struct Row {
    /// The position of its first sample.
    x: i32,
    y: i32,
    /// From one sample to the next.
    x_step: i32,
    y_step: i32,
}

impl Weights {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn of(taps: usize, kernel: fn(f64) -> f64) -> Self {
        let mut phases = [[0.0; TAPS]; PHASES];
        for (phase, weights) in phases.iter_mut().enumerate() {
            let fraction = phase as f64 / PHASES as f64;
            let first = 1.0 - taps as f64 / 2.0;
            let values: Vec<f64> = (0..taps)
                .map(|tap| kernel(first + tap as f64 - fraction))
                .collect();
            let sum: f64 = values.iter().sum();
            for (weight, value) in weights.iter_mut().zip(values) {
                *weight = (value / sum) as f32;
            }
        }
        Self { taps, phases }
    }

    #[inline]
    #[allow(clippy::cast_sign_loss)]
    fn at<const N: usize>(&self, place: i32) -> [f32; N] {
        let phase = (place >> (FRACTION_BITS - PHASES.ilog2())) as usize % PHASES;
        let weights = self
            .phases
            .get(phase)
            .and_then(|weights| weights.first_chunk());
        weights.copied().unwrap_or([0.0; N])
    }
}

fn linear(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Keys' cubic convolution with a = −½.
fn keys(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

/// A sinc under the main lobe of a sinc `LOBES` times as wide.
pub fn lanczos<const LOBES: u8>(x: f64) -> f64 {
    let lobes = f64::from(LOBES);
    if x.abs() < 1e-9 {
        return 1.0;
    }
    if x.abs() >= lobes {
        return 0.0;
    }
    let x = x * std::f64::consts::PI;
    lobes * libm::sin(x) * libm::sin(x / lobes) / (x * x)
}

fn cubic_b_spline(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        2.0 / 3.0 + (0.5 * x - 1.0) * x * x
    } else if x < 2.0 {
        (2.0 - x) * (2.0 - x) * (2.0 - x) / 6.0
    } else {
        0.0
    }
}

fn convolved(samples: &[u8], taps: usize, kernel: fn(f64) -> f64) -> Samples {
    let samples = samples.iter().copied().map(f32::from).collect();
    Samples::Convolved(samples, Box::new(Weights::of(taps, kernel)))
}

/// Replaces samples by the coefficients of the cubic B-spline through them, by rows and by columns
/// (Unser, "Splines: a perfect fit", 1999, box 2). The margins absorb the error at the ends.
fn to_spline(samples: &mut [f32], stride: usize) {
    /// √3 − 2, the pole of the filter.
    const POLE: f32 = -0.267_949_2;
    for row in samples.chunks_exact_mut(stride) {
        let mut before = 0.0;
        for sample in row.iter_mut() {
            before = 6.0 * *sample + POLE * before;
            *sample = before;
        }
        let mut after = 0.0;
        for sample in row.iter_mut().rev() {
            after = POLE * (after - *sample);
            *sample = after;
        }
    }
    let mut before = vec![0.0; stride];
    for row in samples.chunks_exact_mut(stride) {
        for (sample, before) in row.iter_mut().zip(&mut before) {
            *before = 6.0 * *sample + POLE * *before;
            *sample = *before;
        }
    }
    let mut after = vec![0.0; stride];
    for row in samples.chunks_exact_mut(stride).rev() {
        for (sample, after) in row.iter_mut().zip(&mut after) {
            *after = POLE * (*after - *sample);
            *sample = *after;
        }
    }
}

/// The square at the top left of a plane with a margin on all sides.
fn widened(plane: &Plane, side: usize, margin: usize, outside: Outside) -> Vec<u8> {
    let stride = side + 2 * margin;
    let mut samples = Vec::with_capacity(stride * stride);
    match outside {
        Outside::Constant(value) => {
            samples.resize(stride * margin, value);
            for row in plane.rows().take(side) {
                samples.resize(samples.len() + margin, value);
                samples.extend_from_slice(row.get(..side).unwrap_or_default());
                samples.resize(samples.len() + margin, value);
            }
            samples.resize(stride * stride, value);
        }
        Outside::Reflected => {
            let columns: Vec<usize> = reflected(side, margin).collect();
            let (before, rest) = columns.split_at(margin);
            let (_, after) = rest.split_at(side);
            let mut lines: Vec<u8> = Vec::with_capacity(side * stride);
            for row in plane.rows().take(side) {
                let pick = |x: &usize| row.get(*x).copied().unwrap_or_default();
                lines.extend(before.iter().map(pick));
                lines.extend_from_slice(row.get(..side).unwrap_or_default());
                lines.extend(after.iter().map(pick));
            }
            for y in columns {
                samples
                    .extend_from_slice(lines.get(y * stride..(y + 1) * stride).unwrap_or_default());
            }
        }
    }
    samples
}

/// The positions 0 to `side` − 1, with a margin of reflected ones on both ends.
fn reflected(side: usize, margin: usize) -> impl Iterator<Item = usize> {
    let last = side - 1;
    let period = (2 * last).max(1);
    (0..side + 2 * margin).map(move |place| {
        let shifted = (place + period - margin % period) % period;
        if last == 0 {
            0
        } else {
            shifted.min(period - shifted)
        }
    })
}

#[cfg(test)]
mod tests;
