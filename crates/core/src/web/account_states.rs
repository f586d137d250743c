//! What the page and `/health` know of the account: its state on each network.

use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::settings::{Configured, Settings};
use crate::account::state::AccountState;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::StoreError;

/// The account's state on a network, or why it cannot be read.
pub(super) struct StateOn<'a> {
    pub(super) network: &'a Configured,
    pub(super) state: Result<AccountState, Diagnosis>,
}

/// Reads the account's state on each network.
pub(super) async fn account_states<'a, L: Ledger>(
    settings: &'a Settings,
    ledger: &L,
) -> Vec<StateOn<'a>> {
    let mut states = Vec::new();
    for network in &settings.networks {
        let state = load_state(network, ledger).await;
        states.push(StateOn {
            network,
            state: state.map_err(|error| ledger_failed(ledger, &error)),
        });
    }
    states
}

/// What is wrong when a ledger fails.
pub(super) fn ledger_failed(ledger: &impl Ledger, error: &StoreError) -> Diagnosis {
    Diagnosis::new(Reason::Host, error.to_string(), ledger.advice())
}
