//! PNG files: every colour type and depth, interlaced or not.
//!
//! By the decoder that `image` uses, but without it: it would keep samples of
//! 16 bits, which take twice the memory, and reads nothing after the pixels.

use std::io::Cursor;

use png::{ColorType, Decoder, Info, Limits as PngLimits, Transformations};

use super::{Limits, Orientation, Picture, PictureError, Pixels, Profile, broken};

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let broken = broken("PNG");
    let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), PngLimits { bytes: memory });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    let header = decoder.read_header_info().map_err(|error| broken(&error))?;
    let (width, height) = (header.width, header.height);
    // At most four channels, once as they are and once without transparency.
    limits.check(width, height, 8)?;

    let mut reader = decoder.read_info().map_err(|error| broken(&error))?;
    let bytes = reader.output_buffer_size().ok_or(PictureError::Empty)?;
    let mut samples = vec![0; bytes];
    let frame = reader
        .next_frame(&mut samples)
        .map_err(|error| broken(&error))?;
    samples.truncate(frame.buffer_size());
    // EXIF data may stand after the pixels. What is broken there harms no pixel.
    let _ = reader.finish();
    let info = reader.info();
    let exif = info.exif_metadata.as_deref();
    let orientation = exif.map_or(Orientation::UPRIGHT, Orientation::from_exif);
    let profile = profile(info);
    let pixels = match frame.color_type {
        ColorType::Grayscale => Pixels::Grey(samples),
        ColorType::Rgba => Pixels::Rgba(samples),
        ColorType::GrayscaleAlpha => Pixels::Rgba(with_colour(&samples)),
        ColorType::Rgb | ColorType::Indexed => Pixels::Rgb(samples),
    };
    Ok(Picture {
        width: usize::try_from(width).unwrap_or_default(),
        height: usize::try_from(height).unwrap_or_default(),
        orientation,
        profile,
        eighths: 8,
        pixels,
    })
}

/// What the chunks say about the colours; of several the one that counts
/// (PNG §4.3).
fn profile(info: &Info<'_>) -> Option<Profile> {
    if let Some(points) = info.coding_independent_code_points {
        return Some(Profile::CodePoints {
            primaries: points.color_primaries,
            transfer: points.transfer_function,
        });
    }
    let profile = info.icc_profile.as_ref()?;
    Some(Profile::Icc(profile.to_vec()))
}

/// Grey and alpha → RGBA.
fn with_colour(samples: &[u8]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks();
    let rgba = |[grey, alpha]: &[u8; 2]| [*grey, *grey, *grey, *alpha];
    pixels.iter().flat_map(rgba).collect()
}
