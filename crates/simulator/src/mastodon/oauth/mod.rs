//! Signing in (RFC 6749): the apps that are registered with a server, the codes and the tokens.

mod app;
mod authorize;
mod page;
mod parameters;
mod token;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(crate) use self::app::register;
pub(crate) use self::authorize::{ask, decide};
pub(crate) use self::parameters::Parameters;
pub(crate) use self::token::{exchange, revoke};
use super::Kind;
use crate::random::Random;
use crate::rate_limit::Window;

/// How long a code is good for, in seconds (doorkeeper's default).
const CODE_LIFETIME: i64 = 600;

/// A registered app.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) client_id: String,
    client_secret: String,
    pub(crate) name: String,
    website: Option<String>,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
}

/// What a client gets for a person's consent, to exchange it for a token.
struct Code {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    username: String,
    /// The challenge of PKCE (RFC 7636 §4.2), if the client sent one that counts.
    challenge: Option<String>,
    issued: i64,
    is_used: bool,
}

/// Whether a token is good, or why not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    Expired,
    Revoked,
}

/// An access token, and what it allows.
pub(crate) struct Token {
    pub(crate) access: String,
    refresh: Option<String>,
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) scopes: Vec<String>,
    issued: i64,
    /// When it expires, in seconds since 1970.
    expires: Option<i64>,
    is_revoked: bool,
    /// The requests with this token.
    pub(crate) window: Window,
}

impl Token {
    /// Whether the token is good at a time.
    pub(crate) fn state(&self, now: i64) -> State {
        match self.expires {
            _ if self.is_revoked => State::Revoked,
            Some(expires) if expires <= now => State::Expired,
            _ => State::Good,
        }
    }

    /// The token as a server of this kind answers it. `uri` is the person's.
    pub(crate) fn json(&self, kind: Kind, uri: &str, now: i64) -> Value {
        let mut answer = json!({ "access_token": self.access, "token_type": "Bearer" });
        let mut add = |name: &str, value: Value| {
            if let Some(members) = answer.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        if kind != Kind::Pixelfed {
            add("scope", self.scopes.join(" ").into());
            add("created_at", self.issued.into());
        }
        if let Some(expires) = self.expires {
            add("expires_in", expires.saturating_sub(now).into());
        }
        if let Some(refresh) = &self.refresh {
            add("refresh_token", refresh.as_str().into());
        }
        if kind == Kind::Pleroma {
            add("me", uri.into());
        }
        answer
    }
}

/// The apps, codes and tokens of a server.
pub(crate) struct OAuth {
    apps: BTreeMap<String, App>,
    codes: BTreeMap<String, Code>,
    tokens: BTreeMap<String, Token>,
    random: Random,
}

impl OAuth {
    /// No apps. What is secret comes from this source.
    pub(crate) fn new(random: Random) -> Self {
        Self {
            apps: BTreeMap::new(),
            codes: BTreeMap::new(),
            tokens: BTreeMap::new(),
            random,
        }
    }

    /// The app with this id.
    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.get(client_id)
    }

    /// How many apps are registered.
    pub(crate) fn app_count(&self) -> usize {
        self.apps.len()
    }

    /// Forgets all apps and the codes that they have not exchanged. Their tokens go on to work, but
    /// cannot be refreshed or revoked.
    pub(crate) fn forget_apps(&mut self) {
        self.apps.clear();
        self.codes.clear();
    }

    /// The token with this text.
    pub(crate) fn token(&self, access: &str) -> Option<&Token> {
        self.tokens.get(access)
    }

    /// The token with this text, to count a request.
    pub(crate) fn token_mut(&mut self, access: &str) -> Option<&mut Token> {
        self.tokens.get_mut(access)
    }

    /// The tokens of a person, or of all people.
    pub(crate) fn tokens_of(&self, username: Option<&str>) -> impl Iterator<Item = &Token> {
        self.tokens
            .values()
            .filter(move |token| username.is_none_or(|name| token.username == name))
    }

    /// Revokes the tokens of a person, or of all people.
    pub(crate) fn revoke_tokens_of(&mut self, username: Option<&str>) {
        for token in self.tokens.values_mut() {
            if username.is_none_or(|name| token.username == name) {
                token.is_revoked = true;
            }
        }
    }

    /// Lets the tokens of a person, or of all people, expire. They can still be refreshed.
    pub(crate) fn expire_tokens_of(&mut self, username: Option<&str>, now: i64) {
        for token in self.tokens.values_mut() {
            if username.is_none_or(|name| token.username == name) {
                token.expires = Some(token.expires.map_or(now, |expires| expires.min(now)));
            }
        }
    }

    /// A new token, which [`OAuth::keep`] has yet to keep.
    pub(crate) fn new_token(
        &mut self,
        kind: Kind,
        client_id: &str,
        username: &str,
        scopes: Vec<String>,
        now: i64,
    ) -> Token {
        let lifetime = kind.lifetime();
        Token {
            access: self.random.text(),
            refresh: lifetime.map(|_| self.random.text()),
            client_id: client_id.to_owned(),
            username: username.to_owned(),
            scopes,
            issued: now,
            expires: lifetime.map(|lifetime| now.saturating_add(lifetime)),
            is_revoked: false,
            window: Window::aligned(300, 300),
        }
    }

    /// Keeps a token.
    pub(crate) fn keep(&mut self, token: Token) {
        self.tokens.insert(token.access.clone(), token);
    }
}
