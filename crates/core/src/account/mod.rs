//! One account: its settings, its turns, its state on each network, its journal and alerts.

pub mod alert;
pub mod journal;
pub mod ledger;
pub mod settings;
pub mod state;
pub mod turn;
