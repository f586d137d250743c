// Numbers here are small.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names
)]

use std::collections::BTreeMap;

use jpeg_decoder::ColorTransform;
use proptest::prelude::*;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::huffman::{HuffmanTable, HuffmanTables};
use super::*;
use crate::plane::Plane;

fn quality(quality: u8) -> Quality {
    Quality::new(quality).unwrap()
}

/// A number that looks like chance, the same on every run.
fn noise(x: usize, y: usize, seed: u64) -> u8 {
    let mut state = seed ^ ((x as u64) << 32 | y as u64);
    for _ in 0..2 {
        state = (state ^ state >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    state.to_be_bytes()[0]
}

/// What a plane shows.
#[derive(Debug, Clone, Copy)]
enum Motif {
    Flat(u8),
    Noise(u64),
    /// Squares of so many samples, black and white.
    Checkerboard(usize),
    /// Black or white by chance.
    Extremes(u64),
    /// No detail finer than 20 samples.
    Smooth(u8),
}

impl Motif {
    fn plane(self, width: usize, height: usize) -> Plane {
        Plane::from_fn(width, height, |x, y| match self {
            Self::Flat(value) => value,
            Self::Noise(seed) => noise(x, y, seed),
            Self::Checkerboard(side) => [0, 255][(x / side + y / side) % 2],
            Self::Extremes(seed) => [0, 255][usize::from(noise(x, y, seed) % 2)],
            Self::Smooth(phase) => {
                let (x, y, phase) = (x as f64, y as f64, f64::from(phase));
                let wave = (x / 11.0 + y / 17.0 + phase).sin() + (x / 23.0 - y / 9.0).cos();
                (128.0 + 50.0 * wave).round() as u8
            }
        })
    }

    /// Whether no quality makes samples of it that are far below 0 or above 255.
    fn is_in_range_at_any_quality(self) -> bool {
        matches!(self, Self::Flat(_) | Self::Smooth(_))
    }

    fn planes(motifs: [Self; 3], width: usize, height: usize) -> Planes {
        let [luma, blue, red] = motifs;
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        Planes {
            luma: luma.plane(width, height),
            blue: blue.plane(half_width, half_height),
            red: red.plane(half_width, half_height),
        }
    }
}

/// The eight waves of a transform (T.81 §A.3.3).
fn waves() -> [[f64; BLOCK_SIDE]; BLOCK_SIDE] {
    std::array::from_fn(|k| {
        let scale = if k == 0 { 0.125_f64.sqrt() } else { 0.5 };
        let angle = |x| (2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0;
        std::array::from_fn(|x| scale * angle(x).cos())
    })
}

fn any_motif() -> impl Strategy<Value = Motif> {
    prop_oneof![
        Just(Motif::Flat(0)),
        Just(Motif::Flat(255)),
        any::<u8>().prop_map(Motif::Flat),
        any::<u64>().prop_map(Motif::Noise),
        (1_usize..=9).prop_map(Motif::Checkerboard),
        any::<u64>().prop_map(Motif::Extremes),
        any::<u8>().prop_map(Motif::Smooth),
    ]
}

fn any_motifs() -> impl Strategy<Value = [Motif; 3]> {
    [any_motif(), any_motif(), any_motif()]
}

fn any_quality() -> impl Strategy<Value = Quality> {
    (1_u8..=100).prop_map(quality)
}

/// A file as zune-jpeg decodes it, which is what reads icons here; chroma at
/// the full size.
fn decoded(file: &[u8]) -> Planes {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::YCbCr);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let samples = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    Planes::from_ycbcr(width, height, samples.as_chunks().0).unwrap()
}

/// A file as jpeg-decoder decodes it, which has no code in common with the
/// other.
fn decoded_otherwise(file: &[u8]) -> Planes {
    let mut decoder = jpeg_decoder::Decoder::new(file);
    // As if it were RGB already: nothing is converted.
    decoder.set_color_transform(ColorTransform::RGB);
    let samples = decoder.decode().unwrap();
    let info = decoder.info().unwrap();
    let (width, height) = (info.width.into(), info.height.into());
    Planes::from_ycbcr(width, height, samples.as_chunks().0).unwrap()
}

/// By how much two planes of the same size differ at most.
fn largest_difference(a: &Plane, b: &Plane) -> u8 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.samples().iter().zip(b.samples());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// The mean of the squares of the differences.
fn mean_square_error(a: &Plane, b: &Plane) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.samples().iter().zip(b.samples());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    sum / a.samples().len() as f64
}

/// The ratio of the peak to the noise, in dB.
fn psnr(a: &Plane, b: &Plane) -> f64 {
    10.0 * (255.0 * 255.0 / mean_square_error(a, b)).log10()
}

/// The marker segments of a file in order, and the entropy-coded bytes after
/// the last of them, without the marker that ends the file.
fn taken_apart(file: &[u8]) -> (Vec<(u8, &[u8])>, &[u8]) {
    const SOS: u8 = 0xda;
    let mut rest = file.strip_prefix(&[0xff, 0xd8]).unwrap();
    let mut segments = vec![];
    loop {
        assert_eq!(rest[0], 0xff);
        let marker = rest[1];
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        segments.push((marker, &rest[4..2 + length]));
        rest = &rest[2 + length..];
        if marker == SOS {
            return (segments, rest.strip_suffix(&[0xff, 0xd9]).unwrap());
        }
    }
}

/// What the segments of a marker say, by the first byte of each table:
/// quantisation tables of 8 bits, or Huffman tables.
fn tables(file: &[u8], marker: u8) -> BTreeMap<u8, Vec<u8>> {
    const DQT: u8 = 0xdb;
    let mut tables = BTreeMap::new();
    for (_, mut content) in taken_apart(file)
        .0
        .into_iter()
        .filter(|segment| segment.0 == marker)
    {
        while let [number, rest @ ..] = content {
            let length = if marker == DQT {
                BLOCK
            } else {
                16 + rest[..16]
                    .iter()
                    .map(|count| usize::from(*count))
                    .sum::<usize>()
            };
            tables.insert(*number, rest[..length].to_vec());
            content = &rest[length..];
        }
    }
    tables
}

/// The same picture from another encoder, with the tables of Annex K.
fn encoded_otherwise(planes: &Planes, quality: Quality) -> Vec<u8> {
    let (width, height) = (planes.luma.width(), planes.luma.height());
    let mut pixels = vec![];
    for y in 0..height {
        for x in 0..width {
            let chroma = [&planes.blue, &planes.red].map(|plane| plane.nearest(x / 2, y / 2));
            pixels.extend([planes.luma.nearest(x, y), chroma[0], chroma[1]]);
        }
    }
    let mut file = vec![];
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality.get());
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
    let [width, height] = [width, height].map(|side| u16::try_from(side).unwrap());
    encoder
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Ycbcr)
        .unwrap();
    file
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_picture_becomes_a_file_that_two_decoders_read_alike(
        width in 1_usize..=70,
        height in 1_usize..=70,
        motifs in any_motifs(),
        quality in any_quality(),
    ) {
        let planes = Motif::planes(motifs, width, height);
        let file = encode(&planes, quality).unwrap();
        let (one, other) = (decoded(&file), decoded_otherwise(&file));
        prop_assert_eq!((one.luma.width(), one.luma.height()), (width, height));
        prop_assert_eq!((other.luma.width(), other.luma.height()), (width, height));
        // What comes out of range, the other one does not reckon with.
        if motifs[0].is_in_range_at_any_quality() {
            prop_assert!(largest_difference(&one.luma, &other.luma) <= 2);
        }
    }

    #[test]
    fn coefficients_are_those_of_the_transform_and_the_file_holds_them(
        wide in 1_usize..=2,
        high in 1_usize..=2,
        motif in any_motif(),
        quality in any_quality(),
    ) {
        let waves = waves();
        let (width, height) = (16 * wide, 16 * high);
        let planes = Motif::planes([motif; 3], width, height);
        let coefficients = Coefficients::of(&planes.map(Plane::to_fine), quality).unwrap();
        let decoded = decoded(&coefficients.upright().to_file());
        for (n, block) in coefficients.blocks.iter().enumerate() {
            let (mcu, n) = (n / MCU_BLOCKS, n % MCU_BLOCKS);
            if n > 3 {
                continue;
            }
            let left = mcu % wide * MCU_SIDE + n % 2 * BLOCK_SIDE;
            let top = mcu / wide * MCU_SIDE + n / 2 * BLOCK_SIDE;
            for (u, v) in (0..BLOCK).map(|i| (i / BLOCK_SIDE, i % BLOCK_SIDE)) {
                let exact: f64 = (0..BLOCK)
                    .map(|i| (i % BLOCK_SIDE, i / BLOCK_SIDE))
                    .map(|(x, y)| {
                        let sample = planes.luma.nearest(left + x, top + y);
                        (f64::from(sample) - 128.0) * waves[u][x] * waves[v][y]
                    })
                    .sum();
                let exact = exact / f64::from(coefficients.tables.luma[8 * v + u]);
                let coefficient = f64::from(block[8 * u + v]);
                // What is half way between two may be rounded either way, and
                // −1024 is more than a file can hold.
                prop_assert!((coefficient - exact.max(-1023.0)).abs() < 0.501);
            }
            for (x, y) in (0..BLOCK).map(|i| (i % BLOCK_SIDE, i / BLOCK_SIDE)) {
                let exact: f64 = (0..BLOCK)
                    .map(|i| (i / BLOCK_SIDE, i % BLOCK_SIDE))
                    .map(|(u, v)| {
                        let step = coefficients.tables.luma[8 * v + u];
                        f64::from(block[8 * u + v]) * f64::from(step) * waves[u][x] * waves[v][y]
                    })
                    .sum();
                let exact = (exact + 128.0).clamp(0.0, 255.0);
                let sample = decoded.luma.nearest(left + x, top + y);
                prop_assert!((f64::from(sample) - exact).abs() < 1.0);
            }
        }
    }

    #[test]
    fn any_picture_of_the_best_quality_is_what_went_in(
        width in 1_usize..=70,
        height in 1_usize..=70,
        motifs in any_motifs(),
    ) {
        let planes = Motif::planes(motifs, width, height);
        let file = encode(&planes, Quality::BEST).unwrap();
        for decoded in [decoded(&file), decoded_otherwise(&file)] {
            // Each coefficient is off by at most a half, which is far less in
            // most samples.
            prop_assert!(largest_difference(&decoded.luma, &planes.luma) <= 3);
            prop_assert!(mean_square_error(&decoded.luma, &planes.luma) < 0.5);
        }
    }

    #[test]
    fn smooth_pictures_of_the_default_quality_are_near_what_went_in(
        width in 1_usize..=70,
        height in 1_usize..=70,
        phases in any::<[u8; 3]>(),
    ) {
        let planes = Motif::planes(phases.map(Motif::Smooth), width, height);
        let file = encode(&planes, Quality::DEFAULT).unwrap();
        let decoded = decoded(&file);
        prop_assert!(psnr(&decoded.luma, &planes.luma) > 44.0);
    }

    #[test]
    fn colours_of_one_value_stay_that_value(
        width in 1_usize..=70,
        height in 1_usize..=70,
        colour in any::<[u8; 3]>(),
    ) {
        let planes = Motif::planes(colour.map(Motif::Flat), width, height);
        let file = encode(&planes, Quality::BEST).unwrap();
        let Planes { luma, blue, red } = decoded(&file);
        for (plane, value) in [luma, blue, red].iter().zip(colour) {
            prop_assert!(plane.samples().iter().all(|sample| sample.abs_diff(value) <= 1));
        }
    }

    #[test]
    fn a_file_has_the_segments_of_a_baseline_picture_and_no_marker_in_its_data(
        width in 1_usize..=70,
        height in 1_usize..=70,
        motifs in any_motifs(),
        quality in any_quality(),
    ) {
        let planes = Motif::planes(motifs, width, height);
        let scan = Coefficients::of(&planes.map(Plane::to_fine), quality).unwrap().upright();
        for file in [scan.to_file(), scan.to_half_rotated_file()] {
            let (segments, data) = taken_apart(&file);
            let markers: Vec<u8> = segments.iter().map(|(marker, _)| *marker).collect();
            // JFIF, two quantisation tables, baseline frame, four Huffman
            // tables, scan: no restart interval.
            prop_assert_eq!(
                markers,
                [0xe0, 0xdb, 0xdb, 0xc0, 0xc4, 0xc4, 0xc4, 0xc4, 0xda]
            );
            let [height_bytes, width_bytes] = [height, width]
                .map(|side| u16::try_from(side).unwrap().to_be_bytes());
            let frame = segments[3].1;
            prop_assert_eq!(&frame[1..5], [height_bytes, width_bytes].concat());

            prop_assert!(!data.is_empty());
            prop_assert!(data.last() != Some(&0xff));
            prop_assert!(data.windows(2).all(|pair| pair[0] != 0xff || pair[1] == 0));
        }
    }

    #[test]
    fn rotated_files_show_the_rotated_picture(
        wide in 1_usize..=4,
        high in 1_usize..=4,
        motifs in any_motifs(),
        quality in any_quality(),
    ) {
        let planes = Motif::planes(motifs, 16 * wide, 16 * high);
        let coefficients = Coefficients::of(&planes.map(Plane::to_fine), quality).unwrap();
        let (upright, rotated) = (coefficients.upright(), coefficients.quarter_rotated().unwrap());
        let files = [
            upright.to_file(),
            rotated.to_file(),
            upright.to_half_rotated_file(),
            rotated.to_half_rotated_file(),
        ];
        let first = decoded(&files[0]);
        for (quarters, file) in (0..).zip(&files) {
            let expected = first.quarter_rotated(quarters);
            let rotated = decoded(file);
            prop_assert!(largest_difference(&rotated.luma, &expected.luma) <= 1);
            prop_assert!(largest_difference(&rotated.blue, &expected.blue) <= 2);
            prop_assert!(largest_difference(&rotated.red, &expected.red) <= 2);
            decoded_otherwise(file);
        }
    }

    #[test]
    fn only_pictures_of_whole_units_can_be_turned(
        width in 1_usize..=70,
        height in 1_usize..=70,
    ) {
        let planes = Motif::planes([Motif::Flat(9); 3], width, height);
        let coefficients = Coefficients::of(&planes.map(Plane::to_fine), Quality::DEFAULT).unwrap();
        let is_whole = width % 16 == 0 && height % 16 == 0;
        prop_assert_eq!(coefficients.quarter_rotated().is_some(), is_whole);
    }
}

