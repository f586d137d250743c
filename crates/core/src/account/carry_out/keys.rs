//! `RotateKeys`: encrypts tokens with the newest key.

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::done;
use crate::account::commands::Reply;
use crate::account::connections::{decrypted, encrypted};
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{EncryptionError, key_of};

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Encrypts all tokens with the newest key that are encrypted with another. They are stored in
    /// one write, so each is encrypted by the one or the other.
    ///
    /// # Errors
    /// When some cannot be decrypted. The others have the newest key then.
    pub(super) async fn rotate_keys(&self) -> Result<Reply, Diagnosis> {
        let failed = |error: &EncryptionError| {
            let message = format!("The tokens cannot be encrypted with another key: {error}.");
            Diagnosis::new(Reason::Host, message, self.host.advice().settings)
        };
        let mut stored = self.open().await?.stored.clone();
        let before = stored.clone();
        let newest = self.host.newest_key().map_err(|error| failed(&error))?;
        let newest = newest.ok_or_else(|| failed(&EncryptionError::NoKey))?;
        let mut first_error = None;
        for one in &mut stored.connections {
            let is_old = |secrets: &String| key_of(secrets) != newest;
            if !one.secrets.as_ref().is_some_and(is_old) {
                continue;
            }
            let again = match decrypted(one, self.id, self.host).await {
                Ok(None) => continue,
                Ok(Some(connection)) => encrypted(&connection, self.id, self.host).await,
                Err(error) => Err(error),
            };
            match again {
                Ok(secrets) => one.secrets = Some(secrets),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if stored != before {
            self.keep(stored).await?;
        }
        match first_error {
            Some(error) => Err(failed(&error)),
            None => Ok(done(Vec::new())),
        }
    }
}
