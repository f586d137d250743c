//! The id of an account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The number of random bytes in an id.
const RANDOM_BYTES: usize = 16;

/// The text of the owner's id.
const OWNER: &str = "default";

/// The id of an account: `default` for the owner's, 26 letters and digits for any other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// The text is not the id of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the id of an account")]
pub struct InvalidAccountId;

impl AccountId {
    /// The owner's account, the first one of every service.
    pub fn owner() -> Self {
        Self(OWNER.to_owned())
    }

    /// Makes an id that nobody can guess.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(base32::encode(
            base32::Alphabet::Rfc4648Lower { padding: false },
            &bytes,
        )))
    }

    /// Whether it is the owner's account.
    pub fn is_owner(&self) -> bool {
        self.0 == OWNER
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, InvalidAccountId> {
        let bytes = base32::decode(base32::Alphabet::Rfc4648Lower { padding: false }, text);
        let is_random = bytes.is_some_and(|bytes| bytes.len() == RANDOM_BYTES);
        if text == OWNER || is_random && text == text.to_ascii_lowercase() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAccountId)
        }
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccountId;

    fn try_from(text: String) -> Result<Self, InvalidAccountId> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written_and_nothing_else_is_one() {
        let id = AccountId::random().unwrap();
        assert_eq!(id.as_str().len(), 26);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_ne!(id, AccountId::random().unwrap());
        assert!(!id.is_owner());
        assert!("default".parse::<AccountId>().unwrap().is_owner());
        for text in [
            "",
            "Default",
            "../default",
            "abcdefghijklmnopqrstuvwxy",
            &id.as_str().to_uppercase(),
        ] {
            assert_eq!(text.parse::<AccountId>(), Err(InvalidAccountId), "{text}");
        }
    }
}
