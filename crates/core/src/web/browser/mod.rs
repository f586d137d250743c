//! What people do with their browsers: sign in, and look after their account.
//!
//! Each request is checked before anything else: it has to come to the service's own address, and
//! whatever changes something has to come from one of its own pages (`origin.rs`).

mod account;
mod cookies;
mod form;
mod keys;
mod origin;
mod pages;
mod session;
mod sign_in;
mod visit;

use http::{Request, StatusCode};

use self::visit::Visit;
use crate::account::id::AccountId;
use crate::ports::{Client, Clock, Encryption, Form, Store, TimeZones, Upload};
use crate::service::accounts::Accounts;
use crate::service::directory::Directory;
use crate::service::limits::RateLimits;
use crate::service::settings::ServiceSettings;
use crate::web::answer::{Answer, guarded};
use crate::web::problem::Problem;
use crate::web::request::Parameters;
use crate::web::routes::Browser;
use crate::web::site::HostPrivacy;

/// What a host provides to the pages of the service.
pub trait ServiceHost:
    Store + Client + Clock + TimeZones + Encryption + Directory + Accounts + RateLimits
{
    /// What the host says of where and how long it keeps what is stored.
    const PRIVACY: HostPrivacy;
}

/// What becomes of a browser's request.
#[derive(Debug)]
pub enum Next {
    /// It is answered.
    Answer(Answer),
    /// The host passes the request on to this account, with its body and the target in place of
    /// its own.
    PassOn {
        /// The account.
        account: AccountId,
        /// Path and query.
        target: String,
    },
    /// The owner's account answers it, as it answers the requests of visitors to its page.
    Owner,
}

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
    };
    match next {
        Ok(next) => next,
        Err(problem) => Next::Answer(visit.refused(problem)),
    }
}

impl From<Answer> for Next {
    fn from(answer: Answer) -> Self {
        Self::Answer(guarded(Ok(answer)))
    }
}

/// The answer when a part of the service cannot be reached.
fn unreachable(error: &crate::service::accounts::Unreachable) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("This service cannot be reached completely ({error}). Try again."),
    )
}
