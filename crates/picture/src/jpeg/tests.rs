// Numbers here are small.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

use std::collections::BTreeMap;

use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::*;
use crate::tests::{
    colour_jpeg, decode, jpeg, largest_difference, mean_difference, options, refusal, rgb, waves,
};
use crate::{Colour, Crop, Square};

/// Decodes as far as options need it.
fn decode_for(file: &[u8], options: &Options, limits: Limits) -> Result<Picture, PictureError> {
    limits.beside(file, |limits| {
        Picture::decode_within(file, Some(options), limits)
    })
}

type Change = fn(&mut Encoder<&mut Vec<u8>>);

/// A file of each kind that one encoder writes, in colour.
fn colour_files(picture: &RgbImage) -> Vec<(&'static str, Vec<u8>)> {
    let kinds: [(_, Change); 9] = [
        ("baseline 4:4:4", |_| ()),
        ("baseline 4:2:0", |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        }),
        ("baseline 4:1:1", |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_1_1);
        }),
        ("restarts", |encoder| encoder.set_restart_interval(3)),
        ("a scan for each component, 4:4:4", |encoder| {
            encoder.set_optimized_huffman_tables(true);
        }),
        ("a scan for each component, 4:2:0", |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
            encoder.set_optimized_huffman_tables(true);
        }),
        ("progressive 4:4:4", |encoder| encoder.set_progressive(true)),
        ("progressive 4:2:0", |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
            encoder.set_progressive(true);
        }),
        ("progressive with restarts", |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_2_2);
            encoder.set_progressive_scans(5);
            encoder.set_restart_interval(2);
        }),
    ];
    kinds
        .into_iter()
        .map(|(name, change)| (name, colour_jpeg(picture, change)))
        .collect()
}

/// And in grey.
fn files(picture: &RgbImage) -> Vec<(&'static str, Vec<u8>)> {
    let grey = DynamicImage::from(picture.clone()).into_luma8();
    let grey_jpeg =
        |change: Change| jpeg(grey.as_raw(), grey.dimensions(), ColorType::Luma, change);
    let mut files = colour_files(picture);
    files.push(("grey", grey_jpeg(|_| ())));
    files.push((
        "progressive grey",
        grey_jpeg(|encoder| encoder.set_progressive(true)),
    ));
    files
}

/// Writes JPEG files of blocks of one colour each, in any way the format knows.
struct Writer {
    size: [u16; 2],
    /// The sampling factors of each component.
    factors: Vec<[u8; 2]>,
    /// The components of each scan.
    scans: Vec<Vec<usize>>,
    marker: u8,
    precision: u8,
    /// What comes before the frame header.
    before: Vec<u8>,
}

impl Writer {
    /// A baseline file with one scan.
    fn new(size: [u16; 2], factors: &[[u8; 2]]) -> Self {
        Self {
            size,
            factors: factors.to_vec(),
            scans: vec![(0..factors.len()).collect()],
            marker: 0xc0,
            precision: 8,
            before: vec![],
        }
    }

