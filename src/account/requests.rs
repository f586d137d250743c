//! The requests to accounts' objects.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH};
use http::uri::PathAndQuery;
use http::{HeaderName, StatusCode};
use js_sys::Reflect;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use worker::{Env, Headers, Method, ObjectNamespace, Request, RequestInit, Response, Result};

use crate::errors::describe;
use crate::host::Host;
use rotate_icon_core::account::commands::{Command, Reply};
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::service::accounts::{Accounts, Unreachable};
use rotate_icon_core::web::Problem;

/// The binding of the accounts' objects.
const BINDING: &str = "ACCOUNT";

/// The scheme and host of requests to an object, which looks at neither.
const ORIGIN: &str = "https://account";

/// Where the owner's object takes a [`DueTurn`].
pub(super) const TURNS: &str = "/turns";

/// Where an object takes a [`Command`].
pub(super) const COMMANDS: &str = "/commands";

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

/// Has the owner's account make a turn, and waits for it.
///
/// # Errors
/// When the object does not say that the turn was made.
pub(crate) async fn ask_for_turn(accounts: &ObjectNamespace, due: &DueTurn) -> Result<()> {
    let due = serde_json::to_string(due)?;
    let mut response = post(accounts, &AccountId::owner(), TURNS, &due).await?;
    match response.status_code() {
        204 => Ok(()),
        status => {
            let why = response.text().await.unwrap_or_default();
            Err(format!("it answered {status} {why}").trim_end().into())
        }
    }
}

/// Sends JSON to an account's object. A stub is of no use after an error, so each request takes
/// another.
async fn post(
    accounts: &ObjectNamespace,
    account: &AccountId,
    path: &str,
    json: &str,
) -> Result<Response> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(json.into()));
    let request = Request::new_with_init(&format!("{ORIGIN}{path}"), &init)?;
    let account = accounts.get_by_name(account.as_str())?;
    account.fetch_with_request(request).await
}

impl Accounts for Host {
    async fn ask(
        &self,
        account: &AccountId,
        command: &Command,
    ) -> std::result::Result<Reply, Unreachable> {
        let asked = async {
            let accounts = namespace(&self.env)?;
            let json = serde_json::to_string(command)?;
            let response = match post(&accounts, account, COMMANDS, &json).await {
                // An object that ends in the middle, as it does when a version is deployed, is
                // followed by another. Every command may be given twice.
                Err(error) if is_retryable(&error) => {
                    post(&accounts, account, COMMANDS, &json).await
                }
                done => done,
            };
            let mut response = response?;
            match response.status_code() {
                200 => response.json().await,
                status => Err(format!("it answered {status}").into()),
            }
        };
        asked.await.map_err(|error: worker::Error| {
            Unreachable(format!(
                "The account's Durable Object cannot be reached: {}.",
                describe(error)
            ))
        })
    }
}

/// Whether the runtime says that the same request may do better at once.
fn is_retryable(error: &worker::Error) -> bool {
    let error = error.to_js_value();
    let has = |name: &str| Reflect::get(&error, &name.into()).is_ok_and(|value| value.is_truthy());
    has("retryable") && !has("overloaded")
}

/// Passes a request on to the owner's object, with its method, path, query and token. No request
/// to that object has a body.
///
/// # Errors
/// When the object does not answer.
pub(crate) async fn pass_on(env: &Env, asked: &http::Request<()>) -> Result<Response> {
    let target = asked.uri().path_and_query();
    let target = target.map_or("/", PathAndQuery::as_str);
    let mut init = RequestInit::new();
    init.with_method(asked.method().to_string().into())
        .with_headers(headers(asked, &[AUTHORIZATION])?);
    let request = Request::new_with_init(&format!("{ORIGIN}{target}"), &init)?;
    let account = namespace(env)?.get_by_name(AccountId::owner().as_str())?;
    account.fetch_with_request(request).await
}

/// Passes a request on to an account's object, with its method and its body, which is read nowhere
/// before. `target` is the path, with the query, that takes the place of the request's own.
///
/// # Errors
/// When the object does not answer.
pub(crate) async fn pass_on_to(
    env: &Env,
    account: &AccountId,
    target: &str,
    asked: &http::Request<()>,
    incoming: &Request,
) -> Result<Response> {
    let mut init = RequestInit::new();
    init.with_method(asked.method().to_string().into())
        .with_headers(headers(
            asked,
            &[CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH],
        )?)
        .with_body(incoming.inner().body().map(JsValue::from));
    let request = Request::new_with_init(&format!("{ORIGIN}{target}"), &init)?;
    let account = namespace(env)?.get_by_name(account.as_str())?;
    account.fetch_with_request(request).await
}

/// These headers of a request, as far as it has them.
fn headers(asked: &http::Request<()>, names: &[HeaderName]) -> Result<Headers> {
    let headers = Headers::new();
    for name in names {
        let value = asked.headers().get(name);
        if let Some(value) = value.and_then(|value| value.to_str().ok()) {
            headers.set(name.as_str(), value)?;
        }
    }
    Ok(headers)
}

/// The answer when an account's object cannot be reached.
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
