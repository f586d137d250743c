//! Decodes with the decoders of `image`, which have one interface.

use std::error::Error;

use image::{ColorType, ImageDecoder, ImageError, Limits as ImageLimits};

use super::{Limits, Orientation, Picture, PictureError, Pixels, Profile, broken, unsupported};

/// Decodes a picture if it fits the limits. Decoding takes `bytes_per_pixel` in all.
pub(super) fn read(
    mut decoder: impl ImageDecoder,
    format: &'static str,
    bytes_per_pixel: u64,
    limits: Limits,
) -> Result<Picture, PictureError> {
    let refused = refused(format);
    let (width, height) = decoder.dimensions();
    limits.check(width, height, bytes_per_pixel)?;
    let mut image_limits = ImageLimits::no_limits();
    image_limits.max_alloc = Some(limits.memory);
    decoder.set_limits(image_limits).map_err(&refused)?;

    // A profile or EXIF data that cannot be read are ignored.
    let profile = decoder.icc_profile().ok().flatten();
    let exif = decoder.exif_metadata().ok().flatten();
    let wrap = match decoder.color_type() {
        ColorType::L8 => Pixels::Grey,
        ColorType::Rgb8 => Pixels::Rgb,
        ColorType::Rgba8 => Pixels::Rgba,
        other => return Err(unsupported(format)(&format!("its pixels are {other:?}"))),
    };
    let bytes = usize::try_from(decoder.total_bytes()).map_err(|_| PictureError::Memory)?;
    let mut samples = vec![0; bytes];
    decoder.read_image(&mut samples).map_err(&refused)?;
    Ok(Picture {
        width: usize::try_from(width).unwrap_or_default(),
        height: usize::try_from(height).unwrap_or_default(),
        orientation: exif.map_or(Orientation::UPRIGHT, |exif| Orientation::from_exif(&exif)),
        profile: profile.map(Profile::Icc),
        eighths: 8,
        pixels: wrap(samples),
    })
}

/// Converts a decoder's error.
pub(super) fn refused(format: &'static str) -> impl Fn(ImageError) -> PictureError {
    move |error| match error {
        ImageError::Limits(_) => PictureError::Memory,
        ImageError::Unsupported(error) => unsupported(format)(&error.to_string()),
        // `image` adds the name of the format to the decoder's own words.
        error => match error.source() {
            Some(cause) => broken(format)(&cause),
            None => broken(format)(&error),
        },
    }
}
