//! Builds `multipart/form-data` bodies with one file (RFC 7578).

use data_encoding::HEXLOWER;

use crate::frames::media_type::MediaType;
use crate::outcome::{Diagnosis, Reason};

/// Creates a boundary that nobody can guess.
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

/// Builds a body whose one part is a file. `name` is the name of its field.
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

/// Builds a body with texts, by the names of their fields, and a file. The texts come first, so that
/// the reader knows what the file is for.
///
/// `boundary` has to be unguessable, so that no part can contain it.
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

/// The value of the `Content-Type` header for a boundary.
pub(super) fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}
