//! The settings: their names, their defaults, and how they are read.
//!
//! A host gives a look-up of texts by name; nothing falls back silently: a
//! value that does not parse is named, with what it may be. No value is ever
//! repeated in a message, since it may be a secret in the wrong place.

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use serde::Serialize;

use crate::alert::Webhook;
use crate::dial::{Dial, Direction, Period};
use crate::network::{Definition, NETWORKS, Network, x};
use crate::outcome::{Reason, Trouble};
use crate::secret::Secret;
use crate::time_zone::TimeZone;

/// A setting that has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is when it is not set.
    pub default: &'static str,
    /// What it may be.
    pub accepts: &'static str,
}

/// Whose clock the dial follows.
pub const TIME_ZONE: Variable = Variable {
    name: "TIME_ZONE",
    default: "Asia/Tokyo",
    accepts: "the name of an IANA time zone, such as Asia/Tokyo or Europe/Berlin",
};
/// How long a rotation takes.
pub const PERIOD: Variable = Variable {
    name: "PERIOD",
    default: "12h",
    accepts: "a period that divides a day, such as 12h, 24h, 1h, 1h30m or 20m, or 7d for a week",
};
/// Which way the icon turns.
pub const DIRECTION: Variable = Variable {
    name: "DIRECTION",
    default: "clockwise",
    accepts: "clockwise or counterclockwise",
};
/// The secret that opens the manual turn.
pub const TRIGGER_TOKEN: &str = "TRIGGER_TOKEN";
/// The secret address that is told when turning stops, and when it works again.
pub const ALERT_WEBHOOK_URL: &str = "ALERT_WEBHOOK_URL";

/// All settings of a host.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Opens the manual turn; without it, that stays closed.
    pub trigger_token: Option<Secret>,
    /// Who is told when turning stops; nobody without it.
    pub alert_webhook: Option<Webhook>,
    /// Time → frame, or what is wrong with it, or with what else all networks need.
    pub dial: Result<Dial, Flaws>,
    /// The networks that show the icon, at least one.
    pub networks: Vec<Configured>,
}

/// A network and the account there that turns.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The network.
    pub definition: Definition,
    /// The account, or what is wrong with its settings.
    pub network: Result<Rc<dyn Network>, Flaws>,
}

/// Everything that keeps the settings from being used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Flaws {
    /// The names of secrets that are not set.
    pub missing: Vec<&'static str>,
    /// The variables whose value does not parse.
    pub invalid: Vec<Invalid>,
}

/// A variable whose value does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The variable's name.
    pub name: &'static str,
    /// What it may be.
    pub accepts: &'static str,
}

impl Flaws {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.invalid.is_empty()
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.missing.extend(other.missing);
        self.invalid.extend(other.invalid);
        self
    }

    /// What they mean for a turn, and what to do.
    pub fn trouble(&self, remedy: &'static str) -> Trouble {
        let message = format!("The settings are not complete: {self}.");
        Trouble::new(Reason::Settings, message, remedy)
    }
}

impl fmt::Display for Flaws {
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

impl Settings {
    /// Reads all settings. `look_up` gives the text of a name, or `None` when
    /// it is not set; white space around a text does not count, and an empty
    /// one counts as not set.
    pub fn read(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| text(&look_up, name);
        let alert_webhook = text(ALERT_WEBHOOK_URL).map(|url| url.parse::<Webhook>());
        let mut reader = Reader::new(&text);
        let dial = reader.dial();
        if let Some(Err(_)) = alert_webhook {
            reader.flaws.invalid.push(Invalid {
                name: ALERT_WEBHOOK_URL,
                accepts: "an https:// URL (http:// only for localhost)",
            });
        }
        Self {
            trigger_token: text(TRIGGER_TOKEN).map(Secret::new),
            alert_webhook: alert_webhook.and_then(Result::ok),
            dial: reader.finish(dial),
            networks: networks(&text),
        }
    }

