//! X's endpoints: their paths, names and parameters.

use http::Method;

use super::authorization::Purpose;

/// Sets the picture: version 1.1.
pub(crate) const UPDATE_PATH: &str = "/1.1/account/update_profile_image.json";
/// Shows the account: version 1.1.
pub(crate) const VERIFY_PATH: &str = "/1.1/account/verify_credentials.json";

/// Uploads a picture: version 2.
pub(crate) const UPLOAD_PATH: &str = "/2/media/upload";
/// Sets an uploaded picture: version 2.
pub(crate) const SET_PATH: &str = "/2/users/me/profile_image";
/// Shows the account: version 2.
pub(crate) const ME_PATH: &str = "/2/users/me";

/// The names of the endpoints.
pub(crate) const ENDPOINTS: [&str; 7] = [
    "account/update_profile_image",
    "account/verify_credentials",
    "oauth/request_token",
    "oauth/access_token",
    UPLOAD,
    SET,
    ME,
];
pub(crate) const UPLOAD: &str = "2/media/upload";
pub(crate) const SET: &str = "2/users/me/profile_image";
const ME: &str = "2/users/me";

/// An endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Update,
    Verify,
    RequestToken,
    AccessToken,
    Upload,
    Set,
    Me,
}

impl Endpoint {
    /// The endpoint at this path, if it takes this method.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
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

    /// The name of the endpoint.
    pub(crate) fn name(self) -> &'static str {
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

    /// Whether the endpoint belongs to version 2 of the API.
    pub(crate) fn is_of_v2(self) -> bool {
        matches!(self, Self::Upload | Self::Set | Self::Me)
    }

    /// The purpose of a request to the endpoint.
    pub(crate) fn purpose(self) -> Purpose {
        match self {
            Self::Update | Self::Verify | Self::Upload | Self::Set | Self::Me => Purpose::Resource,
            Self::RequestToken => Purpose::RequestToken,
            Self::AccessToken => Purpose::AccessToken,
        }
    }

    /// The parameters that may stand in the query or the body.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            // Clients add some of these to every call; X ignores them here.
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