#[test]
fn grey_is_coded_as_annex_k_says() {
    let grey = Motif::planes([Motif::Flat(128); 3], 16, 16);
    let file = encode(&grey, Quality::DEFAULT).unwrap();
    // Each block of luma: no difference (00), nothing more (1010); of chroma:
    // 00 and 00.
    assert_eq!(
        taken_apart(&file).1,
        [0b0010_1000, 0b1010_0010, 0b1000_1010, 0b0000_0000]
    );
}

#[test]
fn a_half_rotated_file_is_that_of_the_half_rotated_picture() {
    let planes = Motif::planes([1, 2, 3].map(Motif::Noise), 48, 32);
    let scan = Coefficients::of(&planes.map(Plane::to_fine), Quality::DEFAULT).unwrap();
    let rotated = Coefficients::of(
        &planes.quarter_rotated(2).map(Plane::to_fine),
        Quality::DEFAULT,
    )
    .unwrap();
    // The transform of a turned picture rounds a few coefficients the other way.
    let same = |a: &Plane, b: &Plane| largest_difference(a, b) <= 12;
    let (half_rotated, rotated) = (
        decoded(&scan.upright().to_half_rotated_file()),
        decoded(&rotated.upright().to_file()),
    );
    assert!(same(&half_rotated.luma, &rotated.luma));
    assert!(psnr(&half_rotated.luma, &rotated.luma) > 60.0);
}

