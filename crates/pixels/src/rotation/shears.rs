//! Turning a plane by three shears.
//!
//! To turn by θ is to shift each row, then each column, then each row again, by
//! distances that grow evenly from one to the next (Paeth, "A fast algorithm
//! for general raster rotation", 1986):
//!
//! ```text
//! |  cos θ   sin θ |   | 1  a |   | 1  0 |   | 1  a |
//! | −sin θ   cos θ | = | 0  1 | · | b  1 | · | 0  1 |    a = tan θ/2, b = −sin θ
//! ```
//!
//! All samples of a row are shifted by the same distance, so they share one set
//! of weights, and neighbours are read together: six taps in each of three
//! directions cost less than four taps around places that lie anywhere. That
//! this loses little is shown by Unser, Thévenaz and Yaroslavsky
//! ("Convolution-based interpolation for fast, high-quality rotation of
//! images", 1995).

// Coordinates inside a buffer whose size is chosen here, and sums that the
// comment at `TAPS` bounds; and `processor::with_best_instructions` needs it.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::inline_always,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

use std::cell::Cell;
use std::f64::consts::PI;
use std::iter::repeat_n;
use std::ops::Range;
use std::sync::LazyLock;

use bytemuck::cast;
use wide::{f32x4, i16x16, u32x4};

use super::{Angle, Outside, reflected, square};
use crate::plane::{Plane, fine};
use crate::processor::{Instructions, Work, with_best_instructions};

/// The samples that each shift takes into account. The absolute weights add up
/// to less than 1.55, so three shifts of samples from −128 to 127 stay within
/// ±477, and in 1/64 within an `i16`.
const TAPS: usize = 6;

/// The number of distances between two samples that are distinguished.
const PHASES: usize = 256;

/// The number of samples processed at once.
const LANES: usize = 16;

/// The samples that these are made from.
const WINDOW: usize = LANES + TAPS - 1;

/// The number of rows that become columns at once.
const STRIP: usize = 8;

/// The samples read around one that is needed: half the taps, one for rounding, and the rest of the
/// lanes.
const REACH: usize = TAPS / 2 + 1 + LANES;

/// Weights are in units of 1/2¹⁵.
const WEIGHT_BITS: u32 = 15;

/// The weights of the taps for each distance.
static WEIGHTS: LazyLock<Box<[[i16; TAPS]]>> = LazyLock::new(|| {
    let (step_sin, step_cos) = libm::sincos(PI / 3.0 / PHASES as f64);
    let (mut sin, mut cos) = (0.0, 1.0);
    let weights = (0..PHASES).map(|phase| {
        let weights = lanczos(phase as f64 / PHASES as f64, sin, cos);
        (sin, cos) = (
            sin * step_cos + cos * step_sin,
            cos * step_cos - sin * step_sin,
        );
        to_whole(weights)
    });
    weights.collect()
});

