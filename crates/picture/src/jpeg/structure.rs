//! Reads the markers of a JPEG file (T.81 §B) before anything is decoded.

use crate::{Orientation, PictureError, broken, unsupported};

const SOF0: u8 = 0xc0;
const SOF2: u8 = 0xc2;
const DHT: u8 = 0xc4;
const DAC: u8 = 0xcc;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const DQT: u8 = 0xdb;
const DNL: u8 = 0xdc;
const DRI: u8 = 0xdd;
const DHP: u8 = 0xde;
const EXP: u8 = 0xdf;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
/// The frame header of JPEG-LS (T.87 §C.2.2).
const SOF55: u8 = 0xf7;
const COM: u8 = 0xfe;

/// The most markers, not counting restarts: more than any camera or program writes. Profiles, depth
/// maps and the like come in pieces of 64 kB.
const MAX_MARKERS: u32 = 10_000;

/// The most bytes of tables: more than any camera or program writes. A file with separate tables
/// for each of fifty scans has less than half of that.
const MAX_TABLE_BYTES: usize = 100_000;

/// The most passes of a progressive file's scans over the picture. Cameras and programs make ten or
/// fewer. A pass costs an attacker almost no bytes, but takes the decoder as long as any other.
const MAX_PASSES: u64 = 50;

/// Bits that are not a code, because the code of all ones is reserved (T.81 §C). As in a file, a
/// zero follows each byte 0xff.
const ONES: &[u8] = &[
    0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0,
];

/// A component of the frame.
pub(super) struct Component {
    id: u8,
    /// The sampling factors, across and down, 1 to 4.
    pub(super) factors: [u8; 2],
    /// The number of missing low bits of each coefficient, in zigzag order.
    missing_bits: [u8; 64],
}

/// The frame header (T.81 §B.2.2).
pub(super) struct Frame {
    /// In pixels.
    pub(super) width: u16,
    /// In pixels.
    pub(super) height: u16,
    pub(super) is_progressive: bool,
    /// 1, 3 or 4.
    pub(super) components: Vec<Component>,
}

impl Frame {
    /// Reads a header without its length.
    fn read(marker: u8, segment: &[u8]) -> Result<Self, PictureError> {
        let [precision, h0, h1, w0, w1, count, specifications @ ..] = segment else {
            return Err(broken("JPEG")(&"its frame header is too short"));
        };
        match precision {
            8 => {}
            12 if marker != SOF0 => return Err(unsupported("JPEG")("12 bits a sample")),
            _ => return Err(broken("JPEG")(&"its samples have an impossible precision")),
        }
        let (specifications, rest) = specifications.as_chunks::<3>();
        if !rest.is_empty() || specifications.len() != usize::from(*count) {
            return Err(broken("JPEG")(&"its frame header has the wrong length"));
        }
        match count {
            0 => return Err(broken("JPEG")(&"it has no components")),
            1 | 3 | 4 => {}
            _ => return Err(unsupported("JPEG")(&format!("{count} colour components"))),
        }
        let mut components = Vec::<Component>::with_capacity(specifications.len());
        for [id, factors, _] in specifications {
            let factors = [factors >> 4, factors & 0x0f];
            if factors.iter().any(|factor| !(1..=4).contains(factor)) {
                return Err(broken("JPEG")(&"it has an impossible sampling factor"));
            }
            if components.iter().any(|component| component.id == *id) {
                return Err(broken("JPEG")(&"two of its components have one name"));
            }
            components.push(Component {
                id: *id,
                factors,
                missing_bits: [u8::MAX; 64],
            });
        }
        let frame = Self {
            width: u16::from_be_bytes([*w0, *w1]),
            height: u16::from_be_bytes([*h0, *h1]),
            is_progressive: marker == SOF2,
            components,
        };
        let [across, down] = frame.largest_factors();
        let divide = |component: &Component| {
            let [horizontal, vertical] = component.factors.map(u64::from);
            across.is_multiple_of(horizontal) && down.is_multiple_of(vertical)
        };
        if frame.components.iter().all(divide) {
            Ok(frame)
        } else {
            Err(unsupported("JPEG")(
                "components of which one has one and a half times the samples of another",
            ))
        }
    }

