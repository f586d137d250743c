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
    /// What it is when it is not set.
    pub default: &'static str,
    /// What it may be.
    pub accepts: &'static str,
}

/// What a key or token of a network may be.
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

/// Reads one setting after the other and gathers what is wrong.
pub struct Reader<'a> {
    look_up: &'a dyn Fn(&str) -> Option<String>,
    errors: SettingsErrors,
}

impl<'a> Reader<'a> {
    /// A reader of the texts that `look_up` finds by name.
    pub fn new(look_up: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            look_up,
            errors: SettingsErrors::default(),
        }
    }

    /// The text of a setting, without what was copied along with it. A blank text counts as not
    /// set.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = pasted::value(&(self.look_up)(name)?, name);
        (!value.is_empty()).then_some(value)
    }

    /// Ends the reading: gives what was read, unless something is wrong.
    ///
    /// # Errors
    /// When a setting is missing or does not parse.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, SettingsErrors> {
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

    /// A setting that has a default, read by a function that returns `None` for a text it does not
    /// understand.
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
        let text = self.text(name);
        if text.is_none() {
            self.errors.missing.push(name);
        }
        text
    }

    /// A setting that may be left out. `accepts` says what it may be.
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

    /// A setting that has to be set. `accepts` says what it may be.
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
