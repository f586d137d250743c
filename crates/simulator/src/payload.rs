//! The body of a request, read without any leniency: a form, a multipart form, or something else.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use multer::{Field, Multipart};

use crate::form;
use crate::request::{Body, Request};
use crate::text::quoted;

/// The largest body X accepts, in bytes.
pub(crate) const LARGEST: usize = 5_000_000;

/// One part of a multipart form.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// What the body turned out to be. An unreadable body comes with the reason.
pub(crate) enum Payload {
    /// No body.
    Nothing,
    /// `application/x-www-form-urlencoded`.
    Form(Result<Vec<(String, String)>, String>),
    /// `multipart/form-data`.
    Multipart(Result<Vec<Part>, String>),
    /// Too large to read.
    Oversized,
    /// Anything else.
    Other(String),
}

impl Payload {
    /// Reads the body as the headers declare it.
    pub(crate) fn of(request: &Request) -> Self {
        Self::read(&request.headers, &request.body)
    }

    fn read(headers: &HeaderMap, body: &Body) -> Self {
        if body.broke_off {
            return Self::Other("the body broke off before its end".to_owned());
        }
        if body.length > Body::LARGEST_HELD {
            return Self::Oversized;
        }
        let mut all = headers.get_all(CONTENT_TYPE).iter();
        let Some(content_type) = all.next() else {
            return if body.length == 0 {
                Self::Nothing
            } else {
                Self::Other("there is no Content-Type header".to_owned())
            };
        };
        if all.next().is_some() {
            return Self::Other("there are two Content-Type headers".to_owned());
        }
        let Ok(content_type) = content_type.to_str() else {
            return Self::Other("the Content-Type header is not plain ASCII".to_owned());
        };
        match essence(content_type).as_str() {
            "application/x-www-form-urlencoded" => Self::Form(form::decode(&body.bytes)),
            "multipart/form-data" => Self::Multipart(parts(content_type, &body.bytes)),
            other => Self::Other(format!("the Content-Type is {}", quoted(other))),
        }
    }

    /// The kind of body in one word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Form(_) => "form",
            Self::Multipart(_) => "multipart",
            Self::Oversized => "oversized",
            Self::Other(_) => "other",
        }
    }

    /// The names in the body, repeated ones included.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::Form(Ok(pairs)) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Multipart(Ok(parts)) => parts.iter().map(|part| part.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Splits a multipart form (RFC 7578) into its parts.
fn parts(content_type: &str, bytes: &Bytes) -> Result<Vec<Part>, String> {
    let boundary =
        multer::parse_boundary(content_type).map_err(|_| "the boundary is missing".to_owned())?;
    if boundary.is_empty() || boundary.len() > 70 {
        return Err("the boundary has to have from 1 to 70 characters".to_owned());
    }
    // RFC 2046 §5.1.1 allows text before the first delimiter and after the last one. No client has
    // a reason to send any.
    if !bytes.starts_with(format!("--{boundary}\r\n").as_bytes()) {
        return Err("the body does not begin with the boundary".to_owned());
    }
    let last = format!("\r\n--{boundary}--");
    if !bytes.ends_with(last.as_bytes()) && !bytes.ends_with(format!("{last}\r\n").as_bytes()) {
        return Err("the body does not end with the closing boundary".to_owned());
    }
    check_headers(bytes, &boundary)?;
    // The whole body is there, so the reader never has to wait.
    read_parts(bytes.clone(), boundary)
        .now_or_never()
        .unwrap_or_else(|| Err("the multipart body is incomplete".to_owned()))
}

async fn read_parts(bytes: Bytes, boundary: String) -> Result<Vec<Part>, String> {
    let broken = |error: multer::Error| {
        let error = quoted(&error.to_string());
        format!("the multipart body is broken: {error}")
    };
    let mut multipart = Multipart::new(stream::once(ready(Ok::<_, Infallible>(bytes))), boundary);
    let mut parts = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        let name = name(&field)?;
        let filename = field.file_name().map(str::to_owned);
        let content_type = content_type_of(&field, &name)?;
        let bytes = field.bytes().await.map_err(broken)?;
        parts.push(Part {
            name,
            filename,
            content_type,
            bytes,
        });
    }
    Ok(parts)
}

fn name(field: &Field<'_>) -> Result<String, String> {
    let disposition =
        text_of(field, &CONTENT_DISPOSITION).ok_or("a part has no Content-Disposition header")?;
    if essence(&disposition) != "form-data" {
        return Err(format!(
            "the Content-Disposition of a part is {} rather than form-data",
            quoted(&disposition)
        ));
    }
    field
        .name()
        .map(str::to_owned)
        .ok_or_else(|| "a part has no name".to_owned())
}

