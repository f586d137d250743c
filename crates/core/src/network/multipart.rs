//! `multipart/form-data` with one file, RFC 7578.

use data_encoding::HEXLOWER;

use crate::frames::media_type::MediaType;
use crate::outcome::{Diagnosis, Reason};

/// A boundary that nobody can guess.
///
/// # Errors
/// When the host has no randomness.
pub(super) fn fresh_boundary() -> Result<String, Diagnosis> {
    let mut random = [0; 16];
    match getrandom::fill(&mut random) {
        Ok(()) => Ok(HEXLOWER.encode(&random)),
        Err(error) => Err(Diagnosis::new(
            Reason::Host,
            format!("The host provides no randomness for the request: {error}."),
            "Try again.",
        )),
    }
}

/// The body with one part, a file: `name` is the field's.
///
/// `boundary` has to be unguessable, so that no file can contain it.
pub(super) fn one_file(boundary: &str, name: &str, media_type: MediaType, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{boundary}\r\n\
         Content-Disposition: form-data; name=\"{name}\"; filename=\"{name}.{extension}\"\r\n\
         Content-Type: {media_type}\r\n\r\n",
        extension = media_type.extension(),
        media_type = media_type.as_str(),
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    [head.as_bytes(), file, tail.as_bytes()].concat()
}

/// The body with a file and texts, by the names of their fields. The texts come first, so
/// that who reads knows what the file is for.
///
/// `boundary` has to be unguessable, so that nothing can contain it.
pub(super) fn file_and_fields(
    boundary: &str,
    name: &str,
    media_type: MediaType,
    file: &[u8],
    fields: &[(&str, &str)],
) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, text) in fields {
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    body.extend(one_file(boundary, name, media_type, file));
    body
}

/// The value of the `Content-Type` header for that boundary.
pub(super) fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}
