//! The directory as the rest of the Worker sees it: each function is one request to the object.

use chrono::{DateTime, Utc};
use js_sys::Reflect;
use serde::de::DeserializeOwned;
use worker::{Method, RequestInit, Result};

use super::request::Request;
use crate::errors::describe;
use crate::host::Host;
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::service::accounts::Unreachable;
use rotate_icon_core::service::directory::{
    Connected, Directory, Identity, Limit, Listing, PendingSignIn, Session, SignedIn, StoredApp,
    StoredClientKey,
};

/// The binding of the directory's object.
const BINDING: &str = "DIRECTORY";

/// The name of the object. There is one.
const NAME: &str = "directory";

/// The address of requests to the object, which does not look at it.
const ADDRESS: &str = "https://directory/";

impl Host {
    /// Asks the object. An object that ends in the middle, as it does when a version is deployed,
    /// is followed by another, which is asked once more.
    async fn ask_directory<T: DeserializeOwned>(
        &self,
        request: Request,
    ) -> std::result::Result<T, Unreachable> {
        let body = serde_json::to_string(&request).map_err(|error| failed(&error.to_string()))?;
        let response = match self.send_to_directory(&body).await {
            Err(error) if is_retryable(&error) => self.send_to_directory(&body).await,
            done => done,
        };
        let mut response = response.map_err(|error| failed(&describe(error)))?;
        let text = response
            .text()
            .await
            .map_err(|error| failed(&describe(error)))?;
        if response.status_code() != 200 {
            return Err(failed(&text));
        }
        serde_json::from_str(&text).map_err(|error| failed(&error.to_string()))
    }

    async fn send_to_directory(&self, body: &str) -> Result<worker::Response> {
        let namespace = self.env.durable_object(BINDING).map_err(|_| {
            format!(
                "wrangler.toml binds no Durable Object as {BINDING}. Take its binding and its \
                 migration from the wrangler.toml of this version, and deploy"
            )
        })?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(body.into()));
        let request = worker::Request::new_with_init(ADDRESS, &init)?;
        // A stub is of no use after an error, so each try takes another.
        namespace
            .get_by_name(NAME)?
            .fetch_with_request(request)
            .await
    }
}

/// Whether the runtime says that the same request may do better at once.
fn is_retryable(error: &worker::Error) -> bool {
    let error = error.to_js_value();
    let has = |name: &str| Reflect::get(&error, &name.into()).is_ok_and(|value| value.is_truthy());
    has("retryable") && !has("overloaded")
}

fn failed(why: &str) -> Unreachable {
    let why = why.trim_end_matches('.');
    Unreachable(format!("The directory cannot be reached: {why}."))
}

type Answer<T> = std::result::Result<T, Unreachable>;

impl Directory for Host {
    async fn app(&self, network: &str, server: &str) -> Answer<Option<StoredApp>> {
        let (network, server) = (network.to_owned(), server.to_owned());
        self.ask_directory(Request::App { network, server }).await
    }

    async fn keep_app(&self, app: &StoredApp) -> Answer<()> {
        let app = app.clone();
        self.ask_directory(Request::KeepApp { app }).await
    }

    async fn apps_after(&self, after: (&str, &str), limit: u16) -> Answer<Vec<StoredApp>> {
        self.ask_directory(Request::AppsAfter {
            network: after.0.to_owned(),
            server: after.1.to_owned(),
            limit,
        })
        .await
    }

    async fn keep_sign_in(&self, sign_in: &PendingSignIn) -> Answer<()> {
        let sign_in = sign_in.clone();
        self.ask_directory(Request::KeepSignIn { sign_in }).await
    }

    async fn take_sign_in(
        &self,
        state_hash: &str,
        browser_hash: &str,
        now: DateTime<Utc>,
    ) -> Answer<Option<PendingSignIn>> {
        self.ask_directory(Request::TakeSignIn {
            state_hash: state_hash.to_owned(),
            browser_hash: browser_hash.to_owned(),
            now,
        })
        .await
    }

    async fn sign_in(
        &self,
        identity: &Identity,
        new: &AccountId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Answer<SignedIn> {
        self.ask_directory(Request::SignIn {
            identity: identity.clone(),
            new: new.clone(),
            limit,
            now,
        })
        .await
    }

    async fn connect(
        &self,
        identity: &Identity,
        account: &AccountId,
        move_it: bool,
        now: DateTime<Utc>,
    ) -> Answer<Connected> {
        self.ask_directory(Request::Connect {
            identity: identity.clone(),
            account: account.clone(),
            move_it,
            now,
        })
        .await
    }

    async fn disconnect(&self, account: &AccountId, network: &str) -> Answer<()> {
        self.ask_directory(Request::Disconnect {
            account: account.clone(),
            network: network.to_owned(),
        })
        .await
    }

    async fn keep_session(&self, session: &Session) -> Answer<()> {
        let session = session.clone();
        self.ask_directory(Request::KeepSession { session }).await
    }

    async fn session(&self, token_hash: &str, now: DateTime<Utc>) -> Answer<Option<Session>> {
        let token_hash = token_hash.to_owned();
        self.ask_directory(Request::Session { token_hash, now })
            .await
    }

    async fn end_session(&self, token_hash: &str) -> Answer<()> {
        let token_hash = token_hash.to_owned();
        self.ask_directory(Request::EndSession { token_hash }).await
    }

    async fn listing(&self, account: &AccountId) -> Answer<Listing> {
        let account = account.clone();
        self.ask_directory(Request::Listing { account }).await
    }

    async fn delete(&self, account: &AccountId) -> Answer<()> {
        let account = account.clone();
        self.ask_directory(Request::Delete { account }).await
    }

    async fn next_slice(&self, limit: u16) -> Answer<Vec<AccountId>> {
        self.ask_directory(Request::NextSlice { limit }).await
    }

    async fn accounts_after(
        &self,
        after: Option<&AccountId>,
        limit: u16,
    ) -> Answer<Vec<AccountId>> {
        let after = after.cloned();
        self.ask_directory(Request::AccountsAfter { after, limit })
            .await
    }

    async fn client_keys(&self) -> Answer<Vec<StoredClientKey>> {
        self.ask_directory(Request::ClientKeys {}).await
    }

    async fn keep_client_key(
        &self,
        key: &StoredClientKey,
        only_beside: Option<&[String]>,
    ) -> Answer<()> {
        let key = key.clone();
        let only_beside = only_beside.map(<[String]>::to_vec);
        self.ask_directory(Request::KeepClientKey { key, only_beside })
            .await
    }

    async fn delete_client_key(&self, id: &str) -> Answer<()> {
        let id = id.to_owned();
        self.ask_directory(Request::DeleteClientKey { id }).await
    }

    async fn pause(&self, server: &str, until: DateTime<Utc>) -> Answer<()> {
        let server = server.to_owned();
        self.ask_directory(Request::Pause { server, until }).await
    }

    async fn paused_until(
        &self,
        server: &str,
        now: DateTime<Utc>,
    ) -> Answer<Option<DateTime<Utc>>> {
        let server = server.to_owned();
        self.ask_directory(Request::PausedUntil { server, now })
            .await
    }
}
