//! The Worker's environment as the core's ports see it: here the clock and the log.

use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use worker::kv::KvStore;
use worker::{Env, console_error, console_log};

use rotate_icon_core::ports::{Clock, Log};

/// The environment of an event. `kv.rs` makes it a store, `client.rs` an HTTP client.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) env: Env,
    /// The KV namespace of the frames, once it has been looked up.
    pub(crate) frames: OnceCell<KvStore>,
}

impl Host {
    pub(crate) fn new(env: Env) -> Self {
        Self {
            env,
            frames: OnceCell::new(),
        }
    }
}

impl Clock for Host {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl Log for Host {
    /// Writes one line of JSON; Workers Logs splits it into fields.
    fn log(&self, entry: &str, is_failure: bool) {
        if is_failure {
            console_error!("{entry}");
        } else {
            console_log!("{entry}");
        }
    }
}
