//! GIF files: the first picture.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;

use super::{Limits, Picture, PictureError, decoder};

/// What decoding takes a pixel, in bytes: the canvas and a picture as large.
const BYTES_PER_PIXEL: u64 = 8;

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let decoder = GifDecoder::new(Cursor::new(file)).map_err(decoder::refused("GIF"))?;
    decoder::read(decoder, "GIF", BYTES_PER_PIXEL, limits)
}
