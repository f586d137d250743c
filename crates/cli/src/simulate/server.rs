//! Serves the simulator over HTTP, and carries out the delivery of each answer.

use std::future::{Future, pending};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::Utc;
use futures_util::{StreamExt, stream};
use http::Request;
use simulator::{Answer, Delivery, Simulator};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::connection::{FaultyListener, Handle};
use super::guard::{AllowedHosts, Guard};

/// How long answers under way may take once the end was requested.
const GRACE: Duration = Duration::from_secs(1);

/// A simulator that several connections share.
pub(crate) struct Server {
    simulator: Mutex<Simulator>,
    /// Where the log goes.
    output: Mutex<Box<dyn Write + Send>>,
}

impl Server {
    /// A server that writes a line about each request to a network.
    pub(crate) fn new(simulator: Simulator, output: Box<dyn Write + Send>) -> Self {
        Self {
            simulator: Mutex::new(simulator),
            output: Mutex::new(output),
        }
    }

    /// Serves until `end` is ready. `also` are further hosts by which the simulator may be
    /// addressed.
    ///
    /// # Errors
    ///
    /// If the listener fails.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        also: &AllowedHosts,
        end: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let guard = Guard::of(listener.local_addr()?, also);
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::new((self, guard)));
        let ending = Arc::new(Notify::new());
        let ended = Arc::clone(&ending);
        let service = router.into_make_service_with_connect_info::<Handle>();
        let server = axum::serve(FaultyListener(listener), service)
            .with_graceful_shutdown(async move { ended.notified().await });
        let deadline = async {
            end.await;
            ending.notify_one();
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            result = server => result,
            () = deadline => Ok(()),
        }
    }

    /// Has the simulator judge a request, and logs what it says.
    fn answer(&self, request: Request<simulator::Body>) -> Answer {
        let mut simulator = self
            .simulator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let answer = simulator.handle(request, Utc::now());
        if let Some(line) = &answer.log {
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            // The simulator goes on although nobody reads the log.
            let _ = writeln!(output, "{line}").and_then(|()| output.flush());
        }
        answer
    }
}

/// Answers one request.
async fn respond(
    State(state): State<Arc<(Server, Guard)>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: Request<Body>,
) -> Response {
    let (server, guard) = &*state;
    if let Some((status, reason)) = guard.objection(&request) {
        return (status, format!("Refused: {reason}.\n")).into_response();
    }
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, read(body).await);
    deliver(server.answer(request), &connection).await
}

/// Reads a body to its end, within the simulator's limits.
async fn read(body: Body) -> simulator::Body {
    let mut body = body.into_data_stream();
    let mut held = Vec::new();
    let mut length: usize = 0;
    while let Some(data) = body.next().await {
        let Ok(data) = data else {
            return simulator::Body::broken_off();
        };
        length = length.saturating_add(data.len());
        if length <= simulator::Body::LARGEST_HELD {
            held.extend_from_slice(&data);
        } else {
            held = Vec::new();
        }
        if length > simulator::Body::LARGEST_READ {
            break;
        }
    }
    if length > simulator::Body::LARGEST_HELD {
        return simulator::Body::oversized(length);
    }
    Bytes::from(held).into()
}

/// Carries out the delivery. The faults of a connection are left to the [`Handle`].
async fn deliver(answer: Answer, connection: &Handle) -> Response {
    let response = answer.response.map(Body::from);
    match answer.delivery {
        Delivery::Whole => {}
        Delivery::Late(delay) => tokio::time::sleep(delay).await,
        Delivery::CutOff(length) => connection.cut_off_after(length),
        Delivery::Endless(more) => {
            return response.map(|body| {
                let endless = stream::repeat_with(move || Ok(more.clone()));
                Body::from_stream(body.into_data_stream().chain(endless))
            });
        }
        Delivery::Hang => pending().await,
        // The response is not sent: the attempt to write it resets the connection.
        Delivery::Reset => connection.reset(),
    }
    response
}
