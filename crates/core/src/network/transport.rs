//! What carries a network's requests.

use std::pin::Pin;

use chrono::{DateTime, Utc};
use http::{Request, Response};

use crate::ports::{Client, Clock, ReplyLimits, SendError};

/// A future behind a pointer, so that a trait object can return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Carries a network's requests, and tells it the time.
pub trait Transport {
    /// Sends a request as [`Client::send`] does.
    fn send_within(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Pending<'_, Result<Response<Vec<u8>>, SendError>>;

    /// Sends a request of a turn, within [`ReplyLimits::OF_TURNS`].
    fn send(&self, request: Request<Vec<u8>>) -> Pending<'_, Result<Response<Vec<u8>>, SendError>> {
        self.send_within(request, ReplyLimits::OF_TURNS)
    }

    /// Returns the current instant.
    fn now(&self) -> DateTime<Utc>;
}

impl<H: Client + Clock> Transport for H {
    fn send_within(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Pending<'_, Result<Response<Vec<u8>>, SendError>> {
        Box::pin(Client::send(self, request, limits))
    }

    fn now(&self) -> DateTime<Utc> {
        Clock::now(self)
    }
}
