//! The HTTP interface: which requests are answered, and how. It is written
//! over the ports, so a host only carries requests in and responses out.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /icon` | a new icon, and with it a new frame set |
//! | `GET /frames/{n}` | a frame of the current set |
//!
//! What needs to know the account's standing is answered in [`crate::web::account`].

use std::pin::Pin;

use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, REFERRER_POLICY, TRANSFER_ENCODING, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::account::settings::{Settings, TRIGGER_TOKEN, trigger_token_in};
use crate::frames::store::{self, current_set};
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{Store, Upload, UploadError};
use crate::web::icon_upload::{self, IconUpload};
use crate::web::problem::Problem;

/// A response with its whole body.
pub type Answer = Response<Vec<u8>>;

/// Answers one request. Its body is read only where one is asked for, and only
/// from who may send it.
pub async fn respond<H: Store>(
    request: &Request<()>,
    body: &impl Upload,
    settings: &Settings,
    host: &H,
) -> Answer {
    // Each in a function of its own: what compiles a Worker at its first request
    // compiles whole functions, and few requests need more than one of these.
    type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'a>>;
    let answering = route(request).map(|route| -> Answering<'_> {
        match route {
            Route::Icon => Box::pin(icon(request, body, settings, host)),
            Route::Frame(n) => Box::pin(frame(request, n, host)),
        }
    });
    let answer = match answering {
        Ok(answering) => answering.await,
        Err(problem) => Err(problem),
    };
    guarded(answer)
}

/// Gives every answer the headers that keep a browser from making more of it, and
/// anyone from keeping what is of this moment only. Whatever leaves a host has been
/// through here.
pub fn guarded(answer: Result<Answer, Problem>) -> Answer {
    let mut answer = answer.unwrap_or_else(Problem::into_response);
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Whether a request needs to know the account's standing.
pub fn needs_account(request: &Request<()>) -> bool {
    let path = request.uri().path();
    matches!(path, "/" | "/turn" | "/journal" | "/health") || path.starts_with("/networks/")
}

enum Route {
    Icon,
    Frame(u16),
}

/// Reads path and method.
fn route(request: &Request<()>) -> Result<Route, Problem> {
    let path = request.uri().path();
    let (route, allowed) = match path {
        "/icon" => (Route::Icon, "PUT"),
        _ => match path.strip_prefix("/frames/").map(frame_number) {
            Some(Some(n)) => (Route::Frame(n), "GET, HEAD"),
            Some(None) => {
                return Err(Problem::new(
                    StatusCode::NOT_FOUND,
                    "A frame is named by its number alone: /frames/0, /frames/1 and so on.",
                ));
            }
            None => {
                return Err(Problem::new(
                    StatusCode::NOT_FOUND,
                    "There is the page at /, POST /turn, PUT /icon, GET /frames/{n}, GET /journal and GET /health.",
                ));
            }
        },
    };
    allow(request, allowed)?;
    Ok(route)
}

/// Lets only these methods pass.
pub(crate) fn allow(request: &Request<()>, allowed: &'static str) -> Result<(), Problem> {
    if allowed.split(", ").any(|method| method == request.method()) {
        Ok(())
    } else {
        let path = request.uri().path();
        Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{path} answers to {allowed} only."),
        )
        .with_header(ALLOW, HeaderValue::from_static(allowed)))
    }
}

