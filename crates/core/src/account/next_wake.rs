//! When the host is to wake an account next: for another attempt, and for a slot that starts
//! without an event of the schedule ([`crate::schedule::cron`]).

use chrono::{DateTime, Utc};

use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::settings::Settings;
use crate::frames::store::current_set;
use crate::ports::Store;
use crate::schedule::FrameCount;

/// The instant of the next turn that no event of the schedule makes, after a turn that was made at
/// `now`.
pub(super) async fn next_wake_after(
    settings: &Settings,
    ledger: &impl Ledger,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let frames = frames_of_last_turn(settings, ledger).await;
    next_wake(settings, ledger, frames, now).await
}

/// The instant of the next turn that no event of the schedule makes: another attempt, or the turn
/// of a slot, whichever is sooner. `frames` is the number of frames of the current set.
pub(super) async fn next_wake(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mut next = next_start(settings, ledger, frames, now).await;
    for one in &settings.networks {
        let state = load_state(one, ledger).await.unwrap_or_default();
        next = next.into_iter().chain(state.wake_at).min();
    }
    next
}

/// The start of the next slot that starts without an event of the schedule.
async fn next_start(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let schedule = settings.schedule.as_ref().ok()?;
    let events = ledger.cron_events().await.ok()?;
    events.next_start(now, schedule, frames?)
}

/// The number of frames of the set that was current in the last turn; if there is no record of one,
/// of the set that is current now.
pub(super) async fn frames_in_use<H: Store>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Option<FrameCount> {
    match frames_of_last_turn(settings, ledger).await {
        Some(frames) => Some(frames),
        None => Some(current_set(host).await.ok()?.frames()),
    }
}

/// The number of frames of the set that was current in the last turn.
async fn frames_of_last_turn(settings: &Settings, ledger: &impl Ledger) -> Option<FrameCount> {
    for one in &settings.networks {
        let state = load_state(one, ledger).await.unwrap_or_default();
        if let Some(set) = state.set {
            return FrameCount::new(set.frames);
        }
    }
    None
}
