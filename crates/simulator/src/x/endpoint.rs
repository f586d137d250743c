//! What X answers: where it is, and what belongs to a request.

use axum::http::Method;

use super::authorization::Purpose;

/// Where the picture is set.
pub(crate) const UPDATE_PATH: &str = "/1.1/account/update_profile_image.json";
/// Where the account is told.
pub(super) const VERIFY_PATH: &str = "/1.1/account/verify_credentials.json";

/// Where a picture is uploaded by version 2.
pub(crate) const UPLOAD_PATH: &str = "/2/media/upload";
/// Where one that was uploaded is set.
pub(crate) const SET_PATH: &str = "/2/users/me/profile_image";
/// Where the account is told by version 2.
pub(crate) const ME_PATH: &str = "/2/users/me";

/// What is answered, by name.
pub(crate) const ENDPOINTS: [&str; 7] = [
    "account/update_profile_image",
    "account/verify_credentials",
    "oauth/request_token",
    "oauth/access_token",
    UPLOAD,
    SET,
    ME,
];
pub(super) const UPLOAD: &str = "2/media/upload";
pub(super) const SET: &str = "2/users/me/profile_image";
const ME: &str = "2/users/me";

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Update,
    Verify,
    RequestToken,
    AccessToken,
    Upload,
    Set,
    Me,
}

impl Endpoint {
    /// The one that is asked for.
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        match (method.as_str(), path) {
            ("POST", UPDATE_PATH) => Some(Self::Update),
            ("GET", VERIFY_PATH) => Some(Self::Verify),
            ("POST", "/oauth/request_token") => Some(Self::RequestToken),
            ("POST", "/oauth/access_token") => Some(Self::AccessToken),
            ("POST", UPLOAD_PATH) => Some(Self::Upload),
            ("PUT", SET_PATH) => Some(Self::Set),
            ("GET", ME_PATH) => Some(Self::Me),
            _ => None,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        let [update, verify, request_token, access_token, ..] = ENDPOINTS;
        match self {
            Self::Update => update,
            Self::Verify => verify,
            Self::RequestToken => request_token,
            Self::AccessToken => access_token,
            Self::Upload => UPLOAD,
            Self::Set => SET,
            Self::Me => ME,
        }
    }

    /// Whether it is one of version 2.
    pub(super) fn is_of_v2(self) -> bool {
        matches!(self, Self::Upload | Self::Set | Self::Me)
    }

    /// What a request to it is for.
    pub(super) fn purpose(self) -> Purpose {
        match self {
            Self::Update | Self::Verify | Self::Upload | Self::Set | Self::Me => Purpose::Resource,
            Self::RequestToken => Purpose::RequestToken,
            Self::AccessToken => Purpose::AccessToken,
        }
    }

    /// The names that may come up in the query or the body.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            // Clients add the one or the other to every call; X passes over them here.
            Self::Update => &[
                "image",
                "skip_status",
                "include_entities",
                "tweet_mode",
                "include_ext_alt_text",
            ],
            Self::Verify => &[
                "skip_status",
                "include_entities",
                "include_email",
                "tweet_mode",
                "include_ext_alt_text",
            ],
            Self::RequestToken => &["oauth_callback", "x_auth_access_type"],
            Self::AccessToken => &["oauth_verifier", "oauth_callback"],
            Self::Upload => &[
                "media",
                "media_category",
                "media_type",
                "shared",
                "additional_owners",
            ],
            Self::Set => &[],
            Self::Me => &["user.fields", "expansions", "tweet.fields"],
        }
    }
}
