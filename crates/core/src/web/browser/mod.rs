//! What people do with their browsers: sign in, and look after their account.
//!
//! Each request is checked before anything else: it has to come to the service's own address, and
//! whatever changes something has to come from one of its own pages (`origin.rs`).

mod account;
mod application;
mod client_keys;
mod cookies;
mod form;
mod host;
mod keys;
mod next;
mod origin;
mod pages;
mod session;
mod sign_in;
#[cfg(test)]
mod tests;
mod visit;

use http::Request;

pub use self::host::ServiceHost;
pub use self::next::Next;
use self::visit::Visit;
use crate::ports::{Form, Upload};
use crate::service::settings::ServiceSettings;
use crate::web::request::Parameters;
use crate::web::routes::Browser;

/// Answers a request to one of the routes for browsers.
pub(super) async fn answer<H: ServiceHost>(
    route: Browser<'_>,
    request: &Request<()>,
    query: &Parameters,
    body: &(impl Upload + Form),
    settings: &ServiceSettings,
    host: &H,
) -> Next {
    let visit = Visit {
        request,
        query,
        settings,
        host,
    };
    let next = match route {
        Browser::Front if !settings.is_open() => return Next::Owner,
        Browser::Front => sign_in::front(&visit).await,
        Browser::Privacy => Ok(pages::privacy(&visit)),
        Browser::SignInPage => sign_in::page(&visit).await,
        Browser::SignIn(network) => sign_in::begin(&visit, network, body).await,
        Browser::Callback { network, server } => sign_in::finish(&visit, network, server).await,
        Browser::OwnersSession => session::exchange(&visit).await,
        Browser::SignOut => session::sign_out(&visit, body).await,
        Browser::Account => account::show(&visit).await,
        Browser::Export => account::export(&visit).await,
        Browser::DeletePage => account::ask_to_delete(&visit).await,
        Browser::Act(action) => account::act(&visit, action, body).await,
        Browser::Icon => account::icon(&visit, body).await,
        Browser::Frame(n) => account::frame(&visit, n).await,
        Browser::RotateKeys => keys::rotate(&visit).await,
        Browser::ClientKeys => client_keys::list(&visit).await,
        Browser::AddClientKey => client_keys::add(&visit).await,
        Browser::DeleteClientKey(id) => client_keys::delete(&visit, id).await,
        Browser::ClientMetadata(network) => application::metadata(&visit, network),
        Browser::Jwks => application::keys(&visit).await,
    };
    match next {
        Ok(next) => next,
        Err(problem) => Next::Answer(visit.refused(problem)),
    }
}
