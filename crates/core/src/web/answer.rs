//! Answers, and what every one of them has.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::web::problem::Problem;

/// A response with its whole body.
pub type Answer = Response<Vec<u8>>;

/// Gives an answer the headers that keep a browser from making more of it, and anybody from keeping
/// what holds for this moment only. A host sends no answer that has not been through here.
pub fn guarded(answer: Result<Answer, Problem>) -> Answer {
    let mut answer = answer.unwrap_or_else(Problem::into_response);
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
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

/// An answer in JSON.
pub(super) fn json_answer(value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("what is answered is plain data");
    let mut answer = Answer::new(body);
    insert(&mut answer, CONTENT_TYPE, "application/json");
    answer
}

/// Returns the members of a value that is written as a JSON object.
pub(super) fn json_object(value: &impl Serialize) -> Map<String, Value> {
    let value = serde_json::to_value(value).expect("what is answered is plain data");
    value.as_object().cloned().expect("it is an object")
}

/// The answer to a request that is done and has nothing to tell.
pub(super) fn no_content() -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Sets a header whose value is plain ASCII, as every value here is.
pub(super) fn insert(answer: &mut Answer, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("the value is plain ASCII");
    answer.headers_mut().insert(name, value);
}
