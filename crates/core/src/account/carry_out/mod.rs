//! Carries out what an account is asked to do, a file for each group of commands.
//!
//! Each command may be asked for again: whoever asks hears nothing if the host ends in the middle.
//! So each writes in an order that leaves nothing wrong at any point, and what has been done before
//! is not an error.

mod connect;
mod delete;
mod export;
mod frames;
mod keys;
mod leave;
mod pause;
mod picture;
mod replies;
mod set;
mod start;
mod view;

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::done;
use crate::account::commands::{Command, Reply};
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::wake::check_alarm;
use crate::outcome::Diagnosis;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Carries out a command. An account with a clock of its own has its alarm checked too, which
    /// may have been lost.
    pub async fn carry_out(&self, command: &Command) -> Reply {
        let reply = match self.try_to(command).await {
            Ok(reply) => reply,
            Err(diagnosis) => Reply::Refused { diagnosis },
        };
        if !matches!(command, Command::Delete { .. }) {
            self.check_alarm().await;
        }
        reply
    }

    async fn try_to(&self, command: &Command) -> Result<Reply, Diagnosis> {
        match command {
            Command::Show => self.show().await,
            Command::Connect {
                connection,
                picture,
            } => self.connect(connection, picture.as_deref()).await,
            Command::Disconnect { network, put_back } => self.disconnect(network, *put_back).await,
            Command::Carry { network, subject } => self.carry(network, subject).await,
            Command::Moved { new } => self.forget_moved(new).await,
            Command::Start { without_picture } => self.start(*without_picture).await,
            Command::Pause => self.pause().await,
            Command::Resume => self.resume().await,
            Command::PutBack { network } => self.put_back(network).await,
            Command::Turn => self.turn_by_hand().await,
            Command::Set { settings } => self.set(settings).await,
            Command::Export => self.export().await,
            Command::Delete { put_back } => self.delete(*put_back).await,
            // Every command checks the alarm.
            Command::CheckAlarm => Ok(done(Vec::new())),
            Command::RotateKeys => self.rotate_keys().await,
        }
    }

    /// Checks that the account will be woken, if it has a clock of its own.
    pub async fn check_alarm(&self) {
        if let Ok(opened) = self.open().await {
            check_alarm(&opened.settings, self.host, self.ledger).await;
        }
    }
}

#[cfg(test)]
mod tests;
