//! `Delete`: leaving without a trace.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::leave::not_revoked;
use crate::account::carry_out::replies::done;
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::Before;
use crate::outcome::Diagnosis;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Deletes everything, after putting the pictures from before the start back if `put_back`, and
    /// revokes all tokens.
    ///
    /// The account is paused first and deleted last. If the host ends in between, it turns no more,
    /// and the person deletes it again.
    ///
    /// # Errors
    /// When a picture cannot be put back, or something may still be there.
    pub(super) async fn delete(&self, put_back: bool) -> Result<Reply, Diagnosis> {
        // An account that cannot be read can be deleted all the same.
        let mut notes = Vec::new();
        if let Ok(stored) = self.paused().await {
            if put_back {
                let started = stored.connections.iter();
                let started =
                    started.filter(|one| one.started_at.is_some() && one.before != Before::Unknown);
                for one in started {
                    self.put_picture_back(&stored, &one.network).await?;
                }
            }
            let opened = self.open().await?;
            for connection in &opened.connections {
                if !self.revoke(connection).await {
                    notes.push(not_revoked(&connection.network));
                }
            }
        }
        let deleted = self.ledger.delete_everything().await;
        self.forget_in_memory();
        deleted.map_err(|error| self.failed(&error))?;
        Ok(done(notes))
    }
}
