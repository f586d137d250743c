//! Mastodon, and servers that speak its API.

mod account;
mod advice;
mod avatar;
mod errors;
pub mod server;
mod sign_in;
mod update;

use std::rc::Rc;

use self::account::NAME;
pub use self::account::{Account, MASTODON_ACCESS_TOKEN, MASTODON_SERVER};
pub use self::advice::Advice;
use self::errors::TITLE;
use self::sign_in::MastodonSignIn;
use crate::network::definition::Definition;
use crate::network::interface::Network;
use crate::settings::reader::Reader;

/// Mastodon's entry in the list of networks.
pub const DEFINITION: Definition = Definition {
    name: NAME,
    title: TITLE,
    required: &[MASTODON_SERVER, MASTODON_ACCESS_TOKEN],
    variables: &[],
    sign_in: Some(&MastodonSignIn),
    read,
};

fn read(reader: &mut Reader<'_>) -> Option<Rc<dyn Network>> {
    Some(Rc::new(Account::read(reader)?))
}

#[cfg(test)]
mod tests;
