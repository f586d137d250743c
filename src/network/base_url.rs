//! Where a network's API is: the part of a URL before the path.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// Scheme, host and port in the form that OAuth signs (RFC 5849 §3.4.1.2):
/// lower case, without the scheme's default port, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// What texts are one, in words.
pub const ACCEPTS: &str = "an https:// URL without path (http:// only for localhost)";

/// The text is no base URL that a request with a token may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not {ACCEPTS}")]
pub struct InvalidBaseUrl;

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidBaseUrl)?;
        let scheme = uri.scheme_str().ok_or(InvalidBaseUrl)?;
        let authority = uri.authority().ok_or(InvalidBaseUrl)?;
        let host = authority.host().to_ascii_lowercase();
        let has_user = authority.as_str().contains('@');
        let has_path =
            !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#');
        if host.is_empty() || has_user || has_path {
            return Err(InvalidBaseUrl);
        }
        // A request in the clear would show the token to the network between.
        let default_port = match scheme {
            "https" => 443,
            "http" if is_loopback(&host) => 80,
            _ => return Err(InvalidBaseUrl),
        };
        Ok(Self(match authority.port() {
            // A port that is empty or no port: `http` reads it as none at all.
            None if authority.as_str() != authority.host() => return Err(InvalidBaseUrl),
            None => format!("{scheme}://{host}"),
            Some(port) if port.as_u16() == default_port => format!("{scheme}://{host}"),
            Some(port) => format!("{scheme}://{host}:{}", port.as_u16()),
        }))
    }
}

impl BaseUrl {
    /// Host and port.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }
}

/// Whether a host is this machine, so that a request in the clear does not leave it.
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
            "api.x.com",
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
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{text:?}");
        }
    }
}
