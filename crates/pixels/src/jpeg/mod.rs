//! A JPEG encoder for pictures that are needed in several quarter turns:
//! baseline sequential DCT, 8 bits, 4:2:0 (ITU-T T.81, with JFIF as in T.871).
//!
//! ```text
//! planes ──dct──► coefficients ──scan──► coded blocks ──file──► JPEG file
//!  (pixels)       (8×8 blocks)            (bit strings)
//! ```
//!
//! A frame and its quarter turns share nearly all of the work:
//!
//! - To turn a picture by a quarter is to transpose its blocks and to change
//!   the signs of some coefficients, so pixels are transformed once for four
//!   frames: [`Coefficients`].
//! - A half turn changes signs only. The sign of a coefficient is in the bits
//!   that follow its Huffman code, and changing it inverts them (§F.1.2.2.1),
//!   so a block's bits are looked up once for two frames: [`CodedScan`]. What
//!   is left for the second one is to copy the blocks from the last to the
//!   first.
//!
//! | file | what it does | T.81 |
//! |---|---|---|
//! | `dct` | samples → quantised coefficients | §A.3.3, §A.3.4 |
//! | `quantization` | quality → step sizes | Annex K.1 |
//! | `huffman` | the codes | Annex C, K.3 |
//! | `scan` | coefficients → bits, in the order of the file | §F.1.2 |
//! | `file` | markers and tables around the bits | Annex B |

mod bits;
mod dct;
mod file;
mod huffman;
mod quantization;
mod scan;
#[cfg(test)]
mod tests;

pub use quantization::Quality;
pub use scan::CodedScan;

use crate::plane::{Plane, Planes};
use quantization::QuantizationTables;

/// The width and height of a block (§A.1.1) in samples.
const BLOCK_SIDE: usize = 8;

/// The number of samples or coefficients in a block.
const BLOCK: usize = BLOCK_SIDE * BLOCK_SIDE;

/// The width and height of an MCU (§A.2) in pixels: 2×2 blocks of luma, and
/// one of each chroma.
const MCU_SIDE: usize = 2 * BLOCK_SIDE;

/// The blocks of an MCU in the order of a scan: four of luma, two of chroma.
const MCU_BLOCKS: usize = 6;

/// The largest width and height that a file can state (§B.2.2), in pixels.
pub const MAX_SIDE: usize = 65_535;

/// The quantised coefficients of a picture.
#[derive(Debug, Clone)]
pub struct Coefficients {
    size: Size,
    tables: QuantizationTables,
    /// MCU after MCU from the top left; of each MCU the four blocks of luma,
    /// then `Cb`, then `Cr`. A coefficient of horizontal frequency u and
    /// vertical frequency v is at 8 u + v.
    blocks: Vec<[i16; BLOCK]>,
}

/// The size of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    /// In pixels.
    width: usize,
    /// In pixels.
    height: usize,
}

impl Size {
    fn mcus_wide(self) -> usize {
        self.width.div_ceil(MCU_SIDE)
    }

    fn mcus_high(self) -> usize {
        self.height.div_ceil(MCU_SIDE)
    }

    /// Whether MCUs cover the picture exactly. Otherwise padding would end up inside a turned
    /// picture.
    fn is_whole_mcus(self) -> bool {
        self.width.is_multiple_of(MCU_SIDE) && self.height.is_multiple_of(MCU_SIDE)
    }
}

impl Coefficients {
    /// Transforms and quantises a picture with chroma at half the size.
    ///
    /// `None` if a side is longer than [`MAX_SIDE`], or chroma is not at half the size, rounded up.
    pub fn of(planes: &Planes<i16>, quality: Quality) -> Option<Self> {
        let (width, height) = (planes.luma.width(), planes.luma.height());
        let is_half = |plane: &Plane<i16>| {
            plane.width() == width.div_ceil(2) && plane.height() == height.div_ceil(2)
        };
        if width.max(height) > MAX_SIDE || !is_half(&planes.blue) || !is_half(&planes.red) {
            return None;
        }
        let size = Size { width, height };
        let tables = QuantizationTables::of(quality);
        let blocks = dct::transform(planes, size, &tables);
        Some(Self {
            size,
            tables,
            blocks,
        })
    }

    /// Codes the picture as it is, for it and its half turn.
    pub fn upright(&self) -> CodedScan {
        CodedScan::upright(self)
    }

    /// Codes the picture rotated clockwise by a quarter, for it and its half turn. `None` unless
    /// both sides are multiples of 16 pixels.
    pub fn quarter_rotated(&self) -> Option<CodedScan> {
        self.size
            .is_whole_mcus()
            .then(|| CodedScan::quarter_rotated(self))
    }
}

/// Encodes one picture with chroma at half the size; `None` as for
/// [`Coefficients::of`].
///
/// ```
/// use pixels::jpeg::{self, Quality};
/// use pixels::plane::Planes;
///
/// let orange = Planes::from_rgb(16, 16, &[[255, 128, 0]; 256]).expect("256 pixels");
/// let halved = Planes {
///     luma: orange.luma,
///     blue: orange.blue.halved(),
///     red: orange.red.halved(),
/// };
/// let file = jpeg::encode(&halved, Quality::DEFAULT).expect("chroma at half the size");
/// assert!(file.starts_with(b"\xff\xd8") && file.ends_with(b"\xff\xd9"));
/// ```
pub fn encode(planes: &Planes, quality: Quality) -> Option<Vec<u8>> {
    let planes = planes.map(Plane::to_fine);
    Some(Coefficients::of(&planes, quality)?.upright().to_file())
}

/// The value at an index, or zero outside. For tables larger than any index into them: the compiler
/// sees that and omits the check.
#[inline(always)]
#[allow(clippy::inline_always)]
fn at<T: Copy + Default>(table: &[T], index: usize) -> T {
    table.get(index).copied().unwrap_or_default()
}
