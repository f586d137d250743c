//! Addresses that visitors type or that servers of visitors name: which of them this service sends
//! requests to (protection against server-side request forgery).
//!
//! Only https on its default port, to a name in the public DNS. A name is checked in the form in
//! which it is sent, after international names have become Punycode (UTS #46), as a URL parser does
//! it. What parsers could read in two ways is refused: users, ports, backslashes, percent-encoded
//! hosts, full stops at the end, and everything that some of them take for an IP address (`127.1`,
//! `0x7f.1`, `2130706433`). Requests follow no redirect ([`Client`](crate::ports::Client)), so each
//! hop is checked here.
//!
//! A name may still lead to a private address. That cannot be seen before the request. Hosts whose
//! network has private addresses within reach must refuse them there.
//!
//! While the service itself is on loopback, so are its visitors: nobody else reaches it. They may
//! then name servers on loopback too, by http and with a port, which are local networks to try the
//! service with.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::network::base_url::{BaseUrl, is_domain, is_loopback};
use crate::network::percent;
use crate::network::sign_in::Service;

/// What the last part of a name is where no public server can be: special-use names (RFC 6761, and
/// RFC 6762, 7686 and 9476), the reverse tree of the DNS, `internal` (reserved by ICANN in 2024),
/// and what private networks use without asking (RFC 6762, appendix G). `example` is missing because
/// it leads nowhere, and documentation and tests need it.
const PRIVATE_SUFFIXES: [&str; 15] = [
    "alt",
    "arpa",
    "corp",
    "domain",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

/// The longest address that is read, in bytes.
const MAX_ADDRESS: usize = 2_000;

/// Why an address is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfetchable {
    /// It is not an address of a server at all.
    #[error("it is not the address of a server")]
    NotAnAddress,
    /// It is an address that only a network of its own knows.
    #[error("it is not an address on the public internet")]
    NotPublic,
    /// It names a user, a port or a scheme.
    #[error("it may have no user, no port, and no scheme but https")]
    Unusual,
    /// It is this service.
    #[error("it is the address of this service")]
    ThisService,
}

/// Scheme and host of a server that requests may be sent to. Without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// The host, and on loopback the port.
    pub fn authority(&self) -> &str {
        let (_, authority) = self.0.split_once("://").unwrap_or_default();
        authority
    }
}

impl fmt::Display for PublicOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A URL that may be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Scheme and host.
    pub origin: PublicOrigin,
    /// Path and query. It begins with a slash, and is ASCII that a request line can carry.
    pub path: String,
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// The addresses that a service may send requests to for its visitors.
#[derive(Debug, Clone, Copy)]
pub struct PublicAddresses<'a> {
    service: &'a Service,
}

impl<'a> PublicAddresses<'a> {
    /// The addresses that are open to visitors of a service.
    pub fn for_visitors_of(service: &'a Service) -> Self {
        Self { service }
    }

    /// Reads a host, without a scheme, in any form that a person or a server writes it.
    ///
    /// # Errors
    /// When no request may be sent there.
    pub fn origin(self, host: &str) -> Result<PublicOrigin, Unfetchable> {
        if host.len() > MAX_ADDRESS {
            return Err(Unfetchable::NotAnAddress);
        }
        let origin = match self.on_loopback(host) {
            Some(origin) => origin,
            None => PublicOrigin(format!("https://{}", public_name(host)?)),
        };
        self.of_another(origin)
    }

    /// Reads an absolute URL. Leaves its fragment out.
    ///
    /// # Errors
    /// When it may not be fetched.
    pub fn url(self, text: &str) -> Result<PublicUrl, Unfetchable> {
        if text.len() > MAX_ADDRESS {
            return Err(Unfetchable::NotAnAddress);
        }
        // Parsers skip some of these, and take a backslash for a slash.
        let is_ambiguous = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.contains(is_ambiguous) {
            return Err(Unfetchable::NotAnAddress);
        }
        let (scheme, after) = text.split_once("://").ok_or(Unfetchable::NotAnAddress)?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after
            .split_at_checked(end)
            .ok_or(Unfetchable::NotAnAddress)?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        let is_http = scheme.eq_ignore_ascii_case("http");
        let origin = match self.on_loopback(authority) {
            Some(origin) if is_http => origin,
            None if is_https => self.origin(authority.strip_suffix(":443").unwrap_or(authority))?,
            _ => return Err(Unfetchable::Unusual),
        };
        let origin = self.of_another(origin)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let slash = if rest.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{}", in_ascii(rest));
        Ok(PublicUrl { origin, path })
    }

    /// A request of the service to itself could begin another one, and so on.
    fn of_another(self, origin: PublicOrigin) -> Result<PublicOrigin, Unfetchable> {
        if origin.0 == self.service.public_url {
            Err(Unfetchable::ThisService)
        } else {
            Ok(origin)
        }
    }

    /// A host with a port on this machine, if the service is there itself.
    fn on_loopback(self, authority: &str) -> Option<PublicOrigin> {
        let own = self.service.public_url.strip_prefix("http://")?;
        if !is_loopback(host_of(own)) {
            return None;
        }
        let authority = authority.to_ascii_lowercase();
        let url: BaseUrl = format!("http://{authority}").parse().ok()?;
        // In exactly this form, so that no other name for the machine passes.
        let is_exact = url.authority() == authority && is_loopback(host_of(&authority));
        is_exact.then(|| PublicOrigin(url.to_string()))
    }
}

/// What stands before the port of an authority without a user.
fn host_of(authority: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    }
}

/// Reads a name in the public DNS in the form in which it is sent: lower case, ASCII.
fn public_name(host: &str) -> Result<String, Unfetchable> {
    if host.contains(['@', ':', '[']) {
        return Err(Unfetchable::Unusual);
    }
    // As a URL parser does it (WHATWG URL, "domain to ASCII"), without decoding percents first.
    let name = idna::domain_to_ascii_cow(host.as_bytes(), idna::AsciiDenyList::URL)
        .map_err(|_| Unfetchable::NotAnAddress)?;
    let (_, last) = name.rsplit_once('.').ok_or(Unfetchable::NotPublic)?;
    // Every top-level domain is of letters, or international (RFC 3696 §2). What ends in a number is
    // an IP address to a URL parser.
    let is_top_level = last.starts_with("xn--") || last.bytes().all(|b| b.is_ascii_alphabetic());
    if !is_domain(&name) || name.contains('_') {
        return Err(Unfetchable::NotAnAddress);
    }
    if !is_top_level || PRIVATE_SUFFIXES.contains(&last) {
        return Err(Unfetchable::NotPublic);
    }
    Ok(name.into_owned())
}

/// A path and query in ASCII: what a request line cannot carry is percent-encoded, as browsers do.
fn in_ascii(rest: &str) -> Cow<'_, str> {
    let is_carried = |c: char| c.is_ascii_graphic() && !"\"<>^`{|}".contains(c);
    if rest.chars().all(is_carried) {
        return Cow::Borrowed(rest);
    }
    let mut buffer = [0; 4];
    let encoded = rest.chars().map(|c| match c {
        c if is_carried(c) => c.to_string(),
        c => percent::encode(c.encode_utf8(&mut buffer)),
    });
    Cow::Owned(encoded.collect())
}

#[cfg(test)]
mod tests;
