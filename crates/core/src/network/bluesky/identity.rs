//! Finds an account's server from its handle (<https://atproto.com/specs/handle>,
//! <https://atproto.com/specs/did>).
//!
//! The app password goes to the server that is found, so both ends have to agree: the handle names
//! the account, and the account's document names the handle. The result is saved with the first
//! session. If it differs later, the turn stops.

use http::{Request, Response};

use crate::network::base_url::{BaseUrl, is_loopback};
use crate::network::bluesky::account::{BLUESKY_IDENTIFIER, Lookup};
use crate::network::bluesky::errors::Failure;
use crate::network::bluesky::exchange::Exchange;
use crate::network::bluesky::home::Home;
use crate::network::bluesky::resolver::{
    Asked, Fetch, Unresolved, did_of, document_of, endpoint_in, is_public, names_handle,
};
use crate::network::reply::{no_answer, quoted, transient};
use crate::outcome::Reason;

impl Exchange<'_> {
    /// Finds the server the account signs in to, and directs calls there, unless it differs from
    /// before.
    pub(super) async fn locate(&mut self) -> Result<Option<Home>, Failure> {
        let Some(home) = self.find().await? else {
            return Ok(None);
        };
        if let Some(before) = &self.home {
            home.check_same_as(before, &self.account.identifier)?;
        }
        self.service = home.service.clone();
        Ok(Some(home))
    }

    /// Explains a failure of a server on which the account is not open: the account has moved to
    /// another server, or else the server's own explanation.
    pub(super) async fn located(&mut self, failure: Failure) -> Failure {
        let is_closed = failure
            .refusal()
            .is_some_and(|diagnosis| diagnosis.reason == Reason::Account);
        let before = self.home.clone().filter(|_| self.session.is_some());
        let Some(before) = before.filter(|_| is_closed) else {
            return failure;
        };
        let status = self.status;
        let found = self.find().await;
        self.status = status;
        match found {
            Ok(Some(home)) => home
                .check_same_as(&before, &self.account.identifier)
                .err()
                .unwrap_or(failure),
            // A closed account may no longer be found.
            _ => failure,
        }
    }

    /// Finds the account's server. Returns `None` if the settings name the server, and for an
    /// e-mail address, which cannot be looked up.
    async fn find(&mut self) -> Result<Option<Home>, Failure> {
        let account = self.account;
        let identifier = account.identifier.as_str();
        if account.service.is_some() || identifier.contains('@') {
            return Ok(None);
        }
        let is_did = identifier.starts_with("did:");
        let did = if is_did {
            identifier.to_owned()
        } else {
            let did = did_of(identifier, &account.lookup, self).await;
            did.map_err(|error| self.unresolved(error, identifier))?
        };
        let document = document_of(&did, &account.lookup, self).await;
        let document = document.map_err(|error| self.unresolved(error, &did))?;
        if !is_did && !names_handle(&document, identifier) {
            return Err(Failure::refused(
                Reason::Settings,
                format!("The account that {identifier} names, {did}, has another handle"),
                "Check BLUESKY_IDENTIFIER: it has to be the handle that the account has now.",
            ));
        }
        let endpoint = endpoint_in(&document, &did);
        let service = endpoint.and_then(|endpoint| believed(endpoint, &account.lookup));
        let service = service.ok_or_else(|| {
            Failure::refused(
                Reason::Account,
                format!(
                    "The document of the account {did} names no server that a password may go to"
                ),
                "Set BLUESKY_SERVICE to the server that the account is on, as \
                 https://pds.example.com.",
            )
        })?;
        Ok(Some(Home { did, service }))
    }

    /// Explains why nothing was found of a handle or an account.
    fn unresolved(&self, error: Unresolved<'_, Failure>, name: &str) -> Failure {
        match error {
            Unresolved::NoReply(failure) => failure,
            Unresolved::UnknownHandle => unknown_handle(name),
            Unresolved::UnknownAccount => unknown_account(name),
            Unresolved::SeveralAccounts => Failure::refused(
                Reason::Settings,
                format!("The entries _atproto.{name} in DNS name several accounts"),
                "Leave the one of your account and remove the others.",
            ),
            Unresolved::Failing(asked, said, headers) => {
                let now = self.transport.now();
                Failure::new(transient(asked.title(), &said, &headers, now))
            }
            Unresolved::Unexpected(asked) => unexpected(asked),
        }
    }
}

impl Fetch for Exchange<'_> {
    type Error = Failure;

    async fn fetch(
        &mut self,
        request: Request<Vec<u8>>,
        asked: Asked<'_>,
    ) -> Result<Response<Vec<u8>>, Failure> {
        self.status = None;
        self.check_time()?;
        let reply = self.transport.send(request).await;
        let now = self.transport.now();
        reply
            .map_err(|error| Failure::new(no_answer(asked.title(), setting_of(asked), &error, now)))
    }
}

/// The setting that says who is asked.
fn setting_of(asked: Asked<'_>) -> &'static str {
    asked.setting().unwrap_or(BLUESKY_IDENTIFIER)
}

fn unexpected(asked: Asked<'_>) -> Failure {
    let (title, setting) = (asked.title(), setting_of(asked));
    Failure::refused(
        Reason::UnexpectedReply,
        format!("{title} gave an unexpected answer"),
        format!(
            "Check {setting}. Or set BLUESKY_SERVICE to the server that the account is on, so that \
             nothing has to be looked up."
        ),
    )
}

fn unknown_handle(handle: &str) -> Failure {
    Failure::refused(
        Reason::Settings,
        format!(
            "No account can be found by the handle {}",
            quoted(handle, &[])
        ),
        "Check BLUESKY_IDENTIFIER, the whole handle with its domain, such as alice.bsky.social. If \
         it is right, set BLUESKY_SERVICE to the server that the account is on.",
    )
}

fn unknown_account(did: &str) -> Failure {
    Failure::refused(
        Reason::Account,
        format!(
            "There is no account {} any more, or nothing is known of it",
            quoted(did, &[])
        ),
        "Check BLUESKY_IDENTIFIER. If it is right, sign in at bsky.app in a browser and see \
         whether the account is there.",
    )
}

/// A server that a document names. One on this machine is accepted only if the directory is on it
/// too.
fn believed(endpoint: &str, lookup: &Lookup) -> Option<BaseUrl> {
    let service: BaseUrl = endpoint.parse().ok()?;
    let host = service.authority();
    let is_local = |base: &BaseUrl| match base.authority().rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => is_loopback(host),
        _ => is_loopback(base.authority()),
    };
    let is_believed = (is_public(host) && endpoint.starts_with("https://"))
        || (is_local(&service) && is_local(&lookup.directory));
    is_believed.then_some(service)
}

#[cfg(test)]
mod tests;
