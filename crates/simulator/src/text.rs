//! Texts for people: what came from a request is made harmless before it is shown.

use thousands::Separable;

/// The longest piece of a request that an explanation repeats, in characters.
const LONGEST_QUOTE: usize = 100;

/// A piece of a request in quotation marks, shortened and with control characters escaped, so
/// that a terminal can show it.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("“{}”", shown.escape_debug())
}

/// A number with a comma between its thousands: 80,123.
pub(crate) fn grouped(number: usize) -> String {
    number.separate_with_commas()
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
