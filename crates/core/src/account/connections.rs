//! Connections as they are stored: what opens an account on a network is encrypted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::id::AccountId;
use crate::account::stored_account::{Before, StoredConnection};
use crate::network::sign_in::{App, Connection, Tokens};
use crate::ports::{Encryption, EncryptionError, Purpose};
use crate::settings::secret::Secret;

/// What is encrypted of a connection, as JSON.
#[derive(Serialize, Deserialize)]
struct Secrets {
    server: String,
    client_id: String,
    client_secret: Option<String>,
    scopes: String,
    #[serde(default)]
    uses_pkce: bool,
    redirect_uri: String,
    access: String,
    refresh: Option<String>,
    #[serde(default)]
    details: Option<String>,
}

/// Makes a connection ready to be stored for an account: not started, and with its tokens
/// encrypted. `signed_in_at` is when the person signed in.
///
/// # Errors
/// When the host cannot encrypt.
pub async fn stored_connection(
    connection: &Connection,
    account: &AccountId,
    signed_in_at: DateTime<Utc>,
    encryption: &impl Encryption,
) -> Result<StoredConnection, EncryptionError> {
    Ok(StoredConnection {
        network: connection.network.clone(),
        subject: connection.subject.clone(),
        name: connection.name.clone(),
        secrets: Some(encrypted(connection, account, encryption).await?),
        signed_in_at,
        expires_at: connection.tokens.expires_at,
        started_at: None,
        before: Before::default(),
    })
}

/// Encrypts what opens the account of a connection.
///
/// # Errors
/// When the host cannot encrypt.
pub(super) async fn encrypted(
    connection: &Connection,
    account: &AccountId,
    encryption: &impl Encryption,
) -> Result<String, EncryptionError> {
    let Connection { app, tokens, .. } = connection;
    let secrets = Secrets {
        server: app.server.clone(),
        client_id: app.client_id.clone(),
        client_secret: exposed(app.client_secret.as_ref()),
        scopes: app.scopes.clone(),
        uses_pkce: app.uses_pkce,
        redirect_uri: app.redirect_uri.clone(),
        access: tokens.access.expose().to_owned(),
        refresh: exposed(tokens.refresh.as_ref()),
        details: exposed(connection.details.as_ref()),
    };
    let json = serde_json::to_string(&secrets).expect("secrets are made of texts");
    let field = field(&connection.network);
    encryption.encrypt(&json, &purpose(account, &field)).await
}

/// Decrypts a stored connection; `None` if its tokens are forgotten.
///
/// # Errors
/// When it cannot be decrypted.
pub(super) async fn decrypted(
    stored: &StoredConnection,
    account: &AccountId,
    encryption: &impl Encryption,
) -> Result<Option<Connection>, EncryptionError> {
    let Some(secrets) = &stored.secrets else {
        return Ok(None);
    };
    let field = field(&stored.network);
    let json = encryption
        .decrypt(secrets, &purpose(account, &field))
        .await?;
    let secrets: Secrets = serde_json::from_str(&json).map_err(|_| EncryptionError::Damaged)?;
    Ok(Some(Connection {
        network: stored.network.clone(),
        subject: stored.subject.clone(),
        name: stored.name.clone(),
        app: App {
            server: secrets.server,
            client_id: secrets.client_id,
            client_secret: secrets.client_secret.map(Secret::new),
            scopes: secrets.scopes,
            uses_pkce: secrets.uses_pkce,
            redirect_uri: secrets.redirect_uri,
        },
        tokens: Tokens {
            access: Secret::new(secrets.access),
            refresh: secrets.refresh.map(Secret::new),
            expires_at: stored.expires_at,
        },
        details: secrets.details.map(Secret::new),
    }))
}

/// Which of an account's texts the tokens on a network are.
fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

fn field(network: &str) -> String {
    format!("connection {network}")
}

fn purpose<'a>(account: &'a AccountId, field: &'a str) -> Purpose<'a> {
    Purpose {
        owner: account.as_str(),
        field,
    }
}
