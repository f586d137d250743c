//! Mastodon: a server with one account, and a token that may do some things. It can also be one of
//! the other makes that offer the same API.

mod faults;
mod software;

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, SecondsFormat};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::faults::FAULTS;
pub(super) use self::software::Software;
use self::software::Taking;
use super::answer::{Answer, Refusal, Rejection};
use super::faults::Delivery;
use super::incoming::Incoming;
use super::network::Network;
use super::payload::{Part, Payload};
use super::picture::{Facts, Picture};
use super::rate_limit::{Left, Window};
use super::state::{Accepted, Icon, Judged, Simulator};
use crate::text::{grouped, quoted};

const UPDATE: &str = "accounts/update_credentials";
const VERIFY: &str = "accounts/verify_credentials";
const VERIFY_APP: &str = "apps/verify_credentials";

/// What is answered, by name.
pub(super) const ENDPOINTS: [&str; 3] = [UPDATE, VERIFY, VERIFY_APP];

/// Safe whichever way the “2 MB” of older servers are meant.
const LARGEST_AVATAR: usize = 2_000_000;
/// What the pictures of avatars may be.
const MEDIA_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// The name of the account.
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

/// A token and what it is good for.
pub(super) struct Grant {
    pub(super) token: String,
    /// The scopes, with spaces between them.
    pub(super) scopes: String,
    /// Whose token it is.
    pub(super) software: Software,
}

/// The server.
pub(super) struct Mastodon {
    grant: Grant,
    /// The requests with the token.
    known: Window,
    /// The requests without it.
    unknown: Window,
}

/// What the control routes may change; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    token: Option<String>,
    scopes: Option<String>,
    software: Option<Software>,
}

impl Mastodon {
    /// A server with one account.
    pub(super) fn new(grant: Grant) -> Self {
        Self {
            grant,
            known: Window::aligned(300, 300),
            unknown: Window::aligned(300, 300),
        }
    }

    /// The account as the control routes show it, without anything secret.
    pub(super) fn describe(&self) -> Value {
        let Grant {
            scopes, software, ..
        } = &self.grant;
        json!({ "acct": USERNAME, "scopes": scopes, "software": software })
    }

