//! The Cloudflare Worker: the events, bound to the core. wasm32 only.

mod host;
mod http;

use chrono::DateTime;
use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

use crate::api;
use crate::journal::Trigger;
use crate::ports::Clock;
use crate::turn::{Order, turn};
use host::{Host, Upload, settings};

/// The Cron Trigger: one turn for the scheduled time, whenever it arrives.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let host = Host::new(env);
    // The event's time is a whole number of ms far below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    let scheduled_at = DateTime::from_timestamp_millis(event.schedule() as i64);
    let at = scheduled_at.unwrap_or_else(|| host.now());
    turn(&settings(&host), &host, &Order::due_at(at, Trigger::Cron)).await;
}

/// An HTTP request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let host = Host::new(env);
    let settings = settings(&host);
    let body = Upload(request.inner());
    match http::request_from(&request) {
        Ok(request) => http::response_from(api::respond(&request, &body, &settings, &host).await),
        Err(problem) => http::response_from(problem.into_response()),
    }
}
