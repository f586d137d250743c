//! `Pause`, `Resume`, `PutBack` and `Turn`.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::{done, needs_sign_in, title, told, with_remedy};
use crate::account::commands::Reply;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::stored_account::StoredAccount;
use crate::outcome::{Diagnosis, Outcome};

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Stops turning until [`Account::resume`].
    pub(super) async fn pause(&self) -> Result<Reply, Diagnosis> {
        self.paused().await?;
        Ok(done(Vec::new()))
    }

    /// Pauses, and returns what is stored then.
    ///
    /// The alarm goes last: a paused account that is woken does nothing.
    pub(super) async fn paused(&self) -> Result<StoredAccount, Diagnosis> {
        let mut stored = self.open().await?.stored.clone();
        if stored.paused_at.is_none() {
            stored.paused_at = Some(self.host.now());
            self.keep(stored.clone()).await?;
        }
        let _ = self.ledger.wake_at(None).await;
        Ok(stored)
    }

    /// Turns again, at once.
    pub(super) async fn resume(&self) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let settings = &opened.settings;
        if settings.networks.is_empty() && settings.stopped.is_empty() {
            let mut started = opened.stored.connections.iter();
            if let Some(one) = started.find(|one| one.started_at.is_some()) {
                return Err(needs_sign_in(&one.network));
            }
        }
        if opened.stored.paused_at.is_some() {
            let mut stored = opened.stored.clone();
            stored.paused_at = None;
            self.keep(stored).await?;
        }
        Ok(done(told(&self.turn_now().await?)))
    }

    /// Pauses, and puts back what a network showed before the start.
    pub(super) async fn put_back(&self, network: &str) -> Result<Reply, Diagnosis> {
        // Paused first: a turn would replace the picture.
        let stored = self.paused().await?;
        let put_back = self.put_picture_back(&stored, network).await;
        put_back.map_err(|diagnosis| with_remedy(diagnosis, "Turning is paused."))?;
        let title = title(network);
        Ok(done(vec![format!(
            "{title} shows the picture from before the start again, and turning is paused."
        )]))
    }

    /// Makes a turn now.
    pub(super) async fn turn_by_hand(&self) -> Result<Reply, Diagnosis> {
        let reports = self.turn_now().await?;
        let has_turned = reports
            .iter()
            .any(|report| matches!(report.outcome, Outcome::Turned | Outcome::Unchanged));
        let first = reports.iter().find_map(|report| report.outcome.diagnosis());
        match first {
            Some(diagnosis) if !has_turned => Err(diagnosis.clone()),
            _ => Ok(done(told(&reports))),
        }
    }
}
