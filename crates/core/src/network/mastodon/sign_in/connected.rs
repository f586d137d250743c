//! The account of a connection, for turns.

use crate::network::base_url::BaseUrl;
use crate::network::mastodon::account::Account;
use crate::network::mastodon::advice::Advice;
use crate::network::sign_in::Connection;

/// No host has this name (RFC 6761 §6.4).
const NOWHERE: &str = "https://server.invalid";

/// The account of a connection.
pub(super) fn account_of(connection: &Connection) -> Account {
    let server = connection.app.server.parse();
    // An address that was stored otherwise is none that a token may be sent to.
    let server = server.unwrap_or_else(|_| -> BaseUrl {
        NOWHERE.parse().expect("it is an address without a path")
    });
    Account {
        server,
        access_token: connection.tokens.access.clone(),
        advice: &Advice::OF_SIGN_IN,
    }
}