    /// With a scan for each component.
    fn apart(mut self) -> Self {
        self.scans = (0..self.factors.len()).map(|i| vec![i]).collect();
        self
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], length.as_slice(), content].concat()
    }

    /// The file of which each block has the level, 0 to 255, that `level` gives for
    /// its component and its middle, as parts of the width and the height.
    fn file(&self, level: impl Fn(usize, f64, f64) -> f64) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        file.extend(&self.before);
        // Steps of 8, which are a level each.
        file.extend(Self::segment(0xdb, &[[0].as_slice(), &[8; 64]].concat()));
        let [width, height] = self.size;
        let mut frame = vec![self.precision];
        frame.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
        frame.push(self.factors.len() as u8);
        for (i, [across, down]) in self.factors.iter().enumerate() {
            frame.extend([i as u8 + 1, across << 4 | down, 0]);
        }
        file.extend(Self::segment(self.marker, &frame));
        // Twelve codes of four bits, the categories of differences; and one code of
        // a bit, the end of a block.
        let mut categories = [0; 17];
        categories[4] = 12;
        let categories = [categories.as_slice(), &(0..12).collect::<Vec<u8>>()].concat();
        let mut end = [0; 18];
        (end[0], end[1]) = (0x10, 1);
        file.extend(Self::segment(0xc4, &categories));
        file.extend(Self::segment(0xc4, &end));

        let [most_across, most_down] = self.most();
        for scan in &self.scans {
            let mut header = vec![scan.len() as u8];
            header.extend(scan.iter().flat_map(|i| [*i as u8 + 1, 0]));
            header.extend([0, 63, 0]);
            file.extend(Self::segment(0xda, &header));
            let (mut bits, mut last) = (Bits::default(), BTreeMap::<usize, i32>::new());
            let mut block = |i: usize, x: usize, y: usize| {
                let [across, down] = self.factors[i].map(f64::from);
                let part = |at: usize, most: u8, factor, length: u16| {
                    (at as f64 * 8.0 + 4.0) * f64::from(most) / factor / f64::from(length)
                };
                let x = part(x, most_across, across, width);
                let y = part(y, most_down, down, height);
                let level = (level(i, x, y).round() as i32).clamp(0, 255) - 128;
                bits.difference(level - last.insert(i, level).unwrap_or(0));
            };
            let mcus = |length: u16, most: u8| usize::from(length).div_ceil(8 * usize::from(most));
            if let [i] = **scan {
                let [across, down] = self.factors[i].map(usize::from);
                let blocks = |length: u16, factor: usize, most: u8| {
                    (usize::from(length) * factor)
                        .div_ceil(usize::from(most))
                        .div_ceil(8)
                };
                for y in 0..blocks(height, down, most_down) {
                    for x in 0..blocks(width, across, most_across) {
                        block(i, x, y);
                    }
                }
            } else {
                for y in 0..mcus(height, most_down) {
                    for x in 0..mcus(width, most_across) {
                        for i in scan {
                            let [across, down] = self.factors[*i].map(usize::from);
                            for v in 0..down {
                                for h in 0..across {
                                    block(*i, x * across + h, y * down + v);
                                }
                            }
                        }
                    }
                }
            }
            file.extend(bits.finish());
        }
        file.extend([0xff, 0xd9]);
        file
    }

    /// The largest sampling factors, across and down.
    fn most(&self) -> [u8; 2] {
        [0, 1].map(|i| {
            self.factors
                .iter()
                .map(|factors| factors[i])
                .max()
                .unwrap_or(1)
        })
    }
}

/// The data of a scan.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        for i in (0..count).rev() {
            self.waiting = self.waiting << 1 | (bits >> i & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.waiting as u8);
                if self.waiting == 0xff {
                    self.bytes.push(0);
                }
                (self.waiting, self.count) = (0, 0);
            }
        }
    }

    /// A block that differs by so much from the one before (T.81 §F.1.2.1).
    fn difference(&mut self, difference: i32) {
        let category = 32 - difference.unsigned_abs().leading_zeros();
        self.push(category, 4);
        let bits = if difference < 0 {
            difference - 1
        } else {
            difference
        };
        self.push(bits.cast_unsigned(), category);
        self.push(0, 1);
    }

    fn finish(mut self) -> Vec<u8> {
        let left = (8 - self.count) % 8;
        self.push(u32::MAX, left);
        self.bytes
    }
}

/// Slopes of each component, in three directions.
fn slopes(component: usize, x: f64, y: f64) -> f64 {
    match component {
        0 => 60.0 + 120.0 * x,
        1 => 90.0 + 80.0 * y,
        2 => 170.0 - 40.0 * (x + y),
        _ => 40.0 + 50.0 * x,
    }
}

/// By how much samples differ from slopes in the mean, for each component.
fn differences(picture: &Picture) -> Vec<f64> {
    let (samples, count) = match &picture.pixels {
        Pixels::Grey(samples) => (samples, 1),
        Pixels::Rgb(samples) | Pixels::YCbCr(samples) => (samples, 3),
        Pixels::Rgba(samples) | Pixels::Cmyk(samples) => (samples, 4),
    };
    let (columns, rows) = (picture.columns(), picture.rows());
    assert_eq!(samples.len(), columns * rows * count);
    let mut sums = vec![0.0; count];
    for (i, pixel) in samples.chunks(count).enumerate() {
        let x = ((i % columns) as f64 + 0.5) / columns as f64;
        let y = ((i / columns) as f64 + 0.5) / rows as f64;
        for (component, (sum, sample)) in sums.iter_mut().zip(pixel).enumerate() {
            *sum += (f64::from(*sample) - slopes(component, x, y)).abs();
        }
    }
    sums.iter()
        .map(|sum| sum / (columns * rows) as f64)
        .collect()
}

/// How far a block's middle is from its edges.
const BLOCK: f64 = 6.0;

