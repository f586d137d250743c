//! Black-box tests: the simulator is spoken to over real sockets, as a client would.

mod bluesky;
mod client;
mod control;
mod faults;
mod guard;
mod mastodon;
mod page;
pub(super) mod pictures;
mod x;
