//! A text that must not show: keys, tokens and the parts of a signature.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret text. Its `Debug` form hides it and it has no `Display`, so that it
/// cannot end in a log by accident; [`Secret::expose`] is the one way out.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to sign with.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a text that somebody sent is this one. The time it takes tells
    /// nothing of where they differ, nor of this secret's length: what is
    /// compared are the SHA-256 digests of both.
    pub fn matches(&self, candidate: &str) -> bool {
        let ours = Sha256::digest(self.0.as_bytes());
        let theirs = Sha256::digest(candidate.as_bytes());
        ours.as_slice().ct_eq(theirs.as_slice()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("correct horse");
        assert!(secret.matches("correct horse"));
        for other in [
            "",
            "correct",
            "correct horsf",
            "correct horse ",
            "Correct horse",
        ] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }

    #[test]
    fn debug_output_hides_it() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(hidden)");
    }
}
