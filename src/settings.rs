//! The settings: their names, their defaults, and how they are read.
//!
//! A host gives a look-up of texts by name; nothing falls back silently: a
//! value that does not parse is named, with what it may be. No value is ever
//! repeated in a message, since it may be a secret in the wrong place.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::alert::Webhook;
use crate::dial::{Dial, Direction, Period};
use crate::network::base_url::BaseUrl;
use crate::network::x;
use crate::oauth1::Credentials;
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
/// Where X's API is.
pub const API_BASE_URL: Variable = Variable {
    name: "API_BASE_URL",
    default: "https://api.x.com",
    accepts: "an https:// URL without path (http:// only for localhost)",
};
/// How the picture is sent to X.
pub const X_BODY: Variable = Variable {
    name: "X_BODY",
    default: "multipart",
    accepts: "multipart or form",
};

/// The secret that names the app.
pub const API_KEY: &str = "API_KEY";
/// The secret that signs for the app.
pub const API_KEY_SECRET: &str = "API_KEY_SECRET";
/// The secret that names the account.
pub const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
/// The secret that signs for the account.
pub const ACCESS_TOKEN_SECRET: &str = "ACCESS_TOKEN_SECRET";
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
    /// What a turn needs, or what is wrong with it.
    pub turning: Result<Turning, Flaws>,
}

/// What a turn needs to know.
#[derive(Debug, Clone)]
pub struct Turning {
    /// Time → frame.
    pub dial: Dial,
    /// The account that turns.
    pub account: x::Account,
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
        let text = |name: &str| {
            look_up(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let alert_webhook = text(ALERT_WEBHOOK_URL).map(|url| url.parse::<Webhook>());
        let mut reader = Reader::new(&text);
        if let Some(Err(_)) = alert_webhook {
            reader.flaws.invalid.push(Invalid {
                name: ALERT_WEBHOOK_URL,
                accepts: "an https:// URL (http:// only for localhost)",
            });
        }
        Self {
            trigger_token: text(TRIGGER_TOKEN).map(Secret::new),
            alert_webhook: alert_webhook.and_then(Result::ok),
            turning: reader.turning(),
        }
    }
}

/// Reads one setting after the other and gathers what is wrong.
struct Reader<'a> {
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

    fn turning(mut self) -> Result<Turning, Flaws> {
        let time_zone = self.parsed_by(TIME_ZONE, |text| TimeZone::named(text).ok());
        let period = self.parsed::<Period>(PERIOD);
        let direction = self.parsed::<Direction>(DIRECTION);
        let base_url = self.parsed::<BaseUrl>(API_BASE_URL);
        let body = self.parsed::<x::BodyForm>(X_BODY);
        let api_key = self.secret(API_KEY);
        let api_key_secret = self.secret(API_KEY_SECRET);
        let access_token = self.secret(ACCESS_TOKEN);
        let access_token_secret = self.secret(ACCESS_TOKEN_SECRET);

        let flaws = self.flaws;
        if !flaws.invalid.is_empty() {
            return Err(flaws);
        }
        let turning = || {
            Some(Turning {
                dial: Dial {
                    time_zone: time_zone?,
                    period: period?,
                    direction: direction?,
                },
                account: x::Account {
                    base_url: base_url?,
                    body: body?,
                    credentials: Credentials {
                        api_key: api_key?,
                        api_key_secret: api_key_secret?,
                        access_token: access_token?,
                        access_token_secret: access_token_secret?,
                    },
                },
            })
        };
        turning().ok_or(flaws)
    }

    fn parsed<T: FromStr>(&mut self, variable: Variable) -> Option<T> {
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

    fn secret(&mut self, name: &'static str) -> Option<Secret> {
        let text = (self.text)(name);
        if text.is_none() {
            self.flaws.missing.push(name);
        }
        text.map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn secrets_alone_are_enough() {
        let turning = read(&SECRETS).turning.unwrap();
        assert_eq!(turning.dial.time_zone.name(), "Asia/Tokyo");
        assert_eq!(turning.dial.period, Period::TWELVE_HOURS);
        assert_eq!(turning.dial.direction, Direction::Clockwise);
        assert_eq!(turning.account.base_url.to_string(), "https://api.x.com");
        assert_eq!(turning.account.body, x::BodyForm::Multipart);
        assert_eq!(
            turning.account.credentials.access_token_secret.expose(),
            "ts"
        );
    }

    #[test]
    fn every_missing_secret_is_named() {
        let flaws = read(&[]).turning.unwrap_err();
        assert_eq!(flaws.missing, SECRETS.map(|(name, _)| name));
        assert_eq!(flaws.invalid, []);
    }

    #[test]
    fn a_blank_secret_counts_as_missing() {
        let mut settings = SECRETS;
        settings[2].1 = " \n";
        let flaws = read(&settings).turning.unwrap_err();
        assert_eq!(flaws.missing, [ACCESS_TOKEN]);
        assert!(read(&[(TRIGGER_TOKEN, "")]).trigger_token.is_none());
    }

    #[test]
    fn a_line_break_that_was_pasted_along_does_no_harm() {
        let mut settings = SECRETS;
        settings[0].1 = "k\r\n";
        let turning = read(&settings).turning.unwrap();
        assert_eq!(turning.account.credentials.api_key.expose(), "k");
    }

    #[test]
    fn every_variable_that_does_not_parse_is_named_with_what_it_may_be() {
        let variables = [TIME_ZONE, PERIOD, DIRECTION, API_BASE_URL, X_BODY];
        for variable in variables {
            let mut settings = SECRETS.to_vec();
            settings.push((variable.name, "hunter2"));
            let flaws = read(&settings).turning.unwrap_err();
            assert_eq!(
                flaws.to_string(),
                format!("{} has to be {}", variable.name, variable.accepts)
            );
        }
        let all = variables.map(|variable| (variable.name, "hunter2"));
        let flaws = read(&all).turning.unwrap_err();
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
        assert!(settings.turning.is_ok());
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
                settings.turning.unwrap_err().to_string(),
                "ALERT_WEBHOOK_URL has to be an https:// URL (http:// only for localhost)"
            );
        }
    }

    #[test]
    fn the_configuration_and_the_readme_show_the_defaults() {
        let configuration = include_str!("../wrangler.toml");
        let readme = include_str!("../README.md");
        for Variable { name, default, .. } in [TIME_ZONE, PERIOD, DIRECTION, API_BASE_URL, X_BODY] {
            assert!(
                configuration.contains(&format!("\n{name} = \"{default}\"\n")),
                "{name}"
            );
            assert!(
                readme.contains(&format!("\n| `{name}` | `{default}` |")),
                "{name}"
            );
        }
        for name in [
            API_KEY,
            API_KEY_SECRET,
            ACCESS_TOKEN,
            ACCESS_TOKEN_SECRET,
            TRIGGER_TOKEN,
        ] {
            assert!(configuration.contains(&format!("\"{name}\"")), "{name}");
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
            assert!(read(&settings).turning.is_ok(), "{}", variable.name);
        }
    }
}