/// The weights of the sinc with a Lanczos window of three samples, for a place
/// that is `fraction` after a sample; with the sine and cosine of
/// π/3 · `fraction`. They are up to a common factor
///
/// ```text
/// sin(π x) · sin(π/3 x) / x²,   x = k − fraction,   k = −2 to 3
/// ```
///
/// where sin(π x) changes its sign only from one k to the next, and the other
/// sine follows from that of the difference of two angles.
fn lanczos(fraction: f64, sin: f64, cos: f64) -> [f64; TAPS] {
    const HALF_ROOT_3: f64 = 0.866_025_403_784_438_6;
    /// The sine and cosine of k · π/3, with the sign of sin(π x).
    const THIRDS: [(f64, f64); TAPS] = [
        (-HALF_ROOT_3, -0.5),
        (HALF_ROOT_3, -0.5),
        (0.0, 1.0),
        (-HALF_ROOT_3, -0.5),
        (HALF_ROOT_3, -0.5),
        (0.0, 1.0),
    ];
    if fraction == 0.0 {
        return [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    }
    let mut k = -2.0;
    THIRDS.map(|(sin_k, cos_k)| {
        let x: f64 = k - fraction;
        k += 1.0;
        (cos_k * sin - sin_k * cos) / (x * x)
    })
}

/// Weights as whole numbers that add up to 1: rounding must not make a plane brighter or darker.
fn to_whole(weights: [f64; TAPS]) -> [i16; TAPS] {
    let one = 1 << WEIGHT_BITS;
    let sum: f64 = weights.iter().sum();
    let mut weights = weights.map(|weight| libm::round(weight / sum * f64::from(one)) as i32);
    let missing = one - weights.iter().sum::<i32>();
    if let Some(largest) = weights.iter_mut().max() {
        *largest += missing;
    }
    // The weight 1 of a sample that is not shifted becomes the next smaller.
    weights.map(|weight| weight.min(i16::MAX.into()) as i16)
}

thread_local! {
    /// The two buffers of the last plane, so that the next one needs no new, zeroed memory. Their
    /// old contents are never used.
    static BUFFERS: Cell<[Vec<i16>; 2]> = const { Cell::new([Vec::new(), Vec::new()]) };
}

/// A square plane to be rotated, with margins to its left and right.
#[derive(Debug, Clone)]
pub(super) struct Source {
    side: usize,
    margin: usize,
    /// The rows of the plane, and one for above and below unless these are a mirror image.
    samples: Vec<i16>,
    /// The index of each row, with margins above and below.
    rows: Vec<usize>,
}

impl Source {
    pub(super) fn new(plane: &Plane, outside: Outside) -> Self {
        let side = plane.width().min(plane.height());
        let margin = super::diagonal_margin(side) + REACH;
        let mirrored: Vec<usize> = reflected(side, margin).collect();
        let wide = mirrored.len();
        let mut samples = Vec::with_capacity(wide * (side + 1));
        let mut fine_row = Vec::with_capacity(side);
        for row in plane.rows().take(side) {
            fine_row.clear();
            fine_row.extend(row.iter().take(side).copied().map(fine));
            match outside {
                Outside::Reflected if margin < side => {
                    let before = fine_row.get(1..=margin).unwrap_or_default();
                    let after = fine_row.get(side - 1 - margin..side - 1);
                    samples.extend(before.iter().rev());
                    samples.extend_from_slice(&fine_row);
                    samples.extend(after.unwrap_or_default().iter().rev());
                }
                Outside::Reflected => {
                    let sample = |x: &usize| fine_row.get(*x).copied().unwrap_or_default();
                    samples.extend(mirrored.iter().map(sample));
                }
                Outside::Constant(value) => {
                    samples.extend(repeat_n(fine(value), margin));
                    samples.extend_from_slice(&fine_row);
                    samples.extend(repeat_n(fine(value), margin));
                }
            }
        }
        let rows = match outside {
            Outside::Reflected => mirrored,
            Outside::Constant(value) => {
                samples.extend(repeat_n(fine(value), mirrored.len()));
                let outside = || repeat_n(side, margin);
                outside().chain(0..side).chain(outside()).collect()
            }
        };
        Self {
            side,
            margin,
            samples,
            rows,
        }
    }

    /// The plane rotated clockwise about its centre by at most an eighth of a circle in either
    /// direction.
    pub(super) fn rotated(&self, angle: Angle) -> Plane<i16> {
        let samples = with_best_instructions(Shears {
            source: self,
            angle,
        });
        square(self.side, samples)
    }
}

/// Shifts rows, columns, and rows again.
///
/// Positions are counted from the top left of the margins. Only the samples that the next shift
/// needs are shifted: those whose position ends up in the rotated plane.
struct Shears<'a> {
    source: &'a Source,
    angle: Angle,
}

