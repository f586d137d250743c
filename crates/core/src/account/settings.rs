//! All settings of an account: who may turn it, whom it tells, its schedule and its networks.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::account::alert::Webhook;
use crate::account::own_clock::Delay;
use crate::account::state::Hold;
use crate::account::stop::{self, STOP, Stop};
use crate::network::{self, Definition, NETWORKS, Network};
use crate::outcome::{Diagnosis, Outcome, Reason};
use crate::ports::TimeZones;
use crate::schedule::Schedule;
use crate::schedule::settings::{DIRECTION, PERIOD, TIME_ZONE};
use crate::settings::errors::{Invalid, SettingsErrors};
use crate::settings::pasted;
use crate::settings::reader::Reader;
use crate::settings::secret::Secret;

/// The secret that lets the owner in.
pub const TRIGGER_TOKEN: &str = "TRIGGER_TOKEN";
/// What the trigger token may be.
pub const TRIGGER_TOKEN_ACCEPTS: &str = "at least 8 characters that a header can carry: letters, \
     digits and signs of ASCII, such as `openssl rand -hex 32` prints";
/// The fewest characters of a trigger token. A program could try all shorter ones.
const MIN_TRIGGER_TOKEN: usize = 8;
/// The secret address that gets a message when turning stops, and when it works again.
pub const ALERT_WEBHOOK_URL: &str = "ALERT_WEBHOOK_URL";
/// What that address may be.
const ALERT_WEBHOOK_ACCEPTS: &str = "an https:// URL (http:// only for localhost)";

/// All settings of an account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Lets the owner in. Without it, what only the owner may do is closed. An error here keeps
    /// nothing else from working.
    pub trigger_token: Result<Option<Secret>, SettingsErrors>,
    /// Who gets a message when turning stops, if anybody.
    pub alert_webhook: Option<Webhook>,
    /// The schedule, or what is wrong with the settings that all networks need.
    pub schedule: Result<Schedule, SettingsErrors>,
    /// The networks that are set up, without those of which turning is stopped.
    pub networks: Vec<Configured>,
    /// The titles of the networks that are set up and of which turning is stopped.
    pub stopped: Vec<&'static str>,
    /// Where the operator has stopped turning.
    pub stop: Stop,
    /// What is wrong with the text that stops turning.
    pub stop_errors: SettingsErrors,
    /// Whether the account is paused: no turn is made, by itself or by hand.
    pub is_paused: bool,
    /// What makes turns come by themselves.
    pub clock: ClockSource,
}

/// What makes an account's turns come by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockSource {
    /// The events of a cron, and the account's alarm for what begins between two of them.
    #[default]
    Cron,
    /// The account's alarm alone, which goes off with this delay after the start of each slot.
    Alarm(Delay),
}

/// A network that is set up.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The network.
    pub definition: Definition,
    /// The account on it, or what is wrong with its settings.
    pub network: Result<Rc<dyn Network>, SettingsErrors>,
    /// Eight hex digits of a hash of the network's settings. They reveal a change, and are too few to
    /// find a value from.
    pub fingerprint: String,
    /// Whether the account is from a sign-in with a browser, rather than from settings.
    pub is_signed_in: bool,
    /// A hold from outside of the account: its server has asked all accounts for a pause.
    pub hold: Option<Hold>,
    /// How a turn ends that would send something, if the tokens of the sign-in are of no use. The
    /// network is not asked then.
    pub unready: Option<Outcome>,
}

impl Settings {
    /// Reads all settings of the owner's account. `look_up` gives the text of a name, or `None` if it
    /// is not set. Texts are cleaned of what was copied along with them ([`pasted::text`]); an empty
    /// text counts as not set.
    pub fn read(time_zones: &impl TimeZones, look_up: impl Fn(&str) -> Option<String>) -> Self {
        Self::with_networks(time_zones, &look_up, networks(&look_up))
    }

    /// Reads all settings but those of networks, which are given.
    pub(super) fn with_networks(
        time_zones: &impl TimeZones,
        look_up: &dyn Fn(&str) -> Option<String>,
        networks: Vec<Configured>,
    ) -> Self {
        let mut reader = Reader::new(look_up);
        let schedule = Schedule::read(&mut reader, time_zones);
        let alert_webhook = reader.optional_parsed(ALERT_WEBHOOK_URL, ALERT_WEBHOOK_ACCEPTS);
        let (stop, stop_errors) = Stop::read(&Reader::new(look_up));
        let (stopped, networks): (Vec<_>, Vec<_>) = networks
            .into_iter()
            .partition(|one| stop.stops(one.definition.name));
        Self {
            trigger_token: trigger_token(&Reader::new(look_up)),
            alert_webhook,
            schedule: reader.finish(schedule),
            networks,
            stopped: stopped.iter().map(|one| one.definition.title).collect(),
            stop,
            stop_errors,
            is_paused: false,
            clock: ClockSource::Cron,
        }
    }

