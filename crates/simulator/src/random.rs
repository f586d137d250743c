//! Unguessable tokens, from a seed that the host provides.

use data_encoding::BASE32_NOPAD;
use hmac_sha256::Hash;

/// A source of random bytes: SHA-256 of the seed and a counter. The same seed gives the same
/// bytes, so a test can repeat a run.
#[derive(Clone)]
pub(crate) struct Random {
    seed: [u8; 32],
    count: u64,
}

impl Random {
    /// A source with this seed, 32 random bytes.
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    /// A source of its own for one part of the simulator.
    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.bytes())
    }

    /// The next 32 bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        self.count += 1;
        let mut hash = Hash::new();
        hash.update(self.seed);
        hash.update(self.count.to_be_bytes());
        hash.finalize()
    }

    /// The next text of 52 lower-case letters and digits.
    pub(crate) fn text(&mut self) -> String {
        BASE32_NOPAD.encode(&self.bytes()).to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_another() {
        let mut random = Random::new([7; 32]);
        let texts = [
            random.text(),
            random.text(),
            random.fork().text(),
            random.text(),
        ];
        for (index, text) in texts.iter().enumerate() {
            assert!(text.len() == 52 && !texts[..index].contains(text));
        }
        assert_eq!(Random::new([7; 32]).text(), texts[0]);
        assert_ne!(Random::new([8; 32]).text(), texts[0]);
    }
}
