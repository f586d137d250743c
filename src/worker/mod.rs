//! The Cloudflare Worker: the events, bound to the core. wasm32 only.

mod host;
mod http;

use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use worker::{
    Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error,
    console_log, event,
};

use crate::api;
use crate::outcome::Outcome;
use crate::ports::Clock;
use crate::turn::{Order, Report, turn};
use host::{Host, settings};

/// The Cron Trigger: one turn for the scheduled time, whenever it arrives.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let host = Host::new(env);
    let started = host.now();
    // The event's time is a whole number of ms far below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    let scheduled_at = DateTime::from_timestamp_millis(event.schedule() as i64).unwrap_or(started);
    let report = turn(&settings(&host), &host, &Order::due_at(scheduled_at)).await;
    log_turn(scheduled_at, started, host.now(), &report);
}

/// An HTTP request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let host = Host::new(env);
    let settings: Rc<_> = settings(&host);
    match http::request_from(&request) {
        Ok(request) => http::response_from(api::respond(&request, &settings, &host).await),
        Err(problem) => http::response_from(problem.into_response()),
    }
}

/// One line a turn, as JSON, which Workers Logs takes apart into fields.
#[derive(Serialize)]
struct TurnLog<'a> {
    event: &'static str,
    scheduled_at: DateTime<Utc>,
    duration_ms: i64,
    #[serde(flatten)]
    report: &'a Report,
}

fn log_turn(
    scheduled_at: DateTime<Utc>,
    started: DateTime<Utc>,
    ended: DateTime<Utc>,
    report: &Report,
) {
    let line = serde_json::to_string(&TurnLog {
        event: "turn",
        scheduled_at,
        duration_ms: ended.signed_duration_since(started).num_milliseconds(),
        report,
    })
    .unwrap_or_default();
    match report.outcome {
        Outcome::Turned | Outcome::DryRun(_) => console_log!("{line}"),
        Outcome::Retry { .. } | Outcome::Refused(_) => console_error!("{line}"),
    }
}