    /// The largest sampling factors, across and down.
    pub(super) fn largest_factors(&self) -> [u64; 2] {
        self.components.iter().fold([1, 1], |[across, down], c| {
            let [horizontal, vertical] = c.factors.map(u64::from);
            [across.max(horizontal), down.max(vertical)]
        })
    }

    /// The number of a component's blocks, across and down, including padding of the last MCUs.
    pub(super) fn blocks(&self, component: &Component) -> [u64; 2] {
        let [across, down] = self.largest_factors();
        let [horizontal, vertical] = component.factors.map(u64::from);
        let padded = |length: u16, largest: u64, factor: u64| {
            let mcus = u64::from(length).div_ceil(largest.saturating_mul(8).max(1));
            mcus.saturating_mul(factor)
        };
        [
            padded(self.width, across, horizontal),
            padded(self.height, down, vertical),
        ]
    }

    /// The number of a component's blocks, including padding of the last MCUs.
    pub(super) fn block_count(&self, component: &Component) -> u64 {
        let [across, down] = self.blocks(component);
        across.saturating_mul(down)
    }

    /// Whether `jpeg-decoder` 0.3 counts a component's blocks correctly in a scan of its own
    /// (T.81 §A.2.2). It counts the blocks inside the picture, as if all components had as many
    /// samples, or inside the last MCUs.
    fn is_understood_alone(&self, component: &Component) -> bool {
        let [across, down] = self.largest_factors();
        let [horizontal, vertical] = component.factors.map(u64::from);
        let [columns, rows] = self.blocks(component);
        let is_same = |length: u16, largest: u64, factor: u64, padded: u64| {
            let length = u64::from(length);
            let samples = length.saturating_mul(factor).div_ceil(largest.max(1));
            samples.div_ceil(8) == padded.min(length.div_ceil(8))
        };
        self.components.len() == 1
            || is_same(self.width, across, horizontal, columns)
                && is_same(self.height, down, vertical, rows)
    }

    /// Whether every bit of every coefficient is present.
    fn is_complete(&self) -> bool {
        let mut missing = self.components.iter().flat_map(|c| c.missing_bits);
        missing.all(|bits| bits == 0)
    }
}

/// A file, divided at its markers.
pub(super) struct Structure<'a> {
    pub(super) frame: Frame,
    /// Whether one scan contains all components.
    pub(super) is_in_one_scan: bool,
    /// Whether the file has an end marker.
    pub(super) has_end: bool,
    metadata: Metadata<'a>,
    /// The parts of the file that a decoder needs, in order: without metadata, and with [`ONES`]
    /// after the data of each scan.
    pub(super) pieces: Vec<&'a [u8]>,
}

/// The metadata before the scans.
#[derive(Default)]
struct Metadata<'a> {
    orientation: Option<Orientation>,
    /// The pieces of an ICC profile (ICC.1 §B.4), each with its number, from 1, and their count.
    profile: Vec<([u8; 2], &'a [u8])>,
    /// Whether there is a JFIF segment.
    is_jfif: bool,
    /// The colour transform in Adobe's segment.
    adobe_transform: Option<u8>,
}

/// The colour space of a file's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    YCbCr,
    Rgb,
    Cmyk,
    Ycck,
}

impl<'a> Structure<'a> {
    /// Reads a file from marker to marker.
    pub(super) fn of(file: &'a [u8]) -> Result<Self, PictureError> {
        let mut walker = Walker::new(file);
        while !walker.step()? {}
        walker.finish()
    }

    /// How to make the picture upright.
    pub(super) fn orientation(&self) -> Orientation {
        self.metadata.orientation.unwrap_or(Orientation::UPRIGHT)
    }

