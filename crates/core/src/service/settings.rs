//! The settings of the service, which its operator makes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::account::own_clock::SHORTEST_SLOT;
use crate::network::NETWORKS;
use crate::network::base_url::BaseUrl;
use crate::network::sign_in::Service;
use crate::service::directory::Limit;
use crate::service::keys;
use crate::settings::errors::SettingsErrors;
use crate::settings::pasted;
use crate::settings::reader::{Reader, Variable};

/// The address of this service.
pub const PUBLIC_URL: &str = "PUBLIC_URL";
/// What that address may be.
const PUBLIC_URL_ACCEPTS: &str = "the https:// URL by which people open this service, without a path (http:// only for localhost)";
/// Whether anybody may have an account.
pub const SIGN_UP: Variable = Variable {
    name: "SIGN_UP",
    default: "closed",
    accepts: "open or closed",
};
/// How people reach the operator.
pub const CONTACT: &str = "CONTACT";
/// What that may be.
const CONTACT_ACCEPTS: &str = "an e-mail address or an https:// URL";
/// How many accounts there may be, without the owner's.
pub const MAX_ACCOUNTS: Variable = Variable {
    name: "MAX_ACCOUNTS",
    default: "1000",
    accepts: "a whole number",
};
/// How many accounts are looked at each hour, in case their alarm was lost.
pub const CHECKS_AN_HOUR: Variable = Variable {
    name: "CHECKS_AN_HOUR",
    default: "40",
    accepts: "a whole number up to 900: at most 40 on a plan with 50 requests an event",
};
/// The names of all settings of the service, with its key and its accounts' clock. Only the Worker
/// of a service reads them.
pub const NAMES: [&str; 7] = [
    PUBLIC_URL,
    SIGN_UP.name,
    CONTACT,
    MAX_ACCOUNTS.name,
    CHECKS_AN_HOUR.name,
    SHORTEST_SLOT.name,
    keys::SETTING,
];

/// The most accounts that are looked at each hour: a tenth of an event's requests stay for the rest.
const MAX_CHECKS: u16 = 900;

/// The settings of the service.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// The address of the service; `None` if it is not set, and nobody can sign in.
    pub service: Result<Option<Service>, SettingsErrors>,
    /// Who may have an account.
    pub sign_up: Result<SignUp, SettingsErrors>,
    /// How many accounts are looked at each hour.
    pub checks_an_hour: u16,
}

/// Who may have an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignUp {
    /// The owner alone.
    Closed,
    /// Anybody.
    Open {
        /// How people reach the operator.
        contact: Contact,
        /// How many accounts there may be, without the owner's.
        max_accounts: u32,
    },
}

/// How people reach the operator of the service: an e-mail address or the address of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact(String);

/// The text is no way to reach the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not {CONTACT_ACCEPTS}")]
pub struct InvalidContact;

impl FromStr for Contact {
    type Err = InvalidContact;

    fn from_str(text: &str) -> Result<Self, InvalidContact> {
        let is_plain = text.chars().all(|c| c.is_ascii_graphic());
        let is_email = text
            .split_once('@')
            .is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
        let is_url = text.starts_with("https://") && text.contains('.');
        if is_plain && (is_url || is_email && !text.contains(':')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidContact)
        }
    }
}

