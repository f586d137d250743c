//! The turns that come by themselves: with an event of the schedule, and when the host wakes the
//! account between two events.

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::next_wake::{due_start, frames_in_use, is_open, needs_alarm, next_wake};
use crate::account::settings::{ClockSource, Settings};
use crate::account::state::AccountState;
use crate::account::turn::{TurnRequest, turn, turn_on};
use crate::instant::after;
use crate::ports::{Client, Clock, Log, Store};

/// Makes the turn of an event of the schedule, then has the host woken for the slots that start
/// before the next event. `cron` is the text of the cron that has fired, `at` the instant that it
/// was scheduled for.
pub async fn on_schedule<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    cron: &str,
    at: DateTime<Utc>,
) -> Vec<Report> {
    let mut events = ledger.cron_events().await.unwrap_or_default();
    events.renew(cron, host.now());
    // If the events cannot be saved, turns come with them alone.
    let _ = ledger.keep_cron_events(&events).await;
    // A paused account goes on being known to its cron, so that it can be resumed.
    if settings.is_paused {
        return Vec::new();
    }
    let request = TurnRequest::due_at(at, Trigger::Cron);
    let reports = turn(settings, host, ledger, &request).await;
    wake_when_needed(settings, host, ledger).await;
    reports
}

/// Makes the turns that are due when the host is woken, as [`Ledger::wake_at`] has asked. A host that
/// is woken twice makes no turn twice.
///
/// If a slot has started without an event of the schedule, its turn is made on all networks. Then
/// the networks that wait for another attempt have theirs: for the slot that they wait in if that
/// still lasts, otherwise for the present.
pub async fn on_wake<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Vec<Report> {
    /// How much too early a host may wake the account.
    const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

    if settings.is_paused {
        return Vec::new();
    }
    let now = after(host.now(), TOLERANCE);
    let mut reports = match start_due(settings, host, ledger, now).await {
        Some(start) => {
            let request = TurnRequest::due_at(start, Trigger::Cron);
            turn(settings, host, ledger, &request).await
        }
        None => Vec::new(),
    };
    let mut accounts = Vec::new();
    for one in &settings.networks {
        accounts.push((one, load_state(one, ledger).await.unwrap_or_default()));
    }
    let waits = |state: &AccountState| state.wake_at.is_some_and(|at| at <= now);
    // If no account waits and no slot has started, the turn is on all networks; but a clock of its own
    // may go off twice.
    let has_own_clock = settings.clock != ClockSource::Cron;
    if has_own_clock || !reports.is_empty() || accounts.iter().any(|(_, state)| waits(state)) {
        accounts.retain(|(_, state)| waits(state));
    }
    if !accounts.is_empty() {
        let slots = accounts.iter().filter_map(|(_, state)| state.slot.as_ref());
        let start = slots.map(|slot| slot.start).max();
        let request = TurnRequest::due_at(start.unwrap_or_else(|| host.now()), Trigger::Retry);
        let networks: Vec<_> = accounts.iter().map(|(one, _)| *one).collect();
        reports.extend(turn_on(&networks, settings, host, ledger, &request).await);
    }
    wake_when_needed(settings, host, ledger).await;
    reports
}

/// Has the host woken for the next turn that no event of the schedule makes, if there is one. An
/// account with a clock of its own that needs no turn is not woken any more.
pub async fn wake_when_needed<H: Store + Clock>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) {
    let frames = frames_in_use(settings, host, ledger).await;
    let next = next_wake(settings, ledger, frames, host.now()).await;
    if settings.clock != ClockSource::Cron {
        // Most often the turn has asked for the same instant already.
        if ledger.wakes_at().await.ok() != Some(next) {
            let _ = ledger.wake_at(next).await;
        }
    } else if next.is_some() {
        // If that cannot be promised, the next turn asks for it again.
        let _ = ledger.wake_at(next).await;
    }
}

/// Checks that an account with a clock of its own will be woken, as its alarm may have been lost: at
/// once if the present slot should have had its turn. Does nothing for other accounts.
pub async fn check_alarm<H: Store + Clock>(settings: &Settings, host: &H, ledger: &impl Ledger) {
    /// How late an alarm goes off at most while all is well.
    const LATE: TimeDelta = TimeDelta::minutes(10);

    let ClockSource::Alarm(delay) = settings.clock else {
        return;
    };
    let now = host.now();
    let frames = frames_in_use(settings, host, ledger).await;
    let is_due = match frames.filter(|_| needs_alarm(settings)) {
        Some(frames) => due_start(settings, ledger, frames, delay, now, false).await,
        None => None,
    };
    let next = match is_due {
        Some(_) => Some(now),
        None => next_wake(settings, ledger, frames, now).await,
    };
    let Ok(alarm) = ledger.wakes_at().await else {
        return;
    };
    let is_right = match (alarm, next) {
        (Some(alarm), Some(next)) => alarm <= next && after(alarm, LATE) >= now,
        (None, None) => true,
        _ => false,
    };
    if !is_right {
        // If that cannot be promised, the next check asks for it again.
        let _ = ledger.wake_at(next).await;
    }
}

/// The start of the present slot, if its turn is due and no event of the schedule makes it, and a
/// network has not had it.
async fn start_due<H: Store>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if let ClockSource::Alarm(delay) = settings.clock {
        let frames = frames_in_use(settings, host, ledger).await?;
        return due_start(settings, ledger, frames, delay, now, true).await;
    }
    let schedule = settings.schedule.as_ref().ok()?;
    let events = ledger.cron_events().await.ok()?;
    if !events.is_live(now) {
        return None;
    }
    let frames = frames_in_use(settings, host, ledger).await?;
    let start = schedule.slot_at(now, frames).start;
    // If no network has settings that can be used, the turn is made to report that.
    let is_open = is_open(settings, ledger, start, now, true).await;
    (is_open && events.wants(start, now, schedule, frames)).then_some(start)
}
