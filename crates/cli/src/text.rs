//! Makes file names and text from outside safe to show on a terminal.

use std::borrow::Cow;
use std::path::Path;

/// Formats a path for a terminal or a line in a log. Invisible characters, such as those of an
/// escape sequence, are written as their codes.
pub(crate) fn shown(path: &Path) -> String {
    let mut shown = String::new();
    for c in path.to_string_lossy().chars() {
        // Quotation marks and backslashes stay unescaped.
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// Removes escape sequences from text for a terminal: control characters other than line breaks and
/// tabs are written as their codes.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
