//! Words for people: what came from a request, and what files are called, is made
//! harmless before it is shown.

use std::borrow::Cow;
use std::path::Path;

/// The longest piece of a request that is repeated in an explanation.
const LONGEST_QUOTE: usize = 100;

/// A piece of a request in quotation marks: short, and without control characters, so that it can
/// be shown in a terminal.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("“{}”", shown.escape_debug())
}

/// The name of a file, fit for a terminal and a line of a log: what is no letter, digit
/// or sign that shows, such as an escape sequence, is written as its code.
pub(crate) fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for c in path.to_string_lossy().chars() {
        // A quotation mark or a backslash of a path shows as it is.
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// A text for a terminal, without escape sequences: a control character other than a
/// line break or a tab is written as its code.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::new();
    for c in text.chars() {
        if is_harmful(c) {
            harmless.extend(c.escape_debug());
        } else {
            harmless.push(c);
        }
    }
    Cow::Owned(harmless)
}

/// A number with its thousands set apart: 80,123.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quoted("skip"), "“skip”");
        assert_eq!(quoted("a\u{1b}[31m\nb"), "“a\\u{1b}[31m\\nb”");
        assert_eq!(quoted("\u{202e}x"), "“\\u{202e}x”");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), LONGEST_QUOTE + 3);
    }

    #[test]
    fn names_of_files_are_harmless() {
        for (name, text) in [
            (
                "icons/it's \"mine\" ä日本.png",
                "icons/it's \"mine\" ä日本.png",
            ),
            ("a\u{1b}[31m\nb\tc", "a\\u{1b}[31m\\nb\\tc"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("a\\b", "a\\b"),
        ] {
            assert_eq!(shown(Path::new(name)), text);
        }
    }

    #[test]
    fn a_terminal_obeys_no_text() {
        assert_eq!(harmless("✓ ä\n\tb"), "✓ ä\n\tb");
        assert_eq!(harmless("a\u{1b}[2Jb\r\u{9b}c"), "a\\u{1b}[2Jb\\r\\u{9b}c");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (80_123, "80,123"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