#[test]
fn every_sampling_is_read_in_its_colours() {
    let factors = || (1..=4_u8).flat_map(|across| (1..=4).map(move |down| [across, down]));
    let mut read = 0;
    for (luma, chroma) in factors().flat_map(|luma| factors().map(move |chroma| (luma, chroma))) {
        for size in [[333, 222], [97, 330]] {
            let writer = Writer::new(size, &[luma, chroma, chroma]);
            let writers = [Writer::new(size, &[luma, chroma, chroma]).apart(), writer];
            for (is_together, writer) in writers.iter().enumerate() {
                let blocks = |[across, down]: [u8; 2]| across * down;
                let is_allowed = is_together == 0 || blocks(luma) + 2 * blocks(chroma) <= 10;
                let most = writer.most();
                let divides = |[across, down]: [u8; 2]| {
                    most[0].is_multiple_of(across) && most[1].is_multiple_of(down)
                };
                let result = Picture::decode(&writer.file(slopes), Limits::COMPUTER);
                match result {
                    Ok(picture) => {
                        assert!(is_allowed && divides(luma) && divides(chroma));
                        let differences = differences(&picture);
                        let most = f64::from(most[0].max(most[1]));
                        for difference in differences {
                            assert!(
                                difference < BLOCK * most / 2.0,
                                "{luma:?} {chroma:?} {is_together}: {difference}"
                            );
                        }
                        read += 1;
                    }
                    Err(PictureError::Unsupported { .. }) => {
                        // A quarter beside the whole, in scans of its own.
                        let is_quarter =
                            |i: usize| most[i] == 4 && [luma[i], chroma[i]].contains(&2);
                        let is_apart = is_together == 0 && (is_quarter(0) || is_quarter(1));
                        assert!(
                            !(divides(luma) && divides(chroma)) || is_apart,
                            "{luma:?} {chroma:?} {is_together}"
                        );
                    }
                    Err(error) => assert!(!is_allowed, "{luma:?} {chroma:?}: {error}"),
                }
            }
        }
    }
    assert!(read > 300, "{read}");
}

#[test]
fn every_kind_of_file_is_read() {
    for (width, height) in [(64, 48), (51, 37), (8, 8), (1, 1)] {
        let picture = waves(width, height);
        for (kind, file) in colour_files(&picture) {
            let decoded = decode(&file);
            assert!(matches!(decoded.pixels, Pixels::YCbCr(_)), "{kind}");
            let difference = mean_difference(&rgb(&decoded), &picture);
            assert!(difference < 5.0, "{width}×{height} {kind}: {difference}");
        }
    }
}

#[test]
fn both_decoders_read_the_same() {
    for (width, height) in [(64, 48), (51, 37), (8, 8), (1, 1)] {
        for (kind, file) in files(&waves(width, height)) {
            let structure = Structure::of(&file).unwrap();
            let any = decode_any(&structure, 8).unwrap();
            if is_simple(&structure) {
                let simple = decode_simple(&structure).unwrap();
                let picture = |pixels| Picture {
                    pixels,
                    ..decode(&file)
                };
                let difference = largest_difference(&rgb(&picture(any)), &rgb(&picture(simple)));
                assert!(difference <= 12, "{width}×{height} {kind}: {difference}");
            }
        }
    }
}

#[test]
fn a_file_without_its_end_marker_is_read() {
    for (kind, file) in files(&waves(51, 37)) {
        let whole = Structure::of(&file).and_then(|structure| decode_any(&structure, 8));
        for missing in [1, 2] {
            let cut = Picture::decode(&file[..file.len() - missing], Limits::WORKER);
            assert!(
                cut.map(|cut| cut.pixels) == whole,
                "{kind} {missing} {:x?}",
                &file[file.len() - 8..]
            );
        }
    }
}

