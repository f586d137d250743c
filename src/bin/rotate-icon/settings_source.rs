//! Where the command's settings come from: the environment, and a file as
//! `wrangler dev` reads it (`.dev.vars`).

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

/// The file that is read if no other is named.
pub(crate) const DEFAULT_FILE: &str = ".dev.vars";

/// Where the settings are.
#[derive(Args)]
pub(crate) struct SettingsArgs {
    /// A file with settings, NAME=value in each line; .dev.vars if there is one here.
    ///
    /// The names are those of the Worker's variables and secrets. What is set in
    /// the environment goes before the file.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl SettingsArgs {
    /// Reads the file, if there is one.
    pub(crate) fn read(&self) -> Result<Sources> {
        let file = match &self.settings {
            Some(path) => SettingsFile::read(path)?,
            None => SettingsFile::read_if_there(Path::new(DEFAULT_FILE))?,
        };
        Ok(Sources { file })
    }

    /// Reads the file if it is there, even if it is named: who signs in begins one.
    pub(crate) fn read_if_there(&self) -> Result<Sources> {
        let file = SettingsFile::read_if_there(self.path())?;
        Ok(Sources { file })
    }

    /// The file that is written to if no other is named.
    pub(crate) fn path(&self) -> &Path {
        self.settings.as_deref().unwrap_or(Path::new(DEFAULT_FILE))
    }
}

/// All that is set.
pub(crate) struct Sources {
    pub(crate) file: Option<SettingsFile>,
}

/// Where a setting is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Environment,
    File,
}

impl Origin {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::File => "file",
        }
    }
}

impl Sources {
    /// The text of a setting.
    pub(crate) fn look_up(&self, name: &str) -> Option<String> {
        self.find(name).map(|(text, _)| text)
    }

    /// Where a setting is set, if it is.
    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        self.find(name).map(|(_, origin)| origin)
    }

    fn find(&self, name: &str) -> Option<(String, Origin)> {
        let is_set = |text: &String| !text.trim().is_empty();
        if let Some(text) = std::env::var(name).ok().filter(is_set) {
            return Some((text, Origin::Environment));
        }
        let text = self.file.as_ref()?.value(name)?.to_owned();
        is_set(&text).then_some((text, Origin::File))
    }
}

/// A file of settings. Its text and values may be secret, so it has no `Debug`.
pub(crate) struct SettingsFile {
    pub(crate) path: PathBuf,
    text: String,
    definitions: Vec<Definition>,
}

/// One `NAME=value`.
struct Definition {
    name: String,
    value: String,
    /// Where it stands in the text, without the end of the line.
    place: Range<usize>,
}

impl SettingsFile {
    fn read(path: &Path) -> Result<Option<Self>> {
        match Self::read_if_there(path)? {
            None => bail!("there is no file {}", path.display()),
            some => Ok(some),
        }
    }

    /// Reads a file; `None` if there is none.
    pub(crate) fn read_if_there(path: &Path) -> Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Self::new(path, text))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error)
                .with_context(|| format!("cannot read the settings in {}", path.display())),
        }
    }

    /// A file with this text.
    pub(crate) fn new(path: &Path, text: String) -> Self {
        Self {
            path: path.to_owned(),
            definitions: definitions(&text),
            text,
        }
    }

    /// The names that it defines, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(|one| one.name.as_str())
    }

    /// The value of a name; the last one counts.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let definition = self.definitions.iter().rfind(|one| one.name == name)?;
        Some(&definition.value)
    }

    /// The whole text with other values for these names, and all else as it is.
    pub(crate) fn with<'a>(&self, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let mut text = self.text.clone();
        // From the end, so that the places before stay.
        let mut changes = Vec::new();
        for (name, value) in values {
            let line = format!("{name}={}", quoted(value));
            if let Some(definition) = self.definitions.iter().rfind(|one| one.name == name) {
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
        text
    }
}

/// A value as it can stand in the file.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~+/=:?&%@,".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let fitting = ['\'', '`', '"']
        .into_iter()
        .find(|quote| !value.contains(*quote));
    let quote = fitting.unwrap_or('\'');
    format!("{quote}{value}{quote}")
}

