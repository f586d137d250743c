//! An account of Bluesky, as the settings describe it.

use std::str::FromStr;

use crate::network::base_url::{self, BaseUrl, InvalidBaseUrl};
use crate::network::bluesky::identifier::{self, Identifier};
use crate::settings::reader::{Reader, Variable};
use crate::settings::secret::Secret;

/// Bluesky's name in sentences.
pub(super) const TITLE: &str = "Bluesky";

/// The account's handle, or the e-mail address it signs in with.
pub const BLUESKY_IDENTIFIER: &str = "BLUESKY_IDENTIFIER";
/// The account's app password.
pub const BLUESKY_APP_PASSWORD: &str = "BLUESKY_APP_PASSWORD";

/// The server the account signs in to.
pub const BLUESKY_SERVICE: Variable = Variable {
    name: "BLUESKY_SERVICE",
    default: AUTO,
    accepts: "auto, which finds the server from the handle, or an https:// URL without path \
              (http:// only for localhost)",
};
/// The directory that accounts are looked up in, of `did:plc`:
/// <https://web.plc.directory/spec/v0.1/did-plc>.
pub const BLUESKY_DIRECTORY: Variable = Variable {
    name: "BLUESKY_DIRECTORY",
    default: "https://plc.directory",
    accepts: base_url::ACCEPTS,
};
/// The resolver for handles: a server that answers DNS queries in JSON at `/dns-query`,
/// <https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>.
pub const BLUESKY_DNS: Variable = Variable {
    name: "BLUESKY_DNS",
    default: "https://cloudflare-dns.com",
    accepts: base_url::ACCEPTS,
};

/// The value that finds the service from the handle.
const AUTO: &str = "auto";

/// The server for accounts whose handle is not known.
pub(super) const DEFAULT_SERVICE: &str = "https://bsky.social";

/// An account on Bluesky.
#[derive(Debug, Clone)]
pub struct Account {
    /// The server to sign in to; if `None`, found from the handle.
    pub service: Option<BaseUrl>,
    /// The services that find it.
    pub lookup: Lookup,
    /// Its handle, or its e-mail address.
    pub identifier: String,
    /// Its app password.
    pub app_password: Secret,
}

/// The services that accounts are looked up with.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The directory of accounts.
    pub directory: BaseUrl,
    /// The server that answers DNS queries.
    pub dns: BaseUrl,
    /// The server for an account known only by its e-mail address.
    pub default: BaseUrl,
}

impl Account {
    /// Reads an account's settings. Returns `None` after reporting to `reader` what is missing or
    /// wrong.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let service = reader.parsed::<Service>(BLUESKY_SERVICE);
        let directory = reader.parsed(BLUESKY_DIRECTORY);
        let dns = reader.parsed(BLUESKY_DNS);
        let identifier =
            reader.required_parsed::<Identifier>(BLUESKY_IDENTIFIER, identifier::ACCEPTS);
        let app_password = reader.password(BLUESKY_APP_PASSWORD);
        Some(Self {
            service: service?.0,
            lookup: Lookup {
                directory: directory?,
                dns: dns?,
                default: DEFAULT_SERVICE.parse().expect("it is a base URL"),
            },
            identifier: identifier?.to_string(),
            app_password: app_password?,
        })
    }
}

/// The service in the settings; `None` for `auto`.
struct Service(Option<BaseUrl>);

impl FromStr for Service {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        if text.eq_ignore_ascii_case(AUTO) {
            return Ok(Self(None));
        }
        text.parse().map(|service| Self(Some(service)))
    }
}
