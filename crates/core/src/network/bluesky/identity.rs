//! Finds an account's server from its handle (<https://atproto.com/specs/handle>,
//! <https://atproto.com/specs/did>).
//!
//! The app password goes to the server that is found, so both ends have to agree: the handle names
//! the account, and the account's document names the handle. The result is saved with the first
//! session. If it differs later, the turn stops.

use chrono::{DateTime, Utc};
use http::header::ACCEPT;
use http::{Request, Response};
use serde_json::Value;

use crate::network::base_url::{BaseUrl, is_domain, is_loopback};
use crate::network::bluesky::account::{BLUESKY_DIRECTORY, BLUESKY_DNS, Lookup};
use crate::network::bluesky::errors::Failure;
use crate::network::bluesky::exchange::Exchange;
use crate::network::bluesky::home::Home;
use crate::network::reply::{Meaning, no_answer, quoted, transient};
use crate::outcome::Reason;

impl Exchange<'_> {
    /// Finds the server the account signs in to, and directs calls there, unless it differs from
    /// before.
    pub(super) async fn locate(&mut self) -> Result<Option<Home>, Failure> {
        let Some(home) = self.find().await? else {
            return Ok(None);
        };
        if let Some(before) = &self.home {
            home.check_same_as(before, &self.account.identifier)?;
        }
        self.service = home.service.clone();
        Ok(Some(home))
    }

    /// Explains a failure of a server on which the account is not open: the account has moved to
    /// another server, or else the server's own explanation.
    pub(super) async fn located(&mut self, failure: Failure) -> Failure {
        let is_closed = failure
            .refusal()
            .is_some_and(|diagnosis| diagnosis.reason == Reason::Account);
        let before = self.home.clone().filter(|_| self.session.is_some());
        let Some(before) = before.filter(|_| is_closed) else {
            return failure;
        };
        let status = self.status;
        let found = self.find().await;
        self.status = status;
        match found {
            Ok(Some(home)) => home
                .check_same_as(&before, &self.account.identifier)
                .err()
                .unwrap_or(failure),
            // A closed account may no longer be found.
            _ => failure,
        }
    }

    /// Finds the account's server. Returns `None` if the settings name the server, and for an
    /// e-mail address, which cannot be looked up.
    async fn find(&mut self) -> Result<Option<Home>, Failure> {
        let account = self.account;
        let identifier = account.identifier.as_str();
        if account.service.is_some() || identifier.contains('@') {
            return Ok(None);
        }
        let is_did = identifier.starts_with("did:");
        let did = if is_did {
            identifier.to_owned()
        } else {
            self.did_of(identifier).await?
        };
        let document = self.document_of(&did).await?;
        if !is_did && !names_handle(&document, identifier) {
            return Err(Failure::refused(
                Reason::Settings,
                format!("The account that {identifier} names, {did}, has another handle"),
                "Check BLUESKY_IDENTIFIER: it has to be the handle that the account has now.",
            ));
        }
        let service = server_in(&document, &did, &account.lookup).ok_or_else(|| {
            Failure::refused(
                Reason::Account,
                format!(
                    "The document of the account {did} names no server that a password may go to"
                ),
                "Set BLUESKY_SERVICE to the server that the account is on, as \
                 https://pds.example.com.",
            )
        })?;
        Ok(Some(Home { did, service }))
    }

    /// The account that a handle names: in DNS, or else on the handle's own web server.
    async fn did_of(&mut self, handle: &str) -> Result<String, Failure> {
        if !is_public(handle) {
            return Err(unknown_handle(handle));
        }
        let dns = match self.did_in_dns(handle).await {
            Ok(Some(did)) => return Ok(did),
            Err(failure) if failure.refusal().is_some() => return Err(failure),
            unknown => unknown,
        };
        let url = format!("https://{handle}/.well-known/atproto-did");
        let web = self.get(url, "*/*", handle, "BLUESKY_IDENTIFIER").await;
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
            Ok(reply) if passes(&reply) => Err(diagnosis_at(handle, &reply, self.transport.now())),
            _ => Err(unknown_handle(handle)),
        }
    }

    /// The account in the DNS entry `_atproto` of a handle's domain, if there is one.
    async fn did_in_dns(&mut self, handle: &str) -> Result<Option<String>, Failure> {
        const TITLE: &str = "The DNS server";
        const TXT: u64 = 16;
        const NO_ERROR: u64 = 0;
        const NO_SUCH_NAME: u64 = 3;

        let dns = &self.account.lookup.dns;
        let url = format!("{dns}/dns-query?name=_atproto.{handle}&type=TXT");
        let reply = self
            .get(url, "application/dns-json", TITLE, BLUESKY_DNS.name)
            .await?;
        let answer = self.json_of(&reply, TITLE, BLUESKY_DNS.name)?;
        match answer.get("Status").and_then(Value::as_u64) {
            Some(NO_ERROR | NO_SUCH_NAME) => {}
            Some(status) => {
                let said = format!(
                    "{TITLE} could not look up the DNS entries of {handle}: status {status}"
                );
                let outcome = transient(TITLE, &said, reply.headers(), self.transport.now());
                return Err(Failure::new(outcome));
            }
            None => return Err(unexpected(TITLE, BLUESKY_DNS.name)),
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
            _ => Err(Failure::refused(
                Reason::Settings,
                format!("The entries _atproto.{handle} in DNS name several accounts"),
                "Leave the one of your account and remove the others.",
            )),
        }
    }

    /// The public document of an account.
    async fn document_of(&mut self, did: &str) -> Result<Value, Failure> {
        const TITLE: &str = "The directory of accounts";

        let (title, setting, url) = match did.strip_prefix("did:web:") {
            Some(host) if is_public(host) => {
                let url = format!("https://{host}/.well-known/did.json");
                (host, "BLUESKY_IDENTIFIER", url)
            }
            _ if valid_did(did).is_some() => {
                let directory = &self.account.lookup.directory;
                (TITLE, BLUESKY_DIRECTORY.name, format!("{directory}/{did}"))
            }
            _ => return Err(unknown_account(did)),
        };
        let reply = self.get(url, "application/json", title, setting).await?;
        if matches!(reply.status().as_u16(), 404 | 410) {
            return Err(unknown_account(did));
        }
        let document = self.json_of(&reply, title, setting)?;
        if document.get("id").and_then(Value::as_str) == Some(did) {
            Ok(document)
        } else {
            Err(unexpected(title, setting))
        }
    }

    /// Sends a public GET request.
    async fn get(
        &mut self,
        url: String,
        accept: &'static str,
        title: &str,
        setting: &str,
    ) -> Result<Response<Vec<u8>>, Failure> {
        self.status = None;
        self.check_time()?;
        let request = Request::get(url).header(ACCEPT, accept).body(Vec::new());
        let request = request.map_err(|_| unexpected(title, setting))?;
        let reply = self.transport.send(request).await;
        let now = self.transport.now();
        reply.map_err(|error| Failure::new(no_answer(title, setting, &error, now)))
    }

    /// The JSON in a successful reply.
    fn json_of(
        &self,
        reply: &Response<Vec<u8>>,
        title: &str,
        setting: &str,
    ) -> Result<Value, Failure> {
        if passes(reply) {
            return Err(diagnosis_at(title, reply, self.transport.now()));
        }
        let body = serde_json::from_slice(reply.body()).ok();
        let body = body.filter(|_| reply.status().is_success());
        body.ok_or_else(|| unexpected(title, setting))
    }
}