#[test]
fn the_same_picture_gives_the_same_file() {
    let planes = Motif::planes([1, 2, 3].map(Motif::Noise), 35, 21);
    assert_eq!(encode(&planes, quality(70)), encode(&planes, quality(70)));
    assert_ne!(encode(&planes, quality(70)), encode(&planes, quality(71)));
}

#[test]
fn what_no_file_can_hold_is_refused() {
    let (wide, high) = (
        Plane::from_fn(65_536, 1, |_, _| 0),
        Plane::from_fn(1, 65_536, |_, _| 0),
    );
    for luma in [wide, high] {
        let (blue, red) = (luma.halved(), luma.halved());
        assert!(
            Coefficients::of(
                &Planes { luma, blue, red }.map(Plane::to_fine),
                Quality::DEFAULT
            )
            .is_none()
        );
    }

    let widest = Motif::planes([Motif::Smooth(0); 3], MAX_SIDE, 1);
    let file = encode(&widest, Quality::DEFAULT).unwrap();
    assert_eq!(decoded_otherwise(&file).luma.width(), MAX_SIDE);
}

#[test]
fn chroma_of_another_size_is_refused() {
    let good = Motif::planes([Motif::Flat(0); 3], 17, 16);
    for (width, height) in [(17, 16), (8, 8), (9, 9), (10, 8)] {
        let chroma = Plane::from_fn(width, height, |_, _| 0);
        for planes in [
            Planes {
                blue: chroma.clone(),
                ..good.clone()
            },
            Planes {
                red: chroma,
                ..good.clone()
            },
        ] {
            assert!(Coefficients::of(&planes.map(Plane::to_fine), Quality::DEFAULT).is_none());
        }
    }
    assert!(Coefficients::of(&good.map(Plane::to_fine), Quality::DEFAULT).is_some());
}

