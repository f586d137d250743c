//! The sources of the command's settings, in wrangler's order: the environment, a file that
//! `wrangler dev` and `wrangler deploy --secrets-file` read too (`.dev.vars`), and the variables in
//! wrangler's configuration.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use rotate_icon_core::account::settings;
use rotate_icon_core::settings::pasted;
use serde::Serialize;

use crate::client::Https;
use crate::complain;
use crate::dotenv::{self, Definition};
use crate::private_file;
use crate::status::Status;
use crate::text::shown;
use crate::wrangler_config::{Configuration, ENVIRONMENT};

/// The file that is read by default.
pub(crate) const DEFAULT_FILE: &str = ".dev.vars";

/// The options that say where the settings are.
#[derive(Args)]
pub(crate) struct SettingsArgs {
    /// A file with settings, one NAME=value a line; by default .dev.vars, if there is one here.
    ///
    /// The names are those of the Worker's variables and secrets. The environment takes
    /// precedence over the file, and the file over the variables in wrangler.toml,
    /// wrangler.json or wrangler.jsonc, here or in a folder above.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl SettingsArgs {
    /// Reads all sources.
    pub(crate) fn read(&self) -> Result<Sources> {
        let sources = self.read_if_there()?;
        if let (Some(path), None) = (&self.settings, &sources.file) {
            bail!("there is no file {}", shown(path));
        }
        Ok(sources)
    }

    /// As [`Self::read`], but accepts a named file that does not exist: signing in creates it.
    pub(crate) fn read_if_there(&self) -> Result<Sources> {
        let here = env::current_dir().context("there is no current folder")?;
        let environment = env::var(ENVIRONMENT).ok().filter(|name| !name.is_empty());
        let environment = environment.as_deref();
        let mut configuration = Configuration::find(&here, environment)?;
        let of_wrangler = configuration.as_mut().and_then(|found| {
            // A relative path if it is in the current folder.
            if let Ok(name) = found.path.strip_prefix(&here) {
                found.path = name.to_owned();
            }
            found.path.parent().map(Path::to_owned)
        });
        let file = match &self.settings {
            Some(path) => SettingsFile::read_if_there(path)?,
            None => default_file(of_wrangler.as_deref(), environment)?,
        };
        Ok(Sources {
            file,
            configuration,
        })
    }

    /// The file to write settings to.
    pub(crate) fn path(&self) -> &Path {
        self.settings.as_deref().unwrap_or(Path::new(DEFAULT_FILE))
    }
}

/// Finds the default file: in the current folder or beside wrangler's configuration, and for the
/// chosen environment before the common one.
fn default_file(
    of_wrangler: Option<&Path>,
    environment: Option<&str>,
) -> Result<Option<SettingsFile>> {
    let of_environment = environment.map(|name| format!("{DEFAULT_FILE}.{name}"));
    let folders = [Some(Path::new("")), of_wrangler];
    for folder in folders.into_iter().flatten() {
        for name in of_environment.as_deref().into_iter().chain([DEFAULT_FILE]) {
            let file = SettingsFile::read_if_there(&folder.join(name))?;
            if file.is_some() {
                return Ok(file);
            }
        }
    }
    Ok(None)
}

/// Prepares a command that calls networks: the settings, and an HTTP client that uses the
/// environment's proxy.
///
/// # Errors
/// Reports a failure to the person and returns the exit status.
pub(crate) fn prepared(sources: Result<Sources>) -> Result<(Sources, Https), ExitCode> {
    sources
        .and_then(|sources| Ok((sources, Https::from_environment()?)))
        .map_err(|error| {
            complain(&format!("{error:#}"));
            Status::Settings.into()
        })
}

/// All sources, read.
pub(crate) struct Sources {
    pub(crate) file: Option<SettingsFile>,
    pub(crate) configuration: Option<Configuration>,
}

/// Where a setting is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    Environment,
    File,
    Configuration,
}

impl Sources {
    /// The value of a setting.
    pub(crate) fn look_up(&self, name: &str) -> Option<String> {
        self.find(name).map(|(text, _)| text)
    }

