//! Coefficients → bits, block by block in the order of a scan (T.81 §F.1.2).

// Frequencies, runs and categories, all below 128; and
// `processor::with_best_instructions` needs it.
#![allow(clippy::arithmetic_side_effects, clippy::inline_always)]

use std::sync::LazyLock;

use wide::{i8x16, i16x16};

use super::bits::{MAX_BITS, SegmentWriter};
use super::huffman::{self, Code, HuffmanTables};
use super::quantization::QuantizationTables;
use super::{BLOCK, BLOCK_SIDE, Coefficients, MCU_BLOCKS, Size, at};
use crate::processor::{Instructions, Work, with_best_instructions};

/// Luma, blue, red.
const COMPONENTS: usize = 3;

/// The component of each block of an MCU.
const COMPONENT: [usize; MCU_BLOCKS] = [0, 0, 0, 0, 1, 2];

/// A coded picture. Its file takes the blocks in order; the file of its half turn takes them from
/// the last to the first.
#[derive(Debug, Clone)]
pub struct CodedScan {
    size: Size,
    tables: QuantizationTables,
    /// In the order of the scan.
    blocks: Vec<CodedBlock>,
    /// The bits of the blocks.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, Default)]
struct CodedBlock {
    /// The index after this block's last piece.
    end: u32,
    /// The quantised DC coefficient. Its code depends on the block before.
    dc: i16,
    /// The number of bits of its code, in the block's first piece.
    dc_bits: u8,
}

/// As many bits of a block as fit, in whole codes.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    /// Their number, at most [`MAX_BITS`], in the high byte; the bits themselves at the low end.
    count_and_bits: u64,
    /// The bits that are inverted in the half turn.
    inverted: u64,
}

impl Piece {
    #[inline(always)]
    fn count(self) -> u32 {
        (self.count_and_bits >> MAX_BITS) as u32
    }

    #[inline(always)]
    fn bits(self) -> u64 {
        self.count_and_bits & ((1 << MAX_BITS) - 1)
    }

    #[inline(always)]
    fn half_rotated_bits(self) -> u64 {
        self.bits() ^ self.inverted
    }
}

/// The order in which a block's coefficients are coded, and their signs.
struct Order {
    /// The coefficients in zigzag order (§A.3.6, figure A.6).
    steps: [Step; BLOCK],
    /// For each group of eight coefficients: a map from nonzero coefficients by index to nonzero
    /// coefficients by step.
    positions: [[u64; 256]; BLOCK_SIDE],
}

/// A step of the zigzag.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    /// The coefficient's index in a block.
    index: u8,
    /// 1, or −1 if the coefficient changes its sign.
    sign: i8,
    /// All ones if a half turn changes the coefficient's sign, else zero.
    half_turn: u16,
}

/// The picture as it is.
static UPRIGHT: LazyLock<Order> = LazyLock::new(|| Order::new(false));

/// The picture rotated clockwise by a quarter: blocks are transposed, then mirrored from left to
/// right, which changes the sign of coefficients of odd horizontal frequency.
static QUARTER_ROTATED: LazyLock<Order> = LazyLock::new(|| Order::new(true));

/// The horizontal and vertical frequency of each step of the zigzag (figure
/// A.6).
// Run by the compiler, which refuses an index outside and an overflow.
#[allow(clippy::indexing_slicing)]
const fn zigzag() -> [(usize, usize); BLOCK] {
    let mut steps = [(0, 0); BLOCK];
    let (mut u, mut v, mut k) = (0_usize, 0_usize, 0);
    while k < BLOCK {
        steps[k] = (u, v);
        k += 1;
        let is_rising = (u + v).is_multiple_of(2);
        if is_rising && u == BLOCK_SIDE - 1 {
            v += 1;
        } else if is_rising && v == 0 {
            u += 1;
        } else if is_rising {
            u += 1;
            v -= 1;
        } else if v == BLOCK_SIDE - 1 {
            u += 1;
        } else if u == 0 {
            v += 1;
        } else {
            u -= 1;
            v += 1;
        }
    }
    steps
}

/// The index in a row-by-row table of each step of the zigzag, as in a file's
/// quantisation tables (§B.2.4.1).
pub(super) const ZIGZAG: [usize; BLOCK] = {
    let steps = zigzag();
    let mut index = [0; BLOCK];
    let mut k = 0;
    while k < BLOCK {
        // Run by the compiler.
        #[allow(clippy::indexing_slicing)]
        {
            let (u, v) = steps[k];
            index[k] = BLOCK_SIDE * v + u;
        }
        k += 1;
    }
    index
};

