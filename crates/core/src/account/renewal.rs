//! The tokens of an account's sign-ins: they are renewed before they expire, and revoked when nobody
//! uses them any more.

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::account_store::AccountStore;
use crate::account::connections::encrypted;
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::open::Account;
use crate::account::own_clock::Delay;
use crate::instant::after;
use crate::network;
use crate::network::sign_in::{Connection, Context, Service, SignInError};
use crate::network::signer::Signer;
use crate::outcome::{Diagnosis, Outcome, Reason};

/// How long before its end a token is renewed.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// How soon a token is asked for again at the earliest, after that has failed.
const RENEW_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// What to do where a turn waits for a server.
const TRIED_AGAIN: &str = "Nothing to do: it is tried again by itself.";

/// Why there are no new tokens.
#[derive(Debug)]
pub(super) enum NotRenewed {
    /// There is nothing to ask for them with, or nothing to keep them in. The turn says what the
    /// network thinks of those that there are.
    Unasked,
    /// The server has failed, or asked for a pause.
    Later {
        /// The earliest time of another attempt.
        at: DateTime<Utc>,
        /// Why.
        diagnosis: Diagnosis,
    },
    /// The sign-in is over.
    Over {
        /// Why, and what to do.
        why: String,
        /// Whether the account is on another server by now, so that the tokens which there are must
        /// not be used, even if they can be.
        has_moved: bool,
    },
}

impl NotRenewed {
    /// The sign-in is over, for a reason that does not matter to tokens which can still be used.
    fn over(why: String) -> Self {
        let has_moved = false;
        Self::Over { why, has_moved }
    }

