//! From a place to its server, and what the server offers.

use http::Response;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::mastodon::sign_in::calls::{Calls, json_of};
use crate::network::mastodon::sign_in::handle::{self, Place, WHAT_TO_TYPE};
use crate::network::percent;
use crate::network::public_address::{PublicAddresses, PublicOrigin, PublicUrl};
use crate::network::reply::header_text;
use crate::network::sign_in::{Server, Service, SignInError};
use crate::network::transport::Transport;

/// Where a domain says which server has its accounts (RFC 6415).
const HOST_META: &str = "/.well-known/host-meta";

/// Where a domain describes an account (RFC 7033).
const WEBFINGER: &str = "/.well-known/webfinger";

/// Where a server describes its sign-in (RFC 8414). Mastodon has it since 4.3.
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// Where a server describes itself, by the version that more servers have first
/// (<https://docs.joinmastodon.org/methods/instance/>).
const INSTANCE: [&str; 2] = ["/api/v1/instance", "/api/v2/instance"];

/// What a server offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// The narrowest scopes that let an account be read, to show its name and picture, and its
    /// picture be changed.
    pub(super) scopes: String,
    /// Whether it checks PKCE.
    pub(super) uses_pkce: bool,
}

impl Default for Facts {
    /// What every server had before it could say so.
    fn default() -> Self {
        Self {
            scopes: "read:accounts write:accounts".to_owned(),
            uses_pkce: false,
        }
    }
}

impl Facts {
    /// Reads what [`find`] has found out.
    pub(super) fn of(server: &Server) -> Self {
        serde_json::from_str(&server.facts).unwrap_or_default()
    }
}

/// Finds the server of an account.
///
/// # Errors
/// When the text names no server, or the server cannot be asked or may not be.
pub(super) async fn find(
    typed: &str,
    service: &Service,
    transport: &dyn Transport,
) -> Result<Server, SignInError> {
    let addresses = PublicAddresses::for_visitors_of(service);
    let place = handle::read(typed, addresses)?;
    let url = web_origin(&place, addresses, transport).await?.to_string();
    let calls = Calls {
        server: &url,
        transport,
    };
    let facts = match metadata(calls).await? {
        Some(facts) => facts,
        None => facts_of_instance(calls, addresses).await?,
    };
    let facts = serde_json::to_string(&facts).expect("it is made of a text and a truth value");
    Ok(Server { url, facts })
}

/// Finds the server of a domain, which may be at another name: the accounts of `example.org` may be
/// at `social.example.org`. Asks the domain alone, and takes its own name if it does not say.
async fn web_origin(
    place: &Place,
    addresses: PublicAddresses<'_>,
    transport: &dyn Transport,
) -> Result<PublicOrigin, SignInError> {
    let domain = place.origin.to_string();
    let calls = Calls {
        server: &domain,
        transport,
    };
    let itself = || Ok(place.origin.clone());
    let Ok(reply) = calls.get(HOST_META, None).await else {
        // What is wrong shows at the next request.
        return itself();
    };
    if let Some(origin) = moved(&reply, HOST_META, addresses).or_else(|| lrdd(&reply, addresses)) {
        return Ok(origin);
    }
    let refusal = calls.refusal(&reply, &[]);
    if let Some(error @ SignInError::Paused { .. }) = calls.passing(&refusal) {
        return Err(error);
    }
    let Some(user) = &place.user else {
        return itself();
    };
    let resource = format!("acct:{user}@{}", calls.host());
    let path = format!("{WEBFINGER}?resource={}", percent::encode(&resource));
    let Ok(reply) = calls.get(&path, None).await else {
        return itself();
    };
    let found = moved(&reply, WEBFINGER, addresses).or_else(|| actor(&reply, addresses));
    found.map_or_else(itself, Ok)
}

/// Where a reply sends the request on to.
fn location(reply: &Response<Vec<u8>>, addresses: PublicAddresses<'_>) -> Option<PublicUrl> {
    let is_redirect = reply.status().is_redirection();
    let location = header_text(reply.headers(), LOCATION).filter(|_| is_redirect)?;
    addresses.url(location).ok()
}

/// The server that a domain sends its requests for the same document on to, as Mastodon's
/// documentation has it set up. Nothing is fetched from there before it is known where that is.
fn moved(
    reply: &Response<Vec<u8>>,
    document: &str,
    addresses: PublicAddresses<'_>,
) -> Option<PublicOrigin> {
    let to = location(reply, addresses)?;
    let path = to.path.split('?').next()?;
    (path == document).then_some(to.origin)
}

