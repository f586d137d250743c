//! An account that is not the owner's: its alarm is its clock, and its frames are in the object's
//! own storage, so that a turn reads nothing from elsewhere.

use futures_util::lock::Mutex;
use worker::{Request, Response, Result};

use crate::account::host::AccountsHost;
use crate::account::{carry_out, is_command, owner};
use crate::host::Host;
use crate::http::{request_from, response_from};
use crate::storage::Storage;
use crate::upload::IncomingBody;
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::account::open::{Account, Memory};
use rotate_icon_core::web::{guarded, respond_for_visitor};

/// A visitor's account.
#[derive(Debug)]
pub(super) struct VisitorsAccount {
    id: AccountId,
    host: Host,
    storage: Storage,
    memory: Memory,
    /// Held while a turn is made, or whatever else changes the account.
    changes: Mutex<()>,
    /// Held while an icon is taken: of two that come at once, one follows the other. Turns go on
    /// meanwhile.
    uploads: Mutex<()>,
}

impl VisitorsAccount {
    pub(super) fn new(id: AccountId, host: Host, storage: Storage) -> Self {
        Self {
            id,
            host,
            storage,
            memory: Memory::default(),
            changes: Mutex::new(()),
            uploads: Mutex::new(()),
        }
    }

    fn host(&self) -> AccountsHost<'_> {
        AccountsHost {
            host: &self.host,
            frames: Some(&self.storage),
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

    pub(super) async fn fetch(&self, request: Request) -> Result<Response> {
        let host = self.host();
        if is_command(&request) {
            return carry_out(&self.account(&host), request, &self.changes).await;
        }
        let asked = match request_from(&request) {
            Ok(asked) => asked,
            Err(problem) => return response_from(guarded(Err(problem))),
        };
        let picture = IncomingBody(request.inner());
        if asked.method() == http::Method::GET || asked.method() == http::Method::HEAD {
            return response_from(respond_for_visitor(&asked, &picture, &host).await);
        }
        let answer = {
            let _uploads = self.uploads.lock().await;
            respond_for_visitor(&asked, &picture, &host).await
        };
        // Another number of frames has other slots.
        let _changes = self.changes.lock().await;
        self.account(&host).check_alarm().await;
        response_from(answer)
    }

    /// Makes the turns that are due, and sets the next alarm. Where that fails, the next one is set
    /// all the same; if the object ends in the middle, the runtime calls this again.
    pub(super) async fn alarm(&self) {
        self.storage.alarm_is_off();
        let _changes = self.changes.lock().await;
        let host = self.host();
        if let Err(diagnosis) = self.account(&host).on_wake().await {
            owner::log(&host, &diagnosis);
        }
    }
}