impl Order {
    #[allow(clippy::cast_possible_truncation)]
    fn new(is_quarter_rotated: bool) -> Self {
        let mut steps = [Step::default(); BLOCK];
        let mut bits = [[0_u64; BLOCK_SIDE]; BLOCK_SIDE];
        for (k, (step, (u, v))) in steps.iter_mut().zip(zigzag()).enumerate() {
            let is_mirrored = is_quarter_rotated && !u.is_multiple_of(2);
            let (row, column) = if is_quarter_rotated { (v, u) } else { (u, v) };
            *step = Step {
                index: (BLOCK_SIDE * row + column) as u8,
                sign: if is_mirrored { -1 } else { 1 },
                half_turn: if (u + v).is_multiple_of(2) {
                    0
                } else {
                    u16::MAX
                },
            };
            if let Some(bit) = bits.get_mut(row).and_then(|row| row.get_mut(column)) {
                *bit = 1 << k;
            }
        }
        let positions = bits.map(|bits| {
            let mut positions = [0; 256];
            // For each byte: the entry of the byte without its last one, plus that one.
            for byte in 1..256_usize {
                let others = at(&positions, byte & (byte - 1));
                if let Some(positions) = positions.get_mut(byte) {
                    *positions = others | at(&bits, byte.trailing_zeros() as usize);
                }
            }
            positions
        });
        Self { steps, positions }
    }

    /// Which coefficients are nonzero: bit k for the k-th step.
    #[inline(always)]
    fn nonzero(&self, block: &[i16; BLOCK]) -> u64 {
        let (rows, _) = block.as_chunks::<{ 2 * BLOCK_SIDE }>();
        let (positions, _) = self.positions.as_chunks::<2>();
        let mut nonzero = 0;
        for (rows, [first, second]) in rows.iter().zip(positions) {
            let bytes = i8x16::from_i16x16_saturate(i16x16::new(*rows));
            let bits = !bytes.simd_eq(i8x16::ZERO).to_bitmask();
            nonzero |= at(first, (bits & 0xff) as usize);
            nonzero |= at(second, (bits >> 8 & 0xff) as usize);
        }
        nonzero
    }
}

/// What is written for a coefficient besides the code of its symbol.
#[derive(Debug, Clone, Copy, Default)]
struct Amplitude {
    /// The bits after the code: the value, or the ones' complement of a negative value (tables F.1
    /// and F.2).
    bits: u16,
    /// As many ones as there are bits.
    ones: u16,
    /// The number of bits, SSSS.
    category: u16,
}

/// The amplitudes of all values from −1024 to 1023, by value modulo 2048. Each takes eight bytes,
/// the last two of which are unused.
type Amplitudes = [(Amplitude, u16); 2048];

static AMPLITUDES: LazyLock<Box<Amplitudes>> = LazyLock::new(|| {
    let mut amplitudes = Box::new([(Amplitude::default(), 0); 2048]);
    for (value, (amplitude, _)) in (0..1024).chain(-1024..0).zip(amplitudes.iter_mut()) {
        *amplitude = Amplitude::of(value);
    }
    amplitudes
});

impl Amplitude {
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn of(value: i16) -> Self {
        let category = u16::BITS - value.unsigned_abs().leading_zeros();
        let ones = ((1_u32 << category) - 1) as u16;
        let bits = (if value < 0 { value - 1 } else { value }) as u16 & ones;
        Self {
            bits,
            ones,
            category: category as u16,
        }
    }
}

impl CodedScan {
    pub(super) fn upright(picture: &Coefficients) -> Self {
        let scan = Self::empty(picture.size, picture.tables.clone(), picture.blocks.len());
        let (mcus, _) = picture.blocks.as_chunks::<MCU_BLOCKS>();
        with_best_instructions(Coding::<_, false> {
            scan,
            order: &UPRIGHT,
            mcus: mcus.iter().map(<[_; MCU_BLOCKS]>::each_ref),
            dc: [0; COMPONENTS],
        })
    }