/// The server that host-meta names: that of the template by which accounts are looked up
/// (`<Link rel="lrdd" template="https://social.example/.well-known/webfinger?resource={uri}"/>`).
fn lrdd(reply: &Response<Vec<u8>>, addresses: PublicAddresses<'_>) -> Option<PublicOrigin> {
    if !reply.status().is_success() {
        return None;
    }
    let document = std::str::from_utf8(reply.body()).ok()?;
    let links = document.split("<Link").skip(1);
    let mut links = links.filter_map(|link| link.split('>').next());
    let link = links.find(|link| attribute(link, "rel") == Some("lrdd"))?;
    let template = addresses.url(attribute(link, "template")?).ok()?;
    Some(template.origin)
}

/// The value of an attribute in a tag of XML. References in it stay as they are: no host has any.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, next) = after.strip_prefix(quote)?.split_once(quote)?;
        if key.trim() == name {
            return Some(value);
        }
        rest = next;
    }
}

/// The server of the account that a description is of: that of its actor, the link `self`.
fn actor(reply: &Response<Vec<u8>>, addresses: PublicAddresses<'_>) -> Option<PublicOrigin> {
    if !reply.status().is_success() {
        return None;
    }
    let description = json_of(reply);
    let links = description.get("links")?.as_array()?;
    let text = |link: &Value, name: &str| link.get(name)?.as_str().map(ToOwned::to_owned);
    let mut actors = links.iter().filter(|link| {
        let media_type = text(link, "type").unwrap_or_default();
        let is_actor = media_type.contains("activity+json") || media_type.contains("ld+json");
        is_actor && text(link, "rel").as_deref() == Some("self")
    });
    let actor = actors.find_map(|link| addresses.url(&text(link, "href")?).ok())?;
    Some(actor.origin)
}

/// What a server's description of its sign-in says; `None` if it has none of its own. The endpoints
/// in it are not used: those of Mastodon's API are the same everywhere.
async fn metadata(calls: Calls<'_>) -> Result<Option<Facts>, SignInError> {
    let reply = calls.get(METADATA, None).await?;
    if !reply.status().is_success() {
        let refusal = calls.refusal(&reply, &[]);
        return calls.passing(&refusal).map_or(Ok(None), Err);
    }
    let document = json_of(&reply);
    // One that names another issuer is not to be used (RFC 8414 §3.3).
    let issuer = document.get("issuer").and_then(Value::as_str);
    let issuer = issuer.map(|issuer| issuer.strip_suffix('/').unwrap_or(issuer));
    if !issuer.is_some_and(|issuer| issuer.eq_ignore_ascii_case(calls.server)) {
        return Ok(None);
    }
    let has = |list: &str, item: &str| {
        let items = document.get(list).and_then(Value::as_array);
        items.is_some_and(|items| items.iter().any(|one| one.as_str() == Some(item)))
    };
    let offers = |scope| has("scopes_supported", scope);
    let scopes = if offers("profile") && offers("write:accounts") {
        "profile write:accounts".to_owned()
    } else if offers("read") && offers("write") && !offers("write:accounts") {
        BROAD_SCOPES.to_owned()
    } else {
        Facts::default().scopes
    };
    Ok(Some(Facts {
        scopes,
        uses_pkce: has("code_challenge_methods_supported", "S256"),
    }))
}

/// The scopes of servers that have no narrower ones: Pixelfed.
const BROAD_SCOPES: &str = "read write";

/// What a server offers that does not describe its sign-in, by its version. Asks whether it speaks
/// the API at all, too.
async fn facts_of_instance(
    calls: Calls<'_>,
    addresses: PublicAddresses<'_>,
) -> Result<Facts, SignInError> {
    let mut sends_on_to = None;
    for path in INSTANCE {
        let reply = calls.get(path, None).await?;
        let instance = json_of(&reply);
        if reply.status().is_success() {
            if let Some(version) = instance.get("version").and_then(Value::as_str) {
                let mut facts = Facts::default();
                if version.to_ascii_lowercase().contains("pixelfed") {
                    BROAD_SCOPES.clone_into(&mut facts.scopes);
                }
                return Ok(facts);
            }
            continue;
        }
        let refusal = calls.refusal(&reply, &[]);
        if let Some(error) = calls.passing(&refusal) {
            return Err(error);
        }
        // Some servers tell only their own people about themselves.
        if matches!(refusal.status, 401 | 403) && instance.get("error").is_some() {
            return Ok(Facts::default());
        }
        sends_on_to = sends_on_to.or_else(|| location(&reply, addresses));
    }
    let host = calls.host();
    let hint = match sends_on_to {
        Some(url) => format!("It sends requests on to {}.", url.origin.authority()),
        None => "The domain of an e-mail address is not one either.".to_owned(),
    };
    Err(SignInError::Place(format!(
        "{host} does not speak Mastodon's API. {hint} {WHAT_TO_TYPE}"
    )))
}
