//! `POST /keys/rotation`: encrypts with the newest key what was encrypted with another.
//!
//! A rotation is a row of requests: first through the keys of this service as an application and
//! through its registrations on servers, then through the accounts. Each does a part, and says in
//! `next` where to go on. A rotation can be broken off and repeated: what has the newest key already
//! is left alone. What cannot be decrypted is named in `failed`, and keeps nothing else from being
//! rotated.

use std::str::FromStr;

use http::StatusCode;
use serde_json::{Value, json};

use crate::account::commands::{Command, Reply};
use crate::account::id::AccountId;
use crate::ports::{EncryptionError, Purpose, key_of};
use crate::service::client_keys;
use crate::service::directory::StoredApp;
use crate::service::sign_in::CLIENT_SECRET;
use crate::web::answer::json_answer;
use crate::web::browser::host::{ServiceHost, unreachable};
use crate::web::browser::next::Next;
use crate::web::browser::visit::Visit;
use crate::web::problem::Problem;

/// How many registrations or accounts one request looks at. Each may cost a request to another part
/// of the service, of which the smallest plan allows fifty an event.
const AT_ONCE: u16 = 30;

/// Where a request goes on.
enum Place {
    /// After this registration: network and server.
    Registrations(String, String),
    /// After this account; `None` begins with the owner's.
    Accounts(Option<AccountId>),
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        let place = match (words.next(), words.next(), words.next()) {
            (Some("registrations"), Some(network), Some(server)) => {
                Self::Registrations(network.to_owned(), server.to_owned())
            }
            (Some("accounts"), None, None) => Self::Accounts(None),
            (Some("accounts"), Some(id), None) => Self::Accounts(Some(id.parse().map_err(|_| ())?)),
            _ => return Err(()),
        };
        words.next().is_none().then_some(place).ok_or(())
    }
}

/// Rotates a part.
pub(super) async fn rotate<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    let newest = visit.host.newest_key().map_err(closed)?;
    let newest = newest.ok_or_else(|| closed(EncryptionError::NoKey))?;
    let place = match visit.query.iter().find(|(name, _)| name == "next") {
        None => Place::Registrations(String::new(), String::new()),
        Some((_, text)) => text.parse().map_err(|()| {
            let detail = "`next` has to be what the request before said.";
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?,
    };
    let mut failed = Vec::new();
    let mut told = json!({ "key": newest });
    if is_first(&place) {
        let rotated = client_keys::rotate(visit.host, &newest).await;
        let rotated = rotated.map_err(|error| unreachable(&error))?;
        let lost = rotated.failed.iter();
        failed.extend(lost.map(|(id, error)| format!("client key {id}: {error}.")));
        told = json!({ "key": newest, "client_keys": rotated.keys });
    }
    let (done, next) = match place {
        Place::Registrations(network, server) => {
            let apps = visit.host.apps_after((&network, &server), AT_ONCE).await;
            let apps = apps.map_err(|error| unreachable(&error))?;
            for app in apps
                .iter()
                .filter(|app| key_of(&app.client_secret) != newest)
            {
                let rotated = rotate_app(visit.host, app).await?;
                failed.extend(
                    rotated
                        .err()
                        .map(|error| format!("{}: {error}.", app.server)),
                );
            }
            let last = apps.last().filter(|_| is_full(&apps));
            let next = last.map_or("accounts".to_owned(), |app| {
                format!("registrations {} {}", app.network, app.server)
            });
            (json!({ "registrations": apps.len() }), Some(next))
        }
        Place::Accounts(after) => {
            let accounts = visit.host.accounts_after(after.as_ref(), AT_ONCE).await;
            let accounts = accounts.map_err(|error| unreachable(&error))?;
            let owner = after.is_none().then(AccountId::owner);
            for account in owner.iter().chain(&accounts) {
                let rotated = rotate_account(visit.host, account).await?;
                failed.extend(
                    rotated
                        .err()
                        .map(|error| format!("account {account}: {error}")),
                );
            }
            let last = accounts.last().filter(|_| is_full(&accounts));
            let next = last.map(|account| format!("accounts {account}"));
            (json!({ "accounts": accounts.len() }), next)
        }
    };
    if let (Value::Object(told), Value::Object(done)) = (&mut told, done) {
        told.extend(done);
        told.extend([
            ("next".to_owned(), json!(next)),
            ("failed".to_owned(), json!(failed)),
        ]);
    }
    Ok(json_answer(&told).into())
}

/// Whether nothing comes before a place.
fn is_first(place: &Place) -> bool {
    matches!(place, Place::Registrations(network, _) if network.is_empty())
}

/// Whether there may be more after a part.
fn is_full<T>(part: &[T]) -> bool {
    part.len() >= usize::from(AT_ONCE)
}

/// Rotates what an account has. The inner error says in a sentence why it cannot.
async fn rotate_account<H: ServiceHost>(
    host: &H,
    account: &AccountId,
) -> Result<Result<(), String>, Problem> {
    let reply = host.ask(account, &Command::RotateKeys).await;
    Ok(match reply.map_err(|error| unreachable(&error))? {
        Reply::Refused { diagnosis } => Err(diagnosis.in_words()),
        _ => Ok(()),
    })
}

/// Rotates a registration. The inner error says why it cannot; the server then has to be registered
/// at anew.
async fn rotate_app<H: ServiceHost>(
    host: &H,
    app: &StoredApp,
) -> Result<Result<(), EncryptionError>, Problem> {
    let purpose = Purpose {
        owner: &app.server,
        field: CLIENT_SECRET,
    };
    let encrypted = async {
        let secret = host.decrypt(&app.client_secret, &purpose).await?;
        host.encrypt(&secret, &purpose).await
    };
    let client_secret = match encrypted.await {
        Ok(client_secret) => client_secret,
        Err(error) => return Ok(Err(error)),
    };
    let rotated = StoredApp {
        client_secret,
        ..app.clone()
    };
    let kept = host.keep_app(&rotated).await;
    kept.map_err(|error| unreachable(&error))?;
    Ok(Ok(()))
}

// `map_err` passes the error by value.
#[allow(clippy::needless_pass_by_value)]
fn closed(error: EncryptionError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("{error}."))
}
