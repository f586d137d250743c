//! The entropy-coded segment of a file, bit by bit, most significant first.

// Counts of bits below 64, and of bytes in memory; and
// `processor::with_best_instructions` needs it.
#![allow(clippy::arithmetic_side_effects, clippy::inline_always)]

use std::cell::Cell;

/// The most bits that can be appended at once. Together with up to 7 that fill no byte yet, they
/// fit into a word.
pub(super) const MAX_BITS: u32 = 56;

thread_local! {
    /// The bytes of the last segment, so that the next file needs no new, zeroed memory.
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Collects bits. No branch depends on the bits, because no processor could predict it.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    /// At least as long as the segment can become.
    bytes: Vec<u8>,
    /// How many of them are complete.
    complete: usize,
    /// The bits that fill no byte yet, at the low end. Bits above them have been written.
    bits: u64,
    /// 0 to 7.
    count: u32,
}

impl SegmentWriter {
    /// Begins a segment of at most `bits` bits.
    pub(super) fn with_capacity(bits: usize) -> Self {
        let mut bytes = BYTES.take();
        let needed = bits / 8 + size_of::<u64>() + 1;
        if bytes.len() < needed {
            bytes.resize(needed, 0);
        }
        Self {
            bytes,
            complete: 0,
            bits: 0,
            count: 0,
        }
    }

    /// Appends the lowest `count` bits of `bits`, whose others are zero; at most [`MAX_BITS`].
    #[inline(always)]
    pub(super) fn push(&mut self, bits: u64, count: u32) {
        self.bits = self.bits << (count & 63) | bits;
        self.count += count;
        let word = self.bits << (64_u32.wrapping_sub(self.count) & 63);
        let rest = self.bytes.get_mut(self.complete..).unwrap_or_default();
        if let Some(next) = rest.first_chunk_mut() {
            *next = word.to_be_bytes();
        }
        self.complete += self.count as usize / 8;
        self.count %= 8;
    }

    /// Fills the last byte with ones, and appends the segment to a file with a zero after each
    /// 0xFF, so that none is read as a marker (T.81 §F.1.2.3).
    pub(super) fn append_to(mut self, file: &mut Vec<u8>) {
        let padding = (8 - self.count) % 8;
        self.push((1 << padding) - 1, padding);
        let mut rest = self.bytes.get(..self.complete).unwrap_or_default();
        file.reserve(rest.len() + rest.len() / 64);
        while let Some((plain, after)) =
            memchr::memchr(0xff, rest).and_then(|at| rest.split_at_checked(at + 1))
        {
            file.extend_from_slice(plain);
            file.push(0);
            rest = after;
        }
        file.extend_from_slice(rest);
        BYTES.set(self.bytes);
    }
}
