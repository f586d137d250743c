//! Looks accounts up (<https://atproto.com/specs/handle>, <https://atproto.com/specs/did>): a handle
//! names an account, and the account's public document names its handle and its server.
//!
//! What is sent where is for the caller to say ([`Fetch`]): the owner's settings may name servers
//! that a visitor may not.

use http::header::ACCEPT;
use http::{HeaderMap, Request, Response};
use serde_json::Value;

use crate::network::base_url::is_domain;
use crate::network::bluesky::account::{BLUESKY_DIRECTORY, BLUESKY_DNS, Lookup};
use crate::network::reply::Meaning;

/// Sends the requests of a lookup.
pub(super) trait Fetch {
    /// Why a request was not sent, or no reply came.
    type Error;

    /// Sends a request to somebody.
    async fn fetch(
        &mut self,
        request: Request<Vec<u8>>,
        asked: Asked<'_>,
    ) -> Result<Response<Vec<u8>>, Self::Error>;
}

/// Who is asked about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// The server that answers DNS queries.
    Dns,
    /// The directory of accounts.
    Directory,
    /// The web server of a handle or of a `did:web`.
    Host(&'a str),
}

impl<'a> Asked<'a> {
    /// The name in sentences.
    pub(super) fn title(self) -> &'a str {
        match self {
            Self::Dns => "The DNS server",
            Self::Directory => "The directory of accounts",
            Self::Host(host) => host,
        }
    }

    /// The setting that says who is asked; `None` if the account's name does.
    pub(super) fn setting(self) -> Option<&'static str> {
        match self {
            Self::Dns => Some(BLUESKY_DNS.name),
            Self::Directory => Some(BLUESKY_DIRECTORY.name),
            Self::Host(_) => None,
        }
    }
}

/// Why a lookup has no result.
#[derive(Debug)]
pub(super) enum Unresolved<'a, E> {
    /// No reply came.
    NoReply(E),
    /// No account has the handle.
    UnknownHandle,
    /// The handle names several accounts in DNS.
    SeveralAccounts,
    /// There is no such account, or not any more.
    UnknownAccount,
    /// Somebody fails for the moment: a sentence without its full stop, and the reply's headers.
    Failing(Asked<'a>, String, Box<HeaderMap>),
    /// Somebody answers as nobody should.
    Unexpected(Asked<'a>),
}

impl<E> Unresolved<'_, E> {
    /// Whether it passes without anyone's doing.
    fn passes(&self) -> bool {
        matches!(self, Self::NoReply(_) | Self::Failing(..))
    }
}

/// The account that a handle names: in DNS, or else on the handle's own web server. Whether the
/// account names the handle too is not checked ([`names_handle`]).
///
/// # Errors
/// When it names none, or nobody can say.
pub(super) async fn did_of<'h, F: Fetch>(
    handle: &'h str,
    lookup: &Lookup,
    fetch: &mut F,
) -> Result<String, Unresolved<'h, F::Error>> {
    if !is_public(handle) {
        return Err(Unresolved::UnknownHandle);
    }
    let dns = match did_in_dns(handle, lookup, fetch).await {
        Ok(Some(did)) => return Ok(did),
        Err(lasting) if !lasting.passes() => return Err(lasting),
        unknown => unknown,
    };
    let host = Asked::Host(handle);
    let url = format!("https://{handle}/.well-known/atproto-did");
    let web = get(&url, "*/*", host, fetch).await;
    if let Ok(reply) = &web
        && reply.status() == 200
        && let Ok(text) = std::str::from_utf8(reply.body())
        && let Some(did) = valid_did(text.trim())
    {
        return Ok(did.to_owned());
    }
    // The DNS entry may exist and be unavailable for the moment.
    dns?;
    match web {
        Ok(reply) if passes(&reply) => Err(failing(host, &reply)),
        _ => Err(Unresolved::UnknownHandle),
    }
}

/// The account in the DNS entry `_atproto` of a handle's domain, if there is one.
async fn did_in_dns<'h, F: Fetch>(
    handle: &str,
    lookup: &Lookup,
    fetch: &mut F,
) -> Result<Option<String>, Unresolved<'h, F::Error>> {
    const TXT: u64 = 16;
    const NO_ERROR: u64 = 0;
    const NO_SUCH_NAME: u64 = 3;

    let url = format!("{}/dns-query?name=_atproto.{handle}&type=TXT", lookup.dns);
    let reply = get(&url, "application/dns-json", Asked::Dns, fetch).await?;
    let answer = json_of(&reply, Asked::Dns)?;
    match answer.get("Status").and_then(Value::as_u64) {
        Some(NO_ERROR | NO_SUCH_NAME) => {}
        Some(status) => {
            let said = format!(
                "{} could not look up the DNS entries of {handle}: status {status}",
                Asked::Dns.title()
            );
            let headers = Box::new(reply.headers().clone());
            return Err(Unresolved::Failing(Asked::Dns, said, headers));
        }
        None => return Err(Unresolved::Unexpected(Asked::Dns)),
    }
    let entries = answer.get("Answer").and_then(Value::as_array);
    let entries = entries.into_iter().flatten();
    let texts = entries
        .filter(|entry| entry.get("type").and_then(Value::as_u64) == Some(TXT))
        .filter_map(|entry| Some(unquoted(entry.get("data")?.as_str()?)));
    let mut dids: Vec<_> = texts
        .filter_map(|text| valid_did(text.strip_prefix("did=")?).map(str::to_owned))
        .collect();
    dids.dedup();
    match dids.len() {
        0 => Ok(None),
        1 => Ok(dids.pop()),
        _ => Err(Unresolved::SeveralAccounts),
    }
}

