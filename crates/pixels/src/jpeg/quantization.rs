//! Step sizes of the quantisation (T.81 §A.3.4), from a quality of 1 to 100.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::BLOCK;
use crate::InvalidChoice;

/// The quality of a JPEG file on the usual scale of the Independent JPEG Group:
/// 1 (smallest) to 100 (best).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Quality(u8);

impl Quality {
    /// The best quality.
    pub const BEST: Self = Self(100);

    /// The default: hardly distinguishable from the best, at half the size.
    pub const DEFAULT: Self = Self(95);

    /// The lowest quality.
    pub const LOWEST: Self = Self(1);

    /// A quality from 1 to 100; `None` for other numbers.
    pub const fn new(quality: u8) -> Option<Self> {
        if matches!(quality, 1..=100) {
            Some(Self(quality))
        } else {
            None
        }
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for Quality {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        let number = text.parse().ok();
        number.and_then(Self::new).ok_or(INVALID_QUALITY)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl TryFrom<u8> for Quality {
    type Error = InvalidChoice;

    fn try_from(number: u8) -> Result<Self, InvalidChoice> {
        Self::new(number).ok_or(INVALID_QUALITY)
    }
}

impl From<Quality> for u8 {
    fn from(quality: Quality) -> Self {
        quality.0
    }
}

const INVALID_QUALITY: InvalidChoice = InvalidChoice("a whole number from 1 to 100");

/// Table K.1: luma at quality 50, row by row (vertical frequency 0 first).
#[rustfmt::skip]
const LUMA: [u8; BLOCK] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];

/// Table K.2: chroma at quality 50, row by row.
#[rustfmt::skip]
const CHROMA: [u8; BLOCK] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// The step sizes of a file, row by row: the one of horizontal frequency u and vertical frequency v
/// is at 8 v + u.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuantizationTables {
    pub(super) luma: [u8; BLOCK],
    pub(super) chroma: [u8; BLOCK],
}

impl QuantizationTables {
    /// The tables of Annex K scaled to a quality, as in the Independent JPEG Group's software
    /// (`jpeg_quality_scaling`).
    pub(super) fn of(quality: Quality) -> Self {
        let quality = u32::from(quality.0.max(1));
        let percent = if quality < 50 {
            5000_u32.checked_div(quality).unwrap_or_default()
        } else {
            200_u32.saturating_sub(quality.saturating_mul(2))
        };
        let scaled = |step: u8| {
            let step = u32::from(step).saturating_mul(percent).saturating_add(50) / 100;
            // In range after the clamp.
            #[allow(clippy::cast_possible_truncation)]
            {
                step.clamp(1, 255) as u8
            }
        };
        Self {
            luma: LUMA.map(scaled),
            chroma: CHROMA.map(scaled),
        }
    }
}