    /// The source of a setting, if it is set.
    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        self.find(name).map(|(_, origin)| origin)
    }

    /// Warns of possible mistakes, one sentence each. No sentence contains a value.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self
            .file
            .as_ref()
            .map(SettingsFile::warnings)
            .unwrap_or_default();
        for name in settings::names() {
            let (Some(file), Some(configuration)) = (&self.file, &self.configuration) else {
                break;
            };
            let is_blank = file.value(name).is_some_and(|value| !is_set(value));
            let is_hidden = is_blank && configuration.value(name).is_some_and(is_set);
            if is_hidden && self.find(name).is_none() {
                warnings.push(format!(
                    "{} sets {name} to nothing, which goes before its value in {}.",
                    shown(&file.path),
                    shown(&configuration.path)
                ));
            }
        }
        warnings
    }

    /// Prints the warnings.
    pub(crate) fn warn(&self) {
        for warning in self.warnings() {
            complain(&warning);
        }
    }

    fn find(&self, name: &str) -> Option<(String, Origin)> {
        // A value that is not UTF-8 is refused later, not skipped.
        let of_environment = env::var_os(name).map(|text| text.to_string_lossy().into_owned());
        if let Some(text) = of_environment.filter(|text| is_set(text)) {
            return Some((text, Origin::Environment));
        }
        let of_file = self.file.as_ref().and_then(|file| file.value(name));
        let of_configuration = || self.configuration.as_ref()?.value(name);
        let (text, origin) = match of_file {
            // As for wrangler, even an empty value takes precedence over the configuration.
            Some(text) => (text, Origin::File),
            None => (of_configuration()?, Origin::Configuration),
        };
        is_set(text).then(|| (text.to_owned(), origin))
    }
}

/// Whether a text is anything but white space and quotation marks.
fn is_set(text: &str) -> bool {
    !pasted::text(text).is_empty()
}

/// A settings file. Its text and values may be secret, so it has no `Debug`.
pub(crate) struct SettingsFile {
    pub(crate) path: PathBuf,
    text: String,
    definitions: Vec<Definition>,
    /// The numbers of the lines that define nothing.
    unread: Vec<usize>,
}

impl SettingsFile {
    /// Reads a file; `None` if it does not exist.
    pub(crate) fn read_if_there(path: &Path) -> Result<Option<Self>> {
        let text = private_file::read_text(path).context("the settings cannot be read")?;
        text.map(|text| Self::new(path, text)).transpose()
    }

    /// Parses a file's text.
    pub(crate) fn new(path: &Path, text: String) -> Result<Self> {
        let dotenv::Parsed {
            definitions,
            unread,
        } = dotenv::parse(&text)?;
        Ok(Self {
            path: path.to_owned(),
            text,
            definitions,
            unread,
        })
    }

    /// The names that it defines, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(|one| one.name.as_str())
    }

    /// The value of a name. The last definition counts.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.definition(name).map(|one| one.value.as_str())
    }

    fn definition(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().rfind(|one| one.name == name)
    }

    /// Warns of possible mistakes, one sentence each. No sentence contains a value.
    fn warnings(&self) -> Vec<String> {
        let path = shown(&self.path);
        let mut warnings = Vec::new();
        if private_file::is_open_to_others(&self.path) {
            warnings.push(format!(
                "Others on this machine may read {path}: chmod 600 {path}"
            ));
        }
        for line in &self.unread {
            warnings.push(format!(
                "Line {line} of {path} is not read: it has to be NAME=value, with a name of \
                 letters, digits and _ alone."
            ));
        }
        for name in settings::names() {
            let Some(definition) = self.definition(name) else {
                continue;
            };
            let (first, last) = definition.lines;
            if first != last {
                warnings.push(format!(
                    "{name} in {path} goes from line {first} to line {last}: is a quotation mark \
                     or a value missing?"
                ));
            }
            if definition.is_cut {
                warnings.push(format!(
                    "{name} in {path} ends before a #: if that belongs to it, put the whole value \
                     into quotation marks."
                ));
            }
        }
        warnings
    }

    /// Returns the text with new values for these names and everything else unchanged.
    ///
    /// # Errors
    /// When a value cannot be written: it contains all three kinds of quotation marks.
    pub(crate) fn with<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<String> {
        let mut text = self.text.clone();
        // From the end, so that earlier places stay valid.
        let mut changes = Vec::new();
        for (name, value) in values {
            let value = quoted(value)
                .with_context(|| format!("{name} contains all three kinds of quotation marks"))?;
            let line = format!("{name}={value}");
            if let Some(definition) = self.definition(name) {
                changes.push((definition.place.clone(), line));
                continue;
            }
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&line);
            text.push('\n');
        }
        changes.sort_by_key(|(place, _)| place.start);
        for (place, line) in changes.into_iter().rev() {
            text.replace_range(place, &line);
        }
        Ok(text)
    }
}

