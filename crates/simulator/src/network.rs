//! The networks that are stood in for, and what is known of each beforehand.

use serde::Serialize;

use super::faults::Fault;
use super::{bluesky, mastodon, x};

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Network {
    X,
    Bluesky,
    Mastodon,
}

impl Network {
    /// All of them, in the order in which they are shown.
    pub(super) const ALL: [Self; 3] = [Self::X, Self::Bluesky, Self::Mastodon];

    /// The network of that name, or which there are.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|network| network.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                format!("there is no such network; known are {known}")
            })
    }

    /// The name, as the control routes have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Bluesky => "bluesky",
            Self::Mastodon => "mastodon",
        }
    }

    /// The name, as people have it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::X => "X",
            Self::Bluesky => "Bluesky",
            Self::Mastodon => "Mastodon",
        }
    }

    /// The faults that can be asked for.
    pub(super) fn faults(self) -> &'static [Fault] {
        match self {
            Self::X => x::FAULTS,
            Self::Bluesky => bluesky::FAULTS,
            Self::Mastodon => mastodon::FAULTS,
        }
    }

    /// The names of what it answers.
    pub(super) fn endpoints(self) -> &'static [&'static str] {
        match self {
            Self::X => &x::ENDPOINTS,
            Self::Bluesky => &bluesky::ENDPOINTS,
            Self::Mastodon => &mastodon::ENDPOINTS,
        }
    }
}
