//! Mastodon: a server with one account and one access token, which can behave like other software
//! that offers the same API; and servers of several kinds, told apart by the `Host` header, that
//! people sign in to (RFC 6749).

mod account;
mod change;
mod discovery;
mod faults;
mod judge;
mod kind;
pub(crate) mod oauth;
mod people;
mod server;
mod software;
mod visit;

use chrono::{DateTime, SecondsFormat};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use self::account::Profile;
pub(crate) use self::change::{IssueToken, ServerChange};
pub(crate) use self::faults::FAULTS;
use self::judge::{Access, Call, avatar_in, avatar_name};
pub use self::kind::Kind;
pub use self::server::NamedServer;
pub(crate) use self::server::{OWN, Server};
pub use self::software::Software;
use self::visit::Visit;
use crate::answer::Answer;
use crate::form;
use crate::network::Network;
use crate::payload::Payload;
use crate::picture::Picture;
use crate::random::Random;
use crate::rate_limit::{Left, Window};
use crate::reply::Refusal;
use crate::request::Request;
use crate::simulator::{Icon, Judged, Simulator};

const UPDATE: &str = "accounts/update_credentials";
const VERIFY: &str = "accounts/verify_credentials";
const VERIFY_APP: &str = "apps/verify_credentials";
const AVATAR: &str = "profile/avatar";
const APPS: &str = "apps";
const INSTANCE: &str = "instance";
/// What is under `/.well-known/`.
const WELL_KNOWN: &str = "well-known";
const AUTHORIZE: &str = "oauth/authorize";
const TOKEN: &str = "oauth/token";
const REVOKE: &str = "oauth/revoke";
/// The pictures of accounts.
const MEDIA: &str = "media";

/// The names of the endpoints.
pub(crate) const ENDPOINTS: [&str; 11] = [
    UPDATE, VERIFY, VERIFY_APP, AVATAR, APPS, INSTANCE, WELL_KNOWN, AUTHORIZE, TOKEN, REVOKE, MEDIA,
];

/// The most bytes of an avatar. Older servers allow “2 MB”; this is safe whether that is decimal or
/// binary.
const LARGEST_AVATAR: usize = 2_000_000;
/// The media types of avatars.
const MEDIA_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// The account's name.
const USERNAME: &str = "local";

const AVATAR_BLANK: Refusal = Refusal::bare(422, "Validation failed: Avatar can't be blank");
const AVATAR_TOO_LARGE: Refusal =
    Refusal::bare(422, "Validation failed: Avatar must be less than 2 MB");
const AVATAR_OF_WRONG_TYPE: Refusal = Refusal::bare(
    422,
    "Validation failed: Avatar content type is invalid, Avatar is invalid",
);
const AVATAR_SPOOFED: Refusal = Refusal::bare(
    422,
    "Validation failed: Avatar has contents that are not what they are reported to be",
);
const NO_METHOD: Refusal = Refusal::bare(
    405,
    "The POST method is not supported for route api/v1/accounts/update_credentials. Supported \
     methods: PATCH.",
);
const NOT_FOUND: Refusal = Refusal::bare(404, "Not Found");
const TOO_MANY_REQUESTS: Refusal = Refusal::bare(429, "Too many requests");

/// The access token, and what it allows.
pub struct Grant {
    /// The access token.
    pub token: String,
    /// The scopes of the token, separated by spaces.
    pub scopes: String,
    /// The software of the server that issued the token.
    pub software: Software,
}

impl Default for Grant {
    /// The token of the local development setup.
    fn default() -> Self {
        Self {
            token: "local-mastodon-token".to_owned(),
            scopes: "read:accounts write:accounts".to_owned(),
            software: Software::default(),
        }
    }
}

/// The servers.
pub(crate) struct Mastodon {
    grant: Grant,
    /// Requests with the known token.
    known: Window,
    /// All other requests.
    unknown: Window,
    /// What people sign in to at the listener's own address.
    own: Server,
    /// The servers that are told apart by their names.
    named: Vec<Server>,
}

/// Where a request arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the listener's own address.
    Own,
    /// At the server with this index.
    Named(usize),
    /// At the domain of the handles of the server with this index.
    Handles(usize),
}

/// A change to the token. Members that are left out change nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    token: Option<String>,
    scopes: Option<String>,
    software: Option<Software>,
}

impl Mastodon {
    /// The server with one account, and those that are told apart by their names.
    pub(crate) fn new(grant: Grant, named: Vec<NamedServer>, random: &mut Random) -> Self {
        Self {
            grant,
            known: Window::aligned(300, 300),
            unknown: Window::aligned(300, 300),
            own: Server::own(random.fork()),
            named: named
                .into_iter()
                .map(|server| Server::named(server, random.fork()))
                .collect(),
        }
    }

