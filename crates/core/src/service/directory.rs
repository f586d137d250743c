//! The directory: who has which account. It holds the identities of accounts, the servers' app
//! registrations, the browsers that are signed in, and the sign-ins under way. Tokens that let
//! somebody in are stored as hashes, secrets encrypted.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::id::AccountId;
use crate::service::accounts::Unreachable;
use crate::stored;

/// How long a sign-in may take.
pub const SIGN_IN_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How long a browser stays signed in.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(90);

/// Keeps the directory.
///
/// Every function fails only when the directory cannot be reached.
pub trait Directory {
    /// Returns the registration on a server of a network, if there is one.
    fn app(
        &self,
        network: &str,
        server: &str,
    ) -> impl Future<Output = Result<Option<StoredApp>, Unreachable>>;

    /// Keeps a registration in place of any before.
    fn keep_app(&self, app: &StoredApp) -> impl Future<Output = Result<(), Unreachable>>;

    /// Returns at most `limit` registrations whose network and server come after these, in order.
    fn apps_after(
        &self,
        after: (&str, &str),
        limit: u16,
    ) -> impl Future<Output = Result<Vec<StoredApp>, Unreachable>>;

    /// Keeps a sign-in under way, and forgets those that have ended.
    fn keep_sign_in(
        &self,
        sign_in: &PendingSignIn,
    ) -> impl Future<Output = Result<(), Unreachable>>;

    /// Returns the sign-in whose state has this hash, and forgets it: each is taken once. Returns
    /// `None` if there is none, it has expired, or another browser began it; the last two are
    /// forgotten too.
    fn take_sign_in(
        &self,
        state_hash: &str,
        browser_hash: &str,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<PendingSignIn>, Unreachable>>;

    /// Returns the account of an identity. Creates one, with this id, if there is none and `limit`
    /// allows it.
    fn sign_in(
        &self,
        identity: &Identity,
        new: &AccountId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<SignedIn, Unreachable>>;

    /// Gives an identity to an account. An account has one identity on a network: it replaces the
    /// one before. If another account has the identity, that one keeps it unless `move_it`.
    fn connect(
        &self,
        identity: &Identity,
        account: &AccountId,
        move_it: bool,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Connected, Unreachable>>;

    /// Takes the identity on a network from an account.
    fn disconnect(
        &self,
        account: &AccountId,
        network: &str,
    ) -> impl Future<Output = Result<(), Unreachable>>;

    /// Keeps a browser's session.
    fn keep_session(&self, session: &Session) -> impl Future<Output = Result<(), Unreachable>>;

    /// Returns the session whose token has this hash, if it has not expired.
    fn session(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Session>, Unreachable>>;

    /// Ends a session.
    fn end_session(&self, token_hash: &str) -> impl Future<Output = Result<(), Unreachable>>;

    /// Returns everything that the directory has of an account.
    fn listing(&self, account: &AccountId) -> impl Future<Output = Result<Listing, Unreachable>>;

    /// Deletes everything that the directory has of an account.
    fn delete(&self, account: &AccountId) -> impl Future<Output = Result<(), Unreachable>>;

    /// Returns the next `limit` accounts to look at, in turn, without the owner's. After the last
    /// one it begins anew.
    fn next_slice(&self, limit: u16) -> impl Future<Output = Result<Vec<AccountId>, Unreachable>>;

    /// Returns at most `limit` accounts whose ids come after this one, in order.
    fn accounts_after(
        &self,
        after: Option<&AccountId>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<AccountId>, Unreachable>>;

    /// Returns the keys with which this service signs as an application, newest first.
    fn client_keys(&self) -> impl Future<Output = Result<Vec<StoredClientKey>, Unreachable>>;

    /// Keeps a key. With `only_beside`, does nothing if there are keys other than those with these
    /// ids.
    fn keep_client_key(
        &self,
        key: &StoredClientKey,
        only_beside: Option<&[String]>,
    ) -> impl Future<Output = Result<(), Unreachable>>;

    /// Deletes a key. Servers then accept nothing more that was signed with it.
    fn delete_client_key(&self, id: &str) -> impl Future<Output = Result<(), Unreachable>>;

    /// Asks nothing of a server for sign-ins until an instant.
    fn pause(
        &self,
        server: &str,
        until: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Unreachable>>;

    /// Returns until when a server is asked nothing for sign-ins.
    fn paused_until(
        &self,
        server: &str,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<DateTime<Utc>>, Unreachable>>;
}

/// A registration of this service on a server, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredApp {
    /// The network's name.
    pub network: String,
    /// The server's scheme, host and port.
    pub server: String,
    /// The application's id there.
    pub client_id: String,
    /// The application's secret, encrypted for the server and the field `client_secret`.
    pub client_secret: String,
    /// The scopes that it was registered for.
    pub scopes: String,
    /// Whether the server checks PKCE.
    pub uses_pkce: bool,
    /// The redirect URI that it was registered with.
    pub redirect_uri: String,
}

/// A key with which this service signs as an application, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredClientKey {
    /// Its id: the thumbprint of the public key (RFC 7638).
    pub id: String,
    /// The public key, a JWK.
    pub public: Value,
    /// The private key, a JWK as JSON, encrypted for the id and the field `client_key`.
    pub private: String,
    /// When it was made.
    #[serde(with = "stored::instant")]
    pub created_at: DateTime<Utc>,
}

/// A sign-in under way. It can be taken once, by the browser that began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// The hash of the state that goes to the server and comes back.
    pub state_hash: String,
    /// The hash of the cookie of the browser that began it.
    pub browser_hash: String,
    /// The network's name.
    pub network: String,
    /// The only server that the code may be sent to.
    pub server: String,
    /// The secret of PKCE and what else the sign-in needs, encrypted for the state's hash and the
    /// field `sign-in`.
    pub secrets: String,
    /// The account that was signed in when it began, which the identity is then connected to.
    pub account: Option<AccountId>,
    /// Whether the identity is moved to that account if another one has it.
    #[serde(default)]
    pub moves: bool,
    /// When it expires.
    #[serde(with = "stored::instant")]
    pub expires_at: DateTime<Utc>,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The hash of the token in the browser's cookie.
    pub token_hash: String,
    /// The account.
    pub account: AccountId,
    /// When the browser signed in.
    #[serde(with = "stored::instant")]
    pub created_at: DateTime<Utc>,
    /// When it is signed out.
    #[serde(with = "stored::instant")]
    pub expires_at: DateTime<Utc>,
}

/// An account of a person on a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The network's name.
    pub network: String,
    /// The account on it, which never changes
    /// ([`Connection::subject`](crate::network::sign_in::Connection::subject)).
    pub subject: String,
}

/// Whether a sign-in may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// None may be created.
    Closed,
    /// One may be created if there are fewer than this many, without the owner's.
    AtMost(u32),
}

/// Whose account an identity opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedIn {
    /// The account that it has.
    Known(AccountId),
    /// A new account.
    Created(AccountId),
    /// It has none, and none may be created.
    Closed,
    /// It has none, and there are as many as there may be.
    Full,
}

/// What became of connecting an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connected {
    /// The account has the identity now. If another account had it, that is told.
    Done {
        /// The account that had it before.
        moved_from: Option<AccountId>,
    },
    /// Another account has it.
    Taken(AccountId),
}

/// Everything that the directory has of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// When the account was created; `None` if the directory does not know it.
    #[serde(with = "stored::instant_or_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// Its identities.
    pub identities: Vec<Identity>,
    /// The browsers that are signed in.
    pub sessions: Vec<Session>,
}
