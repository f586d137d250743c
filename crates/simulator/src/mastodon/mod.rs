//! Mastodon: a server with one account and one access token. It can behave like other software that
//! offers the same API.

mod faults;
mod judge;
mod software;

use chrono::{DateTime, SecondsFormat};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use self::faults::FAULTS;
use self::judge::{Call, avatar_in};
pub use self::software::Software;
use crate::answer::Answer;
use crate::network::Network;
use crate::payload::Payload;
use crate::rate_limit::{Left, Window};
use crate::reply::Refusal;
use crate::request::Request;
use crate::simulator::{Judged, Simulator};

const UPDATE: &str = "accounts/update_credentials";
const VERIFY: &str = "accounts/verify_credentials";
const VERIFY_APP: &str = "apps/verify_credentials";

/// The names of the endpoints.
pub(crate) const ENDPOINTS: [&str; 3] = [UPDATE, VERIFY, VERIFY_APP];

/// The most bytes of an avatar. Older servers allow “2 MB”; this is safe whether that is decimal or
/// binary.
const LARGEST_AVATAR: usize = 2_000_000;
/// The media types of avatars.
const MEDIA_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// The account's name.
const USERNAME: &str = "local";

const AVATAR_BLANK: Refusal = Refusal::bare(422, "Validation failed: Avatar can't be blank");
const AVATAR_TOO_LARGE: Refusal =
    Refusal::bare(422, "Validation failed: Avatar must be less than 2 MB");
const AVATAR_OF_WRONG_TYPE: Refusal = Refusal::bare(
    422,
    "Validation failed: Avatar content type is invalid, Avatar is invalid",
);
const AVATAR_SPOOFED: Refusal = Refusal::bare(
    422,
    "Validation failed: Avatar has contents that are not what they are reported to be",
);
const NO_METHOD: Refusal = Refusal::bare(
    405,
    "The POST method is not supported for route api/v1/accounts/update_credentials. Supported \
     methods: PATCH.",
);
const NOT_FOUND: Refusal = Refusal::bare(404, "Not Found");
const TOO_MANY_REQUESTS: Refusal = Refusal::bare(429, "Too many requests");

/// The access token, and what it allows.
pub struct Grant {
    /// The access token.
    pub token: String,
    /// The scopes of the token, separated by spaces.
    pub scopes: String,
    /// The software of the server that issued the token.
    pub software: Software,
}

impl Default for Grant {
    /// The token of the local development setup.
    fn default() -> Self {
        Self {
            token: "local-mastodon-token".to_owned(),
            scopes: "read:accounts write:accounts".to_owned(),
            software: Software::default(),
        }
    }
}

impl Grant {
    /// Whether the token has one of these scopes.
    fn allows(&self, any_of: &[&str]) -> bool {
        self.scopes
            .split_whitespace()
            .any(|scope| any_of.contains(&scope))
    }
}

/// The server.
pub(crate) struct Mastodon {
    grant: Grant,
    /// Requests with the known token.
    known: Window,
    /// All other requests.
    unknown: Window,
}

/// A change to the token. Members that are left out change nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    token: Option<String>,
    scopes: Option<String>,
    software: Option<Software>,
}

impl Mastodon {
    /// A server with one account.
    pub(crate) fn new(grant: Grant) -> Self {
        Self {
            grant,
            known: Window::aligned(300, 300),
            unknown: Window::aligned(300, 300),
        }
    }

    /// The account as the control routes show it, without secrets.
    pub(crate) fn describe(&self) -> Value {
        let Grant {
            scopes, software, ..
        } = &self.grant;
        json!({ "acct": USERNAME, "scopes": scopes, "software": software })
    }

    /// Changes the token. A replaced token is unknown from now on.
    pub(crate) fn change(&mut self, change: Change) {
        if let Some(token) = change.token {
            self.grant.token = token;
        }
        if let Some(scopes) = change.scopes {
            self.grant.scopes = scopes;
        }
        if let Some(software) = change.software {
            self.grant.software = software;
        }
    }
}

/// Judges, records and answers a request.
pub(crate) fn receive(simulator: &mut Simulator, request: &Request) -> Answer {
    let payload = Payload::of(request);
    let avatar = avatar_in(&payload);

    let now = simulator.clock.now();
    let software = simulator.mastodon.grant.software;
    let endpoint = match (request.method.as_str(), request.path.as_str()) {
        (_, "/api/v1/accounts/update_credentials") => {
            software.handling(&request.method).map(|_| UPDATE)
        }
        ("GET", "/api/v1/accounts/verify_credentials") => Some(VERIFY),
        ("GET", "/api/v1/apps/verify_credentials") if software.shows_scopes() => Some(VERIFY_APP),
        _ => None,
    };
    let fault = endpoint.and_then(|endpoint| simulator.faults.take(Network::Mastodon, endpoint));
    let mastodon = &mut simulator.mastodon;
    let token = request.bearer();
    let is_known = token.is_ok_and(|token| token == mastodon.grant.token);
    let window = if is_known {
        &mut mastodon.known
    } else {
        &mut mastodon.unknown
    };
    let left = window.take(1, now);
    let call = Call {
        request,
        endpoint,
        payload: &payload,
        token: match (is_known, token) {
            (true, _) => Ok(()),
            (false, Err(none)) => Err(none.reason()),
            (false, Ok(_)) => Err("the access token is unknown"),
        },
    };
    let picture = avatar.as_ref().ok().map(|avatar| avatar.picture.clone());
    let outcome = if left.exceeded {
        Err(TOO_MANY_REQUESTS.because("more than 300 requests in 5 minutes"))
    } else {
        let icon = simulator.icon(Network::Mastodon);
        let number = simulator.journal.next_number();
        call.judge(&simulator.mastodon.grant, icon, avatar, number)
    };
    simulator.settle(Judged {
        network: Network::Mastodon,
        endpoint,
        fault,
        outcome,
        headers: rate_headers(left),
        cut_off: None,
        body: payload.kind(),
        oauth: None,
        picture,
    })
}

/// The headers that tell what is left of the limit.
fn rate_headers(left: Left) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-ratelimit-limit"),
        HeaderValue::from(left.limit.points),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderValue::from(left.remaining),
    );
    let reset = DateTime::from_timestamp(left.reset, 0)
        .map(|reset| reset.to_rfc3339_opts(SecondsFormat::Micros, true));
    if let Some(Ok(reset)) = reset.as_deref().map(HeaderValue::from_str) {
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset);
    }
    headers
}
