//! Sessions: what the service grants for a password, and what is saved of it between turns.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::network::base_url::BaseUrl;
use crate::network::bluesky::account::Account;
use crate::network::interface::SavedSession;
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
