//! `rotate-icon login x`: gets an account's token with a PIN and stores it with the settings.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use console::Term;
use rotate_icon_core::network::Network;
use rotate_icon_core::network::x::sign_in::{App, SignedIn};
use rotate_icon_core::network::x::{API_KEY, API_KEY_SECRET};
use rotate_icon_core::outcome::Diagnosis;
use rotate_icon_core::settings::pasted;
use rotate_icon_core::settings::read_some;

use crate::client::Https;
use crate::settings_source::{DEFAULT_FILE, SettingsArgs, SettingsFile, Sources, prepared};
use crate::status::Status;
use crate::text::shown;
use crate::{complain, private_file, say};

/// Sign in to a network, to get the keys of the account whose icon turns.
///
/// Exit status: 0 if the keys are stored, 75 if the network cannot be reached now, 78 if
/// a setting is wrong, otherwise 1.
#[derive(Args)]
pub(crate) struct Login {
    #[command(subcommand)]
    network: LoginTo,
}

#[derive(Subcommand)]
enum LoginTo {
    X(LoginToX),
}

/// Sign in to X with a PIN, and store the account's four keys.
///
/// `API_KEY` and `API_KEY_SECRET`, the keys of the app, are read from the settings; if
/// they are missing, you are asked for them. Then X asks you to allow the app and shows
/// a PIN: sign in there as the account whose icon is to turn. Secrets are neither shown
/// nor logged.
#[derive(Args)]
#[group(id = "where", args = ["write", "wrangler"], multiple = false)]
struct LoginToX {
    #[command(flatten)]
    settings: SettingsArgs,

    /// Write the keys to this file without asking; its other lines are kept.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = DEFAULT_FILE)]
    write: Option<PathBuf>,

    /// Pass the keys to `npx wrangler secret put` without asking.
    #[arg(long)]
    wrangler: bool,
}

