//! The operator's switch that stops turning: on all networks, or on some.

use std::str::FromStr;

use thiserror::Error;

use crate::network;
use crate::outcome::{Diagnosis, Reason};
use crate::settings::errors::{Invalid, SettingsErrors};
use crate::settings::reader::Reader;

/// The variable that stops turning.
pub const STOP: &str = "STOP";
/// What it may be.
const STOP_ACCEPTS: &str = "`all`, or the names of networks, separated by commas";

/// Where the operator has stopped turning, for all accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stop {
    /// Nowhere.
    #[default]
    Nowhere,
    /// On every network.
    Everywhere,
    /// On the networks of these names.
    On(Vec<&'static str>),
}

/// The text does not say where to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not {STOP_ACCEPTS}")]
pub struct InvalidStop;

impl FromStr for Stop {
    type Err = InvalidStop;

    fn from_str(text: &str) -> Result<Self, InvalidStop> {
        let text = text.to_lowercase();
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        if words == ["all"] {
            return Ok(Self::Everywhere);
        }
        let names = words
            .into_iter()
            .map(|word| Some(network::named(word)?.name));
        match names.collect::<Option<Vec<_>>>() {
            Some(names) if !names.is_empty() => Ok(Self::On(names)),
            _ => Err(InvalidStop),
        }
    }
}

impl Stop {
    /// Reads the switch. A text that is not understood stops everything: whoever has set it wanted
    /// something to stop.
    pub(super) fn read(reader: &Reader<'_>) -> (Self, SettingsErrors) {
        match reader.text(STOP).map(|text| text.parse()) {
            None => (Self::Nowhere, SettingsErrors::default()),
            Some(Ok(stop)) => (stop, SettingsErrors::default()),
            Some(Err(InvalidStop)) => {
                let invalid = Invalid {
                    name: STOP,
                    accepts: STOP_ACCEPTS,
                };
                (Self::Everywhere, SettingsErrors::of(invalid))
            }
        }
    }

    /// Whether turning is stopped on a network.
    pub fn stops(&self, network: &str) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Everywhere => true,
            Self::On(names) => names.contains(&network),
        }
    }
}

/// Says that turning is stopped. `place` names where, such as ` on Mastodon`; it is empty for all
/// networks.
pub(super) fn stopped(place: &str) -> Diagnosis {
    Diagnosis::new(
        Reason::Settings,
        format!("The operator of this service has stopped turning{place}, by {STOP}."),
        "Nothing to do: turning goes on by itself once the operator lets it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> (Stop, bool) {
        let look_up = |_: &str| Some(text.to_owned());
        let (stop, errors) = Stop::read(&Reader::new(&look_up));
        (stop, errors.is_empty())
    }

    #[test]
    fn everything_stops_or_some_networks_and_what_is_not_understood_stops_everything() {
        assert_eq!(read(""), (Stop::Nowhere, true));
        assert_eq!(read("All"), (Stop::Everywhere, true));
        assert_eq!(read("mastodon"), (Stop::On(vec!["mastodon"]), true));
        let two = Stop::On(vec!["mastodon", "x"]);
        for text in ["mastodon,x", "Mastodon, X", "mastodon x"] {
            assert_eq!(read(text), (two.clone(), true));
        }
        assert!(two.stops("x"));
        assert!(!two.stops("bluesky"));
        for text in ["everything", "mastodn", "all, x", "mastodon, twitter", ","] {
            assert_eq!(read(text), (Stop::Everywhere, false), "{text}");
        }
    }
}
