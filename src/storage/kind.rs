//! What differs between the owner's account and the others.

use crate::storage::pages::ENTRIES_A_PAGE;
use rotate_icon_core::account::host::VISITORS_LEDGER_ADVICE;
use rotate_icon_core::account::ledger::MAX_RECORDS;

/// A kind of account.
#[derive(Debug)]
pub(crate) struct Kind {
    /// What whoever has the account can do when the storage fails.
    pub(super) advice: &'static str,
    /// How long what was set aside is kept, as the end of a sentence.
    pub(super) aside_until: &'static str,
    /// The number of pages of the journal that are kept, besides the entries in the account's row.
    pub(super) pages: u32,
    /// Whether a version before this one may have stored something.
    pub(super) has_before: bool,
}

/// The owner's account, the only one of the versions before.
pub(crate) static OWNER: Kind = Kind {
    advice: "Try again; if it stays, see whether Cloudflare reports a problem with Durable Objects.",
    aside_until: "until DELETE /journal",
    pages: MAX_RECORDS / ENTRIES_A_PAGE,
    has_before: true,
};

/// Any other account. Its journal goes back three weeks where frames change every hour: a million
/// accounts with the owner's would take 600 GB.
pub(crate) static VISITOR: Kind = Kind {
    advice: VISITORS_LEDGER_ADVICE,
    aside_until: "as long as the account",
    pages: 10,
    has_before: false,
};
