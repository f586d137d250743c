//! The keys with which this service signs what it sends as an application (`private_key_jwt`,
//! RFC 7523 §2.2). The service makes the first one when it is needed.
//!
//! A session on a server stays bound to the key that it began with, so a key is rotated by adding
//! another: new sign-ins use the newest, and the others stay published until they are deleted.
//! Servers keep what they have fetched, so a new key signs only some time after it was published.
//!
//! Whoever loses `SERVICE_KEY` loses the private halves. Sign-ins then go on with another key: the
//! published halves of those that are lost stay.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::instant::after;
use crate::network::jose::{ES256, PublicKey};
use crate::network::sign_in::ClientKey;
use crate::network::signer::{Signer, SigningError};
use crate::ports::{Clock, Encryption, EncryptionError, Purpose, key_of};
use crate::service::accounts::Unreachable;
use crate::service::directory::{Directory, StoredClientKey};
use crate::settings::secret::Secret;

/// How long a key is published before it signs. The official server of the AT Protocol keeps the
/// keys of a client for ten minutes, and asks no sooner for one that it does not know; the answer
/// itself may be kept for [`MAX_AGE`]. Others may keep it for longer, and no rotation is urgent.
const PUBLISHED_BEFORE: TimeDelta = TimeDelta::hours(1);

/// How long the published keys may be kept.
pub const MAX_AGE: TimeDelta = TimeDelta::minutes(5);

/// The most keys that may be added. Servers limit what they read of them.
pub const MAX_CLIENT_KEYS: usize = 10;

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

/// A key, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// The key's id.
    pub id: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What it is used for.
    #[serde(flatten)]
    pub usage: Usage,
}

/// What a key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "usage", rename_all = "snake_case")]
pub enum Usage {
    /// It signs for new sign-ins.
    Signs,
    /// It will sign for new sign-ins, once servers know it.
    Waits {
        /// From then on.
        signs_from: DateTime<Utc>,
    },
    /// It signs for those alone that have signed in with it.
    Kept,
    /// Its private half cannot be decrypted here any more. Those that have signed in with it may
    /// have a copy that can.
    Lost,
}

/// What became of a key that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is there, with this id.
    Done(String),
    /// There are as many as there may be.
    Full,
}

/// What became of a key that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// There is none with this id.
    Unknown,
    /// It stays, because nothing else can sign.
    Needed,
}

/// What became of keys that were to be encrypted with another key of `SERVICE_KEY`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many keys there are.
    pub keys: usize,
    /// The ids of those that cannot be decrypted, each with the reason.
    pub failed: Vec<(String, EncryptionError)>,
}

/// The key that new sign-ins use: the newest that has been published for an hour, or else the oldest.
/// Makes the first one, and another where none can be decrypted any more.
///
/// # Errors
/// When there is none that can be used.
pub(super) async fn to_sign_with<H: Clock + Encryption + Directory>(
    host: &H,
    signer: &dyn Signer,
) -> Result<ClientKey, NoClientKey> {
    let keys = host.client_keys().await?;
    if let Some(key) = first_that_opens(host, &keys).await? {
        return Ok(key);
    }
    // Two sign-ins that come here at once make two, of which one is kept.
    let lost: Vec<String> = keys.into_iter().map(|key| key.id).collect();
    let new = new(host, signer).await?;
    host.keep_client_key(&new, Some(&lost)).await?;
    let keys = host.client_keys().await?;
    let key = first_that_opens(host, &keys).await?;
    Ok(key.ok_or(EncryptionError::Damaged)?)
}

/// The keys, which come newest first, in the order in which they are to sign: those that servers
/// know by now, the newest first; then the others, those first that servers are likeliest to know.
fn in_order(
    keys: &[StoredClientKey],
    now: DateTime<Utc>,
) -> impl Iterator<Item = &StoredClientKey> {
    let (fresh, known): (Vec<_>, Vec<_>) = keys.iter().partition(|key| signs_from(key) > now);
    known.into_iter().chain(fresh.into_iter().rev())
}

fn signs_from(key: &StoredClientKey) -> DateTime<Utc> {
    after(key.created_at, PUBLISHED_BEFORE)
}

