//! The HTTP interface, written over the ports: a host only carries requests in and answers out.
//!
//! [`respond`] answers what needs no account, and [`respond_for_account`] the rest, for whoever has
//! the account's ledger. Which is which is told by the table of routes (`routes.rs`).

mod access;
mod account_states;
mod answer;
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

use std::borrow::Borrow;
use std::pin::Pin;

use http::Request;

pub use self::answer::{Answer, guarded};
pub use self::problem::Problem;
use self::routes::{Admitted, Anywhere, Handler, OfAccount, admit};
use crate::account::ledger::Ledger;
use crate::account::settings::Settings;
use crate::ports::{Client, Clock, Log, Store, Upload};

/// What answers a request. Each is a function of its own behind a pointer: whatever compiles a
/// program while it runs compiles whole functions, and few requests need more than one of these.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'a>>;

/// Answers a request, or returns `None` where the account has to: the request may be passed on to
/// it. `picture` is the request's body, which is read only where it is wanted, and only from
/// whoever may send it. `settings` is called only if the request needs the token: opening the time
/// zone in them is a large part of what a frame costs an isolate that has just started.
pub async fn respond<H: Store, S: Borrow<Settings>>(
    request: &Request<()>,
    picture: &impl Upload,
    settings: impl FnOnce() -> S,
    host: &H,
) -> Option<Answer> {
    let Admitted { handler, query } = match admit(request, settings, H::ADVICE.settings) {
        Ok(admitted) => admitted,
        Err(problem) => return Some(guarded(Err(problem))),
    };
    let answering: Answering<'_> = match handler {
        Handler::Anywhere(Anywhere::TakeIcon) => {
            Box::pin(icon::take(request, &query, picture, host))
        }
        Handler::Anywhere(Anywhere::ShowFrame(n)) => Box::pin(frame::show(request, n, host)),
        Handler::Account(_) => return None,
    };
    Some(guarded(answering.await))
}

/// Answers a request that [`respond`] has left to the account.
pub async fn respond_for_account<H: Store + Client + Clock + Log>(
    request: &Request<()>,
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
) -> Answer {
    let Admitted { handler, query } = match admit(request, || settings, H::ADVICE.settings) {
        Ok(admitted) => admitted,
        Err(problem) => return guarded(Err(problem)),
    };
    let Handler::Account(handler) = handler else {
        return guarded(Err(routes::not_found(request.uri().path())));
    };
    let answering: Answering<'_> = match handler {
        OfAccount::ShowPage => Box::pin(async { Ok(page::show(settings, host, ledger).await) }),
        OfAccount::Turn => Box::pin(turn_by_hand::make(&query, settings, host, ledger)),
        OfAccount::ShowJournal => Box::pin(async { journal::show(&query, ledger) }),
        OfAccount::ForgetJournal => Box::pin(journal::forget(settings, host, ledger)),
        OfAccount::ShowHealth => Box::pin(health::show(settings, host, ledger)),
        OfAccount::RemoveFrames(network) => {
            Box::pin(kept_frames::remove(network, settings, host, ledger))
        }
    };
    guarded(answering.await)
}
