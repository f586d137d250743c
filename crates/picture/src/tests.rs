// Numbers here are small.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names
)]

use std::io::Cursor;
use std::iter;

use ::png::{BitDepth, ColorType};
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, imageops};
use jpeg_encoder::{ColorType as JpegColours, SamplingFactor};
use moxcms::ColorProfile;
use proptest::prelude::*;

use super::*;
use pixels::plane::Planes;

/// Waves of colour that no format loses much of.
pub(super) fn waves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        Rgb([
            (x / 9.0, y / 13.0),
            (y / 8.0, x / 15.0),
            (x / 12.0, x / 30.0 + y / 10.0),
        ]
        .map(|(a, b)| (128.0 + 50.0 * (a.sin() + b.cos())) as u8))
    })
}

/// Every pixel another colour, without a pattern.
pub(super) fn noise(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let [_, a, b, c] = x
            .wrapping_mul(0x9e37_79b1)
            .wrapping_add(y.wrapping_mul(0x85eb_ca6b))
            .wrapping_mul(0xc2b2_ae35)
            .to_be_bytes();
        Rgb([a, b, c])
    })
}

pub(super) fn decode(file: &[u8]) -> Picture {
    Picture::decode(file, Limits::WORKER).unwrap()
}

pub(super) fn options(side: usize, crop: Crop, background: Colour) -> Options {
    Options {
        side,
        crop,
        background,
    }
}

const OPTIONS: Options = Options {
    side: 400,
    crop: Crop::Centre,
    background: Colour::WHITE,
};

pub(super) fn refusal(file: &[u8]) -> PictureError {
    Picture::decode(file, Limits::COMPUTER).unwrap_err()
}

/// The pixels of a picture as the file has them, on white.
pub(super) fn rgb(picture: &Picture) -> RgbImage {
    let rgb: Vec<u8> = match &picture.pixels {
        Pixels::Grey(samples) => samples.iter().flat_map(|grey| [*grey; 3]).collect(),
        Pixels::Rgb(samples) => samples.clone(),
        Pixels::Rgba(samples) => {
            let over = |channel: u8, alpha: u8| {
                let (channel, alpha) = (u32::from(channel), u32::from(alpha));
                ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
            };
            let (pixels, _) = samples.as_chunks::<4>();
            let on_white = |[r, g, b, alpha]: &[u8; 4]| [*r, *g, *b].map(|c| over(c, *alpha));
            pixels.iter().flat_map(on_white).collect()
        }
        Pixels::YCbCr(samples) => {
            let pixels = samples.as_chunks().0;
            let planes = Planes::from_ycbcr(picture.columns(), picture.rows(), pixels);
            planes.unwrap().to_rgb().concat()
        }
        Pixels::Cmyk(samples) => samples
            .as_chunks()
            .0
            .iter()
            .copied()
            .flat_map(square::to_rgb)
            .collect(),
    };
    let [width, height] = [picture.columns(), picture.rows()].map(|side| side as u32);
    RgbImage::from_raw(width, height, rgb).unwrap()
}

/// The pixels of a picture with alpha.
fn rgba(picture: &Picture) -> &[[u8; 4]] {
    match &picture.pixels {
        Pixels::Rgba(samples) => samples.as_chunks().0,
        other => panic!("without alpha: {other:?}"),
    }
}

/// By how much two pictures of the same size differ in the mean.
pub(super) fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let pairs = a.as_raw().iter().zip(b.as_raw());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.as_raw().len() as f64
}

pub(super) fn largest_difference(a: &RgbImage, b: &RgbImage) -> u8 {
    assert_eq!(a.dimensions(), b.dimensions());
    let pairs = a.as_raw().iter().zip(b.as_raw());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// A JPEG file of quality 97 with full chroma, but for what is changed.
pub(super) fn jpeg(
    pixels: &[u8],
    (width, height): (u32, u32),
    colours: JpegColours,
    change: impl FnOnce(&mut jpeg_encoder::Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 97);
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    change(&mut encoder);
    let [width, height] = [width, height].map(|side| side as u16);
    encoder.encode(pixels, width, height, colours).unwrap();
    file
}

pub(super) fn colour_jpeg(
    picture: &RgbImage,
    change: impl FnOnce(&mut jpeg_encoder::Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    jpeg(
        picture.as_raw(),
        picture.dimensions(),
        JpegColours::Rgb,
        change,
    )
}

/// A PNG file of samples that are packed already.
fn png(
    samples: &[u8],
    (width, height): (u32, u32),
    colours: ColorType,
    depth: BitDepth,
    change: impl FnOnce(&mut ::png::Info<'_>),
) -> Vec<u8> {
    let mut info = ::png::Info::with_size(width, height);
    info.color_type = colours;
    info.bit_depth = depth;
    change(&mut info);
    let mut file = vec![];
    let encoder = ::png::Encoder::with_info(&mut file, info).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    file
}

fn colour_png(picture: &RgbImage) -> Vec<u8> {
    let (samples, size) = (picture.as_raw(), picture.dimensions());
    png(samples, size, ColorType::Rgb, BitDepth::Eight, |_| ())
}

/// Samples of less than a byte, row by row, each row from a new byte on.
fn packed(rows: &[Vec<u16>], depth: u32) -> Vec<u8> {
    let mut bytes = vec![];
    for row in rows {
        let bits: Vec<String> = row
            .iter()
            .map(|value| format!("{value:0depth$b}", depth = depth as usize))
            .collect();
        for byte in bits.concat().as_bytes().chunks(8) {
            let byte = format!("{:0<8}", std::str::from_utf8(byte).unwrap());
            bytes.push(u8::from_str_radix(&byte, 2).unwrap());
        }
    }
    bytes
}

/// A chunk of a PNG file (PNG §5.3).
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(content) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let length = (content.len() as u32).to_be_bytes();
    [length.as_slice(), &kind, content, &(!crc).to_be_bytes()].concat()
}

/// A whole PNG file of 8-bit RGB: a header, and scanlines with their filter
/// types, not compressed.
fn png_of_chunks(width: u32, height: u32, is_interlaced: bool, scanlines: &[u8]) -> Vec<u8> {
    let (width, height) = (width.to_be_bytes(), height.to_be_bytes());
    let header = [
        width.as_slice(),
        &height,
        &[8, 2, 0, 0, is_interlaced.into()],
    ]
    .concat();
    let mut zlib = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = scanlines.chunks(60_000).collect();
    for (i, block) in blocks.iter().enumerate() {
        let length = block.len() as u16;
        zlib.push(u8::from(i + 1 == blocks.len()));
        zlib.extend(length.to_le_bytes());
        zlib.extend((!length).to_le_bytes());
        zlib.extend(*block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in scanlines {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    zlib.extend((b << 16 | a).to_be_bytes());
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(*b"IHDR", &header),
        chunk(*b"IDAT", &zlib),
        chunk(*b"IEND", b""),
    ]
    .concat()
}

fn webp(samples: &[u8], (width, height): (u32, u32), colours: image_webp::ColorType) -> Vec<u8> {
    let mut file = vec![];
    let encoder = image_webp::WebPEncoder::new(&mut file);
    encoder.encode(samples, width, height, colours).unwrap();
    file
}

/// Four colours: red, green, blue, yellow.
const PALETTE: [[u8; 3]; 4] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]];

/// A GIF file of one frame on a canvas.
fn gif(canvas: (u16, u16), frame: &::gif::Frame<'_>) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder =
        ::gif::Encoder::new(&mut file, canvas.0, canvas.1, &PALETTE.concat()).unwrap();
    encoder.write_frame(frame).unwrap();
    drop(encoder);
    file
}

fn gif_frame(width: u16, height: u16) -> ::gif::Frame<'static> {
    let indices: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| ((x / 2 + y * 3) % 4) as u8))
        .collect();
    ::gif::Frame::from_indexed_pixels(width, height, indices, None)
}

