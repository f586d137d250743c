//! `Connect`: a sign-in that the person has just made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join;

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, title};
use crate::account::commands::Reply;
use crate::account::connections::decrypted;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::{Before, StoredConnection};
use crate::network::sign_in::Connection;
use crate::outcome::{Diagnosis, Reason};
use crate::settings::secret::Secret;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Keeps a connection in place of any before on its network. A sign-in to the same account there
    /// goes on as before; another account waits for its start. `picture` is the one from before its
    /// start in another account: a JPEG file in base64.
    ///
    /// # Errors
    /// When the connection was not encrypted for this account, or cannot be stored.
    pub(super) async fn connect(
        &self,
        new: &StoredConnection,
        picture: Option<&str>,
    ) -> Result<Reply, Diagnosis> {
        let network = new.network.as_str();
        let read = decrypted(new, self.id, self.host).await;
        let read = read.map_err(|error| {
            let message = format!("The sign-in cannot be kept: {error}.");
            Diagnosis::new(Reason::Host, message, self.host.advice().settings)
        })?;
        let opened = self.open().await?;
        let before = opened.stored.connection(network).cloned();
        // What another account has turned goes before what nobody has.
        let goes_on = |one: &&StoredConnection| {
            one.subject == new.subject && (one.has_turned() || !new.has_turned())
        };
        if let Some(before) = before.as_ref().filter(goes_on) {
            let mut stored = opened.stored.clone();
            stored.connections.retain(|one| one.network != network);
            stored.connections.push(StoredConnection {
                started_at: before.started_at,
                before: before.before,
                ..new.clone()
            });
            self.keep(stored).await?;
            if let (Some(replaced), Some(new)) = (opened.connection(network), &read) {
                self.revoke_if_other(replaced, new).await;
            }
            return Ok(done(Vec::new()));
        }
        // With tokens that can still be used once the connection is replaced.
        let replaced = match &before {
            Some(one) if self.has_kept_frames(one) => self.fresh_connection(network).await?,
            _ => opened.connection(network).cloned(),
        };
        let picture = picture.and_then(|file| STANDARD.decode(file).ok());
        let is_lost = new.before == Before::Picture && picture.is_none();
        let mut stored = self.open().await?.stored.clone();
        stored.connections.retain(|one| one.network != network);
        stored.connections.push(StoredConnection {
            started_at: None,
            before: if is_lost { Before::Lost } else { new.before },
            ..new.clone()
        });
        // Both begin before either waits, so that the host stores them together: a connection with
        // another one's picture would show that. What follows removes what nobody reads any more; if
        // the host ends before, the next start or disconnection does.
        let (kept, kept_picture) = join(
            self.keep(stored),
            self.keep_picture(network, picture.as_deref()),
        )
        .await;
        kept.and(kept_picture)?;
        let mut notes = Vec::new();
        if let Some(replaced) = &replaced {
            let turned = before.as_ref().filter(|one| self.has_kept_frames(one));
            if let Some(turned) = turned
                && self.remove_frames_of(replaced).await.is_err()
            {
                notes.extend(self.left_behind(turned));
            }
            if let Some(new) = &read {
                self.revoke_if_other(replaced, new).await;
            }
        }
        if let Some(before) = before.filter(|before| before.started_at.is_some()) {
            notes.push(format!(
                "{} on {} is no longer turned, and keeps the picture that it shows.",
                before.name,
                title(network)
            ));
        }
        Ok(done(notes))
    }

    /// Revokes the tokens of the sign-in before, so that no session stays open that nobody uses.
    /// A server that gives the same tokens again means them to be used on.
    pub(super) async fn revoke_if_other(&self, replaced: &Connection, new: &Connection) {
        let tokens =
            [replaced, new].map(|one| one.tokens.refresh.iter().chain([&one.tokens.access]));
        let [before, now] = tokens;
        let is_same = |token: &Secret| now.clone().any(|one| one.matches(token.expose()));
        if !before.into_iter().any(is_same) {
            self.revoke(replaced).await;
        }
    }
}
