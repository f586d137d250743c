//! The routes under `/simulator/`, by which tests and demos ask for faults and look at what came.
//!
//! | request | answer |
//! |---|---|
//! | `GET /simulator/faults` | the known faults and the queue |
//! | `PUT /simulator/faults` | adds `{"fault":"hang","times":1}`; without `times` for ever |
//! | `DELETE /simulator/faults` | clears the queue |
//! | `GET /simulator/received` | the requests received, newest first |
//! | `DELETE /simulator/received` | forgets them; the account keeps its picture |
//! | `GET /simulator/received/{number}/picture` | the bytes of a picture as they were received |
//! | `GET /simulator/icon` | the bytes of the account's picture as it is now |

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{FAULTS, Queued};
use super::page;
use super::received::Received;
use super::state::{Simulator, State as Known};

/// The routes, to be put under `/simulator`.
pub(super) fn routes() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/faults", get(faults).put(add_fault).delete(clear_faults))
        .route("/received", get(received).delete(clear_received))
        .route("/received/{number}/picture", get(picture))
        .route("/icon", get(icon))
        .route("/style.css", get(page::style))
}

/// What is asked for with `PUT /simulator/faults`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    fault: String,
    times: Option<u32>,
}

async fn faults(State(simulator): State<Arc<Simulator>>) -> Response {
    json_response(StatusCode::OK, &fault_list(&simulator.state()))
}

async fn add_fault(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    let queued = serde_json::from_slice(&body)
        .map_err(|error| format!("expected {{\"fault\":\"hang\",\"times\":1}}: {error}"))
        .and_then(|Asked { fault, times }| Queued::new(&fault, times));
    match queued {
        Ok(queued) => {
            let mut state = simulator.state();
            state.faults.push(queued);
            json_response(StatusCode::OK, &fault_list(&state))
        }
        Err(error) => json_response(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    }
}

async fn clear_faults(State(simulator): State<Arc<Simulator>>) -> Response {
    let mut state = simulator.state();
    state.faults.clear();
    json_response(StatusCode::OK, &fault_list(&state))
}

fn fault_list(state: &Known) -> Value {
    let queue: Vec<Value> = state
        .faults
        .iter()
        .map(|queued| json!({ "fault": queued.fault.name, "times": queued.times }))
        .collect();
    json!({ "known": FAULTS, "queue": queue })
}

async fn received(State(simulator): State<Arc<Simulator>>) -> Response {
    let state = simulator.state();
    let list: Vec<&Received> = state.journal.newest_first().collect();
    json_response(StatusCode::OK, &list)
}

async fn clear_received(State(simulator): State<Arc<Simulator>>) -> StatusCode {
    simulator.state().journal.clear();
    StatusCode::NO_CONTENT
}

async fn picture(State(simulator): State<Arc<Simulator>>, Path(number): Path<u64>) -> Response {
    let state = simulator.state();
    let received = state.journal.get(number);
    match received.and_then(|received| received.bytes.clone().zip(received.picture.as_ref())) {
        Some((bytes, facts)) => picture_response(bytes, facts.media_type),
        None => missing("no picture came with that request, or it is no longer kept"),
    }
}

async fn icon(State(simulator): State<Arc<Simulator>>) -> Response {
    match &simulator.state().icon {
        Some(icon) => picture_response(icon.bytes.clone(), icon.facts.media_type),
        None => missing("the account has no picture yet"),
    }
}

fn missing(error: &str) -> Response {
    json_response(StatusCode::NOT_FOUND, &json!({ "error": error }))
}

/// The bytes as they came. Since anything may have been sent as a picture, a browser is kept from
/// guessing what it is and from running it.
fn picture_response(bytes: Bytes, media_type: Option<&'static str>) -> Response {
    let headers: [(HeaderName, &'static str); 4] = [
        (
            CONTENT_TYPE,
            media_type.unwrap_or("application/octet-stream"),
        ),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, bytes).into_response()
}

fn json_response(status: StatusCode, value: &impl Serialize) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_string(value) {
        Ok(text) => (status, headers, text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
