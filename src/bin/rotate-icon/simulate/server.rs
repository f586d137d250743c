//! The routes, and the way of one request to its answer.

use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::header::{CONTENT_TYPE, DATE, USER_AGENT};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::connection::{Door, Handle};
use super::faults::Delivery;
use super::incoming::Incoming;
use super::network::Network;
use super::state::Simulator;
use super::{bluesky, clock, control, mastodon, page, x};

/// How long answers that are being sent may take once the end was asked for.
const GRACE: Duration = Duration::from_secs(1);

/// Answers a request without `User-Agent` as `GoToSocial`'s middleware does.
const NAMELESS: &str = r#"{"error": "I'm a teapot: no user-agent sent with request"}"#;

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
        .route("/1.1/", any(on_x))
        .route("/1.1/{*path}", any(on_x))
        .route("/oauth/request_token", any(on_x))
        .route("/oauth/access_token", any(on_x))
        .merge(x::pages())
        .route("/xrpc/", any(on_bluesky))
        .route("/xrpc/{*path}", any(on_bluesky))
        .route("/api/", any(on_mastodon))
        .route("/api/{*path}", any(on_mastodon))
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

async fn on_x(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: HttpRequest,
) -> Response {
    answered(&simulator, Network::X, &connection, request).await
}

async fn on_bluesky(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: HttpRequest,
) -> Response {
    answered(&simulator, Network::Bluesky, &connection, request).await
}

async fn on_mastodon(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: HttpRequest,
) -> Response {
    answered(&simulator, Network::Mastodon, &connection, request).await
}

/// Answers whatever is asked of a network.
async fn answered(
    simulator: &Simulator,
    network: Network,
    connection: &Handle,
    request: HttpRequest,
) -> Response {
    let name = request.headers().get(USER_AGENT);
    if name.is_none_or(HeaderValue::is_empty) {
        let head = [(CONTENT_TYPE, "application/json")];
        return (StatusCode::IM_A_TEAPOT, head, NAMELESS).into_response();
    }
    let incoming = Incoming::read(request).await;
    let delivery = match network {
        Network::X => x::receive(simulator, incoming).await,
        Network::Bluesky => bluesky::receive(simulator, &incoming),
        Network::Mastodon => mastodon::receive(simulator, &incoming).await,
    };
    match delivery {
        Delivery::Send(answer) => answer.into_response(),
        Delivery::SendLate(delay, answer) => {
            tokio::time::sleep(delay).await;
            answer.into_response()
        }
        Delivery::SendHalf(answer) => {
            connection.cut_off_after(answer.body.len() / 2);
            answer.into_response()
        }
        Delivery::SendEndless => {
            connection.never_end();
            // Never sent: something else is, for as long as the client listens.
            Response::new(Body::empty())
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
    let hint = if uri.path().starts_with("/2/") {
        "; of X there is only what is under /1.1/account/ and /oauth/"
    } else {
        ""
    };
    (
        StatusCode::NOT_FOUND,
        format!("There is nothing here{hint}. The page of this stand-in for networks is at /.\n"),
    )
}
