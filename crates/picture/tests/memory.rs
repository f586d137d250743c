//! Checks that large pictures are read within a Worker's memory, by counting all allocations.

// Numbers here are small.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use image_webp::{ColorType as WebPColours, WebPEncoder};
use peak_alloc::PeakAlloc;
use picture::{Colour, Crop, Limits, Options, PictureError};
use png::{BitDepth, ColorType, Compression, Encoder};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const OPTIONS: Options = Options {
    side: 400,
    crop: Crop::Centre,
    background: Colour::WHITE,
};

/// Reads a file as in a Worker: all that it takes, in bytes, with the file.
fn memory_of(file: &[u8]) -> Result<usize, PictureError> {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let square = picture::square(file, &OPTIONS, Limits::WORKER)?;
    let peak = ALLOCATED.peak_usage();
    assert_eq!(square.luma.samples().len(), 400 * 400);
    Ok(peak - before + file.len())
}

/// Pixels that are hard to compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn png(width: u32, height: u32, colours: ColorType, depth: BitDepth) -> Vec<u8> {
    let bits = colours.samples() * depth as usize * width as usize;
    let mut file = vec![];
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    // A quarter is noise, so that the file has no more than 25 MB.
    let mut samples = vec![128; bits.div_ceil(8) * height as usize];
    let noisy = samples.len() / 4;
    samples[..noisy].copy_from_slice(&noise(noisy));
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    file
}

fn lossless_webp(side: u32, colours: WebPColours, channels: usize) -> Vec<u8> {
    let mut samples = vec![128; (side * side) as usize * channels];
    let noisy = samples.len() / 5;
    samples[..noisy].copy_from_slice(&noise(noisy));
    let mut file = vec![];
    WebPEncoder::new(&mut file)
        .encode(&samples, side, side, colours)
        .unwrap();
    file
}

/// A lossy picture of one grey: bits that are all zero (RFC 6386 §9).
fn lossy_webp(width: u16, height: u16) -> Vec<u8> {
    const FIRST_PARTITION: usize = 100_000;
    let tag = (FIRST_PARTITION as u32) << 5 | 1 << 4;
    let mut data = tag.to_le_bytes()[..3].to_vec();
    data.extend([0x9d, 0x01, 0x2a]);
    data.extend(width.to_le_bytes());
    data.extend(height.to_le_bytes());
    data.resize(data.len() + 2 * FIRST_PARTITION, 0);
    let length = (data.len() as u32).to_le_bytes();
    let riff_length = (data.len() as u32 + 12).to_le_bytes();
    [
        b"RIFF",
        &riff_length,
        b"WEBPVP8 ".as_slice(),
        &length,
        &data,
    ]
    .concat()
}

/// One test, since others at the same time would be counted too.
#[test]
fn what_is_promised_fits() {
    let files = [
        // 4K, with transparency, of 25 MB and of 16 bits; and 24 megapixels.
        ("4K", png(3840, 2160, ColorType::Rgba, BitDepth::Eight)),
        ("deep", png(3840, 2160, ColorType::Rgba, BitDepth::Sixteen)),
        ("24 MP", png(6000, 4000, ColorType::Rgb, BitDepth::Eight)),
        ("lossy", lossy_webp(2732, 2732)),
        ("lossless", lossless_webp(2732, WebPColours::Rgb8, 3)),
        ("alpha", lossless_webp(2732, WebPColours::Rgba8, 4)),
    ];
    for (name, file) in files {
        let memory = memory_of(&file).unwrap();
        assert!(memory as u64 <= Limits::WORKER.memory, "{name}: {memory}");
    }
}