    /// Why no turn is made on any network, by itself or by hand; `None` if turns are made.
    pub fn standstill(&self) -> Option<Diagnosis> {
        if self.is_paused {
            return Some(Diagnosis::new(
                Reason::Settings,
                "Turning is paused.",
                "Press Resume on the page.",
            ));
        }
        if !self.networks.is_empty() {
            return None;
        }
        Some(match (&self.stop, self.stopped.as_slice()) {
            (_, []) => Diagnosis::new(
                Reason::Settings,
                "No network has been started.",
                "Sign in to one on the page, choose a picture, and press Start.",
            ),
            (Stop::Everywhere, _) => stop::stopped(""),
            (_, titles) => stop::stopped(&format!(" on {}", titles.join(", "))),
        })
    }

    /// Everything that is wrong with them.
    pub fn errors(&self) -> SettingsErrors {
        let of_trigger = self.trigger_token.as_ref().err().cloned();
        let errors = self.errors_of_turns().and(self.stop_errors.clone());
        errors.and(of_trigger.unwrap_or_default())
    }

    /// What is wrong with them that keeps the icon from turning on some network.
    pub fn errors_of_turns(&self) -> SettingsErrors {
        let of_networks = self.networks.iter().map(|one| one.network.as_ref().err());
        let all = [self.schedule.as_ref().err()]
            .into_iter()
            .chain(of_networks);
        all.flatten()
            .cloned()
            .fold(SettingsErrors::default(), SettingsErrors::and)
    }
}

/// The names of all settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    let own = [
        TIME_ZONE.name,
        PERIOD.name,
        DIRECTION.name,
        TRIGGER_TOKEN,
        ALERT_WEBHOOK_URL,
        STOP,
    ];
    let of_networks = NETWORKS.into_iter().flat_map(|network| {
        let variables = network.variables.iter().map(|variable| variable.name);
        network.required.iter().copied().chain(variables)
    });
    own.into_iter().chain(of_networks)
}

/// Reads the trigger token from what was pasted for the setting, or into a request.
pub(crate) fn trigger_token_in(pasted: &str) -> String {
    pasted::token(&pasted::value(pasted, TRIGGER_TOKEN))
}

/// Reads the trigger token, if it is set.
fn trigger_token(reader: &Reader<'_>) -> Result<Option<Secret>, SettingsErrors> {
    let Some(token) = reader
        .text(TRIGGER_TOKEN)
        .map(|text| trigger_token_in(&text))
    else {
        return Ok(None);
    };
    // A header field can carry these (RFC 9110 §5.5), and fetch and curl send them unchanged.
    let is_carried = token.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if is_carried && token.len() >= MIN_TRIGGER_TOKEN {
        Ok(Some(Secret::new(token)))
    } else {
        Err(SettingsErrors::of(Invalid {
            name: TRIGGER_TOKEN,
            accepts: TRIGGER_TOKEN_ACCEPTS,
        }))
    }
}

/// The networks that are set up: those of which a required setting is there, or
/// [`network::DEFAULT`] if there is none.
fn networks(look_up: &dyn Fn(&str) -> Option<String>) -> Vec<Configured> {
    let mut networks = networks_set_up(look_up);
    if networks.is_empty() {
        networks.push(configured(network::DEFAULT, look_up));
    }
    networks
}

/// The networks of which a required setting is there.
pub(super) fn networks_set_up(look_up: &dyn Fn(&str) -> Option<String>) -> Vec<Configured> {
    let reader = Reader::new(look_up);
    let is_meant = |definition: &Definition| {
        let required = definition.required.iter();
        required.copied().any(|name| reader.text(name).is_some())
    };
    let meant = NETWORKS.into_iter().filter(is_meant);
    meant
        .map(|definition| configured(definition, look_up))
        .collect()
}

/// Reads the settings of a network.
fn configured(definition: Definition, look_up: &dyn Fn(&str) -> Option<String>) -> Configured {
    let mut reader = Reader::new(look_up);
    let network = (definition.read)(&mut reader);
    Configured {
        definition,
        fingerprint: fingerprint(&definition, &reader),
        network: reader.finish(network),
        is_signed_in: false,
        hold: None,
        unready: None,
    }
}

/// The fingerprint of a sign-in with a browser, in the form of those of settings. Its tokens are no
/// part of it: new ones open the same account.
pub(super) fn fingerprint_of_sign_in(subject: &str, signed_in_at: DateTime<Utc>) -> String {
    let mut hash = Sha256::new();
    hash.update(subject);
    hash.update("\0");
    hash.update(signed_in_at.timestamp_millis().to_string());
    let digest: [u8; 32] = hash.finalize().into();
    HEXLOWER.encode(&digest[..4])
}

/// The fingerprint of a network's settings. A setting with its default value counts as not set.
fn fingerprint(definition: &Definition, reader: &Reader<'_>) -> String {
    let required = definition
        .required
        .iter()
        .map(|name| (*name, reader.text(name)));
    let variables = definition.variables.iter().map(|variable| {
        let text = reader
            .text(variable.name)
            .filter(|text| text != variable.default);
        (variable.name, text)
    });
    let mut hash = Sha256::new();
    for (name, text) in required.chain(variables) {
        // No text contains this character, so it separates them.
        for part in [name, "\0", text.as_deref().unwrap_or_default(), "\0"] {
            hash.update(part);
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    HEXLOWER.encode(&digest[..4])
}

#[cfg(test)]
mod tests;