impl Work for Shears<'_> {
    type Output = Vec<i16>;

    #[inline(always)]
    #[allow(clippy::many_single_char_names)]
    fn run<I: Instructions>(self, instructions: I) -> Vec<i16> {
        let Self { source, angle } = self;
        let Angle { sin, cos } = angle;
        let (a, b) = (sin / (1.0 + cos), -sin);
        let (side, margin) = (source.side, source.margin);
        let wide = source.rows.len();
        let half = (side as f64 - 1.0) / 2.0;
        let from_centre = |place: usize| place as f64 - half - margin as f64;

        let [columns, rows] = BUFFERS.take();
        let shifts = (0..wide).map(|x1| Shift::by(b * from_centre(x1)));
        let mut columns = Shifted::new(columns, shifts, side, margin);
        let shifts = (0..side).map(|y| Shift::by(a * (y as f64 - half)));
        let mut rows = Shifted::new(rows, shifts, side, margin);
        let stride = wide + LANES;
        let mut strip = vec![0; stride * STRIP];

        // Rows → columns. The sample that ends up at (x, y) of the rotated plane was at x₁ = x + a
        // y, and is at y₁ = y + b x₁.
        for first in (0..wide).step_by(STRIP) {
            let ends = [first, first + STRIP - 1].map(from_centre);
            let in_width = within(ends.map(|y1| a * y1), cos, half);
            let in_height = within(ends, b, half);
            let needed = lanes(overlap(in_width, in_height), half + margin as f64, wide);
            for (row, sheared) in (first..).zip(strip.chunks_exact_mut(stride)) {
                let Shift { whole, phase } = Shift::by(a * from_centre(row));
                let start = source.rows.get(row).copied().unwrap_or_default() * wide;
                let start = (start + needed.start).saturating_add_signed(whole);
                let sheared = sheared.get_mut(needed.clone()).unwrap_or_default();
                convolve(&source.samples, start, phase, sheared, instructions);
            }
            columns.put(&strip, stride, needed, first);
        }

        // Columns → rows.
        for first in (0..wide).step_by(STRIP) {
            let ends = [first, first + STRIP - 1].map(from_centre);
            let in_width = within(ends, a, half);
            let needed = lanes(overlap(in_width, (-half, half)), half, side);
            for (column, sheared) in (first..).zip(strip.chunks_exact_mut(stride)) {
                let sheared = sheared.get_mut(needed.clone()).unwrap_or_default();
                columns.shift(column, needed.start, sheared, instructions);
            }
            rows.put(&strip, stride, needed, first);
        }

        // Rows → the plane.
        let mut rotated = Vec::with_capacity(side * side);
        let mut row = vec![0; side.next_multiple_of(LANES)];
        for y in 0..side {
            rows.shift(y, 0, &mut row, instructions);
            rotated.extend_from_slice(row.get(..side).unwrap_or_default());
        }
        // An isolate has better uses for the memory.
        if cfg!(not(target_arch = "wasm32")) {
            BUFFERS.set([columns.samples, rows.samples]);
        }
        rotated
    }
}

/// A shift of a row of samples: where each sample comes from.
#[derive(Debug, Clone, Copy, Default)]
struct Shift {
    /// In whole samples.
    whole: isize,
    /// The rest, in units of 1/[`PHASES`] of a sample.
    phase: usize,
}

impl Shift {
    #[inline(always)]
    fn by(distance: f64) -> Self {
        let phases = libm::round(distance * PHASES as f64) as isize;
        Self {
            whole: phases.div_euclid(PHASES as isize),
            phase: phases.rem_euclid(PHASES as isize) as usize,
        }
    }
}

/// Rows that are already shifted by whole samples.
struct Shifted {
    samples: Vec<i16>,
    stride: usize,
    rows: Vec<ShiftedRow>,
}

#[derive(Debug, Clone, Copy, Default)]
struct ShiftedRow {
    /// Added to a position (wrapping) to find it in the row.
    offset: usize,
    /// The rest of the shift.
    phase: usize,
}

impl Shifted {
    /// The space before the first position of a shifted row and after the last: what is read for
    /// its lanes, or along with a needed sample.
    const PADDING: usize = TAPS / 2 + LANES + STRIP;

    /// Rows of `side` samples without their margins.
    #[inline(always)]
    fn new(
        mut samples: Vec<i16>,
        shifts: impl Iterator<Item = Shift>,
        side: usize,
        margin: usize,
    ) -> Self {
        let stride = side + 2 * Self::PADDING;
        let padded = |Shift { whole, phase }| {
            let offset = Self::PADDING as isize - margin as isize - whole;
            let offset = offset as usize;
            ShiftedRow { offset, phase }
        };
        let rows: Vec<_> = shifts.map(padded).collect();
        samples.resize(samples.len().max(stride * rows.len()), 0);
        Self {
            samples,
            stride,
            rows,
        }
    }

    /// Transposes the positions `range` of eight rows into as many of these rows, as their
    /// positions from `column` on; omits those that no shift needs.
    #[inline(always)]
    fn put(&mut self, strip: &[i16], strip_stride: usize, range: Range<usize>, column: usize) {
        for x in range.step_by(STRIP) {
            let mut tile = [[0; STRIP]; STRIP];
            for (y, row) in tile.iter_mut().enumerate() {
                let start = y * strip_stride + x;
                let samples = strip.get(start..start + STRIP).unwrap_or_default();
                *row = samples.try_into().unwrap_or_default();
            }
            let rows = self.rows.get(x..).unwrap_or_default();
            for ((i, row), samples) in (x..).zip(rows).zip(transposed(tile)) {
                let place = column.wrapping_add(row.offset);
                if place > self.stride - STRIP {
                    continue;
                }
                let start = i * self.stride + place;
                if let Some(to) = self.samples.get_mut(start..start + STRIP) {
                    to.copy_from_slice(&samples);
                }
            }
        }
    }

