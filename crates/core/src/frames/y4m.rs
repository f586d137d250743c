//! Planes as bytes: YUV4MPEG2, the uncompressed format of mjpegtools, which ffmpeg and most players
//! read too (`yuv4mpeg(5)`).
//!
//! The icon of a frame set is stored in this format: ready to be rotated, with nothing to decode,
//! and every sample unchanged.

use pixels::plane::{Plane, Planes};

const SIGNATURE: &str = "YUV4MPEG2";
const FRAME: &[u8] = b"FRAME\n";

/// The name of chroma at half the size, sited as in JFIF.
const HALF: &str = "420jpeg";
/// The name of chroma at the full size.
const FULL: &str = "444";

/// Writes a picture. Returns `None` if its chroma planes have neither half the size of the luma
/// plane nor its full size.
pub(crate) fn write(planes: &Planes) -> Option<Vec<u8>> {
    let Planes { luma, blue, red } = planes;
    let (width, height) = (luma.width(), luma.height());
    let chroma = [HALF, FULL].into_iter().find(|chroma| {
        let size = Some(chroma_size(width, height, chroma));
        [blue, red]
            .into_iter()
            .all(|plane| Some((plane.width(), plane.height())) == size)
    })?;
    let header =
        format!("{SIGNATURE} W{width} H{height} F1:1 Ip A1:1 C{chroma} XCOLORRANGE=FULL\n");
    let planes = [luma.samples(), blue.samples(), red.samples()];
    Some(
        [&[header.as_bytes(), FRAME], planes.as_slice()]
            .concat()
            .concat(),
    )
}

/// Reads a picture that [`write()`] has written. Returns `None` for anything else.
pub(crate) fn read(file: &[u8]) -> Option<Planes> {
    let header_length = file.iter().take(200).position(|byte| *byte == b'\n')?;
    let (header, rest) = file.split_at_checked(header_length)?;
    let mut samples = rest.strip_prefix(b"\n")?.strip_prefix(FRAME)?;
    let mut words = std::str::from_utf8(header).ok()?.split(' ');
    if words.next() != Some(SIGNATURE) {
        return None;
    }
    let parameters: Vec<&str> = words.collect();
    let parameter = |letter| parameters.iter().find_map(|word| word.strip_prefix(letter));
    let width: usize = parameter('W')?.parse().ok()?;
    let height: usize = parameter('H')?.parse().ok()?;
    let chroma = parameter('C').filter(|chroma| [HALF, FULL].contains(chroma))?;
    let mut next = |(width, height): (usize, usize)| {
        let (plane, rest) = samples.split_at_checked(width.checked_mul(height)?)?;
        samples = rest;
        Plane::new(width, height, plane.to_vec())
    };
    let planes = Planes {
        luma: next((width, height))?,
        blue: next(chroma_size(width, height, chroma))?,
        red: next(chroma_size(width, height, chroma))?,
    };
    samples.is_empty().then_some(planes)
}

/// The width and height of the chroma planes of a picture.
fn chroma_size(width: usize, height: usize, chroma: &str) -> (usize, usize) {
    if chroma == HALF {
        (width.div_ceil(2), height.div_ceil(2))
    } else {
        (width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(width: usize, height: usize, seed: usize) -> Plane {
        Plane::from_fn(width, height, |x, y| {
            (((x * 31 + y * 17 + seed) * 0x9e37) >> 5).to_le_bytes()[0]
        })
    }

    #[test]
    fn planes_read_back_as_they_were_written() {
        for (chroma_width, chroma_height) in [(3, 4), (5, 7)] {
            let planes = Planes {
                luma: noise(5, 7, 1),
                blue: noise(chroma_width, chroma_height, 2),
                red: noise(chroma_width, chroma_height, 3),
            };
            let file = write(&planes).unwrap();
            assert_eq!(read(&file), Some(planes));
            assert_eq!(read(&file[..file.len() - 1]), None);
            assert_eq!(read(&[file.as_slice(), b"x"].concat()), None);
        }
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for text in [
            "",
            "\n",
            "YUV4MPEG2\nFRAME\n",
            "YUV4MPEG2 W1 H1 C422\nFRAME\nabc",
            "YUV4MPEG2 W0 H0 C444\nFRAME\n",
            "YUV4MPEG2 W99999999999999 H99999999999999 C444\nFRAME\nabc",
            "YUV4MPEG3 W1 H1 C444\nFRAME\nabc",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
