//! Shifted samples (T.81 §A.3.1) → quantised coefficients (§A.3.3, §A.3.4).
//!
//! The forward DCT is that of Arai, Agui and Nakajima ("A fast DCT-SQ scheme for images", 1988):
//! five multiplications per row, and a remaining factor per coefficient that the quantisation
//! absorbs. It works on eight columns at once. It uses only additions and multiplications of `f32`,
//! so that every machine gets the same bits.

// Floats, and sums of indices below the size of a picture; and
// `processor::with_best_instructions` needs it.
#![allow(clippy::arithmetic_side_effects, clippy::inline_always)]

use bytemuck::cast;
use wide::{f32x4, f32x8, i16x8, i32x8};

use super::quantization::QuantizationTables;
use super::{BLOCK, BLOCK_SIDE, MCU_BLOCKS, MCU_SIDE, Size, at};
use crate::plane::{Plane, Planes};
use crate::processor::{Instructions, Work, with_best_instructions};

/// The largest AC coefficient that a baseline scan can code (§F.1.2.2.1).
const MAX_COEFFICIENT: i16 = 1023;

/// All blocks of a picture, in the order of [`super::Coefficients`].
pub(super) fn transform(
    planes: &Planes<i16>,
    size: Size,
    tables: &QuantizationTables,
) -> Vec<[i16; BLOCK]> {
    let (wide, high) = (size.mcus_wide(), size.mcus_high());
    let luma = Padded::new(&planes.luma, wide * MCU_SIDE, high * MCU_SIDE);
    let blue = Padded::new(&planes.blue, wide * BLOCK_SIDE, high * BLOCK_SIDE);
    let red = Padded::new(&planes.red, wide * BLOCK_SIDE, high * BLOCK_SIDE);
    let luma_factors = factors(&tables.luma);
    let chroma_factors = factors(&tables.chroma);

    with_best_instructions(Source {
        wide,
        high,
        luma,
        chroma: [blue, red],
        luma_factors,
        chroma_factors,
    })
}

/// The input of all blocks of a picture.
struct Source<'a> {
    /// In MCUs.
    wide: usize,
    /// In MCUs.
    high: usize,
    luma: Padded<'a>,
    chroma: [Padded<'a>; 2],
    luma_factors: [f32x8; BLOCK_SIDE],
    chroma_factors: [f32x8; BLOCK_SIDE],
}

impl Work for Source<'_> {
    type Output = Vec<[i16; BLOCK]>;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> Vec<[i16; BLOCK]> {
        let mut blocks = vec![[0; BLOCK]; self.wide * self.high * MCU_BLOCKS];
        let (mcus, _) = blocks.as_chunks_mut();
        for (mcu_y, mcus) in mcus.chunks_exact_mut(self.wide).enumerate() {
            for (mcu_x, mcu) in mcus.iter_mut().enumerate() {
                let [upper_left, upper_right, lower_left, lower_right, blue, red]: &mut [_;
                    MCU_BLOCKS] = mcu;
                for (block, x, y) in [
                    (upper_left, 0, 0),
                    (upper_right, 1, 0),
                    (lower_left, 0, 1),
                    (lower_right, 1, 1),
                ] {
                    let rows = self.luma.block(2 * mcu_x + x, 2 * mcu_y + y);
                    quantise(rows, &self.luma_factors, block);
                }
                for (block, chroma) in [blue, red].into_iter().zip(&self.chroma) {
                    let rows = chroma.block(mcu_x, mcu_y);
                    quantise(rows, &self.chroma_factors, block);
                }
            }
        }
        blocks
    }
}

/// A plane whose last column and row are repeated until blocks cover it.
struct Padded<'a> {
    width: usize,
    samples: std::borrow::Cow<'a, [i16]>,
}

impl<'a> Padded<'a> {
    fn new(plane: &'a Plane<i16>, width: usize, height: usize) -> Self {
        let samples = if (plane.width(), plane.height()) == (width, height) {
            plane.samples().into()
        } else {
            Plane::from_fn(width, height, |x, y| plane.nearest(x, y))
                .samples()
                .to_vec()
                .into()
        };
        Self { width, samples }
    }

    /// The eight rows of a block.
    #[inline(always)]
    fn block(&self, block_x: usize, block_y: usize) -> [f32x8; BLOCK_SIDE] {
        let start = block_y * BLOCK_SIDE * self.width + block_x * BLOCK_SIDE;
        let mut rows = [f32x8::ZERO; BLOCK_SIDE];
        for (y, row) in rows.iter_mut().enumerate() {
            let start = start + y * self.width;
            let samples = self.samples.get(start..start + BLOCK_SIDE);
            let samples: [i16; BLOCK_SIDE] = samples
                .and_then(|samples| samples.try_into().ok())
                .unwrap_or_default();
            *row = f32x8::from_i32x8(i32x8::from_i16x8(i16x8::new(samples)));
        }
        rows
    }
}

