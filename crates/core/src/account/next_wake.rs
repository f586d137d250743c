//! When the host is to wake an account next: for another attempt, and for a slot that starts
//! without an event of the schedule ([`crate::schedule::cron`]), or for each slot if the account's
//! alarm is its only clock ([`crate::account::own_clock`]).

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::own_clock::Delay;
use crate::account::settings::{ClockSource, Settings};
use crate::account::state::{AccountState, Slot};
use crate::frames::store::current_set;
use crate::instant::after;
use crate::ports::Store;
use crate::schedule::FrameCount;

/// How soon an account with a clock of its own is woken for an attempt that was due and has not been
/// made, because the ledger or the host has failed.
const ATTEMPT_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// How soon such an account is woken if it cannot be told when its next slot begins, because its
/// schedule or its frame set cannot be read.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

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
        // An attempt that was due and has not been made must not wake the host over and over.
        let is_alone = settings.clock != ClockSource::Cron;
        let at = state.wake_at.map(|at| {
            if at > now || !is_alone {
                at
            } else {
                after(now, ATTEMPT_AGAIN)
            }
        });
        next = next.into_iter().chain(at).min();
    }
    next
}

/// When the next turn comes by itself on any network: with the next slot that has one, or when the
/// network's hold ends. `frames` is the size of the current set.
pub(crate) async fn next_turn(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if settings.is_paused {
        return None;
    }
    let schedule = settings.schedule.as_ref().ok().zip(frames);
    let next_slot = match (settings.clock, schedule) {
        (_, None) => None,
        (ClockSource::Cron, Some((schedule, frames))) => {
            let events = ledger.cron_events().await.unwrap_or_default();
            events.next_turn(now, schedule, frames)
        }
        (ClockSource::Alarm(delay), Some((schedule, frames))) => {
            let start = schedule.slot_at(now, frames).start;
            let is_open = is_open(settings, ledger, start, now, false).await;
            Some(delay.next_due(now, schedule, frames, is_open))
        }
    };
    let mut next: Option<DateTime<Utc>> = None;
    for one in &settings.networks {
        let state = load_state(one, ledger).await.unwrap_or_default();
        let hold = state.hold.filter(|hold| hold.holds_at(now));
        let at = hold.map_or(next_slot, |hold| Some(hold.until));
        next = next.into_iter().chain(at).min();
    }
    next
}

/// Whether the host has to wake an account that has no other clock. One that is paused, or has
/// nothing started, needs no turn; one that its operator has stopped goes on once it may.
pub(super) fn needs_alarm(settings: &Settings) -> bool {
    let has_networks = !settings.networks.is_empty() || !settings.stopped.is_empty();
    !settings.is_paused && has_networks
}

/// The start of the present slot, if its turn is due by an account's own clock and [`is_open`].
pub(super) async fn due_start(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: FrameCount,
    delay: Delay,
    now: DateTime<Utc>,
    none_usable: bool,
) -> Option<DateTime<Utc>> {
    let slot = settings.schedule.as_ref().ok()?.slot_at(now, frames);
    if delay.due_in(&slot) > now {
        return None;
    }
    if let Some(shortest) = delay.shortest_beyond(&slot) {
        let last = last_turn(settings, ledger).await;
        if last.is_some_and(|last| after(last, shortest) > now) {
            return None;
        }
    }
    let is_open = is_open(settings, ledger, slot.start, now, none_usable).await;
    is_open.then_some(slot.start)
}

/// The instant of the last turn of a slot on any network.
async fn last_turn(settings: &Settings, ledger: &impl Ledger) -> Option<DateTime<Utc>> {
    let mut last = None;
    for one in &settings.networks {
        let slot = load_state(one, ledger).await.unwrap_or_default().slot;
        last = last.max(slot.map(|slot| slot.scheduled_at));
    }
    last
}

/// Whether a network has not had its turn in the slot with this start. If none has settings that can
/// be used, `none_usable` is whether that counts.
pub(super) async fn is_open(
    settings: &Settings,
    ledger: &impl Ledger,
    start: DateTime<Utc>,
    now: DateTime<Utc>,
    none_usable: bool,
) -> bool {
    // An attempt that has begun and neither succeeded nor led to a hold was broken off. Where a cron
    // is the clock, whoever waits for the turn asks for it again.
    let was_broken_off = |state: &AccountState, slot: &Slot| {
        let is_held = state.hold.as_ref().is_some_and(|hold| hold.holds_at(now));
        let has_own_clock = settings.clock != ClockSource::Cron;
        has_own_clock && slot.attempts > 0 && !slot.is_turned && !is_held
    };
    let mut is_any_usable = false;
    for one in settings.networks.iter().filter(|one| one.network.is_ok()) {
        is_any_usable = true;
        let state = load_state(one, ledger).await.unwrap_or_default();
        let slot = state.slot.as_ref();
        if slot.is_none_or(|slot| slot.start != start || was_broken_off(&state, slot)) {
            return true;
        }
    }
    !is_any_usable && none_usable
}

/// The start of the next slot that starts without an event of the schedule, or when the next slot is
/// due by the account's own clock.
async fn next_start(
    settings: &Settings,
    ledger: &impl Ledger,
    frames: Option<FrameCount>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if let ClockSource::Alarm(delay) = settings.clock {
        if !needs_alarm(settings) {
            return None;
        }
        let Some((schedule, frames)) = settings.schedule.as_ref().ok().zip(frames) else {
            return Some(after(now, LOOK_AGAIN));
        };
        let slot = schedule.slot_at(now, frames);
        let is_open = is_open(settings, ledger, slot.start, now, false).await;
        let due = delay.next_due(now, schedule, frames, is_open);
        let Some(shortest) = delay.shortest_beyond(&slot) else {
            return Some(due);
        };
        let last = last_turn(settings, ledger).await;
        return Some(last.map_or(due, |last| due.max(after(last, shortest))));
    }
    let schedule = settings.schedule.as_ref().ok()?;
    let events = ledger.cron_events().await.ok()?;
    events.next_start(now, schedule, frames?)
}

/// The number of frames of the set that was current in the last turn; if there is no record of one,
/// of the set that is current now. An account with a clock of its own has its frames at hand, so for
/// it the present set comes first.
pub(super) async fn frames_in_use<H: Store>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Option<FrameCount> {
    if settings.clock != ClockSource::Cron
        && let Ok(set) = current_set(host).await
    {
        return Some(set.frames());
    }
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
