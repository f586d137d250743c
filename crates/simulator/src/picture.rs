//! What a received picture is, and whether it is complete.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use hmac_sha256::Hash;
use image::{ImageFormat, ImageReader, Limits};
use image_webp::WebPDecoder;
use serde::Serialize;

use crate::text::{grouped, quoted};

/// The most memory that decoding a picture may take, in bytes.
const MOST_MEMORY: u32 = 64 * 1024 * 1024;

/// Why a decoder failed.
type Failure = Box<dyn std::error::Error>;

/// What is known of a picture.
#[derive(Clone, Serialize)]
pub(crate) struct Facts {
    /// `None` unless it is a JPEG, PNG, GIF or WebP.
    pub(crate) media_type: Option<&'static str>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
}

impl Facts {
    /// The picture in a few words, such as `80,123 bytes image/jpeg 400×400`.
    pub(crate) fn summary(&self) -> String {
        let mut summary = format!("{} bytes", grouped(self.bytes));
        if let Some(media_type) = self.media_type {
            summary = format!("{summary} {media_type}");
        }
        if let (Some(width), Some(height)) = (self.width, self.height) {
            summary = format!("{summary} {width}×{height}");
        }
        summary
    }
}

/// A picture as it was received, with its facts.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) bytes: Bytes,
    pub(crate) facts: Facts,
}

impl Picture {
    /// Reads the facts from the bytes. What cannot be read is left out.
    pub(crate) fn inspect(bytes: Bytes) -> Self {
        let format = format_of(&bytes);
        let dimensions = format.and_then(|(format, _)| dimensions(&bytes, format));
        let facts = Facts {
            media_type: format.map(|(_, name)| name),
            width: dimensions.map(|(width, _)| width),
            height: dimensions.map(|(_, height)| height),
            bytes: bytes.len(),
            sha256: HEXLOWER.encode(&Hash::hash(&bytes)),
        };
        Self { bytes, facts }
    }

    /// Checks that the picture can be decoded and ends where its format ends.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn check_whole(&self) -> Result<(), String> {
        let Some((format, _)) = format_of(&self.bytes) else {
            return Err("the picture is of no known format".to_owned());
        };
        decode(&self.bytes, format).map_err(|error| {
            format!(
                "the picture cannot be decoded: {}",
                quoted(&error.to_string())
            )
        })?;
        if !is_whole(&self.bytes, format) {
            return Err(
                "the picture does not end where its format ends: it is cut short, or something \
                 follows it"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Checks that the picture is a complete square.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn check_square(&self) -> Result<(), String> {
        let Some((width, height)) = self.facts.width.zip(self.facts.height) else {
            return Err("the dimensions of the picture cannot be read".to_owned());
        };
        if width != height {
            return Err(format!(
                "the picture is {width}×{height} rather than square"
            ));
        }
        self.check_whole()
    }
}

/// The format, judged by the bytes alone, and its media type.
fn format_of(bytes: &[u8]) -> Option<(ImageFormat, &'static str)> {
    let format = image::guess_format(bytes).ok()?;
    let media_type = match format {
        ImageFormat::Jpeg => "image/jpeg",
        ImageFormat::Png => "image/png",
        ImageFormat::Gif => "image/gif",
        ImageFormat::WebP => "image/webp",
        _ => return None,
    };
    Some((format, media_type))
}

fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY.into());
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader
}

fn dimensions(bytes: &[u8], format: ImageFormat) -> Option<(u32, u32)> {
    let read = || -> Result<_, Failure> {
        Ok(match format {
            ImageFormat::WebP => WebPDecoder::new(Cursor::new(bytes))?.dimensions(),
            _ => reader(bytes, format).into_dimensions()?,
        })
    };
    guarded(read).ok()
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<(), Failure> {
    guarded(|| {
        if format != ImageFormat::WebP {
            reader(bytes, format).decode()?;
            return Ok(());
        }
        let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
        let size = decoder
            .output_buffer_size()
            .filter(|size| u32::try_from(*size).is_ok_and(|size| size <= MOST_MEMORY))
            .ok_or("it is too large")?;
        decoder.read_image(&mut vec![0; size])?;
        Ok(())
    })
}

/// Runs a decoder and turns its panic into an error, where panics unwind.
fn guarded<T>(decode: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err("the decoder crashed".into()))
}

/// Whether the last bytes are those that end the format. Decoders accept a file that was cut
/// short.
fn is_whole(bytes: &[u8], format: ImageFormat) -> bool {
    let end: &[u8] = match format {
        ImageFormat::Jpeg => b"\xff\xd9",
        ImageFormat::Png => b"\0\0\0\0IEND\xae\x42\x60\x82",
        ImageFormat::WebP => return has_length_of_riff(bytes),
        _ => b"\x3b",
    };
    bytes.ends_with(end)
}

/// Whether a RIFF file is as long as its header says.
fn has_length_of_riff(bytes: &[u8]) -> bool {
    let length = bytes
        .get(4..8)
        .and_then(|length| <[u8; 4]>::try_from(length).ok())
        .and_then(|length| usize::try_from(u32::from_le_bytes(length)).ok());
    length.is_some_and(|length| length.checked_add(8) == Some(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::pictures;

    #[test]
    fn pictures_of_all_kinds_are_told_apart_and_decoded() {
        for (bytes, media_type) in [
            (pictures::jpeg(40, 40), "image/jpeg"),
            (pictures::png(40, 40), "image/png"),
            (pictures::gif(40, 40), "image/gif"),
            (pictures::webp(40, 40), "image/webp"),
        ] {
            let mut longer = bytes.clone();
            let mut cut = bytes.clone();
            let picture = Picture::inspect(bytes.into());
            assert_eq!(picture.facts.media_type, Some(media_type));
            assert_eq!(
                picture.facts.width.zip(picture.facts.height),
                Some((40, 40))
            );
            assert_eq!(picture.check_square(), Ok(()), "{media_type}");
            longer.extend(b"<script>");
            cut.truncate(cut.len() - 2);
            for broken in [longer, cut] {
                assert!(Picture::inspect(broken.into()).check_square().is_err());
            }
        }
        let oblong = Picture::inspect(pictures::png(40, 41).into());
        assert!(oblong.check_square().unwrap_err().contains("40×41"));
        assert!(oblong.check_whole().is_ok());
        assert!(Picture::inspect(Bytes::new()).check_square().is_err());
    }
}