/// Reads a text as dotenv does, which wrangler uses: comments, `export`, and values
/// that may stand in quotes, over several lines too.
fn definitions(text: &str) -> Vec<Definition> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let line = rest.lines().next().unwrap_or_default();
        let mut end = start + line.len();
        if let Some((name, after)) = name_of(line) {
            let (value, length) = value_of(after, rest.get(line.len()..).unwrap_or_default());
            end += length;
            found.push(Definition {
                name: name.to_owned(),
                value,
                place: start..end,
            });
        }
        let tail = text.get(end..).unwrap_or_default();
        start = tail.find('\n').map_or(text.len(), |at| end + at + 1);
    }
    found
}

/// The name that a line defines, and what follows the `=`.
fn name_of(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let name = match name.split_once(char::is_whitespace) {
        Some(("export", name)) => name.trim_start(),
        _ => name,
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, value))
}

/// A value, and how much longer than its line it is. `below` is the text from the
/// end of that line.
fn value_of(after: &str, below: &str) -> (String, usize) {
    let after = after.trim_start();
    let quote = after
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"' | '`'));
    if let Some(quote) = quote {
        let whole = format!("{after}{below}");
        let mut is_escaped = false;
        let closing = whole.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            closes
        });
        if let Some((closing, _)) = closing {
            let value = whole.get(1..closing).unwrap_or_default();
            let value = match quote {
                '"' => value.replace("\\n", "\n").replace("\\r", "\r"),
                _ => value.to_owned(),
            };
            let line_end = whole
                .get(closing..)
                .and_then(|tail| tail.find('\n'))
                .map_or(whole.len(), |at| closing + at);
            return (value, line_end.saturating_sub(after.len()));
        }
    }
    let value = after.split('#').next().unwrap_or_default();
    (value.trim().to_owned(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SettingsFile {
        SettingsFile::new(Path::new(".dev.vars"), text.to_owned())
    }

    #[test]
    fn it_is_read_as_wrangler_reads_it() {
        let text = "# A comment\n\
                    API_KEY=abc\n\
                    \u{20} SPACED = a b \t\r\n\
                    export EXPORTED=e\n\
                    COMMENTED=c # about it\n\
                    QUOTED='a # b'\n\
                    DOUBLE=\"a\\nb\"  # note\n\
                    TICKS=`it's`\n\
                    LONG=\"one\ntwo\"\n\
                    OPEN='a\n\
                    EMPTY=\n\
                    no definition\n\
                    a b=c\n\
                    EQUALS=a=b==\n\
                    API_KEY=last";
        let file = file(text);
        for (name, value) in [
            ("API_KEY", Some("last")),
            ("SPACED", Some("a b")),
            ("EXPORTED", Some("e")),
            ("COMMENTED", Some("c")),
            ("QUOTED", Some("a # b")),
            ("DOUBLE", Some("a\nb")),
            ("TICKS", Some("it's")),
            ("LONG", Some("one\ntwo")),
            ("OPEN", Some("'a")),
            ("EMPTY", Some("")),
            ("EQUALS", Some("a=b==")),
            ("no definition", None),
            ("a b", None),
        ] {
            assert_eq!(file.value(name), value, "{name}");
        }
        assert_eq!(file.names().count(), 12);
    }

    #[test]
    fn other_values_leave_all_other_lines_as_they_are() {
        let before = "# Keys\r\nA=1 # one\r\n\nB='x\ny'\nC=3";
        let after = file(before).with([("C", "c c"), ("A", "a"), ("B", "b"), ("D", "it's")]);
        assert_eq!(after, "# Keys\r\nA=a\r\n\nB=b\nC='c c'\nD=`it's`\n");
        let read = file(&after);
        for (name, value) in [("A", "a"), ("B", "b"), ("C", "c c"), ("D", "it's")] {
            assert_eq!(read.value(name), Some(value));
        }
        assert_eq!(file("").with([("A", "1")]), "A=1\n");
    }
}
