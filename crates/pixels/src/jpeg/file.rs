//! The parts of a file around the entropy-coded segment (T.81 Annex B).

use super::huffman::{self, HuffmanTable};
use super::quantization::QuantizationTables;
use super::scan::ZIGZAG;
use super::{BLOCK, Size, at};

/// The markers (table B.1).
mod marker {
    pub(super) const SOI: u8 = 0xd8;
    pub(super) const APP0: u8 = 0xe0;
    pub(super) const DQT: u8 = 0xdb;
    pub(super) const SOF0: u8 = 0xc0;
    pub(super) const DHT: u8 = 0xc4;
    pub(super) const SOS: u8 = 0xda;
    pub(super) const EOI: u8 = 0xd9;
}

/// The identifiers of the components (T.871 §6.1) and, for each, the sampling
/// factors and the number of its quantisation and Huffman tables.
const COMPONENTS: [[u8; 3]; 3] = [[1, 0x22, 0], [2, 0x11, 1], [3, 0x11, 1]];

/// Writes everything before the entropy-coded segment.
pub(super) fn start(file: &mut Vec<u8>, size: Size, tables: &QuantizationTables) {
    file.extend([0xff, marker::SOI]);
    // T.871 §10.1: version 1.02, square pixels, no thumbnail.
    segment(file, marker::APP0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    for (number, table) in [(0, &tables.luma), (1, &tables.chroma)] {
        let steps: [u8; BLOCK] = std::array::from_fn(|k| at(table, at(&ZIGZAG, k)));
        segment(file, marker::DQT, &[&[number], steps.as_slice()].concat());
    }

    // `Coefficients::of` accepts no side that needs more than two bytes.
    let bytes_of = |side: usize| u16::try_from(side).unwrap_or(u16::MAX).to_be_bytes();
    let frame = [
        &[8],
        &bytes_of(size.height)[..],
        &bytes_of(size.width),
        &[3],
    ]
    .concat();
    segment(file, marker::SOF0, &[frame, COMPONENTS.concat()].concat());

    for (number, tables) in [(0, &huffman::LUMA), (1, &huffman::CHROMA)] {
        for (class, table) in [(0x00, &tables.dc), (0x10, &tables.ac)] {
            let HuffmanTable {
                counts, symbols, ..
            } = table;
            let content = [&[class | number], counts.as_slice(), symbols].concat();
            segment(file, marker::DHT, &content);
        }
    }

    let mut scan = vec![3];
    for [id, _, number] in COMPONENTS {
        scan.extend([id, number << 4 | number]);
    }
    // All frequencies, in one go.
    scan.extend([0, 63, 0]);
    segment(file, marker::SOS, &scan);
}

/// Ends a file.
pub(super) fn finish(file: &mut Vec<u8>) {
    file.extend([0xff, marker::EOI]);
}

/// A marker segment: the marker, the length with its own two bytes, the content.
fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    let length = u16::try_from(content.len().saturating_add(2)).unwrap_or(u16::MAX);
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend(content);
}
