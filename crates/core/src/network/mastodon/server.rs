//! The account's server in the forms people have at hand: its address, a page there, or the
//! account's full name. If the page shows an account of another server, that server counts.

use std::str::FromStr;

use thiserror::Error;

use crate::network::base_url::{BaseUrl, Destination};

/// The server that hosts an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(BaseUrl);

/// A description of the accepted texts.
pub const ACCEPTS: &str = "the server that the account is on, such as https://mastodon.social \
     (http:// only for localhost)";

/// The text names no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not {ACCEPTS}")]
pub struct InvalidServer;

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let place = match text.strip_prefix("acct:").unwrap_or(text) {
            // Any page on the server.
            url if url.contains("://") => url,
            name => match name
                .strip_prefix(['@', '＠'])
                .unwrap_or(name)
                .split_once('@')
            {
                // @me@mastodon.social
                Some((user, server)) if is_user(user) => server,
                _ => name,
            },
        };
        let url = Destination::read(place).ok_or(InvalidServer)?;
        let home = match home_of(&url.rest) {
            Some(home) if home.eq_ignore_ascii_case(url.base.authority()) => None,
            home => home,
        };
        Ok(Self(match home {
            Some(home) => Destination::read(home).ok_or(InvalidServer)?.base,
            None => url.base,
        }))
    }
}

impl From<Server> for BaseUrl {
    fn from(server: Server) -> Self {
        server.0
    }
}

/// The server of the account that a path shows, as another server displays it:
/// `/@me@fosstodon.org`, or in the web client `/deck/@me@fosstodon.org`.
fn home_of(path: &str) -> Option<&str> {
    let path = path.split(['?', '#']).next()?;
    let name = path.split('/').find_map(|part| part.strip_prefix('@'))?;
    let (user, server) = name.split_once('@')?;
    is_user(user).then_some(server)
}

/// Whether a text is an account's name on its server: `USERNAME_RE` in Mastodon's
/// `app/models/account.rb`.
pub(super) fn is_user(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !text.is_empty() && text.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_a_server_is_understood() {
        for (text, server) in [
            ("https://mastodon.social", "https://mastodon.social"),
            ("mastodon.social", "https://mastodon.social"),
            ("Mastodon.Social/", "https://mastodon.social"),
            ("https://mastodon.social/@me", "https://mastodon.social"),
            ("mastodon.social/@me", "https://mastodon.social"),
            (
                "https://mastodon.social/settings/applications/1?a=b#c",
                "https://mastodon.social",
            ),
            ("@me@mastodon.social", "https://mastodon.social"),
            ("me@mastodon.social", "https://mastodon.social"),
            ("acct:me@mastodon.social", "https://mastodon.social"),
            ("@m.e_2@social.example:8443", "https://social.example:8443"),
            ("https://social.example.", "https://social.example"),
            ("http://127.0.0.1:3000/@me", "http://127.0.0.1:3000"),
            // The account is on another server.
            (
                "https://mastodon.social/@me@fosstodon.org",
                "https://fosstodon.org",
            ),
            ("mastodon.social/@me@fosstodon.org", "https://fosstodon.org"),
            (
                "https://mastodon.social/deck/@m_e@Social.example:8443/1?a=@b@c.example",
                "https://social.example:8443",
            ),
            (
                "http://127.0.0.1:3000/@me@127.0.0.1:3000",
                "http://127.0.0.1:3000",
            ),
            (
                "https://mastodon.social/share?text=@me@fosstodon.org",
                "https://mastodon.social",
            ),
        ] {
            let parsed = text.parse::<Server>().map(BaseUrl::from);
            assert_eq!(
                parsed.map(|it| it.to_string()),
                Ok(server.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for text in [
            "",
            "me",
            "@me",
            "@me@",
            "@me@mastodon",
            "@@mastodon.social",
            "a b@mastodon.social",
            "http://mastodon.social",
            "https://user:hunter2@mastodon.social",
            "https://.",
            "https://a..b/@me",
            "https://mastodon.social:0",
            "https://mastodon.social/@me@",
            "https://mastodon.social/@me@fosstodon",
            "https://mastodon.social/@me@a@b.example",
        ] {
            assert_eq!(text.parse::<Server>(), Err(InvalidServer), "{text}");
        }
    }
}
