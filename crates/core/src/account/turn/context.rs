//! What all phases of a turn work with.

use std::cell::Cell;

use chrono::{DateTime, Utc};

use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::settings::{Configured, Settings};
use crate::account::state::AccountState;
use crate::account::turn::request::TurnRequest;
use crate::network::Network;
use crate::outcome::Diagnosis;
use crate::ports::{Store, StoreError};
use crate::settings::errors::SettingsErrors;

/// A turn under way: what each of its phases works with.
pub(super) struct Turn<'a, H, L> {
    pub(super) settings: &'a Settings,
    pub(super) host: &'a H,
    pub(super) ledger: &'a L,
    /// What to do. Its instant is not before `started`.
    pub(super) request: TurnRequest,
    /// When the turn started.
    pub(super) started: DateTime<Utc>,
    /// The number of networks on which it is still to be recorded.
    pub(super) unrecorded: Cell<usize>,
}

/// An account of a network at the start of a turn.
pub(super) struct Account<'a> {
    pub(super) configured: &'a Configured,
    /// The network, or what is wrong with its settings or the schedule.
    pub(super) network: Result<&'a dyn Network, Diagnosis>,
    pub(super) state: Result<AccountState, StoreError>,
}

impl<'a, H: Store, L: Ledger> Turn<'a, H, L> {
    /// Loads the state of an account, and checks its settings. What is wrong with the settings of
    /// another network does not matter to it.
    pub(super) async fn load(&self, configured: &'a Configured) -> Account<'a> {
        let network = match (&self.settings.schedule, &configured.network) {
            (Ok(_), Ok(network)) => Ok(network.as_ref()),
            (schedule, network) => {
                let errors = [schedule.as_ref().err(), network.as_ref().err()];
                let all = errors
                    .into_iter()
                    .flatten()
                    .cloned()
                    .fold(SettingsErrors::default(), SettingsErrors::and);
                Err(all.diagnosis(self.host.advice().settings))
            }
        };
        Account {
            configured,
            network,
            state: load_state(configured, self.ledger).await,
        }
    }
}
