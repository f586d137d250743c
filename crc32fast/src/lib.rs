//! The CRC-32 of PNG and gzip by a table of 1 kB, with the names that the
//! package `crc32fast` gives it and as much of them as `png` and `flate2` use.

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// A byte at a time: a picture's file is read once, and its table goes into a
/// script where every kB counts.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// The checksum of bytes.
pub fn hash(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// A checksum of what comes in pieces.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    checksum: u32,
    /// How many bytes were added.
    length: u64,
}

impl Hasher {
    /// The checksum of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The checksum of what has `checksum` so far.
    pub fn new_with_initial(checksum: u32) -> Self {
        Self {
            checksum,
            length: 0,
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        // A digest begins with what is in its register: the checksum so far
        // before its last step, in the order of bits that the catalogue has.
        let register = (!self.checksum).reverse_bits();
        let mut digest = CRC.digest_with_initial(register);
        digest.update(bytes);
        self.checksum = digest.finalize();
        self.length = self.length.wrapping_add(bytes.len() as u64);
    }

    /// Adds the bytes that were added to another one. `flate2` offers this to
    /// others; nobody here needs it.
    pub fn combine(&mut self, other: &Self) {
        self.checksum = multiply(power_of_x8(other.length), self.checksum) ^ other.checksum;
        self.length = self.length.wrapping_add(other.length);
    }

    /// The checksum of all that was added.
    pub fn finalize(self) -> u32 {
        self.checksum
    }

    /// Forgets what was added.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The product of two polynomials modulo that of the checksum, the highest bit
/// being that of x to the power of 0.
fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..u32::BITS).rev() {
        if (a >> bit) & 1 == 1 {
            product ^= b;
        }
        b = (b >> 1) ^ if b & 1 == 1 { 0xedb8_8320 } else { 0 };
    }
    product
}

/// x⁸ to a power, which a checksum is multiplied with for as many bytes.
fn power_of_x8(mut exponent: u64) -> u32 {
    let (mut power, mut square) = (1 << 31, 1 << 23);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = multiply(power, square);
        }
        square = multiply(square, square);
        exponent >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bit by bit, as the PNG specification defines it.
    fn bitwise(bytes: &[u8]) -> u32 {
        let step = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc))
        })
    }

    #[test]
    fn known_checksums() {
        assert_eq!(hash(b""), 0);
        assert_eq!(hash(b"123456789"), 0xcbf4_3926);
        // Every PNG file ends with these.
        assert_eq!(hash(b"IEND"), 0xae42_6082);
        assert_eq!(Hasher::new().finalize(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(pieces: Vec<Vec<u8>>) {
            let expected = bitwise(&pieces.concat());
            prop_assert_eq!(hash(&pieces.concat()), expected);
            let mut hasher = Hasher::new_with_initial(7);
            hasher.reset();
            for piece in &pieces {
                hasher.update(piece);
                hasher = Hasher::new_with_initial(hasher.finalize());
            }
            prop_assert_eq!(hasher.clone().finalize(), expected);
            let mut combined = Hasher::default();
            for piece in &pieces {
                let mut hasher = Hasher::new();
                hasher.update(piece);
                combined.combine(&hasher);
            }
            prop_assert_eq!(combined.finalize(), expected);
        }
    }
}