#[test]
fn qualities_are_1_to_100() {
    assert_eq!(Quality::new(0), None);
    assert_eq!(Quality::new(101), None);
    assert_eq!(Quality::new(1), Some(Quality::LOWEST));
    assert_eq!(Quality::new(95), Some(Quality::DEFAULT));
    assert_eq!(Quality::new(100), Some(Quality::BEST));
}

#[test]
fn step_sizes_are_those_of_annex_k_scaled() {
    let fifty = QuantizationTables::of(quality(50));
    assert_eq!(fifty.luma[..8], [16, 11, 10, 16, 24, 40, 51, 61]);
    assert_eq!(fifty.luma[56..], [72, 92, 95, 98, 112, 100, 103, 99]);
    assert_eq!(fifty.chroma[..8], [17, 18, 24, 47, 99, 99, 99, 99]);

    let best = QuantizationTables::of(Quality::BEST);
    assert_eq!((best.luma, best.chroma), ([1; BLOCK], [1; BLOCK]));

    let default = QuantizationTables::of(Quality::DEFAULT);
    assert_eq!(default.luma[..8], [2, 1, 1, 2, 2, 4, 5, 6]);

    let lowest = QuantizationTables::of(Quality::LOWEST);
    assert_eq!((lowest.luma, lowest.chroma), ([255; BLOCK], [255; BLOCK]));
}

