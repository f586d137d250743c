//! The routes under `/simulator/`, by which tests and demos queue faults, look at what was received
//! and act as other people would on an account.
//!
//! | request | effect |
//! |---|---|
//! | `GET /simulator/faults` | lists the known faults and the queue |
//! | `PUT /simulator/faults` | queues `{"fault":"hang","times":1}`, see [`QueueFault`] |
//! | `DELETE /simulator/faults` | clears the queue |
//! | `GET /simulator/received` | lists the received requests, newest first |
//! | `DELETE /simulator/received` | forgets them; the accounts keep their pictures |
//! | `GET /simulator/received/{number}/picture` | returns the picture in a request |
//! | `GET /simulator/icon` | returns the account's current picture |
//! | `GET /simulator/icon?network=mastodon&server=…&account=…` | returns that of a person |
//! | `GET /simulator/pin?oauth_token=…` | agrees to a sign-in on X: `{"pin":"1234567"}` |
//! | `DELETE /simulator/uploads` | has X forget uploads that are not set yet |
//! | `GET /simulator/bluesky` | shows the account on Bluesky |
//! | `PATCH /simulator/bluesky` | changes it, see [`bluesky::Change`] |
//! | `GET /simulator/mastodon` | shows the account on Mastodon |
//! | `PATCH /simulator/mastodon` | changes it, see [`mastodon::Change`] |
//! | `GET /simulator/mastodon/servers` | lists the servers that people sign in to, and the people |
//! | `PATCH /simulator/mastodon/servers` | changes one, see [`mastodon::ServerChange`] |
//! | `POST /simulator/mastodon/tokens` | issues a token, see [`mastodon::IssueToken`] |
//! | `GET /simulator/clock` | shows the clock: `{"now":"…","offset":0}` |
//! | `PUT /simulator/clock` | sets how many seconds it runs ahead: `{"offset":7200}` |
//!
//! `?network=bluesky` in the query, or `"network"` in the body, selects a network. Without it,
//! faults and icon are X's, received requests are listed for all networks, and DELETE applies to
//! all networks. Mastodon's servers are named by their hosts; the one at the listener's own address
//! is called `own`, and is meant where no server is named. A fault without a `server` occurs at
//! whichever is asked next.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::{WIDEST_OFFSET, rfc_3339};
use crate::fault_queue::QueuedFault;
use crate::form;
use crate::network::Network;
use crate::received::Received;
use crate::reply::Reply;
use crate::request::Request;
use crate::routes::not_found;
use crate::simulator::Simulator;
use crate::{bluesky, mastodon};

/// The body of `PUT /simulator/faults`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueFault {
    fault: String,
    /// How often the fault occurs; until the queue is cleared, if left out.
    times: Option<u32>,
    network: Option<String>,
    /// The one endpoint at which it occurs.
    endpoint: Option<String>,
    /// The one server of Mastodon's at which it occurs.
    server: Option<String>,
}

impl QueueFault {
    fn queued(&self, mastodon: &mastodon::Mastodon) -> Result<QueuedFault, String> {
        let network = match &self.network {
            None => Network::X,
            Some(name) => Network::named(name)?,
        };
        if let Some(server) = &self.server {
            if network != Network::Mastodon {
                return Err("only mastodon has several servers".to_owned());
            }
            mastodon.server(Some(server))?;
        }
        QueuedFault::new(network, &self.fault, self.endpoint.as_deref(), self.times)
            .map(|queued| queued.at_server(self.server.clone()))
    }
}

/// The body of `PUT /simulator/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    offset: i64,
}

/// The first value of a parameter of the query.
fn parameter(request: &Request, name: &str) -> Result<Option<String>, String> {
    let pairs = form::decode(request.query.as_bytes())?;
    let mut values = pairs.into_iter().filter(|(known, _)| known == name);
    Ok(values.next().map(|(_, value)| value))
}

/// The network that the query selects, if any.
fn network(request: &Request) -> Result<Option<Network>, String> {
    parameter(request, "network")?
        .map(|name| Network::named(&name))
        .transpose()
}

/// Turns a wrong request into a reply.
fn or_bad_request(reply: Result<Reply, String>) -> Reply {
    reply.unwrap_or_else(|error| json_reply(StatusCode::BAD_REQUEST, &json!({ "error": error })))
}

