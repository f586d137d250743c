//! The HTTP interface, written over the ports: a host only carries requests in and answers out.
//!
//! [`respond`] answers what needs no account, [`respond_for_account`] what needs the owner's, for
//! whoever has its ledger, and [`respond_to_browser`] what people do with their browsers. Which is
//! which is told by the table of routes (`routes.rs`).

mod access;
mod account_states;
mod answer;
mod browser;
mod frame;
mod health;
mod icon;
mod journal;
mod kept_frames;
mod page;
mod problem;
mod request;
mod routes;
pub mod site;
#[cfg(test)]
mod tests;
mod turn_by_hand;
mod visitor;

use std::borrow::Borrow;
use std::pin::Pin;

use http::Request;

pub use self::answer::{Answer, guarded};
pub use self::browser::{Next, ServiceHost};
pub use self::problem::Problem;
use self::routes::{Admitted, Anywhere, Browser, Handler, OfAccount, admit};
pub use self::site::HostPrivacy;
pub use self::visitor::respond_for_visitor;
use crate::account::account_store::AccountStore;
use crate::account::host::AccountHost;
use crate::account::journal::Trigger;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::settings::Settings;
use crate::ports::{Form, Store, Upload};
use crate::service::settings::ServiceSettings;

/// What answers a request. Each is a function of its own behind a pointer: whatever compiles a
/// program while it runs compiles whole functions, and few requests need more than one of these.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'a>>;

/// What becomes of a request.
#[derive(Debug)]
pub enum Handled {
    /// It is answered.
    Answer(Answer),
    /// The owner's account answers it ([`respond_for_account`]).
    Owner,
    /// It is what people do with their browsers ([`respond_to_browser`]).
    Browser,
}

/// Answers a request, or says who does. `picture` is the request's body, which is read only where it
/// is wanted, and only from whoever may send it. `settings` reads the settings; it is called only if
/// the request needs the owner's token.
pub async fn respond<H: Store, S: Borrow<Settings>>(
    request: &Request<()>,
    picture: &impl Upload,
    settings: impl FnOnce() -> S,
    host: &H,
) -> Handled {
    let Admitted { handler, query } = match admit(request, settings, host.advice().settings) {
        Ok(admitted) => admitted,
        Err(problem) => return Handled::Answer(guarded(Err(problem))),
    };
    let answering: Answering<'_> = match handler {
        Handler::Anywhere(Anywhere::TakeIcon) => {
            Box::pin(icon::take(request, &query, picture, host))
        }
        Handler::Anywhere(Anywhere::ShowFrame(n)) => Box::pin(frame::show(request, n, host)),
        Handler::Account(_) => return Handled::Owner,
        Handler::Browser(_) => return Handled::Browser,
    };
    Handled::Answer(guarded(answering.await))
}

/// Answers a request that [`respond`] has left to the pages of the service, or says who does.
/// `settings` are those of the owner's account, needed only where the trigger token is.
pub async fn respond_to_browser<H: ServiceHost, S: Borrow<Settings>>(
    request: &Request<()>,
    body: &(impl Upload + Form),
    settings: impl FnOnce() -> S,
    service: &ServiceSettings,
    host: &H,
) -> Next {
    let Admitted { handler, query } = match admit(request, settings, host.advice().settings) {
        Ok(admitted) => admitted,
        Err(problem) => return Next::Answer(guarded(Err(problem))),
    };
    let Handler::Browser(route) = handler else {
        return Next::Answer(guarded(Err(routes::not_found(request.uri().path()))));
    };
    browser::answer(route, request, &query, body, service, host).await
}

/// Answers a request that [`respond`] has left to the account, which is the owner's.
pub async fn respond_for_account<H: AccountHost, L: Ledger + AccountStore>(
    request: &Request<()>,
    account: &Account<'_, H, L>,
) -> Answer {
    let (host, ledger) = (account.host, account.ledger);
    let opened = match account.open().await {
        Ok(opened) => opened,
        Err(diagnosis) => return guarded(Err(Problem::unavailable(&diagnosis))),
    };
    let settings = &opened.settings;
    let Admitted { handler, query } = match admit(request, || settings, host.advice().settings) {
        Ok(admitted) => admitted,
        Err(problem) => return guarded(Err(problem)),
    };
    let handler = match handler {
        Handler::Account(handler) => handler,
        // Of a service that is not open, the owner's page is the front page.
        Handler::Browser(Browser::Front) => OfAccount::ShowPage,
        _ => return guarded(Err(routes::not_found(request.uri().path()))),
    };
    let answering: Answering<'_> = match handler {
        OfAccount::ShowPage => Box::pin(async { Ok(page::show(settings, host, ledger).await) }),
        OfAccount::Turn => Box::pin(turn_by_hand::make(&query, account)),
        OfAccount::ShowJournal => Box::pin(async { journal::show(&query, ledger) }),
        OfAccount::ForgetJournal => Box::pin(journal::forget(settings, host, ledger)),
        OfAccount::ShowHealth => Box::pin(health::show(settings, host, ledger)),
        OfAccount::RemoveFrames(network) => Box::pin(async move {
            let settings = account.ready_to_send(Trigger::Manual).await;
            let settings = settings.map_err(|diagnosis| Problem::unavailable(&diagnosis))?;
            kept_frames::remove(network, &settings, host, ledger).await
        }),
    };
    guarded(answering.await)
}
