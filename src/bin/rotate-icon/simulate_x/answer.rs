//! Replies as data, in the shapes that X gives them.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The media type of X's own answers.
const JSON: &str = "application/json;charset=utf-8";

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// How many requests one window allows, as the headers have it. Nothing is counted: that limits are
/// reached is a fault to be asked for.
const REQUESTS_PER_WINDOW: u32 = 150;
/// The length of a window in seconds.
const WINDOW: i64 = 900;

pub(super) const BAD_AUTHENTICATION_DATA: Refusal =
    Refusal::new(400, 215, "Bad Authentication data.");
pub(super) const BAD_REQUEST: Refusal = Refusal::new(400, 214, "Bad request");
pub(super) const COULD_NOT_AUTHENTICATE: Refusal =
    Refusal::new(401, 32, "Could not authenticate you.");
pub(super) const IMAGE_IN_QUERY: Refusal = Refusal::empty(430);
pub(super) const IMAGE_MISSING: Refusal = Refusal::new(403, 38, "image parameter is missing.");
pub(super) const INVALID_TOKEN: Refusal = Refusal::new(401, 89, "Invalid or expired token.");
pub(super) const MEDIA_TYPE_UNRECOGNIZED: Refusal =
    Refusal::new(422, 120, "Account update failed: media type unrecognized.");
pub(super) const NO_SUCH_PAGE: Refusal = Refusal::new(404, 34, "Sorry, that page does not exist.");
pub(super) const TIMESTAMP_OUT_OF_BOUNDS: Refusal =
    Refusal::new(401, 135, "Timestamp out of bounds.");
pub(super) const TOO_LARGE: Refusal = Refusal::empty(413);

/// A way in which X refuses a request: `{"errors":[{"code":…,"message":"…"}]}`, or nothing but a
/// status.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: Option<u16>,
    pub(super) message: &'static str,
}

impl Refusal {
    /// A refusal with X's number and words for it.
    pub(super) const fn new(status: u16, code: u16, message: &'static str) -> Self {
        Self {
            status,
            code: Some(code),
            message,
        }
    }

    /// A refusal with an empty body.
    pub(super) const fn empty(status: u16) -> Self {
        Self {
            status,
            code: None,
            message: "",
        }
    }

    /// This refusal for a reason, which X would keep to itself.
    pub(super) fn because(self, explanation: impl Into<String>) -> Rejection {
        Rejection {
            refusal: self,
            explanation: explanation.into(),
        }
    }
}

/// A refusal and the reason for it.
#[derive(Clone)]
pub(super) struct Rejection {
    pub(super) refusal: Refusal,
    /// For the simulator's own record only, never part of the answer.
    pub(super) explanation: String,
}

impl Rejection {
    /// Status, code, X's words and the reason, in one line.
    pub(super) fn summary(&self) -> String {
        let Refusal {
            status,
            code,
            message,
        } = self.refusal;
        let explanation = &self.explanation;
        match code {
            Some(code) => {
                let message = message.trim_end_matches('.');
                format!("{status} {code} {message}: {explanation}")
            }
            None => format!("{status} (no body): {explanation}"),
        }
    }
}

/// A whole reply.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// X's number for the error in the body, if there is one.
    pub(super) code: Option<u16>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// A reply without a body. A number that is no status becomes 500.
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: None,
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

    /// A reply in JSON as X labels it.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, JSON, body.to_string())
    }

    /// An error in the shape of version 1.1 of the API.
    pub(super) fn error(status: u16, code: u16, message: &str) -> Self {
        let body = json!({ "errors": [{ "code": code, "message": message }] });
        Self {
            code: Some(code),
            ..Self::json(status, &body)
        }
    }

    /// The reply to a request that is refused.
    pub(super) fn refusal(refusal: Refusal) -> Self {
        match refusal.code {
            Some(code) => Self::error(refusal.status, code, refusal.message),
            None => Self::empty(refusal.status),
        }
    }

    /// The reply to a picture that was taken: the user object of version 1.1 of the API. It still
    /// names the previous picture, because X works on the new one after it has answered.
    pub(super) fn user(previous_picture: &str, now: DateTime<Utc>) -> Self {
        Self::json(200, &user(previous_picture)).with_rate_limit(REQUESTS_PER_WINDOW - 1, now)
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same with the headers that tell how many requests are left.
    pub(super) fn with_rate_limit(self, remaining: u32, now: DateTime<Utc>) -> Self {
        self.with(RATE_LIMIT, HeaderValue::from(REQUESTS_PER_WINDOW))
            .with(RATE_REMAINING, HeaderValue::from(remaining))
            .with(RATE_RESET, HeaderValue::from(now.timestamp() + WINDOW))
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

fn user(previous_picture: &str) -> Value {
    json!({
        "id": 1,
        "id_str": "1",
        "name": "Local account",
        "screen_name": "local_account",
        "location": "",
        "description": "An account that exists on this machine only.",
        "url": null,
        "entities": { "description": { "urls": [] } },
        "protected": false,
        "followers_count": 0,
        "friends_count": 0,
        "listed_count": 0,
        "created_at": "Tue Mar 21 20:50:14 +0000 2006",
        "favourites_count": 0,
        "utc_offset": null,
        "time_zone": null,
        "geo_enabled": false,
        "verified": false,
        "statuses_count": 0,
        "lang": null,
        "profile_background_color": "F5F8FA",
        "profile_image_url": previous_picture.replacen("https:", "http:", 1),
        "profile_image_url_https": previous_picture,
        "profile_link_color": "1DA1F2",
        "profile_text_color": "333333",
        "profile_use_background_image": true,
        "default_profile": true,
        "default_profile_image": previous_picture.contains("default_profile"),
        "following": false,
        "notifications": false,
        "suspended": false
    })
}