impl Contact {
    /// The address of a link to it.
    pub fn link(&self) -> String {
        if self.0.starts_with("https://") {
            self.0.clone()
        } else {
            format!("mailto:{}", self.0)
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ServiceSettings {
    /// Reads the settings. `look_up` gives the text of a name, or `None` if it is not set.
    pub fn read(look_up: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            service: service(&look_up),
            sign_up: sign_up(&look_up),
            checks_an_hour: checks_an_hour(&look_up),
        }
    }

    /// Whether anybody may have an account. Settings that cannot be read let nobody in.
    pub fn is_open(&self) -> bool {
        matches!(self.sign_up, Ok(SignUp::Open { .. }))
    }

    /// How people reach the operator.
    pub fn contact(&self) -> Option<&Contact> {
        match &self.sign_up {
            Ok(SignUp::Open { contact, .. }) => Some(contact),
            _ => None,
        }
    }

    /// Whether a sign-in may create an account.
    pub fn limit(&self) -> Limit {
        match &self.sign_up {
            Ok(SignUp::Open { max_accounts, .. }) => Limit::AtMost(*max_accounts),
            _ => Limit::Closed,
        }
    }

    /// Everything that is wrong with them.
    pub fn errors(&self) -> SettingsErrors {
        let of_service = self.service.as_ref().err().cloned().unwrap_or_default();
        of_service.and(self.sign_up.as_ref().err().cloned().unwrap_or_default())
    }
}

fn service(look_up: &dyn Fn(&str) -> Option<String>) -> Result<Option<Service>, SettingsErrors> {
    let mut reader = Reader::new(look_up);
    if reader.text(PUBLIC_URL).is_none() {
        return Ok(None);
    }
    let url = reader.optional_parsed::<BaseUrl>(PUBLIC_URL, PUBLIC_URL_ACCEPTS);
    let service = url.map(|url| Service {
        public_url: url.to_string(),
        variables: variables(look_up),
    });
    reader.finish(service).map(Some)
}

/// What is set of the variables of networks on which people sign in.
fn variables(look_up: &dyn Fn(&str) -> Option<String>) -> BTreeMap<&'static str, String> {
    let networks = NETWORKS.iter().filter(|network| network.sign_in.is_some());
    let names = networks.flat_map(|network| network.variables);
    let set = names.filter_map(|one| Some((one.name, pasted::text(&look_up(one.name)?))));
    set.filter(|(_, text)| !text.is_empty()).collect()
}

fn sign_up(look_up: &dyn Fn(&str) -> Option<String>) -> Result<SignUp, SettingsErrors> {
    let mut reader = Reader::new(look_up);
    let is_open = reader.parsed_by(SIGN_UP, |text| match text.to_lowercase().as_str() {
        "open" => Some(true),
        "closed" => Some(false),
        _ => None,
    });
    let max_accounts = reader.parsed(MAX_ACCOUNTS);
    let sign_up = match is_open {
        Some(true) => {
            let contact = reader.required_parsed(CONTACT, CONTACT_ACCEPTS);
            contact
                .zip(max_accounts)
                .map(|(contact, max_accounts)| SignUp::Open {
                    contact,
                    max_accounts,
                })
        }
        Some(false) => Some(SignUp::Closed),
        None => None,
    };
    reader.finish(sign_up)
}

/// Reads how many accounts are looked at each hour. A text that does not parse counts as not set:
/// it keeps nothing else from working.
fn checks_an_hour(look_up: &dyn Fn(&str) -> Option<String>) -> u16 {
    let mut reader = Reader::new(look_up);
    let checks = reader.parsed::<u16>(CHECKS_AN_HOUR);
    let default = CHECKS_AN_HOUR.default.parse().ok();
    let checks = checks.or(default).expect("the default is a number");
    checks.min(MAX_CHECKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> ServiceSettings {
        ServiceSettings::read(|name| {
            let mut settings = settings.iter();
            let found = settings.find(|(set, _)| *set == name);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn nobody_can_sign_in_or_up_unless_it_is_set() {
        let settings = read(&[]);
        assert!(settings.service.as_ref().unwrap().is_none());
        assert!(!settings.is_open());
        assert_eq!(settings.limit(), Limit::Closed);
        assert!(settings.errors().is_empty());
        assert_eq!(settings.checks_an_hour, 40);
    }

    #[test]
    fn who_opens_it_has_to_be_reachable() {
        let settings = read(&[("SIGN_UP", "open")]);
        assert!(!settings.is_open());
        assert!(settings.errors().to_string().contains(CONTACT));
        for contact in ["me@icons.example", "https://icons.example/about"] {
            let settings = read(&[("SIGN_UP", "Open"), (CONTACT, contact)]);
            assert!(settings.is_open(), "{contact}");
            assert_eq!(settings.limit(), Limit::AtMost(1000));
        }
        for contact in [
            "me",
            "javascript:alert(1)@a.b",
            "http://icons.example",
            "a b@c.d",
        ] {
            assert!(
                !read(&[("SIGN_UP", "open"), (CONTACT, contact)]).is_open(),
                "{contact}"
            );
        }
    }

    #[test]
    fn the_address_is_https_or_of_this_machine() {
        for (text, url) in [
            ("https://icons.example/", "https://icons.example"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ] {
            let service = read(&[(PUBLIC_URL, text)]).service.unwrap().unwrap();
            assert_eq!(service.public_url, url);
        }
        for text in [
            "http://icons.example",
            "https://icons.example/path",
            "icons",
        ] {
            assert!(read(&[(PUBLIC_URL, text)]).service.is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_number_of_checks_keeps_nothing_from_working() {
        assert_eq!(read(&[("CHECKS_AN_HOUR", "many")]).checks_an_hour, 40);
        assert_eq!(read(&[("CHECKS_AN_HOUR", "5000")]).checks_an_hour, 900);
        assert!(!read(&[("SIGN_UP", "perhaps")]).errors().is_empty());
    }
}