#[test]
fn what_was_cut_off_is_never_shown() {
    for (width, height) in [(51, 37), (64, 48)] {
        for (kind, file) in files(&waves(width, height)) {
            let whole = Structure::of(&file).and_then(|structure| decode_any(&structure, 8));
            let tenths = (0..10).map(|tenth| file.len() * tenth / 10);
            let last = (0..100).map(|i| file.len() - 3 - i);
            for length in tenths.chain(last) {
                let zeros = vec![0; file.len() - length];
                let mut cuts = vec![
                    file[..length].to_vec(),
                    // As a download that has its room reserved.
                    [&file[..length], &zeros].concat(),
                ];
                // Ended by a program that wants to be helpful. Of a progressive
                // file, that is a picture with fewer details.
                if !kind.starts_with("progressive") {
                    cuts.push([&file[..length], &[0xff, 0xd9]].concat());
                }
                for (how, cut) in cuts.into_iter().enumerate() {
                    match Picture::decode(&cut, Limits::WORKER) {
                        Ok(picture) => {
                            let left = file.len() - length;
                            assert!(Ok(picture.pixels) == whole, "{kind}, all but {left}: {how}");
                        }
                        Err(error) => {
                            let is_broken = matches!(
                                error,
                                PictureError::Broken { .. } | PictureError::Format(_)
                            );
                            assert!(is_broken, "{kind}: {error}");
                        }
                    }
                }
            }
        }
    }
}

/// A file of three components without subsampling.
fn flat(size: [u16; 2], change: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(size, &[[1, 1]; 3]);
    change(&mut writer);
    writer.file(slopes)
}

