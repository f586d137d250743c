//! Signing in with a network: from what a person types to the account that opens.
//!
//! [`SigningIn::begin`] finds the server, registers this service there unless it has been, and says
//! where to send the browser. [`SigningIn::finish`] takes what the browser brings back. Each sign-in
//! can be finished once, within ten minutes, by the browser that began it, and its code goes to no
//! other server.
//!
//! On a network whose servers fetch a document to know an application, nothing is registered: this
//! service may sign with a key of its own instead ([`client_keys`]).

use std::cell::Cell;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::commands::{Command, Reply};
use crate::account::connections::stored_connection;
use crate::account::id::AccountId;
use crate::account::stored_account::{Before, StoredConnection};
use crate::instant::after;
use crate::network;
use crate::network::sign_in::{
    App, AuthorizationRequest, Client as ClientKind, Connection, Context, Grant, RegisteredClient,
    Server, Service, SignIn, SignInError, host_of,
};
use crate::network::signer::{Signer, SigningError};
use crate::network::transport::Deadline;
use crate::outcome::Diagnosis;
use crate::ports::{Client, Clock, Encryption, EncryptionError, Purpose};
use crate::service::accounts::{Accounts, Unreachable};
use crate::service::client_keys::{self, NoClientKey};
use crate::service::directory::{
    Connected, Directory, Identity, Limit, PendingSignIn, SIGN_IN_LIFETIME, SignedIn, StoredApp,
};
use crate::service::tokens::{hash, random_token};
use crate::settings::secret::Secret;

/// The field of an app's encrypted secret.
pub(crate) const CLIENT_SECRET: &str = "client_secret";

/// How long the servers of a sign-in may take, from what was typed to their page, and again from
/// the way back to the account. A person waits for it in front of an empty page.
const TIME: TimeDelta = TimeDelta::seconds(25);

/// How long a server may take to revoke tokens that nobody uses. The person still waits.
const TIME_TO_REVOKE: TimeDelta = TimeDelta::seconds(5);

/// The field of what a sign-in keeps encrypted.
const SECRETS: &str = "sign-in";

/// What a sign-in works with.
pub struct SigningIn<'a, H> {
    /// The host.
    pub host: &'a H,
    /// What signs on it.
    pub signer: &'a dyn Signer,
    /// This service, as other servers see it.
    pub service: &'a Service,
    /// Whether a sign-in may create an account.
    pub limit: Limit,
}

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The network's name.
    pub network: &'a str,
    /// What they typed to say where their account is.
    pub typed: &'a str,
    /// The account that is signed in, which the identity is connected to.
    pub account: Option<AccountId>,
    /// Whether the identity is moved to that account if another one has it.
    pub moves: bool,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where to send the browser.
    pub authorization: String,
    /// The server's scheme, host and port.
    pub server: String,
    /// The state, which comes back in the address.
    pub state: Secret,
    /// The token for a cookie of the browser. Only the browser that has it can finish the sign-in.
    pub browser: Secret,
}

/// What the browser brings back.
#[derive(Debug, Clone)]
pub struct Returned<'a> {
    /// The network's name, from the path.
    pub network: &'a str,
    /// The address to which the browser came back, without the query.
    pub redirect_uri: &'a str,
    /// Who the answer says that it is from (`iss`, RFC 9207).
    pub issuer: Option<&'a str>,
    /// The state.
    pub state: Secret,
    /// The token in the browser's cookie.
    pub browser: Secret,
    /// The code, or the error that the server gives instead.
    pub code: Result<Secret, String>,
    /// The account that is signed in now.
    pub account: Option<AccountId>,
}

/// How a sign-in has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The browser may be signed in to this account.
    SignedIn(AccountId),
    /// The identity has been connected to the account that is signed in.
    Connected,
    /// Another account has the identity. The person chooses.
    Taken {
        /// The network's name.
        network: String,
        /// What finds the account there, typed as its place.
        place: String,
        /// The name of the account on the network.
        name: String,
    },
}

