//! What requests need besides the tokens of a connection.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::network::base_url::BaseUrl;
use crate::network::sign_in::{ClientKey, Connection};
use crate::settings::secret::Secret;

/// What requests need besides the tokens of a connection. It is stored with them, encrypted.
#[derive(Debug, Clone)]
pub(in crate::network::bluesky) struct Details {
    /// The session's private key, a JWK as JSON: every request proves that its sender has it.
    pub(in crate::network::bluesky) key: Secret,
    /// The key of this service that the session is bound to: a copy, so that a turn has all that it
    /// needs. `None` for a service on this machine, which has none.
    pub(in crate::network::bluesky) client_key: Option<ClientKey>,
    /// The server that has the account.
    pub(in crate::network::bluesky) pds: BaseUrl,
    /// Where the authorization server gives tokens. Like the next one, it is on the issuer's host.
    pub(in crate::network::bluesky) token_endpoint: String,
    /// Where it revokes them, if it does.
    pub(in crate::network::bluesky) revocation_endpoint: Option<String>,
    /// When the account's handle and server were last looked up.
    pub(in crate::network::bluesky) checked_at: DateTime<Utc>,
    /// What the last look at the account has found out that its owner should know, in a sentence or
    /// two: that it has another handle, or is on another server. The next look replaces it.
    pub(in crate::network::bluesky) news: Option<String>,
    /// The nonce of the account's server, if the refresh has brought one: it does where that server
    /// is the authorization server too. It saves the next turn a request.
    pub(in crate::network::bluesky) nonce: Option<String>,
}

impl Details {
    /// Reads the details of a connection. `None` if there are none, or another version has written
    /// them in a form that this one does not know.
    pub(in crate::network::bluesky) fn of(connection: &Connection) -> Option<Self> {
        let details = connection.details.as_ref()?;
        let stored: Stored = serde_json::from_str(details.expose()).ok()?;
        Some(Self {
            key: Secret::new(stored.key),
            client_key: stored.client_key.map(StoredKey::opened),
            pds: stored.pds.parse().ok()?,
            token_endpoint: stored.token_endpoint,
            revocation_endpoint: stored.revocation_endpoint,
            checked_at: stored.checked_at,
            news: stored.news,
            nonce: stored.nonce,
        })
    }

    /// The form in which they are stored.
    pub(in crate::network::bluesky) fn stored(&self) -> Secret {
        let stored = Stored {
            key: self.key.expose().to_owned(),
            client_key: self.client_key.as_ref().map(StoredKey::of),
            pds: self.pds.to_string(),
            token_endpoint: self.token_endpoint.clone(),
            revocation_endpoint: self.revocation_endpoint.clone(),
            checked_at: self.checked_at,
            news: self.news.clone(),
            nonce: self.nonce.clone(),
        };
        Secret::new(serde_json::to_string(&stored).expect("it is made of texts and a time"))
    }
}

/// The stored form. Members that have been added since are optional.
#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    client_key: Option<StoredKey>,
    pds: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    checked_at: DateTime<Utc>,
    news: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// The stored form of a key of this service.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredKey {
    id: String,
    /// The private JWK as JSON.
    private: String,
}

impl StoredKey {
    /// The stored form of a key.
    pub(super) fn of(key: &ClientKey) -> Self {
        Self {
            id: key.id.clone(),
            private: key.private.expose().to_owned(),
        }
    }

    /// The key.
    pub(super) fn opened(self) -> ClientKey {
        ClientKey {
            id: self.id,
            private: Secret::new(self.private),
        }
    }
}
