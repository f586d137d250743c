//! Server software that offers Mastodon's API: how each refuses a request and handles a picture.
//! Taken from their source code.

use std::fmt;
use std::str::FromStr;

use http::header::ACCEPT;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

use crate::reply::Refusal;

/// Server software that offers Mastodon's API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Software {
    /// Mastodon itself.
    #[default]
    Mastodon,
    /// `GoToSocial`: `internal/api/util/auth.go`.
    Gotosocial,
    /// Pixelfed since December 2023: `routes/api.php`, `ApiV1Controller`, `Exceptions/Handler`.
    Pixelfed,
    /// Pixelfed before it took POST.
    PixelfedWithoutPost,
    /// Pleroma and Akkoma: `OAuthScopesPlug`, `EnsureAuthenticatedPlug`, `Upload.Filter.Dedupe`.
    Pleroma,
    /// Takahe: `api/decorators.py`.
    Takahe,
}

pub(crate) const INVALID_TOKEN: Refusal = Refusal::bare(401, "The access token is invalid");
pub(crate) const OUTSIDE_SCOPES: Refusal =
    Refusal::bare(403, "This action is outside the authorized scopes");

/// What a server does with a picture that is sent with a method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    /// It sets the picture.
    Sets,
    /// It answers with success and changes nothing: PHP does not read the multipart body of a
    /// PATCH.
    Ignored,
    /// It does not accept the method.
    NoMethod,
}

impl fmt::Display for Software {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Software {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|software| software.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("there is no such software; known are {known}")
        })
    }
}

impl Software {
    /// All software that can be simulated.
    pub const ALL: [Self; 6] = [
        Self::Mastodon,
        Self::Gotosocial,
        Self::Pixelfed,
        Self::PixelfedWithoutPost,
        Self::Pleroma,
        Self::Takahe,
    ];

    /// The name, as on the command line and in the control routes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mastodon => "mastodon",
            Self::Gotosocial => "gotosocial",
            Self::Pixelfed => "pixelfed",
            Self::PixelfedWithoutPost => "pixelfed-without-post",
            Self::Pleroma => "pleroma",
            Self::Takahe => "takahe",
        }
    }

    /// The software in a few words, for the help of a command-line option.
    pub fn description(self) -> &'static str {
        match self {
            Self::Mastodon => "Mastodon itself",
            Self::Gotosocial => "GoToSocial",
            Self::Pixelfed => "Pixelfed since December 2023",
            Self::PixelfedWithoutPost => "Pixelfed before it accepted POST",
            Self::Pleroma => "Pleroma and Akkoma",
            Self::Takahe => "Takahe",
        }
    }

    fn is_pixelfed(self) -> bool {
        matches!(self, Self::Pixelfed | Self::PixelfedWithoutPost)
    }

    /// The refusal of an unknown token.
    pub(crate) fn unknown_token(self, headers: &HeaderMap) -> Refusal {
        match self {
            Self::Mastodon => INVALID_TOKEN,
            Self::Gotosocial => Refusal::bare(401, "Unauthorized: token not supplied"),
            // Its exception handler has no status for this one. Without the header, it redirects to
            // the page for signing in.
            _ if self.is_pixelfed() && wants_json(headers) => {
                Refusal::bare(500, "Unauthenticated.")
            }
            _ if self.is_pixelfed() => Refusal::empty(302),
            Self::Pleroma => Refusal::bare(403, "Invalid credentials."),
            _ => Refusal::bare(401, "identity_token_required"),
        }
    }

    /// The refusal of a token that lacks a scope.
    pub(crate) fn missing_scope(self, headers: &HeaderMap, needs_write: bool) -> Refusal {
        match self {
            Self::Mastodon => OUTSIDE_SCOPES,
            Self::Gotosocial => {
                Refusal::bare(403, "Forbidden: token has insufficient scope permission")
            }
            _ if self.is_pixelfed() && wants_json(headers) => Refusal::bare(403, ""),
            _ if self.is_pixelfed() => {
                Refusal::html(403, "<!DOCTYPE html><title>Forbidden</title>")
            }
            Self::Pleroma if needs_write => {
                Refusal::bare(403, "Insufficient permissions: write:accounts.")
            }
            Self::Pleroma => Refusal::bare(403, "Insufficient permissions: read:accounts."),
            _ => Refusal::bare(403, "out_of_scope_for_token"),
        }
    }

    /// The scopes of which a token needs one.
    pub(crate) fn scopes(self, needs_write: bool) -> &'static [&'static str] {
        match (needs_write, self.is_pixelfed()) {
            (true, false) => &["write", "write:accounts"],
            (false, false) if self == Self::Mastodon => &["profile", "read", "read:accounts"],
            (false, false) => &["read", "read:accounts"],
            (true, true) => &["write"],
            (false, true) => &["read"],
        }
    }

    /// What the server does with a picture that is sent with this method; `None` if the path does
    /// not exist for the method.
    pub(crate) fn handling(self, method: &Method) -> Option<Handling> {
        match (method.as_str(), self) {
            ("PATCH", Self::Pixelfed | Self::PixelfedWithoutPost) => Some(Handling::Ignored),
            ("PATCH", _) | ("POST", Self::Pixelfed) => Some(Handling::Sets),
            ("POST", Self::PixelfedWithoutPost) => Some(Handling::NoMethod),
            _ => None,
        }
    }

    /// Whether the server shows the scopes of a token.
    pub(crate) fn shows_scopes(self) -> bool {
        self == Self::Mastodon
    }

    /// Whether the URL of a picture follows from its content, so that the same picture has the same
    /// URL again.
    pub(crate) fn names_by_content(self) -> bool {
        self == Self::Pleroma
    }

    /// The path of the picture of an account that has not set one.
    pub(crate) fn missing_avatar(self) -> &'static str {
        if self.is_pixelfed() {
            "/storage/avatars/default.jpg?v=0"
        } else {
            "/avatars/original/missing.png"
        }
    }
}

/// Whether the first accepted media type is JSON, as Laravel's `wantsJson` decides it.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|first| first.contains("/json") || first.contains("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere() {
        for software in Software::ALL {
            assert_eq!(software.name().parse(), Ok(software));
            assert_eq!(serde_json::to_value(software).unwrap(), software.name());
        }
        assert!("y".parse::<Software>().unwrap_err().contains("takahe"));
    }
}
