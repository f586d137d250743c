//! The settings: their names, their defaults, and how they are read.
//!
//! A host gives a look-up of texts by name. A value is understood as people paste
//! it ([`crate::settings::pasted`]); nothing falls back silently: one that cannot be right is
//! named, with what it may be, before anything is sent. No value is ever repeated in
//! a message, since it may be a secret in the wrong place.

pub mod pasted;
pub mod secret;

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::account::alert::Webhook;
use crate::network::{Definition, NETWORKS, Network, x};
use crate::outcome::{Diagnosis, Reason};
use crate::ports::TimeZones;
use crate::schedule::time_zone::TimeZone;
use crate::schedule::{Direction, Period, Schedule};
use crate::settings::secret::Secret;

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

/// Whose clock the schedule follows.
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
/// What the trigger token may be.
pub const TRIGGER_TOKEN_ACCEPTS: &str = "at least 8 characters that a header can carry: letters, \
     digits and signs of ASCII, such as `openssl rand -hex 32` prints";
/// The fewest characters of a trigger token: of shorter ones, a program can try all.
const MIN_TRIGGER_TOKEN: usize = 8;
/// What a key or token of a network may be.
pub const TOKEN_ACCEPTS: &str = "the whole text as the network shows it, without spaces and \
     quotation marks";
/// The secret address that is told when turning stops, and when it works again.
pub const ALERT_WEBHOOK_URL: &str = "ALERT_WEBHOOK_URL";

/// All settings of a host.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Opens the manual turn; without it, that stays closed. What is wrong with it
    /// keeps nothing else from working.
    pub trigger_token: Result<Option<Secret>, SettingsErrors>,
    /// Who is told when turning stops; nobody without it.
    pub alert_webhook: Option<Webhook>,
    /// Time → frame, or what is wrong with it, or with what else all networks need.
    pub schedule: Result<Schedule, SettingsErrors>,
    /// The networks that show the icon, at least one.
    pub networks: Vec<Configured>,
}

/// A network and the account there that turns.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The network.
    pub definition: Definition,
    /// The account, or what is wrong with its settings.
    pub network: Result<Rc<dyn Network>, SettingsErrors>,
    /// Tells these settings from others: eight hex digits of a hash of the values. It
    /// notices a change, and is too short to tell a value from.
    pub fingerprint: String,
}

/// Everything that keeps the settings from being used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SettingsErrors {
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