/// The orientation as EXIF data: a TIFF file in which another tag comes first.
pub(super) fn exif(orientation: u16, is_little_endian: bool) -> Vec<u8> {
    let u16 = |value: u16| {
        if is_little_endian {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let mut tiff = if is_little_endian {
        b"II*\0\x08\0\0\0"
    } else {
        b"MM\0*\0\0\0\x08"
    }
    .to_vec();
    tiff.extend(u16(2));
    for (tag, value) in [(0x0103, 6), (0x0112, orientation)] {
        // A short, once; then its value and what is left of its four bytes.
        tiff.extend([u16(tag), u16(3)].concat());
        tiff.extend(if is_little_endian {
            [1, 0, 0, 0]
        } else {
            [0, 0, 0, 1]
        });
        tiff.extend([u16(value), [0; 2]].concat());
    }
    tiff.extend([0; 4]);
    tiff
}

/// The picture the right way up, by another library.
fn oriented(picture: &RgbImage, orientation: u16) -> RgbImage {
    let mut picture = DynamicImage::from(picture.clone());
    let exif = u8::try_from(orientation).unwrap();
    picture.apply_orientation(image::metadata::Orientation::from_exif(exif).unwrap());
    picture.into_rgb8()
}

/// A square's pixels in Y′CbCr, as they are turned.
fn planes(picture: &RgbImage) -> Planes {
    let pixels: Vec<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
    let (width, height) = picture.dimensions();
    Planes::from_rgb(width as usize, height as usize, &pixels).unwrap()
}

#[test]
fn baseline_jpeg_of_every_sampling_is_read() {
    for (width, height) in [(64, 48), (51, 37), (8, 8), (1, 1)] {
        let picture = waves(width, height);
        for sampling in [
            SamplingFactor::R_4_4_4,
            SamplingFactor::R_4_2_2,
            SamplingFactor::R_4_2_0,
            SamplingFactor::R_4_4_0,
        ] {
            let file = colour_jpeg(&picture, |encoder| encoder.set_sampling_factor(sampling));
            let decoded = decode(&file);
            assert!(matches!(decoded.pixels, Pixels::YCbCr(_)));
            let difference = mean_difference(&rgb(&decoded), &picture);
            assert!(
                difference < 2.5,
                "{width}×{height} {sampling:?}: {difference}"
            );
        }
    }
}

#[test]
fn progressive_jpeg_is_read() {
    let picture = waves(51, 37);
    for sampling in [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_0] {
        for scans in [2, 5, 20] {
            let file = colour_jpeg(&picture, |encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive_scans(scans);
            });
            assert!(file.windows(2).any(|pair| pair == [0xff, 0xc2]));
            let difference = mean_difference(&rgb(&decode(&file)), &picture);
            assert!(difference < 2.5, "{sampling:?}, {scans}: {difference}");
        }
    }
}

#[test]
fn jpeg_with_restarts_is_read() {
    let picture = waves(80, 64);
    for interval in [1, 2, 3, 7, 100] {
        for sampling in [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_0] {
            for is_progressive in [false, true] {
                let file = colour_jpeg(&picture, |encoder| {
                    encoder.set_restart_interval(interval);
                    encoder.set_sampling_factor(sampling);
                    encoder.set_progressive(is_progressive);
                });
                let difference = mean_difference(&rgb(&decode(&file)), &picture);
                assert!(
                    difference < 2.5,
                    "{interval} {sampling:?} {is_progressive}: {difference}"
                );
            }
        }
    }
}

#[test]
fn grey_jpeg_is_read() {
    let grey = DynamicImage::from(waves(51, 37)).into_luma8();
    for is_progressive in [false, true] {
        let file = jpeg(
            grey.as_raw(),
            grey.dimensions(),
            JpegColours::Luma,
            |encoder| {
                encoder.set_progressive(is_progressive);
            },
        );
        let decoded = decode(&file);
        assert!(matches!(decoded.pixels, Pixels::Grey(_)));
        let expected = DynamicImage::from(grey.clone()).into_rgb8();
        assert!(largest_difference(&rgb(&decoded), &expected) <= 5);

        let square = decoded
            .square(&options(37, Crop::Left, Colour::WHITE))
            .unwrap();
        assert!(square.blue.samples().iter().all(|sample| *sample == 128));
        assert!(square.red.samples().iter().all(|sample| *sample == 128));
    }
}

#[test]
fn cmyk_jpeg_is_read() {
    let picture = waves(51, 37);
    let cmyk: Vec<u8> = picture
        .pixels()
        .flat_map(|Rgb([r, g, b])| [255 - r, 255 - g, 255 - b, 0])
        .collect();
    for colours in [JpegColours::Cmyk, JpegColours::CmykAsYcck] {
        let file = jpeg(&cmyk, picture.dimensions(), colours, |_| ());
        let difference = mean_difference(&rgb(&decode(&file)), &picture);
        assert!(difference < 2.5, "{colours:?}: {difference}");
    }
}

#[test]
fn grey_png_of_every_depth_is_read() {
    let (width, height) = (13, 7);
    for (depth, bits) in [
        (BitDepth::One, 1),
        (BitDepth::Two, 2),
        (BitDepth::Four, 4),
        (BitDepth::Eight, 8),
        (BitDepth::Sixteen, 16),
    ] {
        let largest = u32::MAX >> (32 - bits);
        let value = |x: u32, y: u32| ((x * 5309 + y * 12_347) & largest) as u16;
        let rows: Vec<Vec<u16>> = (0..height)
            .map(|y| (0..width).map(|x| value(x, y)).collect())
            .collect();
        let samples = packed(&rows, bits);
        let file = png(
            &samples,
            (width, height),
            ColorType::Grayscale,
            depth,
            |_| (),
        );
        let expected = RgbImage::from_fn(width, height, |x, y| {
            Rgb([(f64::from(value(x, y)) * 255.0 / f64::from(largest)).round() as u8; 3])
        });
        let decoded = decode(&file);
        assert!(matches!(decoded.pixels, Pixels::Grey(_)));
        assert!(
            largest_difference(&rgb(&decoded), &expected) <= 1,
            "{bits} bits"
        );

        // One value is transparent.
        let clear = value(3, 2);
        let file = png(
            &samples,
            (width, height),
            ColorType::Grayscale,
            depth,
            |info| {
                info.trns = Some(clear.to_be_bytes().to_vec().into());
            },
        );
        let decoded = decode(&file);
        for (pixel, value) in rgba(&decoded).iter().zip(rows.as_slice().concat()) {
            assert_eq!(
                pixel[3],
                if value == clear { 0 } else { 255 },
                "{bits} bits"
            );
        }
    }
}

#[test]
fn colour_png_of_every_depth_is_read() {
    let picture = noise(13, 7);
    let size = picture.dimensions();
    let deep: Vec<u8> = picture
        .as_raw()
        .iter()
        .flat_map(|byte| [*byte, 0x55])
        .collect();
    let clear = picture.get_pixel(2, 3).0;
    for (depth, samples) in [
        (BitDepth::Eight, picture.as_raw()),
        (BitDepth::Sixteen, &deep),
    ] {
        let file = png(samples, size, ColorType::Rgb, depth, |_| ());
        assert!(largest_difference(&rgb(&decode(&file)), &picture) <= 1);

        let low = if depth == BitDepth::Eight {
            None
        } else {
            Some(0x55)
        };
        let key: Vec<u8> = clear
            .iter()
            .flat_map(|byte| match low {
                None => [0, *byte],
                Some(low) => [*byte, low],
            })
            .collect();
        let file = png(samples, size, ColorType::Rgb, depth, |info| {
            info.trns = Some(key.into());
        });
        let decoded = decode(&file);
        for (pixel, original) in rgba(&decoded).iter().zip(picture.pixels()) {
            assert_eq!(pixel[3] == 0, original.0 == clear, "{depth:?}");
        }
    }
}

#[test]
fn png_with_alpha_of_every_depth_is_read() {
    let rgba_samples: Vec<u8> = noise(13, 7)
        .pixels()
        .flat_map(|Rgb([r, g, b])| [*r, *g, *b, r ^ g])
        .collect();
    let deep =
        |samples: &[u8]| -> Vec<u8> { samples.iter().flat_map(|byte| [*byte, *byte]).collect() };
    let expected: Vec<[u8; 4]> = rgba_samples.as_chunks().0.to_vec();
    for (depth, samples) in [
        (BitDepth::Eight, rgba_samples.clone()),
        (BitDepth::Sixteen, deep(&rgba_samples)),
    ] {
        let file = png(&samples, (13, 7), ColorType::Rgba, depth, |_| ());
        assert_eq!(rgba(&decode(&file)), expected, "{depth:?}");
    }

    let grey_samples: Vec<u8> = expected
        .iter()
        .flat_map(|[grey, _, _, alpha]| [*grey, *alpha])
        .collect();
    for (depth, samples) in [
        (BitDepth::Eight, grey_samples.clone()),
        (BitDepth::Sixteen, deep(&grey_samples)),
    ] {
        let file = png(&samples, (13, 7), ColorType::GrayscaleAlpha, depth, |_| ());
        let decoded = decode(&file);
        for ([r, g, b, alpha], [grey, _, _, expected_alpha]) in rgba(&decoded).iter().zip(&expected)
        {
            assert_eq!(([r, g, b], alpha), ([grey; 3], expected_alpha));
        }
    }
}

#[test]
fn png_with_a_palette_of_every_depth_is_read() {
    let (width, height) = (13, 7);
    for (depth, bits) in [
        (BitDepth::One, 1),
        (BitDepth::Two, 2),
        (BitDepth::Four, 4),
        (BitDepth::Eight, 8),
    ] {
        let colours = 1_u32 << bits;
        let palette: Vec<[u8; 3]> = (0..colours)
            .map(|i| [i * 7 + 3, 255 - i, i * 91].map(|c| c as u8))
            .collect();
        let index = |x: u32, y: u32| ((x * 31 + y * 57) % colours) as u16;
        let rows: Vec<Vec<u16>> = (0..height)
            .map(|y| (0..width).map(|x| index(x, y)).collect())
            .collect();
        let samples = packed(&rows, bits);
        let of_palette = |info: &mut ::png::Info<'_>| info.palette = Some(palette.concat().into());
        let file = png(
            &samples,
            (width, height),
            ColorType::Indexed,
            depth,
            of_palette,
        );
        let expected =
            RgbImage::from_fn(width, height, |x, y| Rgb(palette[usize::from(index(x, y))]));
        assert_eq!(rgb(&decode(&file)), expected, "{bits} bits");

        // The first two colours are transparent in part, the others not.
        let file = png(
            &samples,
            (width, height),
            ColorType::Indexed,
            depth,
            |info| {
                of_palette(info);
                info.trns = Some(vec![0, 100].into());
            },
        );
        let decoded = decode(&file);
        for (pixel, index) in rgba(&decoded).iter().zip(rows.concat()) {
            let [r, g, b] = palette[usize::from(index)];
            let alpha = *[0, 100].get(usize::from(index)).unwrap_or(&255);
            assert_eq!(*pixel, [r, g, b, alpha], "{bits} bits");
        }
    }
}

#[test]
fn interlaced_png_is_read() {
    for (width, height) in [(13, 7), (1, 1), (3, 9), (40, 40)] {
        let picture = noise(width, height);
        // The seven passes (PNG §8.2): first column and row, and steps.
        let mut scanlines = vec![];
        for (left, top, x_step, y_step) in [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ] {
            for y in (top..height).step_by(y_step) {
                let row: Vec<u8> = (left..width)
                    .step_by(x_step)
                    .flat_map(|x| picture.get_pixel(x, y).0)
                    .collect();
                if !row.is_empty() {
                    scanlines.push(0);
                    scanlines.extend(row);
                }
            }
        }
        let file = png_of_chunks(width, height, true, &scanlines);
        assert_eq!(rgb(&decode(&file)), picture, "{width}×{height}");
    }
}

#[test]
fn of_an_animated_png_it_is_the_first_picture() {
    let picture = noise(9, 9);
    let mut file = vec![];
    let mut encoder = ::png::Encoder::new(&mut file, 9, 9);
    encoder.set_color(ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(picture.as_raw()).unwrap();
    writer.write_image_data(&[7; 243]).unwrap();
    writer.finish().unwrap();
    assert_eq!(rgb(&decode(&file)), picture);
}

#[test]
fn gif_is_read_and_what_it_does_not_cover_is_transparent() {
    for (left, top) in [(0, 0), (3, 2), (7, 5)] {
        let mut frame = gif_frame(5, 4);
        (frame.left, frame.top, frame.transparent) = (left, top, Some(2));
        for is_interlaced in [false, true] {
            frame.interlaced = is_interlaced;
            let rows = gif_frame(5, 4).buffer;
            // The encoder takes rows in the order of the file.
            let order = if is_interlaced {
                [0, 2, 1, 3]
            } else {
                [0, 1, 2, 3]
            };
            frame.buffer = order.map(|y| &rows[5 * y..5 * y + 5]).concat().into();
            let file = gif((12, 9), &frame);
            let decoded = decode(&file);
            assert_eq!((decoded.width, decoded.height), (12, 9));
            for (i, pixel) in rgba(&decoded).iter().enumerate() {
                let (x, y) = (i % 12, i / 12);
                let (x, y) = (x.checked_sub(left.into()), y.checked_sub(top.into()));
                let index = match (x, y) {
                    (Some(x @ 0..5), Some(y @ 0..4)) => usize::from(rows[y * 5 + x]),
                    _ => 2,
                };
                if index == 2 {
                    assert_eq!(pixel[3], 0);
                } else {
                    let [r, g, b] = PALETTE[index];
                    assert_eq!(*pixel, [r, g, b, 255]);
                }
            }
        }
    }
}

#[test]
fn a_gif_frame_that_leaves_its_canvas_is_cut_off() {
    for (left, top, width, height) in [(4, 0, 4, 6), (0, 4, 6, 4), (9, 9, 3, 3), (0, 0, 12, 12)] {
        let mut frame = gif_frame(width, height);
        (frame.left, frame.top) = (left, top);
        let file = gif((6, 6), &frame);
        // Whether it is read or not, nothing goes wrong.
        if let Ok(decoded) = Picture::decode(&file, Limits::WORKER) {
            assert_eq!((decoded.width, decoded.height), (6, 6));
            assert_eq!(rgba(&decoded).len(), 36);
        }
    }
}

#[test]
fn of_an_animated_gif_it_is_the_first_picture() {
    let mut file = vec![];
    let mut encoder = ::gif::Encoder::new(&mut file, 6, 6, &PALETTE.concat()).unwrap();
    for index in [1, 2] {
        let frame = ::gif::Frame::from_indexed_pixels(6, 6, vec![index; 36], None);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    assert_eq!(
        rgb(&decode(&file)),
        RgbImage::from_pixel(6, 6, Rgb([0, 255, 0]))
    );
}

#[test]
fn lossless_webp_is_read() {
    let picture = noise(13, 7);
    let file = webp(picture.as_raw(), (13, 7), image_webp::ColorType::Rgb8);
    assert_eq!(rgb(&decode(&file)), picture);

    let samples: Vec<u8> = picture
        .pixels()
        .flat_map(|Rgb([r, g, b])| [*r, *g, *b, r ^ b])
        .collect();
    let file = webp(&samples, (13, 7), image_webp::ColorType::Rgba8);
    assert_eq!(rgba(&decode(&file)).as_flattened(), samples);
}

#[test]
fn every_orientation_of_a_jpeg_is_applied() {
    let picture = waves(48, 32);
    let upright = decode(&colour_jpeg(&picture, |_| ()));
    let pixels = rgb(&upright);
    for tag in 1..=8 {
        for is_little_endian in [false, true] {
            let file = colour_jpeg(&picture, |encoder| {
                encoder
                    .add_exif_metadata(&exif(tag, is_little_endian))
                    .unwrap();
            });
            let decoded = decode(&file);
            assert_eq!(decoded.orientation, Orientation::from_tag(tag));
            let expected = oriented(&pixels, tag);
            let square = decoded
                .square(&options(32, Crop::Centre, Colour::WHITE))
                .unwrap();
            let (x, y) = ((expected.width() - 32) / 2, (expected.height() - 32) / 2);
            let expected = imageops::crop_imm(&expected, x, y, 32, 32).to_image();
            let square = RgbImage::from_raw(32, 32, square.to_rgb().concat()).unwrap();
            assert_eq!(square, expected, "{tag}");
        }
    }
}

#[test]
fn every_orientation_of_a_png_and_a_webp_is_applied() {
    let picture = noise(24, 16);
    for tag in 1..=8 {
        for is_little_endian in [false, true] {
            let exif = exif(tag, is_little_endian);
            let png = png(
                picture.as_raw(),
                (24, 16),
                ColorType::Rgb,
                BitDepth::Eight,
                |info| {
                    info.exif_metadata = Some(exif.clone().into());
                },
            );
            let mut webp = vec![];
            let mut encoder = image_webp::WebPEncoder::new(&mut webp);
            encoder.set_exif_metadata(exif);
            encoder
                .encode(picture.as_raw(), 24, 16, image_webp::ColorType::Rgb8)
                .unwrap();
            let expected = oriented(&picture, tag);
            let (x, y) = ((expected.width() - 16) / 2, (expected.height() - 16) / 2);
            let expected = planes(&imageops::crop_imm(&expected, x, y, 16, 16).to_image());
            for file in [png, webp] {
                let square = decode(&file).square(&options(16, Crop::Centre, Colour::WHITE));
                assert_eq!(square, Ok(expected.clone()), "{tag}");
            }
        }
    }
}

#[test]
fn an_orientation_that_cannot_be_read_is_upright() {
    let good = exif(6, true);
    assert_eq!(Orientation::from_exif(&good), Orientation::from_tag(6));
    let with_signature = [b"Exif\0\0", good.as_slice()].concat();
    assert_eq!(
        Orientation::from_exif(&with_signature),
        Orientation::from_tag(6)
    );
    // The tag's value ends before the last six bytes.
    for length in 0..good.len() - 6 {
        assert_eq!(
            Orientation::from_exif(&good[..length]),
            Orientation::UPRIGHT,
            "{length}"
        );
    }
    for tag in [0, 9, 10, u16::MAX] {
        assert_eq!(
            Orientation::from_exif(&exif(tag, false)),
            Orientation::UPRIGHT
        );
    }
    for data in [
        b"".as_slice(),
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\xff\xff\xff\xfe\0\0",
        b"II*\0\0\0\0\0",
    ] {
        assert_eq!(Orientation::from_exif(data), Orientation::UPRIGHT);
    }
}

#[test]
fn a_crop_takes_its_square_of_the_picture_the_right_way_up() {
    let picture = noise(60, 40);
    for tag in 1..=8 {
        let exif = exif(tag, true);
        let file = png(
            picture.as_raw(),
            (60, 40),
            ColorType::Rgb,
            BitDepth::Eight,
            |info| {
                info.exif_metadata = Some(exif.into());
            },
        );
        let decoded = decode(&file);
        let upright = oriented(&picture, tag);
        let (width, height) = upright.dimensions();
        let (right, bottom) = (width - 40, height - 40);
        let at = |left, top, side| Crop::At(Square { left, top, side });
        for (crop, left, top, side) in [
            (Crop::Centre, right / 2, bottom / 2, 40),
            (Crop::Top, right / 2, 0, 40),
            (Crop::Bottom, right / 2, bottom, 40),
            (Crop::Left, 0, bottom / 2, 40),
            (Crop::Right, right, bottom / 2, 40),
            (at(3, 7, 20), 3, 7, 20),
            (at(0, 0, 1), 0, 0, 1),
            (at(right as usize, bottom as usize, 40), right, bottom, 40),
            (
                at(width as usize - 1, height as usize - 1, 1),
                width - 1,
                height - 1,
                1,
            ),
        ] {
            let expected = imageops::crop_imm(&upright, left, top, side, side).to_image();
            let square = decoded
                .clone()
                .square(&options(side as usize, crop, Colour::WHITE));
            assert_eq!(square, Ok(planes(&expected)), "{tag} {crop}");
        }
    }
}

#[test]
fn a_square_that_is_not_inside_is_refused() {
    let picture = noise(60, 40);
    let exif = exif(6, true);
    let lying = decode(&colour_png(&picture));
    let standing = decode(&png(
        picture.as_raw(),
        (60, 40),
        ColorType::Rgb,
        BitDepth::Eight,
        |info| {
            info.exif_metadata = Some(exif.into());
        },
    ));
    for (decoded, width, height) in [(&lying, 60, 40), (&standing, 40, 60)] {
        for (left, top, side) in [
            (width - 9, 0, 10),
            (0, height - 9, 10),
            (0, 0, 41),
            (width, 0, 1),
            (usize::MAX, 0, 1),
            (0, 1, usize::MAX),
        ] {
            let crop = Crop::At(Square { left, top, side });
            assert_eq!(
                decoded.clone().square(&options(16, crop, Colour::WHITE)),
                Err(PictureError::Crop {
                    crop,
                    width,
                    height
                })
            );
        }
    }
    let message = lying
        .square(&options(16, "50,0,20".parse().unwrap(), Colour::WHITE))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the square 50,0,20 is not inside the picture of 60×40 pixels"
    );
}

#[test]
fn a_square_without_pixels_is_refused() {
    let crop = Crop::At(Square {
        left: 3,
        top: 3,
        side: 0,
    });
    assert!(
        decode(&colour_png(&noise(9, 9)))
            .square(&options(16, crop, Colour::WHITE))
            .is_err()
    );
}

#[test]
fn a_picture_is_scaled_as_another_library_does_it() {
    for (side, to) in [(90, 40), (41, 40), (30, 40), (7, 40), (1, 40), (333, 40)] {
        let picture = waves(side, side);
        let expected = planes(&imageops::resize(
            &picture,
            to,
            to,
            imageops::FilterType::Lanczos3,
        ));
        let to = to as usize;
        let scaled = decode(&colour_png(&picture))
            .square(&options(to, Crop::Centre, Colour::WHITE))
            .unwrap();
        for (ours, theirs) in [
            (&scaled.luma, &expected.luma),
            (&scaled.blue, &expected.blue),
            (&scaled.red, &expected.red),
        ] {
            let pairs = ours.samples().iter().zip(theirs.samples());
            let largest = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(largest <= 2, "{side}: {largest}");
        }
    }
}

#[test]
fn a_part_is_scaled_like_a_picture_of_only_that_part() {
    let picture = noise(60, 40);
    let whole = decode(&colour_png(&picture));
    for (left, top, side) in [
        (0, 0, 33),
        (27, 7, 33),
        (11, 5, 30),
        (59, 39, 1),
        (50, 30, 10),
    ] {
        let part = imageops::crop_imm(&picture, left, top, side, side).to_image();
        let part = decode(&colour_png(&part)).square(&options(16, Crop::Centre, Colour::WHITE));
        let [left, top, side] = [left, top, side].map(|length| length as usize);
        let crop = Crop::At(Square { left, top, side });
        assert_eq!(
            whole.clone().square(&options(16, crop, Colour::WHITE)),
            part,
            "{crop}"
        );
    }
}

#[test]
fn what_is_transparent_shows_the_background() {
    let pixels = [
        [9, 99, 200, 0],
        [9, 99, 200, 255],
        [0, 0, 0, 128],
        [255, 255, 255, 51],
    ];
    let picture = Picture::from_rgba(2, 2, pixels.concat()).unwrap();
    for (background, expected) in [
        (Colour::WHITE, [[255; 3], [9, 99, 200], [127; 3], [255; 3]]),
        (Colour::BLACK, [[0; 3], [9, 99, 200], [0; 3], [51; 3]]),
        (
            Colour([255, 0, 100]),
            [[255, 0, 100], [9, 99, 200], [127, 0, 50], [255, 51, 131]],
        ),
    ] {
        let square = picture
            .clone()
            .square(&options(2, Crop::Centre, background));
        assert_eq!(
            square,
            Ok(Planes::from_rgb(2, 2, &expected).unwrap()),
            "{background}"
        );
    }
}

#[test]
fn what_is_transparent_has_no_colour_when_it_is_scaled() {
    // Bright red that is not seen must not shine through at the edges.
    let pixels = (0..400).flat_map(|i| {
        if i % 20 < 10 {
            [255, 0, 0, 0]
        } else {
            [255; 4]
        }
    });
    let picture = Picture::from_rgba(20, 20, pixels.collect()).unwrap();
    let square = picture
        .square(&options(9, Crop::Centre, Colour::WHITE))
        .unwrap();
    assert!(square.to_rgb().iter().all(|pixel| *pixel == [255; 3]));
}

/// A PNG file of 8-bit RGB with an ICC profile.
fn png_with_profile(picture: &RgbImage, profile: &[u8]) -> Vec<u8> {
    let (samples, size) = (picture.as_raw(), picture.dimensions());
    png(samples, size, ColorType::Rgb, BitDepth::Eight, |info| {
        info.icc_profile = Some(profile.to_vec().into());
    })
}

/// A GIF file of one colour with an ICC profile.
fn gif_with_profile([r, g, b]: [u8; 3], profile: &[u8]) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = ::gif::Encoder::new(&mut file, 8, 8, &[r, g, b, 0, 0, 0]).unwrap();
    let blocks: Vec<&[u8]> = iter::once(b"ICCRGBG1012".as_slice())
        .chain(profile.chunks(255))
        .collect();
    encoder
        .write_raw_extension(::gif::AnyExtension(0xff), &blocks)
        .unwrap();
    let frame = ::gif::Frame::from_indexed_pixels(8, 8, vec![0; 64], None);
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    file
}

/// The colour in the middle of a square that is made of a file.
fn colour_of(file: &[u8]) -> [u8; 3] {
    let square = decode(file).square(&options(8, Crop::Centre, Colour::WHITE));
    square.unwrap().to_rgb()[36]
}

#[track_caller]
fn assert_colour(file: &[u8], expected: [u8; 3], tolerance: u8) {
    let colour = colour_of(file);
    let is_near = iter::zip(colour, expected).all(|(a, b)| a.abs_diff(b) <= tolerance);
    assert!(is_near, "{colour:?} instead of {expected:?}");
}

#[test]
fn a_profile_is_applied_in_every_format() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    // sRGB cannot be redder; and a green that it has.
    for (colour, expected) in [([255, 0, 0], [255, 0, 0]), ([90, 160, 110], [61, 162, 105])] {
        let picture = RgbImage::from_pixel(8, 8, Rgb(colour));
        let jpeg = colour_jpeg(&picture, |encoder| encoder.add_icc_profile(&p3).unwrap());
        assert_colour(&jpeg, expected, 3);
        assert_colour(&png_with_profile(&picture, &p3), expected, 2);
        let mut webp = vec![];
        let mut encoder = image_webp::WebPEncoder::new(&mut webp);
        encoder.set_icc_profile(p3.clone());
        encoder
            .encode(picture.as_raw(), 8, 8, image_webp::ColorType::Rgb8)
            .unwrap();
        assert_colour(&webp, expected, 2);
        assert_colour(&gif_with_profile(colour, &p3), expected, 2);
    }
}

