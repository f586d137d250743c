//! The port by which the service reaches an account, wherever that is.

use thiserror::Error;

use crate::account::commands::{Command, Reply};
use crate::account::id::AccountId;

/// Reaches accounts.
pub trait Accounts {
    /// Has an account carry out a command.
    ///
    /// # Errors
    /// When the account cannot be reached. What it cannot do is a [`Reply::Refused`].
    fn ask(
        &self,
        account: &AccountId,
        command: &Command,
    ) -> impl Future<Output = Result<Reply, Unreachable>>;
}

/// A part of the service cannot be reached. The text says why, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreachable(pub String);
