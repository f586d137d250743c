//! JPEG files: baseline and progressive, grey, colour and CMYK.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Limits, Orientation, Picture, PictureError, Pixels, Profile, broken};

/// The longest side that a file can state, in pixels.
const MAX_SIDE: usize = 65_535;

pub(super) fn decode(file: &[u8], limits: Limits) -> Result<Picture, PictureError> {
    let broken = broken("JPEG");
    let structure = Structure::of(file).ok_or_else(|| broken(&"it ends too early"))?;
    if structure.is_misread() {
        return Err(broken(
            &"its colours stand in scans of their own, which is not read here",
        ));
    }

    // Strict: a decoder that shows as much as there is would turn half a
    // download into a half grey icon.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(|error| broken(&error))?;
    let info = decoder.info().ok_or(PictureError::Empty)?;
    // Where blocks do not come complete, all coefficients are kept in addition.
    let samples = u64::from(info.components).max(3);
    let bytes_per_sample = if structure.is_in_one_go() { 1 } else { 3 };
    limits.check(
        info.width.into(),
        info.height.into(),
        samples.saturating_mul(bytes_per_sample),
    )?;

    let (colours, wrap): (_, fn(Vec<u8>) -> Pixels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, Pixels::Grey),
        Some(ColorSpace::YCbCr) => (ColorSpace::YCbCr, Pixels::YCbCr),
        _ => (ColorSpace::RGB, Pixels::Rgb),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let samples = decoder.decode().map_err(|error| broken(&error))?;
    let orientation = decoder.exif().map(|exif| Orientation::from_exif(exif));
    Ok(Picture {
        width: info.width.into(),
        height: info.height.into(),
        orientation: orientation.unwrap_or(Orientation::UPRIGHT),
        eighths: 8,
        profile: decoder.icc_profile().map(Profile::Icc),
        pixels: wrap(samples),
    })
}

/// What the markers of a file say.
#[derive(Default)]
struct Structure {
    /// Whether the frame is baseline or extended sequential, not progressive.
    is_sequential: bool,
    /// Whether a component has more than one block above another in an MCU.
    is_high: bool,
    /// The components of the frame.
    components: u8,
    /// The components of the first scan.
    first_scan: Option<u8>,
}

impl Structure {
    /// Walks from marker to marker (T.81 §B.1); `None` if the file ends before
    /// its end marker.
    fn of(file: &[u8]) -> Option<Self> {
        const SOF0: u8 = 0xc0;
        const SOF2: u8 = 0xc2;
        const SOS: u8 = 0xda;
        const EOI: u8 = 0xd9;
        let mut structure = Self::default();
        let mut rest = file.get(2..)?;
        loop {
            let at = memchr::memchr(0xff, rest)?;
            let marker = *rest.get(at.checked_add(1)?)?;
            let after = at.checked_add(2)?;
            match marker {
                EOI => return Some(structure),
                // A fill byte: the marker's code is still to come.
                0xff => rest = rest.get(at.checked_add(1)?..)?,
                // In a scan, a byte of 0xff or a restart; and what has no
                // segment.
                0x00 | 0x01 | 0xd0..=0xd8 => rest = rest.get(after..)?,
                _ => {
                    rest = rest.get(after..)?;
                    let length = u16::from_be_bytes(*rest.first_chunk()?);
                    let (segment, after) = rest.split_at_checked(length.into())?;
                    match (marker, segment) {
                        // §B.2.2: length, precision, height and width before.
                        (SOF0..=SOF2, [_, _, _, _, _, _, _, components, specifications @ ..]) => {
                            structure.is_sequential = marker != SOF2;
                            structure.components = *components;
                            let (specifications, _) = specifications.as_chunks::<3>();
                            structure.is_high = specifications
                                .iter()
                                .any(|[_, factors, _]| factors & 0x0f > 1);
                        }
                        (SOS, [_, _, components, ..]) => {
                            structure.first_scan.get_or_insert(*components);
                        }
                        _ => {}
                    }
                    // After the header of a scan follow its data, which are
                    // searched for the next marker.
                    rest = after;
                }
            }
        }
    }

    /// Whether each block is complete when it is read.
    fn is_in_one_go(&self) -> bool {
        self.is_sequential && self.first_scan == Some(self.components)
    }

    /// Whether zune-jpeg 0.5 takes such a file for another picture: sequential,
    /// a scan for each component, and chroma at half the height.
    fn is_misread(&self) -> bool {
        self.is_sequential && !self.is_in_one_go() && self.is_high
    }
}
