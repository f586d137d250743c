//! Base URLs: where a network's API is, up to the path.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A scheme, host and port in the form that OAuth signs (RFC 5849 §3.4.1.2): in lower case, without
/// the scheme's default port, and without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// What a base URL may be, in words.
pub const ACCEPTS: &str = "an https:// URL without path (http:// only for localhost)";

/// The text is not a base URL that a request with a token may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not {ACCEPTS}")]
pub struct InvalidBaseUrl;

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    /// Reads a URL. Without a scheme, as in `api.example`, https is meant.
    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Destination::read(text).ok_or(InvalidBaseUrl)?;
        let has_path = !matches!(url.rest.as_str(), "" | "/");
        if has_path {
            Err(InvalidBaseUrl)
        } else {
            Ok(url.base)
        }
    }
}

/// A URL that a request with a secret may be sent to.
pub(crate) struct Destination {
    /// Scheme, host and port.
    pub(crate) base: BaseUrl,
    /// Path, query and fragment, unchanged.
    pub(crate) rest: String,
}

impl Destination {
    /// Reads a URL with https, or with http to this machine. Without a scheme, https is meant.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (scheme, after) = match text.split_once("://") {
            Some((scheme, after)) => (scheme.to_ascii_lowercase(), after),
            // Nobody means a single word as a host.
            None if text.split(['/', '?', '#']).next()?.contains('.') => ("https".to_owned(), text),
            None => return None,
        };
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let (host, port) = host_and_port(authority)?;
        // An unencrypted request would show the token on its way.
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" if is_loopback(&host) => 80,
            _ => return None,
        };
        let port = port.filter(|port| *port != default_port);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        if !rest.chars().all(|c| c.is_ascii_graphic()) {
            return None;
        }
        Some(Self {
            base: BaseUrl(format!("{scheme}://{host}{port}")),
            rest: rest.to_owned(),
        })
    }
}

/// Splits an authority without a user into host and port (RFC 3986 §3.2).
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let after_host = authority
        .rfind(']')
        .map_or(0, |bracket| bracket.saturating_add(1));
    let colon = authority.get(after_host..)?.find(':');
    let (host, port) = match colon {
        None => (authority, None),
        Some(colon) => {
            let (host, port) = authority.split_at_checked(after_host.saturating_add(colon))?;
            let digits = port.strip_prefix(':')?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits
                .parse::<u16>()
                .ok()
                .filter(|port| is_number && *port > 0)?;
            (host, Some(number))
        }
    };
    Some((host_of(host)?, port))
}

/// Reads a host, a DNS name or an IP address, in its normal form (RFC 3986 §3.2.2).
fn host_of(text: &str) -> Option<String> {
    if let Some(address) = text.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    // A full stop at the end is DNS's root, or belongs to a sentence.
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let last = name.rsplit('.').next()?;
    // URL parsers take such a name for an address (WHATWG URL, "ends in a number").
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    let is_host = if is_address {
        name.parse::<Ipv4Addr>().is_ok()
    } else {
        is_domain(&name)
    };
    is_host.then_some(name)
}

/// Whether a text is a DNS name (RFC 1123 §2.1). It may have a single label.
pub(crate) fn is_domain(name: &str) -> bool {
    const MAX_NAME: usize = 253;
    const MAX_LABEL: usize = 63;

    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}

impl BaseUrl {
    /// Returns host and port.
    pub fn authority(&self) -> &str {
        let (_, authority) = self.0.split_once("://").expect("a base URL has a scheme");
        authority
    }
}

/// Whether a host is this machine, so that an unencrypted request does not leave it.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_the_form_that_is_signed() {
        for (text, base) in [
            ("https://api.x.com", "https://api.x.com"),
            ("https://API.X.com/", "https://api.x.com"),
            ("HTTPS://api.x.com:443", "https://api.x.com"),
            ("https://api.x.com:8443", "https://api.x.com:8443"),
            ("http://127.0.0.1:8788", "http://127.0.0.1:8788"),
            ("http://localhost:80", "http://localhost"),
            ("http://[::1]:8788", "http://[::1]:8788"),
            ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
            ("https://192.0.2.1:0443", "https://192.0.2.1"),
            ("https://a:65535", "https://a:65535"),
            ("https://a-b_c.example", "https://a-b_c.example"),
            // As it is copied out of an address bar or a sentence.
            ("api.x.com", "https://api.x.com"),
            ("Bsky.Social/", "https://bsky.social"),
            ("https://bsky.social.", "https://bsky.social"),
            ("pds.example:8443", "https://pds.example:8443"),
        ] {
            let parsed: BaseUrl = text.parse().unwrap();
            assert_eq!(parsed.to_string(), base);
            assert!(base.ends_with(&format!("://{}", parsed.authority())));
        }
    }

    #[test]
    fn what_a_token_must_not_be_sent_to_is_refused() {
        for text in [
            "",
            "hunter2",
            "localhost:3000",
            "http://api.x.com",
            "ftp://api.x.com",
            "https://",
            "https://user@api.x.com",
            "https://api.x.com/1.1",
            "https://api.x.com?a=b",
            "https://api.x.com#a",
            "https://api.x.com:",
            "https://api.x.com:99999",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "https://api x.com",
            "https://.",
            "https://..",
            "https://a..b",
            "https://.a",
            "https://-a.example",
            "https://a-.example",
            "https://a:0",
            "https://a:+1",
            "https://a:-1",
            "https://a:1e3",
            "https://a:65536",
            "https://a:80:80",
            "https://a/:80",
            "https://[::1",
            "https://::1",
            "https://[::1]a",
            "https://[hunter2]",
            "https://1.2.3",
            "https://256.1.1.1",
            "https://127.1",
            "https://0x7f.0x1",
            "https://bücher.example",
            "https://a%2eb",
            "https://a\\b",
            "https:/a.example",
            "https//a.example",
            "//a.example",
            &format!("https://{}.example", "a".repeat(64)),
            &format!("https://{}example", "a.".repeat(150)),
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{text:?}");
        }
    }
}