    /// All that is wrong with them.
    pub fn flaws(&self) -> Flaws {
        let of_networks = self.networks.iter().map(|one| one.network.as_ref().err());
        let all = [self.dial.as_ref().err()].into_iter().chain(of_networks);
        all.flatten().cloned().fold(Flaws::default(), Flaws::and)
    }
}

/// Reads a few settings; as for [`Settings::read`], `look_up` gives texts by name.
///
/// # Errors
/// When one is missing or does not parse.
pub fn read_some<T>(
    look_up: impl Fn(&str) -> Option<String>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, Flaws> {
    let text = |name: &str| text(&look_up, name);
    let mut reader = Reader::new(&text);
    let some = read(&mut reader);
    reader.finish(some)
}

/// The names of all settings there are.
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

/// The text of a setting; a blank one is none.
fn text(look_up: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let text = look_up(name)?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The networks that are set up, each once one of its settings is there; X
/// without any of them.
fn networks(text: &dyn Fn(&str) -> Option<String>) -> Vec<Configured> {
    let read = |definition: Definition| {
        let mut reader = Reader::new(text);
        let network = (definition.read)(&mut reader);
        Configured {
            definition,
            network: reader.finish(network),
        }
    };
    let is_meant = |definition: &Definition| {
        let required = definition.required.iter();
        required.copied().any(|name| text(name).is_some())
    };
    let mut networks: Vec<_> = NETWORKS.into_iter().filter(is_meant).map(read).collect();
    if networks.is_empty() {
        networks.push(read(x::DEFINITION));
    }
    networks
}

/// Reads one setting after the other and gathers what is wrong.
pub struct Reader<'a> {
    text: &'a dyn Fn(&str) -> Option<String>,
    flaws: Flaws,
}

impl<'a> Reader<'a> {
    fn new(text: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            text,
            flaws: Flaws::default(),
        }
    }

    fn dial(&mut self) -> Option<Dial> {
        let time_zone = self.parsed_by(TIME_ZONE, |text| TimeZone::named(text).ok());
        let period = self.parsed::<Period>(PERIOD);
        let direction = self.parsed::<Direction>(DIRECTION);
        Some(Dial {
            time_zone: time_zone?,
            period: period?,
            direction: direction?,
        })
    }

    /// What was read, unless something is wrong.
    fn finish<T>(self, read: Option<T>) -> Result<T, Flaws> {
        match read {
            Some(read) if self.flaws.is_empty() => Ok(read),
            _ => Err(self.flaws),
        }
    }

    /// A setting that has a default.
    pub fn parsed<T: FromStr>(&mut self, variable: Variable) -> Option<T> {
        self.parsed_by(variable, |text| text.parse().ok())
    }

    fn parsed_by<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = (self.text)(variable.name);
        let value = parse(text.as_deref().unwrap_or(variable.default));
        if value.is_none() {
            self.flaws.invalid.push(Invalid {
                name: variable.name,
                accepts: variable.accepts,
            });
        }
        value
    }

    /// A secret that has to be set.
    pub fn secret(&mut self, name: &'static str) -> Option<Secret> {
        self.required(name).map(Secret::new)
    }

    /// A text that has to be set.
    pub fn required(&mut self, name: &'static str) -> Option<String> {
        let text = (self.text)(name);
        if text.is_none() {
            self.flaws.missing.push(name);
        }
        text
    }

