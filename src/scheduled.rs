//! The Cron Trigger: asks the owner's account to make the turn that is due, and looks after other
//! accounts whose alarm may have been lost.

use std::time::Duration;

use chrono::DateTime;
use futures_util::future::join_all;
use js_sys::Reflect;
use serde_json::json;
use worker::{Delay, Env, Result, ScheduleContext, ScheduledEvent, event};

use crate::account::{self, DueTurn};
use crate::errors::describe;
use crate::host::Host;
use crate::settings::{service_settings, settings};
use rotate_icon_core::account::commands::Command;
use rotate_icon_core::account::journal::{Entry, Report, Trigger};
use rotate_icon_core::outcome::{Diagnosis, Outcome, Reason};
use rotate_icon_core::ports::{Clock, Log};
use rotate_icon_core::service::accounts::Accounts;
use rotate_icon_core::service::directory::Directory;

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
        log_unreachable(env.clone(), &due, error);
    }
    if is_first_of_hour(&due) {
        check_alarms(env).await;
    }
}

/// Whether a whole hour begins with the event, so that a cron that fires more often checks alarms
/// once an hour. A cron that never fires on the hour checks none; then only its requests check an
/// account.
fn is_first_of_hour(due: &DueTurn) -> bool {
    const MS_AN_HOUR: i64 = 3_600_000;
    const MS_A_MINUTE: i64 = 60_000;

    due.unix_ms.rem_euclid(MS_AN_HOUR) < MS_A_MINUTE
}

/// Has the next accounts, in turn, check that they will be woken. An account checks that itself
/// whenever it is asked for anything, so this matters to those that nobody asks.
async fn check_alarms(env: Env) {
    let checks = service_settings(&env).checks_an_hour;
    let host = Host::new(env);
    // A Worker whose configuration is from before there were accounts has no directory.
    let Ok(accounts) = host.next_slice(checks).await else {
        return;
    };
    let checks = accounts
        .iter()
        .map(|account| host.ask(account, &Command::CheckAlarm));
    let checks = join_all(checks).await;
    let failed = checks.iter().filter(|check| check.is_err()).count();
    if failed > 0 {
        let entry = json!({ "event": "check", "accounts": checks.len(), "unreachable": failed });
        host.log(&entry.to_string(), true);
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
