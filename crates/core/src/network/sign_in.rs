//! Signing in to a network with a browser (OAuth 2.0, RFC 6749): what each network that offers it
//! implements, and what comes of it.
//!
//! A person names the place of their account. The network finds the server, registers this service
//! there as an application, and says where to send the browser. What comes back with the browser is
//! exchanged for tokens. [`Connection`] holds all that turns need from then on.

use std::collections::BTreeMap;
use std::fmt;
use std::future::ready;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::interface::{Network, SavedSession};
use crate::network::signer::Signer;
use crate::network::transport::{Pending, Transport};
use crate::outcome::Diagnosis;
use crate::settings::secret::Secret;

/// A network on which people sign in with a browser.
pub trait SignIn: fmt::Debug + Sync {
    /// What a person may type to say where their account is, for the label of a field.
    fn place_label(&self) -> &'static str;

    /// What that looks like, for a hint: an example or two.
    fn place_example(&self) -> &'static str;

    /// What its servers ask a person to allow: a sentence for the page where a sign-in begins.
    fn consent(&self) -> &'static str;

    /// What is kept of a person's account because it is on this network, here and there, and when
    /// that goes: sentences for the page on privacy.
    fn privacy(&self) -> &'static str;

    /// Finds the server of an account. `typed` is what a person has typed or pasted.
    ///
    /// # Errors
    /// When the text names no server, or the server cannot be asked or may not be.
    fn find<'a>(
        &'a self,
        typed: &'a str,
        context: Context<'a>,
    ) -> Pending<'a, Result<Server, SignInError>>;

    /// How servers come to know this service as an application.
    fn client(&self) -> Client<'_>;

    /// Returns the address to send the browser to.
    ///
    /// # Errors
    /// When the server has to be asked for it, and does not give it.
    fn authorization<'a>(
        &'a self,
        request: AuthorizationRequest<'a>,
        context: Context<'a>,
    ) -> Pending<'a, Result<Authorization, SignInError>>;

    /// Exchanges the code that the browser brought back for tokens, and asks the server whose they
    /// are.
    ///
    /// # Errors
    /// When the server does not exchange it. [`SignInError::AppForgotten`] says that the
    /// application has to be registered anew.
    fn exchange<'a>(
        &'a self,
        grant: Grant<'a>,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>>;

    /// Fetches new tokens with the refresh token of a connection, and returns the connection with
    /// them. The old ones may be of no use afterwards, so the new ones are stored before they are
    /// used.
    ///
    /// # Errors
    /// When the server gives none. [`SignInError::Moved`] says that the account has left the server.
    fn refresh<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Connection, SignInError>>;

    /// Tells the server that the tokens are no longer used. The tokens are forgotten whatever it
    /// answers.
    ///
    /// # Errors
    /// When the server may still accept them.
    fn revoke<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), SignInError>>;

    /// Whether each sign-in has tokens of its own, so that revoking them ends no other one. Some
    /// servers give an application the tokens again that it has for an account.
    fn has_tokens_of_its_own(&self) -> bool {
        false
    }

    /// The account of a connection, for turns. `service` is `None` if the operator has not said the
    /// address of this service.
    fn network(
        &self,
        connection: &Connection,
        service: Option<Service>,
        signer: Rc<dyn Signer>,
    ) -> Rc<dyn Network>;

    /// The server that turns send their requests to: scheme, host and port. A pause that it asks for
    /// is kept by all accounts on it.
    fn turned_on(&self, connection: &Connection) -> String {
        connection.app.server.clone()
    }

    /// Keeps the picture that the account shows where the network can hold it, or else fetches its
    /// file.
    ///
    /// # Errors
    /// When the picture cannot be kept.
    fn keep_shown<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<Shown, Diagnosis>>;

    /// Has the account show the picture again that the network holds for it ([`Shown::Held`]).
    ///
    /// # Errors
    /// When the network does not hold it any more, or does not show it.
    fn put_held_back<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>>;

    /// Removes everything that turns have kept on the network, beside the picture that the account
    /// shows: the frames, and the picture from before the start ([`Shown::Held`]).
    ///
    /// # Errors
    /// When it may still be there.
    fn remove_kept<'a>(
        &'a self,
        _connection: &'a Connection,
        _context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>> {
        Box::pin(ready(Ok(())))
    }

    /// Removes the account's picture, so that it shows the server's default one.
    ///
    /// # Errors
    /// When the server does not remove it.
    fn remove_picture<'a>(
        &'a self,
        connection: &'a Connection,
        context: Context<'a>,
    ) -> Pending<'a, Result<(), Diagnosis>>;

    /// What finds the account of a connection where it is by now, typed as a place: its
    /// [`Connection::name`], or its [`Connection::subject`] where names change.
    fn place_of<'a>(&self, name: &'a str, _subject: &'a str) -> &'a str {
        name
    }

    /// What of a saved session goes on to count once a connection is forgotten: what is of the
    /// account's settings, and not of the connection. `None` if nothing does.
    fn remains_of(&self, _saved_session: &SavedSession) -> Option<SavedSession> {
        None
    }

    /// Where the network holds the picture from before the start of the account with this
    /// [`Connection::subject`], for people; `None` on a network that holds none.
    fn held_at(&self, _subject: &str) -> Option<String> {
        None
    }

    /// What a person can do to remove the frames themselves that turns have kept on the network
    /// ([`Network::keeps_frames`]), if the network no longer lets this service: a sentence or two.
    /// `subject` is [`Connection::subject`]. `None` on a network that keeps none.
    fn how_to_remove_frames(&self, _subject: &str) -> Option<String> {
        None
    }
}

