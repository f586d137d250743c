//! The form of the columns that hold several things: a line each, `key value`. A value has no line
//! break; JSON needs none.

use std::str::FromStr;

/// The values of a text with their keys. Leaves out what has no such key.
pub(super) fn parse<K: FromStr>(text: &str) -> impl Iterator<Item = (K, &str)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key.parse().ok()?, value))
    })
}

/// The text of values with their keys.
pub(super) fn join<'a, K: ToString>(values: impl Iterator<Item = (K, &'a str)>) -> String {
    let mut text = String::new();
    for (key, value) in values {
        text.push_str(&key.to_string());
        text.push(' ');
        // Only what another version has stored can have line breaks.
        text.extend(value.chars().map(|char| {
            if matches!(char, '\n' | '\r') {
                ' '
            } else {
                char
            }
        }));
        text.push('\n');
    }
    text
}