impl SettingsErrors {
    /// One that is wrong.
    fn of(invalid: Invalid) -> Self {
        Self {
            missing: Vec::new(),
            invalid: vec![invalid],
        }
    }

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
    pub fn diagnosis(&self, remedy: &'static str) -> Diagnosis {
        let message = format!("The settings are not complete: {self}.");
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

impl Settings {
    /// Reads all settings. `look_up` gives the text of a name, or `None` when
    /// it is not set; what came along by copying does not count
    /// ([`pasted::text`]), and an empty text counts as not set.
    pub fn read(time_zones: &impl TimeZones, look_up: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| text(&look_up, name);
        let alert_webhook = text(ALERT_WEBHOOK_URL).map(|url| url.parse::<Webhook>());
        let mut reader = Reader::new(&text);
        let schedule = reader.schedule(time_zones);
        if let Some(Err(_)) = alert_webhook {
            reader.errors.invalid.push(Invalid {
                name: ALERT_WEBHOOK_URL,
                accepts: "an https:// URL (http:// only for localhost)",
            });
        }
        Self {
            trigger_token: trigger_token(&text),
            alert_webhook: alert_webhook.and_then(Result::ok),
            schedule: reader.finish(schedule),
            networks: networks(&text),
        }
    }

    /// All that is wrong with them.
    pub fn errors(&self) -> SettingsErrors {
        let of_trigger = self.trigger_token.as_ref().err().cloned();
        self.errors_of_turns().and(of_trigger.unwrap_or_default())
    }

    /// All that keeps the icon from turning somewhere.
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

/// Reads a few settings; as for [`Settings::read`], `look_up` gives texts by name.
///
/// # Errors
/// When one is missing or does not parse.
pub fn read_some<T>(
    look_up: impl Fn(&str) -> Option<String>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, SettingsErrors> {
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
    let value = value_of(&look_up(name)?, name);
    (!value.is_empty()).then_some(value)
}

/// The value of a setting in what was pasted for it.
fn value_of(pasted: &str, name: &str) -> String {
    let text = pasted::text(pasted);
    pasted::text(pasted::value_of_line(&text, name))
}

/// The trigger token in what was pasted: for the setting, and by whoever sends it.
pub(crate) fn trigger_token_in(pasted: &str) -> String {
    pasted::token(&value_of(pasted, TRIGGER_TOKEN))
}

/// The token that opens the manual turn, if it is set.
fn trigger_token(text: &dyn Fn(&str) -> Option<String>) -> Result<Option<Secret>, SettingsErrors> {
    let Some(token) = text(TRIGGER_TOKEN).map(|text| trigger_token_in(&text)) else {
        return Ok(None);
    };
    // What a field of a header may hold (RFC 9110 §5.5), as fetch and curl send it.
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

/// The name of a time zone, with or without spaces: `america / new york`.
fn time_zone(text: &str, time_zones: &impl TimeZones) -> Option<TimeZone> {
    let parts = text.split(['/', '\\']).map(|part| {
        let words: Vec<_> = part.split_whitespace().collect();
        words.join("_")
    });
    TimeZone::named(&parts.collect::<Vec<_>>().join("/"), time_zones).ok()
}

/// A period in the form that [`Period`] reads: `12 Hours` is `12h`.
fn period(text: &str) -> Option<Period> {
    const UNITS: [(&str, &[&str]); 4] = [
        ("d", &["d", "day", "days"]),
        ("h", &["h", "hr", "hrs", "hour", "hours"]),
        ("m", &["m", "min", "mins", "minute", "minutes"]),
        ("s", &["s", "sec", "secs", "second", "seconds"]),
    ];
    let text = text.to_lowercase();
    let mut short = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let after_digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = rest.strip_suffix(after_digits)?;
        let after_digits = after_digits.trim_start();
        let after_unit = after_digits.trim_start_matches(char::is_alphabetic);
        let unit = after_digits.strip_suffix(after_unit)?;
        if digits.is_empty() {
            return None;
        }
        if matches!(unit, "w" | "week" | "weeks") {
            let weeks: u32 = digits.parse().ok()?;
            short.push_str(&weeks.checked_mul(7)?.to_string());
            short.push('d');
        } else {
            let (letter, _) = UNITS.iter().find(|(_, names)| names.contains(&unit))?;
            short.push_str(digits);
            short.push_str(letter);
        }
        rest = after_unit.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    short.parse().ok()
}

/// A direction in any of the usual spellings: `Counter-clockwise`, `anticlockwise`.
fn direction(text: &str) -> Option<Direction> {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let word: String = letters.flat_map(char::to_lowercase).collect();
    match word.as_str() {
        "anticlockwise" => Some(Direction::Counterclockwise),
        word => word.parse().ok(),
    }
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
            fingerprint: fingerprint(&definition, text),
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

/// The fingerprint of a network's settings. A variable that has its default counts as
/// one that is not set.
fn fingerprint(definition: &Definition, text: &dyn Fn(&str) -> Option<String>) -> String {
    let required = definition.required.iter().map(|name| (*name, text(name)));
    let variables = definition.variables.iter().map(|variable| {
        let text = text(variable.name).filter(|text| text != variable.default);
        (variable.name, text)
    });
    let mut hash = Sha256::new();
    for (name, text) in required.chain(variables) {
        // No text has this character in it, so none runs into the next.
        for part in [name, "\0", text.as_deref().unwrap_or_default(), "\0"] {
            hash.update(part);
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    HEXLOWER.encode(&digest[..4])
}

/// Reads one setting after the other and gathers what is wrong.
pub struct Reader<'a> {
    text: &'a dyn Fn(&str) -> Option<String>,
    errors: SettingsErrors,
}

impl<'a> Reader<'a> {
    fn new(text: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            text,
            errors: SettingsErrors::default(),
        }
    }

    fn schedule(&mut self, time_zones: &impl TimeZones) -> Option<Schedule> {
        let time_zone = self.parsed_by(TIME_ZONE, |text| time_zone(text, time_zones));
        let period = self.parsed_by(PERIOD, period);
        let direction = self.parsed_by(DIRECTION, direction);
        Some(Schedule {
            time_zone: time_zone?,
            period: period?,
            direction: direction?,
        })
    }

    /// What was read, unless something is wrong.
    fn finish<T>(self, read: Option<T>) -> Result<T, SettingsErrors> {
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            _ => Err(self.errors),
        }
    }

    /// A setting that has a default. A text that is nothing as it is may be so in
    /// lower case.
    pub fn parsed<T: FromStr>(&mut self, variable: Variable) -> Option<T> {
        self.parsed_by(variable, |text| {
            let as_it_is = text.parse().ok();
            as_it_is.or_else(|| text.to_lowercase().parse().ok())
        })
    }

    fn parsed_by<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = (self.text)(variable.name);
        let value = parse(text.as_deref().unwrap_or(variable.default));
        if value.is_none() {
            self.errors.invalid.push(Invalid {
                name: variable.name,
                accepts: variable.accepts,
            });
        }
        value
    }

    /// A key or token that has to be set, as a network shows it once.
    pub fn secret(&mut self, name: &'static str) -> Option<Secret> {
        let token = pasted::token(&self.required(name)?);
        let is_one = |c: char| c.is_ascii_graphic() && !"\"'`<>".contains(c);
        if token.is_empty() || !token.chars().all(is_one) {
            self.errors.invalid.push(Invalid {
                name,
                accepts: TOKEN_ACCEPTS,
            });
            return None;
        }
        Some(Secret::new(token))
    }

    /// A password that has to be set: any text, since an account's own may be one.
    pub fn password(&mut self, name: &'static str) -> Option<Secret> {
        self.required(name).map(Secret::new)
    }

    /// A text that has to be set.
    pub fn required(&mut self, name: &'static str) -> Option<String> {
        let text = (self.text)(name);
        if text.is_none() {
            self.errors.missing.push(name);
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
            self.errors.invalid.push(Invalid { name, accepts });
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::network::bluesky::{
        self, BLUESKY_APP_PASSWORD, BLUESKY_DIRECTORY, BLUESKY_DNS, BLUESKY_IDENTIFIER,
        BLUESKY_SERVICE,
    };
    use crate::network::mastodon::{self, MASTODON_ACCESS_TOKEN, MASTODON_SERVER};
    use crate::network::x::{
        ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_BASE_URL, API_KEY, API_KEY_SECRET, Account,
        BodyForm, X_API, X_BODY,
    };
    use crate::testing::BundledTimeZones;

    const SECRETS: [(&str, &str); 4] = [
        (API_KEY, "k"),
        (API_KEY_SECRET, "ks"),
        (ACCESS_TOKEN, "t"),
        (ACCESS_TOKEN_SECRET, "ts"),
    ];

    fn read(settings: &[(&str, &str)]) -> Settings {
        Settings::read(&BundledTimeZones, |name| {
            settings
                .iter()
                .find(|(set, _)| *set == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    /// What is wrong, or `None`.
    fn errors(settings: &[(&str, &str)]) -> Option<SettingsErrors> {
        Some(read(settings).errors()).filter(|errors| !errors.is_empty())
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
    fn networks_of(settings: &[(&str, &str)]) -> Vec<(&'static str, Option<SettingsErrors>)> {
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
        assert!(settings.errors().is_empty());
        let schedule = settings.schedule.unwrap();
        assert_eq!(schedule.time_zone.name(), "Asia/Tokyo");
        assert_eq!(schedule.period, Period::TWELVE_HOURS);
        assert_eq!(schedule.direction, Direction::Clockwise);
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
            let errors = SettingsErrors {
                missing: vec![missing],
                invalid: Vec::new(),
            };
            assert_eq!(networks_of(&settings), [("x", None), (name, Some(errors))]);
            assert!(read(&settings).schedule.is_ok());
        }
    }

    #[test]
    fn what_cannot_be_right_is_named_with_what_it_may_be_and_not_repeated() {
        let all = [SECRETS.as_slice(), &BLUESKY, &MASTODON].concat();
        let addresses = [
            "hunter2",
            "http://hunter2.example",
            "https://a:b@hunter2.example",
            "https://.",
            "https://hunter2..b",
            "https://hunter2:0",
            "https://hunter2:+1",
            "https://hunter2:65536",
        ];
        let tokens = ["hunter2 hunter2", "hüntér2", "<hunter2", "hunter2\""];
        let https = API_BASE_URL.accepts;
        for (name, accepts, values) in [
            (API_BASE_URL.name, https, addresses.as_slice()),
            (BLUESKY_SERVICE.name, BLUESKY_SERVICE.accepts, &addresses),
            (BLUESKY_DIRECTORY.name, https, &addresses),
            (BLUESKY_DNS.name, https, &addresses),
            (MASTODON_SERVER, mastodon::server::ACCEPTS, &addresses),
            (
                ALERT_WEBHOOK_URL,
                "an https:// URL (http:// only for localhost)",
                &addresses,
            ),
            (
                BLUESKY_IDENTIFIER,
                bluesky::identifier::ACCEPTS,
                &["hunter2", "@hunter2", "a@b@hunter2.example"],
            ),
            (API_KEY, TOKEN_ACCEPTS, &tokens),
            (API_KEY_SECRET, TOKEN_ACCEPTS, &tokens),
            (ACCESS_TOKEN, TOKEN_ACCEPTS, &tokens),
            (ACCESS_TOKEN_SECRET, TOKEN_ACCEPTS, &tokens),
            (MASTODON_ACCESS_TOKEN, TOKEN_ACCEPTS, &tokens),
            (
                TRIGGER_TOKEN,
                TRIGGER_TOKEN_ACCEPTS,
                &["x", "hunter2", "pä55wörd-hunter2", "hunter2\thunter2"],
            ),
            (
                TIME_ZONE.name,
                TIME_ZONE.accepts,
                &["hunter2", "UTC+hunter2"],
            ),
            (
                PERIOD.name,
                PERIOD.accepts,
                &["hunter2", "5 hours", "12", "h"],
            ),
            (DIRECTION.name, DIRECTION.accepts, &["hunter2", "left"]),
        ] {
            for value in values {
                let settings = [&[(name, *value)], all.as_slice()].concat();
                let settings = read(&settings);
                let said = format!("{name} has to be {accepts}");
                assert_eq!(settings.errors().to_string(), said, "{value}");
                assert!(!format!("{settings:?}").contains("hunter2"), "{value}");
            }
        }
    }

    #[test]
    fn a_trigger_token_that_cannot_be_one_keeps_no_icon_from_turning() {
        for token in ["x", "pä55wörd"] {
            let settings = read(&[SECRETS.as_slice(), &[(TRIGGER_TOKEN, token)]].concat());
            assert!(settings.trigger_token.is_err());
            assert!(settings.schedule.is_ok());
            assert!(settings.errors_of_turns().is_empty());
            assert!(!settings.errors().is_empty());
        }
        for (pasted, token) in [
            ("correct horse", "correct horse"),
            ("Bearer 12345678", "12345678"),
            ("TRIGGER_TOKEN=12345678", "12345678"),
            ("\u{feff}“12345678”\u{a0}", "12345678"),
        ] {
            let read = read(&[(TRIGGER_TOKEN, pasted)]).trigger_token;
            assert!(read.unwrap().unwrap().matches(token), "{pasted}");
        }
    }

    #[test]
    fn what_people_paste_is_understood_in_every_setting() {
        let wrapped = |value: &str| {
            [
                format!("\u{202a}{value}\u{202c}"),
                format!("\u{feff}\"{value}\"\r\n"),
                format!("\u{a0}“{value}”\u{200b}"),
                format!("' {value} '"),
            ]
        };
        let all = [SECRETS.as_slice(), &BLUESKY, &MASTODON].concat();
        let others = [
            (TIME_ZONE.name, "Europe/Berlin"),
            (PERIOD.name, "24h"),
            (DIRECTION.name, "counterclockwise"),
            (API_BASE_URL.name, "https://x.example"),
            (X_BODY.name, "form"),
            (BLUESKY_SERVICE.name, "https://pds.example"),
            (TRIGGER_TOKEN, "correct-horse"),
            (ALERT_WEBHOOK_URL, "https://hooks.example/a"),
        ];
        let all = [all.as_slice(), &others].concat();
        let plain = format!("{:?}", read(&all));
        assert!(read(&all).errors().is_empty());
        for number in 0..4 {
            let settings = Settings::read(&BundledTimeZones, |name| {
                let set = all.iter().find(|(set, _)| *set == name);
                set.map(|(_, value)| wrapped(value)[number].clone())
            });
            assert_eq!(format!("{settings:?}"), plain);
            let look_up = |name: &str| {
                let set = all.iter().find(|(set, _)| *set == name);
                set.map(|(_, value)| wrapped(value)[number].clone())
            };
            let text = |name: &str| text(&look_up, name);
            let x = Account::read(&mut Reader::new(&text)).unwrap();
            assert_eq!(x.credentials.api_key.expose(), "k");
            assert_eq!(x.credentials.access_token_secret.expose(), "ts");
            let bluesky = bluesky::Account::read(&mut Reader::new(&text)).unwrap();
            assert_eq!(bluesky.app_password.expose(), "hunter2");
            let mastodon = mastodon::Account::read(&mut Reader::new(&text)).unwrap();
            assert_eq!(mastodon.access_token.expose(), "hunter2");
        }
    }

    #[test]
    fn the_schedule_is_read_as_people_write_it() {
        let schedule = |name, value| read(&[(name, value)]).schedule.ok();
        for (text, zone) in [
            ("europe/berlin", "Europe/Berlin"),
            ("Europe / Berlin", "Europe/Berlin"),
            ("america/new york", "America/New_York"),
            (
                "America\\Argentina\\Buenos Aires",
                "America/Argentina/Buenos_Aires",
            ),
            ("utc", "UTC"),
        ] {
            let schedule = schedule(TIME_ZONE.name, text).unwrap();
            assert_eq!(schedule.time_zone.name(), zone);
        }
        for (text, period) in [
            ("12 h", "12h"),
            ("12H", "12h"),
            ("12 hours", "12h"),
            ("1 Hour 30 Minutes", "1h30m"),
            ("1h 30min", "1h30m"),
            ("1 hour, 30 minutes", "1h30m"),
            ("90 mins", "1h30m"),
            ("1 day", "24h"),
            ("7 days", "7d"),
            ("1 week", "7d"),
            ("20\u{a0}m", "20m"),
        ] {
            let schedule = schedule(PERIOD.name, text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(schedule.period.to_string(), period);
        }
        for text in [
            "2 weeks",
            "4294967295 weeks",
            "99999999999 h",
            "12 hours!",
            "ü",
            "1½h",
        ] {
            assert!(schedule(PERIOD.name, text).is_none(), "{text}");
        }
        for text in [
            "Counterclockwise",
            "counter-clockwise",
            "COUNTER CLOCKWISE",
            "anticlockwise",
            "Anti-clockwise",
        ] {
            let schedule = schedule(DIRECTION.name, text).unwrap();
            assert_eq!(schedule.direction, Direction::Counterclockwise, "{text}");
        }
        let clockwise = schedule(DIRECTION.name, "Clockwise").unwrap();
        assert_eq!(clockwise.direction, Direction::Clockwise);
        let account = account_of_x(&[SECRETS.as_slice(), &[(X_BODY.name, "Form")]].concat());
        assert_eq!(account.body, BodyForm::Form);
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
        assert_eq!(account.service, None);
        assert_eq!(account.identifier, "alice.bsky.social");
        assert_eq!(account.app_password.expose(), "hunter2");
        let account = mastodon::Account::read(&mut Reader::new(&text)).unwrap();
        assert_eq!(account.server.to_string(), "https://mastodon.example");
        assert_eq!(account.access_token.expose(), "hunter2");
    }

    #[test]
    fn every_missing_secret_is_named() {
        let errors = errors(&[]).unwrap();
        assert_eq!(errors.missing, SECRETS.map(|(name, _)| name));
        assert_eq!(errors.invalid, []);
    }

    #[test]
    fn a_blank_secret_counts_as_missing() {
        let mut settings = SECRETS;
        settings[2].1 = " \n";
        let errors = errors(&settings).unwrap();
        assert_eq!(errors.missing, [ACCESS_TOKEN]);
        let blank = read(&[(TRIGGER_TOKEN, "")]);
        assert!(blank.trigger_token.unwrap().is_none());
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
        let variables = [TIME_ZONE, PERIOD, DIRECTION, API_BASE_URL, X_API, X_BODY];
        for variable in variables {
            let mut settings = SECRETS.to_vec();
            settings.push((variable.name, "hunter2"));
            assert_eq!(
                errors(&settings).unwrap().to_string(),
                format!("{} has to be {}", variable.name, variable.accepts)
            );
        }
        let all = variables.map(|variable| (variable.name, "hunter2"));
        let errors = errors(&all).unwrap();
        assert_eq!(errors.invalid.len(), variables.len());
        assert!(!format!("{errors} {errors:?}").contains("hunter2"));
    }

    #[test]
    fn a_webhook_is_taken_if_there_is_one() {
        let settings = read(&SECRETS);
        assert!(settings.alert_webhook.is_none());
        let mut with_webhook = SECRETS.to_vec();
        with_webhook.push((ALERT_WEBHOOK_URL, " https://hooks.test/hunter2\n"));
        let settings = read(&with_webhook);
        assert!(settings.alert_webhook.is_some());
        assert!(settings.errors().is_empty());
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
                settings.errors().to_string(),
                "ALERT_WEBHOOK_URL has to be an https:// URL (http:// only for localhost)"
            );
        }
    }

    #[test]
    fn a_fingerprint_changes_with_any_value_of_its_network_and_with_no_other() {
        let with = |changes: &[(&str, &str)]| {
            let all = [changes, &SECRETS].concat();
            let [one] = read(&all).networks.try_into().unwrap();
            one.fingerprint
        };
        let usual = with(&[]);
        assert_eq!(usual.len(), 8);
        for change in [
            (API_KEY, "k2"),
            (API_KEY_SECRET, "ks2"),
            (ACCESS_TOKEN, "t2"),
            (ACCESS_TOKEN_SECRET, "ts2"),
            (API_BASE_URL.name, "https://x.test"),
            (X_BODY.name, "form"),
            // The same characters, between others.
            (API_KEY, "kks"),
            (API_KEY, ""),
        ] {
            assert_ne!(with(&[change]), usual, "{change:?}");
        }
        for change in [
            (API_KEY, " k\n"),
            (API_BASE_URL.name, API_BASE_URL.default),
            (TIME_ZONE.name, "UTC"),
            (TRIGGER_TOKEN, "hunter2"),
            (ALERT_WEBHOOK_URL, "https://hooks.test/a"),
        ] {
            assert_eq!(with(&[change]), usual, "{change:?}");
        }
        let moved = [(API_KEY, "kk"), (API_KEY_SECRET, "s")];
        assert_ne!(with(&moved), usual);
    }

    #[test]
    fn the_configuration_and_the_reference_show_the_defaults() {
        let configuration = include_str!("../../../../wrangler.toml");
        let reference = include_str!("../../../../docs/settings.md");
        let of_networks = NETWORKS.iter().flat_map(|network| network.variables);
        let variables = [TIME_ZONE, PERIOD, DIRECTION];
        for Variable { name, default, .. } in variables.iter().chain(of_networks) {
            assert!(
                configuration.contains(&format!("\n{name} = \"{default}\"\n")),
                "{name}"
            );
            assert!(
                reference.contains(&format!("\n| `{name}` | `{default}` |")),
                "{name}"
            );
        }
        let of_networks = NETWORKS.iter().flat_map(|network| network.required);
        for name in of_networks.chain(&[TRIGGER_TOKEN, ALERT_WEBHOOK_URL]) {
            assert!(reference.contains(&format!("`{name}`")), "{name}");
            assert!(
                include_str!("../../../../.dev.vars.example").contains(&format!("\n{name}=\n")),
                "{name}"
            );
        }
    }

    #[test]
    fn every_default_is_one_that_parses() {
        for variable in [TIME_ZONE, PERIOD, DIRECTION, API_BASE_URL, X_API, X_BODY] {
            let mut settings = SECRETS.to_vec();
            settings.push((variable.name, variable.default));
            assert_eq!(errors(&settings), None, "{}", variable.name);
        }
    }
}
