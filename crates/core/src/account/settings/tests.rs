use super::*;
use crate::network::bluesky::{
    self, BLUESKY_APP_PASSWORD, BLUESKY_DIRECTORY, BLUESKY_DNS, BLUESKY_IDENTIFIER, BLUESKY_SERVICE,
};
use crate::network::mastodon::{self, MASTODON_ACCESS_TOKEN, MASTODON_SERVER};
use crate::network::x::{
    ACCESS_TOKEN, ACCESS_TOKEN_SECRET, API_BASE_URL, API_KEY, API_KEY_SECRET, Account, BodyForm,
    X_API, X_BODY,
};
use crate::schedule::settings::{DIRECTION, PERIOD, TIME_ZONE};
use crate::schedule::{Direction, Period};
use crate::settings::reader::{TOKEN_ACCEPTS, Variable};
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
    Account::read(&mut Reader::new(&look_up)).unwrap()
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
        let x = Account::read(&mut Reader::new(&look_up)).unwrap();
        assert_eq!(x.credentials.api_key.expose(), "k");
        assert_eq!(x.credentials.access_token_secret.expose(), "ts");
        let bluesky = bluesky::Account::read(&mut Reader::new(&look_up)).unwrap();
        assert_eq!(bluesky.app_password.expose(), "hunter2");
        let mastodon = mastodon::Account::read(&mut Reader::new(&look_up)).unwrap();
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
    let account = bluesky::Account::read(&mut Reader::new(&look_up)).unwrap();
    assert_eq!(account.service, None);
    assert_eq!(account.identifier, "alice.bsky.social");
    assert_eq!(account.app_password.expose(), "hunter2");
    let account = mastodon::Account::read(&mut Reader::new(&look_up)).unwrap();
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
    let configuration = include_str!("../../../../../wrangler.toml");
    let reference = include_str!("../../../../../docs/settings.md");
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
            include_str!("../../../../../.dev.vars.example").contains(&format!("\n{name}=\n")),
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