/// A value as it can stand in the file; `None` if no quotation mark is left for it.
fn quoted(value: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~+/=:?&%@,".contains(c);
    if value.chars().all(is_plain) {
        return Some(value.to_owned());
    }
    let quote = ['\'', '`', '"']
        .into_iter()
        .find(|quote| !value.contains(*quote))?;
    Some(format!("{quote}{value}{quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SettingsFile {
        SettingsFile::new(Path::new("no/.dev.vars"), text.to_owned()).unwrap()
    }

    #[test]
    fn what_may_not_be_meant_is_told_without_a_value() {
        let text = "API_KEY=hunter2\nAPI SECRET=hunter2\nTIME_ZONE='hunter2\nPERIOD=1h\nX='\n\
                    TRIGGER_TOKEN=hunter2#hunter2\n";
        assert_eq!(
            file(text).warnings(),
            [
                "Line 2 of no/.dev.vars is not read: it has to be NAME=value, with a name of \
                 letters, digits and _ alone.",
                "TIME_ZONE in no/.dev.vars goes from line 3 to line 5: is a quotation mark or a \
                 value missing?",
                "TRIGGER_TOKEN in no/.dev.vars ends before a #: if that belongs to it, put the \
                 whole value into quotation marks.",
            ]
        );
        assert!(file("API_KEY=a # note\nOTHER=a#b\n").warnings().is_empty());
    }

    #[test]
    fn nothing_in_the_file_goes_before_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let toml = "[vars]\nTIME_ZONE = 'Europe/Berlin'\nPERIOD = '1h'\nDIRECTION = 'a'\n";
        std::fs::write(folder.path().join("wrangler.toml"), toml).unwrap();
        let sources = Sources {
            file: Some(file("TIME_ZONE=\u{feff}\nPERIOD=2h\n")),
            configuration: Configuration::find(folder.path(), None).unwrap(),
        };
        assert_eq!(sources.look_up("TIME_ZONE"), None);
        assert_eq!(sources.look_up("PERIOD").as_deref(), Some("2h"));
        assert_eq!(sources.origin("PERIOD"), Some(Origin::File));
        assert_eq!(sources.look_up("DIRECTION").as_deref(), Some("a"));
        assert_eq!(sources.origin("DIRECTION"), Some(Origin::Configuration));
        let [warning] = sources.warnings().try_into().unwrap();
        assert!(warning.contains("sets TIME_ZONE to nothing"), "{warning}");
    }

    #[test]
    fn other_values_leave_all_other_lines_as_they_are() {
        let before = "# Keys\r\nA=1 # one\r\n\nB='x\ny'\nC=3";
        let values = [("C", "c c"), ("A", "a"), ("B", "b"), ("D", "it's")];
        let after = file(before).with(values).unwrap();
        assert_eq!(after, "# Keys\r\nA=a\r\n\nB=b\nC='c c'\nD=`it's`\n");
        let read = file(&after);
        for (name, value) in [("A", "a"), ("B", "b"), ("C", "c c"), ("D", "it's")] {
            assert_eq!(read.value(name), Some(value));
        }
        assert_eq!(file("").with([("A", "1")]).unwrap(), "A=1\n");
        let error = file("")
            .with([("A", "'`\"hunter2")])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("A contains") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
