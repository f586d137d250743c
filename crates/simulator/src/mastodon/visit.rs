//! A request to a server that people sign in to.

use chrono::{DateTime, Utc};
use http::header::LOCATION;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};

use super::discovery;
use super::judge::{Access, Call, avatar_in};
use super::oauth::{self, State};
use super::people;
use super::server::{Done, Judgment, Server};
use super::software::INVALID_TOKEN;
use super::{
    APPS, AUTHORIZE, AVATAR, INSTANCE, MEDIA, NOT_FOUND, REVOKE, TOKEN, TOO_MANY_REQUESTS, UPDATE,
    VERIFY, VERIFY_APP, WELL_KNOWN, rate_headers,
};
use crate::payload::Payload;
use crate::picture::Picture;
use crate::rate_limit::tighter;
use crate::reply::{Refusal, Rejection, Reply};
use crate::request::Request;
use crate::simulator::Icon;
use crate::text::quoted;

/// Where servers have the picture of a person who has none, and whether it is a PNG.
const MISSING: [(&str, bool); 2] = [
    ("/avatars/original/missing.png", true),
    ("/storage/avatars/default.jpg", false),
];

/// A request, and where it arrived.
pub(crate) struct Visit<'a> {
    pub(crate) request: &'a Request,
    /// The public address of the server, without a slash at its end.
    pub(crate) base: String,
    /// Whether it came to the domain of the handles.
    pub(crate) is_at_handles: bool,
    pub(crate) now: DateTime<Utc>,
    /// The number of the request.
    pub(crate) number: u64,
    /// A picture that is not one of the people's, and its path.
    pub(crate) also: Option<(String, Picture)>,
}

impl Visit<'_> {
    /// The URI of a person, as in `ActivityPub`.
    pub(crate) fn person_uri(&self, username: &str) -> String {
        format!("{}/users/{username}", self.base)
    }

    /// The host and the port of the server.
    pub(crate) fn host(&self) -> &str {
        let base = self.base.split_once("://");
        base.map_or(self.base.as_str(), |(_, host)| host)
    }
}

/// How a request was judged, and what the record notes about it.
pub(crate) struct Outcome {
    pub(crate) judgment: Judgment,
    pub(crate) account: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: &'static str,
    pub(crate) picture: Option<Picture>,
}

