//! What becomes of a browser's request.

use crate::account::id::AccountId;
use crate::web::answer::{Answer, guarded};

/// What becomes of a browser's request.
#[derive(Debug)]
pub enum Next {
    /// It is answered.
    Answer(Answer),
    /// The host passes the request on to this account, with its body and the target in place of
    /// its own.
    PassOn {
        /// The account.
        account: AccountId,
        /// Path and query.
        target: String,
    },
    /// The owner's account answers it, as it answers the requests of visitors to its page.
    Owner,
}

impl From<Answer> for Next {
    fn from(answer: Answer) -> Self {
        Self::Answer(guarded(Ok(answer)))
    }
}