#[test]
fn a_profile_is_applied_to_what_is_transparent_but_not_to_the_background() {
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let picture = |alpha| {
        let samples = [[90, 160, 110, alpha]; 64].concat();
        let file = png(&samples, (8, 8), ColorType::Rgba, BitDepth::Eight, |info| {
            info.icc_profile = Some(p3.clone().into());
        });
        let background = Colour([90, 160, 110]);
        let square = decode(&file).square(&options(8, Crop::Centre, background));
        square.unwrap().to_rgb()[36]
    };
    assert!(picture(0)[0].abs_diff(90) <= 1);
    assert!(picture(255)[0].abs_diff(61) <= 2);
    assert!(picture(128)[0].abs_diff(75) <= 2);
}

#[test]
fn a_grey_picture_may_have_a_profile_of_either_kind() {
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let grey = [128; 64];
    let grey_with_alpha = [[128, 255]; 64].concat();
    // Half of the light; and a grey of P3, which is the same in sRGB.
    for (profile, expected) in [(linear, [188; 3]), (p3, [128; 3])] {
        let with_profile = |info: &mut ::png::Info<'_>| {
            info.icc_profile = Some(profile.clone().into());
        };
        let size = (8, 8);
        let file = png(
            &grey,
            size,
            ColorType::Grayscale,
            BitDepth::Eight,
            with_profile,
        );
        assert_colour(&file, expected, 1);
        let file = png(
            &grey_with_alpha,
            size,
            ColorType::GrayscaleAlpha,
            BitDepth::Eight,
            with_profile,
        );
        assert_colour(&file, expected, 1);
        let file = jpeg(&grey, size, JpegColours::Luma, |encoder| {
            encoder.add_icc_profile(&profile).unwrap();
        });
        assert_colour(&file, expected, 1);
    }
}

