//! An account's Durable Object: makes all turns of the account, one after the other, and answers
//! what needs what is stored of it.
//!
//! | request to the object | effect | account |
//! |---|---|---|
//! | `POST /commands` | carries out a [`Command`], and answers with a [`Reply`] | any |
//! | `POST /turns` | makes the turn that a Cron Trigger began ([`DueTurn`]) | the owner's |
//! | `PUT /icon`, `GET /frames/{n}` | takes an icon, gives a frame | any but the owner's |
//! | any other | answers what `fetch.rs` has passed on | the owner's |
//!
//! The object never receives a request from outside as it came: `requests.rs` makes those that it
//! receives. Only there are `/commands` and `/turns` known, which need no token.
//!
//! The alarm of an account other than the owner's is its clock (`visitor.rs`).
//!
//! [`Reply`]: rotate_icon_core::account::commands::Reply

mod host;
mod owner;
mod requests;
mod visitor;

use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

pub(crate) use self::requests::{
    DueTurn, ask_for_turn, namespace, pass_on, pass_on_to, unreachable,
};
use crate::account::host::AccountsHost;
use crate::account::owner::OwnersAccount;
use crate::account::requests::COMMANDS;
use crate::account::visitor::VisitorsAccount;
use crate::host::Host;
use crate::storage::{self, Storage};
use rotate_icon_core::account::commands::Command;
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::account::open;

/// An account.
#[durable_object(alarm)]
#[derive(Debug)]
pub struct Account(Kind);

/// Whose account it is.
#[derive(Debug)]
enum Kind {
    Owner(OwnersAccount),
    Visitor(VisitorsAccount),
}

impl DurableObject for Account {
    fn new(state: State, env: Env) -> Self {
        let host = Host::new(env);
        let name = state.id().name().and_then(|name| name.parse().ok());
        // An alarm may wake the object up without its name. Then it has stored its id itself, but
        // for the owner's object of a version before.
        let stored = || Storage::open(&state, &storage::VISITOR).stored_id();
        let id = name.or_else(stored).unwrap_or_else(AccountId::owner);
        Self(if id.is_owner() {
            let storage = Storage::open(&state, &storage::OWNER);
            Kind::Owner(OwnersAccount::new(id, host, storage))
        } else {
            let storage = Storage::open(&state, &storage::VISITOR);
            Kind::Visitor(VisitorsAccount::new(id, host, storage))
        })
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match &self.0 {
            Kind::Owner(account) => account.fetch(request).await,
            Kind::Visitor(account) => account.fetch(request).await,
        }
    }

    async fn alarm(&self) -> Result<Response> {
        match &self.0 {
            Kind::Owner(account) => account.alarm().await,
            Kind::Visitor(account) => account.alarm().await,
        }
        Response::empty()
    }
}

fn is_command(request: &Request) -> bool {
    request.method() == worker::Method::Post && request.path() == COMMANDS
}

/// Carries out the command in a request, while nothing else changes the account.
async fn carry_out(
    account: &open::Account<'_, AccountsHost<'_>, Storage>,
    mut request: Request,
    changes: &futures_util::lock::Mutex<()>,
) -> Result<Response> {
    let command: Command = request.json().await?;
    // What only reads does not wait for a turn, which may take half a minute.
    let _changes = match command {
        Command::Show | Command::Export => None,
        _ => Some(changes.lock().await),
    };
    Response::from_json(&account.carry_out(&command).await)
}
