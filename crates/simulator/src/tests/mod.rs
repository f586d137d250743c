//! Black-box tests: requests as a client sends them, and the answers. The tests of the listener are
//! in the command.

mod bluesky;
mod client;
mod control;
mod faults;
mod mastodon;
mod page;
mod people;
pub(super) mod pictures;
mod servers;
mod sign_in;
mod x;