#[test]
fn code_points_are_applied_and_count_more_than_a_profile() {
    let picture = RgbImage::from_pixel(8, 8, Rgb([90, 160, 110]));
    let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
    let file = |primaries, transfer| {
        let mut file = png_with_profile(&picture, &adobe);
        // After the signature and the header.
        file.splice(33..33, chunk(*b"cICP", &[primaries, transfer, 0, 1]));
        file
    };
    // Display P3, sRGB; and what is not applied: PQ, HLG and what is reserved.
    assert_colour(&file(12, 13), [61, 162, 105], 2);
    assert_eq!(colour_of(&file(1, 13)), colour_of(&colour_png(&picture)));
    for (primaries, transfer) in [(9, 16), (9, 18), (0, 0), (255, 255), (12, 0)] {
        let colour = colour_of(&file(primaries, transfer));
        assert_eq!(
            colour,
            colour_of(&colour_png(&picture)),
            "{primaries} {transfer}"
        );
    }
}

#[test]
fn a_profile_of_srgb_changes_no_byte() {
    let picture = noise(40, 40);
    let plain = colour_jpeg(&picture, |_| ());
    let srgb = ColorProfile::new_srgb().encode().unwrap();
    let with_profile = colour_jpeg(&picture, |encoder| encoder.add_icc_profile(&srgb).unwrap());
    let square = |file: &[u8]| decode(file).square(&options(16, Crop::Centre, Colour::WHITE));
    assert_eq!(square(&with_profile), square(&plain));
}

