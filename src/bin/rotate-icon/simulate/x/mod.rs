//! X: an app, an account, its picture, and the sign-in by PIN.

mod answer;
mod attempt;
mod authorization;
mod endpoint;
mod faults;
mod judge;
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
pub(super) use self::endpoint::UPDATE_PATH;
pub(super) use self::faults::FAULTS;
pub(super) use self::judge::Keys;
use self::judge::{Nonces, Request};
use self::sign_in::SignIns;
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
    sign_ins: SignIns,
}

impl X {
    /// X with one app and one account.
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            keys,
            nonces: Nonces::default(),
            sign_ins: SignIns::default(),
        }
    }

    /// The PIN of a sign-in, as if the person had been asked and said yes.
    pub(super) fn pin(&mut self, token: &str, now: i64) -> Option<String> {
        self.sign_ins.allow(token, now)
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
    let x = &mut state.x;
    let mut sign_ins = x.sign_ins.clone();
    let outcome = request.judge(&x.keys, &mut x.nonces, &mut sign_ins, &picture, now);
    if fault.is_none_or(Fault::lets_pass) {
        x.sign_ins = sign_ins;
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
        picture: request.upload.ok().map(|upload| upload.picture),
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