/// Whether a server's refusal passes without anyone's doing.
fn passes(reply: &Response<Vec<u8>>) -> bool {
    matches!(
        Meaning::of(reply.status().as_u16()),
        Meaning::Passes | Meaning::Limit
    )
}

fn diagnosis_at(title: &str, reply: &Response<Vec<u8>>, now: DateTime<Utc>) -> Failure {
    let said = format!("{title} answered {}", reply.status().as_u16());
    Failure::new(transient(title, &said, reply.headers(), now))
}

fn unexpected(title: &str, setting: &str) -> Failure {
    Failure::refused(
        Reason::UnexpectedReply,
        format!("{title} gave an unexpected answer"),
        format!(
            "Check {setting}. Or set BLUESKY_SERVICE to the server that the account is on, so that \
             nothing has to be looked up."
        ),
    )
}

fn unknown_handle(handle: &str) -> Failure {
    Failure::refused(
        Reason::Settings,
        format!(
            "No account can be found by the handle {}",
            quoted(handle, &[])
        ),
        "Check BLUESKY_IDENTIFIER, the whole handle with its domain, such as alice.bsky.social. If \
         it is right, set BLUESKY_SERVICE to the server that the account is on.",
    )
}

fn unknown_account(did: &str) -> Failure {
    Failure::refused(
        Reason::Account,
        format!(
            "There is no account {} any more, or nothing is known of it",
            quoted(did, &[])
        ),
        "Check BLUESKY_IDENTIFIER. If it is right, sign in at bsky.app in a browser and see \
         whether the account is there.",
    )
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
fn valid_did(text: &str) -> Option<&str> {
    let is_digit = |c: char| c.is_ascii_lowercase() || matches!(c, '2'..='7');
    let is_plc = |rest: &str| rest.len() == 24 && rest.chars().all(is_digit);
    let is_valid = text.strip_prefix("did:plc:").is_some_and(is_plc)
        || text.strip_prefix("did:web:").is_some_and(is_public);
    is_valid.then_some(text)
}

/// Whether the first handle in a document is this one.
fn names_handle(document: &Value, handle: &str) -> bool {
    let names = document.get("alsoKnownAs").and_then(Value::as_array);
    let mut names = names.into_iter().flatten().filter_map(Value::as_str);
    let first = names.find_map(|name| name.strip_prefix("at://"));
    first.is_some_and(|first| first.eq_ignore_ascii_case(handle))
}

/// The server that a document names. A server on this machine is accepted only if the directory is
/// on it too.
fn server_in(document: &Value, did: &str, lookup: &Lookup) -> Option<BaseUrl> {
    let services = document.get("service").and_then(Value::as_array);
    let is_server = |service: &&Value| {
        let id = service.get("id").and_then(Value::as_str);
        let id = id.map(|id| id.strip_prefix(did).unwrap_or(id));
        id == Some("#atproto_pds")
            && service.get("type").and_then(Value::as_str) == Some("AtprotoPersonalDataServer")
    };
    let server = services.into_iter().flatten().find(is_server)?;
    let endpoint = server.get("serviceEndpoint")?.as_str()?;
    let service: BaseUrl = endpoint.parse().ok()?;
    let host = service.authority();
    let is_local = |base: &BaseUrl| match base.authority().rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => is_loopback(host),
        _ => is_loopback(base.authority()),
    };
    let is_believed = (is_public(host) && endpoint.starts_with("https://"))
        || (is_local(&service) && is_local(&lookup.directory));
    is_believed.then_some(service)
}

/// Whether a host can be a public name on the internet, without a port: two labels or more, not a
/// special-use name (RFC 6761, RFC 6762, RFC 9476), and no IP address.
fn is_public(host: &str) -> bool {
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

#[cfg(test)]
mod tests;
