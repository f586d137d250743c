//! `DELETE /networks/{network}/frames`: removes what turns have kept on a network beside the
//! picture that it shows.

use http::StatusCode;

use crate::account::ledger::Ledger;
use crate::account::settings::Settings;
use crate::ports::{Client, Clock, Store};
use crate::web::account_states::ledger_failed;
use crate::web::answer::{Answer, no_content};
use crate::web::problem::{Problem, status_of};

/// Removes the frames that are kept on the network of this name.
///
/// # Errors
/// When the network is not set up or keeps no frames, or they may still be there.
pub(super) async fn remove<H: Store + Client + Clock, L: Ledger>(
    name: &str,
    settings: &Settings,
    host: &H,
    ledger: &L,
) -> Result<Answer, Problem> {
    let not_found = |detail: &str| Problem::new(StatusCode::NOT_FOUND, detail);
    let mut networks = settings.networks.iter();
    let one = networks.find(|one| one.definition.name == name);
    let one = one.ok_or_else(|| not_found("No network of this name is set up here."))?;
    let network = one.network.as_ref();
    let network = network
        .map_err(|errors| Problem::unavailable(&errors.diagnosis(host.advice().settings)))?;
    if !network.keeps_frames() {
        return Err(not_found("No frames are kept on this network."));
    }
    let failed = |error| Problem::unavailable(&ledger_failed(ledger, &error));
    let account_state = ledger.account_state(name).await;
    let mut account_state = account_state.map_err(failed)?;
    let removed = network
        .remove_frames(&mut account_state.saved_session, host)
        .await;
    // Kept also where nothing was removed: a session that was begun serves the next turn.
    let kept = ledger.keep(name, &account_state, None).await;
    removed.map_err(|diagnosis| Problem::new(status_of(diagnosis.reason), diagnosis.in_words()))?;
    kept.map_err(failed)?;
    Ok(no_content())
}
