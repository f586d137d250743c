//! The orientation of a picture: the EXIF tag Orientation (CIPA DC-008 §4.6.4 A).
//!
//! `image` reads the tag more strictly: it ignores one with a damaged type or count, and EXIF data
//! that keep the signature of their JPEG segment.

/// How to make the picture in a file upright: first transposed, then mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation {
    /// Rows and columns are swapped.
    pub(super) is_transposed: bool,
    /// Then left and right are swapped.
    pub(super) is_mirrored: bool,
    /// Then top and bottom are swapped.
    pub(super) is_upside_down: bool,
}

impl Orientation {
    /// The file is upright already.
    pub const UPRIGHT: Self = Self::of([false, false, false]);

    const fn of([is_transposed, is_mirrored, is_upside_down]: [bool; 3]) -> Self {
        Self {
            is_transposed,
            is_mirrored,
            is_upside_down,
        }
    }

    /// The meaning of the tag's value, 1 to 8; any other is upright.
    pub fn from_tag(value: u16) -> Self {
        Self::of(match value {
            2 => [false, true, false],
            3 => [false, true, true],
            4 => [false, false, true],
            5 => [true, false, false],
            6 => [true, true, false],
            7 => [true, true, true],
            8 => [true, false, true],
            _ => [false, false, false],
        })
    }

    /// Reads the tag from the first directory of EXIF data, which is a TIFF file. Upright if there
    /// is no readable tag.
    pub fn from_exif(exif: &[u8]) -> Self {
        tag_from_exif(exif).map_or(Self::UPRIGHT, Self::from_tag)
    }
}

/// The value of the tag in the first directory of a TIFF file (TIFF 6.0 §2).
fn tag_from_exif(exif: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    const ENTRY: usize = 12;
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let is_little_endian = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let directory = {
        let bytes = exif.get(4..8)?.try_into().ok()?;
        let offset = if is_little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        usize::try_from(offset).ok()?
    };
    let entries = directory.checked_add(2)?;
    (0..usize::from(u16_at(directory)?))
        .map_while(|i| entries.checked_add(i.checked_mul(ENTRY)?))
        .find(|entry| u16_at(*entry) == Some(ORIENTATION))
        .and_then(|entry| u16_at(entry.checked_add(8)?))
}
