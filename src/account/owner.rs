//! The owner's account: a Cron Trigger is its clock, its frames are in KV, and programs ask for it
//! with the trigger token.

use chrono::{DateTime, Utc};
use futures_util::lock::Mutex;
use http::Method;
use worker::{Request, Response, Result};

use crate::account::host::AccountsHost;
use crate::account::requests::TURNS;
use crate::account::{DueTurn, carry_out, is_command};
use crate::host::Host;
use crate::http::{request_from, response_from};
use crate::storage::Storage;
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::account::open::{Account, Memory};
use rotate_icon_core::outcome::Diagnosis;
use rotate_icon_core::ports::{Clock, Log};
use rotate_icon_core::web::{Answer, guarded, respond_for_account};

/// The owner's account.
#[derive(Debug)]
pub(super) struct OwnersAccount {
    id: AccountId,
    host: Host,
    storage: Storage,
    memory: Memory,
    /// Held while a turn is made, or whatever else changes the account.
    changes: Mutex<()>,
}

impl OwnersAccount {
    pub(super) fn new(id: AccountId, host: Host, storage: Storage) -> Self {
        Self {
            id,
            host,
            storage,
            memory: Memory::default(),
            changes: Mutex::new(()),
        }
    }

    fn host(&self) -> AccountsHost<'_> {
        AccountsHost {
            host: &self.host,
            frames: None,
        }
    }

    fn account<'a>(&'a self, host: &'a AccountsHost<'a>) -> Account<'a, AccountsHost<'a>, Storage> {
        Account {
            id: &self.id,
            host,
            ledger: &self.storage,
            memory: &self.memory,
        }
    }

    pub(super) async fn fetch(&self, mut request: Request) -> Result<Response> {
        if is_command(&request) {
            return carry_out(&self.account(&self.host()), request, &self.changes).await;
        }
        match (request.method(), request.path().as_str()) {
            (worker::Method::Post, TURNS) => {
                let due = request.json().await?;
                match self.make_turn(&due).await {
                    Ok(()) => Ok(Response::empty()?.with_status(204)),
                    Err(diagnosis) => Response::error(diagnosis.in_words(), 503),
                }
            }
            _ => response_from(self.answer(&request).await),
        }
    }

    pub(super) async fn alarm(&self) {
        self.storage.alarm_is_off();
        let _changes = self.changes.lock().await;
        if let Err(diagnosis) = self.account(&self.host()).on_wake().await {
            log(&self.host, &diagnosis);
        }
    }

    async fn make_turn(&self, due: &DueTurn) -> std::result::Result<(), Diagnosis> {
        let at: Option<DateTime<Utc>> = DateTime::from_timestamp_millis(due.unix_ms);
        let at = at.unwrap_or_else(|| self.host.now());
        let _changes = self.changes.lock().await;
        let turned = self.account(&self.host()).on_schedule(&due.cron, at).await;
        // If this fails, turns come with the cron's events alone until the next one.
        let _ = self.storage.write_cron_events();
        turned.map(|_| ())
    }

    async fn answer(&self, request: &Request) -> Answer {
        let asked = match request_from(request) {
            Ok(asked) => asked,
            Err(problem) => return guarded(Err(problem)),
        };
        let _changes = match *asked.method() {
            Method::GET | Method::HEAD => None,
            _ => Some(self.changes.lock().await),
        };
        respond_for_account(&asked, &self.account(&self.host())).await
    }
}

/// Logs why an account could not turn at all. The journal cannot be written either then.
pub(super) fn log(host: &impl Log, diagnosis: &Diagnosis) {
    let entry = serde_json::json!({
        "event": "not-opened",
        "reason": diagnosis.reason,
        "message": diagnosis.message,
        "remedy": diagnosis.remedy,
    });
    host.log(&entry.to_string(), true);
}
