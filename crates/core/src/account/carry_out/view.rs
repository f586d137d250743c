//! `Show`: what the account's page shows.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account::account_store::AccountStore;
use crate::account::carry_out::replies::title;
use crate::account::commands::{
    AccountView, ConnectionView, Reply, SetView, SettingView, Source, Stage,
};
use crate::account::host::AccountHost;
use crate::account::ledger::Ledger;
use crate::account::load::load_state;
use crate::account::next_wake::next_turn;
use crate::account::open::{Account, Opened, PAGE_SETTINGS};
use crate::account::settings::Configured;
use crate::account::state::AccountState;
use crate::account::stop::{Stop, stopped};
use crate::account::stored_account::{Before, StoredConnection};
use crate::frames::options::Rendering;
use crate::frames::set::FrameSet;
use crate::frames::store::current_set;
use crate::network::NETWORKS;
use crate::outcome::{Diagnosis, Reason};
use crate::settings::reader::{Reader, Variable};

/// How many entries of the journal the page shows.
const ENTRIES: u16 = 20;

impl<H: AccountHost, L: Ledger + AccountStore> Account<'_, H, L> {
    /// Tells everything that the page shows.
    pub(super) async fn show(&self) -> Result<Reply, Diagnosis> {
        let opened = self.open().await?;
        let settings = &opened.settings;
        let now = self.host.now();
        let set = current_set(self.host).await;
        let frames = set.as_ref().ok().map(FrameSet::frames);
        let schedule = settings.schedule.as_ref().ok();
        let wall_clock = schedule.map(|schedule| {
            let local = schedule.local_time_at(now);
            local.format("%Y-%m-%dT%H:%M:%S").to_string()
        });
        let mut findings = Vec::new();
        match &set {
            // Before the first picture there is nothing wrong.
            Err(diagnosis) if diagnosis.reason != Reason::NoIcon => {
                findings.push(diagnosis.clone());
            }
            _ => {}
        }
        if let Err(errors) = &settings.schedule {
            findings.push(errors.diagnosis(self.host.advice().settings));
        }
        if !opened.stored.not_understood.is_empty() {
            findings.push(not_understood());
        }
        let journal = match self.ledger.records(None, ENTRIES) {
            Ok(records) => records
                .iter()
                .filter_map(|(_, entry)| serde_json::from_slice(entry.as_bytes()).ok())
                .collect::<Vec<Value>>(),
            Err(error) => {
                findings.push(self.failed(&error));
                Vec::new()
            }
        };
        let set = set.ok();
        let connections = self.connections(&opened, set.as_ref()).await;
        let view = AccountView {
            now,
            stage: stage(&opened, &connections),
            stopped: match settings.stop {
                Stop::Everywhere => Some(stopped("").in_words()),
                Stop::Nowhere | Stop::On(_) => None,
            },
            settings: PAGE_SETTINGS
                .iter()
                .map(|variable| self.setting(&opened, *variable))
                .collect(),
            wall_clock,
            connections,
            next_turn: next_turn(settings, self.ledger, frames, now).await,
            findings,
            journal,
            set: set.map(|set| SetView {
                id: set.id().to_owned(),
                frames: set.frames().get(),
                due: schedule.map(|schedule| schedule.frame_at(now, set.frames())),
                rendering: set.rendering().map(choices).unwrap_or_default(),
            }),
        };
        Ok(Reply::Shown {
            view: Box::new(view),
        })
    }

    /// A setting, and where it is from.
    fn setting(&self, opened: &Opened, variable: Variable) -> SettingView {
        let look_up = |name: &str| self.host.variable(name);
        let of_host = Reader::new(&look_up).text(variable.name);
        let of_host = of_host.filter(|_| self.id.is_owner());
        let of_page = opened.stored.settings.get(variable.name).cloned();
        let source = match (&of_page, &of_host) {
            (Some(_), _) => Source::Page,
            (None, Some(_)) => Source::Variables,
            (None, None) => Source::Default,
        };
        let otherwise = of_host.unwrap_or_else(|| variable.default.to_owned());
        SettingView {
            name: variable.name.to_owned(),
            text: of_page.unwrap_or_else(|| otherwise.clone()),
            source,
            otherwise,
        }
    }

    /// All connections: those of sign-ins, and the owner's that are set up by secrets.
    async fn connections(&self, opened: &Opened, set: Option<&FrameSet>) -> Vec<ConnectionView> {
        let mut views = Vec::new();
        for network in NETWORKS {
            let configured = opened.settings.networks.iter();
            let mut configured = configured.filter(|one| one.definition.name == network.name);
            let configured = configured.next();
            let signed_in = opened.stored.connection(network.name);
            let by_secrets = configured.filter(|one| !one.is_signed_in);
            if let Some(one) = by_secrets
                && is_set_up(one)
            {
                let state = self.state(one).await;
                views.push(ConnectionView {
                    network: network.name.to_owned(),
                    title: network.title.to_owned(),
                    name: state.account.clone(),
                    place: None,
                    source: Source::Variables,
                    is_started: true,
                    needs_sign_in: false,
                    before: Before::Unknown,
                    frame: shown(&state, set),
                    finding: finding(self.host, Some(one), &state),
                });
            }
            if let Some(one) = signed_in {
                let configured = configured.filter(|one| one.is_signed_in);
                views.push(self.signed_in(one, configured, opened, set).await);
            }
        }
        views
    }

    /// A connection of a sign-in.
    async fn signed_in(
        &self,
        stored: &StoredConnection,
        configured: Option<&Configured>,
        opened: &Opened,
        set: Option<&FrameSet>,
    ) -> ConnectionView {
        let network = stored.network.as_str();
        let is_started = stored.started_at.is_some();
        let state = match configured {
            Some(configured) => self.state(configured).await,
            None => AccountState::default(),
        };
        let stop = opened.settings.stop.stops(network);
        let refused = |diagnosis: &Diagnosis| diagnosis.reason == Reason::Credentials;
        let found = match stored.secrets {
            None => Some(forgotten(network)),
            Some(_) if is_started && stop => Some(stopped(&format!(" on {}", title(network)))),
            Some(_) => finding(self.host, configured, &state),
        };
        let (name, subject) = (stored.name.as_str(), stored.subject.as_str());
        let sign_in = self.host.sign_in_to(network);
        let place = sign_in.map_or(name, |sign_in| sign_in.place_of(name, subject));
        ConnectionView {
            network: network.to_owned(),
            title: title(network).to_owned(),
            name: Some(stored.name.clone()),
            place: Some(place.to_owned()),
            source: Source::Page,
            is_started,
            needs_sign_in: opened.connection(network).is_none()
                || found.as_ref().is_some_and(refused),
            before: stored.before,
            frame: shown(&state, set),
            finding: found,
        }
    }

    /// The state on a network, as far as it counts now; the default if it cannot be read, which a
    /// turn reports.
    async fn state(&self, configured: &Configured) -> AccountState {
        let network = configured.definition.name;
        let stored = self.ledger.account_state(network).await.unwrap_or_default();
        let is_of_these = (stored.settings.as_ref()).is_none_or(|of| *of == configured.fingerprint);
        let state = load_state(configured, self.ledger).await;
        let mut state = state.unwrap_or_default();
        let now = self.host.now();
        state.hold.take_if(|hold| !hold.holds_at(now));
        // What another sign-in or other settings have led to says nothing of the next turn.
        state.stopped.take_if(|_| !is_of_these);
        state
    }
}