#[test]
fn a_profile_that_cannot_be_applied_is_as_if_there_were_none() {
    let picture = noise(40, 40);
    let square = |file: &[u8]| decode(file).square(&options(16, Crop::Centre, Colour::WHITE));
    let expected = square(&colour_png(&picture));
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let huge = [p3.as_slice(), &vec![0; profile::MAX_BYTES]].concat();
    let grey = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    for profile in [
        &p3[..p3.len() / 2],
        &huge,
        &grey,
        b"not a profile",
        &[0; 128],
    ] {
        assert_eq!(square(&png_with_profile(&picture, profile)), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_profile_is_applied_or_not(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut p3 = ColorProfile::new_display_p3().encode().unwrap();
        for (at, byte) in changes {
            *at.get_mut(&mut p3) = byte;
        }
        let file = png_with_profile(&noise(9, 9), &p3);
        prop_assert!(decode(&file).square(&options(9, Crop::Centre, Colour::WHITE)).is_ok());
    }
}

#[test]
fn exif_data_after_the_pixels_of_a_png_counts() {
    let picture = noise(24, 16);
    let mut file = colour_png(&picture);
    let end = file.len() - chunk(*b"IEND", b"").len();
    file.splice(end..end, chunk(*b"eXIf", &exif(6, false)));
    assert_eq!(decode(&file).orientation, Orientation::from_tag(6));
    // What is broken there harms no pixel.
    file.truncate(file.len() - 20);
    assert_eq!(rgb(&decode(&file)), picture);
}

#[test]
fn pixels_of_another_number_are_no_picture() {
    assert_eq!(Picture::from_rgba(0, 0, vec![]), None);
    assert_eq!(Picture::from_rgba(2, 2, vec![0; 15]), None);
    assert_eq!(Picture::from_rgba(usize::MAX, usize::MAX, vec![0; 4]), None);
    assert!(Picture::from_rgba(1, 2, vec![0; 8]).is_some());
}

/// Puts other sides into the frame header of a JPEG file.
fn with_jpeg_size(mut file: Vec<u8>, width: u16, height: u16) -> Vec<u8> {
    let at = file
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0] || pair == [0xff, 0xc2])
        .unwrap();
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn a_small_file_that_says_it_is_large_is_refused() {
    let picture = noise(8, 8);
    let png = png_of_chunks(20_000, 20_000, false, &[0; 100]);
    let interlaced = png_of_chunks(20_000, 20_000, true, &[0; 100]);
    let baseline = with_jpeg_size(colour_jpeg(&picture, |_| ()), 65_535, 65_535);
    let progressive = colour_jpeg(&picture, |encoder| encoder.set_progressive(true));
    let progressive = with_jpeg_size(progressive, 65_535, 65_535);
    let gif = gif((65_535, 65_535), &gif_frame(1, 1));
    let mut webp = webp(&[9; 3], (1, 1), image_webp::ColorType::Rgb8);
    // 14 bits each of the width and the height less one.
    assert_eq!((&webp[12..16], webp[20]), (b"VP8L".as_slice(), 0x2f));
    let size = 0x3ffe | 0x3ffe << 14;
    let flags = u32::from_le_bytes(webp[21..25].try_into().unwrap()) & 0xf000_0000;
    webp[21..25].copy_from_slice(&(size | flags).to_le_bytes());

    for (file, side) in [
        (png, 20_000),
        (interlaced, 20_000),
        (baseline, 65_535),
        (progressive, 65_535),
        (gif, 65_535),
        (webp, 16_383),
    ] {
        for limits in [Limits::WORKER, Limits::COMPUTER] {
            match Picture::decode(&file, limits) {
                Err(PictureError::TooLarge {
                    width,
                    height,
                    memory,
                    limit,
                }) => {
                    assert_eq!((width, height, limit), (side, side, limits.memory));
                    assert!(memory > limit);
                }
                other => panic!("{side}: {:?}", other.err()),
            }
        }
    }
}

#[test]
fn a_gif_frame_that_says_it_is_large_is_refused() {
    let mut file = gif((9, 9), &gif_frame(9, 9));
    // The image descriptor: where it is, then its size.
    let at = file.iter().position(|byte| *byte == 0x2c).unwrap();
    file[at + 5..at + 9].fill(0xff);
    assert!(Picture::decode(&file, Limits::WORKER).is_err());
}

#[test]
fn a_picture_may_take_as_much_memory_as_the_limit_says() {
    let picture = noise(100, 80);
    let files = [
        colour_jpeg(&picture, |_| ()),
        gif((100, 80), &gif_frame(100, 80)),
        webp(picture.as_raw(), (100, 80), image_webp::ColorType::Rgb8),
        colour_png(&picture),
    ];
    for file in files {
        let decode = |memory| {
            let options = options(16, Crop::Centre, Colour::WHITE);
            super::square(&file, &options, Limits { memory })
        };
        // It tells itself how much it takes, with the file.
        let Err(PictureError::TooLarge { memory, limit, .. }) = decode(100) else {
            panic!("{:?}", decode(100));
        };
        assert_eq!(limit, 100);
        assert!(memory > file.len() as u64);
        assert!(decode(memory).is_ok());
        assert!(matches!(
            decode(memory - 1),
            Err(PictureError::TooLarge { .. })
        ));
    }
}

#[test]
fn a_picture_that_is_too_large_is_told_what_to_do() {
    // Interlaced, so all of it is needed at once.
    let file = png_of_chunks(6000, 4000, true, &[0; 100]);
    let message = "this picture of 6000×4000 pixels takes 84 MB to decode, and 60 MB is the limit \
                   here; make it smaller, no more than 400×400 pixels are shown anyway";
    let square = super::square(&file, &OPTIONS, Limits::WORKER);
    assert_eq!(square.unwrap_err().to_string(), message);
}

#[test]
fn a_png_that_is_read_row_by_row_is_the_same_as_one_that_is_read_at_once() {
    let (width, height) = (47, 31);
    let samples = noise(width, height * 8).into_raw();
    for (colours, depth) in [
        (ColorType::Grayscale, BitDepth::One),
        (ColorType::Grayscale, BitDepth::Eight),
        (ColorType::Grayscale, BitDepth::Sixteen),
        (ColorType::GrayscaleAlpha, BitDepth::Eight),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen),
        (ColorType::Indexed, BitDepth::Two),
        (ColorType::Rgb, BitDepth::Eight),
        (ColorType::Rgba, BitDepth::Eight),
        (ColorType::Rgba, BitDepth::Sixteen),
    ] {
        for tag in 1..=8 {
            let bits = width as usize * colours.samples() * depth as usize;
            let bytes = bits.div_ceil(8) * height as usize;
            let file = png(&samples[..bytes], (width, height), colours, depth, |info| {
                info.palette = Some(PALETTE.concat().into());
                info.exif_metadata = Some(exif(tag, true).into());
            });
            for crop in ["centre", "top", "left", "3,7,20", "27,11,4"] {
                let options = options(16, crop.parse().unwrap(), Colour([9, 99, 200]));
                assert_eq!(
                    super::square(&file, &options, Limits::WORKER),
                    decode(&file).square(&options),
                    "{colours:?} {depth:?} {tag} {crop}"
                );
            }
        }
    }
}