#[test]
fn the_tables_of_a_file_are_those_of_another_encoder() {
    const DQT: u8 = 0xdb;
    const DHT: u8 = 0xc4;
    let planes = Motif::planes([1, 2, 3].map(Motif::Noise), 16, 16);
    for quality in (1..=100).map(quality) {
        let file = encode(&planes, quality).unwrap();
        let other = encoded_otherwise(&planes, quality);
        assert_eq!(tables(&file, DQT), tables(&other, DQT), "{quality}");
        assert_eq!(tables(&file, DHT), tables(&other, DHT), "{quality}");
    }
}

#[test]
fn a_file_is_as_small_and_as_good_as_that_of_another_encoder() {
    // Waves, an edge and a little noise.
    let luma = Plane::from_fn(160, 144, |x, y| {
        let wave = Motif::Smooth(1).plane(160, 144).nearest(x, y) / 2;
        let edge = if x * 2 + y > 230 { 60 } else { 0 };
        wave + edge + noise(x, y, 4) / 16
    });
    let planes = Planes {
        blue: luma.halved(),
        red: luma.quarter_rotated(2).halved(),
        luma,
    };
    for quality in [10, 50, 75, 90, 95, 100].map(quality) {
        let file = encode(&planes, quality).unwrap();
        let other = encoded_otherwise(&planes, quality);
        let ratio = file.len() as f64 / other.len() as f64;
        assert!((0.9..1.1).contains(&ratio), "{quality}: {ratio}");
        let [ours, theirs] = [&file, &other].map(|file| decoded(file));
        for (plane, ours, theirs) in [
            (&planes.luma, &ours.luma, &theirs.luma),
            (&planes.blue, &ours.blue.halved(), &theirs.blue.halved()),
            (&planes.red, &ours.red.halved(), &theirs.red.halved()),
        ] {
            let (ours, theirs) = (psnr(plane, ours), psnr(plane, theirs));
            assert!(ours > theirs - 0.3, "{quality}: {ours} dB, not {theirs} dB");
        }
    }
}

