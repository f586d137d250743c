//! What the page and `/health` know of the account: its state on each network, and its next turn.

use chrono::{DateTime, Utc};

use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::settings::{Configured, Settings};
use crate::account::state::AccountState;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::StoreError;
use crate::schedule::FrameCount;

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
            state: state.map_err(|error| ledger_failed::<L>(&error)),
        });
    }
    states
}

/// When the next turn comes by itself on any network: with the next slot that the schedule begins,
/// or when the network's hold ends. `frames` is the size of the current set.
pub(super) async fn next_turn(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let events = ledger.cron_events().await.unwrap_or_default();
    let schedule = settings.schedule.as_ref().ok().zip(frames);
    let next_slot = schedule.and_then(|(schedule, frames)| events.next_turn(now, schedule, frames));
    let mut next: Option<DateTime<Utc>> = None;
    for one in &settings.networks {
        let state = load_state(one, ledger).await.unwrap_or_default();
        let hold = state.hold.filter(|hold| hold.holds_at(now));
        let at = hold.map_or(next_slot, |hold| Some(hold.until));
        next = next.into_iter().chain(at).min();
    }
    next
}

/// What is wrong when a ledger fails.
pub(super) fn ledger_failed<L: Ledger>(error: &StoreError) -> Diagnosis {
    Diagnosis::new(Reason::Host, error.to_string(), L::ADVICE)
}