    /// Completes a row's shift for its positions from `first` on, counted without the margin.
    #[inline(always)]
    fn shift<I: Instructions>(&self, row: usize, first: usize, to: &mut [i16], instructions: I) {
        let phase = self.rows.get(row).copied().unwrap_or_default().phase;
        let start = row * self.stride + Self::PADDING + first;
        convolve(&self.samples, start, phase, to, instructions);
    }
}

/// Fills `to` by interpolating between the samples at `start` and after. Lanes that would come from
/// outside stay unchanged.
#[inline(always)]
fn convolve<I: Instructions>(
    from: &[i16],
    start: usize,
    phase: usize,
    to: &mut [i16],
    instructions: I,
) {
    let weights = WEIGHTS.get(phase).copied().unwrap_or_default();
    let from = from
        .get(start.saturating_sub(TAPS / 2 - 1)..)
        .unwrap_or_default();
    let (to, _) = to.as_chunks_mut::<LANES>();
    for (i, to) in to.iter_mut().enumerate() {
        let window = from.get(i * LANES..i * LANES + WINDOW);
        if let Some(window) = window.and_then(|window| window.first_chunk()) {
            *to = weigh(window, weights, instructions);
        }
    }
}

/// Weights the samples of each window of six.
#[inline(always)]
fn weigh<I: Instructions>(
    window: &[i16; WINDOW],
    weights: [i16; TAPS],
    instructions: I,
) -> [i16; LANES] {
    let product = |tap: usize, weight: i16| {
        let samples = window.get(tap..tap + LANES).unwrap_or_default();
        let samples = samples.try_into().unwrap_or_default();
        i16x16::new(instructions.mul_round(samples, [weight; LANES]))
    };
    let [first, second, third, fourth, fifth, sixth] = weights;
    let outer = product(0, first) + product(5, sixth);
    let middle = product(1, second) + product(4, fifth);
    let inner = product(2, third) + product(3, fourth);
    (outer + middle + inner).to_array()
}

/// The range of t in which |offset − slope · t| is at most `reach`, including the samples around
/// it, for an offset between two.
fn within(offsets: [f64; 2], slope: f64, reach: f64) -> (f64, f64) {
    let reach = reach + (TAPS / 2 + 1) as f64;
    if slope.abs() < 1e-3 {
        return (f64::MIN, f64::MAX);
    }
    let [one, other] = offsets.map(|offset| offset / slope);
    let reach = reach / slope.abs();
    (one.min(other) - reach, one.max(other) + reach)
}

fn overlap(one: (f64, f64), other: (f64, f64)) -> (f64, f64) {
    (one.0.max(other.0), one.1.min(other.1))
}

/// The positions from `first` to `last`, counted from `centre`, extended to fill the last lanes.
fn lanes((first, last): (f64, f64), centre: f64, count: usize) -> Range<usize> {
    let place = |at: f64| (at + centre).clamp(0.0, count as f64) as usize;
    let (first, last) = (place(libm::floor(first)), place(libm::ceil(last) + 1.0));
    first..first + last.saturating_sub(first).next_multiple_of(LANES)
}

/// Rows become columns: first in pairs, then pairs as if they were one.
#[inline(always)]
fn transposed(tile: [[i16; STRIP]; STRIP]) -> [[i16; STRIP]; STRIP] {
    let rows: [[u32x4; 2]; STRIP / 2] = cast(tile);
    let even = rows.map(|[upper, lower]| upper & u32x4::splat(0xffff) | lower << 16_u32);
    let odd = rows.map(|[upper, lower]| upper >> 16_u32 | lower & u32x4::splat(0xffff_0000));
    let [first, third, fifth, seventh] = f32x4::transpose(cast(even));
    let [second, fourth, sixth, eighth] = f32x4::transpose(cast(odd));
    cast([first, second, third, fourth, fifth, sixth, seventh, eighth])
}
