//! The routes, and the way of one request to its answer.

use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::header::{CONTENT_TYPE, DATE, HOST, ORIGIN, USER_AGENT};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
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

/// Serves until the end is asked for. `also` are hosts by which it may be addressed besides its
/// own ones, as the `Host` header has them.
pub(super) async fn serve(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    also: &[String],
    end: impl Future<Output = ()>,
) -> io::Result<()> {
    let guard = Arc::new(Guard::of(listener.local_addr()?, also));
    let service = router(simulator)
        .layer(from_fn_with_state(guard, guarded))
        .into_make_service_with_connect_info::<Handle>();
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
        .route("/2/", any(on_x))
        .route("/2/{*path}", any(on_x))
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

/// Whom this answers. A web page can have its own name resolve to this machine (DNS rebinding) and
/// then speaks to what listens here as if it were its own server: what gives it away is the name,
/// in `Host`. A page that does not hide where it comes from is known by `Origin`.
struct Guard {
    /// In lower case, as the `Host` header has them.
    hosts: Vec<String>,
}

impl Guard {
    fn of(address: SocketAddr, also: &[String]) -> Self {
        let names = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let own = match address.ip() {
            ip if ip.is_unspecified() => None,
            IpAddr::V4(ip) => Some(ip.to_string()),
            IpAddr::V6(ip) => Some(format!("[{ip}]")),
        };
        let port = address.port();
        let mut hosts: Vec<String> = names
            .into_iter()
            .chain(own)
            .map(|name| format!("{name}:{port}"))
            .collect();
        if port == 80 {
            let bare = hosts.iter().filter_map(|host| host.strip_suffix(":80"));
            hosts.extend(bare.map(str::to_owned).collect::<Vec<_>>());
        }
        hosts.extend(also.iter().map(|host| host.to_ascii_lowercase()));
        Self { hosts }
    }

    fn knows(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase())
    }

    /// What is wrong with where a request is addressed to, or comes from.
    fn objection(&self, request: &HttpRequest) -> Option<(StatusCode, &'static str)> {
        let of = |name: HeaderName| request.headers().get_all(name).into_iter();
        let is_known = |host: &HeaderValue| host.to_str().is_ok_and(|host| self.knows(host));
        let authority = request.uri().authority();
        if of(HOST).next().is_none()
            || !of(HOST).all(is_known)
            || authority.is_some_and(|authority| !self.knows(authority.as_str()))
        {
            let reason = "the Host header names another host than localhost, 127.0.0.1 or [::1] \
                          with the port of this stand-in; --allow-host names more";
            return Some((StatusCode::MISDIRECTED_REQUEST, reason));
        }
        let is_own = |origin: &HeaderValue| {
            let origin = origin.to_str().ok();
            let host = origin.and_then(|origin| origin.strip_prefix("http://"));
            host.is_some_and(|host| self.knows(host))
        };
        if !of(ORIGIN).all(is_own) {
            let reason = "the Origin header names another page than one of this stand-in";
            return Some((StatusCode::FORBIDDEN, reason));
        }
        // A link from elsewhere to the page is all right; browsers send no Origin with images and
        // the like.
        let says = |name, text| of(HeaderName::from_static(name)).any(|value| value == text);
        let is_link = request.method() == Method::GET && says("sec-fetch-mode", "navigate");
        if !is_link && (says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site"))
        {
            let reason = "a page of another site asks for this";
            return Some((StatusCode::FORBIDDEN, reason));
        }
        None
    }
}

/// Refuses what no client of this stand-in sends, before anything is judged or recorded.
async fn guarded(State(guard): State<Arc<Guard>>, request: HttpRequest, next: Next) -> Response {
    match guard.objection(&request) {
        None => next.run(request).await,
        Some((status, reason)) => (status, format!("Refused: {reason}.\n")).into_response(),
    }
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

async fn not_found() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "There is nothing here. The page of this stand-in for networks is at /.\n",
    )
}
