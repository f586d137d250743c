//! Reads settings: texts by their names.

use std::str::FromStr;

use crate::settings::errors::{Invalid, SettingsErrors};
use crate::settings::pasted;
use crate::settings::secret::Secret;

/// A setting that has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value when it is not set.
    pub default: &'static str,
    /// What its value may be.
    pub accepts: &'static str,
}

/// What the value of a network's key or token may be.
pub const TOKEN_ACCEPTS: &str = "the whole text as the network shows it, without spaces and \
     quotation marks";

/// Reads a few settings. `look_up` gives the text of a name, or `None` if it is not set.
///
/// # Errors
/// When one is missing or does not parse.
pub fn read_some<T>(
    look_up: impl Fn(&str) -> Option<String>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, SettingsErrors> {
    let mut reader = Reader::new(&look_up);
    let some = read(&mut reader);
    reader.finish(some)
}

/// Reads settings one after the other, and collects what is wrong with them.
pub struct Reader<'a> {
    look_up: &'a dyn Fn(&str) -> Option<String>,
    errors: SettingsErrors,
}

impl<'a> Reader<'a> {
    /// Creates a reader of the texts that `look_up` finds by name.
    pub fn new(look_up: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            look_up,
            errors: SettingsErrors::default(),
        }
    }

    /// Returns the text of a setting, without what was copied along with it. A blank text counts as
    /// not set.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = pasted::value(&(self.look_up)(name)?, name);
        (!value.is_empty()).then_some(value)
    }

    /// Ends the reading: returns what was read, unless something is wrong.
    ///
    /// # Errors
    /// When a setting is missing or does not parse.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, SettingsErrors> {
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            _ => Err(self.errors),
        }
    }

    /// Reads a setting that has a default. A text that does not parse is tried in lower case too.
    pub fn parsed<T: FromStr>(&mut self, variable: Variable) -> Option<T> {
        self.parsed_by(variable, |text| {
            let as_it_is = text.parse().ok();
            as_it_is.or_else(|| text.to_lowercase().parse().ok())
        })
    }

    /// Reads a setting that has a default by a function, which returns `None` for a text that it does
    /// not understand.
    pub fn parsed_by<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(variable.name);
        let value = parse(text.as_deref().unwrap_or(variable.default));
        if value.is_none() {
            self.errors.invalid.push(Invalid {
                name: variable.name,
                accepts: variable.accepts,
            });
        }
        value
    }

    /// Reads a key or token that has to be set. Networks show it once, to be copied.
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

    /// Reads a password that has to be set. It may be any text.
    pub fn password(&mut self, name: &'static str) -> Option<Secret> {
        self.required(name).map(Secret::new)
    }

    /// Reads a text that has to be set.
    pub fn required(&mut self, name: &'static str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.errors.missing.push(name);
        }
        text
    }

    /// Reads a setting that may be left out. `accepts` says what its value may be.
    pub fn optional_parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        accepts: &'static str,
    ) -> Option<T> {
        let value = self.text(name)?.parse().ok();
        if value.is_none() {
            self.errors.invalid.push(Invalid { name, accepts });
        }
        value
    }

    /// Reads a setting that has to be set. `accepts` says what its value may be.
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