    /// Changes the token: an old one is good for nothing any more.
    pub(super) fn change(&mut self, change: Change) {
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

    fn may(&self, any_of: &[&str]) -> bool {
        self.grant
            .scopes
            .split_whitespace()
            .any(|scope| any_of.contains(&scope))
    }
}

/// Judges a request, records it and says what to do for it.
pub(super) async fn receive(simulator: &Simulator, incoming: &Incoming) -> Delivery {
    let payload = Payload::of(&incoming.headers, &incoming.raw).await;
    // Looked at before the state is locked, since that takes its time.
    let avatar = avatar_in(&payload);

    let now = simulator.clock.now();
    let mut state = simulator.state();
    let software = state.mastodon.grant.software;
    let endpoint = match (incoming.method.as_str(), incoming.path.as_str()) {
        (_, "/api/v1/accounts/update_credentials") => {
            software.taking(&incoming.method).map(|_| UPDATE)
        }
        ("GET", "/api/v1/accounts/verify_credentials") => Some(VERIFY),
        ("GET", "/api/v1/apps/verify_credentials") if software.tells_scopes() => Some(VERIFY_APP),
        _ => None,
    };
    let fault = endpoint.and_then(|endpoint| state.faults.take(Network::Mastodon, endpoint));
    let mastodon = &mut state.mastodon;
    let token = incoming.bearer();
    let is_known = token.is_ok_and(|token| token == mastodon.grant.token);
    let window = if is_known {
        &mut mastodon.known
    } else {
        &mut mastodon.unknown
    };
    let left = window.take(1, now);
    let icon = state.icon(Network::Mastodon);
    let request = Request {
        incoming,
        endpoint,
        payload: &payload,
        token: match (is_known, token) {
            (true, _) => Ok(()),
            (false, Err(none)) => Err(none.words()),
            (false, Ok(_)) => Err("the access token is unknown"),
        },
    };
    let picture = avatar.as_ref().ok().map(|avatar| avatar.picture.clone());
    let outcome = if left.exceeded {
        Err(TOO_MANY_REQUESTS.because("more than 300 requests in 5 minutes"))
    } else {
        request.judge(&state.mastodon, icon, avatar, state.journal.next_number())
    };
    let judged = Judged {
        network: Network::Mastodon,
        endpoint,
        fault,
        outcome,
        headers: rate_headers(left),
        cut_off: None,
        body: payload.kind(),
        oauth: None,
        picture,
    };
    state.settle(judged, now)
}

/// The headers that tell how much of the limit is left.
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

/// A picture that was sent, and what would keep Mastodon from taking it.
#[derive(Clone)]
struct Avatar {
    picture: Picture,
    problem: Option<Rejection>,
}

/// The one avatar in the body, or why there is none.
fn avatar_in(payload: &Payload) -> Result<Avatar, Rejection> {
    let parts = match payload {
        Payload::Multipart(Ok(parts)) => parts,
        Payload::Multipart(Err(reason)) | Payload::Other(reason) => {
            return Err(AVATAR_BLANK.because(reason));
        }
        Payload::Oversized => {
            return Err(AVATAR_TOO_LARGE.because("the body is too large to be looked at"));
        }
        Payload::Nothing => return Err(AVATAR_BLANK.because("there is no body")),
        Payload::Form(_) => {
            return Err(AVATAR_BLANK.because("the body is a form rather than a multipart form"));
        }
    };
    let mut avatars = parts.iter().filter(|part| part.name == "avatar");
    match (avatars.next(), avatars.next()) {
        (Some(part), None) => {
            let picture = Picture::inspect(part.bytes.clone());
            let problem = check(part, &picture).err();
            Ok(Avatar { picture, problem })
        }
        (None, _) => Err(AVATAR_BLANK.because("no part is named avatar")),
        (Some(_), Some(_)) => Err(AVATAR_BLANK.because("several parts are named avatar")),
    }
}

fn check(part: &Part, picture: &Picture) -> Result<(), Rejection> {
    if part.filename.as_deref().is_none_or(str::is_empty) {
        return Err(AVATAR_BLANK.because("the part avatar has no filename, so it is no file"));
    }
    let declared = part.content_type.as_deref().unwrap_or("text/plain");
    if !MEDIA_TYPES.contains(&declared) {
        return Err(AVATAR_OF_WRONG_TYPE.because(format!(
            "the Content-Type of the part avatar is {}",
            quoted(declared)
        )));
    }
    if picture.facts.bytes > LARGEST_AVATAR {
        return Err(AVATAR_TOO_LARGE.because(format!(
            "the avatar has {} bytes, more than {}",
            grouped(picture.facts.bytes),
            grouped(LARGEST_AVATAR)
        )));
    }
    let is = picture.facts.media_type.unwrap_or("no picture");
    if is != declared {
        return Err(AVATAR_SPOOFED.because(format!(
            "the avatar is declared as {} but is {is}",
            quoted(declared)
        )));
    }
    picture
        .check_square()
        .map_err(|reason| AVATAR_SPOOFED.because(reason))
}

/// A request on its way to its answer.
struct Request<'a> {
    incoming: &'a Incoming,
    endpoint: Option<&'static str>,
    payload: &'a Payload,
    /// Whether the token is good, or what is wrong with it.
    token: Result<(), &'static str>,
}

