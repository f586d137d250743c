//! What a sign-in has to know when the browser comes back.

use serde::{Deserialize, Serialize};

use crate::network::bluesky::oauth::details::StoredKey;
use crate::network::sign_in::ClientKey;
use crate::settings::secret::Secret;

/// What a sign-in has to know when the browser comes back.
#[derive(Debug)]
pub(super) struct Kept {
    /// The session's private key.
    pub(super) key: Secret,
    /// The key of this service that the session is bound to.
    pub(super) client_key: Option<ClientKey>,
    /// Where the server gives tokens.
    pub(super) token_endpoint: String,
    /// Where it revokes them.
    pub(super) revocation_endpoint: Option<String>,
    /// The id of this service that the server has taken.
    pub(super) client_id: String,
    /// The account that the person named.
    pub(super) did: Option<String>,
    /// The server's last nonce. A person who is quick spares a request.
    pub(super) nonce: Option<String>,
}

impl Kept {
    /// Reads what was stored.
    pub(super) fn read(stored: &Secret) -> Option<Self> {
        let stored: Stored = serde_json::from_str(stored.expose()).ok()?;
        Some(Self {
            key: Secret::new(stored.key),
            client_key: stored.client_key.map(StoredKey::opened),
            token_endpoint: stored.token_endpoint,
            revocation_endpoint: stored.revocation_endpoint,
            client_id: stored.client_id,
            did: stored.did,
            nonce: stored.nonce,
        })
    }

    /// The form in which it is stored.
    pub(super) fn stored(&self) -> Secret {
        let stored = Stored {
            key: self.key.expose().to_owned(),
            client_key: self.client_key.as_ref().map(StoredKey::of),
            token_endpoint: self.token_endpoint.clone(),
            revocation_endpoint: self.revocation_endpoint.clone(),
            client_id: self.client_id.clone(),
            did: self.did.clone(),
            nonce: self.nonce.clone(),
        };
        Secret::new(serde_json::to_string(&stored).expect("it is made of texts"))
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    client_key: Option<StoredKey>,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    client_id: String,
    did: Option<String>,
    nonce: Option<String>,
}