#[test]
fn a_png_that_unpacks_to_very_much_is_refused_though_a_row_is_little() {
    let of_height = |height| {
        let file = png_of_chunks(16_000, height, false, &[0; 100]);
        super::square(
            &file,
            &options(8, Crop::Centre, Colour::WHITE),
            Limits::WORKER,
        )
    };
    let refused = of_height(9000).unwrap_err();
    assert!(
        matches!(refused, PictureError::Unpacked { .. }),
        "{refused}"
    );
    assert_eq!(
        refused.to_string(),
        "the pixels of this picture of 16000×9000 pixels unpack to 432 MB, and a PNG file may have \
         400 MB of them here; make it smaller, no more than 400×400 pixels are shown anyway"
    );
    // As large as is let pass; it is cut off.
    let broken = of_height(8000).unwrap_err();
    assert!(matches!(broken, PictureError::Broken { .. }), "{broken}");
}

#[test]
fn what_is_wrong_with_a_png_is_told_in_a_plain_sentence() {
    let good = colour_png(&noise(40, 40));
    let at = |name: &[u8]| good.windows(4).position(|bytes| bytes == name).unwrap();
    let told = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = good.clone();
        change(&mut file);
        let refused = super::square(&file, &OPTIONS, Limits::WORKER).unwrap_err();
        refused.to_string()
    };
    let ends = "this PNG file is broken: it ends too early; save or download it again";
    assert_eq!(told(&|file| file.truncate(at(b"IDAT") + 40)), ends);
    let checksum = told(&|file| file[at(b"IHDR") + 17] ^= 1);
    assert!(
        checksum.contains("the checksum of its chunk IHDR is wrong"),
        "{checksum}"
    );
    // Compressed data that begin with an impossible header, under a checksum of their own.
    let header = &good[..at(b"IDAT") - 4];
    let damaged = [header, &chunk(*b"IDAT", &[0xff; 40]), &chunk(*b"IEND", b"")];
    let damaged = told(&|file| *file = damaged.concat());
    assert!(
        damaged.contains("its compressed data are damaged"),
        "{damaged}"
    );
    let twice = [header, &header[8..]].concat();
    let twice = told(&|file| file.splice(..header.len(), twice.clone()).for_each(drop));
    assert!(
        twice.contains("its chunk IHDR is in the wrong place"),
        "{twice}"
    );
}

