//! The fuzz target `picture`: any file is read or refused, soon and within the memory.
//!
//! `npm run fuzz -- picture` runs it for longer. Files of other folders are changed too, if
//! `FUZZ_FILES` names them:
//!
//! ```console
//! $ node tests/pictures/write.js
//! $ FUZZ_FILES=target/pictures/good:target/pictures/hostile npm run fuzz -- picture
//! ```
//!
//! A file that it finds belongs to the files of `tests/pictures/hostile.js`.

// Numbers here are small.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used
)]

use std::path::PathBuf;
use std::{env, fs};

use fuzzing::{Bytes, changed, fuzz};
use image_webp::WebPEncoder;
use jpeg_encoder::{ColorType as JpegColours, Encoder as JpegEncoder, SamplingFactor};
use peak_alloc::PeakAlloc;
use picture::{Colour, Crop, Limits, Options};
use png::{BitDepth, ColorType, Encoder as PngEncoder};
use proptest::prelude::*;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const WIDTH: u16 = 17;
const HEIGHT: u16 = 9;

/// Samples of a picture that is not quite regular.
fn samples(channels: usize) -> Vec<u8> {
    let count = usize::from(WIDTH) * usize::from(HEIGHT) * channels;
    (0..count).map(|n| ((n * n * 31) >> 3) as u8).collect()
}

fn jpeg(colours: JpegColours, channels: usize, set: fn(&mut JpegEncoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = JpegEncoder::new(&mut file, 90);
    set(&mut encoder);
    encoder
        .encode(&samples(channels), WIDTH, HEIGHT, colours)
        .unwrap();
    file
}

fn png(colours: ColorType, depth: BitDepth) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = PngEncoder::new(&mut file, WIDTH.into(), HEIGHT.into());
    encoder.set_color(colours);
    encoder.set_depth(depth);
    if colours == ColorType::Indexed {
        encoder.set_palette(samples(3).into_iter().take(3 * 16).collect::<Vec<_>>());
        encoder.set_trns(vec![0, 128]);
    }
    let row = (usize::from(WIDTH) * colours.samples() * depth as usize).div_ceil(8);
    let mut writer = encoder.write_header().unwrap();
    let bytes: Vec<u8> = samples(8)
        .into_iter()
        .take(row * usize::from(HEIGHT))
        .collect();
    writer.write_image_data(&bytes).unwrap();
    writer.finish().unwrap();
    file
}

fn gif() -> Vec<u8> {
    let mut file = vec![];
    let palette: Vec<u8> = samples(3).into_iter().take(3 * 16).collect();
    let mut encoder = gif::Encoder::new(&mut file, WIDTH, HEIGHT, &palette).unwrap();
    for _ in 0..2 {
        let pixels: Vec<u8> = samples(1).into_iter().map(|sample| sample % 16).collect();
        let frame = gif::Frame::from_indexed_pixels(WIDTH, HEIGHT, pixels, Some(3));
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    file
}

fn webp(colours: image_webp::ColorType, channels: usize) -> Vec<u8> {
    let mut file = vec![];
    let encoder = WebPEncoder::new(&mut file);
    encoder
        .encode(&samples(channels), WIDTH.into(), HEIGHT.into(), colours)
        .unwrap();
    file
}

/// The files that are changed: one of each kind, and those of the folders of `FUZZ_FILES`.
fn files() -> Vec<Vec<u8>> {
    /// In bytes. A longer one takes the time of many.
    const LONGEST: u64 = 100_000;
    let mut files = vec![
        jpeg(JpegColours::Rgb, 3, |_| ()),
        jpeg(JpegColours::Rgb, 3, |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        }),
        jpeg(JpegColours::Rgb, 3, |encoder| {
            encoder.set_restart_interval(1);
        }),
        jpeg(JpegColours::Rgb, 3, |encoder| encoder.set_progressive(true)),
        jpeg(JpegColours::Luma, 1, |_| ()),
        jpeg(JpegColours::Cmyk, 4, |_| ()),
        png(ColorType::Rgb, BitDepth::Eight),
        png(ColorType::Rgba, BitDepth::Sixteen),
        png(ColorType::Indexed, BitDepth::Four),
        gif(),
        webp(image_webp::ColorType::Rgb8, 3),
        webp(image_webp::ColorType::Rgba8, 4),
    ];
    let folders = env::var_os("FUZZ_FILES");
    // Tests run in the package's folder.
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = folders
        .iter()
        .flat_map(env::split_paths)
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.metadata().unwrap().len() <= LONGEST)
        .map(|entry| fs::read(entry.path()).unwrap());
    files.extend(found);
    files
}

/// Corrects the checksums of a PNG file's chunks: a decoder reads no chunk with a wrong one.
fn correct_checksums(file: &mut [u8]) {
    if !file.starts_with(b"\x89PNG\r\n\x1a\n") {
        return;
    }
    let (_, mut chunks) = file.split_at_mut(8);
    while let Some((length, rest)) = chunks.split_first_chunk_mut::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((body, rest)) = rest.split_at_mut_checked(length.saturating_add(4)) else {
            return;
        };
        let Some((checksum, rest)) = rest.split_first_chunk_mut::<4>() else {
            return;
        };
        *checksum = crc32fast::hash(body).to_be_bytes();
        chunks = rest;
    }
}

/// One test, since the memory of others at the same time would be counted too.
#[test]
fn fuzz_any_change_is_read_or_refused_soon() {
    /// Little, so that no time goes into large pictures.
    const LIMITS: Limits = Limits { memory: 3_000_000 };
    /// What [`Limits::WORKER`] leaves in a Worker beside the file and its decoding, in bytes.
    const BESIDE: usize = 6_000_000;
    let options = Options {
        side: 16,
        crop: Crop::default(),
        background: Colour::WHITE,
    };
    let files = changed(files(), |file| correct_checksums(file));
    fuzz(20_000, &files, |Bytes(file)| {
        let before = ALLOCATED.current_usage();
        ALLOCATED.reset_peak_usage();
        let square = picture::square(file, &options, LIMITS);
        let memory = ALLOCATED.peak_usage() - before + file.len();
        prop_assert!(memory <= 3_000_000 + BESIDE, "it takes {memory} bytes");
        match square {
            Ok(planes) => {
                for plane in [&planes.luma, &planes.blue, &planes.red] {
                    prop_assert_eq!((plane.width(), plane.height()), (16, 16));
                }
            }
            // One sentence, whatever the decoder says.
            Err(error) => prop_assert!(!error.to_string().contains('\n'), "{}", error),
        }
        Ok(())
    });
}