    pub(super) fn quarter_rotated(picture: &Coefficients) -> Self {
        let Size { width, height } = picture.size;
        let size = Size {
            width: height,
            height: width,
        };
        let transposed = |table: &[u8; BLOCK]| {
            std::array::from_fn(|i| at(table, BLOCK_SIDE * (i % BLOCK_SIDE) + i / BLOCK_SIDE))
        };
        let tables = QuantizationTables {
            luma: transposed(&picture.tables.luma),
            chroma: transposed(&picture.tables.chroma),
        };
        let scan = Self::empty(size, tables, picture.blocks.len());
        let (mcus, _) = picture.blocks.as_chunks::<MCU_BLOCKS>();
        let mcus_wide = picture.size.mcus_wide();
        // The block at the bottom left moves to the top left.
        let columns = (0..mcus_wide).flat_map(|x| mcus.iter().skip(x).step_by(mcus_wide).rev());
        let mcus = columns.map(
            |[upper_left, upper_right, lower_left, lower_right, blue, red]| {
                [lower_left, upper_left, lower_right, upper_right, blue, red]
            },
        );
        with_best_instructions(Coding::<_, true> {
            scan,
            order: &QUARTER_ROTATED,
            mcus,
            dc: [0; COMPONENTS],
        })
    }

    fn empty(size: Size, tables: QuantizationTables, blocks: usize) -> Self {
        Self {
            size,
            tables,
            blocks: Vec::with_capacity(blocks),
            // Enough for most pictures.
            pieces: Vec::with_capacity(blocks * 6),
        }
    }

    /// Codes the next block, whose DC coefficient follows another one (§F.1.2.1, §F.1.2.2).
    #[inline(always)]
    fn code_block<const IS_ROTATED: bool>(
        &mut self,
        order: &Order,
        amplitudes: &Amplitudes,
        block: &[i16; BLOCK],
        previous_dc: i16,
        tables: &HuffmanTables,
    ) {
        /// Sixteen zeros (§F.1.2.2.1).
        const ZRL: usize = 0xf0;
        /// Only zeros from here on.
        const EOB: usize = 0x00;

        let dc = at(block, 0);
        let dc_code = dc_code(tables, dc - previous_dc);
        let mut writer = PieceWriter {
            pieces: &mut self.pieces,
            bits: dc_code.bits.into(),
            inverted: 0,
            count: dc_code.count,
        };
        let table = &tables.ac;
        let mut left = order.nonzero(block) & !1;
        let mut next = 1;
        while left != 0 {
            let k = left.trailing_zeros();
            left &= left - 1;
            let mut run = k - next;
            next = k + 1;
            while run > 15 {
                writer.push(at(&table.codes, ZRL), 0, 0);
                run -= 16;
            }
            // The masks change no value; they save a check.
            let step = at(&order.steps, k as usize & 63);
            let value = i32::from(at(block, usize::from(step.index) & 63));
            let value = if IS_ROTATED {
                value * i32::from(step.sign)
            } else {
                value
            };
            #[allow(clippy::cast_sign_loss)]
            let (amplitude, _) = at(amplitudes, value as usize & 2047);
            let symbol = run << 4 | u32::from(amplitude.category);
            writer.push(
                at(&table.codes, symbol as usize & 0xff),
                amplitude.bits,
                amplitude.ones & step.half_turn,
            );
        }
        if next as usize != BLOCK {
            writer.push(at(&table.codes, EOB), 0, 0);
        }
        writer.put();
        self.blocks.push(CodedBlock {
            // Far less: a picture has at most 6 · 4096² blocks.
            end: u32::try_from(self.pieces.len()).unwrap_or(u32::MAX),
            dc,
            // At most 9 + 11.
            #[allow(clippy::cast_possible_truncation)]
            dc_bits: dc_code.count as u8,
        });
    }

    /// The picture's file.
    pub fn to_file(&self) -> Vec<u8> {
        self.file_of(Upright(self))
    }

    /// The file of the picture rotated by a half turn.
    pub fn to_half_rotated_file(&self) -> Vec<u8> {
        self.file_of(HalfRotated(self))
    }

    fn file_of(&self, segment: impl Work<Output = SegmentWriter>) -> Vec<u8> {
        let mut file = Vec::new();
        super::file::start(&mut file, self.size, &self.tables);
        with_best_instructions(segment).append_to(&mut file);
        super::file::finish(&mut file);
        file
    }

    /// Space for the bits of all blocks, and as many for DC coefficients.
    fn segment(&self) -> SegmentWriter {
        let dc_bits = self.blocks.len() * MAX_DC_BITS;
        SegmentWriter::with_capacity(self.pieces.len() * MAX_BITS as usize + dc_bits)
    }
}

/// MCUs to be coded.
struct Coding<'a, M, const IS_ROTATED: bool> {
    /// The scan they are appended to.
    scan: CodedScan,
    order: &'a Order,
    mcus: M,
    /// The last DC coefficient of each component.
    dc: [i16; COMPONENTS],
}