/// Why a sign-in has not succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failed {
    /// There is no such network, or nobody signs in there with a browser.
    #[error("Nobody can sign in with this network.")]
    NoNetwork,
    /// The network or its server does not let the person in.
    #[error(transparent)]
    Network(#[from] SignInError),
    /// The person has refused.
    #[error("rotate-icon was not given access to your account on {0}. Nothing has changed.")]
    Denied(&'static str),
    /// The sign-in is over, was begun in another browser, or was never begun.
    #[error(
        "This sign-in is over: it was used before, took longer than ten minutes, or began in \
         another browser. Sign in again."
    )]
    Over,
    /// The browser has meanwhile been signed in to another account, or signed out.
    #[error("You have signed out since this began, or in to another account. Try again.")]
    OtherAccount,
    /// Nobody may have a new account.
    #[error("This service takes no new accounts at the moment.")]
    Closed,
    /// There are as many accounts as there may be.
    #[error("This service has as many accounts as it can carry. Try again another day.")]
    Full,
    /// The account does not take the connection.
    #[error("{}", .0.in_words())]
    Account(Diagnosis),
    /// A part of the service cannot be reached.
    #[error("This service cannot be reached completely ({0}). Try again.")]
    Unreachable(#[from] Unreachable),
    /// Nothing can be encrypted.
    #[error("Signing in is closed: {0}. Only the operator can change that.")]
    Encryption(#[from] EncryptionError),
    /// Nothing can be signed.
    #[error("This service cannot sign in just now: {0}. Try again.")]
    Signing(#[from] SigningError),
    /// The host has no random bytes.
    #[error("This service has no random numbers. Try again.")]
    Random,
}

impl<H: Client + Clock + Encryption + Directory + Accounts> SigningIn<'_, H> {
    /// Begins a sign-in.
    ///
    /// # Errors
    /// When it cannot begin. Nothing is kept then but a registration.
    pub async fn begin(&self, wish: &Wish<'_>) -> Result<Begun, Failed> {
        let sign_in = way_in(wish.network)?;
        // Before anything is asked of a server.
        if self.host.newest_key()?.is_none() {
            return Err(EncryptionError::NoKey.into());
        }
        let deadline = Deadline::of(self.host, TIME);
        let begun = self.begin_within(sign_in, wish, &deadline).await;
        begun.map_err(|error| too_late(error, &deadline))
    }

    async fn begin_within(
        &self,
        sign_in: &dyn SignIn,
        wish: &Wish<'_>,
        deadline: &Deadline<'_>,
    ) -> Result<Begun, Failed> {
        let context = self.context(deadline);
        let server = sign_in.find(wish.typed, context).await?;
        let begun = self.begin_at(&server, sign_in, wish, context).await;
        if let Err(Failed::Network(SignInError::Paused { until, .. })) = &begun {
            self.host.pause(&server.url, *until).await?;
        }
        begun
    }

    /// Begins a sign-in on a server.
    async fn begin_at(
        &self,
        server: &Server,
        sign_in: &dyn SignIn,
        wish: &Wish<'_>,
        context: Context<'_>,
    ) -> Result<Begun, Failed> {
        let (app, key) = match sign_in.client() {
            ClientKind::Registered(client) => {
                let app = self.registered(wish.network, client, server, context);
                (app.await?, None)
            }
            ClientKind::Published(client) => {
                self.check_pause(server).await?;
                let mut key = None;
                if client.uses_key(self.service) {
                    key = Some(client_keys::to_sign_with(self.host, self.signer).await?);
                }
                (client.app(server, self.service), key)
            }
        };
        let (state, browser, verifier) = (random()?, random()?, random()?);
        let request = AuthorizationRequest {
            server,
            app: &app,
            key: key.as_ref(),
            state: state.expose(),
            verifier: &verifier,
        };
        let authorization = sign_in.authorization(request, context).await?;
        let state_hash = hash(&state);
        let purpose = Purpose {
            owner: &state_hash,
            field: SECRETS,
        };
        let secrets = Secrets {
            verifier: verifier.expose().to_owned(),
            kept: authorization.kept.map(|kept| kept.expose().to_owned()),
            server: server.clone(),
        };
        let secrets = serde_json::to_string(&secrets).expect("it is made of texts");
        let pending = PendingSignIn {
            browser_hash: hash(&browser),
            network: wish.network.to_owned(),
            server: app.server.clone(),
            secrets: self.host.encrypt(&secrets, &purpose).await?,
            account: wish.account.clone(),
            moves: wish.moves,
            expires_at: after(Clock::now(self.host), SIGN_IN_LIFETIME),
            state_hash,
        };
        self.host.keep_sign_in(&pending).await?;
        Ok(Begun {
            authorization: authorization.url,
            server: app.server,
            state,
            browser,
        })
    }

    /// Finishes a sign-in with what the browser brings back.
    ///
    /// # Errors
    /// When the person is not signed in. The sign-in is over then too.
    pub async fn finish(&self, returned: Returned<'_>) -> Result<Finished, Failed> {
        let sign_in = way_in(returned.network)?;
        let now = Clock::now(self.host);
        let (state_hash, browser_hash) = (hash(&returned.state), hash(&returned.browser));
        let taken = self
            .host
            .take_sign_in(&state_hash, &browser_hash, now)
            .await?;
        let pending = taken
            .filter(|pending| pending.network == returned.network)
            .ok_or(Failed::Over)?;
        // What somebody began in their own account ends in no other.
        if pending.account.is_some() && pending.account != returned.account {
            return Err(Failed::OtherAccount);
        }
        let purpose = Purpose {
            owner: &state_hash,
            field: SECRETS,
        };
        let secrets = self.host.decrypt(&pending.secrets, &purpose).await?;
        let secrets: Secrets = serde_json::from_str(&secrets).map_err(|_| Failed::Over)?;
        let app = match sign_in.client() {
            ClientKind::Registered(_) => {
                let app = self.host.app(&pending.network, &pending.server).await?;
                self.opened(app.ok_or(Failed::Over)?).await?
            }
            ClientKind::Published(client) => client.app(&secrets.server, self.service),
        };
        // The code is of the server that sent the browser here, and goes to no other.
        if app.redirect_uri != returned.redirect_uri {
            return Err(Failed::Over);
        }
        let code = returned.code.map_err(|error| denied(&error, &pending))?;
        let (verifier, kept) = (Secret::new(secrets.verifier), secrets.kept.map(Secret::new));
        let grant = Grant {
            app: &app,
            code: &code,
            verifier: &verifier,
            issuer: returned.issuer,
            kept: kept.as_ref(),
        };
        let deadline = Deadline::of(self.host, TIME);
        let context = self.context(&deadline);
        let connection = sign_in.exchange(grant, context).await;
        let connection = connection.map_err(|error| too_late(error.into(), &deadline))?;
        let granted = Granted::new(sign_in, connection);
        let (account, moves) = (pending.account.as_ref(), pending.moves);
        self.take_in(&granted, account, moves, now).await
    }

    /// Takes in what a server has granted: connects it to an account, or signs in to the one that it
    /// opens. Tokens that no account has are revoked.
    async fn take_in(
        &self,
        granted: &Granted<'_>,
        account: Option<&AccountId>,
        moves: bool,
        now: DateTime<Utc>,
    ) -> Result<Finished, Failed> {
        let finished = match account {
            Some(account) => self.connect(account, granted, moves, now).await,
            None => self.sign_in(granted, now).await,
        };
        let is_strange = matches!(finished, Err(Failed::Full | Failed::Closed));
        let is_alone = is_strange || granted.sign_in.has_tokens_of_its_own();
        // Another account would lose the same tokens.
        if is_alone && !granted.may_be_kept.get() {
            // What the sign-in was given may be over.
            let deadline = Deadline::of(self.host, TIME_TO_REVOKE);
            let context = self.context(&deadline);
            // If they stay valid, that harms nobody.
            let _ = granted.sign_in.revoke(&granted.connection, context).await;
        }
        finished
    }

    /// Signs in to the account of an identity, and gives it the new tokens.
    async fn sign_in(&self, granted: &Granted<'_>, now: DateTime<Utc>) -> Result<Finished, Failed> {
        let new = AccountId::random().map_err(|_| Failed::Random)?;
        let identity = identity_of(&granted.connection);
        let account = match self.host.sign_in(&identity, &new, self.limit, now).await? {
            SignedIn::Known(account) | SignedIn::Created(account) => account,
            SignedIn::Full => return Err(Failed::Full),
            SignedIn::Closed => return Err(Failed::Closed),
        };
        let unknown = ShownBefore::default();
        self.give(&account, granted, unknown, now).await?;
        Ok(Finished::SignedIn(account))
    }

    /// Connects an identity to the account that is signed in.
    async fn connect(
        &self,
        account: &AccountId,
        granted: &Granted<'_>,
        moves: bool,
        now: DateTime<Utc>,
    ) -> Result<Finished, Failed> {
        let identity = identity_of(&granted.connection);
        match self.host.connect(&identity, account, false, now).await? {
            Connected::Taken(other) if moves => {
                self.move_identity(&other, account, granted, now).await?;
            }
            Connected::Taken(_) => {
                let Connection { name, subject, .. } = &granted.connection;
                return Ok(Finished::Taken {
                    place: granted.sign_in.place_of(name, subject).to_owned(),
                    name: name.clone(),
                    network: identity.network,
                });
            }
            Connected::Done { .. } => {
                let unknown = ShownBefore::default();
                self.give(account, granted, unknown, now).await?;
            }
        }
        Ok(Finished::Connected)
    }

    /// Moves an identity from one account to another, with what goes with it. Nothing is forgotten
    /// before the other account has it, and the identity goes last: if the host ends in between, the
    /// person moves it again, and nothing is lost.
    async fn move_identity(
        &self,
        from: &AccountId,
        to: &AccountId,
        granted: &Granted<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let identity = identity_of(&granted.connection);
        let carry = Command::Carry {
            network: identity.network.clone(),
            subject: identity.subject.clone(),
        };
        let shown_before = match self.carried_out(from, &carry).await? {
            Reply::Carried { before, picture } => ShownBefore { before, picture },
            _ => ShownBefore::default(),
        };
        self.give(to, granted, shown_before, now).await?;
        let new = stored_connection(&granted.connection, from, now, self.host).await?;
        self.carried_out(from, &Command::Moved { new }).await?;
        self.host.connect(&identity, to, true, now).await?;
        Ok(())
    }

    /// Gives an account what was granted.
    async fn give(
        &self,
        account: &AccountId,
        granted: &Granted<'_>,
        shown_before: ShownBefore,
        now: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let connection = stored_connection(&granted.connection, account, now, self.host).await?;
        let ShownBefore { before, picture } = shown_before;
        let command = Command::Connect {
            connection: StoredConnection {
                before,
                ..connection
            },
            picture,
        };
        let given = self.carried_out(account, &command).await;
        // An account whose reply was lost may have taken it.
        let is_refused = matches!(given, Err(Failed::Account(_)));
        granted.may_be_kept.set(!is_refused);
        given.map(drop)
    }

    async fn carried_out(&self, account: &AccountId, command: &Command) -> Result<Reply, Failed> {
        match self.host.ask(account, command).await? {
            Reply::Refused { diagnosis } => Err(Failed::Account(diagnosis)),
            reply => Ok(reply),
        }
    }

    /// The registration on a server: the one that is kept, or a new one where there is none, the
    /// server has forgotten it, or it is for another address of this service.
    async fn registered(
        &self,
        network: &str,
        client: &dyn RegisteredClient,
        server: &Server,
        context: Context<'_>,
    ) -> Result<App, Failed> {
        let stored = self.host.app(network, &server.url).await?;
        let redirect_uri = self.service.redirect_uri(network, &server.url);
        if let Some(stored) = stored.filter(|stored| stored.redirect_uri == redirect_uri) {
            // A secret that cannot be decrypted any more is as good as forgotten.
            if let Ok(app) = self.opened(stored).await {
                match client.check(&app, context).await {
                    Err(SignInError::AppForgotten { .. }) => {}
                    checked => return Ok(checked.map(|()| app)?),
                }
            }
        }
        self.check_pause(server).await?;
        let app = client.register(server, context).await?;
        let secret = app.client_secret.as_ref().map_or("", Secret::expose);
        let purpose = Purpose {
            owner: &app.server,
            field: CLIENT_SECRET,
        };
        let stored = StoredApp {
            network: network.to_owned(),
            server: app.server.clone(),
            client_id: app.client_id.clone(),
            client_secret: self.host.encrypt(secret, &purpose).await?,
            scopes: app.scopes.clone(),
            uses_pkce: app.uses_pkce,
            redirect_uri: app.redirect_uri.clone(),
        };
        self.host.keep_app(&stored).await?;
        Ok(app)
    }

    /// Checks that a server has not asked for a pause.
    async fn check_pause(&self, server: &Server) -> Result<(), Failed> {
        let now = Clock::now(self.host);
        match self.host.paused_until(&server.url, now).await? {
            Some(until) => {
                let server = host_of(&server.url).to_owned();
                Err(SignInError::Paused { server, until }.into())
            }
            None => Ok(()),
        }
    }

    /// What a network reaches until a deadline.
    fn context<'a>(&'a self, deadline: &'a Deadline<'a>) -> Context<'a> {
        Context {
            service: self.service,
            transport: deadline,
            signer: self.signer,
        }
    }

    /// A stored registration, with its secret.
    async fn opened(&self, stored: StoredApp) -> Result<App, Failed> {
        let purpose = Purpose {
            owner: &stored.server,
            field: CLIENT_SECRET,
        };
        let secret = self.host.decrypt(&stored.client_secret, &purpose).await?;
        Ok(App {
            server: stored.server,
            client_id: stored.client_id,
            client_secret: Some(secret)
                .filter(|secret| !secret.is_empty())
                .map(Secret::new),
            scopes: stored.scopes,
            uses_pkce: stored.uses_pkce,
            redirect_uri: stored.redirect_uri,
        })
    }
}