    /// Whether this `Host` header names a server, rather than the listener itself.
    pub(crate) fn is_named(&self, host: &str) -> bool {
        self.place(host) != Place::Own
    }

    /// Where a request with this `Host` header arrives.
    fn place(&self, host: &str) -> Place {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        let mut servers = self.named.iter().enumerate();
        servers
            .find_map(|(index, server)| {
                if server.host.as_deref().is_some_and(is) {
                    Some(Place::Named(index))
                } else if server.handles.as_deref().is_some_and(is) {
                    Some(Place::Handles(index))
                } else {
                    None
                }
            })
            .unwrap_or(Place::Own)
    }

    fn at(&mut self, place: Place) -> &mut Server {
        match place {
            Place::Own => &mut self.own,
            Place::Named(index) | Place::Handles(index) => self
                .named
                .get_mut(index)
                .expect("a place is made from the index of a server"),
        }
    }

    /// All servers that people sign in to, the listener's own first.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &Server> {
        std::iter::once(&self.own).chain(&self.named)
    }

    /// The server with this name; the listener's own without one.
    ///
    /// # Errors
    ///
    /// If there is no such server.
    pub(crate) fn server(&self, name: Option<&str>) -> Result<&Server, String> {
        let name = name.unwrap_or(OWN);
        self.servers()
            .find(|server| server.name() == name)
            .ok_or_else(|| no_such_server(self))
    }

    /// The same, to change it.
    fn server_mut(&mut self, name: Option<&str>) -> Result<&mut Server, String> {
        let name = name.unwrap_or(OWN);
        let problem = no_such_server(self);
        std::iter::once(&mut self.own)
            .chain(&mut self.named)
            .find(|server| server.name() == name)
            .ok_or(problem)
    }

    /// The account as the control routes show it, without secrets.
    pub(crate) fn describe(&self) -> Value {
        let Grant {
            scopes, software, ..
        } = &self.grant;
        json!({ "acct": USERNAME, "scopes": scopes, "software": software })
    }

    /// Changes the token. A replaced token is unknown from now on.
    pub(crate) fn change(&mut self, change: Change) {
        if let Some(token) = change.token {
            self.grant.token = token;
        }
        if let Some(scopes) = change.scopes {
            self.grant.scopes = scopes;
        }
        if let Some(software) = change.software {
            self.grant.software = software;
        }
    }
}

fn no_such_server(mastodon: &Mastodon) -> String {
    let known: Vec<&str> = mastodon.servers().map(Server::name).collect();
    format!("there is no such server; known are {}", known.join(", "))
}

/// Whether a request to `/oauth/authorize` at the listener's own address is for this network:
/// X's has an `oauth_token`.
pub(crate) fn is_sign_in(request: &Request) -> bool {
    let is_ours = |text: &[u8]| {
        form::decode(text).is_ok_and(|pairs| {
            let mut names = pairs.iter().map(|(name, _)| name.as_str());
            names.any(|name| name == "client_id" || name == "response_type")
        })
    };
    is_ours(request.query.as_bytes()) || is_ours(&request.body.bytes)
}

/// Judges, records and answers a request.
pub(crate) fn receive(simulator: &mut Simulator, request: &Request) -> Answer {
    let place = simulator.mastodon.place(request.host());
    if place == Place::Own && is_for_the_one_account(&simulator.mastodon, request) {
        return receive_for_the_one_account(simulator, request);
    }
    let now = simulator.clock.now();
    let number = simulator.journal.next_number();
    let also = picture_of_the_one_account(simulator).filter(|_| place == Place::Own);
    let server = simulator.mastodon.at(place);
    let visit = Visit {
        request,
        base: server.base(request.host()),
        is_at_handles: matches!(place, Place::Handles(_)),
        now,
        number,
        also,
    };
    let name = server.name().to_owned();
    let endpoint = visit::endpoint(server, &visit);
    let outcome = visit::judge(server, &visit, endpoint);
    let fault = endpoint.and_then(|endpoint| {
        let faults = &mut simulator.faults;
        faults.take(Network::Mastodon, Some(&name), endpoint)
    });
    let passes = fault.is_none_or(crate::faults::Fault::lets_pass);
    let judged = outcome.judgment.map(|done| {
        if passes {
            (done.effect)(simulator.mastodon.at(place));
        }
        done.accepted
    });
    simulator.settle(Judged {
        network: Network::Mastodon,
        server: Some(name),
        account: outcome.account,
        endpoint,
        fault,
        outcome: judged,
        headers: outcome.headers,
        cut_off: None,
        body: outcome.body,
        oauth: None,
        picture: outcome.picture,
    })
}

/// The picture of the one account, and its path.
fn picture_of_the_one_account(simulator: &Simulator) -> Option<(String, Picture)> {
    let icon = simulator.icon(Network::Mastodon)?;
    let picture = Picture {
        bytes: icon.bytes.clone(),
        facts: icon.facts.clone(),
    };
    let access = the_one_account(&simulator.mastodon.grant, String::new(), Some(icon));
    Some((access.profile.avatar, picture))
}

