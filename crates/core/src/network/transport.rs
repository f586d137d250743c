//! What carries a network's requests.

use std::pin::Pin;

use chrono::{DateTime, Utc};
use http::{Request, Response};

use crate::ports::{Client, Clock, REPLY_TIMEOUT_MS, SendError};

/// A future behind a pointer, so that a trait object can return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Carries a network's requests, and tells it the time.
pub trait Transport {
    /// Sends a request as [`Client::send`] does, and gives up after [`REPLY_TIMEOUT_MS`].
    fn send(&self, request: Request<Vec<u8>>) -> Pending<'_, Result<Response<Vec<u8>>, SendError>>;

    /// Returns the current instant.
    fn now(&self) -> DateTime<Utc>;
}

impl<H: Client + Clock> Transport for H {
    fn send(&self, request: Request<Vec<u8>>) -> Pending<'_, Result<Response<Vec<u8>>, SendError>> {
        Box::pin(Client::send(self, request, REPLY_TIMEOUT_MS))
    }

    fn now(&self) -> DateTime<Utc> {
        Clock::now(self)
    }
}
