//! The turns of an opened account: before them, tokens that are about to expire are renewed; after
//! them, what its networks have asked for is remembered.

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::account_store::AccountStore;
use crate::account::connections::encrypted;
use crate::account::host::AccountHost;
use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::open::{Account, Opened};
use crate::account::own_clock::Delay;
use crate::account::settings::{Configured, Settings};
use crate::account::state::{Hold, HoldKind};
use crate::account::turn::{TurnRequest, turn, turn_on};
use crate::account::wake;
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

/// After how long a network that refuses an account is asked no more.
const LONGEST_REFUSAL: TimeDelta = TimeDelta::days(14);

/// Why there are no new tokens.
#[derive(Debug)]
enum NotRenewed {
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
    fn outcome(&self, is_unusable: bool) -> Option<Outcome> {
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
    /// Makes the turn of an event of the schedule, as [`wake::on_schedule`] does.
    ///
    /// # Errors
    /// When the account cannot be opened. No turn is made then.
    pub async fn on_schedule(
        &self,
        cron: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<Report>, Diagnosis> {
        let settings = self.ready_to_turn().await?;
        let reports = wake::on_schedule(&settings, self.host, self.ledger, cron, at).await;
        let request = TurnRequest::due_at(at, Trigger::Cron);
        self.after_turn(reports, &request).await
    }

    /// Makes the turns that are due when the host is woken, as [`wake::on_wake`] does. Whatever
    /// happens, an account with a clock of its own is woken again.
    ///
    /// # Errors
    /// When the account cannot be opened. No turn is made then.
    pub async fn on_wake(&self) -> Result<Vec<Report>, Diagnosis> {
        /// How soon an account is woken again that cannot be opened.
        const AGAIN: TimeDelta = TimeDelta::minutes(5);

        let settings = match self.ready_to_turn().await {
            Ok(settings) => settings,
            Err(diagnosis) => {
                let again = after(self.host.now(), AGAIN);
                let _ = self.ledger.wake_at(Some(again)).await;
                return Err(diagnosis);
            }
        };
        let reports = wake::on_wake(&settings, self.host, self.ledger).await;
        let request = TurnRequest::due_at(self.host.now(), Trigger::Cron);
        self.after_turn(reports, &request).await
    }

    /// Makes the turn that is due now, by hand.
    ///
    /// # Errors
    /// As of [`Account::turn_by_request`].
    pub async fn turn_now(&self) -> Result<Vec<Report>, Diagnosis> {
        let request = TurnRequest::due_at(self.host.now(), Trigger::Manual);
        self.turn_by_request(&request).await
    }

    /// Makes the turn that is asked for, at once.
    ///
    /// # Errors
    /// When the account cannot be opened, or none of its networks may be turned.
    pub async fn turn_by_request(&self, request: &TurnRequest) -> Result<Vec<Report>, Diagnosis> {
        let opened = self.open().await?;
        if let Some(diagnosis) = opened.settings.standstill() {
            return Err(diagnosis);
        }
        let settings = self.ready_to_send(request.trigger).await?;
        let reports = turn(&settings, self.host, self.ledger, request).await;
        self.after_turn(reports, request).await
    }

    /// Returns the settings of a turn that comes by itself.
    async fn ready_to_turn(&self) -> Result<Settings, Diagnosis> {
        let opened = self.open().await?;
        if opened.settings.is_paused {
            return Ok(opened.settings.clone());
        }
        self.ready_to_send(Trigger::Cron).await
    }

    /// Returns the account's settings with tokens that do not expire in the next minutes, as what
    /// is sent to a network needs them. Where there are none, they say how a turn ends.
    ///
    /// # Errors
    /// When the account cannot be opened.
    pub async fn ready_to_send(&self, trigger: Trigger) -> Result<Settings, Diagnosis> {
        let opened = self.open().await?;
        let mut is_renewed = false;
        let mut not_renewed = Vec::new();
        for one in &opened.settings.networks {
            let network = one.definition.name;
            let connection = opened.connection(network).filter(|_| one.is_signed_in);
            let Some(connection) = connection.filter(|to| self.is_to_be_renewed(to)) else {
                continue;
            };
            if self.is_held(one, trigger).await {
                continue;
            }
            match self.try_to_renew(connection).await {
                Ok(()) => is_renewed = true,
                Err(why) => not_renewed.push((network, why)),
            }
        }
        let opened = if is_renewed {
            self.open().await?
        } else {
            opened
        };
        Ok(self.settings_of_turn(&opened, &not_renewed, None))
    }

    /// Whether a turn sends nothing on a network because of a hold.
    async fn is_held(&self, one: &Configured, trigger: Trigger) -> bool {
        let state = load_state(one, self.ledger).await.unwrap_or_default();
        let hold = state.hold.filter(|hold| hold.holds_at(self.host.now()));
        let by_hand = trigger == Trigger::Manual;
        hold.is_some_and(|hold| !by_hand || hold.kind == HoldKind::Pause)
    }

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
    fn is_to_be_renewed(&self, connection: &Connection) -> bool {
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
    async fn try_to_renew(&self, connection: &Connection) -> Result<(), NotRenewed> {
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
            SignInError::Server(_) => {
                let at = after(now, RENEW_AGAIN);
                pauses.pause_renewals(server, at, now);
                let diagnosis = not_renewed_by(title);
                NotRenewed::Later { at, diagnosis }
            }
            SignInError::Failed(_) => NotRenewed::Later {
                at: after(now, RENEW_AGAIN),
                diagnosis: not_renewed_by(title),
            },
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

    /// The settings of a turn, with the pauses that servers have asked all accounts for, and where
    /// there are no tokens to be used, with how the turn ends. `refused` is the network that has
    /// refused the tokens which there are.
    fn settings_of_turn(
        &self,
        opened: &Opened,
        not_renewed: &[(&str, NotRenewed)],
        refused: Option<&str>,
    ) -> Settings {
        let now = self.host.now();
        let pauses = self.host.server_pauses();
        let mut settings = opened.settings.clone();
        for one in settings.networks.iter_mut().filter(|one| one.is_signed_in) {
            let network = one.definition.name;
            let Some(to) = opened.connection(network) else {
                continue;
            };
            let tokens = &to.tokens;
            let is_unusable =
                tokens.expires_at.is_some_and(|at| at <= now) || refused == Some(network);
            let why = not_renewed.iter().find(|(of, _)| *of == network);
            one.unready = why.and_then(|(_, why)| why.outcome(is_unusable));
            // How a turn without tokens ends says when to ask again, too.
            let until = pauses.until(&self.turned_on(to), now);
            let until = until.filter(|_| one.unready.is_none());
            one.hold = until.map(|until| Hold {
                until: self.own_end_of(until),
                kind: HoldKind::Pause,
                diagnosis: pause_of(one.definition.title),
            });
        }
        settings
    }

    /// Takes in how the turn of a request has ended: remembers pauses, renews tokens that were
    /// refused and tries again with them, and gives up where a network has refused for two weeks.
    async fn after_turn(
        &self,
        mut reports: Vec<Report>,
        request: &TurnRequest,
    ) -> Result<Vec<Report>, Diagnosis> {
        let opened = self.open().await?;
        for index in 0..reports.len() {
            let Some(report) = reports.get(index).filter(|report| !report.is_held) else {
                continue;
            };
            let Some(connection) = opened.connection(report.network) else {
                continue;
            };
            if !opened.turns_on(report.network) {
                continue;
            }
            match &report.outcome {
                // A limit of the account's own is held by its state alone. One of the server that
                // renews tokens is known already.
                Outcome::Retry { at, diagnosis }
                    if diagnosis.reason == Reason::RateLimit
                        && !report.is_limit_of_account
                        && report.network_status.is_some() =>
                {
                    let server = self.turned_on(connection);
                    let pauses = self.host.server_pauses();
                    pauses.pause(&server, *at, self.host.now());
                }
                Outcome::Refused(diagnosis)
                    if diagnosis.reason == Reason::Credentials
                        && report.network_status.is_some() =>
                {
                    let network = report.network;
                    let not_renewed = match self.try_to_renew(connection).await {
                        Err(NotRenewed::Unasked) => continue,
                        renewed => renewed.err(),
                    };
                    let again = self.turn_again(network, request, not_renewed).await?;
                    if let (Some(report), Some(again)) = (reports.get_mut(index), again) {
                        *report = again;
                    }
                }
                _ => {}
            }
        }
        self.give_up_after_two_weeks().await?;
        Ok(reports)
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
    fn own_end_of(&self, pause: DateTime<Utc>) -> DateTime<Utc> {
        after(pause, Delay::of(self.id, None).spread())
    }

    /// Makes the turn of a request again on one network, which has refused the tokens: with new
    /// ones, or so that it ends as `not_renewed` says.
    async fn turn_again(
        &self,
        network: &'static str,
        request: &TurnRequest,
        not_renewed: Option<NotRenewed>,
    ) -> Result<Option<Report>, Diagnosis> {
        let is_over = matches!(not_renewed, Some(NotRenewed::Over { .. }));
        let not_renewed: Vec<_> = not_renewed.map(|why| (network, why)).into_iter().collect();
        let opened = self.open().await?;
        let settings = self.settings_of_turn(&opened, &not_renewed, Some(network));
        let mut networks = settings.networks.iter();
        let Some(one) = networks.find(|one| one.definition.name == network) else {
            return Ok(None);
        };
        let state = load_state(one, self.ledger).await;
        let mut state = state.map_err(|error| self.failed(&error))?;
        if !is_over {
            // The refusal of the old tokens holds nothing any more.
            state.hold = None;
            state.refusals = 0;
            state.refused_since = None;
        } else if request.trigger != Trigger::Manual {
            // It is told with its cause now, and counts once.
            state.hold = None;
            state.refusals = state.refusals.saturating_sub(1);
        }
        if matches!(&one.unready, Some(Outcome::Retry { .. })) {
            // Nobody has to sign in again yet.
            state.stopped = None;
        }
        let kept = self.ledger.keep(network, &state, None).await;
        kept.map_err(|error| self.failed(&error))?;
        let request = TurnRequest {
            at: self.host.now(),
            ..*request
        };
        let reports = turn_on(&[one], &settings, self.host, self.ledger, &request).await;
        Ok(reports.into_iter().next())
    }

    /// Forgets the tokens of a sign-in that its network has refused for two weeks, and pauses the
    /// account if it turns nowhere else. Signing in again brings everything back, so what turns have
    /// kept on the network stays there: the picture from before the start may be part of it.
    async fn give_up_after_two_weeks(&self) -> Result<(), Diagnosis> {
        let opened = self.open().await?;
        let now = self.host.now();
        let mut stored = opened.stored.clone();
        let mut refused = Vec::new();
        for one in opened
            .settings
            .networks
            .iter()
            .filter(|one| one.is_signed_in)
        {
            let state = load_state(one, self.ledger).await.unwrap_or_default();
            let since = state.refused_since;
            if since.is_some_and(|since| after(since, LONGEST_REFUSAL) <= now) {
                let network = one.definition.name;
                if let Some(of_network) = stored.connection_mut(network) {
                    of_network.secrets = None;
                    of_network.expires_at = None;
                }
                refused.extend(opened.connection(network));
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        let turns_elsewhere = opened.settings.networks.iter().any(|one| {
            let name = one.definition.name;
            !refused.iter().any(|refused| refused.network == name)
        });
        if !turns_elsewhere {
            stored.paused_at = Some(now);
        }
        // First stored, then revoked: a host that ends in between has forgotten them all the same.
        self.keep(stored).await?;
        if !turns_elsewhere {
            let _ = self.ledger.wake_at(None).await;
        }
        for connection in refused {
            self.revoke(connection).await;
        }
        Ok(())
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

    /// The server that turns of a connection send their requests to.
    fn turned_on(&self, connection: &Connection) -> String {
        let sign_in = self.host.sign_in_to(&connection.network);
        sign_in.map_or_else(
            || connection.app.server.clone(),
            |sign_in| sign_in.turned_on(connection),
        )
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
fn pause_of(title: &str) -> Diagnosis {
    let message = format!("{title} has asked this service for a pause.");
    Diagnosis::new(Reason::RateLimit, message, TRIED_AGAIN)
}
