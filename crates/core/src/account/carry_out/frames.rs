//! What turns have kept on a network, and its end.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::title;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::StoredConnection;
use crate::network::sign_in::Connection;
use crate::outcome::{Diagnosis, Reason};

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Removes what turns have kept on the network of a connection, by tokens that are renewed if
    /// they have to be. Nothing is asked of the network if no turn was made. Returns what the person
    /// can do if it may still be there.
    ///
    /// # Errors
    /// When the account cannot be opened.
    pub(super) async fn remove_frames(
        &self,
        stored: &StoredConnection,
    ) -> Result<Option<String>, Diagnosis> {
        if !self.has_kept_frames(stored) {
            return Ok(None);
        }
        let network = stored.network.as_str();
        let Some(connection) = self.fresh_connection(network).await? else {
            return Ok(self.left_behind(stored));
        };
        let mut removed = self.remove_frames_of(&connection).await;
        let is_refused = matches!(&removed, Err(error) if error.reason == Reason::Credentials);
        if is_refused && self.renew(&connection).await {
            let renewed = self.open().await?;
            if let Some(connection) = renewed.connection(network) {
                removed = self.remove_frames_of(connection).await;
            }
        }
        Ok(removed.err().and_then(|_| self.left_behind(stored)))
    }

    /// Removes what turns have kept on the network of a connection.
    ///
    /// # Errors
    /// When it may still be there.
    pub(super) async fn remove_frames_of(&self, connection: &Connection) -> Result<(), Diagnosis> {
        let Some(sign_in) = self.host.sign_in_to(&connection.network) else {
            return Ok(());
        };
        let service = self.service()?;
        let signer = self.host.signer();
        let context = self.context(&service, &*signer);
        sign_in.remove_kept(connection, context).await
    }

    /// Whether turns of a connection may have kept anything on its network. What is there of a
    /// connection that never turned is somebody else's: another service may turn the same account.
    pub(super) fn has_kept_frames(&self, stored: &StoredConnection) -> bool {
        self.how_to_remove_frames(stored).is_some()
    }

    fn how_to_remove_frames(&self, stored: &StoredConnection) -> Option<String> {
        let sign_in = self.host.sign_in_to(&stored.network)?;
        let how = sign_in.how_to_remove_frames(&stored.subject)?;
        stored.has_turned().then_some(how)
    }

    /// What the person can do about what turns have left on a network; `None` if there were none.
    pub(super) fn left_behind(&self, stored: &StoredConnection) -> Option<String> {
        let how = self.how_to_remove_frames(stored)?;
        let title = title(&stored.network);
        Some(format!("{title} has not let this service tidy up. {how}"))
    }
}
