//! `Disconnect`, `Carry` and `Moved`: a sign-in that ends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, title, with_remedy};
use crate::account::commands::Reply;
use crate::account::connections::decrypted;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::state::AccountState;
use crate::account::stored_account::{Before, StoredConnection};
use crate::outcome::Diagnosis;

/// What else somebody can do whose picture cannot be put back before a connection ends.
const DISCONNECT_WITHOUT: &str = "Or disconnect without putting it back.";

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Ends a sign-in: puts the picture from before the start back if `put_back`, removes what turns
    /// have kept on the network, revokes the tokens, and forgets the connection.
    ///
    /// It is forgotten last. If the host ends before, the person finds the connection still there,
    /// and disconnects again.
    ///
    /// # Errors
    /// When the picture cannot be put back. The connection is still there then, and turns as before.
    pub(super) async fn disconnect(
        &self,
        network: &str,
        put_back: bool,
    ) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let connection = opened.stored.connection(network);
        if put_back && connection.is_some_and(|one| one.before.can_be_put_back()) {
            let was_paused = opened.stored.paused_at.is_some();
            self.paused().await?;
            let put_back = self.put_back_for_good(network).await;
            // Everything else goes on as before, whether or not the network has taken it.
            let goes_on = if was_paused {
                Ok(())
            } else {
                self.unpaused().await
            };
            put_back.map_err(|diagnosis| with_remedy(diagnosis, DISCONNECT_WITHOUT))?;
            goes_on?;
        }
        let notes = match connection {
            Some(connection) => self.sign_out_of(connection).await?,
            None => Vec::new(),
        };
        self.forget_connection(network).await?;
        Ok(done(notes))
    }

    /// Goes on where [`Account::paused`] has paused.
    async fn unpaused(&self) -> Result<(), Diagnosis> {
        let mut stored = self.open().await?.stored.clone();
        stored.paused_at = None;
        self.keep(stored).await
    }

    /// Puts back what a network showed before the start of a connection that is about to end. If the
    /// network held it, the start is forgotten: the network does not hold it any more if the person
    /// asks again.
    ///
    /// # Errors
    /// When it is not put back.
    pub(super) async fn put_back_for_good(&self, network: &str) -> Result<(), Diagnosis> {
        let stored = self.open().await?.stored.clone();
        self.put_picture_back(&stored, network).await?;
        let mut stored = self.open().await?.stored.clone();
        match stored.connection_mut(network) {
            Some(one) if one.before == Before::Held => {
                one.started_at = None;
                one.before = Before::PutBack;
                self.keep(stored).await
            }
            _ => Ok(()),
        }
    }

    /// Removes what turns have kept on the network of a connection as it was stored, and revokes its
    /// tokens. Returns what the person should know.
    ///
    /// # Errors
    /// When the account cannot be opened.
    pub(super) async fn sign_out_of(
        &self,
        stored: &StoredConnection,
    ) -> Result<Vec<String>, Diagnosis> {
        let network = stored.network.as_str();
        let mut notes = Vec::from_iter(self.remove_frames(stored).await?);
        if let Some(connection) = self.open().await?.connection(network)
            && !self.revoke(connection).await
        {
            notes.push(not_revoked(network));
        }
        Ok(notes)
    }

    /// Tells what goes with an identity to the account that it is moved to. Nothing is forgotten
    /// before that account has it.
    pub(super) async fn carry(&self, network: &str, subject: &str) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let stored = opened.stored.connection(network);
        let stored = stored.filter(|one| one.subject == subject);
        let mut before = stored.map(carried).unwrap_or_default();
        let mut picture = None;
        if before == Before::Picture {
            let kept = self.ledger.picture(network).await;
            let kept = kept.map_err(|error| self.failed(&error))?;
            picture = kept.map(|file| STANDARD.encode(file));
            if picture.is_none() {
                before = Before::Lost;
            }
        }
        Ok(Reply::Carried { before, picture })
    }

    /// Forgets the connection of an identity that another account has now, by a sign-in of its own.
    /// That account goes on with what turns have kept on the network, so it stays there. Tokens that
    /// it does not have too are revoked.
    pub(super) async fn forget_moved(&self, new: &StoredConnection) -> Result<Reply, Diagnosis> {
        let network = new.network.as_str();
        let opened = self.open().await?;
        let stored = opened.stored.connection(network);
        // Somebody may have signed in to another account there meanwhile.
        if stored.is_some_and(|one| one.subject != new.subject) {
            return Ok(done(Vec::new()));
        }
        if let Some(before) = opened.connection(network)
            && let Ok(Some(new)) = decrypted(new, self.id, self.host).await
        {
            self.revoke_if_other(before, &new).await;
        }
        self.forget_connection(network).await?;
        Ok(done(Vec::new()))
    }

    /// Forgets a connection, the picture from before its start, and the state on its network but for
    /// what is of the account's settings. Does so too where there is no connection: a host may have
    /// ended in between.
    async fn forget_connection(&self, network: &str) -> Result<(), Diagnosis> {
        let mut stored = self.open().await?.stored.clone();
        let is_there = stored.connection(network).is_some();
        stored.connections.retain(|one| one.network != network);
        if is_there {
            self.keep(stored).await?;
        }
        self.keep_picture(network, None).await?;
        let state = self.ledger.account_state(network).await;
        let saved = state.map_err(|error| self.failed(&error))?.saved_session;
        let remaining = AccountState {
            saved_session: saved.and_then(|saved| {
                let sign_in = self.host.sign_in_to(network)?;
                sign_in.remains_of(&saved)
            }),
            ..AccountState::default()
        };
        self.keep_state(network, &remaining, None).await
    }
}

/// What the account that a connection's identity is moved to has to know of the time before the
/// start.
fn carried(connection: &StoredConnection) -> Before {
    match connection.before {
        Before::Unknown if connection.started_at.is_some() => Before::Lost,
        before => before,
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