pub(crate) async fn run(options: &Login) -> Result<ExitCode> {
    let LoginTo::X(options) = &options.network;
    let (sources, https) = match prepared(options.settings.read_if_there()) {
        Ok(both) => both,
        Err(status) => return Ok(status),
    };
    sources.warn();
    let app = match read_app(&sources)? {
        Ok(app) => app,
        Err(message) => {
            complain(&message);
            return Ok(Status::Settings.into());
        }
    };
    let signed_in = match sign_in(app, &https).await? {
        Ok(signed_in) => signed_in,
        Err(diagnosis) => {
            complain(&format!("X: {}", diagnosis.in_words()));
            return Ok(Status::of_diagnosis(&diagnosis).into());
        }
    };
    match destination(options)? {
        Destination::File { path, is_asked_for } => {
            write(&path, &signed_in, is_asked_for)?;
        }
        Destination::Wrangler => give_to_wrangler(&signed_in)?,
        Destination::Nowhere => {
            complain("the keys are stored nowhere; to get others, sign in again");
            return Ok(Status::Refused.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the app's keys from the settings and asks for those that are missing.
fn read_app(sources: &Sources) -> Result<Result<App, String>> {
    let mut keys = Vec::new();
    for name in [API_KEY, API_KEY_SECRET] {
        keys.push((
            name,
            match sources.look_up(name) {
                Some(key) => key,
                None => ask_secret(&format!("{name} (of the app, from the developer portal): "))?,
            },
        ));
    }
    let look_up = |wanted: &str| {
        let key = keys.iter().find(|(name, _)| *name == wanted);
        key.map(|(_, key)| key.clone())
            .or_else(|| sources.look_up(wanted))
    };
    Ok(read_some(look_up, App::read).map_err(|errors| format!("{errors}.")))
}

async fn sign_in(app: App, https: &Https) -> Result<Result<SignedIn, Diagnosis>> {
    let begun = match app.begin(https).await {
        Ok(begun) => begun,
        Err(diagnosis) => return Ok(Err(diagnosis)),
    };
    say("Open this page, signed in to X as the account whose icon should turn, and allow the app:");
    say(&format!("\n  {}\n", begun.authorize_url()));
    let pin = pasted::text(&ask("The PIN that X shows: ")?);
    let signed_in = match begun.finish(&pin, https).await {
        Ok(signed_in) => signed_in,
        Err(diagnosis) => return Ok(Err(diagnosis)),
    };
    // Checks that the token works, and whose it is. Some access levels may not ask.
    let verified = signed_in.account().verify(&mut None, https).await;
    let told = signed_in.screen_name.clone();
    let named = |name: Option<String>| name.map(|name| format!(" as @{name}")).unwrap_or_default();
    match verified {
        Ok(verified) => say(&format!("Signed in{}.", named(verified.account.or(told)))),
        Err(diagnosis) => {
            let name = named(told);
            say(&format!(
                "Signed in{name}, but the keys could not be tried out: {}",
                diagnosis.in_words()
            ));
        }
    }
    Ok(Ok(signed_in))
}

/// Where the keys go.
enum Destination {
    File {
        path: PathBuf,
        /// Whether existing values may be replaced without asking.
        is_asked_for: bool,
    },
    Wrangler,
    Nowhere,
}

fn destination(options: &LoginToX) -> Result<Destination> {
    if options.wrangler {
        return Ok(Destination::Wrangler);
    }
    if let Some(path) = &options.write {
        return Ok(Destination::File {
            path: path.clone(),
            is_asked_for: true,
        });
    }
    let path = options.settings.path();
    loop {
        let question = format!(
            "Where should the four keys go? f: the file {}; w: the deployed Worker, by wrangler; \
             n: nowhere [f/w/n] ",
            shown(path)
        );
        match ask(&question)?.to_ascii_lowercase().as_str() {
            "f" => {
                return Ok(Destination::File {
                    path: path.to_owned(),
                    is_asked_for: false,
                });
            }
            "w" => return Ok(Destination::Wrangler),
            "n" => return Ok(Destination::Nowhere),
            _ => {}
        }
    }
}

/// Writes the keys into a settings file.
fn write(path: &Path, signed_in: &SignedIn, is_asked_for: bool) -> Result<()> {
    let file = SettingsFile::read_if_there(path)?;
    let file = file.map_or_else(|| SettingsFile::new(path, String::new()), Ok)?;
    let keys = signed_in.settings();
    let replaced: Vec<_> = keys
        .iter()
        .filter(|(name, key)| {
            let old = file.value(name).map(str::trim);
            old.is_some_and(|old| !old.is_empty() && old != key.expose())
        })
        .map(|(name, _)| *name)
        .collect();
    let names = replaced.join(", ");
    if !replaced.is_empty() && !is_asked_for {
        let question = format!("Replace {names} in {}? [y/n] ", shown(path));
        let is_yes = matches!(ask(&question)?.to_ascii_lowercase().as_str(), "y" | "yes");
        ensure!(is_yes, "{} is as it was", shown(path));
    }
    let text = file.with(keys.iter().map(|(name, key)| (*name, key.expose())))?;
    private_file::write(path, text.as_bytes())?;
    say(&match replaced.as_slice() {
        [] => format!("Wrote the four keys into {}.", shown(path)),
        _ => format!(
            "Wrote the four keys into {}; replaced {names}.",
            shown(path)
        ),
    });
    Ok(())
}

/// Passes each key to wrangler on its standard input: every user of a machine can see the arguments
/// of a command.
fn give_to_wrangler(signed_in: &SignedIn) -> Result<()> {
    ensure!(
        Path::new("wrangler.toml").exists(),
        "there is no wrangler.toml here; run this in the project's folder"
    );
    let program = if cfg!(windows) { "npx.cmd" } else { "npx" };
    for (name, key) in signed_in.settings() {
        let mut wrangler = Command::new(program)
            .args(["--no-install", "wrangler", "secret", "put", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| anyhow!("cannot start npx ({error}); install Node.js 20 or later"))?;
        if let Some(mut input) = wrangler.stdin.take() {
            // If it ends before it has read everything, its status says so.
            let _ = input.write_all(key.expose().as_bytes());
        }
        let status = wrangler.wait().context("wrangler does not end")?;
        if !status.success() {
            bail!("`wrangler secret put {name}` failed; what came before is stored");
        }
        say(&format!("Stored {name} for the Worker."));
    }
    Ok(())
}

/// Asks a question on the terminal and reads one line.
fn ask(question: &str) -> Result<String> {
    let mut err = io::stderr();
    write!(err, "{question}").and_then(|()| err.flush())?;
    let mut line = String::new();
    let count = io::stdin().read_line(&mut line)?;
    ensure!(count > 0, "there is no answer to: {}", question.trim_end());
    Ok(line.trim().to_owned())
}

/// Asks for a secret without echoing it.
fn ask_secret(question: &str) -> Result<String> {
    if !io::stdin().is_terminal() {
        return ask(question);
    }
    let terminal = Term::stderr();
    terminal.write_str(question)?;
    Ok(terminal.read_secure_line()?.trim().to_owned())
}