pub(crate) fn faults(simulator: &mut Simulator, request: &Request) -> Reply {
    or_bad_request(
        network(request).map(|network| fault_list(simulator, network.unwrap_or(Network::X))),
    )
}

pub(crate) fn add_fault(simulator: &mut Simulator, request: &Request) -> Reply {
    let queued = read(request, "{\"fault\":\"hang\",\"times\":1}")
        .and_then(|fault: QueueFault| fault.queued(&simulator.mastodon));
    or_bad_request(queued.map(|queued| {
        let network = queued.network;
        simulator.faults.push(queued);
        fault_list(simulator, network)
    }))
}

pub(crate) fn clear_faults(simulator: &mut Simulator, request: &Request) -> Reply {
    or_bad_request(network(request).map(|network| {
        simulator.faults.clear(network);
        fault_list(simulator, network.unwrap_or(Network::X))
    }))
}

fn fault_list(simulator: &Simulator, network: Network) -> Reply {
    let queue: Vec<Value> = simulator
        .faults
        .iter(network)
        .map(|queued| {
            let mut shown = json!({ "fault": queued.fault.name, "times": queued.times });
            if let (Some(endpoint), Some(members)) = (queued.endpoint, shown.as_object_mut()) {
                members.insert("endpoint".to_owned(), endpoint.into());
            }
            if let (Some(server), Some(members)) = (&queued.server, shown.as_object_mut()) {
                members.insert("server".to_owned(), server.as_str().into());
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
    json_reply(StatusCode::OK, &list)
}

pub(crate) fn received(simulator: &mut Simulator, request: &Request) -> Reply {
    or_bad_request(network(request).map(|network| {
        let list: Vec<&Received> = simulator.journal.newest_first(network).collect();
        json_reply(StatusCode::OK, &list)
    }))
}

pub(crate) fn clear_received(simulator: &mut Simulator, request: &Request) -> Reply {
    or_bad_request(network(request).map(|network| {
        simulator.journal.clear(network);
        Reply::empty(204)
    }))
}

pub(crate) fn pin(simulator: &mut Simulator, request: &Request) -> Reply {
    let now = simulator.clock.now().timestamp();
    or_bad_request(parameter(request, "oauth_token").map(|token| {
        match token.and_then(|token| simulator.x.agree(&token, now)) {
            Some(pin) => json_reply(StatusCode::OK, &json!({ "pin": pin })),
            None => missing("no sign-in with that oauth_token is under way"),
        }
    }))
}

pub(crate) fn forget_uploads(simulator: &mut Simulator, _: &Request) -> Reply {
    simulator.x.forget_uploads();
    Reply::empty(204)
}

pub(crate) fn show_bluesky(simulator: &mut Simulator, _: &Request) -> Reply {
    let now = simulator.clock.now();
    json_reply(StatusCode::OK, &simulator.bluesky.describe(now))
}

pub(crate) fn change_bluesky(simulator: &mut Simulator, request: &Request) -> Reply {
    let now = simulator.clock.now();
    let changed = read(request, "{\"expire\":\"access\"}")
        .and_then(|change: bluesky::Change| simulator.bluesky.change(change, now));
    or_bad_request(changed.map(|()| show_bluesky(simulator, request)))
}

pub(crate) fn show_mastodon(simulator: &mut Simulator, _: &Request) -> Reply {
    json_reply(StatusCode::OK, &simulator.mastodon.describe())
}

pub(crate) fn change_mastodon(simulator: &mut Simulator, request: &Request) -> Reply {
    let change = read::<mastodon::Change>(request, "{\"scopes\":\"read\"}");
    or_bad_request(change.map(|change| {
        simulator.mastodon.change(change);
        show_mastodon(simulator, request)
    }))
}

pub(crate) fn show_servers(simulator: &mut Simulator, _: &Request) -> Reply {
    let now = simulator.clock.now();
    json_reply(StatusCode::OK, &simulator.mastodon.describe_servers(now))
}

pub(crate) fn change_server(simulator: &mut Simulator, request: &Request) -> Reply {
    let now = simulator.clock.now();
    let example = "{\"server\":\"social.example\",\"forget_apps\":true}";
    let changed = read::<mastodon::ServerChange>(request, example).and_then(|change| {
        let name = change.server.clone();
        simulator.mastodon.change_server(change, now)?;
        let server = simulator.mastodon.server(name.as_deref())?;
        Ok(server.describe(now.timestamp()))
    });
    or_bad_request(changed.map(|shown| json_reply(StatusCode::OK, &shown)))
}

pub(crate) fn issue_token(simulator: &mut Simulator, request: &Request) -> Reply {
    let now = simulator.clock.now();
    let example = "{\"server\":\"social.example\",\"account\":\"ada\",\"scopes\":\"read\"}";
    let issued = read::<mastodon::IssueToken>(request, example)
        .and_then(|wanted| simulator.mastodon.issue_token(&wanted, request.host(), now));
    or_bad_request(issued.map(|issued| json_reply(StatusCode::OK, &issued)))
}

pub(crate) fn show_clock(simulator: &mut Simulator, _: &Request) -> Reply {
    let clock = &simulator.clock;
    let shown = json!({ "now": rfc_3339(clock.now()), "offset": clock.offset() });
    json_reply(StatusCode::OK, &shown)
}

pub(crate) fn set_clock(simulator: &mut Simulator, request: &Request) -> Reply {
    let offset = read(request, "{\"offset\":7200}").and_then(|SetClock { offset }| {
        let is_possible = (-WIDEST_OFFSET..=WIDEST_OFFSET).contains(&offset);
        is_possible
            .then_some(offset)
            .ok_or_else(|| "the offset has to be within ten years".to_owned())
    });
    or_bad_request(offset.map(|offset| {
        simulator.clock.set_offset(offset);
        show_clock(simulator, request)
    }))
}

/// Reads a JSON body. The error shows an example of what was expected.
fn read<T: DeserializeOwned>(request: &Request, example: &str) -> Result<T, String> {
    serde_json::from_slice(&request.body.bytes)
        .map_err(|error| format!("expected {example}: {error}"))
}

/// Answers `/simulator/received/{number}/picture`.
pub(crate) fn picture(simulator: &mut Simulator, request: &Request) -> Reply {
    let number = request
        .path
        .strip_prefix("/simulator/received/")
        .and_then(|rest| rest.strip_suffix("/picture"));
    let number: u64 = match number.map(str::parse) {
        None => return not_found(),
        Some(Ok(number)) => number,
        Some(Err(error)) => return or_bad_request(Err(format!("not a number: {error}"))),
    };
    let received = simulator.journal.get(number);
    match received.and_then(|received| received.bytes.clone().zip(received.picture.as_ref())) {
        Some((bytes, facts)) => picture_reply(bytes, facts.media_type),
        None => missing("no picture came with that request, or the request was dropped"),
    }
}

pub(crate) fn icon(simulator: &mut Simulator, request: &Request) -> Reply {
    match parameter(request, "account") {
        Ok(None) => {}
        Ok(Some(account)) => return person(simulator, request, &account),
        Err(error) => return or_bad_request(Err(error)),
    }
    or_bad_request(network(request).map(|network| {
        match simulator.icon(network.unwrap_or(Network::X)) {
            Some(icon) => picture_reply(icon.bytes.clone(), icon.facts.media_type),
            None => missing("the account has no picture yet"),
        }
    }))
}

/// The picture of a person on one of Mastodon's servers.
fn person(simulator: &Simulator, request: &Request, account: &str) -> Reply {
    let server =
        parameter(request, "server").and_then(|name| simulator.mastodon.server(name.as_deref()));
    or_bad_request(server.map(|server| match server.picture_of(account) {
        Some(picture) => picture_reply(picture.bytes, picture.facts.media_type),
        None => missing("there is nobody of that name, or they have no picture"),
    }))
}

fn missing(error: &str) -> Reply {
    json_reply(StatusCode::NOT_FOUND, &json!({ "error": error }))
}

/// The bytes as they were received. They may be anything, so the headers keep a browser from
/// guessing their type and from running them.
fn picture_reply(bytes: Bytes, media_type: Option<&'static str>) -> Reply {
    let media_type = media_type.unwrap_or("application/octet-stream");
    Reply::of(200, media_type, bytes).with_all(&[
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ])
}

fn json_reply(status: StatusCode, value: &impl Serialize) -> Reply {
    match serde_json::to_string(value) {
        Ok(text) => Reply::of(status.as_u16(), "application/json", text).with_all(&[
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CACHE_CONTROL, "no-store"),
        ]),
        Err(_) => Reply::empty(500),
    }
}
