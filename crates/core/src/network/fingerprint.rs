//! Short hashes that tell a few values apart.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The first 64 bits of the SHA-256 of some bytes, as 16 hex digits.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    HEXLOWER.encode(&digest[..8])
}
