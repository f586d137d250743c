//! One account: its turns, what is known of it on each network, its journal and alerts.

pub mod alert;
pub mod journal;
pub mod state;
pub mod turn;
