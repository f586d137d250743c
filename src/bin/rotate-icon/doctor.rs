//! `rotate-icon doctor`: whether the settings are complete and the networks
//! accept them.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use futures_util::future::join_all;
use rotate_icon::dial::Dial;
use rotate_icon::outcome::{Reason, Trouble};
use rotate_icon::settings::{self, Configured, Flaws, Settings};
use serde::Serialize;

use crate::client::Https;
use crate::settings_source::{SettingsArgs, SettingsFile, Sources};
use crate::status::Status;
use crate::{complain, private_file, say};

/// Check every setting, and ask each network whose account it is.
///
/// Reads the settings as `turn` does. The networks are asked by a call that changes
/// nothing. No value is ever printed.
///
/// Exit status: 0 if the icon can turn, 75 if a network cannot tell now, 78 if a
/// setting is missing or wrong, 1 if a network does not accept the settings. What is
/// only warned of does not count.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    settings: SettingsArgs,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All that was found out.
#[derive(Serialize)]
struct Findings {
    ok: bool,
    /// The settings file, if there is one.
    file: Option<String>,
    settings: Vec<Found>,
    warnings: Vec<String>,
    dial: Finding,
    networks: Vec<OfNetwork>,
}

/// A setting, and where it is set.
#[derive(Serialize)]
struct Found {
    name: &'static str,
    from: &'static str,
}

#[derive(Serialize)]
struct OfNetwork {
    network: &'static str,
    #[serde(skip)]
    title: &'static str,
    #[serde(flatten)]
    finding: Finding,
}

/// What is so, or what is wrong.
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
        trouble: Trouble,
    },
}

impl Finding {
    fn of(result: Result<String, Trouble>) -> Self {
        match result {
            Ok(found) => Self::Well { ok: true, found },
            Err(trouble) => Self::Wrong { ok: false, trouble },
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::Well { .. } => Status::Well,
            Self::Wrong { trouble, .. } => Status::of_trouble(trouble),
        }
    }

    /// One line about what it is about.
    fn in_words(&self, what: &str) -> String {
        match self {
            Self::Well { found, .. } => format!("✓ {what}: {found}"),
            Self::Wrong { trouble, .. } => format!("✗ {what}: {}", trouble.in_words()),
        }
    }
}

pub(crate) async fn run(options: &Doctor) -> Result<ExitCode> {
    let sources = match options.settings.read() {
        Ok(sources) => sources,
        Err(error) => {
            complain(&format!("{error:#}"));
            return Ok(Status::Settings.into());
        }
    };
    let settings = Settings::read(|name| sources.look_up(name));
    let https = Https::default();
    let networks = settings.networks.iter().map(|one| ask(one, &https));
    let networks = join_all(networks).await;
    let dial = Finding::of(match &settings.dial {
        Ok(dial) => Ok(describe(dial)),
        Err(flaws) => Err(incomplete(flaws)),
    });
    let statuses = networks.iter().map(|one| one.finding.status());
    let status = statuses
        .chain([dial.status()])
        .max()
        .unwrap_or(Status::Well);
    let findings = Findings {
        ok: status == Status::Well,
        file: sources
            .file
            .as_ref()
            .map(|file| file.path.display().to_string()),
        settings: found(&sources),
        warnings: sources.file.as_ref().map(warnings).unwrap_or_default(),
        dial,
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
    say(&match &findings.file {
        Some(file) => format!("Settings from the environment, then from {file}:"),
        None => "Settings from the environment (there is no .dev.vars here):".to_owned(),
    });
    for Found { name, from } in &findings.settings {
        say(&format!("  {name}: {from}"));
    }
    if findings.settings.is_empty() {
        say("  none is set");
    }
    for warning in &findings.warnings {
        say(&format!("! {warning}"));
    }
    say(&findings.dial.in_words("The dial"));
    for OfNetwork { title, finding, .. } in &findings.networks {
        say(&finding.in_words(title));
    }
}

/// What is set, and where.
fn found(sources: &Sources) -> Vec<Found> {
    settings::names()
        .filter_map(|name| {
            let from = sources.origin(name)?.name();
            Some(Found { name, from })
        })
        .collect()
}

async fn ask(one: &Configured, https: &Https) -> OfNetwork {
    let account = match &one.network {
        Ok(network) => network.verify(&mut None, https).await,
        Err(flaws) => Err(incomplete(flaws)),
    };
    OfNetwork {
        network: one.definition.name,
        title: one.definition.title,
        finding: Finding::of(account.map(|name| format!("the account {name}"))),
    }
}

fn incomplete(flaws: &Flaws) -> Trouble {
    let remedy = if flaws.missing.is_empty() {
        "Correct it where it is set."
    } else {
        "Set it in the environment or in .dev.vars; README.md tells where the values come from."
    };
    Trouble::new(Reason::Settings, format!("{flaws}."), remedy)
}

fn describe(dial: &Dial) -> String {
    format!(
        "the icon turns {} once in {}, on the clock of {}",
        dial.direction,
        dial.period,
        dial.time_zone.name()
    )
}

/// What may be wrong with a file.
fn warnings(file: &SettingsFile) -> Vec<String> {
    let path = file.path.display();
    let mut warnings = Vec::new();
    if private_file::is_open_to_others(&file.path) {
        warnings.push(format!(
            "Others on this machine may read {path}: chmod 600 {path}"
        ));
    }
    let known: Vec<_> = settings::names().collect();
    for name in file.names().filter(|name| !known.contains(name)) {
        let closest = known.iter().min_by_key(|other| distance(name, other));
        warnings.push(match closest.filter(|other| is_close(name, other)) {
            Some(other) => format!("{path} sets {name}, which is no setting: is {other} meant?"),
            None => format!("{path} sets {name}, which is no setting of rotate-icon."),
        });
    }
    warnings
}

/// Whether a name may be another one with a slip of the hand.
fn is_close(name: &str, other: &str) -> bool {
    distance(name, other) <= 2.min(other.len() / 3)
}

/// How many letters have to be changed, put in or left out to make one name of
/// another; upper and lower case are the same, and so are `_` and `-`.
fn distance(one: &str, other: &str) -> usize {
    let letters = |name: &str| -> Vec<char> {
        let upper = name.chars().map(|c| c.to_ascii_uppercase());
        upper.map(|c| if c == '-' { '_' } else { c }).collect()
    };
    let (one, other) = (letters(one), letters(other));
    // The distances of what has been read of `one` to each beginning of `other`.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (read, letter) in one.iter().enumerate() {
        let mut next = vec![read + 1];
        for ((theirs, both), without_ours) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            let without_theirs = next.last().copied().unwrap_or_default();
            let changed = both + usize::from(letter != theirs);
            next.push(changed.min(without_ours + 1).min(without_theirs + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::Path;

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
        let file = SettingsFile::new(Path::new("no/such/file"), text.to_owned());
        assert_eq!(
            warnings(&file),
            [
                "no/such/file sets API_KEY_SECERT, which is no setting: is API_KEY_SECRET meant?",
                "no/such/file sets OTHER, which is no setting of rotate-icon.",
            ]
        );
    }
}
