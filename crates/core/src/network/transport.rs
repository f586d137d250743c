//! What carries a network's requests.

use std::future::ready;
use std::pin::Pin;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, Response};

use crate::instant::after;
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

/// A transport that ends at an instant: each request has the time that is left, and afterwards none
/// is sent.
pub struct Deadline<'a> {
    transport: &'a dyn Transport,
    ends_at: DateTime<Utc>,
}

impl<'a> Deadline<'a> {
    /// Gives all requests together this time, from now on.
    pub fn of(transport: &'a dyn Transport, time: TimeDelta) -> Self {
        Self {
            ends_at: after(transport.now(), time),
            transport,
        }
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.now() >= self.ends_at
    }
}

impl Transport for Deadline<'_> {
    fn send_within(
        &self,
        request: Request<Vec<u8>>,
        limits: ReplyLimits,
    ) -> Pending<'_, Result<Response<Vec<u8>>, SendError>> {
        let left = self.ends_at.signed_duration_since(self.now());
        let left = u32::try_from(left.num_milliseconds()).unwrap_or(0);
        if left == 0 {
            return Box::pin(ready(Err(SendError::Timeout)));
        }
        let limits = ReplyLimits {
            timeout_ms: limits.timeout_ms.min(left),
            ..limits
        };
        self.transport.send_within(request, limits)
    }

    fn now(&self) -> DateTime<Utc> {
        self.transport.now()
    }
}
