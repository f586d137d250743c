//! Servers of other makes that offer Mastodon's API: how each refuses a request, and how it takes
//! a picture. Taken from their sources.

use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

use crate::answer::Refusal;

/// A make of server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Software {
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

pub(super) const INVALID_TOKEN: Refusal = Refusal::bare(401, "The access token is invalid");
pub(super) const OUTSIDE_SCOPES: Refusal =
    Refusal::bare(403, "This action is outside the authorized scopes");

/// How a picture that is sent with a method is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    /// It becomes the account's.
    Taken,
    /// PHP reads no multipart body of a PATCH: the answer is success, and nothing changes.
    Ignored,
    /// There is no such method here.
    NoMethod,
}

impl Software {
    fn is_pixelfed(self) -> bool {
        matches!(self, Self::Pixelfed | Self::PixelfedWithoutPost)
    }

    /// What is answered to a token that is nobody's.
    pub(super) fn unknown_token(self, headers: &HeaderMap) -> Refusal {
        match self {
            Self::Mastodon => INVALID_TOKEN,
            Self::Gotosocial => Refusal::bare(401, "Unauthorized: token not supplied"),
            // Its handler of exceptions knows no status for this one, and without the header the
            // answer is a redirect to the page for signing in.
            _ if self.is_pixelfed() && wants_json(headers) => {
                Refusal::bare(500, "Unauthenticated.")
            }
            _ if self.is_pixelfed() => Refusal::empty(302),
            Self::Pleroma => Refusal::bare(403, "Invalid credentials."),
            _ => Refusal::bare(401, "identity_token_required"),
        }
    }

    /// What is answered to a token that lacks a scope.
    pub(super) fn missing_scope(self, headers: &HeaderMap, needs_write: bool) -> Refusal {
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

    /// The scopes of which one is needed.
    pub(super) fn scopes(self, needs_write: bool) -> &'static [&'static str] {
        match (needs_write, self.is_pixelfed()) {
            (true, false) => &["write", "write:accounts"],
            (false, false) if self == Self::Mastodon => &["profile", "read", "read:accounts"],
            (false, false) => &["read", "read:accounts"],
            (true, true) => &["write"],
            (false, true) => &["read"],
        }
    }

    /// What becomes of a picture that is sent with this method, if there is such a path at all.
    pub(super) fn taking(self, method: &Method) -> Option<Taking> {
        match (method.as_str(), self) {
            ("PATCH", Self::Pixelfed | Self::PixelfedWithoutPost) => Some(Taking::Ignored),
            ("PATCH", _) | ("POST", Self::Pixelfed) => Some(Taking::Taken),
            ("POST", Self::PixelfedWithoutPost) => Some(Taking::NoMethod),
            _ => None,
        }
    }

    /// Whether the application of a token is told with its scopes.
    pub(super) fn tells_scopes(self) -> bool {
        self == Self::Mastodon
    }

    /// Whether pictures have addresses of their own by what they hold, so that the same one has
    /// the same address again.
    pub(super) fn names_by_content(self) -> bool {
        self == Self::Pleroma
    }

    /// Where the picture is of those who have none.
    pub(super) fn missing_avatar(self) -> &'static str {
        if self.is_pixelfed() {
            "/storage/avatars/default.jpg?v=0"
        } else {
            "/avatars/original/missing.png"
        }
    }
}

/// Laravel's `wantsJson`: the first type that is accepted is one of JSON.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|first| first.contains("/json") || first.contains("+json"))
}
