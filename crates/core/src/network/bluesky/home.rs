//! The account and server that a handle led to, as they were when the account first signed in.
//!
//! An app password goes to no other server before its owner has agreed. So they stay known while
//! somebody is signed in with a browser, which needs no password, and afterwards.

use serde_json::{Value, json};

use crate::network::base_url::BaseUrl;
use crate::network::bluesky::account::Account;
use crate::network::bluesky::errors::Failure;
use crate::network::interface::SavedSession;
use crate::network::reply::quoted;
use crate::outcome::Reason;

/// The member of a saved session that holds them where the rest is of a sign-in with a browser.
pub(super) const HOME: &str = "home";

/// An account and its server, as found from a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) did: String,
    pub(super) service: BaseUrl,
}

impl Home {
    /// What was found when the account first signed in.
    pub(super) fn recalled(saved_session: &SavedSession, account: &Account) -> Option<Self> {
        let kept = Self::carried(saved_session)?;
        let text = |name: &str| kept.get(name).and_then(Value::as_str);
        let is_ours = account.service.is_none() && text("identifier") == Some(&account.identifier);
        is_ours.then_some(())?;
        Some(Self {
            did: text("did")?.to_owned(),
            service: text("service")?.parse().ok()?,
        })
    }

    /// What a saved session says of it, whatever else is saved: to be saved on, as it is or in the
    /// member [`HOME`].
    pub(super) fn carried(saved_session: &SavedSession) -> Option<Value> {
        let kept: Value = serde_json::from_slice(saved_session.0.as_bytes()).ok()?;
        let kept = kept.get(HOME).unwrap_or(&kept);
        let is_found = kept.get("found") == Some(&Value::Bool(true));
        is_found.then_some(())?;
        let members = ["service", "identifier", "did", "found"].into_iter();
        let members = members.filter_map(|name| Some((name.to_owned(), kept.get(name)?.clone())));
        Some(Value::Object(members.collect()))
    }

    /// The text to save while there is no session.
    pub(super) fn saved_session(&self, account: &Account) -> SavedSession {
        let kept = json!({
            "service": self.service.to_string(),
            "identifier": account.identifier,
            "did": self.did,
            "found": true,
        });
        SavedSession(kept.to_string())
    }

    /// Checks that the account and its server are the same as at the first sign-in.
    pub(super) fn check_same_as(&self, before: &Self, identifier: &str) -> Result<(), Failure> {
        let Self { did, service } = self;
        if before.did != *did {
            return Err(Failure::refused(
                Reason::Account,
                format!(
                    "{identifier} is the handle of another account than before: {}, not {}",
                    quoted(did, &[]),
                    quoted(&before.did, &[])
                ),
                format!(
                    "The app password was sent to nobody. If you have given the handle to another \
                     account of yours, set BLUESKY_IDENTIFIER to {did} and store that account's \
                     app password. If not, find out who has taken your handle."
                ),
            ));
        }
        if before.service != *service {
            return Err(Failure::refused(
                Reason::Account,
                format!(
                    "The account is on another server than before: {service}, not {}",
                    before.service
                ),
                format!(
                    "The app password was sent to nobody. If you have moved the account, make an \
                     app password there, store it as BLUESKY_APP_PASSWORD, and set \
                     BLUESKY_SERVICE to {service}. If not, somebody else has: change the \
                     account's password."
                ),
            ));
        }
        Ok(())
    }
}
