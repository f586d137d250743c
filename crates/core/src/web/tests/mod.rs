//! Tests of the interface as a whole.

mod with_account;
mod without_account;

use http::Request;

use crate::account::id::AccountId;
use crate::account::open::{Account, Memory};
use crate::account::settings::Settings;
use crate::testing::Host;
use crate::web::{Answer, respond_for_account};

/// Answers a request to the owner's account, which has these settings.
async fn respond_under(settings: &Settings, request: &Request<()>, host: &Host) -> Answer {
    let account = Account {
        id: &AccountId::owner(),
        host,
        ledger: &host.ledger,
        memory: &Memory::of(settings.clone()),
    };
    respond_for_account(request, &account).await
}