/// The endpoint that a request to a server is for.
pub(crate) fn endpoint(server: &Server, visit: &Visit<'_>) -> Option<&'static str> {
    let Request { method, path, .. } = visit.request;
    let software = server.kind.software();
    let is_known = |path: &str| path == "host-meta" || path == "webfinger";
    match (method.as_str(), path.as_str()) {
        ("GET", path) if path.starts_with("/.well-known/") => {
            let name = path.trim_start_matches("/.well-known/");
            let is_metadata = name == "oauth-authorization-server";
            let is_there = is_known(name)
                || (is_metadata && server.kind.has_metadata() && !visit.is_at_handles);
            is_there.then_some(WELL_KNOWN)
        }
        _ if visit.is_at_handles => None,
        (_, "/api/v1/accounts/update_credentials") => software.handling(method).map(|_| UPDATE),
        ("GET", "/api/v1/accounts/verify_credentials") => Some(VERIFY),
        ("GET", "/api/v1/apps/verify_credentials") if software.shows_scopes() => Some(VERIFY_APP),
        ("DELETE", "/api/v1/profile/avatar") if server.kind.is_mastodon() => Some(AVATAR),
        ("POST", "/api/v1/apps") => Some(APPS),
        ("GET", "/api/v1/instance" | "/api/v2/instance") => Some(INSTANCE),
        ("GET" | "POST", "/oauth/authorize") => Some(AUTHORIZE),
        ("POST", "/oauth/token") => Some(TOKEN),
        ("POST", "/oauth/revoke") if server.kind.can_revoke() => Some(REVOKE),
        ("GET", path) if is_picture(path) => Some(MEDIA),
        _ => None,
    }
}

/// Whether a path is that of a picture.
fn is_picture(path: &str) -> bool {
    let folders = [
        "/system/accounts/avatars/",
        "/avatars/",
        "/storage/avatars/",
    ];
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Judges a request to a server.
pub(crate) fn judge(
    server: &mut Server,
    visit: &Visit<'_>,
    endpoint: Option<&'static str>,
) -> Outcome {
    if let Some(to) = endpoint.and_then(|endpoint| server.redirects.get(endpoint)) {
        let reply = Reply::empty(302);
        let reply = match HeaderValue::from_str(to) {
            Ok(location) => reply.with(LOCATION, location),
            Err(_) => reply,
        };
        let summary = format!("redirected to {}", quoted(to));
        return Outcome::of(Ok(Done::plain(reply, summary)), "unread");
    }
    match endpoint {
        Some(endpoint @ (UPDATE | VERIFY | VERIFY_APP | AVATAR)) => api(server, visit, endpoint),
        Some(APPS | INSTANCE) => open_api(server, visit, endpoint == Some(APPS)),
        Some(WELL_KNOWN) => Outcome::of(discovery::well_known(server, visit), "none"),
        Some(MEDIA) => Outcome::of(picture(server, visit), "none"),
        Some(AUTHORIZE) if visit.request.method == "GET" => {
            Outcome::of(oauth::ask(server, visit), "none")
        }
        Some(endpoint) => {
            let payload = Payload::of(visit.request);
            let kind = payload.kind();
            let judgment = match endpoint {
                AUTHORIZE => oauth::decide(server, visit, payload),
                TOKEN => oauth::exchange(server, visit, payload),
                _ => oauth::revoke(server, visit, payload),
            };
            let is_answer = endpoint != AUTHORIZE;
            let headers = if is_answer {
                oauth_headers(&judgment)
            } else {
                HeaderMap::new()
            };
            Outcome {
                headers,
                ..Outcome::of(judgment, kind)
            }
        }
        None => {
            let Request { method, path, .. } = visit.request;
            let asked = quoted(&format!("{method} {path}"));
            let reason = format!("there is no {asked} on this server");
            Outcome::of(Err(NOT_FOUND.because(reason)), "unread")
        }
    }
}

impl Outcome {
    fn of(judgment: Judgment, body: &'static str) -> Self {
        let account = judgment.as_ref().ok().and_then(|done| done.account.clone());
        Self {
            judgment,
            account,
            headers: HeaderMap::new(),
            body,
            picture: None,
        }
    }
}

/// The headers of an answer of the token endpoint (RFC 6749 §5.1 and §5.2).
fn oauth_headers(judgment: &Judgment) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if judgment.as_ref().is_err_and(|it| it.refusal.status == 401) {
        let scheme = HeaderValue::from_static("Bearer realm=\"Doorkeeper\"");
        headers.insert(WWW_AUTHENTICATE, scheme);
    }
    headers
}

/// What anyone may ask of the API.
fn open_api(server: &mut Server, visit: &Visit<'_>, is_registration: bool) -> Outcome {
    let mut left = server.unknown.take(1, visit.now);
    if is_registration && server.kind.limits_registrations() {
        left = tighter(left, server.registrations.take(1, visit.now));
    }
    let judgment = if left.exceeded {
        let (points, seconds) = (left.limit.points, left.limit.seconds);
        let reason = format!("more than {points} requests in {} minutes", seconds / 60);
        Err(TOO_MANY_REQUESTS.because(reason))
    } else if is_registration {
        oauth::register(server, visit)
    } else {
        Ok(discovery::instance(server, visit))
    };
    let body = if is_registration { "app" } else { "none" };
    Outcome {
        headers: rate_headers(left),
        ..Outcome::of(judgment, body)
    }
}

/// What a person allowed an app to do.
fn api(server: &mut Server, visit: &Visit<'_>, endpoint: &'static str) -> Outcome {
    let request = visit.request;
    let payload = Payload::of(request);
    let avatar = avatar_in(&payload);
    let picture = avatar.as_ref().ok().map(|avatar| avatar.picture.clone());
    let found = find_token(server, visit);
    let username = found.as_ref().ok().map(|found| found.username.clone());
    let window = match &found {
        Ok(found) => server
            .oauth
            .token_mut(&found.access)
            .map(|token| &mut token.window),
        Err(_) => None,
    };
    let left = window.unwrap_or(&mut server.unknown).take(1, visit.now);
    let judgment = if left.exceeded {
        Err(TOO_MANY_REQUESTS.because("more than 300 requests in 5 minutes"))
    } else {
        let call = |token| Call {
            request,
            endpoint: Some(endpoint),
            payload: &payload,
            token,
        };
        found.and_then(|found| act(server, visit, call(Ok(())), &found, avatar))
    };
    Outcome {
        account: username,
        headers: rate_headers(left),
        picture,
        ..Outcome::of(judgment, payload.kind())
    }
}

/// A good token.
struct Found {
    access: String,
    username: String,
    scopes: String,
    app: String,
}

/// The good token that a request has, or how it is refused.
fn find_token(server: &Server, visit: &Visit<'_>) -> Result<Found, Rejection> {
    let unknown = server.kind.software().unknown_token(&visit.request.headers);
    let text = visit
        .request
        .bearer()
        .map_err(|none| unknown.because(none.reason()))?;
    let token = server
        .oauth
        .token(text)
        .ok_or_else(|| unknown.because("the access token is unknown"))?;
    // Only Mastodon tells why.
    let refuse = |message: &'static str, reason: &str| {
        let refusal = if server.kind.is_mastodon() {
            Refusal::bare(INVALID_TOKEN.status, message)
        } else {
            unknown
        };
        Err(refusal.because(reason))
    };
    match token.state(visit.now.timestamp()) {
        State::Good => {}
        State::Expired => return refuse("The access token expired", "the access token expired"),
        State::Revoked => {
            return refuse(
                "The access token was revoked",
                "the access token is revoked",
            );
        }
    }
    let app = server.oauth.app(&token.client_id);
    Ok(Found {
        access: text.to_owned(),
        username: token.username.clone(),
        scopes: token.scopes.join(" "),
        app: app.map(|app| app.name.clone()).unwrap_or_default(),
    })
}

