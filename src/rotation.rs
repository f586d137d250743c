//! Turning a plane about its centre by any angle.
//!
//! A [`Surface`] is a plane made ready to be turned: sharpened where the kernel
//! asks for it, and with a margin wide enough that no turned sample comes from
//! outside. So the inner loops know no borders.

// Coordinates inside a surface, which is far smaller than an i32 can count, and
// weighted means of samples.
#![allow(clippy::arithmetic_side_effects)]

use bytemuck::cast;
use wide::{i16x8, i16x16, u8x16, u32x8};

use crate::plane::Plane;
use crate::processor::{Work, with_best_instructions};

/// How a sample between the samples of the source is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// The nearest sample: hard edges, for pixel art.
    Nearest,
    /// Linear between the four around it: soft.
    Bilinear,
    /// Bilinear of the source sharpened by three taps, which makes up for what
    /// bilinear softens.
    Sharp,
    /// Cubic convolution of the sixteen around it (Keys, 1981, a = −½).
    Cubic,
    /// A sinc with a Lanczos window of three samples.
    Lanczos,
    /// The cubic B-spline through all samples (Unser, Aldroubi and Eden, 1993):
    /// the closest to the truth, and the slowest.
    Spline,
}

/// What lies outside of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// The source's mirror image, at the middle of its outermost samples.
    Reflected,
    /// One value everywhere.
    Constant(u8),
}

/// An angle, clockwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Angle {
    sin: f64,
    cos: f64,
}

impl Angle {
    /// An angle in degrees.
    pub fn from_degrees(degrees: f64) -> Self {
        // Not those of std, which differ between systems in the last bit.
        let (sin, cos) = libm::sincos(degrees.to_radians());
        Self { sin, cos }
    }
}

/// A square plane that is ready to be turned by any angle with one kernel.
#[derive(Debug, Clone)]
pub struct Surface {
    side: usize,
    margin: usize,
    /// Samples from one row to the next.
    stride: usize,
    samples: Samples,
}

#[derive(Debug, Clone)]
enum Samples {
    Nearest(Vec<u8>),
    /// Of each sample: itself, then the one below.
    Bilinear(Vec<[u8; 2]>),
    Convolved(Vec<f32>, Box<Weights>),
}

/// The reach of the widest kernel in samples, and one for what is rounded.
const REACH: usize = 4;

/// Coordinates are whole numbers of 1/2²⁰ of a sample: over 400 samples, the
/// steps add up to an error below 1/1000.
const FRACTION_BITS: u32 = 20;

/// The weights of [`Kernel::Bilinear`] are 1/2⁷.
const WEIGHT_BITS: u32 = 7;

/// The places between two samples that a convolution tells apart.
const PHASES: usize = 256;

/// The most samples in a row that a convolution takes.
const TAPS: usize = 6;

/// For each place between two samples: the weights of those around it.
#[derive(Debug, Clone)]
struct Weights {
    /// 4 or 6; weights beyond are zero.
    taps: usize,
    phases: [[f32; TAPS]; PHASES],
}

