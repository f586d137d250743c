//! Sessions: issuing access and refresh tokens, and checking those of a request.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use hmac_sha256::HMAC;
use serde_json::{Value, json};

use super::{AUTH_MISSING, EXPIRED_TOKEN, INVALID_TOKEN};
use crate::random::Random;
use crate::reply::Rejection;
use crate::request::{NoBearer, Request};

/// The lifetime of an access token, in seconds.
pub(crate) const ACCESS_LIFETIME: i64 = 120 * 60;
/// The lifetime of a refresh token, in seconds.
pub(crate) const REFRESH_LIFETIME: i64 = 90 * 24 * 60 * 60;
/// How long a used refresh token may be used again, in seconds, since the answer may have been
/// lost.
pub(crate) const REFRESH_GRACE: i64 = 2 * 60 * 60;

/// How long an expired token is remembered, in seconds.
const KEPT_EXPIRED: i64 = 24 * 60 * 60;

/// The kind of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    /// The type in the header of the token.
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

/// An issued token.
#[derive(Clone)]
struct Issued {
    kind: Kind,
    expires: i64,
    /// Whether its session was ended early.
    revoked: bool,
    /// The id of the refresh token that replaced it.
    next: Option<String>,
}

/// The issued tokens.
#[derive(Clone)]
pub(crate) struct Sessions {
    /// Signs the tokens.
    key: [u8; 32],
    random: Random,
    issued: HashMap<String, Issued>,
}

/// Both tokens of a session.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Whether a text has the form of a token, whoever issued it.
pub(crate) fn is_token(text: &str) -> bool {
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
    /// No sessions. The signing key and the ids come from this source, so no other simulator
    /// accepts the tokens.
    pub(crate) fn new(mut random: Random) -> Self {
        Self {
            key: random.bytes(),
            random,
            issued: HashMap::new(),
        }
    }

    /// How many sessions can still be refreshed.
    pub(crate) fn count(&self, now: DateTime<Utc>) -> usize {
        let now = now.timestamp();
        let good = |issued: &&Issued| {
            issued.kind == Kind::Refresh
                && !issued.revoked
                && issued.next.is_none()
                && issued.expires > now
        };
        self.issued.values().filter(good).count()
    }

    /// Creates a session.
    pub(crate) fn begin(&mut self, did: &str, now: DateTime<Utc>) -> Tokens {
        let id = self.random.text();
        self.issue_both(id, did, now)
    }

    /// Uses a refresh token. Within [`REFRESH_GRACE`], using it again gives the same next token.
    pub(crate) fn refresh(&mut self, id: &str, did: &str, now: DateTime<Utc>) -> Tokens {
        let next = self.issued.get(id).and_then(|issued| issued.next.clone());
        let next = next.unwrap_or_else(|| self.random.text());
        if let Some(issued) = self.issued.get_mut(id) {
            issued.next = Some(next.clone());
            issued.expires = issued.expires.min(now.timestamp() + REFRESH_GRACE);
        }
        self.issue_both(next, did, now)
    }

    /// Has all tokens of a kind expire now.
    pub(crate) fn expire(&mut self, kind: Kind, now: DateTime<Utc>) {
        for issued in self.issued.values_mut() {
            if issued.kind == kind {
                issued.expires = issued.expires.min(now.timestamp());
            }
        }
    }

    /// Ends the session of a refresh token.
    pub(crate) fn end(&mut self, id: &str) {
        if let Some(issued) = self.issued.get_mut(id) {
            issued.revoked = true;
        }
    }

    /// Ends all sessions.
    pub(crate) fn revoke(&mut self) {
        for issued in self.issued.values_mut() {
            issued.revoked = true;
        }
    }

    fn issue_both(&mut self, refresh_id: String, did: &str, now: DateTime<Utc>) -> Tokens {
        let access_id = self.random.text();
        Tokens {
            access: self.issue(Kind::Access, access_id, did, now),
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
        let signature = BASE64URL_NOPAD.encode(&HMAC::mac(&signed, self.key));
        // Long expired tokens would pile up.
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

    /// The id of the token in a request.
    ///
    /// # Errors
    ///
    /// If there is no valid token of this kind.
    pub(crate) fn authenticate(
        &self,
        request: &Request,
        kind: Kind,
        now: DateTime<Utc>,
    ) -> Result<String, Rejection> {
        let token = request.bearer().map_err(|none| match none {
            NoBearer::Missing => AUTH_MISSING.because(none.reason()),
            NoBearer::Malformed(reason) if kind == Kind::Refresh && request.has_other_scheme() => {
                AUTH_MISSING.because(reason)
            }
            NoBearer::Malformed(reason) => INVALID_TOKEN.because(reason),
        })?;
        let payload = self.verified(token).ok_or_else(|| {
            INVALID_TOKEN.because("the token was not issued here, or was changed")
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
            return Err(EXPIRED_TOKEN.because("the token expired long ago"));
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
                _ => "the token has expired",
            }));
        }
        Ok(id.to_owned())
    }

    /// The payload of a token, if the signature is right.
    fn verified(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let expected = signature.try_into().ok()?;
        HMAC::verify(signed, self.key, &expected).then_some(())?;
        let (_, payload) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()
    }
}
