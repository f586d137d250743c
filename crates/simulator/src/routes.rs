//! Every path the simulator answers, in one table.

use http::StatusCode;
use http::header::{ALLOW, HeaderValue, USER_AGENT};

use crate::answer::Answer;
use crate::reply::Reply;
use crate::request::Request;
use crate::simulator::Simulator;
use crate::{bluesky, control, mastodon, page, x};

/// Answers a request to a network.
type NetworkHandler = fn(&mut Simulator, &Request) -> Answer;
/// Answers a request to the simulator itself.
type OwnHandler = fn(&mut Simulator, &Request) -> Reply;

/// A path and its handlers by method. A path that ends in `*` stands for all that begin like it.
type Route = (&'static str, Handlers);

enum Handlers {
    /// Requests to a network: each network judges methods itself.
    Network(NetworkHandler),
    /// Requests to the simulator itself. GET answers HEAD too: the host leaves out the body.
    Methods(&'static [(&'static str, OwnHandler)]),
}

use self::Handlers::{Methods, Network};

/// The first route that matches answers.
const ROUTES: &[Route] = &[
    ("/1.1/*", Network(x::receive)),
    ("/2/*", Network(x::receive)),
    ("/oauth/request_token", Network(x::receive)),
    ("/oauth/access_token", Network(x::receive)),
    // X's and Mastodon's.
    ("/oauth/authorize", Network(authorize)),
    ("/xrpc/*", Network(bluesky::receive)),
    ("/api/*", Network(mastodon::receive)),
    ("/oauth/token", Network(mastodon::receive)),
    ("/oauth/revoke", Network(mastodon::receive)),
    ("/.well-known/*", Network(mastodon::receive)),
    ("/system/accounts/avatars/*", Network(mastodon::receive)),
    ("/avatars/*", Network(mastodon::receive)),
    ("/storage/avatars/*", Network(mastodon::receive)),
    ("/", Methods(&[("GET", page::show)])),
    // Browsers request it unasked.
    (
        "/favicon.ico",
        Methods(&[("GET", |_, _| Reply::empty(204))]),
    ),
    ("/simulator/style.css", Methods(&[("GET", page::style)])),
    ("/packs/common.css", Methods(&[("GET", page::style)])),
    (
        "/simulator/faults",
        Methods(&[
            ("GET", control::faults),
            ("PUT", control::add_fault),
            ("DELETE", control::clear_faults),
        ]),
    ),
    (
        "/simulator/received",
        Methods(&[
            ("GET", control::received),
            ("DELETE", control::clear_received),
        ]),
    ),
    // `/simulator/received/{number}/picture`
    (
        "/simulator/received/*",
        Methods(&[("GET", control::picture)]),
    ),
    ("/simulator/icon", Methods(&[("GET", control::icon)])),
    ("/simulator/pin", Methods(&[("GET", control::pin)])),
    (
        "/simulator/uploads",
        Methods(&[("DELETE", control::forget_uploads)]),
    ),
    (
        "/simulator/bluesky",
        Methods(&[
            ("GET", control::show_bluesky),
            ("PATCH", control::change_bluesky),
        ]),
    ),
    (
        "/simulator/mastodon",
        Methods(&[
            ("GET", control::show_mastodon),
            ("PATCH", control::change_mastodon),
        ]),
    ),
    (
        "/simulator/mastodon/servers",
        Methods(&[
            ("GET", control::show_servers),
            ("PATCH", control::change_server),
        ]),
    ),
    (
        "/simulator/mastodon/tokens",
        Methods(&[("POST", control::issue_token)]),
    ),
    (
        "/simulator/clock",
        Methods(&[("GET", control::show_clock), ("PUT", control::set_clock)]),
    ),
];

/// The routes at the names of Mastodon's servers, where there is nothing else.
const NAMED: &[Route] = &[
    ("/packs/common.css", Methods(&[("GET", page::style)])),
    (
        "/favicon.ico",
        Methods(&[("GET", |_, _| Reply::empty(204))]),
    ),
    ("*", Network(mastodon::receive)),
];

/// What the middleware of `GoToSocial` answers to a request without a `User-Agent`.
const NO_USER_AGENT: &str = r#"{"error": "I'm a teapot: no user-agent sent with request"}"#;

/// Answers a request by its route.
pub(crate) fn answer(simulator: &mut Simulator, request: &Request) -> Answer {
    let is_named = simulator.mastodon.is_named(request.host());
    let mut routes = if is_named { NAMED } else { ROUTES }.iter();
    let route = routes.find(|(path, _)| matches(path, &request.path));
    let methods = match route {
        None => return not_found().into(),
        Some((_, Network(_))) if !has_user_agent(request) => {
            return Reply::of(418, "application/json", NO_USER_AGENT).into();
        }
        Some((_, Network(handler))) => return handler(simulator, request),
        Some((_, Methods(methods))) => methods,
    };
    let asked = match request.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    match methods.iter().find(|(method, _)| *method == asked) {
        Some((_, handler)) => handler(simulator, request).into(),
        None => method_not_allowed(methods.iter().map(|(method, _)| *method)).into(),
    }
}

/// Answers `/oauth/authorize` at the listener's own address.
fn authorize(simulator: &mut Simulator, request: &Request) -> Answer {
    if mastodon::is_sign_in(request) {
        return mastodon::receive(simulator, request);
    }
    match request.method.as_str() {
        "GET" | "HEAD" => x::ask(simulator, request).into(),
        "POST" => x::allow(simulator, request).into(),
        _ => method_not_allowed(["GET", "POST"].into_iter()).into(),
    }
}

fn matches(route: &str, path: &str) -> bool {
    match route.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == route,
    }
}

fn has_user_agent(request: &Request) -> bool {
    request
        .headers
        .get(USER_AGENT)
        .is_some_and(|name| !name.is_empty())
}

/// The reply where there is nothing.
pub(crate) fn not_found() -> Reply {
    Reply::of(
        StatusCode::NOT_FOUND.as_u16(),
        "text/plain; charset=utf-8",
        "There is nothing here. The simulator's page is at /.\n",
    )
}

fn method_not_allowed<'a>(methods: impl Iterator<Item = &'a str>) -> Reply {
    let reply = Reply::empty(StatusCode::METHOD_NOT_ALLOWED.as_u16());
    match HeaderValue::from_str(&methods.collect::<Vec<_>>().join(", ")) {
        Ok(allow) => reply.with(ALLOW, allow),
        Err(_) => reply,
    }
}
