//! Errors of the HTTP interface: problem details (RFC 9457).

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::outcome::{Diagnosis, Reason};

/// An error to answer a request with.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Map<String, Value>,
}

impl Problem {
    /// A problem with a status and, in `detail`, sentences on what happened and what to do next.
    /// Its title is the status's own phrase, as §4.2.1 asks of problems of the type `about:blank`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            headers: Vec::new(),
            extensions: Map::new(),
        }
    }

    /// A problem on this side, which may pass: 503.
    pub(super) fn unavailable(diagnosis: &Diagnosis) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, diagnosis.in_words())
    }

    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Sentences on what happened and what to do next.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds extension members (§3.2).
    #[must_use]
    pub fn with_extensions(mut self, extensions: Map<String, Value>) -> Self {
        self.extensions.extend(extensions);
        self
    }

    /// The answer, as `application/problem+json`.
    pub fn into_response(self) -> Response<Vec<u8>> {
        let mut body = self.extensions;
        let title = self.status.canonical_reason().unwrap_or("Error");
        body.insert("title".to_owned(), json!(title));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));

        let mut response = Response::new(Value::Object(body).to_string().into_bytes());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The status to answer with where something was refused: by this side, or by a network.
pub(super) fn status_of(reason: Reason) -> StatusCode {
    match reason {
        Reason::NoSuchFrame => StatusCode::BAD_REQUEST,
        Reason::Settings | Reason::NoIcon | Reason::Frames | Reason::Host => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Reason::Credentials
        | Reason::ClockSkew
        | Reason::Access
        | Reason::Account
        | Reason::SpamFilter
        | Reason::RateLimit
        | Reason::Transient
        | Reason::Request
        | Reason::Blocked
        | Reason::UnexpectedReply => StatusCode::BAD_GATEWAY,
    }
}
