//! Local stand-ins for X, Bluesky and Mastodon.
//!
//! They check every request more strictly than the networks do, record it, and tell the person
//! who runs them exactly what was wrong. On request they fail in the ways networks fail.
//!
//! The library has no sockets, threads, clock or source of randomness: a host hands it a request
//! and the time, and carries out the [`Answer`]. `rotate-icon simulate` is such a host. Since the
//! simulator judges what this project sends, it shares no code with it: it reads the
//! specifications (RFC 5849, the AT Protocol, Mastodon's API) independently and with other crates.
//!
//! ```
//! use bytes::Bytes;
//! use chrono::DateTime;
//! use simulator::{Body, Delivery, Options, Simulator};
//!
//! let mut simulator = Simulator::new(Options::default());
//! let request = http::Request::get("/1.1/account/verify_credentials.json")
//!     .header("host", "localhost:8788")
//!     .header("user-agent", "example")
//!     .body(Body::from(Bytes::new()))?;
//!
//! let answer = simulator.handle(request, DateTime::UNIX_EPOCH);
//!
//! assert_eq!(answer.response.status(), 400);
//! assert_eq!(answer.delivery, Delivery::Whole);
//! assert!(answer.log.is_some_and(|line| line.contains("there is no Authorization header")));
//! # Ok::<(), http::Error>(())
//! ```

#![forbid(unsafe_code)]
// A development tool may stop at an overflow.
#![allow(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::string_slice))]

mod answer;
mod bluesky;
mod clock;
mod control;
mod fault_queue;
mod faults;
mod form;
mod mastodon;
mod network;
mod page;
mod payload;
mod picture;
mod random;
mod rate_limit;
mod received;
mod reply;
mod request;
mod routes;
mod simulator;
#[cfg(test)]
mod tests;
mod text;
mod x;

pub use self::answer::{Answer, Delivery};
pub use self::bluesky::Login as BlueskyLogin;
pub use self::clock::WIDEST_OFFSET;
pub use self::fault_queue::{QueuedFault, help as fault_help};
pub use self::mastodon::{
    Grant as MastodonGrant, Kind as MastodonKind, NamedServer as NamedMastodon,
    Software as MastodonSoftware,
};
pub use self::request::Body;
pub use self::simulator::{Options, Simulator};
pub use self::x::Keys as XKeys;
