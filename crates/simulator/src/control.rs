//! The routes under `/simulator/`, by which tests and demos ask for faults, look at what came and
//! do what other people do to an account.
//!
//! | request | answer |
//! |---|---|
//! | `GET /simulator/faults` | the known faults and the queue |
//! | `PUT /simulator/faults` | adds `{"fault":"hang","times":1}`; without `times` for ever, with `endpoint` at that one only |
//! | `DELETE /simulator/faults` | clears the queue |
//! | `GET /simulator/received` | the requests received, newest first |
//! | `DELETE /simulator/received` | forgets them; the accounts keep their pictures |
//! | `GET /simulator/received/{number}/picture` | the bytes of a picture as they were received |
//! | `GET /simulator/icon` | the bytes of the account's picture as it is now |
//! | `GET /simulator/pin?oauth_token=…` | `{"pin":"1234567"}`, as if the person had said yes to a sign-in on X |
//! | `DELETE /simulator/uploads` | has X forget what was uploaded and not set yet |
//! | `GET /simulator/bluesky` | the account on Bluesky |
//! | `PATCH /simulator/bluesky` | changes it, see [`bluesky::Change`] |
//! | `GET /simulator/mastodon` | the account on Mastodon |
//! | `PATCH /simulator/mastodon` | changes `token`, `scopes` or `software` |
//! | `GET /simulator/clock` | `{"now":"…","offset":0}` |
//! | `PUT /simulator/clock` | shifts the clock to `{"offset":7200}` seconds ahead |
//!
//! Faults, requests and the icon are those of one network with `?network=bluesky`, or `"network"`
//! in what is put. Without it they are those of X, but all requests are listed, and what is
//! deleted is that of all networks.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::{Clock, WIDEST_OFFSET, rfc_3339};
use super::faults::Queued;
use super::network::Network;
use super::received::Received;
use super::state::{Simulator, State as Known};
use super::{bluesky, mastodon, page};

/// The routes, to be put under `/simulator`.
pub(super) fn routes() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/faults", get(faults).put(add_fault).delete(clear_faults))
        .route("/received", get(received).delete(clear_received))
        .route("/received/{number}/picture", get(picture))
        .route("/icon", get(icon))
        .route("/pin", get(pin))
        .route("/uploads", delete(forget_uploads))
        .route("/bluesky", get(show_bluesky).patch(change_bluesky))
        .route("/mastodon", get(show_mastodon).patch(change_mastodon))
        .route("/clock", get(show_clock).put(set_clock))
        .route("/style.css", get(page::style))
}

/// What is asked for with `PUT /simulator/faults`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    fault: String,
    times: Option<u32>,
    network: Option<String>,
    endpoint: Option<String>,
}

impl Asked {
    fn queued(&self) -> Result<Queued, String> {
        let network = match &self.network {
            None => Network::X,
            Some(name) => Network::named(name)?,
        };
        Queued::new(network, &self.fault, self.endpoint.as_deref(), self.times)
    }
}

/// What is asked for with `PUT /simulator/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shift {
    offset: i64,
}

/// A parameter of the query.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// The network in the query, if there is one. What is wrong is answered at once.
fn network(uri: &Uri) -> Result<Option<Network>, Box<Response>> {
    parameter(uri, "network")
        .map(|name| Network::named(&name))
        .transpose()
        .map_err(|error| Box::new(bad_request(&error)))
}

async fn faults(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    match network(&uri) {
        Ok(network) => fault_list(&simulator.state(), network.unwrap_or(Network::X)),
        Err(response) => *response,
    }
}

async fn add_fault(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    let queued =
        read(&body, "{\"fault\":\"hang\",\"times\":1}").and_then(|asked: Asked| asked.queued());
    match queued {
        Ok(queued) => {
            let network = queued.network;
            let mut state = simulator.state();
            state.faults.push(queued);
            fault_list(&state, network)
        }
        Err(error) => bad_request(&error),
    }
}

async fn clear_faults(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    match network(&uri) {
        Ok(network) => {
            let mut state = simulator.state();
            state.faults.clear(network);
            fault_list(&state, network.unwrap_or(Network::X))
        }
        Err(response) => *response,
    }
}