/// The public document of an account.
///
/// # Errors
/// When there is none, or nobody can say.
pub(super) async fn document_of<'d, F: Fetch>(
    did: &'d str,
    lookup: &Lookup,
    fetch: &mut F,
) -> Result<Value, Unresolved<'d, F::Error>> {
    let (asked, url) = match did.strip_prefix("did:web:") {
        Some(host) if is_public(host) => {
            let url = format!("https://{host}/.well-known/did.json");
            (Asked::Host(host), url)
        }
        _ if valid_did(did).is_some() => {
            let directory = &lookup.directory;
            (Asked::Directory, format!("{directory}/{did}"))
        }
        _ => return Err(Unresolved::UnknownAccount),
    };
    let reply = get(&url, "application/json", asked, fetch).await?;
    if matches!(reply.status().as_u16(), 404 | 410) {
        return Err(Unresolved::UnknownAccount);
    }
    let document = json_of(&reply, asked)?;
    if document.get("id").and_then(Value::as_str) == Some(did) {
        Ok(document)
    } else {
        Err(Unresolved::Unexpected(asked))
    }
}

/// Sends a public GET request.
async fn get<'a, F: Fetch>(
    url: &str,
    accept: &'static str,
    asked: Asked<'a>,
    fetch: &mut F,
) -> Result<Response<Vec<u8>>, Unresolved<'a, F::Error>> {
    let request = Request::get(url).header(ACCEPT, accept).body(Vec::new());
    let request = request.map_err(|_| Unresolved::Unexpected(asked))?;
    let reply = fetch.fetch(request, asked).await;
    reply.map_err(Unresolved::NoReply)
}

/// The JSON in a successful reply.
fn json_of<'a, E>(reply: &Response<Vec<u8>>, asked: Asked<'a>) -> Result<Value, Unresolved<'a, E>> {
    if passes(reply) {
        return Err(failing(asked, reply));
    }
    let body = serde_json::from_slice(reply.body()).ok();
    let body = body.filter(|_| reply.status().is_success());
    body.ok_or(Unresolved::Unexpected(asked))
}

/// Whether a server's refusal passes without anyone's doing.
fn passes(reply: &Response<Vec<u8>>) -> bool {
    matches!(
        Meaning::of(reply.status().as_u16()),
        Meaning::Passes | Meaning::Limit
    )
}

fn failing<'a, E>(asked: Asked<'a>, reply: &Response<Vec<u8>>) -> Unresolved<'a, E> {
    let said = format!("{} answered {}", asked.title(), reply.status().as_u16());
    Unresolved::Failing(asked, said, Box::new(reply.headers().clone()))
}

/// The text of a DNS entry as such servers write it: in one or several quoted parts (RFC 1035
/// §5.1), or bare.
fn unquoted(data: &str) -> String {
    let data = data.trim();
    match data
        .strip_prefix('"')
        .and_then(|data| data.strip_suffix('"'))
    {
        Some(parts) => parts.split("\" \"").collect(),
        None => data.to_owned(),
    }
}

/// A DID of the two methods that accounts use: `did:plc:` and 24 digits of base 32, or `did:web:`
/// and a host.
pub(super) fn valid_did(text: &str) -> Option<&str> {
    let is_digit = |c: char| c.is_ascii_lowercase() || matches!(c, '2'..='7');
    let is_plc = |rest: &str| rest.len() == 24 && rest.chars().all(is_digit);
    let is_valid = text.strip_prefix("did:plc:").is_some_and(is_plc)
        || text.strip_prefix("did:web:").is_some_and(is_public);
    is_valid.then_some(text)
}

/// The first handle in a document.
pub(super) fn handle_in(document: &Value) -> Option<&str> {
    let names = document.get("alsoKnownAs").and_then(Value::as_array);
    let mut names = names.into_iter().flatten().filter_map(Value::as_str);
    names.find_map(|name| name.strip_prefix("at://"))
}

/// Whether the first handle in a document is this one.
pub(super) fn names_handle(document: &Value, handle: &str) -> bool {
    handle_in(document).is_some_and(|first| first.eq_ignore_ascii_case(handle))
}

/// The address of the server that a document names.
pub(super) fn endpoint_in<'d>(document: &'d Value, did: &str) -> Option<&'d str> {
    let services = document.get("service").and_then(Value::as_array);
    let is_server = |service: &&Value| {
        let id = service.get("id").and_then(Value::as_str);
        let id = id.map(|id| id.strip_prefix(did).unwrap_or(id));
        id == Some("#atproto_pds")
            && service.get("type").and_then(Value::as_str) == Some("AtprotoPersonalDataServer")
    };
    let server = services.into_iter().flatten().find(is_server)?;
    server.get("serviceEndpoint")?.as_str()
}

/// Whether a host can be a public name on the internet, without a port: two labels or more, not a
/// special-use name (RFC 6761, RFC 6762, RFC 9476), and no IP address.
pub(super) fn is_public(host: &str) -> bool {
    const NOT_PUBLIC: [&str; 8] = [
        "alt",
        "arpa",
        "example",
        "internal",
        "invalid",
        "local",
        "localhost",
        "onion",
    ];
    let Some((_, last)) = host.rsplit_once('.') else {
        return false;
    };
    is_domain(host)
        && last.starts_with(|c: char| c.is_ascii_alphabetic())
        && !NOT_PUBLIC
            .iter()
            .any(|name| last.eq_ignore_ascii_case(name))
}
