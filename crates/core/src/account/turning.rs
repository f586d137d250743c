//! The turns of an opened account: before them, tokens that are about to expire are renewed; after
//! them, what its networks have asked for is remembered.

use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::account_store::AccountStore;
use crate::account::connections::encrypted;
use crate::account::host::AccountHost;
use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::open::{Account, Opened};
use crate::account::own_clock::Delay;
use crate::account::settings::Settings;
use crate::account::state::{Hold, HoldKind};
use crate::account::turn::{TurnRequest, turn, turn_on};
use crate::account::wake;
use crate::instant::after;
use crate::network::sign_in::{Connection, Context, Service, SignInError};
use crate::network::signer::Signer;
use crate::outcome::{Diagnosis, Outcome, Reason};

/// How long before its end a token is renewed.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// How soon it is tried again to renew a token, after a server has failed at that.
const RENEW_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// What to do where a turn waits for a server.
const TRIED_AGAIN: &str = "Nothing to do: it is tried again by itself.";

/// After how long a network that refuses an account is asked no more.
const LONGEST_REFUSAL: TimeDelta = TimeDelta::days(14);

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
        let opened = self.ready_to_turn().await?;
        let settings = self.with_pauses(&opened, None);
        let reports = wake::on_schedule(&settings, self.host, self.ledger, cron, at).await;
        self.after_turn(reports, Trigger::Cron).await
    }

    /// Makes the turns that are due when the host is woken, as [`wake::on_wake`] does. Whatever
    /// happens, an account with a clock of its own is woken again.
    ///
    /// # Errors
    /// When the account cannot be opened. No turn is made then.
    pub async fn on_wake(&self) -> Result<Vec<Report>, Diagnosis> {
        /// How soon an account is woken again that cannot be opened.
        const AGAIN: TimeDelta = TimeDelta::minutes(5);

        let opened = match self.ready_to_turn().await {
            Ok(opened) => opened,
            Err(diagnosis) => {
                let again = after(self.host.now(), AGAIN);
                let _ = self.ledger.wake_at(Some(again)).await;
                return Err(diagnosis);
            }
        };
        let settings = self.with_pauses(&opened, None);
        let reports = wake::on_wake(&settings, self.host, self.ledger).await;
        self.after_turn(reports, Trigger::Cron).await
    }

    /// Makes a turn now, by hand.
    ///
    /// # Errors
    /// When the account cannot be opened, or none of its networks may be turned.
    pub async fn turn_now(&self) -> Result<Vec<Report>, Diagnosis> {
        let opened = self.ready_to_turn().await?;
        if let Some(diagnosis) = opened.settings.standstill() {
            return Err(diagnosis);
        }
        let settings = self.with_pauses(&opened, None);
        let request = TurnRequest::due_at(self.host.now(), Trigger::Manual);
        let reports = turn(&settings, self.host, self.ledger, &request).await;
        self.after_turn(reports, Trigger::Manual).await
    }

    /// Opens the account with tokens that do not expire in the next minutes.
    async fn ready_to_turn(&self) -> Result<Rc<Opened>, Diagnosis> {
        let opened = self.open().await?;
        if opened.settings.is_paused {
            return Ok(opened);
        }
        let soon = after(self.host.now(), RENEW_BEFORE);
        let mut is_renewed = false;
        for one in &opened.connections {
            if opened.turns_on(&one.network) {
                is_renewed |= self.renew_in_time(one, soon).await;
            }
        }
        if is_renewed {
            self.open().await
        } else {
            Ok(opened)
        }
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
        let soon = after(self.host.now(), RENEW_BEFORE);
        if self.renew_in_time(connection, soon).await {
            return Ok(self.open().await?.connection(network).cloned());
        }
        Ok(Some(connection.clone()))
    }

    /// Renews tokens that expire before an instant. Returns whether there are new ones.
    async fn renew_in_time(&self, connection: &Connection, soon: DateTime<Utc>) -> bool {
        let expires_at = connection.tokens.expires_at;
        expires_at.is_some_and(|at| at <= soon) && self.renew(connection).await
    }

    /// Fetches new tokens for a connection and stores them. They are used only once they are stored:
    /// the old ones may be of no use any more, and whoever used the new ones before would lose them
    /// with this host. Returns whether there are new ones.
    pub(super) async fn renew(&self, connection: &Connection) -> bool {
        let now = self.host.now();
        let pauses = self.host.server_pauses();
        let Some(sign_in) = self.host.sign_in_to(&connection.network) else {
            return false;
        };
        if connection.tokens.refresh.is_none() || self.renews_not_before(connection).is_some() {
            return false;
        }
        let Some(service) = self.host.service() else {
            return false;
        };
        let signer = self.host.signer();
        let context = self.context(&service, &*signer);
        let mut renewed = match sign_in.refresh(connection, context).await {
            Ok(renewed) => renewed,
            Err(error) => {
                let server = &connection.app.server;
                match error {
                    SignInError::Paused { until, .. } => pauses.pause(server, until, now),
                    SignInError::Server(_) => {
                        pauses.pause_renewals(server, after(now, RENEW_AGAIN), now);
                    }
                    // The turn says what the network thinks of the tokens that there are.
                    _ => {}
                }
                return false;
            }
        };
        let before = connection.tokens.refresh.clone();
        renewed.tokens.refresh = renewed.tokens.refresh.or(before);
        let Ok(secrets) = encrypted(&renewed, self.id, self.host).await else {
            return false;
        };
        let Ok(opened) = self.open().await else {
            return false;
        };
        let mut stored = opened.stored.clone();
        let Some(of_network) = stored.connection_mut(&connection.network) else {
            return false;
        };
        of_network.secrets = Some(secrets);
        of_network.name = renewed.name;
        of_network.expires_at = renewed.tokens.expires_at;
        self.keep(stored).await.is_ok()
    }

    /// The settings of a turn, with the pauses that servers have asked all accounts for. `refused` is
    /// the network that has refused the tokens which there are.
    fn with_pauses(&self, opened: &Opened, refused: Option<&str>) -> Settings {
        let now = self.host.now();
        let pauses = self.host.server_pauses();
        let mut settings = opened.settings.clone();
        for one in settings.networks.iter_mut().filter(|one| one.is_signed_in) {
            let title = one.definition.title;
            let pause = opened.connection(one.definition.name).and_then(|to| {
                let tokens = &to.tokens;
                let is_unusable = tokens.expires_at.is_some_and(|at| at <= now)
                    || refused == Some(one.definition.name);
                // Tokens that cannot be used wait for the server that renews them, which may be
                // another one than that of turns.
                let waits = is_unusable && tokens.refresh.is_some();
                let issuer = &to.app.server;
                let asked = waits.then(|| pauses.until(issuer, now)).flatten();
                let asked = pauses.until(&self.turned_on(to), now).max(asked);
                let failed = waits.then(|| pauses.renewals_until(issuer, now)).flatten();
                asked.max(failed).map(|until| (until, failed > asked))
            });
            // Not all accounts of the server come back at the same instant.
            one.hold = pause.map(|(until, has_failed)| Hold {
                until: after(until, Delay::of(self.id, None).spread()),
                kind: HoldKind::Pause,
                diagnosis: if has_failed {
                    Diagnosis::new(
                        Reason::Transient,
                        format!("{title} did not renew the sign-in."),
                        TRIED_AGAIN,
                    )
                } else {
                    Diagnosis::new(
                        Reason::RateLimit,
                        format!("{title} has asked this service for a pause."),
                        TRIED_AGAIN,
                    )
                },
            });
        }
        settings
    }

    /// Takes in how a turn has ended: remembers pauses, renews tokens that were refused and tries
    /// again with them, and gives up where a network has refused for two weeks.
    async fn after_turn(
        &self,
        mut reports: Vec<Report>,
        trigger: Trigger,
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
                // A limit of the account's own is held by its state alone.
                Outcome::Retry { at, diagnosis }
                    if diagnosis.reason == Reason::RateLimit && !report.is_limit_of_account =>
                {
                    let server = self.turned_on(connection);
                    let pauses = self.host.server_pauses();
                    pauses.pause(&server, *at, self.host.now());
                }
                Outcome::Refused(diagnosis)
                    if diagnosis.reason == Reason::Credentials
                        && report.network_status.is_some()
                        && self.renews_or_waits(connection).await =>
                {
                    let again = self.turn_again(report.network, trigger).await?;
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

    /// Renews tokens that were refused. Returns whether there are new ones, or the server could not
    /// be asked, so that the refusal says nothing of the sign-in.
    async fn renews_or_waits(&self, connection: &Connection) -> bool {
        let waits = || self.renews_not_before(connection).is_some();
        self.renew(connection).await || connection.tokens.refresh.is_some() && waits()
    }

    /// Until when the server of a connection is not asked to renew its tokens, if it is not.
    fn renews_not_before(&self, connection: &Connection) -> Option<DateTime<Utc>> {
        let (pauses, now) = (self.host.server_pauses(), self.host.now());
        let server = &connection.app.server;
        pauses
            .until(server, now)
            .max(pauses.renewals_until(server, now))
    }

    /// Makes the turn on one network again, with tokens that are new, or has it wait until the server
    /// gives some. The refusal of the old ones holds nothing any more.
    async fn turn_again(
        &self,
        network: &str,
        trigger: Trigger,
    ) -> Result<Option<Report>, Diagnosis> {
        let opened = self.open().await?;
        let settings = self.with_pauses(&opened, Some(network));
        let mut networks = settings.networks.iter();
        let Some(one) = networks.find(|one| one.definition.name == network) else {
            return Ok(None);
        };
        let state = load_state(one, self.ledger).await;
        let mut state = state.map_err(|error| self.failed(&error))?;
        state.hold = None;
        state.refusals = 0;
        state.refused_since = None;
        if one.hold.is_some() {
            // Nobody has to sign in again yet.
            state.stopped = None;
        }
        let kept = self.ledger.keep(network, &state, None).await;
        kept.map_err(|error| self.failed(&error))?;
        let request = TurnRequest::due_at(self.host.now(), trigger);
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
