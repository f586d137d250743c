//! What servers fetch to know this service as an application:
//! `GET /oauth/NETWORK/client-metadata.json`, further documents of a network below
//! `/oauth/NETWORK/`, and `GET /oauth/jwks.json`. Nobody has to be signed in.

use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde_json::Value;

use crate::network::sign_in::{Client, Service};
use crate::network::{self, Definition};
use crate::service::client_keys::{self, MAX_AGE};
use crate::web::answer::{insert, json_answer};
use crate::web::browser::host::{ServiceHost, unreachable};
use crate::web::browser::next::Next;
use crate::web::browser::visit::Visit;
use crate::web::problem::Problem;

/// What this service is as an application on the servers of a network. `name` is what
/// [`Service::client_id`] takes.
pub(super) fn metadata<H: ServiceHost>(visit: &Visit<'_, H>, name: &str) -> Result<Next, Problem> {
    let service = published(visit)?;
    let network = name.split('/').next().and_then(network::named);
    let document = network.and_then(|network| document(network, name, service));
    Ok(fetched(&document.ok_or_else(nothing)?))
}

fn document(network: Definition, name: &str, service: &Service) -> Option<Value> {
    match network.sign_in?.client() {
        Client::Published(client) => client.document(&service.client_id(name), service),
        Client::Registered(_) => None,
    }
}

/// The public halves of the keys that this service signs with.
pub(super) async fn keys<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    published(visit)?;
    let keys = visit.host.client_keys().await;
    let keys = keys.map_err(|error| unreachable(&error))?;
    Ok(fetched(&client_keys::published(&keys)))
}

/// This service, if servers can fetch what it publishes.
fn published<'a, H: ServiceHost>(visit: &'a Visit<'_, H>) -> Result<&'a Service, Problem> {
    if matches!(visit.settings.service, Ok(None)) {
        return Err(nothing());
    }
    let service = visit.service()?;
    service
        .is_on_internet()
        .then_some(service)
        .ok_or_else(nothing)
}

fn nothing() -> Problem {
    let detail = "This service publishes nothing here.";
    Problem::new(StatusCode::NOT_FOUND, detail)
}

fn fetched(document: &Value) -> Next {
    let mut answer = json_answer(document);
    let age = format!("public, max-age={}", MAX_AGE.num_seconds());
    insert(&mut answer, CACHE_CONTROL, &age);
    answer.into()
}