    /// How a turn ends for it, if the network is not to be asked. `is_unusable` is whether the
    /// tokens that there are cannot be used.
    pub(super) fn outcome(&self, is_unusable: bool) -> Option<Outcome> {
        match self {
            Self::Over { why, has_moved } if *has_moved || is_unusable => {
                let remedy = "Nothing else is lost.";
                let diagnosis = Diagnosis::new(Reason::Credentials, why.clone(), remedy);
                Some(Outcome::Refused(diagnosis))
            }
            Self::Later { at, diagnosis } if is_unusable => Some(Outcome::Retry {
                at: *at,
                diagnosis: diagnosis.clone(),
            }),
            _ => None,
        }
    }
}

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// The connection on a network, with tokens that do not expire in the next minutes; `None` if
    /// there is none whose tokens can be used.
    pub(super) async fn fresh_connection(
        &self,
        network: &str,
    ) -> Result<Option<Connection>, Diagnosis> {
        let opened = self.open().await?;
        let Some(connection) = opened.connection(network) else {
            return Ok(None);
        };
        if self.is_to_be_renewed(connection) && self.renew(connection).await {
            return Ok(self.open().await?.connection(network).cloned());
        }
        Ok(Some(connection.clone()))
    }

    /// Whether the tokens of a connection expire in the next minutes, and can be renewed.
    pub(super) fn is_to_be_renewed(&self, connection: &Connection) -> bool {
        let tokens = &connection.tokens;
        let soon = after(self.host.now(), RENEW_BEFORE);
        tokens.refresh.is_some() && tokens.expires_at.is_some_and(|at| at <= soon)
    }

    /// Fetches new tokens for a connection and stores them, as [`Account::try_to_renew`] does.
    /// Returns whether there are new ones.
    pub(super) async fn renew(&self, connection: &Connection) -> bool {
        self.try_to_renew(connection).await.is_ok()
    }

    /// Fetches new tokens for a connection and stores them. They are used only once they are stored:
    /// the old ones may be of no use any more, and whoever used the new ones before would lose them
    /// with this host.
    pub(super) async fn try_to_renew(&self, connection: &Connection) -> Result<(), NotRenewed> {
        let now = self.host.now();
        let network = connection.network.as_str();
        let sign_in = self.host.sign_in_to(network).ok_or(NotRenewed::Unasked)?;
        let service = self.host.service().ok_or(NotRenewed::Unasked)?;
        let tokens = &connection.tokens;
        if tokens.refresh.is_none() {
            // That there is none is the reason only where the token has ended as it was to end.
            if tokens.expires_at.is_none_or(|at| at > now) {
                return Err(NotRenewed::Unasked);
            }
        } else if let Some(later) = self.server_is_left_alone(connection) {
            return Err(later);
        }
        let signer = self.host.signer();
        let context = self.context(&service, &*signer);
        let renewed = sign_in.refresh(connection, context).await;
        let mut renewed = renewed.map_err(|error| self.not_renewed(connection, error))?;
        let before = connection.tokens.refresh.clone();
        renewed.tokens.refresh = renewed.tokens.refresh.or(before);
        let kept = self.keep_renewed(renewed).await;
        kept.ok_or(NotRenewed::Unasked)
    }

    /// Stores the tokens of a connection that was renewed. `None` if they are not stored.
    async fn keep_renewed(&self, renewed: Connection) -> Option<()> {
        let secrets = encrypted(&renewed, self.id, self.host).await.ok()?;
        let mut stored = self.open().await.ok()?.stored.clone();
        let of_network = stored.connection_mut(&renewed.network)?;
        of_network.secrets = Some(secrets);
        of_network.name = renewed.name;
        of_network.expires_at = renewed.tokens.expires_at;
        self.keep(stored).await.ok()
    }

    /// What an error means that came instead of new tokens. What it means for other accounts is
    /// remembered.
    fn not_renewed(&self, connection: &Connection, error: SignInError) -> NotRenewed {
        let (pauses, now) = (self.host.server_pauses(), self.host.now());
        let server = &connection.app.server;
        let title = title_of(connection);
        match error {
            SignInError::Paused { until, .. } => {
                pauses.pause(server, until, now);
                NotRenewed::Later {
                    at: self.own_end_of(until),
                    diagnosis: pause_of(title),
                }
            }
            SignInError::Server(_) | SignInError::Failed(_) => {
                let at = after(now, RENEW_AGAIN);
                if matches!(error, SignInError::Server(_)) {
                    pauses.pause_renewals(server, at, now);
                }
                let diagnosis = not_renewed_by(title);
                NotRenewed::Later { at, diagnosis }
            }
            SignInError::Refused(why) => NotRenewed::over(why),
            SignInError::Moved(why) => NotRenewed::Over {
                why,
                has_moved: true,
            },
            forgotten @ SignInError::AppForgotten { .. } => {
                NotRenewed::over(format!("{forgotten}. Sign in again."))
            }
            // Nobody has typed anything.
            SignInError::Place(_) => NotRenewed::Unasked,
        }
    }

    /// Why the server of a connection is not asked to renew its tokens now, if it is not.
    fn server_is_left_alone(&self, connection: &Connection) -> Option<NotRenewed> {
        let (pauses, now) = (self.host.server_pauses(), self.host.now());
        let server = &connection.app.server;
        let asked = pauses.until(server, now);
        let failed = pauses.renewals_until(server, now);
        let title = title_of(connection);
        Some(NotRenewed::Later {
            at: self.own_end_of(asked.max(failed)?),
            diagnosis: if asked >= failed {
                pause_of(title)
            } else {
                not_renewed_by(title)
            },
        })
    }

    /// When a pause of all accounts of a server ends for this one: they do not all come back at the
    /// same instant.
    pub(super) fn own_end_of(&self, pause: DateTime<Utc>) -> DateTime<Utc> {
        after(pause, Delay::of(self.id, None).spread())
    }

    /// Tells a network that tokens are no longer used, if it can be told. They are forgotten here
    /// whatever it answers. Returns whether it has been told.
    pub(super) async fn revoke(&self, connection: &Connection) -> bool {
        let sign_in = self.host.sign_in_to(&connection.network);
        let (Some(sign_in), Some(service)) = (sign_in, self.host.service()) else {
            return false;
        };
        let signer = self.host.signer();
        let context = self.context(&service, &*signer);
        sign_in.revoke(connection, context).await.is_ok()
    }

    /// What a sign-in reaches on this host.
    pub(super) fn context<'b>(
        &'b self,
        service: &'b Service,
        signer: &'b dyn Signer,
    ) -> Context<'b> {
        Context {
            service,
            transport: self.host,
            signer,
        }
    }
}

/// The title of a connection's network.
fn title_of(connection: &Connection) -> &'static str {
    network::named(&connection.network).map_or("The network", |one| one.title)
}

/// The server that renews tokens has failed.
fn not_renewed_by(title: &str) -> Diagnosis {
    let message = format!("{title} did not renew the sign-in.");
    Diagnosis::new(Reason::Transient, message, TRIED_AGAIN)
}

/// A server has asked all accounts for a pause.
pub(super) fn pause_of(title: &str) -> Diagnosis {
    let message = format!("{title} has asked this service for a pause.");
    Diagnosis::new(Reason::RateLimit, message, TRIED_AGAIN)
}