impl Request<'_> {
    fn judge(
        &self,
        mastodon: &Mastodon,
        icon: Option<&Icon>,
        avatar: Result<Avatar, Rejection>,
        number: u64,
    ) -> Result<Accepted, Rejection> {
        let Some(endpoint) = self.endpoint else {
            let Incoming { method, path, .. } = self.incoming;
            let asked = quoted(&format!("{method} {path}"));
            return Err(NOT_FOUND.because(format!(
                "there is only PATCH /api/v1/{UPDATE} and GET /api/v1/{VERIFY}, not {asked}"
            )));
        };
        let software = mastodon.grant.software;
        let headers = &self.incoming.headers;
        self.token
            .map_err(|reason| software.unknown_token(headers).because(reason))?;
        let taking = software.taking(&self.incoming.method);
        if endpoint == UPDATE && taking == Some(Taking::NoMethod) {
            return Err(NO_METHOD.because("this server takes no POST"));
        }
        if endpoint == VERIFY_APP {
            let scopes = mastodon.grant.scopes.split_whitespace();
            let scopes: Vec<_> = scopes.collect();
            let body = json!({ "name": "An application", "website": null, "scopes": scopes });
            return Ok(Accepted::new(
                Answer::json(200, &body),
                "told what it may do",
            ));
        }
        let needs_write = endpoint == UPDATE;
        let scopes = software.scopes(needs_write);
        if !mastodon.may(scopes) {
            let refusal = software.missing_scope(headers, needs_write);
            return Err(refusal.because(format!(
                "the token has the scopes {}, none of {}",
                quoted(&mastodon.grant.scopes),
                scopes.join(", ")
            )));
        }
        if !self.incoming.query.is_empty() {
            return Err(AVATAR_BLANK.because("nothing belongs in the query"));
        }
        if endpoint == VERIFY {
            let answer = Answer::json(200, &self.account(software, shown(icon, software)));
            return Ok(Accepted::new(answer, format!("told who @{USERNAME} is")));
        }
        if taking == Some(Taking::Ignored) {
            let answer = Answer::json(200, &self.account(software, shown(icon, software)));
            let summary = "left everything as it was: PHP reads no multipart body of a PATCH";
            return Ok(Accepted::new(answer, summary));
        }
        let avatar = avatar?;
        if let Some(name) = self.payload.names().iter().find(|name| **name != "avatar") {
            let name = quoted(name);
            return Err(AVATAR_BLANK.because(format!("the part {name} would change more")));
        }
        if let Some(problem) = avatar.problem {
            return Err(problem);
        }
        let facts = &avatar.picture.facts;
        let name = avatar_name(software, number, facts);
        let answer = Answer::json(200, &self.account(software, Some(name)));
        Ok(Accepted {
            answer,
            summary: format!("frame {}", facts.summary()),
            icon: Some(avatar.picture),
        })
    }

    /// The account as its owner sees it, with the picture of that file name.
    fn account(&self, software: Software, picture: Option<String>) -> Value {
        let host = format!("http://{}", self.incoming.host());
        // Addresses in the shape of Mastodon's own ones; nothing is there.
        let avatar = match picture {
            None => format!("{host}{}", software.missing_avatar()),
            Some(name) => {
                format!("{host}/system/accounts/avatars/000/000/001/original/{name}")
            }
        };
        let header = format!("{host}/headers/original/missing.png");
        json!({
            "id": "1",
            "username": USERNAME,
            "acct": USERNAME,
            "display_name": "Local account",
            "locked": false,
            "bot": false,
            "discoverable": true,
            "indexable": false,
            "group": false,
            "created_at": "2016-03-16T00:00:00.000Z",
            "note": "<p>An account that exists on this machine only.</p>",
            "url": format!("{host}/@{USERNAME}"),
            "uri": format!("{host}/users/{USERNAME}"),
            "avatar": avatar,
            "avatar_static": avatar,
            "header": header,
            "header_static": header,
            "followers_count": 0,
            "following_count": 0,
            "statuses_count": 0,
            "last_status_at": null,
            "hide_collections": null,
            "noindex": false,
            "source": {
                "privacy": "public",
                "sensitive": false,
                "language": null,
                "note": "An account that exists on this machine only.",
                "fields": [],
                "follow_requests_count": 0,
                "hide_collections": null,
                "discoverable": true,
                "indexable": false,
            },
            "emojis": [],
            "roles": [],
            "fields": [],
            "role": {
                "id": "-99",
                "name": "",
                "permissions": "65536",
                "color": "",
                "highlighted": false,
            },
        })
    }
}

/// What the file of a picture is called: by the request that brought it, or by what it holds.
fn avatar_name(software: Software, number: u64, facts: &Facts) -> String {
    let ending = facts.media_type.and_then(|it| it.strip_prefix("image/"));
    let ending = ending.unwrap_or("jpeg");
    if software.names_by_content() {
        format!("{}.{ending}", facts.sha256)
    } else {
        format!("{number:016x}.{ending}")
    }
}

/// The file name of the picture that the account has.
fn shown(icon: Option<&Icon>, software: Software) -> Option<String> {
    icon.map(|icon| avatar_name(software, icon.number, &icon.facts))
}