/// Whether an account turns.
fn stage(opened: &Opened, connections: &[ConnectionView]) -> Stage {
    if !connections.iter().any(|one| one.is_started) {
        Stage::New
    } else if opened.settings.is_paused {
        Stage::Paused
    } else {
        Stage::Turning
    }
}

/// Whether a network is set up by secrets, and not only asked for because nothing is.
fn is_set_up(configured: &Configured) -> bool {
    let missing = configured.network.as_ref().err();
    let missing = missing.map_or(0, |errors| errors.missing.len());
    missing < configured.definition.required.len()
}

/// The number of the frame that a network shows, if it is of the current set.
fn shown(state: &AccountState, set: Option<&FrameSet>) -> Option<u16> {
    let frame = state.shown_frame.as_ref()?;
    frame.is_of(set?).then_some(frame.frame)
}

/// What is wrong on a network.
fn finding(
    host: &impl AccountHost,
    configured: Option<&Configured>,
    state: &AccountState,
) -> Option<Diagnosis> {
    let errors = configured.and_then(|one| one.network.as_ref().err());
    if let Some(errors) = errors {
        return Some(errors.diagnosis(host.advice().settings));
    }
    let of_hold = || state.hold.as_ref().map(|hold| hold.diagnosis.clone());
    let of_unread = || state.unread.as_ref().map(|unread| unread.diagnosis.clone());
    let stopped = state.stopped.clone();
    stopped.or_else(of_hold).or_else(of_unread)
}

/// The tokens of a sign-in were forgotten after two weeks of refusals.
fn forgotten(network: &str) -> Diagnosis {
    let title = title(network);
    Diagnosis::new(
        Reason::Credentials,
        format!(
            "{title} has refused this sign-in for two weeks, so it is asked no more, and what opened \
             your account there is deleted here."
        ),
        "Sign in again, then resume; nothing else is lost.",
    )
}

/// Part of what is stored is another version's.
fn not_understood() -> Diagnosis {
    Diagnosis::new(
        Reason::Host,
        "Part of what is stored of this account is of another version of this service, and is not \
         used.",
        "Nothing to do: it is kept as it is. If something is missing on this page, set it again.",
    )
}

/// How frames are rendered, by the names of the choices of an upload.
fn choices(rendering: Rendering) -> BTreeMap<String, String> {
    let Rendering {
        kernel,
        fill,
        shape,
        quality,
    } = rendering;
    [
        ("kernel", kernel.to_string()),
        ("fill", fill.to_string()),
        ("shape", shape.to_string()),
        ("quality", quality.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
