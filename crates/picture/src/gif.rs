//! GIF files, of which the first picture is read.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;

use super::{Limits, Picture, PictureError, image_crate};

/// The bytes per pixel that decoding takes: the canvas, and a picture of the same size.
const BYTES_PER_PIXEL: u64 = 8;

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let decoder = GifDecoder::new(Cursor::new(file)).map_err(image_crate::refused("GIF"))?;
    image_crate::read(decoder, "GIF", BYTES_PER_PIXEL, limits)
}