impl<'a, M, const IS_ROTATED: bool> Work for Coding<'_, M, IS_ROTATED>
where
    M: Iterator<Item = [&'a [i16; BLOCK]; MCU_BLOCKS]>,
{
    type Output = CodedScan;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> CodedScan {
        let Self {
            mut scan,
            order,
            mcus,
            mut dc,
        } = self;
        let amplitudes: &Amplitudes = &AMPLITUDES;
        for mcu in mcus {
            for (block, component) in mcu.into_iter().zip(COMPONENT) {
                if let Some(dc) = dc.get_mut(component) {
                    let tables = huffman_tables(component);
                    scan.code_block::<IS_ROTATED>(order, amplitudes, block, *dc, tables);
                    *dc = at(block, 0);
                }
            }
        }
        scan
    }
}

/// The blocks of a scan in order.
struct Upright<'a>(&'a CodedScan);

impl Work for Upright<'_> {
    type Output = SegmentWriter;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> SegmentWriter {
        let mut segment = self.0.segment();
        for piece in &self.0.pieces {
            segment.push(piece.bits(), piece.count());
        }
        segment
    }
}

/// The blocks of a scan from the last to the first, each rotated by a half turn.
struct HalfRotated<'a>(&'a CodedScan);

impl Work for HalfRotated<'_> {
    type Output = SegmentWriter;

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> SegmentWriter {
        /// From an MCU's blocks to those of its half turn.
        const ORDER: [usize; MCU_BLOCKS] = [3, 2, 1, 0, 4, 5];

        let Self(scan) = self;
        let mut segment = scan.segment();
        let (mcus, _) = scan.blocks.as_chunks::<MCU_BLOCKS>();
        let mut previous_dc = [0; COMPONENTS];
        for (i, blocks) in mcus.iter().enumerate().rev() {
            let before = i
                .checked_sub(1)
                .map_or(0, |i| at(mcus, i)[MCU_BLOCKS - 1].end);
            let [first, second, third, fourth, fifth, _] = blocks.map(|block| block.end);
            let starts = [before, first, second, third, fourth, fifth];
            for (i, component) in ORDER.into_iter().zip(COMPONENT) {
                let block = at(blocks, i);
                if let Some(previous) = previous_dc.get_mut(component) {
                    let code = dc_code(huffman_tables(component), block.dc - *previous);
                    segment.push(code.bits.into(), code.count);
                    *previous = block.dc;
                }
                let pieces = at(&starts, i) as usize..block.end as usize;
                let pieces = scan.pieces.get(pieces).unwrap_or_default();
                if let Some((first, others)) = pieces.split_first() {
                    let count = first.count() - u32::from(block.dc_bits);
                    let bits = first.half_rotated_bits() & ((1 << count) - 1);
                    segment.push(bits, count);
                    for piece in others {
                        segment.push(piece.half_rotated_bits(), piece.count());
                    }
                }
            }
        }
        segment
    }
}

/// Collects bits into pieces.
struct PieceWriter<'a> {
    pieces: &'a mut Vec<Piece>,
    bits: u64,
    inverted: u64,
    count: u32,
}

impl PieceWriter<'_> {
    /// Appends a code and its amplitude.
    #[inline(always)]
    fn push(&mut self, code: Code, amplitude: u16, inverted: u16) {
        let Code { bits, count } = code;
        if self.count + count > MAX_BITS {
            self.put();
            (self.bits, self.inverted, self.count) = (0, 0, 0);
        }
        self.bits = self.bits << count | u64::from(bits | u32::from(amplitude));
        self.inverted = self.inverted << count | u64::from(inverted);
        self.count += count;
    }

    /// Ends a piece.
    #[inline(always)]
    fn put(&mut self) {
        self.pieces.push(Piece {
            count_and_bits: u64::from(self.count) << MAX_BITS | self.bits,
            inverted: self.inverted,
        });
    }
}

#[inline(always)]
fn huffman_tables(component: usize) -> &'static HuffmanTables {
    if component == 0 {
        &huffman::LUMA
    } else {
        &huffman::CHROMA
    }
}

/// The most bits of [`dc_code`].
const MAX_DC_BITS: usize = 9 + 11;

/// The code of the difference between a DC coefficient and that of the previous block of the same
/// component, with its amplitude (§F.1.2.1).
#[inline(always)]
fn dc_code(tables: &HuffmanTables, difference: i16) -> Code {
    let Amplitude { bits, category, .. } = Amplitude::of(difference);
    let code = at(&tables.dc.codes, category.into());
    Code {
        bits: code.bits | u32::from(bits),
        ..code
    }
}
