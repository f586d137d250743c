//! `Disconnect` and `Moved`: a sign-in that ends.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, title};
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::state::AccountState;
use crate::account::stored_account::Before;
use crate::outcome::Diagnosis;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Ends a sign-in: puts the picture from before the start back if `put_back`, revokes the
    /// tokens, and forgets the connection.
    ///
    /// It is forgotten last. If the host ends before, the person finds the connection still there,
    /// and disconnects again.
    ///
    /// # Errors
    /// When the picture cannot be put back. The connection is still there then.
    pub(super) async fn disconnect(
        &self,
        network: &str,
        put_back: bool,
    ) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let connection = opened.stored.connection(network);
        let mut notes = Vec::new();
        let can_put_back = |before: Before| before != Before::Unknown;
        if put_back
            && connection.is_some_and(|one| one.started_at.is_some() && can_put_back(one.before))
        {
            let was_paused = opened.stored.paused_at;
            let stored = self.paused().await?;
            self.put_picture_back(&stored, network).await?;
            // The other networks go on as before.
            if was_paused.is_none() {
                let mut stored = self.open().await?.stored.clone();
                stored.paused_at = None;
                if let Some(one) = stored.connection_mut(network) {
                    one.started_at = None;
                }
                self.keep(stored).await?;
            }
        }
        let opened = self.open().await?;
        if let Some(connection) = opened.connection(network)
            && !self.revoke(connection).await
        {
            notes.push(not_revoked(network));
        }
        self.forget_connection(network).await?;
        Ok(done(notes))
    }

    /// Forgets a connection that another account has now, which goes on with its tokens: nothing is
    /// sent.
    pub(super) async fn forget_moved(&self, network: &str) -> Result<Reply, Diagnosis> {
        self.forget_connection(network).await?;
        Ok(done(Vec::new()))
    }

    /// Forgets a connection, the picture from before its start, and the state on its network. Does
    /// so too where there is no connection: a host may have ended in between.
    async fn forget_connection(&self, network: &str) -> Result<(), Diagnosis> {
        let mut stored = self.open().await?.stored.clone();
        let is_there = stored.connection(network).is_some();
        stored.connections.retain(|one| one.network != network);
        if is_there {
            self.keep(stored).await?;
        }
        self.keep_picture(network, None).await?;
        self.keep_state(network, &AccountState::default(), None)
            .await
    }
}

/// A server has not said that tokens are no longer valid.
pub(super) fn not_revoked(network: &str) -> String {
    let title = title(network);
    format!(
        "{title} has not confirmed that it has ended the sign-in. It is forgotten here; to be sure, \
         remove this application in your settings on {title}."
    )
}
