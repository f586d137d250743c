//! An account of X, as the settings describe it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::network::base_url::{self, BaseUrl};
use crate::network::x::oauth1::Credentials;
use crate::settings::reader::{Reader, Variable};

/// X's name in sentences.
pub(super) const TITLE: &str = "X";

/// Identifies the app.
pub const API_KEY: &str = "API_KEY";
/// Signs for the app.
pub const API_KEY_SECRET: &str = "API_KEY_SECRET";
/// Identifies the account.
pub const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
/// Signs for the account.
pub const ACCESS_TOKEN_SECRET: &str = "ACCESS_TOKEN_SECRET";

/// The address of X's API.
pub const API_BASE_URL: Variable = Variable {
    name: "API_BASE_URL",
    default: "https://api.x.com",
    accepts: base_url::ACCEPTS,
};
/// The version of X's API that takes the picture.
pub const X_API: Variable = Variable {
    name: "X_API",
    default: "auto",
    accepts: "auto, 1.1 or 2",
};
/// The form of the body that v1.1 takes.
pub const X_BODY: Variable = Variable {
    name: "X_BODY",
    default: "multipart",
    accepts: "multipart or form",
};

/// An account on X.
#[derive(Debug, Clone)]
pub struct Account {
    /// The address of the API.
    pub base_url: BaseUrl,
    /// The version of the API that takes the picture.
    pub api: Api,
    /// The form of the body for v1.1.
    pub body: BodyForm,
    /// The keys of the app and the account.
    pub credentials: Credentials,
}

/// The choice of X's API version in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// The version that X offers to the app, trying v1.1 first.
    #[default]
    Auto,
    /// This version alone.
    Only(Version),
}

/// A version of X's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// v1.1: one request.
    #[serde(rename = "1.1")]
    V1,
    /// v2: an upload, and a request that refers to it.
    #[serde(rename = "2")]
    V2,
}

/// The text is neither `auto` nor a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither auto nor 1.1 nor 2")]
pub struct InvalidApi;

impl FromStr for Api {
    type Err = InvalidApi;

    fn from_str(text: &str) -> Result<Self, InvalidApi> {
        match text {
            "auto" => Ok(Self::Auto),
            "1.1" => Ok(Self::Only(Version::V1)),
            "2" => Ok(Self::Only(Version::V2)),
            _ => Err(InvalidApi),
        }
    }
}

impl Version {
    pub(super) fn other(self) -> Self {
        match self {
            Self::V1 => Self::V2,
            Self::V2 => Self::V1,
        }
    }

    /// The version's name in a sentence.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::V1 => "API v1.1",
            Self::V2 => "API v2",
        }
    }
}

/// The forms of body that v1.1 takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyForm {
    /// `multipart/form-data` with the raw bytes: a third smaller, and not signed.
    #[default]
    Multipart,
    /// `application/x-www-form-urlencoded` with base64: signed as a whole.
    Form,
}

/// The text is neither `multipart` nor `form`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("neither multipart nor form")]
pub struct InvalidBodyForm;

impl FromStr for BodyForm {
    type Err = InvalidBodyForm;

    fn from_str(text: &str) -> Result<Self, InvalidBodyForm> {
        match text {
            "multipart" => Ok(Self::Multipart),
            "form" => Ok(Self::Form),
            _ => Err(InvalidBodyForm),
        }
    }
}

impl Account {
    /// Reads an account's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let base_url = reader.parsed(API_BASE_URL);
        let api = reader.parsed(X_API);
        let body = reader.parsed(X_BODY);
        let api_key = reader.secret(API_KEY);
        let api_key_secret = reader.secret(API_KEY_SECRET);
        let access_token = reader.secret(ACCESS_TOKEN);
        let access_token_secret = reader.secret(ACCESS_TOKEN_SECRET);
        Some(Self {
            base_url: base_url?,
            api: api?,
            body: body?,
            credentials: Credentials {
                api_key: api_key?,
                api_key_secret: api_key_secret?,
                access_token: access_token?,
                access_token_secret: access_token_secret?,
            },
        })
    }
}
