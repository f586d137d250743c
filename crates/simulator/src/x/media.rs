//! Uploads by version 2 of the API.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::picture::Upload;
use super::replies::{INVALID_REQUEST, TOO_LARGE_PROBLEM};
use crate::payload::{self, Part, Payload};
use crate::picture::Picture;
use crate::reply::Rejection;
use crate::text::{grouped, quoted};

/// How long an upload is kept, in seconds.
pub(crate) const LIFETIME: i64 = 86_400;

/// The media types that X's documentation lists for pictures.
const MEDIA_TYPES: [&str; 6] = [
    "image/jpeg",
    "image/bmp",
    "image/png",
    "image/webp",
    "image/pjpeg",
    "image/tiff",
];
/// The media categories that X's documentation lists for pictures.
const CATEGORIES: [&str; 3] = ["tweet_image", "dm_image", "subtitles"];

/// The kept uploads.
#[derive(Clone, Default)]
pub(crate) struct Uploads(Vec<Kept>);

#[derive(Clone)]
struct Kept {
    id: String,
    /// The time of the upload, in seconds since 1970.
    at: i64,
    picture: Picture,
}

impl Uploads {
    /// Keeps a picture and returns its id: a number too large for JavaScript's numbers.
    pub(crate) fn keep(&mut self, picture: Picture, number: u64, now: i64) -> String {
        self.0.retain(|kept| kept.is_current(now));
        let id = (1_146_654_567_674_912_769_u64.saturating_add(number)).to_string();
        self.0.push(Kept {
            id: id.clone(),
            at: now,
            picture,
        });
        id
    }

    /// The picture with this id.
    fn get(&self, id: &str, now: i64) -> Option<&Picture> {
        let kept = self.0.iter().find(|kept| kept.id == id)?;
        kept.is_current(now).then_some(&kept.picture)
    }

    /// Forgets all uploads, as X may do early.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }

    /// The upload that the body of `PUT /2/users/me/profile_image` names.
    ///
    /// # Errors
    ///
    /// If the body is wrong, or X has no such upload.
    pub(crate) fn named_in(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: i64,
    ) -> Result<Picture, Rejection> {
        let is_json = |value: &HeaderValue| {
            let text = value.to_str().unwrap_or_default();
            payload::essence(text) == "application/json"
        };
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        if !types.next().is_some_and(is_json) || types.next().is_some() {
            return Err(INVALID_REQUEST.because("the Content-Type is not application/json"));
        }
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| INVALID_REQUEST.because(format!("the body is not JSON: {error}")))?;
        let members = body
            .as_object()
            .ok_or_else(|| INVALID_REQUEST.because("the body is not an object"))?;
        if let Some(other) = members.keys().find(|name| *name != "media_id") {
            let other = quoted(other);
            return Err(INVALID_REQUEST.because(format!("there is no member {other}")));
        }
        let id = members.get("media_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| INVALID_REQUEST.because("media_id is not a string"))?;
        let picture = self.get(id, now).cloned();
        picture.ok_or_else(|| {
            INVALID_REQUEST.because("media_id names no upload, or one that has expired")
        })
    }
}

impl Kept {
    fn is_current(&self, now: i64) -> bool {
        (0..LIFETIME).contains(&now.saturating_sub(self.at))
    }
}

/// The body of the reply to an upload.
pub(crate) fn uploaded(id: &str, bytes: usize) -> Value {
    json!({
        "data": {
            "id": id,
            "media_key": format!("3_{id}"),
            "size": bytes,
            "expires_after_secs": LIFETIME,
        }
    })
}

/// The picture in the body of an upload.
///
/// # Errors
///
/// Why there is none.
pub(crate) fn picture_in(payload: &Payload, length: usize) -> Result<Picture, Rejection> {
    let invalid = |reason: String| Err(INVALID_REQUEST.because(reason));
    if length > payload::LARGEST {
        return Err(TOO_LARGE_PROBLEM.because(format!("the body has {} bytes", grouped(length))));
    }
    let parts = match payload {
        Payload::Multipart(Ok(parts)) => parts,
        Payload::Multipart(Err(reason)) | Payload::Other(reason) => return invalid(reason.clone()),
        other => {
            return invalid(format!(
                "the body is {} rather than multipart",
                other.kind()
            ));
        }
    };
    let one = |name: &str| -> Result<Option<&Part>, Rejection> {
        let mut named = parts.iter().filter(|part| part.name == name);
        match (named.next(), named.next()) {
            (one, None) => Ok(one),
            _ => Err(INVALID_REQUEST.because(format!("{name} is given twice"))),
        }
    };
    let text = |part: &Part| String::from_utf8_lossy(&part.bytes).into_owned();
    let Some(media) = one("media")? else {
        return invalid("no part is named media".to_owned());
    };
    match one("media_category")?.map(text) {
        None => return invalid("media_category is missing".to_owned()),
        Some(category) if category == "tweet_image" => {}
        Some(category) if CATEGORIES.contains(&category.as_str()) => {
            return invalid(format!(
                "media_category is {category}, which is of no use for a profile"
            ));
        }
        Some(category) => return invalid(format!("media_category is {}", quoted(&category))),
    }
    let declared = one("media_type")?.map(text);
    if let Some(declared) = &declared
        && !MEDIA_TYPES.contains(&declared.as_str())
    {
        return invalid(format!("media_type is {}", quoted(declared)));
    }
    // Version 1.1 requires the same of a picture; its explanation fits here too.
    let upload = Upload::inspect(media.bytes.clone(), declared.as_deref());
    match upload.problem {
        Some(problem) => invalid(problem.explanation),
        None => Ok(upload.picture),
    }
}
