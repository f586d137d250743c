//! One account: its settings, its turns, its state on each network, its journal, and what its owner
//! is told.
//!
//! [`turn`] makes one turn, [`wake`] those that come by themselves.

pub mod account_store;
pub mod alert;
pub mod carry_out;
pub mod commands;
pub mod connections;
pub mod host;
pub mod id;
pub mod journal;
pub mod ledger;
pub(crate) mod load;
pub(crate) mod next_wake;
pub mod open;
pub mod own_clock;
mod renewal;
pub mod server_pauses;
pub mod settings;
pub mod state;
pub mod stop;
pub mod stored_account;
#[cfg(test)]
pub(crate) mod testing;
pub mod turn;
pub mod turning;
pub mod wake;