/// What is said about a file that cannot be read although it may be whole.
fn unsupported_part(file: &[u8]) -> String {
    match refusal(file) {
        PictureError::Unsupported { format, what } => {
            assert_eq!(format, "JPEG");
            what
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    for (marker, what) in [
        (0xc3, "lossless coding"),
        (0xc5, "hierarchical coding"),
        (0xc6, "hierarchical coding"),
        (0xc7, "hierarchical coding"),
        (0xc9, "arithmetic coding"),
        (0xca, "arithmetic coding"),
        (0xcb, "arithmetic coding"),
        (0xcd, "arithmetic coding"),
        (0xce, "arithmetic coding"),
        (0xcf, "arithmetic coding"),
        (0xf7, "JPEG-LS"),
    ] {
        let file = flat([40, 30], |writer| writer.marker = marker);
        assert_eq!(unsupported_part(&file), what);
    }
    let file = flat([40, 30], |writer| {
        (writer.marker, writer.precision) = (0xc1, 12);
    });
    assert_eq!(unsupported_part(&file), "12 bits a sample");
    for count in [2, 5] {
        let file = Writer::new([40, 30], &vec![[1, 1]; count]).file(slopes);
        assert_eq!(
            unsupported_part(&file),
            format!("{count} colour components")
        );
    }
    let file = flat([40, 30], |writer| {
        writer.before = Writer::segment(0xcc, &[0, 16]);
    });
    assert_eq!(
        refusal(&file).to_string(),
        "this JPEG file cannot be read here: arithmetic coding; convert it, for example by \
         opening and saving it in another program"
    );
}

#[test]
fn what_makes_no_sense_is_broken() {
    let twice = |writer: &mut Writer| writer.scans = vec![vec![0, 1, 2], vec![0]];
    let without = |writer: &mut Writer| writer.scans = vec![];
    let of_first = |writer: &mut Writer| writer.scans = vec![vec![0]];
    for file in [
        flat([40, 30], twice),
        flat([40, 30], without),
        flat([40, 30], of_first),
        flat([40, 30], |writer| writer.precision = 12),
        flat([40, 30], |writer| writer.precision = 9),
        flat([40, 30], |writer| writer.factors[1] = [5, 1]),
        flat([40, 30], |writer| writer.before = vec![0xff, 0xd8]),
        Writer::new([40, 30], &[]).file(slopes),
    ] {
        let error = refusal(&file);
        assert!(matches!(error, PictureError::Broken { .. }), "{error}");
    }
}

#[test]
fn what_samples_mean_is_decided_as_by_libjpeg() {
    let jfif = || Writer::segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let adobe = |transform| {
        Writer::segment(
            0xee,
            &[b"Adobe\0d\0\0\0\0", [transform].as_slice()].concat(),
        )
    };
    let colours = |count, before: Vec<u8>| {
        let mut writer = Writer::new([40, 30], &vec![[1, 1]; count]);
        writer.before = before;
        let file = writer.file(slopes);
        // And it can be read.
        decode(&file);
        Structure::of(&file).unwrap().colours()
    };
    for (count, before, expected) in [
        (1, vec![], Colours::Grey),
        (1, adobe(0), Colours::Grey),
        (3, vec![], Colours::YCbCr),
        (3, jfif(), Colours::YCbCr),
        (3, adobe(0), Colours::Rgb),
        (3, adobe(1), Colours::YCbCr),
        (3, [jfif(), adobe(0)].concat(), Colours::YCbCr),
        (4, vec![], Colours::Cmyk),
        (4, adobe(0), Colours::Cmyk),
        (4, adobe(2), Colours::Ycck),
    ] {
        assert_eq!(colours(count, before), expected);
    }
    let mut file = flat([400, 300], |_| ());
    // The names of the components, in the frame and in the scan.
    for at in 0..file.len() - 9 {
        if file[at..at + 2] == [0xff, 0xc0] {
            (file[at + 10], file[at + 13], file[at + 16]) = (b'R', b'G', b'B');
        } else if file[at..at + 2] == [0xff, 0xda] {
            (file[at + 5], file[at + 7], file[at + 9]) = (b'R', b'G', b'B');
        }
    }
    assert!(matches!(decode(&file).pixels, Pixels::Rgb(_)));
    for difference in differences(&decode(&file)) {
        assert!(difference < BLOCK);
    }
}

#[test]
fn what_follows_the_end_marker_does_not_matter() {
    let picture = waves(51, 37);
    for (kind, file) in files(&picture) {
        let whole = decode(&file);
        for more in [
            vec![0; 9],
            file.clone(),
            vec![0xff; 3],
            b"\0\0\0\x18ftypmp42".to_vec(),
        ] {
            assert_eq!(decode(&[file.as_slice(), &more].concat()), whole, "{kind}");
        }
    }
}

#[test]
fn a_file_is_scaled_while_it_is_decoded() {
    let size = [3333, 2500];
    let at = |left, top, side| Crop::At(Square { left, top, side });
    for (crop, side, eighths) in [
        (Crop::Centre, 40, 1),
        (Crop::Right, 156, 1),
        (Crop::Left, 157, 2),
        (Crop::Centre, 400, 4),
        (Crop::Centre, 700, 8),
        (Crop::Centre, 2500, 8),
        (at(1000, 700, 640), 40, 1),
        (at(2733, 1900, 600), 40, 2),
        (at(3173, 2340, 160), 40, 4),
        (at(0, 0, 158), 40, 8),
    ] {
        let options = options(side, crop, Colour::WHITE);
        for factors in [[1, 1], [2, 2]] {
            let file = Writer::new(size, &[factors, [1, 1], [1, 1]]).file(slopes);
            let picture = decode_for(&file, &options, Limits::COMPUTER).unwrap();
            assert_eq!(picture.eighths, eighths, "{crop} {side}");
            let square = picture.upright_square(crop).unwrap();
            let planes = picture.square(&options).unwrap();
            let level = |plane: usize, x: usize, y: usize| {
                let part = |start, at: usize, length: u16| {
                    let at = (at as f64 + 0.5) * square.side as f64 / side as f64;
                    (f64::from(start as u32) + at) / f64::from(length)
                };
                slopes(
                    plane,
                    part(square.left, x, size[0]),
                    part(square.top, y, size[1]),
                )
            };
            for (i, plane) in [planes.luma, planes.blue, planes.red].iter().enumerate() {
                for (y, row) in plane.rows().enumerate() {
                    for (x, sample) in row.iter().enumerate() {
                        let difference = (f64::from(*sample) - level(i, x, y)).abs();
                        assert!(difference < 2.0, "{crop} {side}, {i}: {x} {y} {difference}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_panorama_and_a_tower_are_scaled_by_their_short_side() {
    for size in [[9000, 800], [800, 9000], [1, 900], [9000, 1]] {
        let file = Writer::new(size, &[[2, 1], [1, 1], [1, 1]]).file(slopes);
        let options = options(400, Crop::Centre, Colour::WHITE);
        let picture = decode_for(&file, &options, Limits::COMPUTER).unwrap();
        assert_eq!(picture.eighths, 8, "{size:?}");
        assert!(picture.square(&options).is_ok());
    }
}

/// A progressive file of flat colours with so many scans that bring nothing.
fn with_scans(size: [u16; 2], factors: &[[u8; 2]], scans: usize) -> Vec<u8> {
    let mut writer = Writer::new(size, factors);
    (writer.marker, writer.scans) = (0xc2, vec![]);
    let mut file = writer.file(slopes);
    file.truncate(file.len() - 2);
    let header = |components: &[u8], coefficients: [u8; 3]| {
        let mut header = vec![components.len() as u8];
        header.extend(components.iter().flat_map(|id| [*id, 0]));
        header.extend(coefficients);
        Writer::segment(0xda, &header)
    };
    let ids: Vec<u8> = (1..=factors.len() as u8).collect();
    file.extend(header(&ids, [0, 0, 0]));
    let [most_across, most_down] = writer.most();
    let mcus = |length: u16, most: u8| usize::from(length).div_ceil(8 * usize::from(most));
    let blocks: usize = factors
        .iter()
        .map(|[across, down]| usize::from(across * down))
        .sum();
    let mut bits = Bits::default();
    for _ in 0..mcus(size[0], most_across) * mcus(size[1], most_down) * blocks {
        bits.push(0, 4);
    }
    file.extend(bits.finish());
    for _ in 0..scans {
        for (i, [across, down]) in factors.iter().enumerate() {
            file.extend(header(&[i as u8 + 1], [1, 63, 0]));
            let blocks = |length: u16, factor: u8, most: u8| {
                (usize::from(length) * usize::from(factor))
                    .div_ceil(usize::from(most))
                    .div_ceil(8)
            };
            let blocks = blocks(size[0], *across, most_across) * blocks(size[1], *down, most_down);
            file.extend(vec![0; blocks.div_ceil(8)]);
        }
    }
    file.extend([0xff, 0xd9]);
    file
}

#[test]
fn more_scans_than_any_camera_writes_are_refused() {
    for factors in [[1, 1], [2, 2]] {
        let file = |scans| with_scans([150, 90], &[factors, [1, 1], [1, 1]], scans);
        decode(&file(49));
        assert_eq!(
            unsupported_part(&file(51)),
            "more than 50 scans of each pixel"
        );
    }
}

#[test]
fn floods_of_segments_are_refused() {
    let table = Writer::segment(0xc4, &[&[0; 4], [1].as_slice(), &[0; 12], &[7]].concat());
    for (segment, count, what) in [
        (
            Writer::segment(0xfe, &[]),
            10_000,
            "more than 10,000 markers",
        ),
        (table, 6_000, "more than 100 kB of tables"),
    ] {
        let file = flat([40, 30], |writer| writer.before = segment.repeat(count));
        assert_eq!(unsupported_part(&file), what);
    }
}

#[test]
fn a_worker_reads_the_large_files_of_cameras() {
    let chroma = [1, 1];
    let comments = Writer::segment(0xfe, &vec![7; 65_000]);
    for (size, luma, is_progressive, megabytes) in [
        ([8064, 6048], [2, 2], false, 25),
        ([8000, 6000], [1, 1], false, 25),
        ([5712, 4284], [2, 2], false, 25),
        ([4032, 3024], [2, 2], true, 9),
        ([4032, 3024], [2, 1], true, 4),
    ] {
        let factors = [luma, chroma, chroma];
        let mut file = if is_progressive {
            with_scans(size, &factors, 1)
        } else {
            Writer::new(size, &factors).file(slopes)
        };
        let comments = comments.repeat(megabytes * 1_000_000 / comments.len());
        file.splice(2..2, comments);
        let options = options(400, Crop::Centre, Colour::WHITE);
        let picture = decode_for(&file, &options, Limits::WORKER).unwrap();
        assert!(picture.square(&options).is_ok(), "{size:?}");
    }
}

#[test]
fn a_file_that_takes_too_much_memory_is_refused_before_it_is_decoded() {
    let picture = waves(640, 480);
    for (kind, file) in files(&picture) {
        let Err(PictureError::TooLarge { memory, .. }) =
            Picture::decode(&file, Limits { memory: 0 })
        else {
            panic!("{kind}");
        };
        assert!(Picture::decode(&file, Limits { memory }).is_ok(), "{kind}");
        let result = Picture::decode(&file, Limits { memory: memory - 1 });
        assert!(
            matches!(result, Err(PictureError::TooLarge { .. })),
            "{kind}"
        );
    }
}

#[test]
fn where_the_other_decoder_takes_over_its_memory_counts() {
    let unused_table = [&[0xff, 0xc4, 0, 0x14, 3, 1], &[0; 15][..], &[0xc8]].concat();
    let file = flat([1_500, 12_400], |writer| {
        writer.factors = vec![[2, 2], [1, 1], [1, 1]];
        writer.before = unused_table;
    });
    let icon = options(400, Crop::Centre, Colour::WHITE);
    let picture = decode_for(&file, &icon, Limits::WORKER).unwrap();
    assert_eq!(picture.eighths, 4, "in full size it takes too much");
}