    /// The colour space, as libjpeg decides it (`default_decompress_parms` in jdapimin.c).
    pub(super) fn colours(&self) -> Colours {
        let ids: Vec<u8> = self.frame.components.iter().map(|c| c.id).collect();
        match (&*ids, self.metadata.adobe_transform) {
            ([_], _) => Colours::Grey,
            ([_, _, _], _) if self.metadata.is_jfif => Colours::YCbCr,
            ([_, _, _], Some(0)) | (b"RGB", None) => Colours::Rgb,
            ([_, _, _], _) => Colours::YCbCr,
            (_, None | Some(0)) => Colours::Cmyk,
            _ => Colours::Ycck,
        }
    }

    /// The ICC profile, if it is complete.
    pub(super) fn profile(&self) -> Option<Vec<u8>> {
        let mut pieces = self.metadata.profile.clone();
        pieces.sort_by_key(|(number, _)| *number);
        let is_whole = pieces.iter().zip(1..).all(|(([number, count], _), i)| {
            usize::from(*number) == i && usize::from(*count) == pieces.len()
        });
        let profile = || pieces.iter().flat_map(|(_, piece)| *piece).copied();
        (is_whole && !pieces.is_empty()).then(|| profile().collect())
    }

    /// The length of the ICC profile in bytes.
    pub(super) fn profile_bytes(&self) -> usize {
        self.metadata
            .profile
            .iter()
            .map(|(_, piece)| piece.len())
            .sum()
    }
}

/// The state of reading a file.
struct Walker<'a> {
    file: &'a [u8],
    /// The position of the next byte.
    at: usize,
    /// Where the current scan begins.
    scan: Option<usize>,
    frame: Option<Frame>,
    metadata: Metadata<'a>,
    pieces: Vec<&'a [u8]>,
    has_end: bool,
    has_restarts: bool,
    has_number_of_lines: bool,
    markers: u32,
    table_bytes: usize,
    scans: u32,
    /// The number of components in the first scan.
    first_scan: usize,
    /// The number of blocks in all scans so far.
    passed: u64,
}

impl<'a> Walker<'a> {
    fn new(file: &'a [u8]) -> Self {
        Self {
            file,
            at: 2,
            scan: None,
            frame: None,
            metadata: Metadata::default(),
            pieces: vec![&[0xff, 0xd8]],
            has_end: false,
            has_restarts: false,
            has_number_of_lines: false,
            markers: 0,
            table_bytes: 0,
            scans: 0,
            first_scan: 0,
            passed: 0,
        }
    }

    fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.file.get(from..to).unwrap_or_default()
    }

    /// Moves past the next marker. Returns where it begins, including fill bytes, and its code.
    fn next_marker(&mut self) -> Option<(usize, u8)> {
        loop {
            let rest = self.file.get(self.at..)?;
            let start = self.at.checked_add(memchr::memchr(0xff, rest)?)?;
            let rest = self.file.get(start..)?;
            let fill = rest.iter().position(|byte| *byte != 0xff)?;
            let code = *rest.get(fill)?;
            self.at = start.checked_add(fill)?.checked_add(1)?;
            // Before a zero, the byte 0xff is data of a scan.
            if code != 0 {
                return Some((start, code));
            }
        }
    }

    /// Moves past the segment after a marker and returns it without its length.
    fn segment(&mut self) -> Result<&'a [u8], PictureError> {
        let segment = || {
            let rest = self.file.get(self.at..)?;
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            rest.get(..length)
        };
        let segment = segment().ok_or_else(ends_too_early)?;
        self.at = self.at.saturating_add(segment.len());
        segment
            .get(2..)
            .ok_or_else(|| broken("JPEG")(&"a segment has an impossible length"))
    }

    /// Ends the data of the current scan where the next marker begins.
    fn end_scan(&mut self, end: usize) {
        if let Some(start) = self.scan.take() {
            self.pieces.extend([self.slice(start, end), ONES]);
        }
    }

    /// Reads the next marker and its segment. Returns whether it was the last.
    fn step(&mut self) -> Result<bool, PictureError> {
        let Some((start, code)) = self.next_marker() else {
            self.end_without_marker()?;
            return Ok(true);
        };
        let is_restart = (RST0..=RST7).contains(&code);
        if is_restart && self.scan.is_some() && self.has_restarts {
            return Ok(false);
        }
        self.markers = self.markers.saturating_add(1);
        if self.markers > MAX_MARKERS {
            return Err(unsupported("JPEG")("more than 10,000 markers"));
        }
        let is_in_scan = self.scan.is_some();
        self.end_scan(start);
        match code {
            EOI => {
                self.has_end = true;
                return Ok(true);
            }
            // Disturbs a decoder that expects none, and has no meaning elsewhere.
            RST0..=RST7 => self.scan = is_in_scan.then_some(start),
            // TEM.
            0x01 => {}
            DAC => return Err(unsupported("JPEG")("arithmetic coding")),
            0xc0..=0xcf if code != DHT && code != 0xc8 => self.read_frame(start, code)?,
            SOF55 => return Err(unsupported("JPEG")("JPEG-LS")),
            DHP | EXP => return Err(unsupported("JPEG")("hierarchical coding")),
            DHT | DQT | DRI => {
                let segment = self.segment()?;
                if code == DRI {
                    self.has_restarts = segment != [0, 0];
                }
                self.table_bytes = self.table_bytes.saturating_add(segment.len());
                if self.table_bytes > MAX_TABLE_BYTES {
                    return Err(unsupported("JPEG")("more than 100 kB of tables"));
                }
                self.pieces.push(self.slice(start, self.at));
            }
            DNL => {
                self.segment()?;
                self.has_number_of_lines = true;
            }
            SOS => {
                let segment = self.segment()?;
                self.read_scan(segment)?;
                self.scan = Some(start);
            }
            APP0..=APP15 | COM => {
                let segment = self.segment()?;
                // Later segments belong to the scans.
                if self.scans == 0 {
                    self.read_metadata(code, start, segment);
                }
            }
            _ => {
                let cause = format!("the marker FF{code:02X} stands where none may be");
                return Err(broken("JPEG")(&cause));
            }
        }
        Ok(false)
    }

    fn read_frame(&mut self, start: usize, code: u8) -> Result<(), PictureError> {
        match code {
            0xc3 => return Err(unsupported("JPEG")("lossless coding")),
            0xc5..=0xc7 => return Err(unsupported("JPEG")("hierarchical coding")),
            SOF0..=SOF2 => {}
            _ => return Err(unsupported("JPEG")("arithmetic coding")),
        }
        let segment = self.segment()?;
        if self.frame.is_some() {
            return Err(broken("JPEG")(&"it has two frame headers"));
        }
        self.frame = Some(Frame::read(code, segment)?);
        self.pieces.push(self.slice(start, self.at));
        Ok(())
    }

    /// Reads a scan header (T.81 §B.2.3). Leaves other errors in it to the decoder.
    fn read_scan(&mut self, segment: &[u8]) -> Result<(), PictureError> {
        let frame = self.frame.as_mut();
        let frame = frame.ok_or_else(|| broken("JPEG")(&"a scan comes before the frame"))?;
        let Some(([count], rest)) = segment.split_first_chunk() else {
            return Err(broken("JPEG")(&"a scan header is too short"));
        };
        let count = usize::from(*count);
        let halves = rest.split_at_checked(count.saturating_mul(2));
        let Some((components, &[first, last, approximation])) = halves else {
            return Err(broken("JPEG")(&"a scan header has the wrong length"));
        };
        let (high, low) = (approximation >> 4, approximation & 0x0f);
        let coefficients = if frame.is_progressive {
            usize::from(first)..=usize::from(last.min(63))
        } else {
            0..=63
        };
        for [id, _] in components.as_chunks::<2>().0 {
            let component = frame.components.iter().position(|c| c.id == *id);
            let component = component.and_then(|i| frame.components.get(i));
            let component =
                component.ok_or_else(|| broken("JPEG")(&"a scan is of a component that is not"))?;
            self.passed = self.passed.saturating_add(frame.block_count(component));
            if count == 1 && !frame.is_understood_alone(component) {
                return Err(unsupported("JPEG")(
                    "components of which one has a quarter of another's blocks, in scans of their own",
                ));
            }
        }
        let all: u64 = frame.components.iter().map(|c| frame.block_count(c)).sum();
        if self.passed > all.saturating_mul(MAX_PASSES) {
            return Err(unsupported("JPEG")("more than 50 scans of each pixel"));
        }
        for component in &mut frame.components {
            let is_meant = |[id, _]: &[u8; 2]| *id == component.id;
            if components.as_chunks().0.iter().any(is_meant) {
                if !frame.is_progressive && component.missing_bits == [0; 64] {
                    return Err(broken("JPEG")(&"a component comes twice"));
                }
                let bits = component.missing_bits.get_mut(coefficients.clone());
                for missing in bits.unwrap_or_default() {
                    // A refinement does not replace missing bits before it.
                    if !frame.is_progressive || high == 0 || *missing == high {
                        *missing = if frame.is_progressive { low } else { 0 };
                    }
                }
            }
        }
        if self.scans == 0 {
            self.first_scan = count;
        }
        self.scans = self.scans.saturating_add(1);
        Ok(())
    }

    fn read_metadata(&mut self, code: u8, start: usize, segment: &'a [u8]) {
        if code == APP0 {
            self.metadata.is_jfif |= segment.starts_with(b"JFIF\0");
            // A frame of a Motion JPEG film, which uses standard tables.
            if segment.starts_with(b"AVI1\0") {
                self.pieces.push(self.slice(start, self.at));
            }
        } else if code == APP1
            && let Some(exif) = segment.strip_prefix(b"Exif\0\0")
        {
            self.metadata
                .orientation
                .get_or_insert_with(|| Orientation::from_exif(exif));
        } else if code == APP2
            && let Some([number, count, piece @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0")
            && self.metadata.profile.len() < usize::from(u8::MAX)
        {
            self.metadata.profile.push(([*number, *count], piece));
        } else if code == APP14
            && let Some([_, _, _, _, _, _, transform, ..]) = segment.strip_prefix(b"Adobe")
        {
            self.metadata.adobe_transform = Some(*transform);
        }
    }

    /// Ends a file that has no end marker.
    fn end_without_marker(&mut self) -> Result<(), PictureError> {
        let start = self.scan.take().ok_or_else(ends_too_early)?;
        let mut data = self.slice(start, self.file.len());
        // Half a marker.
        while let [before @ .., 0xff] = data {
            data = before;
        }
        self.pieces.extend([data, ONES]);
        Ok(())
    }

    fn finish(mut self) -> Result<Structure<'a>, PictureError> {
        self.pieces.push(&[0xff, EOI]);
        let frame = match self.frame {
            Some(frame) if self.scans > 0 => frame,
            _ => return Err(broken("JPEG")(&"it has no pixels")),
        };
        if self.has_number_of_lines && frame.height == 0 {
            return Err(unsupported("JPEG")(
                "a height that is told after the pixels",
            ));
        }
        if frame.width == 0 || frame.height == 0 {
            return Err(PictureError::Empty);
        }
        if !self.has_end && !frame.is_complete() {
            return Err(ends_too_early());
        }
        Ok(Structure {
            is_in_one_scan: self.scans == 1 && self.first_scan == frame.components.len(),
            frame,
            has_end: self.has_end,
            metadata: self.metadata,
            pieces: self.pieces,
        })
    }
}

/// The error for a file that was cut off.
pub(super) fn ends_too_early() -> PictureError {
    broken("JPEG")(&"it ends too early")
}
