//! Pictures to send.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn gradient(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let channel = |value: u32| u8::try_from(value % 256).unwrap();
        image::Rgb([channel(x), channel(y), channel(x * y)])
    })
}

/// A JPEG.
pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&gradient(width, height).into(), ImageFormat::Jpeg)
}

/// A PNG.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&gradient(width, height).into(), ImageFormat::Png)
}

/// A GIF.
pub(crate) fn gif(width: u32, height: u32) -> Vec<u8> {
    encoded(&gradient(width, height).into(), ImageFormat::Gif)
}

/// A PNG that cannot be compressed.
pub(crate) fn noisy_png(width: u32, height: u32) -> Vec<u8> {
    let mut state: u32 = 0x2545_f491;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    let image = RgbaImage::from_fn(width, height, |_, _| image::Rgba(noise()));
    encoded(&image.into(), ImageFormat::Png)
}

/// A WebP.
pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    image_webp::WebPEncoder::new(&mut bytes)
        .encode(
            &gradient(width, height),
            width,
            height,
            image_webp::ColorType::Rgb8,
        )
        .unwrap();
    bytes
}