/// A frame's number in its one form: decimal digits, no sign, no leading zero.
pub(crate) fn frame_number(text: &str) -> Option<u16> {
    let n: u16 = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

/// Takes a new icon. What the query leaves open stays as it is in the current
/// set.
async fn icon<H: Store>(
    request: &Request<()>,
    body: &impl Upload,
    settings: &Settings,
    host: &H,
) -> Result<Answer, Problem> {
    authorize(request, settings)?;
    let choices = query(request, &icon_upload::CHOICES)?;
    let current = match current_set(host).await {
        Ok(set) => Some(set),
        // The new icon is the remedy.
        Err(diagnosis) if matches!(diagnosis.reason, Reason::NoIcon | Reason::Frames) => None,
        Err(diagnosis) => return Err(unavailable(&diagnosis)),
    };
    let upload = IconUpload::of(&choices, current.as_ref())?;
    refuse_length_above(request, icon_upload::MAX_BYTES)?;
    let (set, icon) = upload.read(body, content_type(request)).await?;
    store::publish(host, &set, &icon)
        .await
        .map_err(|diagnosis| unavailable(&diagnosis))?;
    Ok(json_answer(&json!({
        "changed": current.as_ref() != Some(&set),
        "frame_set": set,
        "crop": upload.recipe.crop.to_string(),
        "background": upload.recipe.background.to_string(),
    })))
}

/// Lets only the holder of the trigger token pass (RFC 6750).
pub(crate) fn authorize(request: &Request<()>, settings: &Settings) -> Result<(), Problem> {
    let closed = |why: String| {
        let detail = format!(
            "This is closed: {why}. Set it with `npx wrangler secret put {TRIGGER_TOKEN}`, or in \
             .dev.vars for wrangler dev."
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    let token = match &settings.trigger_token {
        Ok(Some(token)) => token,
        Ok(None) => return Err(closed(format!("{TRIGGER_TOKEN} is not set"))),
        Err(errors) => return Err(closed(errors.to_string())),
    };
    let unauthorized = |detail: &str, challenge| {
        Problem::new(StatusCode::UNAUTHORIZED, detail)
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    };
    let Some(bearer) = bearer_token(request) else {
        return Err(unauthorized(
            "This needs the header `Authorization: Bearer TOKEN`, with the trigger token.",
            "Bearer",
        ));
    };
    // What is pasted for the setting is cleaned too.
    if token.matches(&trigger_token_in(bearer)) {
        Ok(())
    } else {
        Err(unauthorized(
            "That is not the trigger token.",
            "Bearer error=\"invalid_token\"",
        ))
    }
}

fn bearer_token(request: &Request<()>) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim())
}

/// No request here takes a body, so one that has a body is a mistake that
/// should not pass unnoticed, nor cost memory.
pub(crate) fn refuse_body(request: &Request<()>) -> Result<(), Problem> {
    let headers = request.headers();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    if lengths.all(|length| length == "0") && !headers.contains_key(TRANSFER_ENCODING) {
        Ok(())
    } else {
        Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This takes no body; what there is to say goes into the query.",
        ))
    }
}

/// What the sender says the body is; empty if nothing.
fn content_type(request: &Request<()>) -> &str {
    let value = request.headers().get(CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Spares a large body the way here if it says its length.
fn refuse_length_above(request: &Request<()>, max_bytes: usize) -> Result<(), Problem> {
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > max_bytes as u64 => {
            Err(icon_upload::refusal(&UploadError::TooLarge, ""))
        }
        _ => Ok(()),
    }
}

/// The query's parameters, each at most once and none but those named.
pub(crate) fn query(
    request: &Request<()>,
    known: &[&str],
) -> Result<Vec<(String, String)>, Problem> {
    let bad = |detail| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    let mut parameters: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()) {
        if !known.contains(&name.as_ref()) {
            return bad(if known.is_empty() {
                "This takes no query parameters.".to_owned()
            } else {
                format!("The query parameters here are: {}.", known.join(", "))
            });
        }
        if parameters.iter().any(|(seen, _)| *seen == name) {
            return bad(format!("`{name}` is given more than once."));
        }
        parameters.push((name.into_owned(), value.into_owned()));
    }
    Ok(parameters)
}

async fn frame<H: Store>(request: &Request<()>, n: u16, host: &H) -> Result<Answer, Problem> {
    query(request, &[])?;
    let set = current_set(host)
        .await
        .map_err(|diagnosis| unavailable(&diagnosis))?;
    if n >= set.frames().get() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!(
                "There is no frame {n}: the current set has {}.",
                set.frames()
            ),
        ));
    }
    let etag = set.frame_etag(n);
    let mut answer = if is_known(request, &etag) {
        let mut answer = Answer::default();
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else {
        let frame = store::frame(host, &set, n)
            .await
            .map_err(|diagnosis| unavailable(&diagnosis))?;
        let mut answer = Answer::new(frame);
        insert(&mut answer, CONTENT_TYPE, set.media_type().as_str());
        answer
    };
    insert(&mut answer, ETAG, &etag);
    // As long as KV itself may be behind; the tag makes asking again cheap.
    insert(&mut answer, CACHE_CONTROL, "public, max-age=60");
    Ok(answer)
}

/// Whether `If-None-Match` names this tag (RFC 9110 §13.1.2, weak comparison).
fn is_known(request: &Request<()>, etag: &str) -> bool {
    request
        .headers()
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn unavailable(diagnosis: &Diagnosis) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, diagnosis.in_words())
}

pub(crate) fn json_object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

pub(crate) fn json_answer(value: &impl Serialize) -> Answer {
    let mut answer = Answer::new(serde_json::to_vec(value).unwrap_or_default());
    insert(&mut answer, CONTENT_TYPE, "application/json");
    answer
}

/// Sets a header whose value is plain ASCII, as every value here is.
pub(crate) fn insert(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests;
