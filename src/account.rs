//! The account's Durable Object: makes all turns of the account, one after the other, and answers
//! what needs its state or its journal.
//!
//! | request to the object | effect |
//! |---|---|
//! | `POST /turns` | makes the turn that a Cron Trigger began ([`DueTurn`]) |
//! | any other | answers what `fetch.rs` has passed on |
//!
//! The object never receives a request from outside as it came: [`pass_on`] and [`ask_for_turn`]
//! make those that it receives. Only the latter knows of `POST /turns`, which needs no token.

use chrono::{DateTime, Utc};
use futures_util::lock::Mutex;
use http::header::AUTHORIZATION;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    DurableObject, Env, Headers, ObjectNamespace, Request, RequestInit, Response, Result, State,
    durable_object,
};

use crate::errors::describe;
use crate::host::Host;
use crate::http::{request_from, response_from};
use crate::settings::settings;
use crate::storage::Storage;
use rotate_icon_core::account::wake::{on_schedule, on_wake};
use rotate_icon_core::ports::Clock;
use rotate_icon_core::web::{Answer, Problem, guarded, respond_for_account};

/// The binding of the accounts' objects.
const BINDING: &str = "ACCOUNT";

/// The one account that the settings describe.
const NAME: &str = "default";

/// The scheme and host of requests to an object, which looks at neither.
const ORIGIN: &str = "https://account";

/// Where the object takes a [`DueTurn`].
const TURNS: &str = "/turns";

/// A turn that a Cron Trigger has begun.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DueTurn {
    /// When it was scheduled, in milliseconds since 1970.
    pub(crate) unix_ms: i64,
    /// The trigger's cron expression.
    pub(crate) cron: String,
}

/// The accounts' objects.
///
/// # Errors
/// When nothing, or something else, is bound as `ACCOUNT`.
pub(crate) fn namespace(env: &Env) -> Result<ObjectNamespace> {
    env.durable_object(BINDING)
}

/// Has the account make a turn, and waits for it.
///
/// # Errors
/// When the object does not say that the turn was made.
pub(crate) async fn ask_for_turn(accounts: &ObjectNamespace, due: &DueTurn) -> Result<()> {
    let mut init = RequestInit::new();
    init.with_method(worker::Method::Post)
        .with_body(Some(serde_json::to_string(due)?.into()));
    let request = Request::new_with_init(&format!("{ORIGIN}{TURNS}"), &init)?;
    // A stub is of no use after an error, so each try takes another.
    let response = accounts
        .get_by_name(NAME)?
        .fetch_with_request(request)
        .await?;
    match response.status_code() {
        204 => Ok(()),
        status => Err(format!("it answered {status}").into()),
    }
}

/// Passes a request on to the account's object, with its method, path, query and token. No request
/// to the object has a body.
///
/// # Errors
/// When the object does not answer.
pub(crate) async fn pass_on(env: &Env, asked: &http::Request<()>) -> Result<Response> {
    let headers = Headers::new();
    let authorization = asked.headers().get(AUTHORIZATION);
    if let Some(value) = authorization.and_then(|value| value.to_str().ok()) {
        headers.set(AUTHORIZATION.as_str(), value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(asked.method().to_string().into())
        .with_headers(headers);
    let target = asked
        .uri()
        .path_and_query()
        .map_or("/", PathAndQuery::as_str);
    let request = Request::new_with_init(&format!("{ORIGIN}{target}"), &init)?;
    let account = namespace(env)?.get_by_name(NAME)?;
    account.fetch_with_request(request).await
}

/// The answer when the account's object cannot be reached.
pub(crate) fn unreachable(error: worker::Error) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!(
            "The account's Durable Object cannot be reached: {}. Try again; if it stays, check \
             that wrangler.toml binds it as {BINDING} with its migration.",
            describe(error)
        ),
    )
}

/// An account.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct Account {
    host: Host,
    storage: Storage,
    /// Held while a turn is made, or whatever else changes the account.
    changes: Mutex<()>,
}

impl DurableObject for Account {
    fn new(state: State, env: Env) -> Self {
        Self {
            host: Host::new(env),
            storage: Storage::open(&state),
            changes: Mutex::new(()),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        match (request.method(), request.path().as_str()) {
            (worker::Method::Post, TURNS) => {
                let due = request.json().await?;
                self.make_turn(&due).await;
                Ok(Response::empty()?.with_status(204))
            }
            _ => response_from(self.answer(&request).await),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.storage.alarm_is_off();
        let _changes = self.changes.lock().await;
        on_wake(&settings(&self.host.env), &self.host, &self.storage).await;
        Response::empty()
    }
}

impl Account {
    async fn make_turn(&self, due: &DueTurn) {
        let at: Option<DateTime<Utc>> = DateTime::from_timestamp_millis(due.unix_ms);
        let at = at.unwrap_or_else(|| self.host.now());
        let settings = settings(&self.host.env);
        let _changes = self.changes.lock().await;
        on_schedule(&settings, &self.host, &self.storage, &due.cron, at).await;
        // If this fails, turns come with the cron's events alone until the next one.
        let _ = self.storage.write_cron_events();
    }

    async fn answer(&self, request: &Request) -> Answer {
        let asked = match request_from(request) {
            Ok(asked) => asked,
            Err(problem) => return guarded(Err(problem)),
        };
        let settings = settings(&self.host.env);
        let _changes = match *asked.method() {
            Method::GET | Method::HEAD => None,
            _ => Some(self.changes.lock().await),
        };
        respond_for_account(&asked, &settings, &self.host, &self.storage).await
    }
}
