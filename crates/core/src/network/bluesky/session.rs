//! Sessions: what the service grants for a password, and what is saved of it between turns.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Account;
use super::call::{CREATE_SESSION, Call, DELETE_SESSION, GET_SESSION, JSON, REFRESH_SESSION};
use super::errors::{Closed, Failure, UNKNOWN_ACCOUNT};
use super::exchange::Exchange;
use crate::network::SavedSession;
use crate::network::base_url::BaseUrl;
use crate::outcome::Reason;
use crate::settings::secret::Secret;

/// How long an access token is used. It lasts two hours.
const MAX_TOKEN_AGE: TimeDelta = TimeDelta::minutes(100);

/// A session that the service granted for a password.
pub(super) struct Session {
    /// The service.
    pub(super) service: BaseUrl,
    /// The account.
    pub(super) did: String,
    /// The token for calls.
    pub(super) access: Secret,
    /// The token for renewing the session.
    pub(super) refresh: Secret,
    pub(super) obtained_at: DateTime<Utc>,
}

impl Session {
    /// Reads the service's answer. A saved session has the same form.
    pub(super) fn read(
        value: &Value,
        service: BaseUrl,
        obtained_at: DateTime<Utc>,
    ) -> Option<Self> {
        let text = |name: &str| {
            let text = value.get(name)?.as_str()?;
            // The identifier goes into a header or a URL.
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            is_plain.then(|| text.to_owned())
        };
        Some(Self {
            service,
            did: text("did").filter(|did| did.starts_with("did:"))?,
            access: Secret::new(text("accessJwt")?),
            refresh: Secret::new(text("refreshJwt")?),
            obtained_at,
        })
    }

    /// The session saved for an account, and the frames known with it.
    pub(super) fn recalled(
        saved_session: &SavedSession,
        account: &Account,
    ) -> Option<(Self, Vec<String>)> {
        let kept: Value = serde_json::from_slice(saved_session.0.as_bytes()).ok()?;
        let text = |name: &str| kept.get(name).and_then(Value::as_str);
        let service: BaseUrl = text("service")?.parse().ok()?;
        let is_set = account.service.as_ref().is_none_or(|set| *set == service);
        let is_ours = is_set && text("identifier") == Some(&account.identifier);
        let obtained_at = kept.get("obtained_at")?.as_i64().filter(|_| is_ours)?;
        let session = Self::read(&kept, service, DateTime::from_timestamp(obtained_at, 0)?)?;
        let links = kept.get("frames").and_then(Value::as_array);
        let links = links.into_iter().flatten().filter_map(Value::as_str);
        Some((session, links.map(str::to_owned).collect()))
    }

    pub(super) fn saved_session(
        &self,
        account: &Account,
        kept_frames: &[String],
        is_found: bool,
    ) -> SavedSession {
        let kept = json!({
            "service": self.service.to_string(),
            "identifier": account.identifier,
            "obtained_at": self.obtained_at.timestamp(),
            "did": self.did,
            "accessJwt": self.access.expose(),
            "refreshJwt": self.refresh.expose(),
            "frames": kept_frames,
            "found": is_found,
        });
        SavedSession(kept.to_string())
    }

