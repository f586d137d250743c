//! The Cloudflare Worker: the events, bound to the core. wasm32 only. They come
//! in through entry.js.

#![cfg(target_arch = "wasm32")]
#![forbid(unsafe_code)]

mod account;
mod host;
mod http;
mod zones;

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, Request, Response, Result, console_error, event};

use host::{Host, Upload, describe, settings};
use rotate_icon_core::account::journal::{Entry, Report, Trigger};
use rotate_icon_core::outcome::{Diagnosis, Outcome, Reason};
use rotate_icon_core::ports::Log;
use rotate_icon_core::web::{account as account_api, api};

/// Has a panic log its message before it traps: the runtime only tells of the trap.
#[event(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| {
        let entry = json!({ "event": "panic", "message": panic.to_string() });
        console_error!("{entry}");
    }));
}

/// Logs that the account's Durable Object could not be asked for the turn that
/// was due at an instant in Unix ms: nobody else can tell of a turn that never
/// began.
#[wasm_bindgen(js_name = tellUnreachable)]
pub fn tell_unreachable(env: Env, scheduled_unix_ms: f64, error: &JsValue) {
    let host = Host::new(env);
    let diagnosis = Diagnosis::new(
        Reason::Host,
        format!(
            "The account's Durable Object cannot be reached: {}.",
            describe(error)
        ),
        "Nothing to do if it passes; the next turn will try again.",
    );
    for one in &settings(&host).networks {
        let outcome = Outcome::Refused(diagnosis.clone());
        let entry = Entry {
            event: "turn",
            trigger: Trigger::Cron,
            scheduled_at: host.instant(scheduled_unix_ms),
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
        Err(problem) => return http::response_from(api::guarded(Err(problem))),
    };
    if !api::needs_account(&core_request) {
        let body = Upload(request.inner(), &env);
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
