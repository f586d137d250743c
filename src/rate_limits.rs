//! How often an address may do something: the runtime's rate limiting.

use serde_json::json;
use worker::console_error;

use crate::errors::describe;
use crate::host::Host;
use rotate_icon_core::service::limits::{Limited, RateLimits, counted_as};

/// The binding of a limit.
fn binding(what: Limited) -> &'static str {
    match what {
        Limited::SignIns => "SIGN_INS",
        Limited::Uploads => "UPLOADS",
    }
}

impl RateLimits for Host {
    /// Where wrangler.toml binds no limit, or the runtime cannot count, everything is allowed.
    async fn allow(&self, what: Limited, address: &str) -> bool {
        let Ok(limiter) = self.env.rate_limiter(binding(what)) else {
            return true;
        };
        match limiter.limit(counted_as(address)).await {
            Ok(outcome) => outcome.success,
            Err(error) => {
                let entry = json!({
                    "event": "rate_limit",
                    "binding": binding(what),
                    "message": describe(error),
                });
                console_error!("{entry}");
                true
            }
        }
    }
}
