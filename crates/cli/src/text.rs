//! Words for a terminal: what files are called, and texts from elsewhere, are made harmless before
//! they are shown.

use std::borrow::Cow;
use std::path::Path;

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
