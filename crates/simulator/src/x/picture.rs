//! X's requirements for a picture.

use bytes::Bytes;

use super::replies::MEDIA_TYPE_UNRECOGNIZED;
use crate::picture::Picture;
use crate::reply::{Refusal, Rejection};
use crate::text::{grouped, quoted};

/// The most bytes of a picture. X's documentation says “700 kilobytes”; this is safe whether it
/// means the raw bytes or their base64.
const LARGEST: usize = 512_000;
/// The greatest width in pixels; X scales down a wider picture.
const WIDEST: u32 = 400;
/// The least width in pixels.
const NARROWEST: u32 = 48;

const TOO_MANY_BYTES: Refusal = Refusal::numbered(
    403,
    120,
    "Account update failed: image size must be less than 700 kilobytes",
);
const WRONG_DIMENSIONS: Refusal = Refusal::numbered(
    422,
    120,
    "Account update failed: image dimensions must be square and from 48 to 400 pixels",
);

/// A picture that was sent to X, and whether X would take it.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) picture: Picture,
    /// Why X would not take it.
    pub(crate) problem: Option<Rejection>,
}

impl Upload {
    /// Checks the bytes, and the media type declared for them, if any.
    pub(crate) fn inspect(bytes: Bytes, declared: Option<&str>) -> Self {
        let picture = Picture::inspect(bytes);
        let problem = check(&picture, declared).err();
        Self { picture, problem }
    }
}

fn check(picture: &Picture, declared: Option<&str>) -> Result<(), Rejection> {
    let unrecognized = |explanation: String| Err(MEDIA_TYPE_UNRECOGNIZED.because(explanation));
    let facts = &picture.facts;
    let Some(media_type) = facts.media_type.filter(|known| *known != "image/webp") else {
        return unrecognized("the picture is neither a JPEG nor a PNG nor a GIF".to_owned());
    };
    let Some((width, height)) = facts.width.zip(facts.height) else {
        return unrecognized(format!(
            "the picture begins like {media_type} but is broken"
        ));
    };
    if facts.bytes > LARGEST {
        return Err(TOO_MANY_BYTES.because(format!(
            "the picture has {} bytes, more than {}",
            grouped(facts.bytes),
            grouped(LARGEST)
        )));
    }
    if width != height || !(NARROWEST..=WIDEST).contains(&width) {
        return Err(WRONG_DIMENSIONS.because(format!(
            "the picture is {width}×{height} rather than a square of {NARROWEST} to {WIDEST} pixels"
        )));
    }
    if let Err(reason) = picture.check_whole() {
        return unrecognized(reason);
    }
    // “application/octet-stream” says nothing about the bytes.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::pictures;

    fn problem(bytes: Vec<u8>, declared: Option<&str>) -> Option<(u16, Option<u16>, String)> {
        Upload::inspect(bytes.into(), declared)
            .problem
            .map(|rejection| {
                let refusal = rejection.refusal;
                (refusal.status, refusal.code(), rejection.explanation)
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
            let facts = Upload::inspect(bytes.into(), None).picture.facts;
            assert_eq!(facts.media_type, Some(media_type));
            assert_eq!(facts.sha256.len(), 64);
        }
        let facts = Upload::inspect(pictures::jpeg(400, 400).into(), None)
            .picture
            .facts;
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
        for foreign in [
            &pictures::webp(100, 100)[..],
            b"",
            b"<svg/>",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"BM\0\0",
        ] {
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
