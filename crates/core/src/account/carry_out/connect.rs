//! `Connect`: a sign-in that the person has just made.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, title};
use crate::account::commands::Reply;
use crate::account::connections::decrypted;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::{Before, StoredConnection};
use crate::outcome::{Diagnosis, Reason};

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Keeps a connection in place of any before on its network. A sign-in to the same account there
    /// goes on as before; another account waits for its start.
    ///
    /// # Errors
    /// When the connection was not encrypted for this account, or cannot be stored.
    pub(super) async fn connect(&self, new: &StoredConnection) -> Result<Reply, Diagnosis> {
        let network = new.network.as_str();
        let read = decrypted(new, self.id, self.host).await;
        read.map_err(|error| {
            let message = format!("The sign-in cannot be kept: {error}.");
            Diagnosis::new(Reason::Host, message, self.host.advice().settings)
        })?;
        let opened = self.open().await?;
        let mut stored = opened.stored.clone();
        let before = stored.connection(network).cloned();
        let is_same = |before: &StoredConnection| before.subject == new.subject;
        let (started_at, shown_before) = match before.as_ref().filter(|one| is_same(one)) {
            Some(before) => (before.started_at, before.before),
            None => (None, Before::Unknown),
        };
        stored.connections.retain(|one| one.network != network);
        stored.connections.push(StoredConnection {
            started_at,
            before: shown_before,
            ..new.clone()
        });
        // Stored first. What follows removes what nobody reads any more; if the host ends before, the
        // next start or disconnection does.
        self.keep(stored).await?;
        let Some(before) = before.filter(|before| !is_same(before)) else {
            // The server may have given the same tokens again, so none are revoked.
            return Ok(done(Vec::new()));
        };
        self.keep_picture(network, None).await?;
        if let Some(connection) = opened.connection(network) {
            self.revoke(connection).await;
        }
        let mut notes = Vec::new();
        if before.started_at.is_some() {
            notes.push(format!(
                "{} on {} is no longer turned, and keeps the picture that it shows.",
                before.name,
                title(network)
            ));
        }
        Ok(done(notes))
    }
}
