//! Replies as data: what is refused and why, and what is sent.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The media type of X's own answers.
const JSON_OF_X: &str = "application/json;charset=utf-8";
/// The media type of everybody else's.
const JSON: &str = "application/json; charset=utf-8";

/// How an error is put in the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Not at all.
    Empty,
    /// `{"errors":[{"code":…,"message":"…"}]}`, as version 1.1 of X's API has it.
    Numbered(u16),
    /// `{"error":"…","message":"…"}`, as XRPC has it.
    Named(&'static str),
    /// `{"error":"…"}`, as Mastodon has it.
    Bare,
    /// A problem with that title and type (RFC 9457), as version 2 of X's API has it.
    Problem(&'static str, &'static str),
    /// The words alone, as X's OAuth endpoints have it at times.
    Text,
    /// A web page.
    Html,
}

/// A way in which a network refuses a request.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: &'static str,
    shape: Shape,
}

impl Refusal {
    /// A refusal with X's number and words for it.
    pub(super) const fn new(status: u16, code: u16, message: &'static str) -> Self {
        Self {
            status,
            message,
            shape: Shape::Numbered(code),
        }
    }

    /// A refusal with XRPC's name for it and words.
    pub(super) const fn named(status: u16, name: &'static str, message: &'static str) -> Self {
        Self {
            status,
            message,
            shape: Shape::Named(name),
        }
    }

    /// A refusal with Mastodon's words for it.
    pub(super) const fn bare(status: u16, message: &'static str) -> Self {
        Self {
            status,
            message,
            shape: Shape::Bare,
        }
    }

    /// A refusal with a problem of this title and type; the words are its detail.
    pub(super) const fn problem(
        status: u16,
        title: &'static str,
        kind: &'static str,
        message: &'static str,
    ) -> Self {
        Self {
            status,
            message,
            shape: Shape::Problem(title, kind),
        }
    }

    /// A refusal in plain text.
    pub(super) const fn text(status: u16, message: &'static str) -> Self {
        Self {
            status,
            message,
            shape: Shape::Text,
        }
    }

    /// A refusal with a web page.
    pub(super) const fn html(status: u16, page: &'static str) -> Self {
        Self {
            status,
            message: page,
            shape: Shape::Html,
        }
    }

    /// A refusal with an empty body.
    pub(super) const fn empty(status: u16) -> Self {
        Self {
            status,
            message: "",
            shape: Shape::Empty,
        }
    }

    /// X's number for it.
    pub(super) fn code(self) -> Option<u16> {
        match self.shape {
            Shape::Numbered(code) => Some(code),
            _ => None,
        }
    }

    /// This refusal for a reason, which the network would keep to itself.
    pub(super) fn because(self, explanation: impl Into<String>) -> Rejection {
        Rejection {
            refusal: self,
            message: None,
            explanation: explanation.into(),
        }
    }

    /// This refusal in other words, which are the reason too.
    pub(super) fn saying(self, message: impl Into<String>) -> Rejection {
        let message = message.into();
        Rejection {
            refusal: self,
            message: Some(message.clone()),
            explanation: message,
        }
    }
}

/// A refusal and the reason for it.
#[derive(Clone)]
pub(super) struct Rejection {
    pub(super) refusal: Refusal,
    /// What the answer says, if that is not what it always says.
    message: Option<String>,
    /// For the simulator's own record only, never part of the answer.
    pub(super) explanation: String,
}

impl Rejection {
    /// Status, code or name, the network's words and the reason, in one line.
    pub(super) fn summary(&self) -> String {
        let Refusal {
            status,
            message,
            shape,
        } = self.refusal;
        let explanation = &self.explanation;
        let message = message.trim_end_matches('.');
        match shape {
            Shape::Numbered(code) => format!("{status} {code} {message}: {explanation}"),
            Shape::Named(name) => format!("{status} {name}: {explanation}"),
            Shape::Problem(title, _) => format!("{status} {title}: {explanation}"),
            Shape::Bare | Shape::Text => format!("{status} {message}: {explanation}"),
            Shape::Empty => format!("{status} (no body): {explanation}"),
            Shape::Html => format!("{status} (a web page): {explanation}"),
        }
    }

    /// The same reason with another refusal.
    pub(super) fn instead(self, refusal: Refusal) -> Self {
        Self {
            refusal,
            message: None,
            explanation: self.explanation,
        }
    }

    /// The reply.
    pub(super) fn answer(&self) -> Answer {
        let message = self.message.as_deref().unwrap_or(self.refusal.message);
        Answer::refused(self.refusal.status, self.refusal.shape, message)
    }
}

/// A whole reply.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// X's number for the error in the body, if there is one.
    pub(super) code: Option<u16>,
    /// XRPC's name for the error in the body, if there is one.
    pub(super) error: Option<&'static str>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// A reply without a body. A number that is no status becomes 500.
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: None,
            error: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A reply of this media type.
    pub(super) fn of(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer =
            Self::empty(status).with(CONTENT_TYPE, HeaderValue::from_static(media_type));
        answer.body = body.into();
        answer
    }

    /// A reply in JSON.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, JSON, body.to_string())
    }

    /// A reply in JSON as X labels it.
    pub(super) fn json_of_x(status: u16, body: &Value) -> Self {
        Self::of(status, JSON_OF_X, body.to_string())
    }

    /// An error in the shape of version 1.1 of X's API.
    pub(super) fn error(status: u16, code: u16, message: &str) -> Self {
        Self::refused(status, Shape::Numbered(code), message)
    }

    /// The reply to a request that is refused.
    pub(super) fn refusal(refusal: Refusal) -> Self {
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
            Shape::Text => Self::of(status, "text/plain; charset=utf-8", message.to_owned()),
            Shape::Html => Self::of(status, "text/html; charset=UTF-8", message.to_owned()),
        }
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
