//! The service: who has which account, and how people come to theirs.
//!
//! The [`directory`] knows whose account is whose, the servers' app registrations, the browsers that
//! are signed in and the sign-ins under way. [`accounts`] reaches the accounts themselves. A turn
//! needs neither. [`keys`] are what secrets are encrypted with, [`client_keys`] what the
//! service signs with as an application, [`limits`] how often an address may do what costs much.

pub mod accounts;
pub mod client_keys;
pub mod directory;
pub mod keys;
pub mod limits;
pub mod settings;
pub mod sign_in;
#[cfg(test)]
pub(crate) mod testing;
pub mod tokens;
