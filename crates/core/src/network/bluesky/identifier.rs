//! The account's name in the forms people have at hand: a handle, the address of a profile, a DID,
//! or an e-mail address.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::network::base_url::is_domain;

/// The name an account signs in with: a handle in lower case, a DID or an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier(String);

/// A description of the accepted texts.
pub const ACCEPTS: &str = "your handle with its domain, such as alice.bsky.social, or the e-mail \
     address of the account";

/// The text names no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not {ACCEPTS}")]
pub struct InvalidIdentifier;

impl FromStr for Identifier {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let lower = text.to_ascii_lowercase();
        let after = |prefix: &str| lower.starts_with(prefix).then(|| text.get(prefix.len()..));
        let scheme = ["https://", "http://", "at://"].into_iter().find_map(after);
        let place = scheme.flatten().unwrap_or(text);
        let mut segments = place.split(['/', '?', '#']);
        let first = segments.next().unwrap_or_default();
        // The page of a profile, in Bluesky's own app or another: HOST/profile/NAME.
        let name = match (segments.next(), segments.next()) {
            (Some("profile"), Some(name)) => name,
            (None | Some(""), _) => first,
            _ if lower.starts_with("at://") => first,
            _ => return Err(InvalidIdentifier),
        };
        let name = name.strip_prefix(['@', '＠']).unwrap_or(name);
        if is_did(name) || (name == text && is_email(name)) {
            return Ok(Self(name.to_owned()));
        }
        let handle = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if is_handle(&handle) {
            Ok(Self(handle))
        } else {
            Err(InvalidIdentifier)
        }
    }
}

/// Whether `name` is a handle (<https://atproto.com/specs/handle>): a DNS name of two labels or
/// more, the last of which begins with a letter.
pub(super) fn is_handle(name: &str) -> bool {
    let last = name.rsplit_once('.').map(|(_, last)| last);
    let begins_with_letter =
        last.is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
    begins_with_letter && is_domain(name) && !name.contains('_')
}

/// Whether `name` is a DID (<https://atproto.com/specs/did>) of the two methods that accounts use.
fn is_did(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "._:%-".contains(c);
    ["did:plc:", "did:web:"].into_iter().any(|method| {
        let rest = name.strip_prefix(method);
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_letter))
    })
}

/// Whether `text` is an e-mail address: something before one `@`, and a host after it.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        let is_user = !user.is_empty() && user.chars().all(|c| c.is_ascii_graphic());
        is_user && host.contains('.') && is_domain(host)
    })
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_name_an_account_is_understood() {
        for (text, identifier) in [
            ("alice.bsky.social", "alice.bsky.social"),
            ("@alice.bsky.social", "alice.bsky.social"),
            ("Alice.BSky.social", "alice.bsky.social"),
            ("alice.bsky.social.", "alice.bsky.social"),
            (
                "https://bsky.app/profile/alice.bsky.social",
                "alice.bsky.social",
            ),
            (
                "https://bsky.app/profile/alice.example/post/3k?a=b#c",
                "alice.example",
            ),
            ("bsky.app/profile/alice.example/", "alice.example"),
            ("HTTPS://bsky.app/profile/@Alice.example", "alice.example"),
            (
                "https://deer.social/profile/did:plc:abc234",
                "did:plc:abc234",
            ),
            ("at://alice.example", "alice.example"),
            (
                "at://did:plc:abc234/app.bsky.actor.profile/self",
                "did:plc:abc234",
            ),
            ("https://alice.example/", "alice.example"),
            ("did:web:alice.example", "did:web:alice.example"),
            ("alice+bsky@example.com", "alice+bsky@example.com"),
            ("Alice@Example.com", "Alice@Example.com"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(
                text.parse::<Identifier>().map(|it| it.to_string()),
                Ok(identifier.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_names_no_account_is_refused() {
        for text in [
            "",
            "@",
            "alice",
            "@alice",
            "alice smith",
            "alice.",
            ".bsky.social",
            "alice..social",
            "alice.bsky.123",
            "al_ice.bsky.social",
            "älice.bsky.social",
            "@alice@mastodon.social",
            "alice@bsky",
            "a@b@example.com",
            "https://bsky.app/profile/alice",
            "https://bsky.app/profile",
            "https://bsky.app/settings",
            "https://bsky.app/profile/a@example.com",
            "did:plc:",
            "did:key:abc",
            "did:plc:a/b",
        ] {
            assert_eq!(text.parse::<Identifier>(), Err(InvalidIdentifier), "{text}");
        }
    }
}
