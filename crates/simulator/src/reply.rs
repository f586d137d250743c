//! Responses of the networks: successes, refusals, and the reasons for them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// The media type of X's JSON.
const JSON_OF_X: &str = "application/json;charset=utf-8";
/// The media type of the other networks' JSON.
const JSON: &str = "application/json; charset=utf-8";

/// How a body tells an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The body is empty.
    Empty,
    /// `{"errors":[{"code":…,"message":"…"}]}`: version 1.1 of X's API.
    Numbered(u16),
    /// `{"error":"…","message":"…"}`: XRPC, the protocol of Bluesky's servers.
    Named(&'static str),
    /// `{"error":"…"}`: Mastodon.
    Bare,
    /// `{"error":"…","error_description":"…"}`: OAuth 2.0 (RFC 6749 §5.2).
    Described(&'static str),
    /// Problem details with this title and type (RFC 9457): version 2 of X's API.
    Problem(&'static str, &'static str),
    /// The message as plain text: some of X's OAuth endpoints.
    Text,
    /// A web page.
    Html,
}

/// A way in which a network refuses a request.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: &'static str,
    shape: Shape,
}

impl Refusal {
    /// A refusal with an error number of X's.
    pub(crate) const fn numbered(status: u16, code: u16, message: &'static str) -> Self {
        Self::shaped(status, message, Shape::Numbered(code))
    }

    /// A refusal with an error name of XRPC's.
    pub(crate) const fn named(status: u16, name: &'static str, message: &'static str) -> Self {
        Self::shaped(status, message, Shape::Named(name))
    }

    /// A refusal in Mastodon's shape.
    pub(crate) const fn bare(status: u16, message: &'static str) -> Self {
        Self::shaped(status, message, Shape::Bare)
    }

    /// A refusal with an error name of OAuth 2.0's; the message is the description.
    pub(crate) const fn described(status: u16, name: &'static str, message: &'static str) -> Self {
        Self::shaped(status, message, Shape::Described(name))
    }

    /// A refusal as problem details; the message is the detail.
    pub(crate) const fn problem(
        status: u16,
        title: &'static str,
        kind: &'static str,
        message: &'static str,
    ) -> Self {
        Self::shaped(status, message, Shape::Problem(title, kind))
    }

    /// A refusal in plain text.
    pub(crate) const fn text(status: u16, message: &'static str) -> Self {
        Self::shaped(status, message, Shape::Text)
    }

    /// A refusal with a web page.
    pub(crate) const fn html(status: u16, page: &'static str) -> Self {
        Self::shaped(status, page, Shape::Html)
    }

    /// A refusal with an empty body.
    pub(crate) const fn empty(status: u16) -> Self {
        Self::shaped(status, "", Shape::Empty)
    }

    const fn shaped(status: u16, message: &'static str, shape: Shape) -> Self {
        Self {
            status,
            message,
            shape,
        }
    }

    /// X's error number, if the refusal has one.
    pub(crate) fn code(self) -> Option<u16> {
        match self.shape {
            Shape::Numbered(code) => Some(code),
            _ => None,
        }
    }

    /// This refusal with the reason for it, which the network keeps to itself.
    pub(crate) fn because(self, explanation: impl Into<String>) -> Rejection {
        Rejection {
            refusal: self,
            message: None,
            location: None,
            explanation: explanation.into(),
        }
    }

    /// This refusal with another message, which is also the reason.
    pub(crate) fn saying(self, message: impl Into<String>) -> Rejection {
        let message = message.into();
        Rejection {
            refusal: self,
            message: Some(message.clone()),
            location: None,
            explanation: message,
        }
    }
}

/// A refusal and the reason for it.
#[derive(Clone)]
pub(crate) struct Rejection {
    pub(crate) refusal: Refusal,
    /// The message of the reply, if it differs from the refusal's own.
    message: Option<String>,
    /// Where the reply sends the client.
    location: Option<Box<HeaderValue>>,
    /// Why the request was refused. Goes into the record, never into the reply.
    pub(crate) explanation: String,
}