/// Judges a request with a good token.
fn act(
    server: &mut Server,
    visit: &Visit<'_>,
    call: Call<'_>,
    found: &Found,
    avatar: Result<super::judge::Avatar, Rejection>,
) -> Judgment {
    let username = found.username.clone();
    let number = people::number_of(&username).unwrap_or_default();
    let is_verify = call.endpoint == Some(VERIFY);
    let profile = if is_verify {
        server.shown(&visit.base, &username)
    } else {
        server.profile(&visit.base, &username)
    };
    let access = Access {
        software: server.kind.software(),
        scopes: &found.scopes,
        app: &found.app,
        profile,
        folder: Server::folder(&visit.base, number),
        missing: server.missing(&visit.base),
    };
    let mut accepted = call.judge(&access, avatar, visit.number)?;
    let (removes, set) = (accepted.removes_icon, accepted.icon.take());
    accepted.removes_icon = false;
    let (number, now) = (visit.number, visit.now);
    let summary = format!("@{username}: {}", accepted.summary);
    accepted.summary = summary;
    Ok(Done {
        accepted,
        account: None,
        effect: Box::new(move |server| {
            if removes {
                server.people.remove(&username);
            }
            if let Some(picture) = set {
                let icon = Icon::of(picture, number, now);
                server.people.set(&username, icon);
            }
        }),
    })
}

/// Answers with the current picture of the person whose folder it is.
fn picture(server: &Server, visit: &Visit<'_>) -> Judgment {
    let path = &visit.request.path;
    let found = if let Some((_, picture)) = visit.also.as_ref().filter(|(at, _)| at == path) {
        Some(picture.clone())
    } else if let Some((_, is_png)) = MISSING.iter().find(|(at, _)| at == path) {
        people::missing(*is_png)
    } else {
        let mut parts = path
            .trim_start_matches("/system/accounts/avatars/")
            .split('/');
        let (number, name) = (parts.nth(2), parts.nth(1));
        let username = number
            .and_then(|number| number.parse().ok())
            .and_then(people::name_of);
        let current = username
            .as_deref()
            .and_then(|username| server.people.file_name(server.kind, username));
        let is_current = current.is_some() && current.as_deref() == name && parts.next().is_none();
        username
            .filter(|_| is_current)
            .and_then(|username| server.people.picture(&username))
    };
    let picture = found.ok_or_else(|| {
        let reason = "it is nobody's picture, or no longer";
        NOT_FOUND.because(reason)
    })?;
    let summary = format!("sent a picture, {}", picture.facts.summary());
    Ok(Done::plain(picture_reply(picture), summary))
}

/// A picture as a web server sends it.
fn picture_reply(picture: Picture) -> Reply {
    let media_type = picture.facts.media_type;
    let media_type = media_type.unwrap_or("application/octet-stream");
    Reply::of(200, media_type, picture.bytes).with_all(&[
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "public, max-age=315576000, immutable"),
    ])
}