impl Surface {
    /// Makes a plane ready; what is not square is taken as its top left square.
    pub fn new(plane: &Plane, kernel: Kernel, outside: Outside) -> Self {
        let side = plane.width().min(plane.height());
        // Half of what the diagonal is longer than a side: (√2 − 1) / 2 < 0.2072.
        let margin = side * 2072 / 10_000 + 1 + REACH;
        let stride = side + 2 * margin;
        let widen = |plane: &Plane| widened(plane, side, margin, outside);
        let with_below = |samples: &[u8]| {
            Samples::Bilinear(with_best_instructions(PutWithBelow { samples, stride }))
        };
        let samples = match kernel {
            Kernel::Nearest => Samples::Nearest(widen(plane)),
            Kernel::Bilinear => with_below(&widen(plane)),
            Kernel::Sharp => {
                let sharp = with_best_instructions(Sharpen(plane));
                with_below(&widen(&sharp))
            }
            Kernel::Cubic => convolved(&widen(plane), 4, keys),
            Kernel::Lanczos => convolved(&widen(plane), TAPS, lanczos),
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

    /// The plane turned clockwise about its centre, ((side − 1)/2, (side − 1)/2).
    pub fn turned(&self, angle: Angle) -> Plane {
        let samples = match &self.samples {
            Samples::Nearest(samples) => self.map(angle, |x, y| {
                let half = 1 << (FRACTION_BITS - 1);
                let index = self.index(x + half, y + half);
                samples.get(index).copied().unwrap_or_default()
            }),
            Samples::Bilinear(samples) => with_best_instructions(Bilinear {
                surface: self,
                samples,
                angle,
            }),
            Samples::Convolved(samples, weights) if weights.taps == 4 => {
                self.map(angle, |x, y| self.convolve::<4>(samples, weights, x, y))
            }
            Samples::Convolved(samples, weights) => {
                self.map(angle, |x, y| self.convolve::<TAPS>(samples, weights, x, y))
            }
        };
        let blank = || Plane::from_fn(self.side, self.side, |_, _| 0);
        Plane::new(self.side, self.side, samples).unwrap_or_else(blank)
    }

    /// Finds each sample of the turned plane from its place in this surface,
    /// in 1/2²⁰ of a sample.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    fn map(&self, angle: Angle, sample: impl Fn(i32, i32) -> u8) -> Vec<u8> {
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

    /// Where the rows of the turned plane begin, and which way they go.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn rows(&self, Angle { sin, cos }: Angle) -> impl Iterator<Item = Row> {
        let fixed = |value: f64| libm::round(value * f64::from(1 << FRACTION_BITS)) as i32;
        let half = (self.side as f64 - 1.0) / 2.0;
        let centre = half + self.margin as f64;
        (0..self.side).map(move |row| {
            // y points down, so this turns back counterclockwise.
            let (dx, dy) = (-half, row as f64 - half);
            Row {
                x: fixed(centre + dx * cos + dy * sin),
                y: fixed(centre - dx * sin + dy * cos),
                x_step: fixed(cos),
                y_step: fixed(-sin),
            }
        })
    }

    /// The index of the sample at or before a place, in both directions.
    #[inline]
    #[allow(clippy::cast_sign_loss)]
    fn index(&self, x: i32, y: i32) -> usize {
        (y >> FRACTION_BITS) as usize * self.stride + (x >> FRACTION_BITS) as usize
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn convolve<const N: usize>(&self, samples: &[f32], weights: &Weights, x: i32, y: i32) -> u8 {
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
        let sum = columns.into_iter().zip(weights.at::<N>(x));
        // The cast saturates.
        (sum.fold(0.5, |sum, (column, weight)| sum + weight * column)) as u8
    }
}

/// Finds the mean of the four samples around each place, weighted by how near
/// they are; eight places at once.
struct Bilinear<'a> {
    surface: &'a Surface,
    samples: &'a [[u8; 2]],
    angle: Angle,
}

impl Work for Bilinear<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    #[allow(
        clippy::inline_always,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        clippy::many_single_char_names
    )]
    fn run(self) -> Vec<u8> {
        const LANES: usize = 8;
        const ONE: u32 = 1 << WEIGHT_BITS;
        let Self {
            surface,
            samples,
            angle,
        } = self;
        let lanes = u32x8::new([0, 1, 2, 3, 4, 5, 6, 7]);
        // For an index, from the numbers of a row and a column in one lane.
        let strides: i16x16 = cast(u32x8::splat(surface.stride as u32 | 1 << 16));
        let mut turned = Vec::with_capacity(surface.side * surface.side);
        let mut line = vec![[0; LANES]; surface.side.div_ceil(LANES)];
        for row in surface.rows(angle) {
            let mut x = u32x8::splat(row.x as u32) + lanes * u32x8::splat(row.x_step as u32);
            let mut y = u32x8::splat(row.y as u32) + lanes * u32x8::splat(row.y_step as u32);
            let x_step = u32x8::splat((row.x_step as u32).wrapping_mul(LANES as u32));
            let y_step = u32x8::splat((row.y_step as u32).wrapping_mul(LANES as u32));
            for eight in &mut line {
                let place = (y >> FRACTION_BITS) | (x >> FRACTION_BITS) << 16_u32;
                let indices: [u32; LANES] = cast(cast::<_, i16x16>(place).dot(strides));
                let squares = indices.map(|index| {
                    let index = index as usize;
                    match samples.get(index..index + 2) {
                        Some(&[[a, b], [c, d]]) => u32::from_le_bytes([a, b, c, d]),
                        _ => 0,
                    }
                });
                // Left and right in 16 bits each of a lane.
                let squares = u32x8::new(squares);
                let upper: i16x16 = cast(squares & u32x8::splat(0x00ff_00ff));
                let lower: i16x16 = cast((squares >> 8_u32) & u32x8::splat(0x00ff_00ff));

                let share =
                    |at: u32x8| (at >> (FRACTION_BITS - WEIGHT_BITS)) & u32x8::splat(ONE - 1);
                let (right_share, lower_share) = (share(x), share(y));
                let lower_shares: i16x16 = cast(lower_share | lower_share << 16_u32);
                let upper_shares = i16x16::splat(ONE as i16) - lower_shares;
                let columns = upper * upper_shares + lower * lower_shares;
                let shares = (u32x8::splat(ONE) - right_share) | right_share << 16_u32;
                let sums: u32x8 = cast(columns.dot(cast(shares)));
                let means = (sums + u32x8::splat(ONE * ONE / 2)) >> (2 * WEIGHT_BITS);
                *eight = low_bytes(means);
                x += x_step;
                y += y_step;
            }
            turned.extend_from_slice(line.as_flattened().get(..surface.side).unwrap_or_default());
        }
        turned
    }
}

