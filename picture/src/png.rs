//! PNG files: every colour type and depth, interlaced or not.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits as PngLimits, Transformations};

use super::{Limits, Orientation, Picture, PictureError, Pixels, broken};

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let broken = broken("PNG");
    let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), PngLimits { bytes: memory });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(|error| broken(&error))?;
    let (width, height) = (header.width, header.height);
    // At most four channels, once as they are and once without transparency.
    limits.check(width, height, 8)?;

    let mut reader = decoder.read_info().map_err(|error| broken(&error))?;
    let bytes = reader.output_buffer_size().ok_or(PictureError::Empty)?;
    let mut samples = vec![0; bytes];
    let info = reader
        .next_frame(&mut samples)
        .map_err(|error| broken(&error))?;
    samples.truncate(info.buffer_size());
    let exif = reader.info().exif_metadata.as_deref();
    let pixels = match info.color_type {
        ColorType::Grayscale => Pixels::Grey(samples),
        ColorType::Rgba => Pixels::Rgba(samples),
        ColorType::GrayscaleAlpha => Pixels::Rgba(with_colour(&samples)),
        ColorType::Rgb | ColorType::Indexed => Pixels::Rgb(samples),
    };
    Ok(Picture {
        width: usize::try_from(width).unwrap_or_default(),
        height: usize::try_from(height).unwrap_or_default(),
        orientation: exif.map_or(Orientation::UPRIGHT, Orientation::from_exif),
        eighths: 8,
        pixels,
    })
}

/// Grey and alpha → RGBA.
fn with_colour(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks();
    let rgba = |[grey, alpha]: &[u8; 2]| [*grey, *grey, *grey, *alpha];
    pixels.iter().flat_map(rgba).collect()
}
