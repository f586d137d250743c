//! The formats of frames.

use std::io::Cursor;

use serde::{Deserialize, Serialize};

/// The format of a frame. Every network takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaType {
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
}

impl MediaType {
    /// The media type, as in `Content-Type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// Whether a file is a whole picture of this format, judged by its header and its end. Decoding
    /// the rest would take as long as a turn.
    pub fn is_of(self, file: &[u8]) -> bool {
        /// The chunk `IEND` (PNG §11.2.5): no data, its name, its checksum.
        const LAST_CHUNK: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";
        /// The marker SOI and the start of the next marker (T.81 §B.1.1.3).
        const FIRST_MARKER: &[u8] = &[0xff, 0xd8, 0xff];
        /// The marker EOI.
        const LAST_MARKER: &[u8] = &[0xff, 0xd9];
        match self {
            Self::Jpeg => {
                file.starts_with(FIRST_MARKER)
                    && file.ends_with(LAST_MARKER)
                    && imagesize::blob_size(file).is_ok()
            }
            Self::Png => {
                file.ends_with(LAST_CHUNK)
                    && png::Decoder::new(Cursor::new(file)).read_info().is_ok()
            }
        }
    }

    /// The usual extension of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}
