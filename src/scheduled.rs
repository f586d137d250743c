//! The Cron Trigger: asks the account's object to make the turn that is due.

use std::time::Duration;

use chrono::DateTime;
use js_sys::Reflect;
use worker::{Delay, Env, Result, ScheduleContext, ScheduledEvent, event};

use crate::account::{self, DueTurn};
use crate::errors::describe;
use crate::host::Host;
use crate::settings::settings;
use rotate_icon_core::account::journal::{Entry, Report, Trigger};
use rotate_icon_core::outcome::{Diagnosis, Outcome, Reason};
use rotate_icon_core::ports::{Clock, Log};

/// How long to wait before each further try. An object that ends in the middle of a turn, as it
/// does when a version is deployed, is followed by another, which knows what has been done.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    // A whole number of milliseconds, far below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    let due = DueTurn {
        unix_ms: event.schedule() as i64,
        cron: event.cron(),
    };
    if let Err(error) = ask_for_turn(&env, &due).await {
        log_unreachable(env, &due, error);
    }
}

async fn ask_for_turn(env: &Env, due: &DueTurn) -> Result<()> {
    let accounts = account::namespace(env)?;
    let mut waits = WAITS.into_iter();
    loop {
        let Err(error) = account::ask_for_turn(&accounts, due).await else {
            return Ok(());
        };
        match waits.next().filter(|_| !is_overloaded(&error)) {
            Some(wait) => Delay::from(wait).await,
            None => return Err(error),
        }
    }
}

/// Whether the object has more requests waiting than it can take. The runtime asks its callers not
/// to try again then.
fn is_overloaded(error: &worker::Error) -> bool {
    let overloaded = Reflect::get(&error.to_js_value(), &"overloaded".into());
    overloaded.is_ok_and(|overloaded| overloaded.is_truthy())
}

/// Logs, for each network, that the object could not be asked for a turn. Nobody else can report a
/// turn that never began.
fn log_unreachable(env: Env, due: &DueTurn, error: worker::Error) {
    let settings = settings(&env);
    let host = Host::new(env);
    let scheduled_at = DateTime::from_timestamp_millis(due.unix_ms);
    let diagnosis = Diagnosis::new(
        Reason::Host,
        format!(
            "The account's Durable Object cannot be reached: {}.",
            describe(error)
        ),
        "Nothing to do if it passes; the next turn will try again.",
    );
    for one in &settings.networks {
        let outcome = Outcome::Refused(diagnosis.clone());
        let entry = Entry {
            event: "turn",
            trigger: Trigger::Cron,
            scheduled_at: scheduled_at.unwrap_or_else(|| host.now()),
            sent_at: None,
            duration_ms: 0,
            report: &Report::of(one.definition.name, outcome),
        };
        host.log(&entry.to_json(), true);
    }
}