    /// Whether the access token has the usual form, three parts in base64url. A server may fail on
    /// another text, but nothing guarantees the form on every server.
    pub(super) fn has_token(&self) -> bool {
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_digit);
        let parts: Vec<_> = self.access.expose().split('.').collect();
        parts.len() == 3 && parts.into_iter().all(is_part)
    }

    pub(super) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        // Saved in whole seconds; after a clock was set back, it means nothing.
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

    /// Obtains another session: from the present one, or else from the password.
    pub(super) async fn renew(&mut self) -> Result<(), Failure> {
        if self.session.is_some() {
            match self.refresh().await {
                // Only the renewal of a living session says this; for the password, the server
                // would call it wrong.
                Err(failure) if failure.is_of_closed_account() => return Err(failure),
                Err(failure) if failure.is_of_unknown_account() => {
                    return Err(failure.told(Reason::Account, Closed::Deleted.remedy()));
                }
                Err(Failure {
                    status: Some(400 | 401),
                    ..
                }) => self.keep(None),
                other => return other,
            }
        }
        let found = self.locate().await?;
        let password = json!({
            "identifier": self.account.identifier,
            "password": self.account.app_password.expose(),
        });
        let password = password.to_string();
        let call = Call::post(CREATE_SESSION, Some(JSON), password.as_bytes());
        let reply = self.send(&call, None).await;
        let reply = reply.map_err(|failure| failure.asked_at(&self.service))?;
        if let Some(home) = found {
            if reply.get("did").and_then(Value::as_str) != Some(&home.did) {
                return Err(Failure::unexpected(call.path));
            }
            self.home = Some(home);
        }
        self.begin(&call, Ok(reply))
    }

    /// Renews the present session.
    async fn refresh(&mut self) -> Result<(), Failure> {
        let session = self.session.as_ref();
        let refresh = session.map(|session| session.refresh.clone());
        let call = Call::post(REFRESH_SESSION, None, &[]);
        let reply = self.send(&call, refresh.as_ref()).await;
        self.begin(&call, reply)
    }

    /// Keeps the session in a reply, if its account is open.
    fn begin(&mut self, call: &Call<'_>, reply: Result<Value, Failure>) -> Result<(), Failure> {
        let reply = reply?;
        let session = Session::read(&reply, self.service.clone(), self.transport.now());
        self.keep(Some(session.ok_or_else(|| Failure::unexpected(call.path))?));
        self.check_open(&reply)
    }

    /// Checks that the session's account is open.
    pub(super) fn check_open(&self, session: &Value) -> Result<(), Failure> {
        match Closed::of_session(session) {
            Some(closed) => Err(Failure {
                status: self.status,
                ..closed.told_by_session()
            }),
            None => Ok(()),
        }
    }

    /// Explains why an account cannot be turned: where it is, and its state there.
    pub(super) async fn explained(&mut self, failure: Failure) -> Failure {
        let failure = self.told_by_service(failure).await;
        self.located(failure).await
    }

    /// Explains why a call knows nothing of the account although the session is accepted: the
    /// session itself says so, or its renewal.
    async fn told_by_service(&mut self, failure: Failure) -> Failure {
        if !failure.is_of_unknown_account() {
            return failure;
        }
        let asked = self.call(&Call::get(GET_SESSION)).await;
        let found = match asked {
            Ok(session) => self.check_open(&session),
            Err(other) if other.is_of_unknown_account() => self.renew().await,
            Err(other) => Err(other),
        };
        match found {
            Err(closed) if closed.refusal().is_some() => closed,
            // The account is open, or the service does not say.
            _ => {
                self.status = failure.status;
                failure.told(Reason::Account, UNKNOWN_ACCOUNT)
            }
        }
    }

    /// Keeps a session at once: whatever comes next, the previous one is useless.
    pub(super) fn keep(&mut self, session: Option<Session>) {
        let did = |session: &Option<Session>| session.as_ref().map(|one| one.did.clone());
        if did(&session) != did(&self.session) {
            self.kept_frames.clear();
        }
        self.session = session;
        self.remember();
    }

    /// Saves what is known for the next turn. The account's server outlives its session.
    pub(super) fn remember(&mut self) {
        let home = self.home.as_ref();
        *self.saved_session = match &self.session {
            Some(session) => {
                Some(session.saved_session(self.account, &self.kept_frames, home.is_some()))
            }
            None => home.map(|home| home.saved_session(self.account)),
        };
    }

    /// Ends the saved session.
    pub(super) async fn end(&mut self) {
        if let Some(session) = self.session.take() {
            let call = Call::post(DELETE_SESSION, None, &[]);
            // If this fails, the session expires by itself.
            let _ = self.send(&call, Some(&session.refresh)).await;
        }
        self.kept_frames.clear();
        self.remember();
    }
}