#[test]
fn a_png_that_is_read_row_by_row_is_refused_where_it_was_cut() {
    let file = colour_png(&noise(40, 40));
    let end = file.len() - chunk(*b"IEND", b"").len();
    for length in 0..end {
        let square = super::square(&file[..length], &OPTIONS, Limits::WORKER);
        assert!(square.is_err(), "{length}");
    }
}

#[test]
fn a_picture_without_pixels_is_refused() {
    for (width, height) in [(0, 0), (0, 5), (5, 0)] {
        assert!(
            Picture::decode(
                &png_of_chunks(width, height, false, &[0; 9]),
                Limits::WORKER
            )
            .is_err()
        );
        let jpeg = with_jpeg_size(
            colour_jpeg(&noise(8, 8), |_| ()),
            width as u16,
            height as u16,
        );
        assert!(Picture::decode(&jpeg, Limits::WORKER).is_err());
        let gif = gif((width as u16, height as u16), &gif_frame(3, 3));
        assert!(Picture::decode(&gif, Limits::WORKER).is_err());
    }
}

/// A file of each format and kind, all small.
pub(super) fn small_files() -> Vec<(&'static str, Vec<u8>)> {
    let picture = noise(17, 9);
    let grey = DynamicImage::from(picture.clone()).into_luma8();
    let rgba = DynamicImage::from(picture.clone()).into_rgba8();
    let size = (17, 9);
    let exif = exif(6, true);
    vec![
        ("JPEG", colour_jpeg(&picture, |_| ())),
        (
            "JPEG",
            colour_jpeg(&picture, |encoder| {
                encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
            }),
        ),
        (
            "JPEG",
            colour_jpeg(&picture, |encoder| encoder.set_restart_interval(1)),
        ),
        (
            "JPEG",
            colour_jpeg(&picture, |encoder| encoder.set_progressive(true)),
        ),
        (
            "JPEG",
            colour_jpeg(&picture, |encoder| {
                encoder.add_exif_metadata(&exif).unwrap();
            }),
        ),
        ("JPEG", jpeg(grey.as_raw(), size, JpegColours::Luma, |_| ())),
        ("PNG", colour_png(&picture)),
        (
            "PNG",
            png(
                rgba.as_raw(),
                size,
                ColorType::Rgba,
                BitDepth::Eight,
                |_| (),
            ),
        ),
        ("GIF", gif((17, 9), &gif_frame(17, 9))),
        (
            "WebP",
            webp(picture.as_raw(), size, image_webp::ColorType::Rgb8),
        ),
        (
            "WebP",
            webp(rgba.as_raw(), size, image_webp::ColorType::Rgba8),
        ),
    ]
}

#[test]
fn a_file_that_was_cut_off_is_never_read_as_another_picture() {
    for (format, file) in small_files() {
        let whole = decode(&file);
        for length in 0..file.len() {
            match Picture::decode(&file[..length], Limits::WORKER) {
                // What comes after the last pixel may be missing.
                Ok(cut) => {
                    // Another decoder may have rounded in another way.
                    let difference = largest_difference(&rgb(&cut), &rgb(&whole));
                    let all = file.len();
                    assert!(difference <= 4, "{format}, {length} of {all}: {difference}");
                }
                Err(PictureError::Broken { format: named, .. }) => assert_eq!(named, format),
                Err(PictureError::Format(_)) => assert!(length < 12),
                Err(other) => panic!("{format}, {length}: {other}"),
            }
        }
    }
}

