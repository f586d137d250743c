//! `rotate-icon doctor`: checks that the settings are complete and that the networks accept them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use futures_util::future::join_all;
use rotate_icon_core::account::settings::{self, Configured, Settings};
use rotate_icon_core::network::Definition;
use rotate_icon_core::network::Verified;
use rotate_icon_core::network::bluesky::BLUESKY_APP_PASSWORD;
use rotate_icon_core::network::x::ACCESS_TOKEN;
use rotate_icon_core::outcome::{Diagnosis, Reason};
use rotate_icon_core::schedule::Schedule;
use rotate_icon_core::service;
use rotate_icon_core::settings::SettingsErrors;
use rotate_icon_core::settings::pasted;
use serde::Serialize;

use crate::client::Https;
use crate::settings_source::{Origin, SettingsArgs, SettingsFile, Sources, prepared};
use crate::status::Status;
use crate::text::shown;
use crate::{say, state_file, time_zones};

/// Check the settings, and ask each network which account they open.
///
/// Reads the settings as `turn` does. The calls to the networks change nothing. No
/// value of a setting is ever printed.
///
/// Exit status: 0 if the icon can turn, 75 if a network cannot answer now, 78 if a
/// setting is missing or wrong, 1 if a network does not accept the settings. Warnings
/// do not count.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    settings: SettingsArgs,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// The state file of `turn`, if it is not the default one; used to warn of sessions that
    /// were begun with other settings.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// All findings.
#[derive(Serialize)]
struct Findings {
    ok: bool,
    /// The settings file, if there is one.
    file: Option<String>,
    /// Wrangler's configuration, if there is one.
    configuration: Option<String>,
    /// The variable that names a proxy, if any.
    proxy: Option<&'static str>,
    settings: Vec<Found>,
    warnings: Vec<String>,
    #[serde(rename = "dial")]
    schedule: Finding,
    networks: Vec<OfNetwork>,
}

/// A setting, and where it is set.
#[derive(Serialize)]
struct Found {
    name: &'static str,
    from: Origin,
}

#[derive(Serialize)]
struct OfNetwork {
    network: &'static str,
    #[serde(skip)]
    title: &'static str,
    #[serde(flatten)]
    finding: Finding,
    /// What else the owner should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// What was found, or what is wrong.
#[derive(Serialize)]
#[serde(untagged)]
enum Finding {
    Well {
        ok: bool,
        found: String,
    },
    Wrong {
        ok: bool,
        #[serde(flatten)]
        diagnosis: Diagnosis,
    },
}

impl Finding {
    fn of(result: Result<String, Diagnosis>) -> Self {
        match result {
            Ok(found) => Self::Well { ok: true, found },
            Err(diagnosis) => Self::Wrong {
                ok: false,
                diagnosis,
            },
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::Well { .. } => Status::Well,
            Self::Wrong { diagnosis, .. } => Status::of_diagnosis(diagnosis),
        }
    }

