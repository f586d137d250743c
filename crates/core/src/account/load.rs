//! Loading an account's state from the ledger, as it counts under the present settings.

use crate::account::ledger::Ledger;
use crate::account::settings::Configured;
use crate::account::state::{AccountState, Hold};
use crate::ports::StoreError;

/// Loads the state of the account on a network, without what other settings than the present ones
/// have led to. While the settings cannot be used, the state stays as it is.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn load_state(
    configured: &Configured,
    ledger: &impl Ledger,
) -> Result<AccountState, StoreError> {
    let state = ledger.account_state(configured.definition.name).await?;
    let mut state = match configured.network {
        Ok(_) => state.with_settings(&configured.fingerprint),
        Err(_) => state,
    };
    if let Some(hold) = &configured.hold {
        // A longer hold of the account's own is not cut short.
        let is_longer = |own: &Hold| own.until >= hold.until;
        if !state.hold.as_ref().is_some_and(is_longer) {
            state.hold = Some(hold.clone());
        }
    }
    Ok(state)
}
