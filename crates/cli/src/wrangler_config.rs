//! The Worker's variables in wrangler's configuration, found and read as wrangler does:
//! <https://developers.cloudflare.com/workers/wrangler/configuration/>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use jsonc_parser::ParseOptions;
use serde_json::Value;

use crate::private_file;
use crate::text::shown;

/// The names that wrangler looks for, in this order, in a folder and all folders above.
const NAMES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// The variable that chooses one of the configuration's environments.
pub(crate) const ENVIRONMENT: &str = "CLOUDFLARE_ENV";

/// The variables in a configuration. Some people keep secrets there, so it has no `Debug`.
pub(crate) struct Configuration {
    pub(crate) path: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Configuration {
    /// Finds and reads the configuration for a folder; `None` if there is none.
    pub(crate) fn find(folder: &Path, environment: Option<&str>) -> Result<Option<Self>> {
        let found = NAMES.into_iter().find_map(|name| {
            let paths = folder.ancestors().map(|above| above.join(name));
            paths.into_iter().find(|path| path.is_file())
        });
        found.map(|path| Self::read(path, environment)).transpose()
    }

    fn read(path: PathBuf, environment: Option<&str>) -> Result<Self> {
        let text = private_file::read_text(&path)?.unwrap_or_default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        let value = if is_toml {
            from_toml(text)
        } else {
            from_json(text)
        };
        // Without the line itself, which may contain a secret.
        let value = value.map_err(|why| anyhow!("cannot read {}: {why}", shown(&path)))?;
        let chosen = match environment {
            None => &value,
            Some(name) => match value.get("env").and_then(Value::as_object) {
                Some(all) if all.contains_key(name) => &all[name],
                Some(all) if !all.is_empty() => bail!(
                    "{ENVIRONMENT} names an environment that {} does not have",
                    shown(&path)
                ),
                _ => &value,
            },
        };
        let variables = chosen.get("vars").and_then(Value::as_object);
        let variables = variables.into_iter().flatten().map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                // As the Worker reads a value that is not a text.
                other => other.to_string(),
            };
            (name.clone(), text)
        });
        Ok(Self {
            variables: variables.collect(),
            path,
        })
    }

    /// The value of a variable.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

fn from_toml(text: &str) -> Result<Value, String> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        format!("line {}: {}", line_at(text, at), error.message())
    })
}

fn from_json(text: &str) -> Result<Value, String> {
    let parsed = jsonc_parser::parse_to_serde_value::<Value>(text, &ParseOptions::default());
    parsed.map_err(|error| format!("line {}: {}", error.line_display(), error.kind()))
}

fn line_at(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs;

    /// The values of A and B in a folder with these files, below which it is asked for.
    fn found(files: &[(&str, &str)], environment: Option<&str>) -> Result<[Option<String>; 2]> {
        let folder = tempfile::tempdir()?;
        let below = folder.path().join("a/b");
        fs::create_dir_all(&below)?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text)?;
        }
        let found = Configuration::find(&below, environment)?;
        let value = |name| Some(found.as_ref()?.value(name)?.to_owned());
        Ok(["A", "B"].map(value))
    }

    #[test]
    fn variables_are_found_in_every_form() {
        let both = [Some("1".to_owned()), Some("x # y".to_owned())];
        for (name, text) in [
            (
                "wrangler.toml",
                "name = \"n\"\n[vars]\nA = 1\nB = 'x # y'\n",
            ),
            (
                "wrangler.toml",
                "\u{feff}vars = { A = \"1\", B = \"x # y\" }",
            ),
            (
                "wrangler.jsonc",
                "{ // c\n \"vars\": { \"A\": 1, \"B\": \"x # y\", } }",
            ),
            (
                "wrangler.json",
                "{\"vars\": {\"A\": \"1\", \"B\": \"x # y\"}}",
            ),
            ("a/wrangler.toml", "[vars]\nA = '1'\nB = 'x # y'"),
        ] {
            assert_eq!(found(&[(name, text)], None).unwrap(), both, "{text}");
        }
        let none = [None, None];
        assert_eq!(
            found(&[("wrangler.toml", "name = 'n'")], None).unwrap(),
            none
        );
        let jsonc = ("wrangler.jsonc", "{\"vars\": {\"A\": \"j\"}}");
        let toml = ("a/wrangler.toml", "vars = { A = 't' }");
        assert_eq!(
            found(&[toml, jsonc], None).unwrap()[0].as_deref(),
            Some("j")
        );
    }

    #[test]
    fn an_environment_has_variables_of_its_own() {
        let text = "[vars]\nA = 'top'\nB = 'top'\n[env.dev.vars]\nA = 'dev'\n[env.bare]";
        let of = |name| found(&[("wrangler.toml", text)], name);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(None).unwrap(), [some("top"), some("top")]);
        assert_eq!(of(Some("dev")).unwrap(), [some("dev"), None]);
        assert_eq!(of(Some("bare")).unwrap(), [None, None]);
        assert!(
            of(Some("other"))
                .unwrap_err()
                .to_string()
                .contains("CLOUDFLARE_ENV")
        );
        let alone = found(&[("wrangler.toml", "vars = { A = 'top' }")], Some("dev"));
        assert_eq!(alone.unwrap()[0], some("top"));
    }

    #[test]
    fn what_cannot_be_read_is_told_without_its_text() {
        for (name, text) in [
            ("wrangler.toml", "[vars]\nA = \"hunter2\nB = 1"),
            ("wrangler.json", "{\"vars\":\n {\"A\": \"hunter2\" \"B\"}}"),
        ] {
            let error = format!("{:#}", found(&[(name, text)], None).unwrap_err());
            assert!(error.contains(name) && error.contains("line 2"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