/// How servers come to know this service as an application (RFC 6749 §2).
#[derive(Debug, Clone, Copy)]
pub enum Client<'a> {
    /// It registers on each server, which gives it an id and a secret.
    Registered(&'a dyn RegisteredClient),
    /// Servers fetch a document of this service, whose address is its id there.
    Published(&'a dyn PublishedClient),
}

/// A network whose servers register applications.
pub trait RegisteredClient: fmt::Debug {
    /// Registers this service on a server. Servers limit how often this may be done, so the
    /// application is stored and used for everyone who signs in there.
    ///
    /// # Errors
    /// When the server does not register it.
    fn register<'a>(
        &'a self,
        server: &'a Server,
        context: Context<'a>,
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
        _context: Context<'a>,
    ) -> Pending<'a, Result<(), SignInError>> {
        Box::pin(ready(Ok(())))
    }
}

/// A network whose servers fetch a document to know an application.
pub trait PublishedClient: fmt::Debug {
    /// The document that this service answers at an id ([`Service::client_id`]); `None` if it is
    /// none there. A network may have several, for servers that do not take each.
    fn document(&self, client_id: &str, service: &Service) -> Option<Value>;

    /// This service as the servers of the network know it first. Nothing is asked.
    fn app(&self, server: &Server, service: &Service) -> App;

    /// Whether the service signs what it sends as this application with a key of its own
    /// (`private_key_jwt`, RFC 7523 §2.2).
    fn uses_key(&self, service: &Service) -> bool;
}

/// What a sign-in reaches besides what it is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// This service, as other servers see it.
    pub service: &'a Service,
    /// What carries requests.
    pub transport: &'a dyn Transport,
    /// What signs.
    pub signer: &'a dyn Signer,
}

/// What a person is asked to consent to.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// The server, as [`SignIn::find`] has found it.
    pub server: &'a Server,
    /// This service as an application there.
    pub app: &'a App,
    /// The key that this service signs with, if the application uses one.
    pub key: Option<&'a ClientKey>,
    /// The text that comes back unchanged.
    pub state: &'a str,
    /// The secret of PKCE (RFC 7636).
    pub verifier: &'a Secret,
}

/// The way to a server's page of consent.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Where to send the browser.
    pub url: String,
    /// What the network has to know when the browser comes back, in a form of its own.
    pub kept: Option<Secret>,
}

/// What the browser has brought back, and what is known of its sign-in.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// This service as an application on the server.
    pub app: &'a App,
    /// The code.
    pub code: &'a Secret,
    /// The secret of PKCE.
    pub verifier: &'a Secret,
    /// Who the answer says that it is from (`iss`, RFC 9207).
    pub issuer: Option<&'a str>,
    /// [`Authorization::kept`].
    pub kept: Option<&'a Secret>,
}

/// A key of this service with which it signs what it sends as an application. Servers fetch its
/// public half ([`Service::jwks_uri`]).
#[derive(Debug, Clone)]
pub struct ClientKey {
    /// The key's id.
    pub id: String,
    /// The private key, a JWK (RFC 7517) as JSON.
    pub private: Secret,
}

/// What an account shows before the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The server's default picture.
    Default,
    /// A picture, of which this is the file. It has at most [`MAX_SHOWN_BYTES`].
    File(Vec<u8>),
    /// A picture that the network holds from now on, so that the account can show it again.
    Held,
}

/// The largest file of a shown picture that is fetched, in bytes.
pub const MAX_SHOWN_BYTES: usize = 8_000_000;

/// This service, as other servers see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// Scheme and host, without a slash at the end, such as `https://icons.example`.
    pub public_url: String,
    /// What the operator has set of the networks' variables, by name.
    pub variables: BTreeMap<&'static str, String>,
}

impl Service {
    /// Where a server of a network sends the browser back to. Each server has an address of its
    /// own: without that, a hostile server could send a person on to another one with its own
    /// state, and receive the other one's code (mix-up attack, RFC 9700 §4.4).
    pub fn redirect_uri(&self, network: &str, server: &str) -> String {
        format!("{}/callback/{network}/{}", self.public_url, host_of(server))
    }

    /// Where all servers of a network send the browser back to whose answers name their sender
    /// (RFC 9207).
    pub fn shared_redirect_uri(&self, network: &str) -> String {
        format!("{}/callback/{network}", self.public_url)
    }

    /// The id of this service on the servers of a network that fetch its document: the address of
    /// that. `name` is the network's, and for further documents goes on with a slash, as in
    /// `network/other`.
    pub fn client_id(&self, name: &str) -> String {
        format!("{}/oauth/{name}/client-metadata.json", self.public_url)
    }

    /// Where the public halves of this service's keys are (RFC 7517 §5).
    pub fn jwks_uri(&self) -> String {
        format!("{}/oauth/jwks.json", self.public_url)
    }

    /// Whether servers can fetch its documents. A service on loopback, which nobody else reaches, is
    /// the only one with another scheme.
    pub fn is_on_internet(&self) -> bool {
        self.public_url.starts_with("https://")
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
    /// The application's secret, if the server has given it one.
    pub client_secret: Option<Secret>,
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
    /// What else the network needs for its requests, in a form of its own.
    pub details: Option<Secret>,
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
    /// The account is on another server by now, whatever this one accepts.
    #[error("{0}")]
    Moved(String),
    /// The server did not answer, or not as its software should.
    #[error("{0}")]
    Server(String),
    /// It has failed for a reason of this sign-in alone, such as an answer that cannot be read.
    /// Another try may do better, and the server may serve others meanwhile.
    #[error("{0}")]
    Failed(String),
}
