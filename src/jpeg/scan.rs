//! Coefficients → bits, block by block in the order of a scan (T.81 §F.1.2).

// Frequencies, runs and categories, all below 128; and
// `processor::with_best_instructions` needs it.
#![allow(clippy::arithmetic_side_effects, clippy::inline_always)]

use wide::{i8x16, i16x16};

use super::bits::{MAX_BITS, SegmentWriter};
use super::huffman::{self, Code, HuffmanTable};
use super::quantization::QuantizationTables;
use super::{BLOCK, BLOCK_SIDE, Coefficients, MCU_BLOCKS, Size, at};
use crate::processor::{Work, with_best_instructions};

/// The blocks of luma in an MCU; those of blue and red follow.
const LUMA_BLOCKS: usize = 4;

/// A picture whose AC coefficients are bits already: a file of it, or of its
/// half turn, is a matter of putting the blocks in order.
#[derive(Debug, Clone)]
pub struct CodedScan {
    size: Size,
    tables: QuantizationTables,
    /// In the order of the scan.
    blocks: Vec<CodedBlock>,
    /// The bits of the blocks' AC coefficients.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, Default)]
struct CodedBlock {
    /// The piece after the last of this block.
    end: u32,
    /// The quantised DC coefficient; its code depends on the block before.
    dc: i16,
}

/// As many bits of a block as fit with whole codes.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    /// How many they are, at most [`MAX_BITS`], in the high byte; they
    /// themselves at the low end.
    count_and_bits: u64,
    /// Which of them are inverted in the half turn.
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
}

/// In which order a block's coefficients are coded, and with which signs.
struct Order {
    /// The coefficients in the order of the zigzag (§A.3.6, figure A.6).
    steps: [Step; BLOCK],
    /// For eight coefficients each: which are not zero, by index → by step.
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
static UPRIGHT: Order = Order::new(false);

/// The picture turned clockwise by a quarter: blocks are transposed, then
/// mirrored from left to right, which changes the sign of the coefficients of
/// odd horizontal frequency.
static QUARTER_TURNED: Order = Order::new(true);

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
    // Run by the compiler, which refuses an index outside and an overflow.
    #[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]
    const fn new(is_quarter_turned: bool) -> Self {
        let zigzag = zigzag();
        let mut steps = [Step {
            index: 0,
            sign: 1,
            half_turn: 0,
        }; BLOCK];
        let mut positions = [[0; 256]; BLOCK_SIDE];
        let mut k = 0;
        while k < BLOCK {
            let (u, v) = zigzag[k];
            let index = if is_quarter_turned {
                if !u.is_multiple_of(2) {
                    steps[k].sign = -1;
                }
                BLOCK_SIDE * v + u
            } else {
                BLOCK_SIDE * u + v
            };
            steps[k].index = index as u8;
            if !(u + v).is_multiple_of(2) {
                steps[k].half_turn = u16::MAX;
            }
            let mut byte = 0;
            while byte < 256 {
                if byte >> (index % 8) & 1 == 1 {
                    positions[index / 8][byte] |= 1 << k;
                }
                byte += 1;
            }
            k += 1;
        }
        Self { steps, positions }
    }

    /// Which coefficients are not zero: bit k for the k-th step.
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
    /// The bits that follow the code: the value, or of a negative one its ones'
    /// complement (tables F.1 and F.2).
    bits: u16,
    /// As many ones as there are such bits.
    ones: u16,
    /// How many there are, SSSS.
    category: u16,
}

/// The amplitudes of all values from −1024 to 1023, by value modulo 2048; each
/// takes eight bytes, of which the last two are not used.
static AMPLITUDES: [(Amplitude, u16); 2048] = {
    let mut amplitudes = [(Amplitude::of(0), 0); 2048];
    let mut value: i16 = -1024;
    while value < 1024 {
        // Run by the compiler.
        #[allow(clippy::indexing_slicing, clippy::cast_sign_loss)]
        {
            amplitudes[value as usize & 2047] = (Amplitude::of(value), 0);
        }
        value += 1;
    }
    amplitudes
};

