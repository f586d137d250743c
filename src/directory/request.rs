//! The requests to the directory's object: one for each function of
//! [`Directory`](rotate_icon_core::service::directory::Directory), with its arguments.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::service::directory::{
    Identity, Limit, PendingSignIn, Session, StoredApp, StoredClientKey,
};

/// A function of the directory. The functions say what the arguments mean; instants are milliseconds
/// since 1970.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Request {
    App {
        network: String,
        server: String,
    },
    KeepApp {
        app: StoredApp,
    },
    AppsAfter {
        network: String,
        server: String,
        limit: u16,
    },
    KeepSignIn {
        sign_in: PendingSignIn,
    },
    TakeSignIn {
        state_hash: String,
        browser_hash: String,
        #[serde(with = "chrono::serde::ts_milliseconds")]
        now: DateTime<Utc>,
    },
    SignIn {
        identity: Identity,
        new: AccountId,
        limit: Limit,
        #[serde(with = "chrono::serde::ts_milliseconds")]
        now: DateTime<Utc>,
    },
    Connect {
        identity: Identity,
        account: AccountId,
        move_it: bool,
        #[serde(with = "chrono::serde::ts_milliseconds")]
        now: DateTime<Utc>,
    },
    Disconnect {
        account: AccountId,
        network: String,
    },
    KeepSession {
        session: Session,
    },
    Session {
        token_hash: String,
        #[serde(with = "chrono::serde::ts_milliseconds")]
        now: DateTime<Utc>,
    },
    EndSession {
        token_hash: String,
    },
    Listing {
        account: AccountId,
    },
    Delete {
        account: AccountId,
    },
    NextSlice {
        limit: u16,
    },
    AccountsAfter {
        after: Option<AccountId>,
        limit: u16,
    },
    ClientKeys {},
    KeepClientKey {
        key: StoredClientKey,
        only_beside: Option<Vec<String>>,
    },
    DeleteClientKey {
        id: String,
    },
    Pause {
        server: String,
        #[serde(with = "chrono::serde::ts_milliseconds")]
        until: DateTime<Utc>,
    },
    PausedUntil {
        server: String,
        #[serde(with = "chrono::serde::ts_milliseconds")]
        now: DateTime<Utc>,
    },
}
