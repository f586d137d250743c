//! Sessions: the tokens that are handed out, how long they are good, and what is wrong with others.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde_json::{Value, json};

use super::{AUTH_MISSING, EXPIRED_TOKEN, INVALID_TOKEN};
use crate::answer::Rejection;
use crate::incoming::{Incoming, NoBearer};
use crate::random;

/// How many seconds an access token is good.
pub(super) const ACCESS_LIFETIME: i64 = 120 * 60;
/// How many seconds a refresh token is good.
pub(super) const REFRESH_LIFETIME: i64 = 90 * 24 * 60 * 60;
/// For how many seconds a refresh token that was used may be used again, since an answer may have
/// been lost.
pub(super) const REFRESH_GRACE: i64 = 2 * 60 * 60;

/// For how many seconds it is remembered what a token was that is too old.
const KEPT_EXPIRED: i64 = 24 * 60 * 60;

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    /// The type of the token as its header has it.
    fn header(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "refresh+jwt",
        }
    }

    fn scope(self) -> &'static str {
        match self {
            Self::Access => "com.atproto.appPass",
            Self::Refresh => "com.atproto.refresh",
        }
    }
}

/// What is known of a token.
#[derive(Clone)]
struct Issued {
    kind: Kind,
    expires: i64,
    /// It was good for a session that was ended before its time.
    revoked: bool,
    /// The refresh token that took its place.
    next: Option<String>,
}

/// The tokens that were handed out.
#[derive(Clone)]
pub(super) struct Sessions {
    key: hmac::Key,
    issued: HashMap<String, Issued>,
}

/// Both tokens of a session.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

/// Whether a text has the parts of a token, whoever may have made it.
pub(super) fn is_token(text: &str) -> bool {
    let mut parts = text
        .split('.')
        .map(|part| BASE64URL_NOPAD.decode(part.as_bytes()));
    let is_object = |part: Option<Result<Vec<u8>, _>>| {
        let part = part.and_then(Result::ok);
        part.is_some_and(|part| {
            serde_json::from_slice::<Value>(&part).is_ok_and(|value| value.is_object())
        })
    };
    is_object(parts.next()) && is_object(parts.next())
}

impl Sessions {
    /// None yet. No other simulator takes the tokens of this one.
    pub(super) fn new() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes()),
            issued: HashMap::new(),
        }
    }

    /// How many refresh tokens could be used.
    pub(super) fn count(&self, now: DateTime<Utc>) -> usize {
        let now = now.timestamp();
        let good = |issued: &&Issued| {
            issued.kind == Kind::Refresh
                && !issued.revoked
                && issued.next.is_none()
                && issued.expires > now
        };
        self.issued.values().filter(good).count()
    }

    /// Begins a session.
    pub(super) fn begin(&mut self, did: &str, now: DateTime<Utc>) -> Tokens {
        self.hand_out(random::text(), did, now)
    }

    /// Uses a refresh token up. One that was used before gives the same next one for a while.
    pub(super) fn refresh(&mut self, id: &str, did: &str, now: DateTime<Utc>) -> Tokens {
        let next = self
            .issued
            .get(id)
            .and_then(|issued| issued.next.clone())
            .unwrap_or_else(random::text);
        if let Some(issued) = self.issued.get_mut(id) {
            issued.next = Some(next.clone());
            issued.expires = issued.expires.min(now.timestamp() + REFRESH_GRACE);
        }
        self.hand_out(next, did, now)
    }

    /// Has the tokens of one kind be too old from now on.
    pub(super) fn expire(&mut self, kind: Kind, now: DateTime<Utc>) {
        for issued in self.issued.values_mut() {
            if issued.kind == kind {
                issued.expires = issued.expires.min(now.timestamp());
            }
        }
    }

    /// Ends the session of a refresh token.
    pub(super) fn end(&mut self, id: &str) {
        if let Some(issued) = self.issued.get_mut(id) {
            issued.revoked = true;
        }
    }

    /// Ends all sessions.
    pub(super) fn revoke(&mut self) {
        for issued in self.issued.values_mut() {
            issued.revoked = true;
        }
    }

    fn hand_out(&mut self, refresh_id: String, did: &str, now: DateTime<Utc>) -> Tokens {
        Tokens {
            access: self.issue(Kind::Access, random::text(), did, now),
            refresh: self.issue(Kind::Refresh, refresh_id, did, now),
        }
    }

    fn issue(&mut self, kind: Kind, id: String, did: &str, now: DateTime<Utc>) -> String {
        let now = now.timestamp();
        let lifetime = match kind {
            Kind::Access => ACCESS_LIFETIME,
            Kind::Refresh => REFRESH_LIFETIME,
        };
        let header = json!({ "typ": kind.header(), "alg": "HS256" });
        let payload = json!({
            "scope": kind.scope(),
            "aud": "did:web:localhost",
            "sub": did,
            "iat": now,
            "exp": now + lifetime,
            "jti": id,
        });
        let encode = |part: &Value| BASE64URL_NOPAD.encode(part.to_string().as_bytes());
        let signed = format!("{}.{}", encode(&header), encode(&payload));
        let signature = BASE64URL_NOPAD.encode(hmac::sign(&self.key, signed.as_bytes()).as_ref());
        // What is long over would only pile up.
        self.issued
            .retain(|_, issued| issued.expires > now - KEPT_EXPIRED);
        let issued = Issued {
            kind,
            expires: now + lifetime,
            revoked: false,
            next: None,
        };
        self.issued.insert(id, issued);
        format!("{signed}.{signature}")
    }

    /// The number of the token in a request, if it is good for this.
    pub(super) fn authenticate(
        &self,
        incoming: &Incoming,
        kind: Kind,
        now: DateTime<Utc>,
    ) -> Result<String, Rejection> {
        let token = incoming.bearer().map_err(|none| match none {
            NoBearer::Missing => AUTH_MISSING.because(none.words()),
            NoBearer::Other(words) if kind == Kind::Refresh && incoming.has_other_scheme() => {
                AUTH_MISSING.because(words)
            }
            NoBearer::Other(words) => INVALID_TOKEN.because(words),
        })?;
        let payload = self.verified(token).ok_or_else(|| {
            INVALID_TOKEN.because("the token was not handed out here, or was changed")
        })?;
        let id = payload
            .get("jti")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let scope = payload.get("scope").and_then(Value::as_str);
        if scope != Some(kind.scope()) {
            return Err(INVALID_TOKEN.because(format!(
                "the scope of the token is {}, but {} is needed",
                scope.unwrap_or("unknown"),
                kind.scope()
            )));
        }
        let Some(issued) = self.issued.get(id) else {
            return Err(EXPIRED_TOKEN.because("the token is too old, long since"));
        };
        let expires = payload
            .get("exp")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let now = now.timestamp();
        if issued.revoked {
            return Err(EXPIRED_TOKEN.saying("Token has been revoked"));
        }
        if now >= issued.expires.min(expires) {
            return Err(EXPIRED_TOKEN.because(match (kind, &issued.next) {
                (Kind::Refresh, Some(_)) => "the refresh token was used before",
                _ => "the token is too old",
            }));
        }
        Ok(id.to_owned())
    }

    /// What a token says, if its signature is right.
    fn verified(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let (_, payload) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()
    }
}
