//! Looking at a picture: what it is, whether it is whole, and whether it fits a profile.

use std::io::Cursor;

use axum::body::Bytes;
use data_encoding::HEXLOWER;
use image::{ImageFormat, ImageReader, Limits};
use ring::digest;
use serde::Serialize;

use super::answer::{MEDIA_TYPE_UNRECOGNIZED, Refusal, Rejection};
use crate::text::{grouped, quoted};

/// Safe whichever way the “700 kilobytes” of X's documentation are meant, raw or as base64.
pub(super) const LARGEST: usize = 512_000;
/// X scales down what is wider.
const WIDEST: u32 = 400;
const NARROWEST: u32 = 48;

const TOO_MANY_BYTES: Refusal = Refusal::new(
    403,
    120,
    "Account update failed: image size must be less than 700 kilobytes",
);
const WRONG_DIMENSIONS: Refusal = Refusal::new(
    422,
    120,
    "Account update failed: image dimensions must be square and from 48 to 400 pixels",
);

/// What a picture is, as far as that can be told.
#[derive(Clone, Serialize)]
pub(super) struct Facts {
    /// `None` unless it is a JPEG, PNG or GIF.
    pub(super) media_type: Option<&'static str>,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) bytes: usize,
    pub(super) sha256: String,
}

impl Facts {
    /// The picture in a few words: `80,123 bytes image/jpeg 400×400`.
    pub(super) fn summary(&self) -> String {
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

/// A picture as it was received, and what was found out about it.
#[derive(Clone)]
pub(super) struct Picture {
    pub(super) bytes: Bytes,
    pub(super) facts: Facts,
    /// What would keep X from taking it.
    pub(super) problem: Option<Rejection>,
}

impl Picture {
    /// Looks at the bytes, and at the media type that was declared for them, if any.
    pub(super) fn inspect(bytes: Bytes, declared: Option<&str>) -> Self {
        let format = format_of(&bytes);
        let dimensions = format.and_then(|(format, _)| dimensions(&bytes, format));
        let facts = Facts {
            media_type: format.map(|(_, name)| name),
            width: dimensions.map(|(width, _)| width),
            height: dimensions.map(|(_, height)| height),
            bytes: bytes.len(),
            sha256: HEXLOWER.encode(digest::digest(&digest::SHA256, &bytes).as_ref()),
        };
        let problem = check(&bytes, format, dimensions, declared).err();
        Self {
            bytes,
            facts,
            problem,
        }
    }
}

/// The format by the bytes themselves, if it is one that X takes, and its media type.
fn format_of(bytes: &[u8]) -> Option<(ImageFormat, &'static str)> {
    let format = image::guess_format(bytes).ok()?;
    let media_type = match format {
        ImageFormat::Jpeg => "image/jpeg",
        ImageFormat::Png => "image/png",
        ImageFormat::Gif => "image/gif",
        _ => return None,
    };
    Some((format, media_type))
}

fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(16 * 1024 * 1024);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader
}

fn dimensions(bytes: &[u8], format: ImageFormat) -> Option<(u32, u32)> {
    reader(bytes, format).into_dimensions().ok()
}

fn check(
    bytes: &[u8],
    format: Option<(ImageFormat, &'static str)>,
    dimensions: Option<(u32, u32)>,
    declared: Option<&str>,
) -> Result<(), Rejection> {
    let unrecognized = |explanation: String| Err(MEDIA_TYPE_UNRECOGNIZED.because(explanation));
    let Some((format, media_type)) = format else {
        return unrecognized("the picture is neither a JPEG nor a PNG nor a GIF".to_owned());
    };
    let Some((width, height)) = dimensions else {
        return unrecognized(format!(
            "the picture begins like {media_type} but is broken"
        ));
    };
    if bytes.len() > LARGEST {
        return Err(TOO_MANY_BYTES.because(format!(
            "the picture has {} bytes, more than {}",
            grouped(bytes.len()),
            grouped(LARGEST)
        )));
    }
    if width != height || !(NARROWEST..=WIDEST).contains(&width) {
        return Err(WRONG_DIMENSIONS.because(format!(
            "the picture is {width}×{height} rather than a square of {NARROWEST} to {WIDEST} pixels"
        )));
    }
    if let Err(error) = reader(bytes, format).decode() {
        let error = quoted(&error.to_string());
        return unrecognized(format!("the picture cannot be decoded: {error}"));
    }
    if !is_whole(bytes, format) {
        return unrecognized(
            "the picture does not end where its format ends: it is cut short, or something follows it"
                .to_owned(),
        );
    }
    // “application/octet-stream” claims nothing about the bytes.
    if let Some(declared) = declared
        && !declared.eq_ignore_ascii_case(media_type)
        && !declared.eq_ignore_ascii_case("application/octet-stream")
    {
        return unrecognized(format!(
            "the picture is declared as {} but is {media_type}",
            quoted(declared)
        ));
    }
    Ok(())
}

/// Whether the last bytes are those with which the format ends. Decoders forgive a file that was
/// cut short.
fn is_whole(bytes: &[u8], format: ImageFormat) -> bool {
    let end: &[u8] = match format {
        ImageFormat::Jpeg => b"\xff\xd9",
        ImageFormat::Png => b"\0\0\0\0IEND\xae\x42\x60\x82",
        _ => b"\x3b",
    };
    bytes.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::super::tests::pictures;
    use super::*;

    fn problem(bytes: Vec<u8>, declared: Option<&str>) -> Option<(u16, Option<u16>, String)> {
        Picture::inspect(bytes.into(), declared)
            .problem
            .map(|rejection| {
                let Refusal { status, code, .. } = rejection.refusal;
                (status, code, rejection.explanation)
            })
    }

    #[test]
    fn proper_pictures_are_taken() {
        for (bytes, media_type) in [
            (pictures::jpeg(400, 400), "image/jpeg"),
            (pictures::png(48, 48), "image/png"),
            (pictures::gif(64, 64), "image/gif"),
        ] {
            for declared in [None, Some(media_type), Some("application/octet-stream")] {
                assert_eq!(problem(bytes.clone(), declared), None, "{media_type}");
            }
            let facts = Picture::inspect(bytes.into(), None).facts;
            assert_eq!(facts.media_type, Some(media_type));
            assert_eq!(facts.sha256.len(), 64);
        }
        let facts = Picture::inspect(pictures::jpeg(400, 400).into(), None).facts;
        assert!(facts.summary().ends_with(" bytes image/jpeg 400×400"));
    }

    #[test]
    fn wrong_dimensions_are_refused() {
        for (width, height) in [(47, 47), (401, 401), (400, 399), (100, 50), (1, 1)] {
            let (status, code, explanation) =
                problem(pictures::png(width, height), None).expect("refused");
            assert_eq!((status, code), (422, Some(120)));
            assert!(explanation.contains(&format!("{width}×{height}")));
        }
    }

    #[test]
    fn too_many_bytes_are_refused() {
        let bytes = pictures::noisy_png(400, 400);
        assert!(bytes.len() > LARGEST);
        let (status, code, _) = problem(bytes, None).expect("refused");
        assert_eq!((status, code), (403, Some(120)));
    }

    #[test]
    fn broken_and_foreign_pictures_are_refused() {
        let whole = [
            pictures::jpeg(100, 100),
            pictures::png(100, 100),
            pictures::gif(100, 100),
        ];
        for bytes in whole {
            let cut = bytes[..bytes.len() - 1].to_vec();
            let halved = bytes[..bytes.len() / 2].to_vec();
            let headed = bytes[..16].to_vec();
            let mut followed = bytes.clone();
            followed.extend(b"<script>");
            for broken in [cut, halved, headed, followed] {
                let (status, code, _) = problem(broken, None).expect("refused");
                assert_eq!((status, code), (422, Some(120)));
            }
        }
        for foreign in [&b""[..], b"<svg/>", b"RIFF\0\0\0\0WEBPVP8 ", b"BM\0\0"] {
            let (status, _, explanation) = problem(foreign.to_vec(), None).expect("refused");
            assert_eq!(status, 422);
            assert!(explanation.contains("neither"));
        }
    }

    #[test]
    fn a_damaged_png_is_refused() {
        let mut bytes = pictures::png(100, 100);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        assert!(problem(bytes, None).is_some());
    }

    #[test]
    fn a_wrong_declaration_is_refused() {
        for declared in ["image/png", "image/jpg", "text/plain", ""] {
            let (status, _, explanation) =
                problem(pictures::jpeg(100, 100), Some(declared)).expect("refused");
            assert_eq!(status, 422);
            assert!(explanation.contains("declared"));
        }
    }
}
