//! Sessions: what the service gives for a password, and what is kept of it between
//! turns.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Account;
use super::call::{CREATE_SESSION, Call, JSON, REFRESH_SESSION};
use super::errors::Failure;
use super::exchange::Exchange;
use crate::network::Memory;
use crate::secret::Secret;

/// How long an access token is used. It lasts two hours.
const MAX_TOKEN_AGE: TimeDelta = TimeDelta::minutes(100);

/// What the service gives for a password.
pub(super) struct Session {
    /// The account.
    pub(super) did: String,
    /// For calls.
    pub(super) access: Secret,
    /// For another session.
    pub(super) refresh: Secret,
    pub(super) obtained_at: DateTime<Utc>,
}

impl Session {
    /// Reads what the service answers, which is kept in the same form.
    pub(super) fn read(value: &Value, obtained_at: DateTime<Utc>) -> Option<Self> {
        let text = |name: &str| {
            let text = value.get(name)?.as_str()?;
            // It goes into a header or a URL.
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            is_plain.then(|| text.to_owned())
        };
        Some(Self {
            did: text("did").filter(|did| did.starts_with("did:"))?,
            access: Secret::new(text("accessJwt")?),
            refresh: Secret::new(text("refreshJwt")?),
            obtained_at,
        })
    }

    /// The session that was kept for an account.
    pub(super) fn recalled(memory: &Memory, account: &Account) -> Option<Self> {
        let kept: Value = serde_json::from_slice(memory.0.as_bytes()).ok()?;
        let is_of = |name: &str, text: &str| kept.get(name).and_then(Value::as_str) == Some(text);
        let is_ours = is_of("service", &account.service.to_string())
            && is_of("identifier", &account.identifier);
        let obtained_at = kept.get("obtained_at")?.as_i64().filter(|_| is_ours)?;
        Self::read(&kept, DateTime::from_timestamp(obtained_at, 0)?)
    }

    pub(super) fn memory(&self, account: &Account) -> Memory {
        let kept = json!({
            "service": account.service.to_string(),
            "identifier": account.identifier,
            "obtained_at": self.obtained_at.timestamp(),
            "did": self.did,
            "accessJwt": self.access.expose(),
            "refreshJwt": self.refresh.expose(),
        });
        Memory(kept.to_string())
    }

    pub(super) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        // Kept in whole seconds; a clock that was set back says nothing.
        let age = now.signed_duration_since(self.obtained_at);
        age >= TimeDelta::zero() && age < MAX_TOKEN_AGE
    }
}

impl Exchange<'_> {
    /// The account's identifier, which only a session tells.
    pub(super) async fn did(&mut self) -> Result<String, Failure> {
        if self.session.is_none() {
            self.renew().await?;
        }
        let session = self.session.as_ref();
        let did = session.map(|session| session.did.clone());
        did.ok_or_else(|| Failure::unexpected(CREATE_SESSION))
    }

    /// Gets another session: for the one there is, or else for the password.
    pub(super) async fn renew(&mut self) -> Result<(), Failure> {
        let password = json!({
            "identifier": self.account.identifier,
            "password": self.account.app_password.expose(),
        });
        let password = password.to_string();
        loop {
            let session = self.session.as_ref();
            let refresh = session.map(|session| session.refresh.clone());
            let call = if refresh.is_some() {
                Call::post(REFRESH_SESSION, None, &[])
            } else {
                Call::post(CREATE_SESSION, Some(JSON), password.as_bytes())
            };
            match self.send(&call, refresh.as_ref()).await {
                Ok(reply) => {
                    let session = Session::read(&reply, self.wire.now());
                    let session = session.ok_or_else(|| Failure::unexpected(call.path))?;
                    self.keep(Some(session));
                    return Ok(());
                }
                Err(Failure {
                    status: Some(400 | 401),
                    ..
                }) if refresh.is_some() => self.keep(None),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Keeps a session at once: whatever comes after, the one before is of no use.
    pub(super) fn keep(&mut self, session: Option<Session>) {
        *self.memory = session.as_ref().map(|session| session.memory(self.account));
        self.session = session;
    }
}