    /// A setting that has to be set, and may be what `accepts` says.
    pub fn required_parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        accepts: &'static str,
    ) -> Option<T> {
        let value = self.required(name)?.parse().ok();
        if value.is_none() {
            self.flaws.invalid.push(Invalid { name, accepts });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::network::bluesky::{
        self, BLUESKY_APP_PASSWORD, BLUESKY_IDENTIFIER, BLUESKY_SERVICE,
    };
    use crate::network::mastodon::{self, MASTODON_ACCESS_TOKEN, MASTODON_SERVER};
    use crate::network::x::{
        ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_BASE_URL, API_KEY, API_KEY_SECRET, Account,
        BodyForm, X_BODY,
    };

    const SECRETS: [(&str, &str); 4] = [
        (API_KEY, "k"),
        (API_KEY_SECRET, "ks"),
        (ACCESS_TOKEN, "t"),
        (ACCESS_TOKEN_SECRET, "ts"),
    ];

    fn read(settings: &[(&str, &str)]) -> Settings {
        Settings::read(|name| {
            settings
                .iter()
                .find(|(set, _)| *set == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    /// What is wrong, or `None`.
    fn flaws(settings: &[(&str, &str)]) -> Option<Flaws> {
        Some(read(settings).flaws()).filter(|flaws| !flaws.is_empty())
    }

    const BLUESKY: [(&str, &str); 2] = [
        (BLUESKY_IDENTIFIER, "alice.bsky.social"),
        (BLUESKY_APP_PASSWORD, "hunter2"),
    ];

    const MASTODON: [(&str, &str); 2] = [
        (MASTODON_SERVER, "https://mastodon.example"),
        (MASTODON_ACCESS_TOKEN, "hunter2"),
    ];

    /// The networks by name, and what is wrong with each.
    fn networks_of(settings: &[(&str, &str)]) -> Vec<(&'static str, Option<Flaws>)> {
        let networks = read(settings).networks.into_iter();
        let named = networks.map(|one| (one.definition.name, one.network.err()));
        named.collect()
    }

    fn account_of_x(settings: &[(&str, &str)]) -> Account {
        let look_up = |name: &str| {
            let set = settings.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        Account::read(&mut Reader::new(&|name| text(&look_up, name))).unwrap()
    }

    #[test]
    fn secrets_alone_are_enough() {
        let settings = read(&SECRETS);
        assert!(settings.flaws().is_empty());
        let dial = settings.dial.unwrap();
        assert_eq!(dial.time_zone.name(), "Asia/Tokyo");
        assert_eq!(dial.period, Period::TWELVE_HOURS);
        assert_eq!(dial.direction, Direction::Clockwise);
        let [network] = settings.networks.try_into().unwrap();
        assert_eq!(network.definition.name, "x");
        let account = account_of_x(&SECRETS);
        assert_eq!(account.base_url.to_string(), "https://api.x.com");
        assert_eq!(account.body, BodyForm::Multipart);
        assert_eq!(account.credentials.access_token_secret.expose(), "ts");
    }

    #[test]
    fn a_network_is_used_once_one_of_its_settings_is_there() {
        assert_eq!(networks_of(&BLUESKY), [("bluesky", None)]);
        assert_eq!(networks_of(&MASTODON), [("mastodon", None)]);
        let all = [SECRETS.as_slice(), &BLUESKY, &MASTODON].concat();
        let names = [("x", None), ("bluesky", None), ("mastodon", None)];
        assert_eq!(networks_of(&all), names);
        // A setting with a default says nothing of what is wanted.
        let mut settings = SECRETS.to_vec();
        settings.push((BLUESKY_SERVICE.name, "https://pds.example"));
        assert_eq!(networks_of(&settings), [("x", None)]);
    }

    #[test]
    fn a_network_with_half_of_its_settings_names_the_others_and_leaves_the_rest_alone() {
        for (set, missing, name) in [
            (BLUESKY[0], BLUESKY_APP_PASSWORD, "bluesky"),
            (BLUESKY[1], BLUESKY_IDENTIFIER, "bluesky"),
            (MASTODON[0], MASTODON_ACCESS_TOKEN, "mastodon"),
            (MASTODON[1], MASTODON_SERVER, "mastodon"),
        ] {
            let mut settings = SECRETS.to_vec();
            settings.push(set);
            let flaws = Flaws {
                missing: vec![missing],
                invalid: Vec::new(),
            };
            assert_eq!(networks_of(&settings), [("x", None), (name, Some(flaws))]);
            assert!(read(&settings).dial.is_ok());
        }
    }

    #[test]
    fn an_address_of_a_network_that_is_none_is_named_and_not_repeated() {
        let settings = |name, value| [BLUESKY.as_slice(), &MASTODON, &[(name, value)]].concat();
        for value in [
            "hunter2",
            "http://hunter2.example",
            "https://a:b@hunter2.example",
        ] {
            for name in [BLUESKY_SERVICE.name, MASTODON_SERVER] {
                let mut settings = settings(name, value);
                settings.rotate_right(1);
                assert_eq!(
                    flaws(&settings).unwrap().to_string(),
                    format!("{name} has to be {}", BLUESKY_SERVICE.accepts)
                );
            }
        }
    }

    #[test]
    fn the_accounts_are_those_of_the_settings() {
        let look_up = |name: &str| {
            let mut settings = BLUESKY.iter().chain(&MASTODON);
            let set = settings.find(|(set, _)| *set == name);
            set.map(|(_, value)| format!(" {value}\n"))
        };
        let text = |name: &str| text(&look_up, name);
        let account = bluesky::Account::read(&mut Reader::new(&text)).unwrap();
        assert_eq!(account.service.to_string(), "https://bsky.social");
        assert_eq!(account.identifier, "alice.bsky.social");
        assert_eq!(account.app_password.expose(), "hunter2");
        let account = mastodon::Account::read(&mut Reader::new(&text)).unwrap();
        assert_eq!(account.server.to_string(), "https://mastodon.example");
        assert_eq!(account.access_token.expose(), "hunter2");
    }

    #[test]
    fn every_missing_secret_is_named() {
        let flaws = flaws(&[]).unwrap();
        assert_eq!(flaws.missing, SECRETS.map(|(name, _)| name));
        assert_eq!(flaws.invalid, []);
    }

    #[test]
    fn a_blank_secret_counts_as_missing() {
        let mut settings = SECRETS;
        settings[2].1 = " \n";
        let flaws = flaws(&settings).unwrap();
        assert_eq!(flaws.missing, [ACCESS_TOKEN]);
        assert!(read(&[(TRIGGER_TOKEN, "")]).trigger_token.is_none());
    }

    #[test]
    fn a_line_break_that_was_pasted_along_does_no_harm() {
        let mut settings = SECRETS;
        settings[0].1 = "k\r\n";
        let account = account_of_x(&settings);
        assert_eq!(account.credentials.api_key.expose(), "k");
    }

    #[test]
    fn every_variable_that_does_not_parse_is_named_with_what_it_may_be() {
        let variables = [TIME_ZONE, PERIOD, DIRECTION, API_BASE_URL, X_BODY];
        for variable in variables {
            let mut settings = SECRETS.to_vec();
            settings.push((variable.name, "hunter2"));
            assert_eq!(
                flaws(&settings).unwrap().to_string(),
                format!("{} has to be {}", variable.name, variable.accepts)
            );
        }
        let all = variables.map(|variable| (variable.name, "hunter2"));
        let flaws = flaws(&all).unwrap();
        assert_eq!(flaws.invalid.len(), variables.len());
        assert!(!format!("{flaws} {flaws:?}").contains("hunter2"));
    }

    #[test]
    fn a_webhook_is_taken_if_there_is_one() {
        let settings = read(&SECRETS);
        assert!(settings.alert_webhook.is_none());
        let mut with_webhook = SECRETS.to_vec();
        with_webhook.push((ALERT_WEBHOOK_URL, " https://hooks.test/hunter2\n"));
        let settings = read(&with_webhook);
        assert!(settings.alert_webhook.is_some());
        assert!(settings.flaws().is_empty());
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_webhook_that_cannot_be_called_is_named_with_what_it_may_be_and_not_repeated() {
        for url in [
            "hunter2",
            "http://hunter2.test/",
            "https://a:hunter2@hooks.test/",
        ] {
            let mut settings = SECRETS.to_vec();
            settings.push((ALERT_WEBHOOK_URL, url));
            let settings = read(&settings);
            assert!(settings.alert_webhook.is_none());
            assert!(!format!("{settings:?}").contains("hunter2"));
            assert_eq!(
                settings.flaws().to_string(),
                "ALERT_WEBHOOK_URL has to be an https:// URL (http:// only for localhost)"
            );
        }
    }

    #[test]
    fn the_configuration_and_the_readme_show_the_defaults() {
        let configuration = include_str!("../wrangler.toml");
        let readme = include_str!("../README.md");
        let of_networks = NETWORKS.iter().flat_map(|network| network.variables);
        let variables = [TIME_ZONE, PERIOD, DIRECTION];
        for Variable { name, default, .. } in variables.iter().chain(of_networks) {
            assert!(
                configuration.contains(&format!("\n{name} = \"{default}\"\n")),
                "{name}"
            );
            assert!(
                readme.contains(&format!("\n| `{name}` | `{default}` |")),
                "{name}"
            );
        }
        let of_networks = NETWORKS.iter().flat_map(|network| network.required);
        for name in of_networks.chain(&[TRIGGER_TOKEN, ALERT_WEBHOOK_URL]) {
            assert!(readme.contains(&format!("`{name}`")), "{name}");
            assert!(
                include_str!("../.dev.vars.example").contains(&format!("\n{name}=\n")),
                "{name}"
            );
        }
    }

    #[test]
    fn every_default_is_one_that_parses() {
        for variable in [TIME_ZONE, PERIOD, DIRECTION, API_BASE_URL, X_BODY] {
            let mut settings = SECRETS.to_vec();
            settings.push((variable.name, variable.default));
            assert_eq!(flaws(&settings), None, "{}", variable.name);
        }
    }
}
