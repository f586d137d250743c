//! The routes, and the way of one request to its answer.

use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::header::DATE;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::connection::{Door, Handle};
use super::faults::Delivery;
use super::judge::Request;
use super::payload::{Payload, Raw};
use super::state::Simulator;
use super::{clock, control, page};

/// How long answers that are being sent may take once the end was asked for.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until the end is asked for.
pub(super) async fn serve(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    end: impl Future<Output = ()>,
) -> io::Result<()> {
    let service = router(simulator).into_make_service_with_connect_info::<Handle>();
    let ending = Arc::new(Notify::new());
    let told = Arc::clone(&ending);
    let server = axum::serve(Door(listener), service)
        .with_graceful_shutdown(async move { told.notified().await });
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

fn router(simulator: Arc<Simulator>) -> Router {
    Router::new()
        .route("/", get(page::show))
        // Browsers ask for it unasked; there is none.
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route("/1.1/", any(judged))
        .route("/1.1/{*path}", any(judged))
        .nest("/simulator", control::routes())
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(&simulator), dated))
        .with_state(simulator)
}

/// Gives the answer the simulator's idea of the time, unless it has one already.
async fn dated(
    State(simulator): State<Arc<Simulator>>,
    request: HttpRequest,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Ok(date) = HeaderValue::from_str(&clock::http_date(simulator.clock.now())) {
        response.headers_mut().entry(DATE).or_insert(date);
    }
    response
}

/// Answers whatever is asked of the API.
async fn judged(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: HttpRequest,
) -> Response {
    let (head, body) = request.into_parts();
    let raw = Raw::read(body).await;
    let payload = Payload::of(&head.headers, &raw).await;
    let request = Request::new(
        head.method,
        head.uri.path(),
        head.uri.query().unwrap_or_default(),
        head.headers,
        payload,
        raw.length,
    );
    match simulator.receive(&request) {
        Delivery::Send(answer) => answer.into_response(),
        Delivery::SendLate(delay, answer) => {
            tokio::time::sleep(delay).await;
            answer.into_response()
        }
        Delivery::SendHalf(answer) => {
            connection.cut_off_after(answer.body.len() / 2);
            answer.into_response()
        }
        Delivery::Hang => pending().await,
        Delivery::Reset => {
            connection.reset();
            // Never sent: the connection is reset at the attempt.
            Response::new(Body::empty())
        }
    }
}

async fn not_found(uri: Uri) -> (StatusCode, String) {
    let hint = if uri.path().starts_with("/oauth") || uri.path().starts_with("/2/") {
        "; of X there is only POST /1.1/account/update_profile_image.json"
    } else {
        ""
    };
    (
        StatusCode::NOT_FOUND,
        format!("There is nothing here{hint}. The page of this stand-in for X is at /.\n"),
    )
}