/// The factor for each coefficient: the one that the fast DCT leaves over, the step size, and the
/// 1/64 of the samples' unit. At 8 u + v, as in a block.
fn factors(steps: &[u8; BLOCK]) -> [f32x8; BLOCK_SIDE] {
    // 1 for k = 0, else cos(kπ/16) · √2.
    const SCALES: [f64; BLOCK_SIDE] = [
        1.0,
        1.387_039_845,
        1.306_562_965,
        1.175_875_602,
        1.0,
        0.785_694_958,
        0.541_196_100,
        0.275_899_379,
    ];
    let mut factors = [f32x8::ZERO; BLOCK_SIDE];
    for (u, row) in factors.iter_mut().enumerate() {
        let mut values = [0.0; BLOCK_SIDE];
        for (v, value) in values.iter_mut().enumerate() {
            let step = f64::from(at(steps, BLOCK_SIDE * v + u).max(1));
            // This loses a factor far below the precision of an f32.
            #[allow(clippy::cast_possible_truncation)]
            {
                *value = (1.0 / (64.0 * 8.0 * at(&SCALES, u) * at(&SCALES, v) * step)) as f32;
            }
        }
        *row = f32x8::new(values);
    }
    factors
}

/// Transforms and quantises a block. The coefficient of frequencies u and v ends up at 8 u + v.
#[inline(always)]
fn quantise(rows: [f32x8; BLOCK_SIDE], factors: &[f32x8; BLOCK_SIDE], block: &mut [i16; BLOCK]) {
    let by_vertical_frequency = fdct(rows);
    let by_horizontal_frequency = fdct(transposed(by_vertical_frequency));
    let (chunks, _) = block.as_chunks_mut::<BLOCK_SIDE>();
    for ((chunk, row), factor) in chunks.iter_mut().zip(by_horizontal_frequency).zip(factors) {
        // To the nearest; coefficients are far inside the range.
        let rounded = (row * *factor).fast_round_int();
        let limit = i16x8::splat(MAX_COEFFICIENT);
        let limited = i16x8::from_i32x8_saturate(rounded).min(limit).max(-limit);
        *chunk = limited.to_array();
    }
}

/// Rows become columns, by quarters: `f32x8::transpose` is slow without AVX.
#[inline(always)]
fn transposed(rows: [f32x8; BLOCK_SIDE]) -> [f32x8; BLOCK_SIDE] {
    let halves: [[f32x4; 2]; BLOCK_SIDE] = rows.map(cast);
    let [top, bottom]: [[[f32x4; 2]; 4]; 2] = cast(halves);
    let upper_left = f32x4::transpose(top.map(|[left, _]| left));
    let upper_right = f32x4::transpose(top.map(|[_, right]| right));
    let lower_left = f32x4::transpose(bottom.map(|[left, _]| left));
    let lower_right = f32x4::transpose(bottom.map(|[_, right]| right));
    let upper = pairs(upper_left, lower_left);
    let lower = pairs(upper_right, lower_right);
    cast([upper, lower])
}

/// Each of the first with its counterpart to the right.
#[inline(always)]
fn pairs(left: [f32x4; 4], right: [f32x4; 4]) -> [f32x8; 4] {
    std::array::from_fn(|i| cast([at(&left, i), at(&right, i)]))
}

/// Eight one-dimensional DCTs at once, one in each lane.
#[inline(always)]
fn fdct(x: [f32x8; BLOCK_SIDE]) -> [f32x8; BLOCK_SIDE] {
    let constant = |value: f32| f32x8::splat(value);
    let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
    let (s0, d0) = (x0 + x7, x0 - x7);
    let (s1, d1) = (x1 + x6, x1 - x6);
    let (s2, d2) = (x2 + x5, x2 - x5);
    let (s3, d3) = (x3 + x4, x3 - x4);

    // Even frequencies.
    let (a0, a3) = (s0 + s3, s0 - s3);
    let (a1, a2) = (s1 + s2, s1 - s2);
    let z1 = (a2 + a3) * constant(0.707_106_77);

    // Odd frequencies.
    let b0 = d3 + d2;
    let b1 = d2 + d1;
    let b2 = d1 + d0;
    let z5 = (b0 - b2) * constant(0.382_683_43);
    let z2 = b0 * constant(0.541_196_1) + z5;
    let z4 = b2 * constant(1.306_563) + z5;
    let z3 = b1 * constant(0.707_106_77);
    let (z11, z13) = (d0 + z3, d0 - z3);

    [
        a0 + a1,
        z11 + z4,
        a3 + z1,
        z13 - z2,
        a0 - a1,
        z13 + z2,
        a3 - z1,
        z11 - z4,
    ]
}
