//! The keys with which this service signs what it sends as an application (`private_key_jwt`,
//! RFC 7523 §2.2). The service makes the first one when it is needed.
//!
//! A session on a server stays bound to the key that it began with, so a key is rotated by adding
//! another: new sign-ins use the newest, and the others stay until they are deleted. Servers keep
//! the published keys for a while, so a new key is used only some time after it was published.

use chrono::TimeDelta;
use serde_json::{Value, json};
use thiserror::Error;

use crate::instant::after;
use crate::network::jose::{ES256, PublicKey};
use crate::network::sign_in::ClientKey;
use crate::network::signer::{Signer, SigningError};
use crate::ports::{Clock, Encryption, EncryptionError, Purpose};
use crate::service::accounts::Unreachable;
use crate::service::directory::{Directory, StoredClientKey};
use crate::settings::secret::Secret;

/// How long a key is published before it signs.
const PUBLISHED_BEFORE: TimeDelta = TimeDelta::hours(1);

/// The field of a key's encrypted private half.
const CLIENT_KEY: &str = "client_key";

/// Why there is no key to sign with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoClientKey {
    /// The directory cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The key cannot be encrypted or decrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The host makes no key.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// The key that new sign-ins use: the newest that has been published for an hour, or else the oldest.
/// Makes the first one.
///
/// # Errors
/// When there is none that can be used.
pub(super) async fn to_sign_with<H: Clock + Encryption + Directory>(
    host: &H,
    signer: &dyn Signer,
) -> Result<ClientKey, NoClientKey> {
    let mut keys = host.client_keys().await?;
    if keys.is_empty() {
        host.keep_client_key(&new(host, signer).await?, true)
            .await?;
        keys = host.client_keys().await?;
    }
    let now = host.now();
    let published = |key: &&StoredClientKey| after(key.created_at, PUBLISHED_BEFORE) <= now;
    let key = keys.iter().find(published).or(keys.last());
    let key = key.ok_or_else(|| Unreachable("it keeps no key".to_owned()))?;
    let purpose = Purpose {
        owner: &key.id,
        field: CLIENT_KEY,
    };
    let private = host.decrypt(&key.private, &purpose).await?;
    Ok(ClientKey {
        id: key.id.clone(),
        private: Secret::new(private),
    })
}

/// Makes a key.
async fn new<H: Clock + Encryption>(
    host: &H,
    signer: &dyn Signer,
) -> Result<StoredClientKey, NoClientKey> {
    let private = signer.generate().await?;
    let key = PublicKey::of(&private);
    let key = key.ok_or_else(|| SigningError("the host made another kind of key".to_owned()))?;
    let id = key.thumbprint();
    let mut public = key.jwk();
    if let Value::Object(members) = &mut public {
        members.extend([
            ("kid".to_owned(), json!(id)),
            ("alg".to_owned(), json!(ES256)),
            ("use".to_owned(), json!("sig")),
        ]);
    }
    let purpose = Purpose {
        owner: &id,
        field: CLIENT_KEY,
    };
    Ok(StoredClientKey {
        private: host.encrypt(private.expose(), &purpose).await?,
        created_at: host.now(),
        public,
        id,
    })
}

/// The published halves of all keys, a JWK set (RFC 7517 §5).
pub fn published(keys: &[StoredClientKey]) -> Value {
    let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
    json!({ "keys": keys })
}
