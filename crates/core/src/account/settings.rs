//! All settings of an account: who may turn it, whom it tells, its schedule and its networks.

use std::rc::Rc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::account::alert::Webhook;
use crate::network::{self, Definition, NETWORKS, Network};
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
    /// The networks that are set up, at least one.
    pub networks: Vec<Configured>,
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
}

impl Settings {
    /// Reads all settings. `look_up` gives the text of a name, or `None` if it is not set. Texts are
    /// cleaned of what was copied along with them ([`pasted::text`]); an empty text counts as not set.
    pub fn read(time_zones: &impl TimeZones, look_up: impl Fn(&str) -> Option<String>) -> Self {
        let mut reader = Reader::new(&look_up);
        let schedule = Schedule::read(&mut reader, time_zones);
        let alert_webhook = reader.optional_parsed(ALERT_WEBHOOK_URL, ALERT_WEBHOOK_ACCEPTS);
        Self {
            trigger_token: trigger_token(&Reader::new(&look_up)),
            alert_webhook,
            schedule: reader.finish(schedule),
            networks: networks(&look_up),
        }
    }

    /// Everything that is wrong with them.
    pub fn errors(&self) -> SettingsErrors {
        let of_trigger = self.trigger_token.as_ref().err().cloned();
        self.errors_of_turns().and(of_trigger.unwrap_or_default())
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
    let read = |definition: Definition| {
        let mut reader = Reader::new(look_up);
        let network = (definition.read)(&mut reader);
        Configured {
            definition,
            fingerprint: fingerprint(&definition, &reader),
            network: reader.finish(network),
        }
    };
    let reader = Reader::new(look_up);
    let is_meant = |definition: &Definition| {
        let required = definition.required.iter();
        required.copied().any(|name| reader.text(name).is_some())
    };
    let mut networks: Vec<_> = NETWORKS.into_iter().filter(is_meant).map(read).collect();
    if networks.is_empty() {
        networks.push(read(network::DEFAULT));
    }
    networks
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