/// Whether a request is judged by the rules of the one account: it is for the API of an account
/// or for nothing that there is, and nobody who signed in has its token.
fn is_for_the_one_account(mastodon: &Mastodon, request: &Request) -> bool {
    let is_signed_in = request
        .bearer()
        .is_ok_and(|token| mastodon.own.oauth.token(token).is_some());
    let path = request.path.as_str();
    let is_open = matches!(
        path,
        "/api/v1/apps" | "/api/v1/instance" | "/api/v2/instance"
    );
    path.starts_with("/api/") && !is_signed_in && !is_open
}

/// The endpoint of the one account that a request is for.
fn endpoint_of_the_one_account(software: Software, request: &Request) -> Option<&'static str> {
    match (request.method.as_str(), request.path.as_str()) {
        (_, "/api/v1/accounts/update_credentials") => {
            software.handling(&request.method).map(|_| UPDATE)
        }
        ("GET", "/api/v1/accounts/verify_credentials") => Some(VERIFY),
        ("GET", "/api/v1/apps/verify_credentials") if software.shows_scopes() => Some(VERIFY_APP),
        ("DELETE", "/api/v1/profile/avatar") if software == Software::Mastodon => Some(AVATAR),
        _ => None,
    }
}

/// Judges, records and answers a request for the one account.
fn receive_for_the_one_account(simulator: &mut Simulator, request: &Request) -> Answer {
    let payload = Payload::of(request);
    let avatar = avatar_in(&payload);

    let now = simulator.clock.now();
    let software = simulator.mastodon.grant.software;
    let endpoint = endpoint_of_the_one_account(software, request);
    let fault = endpoint.and_then(|endpoint| {
        let faults = &mut simulator.faults;
        faults.take(Network::Mastodon, Some(OWN), endpoint)
    });
    let mastodon = &mut simulator.mastodon;
    let token = request.bearer();
    let is_known = token.is_ok_and(|token| token == mastodon.grant.token);
    let window = if is_known {
        &mut mastodon.known
    } else {
        &mut mastodon.unknown
    };
    let left = window.take(1, now);
    let refused = |reason| Err(software.unknown_token(&request.headers).because(reason));
    let call = Call {
        request,
        endpoint,
        payload: &payload,
        token: match (is_known, token) {
            (true, _) => Ok(()),
            (false, Err(none)) => refused(none.reason()),
            (false, Ok(_)) => refused("the access token is unknown"),
        },
    };
    let picture = avatar.as_ref().ok().map(|avatar| avatar.picture.clone());
    let outcome = if left.exceeded {
        Err(TOO_MANY_REQUESTS.because("more than 300 requests in 5 minutes"))
    } else {
        let icon = simulator.icon(Network::Mastodon);
        let number = simulator.journal.next_number();
        let base = format!("http://{}", request.host());
        let access = the_one_account(&simulator.mastodon.grant, base, icon);
        call.judge(&access, avatar, number)
    };
    simulator.settle(Judged {
        network: Network::Mastodon,
        server: Some(OWN.to_owned()),
        account: is_known.then(|| USERNAME.to_owned()),
        endpoint,
        fault,
        outcome,
        headers: rate_headers(left),
        cut_off: None,
        body: payload.kind(),
        oauth: None,
        picture,
    })
}

/// The one account, with its picture, and what its token is good for.
fn the_one_account<'a>(grant: &'a Grant, base: String, icon: Option<&Icon>) -> Access<'a> {
    let software = grant.software;
    let folder = Server::folder(&base, 1);
    let missing = format!("{base}{}", software.missing_avatar());
    let avatar = match icon {
        None => missing.clone(),
        Some(icon) => {
            let name = avatar_name(software, icon.number, &icon.facts);
            format!("{folder}/{name}")
        }
    };
    let profile = Profile {
        id: "1".to_owned(),
        username: USERNAME.to_owned(),
        acct: USERNAME.to_owned(),
        display_name: "Local account".to_owned(),
        url: format!("{base}/@{USERNAME}"),
        uri: format!("{base}/users/{USERNAME}"),
        avatar,
        base,
    };
    Access {
        software,
        scopes: &grant.scopes,
        app: "An application",
        profile,
        folder,
        missing,
    }
}

/// The headers that tell what is left of the limit.
fn rate_headers(left: Left) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-ratelimit-limit"),
        HeaderValue::from(left.limit.points),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining"),
        HeaderValue::from(left.remaining),
    );
    let reset = DateTime::from_timestamp(left.reset, 0)
        .map(|reset| reset.to_rfc3339_opts(SecondsFormat::Micros, true));
    if let Some(Ok(reset)) = reset.as_deref().map(HeaderValue::from_str) {
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset);
    }
    headers
}
