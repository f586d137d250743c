//! The port behind which a host keeps what an account is: its settings, its connections and the
//! pictures from before the start.

use crate::account::stored_account::StoredAccount;
use crate::ports::StoreError;

/// Stores what an account is, beside its [`Ledger`](crate::account::ledger::Ledger), and in the same
/// place: [`AccountStore::delete_everything`] removes both.
pub trait AccountStore {
    /// Loads the account's settings and connections as [`StoredAccount::read`] reads them; the
    /// default if nothing has been stored.
    ///
    /// # Errors
    /// When the store fails.
    fn stored_account(&self) -> impl Future<Output = Result<StoredAccount, StoreError>>;

    /// Stores the account's settings and connections, in place of those before, as JSON. Everything
    /// is written before the first wait.
    ///
    /// # Errors
    /// When they are not stored.
    fn keep_stored_account(
        &self,
        account: &StoredAccount,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Loads the picture that a network showed before the start: a JPEG file; `None` if none is
    /// kept.
    ///
    /// # Errors
    /// When the store fails.
    fn picture(&self, network: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;

    /// Stores the picture that a network showed before the start, in place of any before; `None`
    /// deletes it. It has at most
    /// [`MAX_FRAME_BYTES`](crate::frames::size::MAX_FRAME_BYTES).
    ///
    /// # Errors
    /// When it is not stored.
    fn keep_picture(
        &self,
        network: &str,
        file: Option<&[u8]>,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Deletes everything of the account that this host has, whether or not it can be read:
    /// settings, connections, pictures, states, journal, what was set aside, the frames that lie in
    /// the account's own storage, and the call that is scheduled.
    ///
    /// # Errors
    /// When any of it may still be there.
    fn delete_everything(&self) -> impl Future<Output = Result<(), StoreError>>;
}