fn fault_list(state: &Known, network: Network) -> Response {
    let queue: Vec<Value> = state
        .faults
        .iter(network)
        .map(|queued| {
            let mut shown = json!({ "fault": queued.fault.name, "times": queued.times });
            if let (Some(endpoint), Some(members)) = (queued.endpoint, shown.as_object_mut()) {
                members.insert("endpoint".to_owned(), endpoint.into());
            }
            shown
        })
        .collect();
    let list = json!({
        "network": network,
        "endpoints": network.endpoints(),
        "known": network.faults(),
        "queue": queue,
    });
    json_response(StatusCode::OK, &list)
}

async fn received(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    match network(&uri) {
        Ok(network) => {
            let state = simulator.state();
            let list: Vec<&Received> = state.journal.newest_first(network).collect();
            json_response(StatusCode::OK, &list)
        }
        Err(response) => *response,
    }
}

async fn clear_received(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    match network(&uri) {
        Ok(network) => {
            simulator.state().journal.clear(network);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(response) => *response,
    }
}

async fn pin(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    let now = simulator.clock.now().timestamp();
    let pin = parameter(&uri, "oauth_token").and_then(|token| simulator.state().x.pin(&token, now));
    match pin {
        Some(pin) => json_response(StatusCode::OK, &json!({ "pin": pin })),
        None => missing("no sign-in is under way with that oauth_token"),
    }
}

async fn forget_uploads(State(simulator): State<Arc<Simulator>>) -> StatusCode {
    simulator.state().x.forget_uploads();
    StatusCode::NO_CONTENT
}

async fn show_bluesky(State(simulator): State<Arc<Simulator>>) -> Response {
    let now = simulator.clock.now();
    json_response(StatusCode::OK, &simulator.state().bluesky.describe(now))
}

async fn change_bluesky(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    let now = simulator.clock.now();
    let mut state = simulator.state();
    let changed = read(&body, "{\"expire\":\"access\"}")
        .and_then(|change: bluesky::Change| state.bluesky.change(change, now));
    match changed {
        Ok(()) => json_response(StatusCode::OK, &state.bluesky.describe(now)),
        Err(error) => bad_request(&error),
    }
}

async fn show_mastodon(State(simulator): State<Arc<Simulator>>) -> Response {
    json_response(StatusCode::OK, &simulator.state().mastodon.describe())
}

async fn change_mastodon(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    match read::<mastodon::Change>(&body, "{\"scopes\":\"read\"}") {
        Ok(change) => {
            let mut state = simulator.state();
            state.mastodon.change(change);
            json_response(StatusCode::OK, &state.mastodon.describe())
        }
        Err(error) => bad_request(&error),
    }
}

async fn show_clock(State(simulator): State<Arc<Simulator>>) -> Response {
    clock(&simulator.clock)
}

async fn set_clock(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    match read::<Shift>(&body, "{\"offset\":7200}") {
        Ok(Shift { offset }) if offset.unsigned_abs() <= WIDEST_OFFSET.unsigned_abs() => {
            simulator.clock.set_offset(offset);
            clock(&simulator.clock)
        }
        Ok(_) => bad_request("the offset has to be within ten years"),
        Err(error) => bad_request(&error),
    }
}

fn clock(clock: &Clock) -> Response {
    let shown = json!({ "now": rfc_3339(clock.now()), "offset": clock.offset() });
    json_response(StatusCode::OK, &shown)
}

/// Reads what was put, or says what was expected.
fn read<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("expected {example}: {error}"))
}

fn bad_request(error: &str) -> Response {
    json_response(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

async fn picture(State(simulator): State<Arc<Simulator>>, Path(number): Path<u64>) -> Response {
    let state = simulator.state();
    let received = state.journal.get(number);
    match received.and_then(|received| received.bytes.clone().zip(received.picture.as_ref())) {
        Some((bytes, facts)) => picture_response(bytes, facts.media_type),
        None => missing("no picture came with that request, or it is no longer kept"),
    }
}

async fn icon(State(simulator): State<Arc<Simulator>>, uri: Uri) -> Response {
    let network = match network(&uri) {
        Ok(network) => network.unwrap_or(Network::X),
        Err(response) => return *response,
    };
    match simulator.state().icon(network) {
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