    /// The finding as one line about `what`.
    fn in_words(&self, what: &str) -> String {
        match self {
            Self::Well { found, .. } => format!("✓ {what}: {found}"),
            Self::Wrong { diagnosis, .. } => format!("✗ {what}: {}", diagnosis.in_words()),
        }
    }
}

pub(crate) async fn run(options: &Doctor) -> Result<ExitCode> {
    let (sources, https) = match prepared(options.settings.read()) {
        Ok(both) => both,
        Err(status) => return Ok(status),
    };
    let settings = Settings::read(&time_zones::machine(), |name| sources.look_up(name));
    let networks = settings.networks.iter().map(|one| ask(one, &https));
    let networks = join_all(networks).await;
    let schedule = Finding::of(match &settings.schedule {
        Ok(schedule) => Ok(describe(schedule)),
        Err(errors) => Err(incomplete(errors)),
    });
    let statuses = networks.iter().map(|one| one.finding.status());
    let status = statuses
        .chain([schedule.status()])
        .max()
        .expect("the schedule has a status");
    let configuration = sources.configuration.as_ref();
    let findings = Findings {
        ok: status == Status::Well,
        file: sources.file.as_ref().map(|file| shown(&file.path)),
        configuration: configuration.map(|found| shown(&found.path)),
        proxy: https.proxy_variable(),
        settings: found(&sources),
        warnings: {
            let mut warnings = warnings(&sources, &settings);
            warnings.extend(old_sessions(options, &settings));
            warnings
        },
        schedule,
        networks,
    };
    if options.json {
        say(&serde_json::to_string(&findings)?);
    } else {
        tell(&findings);
    }
    Ok(status.into())
}

fn tell(findings: &Findings) {
    let places = [&findings.file, &findings.configuration];
    let mut order = "Settings from the environment".to_owned();
    for place in places.into_iter().flatten() {
        order.push_str(", then from ");
        order.push_str(place);
    }
    if findings.file.is_none() {
        order.push_str(" (there is no .dev.vars here)");
    }
    say(&format!("{order}:"));
    for Found { name, from } in &findings.settings {
        let place = match from {
            Origin::Environment => "environment",
            Origin::File => "file",
            Origin::Configuration => {
                let path = findings.configuration.as_deref();
                path.expect("a setting was found in it")
            }
        };
        say(&format!("  {name}: {place}"));
    }
    if findings.settings.is_empty() {
        say("  none is set");
    }
    if let Some(variable) = findings.proxy {
        say(&format!(
            "Requests go through the proxy that {variable} names."
        ));
    }
    for warning in &findings.warnings {
        say(&format!("! {warning}"));
    }
    say(&findings.schedule.in_words("The dial"));
    for OfNetwork {
        title,
        finding,
        notes,
        ..
    } in &findings.networks
    {
        say(&finding.in_words(title));
        for note in notes {
            say(&format!("  {note}"));
        }
    }
}

/// What is set, and where.
fn found(sources: &Sources) -> Vec<Found> {
    settings::names()
        .filter_map(|name| {
            let from = sources.origin(name)?;
            Some(Found { name, from })
        })
        .collect()
}

async fn ask(one: &Configured, https: &Https) -> OfNetwork {
    let verified = match &one.network {
        Ok(network) => {
            let mut saved_session = None;
            let verified = network.verify(&mut saved_session, https).await;
            // No later run continues this session.
            network.end(&mut saved_session, https).await;
            verified
        }
        Err(errors) => Err(incomplete(errors)),
    };
    let (found, notes) = match verified {
        Ok(Verified {
            unread: Some(diagnosis),
            notes,
            ..
        }) => (Err(diagnosis), notes),
        Ok(Verified { account, notes, .. }) => {
            let found = account.map(|name| format!("the account {name}"));
            let found = found.unwrap_or_else(|| "an account whose name may not be read".to_owned());
            (Ok(found), notes)
        }
        Err(diagnosis) => (Err(diagnosis), Vec::new()),
    };
    OfNetwork {
        network: one.definition.name,
        title: one.definition.title,
        finding: Finding::of(found),
        notes,
    }
}

fn incomplete(errors: &SettingsErrors) -> Diagnosis {
    let remedy = if errors.missing.is_empty() {
        "Correct it where it is set."
    } else {
        "Set it in the environment or in .dev.vars; docs/setup.md says where the values come from."
    };
    Diagnosis::new(Reason::Settings, format!("{errors}."), remedy)
}

fn describe(schedule: &Schedule) -> String {
    format!(
        "the icon turns {} once in {}, on the clock of {}",
        schedule.direction,
        schedule.period,
        schedule.time_zone.name()
    )
}

/// Warns of settings that may be mistakes, one sentence each.
fn warnings(sources: &Sources, settings: &Settings) -> Vec<String> {
    let mut warnings = sources.warnings();
    if let Some(file) = &sources.file {
        warnings.extend(unknown_names(file));
        warnings.extend(expanded_at_deploy(file));
    }
    if sources.file.is_none() && Path::new(".env").is_file() {
        warnings.push(
            "There is a .env here: without a .dev.vars, `wrangler dev` reads it, and rotate-icon \
             does not. Name it .dev.vars."
                .to_owned(),
        );
    }
    if let Err(errors) = &settings.trigger_token {
        warnings.push(format!(
            "{errors}. Without one, the Worker's tools stay closed."
        ));
    }
    let is_set = |name: &str| sources.look_up(name).map(|text| pasted::text(&text));
    if is_set(BLUESKY_APP_PASSWORD).is_some_and(|text| !is_app_password(&text)) {
        warnings.push(format!(
            "{BLUESKY_APP_PASSWORD} does not look like an app password (xxxx-xxxx-xxxx-xxxx): is \
             it the account's own? That opens the whole account. Make an app password at \
             bsky.app/settings/app-passwords and store it instead."
        ));
    }
    if is_set(ACCESS_TOKEN).is_some_and(|text| is_bearer_token_of_x(&text)) {
        warnings.push(format!(
            "{ACCESS_TOKEN} looks like X's bearer token, which cannot turn an icon: take the \
             access token of the account, digits, a hyphen and letters."
        ));
    }
    warnings
}

/// Warns of networks whose saved session was begun with other settings.
fn old_sessions(options: &Doctor, settings: &Settings) -> Vec<String> {
    let path = options.state.clone();
    let Ok(path) = path.map_or_else(state_file::default_path, Ok) else {
        return Vec::new();
    };
    let is_old = |one: &&Configured| {
        let kept = state_file::glance(&path, one.definition.name);
        kept.is_some_and(|kept| {
            let is_other = kept.settings.is_some_and(|known| known != one.fingerprint);
            kept.saved_session.is_some() && is_other
        })
    };
    let told = settings.networks.iter().filter(is_old).map(|one| {
        let Definition { title, .. } = one.definition;
        format!(
            "{} keeps a session of {title} that was begun with other settings. It may go on \
             without the new ones: if a password was changed since somebody else knew it, revoke \
             the old one at {title}, which ends the session.",
            shown(&path)
        )
    });
    told.collect()
}

/// Whether a text has the form of Bluesky's app passwords: `randomAppPassword` in
/// `packages/pds/src/account-manager/helpers/password.ts` of its source.
fn is_app_password(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let is_part = |part: &&str| {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
        part.len() == 4 && part.bytes().all(is_letter)
    };
    parts.len() == 4 && parts.iter().all(is_part)
}

/// Whether a text looks like X's bearer token: it begins with the app's number in base64, whose
/// first bytes are zero.
fn is_bearer_token_of_x(text: &str) -> bool {
    pasted::token(text).starts_with("AAAAAAAAAAAAAAAAAAAAA")
}

/// Warns of names in a file that are not settings.
fn unknown_names(file: &SettingsFile) -> Vec<String> {
    let path = shown(&file.path);
    let known: Vec<_> = settings::names().chain(service::settings::NAMES).collect();
    let unknown = file.names().filter(|name| !known.contains(name));
    let told = unknown.map(|name| {
        let closest = known.iter().min_by_key(|other| distance(name, other));
        match closest.filter(|other| is_close(name, other)) {
            Some(other) => format!("{path} sets {name}, which is no setting: is {other} meant?"),
            None => format!("{path} sets {name}, which is no setting of rotate-icon."),
        }
    });
    told.collect()
}

/// Warns of settings that `wrangler deploy --secrets-file` would change: it expands `$NAME`
/// (dotenv-expand), and `wrangler dev` does not.
fn expanded_at_deploy(file: &SettingsFile) -> Vec<String> {
    let path = shown(&file.path);
    let begins_name = |rest: &str| {
        let first = rest.trim_start_matches('{').chars().next();
        first.is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
    };
    let is_expanded = |value: &str| {
        let mut places = value.match_indices('$');
        places.any(|(at, _)| value.get(at + 1..).is_some_and(begins_name))
    };
    let names = settings::names().filter(|name| file.value(name).is_some_and(is_expanded));
    let told = names.map(|name| {
        format!(
            "{name} in {path} has a $: `wrangler deploy --secrets-file` takes it for a variable. \
             Store it with `npx wrangler secret put {name}` instead."
        )
    });
    told.collect()
}

/// Whether a name may be a misspelling of another.
fn is_close(name: &str, other: &str) -> bool {
    distance(name, other) <= 2.min(other.len() / 3)
}

/// The Levenshtein distance of two names; upper and lower case are the same, and so are `_` and
/// `-`.
fn distance(one: &str, other: &str) -> usize {
    let folded = |name: &str| name.to_ascii_uppercase().replace('-', "_");
    strsim::levenshtein(&folded(one), &folded(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_s_own_password_is_known_by_its_form() {
        for (text, is_one) in [
            ("abcd-efgh-2345-67xy", true),
            ("hunter2", false),
            ("abcd-efgh-2345", false),
            ("abcd-efgh-2345-67x1", false),
            ("Abcd-efgh-2345-67xy", false),
            ("abcd-efgh-2345-67xyz", false),
        ] {
            assert_eq!(is_app_password(text), is_one, "{text}");
        }
    }

    #[test]
    fn what_a_deploy_would_change_is_told() {
        for (value, is_told) in [
            ("a$b", true),
            ("a${b}", true),
            ("a$1", false),
            ("a$", false),
        ] {
            let text = format!("TRIGGER_TOKEN={value}\nOTHER=a$b\n");
            let file = SettingsFile::new(Path::new("f"), text).unwrap();
            assert_eq!(
                expanded_at_deploy(&file).len(),
                usize::from(is_told),
                "{value}"
            );
        }
    }

    #[test]
    fn a_slip_of_the_hand_is_seen() {
        for (name, other, is_one) in [
            ("API_KEY_SECERT", "API_KEY_SECRET", true),
            ("api-key", "API_KEY", true),
            ("ACESS_TOKEN", "ACCESS_TOKEN", true),
            ("TIMEZONE", "TIME_ZONE", true),
            ("PERIODS", "PERIOD", true),
            ("CLOUDFLARE_API_TOKEN", "ACCESS_TOKEN", false),
            ("PORT", "PERIOD", false),
        ] {
            assert_eq!(is_close(name, other), is_one, "{name}");
        }
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_file_is_warned_of_by_names_alone() {
        let text = "API_KEY=hunter2\nAPI_KEY_SECERT=hunter2\nOTHER=hunter2\n";
        let file = SettingsFile::new(Path::new("no/such/file"), text.to_owned()).unwrap();
        assert_eq!(
            unknown_names(&file),
            [
                "no/such/file sets API_KEY_SECERT, which is no setting: is API_KEY_SECRET meant?",
                "no/such/file sets OTHER, which is no setting of rotate-icon.",
            ]
        );
    }
}
