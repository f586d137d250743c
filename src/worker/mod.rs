//! The Cloudflare Worker: the events, bound to the core. wasm32 only.

mod account;
mod host;
mod http;

use chrono::{DateTime, Utc};
use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

use crate::journal::{Entry, Report, Trigger};
use crate::outcome::{Outcome, Reason, Trouble};
use crate::ports::{Clock, Log};
use crate::{account_api, api};
use host::{Host, Upload, describe, settings};

/// The Cron Trigger: one turn for the scheduled time, whenever it arrives.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    // The event's time is a whole number of ms far below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    let scheduled_at = DateTime::from_timestamp_millis(event.schedule() as i64);
    let host = Host::new(env.clone());
    let at = scheduled_at.unwrap_or_else(|| host.now());
    if let Err(error) = account::scheduled(&env, at).await {
        log_unreachable(&host, at, &describe(&error));
    }
}

/// Nobody else can tell of a turn that never began.
fn log_unreachable(host: &Host, at: DateTime<Utc>, error: &str) {
    let trouble = Trouble::new(
        Reason::Host,
        format!("The account's Durable Object cannot be reached: {error}."),
        "Nothing to do if it passes; the next turn will try again.",
    );
    for one in &settings(host).networks {
        let outcome = Outcome::Refused(trouble.clone());
        let entry = Entry {
            event: "turn",
            trigger: Trigger::Cron,
            scheduled_at: at,
            sent_at: None,
            duration_ms: 0,
            report: &Report::of(one.definition.name, outcome),
        };
        host.log(&entry.to_json(), true);
    }
}

/// An HTTP request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let host = Host::new(env.clone());
    let settings = settings(&host);
    let core_request = match http::request_from(&request) {
        Ok(request) => request,
        Err(problem) => return http::response_from(problem.into_response()),
    };
    if !api::needs_account(&core_request) {
        let body = Upload(request.inner());
        return http::response_from(api::respond(&core_request, &body, &settings, &host).await);
    }
    if let Err(problem) = account_api::admit(&core_request, &settings) {
        return http::response_from(api::guarded(Err(problem)));
    }
    let answer = match account::stub(&env) {
        Ok(account) => account.fetch_with_request(request).await,
        Err(error) => Err(error),
    };
    answer.or_else(|error| {
        http::response_from(api::guarded(Err(account::unreachable(&error.to_string()))))
    })
}
