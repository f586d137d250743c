//! Signing in to a network with a browser (OAuth 2.0, RFC 6749): what each network that offers it
//! implements, and what comes of it.
//!
//! A person names the place of their account. The network finds the server, registers this service
//! there as an application, and says where to send the browser. What comes back with the browser is
//! exchanged for tokens. [`Connection`] holds all that turns need from then on.

use std::fmt;
use std::future::ready;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::network::interface::Network;
use crate::network::transport::{Pending, Transport};
use crate::outcome::Diagnosis;
use crate::settings::secret::Secret;

/// A network on which people sign in with a browser.
pub trait SignIn: fmt::Debug + Sync {
    /// What a person may type to say where their account is, for the label of a field.
    fn place_label(&self) -> &'static str;

    /// What that looks like, for a hint: an example or two.
    fn place_example(&self) -> &'static str;

    /// Finds the server of an account. `typed` is what a person has typed or pasted.
    ///
    /// # Errors
    /// When the text names no server, or the server cannot be asked or may not be.
    fn find<'a>(
        &'a self,
        typed: &'a str,
        service: &'a Service,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Server, SignInError>>;

    /// Registers this service on a server. Servers limit how often this may be done, so the
    /// application is stored and used for everyone who signs in there.
    ///
    /// # Errors
    /// When the server does not register it.
    fn register<'a>(
        &'a self,
        server: &'a Server,
        service: &'a Service,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<App, SignInError>>;

    /// Asks the server whether it still knows the application, by calls that change nothing. A
    /// server that does not know it would strand the browser on an error page.
    ///
    /// # Errors
    /// [`SignInError::AppForgotten`] if the server says that it does not, or another error if it
    /// cannot be asked. Whatever else it answers is no error.
    fn check<'a>(
        &'a self,
        _app: &'a App,
        _transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(ready(Ok(())))
    }

    /// Returns the address to send the browser to. `state` comes back unchanged, and `verifier` is
    /// the secret of PKCE (RFC 7636).
    fn authorization(&self, app: &App, service: &Service, state: &str, verifier: &Secret)
    -> String;

    /// Exchanges the code that the browser brought back for tokens, and asks the server whose they
    /// are.
    ///
    /// # Errors
    /// When the server does not exchange it. [`SignInError::AppForgotten`] says that the
    /// application has to be registered anew.
    fn exchange<'a>(
        &'a self,
        app: &'a App,
        service: &'a Service,
        code: &'a Secret,
        verifier: &'a Secret,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Connection, SignInError>>;

    /// Fetches new tokens with the refresh token of a connection. The old ones may be of no use
    /// afterwards, so the new ones are stored before they are used.
    ///
    /// # Errors
    /// When the server gives none.
    fn refresh<'a>(
        &'a self,
        connection: &'a Connection,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Tokens, SignInError>>;

    /// Tells the server that the tokens are no longer used. The tokens are forgotten whatever it
    /// answers.
    ///
    /// # Errors
    /// When the server may still accept them.
    fn revoke<'a>(
        &'a self,
        connection: &'a Connection,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), SignInError>>;

    /// The account of a connection, for turns.
    fn network(&self, connection: &Connection) -> Rc<dyn Network>;

    /// Fetches the file of the picture that the account shows, at most [`MAX_SHOWN_BYTES`]; `None`
    /// if it shows the server's default picture.
    ///
    /// # Errors
    /// When the picture cannot be fetched.
    fn shown_picture<'a>(
        &'a self,
        connection: &'a Connection,
        service: &'a Service,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<Option<Vec<u8>>, Diagnosis>>;

    /// Removes the account's picture, so that it shows the server's default one.
    ///
    /// # Errors
    /// When the server does not remove it.
    fn remove_picture<'a>(
        &'a self,
        connection: &'a Connection,
        transport: &'a dyn Transport,
    ) -> Pending<'a, Result<(), Diagnosis>>;
}

/// The largest file of a shown picture that is fetched, in bytes.
pub const MAX_SHOWN_BYTES: usize = 8_000_000;

/// This service, as other servers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Scheme and host, without a slash at the end, such as `https://icons.example`.
    pub public_url: String,
}

impl Service {
    /// Where a server of a network sends the browser back to. Each server has an address of its
    /// own: without that, a hostile server could send a person on to another one with its own
    /// state, and receive the other one's code (mix-up attack, RFC 9700 §4.4).
    pub fn redirect_uri(&self, network: &str, server: &str) -> String {
        format!("{}/callback/{network}/{}", self.public_url, host_of(server))
    }
}

/// The host of a server's address, with its port where it has one of its own.
pub(crate) fn host_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, host)| host)
}

/// A server that has accounts of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Scheme, host and port, without a slash at the end.
    pub url: String,
    /// What the network has learned of the server and needs to register there, in a form of its own.
    pub facts: String,
}

/// This service as an application on a server.
#[derive(Debug, Clone)]
pub struct App {
    /// The server's scheme, host and port.
    pub server: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
    /// The scopes that it asks for, separated by spaces.
    pub scopes: String,
    /// Whether the server checks PKCE.
    pub uses_pkce: bool,
    /// The redirect URI that it was registered with. With another one it has to be registered anew.
    pub redirect_uri: String,
}

/// An account of a person on a network, and the tokens that open it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The network's name.
    pub network: String,
    /// The identity of the account, which never changes: on Mastodon, the server and the account's
    /// id there. Two connections with the same network and subject are to the same account.
    pub subject: String,
    /// The account's name for people, such as `@ada@social.example`. It is the server's text.
    pub name: String,
    /// The application that the person signed in to.
    pub app: App,
    /// The tokens.
    pub tokens: Tokens,
}

/// The tokens of a connection.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The token that requests carry.
    pub access: Secret,
    /// The token that fetches new ones, where the server gives one.
    pub refresh: Option<Secret>,
    /// When the access token expires, where the server says so.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a sign-in has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// What was typed names no server that may be asked. The text says why, and what to type.
    #[error("{0}")]
    Place(String),
    /// The server does not know the application any more.
    #[error("{server} does not know this service any more")]
    AppForgotten {
        /// The server's host.
        server: String,
    },
    /// The server asks for a pause until then.
    #[error("{server} takes no more sign-ins for now. Try again after {} UTC.", until.format("%H:%M"))]
    Paused {
        /// The server's host.
        server: String,
        /// When to ask again.
        until: DateTime<Utc>,
    },
    /// The server does not accept the code or token any more.
    #[error("{0}")]
    Refused(String),
    /// The server did not answer, or not as its software should.
    #[error("{0}")]
    Server(String),
}
