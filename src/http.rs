//! Requests and responses between the runtime's types and the core's.

use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, IF_NONE_MATCH, ORIGIN,
    TRANSFER_ENCODING,
};
use http::{HeaderName, StatusCode};

use rotate_icon_core::web::{Answer, Problem};

/// The headers that the core looks at.
const READ_HEADERS: [HeaderName; 11] = [
    ACCEPT,
    AUTHORIZATION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    IF_NONE_MATCH,
    ORIGIN,
    TRANSFER_ENCODING,
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-csrf-token"),
];

/// An incoming request without its body.
pub(crate) fn request_from(request: &worker::Request) -> Result<http::Request<()>, Problem> {
    let inner = request.inner();
    let mut builder = http::Request::builder()
        .method(inner.method().as_str())
        .uri(inner.url());
    for name in READ_HEADERS {
        if let Ok(Some(value)) = inner.headers().get(name.as_str()) {
            builder = builder.header(name, value);
        }
    }
    let unreadable = |_| Problem::new(StatusCode::BAD_REQUEST, "The request cannot be read.");
    builder.body(()).map_err(unreadable)
}

/// The core's answer as a response.
pub(crate) fn response_from(answer: Answer) -> worker::Result<worker::Response> {
    let (parts, body) = answer.into_parts();
    let headers = worker::Headers::new();
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            headers.append(name.as_str(), value)?;
        }
    }
    let response = if parts.status == StatusCode::NOT_MODIFIED {
        worker::Response::empty()?
    } else {
        worker::Response::from_bytes(body)?
    };
    Ok(response
        .with_status(parts.status.as_u16())
        .with_headers(headers))
}
