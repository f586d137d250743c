//! What differs between the owner's account and the others.

use std::fmt::Debug;

use crate::storage::pages::ENTRIES_A_PAGE;
use rotate_icon_core::account::host::VISITORS_LEDGER_ADVICE;
use rotate_icon_core::account::ledger::MAX_RECORDS;

/// A kind of account.
pub(crate) trait Kind: Debug {
    /// `Ledger::ADVICE`.
    const ADVICE: &'static str;
    /// `Ledger::ASK_NOW`.
    const ASK_NOW: &'static str = "press Turn now on the page";
    /// How long what was set aside is kept, as the end of a sentence.
    const ASIDE_UNTIL: &'static str;
    /// The number of pages of the journal that are kept, besides the entries in the account's row.
    const PAGES: u32;
    /// Whether a version before this one may have stored something.
    const HAS_BEFORE: bool;
}

/// The owner's account, the only one of the versions before.
#[derive(Debug)]
pub(crate) struct Owner;

impl Kind for Owner {
    const ADVICE: &'static str =
        "Try again; if it stays, see whether Cloudflare reports a problem with Durable Objects.";
    const ASIDE_UNTIL: &'static str = "until DELETE /journal";
    const PAGES: u32 = MAX_RECORDS / ENTRIES_A_PAGE;
    const HAS_BEFORE: bool = true;
}

/// Any other account. Its journal goes back three weeks where frames change every hour: a million
/// accounts with the owner's would take 600 GB.
#[derive(Debug)]
pub(crate) struct Visitor;

impl Kind for Visitor {
    const ADVICE: &'static str = VISITORS_LEDGER_ADVICE;
    const ASIDE_UNTIL: &'static str = "as long as the account";
    const PAGES: u32 = 10;
    const HAS_BEFORE: bool = false;
}
