//! One turn of an account, the same on every host.
//!
//! A turn has four phases, and each has its file:
//!
//! 1. [`plan`]: which frame of which set is due, and for which slot.
//! 2. [`decide`]: for each network, whether to send the frame.
//! 3. [`attempt`]: send it, and in [`retry`], when to try again if that fails.
//! 4. [`record`]: write the log and the journal, save the account's state, tell the owner.
//!
//! [`Turn::run`] goes through them from top to bottom. [`crate::account::wake`] makes the turns
//! that come by themselves.

mod attempt;
mod context;
mod decide;
mod ended;
mod plan;
mod record;
mod request;
mod retry;

use std::cell::Cell;

use futures_util::future::join_all;

use crate::account::journal::Report;
use crate::account::ledger::Ledger;
use crate::account::settings::{Configured, Settings};
use crate::account::turn::context::Turn;
use crate::account::turn::decide::Step;
use crate::ports::{Client, Clock, Log, Store};

pub use request::TurnRequest;

/// Makes one turn on all networks, and records it. Returns how it ended on each network, in the
/// order of the settings. Every failure is one of these outcomes.
pub async fn turn<H: Store + Client + Clock + Log>(
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    turn_request: &TurnRequest,
) -> Vec<Report> {
    let networks: Vec<_> = settings.networks.iter().collect();
    turn_on(&networks, settings, host, ledger, turn_request).await
}

/// Makes one turn as [`turn`] does, on some of the networks.
pub(super) async fn turn_on<H: Store + Client + Clock + Log>(
    networks: &[&Configured],
    settings: &Settings,
    host: &H,
    ledger: &impl Ledger,
    turn_request: &TurnRequest,
) -> Vec<Report> {
    let started = host.now();
    let turn = Turn {
        settings,
        host,
        ledger,
        request: TurnRequest {
            at: turn_request.at.max(started),
            ..*turn_request
        },
        started,
        unrecorded: Cell::new(networks.len()),
    };
    turn.run(networks).await
}

/// Ends what turns have started on the networks, such as sessions: for a host that saves nothing
/// after its run.
pub async fn end_sessions<H: Client + Clock>(settings: &Settings, host: &H, ledger: &impl Ledger) {
    let ends = settings.networks.iter().map(async |one| {
        let state = ledger.account_state(one.definition.name).await;
        let saved_session = state.unwrap_or_default().saved_session;
        if let (Ok(network), Some(saved_session)) = (&one.network, saved_session) {
            network.end(&mut Some(saved_session), host).await;
        }
    });
    join_all(ends).await;
}

impl<'a, H: Store + Client + Clock + Log, L: Ledger> Turn<'a, H, L> {
    async fn run(&self, networks: &[&'a Configured]) -> Vec<Report> {
        let mut accounts = Vec::new();
        for configured in networks {
            accounts.push(self.load(configured).await);
        }
        let planned = self
            .plan(&accounts, |account, plan| {
                account.needs_frame(plan, &self.request)
            })
            .await;
        let steps: Vec<_> = accounts
            .into_iter()
            .map(|account| self.decide(account, planned.as_ref()))
            .collect();
        let frame = match planned {
            Ok(planned) if steps.iter().any(Step::needs_frame) => planned.read(self.host).await,
            Ok(planned) => Ok(planned.without_bytes()),
            Err(no_frame) => Err(no_frame.diagnosis),
        };
        // Each network is recorded as soon as its own attempt has ended.
        let turns = steps.into_iter().map(async |step| {
            let ended = self.attempt(step, frame.as_ref()).await;
            self.record(ended).await
        });
        let (reports, news): (Vec<_>, Vec<_>) = join_all(turns).await.into_iter().unzip();
        self.tell_owner(news.into_iter().flatten().collect()).await;
        reports
    }
}

#[cfg(test)]
mod tests;