impl From<NoClientKey> for Failed {
    fn from(error: NoClientKey) -> Self {
        match error {
            NoClientKey::Unreachable(error) => error.into(),
            NoClientKey::Encryption(error) => error.into(),
            NoClientKey::Signing(error) => error.into(),
        }
    }
}

/// What a server has granted.
struct Granted<'a> {
    /// How people sign in there.
    sign_in: &'a dyn SignIn,
    /// The account, with its tokens.
    connection: Connection,
    /// Whether an account here may have the tokens.
    may_be_kept: Cell<bool>,
}

impl<'a> Granted<'a> {
    fn new(sign_in: &'a dyn SignIn, connection: Connection) -> Self {
        Self {
            sign_in,
            connection,
            may_be_kept: Cell::new(false),
        }
    }
}

/// What a network showed before the start of a connection in another account.
#[derive(Default)]
struct ShownBefore {
    before: Before,
    /// A JPEG file in base64.
    picture: Option<String>,
}

/// What a sign-in keeps encrypted.
#[derive(Serialize, Deserialize)]
struct Secrets {
    verifier: String,
    kept: Option<String>,
    server: Server,
}

/// What the server says instead of giving a code (RFC 6749 §4.1.2.1).
fn denied(error: &str, pending: &PendingSignIn) -> Failed {
    let title = network::named(&pending.network).map_or("This service", |one| one.title);
    match error {
        "access_denied" => Failed::Denied(title),
        _ => SignInError::Server(format!(
            "{} did not let you in. Try again.",
            host_of(&pending.server)
        ))
        .into(),
    }
}

/// What is told of an error: after the deadline, that it has passed.
fn too_late(error: Failed, deadline: &Deadline<'_>) -> Failed {
    match error {
        Failed::Network(SignInError::Server(_)) if deadline.is_over() => {
            SignInError::Server(format!(
                "The servers that have to be asked took longer than {} s together. Try again later.",
                TIME.num_seconds()
            ))
            .into()
        }
        error => error,
    }
}

/// How people sign in with a network.
fn way_in(name: &str) -> Result<&'static dyn SignIn, Failed> {
    let definition = network::named(name).ok_or(Failed::NoNetwork)?;
    definition.sign_in.ok_or(Failed::NoNetwork)
}

fn identity_of(connection: &Connection) -> Identity {
    Identity {
        network: connection.network.clone(),
        subject: connection.subject.clone(),
    }
}

fn random() -> Result<Secret, Failed> {
    random_token().map_err(|_| Failed::Random)
}

#[cfg(test)]
mod tests;