impl Amplitude {
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    const fn of(value: i16) -> Self {
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
        })
    }

    pub(super) fn quarter_turned(picture: &Coefficients) -> Self {
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
        // What comes to the top left was at the bottom left.
        let columns = (0..mcus_wide).flat_map(|x| mcus.iter().skip(x).step_by(mcus_wide).rev());
        let mcus = columns.map(
            |[upper_left, upper_right, lower_left, lower_right, blue, red]| {
                [lower_left, upper_left, lower_right, upper_right, blue, red]
            },
        );
        with_best_instructions(Coding::<_, true> {
            scan,
            order: &QUARTER_TURNED,
            mcus,
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

    /// Codes the AC coefficients of the next block (§F.1.2.2).
    #[inline(always)]
    fn code_block<const IS_TURNED: bool>(
        &mut self,
        order: &Order,
        block: &[i16; BLOCK],
        table: &HuffmanTable,
    ) {
        /// Sixteen zeros (§F.1.2.2.1).
        const ZRL: usize = 0xf0;
        /// Nothing but zeros from here on.
        const EOB: usize = 0x00;

        let mut writer = PieceWriter {
            pieces: &mut self.pieces,
            bits: 0,
            inverted: 0,
            count: 0,
        };
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
            // The masks change nothing but spare a check.
            let step = at(&order.steps, k as usize & 63);
            let value = i32::from(at(block, usize::from(step.index) & 63));
            let value = if IS_TURNED {
                value * i32::from(step.sign)
            } else {
                value
            };
            #[allow(clippy::cast_sign_loss)]
            let (amplitude, _) = at(&AMPLITUDES, value as usize & 2047);
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
            dc: at(block, 0),
        });
    }

    /// The picture's file.
    pub fn to_file(&self) -> Vec<u8> {
        self.in_order(
            0..self.blocks.len() / MCU_BLOCKS,
            [0, 1, 2, 3, 4, 5],
            Piece::bits,
        )
    }

    /// The file of the picture turned by a half.
    pub fn to_half_turned_file(&self) -> Vec<u8> {
        let mcus = (0..self.blocks.len() / MCU_BLOCKS).rev();
        self.in_order(mcus, [3, 2, 1, 0, 4, 5], |piece| {
            piece.bits() ^ piece.inverted
        })
    }

    /// The file with the MCUs in this order, and in each of them the blocks in
    /// that order.
    fn in_order(
        &self,
        mcus: impl Iterator<Item = usize>,
        order: [usize; MCU_BLOCKS],
        bits: impl Fn(Piece) -> u64,
    ) -> Vec<u8> {
        let mut file = Vec::new();
        super::file::start(&mut file, self.size, &self.tables);
        // A DC coefficient takes at most 9 + 11 bits.
        let all_bits = self.pieces.len() * MAX_BITS as usize + self.blocks.len() * 20;
        let segment = with_best_instructions(Layout {
            scan: self,
            segment: SegmentWriter::with_capacity(all_bits),
            mcus,
            order,
            bits,
        });
        segment.append_to(&mut file);
        super::file::finish(&mut file);
        file
    }
}

/// MCUs that are to be coded.
struct Coding<'a, I, const IS_TURNED: bool> {
    /// What they are appended to.
    scan: CodedScan,
    order: &'a Order,
    mcus: I,
}

impl<'a, I, const IS_TURNED: bool> Work for Coding<'_, I, IS_TURNED>
where
    I: Iterator<Item = [&'a [i16; BLOCK]; MCU_BLOCKS]>,
{
    type Output = CodedScan;

    #[inline(always)]
    fn run(self) -> CodedScan {
        let Self {
            mut scan,
            order,
            mcus,
        } = self;
        for mcu in mcus {
            let (luma, chroma) = mcu.split_at(LUMA_BLOCKS);
            for block in luma {
                scan.code_block::<IS_TURNED>(order, block, &huffman::LUMA.ac);
            }
            for block in chroma {
                scan.code_block::<IS_TURNED>(order, block, &huffman::CHROMA.ac);
            }
        }
        scan
    }
}

/// MCUs that are to be put into a file.
struct Layout<'a, I, B> {
    scan: &'a CodedScan,
    segment: SegmentWriter,
    mcus: I,
    /// The order of the blocks in each MCU.
    order: [usize; MCU_BLOCKS],
    /// The bits of a piece, for the picture or its half turn.
    bits: B,
}

impl<I: Iterator<Item = usize>, B: Fn(Piece) -> u64> Work for Layout<'_, I, B> {
    type Output = SegmentWriter;

    #[inline(always)]
    fn run(self) -> SegmentWriter {
        let Self {
            scan,
            mut segment,
            mcus,
            order,
            bits,
        } = self;
        let (mcu_blocks, _) = scan.blocks.as_chunks::<MCU_BLOCKS>();
        let mut previous_dc = [0; 3];
        for mcu in mcus {
            let blocks = at(mcu_blocks, mcu);
            let before = mcu
                .checked_sub(1)
                .map_or(0, |mcu| at(mcu_blocks, mcu)[MCU_BLOCKS - 1].end);
            let [first, second, third, fourth, fifth, _] = blocks.map(|block| block.end);
            let starts = [before, first, second, third, fourth, fifth];
            for (place, i) in order.into_iter().enumerate() {
                let block = at(&blocks, i);
                let component = place.saturating_sub(LUMA_BLOCKS - 1);
                if let Some(previous) = previous_dc.get_mut(component) {
                    push_dc(&mut segment, component, block.dc - *previous);
                    *previous = block.dc;
                }
                let pieces = at(&starts, i) as usize..block.end as usize;
                for piece in scan.pieces.get(pieces).unwrap_or_default() {
                    segment.push(bits(*piece), piece.count());
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
    /// Appends a code and the amplitude that belongs to it.
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

/// Codes the difference of a DC coefficient from that of the block before of
/// the same component (§F.1.2.1).
#[inline(always)]
fn push_dc(segment: &mut SegmentWriter, component: usize, difference: i16) {
    let table = if component == 0 {
        &huffman::LUMA.dc
    } else {
        &huffman::CHROMA.dc
    };
    let Amplitude { bits, category, .. } = Amplitude::of(difference);
    let code = at(&table.codes, category.into());
    segment.push(u64::from(code.bits | u32::from(bits)), code.count);
}
