//! The kinds of servers that a person can sign in to: how software and version differ in sign-in.
//! Taken from their source code: Mastodon's and doorkeeper's, `GoToSocial`'s `internal/oauth`,
//! Pixelfed's `ApiV1Controller` and league/oauth2-server 8.5, Pleroma's `OAuthController`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::Software;
use crate::reply::Refusal;

/// The kind of a server: its software and, where sign-in differs by version, its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Mastodon 4.2: no metadata, no PKCE, no scope `profile`.
    Mastodon42,
    /// Mastodon 4.3.
    Mastodon43,
    /// `GoToSocial` 0.19.
    Gotosocial,
    /// Pixelfed: broad scopes, tokens that expire after 356 days.
    Pixelfed,
    /// Pleroma and Akkoma: tokens that expire after an hour.
    Pleroma,
}

/// The scopes of Mastodon 4.2 that a client of an account's owner may have any use for. The others
/// (administration, notifications by push, encryption) are unknown here.
const SCOPES: [&str; 27] = [
    "read",
    "read:accounts",
    "read:blocks",
    "read:bookmarks",
    "read:favourites",
    "read:filters",
    "read:follows",
    "read:lists",
    "read:mutes",
    "read:notifications",
    "read:search",
    "read:statuses",
    "write",
    "write:accounts",
    "write:blocks",
    "write:bookmarks",
    "write:conversations",
    "write:favourites",
    "write:filters",
    "write:follows",
    "write:lists",
    "write:media",
    "write:mutes",
    "write:notifications",
    "write:reports",
    "write:statuses",
    "follow",
];

const DAY: i64 = 86_400;

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("there is no such kind of server; known are {known}")
        })
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Mastodon42,
        Self::Mastodon43,
        Self::Gotosocial,
        Self::Pixelfed,
        Self::Pleroma,
    ];

    /// The name, as on the command line and in the control routes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mastodon42 => "mastodon-4.2",
            Self::Mastodon43 => "mastodon-4.3",
            Self::Gotosocial => "gotosocial",
            Self::Pixelfed => "pixelfed",
            Self::Pleroma => "pleroma",
        }
    }

    /// How the server refuses requests and handles pictures.
    pub(crate) fn software(self) -> Software {
        match self {
            Self::Mastodon42 | Self::Mastodon43 => Software::Mastodon,
            Self::Gotosocial => Software::Gotosocial,
            Self::Pixelfed => Software::Pixelfed,
            Self::Pleroma => Software::Pleroma,
        }
    }

    pub(crate) fn is_mastodon(self) -> bool {
        self.software() == Software::Mastodon
    }

    /// The version, as the server tells it.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Mastodon42 => "4.2.13",
            Self::Mastodon43 => "4.3.2",
            Self::Gotosocial => "0.19.1+git-0000000",
            Self::Pixelfed => "3.5.3 (compatible; Pixelfed 0.12.4)",
            Self::Pleroma => "2.7.2 (compatible; Pleroma 2.9.1)",
        }
    }

    /// Whether the server publishes metadata (RFC 8414).
    pub(crate) fn has_metadata(self) -> bool {
        self == Self::Mastodon43
    }

    /// Whether the server holds a client to its challenge (RFC 7636). The others ignore it.
    pub(crate) fn has_pkce(self) -> bool {
        matches!(self, Self::Mastodon43 | Self::Pixelfed)
    }

    /// Whether `redirect_uris` may be an array.
    pub(crate) fn takes_arrays(self) -> bool {
        self == Self::Mastodon43
    }

    /// Whether `redirect_uris` may hold several, one a line. Pixelfed splits them at a backslash
    /// and an n.
    pub(crate) fn takes_lines(self) -> bool {
        self != Self::Pixelfed
    }

    /// Whether registrations are limited.
    pub(crate) fn limits_registrations(self) -> bool {
        self.is_mastodon()
    }

    /// Whether scopes are checked when an app is registered.
    pub(crate) fn checks_scopes_at_registration(self) -> bool {
        self.is_mastodon()
    }

    /// The scopes that the server knows.
    pub(crate) fn scopes(self) -> Vec<&'static str> {
        match self {
            Self::Pixelfed => vec!["read", "write", "follow", "push"],
            Self::Mastodon43 => [&["profile"], &SCOPES[..]].concat(),
            Self::Mastodon42 | Self::Gotosocial | Self::Pleroma => SCOPES.to_vec(),
        }
    }

    /// How long a token lasts, in seconds; `None` for ever. What expires can be refreshed.
    pub(crate) fn lifetime(self) -> Option<i64> {
        match self {
            Self::Pixelfed => Some(356 * DAY),
            Self::Pleroma => Some(3_600),
            _ => None,
        }
    }

    /// Whether the same person and app get the same token again (doorkeeper's
    /// `reuse_access_token`).
    pub(crate) fn reuses_tokens(self) -> bool {
        self.is_mastodon()
    }

    /// Whether a client may identify itself in the `Authorization` header (RFC 6749 §2.3.1).
    pub(crate) fn takes_basic(self) -> bool {
        self != Self::Gotosocial
    }

    /// Whether a client can revoke a token (RFC 7009).
    pub(crate) fn can_revoke(self) -> bool {
        self != Self::Pixelfed
    }

    /// The path of the picture of a person who has none; `None` if the server tells no address.
    pub(crate) fn missing_avatar(self) -> Option<&'static str> {
        match self {
            Self::Gotosocial => None,
            _ => Some(self.software().missing_avatar()),
        }
    }

    /// The refusal of a client that is unknown or has another secret.
    pub(crate) fn invalid_client(self) -> Refusal {
        match self {
            Self::Mastodon42 | Self::Mastodon43 => Refusal::described(
                401,
                "invalid_client",
                "Client authentication failed due to unknown client, no client authentication \
                 included, or unsupported authentication method.",
            ),
            Self::Pixelfed => {
                Refusal::described(401, "invalid_client", "Client authentication failed")
            }
            Self::Gotosocial => Refusal::described(
                400,
                "invalid_client",
                "Bad Request: could not get access token: invalid_client",
            ),
            Self::Pleroma => INVALID_CREDENTIALS,
        }
    }

    /// The refusal of a code.
    pub(crate) fn invalid_grant(self) -> Refusal {
        match self {
            Self::Gotosocial => Refusal::described(
                400,
                "invalid_grant",
                "Bad Request: could not get access token: invalid_grant",
            ),
            Self::Pleroma => INVALID_CREDENTIALS,
            _ => Refusal::described(
                400,
                "invalid_grant",
                "The provided authorization grant is invalid, expired, revoked, does not match \
                 the redirection URI used in the authorization request, or was issued to another \
                 client.",
            ),
        }
    }

    /// The refusal of a refresh token.
    pub(crate) fn invalid_refresh_token(self) -> Refusal {
        match self {
            // Not what RFC 6749 §5.2 has for it.
            Self::Pixelfed => {
                Refusal::described(401, "invalid_request", "The refresh token is invalid.")
            }
            _ => self.invalid_grant(),
        }
    }
}

/// What Pleroma answers to any wrong code, client or refresh token.
const INVALID_CREDENTIALS: Refusal = Refusal::bare(400, "Invalid credentials");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert!("4.3".parse::<Kind>().unwrap_err().contains("mastodon-4.3"));
    }
}
