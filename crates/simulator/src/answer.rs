//! What the host does for a request: the response, and how it reaches the client.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::reply::Reply;

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The response. Empty if the delivery sends none.
    pub response: Response<Bytes>,
    /// How the response is delivered.
    pub delivery: Delivery,
    /// One line for the terminal about a request to a network; `None` for any other request.
    pub log: Option<String>,
}

/// How a host delivers a response: whole, or with a fault of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Send the whole response.
    Whole,
    /// Wait for this time, then send the whole response.
    Late(Duration),
    /// Send the head and this many bytes of the body, then close the connection.
    CutOff(usize),
    /// Send the head and the body, then repeat these bytes until the client closes the connection.
    Endless(Bytes),
    /// Send nothing, and keep the connection open until the client closes it.
    Hang,
    /// Reset the connection (RFC 9293 §3.10.5) and send nothing.
    Reset,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self {
            response: reply.into_response(),
            delivery: Delivery::Whole,
            log: None,
        }
    }
}