fn content_type_of(field: &Field<'_>, name: &str) -> Result<Option<String>, String> {
    // Deprecated by RFC 7578 §4.7: networks would have to decode anything but raw bytes.
    let encoding = HeaderName::from_static("content-transfer-encoding");
    if let Some(encoding) = text_of(field, &encoding)
        && !encoding.eq_ignore_ascii_case("binary")
    {
        return Err(format!(
            "the part {} is encoded ({}) rather than raw bytes",
            quoted(name),
            quoted(&encoding)
        ));
    }
    Ok(text_of(field, &CONTENT_TYPE).map(|content_type| essence(&content_type)))
}

fn text_of(field: &Field<'_>, header: &HeaderName) -> Option<String> {
    let value = field.headers().get(header)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Refuses a part that has a header twice, since readers differ in which one they believe.
fn check_headers(bytes: &[u8], boundary: &str) -> Result<(), String> {
    let delimiter = format!("--{boundary}\r\n");
    let mut at_line_start = true;
    let mut headers: Option<Vec<String>> = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if at_line_start && line == delimiter.as_bytes() {
            headers = Some(Vec::new());
        } else if let Some(seen) = &mut headers {
            if line == b"\r\n" {
                headers = None;
            } else {
                let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                if seen.contains(&name) {
                    return Err(format!("a part has the header {} twice", quoted(&name)));
                }
                seen.push(name);
            }
        }
        at_line_start = line.ends_with(b"\r\n");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn payload(content_types: &[&str], body: &str) -> Payload {
        let mut headers = HeaderMap::new();
        for content_type in content_types {
            headers.append(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        Payload::read(&headers, &Body::from(Bytes::from(body.to_owned())))
    }

    fn multipart(body: &str) -> Result<Vec<Part>, String> {
        match payload(&["multipart/form-data; boundary=\"b\""], body) {
            Payload::Multipart(parts) => parts,
            other => panic!("{}", other.kind()),
        }
    }

    #[test]
    fn the_content_type_decides() {
        let form = "application/x-www-form-urlencoded";
        for (content_types, body, kind) in [
            (&[][..], "", "none"),
            (&[], "image=1", "other"),
            (&[form], "image=1", "form"),
            (
                &["Application/X-WWW-Form-URLencoded; charset=utf-8"],
                "a=1",
                "form",
            ),
            (&[form, form], "image=1", "other"),
            (&["application/json"], "{}", "other"),
            (&["multipart/form-data"], "x", "multipart"),
            (&["multipart/mixed; boundary=b"], "x", "other"),
        ] {
            let payload = payload(content_types, body);
            assert_eq!(payload.kind(), kind, "{content_types:?}");
        }
    }

    #[test]
    fn a_multipart_form_is_taken_apart() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n\
                    Content-Type: Image/JPEG\r\n\r\nraw\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"skip_status\"\r\n\r\ntrue\r\n--b--\r\n";
        let parts = multipart(body).unwrap();
        let [image, skip_status] = &parts[..] else {
            panic!("{} parts", parts.len());
        };
        assert_eq!(
            (image.name.as_str(), &image.bytes[..]),
            ("image", &b"raw"[..])
        );
        assert_eq!(image.content_type.as_deref(), Some("image/jpeg"));
        assert_eq!(image.filename.as_deref(), Some("a.jpg"));
        assert_eq!(skip_status.name, "skip_status");
        assert_eq!(skip_status.filename, None);
        assert_eq!(skip_status.content_type, None);
        assert!(multipart(body.trim_end()).is_ok());
    }

    #[test]
    fn a_sloppy_multipart_form_is_refused() {
        let good = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nraw\r\n--b--\r\n";
        assert!(multipart(good).is_ok());
        for (from, to, part) in [
            ("--b\r\nC", "preamble\r\n--b\r\nC", "does not begin"),
            ("--b--\r\n", "--b--\r\nepilogue", "does not end"),
            ("--b--\r\n", "", "does not end"),
            ("form-data", "attachment", "rather than form-data"),
            ("; name=\"image\"", "", "no name"),
            (
                "Content-Disposition",
                "X-Disposition",
                "no Content-Disposition",
            ),
            (
                "\r\n\r\n",
                "\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                "is encoded",
            ),
            (
                "\r\n\r\n",
                "\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
                "“content-type” twice",
            ),
        ] {
            let Err(reason) = multipart(&good.replacen(from, to, 1)) else {
                panic!("{from:?} became {to:?}");
            };
            assert!(reason.contains(part), "{reason}");
        }
        for content_type in ["multipart/form-data", "multipart/form-data; boundary="] {
            let Payload::Multipart(Err(reason)) = payload(&[content_type], good) else {
                panic!("{content_type}");
            };
            assert!(reason.contains("boundary"));
        }
    }
}