#[test]
fn a_broken_file_is_told_what_to_do() {
    for (format, file) in small_files() {
        let message = refusal(&file[..file.len() / 2]).to_string();
        assert!(
            message.starts_with(&format!("this {format} file is broken: ")),
            "{message}"
        );
        assert!(
            message.ends_with("; save or download it again"),
            "{message}"
        );
        assert!(!message.contains(".;"), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_read_or_refused(
        signature in prop::sample::select(vec![
            b"".as_slice(),
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            b"\x89PNG",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
            b"GIF89a",
            b"GIF87a\x05\0\x05\0",
            b"RIFF\x20\0\0\0WEBPVP8L",
            b"RIFF\x20\0\0\0WEBPVP8 ",
            b"RIFF\x20\0\0\0WEBPVP8X",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let file = [signature, &bytes].concat();
        let limits = Limits { memory: 1_000_000 };
        if let Ok(picture) = Picture::decode(&file, limits) {
            prop_assert!(picture.width > 0 && picture.height > 0);
        }
    }

    #[test]
    fn any_file_with_wrong_bytes_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
    ) {
        let files = small_files();
        let (_, mut file) = which.get(&files).clone();
        for (at, change) in changes {
            let at = at.index(file.len());
            file[at] ^= change;
        }
        let limits = Limits { memory: 1_000_000 };
        if let Ok(picture) = Picture::decode(&file, limits) {
            // What was read can be used.
            let crop = Crop::default();
            prop_assert!(picture.square(&options(16, crop, Colour::WHITE)).is_ok());
        }
    }

    #[test]
    fn any_exif_data_has_an_orientation(data in prop::collection::vec(any::<u8>(), 0..80), little in any::<bool>()) {
        Orientation::from_exif(&data);
        let signature = if little { b"II*\0\x08\0\0\0" } else { b"MM\0*\0\0\0\x08" };
        Orientation::from_exif(&[signature.as_slice(), &data].concat());
    }

    #[test]
    fn colours_are_read_as_they_are_shown(colour in any::<[u8; 3]>().prop_map(Colour)) {
        prop_assert_eq!(colour.to_string().parse(), Ok(colour));
        prop_assert_eq!(format!("#{colour}").to_uppercase().parse(), Ok(colour));
    }

    #[test]
    fn squares_are_read_as_they_are_shown(left in any::<usize>(), top in any::<usize>(), side in 1_usize..) {
        let crop = Crop::At(Square { left, top, side });
        prop_assert_eq!(crop.to_string().parse(), Ok(crop));
    }

    #[test]
    fn any_square_of_any_picture_is_taken_or_refused(
        (width, height) in (1_usize..30, 1_usize..30),
        (left, top, square_side) in (0_usize..30, 0_usize..30, 1_usize..30),
        side in 1_usize..30,
        tag in 1_u16..=8,
    ) {
        let picture = Picture {
            width,
            height,
            orientation: Orientation::from_tag(tag),
            eighths: 8,
            profile: None,
            pixels: Pixels::Rgb(vec![77; 3 * width * height]),
        };
        let crop = Crop::At(Square { left, top, side: square_side });
        let (upright_width, upright_height) = if tag > 4 { (height, width) } else { (width, height) };
        let is_inside = left + square_side <= upright_width && top + square_side <= upright_height;
        match picture.square(&options(side, crop, Colour::WHITE)) {
            Ok(square) => {
                prop_assert!(is_inside);
                prop_assert_eq!(square.luma, pixels::plane::Plane::from_fn(side, side, |_, _| 77));
            }
            Err(error) => {
                prop_assert!(!is_inside);
                prop_assert!(matches!(error, PictureError::Crop { .. }), "{}", error);
            }
        }
    }
}

#[test]
fn the_names_of_crops_are_read() {
    for crop in [
        Crop::Centre,
        Crop::Top,
        Crop::Bottom,
        Crop::Left,
        Crop::Right,
    ] {
        assert_eq!(crop.to_string().parse(), Ok(crop));
    }
    assert_eq!("center".parse(), Ok(Crop::Centre));
    let square = Square {
        left: 0,
        top: 120,
        side: 640,
    };
    assert_eq!("0, 120, 640".parse(), Ok(Crop::At(square)));
    for text in [
        "",
        "middle",
        "1,2",
        "1,2,3,4",
        "1,2,0",
        "-1,2,3",
        "1,2,x",
        "1,,3",
        "99999999999999999999,0,1",
    ] {
        assert_eq!(text.parse::<Crop>(), Err(InvalidCrop), "{text}");
    }
}

#[test]
fn the_names_of_colours_are_read() {
    assert_eq!("white".parse(), Ok(Colour::WHITE));
    assert_eq!("black".parse(), Ok(Colour::BLACK));
    assert_eq!("ff8800".parse(), Ok(Colour([0xff, 0x88, 0])));
    for text in [
        "", "#", "red", "fff", "#fffff", "fffffff", "gggggg", "+fffff", "##fffff", "ééé",
    ] {
        assert_eq!(text.parse::<Colour>(), Err(InvalidColour), "{text}");
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let not_utf8 = [b"caf\xe9 ".as_slice(), &[b'x'; 600]].concat();
    // A character that the first 512 bytes end in.
    let long_text = ["x".repeat(511), "é".repeat(100)].concat();
    for (file, name) in [
        (b"".as_slice(), "an empty file"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "an AVIF picture"),
        (b"\0\0\0\x18ftypavis\0\0\0\0", "an AVIF picture"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"II*\0\x08\0\0\0", "a TIFF picture"),
        (b"MM\0*\0\0\0\x08", "a TIFF picture"),
        (b"BM\x36\0\0\0", "a BMP picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xff\x0a\xfa\x7f", "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"--boundary\r\nContent-Disposition: form-data", "a form"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "an SVG drawing",
        ),
        (
            b"<?xml version='1.0'?><!-- \xc3\xa9 --><svg/>",
            "an SVG drawing",
        ),
        (b"<!doctype html>", "a text"),
        (long_text.as_bytes(), "a text"),
        (&not_utf8, "an unknown kind of file"),
        (b"\0\x01\x02\xff", "an unknown kind of file"),
        (b"\xff\xd8", "an unknown kind of file"),
    ] {
        assert_eq!(refusal(file), PictureError::Format(name.into()));
    }
    assert_eq!(
        refusal(b"").to_string(),
        "this is an empty file, not a JPEG, PNG, GIF or WebP file; convert it to one of them"
    );
}

#[test]
fn what_holds_a_zero_byte_is_no_text() {
    for file in [
        b"RIFF\0\0\0\0WAVEfmt ".as_slice(),
        b"\0\0\x01\0\x01\0\x10\x10",
    ] {
        assert_eq!(
            refusal(file),
            PictureError::Format("an unknown kind of file".into())
        );
    }
}

#[test]
fn a_video_of_any_brand_is_named_a_video() {
    for brand in [b"isom", b"mp41", b"mp42", b"qt  ", b"M4V "] {
        let file = [b"\0\0\0\x18ftyp".as_slice(), brand, b"\0\0\0\0"].concat();
        assert_eq!(refusal(&file), PictureError::Format("a video".into()));
    }
}

#[test]
fn the_first_picture_of_what_image_crates_write_is_the_same() {
    let picture = noise(31, 23);
    for format in [image::ImageFormat::Png, image::ImageFormat::Gif] {
        let mut file = Cursor::new(vec![]);
        DynamicImage::from(picture.clone())
            .write_to(&mut file, format)
            .unwrap();
        let file = file.into_inner();
        let expected = image::load_from_memory(&file).unwrap();
        assert_eq!(expected.dimensions(), (31, 23));
        assert_eq!(rgb(&decode(&file)), expected.into_rgb8(), "{format:?}");
    }
}

#[test]
fn a_webp_frame_of_two_sizes_is_refused() {
    // A frame of one pixel that holds a picture of sixteen.
    let alpha = [b"ALPH".as_slice(), &[2, 0, 0, 0, 0, 0x80]].concat();
    let picture = [
        b"VP8 ".as_slice(),
        &[24, 0, 0, 0],
        &[0x30, 1, 0, 0x9d, 1, 0x2a, 16, 0, 16, 0],
        &[0; 14],
    ]
    .concat();
    let frame = [&[0; 16], alpha.as_slice(), &picture].concat();
    let chunk = |name: &[u8; 4], content: &[u8]| {
        [
            name,
            (content.len() as u32).to_le_bytes().as_slice(),
            content,
        ]
        .concat()
    };
    let chunks = [
        chunk(b"VP8X", &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        chunk(b"ANIM", &[0; 6]),
        chunk(b"ANMF", &frame),
    ]
    .concat();
    let file = chunk(b"RIFF", &[b"WEBP", chunks.as_slice()].concat());
    let refused = refusal(&file);
    assert!(matches!(refused, PictureError::Broken { .. }), "{refused}");
}

#[test]
fn a_webp_chunk_that_says_it_is_large_takes_no_memory() {
    let mut file = vec![];
    let mut encoder = image_webp::WebPEncoder::new(&mut file);
    encoder.set_exif_metadata(exif(6, true));
    encoder
        .encode(&[9; 3], 1, 1, image_webp::ColorType::Rgb8)
        .unwrap();
    let at = file.windows(4).position(|name| name == b"EXIF").unwrap();
    file[at + 4..at + 8].copy_from_slice(&0x7fff_fffe_u32.to_le_bytes());
    assert!(matches!(refusal(&file), PictureError::Broken { .. }));
}

#[test]
fn a_palette_that_ends_within_a_colour_is_refused() {
    for bytes in 4..9 {
        let file = png(
            &[0; 16],
            (4, 4),
            ColorType::Indexed,
            BitDepth::Eight,
            |info| {
                info.palette = Some(vec![7; bytes].into());
            },
        );
        let square = super::square(&file, &OPTIONS, Limits::WORKER);
        assert_eq!(square.is_ok(), bytes == 6, "{bytes}");
    }
}