/// The first key that can be decrypted.
async fn first_that_opens<H: Clock + Encryption>(
    host: &H,
    keys: &[StoredClientKey],
) -> Result<Option<ClientKey>, EncryptionError> {
    for key in in_order(keys, host.now()) {
        if let Some(private) = opened(host, key).await? {
            let id = key.id.clone();
            return Ok(Some(ClientKey { id, private }));
        }
    }
    Ok(None)
}

/// The private half of a key; `None` if it cannot be decrypted, now or later.
///
/// # Errors
/// When nothing can be decrypted now.
async fn opened(
    host: &impl Encryption,
    key: &StoredClientKey,
) -> Result<Option<Secret>, EncryptionError> {
    match host.decrypt(&key.private, &purpose(&key.id)).await {
        Ok(private) => Ok(Some(Secret::new(private))),
        Err(EncryptionError::UnknownKey(_) | EncryptionError::Damaged) => Ok(None),
        Err(error) => Err(error),
    }
}

fn purpose(id: &str) -> Purpose<'_> {
    Purpose {
        owner: id,
        field: CLIENT_KEY,
    }
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
    Ok(StoredClientKey {
        private: host.encrypt(private.expose(), &purpose(&id)).await?,
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

/// Returns all keys, newest first.
///
/// # Errors
/// When the directory cannot be reached, or nothing can be decrypted now.
pub async fn list<H: Clock + Encryption + Directory>(
    host: &H,
) -> Result<Vec<KeyView>, NoClientKey> {
    let keys = host.client_keys().await?;
    let now = host.now();
    let signing = first_that_opens(host, &keys).await?.map(|key| key.id);
    let mut views = Vec::new();
    for key in &keys {
        let usage = if signing.as_ref() == Some(&key.id) {
            Usage::Signs
        } else if opened(host, key).await?.is_none() {
            Usage::Lost
        } else if signs_from(key) > now {
            Usage::Waits {
                signs_from: signs_from(key),
            }
        } else {
            Usage::Kept
        };
        views.push(KeyView {
            id: key.id.clone(),
            created_at: key.created_at,
            usage,
        });
    }
    Ok(views)
}

/// Adds a key, which is published at once.
///
/// # Errors
/// When it cannot be made or kept.
pub async fn add<H: Clock + Encryption + Directory>(
    host: &H,
    signer: &dyn Signer,
) -> Result<Added, NoClientKey> {
    if host.client_keys().await?.len() >= MAX_CLIENT_KEYS {
        return Ok(Added::Full);
    }
    let key = new(host, signer).await?;
    host.keep_client_key(&key, None).await?;
    Ok(Added::Done(key.id))
}

/// Deletes a key, unless it is the only one that can sign. Servers accept nothing more that is
/// signed with it, so whoever has signed in with it has to sign in again.
///
/// # Errors
/// When the directory cannot be reached, or nothing can be decrypted now.
pub async fn delete<H: Clock + Encryption + Directory>(
    host: &H,
    id: &str,
) -> Result<Deleted, NoClientKey> {
    let views = list(host).await?;
    let can_sign = |view: &&KeyView| view.usage != Usage::Lost;
    let Some(view) = views.iter().find(|view| view.id == id) else {
        return Ok(Deleted::Unknown);
    };
    if can_sign(&view) && views.iter().filter(can_sign).count() == 1 {
        return Ok(Deleted::Needed);
    }
    host.delete_client_key(id).await?;
    Ok(Deleted::Done)
}

/// Encrypts with the newest key of `SERVICE_KEY`, whose id is `newest`, what was encrypted with
/// another. What has that key already is left alone.
///
/// # Errors
/// When the directory cannot be reached.
pub async fn rotate<H: Encryption + Directory>(
    host: &H,
    newest: &str,
) -> Result<Rotated, Unreachable> {
    let keys = host.client_keys().await?;
    let mut rotated = Rotated {
        keys: keys.len(),
        ..Rotated::default()
    };
    for key in keys {
        if key_of(&key.private) == newest {
            continue;
        }
        let encrypted = async {
            let private = host.decrypt(&key.private, &purpose(&key.id)).await?;
            host.encrypt(&private, &purpose(&key.id)).await
        };
        match encrypted.await {
            Ok(private) => {
                let key = StoredClientKey { private, ..key };
                host.keep_client_key(&key, None).await?;
            }
            Err(error) => rotated.failed.push((key.id, error)),
        }
    }
    Ok(rotated)
}

#[cfg(test)]
mod tests;