impl Rejection {
    /// The status, the code or name, the message and the reason, in one line.
    pub(crate) fn summary(&self) -> String {
        let Refusal {
            status,
            message,
            shape,
        } = self.refusal;
        let explanation = &self.explanation;
        let message = message.trim_end_matches('.');
        match shape {
            Shape::Numbered(code) => format!("{status} {code} {message}: {explanation}"),
            Shape::Named(name) | Shape::Described(name) => {
                format!("{status} {name}: {explanation}")
            }
            Shape::Problem(title, _) => format!("{status} {title}: {explanation}"),
            Shape::Bare | Shape::Text => format!("{status} {message}: {explanation}"),
            Shape::Empty => format!("{status} (no body): {explanation}"),
            Shape::Html => format!("{status} (a web page): {explanation}"),
        }
    }

    /// The same rejection for another reason.
    pub(crate) fn explained(self, explanation: impl Into<String>) -> Self {
        Self {
            explanation: explanation.into(),
            ..self
        }
    }

    /// The same rejection with a reply that sends the client elsewhere.
    pub(crate) fn sending_to(self, location: HeaderValue) -> Self {
        Self {
            location: Some(Box::new(location)),
            ..self
        }
    }

    /// The same reason with another refusal.
    pub(crate) fn instead(self, refusal: Refusal) -> Self {
        Self {
            refusal,
            message: None,
            location: None,
            explanation: self.explanation,
        }
    }

    /// The reply to the client.
    pub(crate) fn reply(&self) -> Reply {
        let message = self.message.as_deref().unwrap_or(self.refusal.message);
        let reply = Reply::refused(self.refusal.status, self.refusal.shape, message);
        match &self.location {
            Some(location) => reply.with(LOCATION, HeaderValue::clone(location)),
            None => reply,
        }
    }
}

/// A whole response, and what the record notes about it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// X's number for the error in the body.
    pub(crate) code: Option<u16>,
    /// XRPC's name for the error in the body.
    pub(crate) error: Option<&'static str>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// A reply without a body. A number that is not a valid status becomes 500.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: None,
            error: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A reply of this media type.
    pub(crate) fn of(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut reply =
            Self::empty(status).with(CONTENT_TYPE, HeaderValue::from_static(media_type));
        reply.body = body.into();
        reply
    }

    /// A reply in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, JSON, body.to_string())
    }

    /// A reply in JSON with X's media type.
    pub(crate) fn json_of_x(status: u16, body: &Value) -> Self {
        Self::of(status, JSON_OF_X, body.to_string())
    }

    /// An error of version 1.1 of X's API.
    pub(crate) fn error(status: u16, code: u16, message: &str) -> Self {
        Self::refused(status, Shape::Numbered(code), message)
    }

    /// The reply to a refused request.
    pub(crate) fn refusal(refusal: Refusal) -> Self {
        Self::refused(refusal.status, refusal.shape, refusal.message)
    }

    fn refused(status: u16, shape: Shape, message: &str) -> Self {
        match shape {
            Shape::Empty => Self::empty(status),
            Shape::Numbered(code) => {
                let body = json!({ "errors": [{ "code": code, "message": message }] });
                Self {
                    code: Some(code),
                    ..Self::json_of_x(status, &body)
                }
            }
            Shape::Named(name) => Self {
                error: Some(name),
                ..Self::json(status, &json!({ "error": name, "message": message }))
            },
            Shape::Problem(title, kind) => {
                let body = json!({
                    "title": title, "type": kind, "status": status, "detail": message,
                });
                Self::of(status, "application/problem+json", body.to_string())
            }
            Shape::Bare => Self::json(status, &json!({ "error": message })),
            Shape::Described(name) => Self {
                error: Some(name),
                ..Self::json(
                    status,
                    &json!({ "error": name, "error_description": message }),
                )
            },
            Shape::Text => Self::of(status, "text/plain; charset=utf-8", message.to_owned()),
            Shape::Html => Self::of(status, "text/html; charset=UTF-8", message.to_owned()),
        }
    }

    /// This reply with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// This reply with more headers, whose values are plain ASCII.
    pub(crate) fn with_all(mut self, headers: &[(HeaderName, &'static str)]) -> Self {
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            self.headers.insert(name.clone(), value);
        }
        self
    }

    /// The response to send.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
