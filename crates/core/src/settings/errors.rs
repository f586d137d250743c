//! What is wrong with settings.

use std::fmt;

use serde::Serialize;

use crate::outcome::{Diagnosis, Reason};

/// Everything that is wrong with some settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SettingsErrors {
    /// The names of secrets that are not set.
    pub missing: Vec<&'static str>,
    /// The settings whose value does not parse.
    pub invalid: Vec<Invalid>,
}

/// A setting whose value does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The setting's name.
    pub name: &'static str,
    /// What its value may be.
    pub accepts: &'static str,
}

impl SettingsErrors {
    /// The errors of a single setting.
    pub(crate) fn of(invalid: Invalid) -> Self {
        Self {
            missing: Vec::new(),
            invalid: vec![invalid],
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.invalid.is_empty()
    }

    /// Adds other errors to these.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.missing.extend(other.missing);
        self.invalid.extend(other.invalid);
        self
    }

    /// The errors as a diagnosis. `remedy` says what to do about them.
    pub fn diagnosis(&self, remedy: &'static str) -> Diagnosis {
        let message = format!("The settings are incomplete: {self}.");
        Diagnosis::new(Reason::Settings, message, remedy)
    }
}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if !self.missing.is_empty() {
            write!(f, "not set: {}", self.missing.join(", "))?;
            separator = "; ";
        }
        for Invalid { name, accepts } in &self.invalid {
            write!(f, "{separator}{name} has to be {accepts}")?;
            separator = "; ";
        }
        Ok(())
    }
}
