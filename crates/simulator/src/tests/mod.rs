//! Black-box tests: requests as a client sends them, and the answers. The tests of the listener are
//! in the command.

mod bluesky;
mod client;
mod control;
mod faults;
mod mastodon;
mod page;
pub(super) mod pictures;
mod x;
