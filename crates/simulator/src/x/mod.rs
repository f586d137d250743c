//! X: an app, an account, its picture, and the sign-in by PIN.

mod answer;
mod attempt;
mod authorization;
mod endpoint;
mod faults;
mod judge;
mod media;
mod picture;
mod sign_in;
pub(super) mod signature;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;

use self::answer::user_answer;
pub(super) use self::endpoint::ENDPOINTS;
use self::endpoint::Endpoint;
#[cfg(test)]
pub(super) use self::endpoint::{ME_PATH, SET_PATH, UPDATE_PATH, UPLOAD_PATH};
pub(super) use self::faults::FAULTS;
pub(super) use self::judge::Keys;
use self::judge::{Memory, Nonces, Request};
use super::faults::{Delivery, Fault};
use super::incoming::Incoming;
use super::network::Network;
use super::state::{Icon, Judged, Simulator};

/// What an account has before it has a picture.
const DEFAULT_PICTURE: &str =
    "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png";

/// What X knows.
pub(super) struct X {
    keys: Keys,
    nonces: Nonces,
    memory: Memory,
}

impl X {
    /// X with one app and one account.
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            keys,
            nonces: Nonces::default(),
            memory: Memory::default(),
        }
    }

    /// The PIN of a sign-in, as if the person had been asked and said yes.
    pub(super) fn pin(&mut self, token: &str, now: i64) -> Option<String> {
        self.memory.sign_ins.allow(token, now)
    }

    /// Forgets what was uploaded, as X may do before its time.
    pub(super) fn forget_uploads(&mut self) {
        self.memory.uploads.forget();
    }
}

/// The pages that a person sees while signing in.
pub(super) fn pages() -> Router<Arc<Simulator>> {
    sign_in::pages()
}

/// Judges a request, records it and says what to do for it.
pub(super) async fn receive(simulator: &Simulator, incoming: Incoming) -> Delivery {
    let request = Request::of(incoming).await;
    let now = simulator.clock.now();
    let mut state = simulator.state();
    let endpoint = request.endpoint.map(Endpoint::name);
    let fault = endpoint.and_then(|endpoint| state.faults.take(Network::X, endpoint));
    let picture = state
        .icon(Network::X)
        .map_or_else(|| DEFAULT_PICTURE.to_owned(), address);

    // Judged on a copy, which is kept unless a fault keeps the request from having an effect. A
    // nonce is spent in any case.
    let number = state.journal.next_number();
    let x = &mut state.x;
    let mut memory = x.memory.clone();
    let outcome = request.judge(&x.keys, &mut x.nonces, &mut memory, &picture, number, now);
    if fault.is_none_or(Fault::lets_pass) {
        x.memory = memory;
    }
    let is_update = request.endpoint == Some(Endpoint::Update);
    let judged = Judged {
        network: Network::X,
        endpoint,
        fault,
        outcome,
        headers: HeaderMap::new(),
        cut_off: is_update.then(|| user_answer(&picture, now)),
        body: request.payload.kind(),
        oauth: request
            .authorization
            .ok()
            .map(|authorization| (authorization.timestamp, authorization.nonce)),
        picture: request
            .upload
            .ok()
            .map(|upload| upload.picture)
            .or(request.media.ok()),
    };
    state.settle(judged, now)
}

/// An address in the shape of X's own ones; nothing is there.
fn address(icon: &Icon) -> String {
    let digest = icon.facts.sha256.get(..8).unwrap_or_default();
    let ending = match icon.facts.media_type {
        Some("image/png") => "png",
        Some("image/gif") => "gif",
        _ => "jpg",
    };
    format!(
        "https://pbs.twimg.com/profile_images/{}/{digest}_normal.{ending}",
        icon.number
    )
}
