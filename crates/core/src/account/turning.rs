//! The turns of an opened account: before them, tokens that are about to expire are renewed; after
//! them, what its networks have asked for is remembered.

use chrono::{DateTime, TimeDelta, Utc};

use crate::account::account_store::AccountStore;
use crate::account::host::AccountHost;
use crate::account::journal::{Report, Trigger};
use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::open::{Account, Opened};
use crate::account::renewal::{NotRenewed, pause_of};
use crate::account::settings::{Configured, Settings};
use crate::account::state::{Hold, HoldKind};
use crate::account::turn::{TurnRequest, turn, turn_on};
use crate::account::wake;
use crate::instant::after;
use crate::network::sign_in::Connection;
use crate::outcome::{Diagnosis, Outcome, Reason};

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

    /// The server that turns of a connection send their requests to.
    fn turned_on(&self, connection: &Connection) -> String {
        let sign_in = self.host.sign_in_to(&connection.network);
        sign_in.map_or_else(
            || connection.app.server.clone(),
            |sign_in| sign_in.turned_on(connection),
        )
    }
}
