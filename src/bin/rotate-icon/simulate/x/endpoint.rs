//! What X answers: where it is, and what belongs to a request.

use axum::http::Method;

use super::authorization::Purpose;

/// Where the picture is set.
pub(crate) const UPDATE_PATH: &str = "/1.1/account/update_profile_image.json";
/// Where the account is told.
pub(super) const VERIFY_PATH: &str = "/1.1/account/verify_credentials.json";

/// What is answered, by name.
pub(crate) const ENDPOINTS: [&str; 4] = [
    "account/update_profile_image",
    "account/verify_credentials",
    "oauth/request_token",
    "oauth/access_token",
];

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Update,
    Verify,
    RequestToken,
    AccessToken,
}

impl Endpoint {
    /// The one that is asked for.
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        match (method.as_str(), path) {
            ("POST", UPDATE_PATH) => Some(Self::Update),
            ("GET", VERIFY_PATH) => Some(Self::Verify),
            ("POST", "/oauth/request_token") => Some(Self::RequestToken),
            ("POST", "/oauth/access_token") => Some(Self::AccessToken),
            _ => None,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        let [update, verify, request_token, access_token] = ENDPOINTS;
        match self {
            Self::Update => update,
            Self::Verify => verify,
            Self::RequestToken => request_token,
            Self::AccessToken => access_token,
        }
    }

    /// What a request to it is for.
    pub(super) fn purpose(self) -> Purpose {
        match self {
            Self::Update | Self::Verify => Purpose::Resource,
            Self::RequestToken => Purpose::RequestToken,
            Self::AccessToken => Purpose::AccessToken,
        }
    }

    /// The names that may come up in the query or the body.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Update => &["image", "skip_status", "include_entities"],
            Self::Verify => &["skip_status", "include_entities", "include_email"],
            Self::RequestToken => &["oauth_callback"],
            Self::AccessToken => &["oauth_verifier"],
        }
    }
}
