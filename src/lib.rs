//! The Cloudflare Worker: binds the core to the runtime. It builds for wasm32 only.
//!
//! | event | file |
//! |---|---|
//! | a Cron Trigger fires | `scheduled.rs` |
//! | an HTTP request arrives | `fetch.rs` |
//! | the account's object gets a request, or its alarm goes off | `account/` |
//! | the directory's object gets a request | `directory/` |
//!
//! The rest implements the core's ports: `kv.rs` the store of frames, `client.rs` requests to the
//! networks, `storage/` the account's ledger, `upload.rs` uploaded pictures, `time_zones.rs` time
//! zones, `directory/client.rs` the directory, `encryption.rs` what encrypts secrets,
//! `rate_limits.rs` how often an address may do something, `host.rs` the clock and the log.
//!
//! Besides the entry and the decoder, two files are JavaScript, because each step of a stream that
//! crosses into wasm costs: `body.js` and `client.js`.

#![cfg(target_arch = "wasm32")]
#![forbid(unsafe_code)]

mod account;
mod client;
mod directory;
mod encryption;
mod errors;
mod fetch;
mod host;
mod http;
mod kv;
mod rate_limits;
mod scheduled;
mod settings;
mod signing;
mod storage;
mod time_zones;
mod upload;

use serde_json::json;
use worker::{console_error, event};

/// Makes a panic log its message before it traps. The runtime reports only the trap.
#[event(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| {
        let entry = json!({ "event": "panic", "message": panic.to_string() });
        console_error!("{entry}");
    }));
}
