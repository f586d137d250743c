//! X: one app, one account, its picture, and the sign-in by PIN.

mod authorization;
mod endpoint;
mod faults;
mod judge;
mod media;
mod picture;
mod replies;
mod sign_in;
pub(crate) mod signature;
mod signing;

use http::HeaderMap;

pub(crate) use self::endpoint::ENDPOINTS;
use self::endpoint::Endpoint;
#[cfg(test)]
pub(crate) use self::endpoint::{ME_PATH, SET_PATH, UPDATE_PATH, UPLOAD_PATH};
pub(crate) use self::faults::FAULTS;
pub use self::judge::Keys;
use self::judge::{Call, Context, Memory, Nonces};
use self::media::Uploads;
use self::replies::user_reply;
use self::sign_in::SignIns;
pub(crate) use self::sign_in::{allow, ask};
use crate::answer::Answer;
use crate::faults::Fault;
use crate::network::Network;
use crate::random::Random;
use crate::request::Request;
use crate::simulator::{Icon, Judged, Simulator};

/// The picture of an account that has not set one.
const DEFAULT_PICTURE: &str =
    "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png";

/// X's state.
pub(crate) struct X {
    keys: Keys,
    nonces: Nonces,
    memory: Memory,
}

impl X {
    /// X with one app and one account.
    pub(crate) fn new(keys: Keys, random: Random) -> Self {
        Self {
            keys,
            nonces: Nonces::default(),
            memory: Memory {
                sign_ins: SignIns::new(random),
                uploads: Uploads::default(),
            },
        }
    }

    /// Agrees to a sign-in, as its owner would, and returns the PIN.
    pub(crate) fn agree(&mut self, token: &str, now: i64) -> Option<String> {
        self.memory.sign_ins.agree(token, now)
    }

    /// Forgets the uploads, as X may do early.
    pub(crate) fn forget_uploads(&mut self) {
        self.memory.uploads.forget();
    }
}

/// Judges, records and answers a request.
pub(crate) fn receive(simulator: &mut Simulator, request: &Request) -> Answer {
    let call = Call::of(request);
    let now = simulator.clock.now();
    let endpoint = call.endpoint.map(Endpoint::name);
    let fault = endpoint.and_then(|endpoint| simulator.faults.take(Network::X, None, endpoint));
    let picture = simulator
        .icon(Network::X)
        .map_or_else(|| DEFAULT_PICTURE.to_owned(), picture_url);

    // Judged on a copy, which is kept unless a fault prevents the effect. The nonce is used up in
    // either case.
    let x = &mut simulator.x;
    let mut memory = x.memory.clone();
    let outcome = call.judge(&mut Context {
        keys: &x.keys,
        nonces: &mut x.nonces,
        memory: &mut memory,
        picture: &picture,
        number: simulator.journal.next_number(),
        now,
    });
    if fault.is_none_or(Fault::lets_pass) {
        x.memory = memory;
    }
    let is_update = call.endpoint == Some(Endpoint::Update);
    simulator.settle(Judged {
        network: Network::X,
        server: None,
        account: None,
        endpoint,
        fault,
        outcome,
        headers: HeaderMap::new(),
        cut_off: is_update.then(|| user_reply(&picture, now)),
        body: call.payload.kind(),
        oauth: call
            .authorization
            .ok()
            .map(|authorization| (authorization.timestamp, authorization.nonce)),
        picture: call
            .upload
            .ok()
            .map(|upload| upload.picture)
            .or(call.media.ok()),
    })
}

/// A URL in the shape of X's own. Nothing is there.
fn picture_url(icon: &Icon) -> String {
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
