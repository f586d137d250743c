//! The simulated networks: their names, endpoints and faults.

use serde::Serialize;

use crate::faults::Fault;
use crate::{bluesky, mastodon, x};

/// A simulated network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Network {
    X,
    Bluesky,
    Mastodon,
}

impl Network {
    /// All networks, in the order in which the page shows them.
    pub(crate) const ALL: [Self; 3] = [Self::X, Self::Bluesky, Self::Mastodon];

    /// The network with this name. The error lists the names there are.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|network| network.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("there is no such network; known are {known}")
            })
    }

    /// The name in the control routes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Bluesky => "bluesky",
            Self::Mastodon => "mastodon",
        }
    }

    /// The name in texts for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::X => "X",
            Self::Bluesky => "Bluesky",
            Self::Mastodon => "Mastodon",
        }
    }

    /// The faults of the network.
    pub(crate) fn faults(self) -> &'static [Fault] {
        match self {
            Self::X => x::FAULTS,
            Self::Bluesky => bluesky::FAULTS,
            Self::Mastodon => mastodon::FAULTS,
        }
    }

    /// The names of the endpoints.
    pub(crate) fn endpoints(self) -> &'static [&'static str] {
        match self {
            Self::X => &x::ENDPOINTS,
            Self::Bluesky => &bluesky::ENDPOINTS,
            Self::Mastodon => &mastodon::ENDPOINTS,
        }
    }
}
