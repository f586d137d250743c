//! Texts that nobody guesses.

use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// Fresh bytes. Should the system have no randomness, they are still different each time, which is
/// enough on one machine.
pub(super) fn bytes() -> Vec<u8> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut seed = [0; 40];
    let (random, count) = seed.split_at_mut(32);
    let _ = SystemRandom::new().fill(random);
    count.copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    digest(&SHA256, &seed).as_ref().to_vec()
}

/// A fresh text of lower-case letters and digits.
pub(super) fn text() -> String {
    BASE32_NOPAD.encode(&bytes()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_another() {
        let (one, other) = (text(), text());
        assert!(one != other && one.len() == 52);
    }
}