/// Eight numbers below 256 as bytes.
#[inline(always)]
#[allow(clippy::inline_always)]
fn low_bytes(numbers: u32x8) -> [u8; 8] {
    let halves = i16x8::from_i32x8_saturate(cast(numbers));
    let [bytes, _]: [[u8; 8]; 2] = cast(u8x16::narrow_i16x8(halves, halves));
    bytes
}

/// A row of a turned plane in its surface, in 1/2²⁰ of a sample.
struct Row {
    /// Where its first sample is.
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

/// A sinc under the main lobe of a sinc three times as wide.
pub(crate) fn lanczos(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        return 1.0;
    }
    if x.abs() >= 3.0 {
        return 0.0;
    }
    let x = x * std::f64::consts::PI;
    3.0 * libm::sin(x) * libm::sin(x / 3.0) / (x * x)
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

/// Replaces samples by the coefficients of the cubic B-spline through them, by
/// rows and by columns (Unser, "Splines: a perfect fit", 1999, box 2). The
/// margins take up what the ends do not say.
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

/// The places 0 to `side` − 1 with a margin of reflected ones on both ends.
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

/// Puts each sample together with the one below it; the last row has zeros
/// below.
struct PutWithBelow<'a> {
    samples: &'a [u8],
    stride: usize,
}

impl Work for PutWithBelow<'_> {
    type Output = Vec<[u8; 2]>;

    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn run(self) -> Vec<[u8; 2]> {
        let below = self.samples.get(self.stride..).unwrap_or_default();
        let pairs = self.samples.iter().zip(below);
        let mut pairs: Vec<_> = pairs.map(|(upper, lower)| [*upper, *lower]).collect();
        pairs.resize(self.samples.len(), [0; 2]);
        pairs
    }
}

/// Convolves a plane with −6, 76, −6 (in 1/64) by rows and by columns; at the
/// edges, the outermost sample is its own neighbour.
struct Sharpen<'a>(&'a Plane);

impl Work for Sharpen<'_> {
    type Output = Plane;

    #[inline(always)]
    #[allow(
        clippy::inline_always,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    fn run(self) -> Plane {
        let Self(plane) = self;
        let (width, height) = (plane.width(), plane.height());
        let row_of = |y: usize| {
            plane
                .samples()
                .get(y * width..(y + 1) * width)
                .unwrap_or_default()
        };
        // One row, with its ends repeated on both sides.
        let mut line = vec![0_i16; width + 2];
        let mut samples = vec![0; width * height];
        for (y, out) in samples.chunks_exact_mut(width).enumerate() {
            let (above, below) = (row_of(y.saturating_sub(1)), row_of((y + 1).min(height - 1)));
            let inner = line.iter_mut().skip(1);
            for (((to, here), above), below) in inner.zip(row_of(y)).zip(above).zip(below) {
                *to = sharp_tap((*above).into(), (*here).into(), (*below).into());
            }
            if let [left, first, .., last, right] = line.as_mut_slice() {
                (*left, *right) = (*first, *last);
            } else if let [left, only, right] = line.as_mut_slice() {
                (*left, *right) = (*only, *only);
            }
            let here = line.get(1..).unwrap_or_default();
            let right = line.get(2..).unwrap_or_default();
            for (((to, left), here), right) in out.iter_mut().zip(&line).zip(here).zip(right) {
                *to = sharp_tap(*left, *here, *right).clamp(0, 255) as u8;
            }
        }
        Plane::new(width, height, samples).unwrap_or_else(|| plane.clone())
    }
}

/// −6, 76 and −6 in 1/64, rounded; of values below 400, so that it fits.
#[inline(always)]
#[allow(clippy::inline_always)]
fn sharp_tap(before: i16, here: i16, after: i16) -> i16 {
    (here * 76 - (before + after) * 6 + 32) >> 6
}

#[cfg(test)]
mod tests;
