//! `Delete`: leaving without a trace.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, with_remedy};
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::outcome::Diagnosis;

/// What else somebody can do whose picture cannot be put back before everything is deleted.
const DELETE_WITHOUT: &str = "Or delete everything without putting it back. Turning is paused.";

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Deletes everything, after putting the pictures from before the start back if `put_back`,
    /// removing what turns have kept on the networks, and revoking all tokens.
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
                let connections = stored.connections.iter();
                for one in connections.filter(|one| one.before.can_be_put_back()) {
                    let put_back = self.put_back_for_good(&one.network).await;
                    put_back.map_err(|diagnosis| with_remedy(diagnosis, DELETE_WITHOUT))?;
                }
            }
            for one in &stored.connections {
                notes.extend(self.sign_out_of(one).await?);
            }
        }
        let deleted = self.ledger.delete_everything().await;
        self.forget_in_memory();
        deleted.map_err(|error| self.failed(&error))?;
        Ok(done(notes))
    }
}