/// The code of a symbol as a text of zeros and ones, without what follows it.
fn code(table: &HuffmanTable, symbol: u8) -> String {
    let code = table.codes[usize::from(symbol)];
    let amplitude_bits = u32::from(symbol & 0x0f);
    let length = (code.count - amplitude_bits) as usize;
    format!("{:0length$b}", code.bits >> amplitude_bits)
}

#[test]
fn codes_are_those_of_annex_k() {
    let HuffmanTables { dc, ac } = &huffman::LUMA;
    for (symbol, bits) in [
        (0, "00"),
        (1, "010"),
        (5, "110"),
        (6, "1110"),
        (11, "111111110"),
    ] {
        assert_eq!(code(dc, symbol), bits);
    }
    for (symbol, bits) in [
        (0x00, "1010"),
        (0xf0, "11111111001"),
        (0x01, "00"),
        (0x02, "01"),
        (0x11, "1100"),
        (0x0a, "1111111110000011"),
        (0xfa, "1111111111111110"),
    ] {
        assert_eq!(code(ac, symbol), bits);
    }

    let HuffmanTables { dc, ac } = &huffman::CHROMA;
    for (symbol, bits) in [
        (0, "00"),
        (1, "01"),
        (2, "10"),
        (3, "110"),
        (11, "11111111110"),
    ] {
        assert_eq!(code(dc, symbol), bits);
    }
    for (symbol, bits) in [
        (0x00, "00"),
        (0xf0, "1111111010"),
        (0x01, "01"),
        (0x11, "1011"),
        (0xfa, "1111111111111110"),
    ] {
        assert_eq!(code(ac, symbol), bits);
    }
}

#[test]
fn no_code_begins_with_another_or_is_all_ones() {
    for tables in [&huffman::LUMA, &huffman::CHROMA] {
        for (table, count) in [(&tables.dc, 12), (&tables.ac, 162)] {
            assert_eq!(table.symbols.len(), count);
            let counts = table.counts.iter().map(|count| usize::from(*count));
            assert_eq!(counts.sum::<usize>(), count);

            let codes: Vec<String> = table
                .symbols
                .iter()
                .map(|symbol| code(table, *symbol))
                .collect();
            for (i, one) in codes.iter().enumerate() {
                assert!((1..=16).contains(&one.len()) && one.contains('0'));
                let mut others = codes.iter().enumerate().filter(|(j, _)| *j != i);
                assert!(others.all(|(_, other)| !other.starts_with(one.as_str())));
            }
            // Nothing is left but one code of all ones.
            let used: f64 = codes
                .iter()
                .map(|code| 0.5_f64.powi(code.len() as i32))
                .sum();
            assert!(used < 1.0);
        }
    }
}

#[test]
fn every_symbol_that_a_scan_can_have_has_a_code() {
    for tables in [&huffman::LUMA, &huffman::CHROMA] {
        assert!((0..=11).all(|category| tables.dc.symbols.contains(&category)));
        for run in 0..16 {
            for category in 1..=10 {
                assert!(tables.ac.symbols.contains(&(run << 4 | category)));
            }
        }
    }
}
