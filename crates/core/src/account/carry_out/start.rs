//! `Start`: the person's consent. Until then, nothing is sent to a network.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, needs_sign_in, title, told};
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::Before;
use crate::frames::store::current_set;
use crate::outcome::{Diagnosis, Reason};

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Starts all connections that are not started: keeps the pictures that they show, then turns
    /// everywhere at once. A paused account is resumed.
    ///
    /// The pictures are stored before it is stored that they have started. If the host ends in
    /// between, nothing has started, and the next start fetches the pictures anew.
    ///
    /// # Errors
    /// When there is nothing to start with, or a picture cannot be kept. Nothing has started then.
    pub(super) async fn start(&self, without_picture: bool) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let connections = &opened.stored.connections;
        let of_settings = opened.settings.networks.iter();
        let has_secrets = of_settings.filter(|one| one.network.is_ok()).count() > 0;
        if connections.is_empty() && !has_secrets {
            return Err(Diagnosis::new(
                Reason::Settings,
                "There is no network to start on.",
                "Sign in to one on the page first.",
            ));
        }
        current_set(self.host).await?;
        let unstarted: Vec<_> = connections
            .iter()
            .filter(|one| one.started_at.is_none())
            .map(|one| one.network.clone())
            .collect();
        let mut notes = Vec::new();
        let mut started = Vec::new();
        for network in unstarted {
            let carried = self
                .open()
                .await?
                .stored
                .connection(&network)
                .map(|one| one.before);
            if let Some(carried) = carried.filter(|before| !before.is_shown_until_start()) {
                // It has come with the identity from another account, whose frame is shown now.
                started.push((network, carried));
                continue;
            }
            let Some(connection) = self.fresh_connection(&network).await? else {
                notes.push(needs_sign_in(&network).in_words());
                continue;
            };
            let before = match self.keep_shown(&connection).await {
                Ok(before) => before,
                Err(_) if without_picture => Before::Unknown,
                Err(diagnosis) => {
                    let diagnosis = cannot_keep(&network, &diagnosis);
                    return Ok(Reply::PictureNotKept { diagnosis });
                }
            };
            started.push((network, before));
        }
        self.keep_started(started).await?;
        notes.extend(told(&self.turn_now().await?));
        Ok(done(notes))
    }

    /// Stores what has started, all at once, and that the account is not paused.
    async fn keep_started(&self, started: Vec<(String, Before)>) -> Result<(), Diagnosis> {
        // Tokens may have been renewed since the account was opened.
        let opened = self.open().await?;
        if started.is_empty() && opened.stored.paused_at.is_none() {
            return Ok(());
        }
        let mut stored = opened.stored.clone();
        stored.paused_at = None;
        for (network, before) in started {
            if let Some(connection) = stored.connection_mut(&network) {
                connection.started_at = Some(self.host.now());
                connection.before = before;
            }
        }
        self.keep(stored).await
    }

    /// Stores the picture from before the start, or deletes it.
    pub(super) async fn keep_picture(
        &self,
        network: &str,
        file: Option<&[u8]>,
    ) -> Result<(), Diagnosis> {
        let kept = self.ledger.keep_picture(network, file).await;
        kept.map_err(|error| self.failed(&error))
    }
}

/// A shown picture cannot be kept, and how to go on.
fn cannot_keep(network: &str, why: &Diagnosis) -> Diagnosis {
    Diagnosis::new(
        why.reason,
        format!(
            "The picture that {} shows now cannot be kept, so it could not be put back later. {}",
            title(network),
            why.in_words()
        ),
        "Nothing has started. Try again, or start without it: save the picture yourself first if \
         you want it back.",
    )
}
