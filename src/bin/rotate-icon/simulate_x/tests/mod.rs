//! Black-box tests: the simulator is spoken to over real sockets, as a client would.

mod client;
mod control;
mod faults;
mod judging;
mod page;
pub(super) mod pictures;
